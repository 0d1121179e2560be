"""Node features of the graph (thesis 2.7), the same from a table and from a configuration.

A kind is a function from columns to rows, and a line in `NODE_FEATURES`. The columns are `type` (N,), those of
`describe` in their order (`describe.column_widths`), and `components` (N, K), the coordinates of (T, G_A, G_B) along
the principal components. A column that the function does not ask for is neither read nor computed.
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
from glassdyn.features.describe import DescriptorSpec, column_widths, descriptor_columns, own_widths
from glassdyn.features.pca import PrincipalComponents, project
from glassdyn.liquid.configuration import Configuration
from glassdyn.storage import tables

__all__ = [
    "NODE_FEATURES",
    "averaged_features",
    "columns_of_configuration",
    "feature_count",
    "features_from_configuration",
    "features_from_tables",
    "reads_components",
]

Columns = Mapping[str, NDArray[Any]]
Rows = NDArray[np.float32]

NOT_FEATURES = frozenset({"components", "inherent_positions"})
"""Columns that are no extension of the thesis's: reductions of them, and positions."""


def _type(columns: Columns) -> Rows:
    """(N, 1) T_i."""
    return stack(columns, ["type"])


def _full(columns: Columns) -> Rows:
    """(N, 1 + 2 bins) v_i = (T_i, G_A(i), G_B(i)) (thesis 2.7)."""
    return stack(columns, ["type", "descriptors"])


def _extended(columns: Columns) -> Rows:
    """(N, F) the thesis's, and all that `describe` adds to them; `local` holds the fields as well."""
    left_out = NOT_FEATURES | ({"fields"} if "local" in columns else set())
    return stack(columns, [name for name in columns if name not in left_out])


def _pca(columns: Columns) -> Rows:
    """(N, K) principal components of the thesis's."""
    return stack(columns, ["components"])


def _local(columns: Columns) -> Rows:
    """(N, F) type, fields and their averages over neighbourhoods."""
    return stack(columns, ["type", "local"])


def _radial_and_local(columns: Columns) -> Rows:
    """(N, F) the thesis's, then fields and their averages."""
    return stack(columns, ["type", "descriptors", "local"])


def _shells(columns: Columns) -> Rows:
    """(N, F) type, fields, and neighbours and their fields in shells."""
    return stack(columns, ["type", "fields", "shells"])


def _radial_and_shells(columns: Columns) -> Rows:
    """(N, F) the thesis's, then fields and shells."""
    return stack(columns, ["type", "descriptors", "fields", "shells"])


def _local_and_shells(columns: Columns) -> Rows:
    """(N, F) type, fields and their averages, then shells."""
    return stack(columns, ["type", "local", "shells"])


NODE_FEATURES: dict[str, Callable[[Columns], Rows]] = {
    "type": _type,
    "full": _full,
    "extended": _extended,
    "pca": _pca,
    "local": _local,
    "shells": _shells,
    "local+radial": _radial_and_local,
    "shells+radial": _radial_and_shells,
    "local+shells": _local_and_shells,
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
    return NODE_FEATURES[kind](columns_of_configuration(configuration, spec, pca))


def columns_of_configuration(
    configuration: Configuration, spec: DescriptorSpec, pca: PrincipalComponents | None = None
) -> LazyColumns:
    """The columns of any configuration that node features, and positions of the graph, are made of.

    Args:
        configuration: its box holds two of the last edge.
        spec: what `describe` computes.
        pca: the principal components, where they are asked for.
    """
    described = descriptor_columns(configuration, spec)
    sources: dict[str, Callable[[], NDArray[Any]]] = {"type": lambda: configuration.species}
    sources |= {name: partial(described.__getitem__, name) for name in described}
    sources["components"] = lambda: _project(columns, pca)
    columns = LazyColumns(sources)
    return columns


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
    return len(averaged_features(kind, spec, components))


def averaged_features(kind: str, spec: DescriptorSpec, components: int = 0) -> NDArray[np.bool_]:
    """(F,) which node features are neither type, radial descriptors, components of these nor a particle's own fields.

    Averages over neighbours differ so little between particles that means of two samples lie standard deviations apart.

    Args:
        kind: one of `NODE_FEATURES`.
        spec: what `describe` computes.
        components: K, number of principal components.
    """
    marks: dict[str, Rows] = {
        name: np.ones((1, width), np.float32) for name, width in column_widths(spec).items()
    }
    for name, own in own_widths(spec).items():
        marks[name][:, :own] = 0
    marks |= {"type": np.zeros((1, 1), np.float32), "components": np.zeros((1, components), np.float32)}
    averaged: NDArray[np.bool_] = NODE_FEATURES[kind](marks)[0] > 0
    return averaged


def reads_components(kind: str) -> bool:
    """Whether a kind asks for the principal components."""
    columns: defaultdict[str, NDArray[Any]] = defaultdict(lambda: np.empty((0, 1), np.float32))
    columns["type"], columns["descriptors"] = np.empty(0, np.uint8), np.empty((0, 1), np.float32)
    NODE_FEATURES[kind](columns)
    return "components" in columns
