import pytest
import torch

from tutelage.config import OptimizerConfig, ScheduleConfig
from tutelage.engine.optim import make_optimizer
from tutelage.engine.schedule import learning_rate_factor
from tutelage.types import Progress

STEPS = 7


def factors(schedule: ScheduleConfig, epochs: int) -> list[float]:
    return [
        learning_rate_factor(schedule, Progress(step // STEPS + 1, epochs, step, STEPS))
        for step in range(epochs * STEPS)
    ]


def torch_factors(scheduler: str, epochs: int, per_step: bool, **options: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=1.0)
    moves = getattr(torch.optim.lr_scheduler, scheduler)(optimizer, **options)
    found = []
    for step in range(epochs * STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if per_step or (step + 1) % STEPS == 0:
            moves.step()
    return found


def test_multistep_drops_as_torch_does() -> None:
    ours = factors(ScheduleConfig(name="multistep", milestones=(4, 6), gamma=0.1), 9)
    assert ours == pytest.approx(
        torch_factors("MultiStepLR", 9, False, milestones=[4, 6], gamma=0.1)
    )


def test_the_official_drop_acts_from_the_epoch_after_the_milestone() -> None:
    ours = factors(ScheduleConfig(name="multistep", milestones=(2,)), 4)
    assert ours == pytest.approx([1.0] * 2 * STEPS + [0.1] * 2 * STEPS)


def test_cosine_falls_as_torch_does() -> None:
    ours = factors(ScheduleConfig(name="cosine", min_factor=0.05), 5)
    theirs = torch_factors("CosineAnnealingLR", 5, True, T_max=5 * STEPS, eta_min=0.05)
    assert ours == pytest.approx(theirs)


def test_a_warm_up_rises_in_a_line_and_never_starts_at_zero() -> None:
    rise = factors(ScheduleConfig(name="constant", warmup_epochs=1), 2)[: STEPS + 1]
    assert rise == pytest.approx([(step + 1) / (STEPS + 1) for step in range(STEPS + 1)])


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_the_optimiser_is_torchs_own_with_our_numbers(name: str) -> None:
    config = OptimizerConfig(name=name, lr=0.3, nesterov=True, eps=1e-6)  # type: ignore[arg-type]
    frozen = torch.nn.Parameter(torch.zeros(2), requires_grad=False)
    group = make_optimizer(
        config, [torch.nn.Parameter(torch.ones(2)), frozen], scaled=False
    ).param_groups[0]
    assert len(group["params"]) == 1
    assert (group["lr"], group["weight_decay"]) == (0.3, 5e-4)
    wanted = {"momentum": 0.9, "nesterov": True} if name == "sgd" else {"eps": 1e-6}
    assert {key: group[key] for key in wanted} == wanted
