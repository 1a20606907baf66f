"""What git is asked in one run: nothing that it has answered already."""

import os
from collections import Counter

import pytest

from fluxsecrets.files.beside import temporary_path
from fluxsecrets.repo.git import process

_ONCE = (
    "ls-files",
    "rev-list",
    "rev-parse",
    "config",
    "show-ref",
    "symbolic-ref",
    "merge-base",
    "check-attr",
)
"""The commands that answer by their arguments alone; `cat-file` and `diff-tree` read what they are asked."""


@pytest.fixture
def asked(monkeypatch):
    """Collect the arguments of every git that is started."""
    found = []
    command = process._command

    def note(arguments):
        found.append(tuple(arguments))
        return command(arguments)

    monkeypatch.setattr(process, "_command", note)
    return found


def repeated(asked):
    counts = Counter(each for each in asked if each[0] in _ONCE)
    return {each: count for each, count in counts.items() if count > 1}


def listings(asked):
    return [each for each in asked if each[0] == "ls-files" and "--deleted" in each]


@pytest.mark.parametrize("words", [("audit",), ("status",), ("scan",), ("audit", "--who"), ("env", "list")])
def test_one_run_asks_once(encrypted_waddle, cli, asked, words):
    cli(*words)
    assert asked
    assert repeated(asked) == {}
    assert len(listings(asked)) == 1


def test_a_scan_of_named_files_lists_the_others_once(encrypted_waddle, cli, asked):
    cli("scan", "apps", "keys")
    named = [each[-1] for each in listings(asked)]
    assert sorted(named) == ["--", "apps", "keys"]


def test_doctor_asks_where_the_hooks_are_once(encrypted_waddle, cli, asked):
    cli("doctor")
    assert [each for each in asked if each[:2] == ("rev-parse", "--git-path")] == [
        ("rev-parse", "--git-path", "hooks")
    ]
    named = [each[each.index("--") + 1 :] for each in listings(asked)]
    keys = sorted(path.relative_to(encrypted_waddle).as_posix() for path in encrypted_waddle.glob("keys/*"))
    assert sorted(map(list, named)) == [[], [], keys]  # once before files of killed runs are deleted


def test_review_asks_for_all_default_branches_at_once(encrypted_waddle, cli, asked, git):
    git(encrypted_waddle, "branch", "--move", "main")
    assert cli("review").exit_code == 0
    assert repeated(asked) == {}
    assert [each for each in asked if each[0] == "rev-parse"] == [
        ("rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD^{commit}")
    ]


def test_what_a_killed_run_left_is_not_in_the_files_once_it_is_deleted(encrypted_waddle, cli, asked):
    left = temporary_path(encrypted_waddle / "apps/spicedb/secret.yaml")
    left.write_text("kind: Secret\n")
    os.utime(left, (0, 0))  # before the process began that has its number
    cli("status")
    assert not left.exists()
    assert len(listings(asked)) == 2
