"""Which repositories a list or a folder names."""

from pathlib import Path

import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.fleet.find import find_repositories

ALL = ("infra", "mirror.git", "team/apps")


def test_a_folder_of_clones(repositories):
    assert find_repositories(Path(), repositories) == ALL
    assert find_repositories(Path("infra"), repositories) == ("infra",)
    assert find_repositories(repositories, repositories / "team") == (
        str(repositories / "infra"),
        str(repositories / "mirror.git"),
        "apps",
    )


def test_repositories_inside_of_others_are_part_of_them(repositories, git):
    inner = repositories / "infra" / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    (repositories / "link").symlink_to("infra")
    assert find_repositories(Path(), repositories) == ALL


def test_a_list(repositories):
    (repositories / "list").write_text("# clones\n\ninfra\n./infra/\n  team/apps \nabsent\n")
    assert find_repositories(Path("list"), repositories) == ("absent", "infra", "team/apps")


@pytest.mark.parametrize("place", ["notes", "empty"])
def test_no_repository_is_an_error(repositories, place):
    (repositories / "empty").write_text("# nothing\n")
    with pytest.raises(UsageError):
        find_repositories(Path(place), repositories)
