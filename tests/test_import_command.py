"""The commands `glassdyn import` and `glassdyn inspect`, also on what LAMMPS itself writes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foreign_files import (
    LAMMPS_NAMES,
    moving_liquid,
    write_dcd,
    write_dump,
    write_gsd,
    write_h5md,
    write_npz,
    write_text,
    write_xyz,
)
from glassdyn.cli import main
from glassdyn.importing import ReadOptions, open_source, read_frames
from glassdyn.simulation.lammps_session import _open_lammps
from glassdyn.storage.snapshots import read_snapshot
from glassdyn.storage.trajectory import open_trajectory


@pytest.fixture(scope="module")
def moving():
    return moving_liquid(particles=60, frames=4)


def run(*words):
    return main([str(word) for word in words])


def inspect(capsys, *words):
    assert run("inspect", *words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    return {line.split()[0]: line[10:].strip() for line in lines}


def test_import_writes_a_trajectory_or_snapshots(moving, tmp_path, capsys):
    write_dump(tmp_path / "in.dump", moving, with_images=False)
    words = ["--species", "1=A,2=B", "--timestep", "0.005"]
    assert run("import", tmp_path / "in.dump", tmp_path / "out.h5", *words) == 0
    output = capsys.readouterr().out
    assert "positions: by the minimum image" in output
    assert "out.h5: 4 frames of 60 particles" in output
    with open_trajectory(tmp_path / "out.h5") as trajectory:
        assert (trajectory.frames, trajectory.interval) == (4, 0.2)
    assert run("import", tmp_path / "in.dump", tmp_path / "one.h5", *words, "--frame", 3) == 1
    assert "a trajectory has all frames of its files: got --frame 3" in capsys.readouterr().err
    assert not (tmp_path / "one.h5").exists()
    assert run("import", tmp_path / "in.dump", tmp_path / "out", *words, "--frame", "all") == 0
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert run("import", tmp_path / "in.dump", tmp_path / "out.parquet", *words, "--frame", 3) == 0
    np.testing.assert_array_equal(read_snapshot(tmp_path / "out.parquet").positions, moving.wrapped[3])
    assert run("import", tmp_path / "in.dump", tmp_path / "out.csv", *words) == 1
    assert "a .h5 file, a .parquet file, or a folder" in capsys.readouterr().err
    assert run("import", tmp_path / "in.dump", tmp_path / "out.h5", "--timestep", 1) == 1
    assert "as in --species 1=A,2=B" in capsys.readouterr().err


def test_inspect_says_what_a_file_holds(moving, tmp_path, capsys):
    write_dump(tmp_path / "in.dump.gz", moving)
    said = inspect(capsys, tmp_path / "in.dump.gz", "--species", "1=A,2=B", "--timestep", 0.005)
    assert said["file"].split(", ")[1] == "LAMMPS dump"
    assert said["frames"] == "4"
    assert said["particles"] == f"60, ids {moving.ids[0]} to {moving.ids[-1]}"
    assert said["species"] == "1: 48, 2: 12"
    assert said["box"] == f"cube, L = {moving.box_length:.9g}, periodic"
    assert said["density"] == f"{60 / moving.box_length**3:.6g}"
    assert said["spacing"] == "40 steps"
    assert said["positions"] == "wrapped, with images"
    assert said["missing"] == "for energies in observe: potential_energy and kinetic_energy and pressure"


def test_inspect_says_what_is_missing(moving, tmp_path, capsys):
    write_dump(tmp_path / "in.dump", moving)
    assert "say which is which" in inspect(capsys, tmp_path / "in.dump")["missing"]
    write_gsd(tmp_path / "in.gsd", moving)
    assert "as in --timestep" in inspect(capsys, tmp_path / "in.gsd")["missing"]
    write_xyz(tmp_path / "in.xyz", moving)
    said = inspect(capsys, tmp_path / "in.xyz")
    assert (said["box"], said["density"], said["spacing"]) == ("none", "unknown", "neither steps nor times")
    assert "as in --box" in said["missing"]
    write_h5md(tmp_path / "in.h5", moving._replace(steps=np.array([0, 1, 10, 100])))
    said = inspect(capsys, tmp_path / "in.h5")
    assert said["spacing"] == "uneven, 1 to 90 steps, uneven, 0.005 to 0.45 tau"
    assert said["positions"].startswith("wrapped, without images: ")
    assert "equally spaced frames" in said["missing"]
    write_npz(tmp_path / "in.npz", moving._replace(positions=moving.positions[:1], steps=moving.steps[:1]))
    said = inspect(capsys, tmp_path / "in.npz")
    assert (said["spacing"], said["positions"]) == ("one frame", "inside the box, without images")
    assert run("inspect", tmp_path / "none") == 1
    assert "no such file" in capsys.readouterr().err


def test_inspect_reads_the_ends_of_a_long_file(tmp_path, capsys):
    long = moving_liquid(particles=20, frames=50, step=0.1)
    write_h5md(tmp_path / "in.h5", long)
    said = inspect(capsys, tmp_path / "in.h5")
    assert said["spacing"] == "40 steps, 0.2 tau"
    assert said["missing"] == "for energies in observe: potential_energy and kinetic_energy and pressure"


def test_inspect_says_which_frame_is_damaged(tmp_path, capsys):
    long = moving_liquid(particles=20, frames=50, step=0.1)
    long.positions[-1, 3] = np.nan
    write_h5md(tmp_path / "in.h5", long)
    assert "frame 49" in inspect(capsys, tmp_path / "in.h5")["missing"]


def test_inspect_says_that_particles_are_in_a_pile(tmp_path, capsys):
    pile = moving_liquid(particles=5000, frames=1)
    pile.positions[:] = 0
    write_h5md(tmp_path / "in.h5", pile)
    assert "do many lie in one point" in inspect(capsys, tmp_path / "in.h5")["missing"]


COLUMNS = {"x": "x y z", "xu": "xu yu zu", "xs": "xs ys zs", "xsu": "xsu ysu zsu"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    style=st.sampled_from(list(COLUMNS)),
    order=st.randoms(use_true_random=False),
    corner=st.integers(-(2**12), 2**12),
    gap=st.sampled_from([" ", "  ", "\t"]),
    end=st.sampled_from(["\n", " \n", "\r\n"]),
    suffix=st.sampled_from(["", ".gz", ".zst"]),
)
def test_dumps_of_any_order_origin_and_spacing_are_the_same_liquid(
    moving, tmp_path, style, order, corner, gap, end, suffix
):
    columns = ["id", "type", *COLUMNS[style].split(), "ix", "iy", "iz", "mass", "c_q[1]"]
    order.shuffle(columns)
    origin, length = corner / 256, moving.box_length
    places = moving.positions[0] if "u" in style else moving.wrapped[0]
    places = places / length if "s" in style else places + origin
    rows = list(range(60))
    order.shuffle(rows)
    text = f"ITEM: TIMESTEP{end}7{end}ITEM: NUMBER OF ATOMS{end}60{end}ITEM: BOX BOUNDS pp pp pp{end}"
    text += 3 * f"{origin!r} {origin + length!r}{end}" + f"ITEM: ATOMS {' '.join(columns)}{end}"
    for row in rows:
        values = dict(zip(COLUMNS[style].split(), map(repr, places[row].tolist()), strict=True))
        values |= dict(zip(("ix", "iy", "iz"), map(str, moving.images[0, row]), strict=True))
        values |= {
            "id": str(moving.ids[row]),
            "type": str(moving.species[row] + 1),
            "mass": "1",
            "c_q[1]": "-1e-3",
        }
        text += gap.join(values[name] for name in columns) + end
    path = tmp_path / f"t.dump{suffix}"
    write_text(path, text)
    options = ReadOptions(species=LAMMPS_NAMES)
    (frame,) = read_frames(open_source(path, options), range(1), options)
    np.testing.assert_array_equal(frame.ids, moving.ids)
    np.testing.assert_array_equal(frame.configuration.species, moving.species)
    wanted = moving.positions[0] if "u" in style else moving.wrapped[0]
    np.testing.assert_allclose(frame.configuration.positions, wanted, atol=1e-12)


SCRIPT = """
units lj
atom_style atomic
region box block -3 3 -3 3 -3 3
create_box 2 box
lattice sc 1.0
create_atoms 1 box
set type 1 type/fraction 2 0.2 12345
mass * 1.0
pair_style lj/cut 2.5
pair_coeff * * 1.0 1.0
velocity all create 1.5 4928459
fix 1 all nve
timestep 0.005
dump 1 all atom 40 {folder}/atom.dump
dump 2 all custom 40 {folder}/custom.dump.gz id type x y z ix iy iz
dump 3 all custom 40 {folder}/unwrapped.dump xu yu zu vx type id
dump 4 all dcd 40 {folder}/t.dcd
dump 6 all xyz 40 {folder}/t.xyz
dump_modify 2 format float %.15g
dump_modify 3 format float %.15g time yes units yes
dump_modify 6 element A B sort id
run 200
write_data {folder}/end.data
"""


@pytest.fixture(scope="module")
def written_by_lammps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lammps")
    engine = _open_lammps()
    for line in SCRIPT.format(folder=folder).strip().splitlines():
        engine.command(line)
    engine.close()
    return folder


def test_what_lammps_writes_is_one_trajectory(written_by_lammps, tmp_path, capsys):
    """Of six digits in some formats, and of twelve in others."""
    folder, moved = written_by_lammps, {}
    extra = {"t.dcd": ["--topology", folder / "end.data"], "t.xyz": ["--box", 6]}
    for path in sorted(folder.glob("[!e]*")):
        words = ["--timestep", 0.2 if path.suffix == ".xyz" else 0.005, *extra.get(path.name, [])]
        words += [] if path.suffix == ".xyz" else ["--species", "1=A,2=B"]
        assert run("import", path, tmp_path / f"{path.stem}.h5", *words) == 0, capsys.readouterr().err
        with open_trajectory(tmp_path / f"{path.stem}.h5") as trajectory:
            assert (trajectory.frames, trajectory.box_length) == (6, pytest.approx(6.0))
            assert trajectory.interval == pytest.approx(0.2)
            moved[path.name] = trajectory.window(0, 6) - trajectory.frame(0)
    reference = moved["unwrapped.dump"]
    assert np.abs(reference).max() > 0.5
    for name, positions in moved.items():
        np.testing.assert_allclose(positions, reference, atol=1e-4, err_msg=name)
    assert len(moved) == 5


def test_the_end_of_a_run_is_the_last_frame(written_by_lammps):
    options = ReadOptions(species=LAMMPS_NAMES)
    (end,) = read_frames(open_source(written_by_lammps / "end.data", options), range(1), options)
    (last,) = read_frames(open_source(written_by_lammps / "unwrapped.dump", options), range(5, 6), options)
    np.testing.assert_array_equal(end.ids, last.ids)
    np.testing.assert_array_equal(end.configuration.species, last.configuration.species)
    unwrapped = end.configuration.positions + 6 * end.images
    np.testing.assert_allclose(unwrapped, last.configuration.positions, atol=1e-6)


def test_dcd_needs_a_topology(moving, tmp_path, capsys):
    write_dcd(tmp_path / "t.dcd", moving)
    assert run("import", tmp_path / "t.dcd", tmp_path / "out.h5", "--timestep", 1) == 1
    assert "as in --topology system.data" in capsys.readouterr().err
