"""Bytes flipped or cut off, in every format that is read: an error in words, or, in our own formats, the same contents."""

import re
from contextlib import suppress
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foreign_files import LAMMPS_NAMES, WRITERS, moving_liquid, write_data
from glassdyn.errors import GlassdynError
from glassdyn.features import moments, pca
from glassdyn.importing import ReadOptions, open_source, read_frames
from glassdyn.importing.convert import import_trajectory
from glassdyn.importing.inspect import inspect_file
from glassdyn.importing.text import open_lines
from glassdyn.liquid.configuration import Configuration
from glassdyn.simulation import state as states
from glassdyn.simulation.state import random_state
from glassdyn.storage import tables
from glassdyn.storage.snapshots import read_ids, read_snapshot, read_snapshot_metadata, write_snapshot
from glassdyn.storage.trajectory import TrajectoryWriter, open_trajectory

PARTICLES = 60
SPECIES = (np.arange(PARTICLES) >= 48).astype(np.uint8)
RNG = np.random.default_rng(0)
FRAMES = RNG.uniform(0, 5, (PARTICLES, 3)) + np.cumsum(RNG.normal(0, 0.02, (150, PARTICLES, 3)), axis=0)
COLUMNS = ["particle", "type", "p_hop"]


def write_trajectory(path):
    with TrajectoryWriter(path, species=SPECIES, box_length=5.0, timestep=0.01) as writer:
        for frame, positions in enumerate(FRAMES):
            writer.append(frame, positions)


def write_old_trajectory(path):
    """The same in the oldest format of HDF5, whose heads have no checksums."""
    new = path.with_name("new.h5")
    write_trajectory(new)
    with h5py.File(new) as source, h5py.File(path, "w", libver="earliest") as target:
        for name in source:
            source.copy(name, target)


def read_trajectory(path):
    with open_trajectory(path) as trajectory:
        tracks = trajectory.tracks(0, trajectory.particles)
        return trajectory.window(0, trajectory.frames), tracks


def write_state(path):
    states.save(random_state(SPECIES, 2.0, np.random.default_rng(1)), path, temperature=0.5)


def read_state(path):
    state, numbers = states.load(path)
    return (
        state.positions,
        state.velocities,
        state.images,
        state.species,
        state.box_length,
        state.step,
        numbers,
    )


def write_table(path):
    columns = {"particle": np.arange(PARTICLES), "type": SPECIES, "p_hop": RNG.normal(size=PARTICLES)}
    tables.write(path, tables.labels_schema(["p_hop"]), [columns], {"p_c": 0.2, "weight": "none"})


def read_table(path):
    return *tables.read(path, COLUMNS).to_dict(as_series=False).values(), tables.read_parameters(path)


def write_snapshot_table(path):
    configuration = Configuration(FRAMES[0], SPECIES, 5.0)
    write_snapshot(path, configuration, {"frame": 3}, ids=np.arange(PARTICLES))


def read_snapshot_table(path):
    return *read_snapshot(path), read_ids(path), read_snapshot_metadata(path)


def write_components(path):
    rows = RNG.normal(size=(100, 5))
    components = pca.principal_components(moments.update(moments.empty(5), rows), 2)
    pca.save(path, components, {"edges": [0.5, 1.0]})


def read_components(path):
    components, metadata = pca.load(path)
    return *components, metadata


OWN = {
    "state.h5": (write_state, read_state),
    "trajectory.h5": (write_trajectory, read_trajectory),
    "old.h5": (write_old_trajectory, read_trajectory),
    "table.parquet": (write_table, read_table),
    "snapshot.parquet": (write_snapshot_table, read_snapshot_table),
    "components.safetensors": (write_components, read_components),
}


def damage(content, data):
    """Flip bits of one to three bytes, anywhere; sometimes cut the end off."""
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.5, 0.01]))
    return bytes(damaged[: int(end * len(damaged))])


@pytest.mark.parametrize("name", OWN)
def test_own_files_are_refused_or_read_as_they_were(tmp_path, name):
    write, read = OWN[name]
    write(tmp_path / name)
    content, expected = (tmp_path / name).read_bytes(), read(tmp_path / name)

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def attempt(data):
        (tmp_path / f"damaged-{name}").write_bytes(damage(content, data))
        with suppress(GlassdynError):
            for value, wanted in zip(read(tmp_path / f"damaged-{name}"), expected, strict=True):
                np.testing.assert_equal(value, wanted)

    attempt()


FOREIGN = WRITERS | {"liquid.data": (write_data, {"species": LAMMPS_NAMES})}


def read_foreign(path, options):
    """Refused in words, or read; most of these formats have no checksums. Dumps of LAMMPS state no times."""
    stated = ReadOptions(**options)
    with suppress(GlassdynError):
        source = open_source(path, stated)
        list(read_frames(source, range(source.count()), stated))
    with suppress(GlassdynError):
        inspect_file(path, stated)
    with suppress(GlassdynError):
        import_trajectory([path], path.with_name("imported.h5"), stated)
    with suppress(GlassdynError):
        import_trajectory([path], path.with_name("imported.h5"), replace(stated, timestep=0.005))


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_others_are_refused_or_read(tmp_path, name):
    write, options = FOREIGN[name]
    write(tmp_path / name, moving_liquid(particles=PARTICLES))
    content = (tmp_path / name).read_bytes()

    @settings(max_examples=50, deadline=None)
    @given(st.data())
    def attempt(data):
        (tmp_path / f"damaged-{name}").write_bytes(damage(content, data))
        read_foreign(tmp_path / f"damaged-{name}", options)

    attempt()


TEXT = [
    "x.dump",
    "xsu.dump",
    "element.dump",
    "vectors.dump",
    "ase.xyz",
    "atooms.xyz",
    "rumd.xyz.gz",
    "liquid.data",
]
HEAD = 30
"""Words at the beginning, of which each is as likely to be another as all the words behind them."""
ODD = [
    "",
    "nan",
    "-inf",
    "1e308",
    "1e999",
    "-1",
    "0",
    "2",
    "1000000",
    "9" * 20,
    "9" * 400,
    "id",
    "z",
    "abc",
    ",",
]


def misprint(content, data):
    """Replace one to three words; sometimes leave a line out or write it twice."""
    words = re.split(r"([\s,=:\"]+)", content)  # words at even places
    for _ in range(data.draw(st.integers(1, 3))):
        last = len(words) // 2
        place = data.draw(st.integers(0, min(HEAD, last)) | st.integers(0, last))
        words[2 * place] = data.draw(st.sampled_from(ODD))
    lines = "".join(words).split("\n")
    line = data.draw(st.integers(0, len(lines) - 1))
    lines[line : line + 1] = data.draw(st.sampled_from([1, 1, 1, 0, 2])) * [lines[line]]
    return "\n".join(lines)


@pytest.mark.parametrize("name", TEXT)
def test_texts_with_misprints_are_refused_or_read(tmp_path, name):
    write, options = FOREIGN[name]
    write(tmp_path / name, moving_liquid(particles=PARTICLES))
    with open_lines(tmp_path / name) as lines:
        content = "\n".join(iter(lines.read_line, None)) + "\n"
    damaged = tmp_path / f"damaged-{name.removesuffix('.gz')}"

    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def attempt(data):
        damaged.write_text(misprint(content, data))
        read_foreign(damaged, options)

    attempt()
