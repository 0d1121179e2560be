"""Voronoi cells in the periodic box."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Voronoi

from glassdyn.errors import GlassdynError
from glassdyn.liquid.box import wrap

__all__ = ["voronoi_volumes"]

Values = NDArray[np.float64]

MARGIN = 4.0
"""Thickness of the layer of periodic images around the box, units of the mean distance V^(1/3) / N^(1/3)."""

TOLERANCE = 1e-9
"""Relative difference between the sum of the cells and the box."""


def voronoi_volumes(positions: Values, box_length: float) -> Values:
    """(N,) volume of the points of space that are nearer to a particle than to any other, units of sigma_AA^3.

    V_i = 1/6 sum over faces of A_ij r_ij: a pyramid of height r_ij / 2 stands on the face towards j. Species do not
    count: a face lies half-way between A and B, although B is smaller.

    Args:
        positions: (N, 3), wrapped or not, units of sigma_AA.
        box_length: L, units of sigma_AA.

    Raises:
        GlassdynError: where the cells do not fill the box, because of particles in one point.
    """
    margin = MARGIN * box_length / len(positions) ** (1 / 3)
    while True:
        volumes = _volumes(positions, box_length, min(margin, box_length))
        if abs(volumes.sum() / box_length**3 - 1) < TOLERANCE:
            return volumes
        if margin >= box_length:
            raise GlassdynError(
                f"Voronoi cells fill the box, {box_length**3:.6g} sigma_AA^3: got {volumes.sum():.6g}; do particles "
                "lie in one point?"
            )
        margin *= 2


def _volumes(positions: Values, box_length: float, margin: float) -> Values:
    """(N,) volumes of the cells that images within the margin bound."""
    number, points = len(positions), _with_images(wrap(positions, box_length), box_length, margin)
    diagram = Voronoi(points)
    pairs, faces = np.asarray(diagram.ridge_points), diagram.ridge_vertices
    finite = np.array([min(face) >= 0 for face in faces], bool)  # (ridges,)
    bounded = finite & (pairs.min(axis=1) < number)
    if not bounded.any():
        return np.zeros(number)
    pairs = pairs[bounded]
    areas = _face_areas(np.asarray(diagram.vertices), [faces[k] for k in np.flatnonzero(bounded)])
    pyramids = areas * np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1) / 6
    both = np.concatenate((pairs[:, 0], pairs[:, 1]))
    totals = np.bincount(both, np.tile(pyramids, 2), len(points))[:number]
    return np.asarray(totals, np.float64)


def _with_images(positions: Values, box_length: float, margin: float) -> Values:
    """The (N, 3) particles of the box, then their images that lie within the margin around it."""
    shifts = np.stack(np.meshgrid(*3 * [[0, -1, 1]], indexing="ij"), axis=-1).reshape(-1, 3)  # (27, 3)
    images = (positions[None] + box_length * shifts[:, None]).reshape(-1, 3)
    near = np.all((images > -margin) & (images < box_length + margin), axis=1)
    near[: len(positions)] = True
    return images[near]


def _face_areas(vertices: Values, faces: list[list[int]]) -> Values:
    """(faces,) areas of convex polygons, their vertices in order around each."""
    sizes = np.array([len(face) for face in faces])
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    corners = vertices[np.concatenate(faces)]  # (all vertices, 3)
    following = np.arange(len(corners)) + 1
    following[starts + sizes - 1] = starts
    origins = np.repeat(corners[starts], sizes, axis=0)
    crosses = np.cross(corners - origins, corners[following] - origins)
    areas: Values = np.linalg.norm(np.add.reduceat(crosses, starts, axis=0), axis=1) / 2
    return areas
