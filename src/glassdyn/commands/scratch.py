"""The command `glassdyn scratch`: what jobs and trainings keep aside."""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from glassdyn import jobs
from glassdyn.commands.command import CommandAdder

__all__ = ["add_scratch_command"]

SCRATCH = """\
List what the scratch folder holds: results of jobs, which outputs share as hard links, trainings, and
checkpoints. --prune deletes what no output is linked to or made from, unfinished work, and of
isoconfigurational runs the trajectories once they are labelled ("deletable"): a run that needs them again, such as
one with other label parameters, simulates them again; more runs need only their own."""


def add_scratch_command(add: CommandAdder) -> None:
    """Add `scratch`."""
    scratch = add("scratch", "list or clear what jobs and trainings keep aside", SCRATCH, _scratch)
    scratch.add_argument("--prune", action="store_true", help="delete what no output needs")


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
