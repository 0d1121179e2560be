"""A trajectory holds what was recorded: to the byte, however often the recording was killed."""

import time
from itertools import pairwise

import h5py
import MDAnalysis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassdyn.storage.h5md import BLOCK, WIDTH
from glassdyn.storage.trajectory import (
    TrajectoryError,
    TrajectoryWriter,
    copy_of,
    open_trajectory,
    sample_name,
    sample_names,
    sample_of,
)

FRAMES, PARTICLES = 2 * BLOCK + 9, WIDTH + 7
"""Two whole blocks and a part of one; a whole chunk of particles and a part of one."""

BOX_LENGTH = (64000 / 1.2) ** (1 / 3)
SPECIES = (np.arange(PARTICLES) >= 100).astype(np.uint8)
POSITIONS = np.random.default_rng(7).normal(scale=20, size=(FRAMES, PARTICLES, 3))


def open_writer(path, **options):
    return TrajectoryWriter(path, species=SPECIES, box_length=BOX_LENGTH, timestep=0.0025, **options)


def write_frames(writer, first, last):
    for frame in range(first, last):
        writer.append(40 * frame, POSITIONS[frame])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("trajectories") / "copy00-sample00.h5"
    with open_writer(path, metadata={"temperature": 0.43}) as writer:
        write_frames(writer, 0, FRAMES)
    return path


@pytest.fixture
def trajectory(path):
    with open_trajectory(path) as trajectory:
        yield trajectory


def damaged(path, tmp_path, change):
    copy = tmp_path / "damaged.h5"
    copy.write_bytes(change(bytearray(path.read_bytes())))
    return copy


def changed(path, tmp_path, name, change):
    """A copy with other values of a dataset of all particles."""
    copy = damaged(path, tmp_path, bytes)
    with h5py.File(copy, "a") as file:
        group = file["particles/all"]
        values = change(group[name][...])
        del group[name]
        group[name] = values
    return copy


class TestReading:
    def test_numbers(self, trajectory):
        assert (trajectory.frames, trajectory.particles) == (FRAMES, PARTICLES)
        assert trajectory.box_length == BOX_LENGTH
        assert trajectory.middle == (FRAMES - 1) // 2
        assert trajectory.interval == pytest.approx(0.1, rel=1e-14)
        np.testing.assert_array_equal(trajectory.species, SPECIES)
        np.testing.assert_array_equal(trajectory.steps, 40 * np.arange(FRAMES))
        np.testing.assert_array_equal(trajectory.times, 0.0025 * trajectory.steps)

    @pytest.mark.parametrize("index", [0, 1, BLOCK - 1, BLOCK, FRAMES - 1])
    def test_one_frame(self, trajectory, index):
        np.testing.assert_array_equal(trajectory.frame(index), POSITIONS[index].astype(np.float32))
        assert trajectory.frame(index).dtype == np.float64
        configuration = trajectory.configuration(index)
        np.testing.assert_array_equal(configuration.positions, trajectory.frame(index))
        np.testing.assert_array_equal(configuration.species, SPECIES)
        assert configuration.box_length == BOX_LENGTH

    @pytest.mark.parametrize(("start", "stop"), [(0, 1), (WIDTH - 1, WIDTH + 1), (0, PARTICLES)])
    def test_some_particles(self, trajectory, start, stop):
        expected = POSITIONS[:, start:stop].astype(np.float32)
        np.testing.assert_array_equal(trajectory.series(start, stop), expected)

    @pytest.mark.parametrize("max_bytes", [1, 10**5, 10**9])
    def test_blocks_cover_everything_once(self, trajectory, max_bytes):
        for blocks, length, row in (
            (list(trajectory.particle_blocks(max_bytes)), PARTICLES, 12 * FRAMES),
            (list(trajectory.frame_blocks(max_bytes)), FRAMES, 12 * PARTICLES),
        ):
            assert (blocks[0].start, blocks[-1].stop) == (0, length)
            assert all(block.stop == following.start for block, following in pairwise(blocks))
            assert all(block.start % BLOCK == 0 for block in blocks)
            size = max((block.stop - block.start) * row for block in blocks)
            assert size <= max(max_bytes, BLOCK * row)

    def test_unequal_spacing_is_named(self, tmp_path):
        with open_writer(tmp_path / "t.h5") as writer:
            for step in (0, 40, 100):
                writer.append(step, POSITIONS[0])
        with (
            open_trajectory(tmp_path / "t.h5") as trajectory,
            pytest.raises(TrajectoryError, match=r"equally spaced: got gaps of \[40, 60\]"),
        ):
            _ = trajectory.interval

    @pytest.mark.parametrize("name", ["step", "time"])
    def test_frames_of_equal_time_are_named(self, path, tmp_path, name):
        copy = changed(path, tmp_path, f"position/{name}", lambda values: values * 0)
        with (
            open_trajectory(copy) as trajectory,
            pytest.raises(TrajectoryError, match=r"got (gaps of \[0\]|0 to 0)"),
        ):
            _ = trajectory.interval

    @pytest.mark.parametrize("error", [np.nan, np.inf, 0.05])
    @pytest.mark.parametrize("frame", [3, FRAMES - 1])
    def test_times_that_are_not_proportional_to_steps_are_named(self, path, tmp_path, error, frame):
        copy = changed(
            path,
            tmp_path,
            "position/time",
            lambda times: times + np.where(np.arange(FRAMES) == frame, error, 0),
        )
        with (
            open_trajectory(copy) as trajectory,
            pytest.raises(TrajectoryError, match="grow by one interval"),
        ):
            _ = trajectory.interval

    def test_times_in_single_precision_are_accepted(self, path, tmp_path):
        copy = changed(path, tmp_path, "position/time", lambda times: (times + 1000).astype(np.float32))
        with open_trajectory(copy) as trajectory:
            assert trajectory.interval == pytest.approx(0.1, rel=1e-5)

    @pytest.mark.parametrize("timestep", [0.001, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.01, 1 / 300])
    def test_samples_of_a_copy_have_one_interval(self, trajectory, timestep):
        """Whatever the step of the first frame."""
        for frame_steps in (1, 10, 20, 25, 40, 100):
            intervals = set()
            for before in (0, 1, 5600, 123457, 9876543):
                trajectory.__dict__.pop("interval", None)
                trajectory.steps = before + frame_steps * np.arange(FRAMES)
                trajectory.times = trajectory.steps * timestep
                intervals.add(trajectory.interval)
            (interval,) = intervals
            assert interval == pytest.approx(timestep * frame_steps, rel=1e-9)

    def test_chunks_of_whole_frames_are_refused_where_they_exceed_the_memory(
        self, path, tmp_path, monkeypatch
    ):
        copy = tmp_path / "frames.h5"
        with h5py.File(path) as source, h5py.File(copy, "w") as target:
            source.copy("h5md", target)
            source.copy("particles", target)
            del target["particles/all/position/value"]
            target["particles/all/position"].create_dataset(
                "value", data=POSITIONS.astype(np.float32), chunks=(1, PARTICLES, 3)
            )
        with open_trajectory(copy) as trajectory:
            assert len(list(trajectory.particle_blocks(10**6))) == 1
            monkeypatch.setattr("glassdyn.storage.trajectory.MAX_ROW_BYTES", 12 * FRAMES * PARTICLES - 1)
            for width, layout in ((128, "128x128x3"), (7, "128x7x3"), (0, "128x1x3")):
                with pytest.raises(TrajectoryError, match=rf"h5repack .*CHUNK={layout} .*frames\.h5"):
                    list(trajectory.particle_blocks(12 * FRAMES * width))
            assert len(list(trajectory.frame_blocks(1))) == FRAMES


class TestOtherReaders:
    def test_mdanalysis(self, path):
        universe = MDAnalysis.Universe.empty(PARTICLES, trajectory=False)
        universe.load_new(str(path), format="H5MD", convert_units=False)
        assert len(universe.trajectory) == FRAMES
        for index in (0, BLOCK, FRAMES - 1):
            step = universe.trajectory[index]
            np.testing.assert_array_equal(universe.atoms.positions, POSITIONS[index].astype(np.float32))
            assert step.time == pytest.approx(0.1 * index)
            np.testing.assert_allclose(step.dimensions, [BOX_LENGTH] * 3 + [90] * 3, rtol=1e-7)

    def test_h5py_and_the_h5md_layout(self, path):
        with h5py.File(path) as file:
            assert file["h5md"].attrs["version"].tolist() == [1, 1]
            assert file["h5md/author"].attrs["name"]
            assert {"name", "version"} <= set(file["h5md/creator"].attrs)
            particles = file["particles/all"]
            assert particles["box"].attrs["dimension"] == 3
            assert particles["box"].attrs["boundary"].tolist() == [b"periodic"] * 3
            assert particles["box/edges/value"][5].tolist() == [BOX_LENGTH] * 3
            assert particles["position/value"].dtype == np.float32
            assert particles["position/value"].compression == "gzip"
            assert particles["box/edges/step"] == particles["position/step"]
            assert file["parameters/run"].attrs["temperature"] == 0.43
            np.testing.assert_array_equal(particles["position/value"][:], POSITIONS.astype(np.float32))


class TestWriting:
    def test_bytes_depend_on_frames_alone(self, path, tmp_path):
        time.sleep(1.1)  # the resolution of the times that HDF5 would keep
        with open_writer(tmp_path / "again.h5", metadata={"temperature": 0.43}) as writer:
            write_frames(writer, 0, FRAMES)
        assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()

    @settings(max_examples=12, deadline=None)
    @given(st.lists(st.integers(1, FRAMES - 1), min_size=1, max_size=4, unique=True), st.integers(0, BLOCK))
    def test_killed_and_resumed(self, path, tmp_path_factory, checkpoints, unsaved):
        folder = tmp_path_factory.mktemp("killed")
        options, frames = {"parts": folder / "parts", "metadata": {"temperature": 0.43}}, 0
        for checkpoint in sorted(checkpoints):
            killed = open_writer(folder / "t.h5", frames=frames, **options)
            write_frames(killed, frames, checkpoint)
            frames = killed.flush()
            write_frames(killed, frames, min(frames + unsaved, FRAMES))  # written after the checkpoint
            killed._wait()
        with open_writer(folder / "t.h5", frames=frames, **options) as writer:
            write_frames(writer, frames, FRAMES)
        assert (folder / "t.h5").read_bytes() == path.read_bytes()
        with open_writer(
            folder / "t.h5", frames=FRAMES, **options
        ):  # killed once more, after the file was there
            pass
        assert (folder / "t.h5").read_bytes() == path.read_bytes()

    def test_parts_beside_the_file_are_removed(self, path):
        assert not path.with_name(f"{path.name}.parts").exists()

    def test_an_error_leaves_no_file(self, tmp_path):
        with pytest.raises(TrajectoryError), open_writer(tmp_path / "t.h5") as writer:
            writer.append(0, POSITIONS)
        assert not (tmp_path / "t.h5").exists()

    def test_missing_parts_are_named(self, tmp_path):
        with pytest.raises(TrajectoryError, match=r"resume from frame 5, .* must hold as many: got 0"):
            open_writer(tmp_path / "t.h5", frames=5)

    def test_no_frame(self, tmp_path):
        with pytest.raises(TrajectoryError, match="at least one frame"), open_writer(tmp_path / "t.h5"):
            pass

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_not_finite(self, tmp_path, value):
        positions = POSITIONS[0].copy()
        positions[3, 1] = value
        with pytest.raises(TrajectoryError, match=r"finite: got .* for particle 3 and 1 in all, at step 80"):
            open_writer(tmp_path / "t.h5").append(80, positions)

    def test_wrong_shape_and_order(self, tmp_path):
        writer = open_writer(tmp_path / "t.h5")
        with pytest.raises(TrajectoryError, match=r"got \(3, 3\) at step 0"):
            writer.append(0, POSITIONS[0, :3])
        writer.append(40, POSITIONS[0])
        with pytest.raises(TrajectoryError, match=r"increase .* got 40 after 40"):
            writer.append(40, POSITIONS[0])


class TestRefusals:
    def test_missing(self, tmp_path):
        with (
            pytest.raises(TrajectoryError, match="no such trajectory"),
            open_trajectory(tmp_path / "none.h5"),
        ):
            pass

    @pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
    def test_truncated(self, path, tmp_path, part):
        copy = damaged(path, tmp_path, lambda content: content[: int(part * len(content))])
        with pytest.raises(TrajectoryError, match="truncated"), open_trajectory(copy):
            pass

    def test_not_hdf5(self, tmp_path):
        (tmp_path / "t.h5").write_text("not a trajectory" * 100)
        with pytest.raises(TrajectoryError, match="is an HDF5 file"), open_trajectory(tmp_path / "t.h5"):
            pass

    def test_not_h5md(self, tmp_path):
        with h5py.File(tmp_path / "t.h5", "w") as file:
            file["x"] = 1
        with (
            pytest.raises(TrajectoryError, match=r"is an H5MD 1\.1 file"),
            open_trajectory(tmp_path / "t.h5"),
        ):
            pass

    @pytest.mark.parametrize("name", ["species", "position/value", "position/time", "box/edges"])
    def test_something_missing(self, path, tmp_path, name):
        copy = damaged(path, tmp_path, bytes)
        with h5py.File(copy, "a") as file:
            del file["particles/all"][name]
        with pytest.raises(TrajectoryError, match=f"has .*{name}"), open_trajectory(copy):
            pass

    @pytest.mark.parametrize("shift", [1, 255])
    def test_species_other_than_two(self, path, tmp_path, shift):
        copy = changed(path, tmp_path, "species", lambda species: species + np.uint8(shift))
        with (
            pytest.raises(TrajectoryError, match=r"0 for A and 1 for B: got .* renumber"),
            open_trajectory(copy),
        ):
            pass

    @pytest.mark.parametrize("place", np.linspace(0.01, 0.99, 12).tolist())
    def test_a_damaged_byte_is_found_or_does_not_matter(self, path, tmp_path, place):
        def flip(content):
            content[int(place * len(content))] ^= 0xFF
            return content

        copy = damaged(path, tmp_path, flip)
        try:
            with open_trajectory(copy) as trajectory:
                read = trajectory.window(0, FRAMES)
        except TrajectoryError:
            return
        np.testing.assert_array_equal(read, POSITIONS.astype(np.float32))


class TestNames:
    def test_there_and_back(self):
        assert sample_name(2, 5) == "copy02-sample05"
        assert (copy_of("copy02-sample05"), sample_of("copy02-sample05")) == (2, 5)

    def test_sorted_by_number(self, tmp_path):
        for name in ("copy100-sample00", "copy02-sample10", "copy02-sample09", "notes"):
            (tmp_path / f"{name}.h5").touch()
        assert sample_names(tmp_path) == ["copy02-sample09", "copy02-sample10", "copy100-sample00"]

    def test_refused(self, tmp_path):
        with pytest.raises(TrajectoryError, match="named like"):
            copy_of("sample05")
        with pytest.raises(TrajectoryError, match="at least one sample"):
            sample_names(tmp_path)


def test_observables_are_stored_exactly_and_survive_a_kill(tmp_path):
    path, names = tmp_path / "copy00-sample00.h5", ("potential_energy", "pressure")
    numbers = np.random.default_rng(3).normal(size=(FRAMES, 2))

    def write_with_observables(writer, first, last):
        for frame in range(first, last):
            writer.append(40 * frame, POSITIONS[frame], dict(zip(names, numbers[frame], strict=True)))

    killed = open_writer(path, parts=tmp_path / "parts", observables=names)
    write_with_observables(killed, 0, BLOCK + 5)
    killed.flush()
    with open_writer(path, parts=tmp_path / "parts", frames=BLOCK + 3, observables=names) as writer:
        write_with_observables(writer, BLOCK + 3, FRAMES)
    with open_trajectory(path) as trajectory:
        assert set(trajectory.observables) == set(names)
        for column, name in enumerate(names):
            np.testing.assert_array_equal(trajectory.observables[name], numbers[:, column])
    with h5py.File(path) as file:
        np.testing.assert_array_equal(
            file["observables/pressure/step"][:], file["particles/all/position/step"][:]
        )


def test_observables_must_be_those_declared(tmp_path):
    with (
        pytest.raises(TrajectoryError, match=r"numbers \['pressure'\]: got \[\] at step 0"),
        open_writer(tmp_path / "copy00-sample00.h5", observables=["pressure"]) as writer,
    ):
        writer.append(0, POSITIONS[0])


def test_a_trajectory_without_observables_has_none(trajectory):
    assert trajectory.observables == {}
