"""Node features of the graph (thesis 2.7), the same from a table and from a configuration.

A kind is a function from columns to rows, and a line in `NODE_FEATURES`. The columns are `type` (N,), those of
`describe` in their order, `descriptors` first, each (N, 2 bins), and `components` (N, K), the coordinates of
(T, G_A, G_B) along the principal components. A column that the function does not ask for is neither read nor computed.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassdyn.errors import GlassdynError
from glassdyn.features.columns import LazyColumns, stack
from glassdyn.features.describe import DescriptorSpec, descriptor_columns, descriptor_names
from glassdyn.features.pca import PrincipalComponents, project
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage import tables

__all__ = [
    "NODE_FEATURES",
    "feature_count",
    "features_from_configuration",
    "features_from_tables",
    "reads_components",
]

Columns = Mapping[str, NDArray[Any]]
Rows = NDArray[np.float32]


def _type(columns: Columns) -> Rows:
    """(N, 1) T_i."""
    return stack(columns, ["type"])


def _full(columns: Columns) -> Rows:
    """(N, 1 + 2 bins) v_i = (T_i, G_A(i), G_B(i)) (thesis 2.7)."""
    return stack(columns, ["type", "descriptors"])


def _extended(columns: Columns) -> Rows:
    """(N, F) the thesis's, and all that `describe` adds to them."""
    return stack(columns, [name for name in columns if name != "components"])


def _pca(columns: Columns) -> Rows:
    """(N, K) principal components of the thesis's."""
    return stack(columns, ["components"])


NODE_FEATURES: dict[str, Callable[[Columns], Rows]] = {
    "type": _type,
    "full": _full,
    "extended": _extended,
    "pca": _pca,
}
"""Kinds of node features, as `graph.nodes` names them."""


def features_from_tables(structure: Path, kind: str, *, pca: Path | None = None) -> Rows:
    """Node features of a sample, from its tables.

    Args:
        structure: its structure table.
        kind: one of `NODE_FEATURES`.
        pca: its table of principal components; read only where the kind asks for them.

    Returns:
        (N, F).

    Raises:
        TableError: for a table that is absent or damaged, or a PCA table that was made from other structures.
    """
    positions = {"particle", "x", "y", "z"}
    names = [name for name in tables.column_names(structure) if name not in positions]
    sources = {name: partial(_read_column, structure, name) for name in names}
    return NODE_FEATURES[kind](
        LazyColumns(sources | {"components": partial(_read_components, structure, pca)})
    )


def _read_column(path: Path, name: str) -> NDArray[Any]:
    return tables.read(path, [name])[name].to_numpy()


def _read_components(structure: Path, pca: Path | None) -> NDArray[Any]:
    if pca is None:
        raise GlassdynError(f"principal components come from a table: got none beside {structure}")
    tables.require_consistent(pca, structure)
    return _read_column(pca, "components")


def features_from_configuration(
    configuration: Configuration,
    kind: str,
    spec: DescriptorSpec,
    pca: PrincipalComponents | None = None,
) -> Rows:
    """Node features of any configuration.

    Args:
        configuration: its box holds two of the last edge.
        kind: one of `NODE_FEATURES`.
        spec: what `describe` computes; only those columns that the kind asks for are computed.
        pca: the principal components, where the kind asks for them.

    Returns:
        (N, F), equal to those from the tables of the same configuration.

    Raises:
        GlassdynError: where the box is too small, a position is not finite, or principal components are missing.
    """
    described = descriptor_columns(configuration, spec)
    sources: dict[str, Callable[[], NDArray[Any]]] = {"type": lambda: configuration.species}
    sources |= {name: partial(described.__getitem__, name) for name in described}
    sources["components"] = lambda: _project(columns, pca)
    columns = LazyColumns(sources)
    return NODE_FEATURES[kind](columns)


def _project(columns: Columns, pca: PrincipalComponents | None) -> Rows:
    if pca is None:
        raise GlassdynError("node features that are principal components need them: got none; train anew")
    return project(pca, _full(columns))


def feature_count(kind: str, spec: DescriptorSpec, components: int = 0) -> int:
    """F: how many node features a kind has.

    Args:
        kind: one of `NODE_FEATURES`.
        spec: what `describe` computes.
        components: K, number of principal components.
    """
    widths = dict.fromkeys(descriptor_names(spec), 2 * (len(spec.edges) - 1)) | {"components": components}
    columns = {name: np.empty((0, width), np.float32) for name, width in widths.items()}
    _, count = NODE_FEATURES[kind]({"type": np.empty(0, np.uint8), **columns}).shape
    return int(count)


def reads_components(kind: str) -> bool:
    """Whether a kind asks for the principal components."""
    columns: defaultdict[str, NDArray[Any]] = defaultdict(lambda: np.empty((0, 1), np.float32))
    columns["type"], columns["descriptors"] = np.empty(0, np.uint8), np.empty((0, 1), np.float32)
    NODE_FEATURES[kind](columns)
    return "components" in columns
