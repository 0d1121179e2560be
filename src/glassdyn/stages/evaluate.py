"""Stage `evaluate`: every model's predictions of the test copies compared with the truth."""

from pathlib import Path

from threadpoolctl import threadpool_limits

from glassdyn.evaluation.inputs import EvaluationFolders, load_evaluation_data
from glassdyn.evaluation.metrics import select_headline
from glassdyn.evaluation.report import make_report
from glassdyn.folds import tested_in
from glassdyn.jobs.progress import print_line
from glassdyn.stages import load_params, run
from glassdyn.storage.outputs import write_csv, write_metrics

__all__ = ["main"]


def main() -> None:
    """Read tables of predictions, labels and snapshots; write metrics and the tables behind the plots."""
    params, folders = load_params(), EvaluationFolders()
    labels, folds = params.loss.targets, tested_in(params.split, params.evaluate.folds)
    data = load_evaluation_data(folds, labels, folders)
    for model in data.unrelated:
        print_line(f"{model} predicts none of {', '.join(labels)}, and is left out")
    with threadpool_limits(
        1, user_api="blas"
    ):  # products are small: threads take longer, and round otherwise
        report = make_report(data, params.evaluate)
    for warning in report.warnings:
        print_line(warning)
    write_metrics(Path("metrics/evaluate.json"), {"selected_on": data.selected_on, **report.metrics})
    write_metrics(Path("metrics/headline.json"), select_headline(report.metrics, labels[0]))
    for name, table in report.plots.items():
        write_csv(Path(f"plots/evaluate/{name}.csv"), table, digits=6)


if __name__ == "__main__":
    run(main)
