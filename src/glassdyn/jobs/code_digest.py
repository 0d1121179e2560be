"""Code that determines a result: the source files that a module imports, and a digest of what they say.

The one notion of it, for the keys of jobs and for the dependencies in dvc.yaml alike.

Sources are read, not run: `ast` finds every import, also those inside functions.
"""

import ast
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

__all__ = ["LEFT_OUT", "code_digest", "code_files"]

SOURCE = Path(__file__).resolve().parents[2]
"""The folder that holds the package: that of the code that is running."""

LEFT_OUT = ("__init__", "params", "errors", "jobs", "stages")
"""What determines no result: what notebooks call, what parameters may be, what errors say, where and how code runs,
who calls it."""


def code_files(module: str, source: Path = SOURCE) -> dict[str, Path]:
    """Find the files whose code determines what the functions of a module return, by the names of their modules.

    Those of `LEFT_OUT` are not among them, nor is a file without code, such as the `__init__` of many a package.

    Args:
        module: dotted name, such as "glassdyn.stages.train".
        source: folder that holds the package.

    Raises:
        ModuleNotFoundError: where the module has no source file.
    """
    package = module.partition(".")[0]
    closure = _closure(module, source, tuple(f"{package}.{name}" for name in LEFT_OUT))
    return {name: closure[name] for name in sorted(closure) if _read(closure[name]).code}


def code_digest(module: str, source: Path = SOURCE) -> str:
    """Digest of the code that determines what the functions of a module return, see `code_files`.

    Comments, docstrings, blank lines and layout do not enter: editing them makes no result stale.
    """
    files = code_files(module, source)
    text = "\n".join(f"# {name}\n{_read(path).code}" for name, path in files.items())
    return sha256(text.encode()).hexdigest()


def _closure(module: str, source: Path, leave_out: tuple[str, ...]) -> dict[str, Path]:
    if _file_of(module, source) is None:
        raise ModuleNotFoundError(f"a module has a source file: there is none for {module} in {source}")
    closure: dict[str, Path] = {}
    open_ends = [module]
    while open_ends:
        name = open_ends.pop()
        path = _file_of(name, source)
        if path is None or name in closure or (name != module and _is_below(name, leave_out)):
            continue
        closure[name] = path
        parent = name.rpartition(".")[0]
        open_ends += [parent] if parent else []
        open_ends += _imported(name, path)
    return closure


def _is_below(name: str, packages: tuple[str, ...]) -> bool:
    return any(
        package in {name, f"{name}.__init__"} or name.startswith(f"{package}.") for package in packages
    )


def _file_of(module: str, source: Path) -> Path | None:
    path = source.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


class Code(NamedTuple):
    """What a file says.

    Attributes:
        imports: level, module and names of every import; level 0 and no names for `import module`.
        code: without docstrings, comments and layout; nothing for a file of a docstring alone.
    """

    imports: tuple[tuple[int, str, tuple[str, ...]], ...]
    code: str


def _read(path: Path) -> Code:
    status = path.stat()
    return _parse(path, status.st_mtime_ns, status.st_size)


@cache
def _parse(path: Path, _changed: int, _size: int) -> Code:
    """Read a file once as long as it does not change: parsing the package takes half a second."""
    tree = ast.parse(path.read_text("utf-8"))
    imports = tuple(entry for node in ast.walk(tree) for entry in _import_entries(node))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_docstring(line)]  # type: ignore[attr-defined]
            if not node.body and not isinstance(node, ast.Module):  # type: ignore[attr-defined]
                node.body = [ast.Pass()]  # type: ignore[attr-defined]
    return Code(imports, ast.unparse(tree))


def _import_entries(node: ast.AST) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    if isinstance(node, ast.Import):
        yield from ((0, alias.name, ()) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.level, node.module or "", tuple(alias.name for alias in node.names)


def _imported(name: str, path: Path) -> Iterator[str]:
    """Every name that may be a module of the same package; `from a import b` may mean a.b."""
    package = (name if path.name == "__init__.py" else name.rpartition(".")[0]).split(".")
    for level, module, names in _read(path).imports:
        above = package[: len(package) - level + 1] if level else []
        origin = ".".join([*above, *([module] if module else [])])
        for candidate in (origin, *(f"{origin}.{imported}" for imported in names)):
            if candidate.partition(".")[0] == package[0]:
                yield candidate


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
