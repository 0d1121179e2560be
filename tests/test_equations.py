"""The table of equations holds: functions and slow references exist, name their equation, and are compared."""

import ast
import importlib
import inspect
import re
from functools import reduce
from pathlib import Path

import pytest

TABLE = Path(__file__).parents[1] / "docs" / "equations.md"
ROWS = [
    tuple(cell.strip(" `") for cell in line.split("|")[1:-1])
    for line in TABLE.read_text("utf-8").splitlines()
    if re.match(r"\| \d", line)
]
NUMBERS = re.compile(r"(?:thesis |\()(\d\.\d+(?:(?:, | and )\d\.\d+)*)")
"""As in "thesis 2.6", "(2.6)", "(thesis 2.18 and 2.21)"."""


def resolve(path):
    """The module of a dotted path, what the path names in it, and by which attributes."""
    names = path.split(".")
    for length in range(len(names), 0, -1):
        try:
            module = importlib.import_module(".".join(names[:length]))
        except ModuleNotFoundError:
            continue
        return module, reduce(getattr, names[length:], module), names[length:]
    raise ModuleNotFoundError(path)


def documentation(path):
    """The docstring of a function, class or constant, and that of its module."""
    module, target, (name, *_) = resolve(path)
    if callable(target):
        return f"{target.__doc__}\n{module.__doc__}"
    body = ast.parse(inspect.getsource(module)).body
    (place,) = [
        i for i, line in enumerate(body) if isinstance(line, ast.Assign) and line.targets[0].id == name
    ]
    return f"{ast.literal_eval(body[place + 1].value)}\n{module.__doc__}"


def equations_in(docstring):
    return {number for numbers in NUMBERS.findall(docstring) for number in re.findall(r"\d\.\d+", numbers)}


def references_used(path):
    """Dotted paths of what a test file takes from `references` and from SciPy."""
    tree, origins = ast.parse(path.read_text("utf-8")), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in {"references", "scipy"}:
            origins |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in origins:
            yield origins[node.id]
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in origins
        ):
            yield f"{origins[node.value.id]}.{node.attr}"


@pytest.fixture(scope="module")
def used():
    return {path for file in Path(__file__).parent.glob("test_*.py") for path in references_used(file)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_an_equation_has_a_function_that_names_it_and_a_reference_that_a_test_uses(row, used):
    equation, _, function, reference = row
    assert function.startswith("glassdyn.")
    assert equation in equations_in(documentation(function)), f"{function} must name thesis {equation}"
    assert reference.startswith(("references.", "scipy."))
    assert callable(resolve(reference)[1])
    assert reference in used, f"no test uses {reference}"


def test_every_equation_of_the_methods_has_a_row_but_those_of_global_features():
    methods = {equation for equation, *_ in ROWS if equation.startswith("2.")}
    assert methods == {f"2.{number}" for number in range(1, 24)} - {"2.12", "2.13"}
