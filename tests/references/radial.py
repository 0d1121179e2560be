"""Radial and smooth descriptors as double sums over particles (thesis 2.6)."""

import numpy as np

from glassdyn.liquid.box import minimum_image, wrap


def radial_descriptors_by_double_sum(configuration, edges, particles=None):
    """G_Y,a(i) = 1 / (4 pi r_a^2) #{ j of species Y : r_ij in [r_a, r_a+1) }, j != i, for all i or some."""
    positions, species, box_length = configuration
    wrapped, rows = wrap(positions, box_length), []
    for i in range(len(positions)) if particles is None else particles:
        squares = (minimum_image(wrapped - wrapped[i], box_length) ** 2).sum(axis=1)
        squares[i] = np.inf
        shell = (squares >= edges[:-1, None] ** 2) & (squares < edges[1:, None] ** 2)  # (bins, N)
        counts = [(shell & (species == kind)).sum(axis=1) for kind in (0, 1)]
        rows.append(np.concatenate([count / (4 * np.pi * edges[:-1] ** 2) for count in counts]))
    return np.array(rows, np.float32)


def node_features_by_double_sum(configuration, edges):
    """(N, 1 + 2 bins) v_i = (T_i, G_A(i), G_B(i)) (thesis 2.7)."""
    return np.column_stack((configuration.species, radial_descriptors_by_double_sum(configuration, edges)))


def smooth_descriptors_by_double_sum(configuration, edges, width, particles):
    """S_Y,a(i) = sum over j of species Y, j != i, of f(r_ij) exp(-(r_ij - c_a)^2 / 2 width^2), for some i."""
    positions, species, box_length = configuration
    wrapped, centres, last, rows = wrap(positions, box_length), (edges[1:] + edges[:-1]) / 2, edges[-1], []
    for i in particles:
        r = np.linalg.norm(minimum_image(wrapped - wrapped[i], box_length), axis=1)
        near = (r < last) & (np.arange(len(r)) != i)
        fading = near * (1 + np.cos(np.pi * r / last)) / 2
        gaussians = np.exp(-((r[:, None] - centres) ** 2) / (2 * width**2)) * fading[:, None]  # (N, bins)
        rows.append(np.concatenate([gaussians[species == kind].sum(axis=0) for kind in (0, 1)]))
    return np.array(rows)
