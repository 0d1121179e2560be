"""Stage reduce: principal components of type and descriptors, fitted on the training copies."""

from pathlib import Path

from glassdyn import params
from glassdyn.features import pca
from glassdyn.features.reduction import explained_variance, fit, project_table
from glassdyn.jobs import progress
from glassdyn.stages import run
from glassdyn.storage import tables, trajectory
from glassdyn.storage.outputs import write_csv


def main() -> None:
    """Write the components, the tables reduced to them, and the variance that they explain."""
    settings = params.load()
    source, plots = Path("data/features"), Path("plots/pca")
    samples = trajectory.sample_names(source)
    training = [sample for sample in samples if trajectory.copy_of(sample) in settings.split.train]
    paths = [source / f"{sample}.parquet" for sample in training]
    schema = tables.pca_schema(settings.pca.components)
    with progress.show_progress("reduce", total=len(training) + len(samples), unit="tables") as advance:
        model, about = fit(paths, settings.pca.components, advance)
        pca.save(Path("models/pca.safetensors"), model, about)
        for sample in samples:
            columns = project_table(model, source / f"{sample}.parquet", about["edges"])
            tables.write(Path("data/pca") / f"{sample}.parquet", schema, [columns], about)
            advance(1)
    table = explained_variance(model)
    write_csv(plots / "explained_variance.csv", table)


if __name__ == "__main__":
    run(main)
