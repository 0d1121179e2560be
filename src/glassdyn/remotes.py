"""Where DVC puts the data, and what is to be known of it before anything is pushed or pulled."""

from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path

from glassdyn.experiments.repository import RepositoryError, run_git

__all__ = ["describe_remote"]

CONFIG = ".dvc/config"


def describe_remote() -> str:
    """The default remote of the repository here, and where its state is going to matter; see docs/remotes.md.

    Returns:
        A sentence: its name and address; that there is none; that it is not committed, so that `dvc exp push` would
        push no data; or that what is pulled from it is not verified.
    """
    local, shared = (_read(Path(name)) for name in (f"{CONFIG}.local", CONFIG))
    name = local.get("core.remote") or shared.get("core.remote", "")
    if not name:
        return (
            "none; `dvc push`, `dvc pull` and `dvc exp push` need one that is committed: see docs/remotes.md"
        )
    settings = {key: value for config in (shared, local) for key, value in config.items()}
    address = settings.get(f"remote.{name}.url", "no address")
    if _parse(_committed()).get("core.remote") != name:
        return (
            f"{name}, {address}, which is not committed: `dvc exp push` would push no data; `git commit {CONFIG}` "
            "before the experiments"
        )
    if settings.get(f"remote.{name}.verify", "").lower() != "true":
        return (
            f"{name}, {address}, which is not verified: a damaged file would be pulled without a word; "
            f"`dvc remote modify {name} verify true`"
        )
    return f"{name}, {address}"


def _committed() -> str:
    try:
        return run_git("show", f"HEAD:./{CONFIG}").decode(errors="replace")
    except RepositoryError:
        return ""


def _read(path: Path) -> Mapping[str, str]:
    return _parse(path.read_text(errors="replace")) if path.is_file() else {}


def _parse(text: str) -> Mapping[str, str]:
    """Values of a configuration of DVC, by "core.remote" or "remote.<name>.url"."""
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except Error:
        return {}
    return {
        f"{section.strip(chr(39)).replace(' ', '.', 1).replace(chr(34), '')}.{key}": value.strip('"')
        for section in parser.sections()
        for key, value in parser[section].items()
    }
