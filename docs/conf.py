"""The documentation site: `make docs` builds it into site/, without a network."""

import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from parameter_page import render_parameters  # noqa: E402 (Sphinx runs this file from anywhere)

project = "glassdyn"
author = "the authors of glassdyn"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "glassdyn"
html_copy_source = False
html_show_copyright = False
html_static_path: list[str] = []
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
napoleon_use_ivar = True
default_role = "code"

(FOLDER / "parameters.md").write_text(
    render_parameters((FOLDER.parent / "params.yaml").read_text("utf-8")), "utf-8"
)


def setup(app: Any) -> None:
    """Bars in docstrings are absolute values, not the substitutions of reStructuredText."""

    def escape_bars(
        _app: Any, _what: str, _name: str, _object: object, _options: Any, lines: list[str]
    ) -> None:
        lines[:] = [line.replace("|", r"\|") for line in lines]

    app.connect("autodoc-process-docstring", escape_bars, priority=900)
