"""A recipe is found by its name, its path or the run it made."""

from pathlib import Path

import pytest

from tutelage.config import RecipeInfo, find_recipe, load, recipes
from tutelage.errors import ConfigError

TEXT = "# resnet32x4 to resnet8x4 on CIFAR-100\n# more\n[student]\nname = 'resnet8x4'\n"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "cifar100-dkd.toml").write_text(TEXT, encoding="utf-8")
    (folder / "bare.toml").write_text("[student]\nname = 'x'\n", encoding="utf-8")
    (folder / "notes.txt").write_text("no recipe", encoding="utf-8")
    monkeypatch.setattr("tutelage.config.shelf._folder", lambda: folder)
    return folder


def test_the_recipes_are_the_toml_files_with_their_first_comment(shelf: Path) -> None:
    assert recipes() == {
        "bare": RecipeInfo("bare", shelf / "bare.toml", ""),
        "cifar100-dkd": RecipeInfo(
            "cifar100-dkd", shelf / "cifar100-dkd.toml", "resnet32x4 to resnet8x4 on CIFAR-100"
        ),
    }


def test_a_recipe_is_loaded_by_name(shelf: Path) -> None:
    assert load("cifar100-dkd", ["method.beta=6"]).student.name == "resnet8x4"


def test_a_misspelt_recipe_is_answered_with_the_nearest(shelf: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_recipe("cifar10-dkd")
    assert str(caught.value) == (
        "no recipe is named 'cifar10-dkd'; there is bare, cifar100-dkd. "
        "Did you mean 'cifar100-dkd'?"
    )


def test_a_path_is_taken_as_it_is(shelf: Path, tmp_path: Path) -> None:
    assert find_recipe(shelf / "bare.toml") == shelf / "bare.toml"
    assert find_recipe(str(shelf / "bare.toml")) == shelf / "bare.toml"
    with pytest.raises(ConfigError, match=r"no recipe lies at 'nowhere\.toml'"):
        find_recipe("nowhere.toml")
    with pytest.raises(ConfigError, match="no recipe lies at "):
        find_recipe(tmp_path / "no" / "folder")


def test_a_run_folder_stands_for_its_configuration(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(TEXT, encoding="utf-8")
    assert find_recipe(tmp_path) == tmp_path / "run.toml"


def test_every_recipe_of_the_package_can_be_loaded_and_says_what_it_is() -> None:
    for name, info in recipes().items():
        assert load(name).student.name, name
        assert info.summary, f"{name}: the first line must be a comment that says what it is"
