"""What is no archive of GlassBench is refused, and nothing of it is written."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest

from glassbench_archives import add, files, pack, structure, write_archive
from glassdyn.cli import main
from glassdyn.importing import archives
from glassdyn.importing.published_sets import import_set
from glassdyn.importing.source import ImportingError

NAME = "T0.44/train/N200T0.44_1.npz"
TEST_NAME = "T0.44/test/N200T0.44_401.npz"
GOOD = structure(1, is_test=False)
GOOD_TEST = structure(401, is_test=True)


def refused(tmp_path, path, reason):
    with pytest.raises(ImportingError, match=reason):
        import_set("glassbench", path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"types": np.full(200, 2)}, "types 0 and 1"),
        ({"types": np.zeros((2, 100))}, r"types \(N,\)"),
        ({"initial_positions": np.zeros((199, 3))}, r"initial_positions of the shape \(200, 3\)"),
        ({"initial_positions": np.zeros((200, 2))}, r"initial_positions of the shape"),
        ({"initial_positions_cage": np.full((200, 3), np.nan)}, "finite numbers: initial_positions_cage"),
        ({"md_prop": np.zeros((9, 200))}, r"md_prop of the shape \(10, 200\)"),
        ({"bb_prop": np.full((10, 200), np.inf)}, "finite numbers: bb_prop"),
        ({"CAGE": np.zeros((10, 7))}, "a prediction of every particle"),
        ({"CAGE": np.full(200, np.nan)}, "finite predictions of A"),
        ({"md_prop": np.array([None] * 200)}, "pickled objects"),
        ({"md_prop": np.array(["a"] * 200)}, "numbers: md_prop"),
    ],
)
def test_arrays_that_make_no_sense(tmp_path, changes, reason):
    refused(tmp_path, write_archive(tmp_path / "T0.44.tar.gz", {NAME: GOOD | changes}), reason)


def test_an_array_that_is_absent(tmp_path):
    arrays = {key: values for key, values in GOOD.items() if key != "bb_prop"}
    refused(tmp_path, write_archive(tmp_path / "T0.44.tar.gz", {NAME: arrays}), "it lacks bb_prop")


def test_files_that_do_not_belong_together(tmp_path):
    path = tmp_path / "T0.44.tar.gz"
    without = {key: values for key, values in GOOD_TEST.items() if key != "CAGE"}
    cases = (
        ({NAME: GOOD, "T0.44/test/N200T0.44_1.npz": GOOD_TEST}, "a number of its own"),
        ({NAME: GOOD, "T0.50/train/N200T0.50_2.npz": GOOD}, "a set has one temperature"),
        ({TEST_NAME: GOOD_TEST, TEST_NAME.replace("401", "402"): without}, "the same predictions"),
        ({NAME.replace("_1", "_0"): GOOD}, "numbered from 1"),
        ({"T0.45/train/N200T0.45_1.npz": GOOD}, "published at T = 0.44"),
        ({"README.npz": GOOD}, "has none; is it the right file"),
    )
    for contents, reason in cases:
        refused(tmp_path, write_archive(path, contents), reason)


@pytest.mark.parametrize(
    ("name", "attributes", "reason"),
    [
        ("../T0.44/train/N200T0.44_2.npz", {}, "stay below its folder"),
        ("/T0.44/train/N200T0.44_2.npz", {}, "stay below its folder"),
        ("T0.44/train/../../N200T0.44_2.npz", {}, "stay below its folder"),
        ("T0.44/train/N200T0.44_2.npz", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "a link"),
        ("T0.44/train/N200T0.44_2.npz", {"type": tarfile.LNKTYPE, "linkname": NAME}, "a link"),
        ("T0.44/train/N200T0.44_2.npz", {"type": tarfile.FIFOTYPE}, "a link, a device"),
    ],
)
def test_members_that_lead_out_of_the_archive(tmp_path, name, attributes, reason):
    with tarfile.open(tmp_path / "T0.44.tar.gz", "w:gz") as archive:
        add(archive, NAME, pack(GOOD))
        add(archive, name, b"" if attributes else pack(GOOD), **attributes)
    refused(tmp_path, tmp_path / "T0.44.tar.gz", reason)


def header(size, kind=tarfile.REGTYPE, name=NAME):
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_member_that_claims_more_than_any_has(tmp_path, kind):
    path = tmp_path / "T0.44.tar.gz"
    path.write_bytes(gzip.compress(header(2**33, kind) + bytes(10**6)))
    refused(tmp_path, path, "at most 268435456 bytes")


def test_an_archive_that_expands_beyond_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_SMALL", 10**6)
    path = tmp_path / "T0.44.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(header(2 * 10**6, name="zeros") + bytes(2 * 10**6) + header(0))
    refused(tmp_path, path, "expands to at most 100 times")


def test_a_npz_that_expands_beyond_reason(tmp_path):
    bomb = io.BytesIO()
    np.savez_compressed(bomb, types=np.zeros(3 * 10**8, np.int8))
    with tarfile.open(tmp_path / "T0.44.tar.gz", "w:gz") as archive:
        add(archive, NAME, bomb.getvalue())
    refused(tmp_path, tmp_path / "T0.44.tar.gz", "expands to at most 100 times")


HEADS = {
    "negative": ("<f8", "(-1, -3)"),
    "vast": ("<f8", "(0, 9999999999999999999999)"),
    "many dimensions": ("<f8", str((1,) * 100)),
    "no bytes": ("<U0", "(3,)"),
    "open": ("'''<f8", "(3,)"),
    "nested": ("<f8", "-" * 9000 + "1"),
}


@pytest.mark.parametrize(("kind", "shape"), HEADS.values(), ids=HEADS)
def test_heads_of_arrays_that_make_no_sense(tmp_path, kind, shape):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    contents = {"md_prop.npy": b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(24)}
    refused(tmp_path, archive_of(tmp_path, zipped(contents)), "begins with its shape and type|have bytes")


def zipped(changes, kind=zipfile.ZIP_STORED):
    """A structure, some members of which are others."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(pack(GOOD))) as good, zipfile.ZipFile(file, "w", kind) as made:
        for name in good.namelist():
            made.writestr(name, changes.get(name) or good.read(name))
    return file.getvalue()


def archive_of(tmp_path, contents, name=NAME, **attributes):
    with tarfile.open(tmp_path / "T0.44.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        add(archive, name, contents, **attributes)
    return tmp_path / "T0.44.tar.gz"


def test_members_that_numpy_does_not_write(tmp_path):
    encrypted = bytearray(pack(GOOD))
    encrypted[encrypted.find(b"PK\1\2") + 8] |= 1
    for contents in (bytes(encrypted), zipped({}, zipfile.ZIP_BZIP2)):
        refused(tmp_path, archive_of(tmp_path, contents), "stored or deflated, and not encrypted")


def test_names_and_heads_of_members_that_no_archive_has(tmp_path):
    long = NAME.replace("_1", "_" + "1" * 5000)
    refused(tmp_path, archive_of(tmp_path, pack(GOOD), long), "has none; is it the right file")
    holes = {"GNU.sparse.map": "a,b"}
    refused(tmp_path, archive_of(tmp_path, pack(GOOD), pax_headers=holes), "damaged or no archive")


def test_more_members_than_any_archive_has(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    refused(tmp_path, write_archive(tmp_path / "T0.44.tar.gz", files()), "at most 3 members")


def test_damaged_archives(tmp_path):
    path = write_archive(tmp_path / "T0.44.tar.gz", {NAME: GOOD, TEST_NAME: GOOD_TEST})
    whole = path.read_bytes()
    for contents in (whole[: len(whole) // 2], b"", b"no archive", whole[:100] + bytes(50) + whole[150:]):
        path.write_bytes(contents)
        refused(tmp_path, path, "damaged|cut off|copy it anew|has none")


def test_where_there_is_none_or_more_than_one(tmp_path):
    (tmp_path / "raw").mkdir()
    refused(tmp_path, tmp_path / "raw", "got none in")
    refused(tmp_path, tmp_path / "absent.tar.gz", "got none in")
    for name in ("T0.44", "T0.50"):
        (tmp_path / "raw" / name / "train").mkdir(parents=True)
    refused(tmp_path, tmp_path / "raw", "GlassBench is one archive")


def test_the_command_writes_into_a_new_folder_and_takes_nothing_beside_the_set(tmp_path, capsys):
    path = write_archive(tmp_path / "T0.44.tar.gz", {NAME: GOOD})
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a").touch()
    words = ["import", "--set", "glassbench", str(path)]
    for more, reason in (
        ([str(tmp_path / "full")], "new or empty"),
        ([str(tmp_path / "none/out")], "folder must exist"),
        ([str(tmp_path / "out"), "--box", "3"], "leave them out"),
        ([str(path), str(tmp_path / "out")], "got 2 paths"),
    ):
        assert main([*words, *more]) == 1
        assert reason in capsys.readouterr().err
    assert main(["import", "--set", "none", str(path), str(tmp_path / "out")]) == 1
    assert "published sets are botan, glassbench, deepmind" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
