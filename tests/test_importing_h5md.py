"""H5MD as other writers choose to write it: each choice is read as what it means, or refused in words."""

import h5py
import numpy as np
import pytest

from foreign_files import (
    LAMMPS_NAMES,
    moving_liquid,
    read_all,
    write_h5md,
)
from glassdyn.importing.source import ImportingError
from glassdyn.storage.trajectory import TrajectoryError, open_trajectory
from glassdyn.storage.trajectory_writer import THERMODYNAMICS, TrajectoryWriter


@pytest.fixture(scope="module")
def moving():
    return moving_liquid(particles=60)


def require_liquid(path, moving, **options):
    frames = read_all(path, **options)
    assert len(frames) == len(moving.steps)
    for number, frame in enumerate(frames):
        np.testing.assert_allclose(frame.configuration.positions, moving.wrapped[number], atol=1e-6)
        np.testing.assert_array_equal(frame.configuration.species, moving.species)
        assert frame.configuration.box_length == pytest.approx(moving.box_length, rel=1e-9)
    return frames


def cube(moving, frames=0, dtype=np.float64):
    matrix = np.eye(3, dtype=dtype) * moving.box_length
    return np.repeat(matrix[None], frames, axis=0) if frames else matrix


def test_the_only_group_is_taken_whatever_its_name(moving, tmp_path):
    write_h5md(tmp_path / "t.h5", moving, "particles/atoms")
    require_liquid(tmp_path / "t.h5", moving)


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_the_box_may_be_a_matrix(moving, tmp_path, frames):
    name = "box__edges__value" if frames else "box__edges"
    changes = {"box__edges": None, name: cube(moving, frames, np.float32)}
    write_h5md(tmp_path / "t.h5", moving, **changes)
    require_liquid(tmp_path / "t.h5", moving)


def test_edges_may_differ_by_their_last_digit(moving, tmp_path):
    edges = np.array([1, 1 + 2e-16, 1]) * moving.box_length
    write_h5md(tmp_path / "t.h5", moving, box__edges=edges)
    require_liquid(tmp_path / "t.h5", moving)


@pytest.mark.parametrize("offset", [0, 7])
def test_steps_and_times_may_be_an_interval(moving, tmp_path, offset):
    write_h5md(tmp_path / "t.h5", moving, position__step=40, position__time=0.2)
    with h5py.File(tmp_path / "t.h5", "a") as file:
        file["particles/all/position/step"].attrs["offset"] = 40 * offset
        file["particles/all/position/time"].attrs["offset"] = 0.2 * offset
    frames = require_liquid(tmp_path / "t.h5", moving)
    assert [frame.step for frame in frames] == [40 * offset, 40 * offset + 40, 40 * offset + 80]
    assert frames[2].time == pytest.approx(0.2 * offset + 0.4)


def test_steps_and_times_may_be_absent(moving, tmp_path):
    write_h5md(tmp_path / "t.h5", moving, position__step=None, position__time=None)
    assert {(frame.step, frame.time) for frame in require_liquid(tmp_path / "t.h5", moving)} == {(None, None)}


def test_species_may_be_stated_for_each_frame(moving, tmp_path):
    each = np.repeat(moving.species[None].astype(np.int32), 3, axis=0)
    write_h5md(tmp_path / "t.h5", moving, species=None, species__value=each)
    require_liquid(tmp_path / "t.h5", moving)
    write_h5md(tmp_path / "fewer.h5", moving, species=None, species__value=each[:2])
    with pytest.raises(ImportingError, match="has 2 frames, less than the positions"):
        read_all(tmp_path / "fewer.h5")


def test_species_may_be_numbered_from_1_or_named(moving, tmp_path):
    write_h5md(tmp_path / "1.h5", moving, species=moving.species.astype(np.int64) + 1)
    require_liquid(tmp_path / "1.h5", moving, species=LAMMPS_NAMES)
    with pytest.raises(ImportingError, match="say which is which, as in --species 1=A,2=B"):
        read_all(tmp_path / "1.h5")
    write_h5md(tmp_path / "words.h5", moving, species=np.array([b"A", b"B"])[moving.species])
    require_liquid(tmp_path / "words.h5", moving)
    write_h5md(tmp_path / "enum.h5", moving, species=None)
    with h5py.File(tmp_path / "enum.h5", "a") as file:
        kind = h5py.enum_dtype({"A": 7, "B": 3}, basetype="i4")
        file.create_dataset("particles/all/species", data=np.array([7, 3])[moving.species], dtype=kind)
    require_liquid(tmp_path / "enum.h5", moving)


@pytest.mark.parametrize("fixed", [True, False])
def test_rows_are_brought_into_the_order_of_the_ids(moving, tmp_path, fixed):
    """Fixed species stand in the order of the ids, others in that of the rows."""
    orders = [np.random.default_rng(frame).permutation(60) for frame in range(3)]
    changes = {
        "position__value": np.stack([moving.wrapped[frame][order] for frame, order in enumerate(orders)]),
        "id__value": np.stack([moving.ids[order] for order in orders]),
        "image__value": np.stack([moving.images[frame][order] for frame, order in enumerate(orders)]),
    }
    if not fixed:
        changes |= {"species": None, "species__value": np.stack([moving.species[order] for order in orders])}
    write_h5md(tmp_path / "t.h5", moving, **changes)
    for number, frame in enumerate(require_liquid(tmp_path / "t.h5", moving)):
        np.testing.assert_array_equal(frame.ids, moving.ids)
        np.testing.assert_array_equal(frame.images, moving.images[number])


def test_fixed_ids_go_with_the_rows(moving, tmp_path):
    order = np.random.default_rng(0).permutation(60)
    changes = {
        "position__value": moving.wrapped[:, order],
        "id": moving.ids[order],
        "species": moving.species[order],
    }
    write_h5md(tmp_path / "t.h5", moving, **changes)
    require_liquid(tmp_path / "t.h5", moving)


def test_a_group_for_each_species_is_a_mixture(moving, tmp_path):
    for kind, name in enumerate("AB"):
        part = moving.species == kind
        changes = {"position__value": moving.wrapped[:, part], "species": None, "id": moving.ids[part]}
        write_h5md(tmp_path / "t.h5", moving, f"particles/{name}", **changes)
    require_liquid(tmp_path / "t.h5", moving)


def test_groups_with_species_of_their_own_are_named(moving, tmp_path):
    for name in ("fluid", "solid"):
        write_h5md(tmp_path / "t.h5", moving, f"particles/{name}")
    with pytest.raises(ImportingError, match=r"\['fluid', 'solid'\]"):
        read_all(tmp_path / "t.h5")
    write_h5md(tmp_path / "t.h5", moving, "particles/all")
    require_liquid(tmp_path / "t.h5", moving)


def test_one_configuration_may_have_no_frames(moving, tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["particles/all/position"] = moving.wrapped[0]
        file["particles/all/species"] = moving.species.astype(np.int64)
        file["particles/all/box/edges"] = np.full(3, moving.box_length)
    require_liquid(tmp_path / "t.h5", moving._replace(positions=moving.positions[:1], steps=moving.steps[:1]))


def test_what_is_written_here_is_unwrapped_and_has_its_energies(moving, tmp_path):
    with TrajectoryWriter(
        tmp_path / "t.h5",
        species=moving.species,
        box_length=moving.box_length,
        timestep=0.005,
        observables=THERMODYNAMICS,
    ) as writer:
        for step, positions in zip(moving.steps, moving.positions, strict=True):
            writer.append(int(step), positions, dict.fromkeys(THERMODYNAMICS, float(step)))
    frames = read_all(tmp_path / "t.h5")
    assert all(frame.is_unwrapped for frame in frames)
    np.testing.assert_array_equal(frames[2].configuration.positions, moving.positions[2])
    assert frames[1].observables == dict.fromkeys(THERMODYNAMICS, 40.0)


def test_gamdpy_has_a_form_of_its_own(moving, tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.attrs["simbox"] = np.full(3, moving.box_length, np.float32)
        file["r"] = (moving.wrapped[0] - moving.box_length / 2).astype(np.float32)
        file["r_im"], file["ptype"] = moving.images[0], moving.species.astype(np.int32)
    one_frame = moving._replace(positions=moving.positions[:1], steps=moving.steps[:1])
    (frame,) = require_liquid(tmp_path / "t.h5", one_frame)
    np.testing.assert_array_equal(frame.images, moving.images[0])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"species": None}, "needs species"),
        ({"position__value": np.zeros(60)}, "has 2 axes, or one more"),
        ({"position__step": np.arange(2)}, "has 3 entries, or one interval"),
        ({"position__value": np.zeros((3, 60, 2))}, "only liquids in three dimensions"),
        ({"box__edges": np.array([5.0, 5.0, 6.0])}, "the box is a periodic cube"),
        ({"box__edges": np.array([[5.0, 0, 0], [1, 5, 0], [0, 0, 5]])}, "the box is a periodic cube"),
        ({"box__edges": None, "box__x": 1}, "as in --box"),
        ({"id": np.zeros(60, np.int64)}, "an id of its own: got 0 twice"),
        ({"species": np.arange(60)}, "species are named A and B, or 0 and 1"),
    ],
)
def test_what_is_no_liquid_is_refused(moving, tmp_path, changes, reason):
    write_h5md(tmp_path / "t.h5", moving, **changes)
    with pytest.raises(ImportingError, match=reason):
        read_all(tmp_path / "t.h5")


def test_an_open_box_is_refused_as_such(moving, tmp_path):
    write_h5md(tmp_path / "t.h5", moving)
    with h5py.File(tmp_path / "t.h5", "a") as file:
        file["particles/all/box"].attrs["boundary"] = np.array(["periodic", "periodic", "none"], "S8")
    with pytest.raises(ImportingError, match="of which some are open"):
        read_all(tmp_path / "t.h5")


def test_no_link_into_another_file_is_followed(moving, tmp_path):
    write_h5md(tmp_path / "secret.h5", moving)
    write_h5md(tmp_path / "t.h5", moving, position__value=None)
    with h5py.File(tmp_path / "t.h5", "a") as file:
        file["particles/all/position/value"] = h5py.ExternalLink("secret.h5", "particles/all/position/value")
    with pytest.raises(ImportingError, match="a file holds its own data"):
        read_all(tmp_path / "t.h5")
    with h5py.File(tmp_path / "group.h5", "w") as file:
        file["particles/all"] = h5py.ExternalLink("secret.h5", "particles/all")
    with pytest.raises(ImportingError, match="a file holds its own data"):
        read_all(tmp_path / "group.h5")
    with h5py.File(tmp_path / "soft.h5", "w") as file:
        file["hidden"] = h5py.ExternalLink("secret.h5", "particles")
        file["particles"] = h5py.SoftLink("/hidden")
    with pytest.raises(ImportingError, match="a file holds its own data"):
        read_all(tmp_path / "soft.h5")


def test_no_bytes_of_another_file_are_read(moving, tmp_path):
    write_h5md(tmp_path / "t.h5", moving, species=None)
    (tmp_path / "raw").write_bytes(bytes(480))
    with h5py.File(tmp_path / "t.h5", "a") as file:
        outside = [(str(tmp_path / "raw"), 0, 480)]
        file.create_dataset("particles/all/species", (60,), "i8", external=outside)
    with pytest.raises(ImportingError, match="a file holds its own data"):
        read_all(tmp_path / "t.h5")
    layout = h5py.VirtualLayout((60,), "i8")
    write_h5md(tmp_path / "source.h5", moving)
    layout[:] = h5py.VirtualSource(str(tmp_path / "source.h5"), "particles/all/species", (60,))
    write_h5md(tmp_path / "virtual.h5", moving, species=None)
    with h5py.File(tmp_path / "virtual.h5", "a") as file:
        file.create_virtual_dataset("particles/all/species", layout)
    with pytest.raises(ImportingError, match="a file holds its own data"):
        read_all(tmp_path / "virtual.h5")


def test_a_dataset_of_nothing_takes_no_memory(moving, tmp_path):
    write_h5md(tmp_path / "t.h5", moving, position__value=None, position__step=None, position__time=None)
    with h5py.File(tmp_path / "t.h5", "a") as file:
        shape = (1, 40_000_000, 3)
        file.create_dataset("particles/all/position/value", shape, "f8", chunks=(1, 10_000, 3))
    with pytest.raises(ImportingError, match="of which nearly nothing is stored"):
        read_all(tmp_path / "t.h5")


def test_truncated_and_damaged_files(moving, tmp_path):
    write_h5md(tmp_path / "t.h5", moving)
    data = (tmp_path / "t.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.h5").write_text("text")
    for name in ("cut.h5", "text.h5"):
        with pytest.raises(ImportingError, match="is truncated, damaged or no HDF5 file"):
            read_all(tmp_path / name)
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file["something"] = 1
    with pytest.raises(ImportingError, match=r"has \['something'\]"):
        read_all(tmp_path / "empty.h5")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"box__edges": np.array([5.0, 5.0, 6.0])}, "cube that does not change.*glassdyn import"),
        ({"box__edges": np.eye(3) * 5}, "cube that does not change.*glassdyn import"),
        ({"species": None, "species__value": np.zeros((3, 60))}, "species must be the same.*glassdyn import"),
        ({"id__value": np.zeros((3, 60))}, "id must be the same.*glassdyn import"),
        ({"species": np.ones(60, np.int64) + 1}, "species are 0 for A and 1 for B.*glassdyn import"),
        ({"position__value": None}, "none that can be read.*glassdyn import"),
    ],
)
def test_the_pipeline_reads_its_own_form_and_names_the_way_into_it(moving, tmp_path, changes, reason):
    write_h5md(tmp_path / "t.h5", moving, **changes)
    with pytest.raises(TrajectoryError, match=reason), open_trajectory(tmp_path / "t.h5"):
        pass


def test_the_pipeline_takes_no_open_box_and_minds_no_rounding(moving, tmp_path):
    write_h5md(tmp_path / "t.h5", moving, box__edges=np.array([1, 1 + 2e-16, 1]) * moving.box_length)
    with open_trajectory(tmp_path / "t.h5") as trajectory:
        assert trajectory.box_length == pytest.approx(moving.box_length)
    with h5py.File(tmp_path / "t.h5", "a") as file:
        file["particles/all/box"].attrs["boundary"] = np.array(["periodic", "periodic", "none"], "S8")
    with pytest.raises(TrajectoryError, match="the box is periodic"), open_trajectory(tmp_path / "t.h5"):
        pass
