"""The page of parameters, made of params.yaml."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Parameter", "read_parameters", "render_parameters"]

KEY = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?P<value>[^#]*)(?:# (?P<comment>.*))?$")
ITEM = re.compile(r"^ *- (?P<value>[^#]*)")
COMMENT = re.compile(r"^ *# (?P<comment>.*)$")


class Parameter(NamedTuple):
    """A line of params.yaml: a section (with no value), or one of its keys."""

    section: str
    key: str
    value: str
    comment: str


def read_parameters(lines: Sequence[str]) -> Iterator[Parameter]:
    """Sections and keys of params.yaml in its order, with their comments.

    A comment stands behind its key or above it; items of a list follow their key.
    """
    entry: Parameter | None
    section, above, entry = "", list[str](), None
    for line in lines:
        if not line.strip():
            above = []
        elif match := COMMENT.match(line):
            above.append(match["comment"])
        elif match := ITEM.match(line):
            entry = entry and entry._replace(value=f"{entry.value}, {match['value'].strip()}".lstrip(", "))
        elif match := KEY.match(line):
            if entry is not None:
                yield entry
            comment = " ".join([*above, match["comment"] or ""]).strip()
            section = section if match["indent"] else match["key"]
            key = match["key"] if match["indent"] else ""
            entry, above = Parameter(section, key, match["value"].strip(), comment), []
    if entry is not None:
        yield entry


def render_parameters(text: str) -> str:
    """The page of parameters: a table for each section."""
    page = [
        "# Parameters",
        "",
        "`params.yaml` of the default run, section by section. `glassdyn check` refuses what makes no sense, and",
        "`dvc exp run -S SECTION.KEY=VALUE` varies a key. Durations marked [tau_alpha] are multiples of",
        "`simulation.tau_alpha`; units are those of the Lennard-Jones potential, sigma_AA = epsilon_AA = m = k_B = 1.",
    ]
    for parameter in read_parameters(text.splitlines()):
        if not parameter.key:
            page += [
                "",
                f"## {parameter.section}",
                "",
                parameter.comment,
                "",
                "| key | default | |",
                "| --- | --- | --- |",
            ]
        else:
            comment = parameter.comment.replace("|", "\\|")
            page.append(f"| `{parameter.key}` | `{parameter.value or '[]'}` | {comment} |")
    return "\n".join(page) + "\n"
