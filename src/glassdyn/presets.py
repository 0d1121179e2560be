"""Named sets of parameters, written into `params.yaml` with its comments kept."""

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from glassdyn import constraints, parameter_files
from glassdyn.jobs.atomic import atomic_write
from glassdyn.params import Params, ParamsError

__all__ = ["apply_preset", "load_preset", "preset_names", "write_values"]


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
    preset = parameter_files.read(_find(name, folder))
    before = parameter_files.read(path)
    constraints.validate(Params, before, path)  # a broken file is not written to
    after = parameter_files.merge(before, preset)
    constraints.validate(Params, after, path)
    changed = [
        (section, key)
        for section, keys in preset.items()
        for key in keys
        if before[section][key] != after[section][key]
    ]
    write_values(path, {(section, key): after[section][key] for section, key in changed}, after)
    return [f"{section}.{key}: {before[section][key]} -> {after[section][key]}" for section, key in changed]


def load_preset(
    name: str,
    path: Path = Path("params.yaml"),
    overrides: Sequence[str] = (),
    folder: Path = Path("presets"),
) -> Params:
    """The parameters of a file with a preset's in their place, and overrides in place of these; nothing is written.

    Raises:
        ParamsError: as `apply_preset` and `params.load`.
    """
    tree = parameter_files.merge(parameter_files.read(path), parameter_files.read(_find(name, folder)))
    return constraints.validate(Params, parameter_files.override(tree, overrides), path)


def _find(name: str, folder: Path) -> Path:
    names = preset_names(folder)
    if not names:
        raise ParamsError(
            f"presets lie in the repository's root: there are none in {folder.absolute()}; go there"
        )
    if name not in names:
        raise ParamsError(f"no such preset: got {name!r}; there are {', '.join(names)} ({folder})")
    return folder / f"{name}.yaml"


def write_values(path: Path, changes: Mapping[tuple[str, str], Any], expected: Mapping[str, Any]) -> None:
    """Change values in a file of parameters, in the layout in which `dvc exp run -S` writes it too.

    Args:
        path: the file.
        changes: section and key -> value.
        expected: all sections, as they are then.

    Raises:
        ParamsError: where comments keep the file from stating them.
    """
    yaml = YAML()
    page = yaml.load(path)
    for (section, key), value in changes.items():
        page[section][key] = value
    text = StringIO()
    yaml.dump(page, text)
    with atomic_write(path) as beside:
        beside.write_text(text.getvalue())
        if not _states(beside, expected):
            raise ParamsError(
                f"a file of parameters has the comment of a list above its key: got {path}, which cannot be "
                "rewritten with its comments; move them"
            )


def _states(path: Path, expected: Mapping[str, Any]) -> bool:
    """Whether a file that has been written says what it should: ruamel.yaml garbles some emptied lists."""
    try:
        return parameter_files.read(path) == expected
    except ParamsError:
        return False
