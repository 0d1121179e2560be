"""Edges of the graph by the definition: every pair is looked at."""

import numpy as np

from glassdyn.liquid.box import minimum_image


def edges(configuration, r_threshold):
    """Receivers, senders and vectors from receiver to sender of all pairs nearer than the threshold (thesis 2.4)."""
    positions, _, box_length = configuration
    vectors = minimum_image(positions[None, :] - positions[:, None], box_length)
    distances = np.linalg.norm(vectors, axis=-1)
    receivers, senders = np.nonzero((distances < r_threshold) & ~np.eye(len(positions), dtype=bool))
    return receivers, senders, vectors[receivers, senders]
