"""The import closure against what Python imports; the digest against edits that matter or do not."""

import os
import subprocess
import sys

import pytest

from glassdyn.jobs.code_digest import SOURCE, _closure, code_digest, code_files

MODULES = {
    "pack/__init__.py": "",
    "pack/a.py": "from pack import b\nfrom pack.sub import c\n\ndef f():\n    return b.x + c.y\n",
    "pack/b.py": '"""B."""\nimport math\n\nx = 1  # one\n',
    "pack/sub/__init__.py": "",
    "pack/sub/c.py": "from ..b import x\nfrom .d import z\n\ny = x + z\n",
    "pack/sub/d.py": "def late():\n    import pack.e\n\nz = 2\n",
    "pack/e.py": "",
    "pack/unused.py": "",
    "pack/params.py": "import pack.unused\n",
    "pack/g.py": "from pack import params\n",
}
"""Absolute and relative imports, of a module and of its names; one inside a function; a loop of none."""


@pytest.fixture
def source(tmp_path):
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def closure(module, source):
    return [str(path.relative_to(source)) for path in sorted(_closure(module, source, leave_out=()).values())]


def test_closure_by_hand(source):
    assert closure("pack.a", source) == [
        f"pack/{name}.py" for name in ("__init__", "a", "b", "e", "sub/__init__", "sub/c", "sub/d")
    ]
    assert closure("pack.b", source) == ["pack/__init__.py", "pack/b.py"]
    assert closure("pack.sub", source) == ["pack/__init__.py", "pack/sub/__init__.py"]


@pytest.mark.parametrize(
    "module", ["glassdyn.storage.trajectory", "glassdyn.storage.tables", "glassdyn.learning.loss"]
)
def test_closure_holds_what_python_imports(module):
    code = f"import sys, {module}; print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('glassdyn')))"
    command = [sys.executable, "-c", code]
    ours = os.environ | {"PYTHONPATH": str(SOURCE)}
    loaded = subprocess.run(command, env=ours, capture_output=True, text=True, check=True).stdout.split()
    assert loaded
    assert set(loaded) <= {str(path) for path in _closure(module, SOURCE, leave_out=()).values()}


def test_no_such_module(source):
    with pytest.raises(ModuleNotFoundError, match=r"there is none for pack\.none"):
        code_files("pack.none", source)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pack/b.py", '"""Another docstring."""\n\nimport math\nx = 1\n'),
        ("pack/a.py", MODULES["pack/a.py"].replace("f():", 'f():\n    """Add."""\n\n    # plus')),
        ("pack/unused.py", "x = 3\n"),
        ("pack/params.py", "x = 3\n"),
        ("pack/__init__.py", "def load():\n    import pack.unused\n"),
    ],
)
def test_digest_ignores(source, name, text):
    before = code_digest("pack.a", source), code_digest("pack.g", source)
    (source / name).write_text(text)
    assert (code_digest("pack.a", source), code_digest("pack.g", source)) == before


@pytest.mark.parametrize(
    ("name", "text"),
    [("pack/b.py", "import math\nx = 2\n"), ("pack/e.py", "x = 1\n"), ("pack/sub/__init__.py", "x = 1\n")],
)
def test_digest_notices(source, name, text):
    before = code_digest("pack.a", source)
    (source / name).write_text(text)
    assert code_digest("pack.a", source) != before
