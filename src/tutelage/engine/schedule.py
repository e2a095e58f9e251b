"""What changes as a run goes on: the learning rate, as a pure function of the step."""

import math

from tutelage.config import ScheduleConfig
from tutelage.types import Progress


def learning_rate_factor(schedule: ScheduleConfig, progress: Progress) -> float:
    """Return the factor by which the base learning rate is multiplied at this step.

    ``multistep`` multiplies by `gamma` from the epoch after each milestone (milestone 150: from
    epoch 151, counted from 1, the official rule); ``cosine`` falls from 1 to `min_factor` over the
    steps after the warm-up; ``constant`` stays. A warm-up grows linearly, step by step, over
    `warmup_epochs`, and never starts from 0.
    """
    warmup = schedule.warmup_epochs * progress.steps_per_epoch
    if progress.step < warmup:
        return (progress.step + 1) / (warmup + 1)
    if schedule.name == "multistep":
        return float(schedule.gamma ** sum(progress.epoch > stone for stone in schedule.milestones))
    if schedule.name == "cosine":
        steps = progress.epochs * progress.steps_per_epoch - warmup
        done = min((progress.step - warmup) / max(steps, 1), 1.0)
        return schedule.min_factor + (1 - schedule.min_factor) * (1 + math.cos(math.pi * done)) / 2
    return 1.0
