"""Pickles of plain values and NumPy arrays, and of nothing else: no class and no function of a file is ever called.

What a pickle names is replaced by classes of this module, which hold what is stated of an array until it is checked.
"""

import io
import math
import pickle
import pickletools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassdyn.importing.source import ImportingError

__all__ = ["load_arrays"]

MAX_BYTES = 2**33
"""Of a file: published ones have a hundredth of it."""

MAX_RATIO = 10
"""A pickle holds at most so many numbers, and bytes of arrays, for each of its bytes; without references it holds one."""


def load_arrays(path: Path) -> dict[str, Any]:
    """Read a pickled map of arrays, numbers, words, and lists or maps of these.

    Raises:
        ImportingError: for a file that is absent, damaged, no map, or names anything but arrays.
    """
    data = _load(path)
    try:
        _require_modest(data)
        contents = _resolve(_Unpickler(io.BytesIO(data)).load(), {})
        _measure(contents, MAX_RATIO * len(data), {})
    except Exception as error:  # noqa: BLE001 - a damaged pickle raises whatever its bytes lead to
        raise ImportingError(f"{path} is damaged or no pickle of arrays: {error}; copy it anew") from None
    if not isinstance(contents, dict) or not all(isinstance(key, str) for key in contents):
        raise ImportingError(
            f"a pickle of arrays holds a map with names: got {type(contents).__name__} ({path})"
        )
    return contents


def _load(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise ImportingError(f"{path}: {error.strerror}") from None
    if size > MAX_BYTES:
        raise ImportingError(f"a pickle of arrays is smaller than {MAX_BYTES} bytes: {path} has {size}")
    return data


def _require_modest(data: bytes) -> None:
    """Refuse places in the memo beyond the number of operations: the unpickler would take memory for all below."""
    for number, (operation, argument, _) in enumerate(pickletools.genops(data)):
        if operation.name in {"PUT", "BINPUT", "LONG_BINPUT"} and int(argument or 0) > number:
            raise ValueError(f"it remembers value {argument} at operation {number}")


ORDERS = ("<", ">", "|")


class _Dtype:
    """The type of an array's numbers, whose order of bytes follows as its state."""

    def __init__(self, name: object, *_flags: object) -> None:
        kind = np.dtype(name) if isinstance(name, str) else None
        if kind is None or kind.kind not in "biuf":
            raise TypeError(f"an array holds numbers: got {name!r}")
        self.dtype: np.dtype[Any] = kind

    def __setstate__(self, state: tuple[object, ...]) -> None:
        if state[1] not in ORDERS or any(part is not None for part in state[2:5]):
            raise TypeError(f"an array holds numbers: got a type of the state {state!r}")
        self.dtype = np.dtype(f"{state[1]}{self.dtype.str[1:]}")


class _Array:
    """An array, whose shape, type and bytes follow as its state; it is empty, whatever class and shape are asked for."""

    def __init__(self, *_arguments: object) -> None:
        self.values: NDArray[Any] = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, is_fortran, data = state
        if (
            not isinstance(kind, _Dtype)
            or not isinstance(data, bytes)
            or math.prod(shape) * kind.dtype.itemsize != len(data)
        ):
            raise TypeError(f"an array's values are the bytes of its shape: got the shape {shape!r}")
        self.values = np.frombuffer(data, kind.dtype).reshape(shape, order="F" if is_fortran else "C")


def _refuse(*_arguments: object) -> Any:
    raise TypeError("an array is built by its own function")


def _make_scalar(kind: object, data: object) -> Any:
    if not isinstance(kind, _Dtype) or not isinstance(data, bytes):
        raise TypeError("a number is stated by its type and its bytes")
    return np.frombuffer(data, kind.dtype, 1)[0]


NAMES: Mapping[tuple[str, str], Callable[..., Any]] = {
    (module, name): make
    for module in ("numpy.core.multiarray", "numpy._core.multiarray")
    for name, make in (("_reconstruct", _Array), ("scalar", _make_scalar))
} | {("numpy", "ndarray"): _refuse, ("numpy", "dtype"): _Dtype}
"""What a pickle of arrays names, and what stands in its place."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NAMES:
            raise ValueError(f"it names {module}.{name}, which is no array: do not trust this file")
        make = NAMES[module, name]
        # a function of its own: a pickle can set attributes of what it names
        return lambda *arguments: make(*arguments)  # noqa: PLW0108

    def persistent_load(self, pid: Any) -> Any:
        raise ValueError(f"it refers to another file, {pid!r}")


def _resolve(value: Any, resolved: dict[int, Any]) -> Any:
    """The same value with the arrays themselves; what a pickle holds once and names often is resolved once.

    Args:
        value: of the pickle.
        resolved: by identity, filled on the way.
    """
    if id(value) in resolved:
        return resolved[id(value)]
    if isinstance(value, _Array):
        return value.values
    if isinstance(value, dict):
        copy: Any = resolved.setdefault(id(value), {})
        copy.update({key: _resolve(entry, resolved) for key, entry in value.items()})
        return copy
    if isinstance(value, list | tuple):
        copy = resolved.setdefault(id(value), [])
        copy.extend(_resolve(entry, resolved) for entry in value)
        return copy
    return value


def _measure(value: Any, most: int, sizes: dict[int, int]) -> int:
    """Bytes of arrays and number of other values, each as often as it is named: what whoever copies them takes.

    Args:
        value: of the pickle, resolved.
        most: beyond which they are refused, and so are lists and maps that hold themselves.
        sizes: by identity, filled on the way.
    """
    if isinstance(value, np.ndarray):
        return value.nbytes
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = most + 1
        entries = value.values() if isinstance(value, dict) else value
        sizes[id(value)] = 1 + sum(_measure(entry, most, sizes) for entry in entries)
    if sizes[id(value)] > most:
        raise ValueError("it names the same values again and again")
    return sizes[id(value)]
