"""A step of gradient descent against its formulas, and the limits in which an option does nothing."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from glassdyn.learning.optimisation import learning_rate, make_optimiser
from liquids import SHORT


def small_network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))


def descend(network, optimiser, steps):
    """The weights (parameters,) after each step."""
    inputs = torch.linspace(-1, 1, 30).reshape(10, 3)
    path = []
    for _ in range(steps):
        optimiser.zero_grad()
        ((network(inputs) - inputs[:, :1] ** 2) ** 2).mean().backward()
        optimiser.step()
        path.append(nn.utils.parameters_to_vector(network.parameters()).detach().clone())
    return path


def test_without_weight_decay_it_is_adam_to_the_last_bit():
    first, second = small_network(), small_network()
    ours = descend(first, make_optimiser(first, SHORT), 20)
    adams = descend(second, torch.optim.Adam(second.parameters(), lr=SHORT.lr), 20)
    assert all(torch.equal(weights, expected) for weights, expected in zip(ours, adams, strict=True))


def test_without_gradients_weights_decay_by_lr_times_weight_decay():
    network = small_network()
    before = nn.utils.parameters_to_vector(network.parameters()).detach().clone()
    optimiser = make_optimiser(network, replace(SHORT, lr=0.1, weight_decay=0.5))
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for _ in range(3):
        optimiser.step()
    torch.testing.assert_close(nn.utils.parameters_to_vector(network.parameters()), before * 0.95**3)


def test_learning_rates_follow_the_schedule():
    cosine = replace(SHORT, schedule="cosine", lr=0.2, max_steps=100)
    rates = [learning_rate(step, cosine) for step in range(101)]
    assert rates[0] == 0.2
    assert rates[50] == pytest.approx(0.1)
    assert rates[100] == pytest.approx(0)
    assert learning_rate(77, SHORT) == SHORT.lr
