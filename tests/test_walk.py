"""The whole road, walked in one process on data that it simulates itself."""

import importlib

import pytest
from ruamel.yaml import YAML

from glassdyn import params
from road import leaves, recording, shorten

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def walked(root, tmp_path_factory):
    """A folder in which every stage has run, and the keys that each of them read."""
    folder = tmp_path_factory.mktemp("road")
    shorten(root / "params.yaml", folder / "params.yaml")
    read = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GLASSDYN_SCRATCH", str(folder / ".scratch"))
        original = params.load
        for stage in YAML(typ="safe").load(root / "dvc.yaml")["stages"]:
            log = read[stage] = set()
            patch.setattr(params, "load", lambda *path, log=log: recording(original(*path), log))
            importlib.import_module(f"glassdyn.stages.{stage}").main()
    return folder, read


def test_stages_read_exactly_the_keys_they_declare(root, walked):
    folder, read = walked
    parameters = params.load(folder / "params.yaml")
    for name, stage in YAML(typ="safe").load(root / "dvc.yaml")["stages"].items():
        declared = leaves(parameters, stage["params"])
        assert read[name] == declared, (
            f"stage {name}: undeclared {sorted(read[name] - declared)}, unread {sorted(declared - read[name])}"
        )


def test_every_declared_output_exists(root, walked):
    folder, _ = walked
    for stage in YAML(typ="safe").load(root / "dvc.yaml")["stages"].values():
        for output in [*stage.get("outs", []), *stage.get("metrics", [])]:
            name = output if isinstance(output, str) else next(iter(output))
            assert (folder / name).exists(), name
