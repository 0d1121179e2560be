"""The parameters of all labels: out of `Params`, as mappings for jobs, and what they name and determine."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from glassdyn.labels import LABELS
from glassdyn.params import Params

__all__ = ["Sections", "as_mappings", "column_names", "from_mappings", "select_sections"]

Sections = Mapping[str, Any]
"""The section of each label in `LABELS`, by its name in `params.yaml`."""


def select_sections(params: Params) -> dict[str, Any]:
    """Select the sections of all labels."""
    return {label.section: getattr(params, label.section) for label in LABELS}


def column_names(sections: Sections) -> list[str]:
    """Names of the columns of all labels: p_hop, cwt_50."""
    return [name for label in LABELS for name in label.columns(sections[label.section])]


def as_mappings(sections: Sections) -> dict[str, dict[str, Any]]:
    """Sections as mappings, which JSON can hold."""
    return {name: asdict(section) for name, section in sections.items()}


def from_mappings(mappings: Mapping[str, Any]) -> dict[str, Any]:
    """Sections from mappings that were sent as JSON; other keys are left out."""
    return {
        label.section: TypeAdapter(label.parameters).validate_json(json.dumps(mappings[label.section]))
        for label in LABELS
    }
