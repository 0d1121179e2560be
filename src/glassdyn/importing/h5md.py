"""H5MD files of any writer, and what each of them leaves to choice.

The particles lie in a group of any name, or in a group for each species; species, ids and the box are fixed or
change from frame to frame; the box is a vector or a matrix; steps and times are lists, an interval, or absent.

Source: de Buyl, Colberg, Hoefling, Comput. Phys. Commun. 185, 1546 (2014); https://nongnu.org/h5md
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.hdf5_tree import get, open_hdf5, require
from glassdyn.importing.source import (
    Box,
    ImportingError,
    ReadOptions,
    SourceFrame,
    as_integers,
    require_sane_size,
)
from glassdyn.importing.time_dependent import Clock, Element, open_clock, open_element
from glassdyn.storage.trajectory_writer import THERMODYNAMICS

__all__ = ["H5md"]


class Group(NamedTuple):
    """The particles of one group.

    Attributes:
        name: of the group.
        positions, species, ids, images, edges: each fixed, or for each frame; None where it is absent.
        names: of the numbers of species; empty where they are numbers alone.
        clock: steps and times.
        periodic: of the box.
    """

    name: str
    positions: Element
    species: Element | None
    ids: Element | None
    images: Element | None
    edges: Element | None
    names: dict[int, str]
    clock: Clock
    periodic: tuple[bool, bool, bool]


class H5md:
    """See the module, and `Source`."""

    format = "H5MD"
    keeps_order = True

    def __init__(self, path: Path, _options: ReadOptions) -> None:
        self.path = path

    def count(self) -> int:
        """See `Source`."""
        with open_hdf5(self.path) as file:
            return self._open_groups(file)[0].positions.frames

    def read(self, frames: range) -> Iterator[SourceFrame]:
        """See `Source`."""
        with open_hdf5(self.path) as file:
            groups = self._open_groups(file)
            is_unwrapped = _is_written_here(file)
            observables = _open_observables(file, groups[0].positions.frames)
            for number in frames:
                parts = [self._read_group(group, number, frames, len(groups) > 1) for group in groups]
                numbers = {name: float(element.at(number, frames)) for name, element in observables.items()}
                frame = parts[0] if len(parts) == 1 else _merge(parts)
                yield frame._replace(is_unwrapped=is_unwrapped, observables=numbers)

    def _open_groups(self, file: h5py.File) -> list[Group]:
        particles = get(file, "particles")
        if not isinstance(particles, h5py.Group) or not len(particles):
            raise ImportingError(f"an H5MD file has particles in /particles: {self.path} has {list(file)}")
        names = [name for name in particles if get(particles, f"{name}/position") is not None]
        if not names:
            raise ImportingError(
                f"a group of particles has positions: got {list(particles)} in /particles ({self.path})"
            )
        groups = [_open_group(require(particles, name), name) for name in names]
        if len(groups) > 1 and any(group.species is not None for group in groups):
            groups = [group for group in groups if group.name == "all"]
        if not groups:
            raise ImportingError(
                "particles lie in one group, in one that is named all, or in one for each species: got the groups "
                f"{names} with species of their own ({self.path}); copy the right one to a file of its own by h5copy"
            )
        if len({group.positions.frames for group in groups}) > 1:
            raise ImportingError(f"the groups {names} must have equally many frames ({self.path})")
        return groups

    def _read_group(self, group: Group, number: int, frames: range, is_named: bool) -> SourceFrame:
        where = f"{self.path}, frame {number}"
        positions = np.asarray(group.positions.at(number, frames), np.float64)
        require_sane_size(len(positions), where)
        ids = None if group.ids is None else as_integers(group.ids.at(number, frames), where)
        kinds, names = self._read_species(group, number, frames, ids, is_named)
        images = None if group.images is None else as_integers(group.images.at(number, frames), where)
        edges = None if group.edges is None else np.asarray(group.edges.at(number, frames), np.float64)
        box = None if edges is None else _build_box(edges, group.periodic, where)
        step, time = group.clock.at(number)
        return SourceFrame(positions, kinds, names, box, ids=ids, images=images, step=step, time=time)

    def _read_species(
        self, group: Group, number: int, frames: range, ids: NDArray[np.int64] | None, is_named: bool
    ) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Kinds of the rows. Fixed species stand in the order of the ids where rows are permuted."""
        if group.species is None and is_named:
            return np.zeros(group.positions.particles, np.int64), (group.name,)
        if group.species is None:
            raise ImportingError(
                f"needs species: /particles/{group.name} of {self.path} has none; add particles/{group.name}/species"
            )
        values = np.asarray(group.species.at(number, frames))
        if (
            ids is not None
            and group.ids is not None
            and group.ids.is_changing
            and not group.species.is_changing
        ):
            values = values[np.argsort(np.argsort(ids))] if len(values) == len(ids) else values
        labels, kinds = np.unique(values, return_inverse=True)
        names = tuple(_name_of(label, group.names) for label in labels.tolist())
        return kinds.reshape(-1).astype(np.int64), names


def _open_group(group: h5py.Group | h5py.Dataset, name: str) -> Group:
    positions = open_element(group, "position", particles_axes=2)
    if positions is None:
        raise ImportingError(f"needs {group.name}/position: {group.file.filename} has none")
    species = open_element(group, "species", particles_axes=1)
    box = get(group, "box")
    return Group(
        name,
        positions,
        species,
        open_element(group, "id", particles_axes=1),
        open_element(group, "image", particles_axes=2),
        None if box is None else open_element(box, "edges", particles_axes=None),
        {} if species is None else species.enumeration,
        open_clock(group, positions.frames),
        _read_boundary(box),
    )


def _name_of(label: int | str | bytes, names: Mapping[int, str]) -> str:
    """The name of a species, which a file states as a number, a word, or a number with a name."""
    if isinstance(label, bytes):
        return label.decode()
    return names.get(label, str(label)) if isinstance(label, int) else label


def _read_boundary(box: h5py.Group | h5py.Dataset | None) -> tuple[bool, bool, bool]:
    """Whether the box is periodic; a box that does not say is."""
    stated = np.ravel(np.asarray(box.attrs.get("boundary", []) if box is not None else []))
    flags = [(word.decode() if isinstance(word, bytes) else str(word)) != "none" for word in stated.tolist()]
    return (flags[0], flags[1], flags[2]) if len(flags) == 3 else (True, True, True)


def _build_box(edges: NDArray[np.float64], periodic: tuple[bool, bool, bool], where: str) -> Box:
    if edges.shape == ():
        edges = np.full(3, edges)
    if edges.shape not in {(3,), (3, 3)}:
        raise ImportingError(f"the box has three edges, or a matrix of three: got {edges.tolist()} ({where})")
    return Box(np.diag(edges) if edges.ndim == 1 else edges, np.zeros(3), periodic)


def _merge(parts: list[SourceFrame]) -> SourceFrame:
    """One frame from a group for each species."""
    names = tuple(name for part in parts for name in part.names)
    firsts = np.cumsum([0, *(len(part.names) for part in parts)])
    kinds = [part.kinds + first for part, first in zip(parts, firsts[:-1], strict=True)]
    ids = [part.ids for part in parts if part.ids is not None]
    images = [part.images for part in parts if part.images is not None]
    return parts[0]._replace(
        positions=np.concatenate([part.positions for part in parts]),
        kinds=np.concatenate(kinds),
        names=names,
        ids=np.concatenate(ids) if len(ids) == len(parts) else None,
        images=np.concatenate(images) if len(images) == len(parts) else None,
    )


def _is_written_here(file: h5py.File) -> bool:
    """Whether this project wrote the file, which means that positions are unwrapped."""
    creator = get(file, "h5md/creator")
    name = b"" if creator is None else creator.attrs.get("name", b"")
    return bool((name.decode() if isinstance(name, bytes) else str(name)) == "glassdyn")


def _open_observables(file: h5py.File, frames: int) -> dict[str, Element]:
    group = get(file, "observables")
    if not isinstance(group, h5py.Group):
        return {}
    elements = {name: open_element(group, name, particles_axes=0) for name in THERMODYNAMICS}
    return {name: element for name, element in elements.items() if element and element.frames == frames}
