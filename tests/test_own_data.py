"""The walk of docs/own-data.md: its commands, on trajectories that LAMMPS writes as it says there."""

import csv
import json
import re

import pytest

from checkouts import copy_working_tree
from glassdyn.simulation.lammps_session import _open_lammps
from short_pipeline import SHORT, merge

pytestmark = pytest.mark.slow

SMALL = merge(SHORT, {"record": {"duration": 5.0}, "train": {"max_steps": 20, "record_every": 10}})

LIQUID = """
units lj
lattice sc 1.2
region box block 0 6 0 6 0 6
create_box 2 box
create_atoms 1 box
set group all type/subset 2 75 {seed}
mass * 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
pair_coeff 1 2 1.5 0.8 2.0
pair_coeff 2 2 0.5 0.88 2.2
velocity all create 1.5 {seed}
timestep 0.005
fix 1 all nvt temp 1.5 0.5 0.5
run 2000
unfix 1
fix 1 all nvt temp 0.5 0.5 0.5
run 2000
reset_timestep 0
"""

SHELL = """\
root=$PWD
glassdyn() { env PYTHONPATH="$root/src" python -m glassdyn.cli "$@"; }
dvc() { python -m dvc "$@"; }
set -e
"""
"""The commands of this checkout and this environment."""


def blocks(page, language):
    """Texts of the code blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def compiled_kernels(root):
    """Those of this checkout: the same code compiles to the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", str(root / "src" / "glassdyn" / "__pycache__"))
        yield


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "own-data.md").read_text()


@pytest.fixture(scope="module")
def walk(root, page, tmp_path_factory):
    """A checkout in which all but the last commands of the page have run, and what they printed."""
    checkout = copy_working_tree(root, tmp_path_factory.mktemp("own") / "checkout", SMALL)
    checkout.commit("a stranger's clone")
    (checkout.folder / "runs").mkdir()
    (dump,) = blocks(page, "text")
    for number in (1, 2, 3):
        engine = _open_lammps()
        line = dump.strip().replace("runs/1", f"{checkout.folder}/runs/{number}")
        for command in [*LIQUID.format(seed=number).strip().splitlines(), line, "run 4000"]:
            engine.command(command)
        engine.close()
    *first, _ = blocks(page, "sh")
    return checkout, checkout.run("bash", "-c", SHELL + "".join(first))


def test_the_walk_ends_in_metrics_and_pictures(walk):
    checkout, output = walk
    folder = checkout.folder / "datasets" / "liquid"
    assert "species    1: 141, 2: 75" in output
    assert "liquid: 141 A and 75 B particles, density 1.2, T = 0.5" in output
    assert re.search(r"tau_alpha of A: [1-9.]+ tau; measured", output)
    headline = json.loads((folder / "metrics" / "headline.json").read_text())
    assert {"pearson", "ridge", "folds"} <= headline.keys()
    assert headline["folds"] == 3
    physics = json.loads((folder / "metrics" / "physics.json").read_text())
    assert physics["samples"]["copies"] == 3
    assert "potential" not in physics["energy"]
    for name in ("physics/rmsd", "labels/p_hop", "evaluate/models_p_hop", "evaluate/slab_p_hop"):
        assert (folder / "plots" / "figures" / f"{name}.png").stat().st_size > 5_000
    assert not list(checkout.folder.glob("metrics/*"))


def test_experiments_work_in_the_folder(walk, page):
    """In place and in a folder of their own, to which DVC brings the files of raw/."""
    checkout, _ = walk
    output = checkout.run("bash", "-c", f"{SHELL}cd datasets/liquid\n{blocks(page, 'sh')[-1]}")
    assert "Running stage 'train'" in output
    assert "Running stage 'label'" not in output
    folder = checkout.folder / "datasets" / "liquid"
    assert "n_rec: 1" in (folder / "params.yaml").read_text()
    table = checkout.run("bash", "-c", f"{SHELL}cd datasets/liquid\ndvc exp show --csv").strip().splitlines()
    rows = {row["Experiment"]: row for row in csv.DictReader(table)}
    assert -1 < float(rows["ridge"]["pearson"]) < 1
