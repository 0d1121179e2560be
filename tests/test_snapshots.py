"""A snapshot is the middle frame of its trajectory, wrapped, in double precision."""

import numpy as np
import polars as pl
import pytest

from glassdyn.jobs import Job, JobContext, OutputOf
from glassdyn.liquid.box import wrap
from glassdyn.simulation.recording import record
from glassdyn.simulation.snapshot import snapshot_job, write_middle_frame
from glassdyn.storage.snapshots import read_snapshot, read_snapshot_metadata
from glassdyn.storage.trajectory import open_trajectory
from walkers import BOX_LENGTH, FRAMES, PARTICLES, brownian


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walkers") / "trajectories"
    brownian(folder, copies=1, samples=1, step=1.0)
    return folder / "copy00-sample00.h5"


def write(trajectory, folder):
    folder.mkdir()
    output = folder / "copy00-sample00.parquet"
    write_middle_frame(JobContext({"temperature": 0.6}, [trajectory], output, folder))
    return output


def test_positions_are_those_of_the_middle_frame_wrapped(trajectory, tmp_path):
    snapshot = read_snapshot(write(trajectory, tmp_path / "snapshots"))
    with open_trajectory(trajectory) as opened:
        positions, species, box_length = opened.configuration(opened.middle)
    np.testing.assert_array_equal(snapshot.positions, wrap(positions, box_length))
    np.testing.assert_array_equal(snapshot.species, species)
    assert snapshot.box_length == box_length
    assert (snapshot.positions.dtype, snapshot.species.dtype) == (np.float64, np.uint8)
    assert (snapshot.positions != positions).any()


def test_metadata_and_particles(trajectory, tmp_path):
    path = write(trajectory, tmp_path / "snapshots")
    assert read_snapshot_metadata(path) == {
        "frames": FRAMES,
        "frame": (FRAMES - 1) // 2,
        "temperature": 0.6,
        "box_length": BOX_LENGTH,
    }
    np.testing.assert_array_equal(pl.read_parquet(path)["particle"], np.arange(PARTICLES))


def test_the_same_trajectory_gives_the_same_bytes(trajectory, tmp_path):
    first, second = (write(trajectory, tmp_path / name) for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_the_job_follows_the_recording_of_its_sample(tmp_path):
    recording = Job("copy02-sample05", record, {}, output=tmp_path / "copy02-sample05.h5")
    job = snapshot_job(recording, tmp_path / "snapshots", temperature=0.6)
    assert job.inputs == (OutputOf(recording),)
    assert job.output == tmp_path / "snapshots" / "copy02-sample05.parquet"
