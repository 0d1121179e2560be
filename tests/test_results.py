"""The committed results are those of the committed code, are physics, and are what the README says."""

import hashlib
import io
import json
import subprocess
from zipfile import ZipFile

import pytest
from ruamel.yaml import YAML

from glassdyn import params
from glassdyn.jobs.code_digest import code_digest


@pytest.fixture(scope="module")
def metrics(root):
    names = ("physics", "train", "evaluate")
    return {name: json.loads((root / "metrics" / f"{name}.json").read_text()) for name in names}


@pytest.fixture(scope="module")
def lock(root):
    return YAML(typ="safe").load(root / "dvc.lock")["stages"]


def md5_as_dvc(path):
    """MD5 of a file, or of the list of a folder's files, as DVC writes it into dvc.lock."""
    if path.is_file():
        return hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324
    files = sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    entries = [{"md5": md5_as_dvc(file), "relpath": str(file.relative_to(path))} for file in files]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"  # noqa: S324


def stages_of_other_bytes(folder, lock):
    """Stages whose code is not, byte by byte, that of the lock."""
    return {
        name
        for name, stage in lock.items()
        for dependency in stage["deps"]
        if dependency["path"].startswith("src/")
        and md5_as_dvc(folder / dependency["path"]) != dependency["md5"]
    }


def test_results_belong_to_the_code(root, lock, tmp_path):
    """Byte by byte, or, where docstrings, comments or what determines no result was edited, by what the code says."""
    edited = stages_of_other_bytes(root, lock)
    if not edited:
        return
    advice = "run `make repro` and commit dvc.lock, metrics and plots with the code"
    git = ["git", "-C", str(root)]
    (commit,) = subprocess.check_output(
        [*git, "log", "-1", "--format=%H", "--", "dvc.lock"], text=True
    ).split()
    archive = subprocess.run(
        [*git, "archive", "--format=zip", commit, "src"], capture_output=True, check=True
    ).stdout
    with ZipFile(io.BytesIO(archive)) as content:
        content.extractall(tmp_path)
    assert not stages_of_other_bytes(tmp_path, lock), advice
    for name in edited:
        module = f"glassdyn.stages.{name}"
        assert code_digest(module, root / "src") == code_digest(module, tmp_path / "src"), (
            f"stage {name}: {advice}"
        )


def test_results_belong_to_the_parameters(root, lock):
    default = YAML(typ="safe").load(root / "params.yaml")
    for name, stage in lock.items():
        for key, value in stage["params"]["params.yaml"].items():
            here = default
            for word in key.split("."):
                here = here[word]
            assert here == value, f"stage {name}: {key}"


def test_files_of_results_are_those_that_the_lock_names(root, lock):
    for stage in lock.values():
        for output in stage["outs"]:
            path = root / output["path"]
            if output["path"].startswith("metrics/"):
                assert hashlib.md5(path.read_bytes()).hexdigest() == output["md5"], path  # noqa: S324


def test_the_default_run_is_physics(metrics):
    physics = metrics["physics"]
    assert not any(physics["warnings"].values()), physics["warnings"]
    assert physics["energy"]["largest_drift"] < 1e-4
    assert physics["temperature"]["ratio"] == pytest.approx(1, abs=0.02)
    assert physics["tau_alpha"]["ratio"] == pytest.approx(1, abs=0.3)


def test_the_default_run_is_long_enough(root):
    """At least five copies, two samples of each, and an equilibration of five relaxation times."""
    default = params.load(root / "params.yaml")
    assert 1000 <= default.liquid.particles <= 2000
    assert 0.55 <= default.liquid.temperature <= 0.7
    assert default.simulation.copies >= 5
    assert default.simulation.samples >= 2
    assert default.equilibrate.equilibrate >= 5


MODELS = {
    "ridge + graph network": None,
    "ridge on the same features": "ridge",
    "perceptron without graph": "perceptron",
    "ridge on radial descriptors": "radial_ridge",
    "ridge on averaged radial descriptors": "averaged_ridge",
}
"""Rows of the README's table of models, and their names in the metrics; None: the network itself."""


def cells_by_name(root):
    """First cell of every row of the README's tables -> the others."""
    lines = (root / "README.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.count("|") > 2]
    return {name: cells for name, *cells in rows}


def test_the_readme_says_what_the_liquid_is(root, metrics):
    physics, cells = metrics["physics"], cells_by_name(root)
    tau, plateau = physics["tau_alpha"], physics["plateau"]
    drift = f"{physics['energy']['largest_drift']:.1e}".replace("e-0", "e-")
    rows = {
        "tau_alpha of A, B [tau]": f"{tau['A']:.1f} ± {tau['error_A']:.1f}, {tau['B']:.1f} ± {tau['error_B']:.1f}",
        "RMSD at the plateau (A and B), p_c [sigma_AA]": f"{plateau['all']:.2f}, {plateau['p_c']:.2f}",
        "temperature in NVE / target": f"{physics['temperature']['ratio']:.3f}",
        "largest energy drift per particle in a window": drift,
    }
    assert {name: cells[name][0] for name in rows} == rows


def test_the_readme_says_what_the_parameters_are(root):
    default = params.load(root / "params.yaml")
    liquid, simulation, record = default.liquid, default.simulation, default.record
    parts = (default.split.train, default.split.validation, default.split.test)
    samples = " / ".join(str(len(part) * simulation.samples) for part in parts)
    rows = {
        "particles, temperature": f"{liquid.particles}, {liquid.temperature:.2f}",
        "timestep, window, decorrelation before it": (
            f"{simulation.timestep:g}, {record.duration:g} tau_alpha, {record.decorrelate:g} tau_alpha"
        ),
        "samples: train / validation / test": f"{samples}, split by copy",
        "network: blocks, widths, learning rate": (
            f"{default.model.n_rec}, {tuple(default.model.hidden)}, {default.train.lr:.0e}".replace(
                "e-0", "e-"
            )
        ),
    }
    cells = cells_by_name(root)
    assert {name: cells[name][0][: len(row)] for name, row in rows.items()} == rows


def test_the_readme_says_what_models_reach(root, metrics):
    test, baselines = metrics["evaluate"]["test"]["p_hop"], metrics["evaluate"]["baselines"]
    cells = cells_by_name(root)
    for name, model in MODELS.items():
        scores = baselines[model]["p_hop"] if model else test
        expected = [
            f"{scores['pearson']:.3f}",
            f"{scores['pearson_copy_mean']:.3f} ± {scores['pearson_copy_error']:.3f}",
            f"{scores['ratio']:.2f}",
            f"{scores['auc']:.3f}",
        ]
        assert cells[name] == expected, name
    assert cells["ceiling"][0] == f"{test['ceiling']:.3f} ± {test['ceiling_error']:.3f}"
    per_configuration = f"{test['ceiling_sample_mean']:.3f} ± {test['ceiling_sample_error']:.3f}"
    assert cells["ceiling"][1].startswith(per_configuration)


def test_the_readme_says_what_the_network_adds_to_the_ridge(root, metrics):
    each, text = (
        metrics["evaluate"]["test"]["p_hop"]["improvement"]["ridge"],
        (root / "README.md").read_text(),
    )
    assert f"differ by {each['copy_mean']:+.4f} ± {each['copy_error']:.4f}" in text
    assert f"[{each['low']:+.4f}, {each['high']:+.4f}]" in text
    radial = metrics["evaluate"]["baselines"]["radial_ridge"]["p_hop"]
    assert f"descriptors alone reach {radial['ratio']:.2f} of the ceiling" in text


def test_the_default_run_learns(metrics):
    """Above a third; level with the ridge on the same features; a tenth above that on radial descriptors."""
    test, baselines = metrics["evaluate"]["test"]["p_hop"], metrics["evaluate"]["baselines"]
    assert test["pearson"] >= 0.33
    assert test["improvement"]["ridge"]["high"] >= 0
    assert test["pearson"] >= baselines["radial_ridge"]["p_hop"]["pearson"] + 0.1


def test_the_readme_says_what_the_benchmark_of_propensities_printed(root):
    """Pooled coefficient, mean of the copies with its error, and share of the ceiling of every printed row."""
    printed = (root / "benchmarks/propensity.txt").read_text().splitlines()
    rows = {line[:36].strip(): line[36:] for line in printed if line[36:43].strip().startswith("0.")}
    cells = cells_by_name(root)
    assert len(rows) >= 5
    for name, line in rows.items():
        pooled, mean, _, error, ratio = line.split()[:5]
        assert cells[name] == [pooled, f"{mean} ± {error}", ratio], name


def test_the_readme_says_what_the_benchmark_of_networks_printed(root):
    """Pooled coefficient of every network with its spread over seeds."""
    printed = (root / "benchmarks/propensity_networks.txt").read_text().splitlines()
    text = " ".join((root / "README.md").read_text().split())
    rows = [
        line[36:52].replace("+-", "±").split() for line in printed if line[36:43].strip().startswith("0.")
    ]
    with_seeds = [" ".join(row) for row in rows if len(row) == 3]
    assert len(with_seeds) == 5
    section = text.partition("propensity_networks.txt")[2]
    assert [value for value in with_seeds if value not in section] == []
