"""Products with small weights in the fastest form that PyTorch has on this machine, without gradients.

Where the processor has AVX-512 and is not Intel's, oneDNN's kernel is twice as fast as the BLAS that PyTorch
calls, and applies bias and ReLU before the values leave the registers (64 by 64 weights, one core of an AMD
EPYC: 200 against 98 Gflop/s). It is the kernel that `torch.compile` calls. With AVX2 it is a tenth slower.
"""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["add_linear_", "add_outer_", "linear", "linear_add", "linear_relu"]

ONEDNN: bool = (
    hasattr(torch.ops.mkldnn, "_linear_pointwise") and torch.backends.cpu.get_cpu_capability() == "AVX512"
)
"""Whether oneDNN's fused layers, which no interface promises, are there and pay."""

NARROW = 32
"""Below this width the start of a oneDNN kernel costs more than it saves: 4 times slower at a width of 8."""


def linear_relu(values: Tensor, weight: Tensor, bias: Tensor, into: Tensor | None = None) -> Tensor:
    """(n, out) ReLU(values weight^T + bias) of (n, in) values, (out, in) weight and (out,) bias, in a place."""
    if _is_fused(values, weight):
        layer: Tensor = torch.ops.mkldnn._linear_pointwise(values, weight, bias, "relu", [], "")  # noqa: SLF001
        return layer if into is None else into.copy_(layer)
    if into is None:
        return functional.linear(values, weight, bias).relu_()
    return torch.addmm(bias, values, weight.T, out=into).relu_()


def linear(values: Tensor, weight: Tensor) -> Tensor:
    """(n, out) values weight^T of (n, in) values and (out, in) weight."""
    if _is_fused(values, weight):
        found: Tensor = torch.ops.mkldnn._linear_pointwise(values, weight, None, "none", [], "")  # noqa: SLF001
        return found
    return functional.linear(values, weight)


def linear_add(terms: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """(n, out) terms + values weight^T of (n, out) terms, which are given up, (n, in) values and (out, in) weight."""
    if _is_fused(values, weight):
        found: Tensor = torch.ops.mkldnn._linear_pointwise.binary(values, terms, weight, None, "add")  # noqa: SLF001
        return found
    return terms.addmm_(values, weight.T)


def add_linear_(total: Tensor, values: Tensor, weight: Tensor) -> None:
    """Add values weight^T, of (n, in) values and an (out, in) weight, to an (n, out) total in its place."""
    found = linear_add(total, values, weight)
    if found is not total:
        total.copy_(found)


def add_outer_(total: Tensor, rows: Tensor, columns: Tensor) -> None:
    """Add rows^T columns, of (n, out) and (n, in), to an (out, in) total, which may be of a wider type."""
    if total.dtype == rows.dtype:
        total.addmm_(rows.T, columns)
    else:
        total.add_(rows.T @ columns)


def _is_fused(values: Tensor, weight: Tensor) -> bool:
    return ONEDNN and values.is_cpu and values.dtype == torch.float32 and min(weight.shape) >= NARROW
