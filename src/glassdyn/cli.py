"""The command `glassdyn`: what a user does outside of the pipeline, which `dvc repro` runs."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from glassdyn import jobs, presets
from glassdyn.errors import GlassdynError
from glassdyn.experiments import commands
from glassdyn.explanation import command as explaining
from glassdyn.file_commands import add_file_commands
from glassdyn.params import Isoconfigurational, Params, Simulation, Split, load
from glassdyn.simulation.protocol import compute_frame_time, count_frame_intervals, count_steps

__all__ = ["main", "make_parser"]

AddParser = Callable[..., argparse.ArgumentParser]

DESCRIPTION = """\
Predict the dynamics of a glass-forming liquid from its structure.

The whole pipeline, from simulation to pictures, is run by DVC: `dvc repro` runs it, `params.yaml` says
what is computed, `dvc exp run -S model.n_rec=1` varies it. The commands here go beside it."""

EXAMPLES = """\
examples:
  glassdyn check
  glassdyn check model.n_rec=3 model.hidden=[16,16]
  glassdyn preset thesis
  glassdyn sweep architecture --jobs 2
  glassdyn predict models/network.safetensors data/trajectories/copy04-sample00.h5 mobile.xyz
  glassdyn predict models/baselines.safetensors snapshot.xyz mobile.parquet --model ridge
  glassdyn explain models/network.safetensors
  glassdyn inspect run.lammpstrj.gz
  glassdyn import run.lammpstrj.gz run.h5 --species 1=A,2=B --timestep 0.005
"""

CHECK = """\
Read the parameters, refuse what makes no sense, and list what they amount to: the box, the steps and
frames of each run, the size of the trajectories. KEY=VALUE takes the place of what stands in the file, as in
`dvc exp run -S KEY=VALUE`. Nothing is simulated and nothing is written."""

PRESET = """\
Write the parameters of presets/<name>.yaml into params.yaml, whose comments stay, and list what changed.
Parameters that the preset does not name stay as they are."""

SCRATCH = """\
List what the scratch folder holds: results of jobs, which outputs share as hard links, trainings, and
checkpoints. --prune deletes what no output is linked to or made from, unfinished work, and of
isoconfigurational runs the trajectories once they are labelled ("deletable"): a run that needs them again, such as
one with other label parameters, simulates them again; more runs need only their own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `glassdyn`; those of the process where absent.

    Returns:
        0; 1 where the command refuses its input, with the reason on standard error; 130 after Ctrl-C.
    """
    options = make_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except (GlassdynError, OSError) as error:
        print(f"glassdyn {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="glassdyn",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_subparsers(dest="command", metavar="COMMAND", required=True).add_parser
    check = _command(add, "check", "check the parameters and list what they amount to", CHECK, _check)
    check.add_argument("file", nargs="?", default="params.yaml", metavar="FILE", help="default: %(default)s")
    check.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="such as model.n_rec=3")
    preset = _command(add, "preset", "set the parameters of a known system", PRESET, _preset)
    preset.add_argument("name", help=f"one of: {', '.join(presets.preset_names())}")
    add_file_commands(partial(_command, add))
    explain = _command(
        add, "explain", "say what a model has learnt", explaining.EXPLAIN, explaining.run_explain
    )
    explaining.add_explain_options(explain)
    scratch = _command(add, "scratch", "list or clear what jobs and trainings keep aside", SCRATCH, _scratch)
    scratch.add_argument("--prune", action="store_true", help="delete what no output needs")
    sweep = _command(
        add, "sweep", "run a declared sweep and draw its figure", commands.SWEEP, commands.run_sweep
    )
    commands.add_sweep_options(sweep)
    table = _command(
        add,
        "experiments",
        "list experiments in a short table",
        commands.EXPERIMENTS,
        commands.list_experiments,
    )
    commands.add_experiments_options(table)
    return parser


def _command(
    add: AddParser,
    name: str,
    summary: str,
    description: str,
    run: Callable[[argparse.Namespace], None],
) -> argparse.ArgumentParser:
    parser = add(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _check(options: argparse.Namespace) -> None:
    file, overrides = options.file, options.overrides
    if "=" in file:
        file, overrides = "params.yaml", [file, *overrides]
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, amount in _amounts(load(Path(file), overrides)):
        table.add_row(name, amount)
    Console().print(table)
    for reason in commands.warn_of_experiments():
        print(f"glassdyn check: {reason}", file=sys.stderr)


def _amounts(params: Params) -> list[tuple[str, str]]:
    # Here, because numpy takes time that the other commands need not wait.
    from glassdyn.liquid.box import compute_box_length  # noqa: PLC0415

    simulation, liquid = params.simulation, params.liquid
    box_length = compute_box_length(liquid.particles, liquid.density)
    samples = simulation.copies * simulation.samples
    frames = count_frame_intervals(simulation, params.record.duration) + 1
    gigabytes = samples * frames * liquid.particles * 12 / 1e9
    targets = ", ".join(params.loss.targets)
    return [
        ("box length", f"L = {box_length:.5f} sigma_AA for N = {liquid.particles}"),
        ("samples", f"{samples} from {simulation.copies} copies"),
        ("one sample", f"{frames} frames, {compute_frame_time(simulation):g} tau apart"),
        ("molecular dynamics", f"{_count_all_steps(params):,} steps in all"),
        ("isoconfigurational", _describe_runs(simulation, params.isoconfigurational)),
        ("trajectories", f"{gigabytes:.2f} GB before compression"),
        ("labels", ", ".join(params.labels)),
        ("split", _describe_split(params.split)),
        ("network", f"{params.model.kind}, {params.graph.nodes} features, targets {targets}"),
    ]


def _count_all_steps(params: Params) -> int:
    simulation, copy, sample = params.simulation, params.equilibrate, params.record
    prepare = count_steps(simulation, copy.melt + copy.thermalise + copy.equilibrate)
    cycle = count_steps(simulation, sample.decorrelate + sample.duration)
    return simulation.copies * (prepare + simulation.samples * cycle)


def _describe_runs(simulation: Simulation, ensemble: Isoconfigurational) -> str:
    steps = count_frame_intervals(simulation, ensemble.duration) * simulation.frame_steps
    runs = simulation.copies * min(ensemble.samples_per_copy, simulation.samples) * ensemble.runs
    return f"{runs * steps:,} steps more, {runs} runs" if runs else "no runs"


def _describe_split(split: Split) -> str:
    parts = (("train", split.train), ("validation", split.validation), ("test", split.test))
    return "; ".join(f"{name} on copies {', '.join(map(str, copies))}" for name, copies in parts)


def _preset(options: argparse.Namespace) -> None:
    changes = presets.apply_preset(options.name)
    print("\n".join(changes) if changes else "params.yaml has these parameters already")


def _scratch(options: argparse.Namespace) -> None:
    root = jobs.default_root()
    entries = jobs.prune(root) if options.prune else jobs.list_entries(root)
    table = Table("job", "state", "MB", "folder", "training", box=None, pad_edge=False)
    for entry in entries:
        folder = entry.folder.path
        table.add_row(
            entry.name, entry.state, f"{entry.size / 1e6:.1f}", folder.name[:12], _describe_training(folder)
        )
    Console().print(table)
    done = "deleted" if options.prune else "in all"
    print(f"{sum(entry.size for entry in entries) / 1e6:.1f} MB {done}, {root.resolve()}")


def _describe_training(folder: Path) -> str:
    """What a network was and what it learnt; nothing for another job, or one that is deleted."""
    try:
        arguments = json.loads((folder / "job.json").read_text()).get("arguments")
    except (OSError, json.JSONDecodeError):
        return ""
    sections = (
        {name.lower(): section for name, section in arguments.items()} if isinstance(arguments, dict) else {}
    )
    if not {"model", "graph", "loss"} <= sections.keys():
        return ""
    model, nodes, targets = sections["model"], sections["graph"]["nodes"], sections["loss"]["targets"]
    return f"{model['kind']}, n_rec {model['n_rec']}, hidden {model['hidden']}, {nodes} features: {', '.join(targets)}"


if __name__ == "__main__":
    sys.exit(main())
