"""The formats, and which of them a file has: its content decides, its suffix where that says nothing."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from glassdyn.importing.gamdpy import is_gamdpy, open_gamdpy
from glassdyn.importing.gsd import Gsd
from glassdyn.importing.h5md import H5md
from glassdyn.importing.lammps_data import COUNT, open_lammps_data
from glassdyn.importing.lammps_dump import LammpsDump
from glassdyn.importing.molecular import open_dcd, open_xtc
from glassdyn.importing.numpy_arrays import NumpyArrays
from glassdyn.importing.snapshot_table import open_snapshot_table
from glassdyn.importing.source import ImportingError, ReadOptions, Source
from glassdyn.importing.text import is_compressed, read_head
from glassdyn.importing.topology import Topology, read_foreign_topology, read_topology
from glassdyn.importing.xyz import Xyz

__all__ = ["FORMATS", "Format", "open_source"]

HDF5 = b"\x89HDF\r\n\x1a\n"


class Format(NamedTuple):
    """A file format.

    Attributes:
        matches: whether a file has it, from its first bytes, decompressed, and its path.
        open: makes its source.
        is_text: and so may be compressed; the libraries of binary formats want the file itself.
    """

    matches: Callable[[bytes, Path], bool]
    open: Callable[[Path, ReadOptions], Source]
    is_text: bool = False


def _read_topology(path: Path, options: ReadOptions) -> Topology:
    """Species of a trajectory of positions alone, from the file that the user names."""
    if options.topology is None:
        raise ImportingError(
            f"needs the species of the particles: {path} holds none; name a file that does, as in --topology "
            "system.data"
        )
    readable = _find_format(read_head(options.topology), options.topology)
    if readable is None:
        return read_foreign_topology(options.topology)
    return read_topology(readable.open(options.topology, ReadOptions()))


def _open_dcd(path: Path, options: ReadOptions) -> Source:
    return open_dcd(path, partial(_read_topology, path, options))


def _open_xtc(path: Path, options: ReadOptions) -> Source:
    return open_xtc(path, partial(_read_topology, path, options))


def _open_numpy(path: Path, options: ReadOptions) -> Source:
    return NumpyArrays(path, options, partial(_read_topology, path, options))


def _is_xyz(head: bytes, _path: Path) -> bool:
    return head.split(b"\n", 1)[0].strip().isdigit()


def _is_lammps_data(head: bytes, _path: Path) -> bool:
    return COUNT.search(head.decode(errors="replace")) is not None


FORMATS = (
    Format(lambda head, path: head.startswith(HDF5) and is_gamdpy(path), open_gamdpy),
    Format(lambda head, _: head.startswith(HDF5), H5md),
    Format(lambda head, _: head.startswith(b"\xdf\x65" * 4), Gsd),
    Format(lambda head, _: head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY")), _open_numpy),
    Format(lambda head, _: head.startswith(b"PAR1"), open_snapshot_table),
    Format(lambda head, _: head[4:8] == b"CORD", _open_dcd),
    Format(lambda head, _: head[:4] in {b"\x00\x00\x07\xcb", b"\x00\x00\x07\xe7"}, _open_xtc),
    Format(lambda head, _: head.lstrip().startswith(b"ITEM:"), LammpsDump, is_text=True),
    Format(_is_xyz, Xyz, is_text=True),
    Format(_is_lammps_data, open_lammps_data, is_text=True),
)
"""In the order in which they are tried."""

SUFFIXES: Mapping[str, Callable[[Path, ReadOptions], Source]] = {
    ".h5": H5md,
    ".h5md": H5md,
    ".hdf5": H5md,
    ".gsd": Gsd,
    ".npz": _open_numpy,
    ".npy": _open_numpy,
    ".dcd": _open_dcd,
    ".xtc": _open_xtc,
    ".xyz": Xyz,
    ".extxyz": Xyz,
    ".exyz": Xyz,
    ".lammpstrj": LammpsDump,
    ".dump": LammpsDump,
}
"""Of files whose content says nothing: the reader of the format says what is wrong with it."""


def _find_format(head: bytes, path: Path) -> Format | None:
    """The format of a file whose first bytes, decompressed, are these; None where it has none of them."""
    compressed = is_compressed(path)
    formats = (form for form in FORMATS if form.is_text or not compressed)
    return next((form for form in formats if form.matches(head, path)), None)


def open_source(path: Path, options: ReadOptions | None = None) -> Source:
    """Choose the reader of a file.

    Args:
        path: of the file.
        options: what the user says about it.

    Raises:
        ImportingError: for a file that is absent, empty, or of no known format.
    """
    if path.is_dir():
        raise ImportingError(f"a file is read, not a folder: got {path}")
    head, stated = read_head(path), options or ReadOptions()
    if not head:
        raise ImportingError(f"a file holds at least one frame: {path} is empty")
    form = _find_format(head, path)
    if form is not None:
        return form.open(path, stated)
    if is_compressed(path):
        raise ImportingError(
            f"only text files are read compressed: decompress {path}, as by gunzip or unzstd"
        )
    if path.suffix.lower() in SUFFIXES:
        return SUFFIXES[path.suffix.lower()](path, stated)
    raise ImportingError(
        "configurations are read from H5MD, XYZ (extended, of atooms or RUMD, plain), dumps and data files of LAMMPS, "
        f"GSD, DCD and XTC with a topology, NumPy (.npz, .npy): got {path}, which is none of them; convert it, for "
        "example by OVITO"
    )
