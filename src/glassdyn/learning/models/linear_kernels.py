"""Products with small weights in the fastest form that PyTorch has on this machine, without autograd.

Where the processor has AVX-512 and is not Intel's, oneDNN's kernel is twice as fast as the BLAS that PyTorch
calls, and applies bias and ReLU before the values leave the registers (64 by 64 weights, one core of an AMD
EPYC: 200 against 98 Gflop/s). It is the kernel that `torch.compile` calls. With AVX2 it is a tenth slower.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "Layers",
    "add_linear_",
    "add_outer_",
    "linear",
    "linear_add",
    "linear_relu",
    "mlp_backward",
    "mlp_forward",
    "relu_backward",
]

Layers = Sequence[tuple[Tensor, Tensor]]
"""Weight (out, in) and bias (out,) of each layer of a perceptron; ReLU follows every layer."""

ONEDNN: bool = (
    hasattr(torch.ops.mkldnn, "_linear_pointwise") and torch.backends.cpu.get_cpu_capability() == "AVX512"
)
"""Whether oneDNN's fused layers, which no interface promises, are there and pay."""

NARROW = 32
"""Below this width the start of a oneDNN kernel costs more than it saves: 4 times slower at a width of 8."""


def linear_relu(values: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
    """(n, out) ReLU(values weight^T + bias) of (n, in) values, (out, in) weight and (out,) bias."""
    if _is_fused(values, weight):
        layer: Tensor = torch.ops.mkldnn._linear_pointwise(values, weight, bias, "relu", [], "")  # noqa: SLF001
        return layer if out is None else out.copy_(layer)
    if out is None:
        return functional.linear(values, weight, bias).relu_()
    return torch.addmm(bias, values, weight.T, out=out).relu_()


def linear(values: Tensor, weight: Tensor) -> Tensor:
    """(n, out) values weight^T of (n, in) values and (out, in) weight."""
    if _is_fused(values, weight):
        product: Tensor = torch.ops.mkldnn._linear_pointwise(values, weight, None, "none", [], "")  # noqa: SLF001
        return product
    return functional.linear(values, weight)


def linear_add(terms: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """(n, out) terms + values weight^T of (n, out) terms, which are given up, (n, in) values and (out, in) weight."""
    if _is_fused(values, weight):
        total: Tensor = torch.ops.mkldnn._linear_pointwise.binary(values, terms, weight, None, "add")  # noqa: SLF001
        return total
    return terms.addmm_(values, weight.T)


def add_linear_(total: Tensor, values: Tensor, weight: Tensor) -> None:
    """Add values weight^T, of (n, in) values and an (out, in) weight, to an (n, out) total in its place."""
    added = linear_add(total, values, weight)
    if added is not total:
        total.copy_(added)


def add_outer_(total: Tensor, rows: Tensor, columns: Tensor) -> None:
    """Add rows^T columns, of (n, out) and (n, in), to an (out, in) total, which may be of a wider type."""
    if total.dtype == rows.dtype:
        total.addmm_(rows.T, columns)
    else:
        total.add_(rows.T @ columns)


def mlp_forward(values: Tensor, layers: Layers, out: Tensor | None = None) -> list[Tensor]:
    """The (n, in) values and the activation of every layer; the last one in `out` where there is one."""
    activations = [values]
    for number, (weight, bias) in enumerate(layers, start=1):
        last = number == len(layers)
        activations.append(linear_relu(activations[-1], weight, bias, out if last else None))
    if out is not None and not layers:
        out.copy_(values)
    return activations


def mlp_backward(
    gradient: Tensor, activations: Sequence[Tensor], layers: Layers, layer_gradients: Layers
) -> Tensor:
    """The gradient of the first activation from that of the last, and those of weights and biases.

    Args:
        gradient: (n, out) of the last activation; overwritten where there are layers.
        activations: as `mlp_forward` returns them.
        layers: the perceptron.
        layer_gradients: totals, float32, that those of weights and biases are added to.

    Returns:
        (n, in) gradient of the values.
    """
    for layer in reversed(range(len(layers))):
        weight_gradient, bias_gradient = layer_gradients[layer]
        gradient = relu_backward(gradient, activations[layer + 1], out=gradient)
        add_outer_(weight_gradient, gradient, activations[layer])
        bias_gradient.add_(gradient.sum(dim=0, dtype=torch.float32))
        gradient = linear(gradient, layers[layer][0].T)
    return gradient


def relu_backward(gradient: Tensor, activation: Tensor, out: Tensor) -> Tensor:
    """The gradient before a ReLU, from the gradient and the activation behind it."""
    result: Tensor = torch.ops.aten.threshold_backward.grad_input(gradient, activation, 0, grad_input=out)
    return result


def _is_fused(values: Tensor, weight: Tensor) -> bool:
    return ONEDNN and values.is_cpu and values.dtype == torch.float32 and min(weight.shape) >= NARROW
