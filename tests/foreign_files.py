"""One short trajectory of a liquid, as other programs write it: rows in any order, other origins, wrapped or not."""

import gzip
from typing import NamedTuple

import ase
import ase.io
import gsd.hoomd
import h5py
import MDAnalysis
import numpy as np
import pyarrow as pa
from MDAnalysis.lib.formats.libdcd import DCDFile
from MDAnalysis.lib.formats.libmdaxdr import XTCFile

from glassdyn.importing import ReadOptions, open_source, read_frames
from glassdyn.liquid.box import wrap
from glassdyn.liquid.potential import assign_species

GRID = 2**-8
"""Positions are multiples of it, and so are the box and its corners: eight decimals state them exactly."""


class Moving(NamedTuple):
    """A trajectory: positions (T, N, 3) from the corner of the box, unwrapped; ids (N,) increase."""

    positions: np.ndarray
    species: np.ndarray
    box_length: float
    ids: np.ndarray
    steps: np.ndarray
    timestep: float

    @property
    def wrapped(self):
        return wrap(self.positions, self.box_length)

    @property
    def images(self):
        return np.floor(self.positions / self.box_length).astype(np.int64)


def moving_liquid(seed=0, particles=1000, frames=3, step=0.3):
    """A jittered lattice in a box of density near 1.2 whose particles walk, some of them through its sides."""
    generator = np.random.default_rng(seed)
    box_length = np.rint((particles / 1.2) ** (1 / 3) / 2 / GRID) * 2 * GRID
    side = int(np.ceil(particles ** (1 / 3)))
    sites = np.stack(np.meshgrid(*3 * [np.arange(side)], indexing="ij"), axis=-1).reshape(-1, 3)
    sites = generator.permutation(sites)[:particles] * (box_length / side)
    walks = np.cumsum(generator.uniform(-step, step, (frames, particles, 3)), axis=0)
    positions = np.rint((sites + 0.3 * walks) / GRID) * GRID
    ids = np.sort(generator.choice(10 * particles, particles, replace=False)) + 1
    species = generator.permutation(assign_species(particles))
    return Moving(positions, species, float(box_length), ids, 40 * np.arange(frames), 0.005)


def shuffled(moving, frame):
    """An order of the rows of a frame."""
    return np.random.default_rng(frame).permutation(len(moving.ids))


def write_dump(path, moving, style="x", *, with_images=True, element=False, vectors=False):
    """A dump of LAMMPS, from -L/2 to L/2, rows in another order in every frame; the box by its bounds or its vectors."""
    length, half = moving.box_length, moving.box_length / 2
    text = ""
    for frame, step in enumerate(moving.steps):
        names = {"x": "x y z", "xu": "xu yu zu", "xs": "xs ys zs", "xsu": "xsu ysu zsu"}[style]
        header = ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", str(len(moving.ids))]
        if vectors:
            rows = [" ".join(map(repr, [*row, -half])) for row in np.diag(3 * [length]).tolist()]
            header += ["ITEM: BOX BOUNDS abc origin pp pp pp", *rows]
        else:
            header += ["ITEM: BOX BOUNDS pp pp pp", *3 * [f"{-half!r} {half!r}"]]
        images = " ix iy iz" if with_images else ""
        header.append(f"ITEM: ATOMS {names} {'element' if element else 'type'}{images} id vx")
        places = moving.positions[frame] if "u" in style else moving.wrapped[frame]
        places = places / length if "s" in style else places - half
        for row in shuffled(moving, frame):
            kind = ["Ni", "P"][moving.species[row]] if element else str(moving.species[row] + 1)
            words = [*map(repr, places[row].tolist()), kind]
            words += map(str, moving.images[frame, row].tolist() if with_images else [])
            header.append(" ".join([*words, str(moving.ids[row]), "0.25"]))
        text += "\n".join(header) + "\n"
    write_text(path, text)


def write_text(path, text):
    """Plain, or compressed as the suffix says."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".zst":
        path.write_bytes(pa.compress(text.encode(), codec="zstd", asbytes=True))
    else:
        path.write_text(text)


def write_data(path, moving, frame=0):
    """A data file of LAMMPS."""
    half = moving.box_length / 2
    lines = ["made by a test", "", f"{len(moving.ids)} atoms", "2 atom types", ""]
    lines += [f"{-half!r} {half!r} {axis}lo {axis}hi" for axis in "xyz"]
    lines += ["", "Masses", "", "1 1", "2 1", "", "Atoms # atomic", ""]
    for row in shuffled(moving, frame):
        place, image = moving.wrapped[frame, row] - half, moving.images[frame, row]
        lines.append(
            " ".join(map(str, [moving.ids[row], moving.species[row] + 1, *place.tolist(), *image.tolist()]))
        )
    lines += ["", "Velocities", "", *(f"{number} 0 0 0" for number in moving.ids)]
    write_text(path, "\n".join(lines) + "\n")


def write_gsd(path, moving, *, images_once=False, images=None):
    """By HOOMD's own library; HOOMD itself writes images with the first frame only, unless it is asked for more."""
    images = moving.images if images is None else images
    with gsd.hoomd.open(path, "w") as file:
        for frame, step in enumerate(moving.steps):
            snapshot = gsd.hoomd.Frame()
            snapshot.configuration.step = int(step)
            snapshot.configuration.box = [*3 * [moving.box_length], 0, 0, 0]
            snapshot.particles.N = len(moving.ids)
            snapshot.particles.types = ["A", "B"]
            snapshot.particles.typeid = moving.species
            snapshot.particles.position = moving.wrapped[frame] - moving.box_length / 2
            if not frame or not images_once:
                snapshot.particles.image = images[frame]
            file.append(snapshot)


def write_ase(path, moving):
    """By ASE, whose columns are aligned by several spaces."""
    frames = []
    for frame, step in enumerate(moving.steps):
        symbols = np.array(["Ni", "P"])[moving.species]
        box = moving.box_length
        atoms = ase.Atoms(symbols, positions=moving.wrapped[frame], cell=[box, box, box], pbc=True)
        atoms.info["Time"] = float(step * moving.timestep)
        atoms.new_array("id", moving.ids)
        frames.append(atoms[shuffled(moving, frame)])
    ase.io.write(path, frames, format="extxyz")


def write_xyz(path, moving, comment="", columns="species,position", shift=0.0, *, images=False):
    """Plain, of atooms, or of RUMD, by the comment; rows in one order, since there are no ids."""
    text = ""
    for frame, step in enumerate(moving.steps):
        stated = comment.format(step=step, L=moving.box_length, columns=columns, dt=moving.timestep)
        lines = [str(len(moving.ids)), stated]
        for kind, place, image in zip(
            moving.species, moving.wrapped[frame], moving.images[frame], strict=True
        ):
            name = str(kind) if columns.startswith("type") else "AB"[kind]
            lines.append(
                " ".join([name, *map(repr, (place - shift).tolist()), *map(str, image if images else [])])
            )
        text += "\n".join(lines) + "\n"
    write_text(path, text)


def write_h5md(path, moving, group="particles/all", dtype=np.float64, **changes):
    """Minimal H5MD of another writer; `changes` replaces or removes (None) datasets of the group."""
    frames, particles = len(moving.steps), len(moving.ids)
    members = {
        "position/value": moving.wrapped.astype(dtype),
        "position/step": moving.steps,
        "position/time": moving.steps * moving.timestep,
        "species": moving.species.astype(np.int64),
        "box/edges": np.full(3, moving.box_length),
    } | {name.replace("__", "/"): values for name, values in changes.items()}
    assert (frames, particles) == moving.positions.shape[:2]
    with h5py.File(path, "a") as file:
        file.require_group("h5md").attrs["version"] = [1, 1]
        for name, values in members.items():
            if values is not None:
                file[f"{group}/{name}"] = values
        file[f"{group}/box"].attrs["dimension"] = 3
        file[f"{group}/box"].attrs["boundary"] = np.array(3 * ["periodic"], "S8")


def universe(moving):
    """In MDAnalysis, with the types 1 and 2."""
    made = MDAnalysis.Universe.empty(len(moving.ids), trajectory=True)
    made.add_TopologyAttr("types", [str(kind + 1) for kind in moving.species])
    return made


def write_mdanalysis_h5md(path, moving):
    """By MDAnalysis: another group, a box matrix in single precision, no species."""
    made = universe(moving)
    with MDAnalysis.coordinates.H5MD.H5MDWriter(
        str(path),
        n_atoms=len(moving.ids),
        positions=True,
        velocities=False,
        forces=False,
        convert_units=False,
    ) as writer:
        for frame, step in enumerate(moving.steps):
            made.atoms.positions = moving.wrapped[frame]
            made.dimensions = [*3 * [moving.box_length], 90, 90, 90]
            made.trajectory.ts.frame, made.trajectory.ts.data["step"] = frame, int(step)
            made.trajectory.ts.time = step * moving.timestep
            writer.write(made)
    with h5py.File(path, "a") as file:
        file["particles/trajectory/species"] = moving.species.astype(np.int64)


def write_dcd(path, moving):
    """As LAMMPS does: rows in the order of the ids, step and number of steps in the head."""
    interval = int(moving.steps[1] - moving.steps[0]) if len(moving.steps) > 1 else 1
    with DCDFile(str(path), "w") as file:
        file.write_header("", len(moving.ids), 0, interval, 1.0, 1)
        cell = [moving.box_length, 90, moving.box_length, 90, 90, moving.box_length]
        for positions in moving.wrapped:
            file.write(positions.astype(np.float32), cell)


def write_xtc(path, moving):
    """Positions to a thousandth."""
    with XTCFile(str(path), "w") as file:
        for positions, step in zip(moving.wrapped, moving.steps, strict=True):
            box = np.eye(3, dtype=np.float32) * moving.box_length
            file.write(positions.astype(np.float32), box, int(step), float(step * moving.timestep), 1000)


LAMMPS_NAMES = {"1": 0, "2": 1}
ELEMENTS = {"Ni": 0, "P": 1}
ATOOMS = "step:{step} columns:{columns} dt:{dt} cell:{L},{L},{L}"
RUMD = (
    "ioformat=2 dt={dt} timeStepIndex={step} numTypes=2 sim_box=RectangularSimulationBox,{L},{L},{L} "
    "columns={columns}"
)
EXTENDED = 'Lattice="{L} 0 0 0 {L} 0 0 0 {L}" Properties=species:S:1:pos:R:3 Time={step}'


def write_rumd(path, moving):
    write_xyz(path, moving, RUMD, "type,x,y,z,imx,imy,imz", moving.box_length / 2, images=True)


def write_atooms(path, moving):
    write_xyz(path, moving, ATOOMS, shift=moving.box_length / 2)


def write_npz(path, moving):
    generator = np.random.default_rng(9)
    order = generator.permutation(len(moving.ids))
    np.savez(
        path,
        positions=moving.wrapped[:, order],
        types=moving.species[order],
        ids=moving.ids[order],
        box=moving.box_length,
        times=moving.steps * moving.timestep,
    )


WRITERS = {
    "x.dump": (write_dump, {"species": LAMMPS_NAMES}),
    "xu.lammpstrj": (lambda p, m: write_dump(p, m, "xu", with_images=False), {"species": LAMMPS_NAMES}),
    "xsu.dump": (lambda p, m: write_dump(p, m, "xsu", with_images=False), {"species": LAMMPS_NAMES}),
    "xs.dump.gz": (lambda p, m: write_dump(p, m, "xs"), {"species": LAMMPS_NAMES}),
    "wrapped.dump.zst": (lambda p, m: write_dump(p, m, with_images=False), {"species": LAMMPS_NAMES}),
    "element.dump": (lambda p, m: write_dump(p, m, element=True), {"species": ELEMENTS}),
    "vectors.dump": (lambda p, m: write_dump(p, m, vectors=True), {"species": LAMMPS_NAMES}),
    "hoomd.gsd": (write_gsd, {}),
    "ase.xyz": (write_ase, {"species": ELEMENTS}),
    "atooms.xyz": (write_atooms, {}),
    "rumd.xyz.gz": (write_rumd, {}),
    "plain.h5": (write_h5md, {}),
    "mdanalysis.h5": (write_mdanalysis_h5md, {}),
    "arrays.npz": (write_npz, {}),
}
"""By the name of a file: what writes it, and what must be said to read it."""


def read_all(path, **options):
    """All frames of a file, in our form."""
    stated = ReadOptions(**options)
    source = open_source(path, stated)
    return list(read_frames(source, range(source.count()), stated))
