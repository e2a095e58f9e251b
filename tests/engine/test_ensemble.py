import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp
from torch import nn
from torch.nn import functional as F

from tutelage.config import RunConfig, override
from tutelage.engine import run
from tutelage.engine.ensemble import Ensemble
from tutelage.errors import ConfigError
from tutelage.models import count_parameters, places


def network(seed: int, scale: float = 1.0) -> nn.Sequential:
    torch.manual_seed(seed)
    linear = nn.Linear(12, 5).double()
    linear.weight.data *= scale
    return nn.Sequential(nn.Flatten(), linear)


IMAGES = torch.randn(6, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_an_ensemble_of_one_says_what_that_one_says() -> None:
    alone = network(0)
    assert torch.equal(Ensemble([alone], mean="logits")(IMAGES), alone(IMAGES))
    torch.testing.assert_close(Ensemble([alone])(IMAGES), alone(IMAGES).log_softmax(1))


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_the_mean_of_two_is_scipys(scale: float) -> None:
    members, shares = [network(1, scale), network(2, scale)], np.array([0.25, 0.75])
    logits = np.stack([member(IMAGES).detach().numpy() for member in members])
    mixture = logsumexp(log_softmax(logits, axis=2), axis=0, b=shares[:, None, None])
    got = Ensemble(members, [1.0, 3.0])(IMAGES).detach().numpy()
    np.testing.assert_allclose(got, mixture, rtol=1e-12, atol=1e-12)
    got = Ensemble(members, [1.0, 3.0], "logits")(IMAGES).detach().numpy()
    np.testing.assert_allclose(
        got, np.average(logits, axis=0, weights=shares), rtol=1e-12, atol=1e-12
    )


def test_a_teacher_of_no_share_says_nothing() -> None:
    members = [network(1), network(2)]
    got = Ensemble(members, [0.0, 2.0])(IMAGES)
    torch.testing.assert_close(got, members[1](IMAGES).log_softmax(1))


def test_the_kl_to_a_mixture_pulls_as_the_weighed_kls_do() -> None:
    members, shares = [network(1, 3.0), network(2, 3.0)], [0.25, 0.75]
    student = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)

    def pull(teacher: torch.Tensor) -> torch.Tensor:
        loss = F.kl_div(
            student.log_softmax(1), teacher.detach().log_softmax(1), log_target=True,
            reduction="batchmean",
        )  # fmt: skip
        return torch.autograd.grad(loss, student)[0]

    mixed = pull(Ensemble(members, shares)(IMAGES))
    apart = [share * pull(one(IMAGES)) for share, one in zip(shares, members, strict=True)]
    torch.testing.assert_close(mixed, torch.stack(apart).sum(0), rtol=1e-10, atol=1e-12)


def test_taps_are_the_first_networks() -> None:
    first, second = network(1), network(2)
    first.float()
    found = places("", first, (3, 2, 2), ())
    assert Ensemble([first, second]).get_submodule(found.classifier) is first[1]


def test_a_run_under_two_teachers_is_read_recorded_and_gone_on_with(config: RunConfig) -> None:
    first, second = run(config), run(override(config, ["train.seed=1"]))
    options = ["method.name=dkd", f"teacher.weights={first.path}", "teacher.shares=[1,3]"]
    taught = override(config, [*options, f"teacher.others=['{second.path}']"])
    done = run(taught)
    by_name = f"teacher.others=['glyph_student={second.path / 'student.safetensors'}']"
    again = run(override(taught, [by_name]))
    alone = run(override(config, options[:2]))
    assert done.result is not None
    assert again.result is not None
    assert alone.result is not None
    assert first.result is not None
    assert done.result.teacher_parameters == 2 * first.result.student_parameters
    assert done.result.teacher_sha256 == again.result.teacher_sha256
    assert done.result.student_sha256 == again.result.student_sha256
    assert done.result.student_sha256 != alone.result.student_sha256


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["teacher.others=['nowhere']"], "'nowhere' is neither"),
        (["teacher.shares=[1,2]"], "wanted 1 numbers, one for each teacher"),
        (["teacher.others=['a']", "teacher.shares=[0,0]"], "not all 0"),
    ],
)
def test_teachers_that_are_none_are_told(
    config: RunConfig, options: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(override(config, ["method.name=kd", "teacher.name=glyph_teacher", *options]))


def test_the_parameters_of_all_count() -> None:
    assert count_parameters(Ensemble([network(0), network(1)])) == 2 * (12 * 5 + 5)
