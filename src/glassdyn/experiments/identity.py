"""What determines the numbers of an experiment: code and parameters of the stages that lead to them.

Two experiments of equal code and parameters are the same point, whatever their names and the commit that they
started from; editing a comment, a picture's code or a text makes no point stale.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf
from ruamel.yaml import YAML

from glassdyn import parameter_files
from glassdyn.experiments.points import apply_changes
from glassdyn.experiments.repository import extract_source, read_files, run_git
from glassdyn.jobs.code_digest import code_digest

__all__ = ["Pipeline", "match_points", "read_parameters", "read_pipeline", "value_of"]

RESULT = "metrics/evaluate.json"
"""The file whose numbers are compared."""

ABSENT = "(no such parameter)"


class Pipeline(NamedTuple):
    """What leads to the result.

    Attributes:
        last: name of the stage that writes it.
        stages: names, that of the last among them.
        parameters: dotted keys that these stages read.
    """

    last: str
    stages: tuple[str, ...]
    parameters: tuple[str, ...]


def read_pipeline(path: Path = Path("dvc.yaml"), result: str = RESULT) -> Pipeline:
    """Find the stages that a result depends on, directly or not."""
    stages = YAML(typ="safe").load(path)["stages"]
    makers = {output: name for name, stage in stages.items() for output in _outputs(stage)}
    open_ends, leading = [makers[result]], set[str]()
    while open_ends:
        name = open_ends.pop()
        if name not in leading:
            leading.add(name)
            open_ends += [makers[path] for path in stages[name].get("deps", []) if path in makers]
    parameters = {key for name in leading for key in stages[name].get("params", []) if isinstance(key, str)}
    return Pipeline(makers[result], tuple(sorted(leading)), tuple(sorted(parameters)))


def _outputs(stage: Mapping[str, Any]) -> Iterable[str]:
    for kind in ("outs", "metrics", "plots"):
        for entry in stage.get(kind, []):
            yield entry if isinstance(entry, str) else next(iter(entry))


def value_of(tree: Mapping[str, Any], key: str) -> Any:
    """The value of a dotted key; a text where there is none."""
    branch: Any = tree
    for word in key.split("."):
        if not isinstance(branch, Mapping) or word not in branch:
            return ABSENT
        branch = branch[word]
    return branch


def read_parameters(revisions: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The parameters of revisions, as their params.yaml states them."""
    texts = read_files(revisions, "params.yaml")
    return {revision: _parse(text.decode()) for revision, text in texts.items()}


@cache
def _parse(text: str) -> dict[str, Any]:
    tree: Any = OmegaConf.to_container(OmegaConf.load(StringIO(text)))
    return dict(tree)


def match_points(changes: Mapping[str, Mapping[str, Any]], revisions: Sequence[str]) -> dict[str, str]:
    """Find the revisions that hold points of this code and these parameters.

    Args:
        changes: by point, values in place of those of params.yaml.
        revisions: to look at; of several that hold a point, the last counts.

    Returns:
        Point -> revision, without the points that no revision holds.
    """
    pipeline, tree = read_pipeline(), parameter_files.read(Path("params.yaml"))
    wanted = {_digest(apply_changes(tree, values), pipeline): point for point, values in changes.items()}
    held = {revision: _digest(tree, pipeline) for revision, tree in read_parameters(revisions).items()}
    candidates = [revision for revision in revisions if held.get(revision) in wanted]
    same_code = _compare_code(pipeline.stages)
    return {wanted[held[revision]]: revision for revision in candidates if same_code(revision)}


def _digest(tree: Mapping[str, Any], pipeline: Pipeline) -> str:
    values = {key: value_of(tree, key) for key in pipeline.parameters}
    return sha256(json.dumps(_as_float(values), sort_keys=True).encode()).hexdigest()


def _as_float(value: Any) -> Any:
    """1 and 1.0 are the same number."""
    if isinstance(value, Mapping):
        return {key: _as_float(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_as_float(entry) for entry in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _compare_code(stages: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a revision has the code of this checkout."""
    here = _digest_code(stages, Path("src").absolute())

    def is_same(revision: str) -> bool:
        return _digest_version(stages, run_git("rev-parse", f"{revision}:src").decode().strip()) == here

    return is_same


@cache
def _digest_version(stages: tuple[str, ...], tree: str) -> tuple[str, ...]:
    """Digests of the code of stages in a folder of git's, by the name of its content; each is read once."""
    with extract_source(tree) as source:
        return _digest_code(stages, source)


def _digest_code(stages: tuple[str, ...], source: Path) -> tuple[str, ...]:
    """Digest of the code of each stage; empty for one that the source has not got."""
    digests = []
    for stage in stages:
        try:
            digests.append(code_digest(f"glassdyn.stages.{stage}", source))
        except ModuleNotFoundError:
            digests.append("")
    return tuple(digests)
