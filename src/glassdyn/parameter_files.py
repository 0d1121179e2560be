"""Files of parameters: sections of keys in YAML, read, merged and overridden by OmegaConf."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from glassdyn.errors import GlassdynError

__all__ = ["ParamsError", "merge", "override", "read"]


class ParamsError(GlassdynError):
    """Parameters that break a rule; the message names the rule, the value and the way out."""


def read(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Sections and keys as they stand in a file, and values in place of the file's.

    Args:
        path: the file.
        overrides: dotted keys and values, written as in YAML: "model.n_rec=3", "model.hidden=[16, 16]".

    Raises:
        ParamsError: for a file that is missing, unreadable or without sections, for `${...}`, and for an
            override of a key that does not exist.
    """
    try:
        tree = OmegaConf.to_container(OmegaConf.load(path))
    except FileNotFoundError:
        raise ParamsError(f"there is no {path.absolute()}; go to the repository's root") from None
    except (OSError, UnicodeDecodeError, YAMLError, OmegaConfBaseException) as error:
        raise ParamsError(f"{path} is not a readable YAML file: {error}") from None
    if not isinstance(tree, dict):
        raise ParamsError(
            f"parameters are sections of keys, as `section:`, `  key: value`: got {tree!r} ({path})"
        )
    _refuse_interpolation(tree, path)
    return override(tree, overrides)


def override(tree: Mapping[Any, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Put overrides in place of a tree's values, as `read` takes them; errors as there."""
    return merge(tree, _parse(overrides))


def merge(tree: Mapping[Any, Any], changes: Mapping[Any, Any]) -> dict[str, Any]:
    """Put values in place of those that a tree has; a list replaces a list.

    Raises:
        ParamsError: for a key that the tree lacks, with those that it has.
    """
    _require_keys(tree, changes)
    merged: Any = OmegaConf.to_container(OmegaConf.merge(tree, changes))
    return dict(merged)


def _parse(overrides: Sequence[str]) -> dict[Any, Any]:
    for override in overrides:
        if "=" not in override:
            raise ParamsError(f"an override is KEY=VALUE, such as model.n_rec=3: got {override!r}")
    try:
        changes: Any = OmegaConf.to_container(OmegaConf.from_dotlist(list(overrides)))
    except (YAMLError, OmegaConfBaseException) as error:
        raise ParamsError(
            f"the value of an override is written as in YAML: got {overrides}: {error}"
        ) from None
    _refuse_interpolation(changes, "an override")
    return dict(changes)


def _require_keys(tree: Mapping[Any, Any], changes: Mapping[Any, Any], prefix: str = "") -> None:
    for key, value in changes.items():
        if key not in tree:
            names = ", ".join(f"{prefix}{name}" for name in tree)
            raise ParamsError(
                f"only parameters that exist can be changed: {prefix}{key} does not; there are {names}"
            )
        if isinstance(value, Mapping) != isinstance(tree[key], Mapping):
            raise ParamsError(
                f"a section is changed key by key, a list as a whole: got {prefix}{key} = {value}"
            )
        if isinstance(value, Mapping):
            _require_keys(tree[key], value, f"{prefix}{key}.")


def _refuse_interpolation(tree: object, source: object, key: str = "") -> None:
    if isinstance(tree, str) and "${" in tree:
        raise ParamsError(
            f"a value is written out, because DVC compares what stands in the file: got {tree!r} ({source}: {key}); "
            "write the number or the word itself"
        )
    for name, value in _entries(tree):
        _refuse_interpolation(value, source, f"{key}.{name}".lstrip("."))


def _entries(tree: object) -> Iterator[tuple[object, object]]:
    if isinstance(tree, Mapping):
        yield from tree.items()
    elif isinstance(tree, list):
        yield from enumerate(tree)
