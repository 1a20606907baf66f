"""What stands in the way of our attributes, in files that come with a clone."""

import subprocess

import pytest

from fluxsecrets.ops.hooks.coverage import coverage
from fluxsecrets.repo.git import find_repository


@pytest.fixture
def found(tmp_path):
    """Gives the coverage of files under some `.gitattributes`."""

    def look(text, *paths):
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
        (tmp_path / ".gitattributes").write_text(text, encoding="utf-8")
        return coverage(find_repository(tmp_path), paths)

    return look


def test_the_line_that_counts_is_the_last_one(found):
    text = "*.yaml merge=fluxsecrets diff=fluxsecrets\n*.yaml merge=a\na.yaml merge=b\n*.json merge=c\n"
    result = found(text, "a.yaml", "x/b.yaml")
    assert {(each.value, each.paths, each.place) for each in result.overrides} == {
        ("b", ("a.yaml",), ".gitattributes:3"),
        ("a", ("x/b.yaml",), ".gitattributes:2"),
    }


def test_an_attribute_that_is_missing_is_uncovered_and_one_that_was_taken_back_is_named(found):
    result = found("a.yaml merge=fluxsecrets\nb.yaml diff=fluxsecrets !merge\n", "a.yaml", "b.yaml")
    assert result.uncovered == ("a.yaml",)
    assert [(each.attribute, each.place) for each in result.overrides] == [("merge", ".gitattributes:2")]
    assert not result.complete


def test_macros_of_macros_take_little_time(found):
    lines = ["[attr]m0 merge=a -diff"]
    lines += [f"[attr]m{number} " + " ".join([f"m{number - 1}"] * 20) for number in range(1, 60)]
    result = found("\n".join([*lines, "*.yaml m59", ""]), "a.yaml")
    assert {each.attribute for each in result.overrides} == {"merge", "diff"}


def test_lines_that_git_ignores_are_not_named(found):
    result = found(f"{'#' * 10}\n*.yaml merge=a {'x' * 3000}\n*.yaml merge=fluxsecrets diff=b\n", "a.yaml")
    assert [(each.value, each.place) for each in result.overrides] == [("b", ".gitattributes:3")]
