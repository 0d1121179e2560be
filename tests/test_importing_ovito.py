"""Files that OVITO has written, where it is installed (`pip install ovito`): the same particles, joined by id."""

import numpy as np
import pytest

from foreign_files import LAMMPS_NAMES, moving_liquid, read_all, write_dump
from glassdyn.importing import ReadOptions
from glassdyn.importing.convert import import_trajectory
from glassdyn.liquid.box import minimum_image, wrap
from glassdyn.storage.trajectory import open_trajectory

ovito_io = pytest.importorskip("ovito.io")

COLUMNS = [
    "Particle Identifier",
    "Particle Type",
    *(f"Position.{axis}" for axis in "XYZ"),
    *(f"Periodic Image.{axis}" for axis in "XYZ"),
]
XYZ = [name for name in COLUMNS if not name.startswith("Periodic")]
FORMATS = {
    "ovito.dump": ("lammps/dump", {"columns": COLUMNS}, {"species": LAMMPS_NAMES}),
    "ovito.dump.gz": ("lammps/dump", {"columns": COLUMNS}, {"species": LAMMPS_NAMES}),
    "ovito.xyz": ("xyz", {"columns": XYZ}, {"species": LAMMPS_NAMES}),
    "ovito.gsd": ("gsd/hoomd", {}, {}),
}


@pytest.fixture(scope="module")
def moving():
    return moving_liquid(particles=200, frames=4)


@pytest.mark.parametrize("name", FORMATS)
def test_what_ovito_writes_is_the_same_trajectory(moving, tmp_path, name):
    written_as, columns, options = FORMATS[name]
    write_dump(tmp_path / "in.lammpstrj", moving)
    pipeline = ovito_io.import_file(tmp_path / "in.lammpstrj")
    ovito_io.export_file(pipeline, tmp_path / name, written_as, multiple_frames=True, precision=17, **columns)
    frames = read_all(tmp_path / name, **options)
    assert len(frames) == 4
    for frame, positions in zip(frames, moving.positions, strict=True):
        np.testing.assert_array_equal(frame.configuration.species, moving.species)
        assert frame.configuration.box_length == pytest.approx(moving.box_length, rel=1e-6)
        wrapped = wrap(frame.configuration.positions, moving.box_length)
        shift = minimum_image(wrapped - wrap(positions, moving.box_length), moving.box_length)
        assert np.abs(shift).max() < 1e-5
        if frame.ids is not None:
            np.testing.assert_array_equal(frame.ids, moving.ids)
    steps = import_trajectory([tmp_path / name], tmp_path / "out.h5", ReadOptions(timestep=0.005, **options))
    assert steps.frames == 4
    with open_trajectory(tmp_path / "out.h5") as trajectory:
        walked = trajectory.window(0, 4) - trajectory.frame(0)
        np.testing.assert_allclose(walked, moving.positions - moving.positions[0], atol=2e-5)
