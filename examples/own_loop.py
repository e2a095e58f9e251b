"""DKD in anyone's own loop: only the loss, or a `Distiller` that names the terms.

Run it: python examples/own_loop.py
"""

import torch
from torch import nn
from torch.nn import functional as F

from tutelage import Distiller
from tutelage.losses import dkd_loss


def networks() -> tuple[nn.Module, nn.Module]:
    """Return a student and a teacher for pictures of 1 x 8 x 8 and 10 classes."""
    student = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    teacher = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    return student, teacher


def with_the_loss_alone(images: torch.Tensor, target: torch.Tensor) -> float:
    """Take a step with `dkd_loss` added to the cross-entropy."""
    student, teacher = networks()
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    student_logits = student(images)
    with torch.no_grad():
        teacher_logits = teacher.eval()(images)
    loss = F.cross_entropy(student_logits, target)
    loss = loss + dkd_loss(student_logits, teacher_logits, target, alpha=1.0, beta=8.0)
    loss.backward()
    optimizer.step()
    return loss.item()


def with_a_distiller(images: torch.Tensor, target: torch.Tensor) -> dict[str, float]:
    """Take a step with named terms; the teacher is frozen and asked in inference mode."""
    distiller = Distiller(*networks(), "dkd", image_shape=(1, 8, 8), beta=8.0, temperature=4.0)
    optimizer = torch.optim.SGD(distiller.parameters(), lr=0.1)
    terms = distiller(images, target)
    torch.stack(list(terms.values())).sum().backward()
    optimizer.step()
    return {name: term.item() for name, term in terms.items()}


if __name__ == "__main__":
    torch.manual_seed(0)
    batch = torch.randn(32, 1, 8, 8), torch.randint(10, (32,))
    print(f"loss {with_the_loss_alone(*batch):.3f}")
    print({name: round(value, 3) for name, value in with_a_distiller(*batch).items()})
