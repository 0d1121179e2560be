"""Stage `evaluate`: every model's predictions of the test copies compared with the truth."""

from pathlib import Path

from glassdyn.evaluation.inputs import EvaluationFolders, load_evaluation_data
from glassdyn.evaluation.report import make_report
from glassdyn.stages import load_params, run
from glassdyn.storage.outputs import write_csv, write_metrics

__all__ = ["main"]


def main() -> None:
    """Read tables of predictions, labels and snapshots; write metrics and the tables behind the plots."""
    params, folders = load_params(), EvaluationFolders()
    labels = params.loss.targets
    data = load_evaluation_data(params.split.test, labels, folders)
    report = make_report(data.snapshots, labels, folders.isoconfigurational, params.evaluate)
    write_metrics(Path("metrics/evaluate.json"), {"selected_on": data.selected_on, **report.metrics})
    for name, table in report.plots.items():
        write_csv(Path(f"plots/evaluate/{name}.csv"), table, digits=6)


if __name__ == "__main__":
    run(main)
