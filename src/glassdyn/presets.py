"""Named sets of parameters, written into `params.yaml` with its comments kept."""

from collections.abc import Iterator, Mapping, MutableMapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from glassdyn import params
from glassdyn.jobs.atomic import atomic_write
from glassdyn.params import Params, ParamsError

__all__ = ["apply_preset", "preset_names"]


def preset_names(folder: Path = Path("presets")) -> list[str]:
    """The presets that there are."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def apply_preset(name: str, path: Path = Path("params.yaml"), folder: Path = Path("presets")) -> list[str]:
    """Write a preset's parameters into the file; what it does not name stays as it is.

    Args:
        name: of the preset: the file `<folder>/<name>.yaml`.
        path: the parameters.
        folder: of the presets.

    Returns:
        One line for each parameter that has changed: "liquid.temperature: 0.6 -> 0.43".

    Raises:
        ParamsError: for a name that does not exist, a key that the parameters lack, or parameters that
            break a rule; the file is then as it was.
    """
    if not preset_names(folder):
        raise ParamsError(
            f"presets lie in the repository's root: found none in {folder.absolute()}; go there"
        )
    if name not in preset_names(folder):
        raise ParamsError(
            f"no such preset: got {name!r}; there are {', '.join(preset_names(folder))} ({folder})"
        )
    params.load(path)  # a page that is broken already is not written to
    yaml = _yaml()
    tree = yaml.load(path)
    changes = list(_merge(tree, yaml.load(folder / f"{name}.yaml"), ""))
    written = StringIO()
    yaml.dump(tree, written)
    with atomic_write(path) as beside:
        beside.write_text(written.getvalue())
        _checked(beside, path)
    return changes


def _merge(tree: MutableMapping[str, Any], preset: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in preset.items():
        name = f"{prefix}{key}"
        if key not in tree:
            raise ParamsError(f"a preset changes parameters that exist: {name} does not")
        if isinstance(value, Mapping):
            yield from _merge(tree[key], value, f"{name}.")
        elif tree[key] != value:
            yield f"{name}: {_plain(tree[key])} -> {_plain(value)}"
            _put(tree, key, value)


def _put(tree: MutableMapping[str, Any], key: str, value: Any) -> None:
    """Replace a number, or the entries of a list: the list itself holds the comments."""
    if isinstance(value, list):
        tree[key][:] = value
    else:
        tree[key] = value


def _plain(value: Any) -> str:
    return str(list(value)) if isinstance(value, list) else str(value)


def _checked(beside: Path, path: Path) -> Params:
    try:
        return params.load(beside)
    except ParamsError as error:
        raise ParamsError(str(error).replace(str(beside), str(path))) from None


def _yaml() -> YAML:
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 200
    return yaml
