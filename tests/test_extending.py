"""What grows has one home: how many files a new label touches, and that they are all it takes."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from caged_walkers import write_caged
from glassdyn.storage import tables
from glassdyn.storage.trajectory import open_trajectory
from short_pipeline import PINNED, shorten

TOY = '''"""A toy label: how far a particle is from the middle frame some frames later."""

import numpy as np

from glassdyn.labels.label import Label
from glassdyn.params import Toy


def _prepare(toy, window):
    later = window.frame + toy.lag
    return lambda tracks: np.linalg.norm(tracks[:, :, later] - tracks[:, :, window.frame], axis=1)[:, None]


TOY = Label(
    name="toy",
    section="toy",
    parameters=Toy,
    columns=lambda _toy: ["toy"],
    prepare=_prepare,
    symbol=lambda _column: "$d$",
    unit=r"$\\sigma_{AA}$",
    density_unit=r"$\\sigma_{AA}^{-1}$",
    scale="linear",
)
'''

SECTION = '''    """A toy label."""

    lag: int

    @property
    def labels(self) -> list[str]:
        """Columns of the toy label."""
        return ["toy"]


'''


@pytest.fixture
def checkout(root, tmp_path):
    """A copy of the package and of the parameters."""
    shutil.copytree(root / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shorten(root / "params.yaml", tmp_path / "params.yaml", PINNED)
    return tmp_path


def contents(folder):
    paths = [*folder.rglob("*.py"), *folder.rglob("*.yaml")]
    return {path.relative_to(folder): path.read_text() for path in paths}


def replace_once(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} in {path}"
    path.write_text(text.replace(old, new))


def add_label(folder):
    """Write a module, its line in LABELS, its section, and the section's values."""
    package = folder / "src/glassdyn"
    (package / "labels/toy.py").write_text(TOY)
    labels = package / "labels/__init__.py"
    replace_once(labels, "LABELS = (P_HOP, CWT)", "LABELS = (P_HOP, CWT, TOY)")
    replace_once(labels, "\n__all__", "from glassdyn.labels.toy import TOY\n\n__all__")
    code = package / "params/__init__.py"
    ((head, bases),) = re.findall(r"((?:@[^\n]*\n)*)class Wavelets([^\n]*:)\n", code.read_text())
    replace_once(code, f"{head}class Coarse", f"{head}class Toy{bases}\n{SECTION}{head}class Coarse")
    replace_once(code, "    wavelets: Wavelets\n", "    wavelets: Wavelets\n    toy: Toy\n")
    values = folder / "params.yaml"
    values.write_text(f"{values.read_text()}\ntoy:\n  lag: 100\n")


def run_python(folder, *arguments):
    environment = os.environ | {
        "PYTHONPATH": str(folder / "src"),
        "GLASSDYN_SCRATCH": str(folder / ".scratch"),
    }
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_label_touches_four_files(checkout):
    before = contents(checkout)
    add_label(checkout)
    after = contents(checkout)
    assert sum(before.get(path) != text for path, text in after.items()) <= 4
    trajectory = checkout / "data/trajectories/copy00-sample00.h5"
    trajectory.parent.mkdir(parents=True)
    write_caged(trajectory, 1, particles=100, frames=421)
    run_python(checkout, "-m", "glassdyn.stages.label")
    with open_trajectory(trajectory) as opened:
        expected = np.linalg.norm(opened.frame(310) - opened.frame(210), axis=1)
    table = tables.read(checkout / "data/labels/copy00-sample00.parquet")
    assert table.columns == ["particle", "type", "p_hop", "cwt_50", "toy"]
    np.testing.assert_allclose(table["toy"], expected, rtol=1e-12)
    assert tables.read_parameters(checkout / "data/labels/copy00-sample00.parquet")["lag"] == 100
    assert (checkout / "plots/labels/toy.csv").exists()
    axis = "from glassdyn.figures.quantities import quantity; print(quantity('toy'))"
    assert run_python(checkout, "-c", axis).strip() == r"$d$  [$\sigma_{AA}$]"
    targets = "from glassdyn import params; print(params.load().labels)"
    assert "toy" in run_python(checkout, "-c", targets)
