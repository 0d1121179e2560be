"""Fields of particles and what gathers them, by loops over all pairs."""

import numpy as np

from glassdyn.liquid.box import minimum_image
from glassdyn.liquid.potential import EPSILON, SIGMA, energy_and_forces, pair_interaction


def distances_from(configuration, i):
    """(N,) distances of all particles from one, over shortest images."""
    vectors = configuration.positions - configuration.positions[i]
    return np.linalg.norm(minimum_image(vectors, configuration.box_length), axis=1)


def energies_by_all_pairs(configuration, potential):
    """(N,) half the energies of every particle's pairs."""
    energies = np.zeros(len(configuration.species))
    for i, kind in enumerate(configuration.species):
        others = np.arange(len(energies)) != i
        types = kind, configuration.species[others]
        distances = distances_from(configuration, i)[others]
        energies[i] = pair_interaction(distances, EPSILON[types], SIGMA[types], potential)[0].sum() / 2
    return energies


def averages_by_all_pairs(configuration, values, lengths, reach):
    """(N, K C) weighted means over neighbours, the particle itself included."""
    rows = []
    for i in range(len(values)):
        distances, row = distances_from(configuration, i), []
        for length in lengths:
            near = distances < min(4 * length, reach)
            row.append(np.average(values[near], axis=0, weights=np.exp(-distances[near] / length)))
        rows.append(np.concatenate(row))
    return np.array(rows)


def shells_by_all_pairs(configuration, values, radius, width):
    """(N, 2 C K) sums over neighbours in triangular shells."""
    rows = []
    for i in range(len(values)):
        distances = distances_from(configuration, i)
        row = []
        for kind in (0, 1):
            near = (configuration.species == kind) & (distances < radius) & (np.arange(len(values)) != i)
            for column in values.T:
                for centre in np.arange(1, round(radius / width) + 1) * width:
                    triangle = np.maximum(0, 1 - np.abs(distances[near] - centre) / width)
                    row.append((triangle * column[near]).sum())
        rows.append(row)
    return np.array(rows)


def hessian_by_all_pairs(configuration, potential, step=1e-5):
    """(3 N, 3 N) second derivatives of U, from differences of the pairs' forces."""
    positions, species, box_length = configuration
    hessian = np.zeros((len(species), 3, len(species), 3))
    for i, kind in enumerate(species):
        others = np.flatnonzero(np.arange(len(species)) != i)
        vectors = minimum_image(positions[others] - positions[i], box_length)
        r = np.linalg.norm(vectors, axis=1)
        pairs = EPSILON[kind, species[others]], SIGMA[kind, species[others]], potential
        inner, force, outer = (pair_interaction(r + shift, *pairs)[1] for shift in (-step, 0.0, step))
        curvature, slope = (inner - outer) / (2 * step), -force / r
        directions = vectors / r[:, None]
        along = directions[:, :, None] * directions[:, None, :]
        blocks = -(curvature - slope)[:, None, None] * along - slope[:, None, None] * np.eye(3)
        hessian[i, :, others, :] = blocks
        hessian[i, :, i, :] = -blocks.sum(axis=0)
    return hessian.reshape(3 * len(species), -1)


def hessian_row_by_differences(configuration, potential, coordinate, step=1e-5):
    """(3 N,) a row of the second derivatives of U, from forces at displaced positions."""
    forces = []
    for sign in (1, -1):
        moved = configuration.positions.ravel().copy()
        moved[coordinate] += sign * step
        displaced = configuration._replace(positions=moved.reshape(-1, 3))
        forces.append(energy_and_forces(displaced, potential).forces.ravel())
    return (forces[1] - forces[0]) / (2 * step)


def log_debye_waller_of_cluster(hessian, configuration, i, radius):
    """log of the trace of the block of i in the inverse of H + 1, all particles beyond the radius fixed."""
    members = np.flatnonzero(distances_from(configuration, i) < radius)
    freedom = (3 * members[:, None] + np.arange(3)).ravel()
    inverse = np.linalg.inv(hessian[np.ix_(freedom, freedom)] + np.eye(len(freedom)))
    place = 3 * int(np.searchsorted(members, i))
    return np.log(np.trace(inverse[place : place + 3, place : place + 3]))
