"""The graph network of thesis 2.3, equation by equation: slow, obvious, concatenating on every edge.

Letters are those of the thesis; h is the width of v and e. Perceptrons are lists of layers, a layer is a weight
(in, out), applied from the right, and a bias (out,); their names are those of `glassdyn.learning.models.weights`.
"""

import torch


def mlp(values, layers):
    """ReLU after every layer."""
    for weight, bias in layers:
        values = torch.relu(values @ weight + bias)
    return values


def encode(features, layers):
    """(2.8): v0_i = MLP(v_i), e0_k = MLP(e_k)."""
    return mlp(features, layers)


def update_edges(e, v, senders, receivers, layers):
    """(2.9): e'_k = MLP(e_k || v_{r_k} || v_{s_k}), u left out because the thesis keeps it at 0."""
    return mlp(torch.cat((e, v[receivers], v[senders]), dim=1), layers)


def sum_received(e, receivers, particles):
    """(2.10): e_bar_i = sum_{k: r_k = i} e'_k."""
    indicator = receivers == torch.arange(particles)[:, None]  # (N, E)
    return indicator.to(e.dtype) @ e


def update_nodes(e_bar, v, layers):
    """(2.11): v'_i = MLP(e_bar_i || v_i)."""
    return mlp(torch.cat((e_bar, v), dim=1), layers)


def decode(v, layers):
    """(2.14): MLP, then a layer without ReLU."""
    weight, bias = layers[-1]
    return mlp(v, layers[:-1]) @ weight + bias


def predict(x, edge_attr, edge_index, perceptrons, blocks):
    """(N, targets) predictions; every block sees the encoded graph beside the current one, as (e || e0) and (v || v0).

    Args:
        x: (N, F) node features.
        edge_attr: (E, ...) edge features.
        edge_index: (2, E) senders and receivers, in any order.
        perceptrons: by name.
        blocks: the number of each block in turn, all 0 where they share their weights.
    """
    senders, receivers = edge_index
    v = v0 = encode(x, perceptrons["encoder.nodes"])
    e = e0 = encode(edge_attr, perceptrons["encoder.edges"]) if blocks else None
    for block in blocks:
        e, v = torch.cat((e, e0), dim=1), torch.cat((v, v0), dim=1)
        e = update_edges(e, v, senders, receivers, perceptrons[f"blocks.{block}.edges"])
        e_bar = sum_received(e, receivers, len(v))
        v = update_nodes(e_bar, v, perceptrons[f"blocks.{block}.nodes"])
    return decode(v, perceptrons["decoder"])
