"""Bad input to the importing layer: an error that names file, frame, rule and way out; and nothing is written."""

import gzip
import io
import pickle
import re
import zipfile
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from foreign_files import (
    EXTENDED,
    LAMMPS_NAMES,
    WRITERS,
    moving_liquid,
    read_all,
    write_data,
    write_dump,
    write_gsd,
    write_h5md,
    write_npz,
    write_xtc,
    write_xyz,
)
from glassdyn.importing import ReadOptions, open_source
from glassdyn.importing.convert import import_snapshots, import_trajectory
from glassdyn.importing.liquid_frame import LiquidFrame, refuse_coincident
from glassdyn.importing.source import ImportingError
from glassdyn.liquid.configuration import Configuration


@pytest.fixture(scope="module")
def moving():
    return moving_liquid(particles=60)


def refuse(folder, names, reason, *, output="out.h5", **options):
    """The files are refused, and what was there before is all that is there."""
    before = sorted(folder.iterdir())
    stated = ReadOptions(**{"timestep": 0.005, "species": LAMMPS_NAMES} | options)
    paths = [folder / name for name in names]
    write = import_trajectory if output == "out.h5" else partial(import_snapshots, selection="all")
    with pytest.raises(ValueError, match=reason) as refusal:
        write(paths, folder / output, stated)
    assert sorted(folder.iterdir()) == before
    return str(refusal.value)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("part", [0.0, 0.3, 0.97])
def test_truncated_files_are_refused_whole(moving, tmp_path, name, part):
    write, options = WRITERS[name]
    write(tmp_path / name, moving)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(part * len(data))])
    refuse(tmp_path, [name], re.escape(name), **{"species": {}} | options)


def test_an_unfinished_frame_is_left_out_as_the_message_says(moving, tmp_path):
    write_dump(tmp_path / "t.dump", moving)
    write_xyz(tmp_path / "t.xyz", moving, EXTENDED)
    for name, head in (("t.dump", 9), ("t.xyz", 2)):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(text[:-500])
        message = refuse(tmp_path, [name], "in frame 2", species={})
        assert f"head -n {2 * (60 + head)} " in message
        (tmp_path / name).write_text("".join(text.splitlines(keepends=True)[: 2 * (60 + head)]))
        assert open_source(tmp_path / name).count() == 2


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
def test_positions_are_finite(moving, tmp_path, value):
    write_dump(tmp_path / "t.dump", moving)
    lines = (tmp_path / "t.dump").read_text().splitlines()
    words = lines[69 + 9 + 5].split()
    lines[69 + 9 + 5] = " ".join([value, *words[1:]])
    (tmp_path / "t.dump").write_text("\n".join(lines) + "\n")
    particle = words[7]
    message = refuse(tmp_path, ["t.dump"], "positions are finite")
    assert f"the particle with id {particle}" in message
    assert "t.dump, frame 1" in message


def test_positions_are_within_a_million_boxes(moving, tmp_path):
    far = moving.positions.copy()
    far[1, 7, 2] = 2e6 * moving.box_length
    write_dump(tmp_path / "t.dump", moving._replace(positions=far), "xu", with_images=False)
    message = refuse(tmp_path, ["t.dump"], r"within 1e\+06 boxes")
    assert f"the particle with id {moving.ids[7]}" in message
    assert "t.dump, frame 1" in message


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("steps", [0, 0.5, 1], "integers of 64 bits: got 0.5"),
        ("steps", [0, np.nan, 2], "integers of 64 bits: got nan"),
        ("times", [0, np.inf, 2], "times are finite: got inf"),
        ("times", [0, 1e-300, 1e10], "integers of 64 bits: got inf"),
        ("ids", [np.nan, *range(59)], "integers of 64 bits: got nan"),
        ("images", np.full((3, 60, 3), 0.5), "integers of 64 bits: got 0.5"),
        ("images", np.full((3, 60, 3), 2_000_000), r"within 1e\+06 boxes"),
    ],
)
def test_steps_times_ids_and_images_are_numbers_of_their_kind(moving, tmp_path, name, values, reason):
    write_npz(tmp_path / "t.npz", moving)
    with np.load(tmp_path / "t.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "t.npz", **(arrays | {name: np.array(values)}))
    refuse(tmp_path, ["t.npz"], reason, species={}, timestep=None)


@pytest.mark.parametrize("digits", [400, 4000])
def test_long_words_are_refused_in_linear_time(moving, tmp_path, digits):
    """Expressions that try every way to divide a word take minutes, or hours."""
    write_data(tmp_path / "t.data", moving)
    text, number = (tmp_path / "t.data").read_text(), digits * "9"
    (tmp_path / "t.data").write_text(re.sub(r"(?m)^.* xlo", f"{number} {number} xlo", text))
    write_xyz(tmp_path / "t.xyz", moving, f"{digits * 'a'} {EXTENDED.replace('Time=', f'Time={number}')}")
    start = process_time()
    refuse(tmp_path, ["t.data"], "periodic cube", output="out")
    refuse(tmp_path, ["t.xyz"], "times are finite", species={}, timestep=None)
    assert process_time() - start < 5


def test_a_trajectory_has_one_number_of_particles(moving, tmp_path):
    write_dump(tmp_path / "a.dump", moving)
    write_dump(tmp_path / "b.dump", moving_liquid(particles=50)._replace(steps=np.array([120, 160, 200])))
    message = refuse(tmp_path, ["a.dump", "b.dump"], "the same particles in every frame: got 50")
    assert "b.dump, frame 0" in message


def test_a_trajectory_has_the_same_ids_species_and_box(moving, tmp_path):
    later = moving._replace(steps=moving.steps + 120)
    write_dump(tmp_path / "a.dump", moving)
    for changed, reason in (
        (later._replace(ids=later.ids + 1), "got other ids"),
        (later._replace(species=later.species[::-1]), "a particle keeps its species"),
        (later._replace(box_length=moving.box_length + 0.5), "the box of a trajectory does not change"),
    ):
        write_dump(tmp_path / "b.dump", changed)
        assert "b.dump, frame 0" in refuse(tmp_path, ["a.dump", "b.dump"], reason)


WAYS = {"unwrapped": ("xu", False), "with images": ("x", True), "without images": ("x", False)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("later_way", WAYS)
def test_a_trajectory_states_its_positions_in_one_way(moving, tmp_path, way, later_way):
    later = moving._replace(steps=moving.steps + 80)
    for name, part, (style, with_images) in (("a", moving, WAYS[way]), ("b", later, WAYS[later_way])):
        write_dump(tmp_path / f"{name}.dump", part, style, with_images=with_images)
    if way != later_way:
        message = refuse(tmp_path, ["a.dump", "b.dump"], "states its positions in one way")
        assert f"got them {later_way} in {tmp_path}/b.dump, frame 0 and {way} in the first" in message
    else:
        stated = ReadOptions(timestep=0.005, species=LAMMPS_NAMES)
        assert (
            import_trajectory([tmp_path / "a.dump", tmp_path / "b.dump"], tmp_path / "o.h5", stated).frames
            == 5
        )


def test_rows_without_ids_and_order_are_no_trajectory(moving, tmp_path):
    write_dump(tmp_path / "t.dump", moving, with_images=False)
    text = (tmp_path / "t.dump").read_text().replace(" id vx", " mass vx")
    (tmp_path / "t.dump").write_text(text)
    refuse(tmp_path, ["t.dump"], "particles are followed by their ids")
    assert len(read_all(tmp_path / "t.dump", species=LAMMPS_NAMES)) == 3


def test_long_steps_are_not_unwrapped(moving, tmp_path):
    fast = moving._replace(positions=moving.positions + np.arange(3)[:, None, None] * [1.5, 0, 0])
    write_dump(tmp_path / "t.dump", fast, with_images=False)
    refuse(tmp_path, ["t.dump"], "no step is as long as a third of the box.*--unwrapped")
    import_trajectory(
        [tmp_path / "t.dump"],
        tmp_path / "o.h5",
        ReadOptions(timestep=1.0, species=LAMMPS_NAMES, unwrapped=True),
    )


@pytest.mark.parametrize("output", ["out.h5", "out"])
def test_coincident_particles_are_refused(moving, tmp_path, output):
    positions = moving.positions.copy()
    positions[:, 1] = positions[:, 0] + moving.box_length
    write_dump(tmp_path / "t.dump", moving._replace(positions=positions))
    message = refuse(tmp_path, ["t.dump"], "no two particles are at one place", output=output)
    assert f"ids {moving.ids[0]} and {moving.ids[1]}" in message


def test_a_pile_of_particles_is_refused_before_its_pairs_are_listed():
    pile = Configuration(np.zeros((5000, 3)), np.zeros(5000, np.uint8), 16.0)
    with pytest.raises(ImportingError, match=r"at one place.*do many lie in one point.*t\.dump, frame 7"):
        refuse_coincident(LiquidFrame(Path("t.dump"), 7, pile))


@pytest.mark.parametrize(
    ("name", "shape", "reason"),
    [
        ("ids", (59,), "got ids of shape (59,) where (60,) belongs to 60 positions"),
        ("images", (3, 59, 3), "got images of shape (59, 3) where (60, 3) belongs"),
        ("images", (60,), "got images of shape (60,)"),
        ("images", (2, 60, 3), "as many frames as the positions: got 2 (images of "),
        ("box", (2, 3), "as many frames as the positions: got 2 (box of "),
        ("steps", (2,), "as many frames as the positions: got 2 (steps of "),
        ("times", (0,), "as many frames as the positions: got 0 (times of "),
    ],
)
def test_arrays_belong_to_the_positions(moving, tmp_path, name, shape, reason):
    values = np.full(shape, moving.box_length) if name == "box" else np.arange(np.prod(shape)).reshape(shape)
    values = np.zeros_like(values) if name == "images" else values
    arrays = {"positions": moving.wrapped, "types": moving.species, "box": moving.box_length}
    np.savez(tmp_path / "t.npz", **arrays | {name: values})
    message = refuse(tmp_path, ["t.npz"], re.escape(reason), species={})
    assert "t.npz, frame" in message


def test_rows_of_an_unknown_order_take_no_species_from_a_topology(moving, tmp_path):
    write_xtc(tmp_path / "t.xtc", moving)
    write_dump(tmp_path / "t.dump", moving)
    text = (tmp_path / "t.dump").read_text()
    (tmp_path / "t.dump").write_text(text.replace(" id vx", " mass vx"))
    refuse(tmp_path, ["t.xtc"], "a topology states the order.*no ids", topology=tmp_path / "t.dump")
    write_data(tmp_path / "t.data", moving)
    np.savez(tmp_path / "t.npz", positions=moving.wrapped, ids=moving.ids[::-1], box=moving.box_length)
    refuse(tmp_path, ["t.npz"], "ids come with the species of their rows", topology=tmp_path / "t.data")


def test_times_are_needed_and_must_agree_with_the_steps(moving, tmp_path):
    write_dump(tmp_path / "t.dump", moving)
    refuse(tmp_path, ["t.dump"], "states steps only.*as in --timestep 0.005", timestep=None)
    write_xyz(tmp_path / "t.xyz", moving, 'Lattice="{L} 0 0 0 {L} 0 0 0 {L}" Properties=species:S:1:pos:R:3')
    refuse(tmp_path, ["t.xyz"], "neither steps nor times", timestep=None, species={})
    write_h5md(tmp_path / "t.h5", moving, position__time=np.array([0.0, 0.2, 0.7]))
    refuse(tmp_path, ["t.h5"], "times grow as steps do", timestep=None, species={})
    write_h5md(tmp_path / "u.h5", moving, position__step=None, position__time=np.array([0.0, 0.2, 0.3]))
    refuse(tmp_path, ["u.h5"], "times are multiples of the timestep", timestep=None, species={})
    import_trajectory([tmp_path / "u.h5"], tmp_path / "o.h5", ReadOptions(timestep=0.1))


def test_the_output_is_no_input_and_its_folder_exists(moving, tmp_path):
    write_h5md(tmp_path / "out.h5", moving)
    data = (tmp_path / "out.h5").read_bytes()
    refuse(tmp_path, ["out.h5"], "the output is another file than the input", species={})
    assert (tmp_path / "out.h5").read_bytes() == data
    with pytest.raises(ImportingError, match="the output's folder must exist"):
        import_trajectory([tmp_path / "out.h5"], tmp_path / "none" / "o.h5", ReadOptions())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(ImportingError, match="new or empty"):
        import_snapshots([tmp_path / "out.h5"], tmp_path / "full", ReadOptions(), "all")
    with pytest.raises(ImportingError, match="got 3 frames; name a folder"):
        import_snapshots([tmp_path / "out.h5"], tmp_path / "o.parquet", ReadOptions(), "all")


CUBE = 'Lattice="9 0 0 0 9 0 0 0 9"'
DUMP = (
    "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS {}\n0 9\n0 9\n0 {}\nITEM: ATOMS {}\n{}\n"
)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.xyz", f"1\n{CUBE} Properties=species:S:1:pos:R:2:radius:R:1\nA 0 0 1\n", "pos has 2 columns, 3 are needed"),
        ("a.xyz", "1\ncolumns:species,position cell:9.0,9.0\nA 0 0\n", "position has 2 columns, 3 are needed"),
        ("a.xyz", f'1\n{CUBE} pbc="T T F" Properties=species:S:1:pos:R:3\nA 0 0 0\n', "of which some are open"),
        ("a.xyz", f"1\n{CUBE} Properties=species:S:1:pos:R:3\nA 0 0 0 0\n", "has 4 columns|has 5 columns"),
        ("a.xyz", f"2\n{CUBE} Properties=species:S:1:pos:R:3\nA 0 0 0\nB 0 0\n", "Expected 4 columns, got 3"),
        ("a.xyz", f"1\n{CUBE} Properties=species:S:1:pos:R:3\nA 0 0 z\n", "no table of numbers"),
        ("a.xyz", '1\nLattice="9 0 0 0" Properties=species:S:1:pos:R:3\nA 0 0 0\n', "Lattice of 4 numbers"),
        ("a.xyz", "0\n\n", "a frame has 1 to"),
        ("a.xyz", "999999999999\n\nA 0 0 0\n", "a frame has 1 to"),
        ("a.dump", DUMP.format("pp pp ff", 9, "id type x y z", "1 1 0 0 0"), "of which some are open"),
        ("a.dump", DUMP.format("pp pp pp", 8, "id type x y z", "1 1 0 0 0"), "the box is a periodic cube"),
        ("a.dump", DUMP.format("xy xz yz pp pp pp", "9 1", "id type x y z", "1 1 0 0 0"), "BOX BOUNDS|periodic cube"),
        ("a.dump", DUMP.format("pp pp pp", 9, "id type x y", "1 1 0 0"), "positions as x y z, xu yu zu"),
        ("a.dump", DUMP.format("pp pp pp", 9, "id x y z", "1 0 0 0"), "needs a column type or element"),
        ("a.dump", DUMP.format("pp pp pp", 9, "id type x y z", "1 1 0 0"), "in its first row"),
        ("a.dump", DUMP.format("pp pp pp", 9, "id type x y z", "1 1.5 0 0 0"), "no table of numbers"),
        ("a.dump", "ITEM: TIMESTEP\n0\n", "ends within the head of frame 0"),
        ("a.dump", "ITEM: TIMESTEP\nx\nITEM: ATOMS id\n", "TIMESTEP, NUMBER OF ATOMS and BOX BOUNDS"),
        ("a.dump", "0 0\n" * 5, 'begins with "ITEM:"'),
        ("a.data", "comment\n\n3 atoms\n\n0 9 xlo xhi\n", "has a section Atoms"),
        ("a.data", "comment\n\n1 atoms\n\nAtoms # dipole\n\n1 1 0 0 0\n", "of the style atomic"),
        ("a.data", "comment\n\n1 atoms\n\nAtoms # atomic\n\n1 1 0 0 0\n", "xlo xhi"),
        ("a.pdb", "HEADER\n", "which is none of them"),
        ("a.xyz", "", "is empty"),
        ("a.npz", "text", "is damaged or no file of NumPy|begins with its shape"),
        ("a.gsd", "text", "is no whole GSD file"),
    ],
)  # fmt: skip
def test_what_is_no_liquid_is_refused(tmp_path, name, text, reason):
    (tmp_path / name).write_text(text)
    refuse(tmp_path, [name], reason, species={"1": 0, "A": 0, "B": 1})


def test_species_are_named(moving, tmp_path):
    write_dump(tmp_path / "t.dump", moving)
    refuse(tmp_path, ["t.dump"], r"got \['1', '2'\].*as in --species 1=A,2=B", species={})
    refuse(tmp_path, ["t.dump"], r"named 1 and 3: got \['2'\]", species={"1": 0, "3": 1})
    pure = moving._replace(species=np.zeros_like(moving.species))
    write_dump(tmp_path / "pure.dump", pure)
    refuse(tmp_path, ["pure.dump"], "as in --species 1=A", species={})


def test_a_stated_box_must_be_that_of_the_file(moving, tmp_path):
    write_gsd(tmp_path / "t.gsd", moving)
    refuse(tmp_path, ["t.gsd"], "got --box 9", species={}, box_length=9.0)


def test_folders_and_absent_files(tmp_path):
    with pytest.raises(ImportingError, match="not a folder"):
        open_source(tmp_path)
    with pytest.raises(ImportingError, match="no such file"):
        open_source(tmp_path / "none.h5")


@pytest.mark.parametrize(
    ("write", "name"),
    [(write_gsd, "t.gsd"), (write_h5md, "t.h5"), (write_npz, "t.npz"), (write_xtc, "t.xtc")],
)
def test_binary_files_are_decompressed_by_the_user(moving, tmp_path, write, name):
    write(tmp_path / name, moving)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    with pytest.raises(ImportingError, match="only text files are read compressed"):
        open_source(tmp_path / f"{name}.gz")


def test_damaged_compression_is_said(moving, tmp_path):
    write_dump(tmp_path / "t.dump.gz", moving)
    data = bytearray((tmp_path / "t.dump.gz").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "t.dump.gz").write_bytes(data)
    refuse(tmp_path, ["t.dump.gz"], "t.dump.gz")


def test_a_bomb_of_text_is_refused_early(tmp_path):
    (tmp_path / "t.xyz.gz").write_bytes(gzip.compress(b"5\n" + bytes(10**8)))
    refuse(tmp_path, ["t.xyz.gz"], "longer than", species={})
    (tmp_path / "t.dump.gz").write_bytes(gzip.compress(b"ITEM: TIMESTEP" + b" " * 10**8))
    refuse(tmp_path, ["t.dump.gz"], "longer than", species={})


def test_an_archive_that_expands_beyond_reason_is_refused(tmp_path):
    header = io.BytesIO()
    about = {"descr": "<f8", "fortran_order": False, "shape": (20_000_000, 3)}
    np.lib.format.write_array_header_1_0(header, about)
    with (
        zipfile.ZipFile(tmp_path / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("positions.npy", "w", force_zip64=True) as member,
    ):
        member.write(header.getvalue())
        for _ in range(48):
            member.write(bytes(10_000_000))
    refuse(tmp_path, ["t.npz"], "at most 100 times its size", species={})


def test_a_head_that_claims_more_than_there_is_takes_no_memory(moving, tmp_path):
    header = io.BytesIO()
    about = {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**7, 3)}
    np.lib.format.write_array_header_1_0(header, about)
    (tmp_path / "t.npy").write_bytes(header.getvalue())
    write_gsd(tmp_path / "t.gsd", moving)
    refuse(
        tmp_path,
        ["t.npy"],
        "species and|before the end of an array",
        topology=tmp_path / "t.gsd",
        box_length=9.0,
        species={},
    )


class Exploding:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def test_nothing_is_unpickled(moving, tmp_path):
    objects = np.array([Exploding()], dtype=object)
    np.savez(tmp_path / "a.npz", positions=moving.wrapped, types=objects, box=moving.box_length)
    refuse(tmp_path, ["a.npz"], "without objects", species={})
    np.save(tmp_path / "b.npy", objects, allow_pickle=True)
    refuse(tmp_path, ["b.npy"], "without objects|pickled", species={})
    (tmp_path / "c.npz").write_bytes(pickle.dumps(Exploding()))
    refuse(tmp_path, ["c.npz"], "c.npz", species={})


def test_binary_trajectories_that_are_cut_off(moving, tmp_path):
    write_data(tmp_path / "t.data", moving)
    write_xtc(tmp_path / "t.xtc", moving)
    data = (tmp_path / "t.xtc").read_bytes()
    (tmp_path / "t.xtc").write_bytes(data[:-100])
    refuse(tmp_path, ["t.xtc"], "t.xtc", topology=tmp_path / "t.data")


def test_a_frame_that_is_not_there(moving, tmp_path):
    write_npz(tmp_path / "t.npz", moving)
    with pytest.raises(ImportingError, match="has frames 0 to 2: got 3"):
        import_snapshots([tmp_path / "t.npz"], tmp_path / "o.parquet", ReadOptions(), 3)
