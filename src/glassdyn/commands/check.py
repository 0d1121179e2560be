"""The command `check`: what the parameters amount to, and what a run with them costs."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from glassdyn import presets
from glassdyn.commands.command import CommandAdder, parse_count
from glassdyn.cores import count_cores
from glassdyn.costs.estimate import (
    Cost,
    Resources,
    estimate_costs,
    stored_bytes,
    trajectory_bytes,
    warn_of_disk,
    warn_of_memory,
)
from glassdyn.costs.rates import RATES, Rates, load_rates
from glassdyn.costs.work import count_cycle, count_frames, count_preparation
from glassdyn.experiments.repository import unfit_for_experiments
from glassdyn.params import Isoconfigurational, Params, Simulation, Split, load
from glassdyn.remotes import describe_remote
from glassdyn.simulation.protocol import compute_frame_time, count_frame_intervals

__all__ = ["add_check_command"]

CHECK = """\
Read the parameters, refuse what makes no sense, and list what they amount to: the box, the steps and frames of each run,
hours, memory and disk, estimated from rates that `make thesis-scale` measures. KEY=VALUE takes the place of what stands
in the file, as in `dvc exp run -S KEY=VALUE`. Nothing is simulated and nothing is written."""


def add_check_command(add: CommandAdder) -> None:
    """Add the command, and what it takes."""
    check = add("check", "check the parameters and list what a run amounts to and costs", CHECK, _check)
    check.add_argument("file", nargs="?", default="params.yaml", metavar="FILE", help="default: %(default)s")
    check.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="such as model.n_rec=3")
    names = ", ".join(presets.preset_names())
    check.add_argument("--preset", metavar="NAME", help=f"with the parameters of a known system: {names}")
    check.add_argument(
        "--cores", type=parse_count, help="of the machine that is asked for; default: of this one"
    )
    check.add_argument(
        "--gpus", type=parse_count, default=1, help="for the engine hoomd; default: %(default)s"
    )


def _check(options: argparse.Namespace) -> None:
    params, console = _load(options), Console()
    rows = Table(show_header=False, box=None, pad_edge=False)
    for name, amount in _amounts(params):
        rows.add_row(name, amount)
    console.print(rows)
    rates = load_rates()
    if rates is None:
        print(f"what a run costs is known where {RATES} is: in the root of the repository")
    costs = _print_costs(params, rates, _resources(options), console) if rates else []
    for reason in [*_warn_of_experiments(), *costs]:
        print(f"glassdyn check: {reason}", file=sys.stderr)


def _print_costs(params: Params, rates: Rates, resources: Resources, console: Console) -> list[str]:
    """Print the costs; what the machine is too small for is returned."""
    costs, disk = estimate_costs(params, rates, resources), stored_bytes(params, rates)
    on_gpu = any(cost.gpu_hours for cost in costs)
    console.print(f"\ntrajectories on the disk: {_bytes(disk)}\n", highlight=False)
    console.print(_lay_out(costs, resources, on_gpu=on_gpu))
    console.print(_describe_rates(rates, on_gpu=on_gpu), soft_wrap=True, highlight=False)
    return [*warn_of_memory(costs, resources), *warn_of_disk(disk, shutil.disk_usage(".").free)]


def _load(options: argparse.Namespace) -> Params:
    file, overrides = options.file, options.overrides
    if "=" in file:
        file, overrides = "params.yaml", [file, *overrides]
    if options.preset:
        return presets.load_preset(options.preset, Path(file), overrides)
    return load(Path(file), overrides)


def _resources(options: argparse.Namespace) -> Resources:
    return Resources(options.cores or count_cores(), options.gpus, psutil.virtual_memory().total / 1e9)


def _amounts(params: Params) -> list[tuple[str, str]]:
    # Here, because numpy takes time that the other commands need not wait.
    from glassdyn.liquid.box import compute_box_length  # noqa: PLC0415

    simulation, liquid = params.simulation, params.liquid
    box_length = compute_box_length(liquid.particles, liquid.density)
    samples = simulation.copies * simulation.samples
    steps = simulation.copies * (count_preparation(params) + simulation.samples * count_cycle(params))
    targets = ", ".join(params.loss.targets)
    return [
        ("box length", f"L = {box_length:.5f} sigma_AA for N = {liquid.particles}"),
        ("samples", f"{samples} from {simulation.copies} copies"),
        ("one sample", f"{count_frames(params)} frames, {compute_frame_time(simulation):g} tau apart"),
        ("molecular dynamics", f"{steps:,} steps in all"),
        ("isoconfigurational", _describe_runs(simulation, params.isoconfigurational)),
        ("trajectories", f"{_bytes(trajectory_bytes(params))} before compression"),
        ("labels", ", ".join(params.labels)),
        ("split", _describe_split(params.split)),
        ("network", f"{params.model.kind}, {params.graph.nodes} features, targets {targets}"),
        ("remote", describe_remote()),
    ]


def _bytes(size: float) -> str:
    return f"{size / 1e12:.1f} TB" if size >= 1e11 else f"{size / 1e9:.2f} GB"


def _describe_runs(simulation: Simulation, ensemble: Isoconfigurational) -> str:
    steps = count_frame_intervals(simulation, ensemble.duration) * simulation.frame_steps
    runs = simulation.copies * min(ensemble.samples_per_copy, simulation.samples) * ensemble.runs
    return f"{runs * steps:,} steps more, {runs} runs" if runs else "no runs"


def _describe_split(split: Split) -> str:
    parts = (("train", split.train), ("validation", split.validation), ("test", split.test))
    return "; ".join(f"{name} on copies {', '.join(map(str, copies))}" for name, copies in parts)


def _lay_out(costs: Sequence[Cost], resources: Resources, *, on_gpu: bool) -> Table:
    """A row for each stage and one for all of them; GPU hours where there are any."""
    where = f"{resources.cores} cores" + f", {resources.gpus} GPUs" * on_gpu
    columns = ["stage", "jobs", "time of cores", *["of GPUs"] * on_gpu, f"on {where}", "peak memory"]
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for cost in costs:
        table.add_row(*_row(cost, on_gpu=on_gpu))
    peak = max(cost.memory for cost in costs)
    core, gpu, hours = (sum(column) for column in zip(*(cost[2:5] for cost in costs), strict=True))
    table.add_row(*_row(Cost("all", 0, core, gpu, hours, peak, peak), on_gpu=on_gpu))
    return table


def _row(cost: Cost, *, on_gpu: bool) -> list[str]:
    hours = [cost.core_hours, *[cost.gpu_hours] * on_gpu, cost.hours]
    return [cost.stage, str(cost.jobs or ""), *map(_duration, hours), f"{cost.memory:.1f} GB"]


def _duration(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.1f} h"
    return f"{60 * hours:.1f} min"


def _describe_rates(rates: Rates, *, on_gpu: bool) -> str:
    machine = rates.machine
    measured = f"rates of {machine.processor}, {machine.cores} cores, {machine.memory:g} GB: {rates.source}"
    gpu = f"; dynamics on {rates.gpu.device}: {rates.gpu.source}" if on_gpu and rates.gpu else ""
    return f"\nwithin a factor of about two; {measured}{gpu}"


def _warn_of_experiments() -> list[str]:
    return unfit_for_experiments(Path()) if Path(".git").exists() else []
