"""Every configuration of the official code as a recipe. The numbers are retyped from
github.com/megvii-research/mdistiller, a08d46f: configs/ and the defaults of engine/cfg.py."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

from tutelage.bridge import Recipe, read, recipe_of
from tutelage.bridge.mdistiller import KEYS, METHODS, NETWORKS
from tutelage.config import OptimizerConfig, RunConfig, check, from_mapping, load, loads
from tutelage.engine.build import complete
from tutelage.errors import ConfigError
from tutelage.methods import methods
from tutelage.models import build, count_parameters, models

CIFAR = """
SOLVER:
  BATCH_SIZE: 64
  EPOCHS: 240
  LR: {lr}
  LR_DECAY_STAGES: [150, 180, 210]
  LR_DECAY_RATE: 0.1
  WEIGHT_DECAY: 0.0005
  MOMENTUM: 0.9
  TYPE: "SGD"
"""
IMAGENET = """
DATASET:
  TYPE: "imagenet"
  NUM_WORKERS: 32
  TEST:
    BATCH_SIZE: 128
LOG:
  TENSORBOARD_FREQ: 50
  SAVE_CHECKPOINT_FREQ: 10
SOLVER:
  BATCH_SIZE: {batch}
  EPOCHS: 100
  LR: {lr}
  LR_DECAY_STAGES: [30, 60, 90]
  LR_DECAY_RATE: 0.1
  WEIGHT_DECAY: 0.0001
  MOMENTUM: 0.9
  TYPE: "SGD"
"""
TINY = """
DATASET:
  TYPE: "tiny_imagenet"
  NUM_WORKERS: 16
SOLVER:
  BATCH_SIZE: 256
  EPOCHS: 200
  LR: 0.2
  LR_DECAY_STAGES: [60, 120, 160]
  LR_DECAY_RATE: 0.1
  WEIGHT_DECAY: 0.0005
  MOMENTUM: 0.9
  TYPE: "SGD"
"""
DOT = """
  TRAINER: "dot"
  DOT:
    DELTA: {delta}
"""
TOLD_OF_IT = """
EXPERIMENT:
  NAME: ""
  TAG: "{kind},{teacher},{student}"
  PROJECT: "baselines"
DISTILLER:
  TYPE: "{kind}"
  TEACHER: "{teacher}"
  STUDENT: "{student}"
"""


def made(tmp_path: Path, kind: str, teacher: str, student: str, rest: str) -> Recipe:
    """The recipe of a configuration file of the usual form that ends in `rest`."""
    path = tmp_path / "config.yaml"
    text = TOLD_OF_IT.format(kind=kind, teacher=teacher, student=student)
    path.write_text(text + rest, encoding="utf-8")
    return read(path)


def solver(tables: dict[str, dict[str, Any]]) -> tuple[object, ...]:
    optimizer, schedule, train = tables["optimizer"], tables["schedule"], tables["train"]
    assert schedule["name"] == "multistep"
    return (
        *(optimizer[key] for key in ("name", "lr", "momentum", "weight_decay")),
        *(schedule["milestones"], schedule["gamma"], train["epochs"], train["batch_size"]),
    )


def cifar_solver(lr: float, name: str = "sgd") -> tuple[object, ...]:
    return (name, lr, 0.9, 5e-4, [150, 180, 210], 0.1, 240, 64)


def imagenet_solver(lr: float, batch: int, name: str = "sgd") -> tuple[object, ...]:
    return (name, lr, 0.9, 1e-4, [30, 60, 90], 0.1, 100, batch)


TINY_SOLVER = ("dot", 0.2, 0.9, 5e-4, [60, 120, 160], 0.1, 200, 256)

# configs/cifar100/*.yaml: what each adds, and the options it comes to.
BASELINES: dict[str, tuple[str, dict[str, object]]] = {
    "NONE": ("", {"name": "ce"}),
    "KD": ("", {"name": "kd", "ce_weight": 0.1, "kd_weight": 0.9, "temperature": 4}),
    "AT": ("", {"name": "at", "ce_weight": 1, "at_weight": 1000, "power": 2}),
    "OFD": ("", {"name": "ofd", "ce_weight": 1, "ofd_weight": 1e-3}),
    "RKD": ("", {"name": "rkd", "ce_weight": 1, "distance_weight": 25, "angle_weight": 50}),
    "FITNET": ("", {"name": "fitnet", "ce_weight": 1, "fitnet_weight": 100}),
    "KDSVD": ("", {"name": "kdsvd", "ce_weight": 1, "kdsvd_weight": 1, "vectors": 1}),
    "NST": ("", {"name": "nst", "ce_weight": 1, "nst_weight": 50}),
    "PKT": ("", {"name": "pkt", "ce_weight": 1, "pkt_weight": 30_000}),
    "SP": ("", {"name": "sp", "ce_weight": 1, "sp_weight": 3000}),
    "VID": ("", {"name": "vid", "ce_weight": 1, "vid_weight": 1, "initial_variance": 5}),
    "CRD": (
        '  TRAINER: "crd" \n',
        {
            "name": "crd", "ce_weight": 1, "crd_weight": 0.8, "dimensions": 128,
            "negatives": 16_384, "momentum": 0.5, "contrast_temperature": 0.07,
        },
    ),
    "REVIEWKD": (
        "REVIEWKD:\n  REVIEWKD_WEIGHT: 5.0\n",
        {"name": "reviewkd", "ce_weight": 1, "reviewkd_weight": 5, "warmup_epochs": 20,
         "student_preactivations": False},
    ),
    "DKD": (
        "",
        {
            "name": "dkd", "ce_weight": 1, "alpha": 1, "beta": 8, "temperature": 4,
            "warmup_epochs": 20,
        },
    ),
}  # fmt: skip

# configs/cifar100/dkd/*.yaml: teacher, student, learning rate, what is added; our recipe.
PAIRS = {
    "cifar100-resnet56-resnet20": ("resnet56", "resnet20", 0.05, "DKD:\n  BETA: 2.0\n"),
    "cifar100-resnet110-resnet32": ("resnet110", "resnet32", 0.05, "DKD:\n  BETA: 2.0\n"),
    "cifar100-resnet32x4-resnet8x4": ("resnet32x4", "resnet8x4", 0.05, ""),
    "cifar100-wrn_40_2-wrn_16_2": ("wrn_40_2", "wrn_16_2", 0.05, "DKD:\n  BETA: 6.0\n"),
    "cifar100-wrn_40_2-wrn_40_1": ("wrn_40_2", "wrn_40_1", 0.05, "DKD:\n  BETA: 6.0\n"),
    "cifar100-vgg13-vgg8": ("vgg13", "vgg8", 0.05, "DKD:\n  BETA: 6.0\n"),
    "cifar100-vgg13-mobilenetv2": ("vgg13", "MobileNetV2", 0.01, "DKD:\n  BETA: 6.0\n"),
    "cifar100-resnet50-mobilenetv2": ("ResNet50", "MobileNetV2", 0.01, ""),
    "cifar100-resnet32x4-shufflenetv1": ("resnet32x4", "ShuffleV1", 0.01, ""),
    "cifar100-resnet32x4-shufflenetv2": ("resnet32x4", "ShuffleV2", 0.01, ""),
    "cifar100-wrn_40_2-shufflenetv1": ("wrn_40_2", "ShuffleV1", 0.01, ""),
}

SHAPES = "  SHAPES: [1,7,14,28,56]\n  OUT_SHAPES: [1,7,14,28,56]\n"
# configs/imagenet/*: method, batch, learning rate, what is added, the options it comes to.
R34_R18: list[tuple[str, int, float, str, dict[str, object]]] = [
    ("AT", 512, 0.2, "", {"at_weight": 1000}),
    ("KD", 512, 0.2, "KD:\n  TEMPERATURE: 1\n  LOSS:\n    CE_WEIGHT: 0.5\n    KD_WEIGHT: 0.5\n",
     {"temperature": 1, "ce_weight": 0.5, "kd_weight": 0.5}),
    ("CRD", 256, 0.1, "CRD:\n  FEAT:\n    STUDENT_DIM: 512\n    TEACHER_DIM: 512\n",
     {"crd_weight": 0.8, "dimensions": 128}),
    ("DKD", 512, 0.2, "DKD:\n  CE_WEIGHT: 1.0\n  BETA: 0.5\n  T: 1.0\n  WARMUP: 1\n",
     {"alpha": 1, "beta": 0.5, "temperature": 1, "warmup_epochs": 1}),
    ("REVIEWKD", 256, 0.1, "REVIEWKD:\n  CE_WEIGHT: 1.0\n  REVIEWKD_WEIGHT: 1.0\n"
     f"  WARMUP_EPOCHS: 1\n{SHAPES}  IN_CHANNELS: [64,128,256,512,512]\n"
     "  OUT_CHANNELS: [64,128,256,512,512]\n  STU_PREACT: True\n",
     {"reviewkd_weight": 1, "warmup_epochs": 1, "student_preactivations": True}),
]  # fmt: skip
R50_MV1: list[tuple[str, int, float, str, dict[str, object]]] = [
    R34_R18[0],
    R34_R18[1],
    ("CRD", 256, 0.1, "CRD:\n  FEAT:\n    STUDENT_DIM: 1024\n    TEACHER_DIM: 2048\n",
     {"crd_weight": 0.8, "negatives": 16_384}),
    ("OFD", 128, 0.05, "OFD:\n  LOSS:\n    FEAT_WEIGHT: 0.0001\n", {"ofd_weight": 1e-4}),
    ("DKD", 512, 0.2, "DKD:\n  CE_WEIGHT: 1.0\n  BETA: 2.0\n  T: 1.0\n  WARMUP: 1\n",
     {"alpha": 1, "beta": 2, "temperature": 1, "warmup_epochs": 1}),
    ("REVIEWKD", 256, 0.1, "REVIEWKD:\n  CE_WEIGHT: 1.0\n  REVIEWKD_WEIGHT: 8.0\n"
     f"  WARMUP_EPOCHS: 1\n{SHAPES}  IN_CHANNELS: [128,256,512,1024,1024]\n"
     "  OUT_CHANNELS: [256,512,1024,2048,2048]\n  MAX_MID_CHANNEL: 256\n  STU_PREACT: True\n",
     {"reviewkd_weight": 8, "warmup_epochs": 1, "student_preactivations": True}),
]  # fmt: skip


@pytest.mark.parametrize("kind", METHODS)
def test_a_cifar_baseline_has_the_official_numbers_those_left_unsaid_too(
    kind: str, tmp_path: Path
) -> None:
    more, options = BASELINES[kind]
    tables = made(tmp_path, kind, "resnet32x4", "resnet8x4", CIFAR.format(lr=0.05) + more).tables
    assert tables["method"] == options | {"fidelity": "mdistiller"}
    assert solver(tables) == cifar_solver(0.05)
    assert tables["data"] == {"name": "cifar100", "workers": 2, "validation": 0}
    assert tables["student"] == {"name": "resnet8x4"}
    assert tables.get("teacher") == (
        None
        if kind == "NONE"
        else {
            "name": "resnet32x4",
            "weights": "download_ckpts/cifar_teachers/resnet32x4_vanilla/ckpt_epoch_240.pth",
            "recipe": "cifar100-resnet32x4",
        }
    )


@pytest.mark.parametrize("name", PAIRS)
def test_a_published_pair_becomes_our_own_recipe_of_it(name: str, tmp_path: Path) -> None:
    teacher, student, lr, more = PAIRS[name]
    imported = made(tmp_path, "DKD", teacher, student, CIFAR.format(lr=lr) + more)
    assert told(imported.toml("x.yaml")) == told(load(name))


@pytest.mark.parametrize(
    ("name", "teacher", "student", "row"),
    [
        ("imagenet-resnet34-resnet18", "ResNet34", "ResNet18", R34_R18[3]),
        ("imagenet-resnet50-mobilenetv1", "ResNet50", "MobileNetV1", R50_MV1[4]),
    ],
)
def test_an_imagenet_pair_becomes_our_own_recipe_of_it(
    name: str, teacher: str, student: str, row: Any, tmp_path: Path
) -> None:
    kind, batch, lr, more, _ = row
    rest = IMAGENET.format(lr=lr, batch=batch) + more
    imported = told(made(tmp_path, kind, teacher, student, rest).toml("x.yaml"))
    options = imported["method"].options
    # By whole epochs from 1, as that code counts, a warm-up of 1 is none: our recipe says 0.
    assert options.pop("warmup_epochs") == 1
    ours = told(load(name))
    assert ours["method"].options.pop("warmup_epochs") == 0
    assert imported == ours


def told(config: RunConfig | str) -> dict[str, Any]:
    """What determines the result, but for the teacher's file and the fidelity to that code."""
    run = complete(loads(config) if isinstance(config, str) else config)
    options = dict(run.method.options)
    del options["fidelity"]
    return {
        "networks": (run.teacher.name, run.teacher.recipe, run.student.name),
        "method": type(run.method)(name=run.method.name, options=options),
        "data": (run.data.name, run.data.validation, run.data.augment),
        **{name: getattr(run, name) for name in ("optimizer", "schedule", "train")},
    }


@pytest.mark.parametrize(
    ("teacher", "student", "row"),
    [("ResNet34", "ResNet18", row) for row in R34_R18]
    + [("ResNet50", "MobileNetV1", row) for row in R50_MV1]
    + [("ResNet50", "MobileNetV2", row) for row in R50_MV1],
)
def test_an_imagenet_configuration_has_the_official_numbers(
    teacher: str, student: str, row: Any, tmp_path: Path
) -> None:
    kind, batch, lr, more, options = row
    tables = made(
        tmp_path, kind, teacher, student, IMAGENET.format(lr=lr, batch=batch) + more
    ).tables
    assert tables["method"] == tables["method"] | {"name": METHODS[kind]} | options
    assert solver(tables) == imagenet_solver(lr, batch)
    assert tables["data"] == {"name": "imagenet", "workers": 32, "validation": 0}
    depth = teacher[-2:]
    assert tables["teacher"]["name"] == f"torchvision/resnet{depth}"
    assert tables["teacher"]["recipe"] == f"imagenet-resnet{depth}"
    # What that code once called MobileNetV2 there is MobileNetV1, renamed in fae6658.
    wanted = "torchvision/resnet18" if student == "ResNet18" else "mobilenetv1"
    assert tables["student"]["name"] == wanted


@pytest.mark.parametrize(
    ("teacher", "student", "rest", "delta", "expected"),
    [
        ("resnet32x4", "resnet8x4", CIFAR.format(lr=0.05), 0.075, cifar_solver(0.05, "dot")),
        ("resnet32x4", "ShuffleV2", CIFAR.format(lr=0.01), 0.075, cifar_solver(0.01, "dot")),
        ("vgg13", "vgg8", CIFAR.format(lr=0.05), 0.075, cifar_solver(0.05, "dot")),
        *(
            (
                *(teacher, student, IMAGENET.format(lr=0.2, batch=512), 0.09),
                imagenet_solver(0.2, 512, "dot"),
            )
            for teacher, student in [("ResNet34", "ResNet18"), ("ResNet50", "MobileNetV1")]
        ),
        *(
            ("ResNet18", student, TINY, 0.075, TINY_SOLVER)
            for student in ("MobileNetV2", "ShuffleV2")
        ),
    ],
)  # fmt: skip
def test_dot_is_kd_under_another_optimiser(
    teacher: str, student: str, rest: str, delta: float, expected: Any, tmp_path: Path
) -> None:
    made_of_it = made(tmp_path, "KD", teacher, student, rest + DOT.format(delta=delta))
    tables = made_of_it.tables
    assert solver(tables) == expected
    assert tables["optimizer"]["delta"] == delta
    assert tables["method"]["name"] == "kd"
    if "delta" in {field.name for field in fields(OptimizerConfig)}:
        assert str(loads(made_of_it.toml("x.yaml")).optimizer.name) == "dot"


def test_the_networks_of_tiny_imagenet_are_those_of_that_code(tmp_path: Path) -> None:
    tables = made(tmp_path, "KD", "ResNet18", "MobileNetV2", TINY).tables
    assert tables["data"]["name"] == "tiny-imagenet"
    assert tables["student"]["name"] == "mobilenetv2_tiny"
    assert tables["teacher"]["name"] == "resnet18_cifar"
    assert tables["teacher"]["weights"].endswith("ResNet18_vanilla/ti_res18")


@pytest.mark.parametrize("kind", [kind for kind, name in METHODS.items() if name in methods])
def test_a_method_takes_the_options_it_is_given(kind: str) -> None:
    table = dict(recipe_of({"DISTILLER": {"TYPE": kind}}).tables["method"])
    check(methods[table.pop("name")].Config, table)


@pytest.mark.parametrize(
    ("data", "name"), [(data, name) for data, names in NETWORKS.items() for name in names]
)
def test_every_network_of_that_code_is_one_of_ours(data: str, name: str) -> None:
    ours = NETWORKS[data][name]
    if "/" not in ours:
        assert ours in models
    elif data == "imagenet":
        with torch.device("meta"):
            assert count_parameters(build(ours, num_classes=1000)) > 10_000_000


def test_what_a_configuration_does_not_say_has_that_codes_defaults_not_ours() -> None:
    tables = recipe_of({"DISTILLER": {"TYPE": "KD"}}).tables
    assert solver(tables) == ("sgd", 0.05, 0.9, 1e-4, [150, 180, 210], 0.1, 240, 64)
    assert tables["teacher"]["name"] == "resnet50_cifar"
    assert tables["student"]["name"] == "resnet32"


def test_numbers_and_lists_that_yaml_takes_for_text_are_read_as_that_code_reads_them(
    tmp_path: Path,
) -> None:
    rest = "SOLVER:\n  WEIGHT_DECAY: 5e-4\nVID:\n  INPUT_SIZE: (64, 64)\n  INIT_PRED_VAR: '2'\n"
    tables = made(tmp_path, "VID", "vgg13", "vgg8", rest).tables
    assert tables["optimizer"]["weight_decay"] == 5e-4
    assert tables["method"]["initial_variance"] == 2


def test_the_two_weights_of_rkd_carry_the_third() -> None:
    given = {"DISTILLER": {"TYPE": "RKD"}, "RKD": {"LOSS": {"FEAT_WEIGHT": 0.5}}}
    method = recipe_of(given).tables["method"]
    assert (method["distance_weight"], method["angle_weight"]) == (12.5, 25.0)


def test_all_mistakes_are_told_at_once_with_the_nearest_name() -> None:
    given = {
        "DISTILLER": {"TYPE": "DKD", "TEACHER": "resnet32x4", "STUDENT": "resnet8x5"},
        "DKD": {"BETTA": 8.0, "ALPHA": "much", "T": True},
        "SOLVER": {"LR_DECAY_STAGES": 150, "TYPE": "Adam"},
        "LOG": {"WANDB": 1},
        "AT": {"P": float("inf")},
    }
    with pytest.raises(ConfigError) as raised:
        recipe_of(given, where="x.yaml: ")
    assert str(raised.value).splitlines()[:7] == [
        "x.yaml: DKD.BETTA: no such key. Did you mean 'DKD.BETA'?",
        "x.yaml: DKD.ALPHA: wanted a number, got 'much'.",
        "x.yaml: DKD.T: wanted a number, got True.",
        "x.yaml: SOLVER.LR_DECAY_STAGES: wanted a list of numbers, got 150.",
        "x.yaml: LOG.WANDB: wanted true or false, got 1.",
        "x.yaml: AT.P: wanted a number, got inf.",
        "x.yaml: SOLVER.TYPE: wanted one of SGD, got 'Adam'.",
    ]
    assert "got 'resnet8x5'. Did you mean 'resnet8x4'?" in str(raised.value)


def test_a_method_or_data_set_that_is_not_that_codes_is_told() -> None:
    with pytest.raises(ConfigError, match=r"TYPE: wanted one of NONE, KD.*got 'DKDD'.*'DKD'"):
        recipe_of({"DISTILLER": {"TYPE": "DKDD"}})
    with pytest.raises(ConfigError, match=r"TYPE: wanted one of cifar100, imagenet.*'cifar10'"):
        recipe_of({"DATASET": {"TYPE": "cifar10"}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n- b\n", "wanted a mapping of keys, got list"),
        ("a: [", "wanted a YAML file"),
        ("!!python/object/apply:os.mkdir ['exploded']", "wanted a YAML file"),
    ],
)
def test_a_file_that_is_no_configuration_is_told_and_runs_nothing(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        read(path)
    assert [file.name for file in tmp_path.iterdir()] == ["x.yaml"]


def test_what_has_no_meaning_here_and_what_is_not_followed_are_told(tmp_path: Path) -> None:
    kind, batch, lr, more, _ = R50_MV1[5]
    rest = IMAGENET.format(lr=lr, batch=batch) + more + "DKD:\n  BETA: 2.0\n"
    recipe = made(tmp_path, kind, "ResNet50", "MobileNetV2", rest)
    not_needed, heed = "\n".join(recipe.not_needed), "\n".join(recipe.heed)
    shapes = "SHAPES, REVIEWKD.OUT_SHAPES, REVIEWKD.IN_CHANNELS, REVIEWKD.OUT_CHANNELS"
    assert f"{shapes}: channels and sizes are measured here" in not_needed
    assert "MAX_MID_CHANNEL: that code does not read it either" in not_needed
    assert "DKD.BETA: no say in this run" in not_needed
    assert "EXPERIMENT.NAME, EXPERIMENT.TAG, EXPERIMENT.PROJECT" in not_needed
    assert "MobileNet of the first version" in heed
    text = recipe.toml("reviewkd.yaml")
    assert "student_preactivations = true" in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_teacher_that_code_has_no_weights_of_asks_for_a_file() -> None:
    given = {"DISTILLER": {"TYPE": "KD", "TEACHER": "vgg19", "STUDENT": "vgg8"}}
    recipe = recipe_of(given)
    assert recipe.tables["teacher"]["weights"] == ""
    assert "Give a file" in recipe.heed[0]


def test_the_recipe_as_toml_reads_back_as_the_same_tables(tmp_path: Path) -> None:
    recipe = made(tmp_path, "DKD", "wrn_40_2", "wrn_16_2", CIFAR.format(lr=0.05))
    assert loads(recipe.toml("x.yaml")) == from_mapping(recipe.tables)


def test_the_page_tells_the_name_here_of_every_key(request: pytest.FixtureRequest) -> None:
    page = request.config.rootpath / "docs" / "how-to" / "from-mdistiller.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    for name, key in KEYS.items():
        section, _, rest = name.partition(".")
        if key.ours and section in METHODS and not name.endswith("CE_WEIGHT"):
            pair = f"`{rest}` = `{key.ours.removeprefix('method.')}`"
            assert [row for row in rows if row.startswith(f"| `{section}` | ") and pair in row], (
                name
            )
        elif key.ours and section not in METHODS:
            assert [row for row in rows if row.startswith(f"| `{name}` | `{key.ours}`")], name
