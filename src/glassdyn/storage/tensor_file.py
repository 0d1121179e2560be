"""Named arrays and a JSON text that says what they are, in one safetensors file; nothing in it is executable.

The file's metadata has one entry, the text, whose `format` is the first thing that a reader checks, and whose
`digest` covers the rest of the text and the arrays.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from glassdyn.errors import GlassdynError
from glassdyn.jobs.atomic import atomic_write

__all__ = ["TensorFileError", "arrays_under", "read_arrays", "read_format", "write_arrays"]

Arrays = Mapping[str, NDArray[Any]]

KEY = "glassdyn"
"""Of the entry in the metadata."""


class TensorFileError(GlassdynError):
    """A file that is not ours, or damaged."""


def write_arrays(path: Path, description: Mapping[str, Any], arrays: Arrays) -> None:
    """Write arrays, whole or not at all; the same contents give the same bytes.

    Args:
        path: where; its folder is made.
        description: `format` and what else JSON holds.
        arrays: by name.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    text = json.dumps({**description, "digest": _digest(description, contiguous)}, sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as beside:
        # One entry only: the library writes several in no fixed order.
        save_file(contiguous, beside, metadata={KEY: text})


def read_arrays(path: Path, wanted: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read the description, without format and digest, and the arrays.

    Args:
        path: of the file.
        wanted: the format that it must have.

    Raises:
        TensorFileError: with the reason, for a file that is absent, foreign, damaged or of another format.
    """
    text, arrays = _read(path)
    description = _parse(path, text)
    if description.get("format") != wanted:
        raise TensorFileError(f"{path} is no file of this version: only {wanted!r} can be read; make it anew")
    if description.pop("digest", None) != _digest(description, arrays):
        raise TensorFileError(f"{path} is damaged: its contents do not match their digest; make it anew")
    del description["format"]
    return description, arrays


def read_format(path: Path) -> str:
    """What a file calls its format; errors as `read_arrays`."""
    text, _ = _read(path)
    return str(_parse(path, text).get("format"))


def arrays_under(prefix: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with a prefix, which their names lose."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _read(path: Path) -> tuple[str, dict[str, NDArray[Any]]]:
    try:
        with safe_open(path, "numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise TensorFileError(f"{path} is not a readable safetensors file: {error}") from None
    if text is None:
        raise TensorFileError(f"{path} holds tensors, but was not written by glassdyn")
    return text, arrays


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        description = json.loads(text)
    except json.JSONDecodeError as error:
        raise TensorFileError(f"{path} does not say what it is: {error}") from None
    return description if isinstance(description, dict) else {}


def _digest(description: Mapping[str, Any], arrays: Arrays) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
