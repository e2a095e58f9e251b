"""Sinkhorn against linear programming and its marginals; the loss in probabilities."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor

from tutelage.losses import sinkhorn, transport_loss


def logits(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


def costs(classes: int, seed: int = 5) -> Tensor:
    """As between classes: 0 to 1, symmetric, 0 on the diagonal."""
    directions = torch.nn.functional.normalize(logits(classes, 16, seed=seed), dim=1)
    return 1 - (directions @ directions.T - 1).exp()


def plan(source: Tensor, sink: Tensor, cost: Tensor, regularisation: float, steps: int) -> Tensor:
    log_u, log_v = sinkhorn(
        source.log(), sink.log(), cost, regularisation=regularisation, iterations=steps
    )
    return (log_u[:, :, None] - cost / regularisation + log_v[:, None, :]).exp()


def test_with_little_regularisation_the_plan_costs_what_the_linear_program_says() -> None:
    source, sink = logits(3, 8).softmax(1), logits(3, 8, seed=1).softmax(1)
    cost = costs(8)
    paid = (plan(source, sink, cost, 0.004, 3000) * cost).sum((1, 2))
    sums = np.vstack([np.kron(np.eye(8), np.ones(8)), np.kron(np.ones(8), np.eye(8))])
    for row in range(3):
        solved = linprog(
            cost.flatten().numpy(), A_eq=sums, b_eq=torch.cat([source[row], sink[row]]).numpy()
        )
        assert float(paid[row]) == pytest.approx(solved.fun, abs=2e-3)


def test_the_plan_leaves_the_source_and_arrives_at_the_sink() -> None:
    source, sink = logits(4, 6).softmax(1), logits(4, 9, seed=1).softmax(1)
    cost = torch.rand(6, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    moved = plan(source, sink, cost, 0.05, 2000)
    torch.testing.assert_close(moved.sum(2), source, rtol=1e-12, atol=0)
    torch.testing.assert_close(moved.sum(1), sink, rtol=1e-6, atol=1e-9)


def test_the_loss_is_the_official_formula_in_probabilities() -> None:
    """The target taken out, then ten rounds of v = b / K' u, u = a / K v, then <plan, cost>."""
    student, teacher, cost = logits(5, 12), logits(5, 12, seed=1), costs(12)
    target = torch.tensor([3, 0, 11, 7, 3])
    moved = transport_loss(student, teacher, target, cost, reduction="none")
    for row in range(5):
        rest = [i for i in range(12) if i != target[row]]
        a, b = (z[row, rest].div(8).softmax(0).numpy() for z in (student, teacher))
        own = cost[rest][:, rest].numpy()
        kernel = np.exp(-own / 0.05)
        u = np.ones(11) / 11
        for _ in range(10):
            v = b / (kernel.T @ u)
            u = a / (kernel @ v)
        wanted = (u[:, None] * kernel * v * own).sum()
        np.testing.assert_allclose(moved[row], wanted, rtol=1e-11)


def test_the_loss_does_not_see_the_logits_of_the_two_labels_of_a_mixed_picture() -> None:
    student, teacher, cost = logits(2, 6), logits(2, 6, seed=1), costs(6)
    pair = torch.tensor([0, 2]), torch.tensor([4, 2])
    louder = student.clone()
    louder[0, [0, 4]] += 2.0
    louder[1, 2] -= 3.0
    torch.testing.assert_close(
        transport_loss(louder, teacher, pair, cost), transport_loss(student, teacher, pair, cost)
    )
