"""The data card of a run, `ro-crate-metadata.json`: its outputs, the actions that made them, and the checks.

It states what dvc.lock records, params.yaml of every stage among it, so that whoever receives the data without the
repository can read what they are. RO-Crate 1.1: https://www.researchobject.org/ro-crate/1.1/
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.data_entity import DataEntity
from rocrate.rocrate import ROCrate

from glassdyn.data_card.columns import FORMATS, columns_of
from glassdyn.errors import GlassdynError
from glassdyn.jobs.atomic import atomic_write
from glassdyn.reporting.physics_checks import read_verdicts
from glassdyn.reporting.provenance import Output, list_outputs, read_versions
from glassdyn.reporting.run_files import read_yaml

__all__ = ["CARD", "CardError", "make_card", "write_card"]

CARD = "ro-crate-metadata.json"

Tree = Mapping[str, Any]

UNITS = "Lennard-Jones units: sigma_AA, epsilon_AA, tau = sqrt(m sigma_AA^2 / epsilon_AA), k_B = 1"

SOFTWARE = "#glassdyn"


class CardError(GlassdynError):
    """A run that a card cannot be made of."""


def write_card(folder: Path) -> Path:
    """Write the data card of a run beside its dvc.lock, and return its path; errors as `make_card`."""
    path = folder / CARD
    with atomic_write(path) as part:
        part.write_text(json.dumps(make_card(folder), indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def make_card(folder: Path) -> dict[str, Any]:
    """Make the data card of a run; the same files make the same card.

    Args:
        folder: of the run, with dvc.yaml, dvc.lock, CITATION.cff, requirements.lock and metrics/.

    Returns:
        JSON-LD.

    Raises:
        CardError: where nothing was reproduced, or CITATION.cff states no date of release.
    """
    lock, pipeline, citation = (read_yaml(folder / name) for name in ("dvc.lock", "dvc.yaml", "CITATION.cff"))
    outputs = list_outputs(lock)
    if not outputs:
        raise CardError(f"a data card describes outputs: {folder / 'dvc.lock'} records none; run `dvc repro`")
    crate = ROCrate(version="1.1")
    _describe_root(crate, citation)
    _add_software(crate, citation, read_versions(folder / "requirements.lock"))
    entities = {output.path: _add_output(crate, output, pipeline) for output in outputs}
    crate.root_dataset["mentions"] = [
        _add_action(crate, name, stage, pipeline, entities) for name, stage in lock["stages"].items()
    ]
    crate.root_dataset["additionalProperty"] = list(_add_checks(crate, folder))
    card: dict[str, Any] = crate.metadata.generate()
    return card


def _describe_root(crate: ROCrate, citation: Tree) -> None:
    if "date-released" not in citation:
        raise CardError(
            "a data card has the date of the release: got none; write it as YYYY-MM-DD (CITATION.cff: date-released)"
        )
    crate.name = "Data of glassdyn: structure and dynamics of a Kob-Andersen mixture"
    crate.description = (
        "Equilibrated states, trajectories, snapshots, structural features, dynamical labels, models and their "
        f"predictions of a supercooled liquid. {UNITS}."
    )
    crate.datePublished = str(citation["date-released"])
    crate.keywords = citation.get("keywords", [])
    license_id = f"https://spdx.org/licenses/{citation.get('license', 'BSD-3-Clause')}"
    text = {"@type": "CreativeWork", "name": citation.get("license", "BSD-3-Clause")}
    crate.license = crate.add(ContextEntity(crate, license_id, properties=text))
    creators = [
        crate.add(ContextEntity(crate, f"#creator-{k}", properties=_describe_person(author)))
        for k, author in enumerate(citation.get("authors", []))
    ]
    crate.creator = creators
    works = [
        crate.add(ContextEntity(crate, f"#reference-{k}", properties=_describe_work(work)))
        for k, work in enumerate(citation.get("references", []))
    ]
    crate.root_dataset["citation"] = works


def _describe_person(author: Tree) -> dict[str, Any]:
    if "name" in author:
        return {"@type": "Organization", "name": author["name"]}
    return {"@type": "Person", "name": f"{author.get('given-names', '')} {author['family-names']}".strip()}


def _describe_work(work: Tree) -> dict[str, Any]:
    kinds = {"thesis": "Thesis", "article": "ScholarlyArticle"}
    names = [_describe_person(author)["name"] for author in work.get("authors", [])]
    return {
        "@type": kinds.get(work.get("type", ""), "CreativeWork"),
        "name": work.get("title", ""),
        "author": names,
        "datePublished": str(work.get("year", "")),
    }


def _add_software(crate: ROCrate, citation: Tree, versions: Mapping[str, str]) -> None:
    requirements = [
        crate.add(
            ContextEntity(
                crate,
                f"#package-{name}",
                properties={"@type": "SoftwareApplication", "name": name, "softwareVersion": version},
            )
        )
        for name, version in versions.items()
    ]
    properties = {
        "@type": ["SoftwareApplication", "SoftwareSourceCode"],
        "name": citation.get("title", "glassdyn"),
        "softwareVersion": str(citation.get("version", "")),
        "programmingLanguage": "Python",
        "description": "The pipeline of dvc.yaml: stages, each with its code, inputs and parameters.",
    }
    software = crate.add(ContextEntity(crate, SOFTWARE, properties=properties))
    software["softwareRequirements"] = requirements


def _add_output(crate: ROCrate, output: Output, pipeline: Tree) -> DataEntity:
    """A file or folder with its size, digest, format and quantities."""
    described = {entry["path"]: entry.get("desc") for entry in pipeline.get("artifacts", {}).values()}
    stage = pipeline.get("stages", {}).get(output.stage, {})
    properties = {
        "name": output.path,
        "description": described.get(output.path) or stage.get("desc", ""),
        "contentSize": str(output.size),
        "identifier": f"md5:{output.md5}",
        "encodingFormat": next(
            (form for place, form in FORMATS.items() if output.path.startswith(place)), ""
        ),
    }
    add = crate.add_directory if output.md5.endswith(".dir") else crate.add_file
    entity: DataEntity = add(dest_path=output.path, properties=properties)
    variables = [
        crate.add(
            ContextEntity(
                crate,
                f"#{output.path}/variable-{k}",
                properties={
                    "@type": "PropertyValue",
                    "name": column.name,
                    "description": column.text,
                    "unitText": column.unit,
                },
            )
        )
        for k, column in enumerate(columns_of(output.path))
    ]
    if variables:
        entity["variableMeasured"] = variables
    return entity


def _add_action(
    crate: ROCrate, name: str, stage: Tree, pipeline: Tree, entities: Mapping[str, DataEntity]
) -> ContextEntity:
    """What a stage did: its inputs, parameters, code and outputs."""
    inputs = [entities[path] for path in _paths(stage, "deps") if path in entities]
    settings = [
        crate.add(ContextEntity(crate, f"#{name}:{key}", properties=_describe_setting(key, value)))
        for key, value in stage.get("params", {}).get("params.yaml", {}).items()
    ]
    digests = [f"{entry['path']} md5:{entry['md5']}" for entry in stage.get("deps", []) if _is_code(entry)]
    action: ContextEntity = crate.add_action(
        crate.get(SOFTWARE),
        identifier=f"#stage-{name}",
        object=[*inputs, *settings],
        result=[entities[path] for path in _paths(stage, "outs")],
        properties={
            "name": f"stage {name}",
            "description": pipeline.get("stages", {}).get(name, {}).get("desc", ""),
            "disambiguatingDescription": f"code: {', '.join(digests)}",
        },
    )
    return action


def _describe_setting(key: str, value: object) -> dict[str, Any]:
    return {"@type": "PropertyValue", "name": key, "value": json.dumps(value)}


def _paths(stage: Tree, kind: str) -> list[str]:
    return [entry["path"] for entry in stage.get(kind, [])]


def _is_code(entry: Tree) -> bool:
    return str(entry["path"]).startswith("src/")


def _add_checks(crate: ROCrate, folder: Path) -> Iterator[ContextEntity]:
    """The physics checks with their verdicts."""
    for k, verdict in enumerate(read_verdicts(folder)):
        value = "passes" if verdict.passes else f"warns: {verdict.warning}"
        properties = {
            "@type": "PropertyValue",
            "name": f"check: {verdict.question}",
            "value": value,
            "description": f"{verdict.number}; must be {verdict.limit}",
        }
        yield crate.add(ContextEntity(crate, f"#check-{k}", properties=properties))
