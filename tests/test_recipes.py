"""The recipes of the package: each can be run, and each paper recipe has the paper's numbers."""

import pytest
import torch

from tutelage.config import RunConfig, fingerprint, load, override, recipes
from tutelage.data import datasets
from tutelage.engine.build import complete
from tutelage.methods import methods
from tutelage.models import build, models

NAMES = list(recipes())

# Data set -> classes and channels of its pictures. A folder has what its owner put there.
FACTS = {
    "cifar10": (10, 3),
    "cifar100": (100, 3),
    "fashion-mnist": (10, 1),
    "folder": (7, 3),
    "glyphs100": (100, 1),
    "imagenet": (1000, 3),
    "voc-segmentation": (21, 3),
}

# The official CIFAR-100 configurations of DKD, retyped from github.com/megvii-research/mdistiller,
# a08d46f, configs/cifar100/dkd: teacher and student as they are called there, learning rate, beta
# (8 where a file leaves it at the default of mdistiller/engine/cfg.py), and the README's DKD top-1.
CIFAR100 = {
    "cifar100-resnet56-resnet20": ("resnet56", "resnet20", 0.05, 2.0, "71.97"),
    "cifar100-resnet110-resnet32": ("resnet110", "resnet32", 0.05, 2.0, "74.11"),
    "cifar100-resnet32x4-resnet8x4": ("resnet32x4", "resnet8x4", 0.05, 8.0, "76.32"),
    "cifar100-wrn_40_2-wrn_16_2": ("wrn_40_2", "wrn_16_2", 0.05, 6.0, "76.23"),
    "cifar100-wrn_40_2-wrn_40_1": ("wrn_40_2", "wrn_40_1", 0.05, 6.0, "74.81"),
    "cifar100-vgg13-vgg8": ("vgg13", "vgg8", 0.05, 6.0, "74.68"),
    "cifar100-vgg13-mobilenetv2": ("vgg13", "MobileNetV2", 0.01, 6.0, "69.71"),
    "cifar100-resnet50-mobilenetv2": ("ResNet50", "MobileNetV2", 0.01, 8.0, "70.35"),
    "cifar100-resnet32x4-shufflenetv1": ("resnet32x4", "ShuffleV1", 0.01, 8.0, "76.45"),
    "cifar100-resnet32x4-shufflenetv2": ("resnet32x4", "ShuffleV2", 0.01, 8.0, "77.07"),
    "cifar100-wrn_40_2-shufflenetv1": ("wrn_40_2", "ShuffleV1", 0.01, 8.0, "76.70"),
}

# The same for configs/imagenet/*/dkd.yaml.
IMAGENET = {
    "imagenet-resnet34-resnet18": ("torchvision/resnet34", "torchvision/resnet18", 0.5, "71.70"),
    "imagenet-resnet50-mobilenetv1": ("torchvision/resnet50", "mobilenetv1", 2.0, "72.05"),
}

PAIRS = [name for name in NAMES if load(name).teacher.recipe]


def solver(config: RunConfig) -> tuple[object, ...]:
    """Everything the official configurations say beside the method and the learning rate."""
    optimizer, schedule, train = config.optimizer, config.schedule, config.train
    return (
        (optimizer.name, optimizer.momentum, optimizer.nesterov, optimizer.weight_decay),
        (schedule.name, schedule.milestones, schedule.gamma, schedule.warmup_epochs),
        (train.epochs, train.batch_size, train.accumulate, train.clip_norm),
    )


CIFAR100_SOLVER = (
    ("sgd", 0.9, False, 5e-4),
    ("multistep", (150, 180, 210), 0.1, 0.0),
    (240, 64, 1, 0.0),
)


COMMON = {"label_smoothing": 0.0, "fidelity": "paper", "standardise": False}


def dkd(beta: float, temperature: float, warmup_epochs: float) -> dict[str, object]:
    return {
        **COMMON,
        "ce_weight": 1.0,
        "alpha": 1.0,
        "beta": beta,
        "temperature": temperature,
        "coupling": 0.0,
        "warmup_epochs": warmup_epochs,
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_resolves_and_opens_with_its_summary(name: str) -> None:
    config = complete(load(name))
    assert config.data.name in datasets
    assert config.method.options.keys() >= {"ce_weight"}
    assert len(recipes()[name].summary) > 20
    assert max(map(len, recipes()[name].path.read_text(encoding="utf-8").splitlines())) <= 100


@pytest.mark.parametrize("name", NAMES)
def test_the_networks_of_a_recipe_score_the_classes_of_its_data(name: str) -> None:
    config = load(name)
    classes, channels = FACTS[config.data.name]
    side = config.data.image_size or (224 if config.data.name == "imagenet" else 32)
    for network_name in filter(None, (config.student.name, config.teacher.name)):
        with torch.device("meta"):
            network = build(network_name, num_classes=classes, channels=channels).eval()
            images = torch.empty(2, channels, side, side)
            of_pixels = config.data.name == "voc-segmentation"
            scores = network(images)["out"] if of_pixels else network(images)
            assert scores.shape == (2, classes, *((side, side) if of_pixels else ()))


@pytest.mark.parametrize("name", PAIRS)
def test_the_recipe_of_a_teacher_makes_the_teacher_that_is_named(name: str) -> None:
    config = load(name)
    teacher = load(config.teacher.recipe)
    assert not methods[teacher.method.name].needs_teacher
    assert config.teacher.name in ("", teacher.student.name)
    pictures = ("name", "split_seed", "validation", "image_size", "channels")
    for key in pictures:  # else the student would be chosen on what its teacher was trained on
        assert getattr(config.data, key) == getattr(teacher.data, key)


def test_every_recipe_that_distils_names_a_recipe_for_its_teacher() -> None:
    taught = [name for name in NAMES if methods[load(name).method.name].needs_teacher]
    assert taught == PAIRS


def test_no_two_recipes_are_the_same_run() -> None:
    prints = {fingerprint(complete(load(name))) for name in NAMES}
    assert len(prints) == len(NAMES)


def test_all_official_pairs_have_a_recipe_and_no_other_recipe_claims_the_papers_numbers() -> None:
    claiming = {name for name, info in recipes().items() if "paper's numbers" in info.summary}
    assert claiming == CIFAR100.keys() | IMAGENET.keys()


@pytest.mark.parametrize("name", CIFAR100)
def test_a_cifar100_pair_has_the_official_numbers(name: str) -> None:
    teacher, student, lr, beta, published = CIFAR100[name]
    config = complete(load(name))
    assert models[config.teacher.name] is models[teacher]
    assert models[config.student.name] is models[student]
    assert config.optimizer.lr == lr
    assert solver(config) == CIFAR100_SOLVER
    assert config.method.name == "dkd"
    assert config.method.options == dkd(beta, temperature=4.0, warmup_epochs=20.0)
    assert (config.data.name, config.data.validation) == ("cifar100", 0.0)
    assert f"DKD {published} %" in recipes()[name].path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CIFAR100)
def test_plain_kd_by_one_override_has_the_official_numbers(name: str) -> None:
    config = complete(override(load(name), ["method.name=kd"]))
    assert config.method.options == {
        **COMMON,
        "ce_weight": 0.1,
        "kd_weight": 0.9,
        "temperature": 4.0,
        "warmup_epochs": 0.0,
    }
    assert solver(config) == CIFAR100_SOLVER


@pytest.mark.parametrize("name", sorted({load(pair).teacher.recipe for pair in CIFAR100}), ids=str)
def test_a_cifar100_teacher_is_trained_by_the_defaults_of_repdistiller(name: str) -> None:
    # github.com/HobbitLong/RepDistiller, 1143dfe, train_teacher.py
    config = load(name)
    assert (config.method.name, config.optimizer.lr) == ("ce", 0.05)
    assert solver(config) == CIFAR100_SOLVER
    assert config.data.validation == 0.0


@pytest.mark.parametrize("name", IMAGENET)
def test_an_imagenet_pair_has_the_official_numbers(name: str) -> None:
    teacher, student, beta, published = IMAGENET[name]
    config = complete(load(name))
    assert (config.teacher.name, config.student.name) == (teacher, student)
    assert config.optimizer.lr == 0.2
    assert solver(config) == (
        ("sgd", 0.9, False, 1e-4),
        ("multistep", (30, 60, 90), 0.1, 0.0),
        (100, 512, 1, 0.0),
    )
    assert config.method.options == dkd(beta, temperature=1.0, warmup_epochs=0.0)
    assert (config.data.name, config.data.validation) == ("imagenet", 0.0)
    assert f"DKD {published} %" in recipes()[name].path.read_text(encoding="utf-8")
