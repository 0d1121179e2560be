"""Tables of samples whose labels are linear in the descriptors, half signal and half noise."""

import numpy as np

from glassdyn.liquid import box
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage import tables
from glassdyn.storage.snapshots import write_snapshot
from liquids import STRUCTURE

N, BOX, BINS = 250, 9.5, 6
LABELS = ("p_hop", "cwt_50")
WINDOW = {"frames": 101, "frame": 50}
MADE_WITH = {"p_c": 0.2, **WINDOW}
"""What determined the labels, as their tables store it."""

TEST_SAMPLES = ("copy04-sample00", "copy04-sample01")


def write_planted_tables(folder):
    """Features, snapshots and labels of five copies of two samples, under a folder."""
    generator = np.random.default_rng(5)
    for copy in range(5):
        for sample in range(2):
            write_sample(folder / "data", f"copy{copy:02}-sample{sample:02}.parquet", generator)


def write_sample(data, name, generator):
    """Random points; no prediction of their labels correlates better than sqrt(1/2) with them."""
    positions = box.wrap(generator.random((N, 3)) * BOX, BOX)
    species = (np.arange(N) % 5 == 4).astype(np.uint8)
    descriptors = generator.gamma(2.0, size=(N, 2 * BINS)).astype(np.float32)
    signal = descriptors[:, 0].astype(np.float64) - descriptors[:, 7]
    identity = {"particle": np.arange(N, dtype=np.uint32), "type": species}
    structure = identity | dict(zip("xyz", positions.T, strict=True)) | {"descriptors": descriptors}
    edges = [0.7 + bin_ for bin_ in range(BINS + 1)]
    metadata = STRUCTURE | {"edges": edges, "box_length": BOX, **WINDOW}
    tables.write(data / "features" / name, tables.features_schema(BINS), [structure], metadata)
    write_snapshot(data / "snapshots" / name, Configuration(positions, species, BOX), WINDOW)
    labels = {"p_hop": 0.2 + 0.1 * signal, "cwt_50": signal}
    noisy = {label: values + values.std() * generator.normal(size=N) for label, values in labels.items()}
    write_labels(data / "labels" / name, identity | noisy)


def write_planted_runs(folder, *, runs=4, metadata=MADE_WITH):
    """Runs of the first sample of each copy: the same signal, other noise; rho_max is sqrt(1/2) there, too."""
    generator = np.random.default_rng(8)
    for copy in range(5):
        name = f"copy{copy:02}-sample00"
        structure = tables.read(folder / "data" / "features" / f"{name}.parquet")
        descriptors = structure["descriptors"].to_numpy().astype(np.float64)
        signal = descriptors[:, 0] - descriptors[:, 7]
        identity = {column: structure[column].to_numpy() for column in ("particle", "type")}
        for run in range(runs):
            values = signal + signal.std() * generator.normal(size=N)
            path = folder / "data" / "isoconfigurational" / name / f"run{run:02}.parquet"
            write_labels(path, identity | dict.fromkeys(LABELS, values), metadata)


def write_labels(path, columns, metadata=MADE_WITH):
    tables.write(path, tables.labels_schema(LABELS), [columns], metadata)
