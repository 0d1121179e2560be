"""Gradient-boosted regression trees of a particle's own features, as arrays; `learning.regression` grows them.

All trees lie one after another in one list of nodes. A leaf is its own child, so that a particle which has arrived
stays.
"""

from typing import Any

import torch
from torch import Tensor, nn

from glassdyn.learning.graphs import Snapshot
from glassdyn.learning.models.sizes import Sizes

__all__ = ["TREES", "BoostedTrees"]

TREES: dict[str, torch.dtype] = {
    "feature": torch.int64,
    "threshold": torch.float64,
    "left": torch.int64,
    "right": torch.int64,
    "value": torch.float64,
    "root": torch.int64,
    "target": torch.int64,
}
"""The arrays. For each node: feature that it looks at, threshold up to which it sends to the left, its children, and
the value of a leaf; for each tree: its first node and the number of its target."""

BLOCK = 2048
"""Particles that go down the trees at a time."""


class BoostedTrees(nn.Module):
    """m_i = b + sum over trees of the value of the leaf that x_i arrives at.

    Args:
        sizes: of the data.
    """

    baseline: Tensor
    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    root: Tensor
    target: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.register_buffer("baseline", torch.zeros(sizes.targets, dtype=torch.float64))
        for name, dtype in TREES.items():
            self.register_buffer(name, torch.zeros(0, dtype=dtype))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Make room for as many trees as are coming."""
        for name in TREES:
            stored = state_dict.get(prefix + name)
            if stored is not None:
                setattr(self, name, torch.zeros_like(stored, device=self.baseline.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self, graph: Snapshot) -> Tensor:
        """(N, targets) predictions."""
        return torch.cat([self._sum_leaves(block.double()) for block in torch.split(graph.x, BLOCK)]).float()

    def _sum_leaves(self, features: Tensor) -> Tensor:
        """(n, targets) sums over trees for (n, F) features."""
        node, before = self.root.expand(len(features), -1), None  # (n, trees)
        while before is None or not torch.equal(node, before):
            before = node
            to_left = features.gather(1, self.feature[node]) <= self.threshold[node]
            node = torch.where(to_left, self.left[node], self.right[node])
        start = self.baseline.repeat(len(features), 1)  # (n, targets)
        return start.index_add(1, self.target, self.value[node])
