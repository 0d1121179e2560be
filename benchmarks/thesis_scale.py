"""The whole pipeline at N = 64000, with three copies and short windows, in a temporary checkout: `make thesis-scale`.

Prints minutes, seconds of processor time and peak memory of every stage, writes them as a table to docs/scale.md, and to
benchmarks/rates.json what a unit of each kind of work costs, by which `glassdyn check` estimates other runs. The same
pipeline with 1000 particles goes first: it compiles kernels, and tells what a stage takes whatever its size.

Structure is described with the local fields of params.yaml, but with one short run a cage; in the end one snapshot is
described with all of them. The rest is the thesis's: XPLOR with a spline, principal components, three blocks of widths
(16, 16); but the liquid is hot, T = 1, and needs no long equilibration.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from fit_rates import Measured, make_rates
from long_window import time_window
from ruamel.yaml import YAML
from stage_usage import Usage, run_stage, run_watched
from training_step import time_step

from glassdyn import params, presets
from glassdyn.costs.estimate import trajectory_bytes
from glassdyn.costs.rates import RATES, Machine, load_rates
from glassdyn.costs.work import count_work
from glassdyn.features.describe import describe_midframe
from glassdyn.features.spec import spec_from_params
from glassdyn.params import Params
from glassdyn.simulation.engine import NVE
from glassdyn.simulation.segments import dynamics_from_params
from glassdyn.simulation.state import load
from glassdyn.storage.snapshots import read_snapshot

ROOT = Path(__file__).resolve().parents[1]
PAGE, BEGIN, END = ROOT / "docs" / "scale.md", "<!-- by make thesis-scale: -->\n", "<!-- end -->\n"

SMALL = 1000
"""Particles of the first run."""

STEPS = 200
"""Of molecular dynamics that are timed by themselves."""

SHORT: Mapping[str, Mapping[str, Any]] = {
    "liquid": {"temperature": 1.0},
    "simulation": {
        "engine": "lammps",
        "timestep": 0.005,
        "frame_steps": 3,
        "tau_alpha": 1.0,
        "checkpoint_steps": 1000,
        "copies": 3,
        "samples": 1,
    },
    "equilibrate": {"melt_temperature": 1.5, "melt": 0.5, "thermalise": 0.5, "equilibrate": 0.5},
    "record": {"decorrelate": 0.1, "duration": 0.66},
    "isoconfigurational": {"runs": 2, "samples_per_copy": 1, "duration": 0.66, "times": [0.1, 0.3]},
    "describe": {"cage_runs": 1},
    "hops": {"t_f": 0.06, "min_segment": 4},
    "wavelets": {"scales": [5]},
    "split": {"train": [0], "validation": [1], "test": [2]},
    "train": {"max_steps": 20, "record_every": 10},
    "evaluate": {"block_length": 3.0, "lengths": [0.0, 1.0, 2.0]},
}
"""In place of the thesis's parameters."""


def main() -> int:
    """Run both sizes, print and write what they took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--particles", type=int, default=64000, help="default: %(default)s")
    parser.add_argument("--print-only", action="store_true", help="write neither table nor rates")
    options = parser.parse_args()
    known = load_rates(ROOT / RATES)
    with TemporaryDirectory() as folder:
        checkout = make_checkout(Path(folder) / "checkout")
        small = run_pipeline(checkout, set_parameters(checkout, SMALL))
        parameters = set_parameters(checkout, options.particles)
        large = run_pipeline(checkout, parameters)
        stored = sum(path.stat().st_size for path in (checkout / "data/trajectories").iterdir())
        snapshot = next((checkout / "data/snapshots").glob("*.parquet"))
        timed = {
            "particle_steps": time_steps(next((checkout / "data/states").glob("*.h5")), parameters),
            "pairs": time_pairs(snapshot, parameters),
            "activations": time_step(snapshot, parameters),
            **time_window(parameters),
        }
        description = describe_snapshot(checkout, snapshot)
    rates = make_rates(
        small, large, timed, stored / trajectory_bytes(parameters), known.gpu if known else None
    )
    print(json.dumps(asdict(rates), indent=1))
    if not options.print_only:
        (ROOT / RATES).write_text(json.dumps(asdict(rates), indent=1) + "\n")
        write_table(large, description, rates.machine)
    return 0


def make_checkout(folder: Path) -> Path:
    """The files that git tracks or would track, without results, as a repository of their own."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("metrics/", "plots/")) and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    as_nobody = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    for command in (["init", "-qb", "main"], ["add", "-A"], [*as_nobody, "commit", "-qm", "a checkout"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def set_parameters(checkout: Path, particles: int) -> Params:
    """Write the thesis's parameters with short runs, and the description of params.yaml."""
    file, yaml = checkout / "params.yaml", YAML()
    shutil.copy2(ROOT / "params.yaml", file)
    described = yaml.load(file)["describe"]
    presets.apply_preset("thesis", file, checkout / "presets")
    tree = yaml.load(file)
    tree["describe"] = described
    for section, keys in SHORT.items():
        tree[section].update(keys)
    tree["liquid"]["particles"] = particles
    yaml.dump(tree, file)
    return params.load(file)


def run_pipeline(checkout: Path, parameters: Params) -> Measured:
    """Every stage in turn, and what it took."""
    print(f"{f'N = {parameters.liquid.particles}':20} {'min':>6} {'CPU s':>8} {'GB':>6}", flush=True)
    usages, works = {}, count_work(parameters)
    for stage in works:
        usages[stage] = usage = run_stage(checkout, stage)
        print(f"{stage:20} {usage.seconds / 60:6.1f} {usage.cpu:8.0f} {usage.memory:6.2f}", flush=True)
    return Measured(parameters.liquid.particles, works, usages)


def time_steps(file: Path, parameters: Params) -> float:
    """Processor time of a step at constant energy, seconds for a particle."""
    (state, _), dynamics = load(file), dynamics_from_params(parameters)
    with dynamics.start(state, NVE()) as simulation:
        start = process_time()
        simulation.advance(STEPS)
        return (process_time() - start) / (STEPS * state.particles)


def time_pairs(snapshot: Path, parameters: Params) -> float:
    """Processor time of what an engine does not do of a snapshot's description, seconds for a pair."""
    describe = replace(parameters.describe, fields=("energy", "force"))
    cheap = replace(parameters, describe=describe)
    spec, configuration = spec_from_params(cheap), read_snapshot(snapshot)
    describe_midframe(configuration, spec)  # compiles
    start = process_time()
    describe_midframe(configuration, spec)
    seconds = process_time() - start
    return seconds * parameters.simulation.copies / count_work(cheap)["describe"].amounts["pairs"]


def describe_snapshot(checkout: Path, snapshot: Path) -> Usage:
    """Describe one snapshot in a process of its own, with all local fields of params.yaml."""
    runs = params.load(ROOT / "params.yaml").describe.cage_runs
    program = (
        "import sys; from pathlib import Path; from glassdyn import params; "
        "from glassdyn.features.describe import describe_midframe; "
        "from glassdyn.features.spec import spec_from_params; from glassdyn.storage.snapshots import read_snapshot; "
        "spec = spec_from_params(params.load(Path('params.yaml'), sys.argv[2:])); "
        "describe_midframe(read_snapshot(Path(sys.argv[1])), spec)"
    )
    usage = run_watched(
        [sys.executable, "-c", program, str(snapshot), f"describe.cage_runs={runs}"], checkout
    )
    print(f"{'describe, one':20} {usage.seconds / 60:6.1f} {usage.cpu:8.0f} {usage.memory:6.2f}", flush=True)
    return usage


def write_table(measured: Measured, description: Usage, machine: Machine) -> None:
    """Put the table between its marks in the page."""
    usages = measured.usages
    total = Usage(*map(sum, zip(*usages.values(), strict=True)))
    total = total._replace(memory=max(usage.memory for usage in usages.values()))
    rows = {**usages, "all": total, "a snapshot with all local fields": description}
    lines = [
        f"N = {measured.particles}; {machine.processor}, {machine.cores} cores, {machine.memory:g} GB\n",
        "| stage | minutes | CPU minutes | peak memory, GB |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {usage.seconds / 60:.1f} | {usage.cpu / 60:.1f} | {usage.memory:.2f} |"
            for name, usage in rows.items()
        ),
        "",
    ]
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + "\n".join(lines) + END + rest.partition(END)[2])


if __name__ == "__main__":
    sys.exit(main())
