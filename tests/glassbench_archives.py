"""Archives in the layout of GlassBench, made of small liquids, with predictions of a planted correlation."""

import io
import tarfile
from pathlib import Path

import numpy as np

from glassdyn.importing.published_times import TIMES
from glassdyn.liquid.box import minimum_image
from liquids import liquid

PARTICLES, TRAIN, TEST = 200, 8, 4
NOISE = {"BOTAN": 0.5, "CAGE": 1.0, "GlassMLP": 2.0, "SE3": 4.0}
"""Standard deviation of a method's errors, in that of the truth."""

FIELDS = ("EPOT", "DEN", "PSI6", "SBO", "SBO_CG")


def structure(number, *, is_test, particles=PARTICLES):
    """The arrays of a file; propensities follow the number of near neighbours, which a structure tells."""
    generator = np.random.default_rng(number)
    positions, species, box_length = liquid(number, particles)
    vectors = minimum_image(positions[:, None] - positions[None], box_length)
    neighbours = (np.linalg.norm(vectors, axis=-1) < 1.4).sum(axis=1)
    scales = np.geomspace(0.1, 3.0, 10)[:, None]
    propensities = scales * (2 + 0.1 * neighbours + 0.1 * generator.normal(size=(10, particles)))
    arrays = {
        "types": species.astype(np.int8),
        "initial_positions": positions - box_length / 2,
        "initial_positions_inherent": positions - box_length / 2 + 0.01,
        "md_prop": propensities,
        "bb_prop": np.exp(-propensities),
    }
    if number <= 3 or is_test:
        arrays["initial_positions_cage"] = positions - box_length / 2 + 0.02
    if is_test:
        spread = propensities.std(axis=1, keepdims=True)
        arrays |= {
            method: propensities + noise * spread * generator.normal(size=propensities.shape)
            for method, noise in NOISE.items()
        }
        arrays |= {field: neighbours + generator.normal(size=particles) for field in FIELDS}
    return arrays


def files(temperature=0.44, **changes):
    """Name in the archive -> arrays; changes are made to each file."""
    parts = {"train": range(1, TRAIN + 1), "test": range(TRAIN + 1, TRAIN + TEST + 1)}
    return {
        f"T{temperature:.2f}/{part}/N{PARTICLES}T{temperature:.2f}_{number}.npz": structure(
            number, is_test=part == "test"
        )
        | changes
        for part, numbers in parts.items()
        for number in numbers
    }


def pack(arrays):
    """The bytes of a .npz."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def add(archive, name, contents, **attributes):
    """Put bytes, or a member of another kind, into an archive."""
    member = tarfile.TarInfo(name)
    member.size = len(contents)
    for key, value in attributes.items():
        setattr(member, key, value)
    archive.addfile(member, io.BytesIO(contents))


def write_archive(path: Path, contents):
    """An archive of these files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, arrays in contents.items():
            add(archive, name, pack(arrays))
    return path


def relative_times(temperature=0.44):
    """In relaxation times, to the digits of params.yaml."""
    times = TIMES[temperature]
    return [float(f"{time / times[6]:.6g}") for time in times]
