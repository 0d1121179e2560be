"""What the types of parameters are made of, and what is said where a value is not of its type."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from glassdyn.parameter_files import ParamsError

__all__ = ["STRICT", "Distinct", "Increasing", "NotEmpty", "require", "validate"]

T = TypeVar("T")

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""No other keys, no conversion of types, finite numbers."""


def require(holds: bool, rule: str) -> None:
    """Raise `ValueError(rule)` unless the rule holds."""
    if not holds:
        raise ValueError(rule)


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """No entry stands twice."""
    if len(set(values)) < len(values):
        raise PydanticCustomError("distinct", "entries must be distinct")
    return values


def _increasing(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Every entry is above the one before."""
    if list(values) != sorted(set(values)):
        raise PydanticCustomError("increasing", "entries must increase")
    return values


NotEmpty = Field(min_length=1)
Distinct = AfterValidator(_distinct)
Increasing = AfterValidator(_increasing)


def validate(kind: type[T], tree: Mapping[str, Any], path: Path) -> T:
    """What sections and keys state, as a dataclass; messages name the file that these are from.

    Raises:
        ParamsError: for any broken rule; all broken rules of one level are named at once.
    """
    try:
        return TypeAdapter(kind).validate_json(json.dumps(tree, default=str))
    except ValidationError as error:
        lines = (_message(path, dict(item)) for item in error.errors(include_url=False))
        raise ParamsError("\n".join(lines)) from None


def _message(path: Path, item: dict[str, object]) -> str:
    if item["type"] == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    location = item["loc"]
    key = ".".join(map(str, location)) if isinstance(location, tuple) else str(location)
    if item["type"] == "missing":
        return f"every key must be given: {key} is missing ({path})"
    if item["type"] == "unexpected_keyword_argument":
        return f"no such parameter: {key} ({path}); see the comments there for the names that exist"
    return f"{str(item['msg'])[:1].lower()}{str(item['msg'])[1:]}: got {item['input']!r} ({path}: {key})"
