"""Stage `reduce`: principal components of type and descriptors, fitted on the training copies."""

from pathlib import Path

from glassdyn.features import pca
from glassdyn.jobs.progress import show_progress
from glassdyn.stages import load_params, run
from glassdyn.storage import tables
from glassdyn.storage.outputs import write_csv
from glassdyn.storage.trajectory import copy_of, sample_names

__all__ = ["main"]


def main() -> None:
    """Write the components, the tables reduced to them, and the variance that they explain."""
    params, source = load_params(), Path("data/features")
    samples = sample_names(source)
    training = [source / f"{name}.parquet" for name in samples if copy_of(name) in params.split.train]
    schema = tables.pca_schema(params.pca.components)
    with show_progress("reduce", total=len(training) + len(samples), unit="tables") as advance:
        components, metadata = pca.fit(training, params.pca.components, advance)
        pca.save(Path("models/pca.safetensors"), components, metadata)
        for name in samples:
            columns = pca.project_table(components, source / f"{name}.parquet", metadata["edges"])
            tables.write(Path("data/pca") / f"{name}.parquet", schema, [columns], metadata)
            advance(1)
    write_csv(Path("plots/pca/explained_variance.csv"), pca.explained_variance(components))


if __name__ == "__main__":
    run(main)
