"""Parameters that are accepted run to the end: small changes of the short pipeline, its stages in turn in this process."""

import copy
import random
from itertools import islice

import pytest
from ruamel.yaml import YAML

from glassdyn import constraints, parameter_files, params
from glassdyn.costs.estimate import Resources, estimate_costs
from glassdyn.costs.rates import load_rates
from glassdyn.params import Params
from glassdyn.stages import (
    baselines,
    describe,
    draw,
    equilibrate,
    evaluate,
    isoconfigurational,
    label,
    observe,
    record,
    reduce,
    train,
)
from short_pipeline import shorten

STAGES = (
    equilibrate,
    record,
    isoconfigurational,
    observe,
    describe,
    reduce,
    label,
    baselines,
    train,
    evaluate,
    draw,
)
MINUTES, GB = 3.0, 4.0
"""What the estimate of an example may be; `glassdyn check` tells a user."""

WORDS = {
    "graph.nodes": ["type", "full", "extended", "pca", "local", "shells", "local+radial", "local+shells"],
    "graph.edges": ["distance", "vector"],
    "graph.positions": ["thermal", "inherent"],
    "graph.standardise": ["training_set", "snapshot"],
    "hops.weight": ["none", "barycentric"],
    "loss.standardise": ["training_set", "snapshot"],
    "loss.targets": [["p_hop"], ["cwt_5"], ["mean_p_hop"], ["propensity_1"], ["p_hop_ell1", "p_hop"]],
    "model.kind": ["graph_network", "attention", "radial_filter", "equivariant", "ridge", "boosting"],
    "potential.truncation": ["xplor", "shift"],
    "train.precision": ["float32", "bf16"],
    "train.schedule": ["constant", "cosine"],
    "train.select_on": ["validation", "test"],
    "describe.fields": [[], ["energy"], ["inherent_energy", "force"], ["debye_waller"], ["cage_fluctuation"]],
}


def change(value, generator):
    """Another value of the kind, not far away."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return generator.choice([0, 1, value + 1, 2 * value, value // 2])
    if isinstance(value, float):
        return value * generator.choice([0.1, 0.5, 0.9, 1.1, 2.0, 10.0])
    if isinstance(value, list):
        return generator.choice([[], value[:-1], value[::-1], [change(entry, generator) for entry in value]])
    return value


def accepted(tree, generator):
    """Trees of parameters that are accepted and that the estimate calls small, and what was changed in each."""
    keys = [(section, key) for section, entries in tree.items() for key in entries]
    rates = load_rates()
    while True:
        changed, changes = copy.deepcopy(tree), {}
        for section, key in generator.sample(keys, generator.randint(1, 4)):
            name, value = f"{section}.{key}", tree[section][key]
            changes[name] = generator.choice(WORDS.get(name) or [change(value, generator)])
            changed[section][key] = changes[name]
        try:
            checked = constraints.validate(Params, changed, "params.yaml")
        except params.ParamsError:
            continue
        costs = estimate_costs(checked, rates, Resources(2, 0, 24.0))
        if sum(cost.hours for cost in costs) * 60 < MINUTES and max(cost.memory for cost in costs) < GB:
            yield changed, changes


@pytest.mark.endurance
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_accepted_runs_to_the_end(root, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(root)
    shorten(root / "params.yaml", tmp_path / "params.yaml")
    examples = list(islice(accepted(parameter_files.read(tmp_path / "params.yaml"), random.Random(seed)), 3))
    monkeypatch.setenv("GLASSDYN_SCRATCH", str(tmp_path / "scratch"))
    for number, (tree, changes) in enumerate(examples):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        YAML().dump(tree, folder / "params.yaml")
        print(changes)  # which pytest shows where a stage fails
        for stage in STAGES:
            stage.main()
