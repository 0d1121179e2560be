"""The commands `glassdyn sweep` and `glassdyn experiments`.

Modules that take seconds to import are imported where they are needed, so that `glassdyn --help` need not wait.
"""

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from glassdyn.commands.command import CommandAdder, parse_count
from glassdyn.errors import GlassdynError
from glassdyn.experiments.sweep_file import Sweep, change_sweep, load_sweep, sweep_names

__all__ = ["add_sweep_commands"]

SWEEP = """\
Run a declared sweep, sweeps/<name>.yaml, as DVC experiments, and draw its figure. Only points that this code and these
parameters have not got yet are queued; whatever ends the command, the next call goes on. Without a name, list the
sweeps and how many of their points are done. In the end plots/sweeps/<name>.csv and .png are written, and a table
with errors, the thesis's values and the ceiling is printed.

  glassdyn sweep architecture --jobs 2
  glassdyn sweep architecture --set model.hidden=[8,8],[16,16] model.n_rec=0,1,2 --dry-run
  glassdyn sweep architecture --only '*-16x16-*' --collect"""

EXPERIMENTS = """\
List DVC's experiments, from whatever commit: name, what was changed, Pearson with its error, ceiling and ridge.
PATTERN is a name in which * stands for any letters."""


class SweepError(GlassdynError):
    """A sweep of which points failed."""


def add_sweep_commands(add: CommandAdder) -> None:
    """Add `sweep` and `experiments`."""
    _add_sweep(add)
    _add_experiments(add)


def _add_sweep(add: CommandAdder) -> None:
    parser = add("sweep", "run a declared sweep and draw its figure", SWEEP, _sweep)
    parser.add_argument("name", nargs="?", help=f"one of: {', '.join(sweep_names())}")
    parser.add_argument("--jobs", type=parse_count, default=1, help="experiments at a time (%(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="list the points and whether they are done")
    parser.add_argument(
        "--only",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATTERN",
        help="points whose name fits, such as '*-n3-*'",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUES",
        help="in place of the file's values; also seeds, folds",
    )
    parser.add_argument("--collect", action="store_true", help="run nothing, draw what is done")


def _add_experiments(add: CommandAdder) -> None:
    parser = add("experiments", "list experiments in a short table", EXPERIMENTS, _list_experiments)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--sort", action="store_true", help="by Pearson, the best first")


def _sweep(options: argparse.Namespace) -> None:
    """Run `glassdyn sweep`."""
    os.environ["MPLBACKEND"] = "agg"  # a notebook's backend need not exist here
    if options.name is None:
        Console().print(_list_sweeps())
        return
    sweep = change_sweep(load_sweep(options.name), options.set)
    if options.dry_run:
        Console().print(_list_points(options, sweep))
    else:
        _run(options, sweep)


def _run(options: argparse.Namespace, sweep: Sweep) -> None:
    from glassdyn.experiments import plan, points, report, repository  # noqa: PLC0415
    from glassdyn.experiments.run_sweep import run_points  # noqa: PLC0415

    selected = points.select_points(points.make_points(options.name, sweep), options.only)
    failures = []
    if not options.collect:
        points.require_valid(selected)
        repository.require_fit_for_experiments(Path())
        failures = run_points(options.name, selected, options.jobs)
    done = plan.find_done(selected, repository.list_experiments())
    console = Console()
    if done:
        table, sentences = report.report_sweep(options.name, sweep, selected, done)
        console.print(table)
        console.print("\n".join(sentences), soft_wrap=True, markup=False, highlight=False)
    missing = [point.name for point in selected if point.name not in done]
    if missing and options.collect:
        console.print(f"{len(done)} of {len(selected)} points are done", highlight=False)
    elif missing:
        words = "".join(f"\n\n{failure.name}:\n{failure.words}" for failure in failures)
        raise SweepError(
            f"{len(missing)} of {len(selected)} points are not done: {', '.join(missing)}{words}"
        )


def _list_sweeps() -> Table:
    from glassdyn.experiments import plan, points, repository  # noqa: PLC0415

    experiments = repository.list_experiments()
    table = Table("sweep", "done", "varies", "thesis", box=None, pad_edge=False)
    for name in sweep_names():
        sweep = load_sweep(name)
        all_points = points.make_points(name, sweep)
        done = plan.find_done(all_points, experiments)
        table.add_row(name, f"{len(done)} of {len(all_points)}", sweep.title, sweep.thesis.partition(":")[0])
    return table


def _list_points(options: argparse.Namespace, sweep: Sweep) -> Table:
    from glassdyn.experiments import points  # noqa: PLC0415
    from glassdyn.experiments.run_sweep import plan_points  # noqa: PLC0415

    selected = points.select_points(points.make_points(options.name, sweep), options.only)
    points.require_valid(selected)
    state = plan_points(selected)
    waiting = {point.name for point in state.under_way.values()}
    table = Table("point", "state", "parameters", box=None, pad_edge=False)
    for point in selected:
        here = state.done[point.name].name if point.name in state.done else None
        word = f"done: {here}" if here else "in the queue" if point.name in waiting else "missing"
        table.add_row(point.name, word, " ".join(point.overrides))
    return table


def _list_experiments(options: argparse.Namespace) -> None:
    """Run `glassdyn experiments`."""
    from glassdyn.experiments.overview import lay_out_experiments, tabulate_experiments  # noqa: PLC0415

    table = tabulate_experiments(options.patterns)
    if options.sort and "pearson" in table.columns:
        table = table.sort("pearson", descending=True, nulls_last=True)
    Console().print(lay_out_experiments(table))
