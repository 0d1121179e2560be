"""Pair counts and structure factors from all pairs and all plane waves (thesis 1.2)."""

import numpy as np

from glassdyn.liquid.box import minimum_image


def pair_counts_by_all_pairs(configuration, edges):
    """(3, B) unordered pairs AA, AB, BB by distance."""
    positions, species, box_length = configuration
    first, second = np.triu_indices(len(positions), 1)
    distances = np.linalg.norm(minimum_image(positions[second] - positions[first], box_length), axis=1)
    kinds = species[first].astype(int) + species[second]
    return np.array([np.histogram(distances[kinds == kind], edges)[0] for kind in range(3)])


def structure_factors_by_plane_waves(configuration, vectors):
    """(S, 3) partials S_AA, S_AB, S_BB and (S,) S(q) of all particles, averaged over shells."""
    positions, species, box_length = configuration
    waves = 2 * np.pi / box_length * vectors.numbers
    amplitudes = np.exp(1j * waves @ positions.T)  # (Q, N)
    a, b = (amplitudes[:, species == kind].sum(axis=1) for kind in range(2))
    in_a, in_b = np.bincount(species, minlength=2)
    products = np.stack(
        [abs(a) ** 2 / in_a, (a * b.conj()).real / np.sqrt(in_a * in_b), abs(b) ** 2 / in_b], axis=1
    )
    everyone = abs(a + b) ** 2 / len(positions)
    shells = [vectors.shells == shell for shell in range(len(vectors.lengths))]
    partials = np.array([products[shell].mean(axis=0) for shell in shells])
    return partials, np.array([everyone[shell].mean() for shell in shells])
