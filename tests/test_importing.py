"""One trajectory in every format: the same particles, species, box and positions, joined by id; and its conversion."""

import numpy as np
import pytest

from foreign_files import (
    ATOOMS,
    LAMMPS_NAMES,
    WRITERS,
    Moving,
    moving_liquid,
    read_all,
    write_ase,
    write_data,
    write_dcd,
    write_dump,
    write_gsd,
    write_text,
    write_xtc,
    write_xyz,
)
from glassdyn.importing import ReadOptions, open_source, read_frames
from glassdyn.importing.convert import import_snapshots, import_trajectory
from glassdyn.importing.number_table import parse_table
from glassdyn.importing.source import ImportingError
from glassdyn.importing.text import open_lines
from glassdyn.liquid.box import minimum_image, wrap
from glassdyn.storage.snapshots import read_ids, read_snapshot, read_snapshot_metadata
from glassdyn.storage.trajectory import open_trajectory


@pytest.fixture(scope="module")
def moving():
    return moving_liquid(particles=200, frames=5)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_states_the_same_liquid(moving, tmp_path, name):
    write, options = WRITERS[name]
    write(tmp_path / name, moving)
    frames = read_all(tmp_path / name, **options)
    assert [frame.number for frame in frames] == list(range(5))
    for frame, positions in zip(frames, moving.positions, strict=True):
        assert frame.configuration.box_length == moving.box_length
        np.testing.assert_array_equal(frame.configuration.species, moving.species)
        wrapped = wrap(frame.configuration.positions, moving.box_length)
        shift = minimum_image(wrapped - wrap(positions, moving.box_length), moving.box_length)
        assert np.abs(shift).max() < 1e-12
        if frame.ids is not None:
            np.testing.assert_array_equal(frame.ids, moving.ids)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_becomes_the_same_trajectory(moving, tmp_path, name):
    write, options = WRITERS[name]
    write(tmp_path / name, moving)
    imported = import_trajectory(
        [tmp_path / name], tmp_path / "out.h5", ReadOptions(timestep=moving.timestep, **options)
    )
    assert imported.frames == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out.h5"])
    with open_trajectory(tmp_path / "out.h5") as trajectory:
        walked = trajectory.window(0, 5) - trajectory.frame(0)
        np.testing.assert_allclose(walked, moving.positions - moving.positions[0], atol=1e-5)
        np.testing.assert_array_equal(trajectory.species, moving.species)
        assert trajectory.box_length == moving.box_length
        assert trajectory.interval == pytest.approx(0.2)
        if trajectory.ids is not None:
            np.testing.assert_array_equal(trajectory.ids, moving.ids)


def test_images_of_the_first_frame_are_not_those_of_the_others(moving, tmp_path):
    write_gsd(tmp_path / "in.gsd", moving, images_once=True)
    assert moving.images[0].any()
    imported = import_trajectory([tmp_path / "in.gsd"], tmp_path / "out.h5", ReadOptions(timestep=0.005))
    assert imported.notes == ("positions: by the minimum image",)
    with open_trajectory(tmp_path / "out.h5") as trajectory:
        walked = trajectory.window(0, 5) - trajectory.frame(0)
        np.testing.assert_allclose(walked, moving.positions - moving.positions[0], atol=1e-5)


def test_images_that_never_change_while_particles_cross_sides_are_none(moving, tmp_path):
    """Zeros, as some programs write them; taken as images they would be jumps of the length of the box."""
    assert (moving.images[1:] != moving.images[:-1]).any()
    write_gsd(tmp_path / "in.gsd", moving, images=np.zeros_like(moving.images))
    imported = import_trajectory([tmp_path / "in.gsd"], tmp_path / "out.h5", ReadOptions(timestep=0.005))
    assert imported.notes == ("positions: by the minimum image",)
    with open_trajectory(tmp_path / "out.h5") as trajectory:
        walked = trajectory.window(0, 5) - trajectory.frame(0)
        np.testing.assert_allclose(walked, moving.positions - moving.positions[0], atol=1e-5)


@pytest.mark.parametrize("first", [1, 3])
def test_images_that_are_not_those_of_the_frames_are_refused(moving, tmp_path, first):
    """Zeros up to a frame, so that they are none, then right ones; or right ones with a particle a box too far."""
    images = moving.images * (np.arange(5) >= 3)[:, None, None] if first == 3 else moving.images.copy()
    images[first, 7, 2] += first == 1
    write_gsd(tmp_path / "in.gsd", moving, images=images)
    with pytest.raises(ImportingError, match=rf"moves by about the length of the box.*frame {first}"):
        import_trajectory([tmp_path / "in.gsd"], tmp_path / "out.h5", ReadOptions(timestep=0.005))
    assert not (tmp_path / "out.h5").exists()


def test_one_frame_has_the_images_that_it_states(moving, tmp_path):
    write_gsd(tmp_path / "in.gsd", moving._replace(positions=moving.positions[:1], steps=moving.steps[:1]))
    (frame,) = read_all(tmp_path / "in.gsd")
    np.testing.assert_array_equal(frame.images, moving.images[0])


@pytest.mark.parametrize(("write", "suffix", "error"), [(write_dcd, "dcd", 1e-6), (write_xtc, "xtc", 1.1e-3)])
def test_positions_alone_take_their_particles_from_a_topology(moving, tmp_path, write, suffix, error):
    write(tmp_path / f"t.{suffix}", moving)
    write_data(tmp_path / "t.data", moving)
    options = {"topology": tmp_path / "t.data", "species": LAMMPS_NAMES}
    for frame, positions in zip(read_all(tmp_path / f"t.{suffix}", **options), moving.positions, strict=True):
        shift = minimum_image(frame.configuration.positions - positions, moving.box_length)
        assert np.abs(shift).max() < error
        np.testing.assert_array_equal(frame.ids, moving.ids)
        np.testing.assert_array_equal(frame.configuration.species, moving.species)
    with pytest.raises(ImportingError, match="as in --topology"):
        read_all(tmp_path / f"t.{suffix}")
    write_data(tmp_path / "fewer.data", moving_liquid(particles=100))
    with pytest.raises(ImportingError, match="100 species and 200 positions"):
        read_all(tmp_path / f"t.{suffix}", topology=tmp_path / "fewer.data", species=LAMMPS_NAMES)


def test_steps_of_binary_trajectories_are_those_of_the_file(moving, tmp_path):
    write_data(tmp_path / "t.data", moving)
    for write, name in ((write_dcd, "t.dcd"), (write_xtc, "t.xtc")):
        write(tmp_path / name, moving)
        frames = read_all(tmp_path / name, topology=tmp_path / "t.data", species=LAMMPS_NAMES)
        assert [frame.step for frame in frames] == moving.steps.tolist()
    assert frames[2].time == pytest.approx(0.4)


@pytest.mark.parametrize("write", [write_xtc, write_dcd])
def test_a_frame_is_read_alone_as_among_the_others(moving, tmp_path, write):
    write_data(tmp_path / "t.data", moving)
    path = tmp_path / f"t.{write.__name__.removeprefix('write_')}"
    write(path, moving)
    source = open_source(path, ReadOptions(topology=tmp_path / "t.data", species=LAMMPS_NAMES))
    (frame,), frames = source.read(range(3, 4)), list(source.read(range(source.count())))
    assert frame.step == frames[3].step
    np.testing.assert_array_equal(frame.positions, frames[3].positions)


@pytest.mark.parametrize("name", ["a.data", "a.data.gz"])
def test_data_files_of_lammps(moving, tmp_path, name):
    write_data(tmp_path / name, moving)
    (frame,) = read_all(tmp_path / name, species=LAMMPS_NAMES)
    np.testing.assert_array_equal(frame.ids, moving.ids)
    np.testing.assert_array_equal(frame.images, moving.images[0])
    np.testing.assert_allclose(frame.configuration.positions, moving.wrapped[0], atol=1e-12)


def test_arrays_have_the_names_that_the_user_says(moving, tmp_path):
    np.savez(
        tmp_path / "a.npz",
        r=moving.wrapped,
        kinds=np.array(["A", "B"])[moving.species],
        initial_positions=moving.wrapped[2],
    )
    keys = {"positions": "r", "species": "kinds"}
    assert len(read_all(tmp_path / "a.npz", keys=keys, box_length=moving.box_length)) == 5
    (frame,) = read_all(tmp_path / "a.npz", keys={"species": "kinds"}, box_length=moving.box_length)
    np.testing.assert_array_equal(frame.configuration.positions, moving.wrapped[2])
    np.save(tmp_path / "a.npy", moving.wrapped)
    write_gsd(tmp_path / "a.gsd", moving)
    options = {"topology": tmp_path / "a.gsd", "box_length": moving.box_length}
    assert len(read_all(tmp_path / "a.npy", **options)) == 5
    with pytest.raises(ImportingError, match="no array is named s"):
        read_all(tmp_path / "a.npz", keys={"species": "s"}, box_length=moving.box_length)


@pytest.mark.parametrize("number", [0, slice(None)])
def test_arrays_may_have_their_first_index_run_fastest(moving, tmp_path, number):
    arrays = {"positions": moving.wrapped[number], "types": moving.species, "box": moving.box_length}
    np.savez(tmp_path / "a.npz", **{name: np.asfortranarray(values) for name, values in arrays.items()})
    frames = read_all(tmp_path / "a.npz")
    for frame, positions in zip(frames, moving.wrapped[number].reshape(-1, 200, 3), strict=True):
        np.testing.assert_array_equal(frame.configuration.positions, positions)


def test_content_counts_more_than_the_suffix(moving, tmp_path):
    write_dump(tmp_path / "a.xyz", moving)
    write_gsd(tmp_path / "a.h5", moving)
    assert open_source(tmp_path / "a.xyz").format == "LAMMPS dump"
    assert open_source(tmp_path / "a.h5").format == "GSD"


def test_frames_are_read_one_by_one(moving, tmp_path):
    for name, (write, options) in WRITERS.items():
        write(tmp_path / name, moving)
        stated = ReadOptions(**options)
        frames = list(read_frames(open_source(tmp_path / name, stated), range(3, 4), stated))
        assert [frame.number for frame in frames] == [3]
        shift = minimum_image(frames[0].configuration.positions - moving.positions[3], moving.box_length)
        assert np.abs(shift).max() < 1e-12


def test_files_follow_each_other_and_share_a_frame(moving, tmp_path):
    halves = [
        moving._replace(positions=moving.positions[part], steps=moving.steps[part])
        for part in (slice(0, 3), slice(2, 5))
    ]
    for number, half in enumerate(halves):
        write_dump(tmp_path / f"{number}.dump", half, "xu", with_images=False)
    paths = [tmp_path / "0.dump", tmp_path / "1.dump"]
    options = ReadOptions(species=LAMMPS_NAMES, timestep=0.005)
    imported = import_trajectory(paths, tmp_path / "out.h5", options)
    assert imported.frames == 5
    assert imported.notes == ("1 frames that end one file and begin the next taken once",)
    with pytest.raises(ImportingError, match="steps increase"):
        import_trajectory(paths[::-1], tmp_path / "out.h5", options)


def test_frames_at_growing_intervals_are_for_snapshots(moving, tmp_path):
    logarithmic = moving._replace(steps=np.array([0, 1, 2, 4, 8]))
    write_dump(tmp_path / "a.dump", logarithmic)
    imported = import_trajectory(
        [tmp_path / "a.dump"], tmp_path / "out.h5", ReadOptions(species=LAMMPS_NAMES, timestep=0.005)
    )
    assert imported.notes[0] == "positions: by images"
    assert "(1 to 4 steps): good for snapshots and propensities, not for p_hop" in imported.notes[1]
    with open_trajectory(tmp_path / "out.h5") as trajectory:
        np.testing.assert_allclose(trajectory.times, [0, 0.005, 0.01, 0.02, 0.04])
        with pytest.raises(ValueError, match="equally spaced"):
            _ = trajectory.interval


def test_snapshots_are_those_of_the_frames(moving, tmp_path):
    for number in range(2):
        write_ase(tmp_path / f"{number}.xyz", moving)
    options = ReadOptions(species={"Ni": 0, "P": 1})
    import_snapshots([tmp_path / "0.xyz", tmp_path / "1.xyz"], tmp_path / "all", options, "all")
    names = sorted(path.stem for path in (tmp_path / "all").iterdir())
    assert names == [f"copy{copy:02}-sample{sample:02}" for copy in range(2) for sample in range(5)]
    path = tmp_path / "all" / "copy01-sample03.parquet"
    snapshot = read_snapshot(path)
    np.testing.assert_allclose(snapshot.positions, moving.wrapped[3], atol=1e-8)
    np.testing.assert_array_equal(read_ids(path), moving.ids)
    assert read_snapshot_metadata(path) == {
        "frames": 5, "frame": 3, "source": "1.xyz", "box_length": moving.box_length
    }  # fmt: skip
    import_snapshots([tmp_path / "0.xyz"], tmp_path / "middle.parquet", options, None)
    np.testing.assert_allclose(
        read_snapshot(tmp_path / "middle.parquet").positions, moving.wrapped[2], atol=1e-8
    )
    assert read_all(tmp_path / "middle.parquet")[0].ids.tolist() == moving.ids.tolist()


def test_the_same_file_gives_the_same_bytes(moving, tmp_path):
    write_dump(tmp_path / "a.dump", moving)
    options = ReadOptions(species=LAMMPS_NAMES, timestep=0.005)
    for name in ("1.h5", "2.h5"):
        import_trajectory([tmp_path / "a.dump"], tmp_path / name, options)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()


@pytest.mark.parametrize(
    ("comment", "columns"),
    [("", 4), ("Atoms. Timestep: 0", 4), (ATOOMS.replace("cell:{L},{L},{L}", ""), 4)],
)
def test_a_plain_file_takes_its_box_from_the_user(moving, tmp_path, comment, columns):
    write_xyz(tmp_path / "a.xyz", moving, comment)
    frames = read_all(tmp_path / "a.xyz", box_length=moving.box_length)
    assert len(frames) == 5
    np.testing.assert_array_equal(frames[4].configuration.positions, moving.wrapped[4])
    with pytest.raises(ImportingError, match=r"as in --box 9\.41"):
        read_all(tmp_path / "a.xyz")


@pytest.mark.parametrize("end", [b"\n", b" \n", b"\r\n", b"  \n"])
@pytest.mark.parametrize("gap", [b" ", b"\t", b"   "])
@pytest.mark.parametrize("start", [b"", b" ", b"  "])
def test_tables_are_read_whatever_the_spaces(end, gap, start):
    rows = [[b"A", b"1", b"-2.5e-3"], [b"B", b"22", b"17"], [b"C", b"3", b"0.1"]]
    body = b"".join(start + gap.join(row) + end for row in rows)
    table = parse_table(body, {2: "number", 0: "word", 1: "integer"}, 3)
    assert table[0].to_pylist() == ["A", "B", "C"]
    assert table[1].to_pylist() == [1, 22, 3]
    assert table[2].to_pylist() == [-2.5e-3, 17.0, 0.1]


@pytest.mark.parametrize(
    "body", [b"1 2\n3\n", b"1 2\n3 4 5\n", b"1 2\n3 x\n", b"1 2 \n3 \n", b"1 2\n\n", b"1 2\n3 4 5\n6\n"]
)
def test_a_table_has_equal_rows_of_numbers(body):
    with pytest.raises(ImportingError):
        parse_table(body, {0: "number", 1: "number"}, body.count(b"\n"))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_lines_are_read_alike_in_pieces_of_any_size(tmp_path, suffix):
    generator = np.random.default_rng(0)
    lines = ["x" * int(length) for length in generator.integers(0, 3000, 2000)]
    write_text(tmp_path / f"a.txt{suffix}", "\n".join(lines))
    with open_lines(tmp_path / f"a.txt{suffix}") as reader:
        position = 0
        while position < len(lines):
            count = min(int(generator.integers(1, 60)), len(lines) - position)
            body = reader.read_lines(count).decode()
            assert body == "\n".join(lines[position : position + count]) + "\n"
            position += count
        assert reader.read_line() is None
        assert reader.line == len(lines)


def test_moving_liquids_leave_the_box(moving: Moving):
    """Otherwise the tests above would show nothing of images."""
    assert (moving.images != moving.images[0]).any()
