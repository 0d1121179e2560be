"""Parquet tables, one row per particle: their schemas, written by blocks, published whole or not at all.

What determines a table's numbers (the parameters of a label, the edges of a histogram) is stored
with it, and whoever reads the table can ask for it: numbers made with other parameters are refused.
Pages of numbers have checksums, names and parameters a digest: a flipped byte is refused, too.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.jobs.atomic import atomic_write

__all__ = [
    "Columns",
    "TableError",
    "agreed_parameters",
    "check_together",
    "column_names",
    "configurations_schema",
    "features_schema",
    "labels_schema",
    "pca_schema",
    "read",
    "read_parameters",
    "require_consistent",
    "write",
]

Columns = Mapping[str, NDArray[Any]]

KEY = b"glassdyn"
"""Key of the schema's metadata under which the parameters lie, as JSON."""

DIGEST = b"glassdyn digest"
"""Key of the digest of the names of the columns and of the parameters; tables of other programs have none."""

POSITIONS = frozenset({"inherent_positions"})
"""Columns of positions beside x, y and z: what is computed from them later is to be the same to the bit."""


ROWS_PER_BYTE, FEW_ROWS = 16, 10**5
"""Of a file, at the most, and those that a file of any size may have. Numbers of particles alone take 3 bytes a row; a
footer that claims more rows than this would have the reader take memory for them."""


class TableError(GlassdynError):
    """A table that is absent, damaged, or not the one that was asked for."""


def features_schema(
    bins: int, extras: Sequence[str] = (), widths: Mapping[str, int] = MappingProxyType({})
) -> pa.Schema:
    """Columns of `data/features/`: middle frame and descriptors, first those of A, then those of B.

    Args:
        bins: for each species of neighbour.
        extras: names of further descriptors, each of the same length.
        widths: numbers per particle in columns of any other kind; positions are kept in float64.
    """
    descriptors = pa.list_(pa.float32(), 2 * bins)
    columns = [("particle", pa.uint32()), ("type", pa.uint8())]
    columns += [(axis, pa.float64()) for axis in "xyz"]
    columns += [(name, descriptors) for name in ("descriptors", *extras)]
    for name, width in widths.items():
        columns.append((name, pa.list_(pa.float64() if name in POSITIONS else pa.float32(), width)))
    return pa.schema(columns)


def pca_schema(components: int) -> pa.Schema:
    """Columns of `data/pca/`."""
    return pa.schema([("particle", pa.uint32()), ("components", pa.list_(pa.float32(), components))])


def labels_schema(names: Sequence[str]) -> pa.Schema:
    """Columns of `data/labels/`, such as p_hop, cwt_50, cwt_100."""
    return _per_particle(names)


def configurations_schema(names: Sequence[str], *, with_ids: bool = False) -> pa.Schema:
    """Columns of a table of predictions for frames whose labels are unknown.

    Args:
        names: of the columns of predictions.
        with_ids: whether the particles have ids in the file that they come from.
    """
    columns = [("frame", pa.uint32()), ("particle", pa.uint32())]
    columns += [("id", pa.int64())] if with_ids else []
    columns += [("type", pa.uint8())]
    return pa.schema(columns + [(name, pa.float64()) for name in ("x", "y", "z", *names)])


def _per_particle(names: Sequence[str]) -> pa.Schema:
    columns = [("particle", pa.uint32()), ("type", pa.uint8())]
    return pa.schema(columns + [(name, pa.float64()) for name in names])


def write(
    path: Path,
    schema: pa.Schema,
    blocks: Iterable[Columns],
    parameters: Mapping[str, object] | None = None,
) -> None:
    """Write a table block by block beside its place and rename it into it.

    Whatever goes wrong, in the blocks or on the disk, leaves no file: neither a part nor a table.

    Args:
        path: where the table appears; its folder is made.
        schema: names and types of the columns.
        blocks: arrays by column name, each (n,) or (n, width); one row group each.
        parameters: what determines the numbers; anything that JSON holds.

    Raises:
        TableError: for a block that lacks a column of the schema or has another.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(parameters or {}, sort_keys=True).encode()
    stored = schema.with_metadata({KEY: text, DIGEST: _digest(schema, text)})
    with (
        atomic_write(path) as part,
        pq.ParquetWriter(part, stored, compression="zstd", write_page_checksum=True) as writer,
    ):
        for block in blocks:
            writer.write_batch(_batch(block, stored))


def read(
    path: Path,
    columns: Sequence[str] | None = None,
    parameters: Mapping[str, object] | None = None,
) -> pl.DataFrame:
    """Read a table, or some columns of it, and refuse one made with other parameters.

    Args:
        path: the table.
        columns: their names, in this order; all by default.
        parameters: those that the table must have been made with; it may have more.

    Raises:
        TableError: where the file is absent or damaged, lacks a column, or was made otherwise.
    """
    file = _open(path)
    absent = [name for name in columns or () if name not in file.schema_arrow.names]
    if absent:
        raise TableError(f"{path} has no column {absent}; it has {file.schema_arrow.names}")
    stored = _stored(path, file.schema_arrow)
    for name, wanted in json.loads(json.dumps(parameters or {})).items():
        if stored.get(name) != wanted:
            raise TableError(
                f"{path} was made with another {name}: wanted {wanted}, got {stored.get(name)}; "
                "run `dvc repro` to make it anew"
            )
    try:
        table = file.read(columns).replace_schema_metadata()  # which Polars expects to be text
    except (OSError, ValueError, pa.ArrowException) as error:
        raise TableError(f"{path} is damaged: {error}; run `dvc repro` to make it anew") from None
    if table.num_rows != file.metadata.num_rows:
        raise TableError(
            f"{path} is damaged: its footer states {file.metadata.num_rows} rows, and there are {table.num_rows}; "
            "run `dvc repro` to make it anew"
        )
    frame = pl.DataFrame(table)
    return frame.select(columns) if columns else frame


def column_names(path: Path) -> list[str]:
    """Read the names of a table's columns, in their order."""
    return list(_open(path).schema_arrow.names)


def read_parameters(path: Path) -> dict[str, Any]:
    """Read what determined a table's numbers, as it was passed to `write`."""
    return _stored(path, _open(path).schema_arrow)


def agreed_parameters(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the parameters that all these tables were made with.

    Raises:
        TableError: where two tables disagree; they must not be mixed.
    """
    first = read_parameters(paths[0])
    for path in paths[1:]:
        parameters = read_parameters(path)
        names = first.keys() | parameters.keys()
        _refuse(paths[0], path, [name for name in names if first.get(name) != parameters.get(name)])
    return first


def check_together(first: Path, second: Path) -> None:
    """Refuse two tables of one sample, such as its structure and its labels, that were not made from the same.

    A name means one thing in all tables: frames, the middle frame, the box, edges.

    Raises:
        TableError: where a parameter that both have differs.
    """
    ours, theirs = read_parameters(first), read_parameters(second)
    _refuse(first, second, [name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]])


def require_consistent(path: Path, structure: Path) -> None:
    """Refuse a sample's table that differs from the first in its folder, or from the sample's structure table.

    Raises:
        TableError: where two of them disagree on a parameter.
    """
    first = min(path.parent.glob("[!.]*.parquet"), default=path)
    agreed_parameters([first, path])
    check_together(structure, path)


def _refuse(first: Path, second: Path, differing: Sequence[str]) -> None:
    if differing:
        raise TableError(
            f"tables used together are made with the same parameters: {first} and {second} "
            f"differ in {sorted(differing)}; run `dvc repro` to make them anew"
        )


def _open(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        file.schema_arrow.names  # noqa: B018 - decoded here, as text or not
    except FileNotFoundError:
        raise TableError(f"there is no table {path}; run `dvc repro` to make it") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise TableError(f"{path} is not a Parquet table: {error}; run `dvc repro` to make it anew") from None
    rows, size = file.metadata.num_rows, path.stat().st_size
    if not 0 <= rows <= FEW_ROWS + ROWS_PER_BYTE * size:
        raise TableError(
            f"{path} is damaged: its footer states {rows} rows in {size} bytes; run `dvc repro` to make it anew"
        )
    return file


def _stored(path: Path, schema: pa.Schema) -> dict[str, Any]:
    metadata = schema.metadata or {}
    text = metadata.get(KEY, b"{}")
    if metadata.get(DIGEST, _digest(schema, text)) != _digest(schema, text):
        raise TableError(
            f"{path} is damaged: its names and parameters do not match their digest; make it anew"
        )
    try:
        stored = json.loads(text)
    except ValueError as error:
        raise TableError(f"{path} is damaged: its parameters are not JSON ({error}); make it anew") from None
    if not isinstance(stored, dict):
        raise TableError(f"{path} is damaged: its parameters are {stored!r}, not named; make it anew")
    return stored


def _digest(schema: pa.Schema, text: bytes) -> bytes:
    return hashlib.sha256("\n".join(schema.names).encode() + text).hexdigest().encode()


def _batch(block: Columns, schema: pa.Schema) -> pa.RecordBatch:
    if set(block) != set(schema.names):
        raise TableError(f"a block has exactly the columns {schema.names}: got {list(block)}")
    return pa.record_batch([_array(block[field.name], field.type) for field in schema], schema=schema)


def _array(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Numbers of a kind, or lists of them: as `pa.array` makes them, which would import pandas for a third of a second."""
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(_array(values.reshape(-1), kind.value_type), kind.list_size)
    numbers = np.ascontiguousarray(values, kind.to_pandas_dtype())
    if pa.types.is_integer(kind) and not np.array_equal(numbers, values):
        raise TableError(f"a column of {kind} holds such numbers: got {values.min()} to {values.max()}")
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])
