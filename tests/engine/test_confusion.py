"""The mean probabilities of each class, against a direct computation from the networks' logits."""

from dataclasses import replace

import torch

from tutelage.config import RunConfig, override
from tutelage.engine import run
from tutelage.engine.build import load_data
from tutelage.engine.confusion import LIKELIEST, MOST_CLASSES, Confusions
from tutelage.engine.reread import load_student
from tutelage.engine.run import make_fabric
from tutelage.engine.view import View
from tutelage.record import Run


def probabilities(done: Run) -> tuple[torch.Tensor, torch.Tensor]:
    """The student's softmax of every test picture, and the pictures' classes."""
    network, data = load_student(done.path)
    network.eval()
    batches = data.test.batches(
        list(torch.arange(len(data.test)).split(7)), augment=False, seed=0, epoch=0, workers=0
    )
    view = View.of(done.config.student, data.spec)
    with torch.no_grad():
        told = [(network(view(b.images)).double().softmax(1), b.target) for b in batches]
    return torch.cat([each for each, _ in told]), torch.cat([target for _, target in told])


def test_a_run_records_what_its_networks_take_each_class_for(config: RunConfig) -> None:
    teacher = run(config)
    taught = override(config, ["method.name=dkd", f"teacher.weights={teacher.path}"])
    done = run(taught)
    means = done.classes
    assert means
    assert means.names == ["0", "1", "2", "3", "4"]
    for network, told, targets in (
        (done, means.student, means.student_target),
        (teacher, means.teacher, means.teacher_target),
    ):
        assert told
        assert targets
        of, classes = probabilities(network)
        for place, others in enumerate(means.others):
            mean = of[classes == place].mean(0)
            assert means.counts[place] == int((classes == place).sum())
            torch.testing.assert_close(
                torch.tensor(told[place]), mean[others].float(), rtol=2e-4, atol=0
            )
            torch.testing.assert_close(
                torch.tensor(targets[place]), mean[place].float(), rtol=2e-4, atol=0
            )
            assert others == [at for at in range(5) if at != place]  # 4 are fewer than 20


def test_a_run_without_a_teacher_records_its_student_alone(config: RunConfig) -> None:
    means = run(config).classes
    assert means
    assert means.student
    assert (means.teacher, means.teacher_target) == (None, None)


def test_the_likeliest_of_either_network_are_kept_and_no_more(config: RunConfig) -> None:
    fabric, data = make_fabric(config), load_data(config)
    many = 200
    both = Confusions(fabric, replace(data.spec, classes=tuple(map(str, range(many)))))
    generator = torch.Generator().manual_seed(0)
    target = torch.arange(many - 1).repeat(3)  # the last class has no picture
    logits = [torch.randn(len(target), many, generator=generator) for _ in range(2)]
    for hearer, said in zip((both.student, both.teacher), logits, strict=True):
        assert hearer
        hearer.add(said, target)
    means = both.told()
    assert means
    assert (means.counts[0], means.counts[-1], means.others[-1]) == (3, 0, [])
    for place in (0, 57):
        tops = set()
        for said in logits:
            row = said.softmax(1)[target == place].mean(0)
            order = [at for at in row.argsort(descending=True).tolist() if at != place]
            tops |= set(order[:LIKELIEST])
        assert means.others[place] == sorted(tops)


def test_classes_are_not_compared_by_the_thousands(config: RunConfig) -> None:
    spec = load_data(config).spec
    names = tuple(map(str, range(MOST_CLASSES + 1)))
    many = Confusions(make_fabric(config), replace(spec, classes=names))
    assert (many.student, many.teacher, many.told()) == (None, None, None)
