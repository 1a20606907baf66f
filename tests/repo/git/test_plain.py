"""What is told without git is what git says; where that is not certain, git is asked."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.git.plain import is_plain, is_unborn
from tables import each_row

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="git is asked on other systems")

ASKED = ("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
PLAIN = (
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n"
)
ODD_LINES = (
    *("[core]", '[remote "origin"]', '[branch "main"]', '[diff "fluxsecrets"]', "[user]", "[extensions]"),
    *(
        "[include]",
        "[CORE]",
        '[core "x"]',
        "[remote.origin]",
        "[safe]",
        "[",
        "[user] name = x",
        "# words",
        "",
    ),
    *(
        "\tbare = false",
        "\tbare = true",
        "\tbare",
        "\tBare = true",
        "\tworktree = ..",
        "\tworktree = /tmp",
    ),
    *("\tworkTree=..", "\trepositoryformatversion = 0", "\trepositoryformatversion = 1", "\tname = a \\"),
    *(
        "\trepositoryformatversion = 9",
        "\tobjectformat = sha256",
        "\tpath = other",
        "\turl = ../somewhere",
    ),
    *(
        '\ttextconv = "fluxsecrets textconv"',
        '\tname = "open',
        "\tname = a\\\n[core]",
        "; words",
        "words",
    ),
    *(
        '\tdriver = "run \\"%A\\" \\\\ \\t"',
        '\tdriver = run \\"%A\\"',
        '\tdriver = "run \\"',
        "\tname = \\q",
    ),
    *('\tname = "a\\', '\tname = a # \\" "', '\tname = a # "', "\tname = a \\\\", "\tname = a \\\\\\"),
    *("\tfilemode = maybe", "\tfilemode = false", "= x", "\tname = x # words", '\tname = "a" ; "b'),
)
LINES = st.sampled_from(ODD_LINES)
HEADS = st.sampled_from(
    (
        *(
            "ref: refs/heads/main\n",
            "ref: refs/heads/release-1.2\n",
            "ref: refs/heads/a//b\n",
            "a" * 40 + "\n",
        ),
        *(
            "ref: refs/heads/main",
            "ref:refs/heads/main\n",
            "ref: heads/main\n",
            "a" * 64 + "\n",
            "a" * 39 + "\n",
        ),
        *("", "\n", "ref: refs/\n", "refs/heads/main\n"),
    )
)


def init(folder):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "-c", "init.defaultBranch=main", "init", "--quiet", str(folder)], check=True)
    return folder


def said_by_git(folder):
    """What git says of a folder, as a Repository; None where it fails."""
    ceiling = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = subprocess.run(
        ["git", *ASKED], cwd=folder, env=ceiling, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return None
    root, git_dir, common = done.stdout.split("\n")[:3]
    return Repository(type(folder)(root), type(folder)(git_dir), (folder / common).resolve())


def told_without_git(folder):
    return Repository(folder, folder / ".git", folder / ".git") if is_plain(folder, os.environ, {}) else None


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return init(tmp_path_factory.mktemp("plain").resolve() / "place")


@given(st.lists(LINES, max_size=6), HEADS | st.just("ref: refs/heads/main\n"), st.booleans())
def test_where_it_answers_git_says_the_same(place, lines, head, after):
    text = "".join(f"{line}\n" for line in lines)
    (place / ".git/config").write_text(PLAIN + text if after else text, encoding="utf-8")
    (place / ".git/HEAD").write_text(head, encoding="utf-8")
    found = told_without_git(place)
    assert found is None or found == said_by_git(place)


@each_row("line", ODD_LINES)
def test_each_line_by_itself(place, line):
    """In `[core]`, and in a section that may have any names: there, only what git can't read matters."""
    (place / ".git/HEAD").write_text("ref: refs/heads/main\n", encoding="ascii")
    for section in ("", '[merge "x"]\n'):
        (place / ".git/config").write_text(f"{PLAIN}{section}{line}\n", encoding="utf-8")
        found = told_without_git(place)
        assert found is None or found == said_by_git(place)


@given(st.text(st.sampled_from('[]core"\\=\n\t #;.xnt-'), max_size=24))
def test_odd_configurations(place, text):
    (place / ".git/HEAD").write_text("ref: refs/heads/main\n", encoding="ascii")
    (place / ".git/config").write_text(PLAIN + text, encoding="utf-8")
    found = told_without_git(place)
    assert found is None or found == said_by_git(place)


ODD_NAMES = ("main", "a/b", "a", "a.b", "a..b", "x.lock", "-a", "a//b", "..", "a/../b", "a.", "é", "HEAD")
NAMES = st.sampled_from(ODD_NAMES)


def has_head(folder, monkeypatch):
    """Whether git finds a commit; None where HEAD is broken."""
    with monkeypatch.context() as patch:
        patch.setattr("fluxsecrets.repo.git.repository.is_unborn", lambda *_: False)
        try:
            return Repository(folder, folder / ".git", folder / ".git").has_head()
        except GitError:
            return None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    head=st.builds("ref: refs/heads/{}\n".format, NAMES) | HEADS,
    loose=st.dictionaries(NAMES, st.sampled_from(["commit", "nothing", "gone", "folder"]), max_size=2),
    packed=st.none() | st.lists(NAMES, max_size=2),
)
def test_a_branch_that_is_said_to_be_unborn_is_so_for_git(
    tmp_path_factory, git, monkeypatch, head, loose, packed
):
    folder = init(tmp_path_factory.mktemp("unborn").resolve() / "place")
    tree = git(folder, "mktree", stdin=b"").strip()
    commit = git(folder, "commit-tree", "-m", "x", tree).strip()
    (folder / ".git/HEAD").write_text(head, encoding="utf-8")
    for name, kind in loose.items():
        path = folder / ".git/refs/heads" / name
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "folder":
                path.mkdir()
            else:
                path.write_text({"commit": f"{commit}\n", "nothing": "", "gone": f"{'a' * 40}\n"}[kind])
    if packed is not None:
        lines = "".join(f"{commit} refs/heads/{name}\n" for name in packed)
        (folder / ".git/packed-refs").write_text(lines, encoding="utf-8")
    if is_unborn(folder, os.environ, {}):
        assert has_head(folder, monkeypatch) is False


@each_row("name", ODD_NAMES)
def test_a_name_that_is_odd_is_left_to_git(place, monkeypatch, name):
    (place / ".git/config").write_text(PLAIN, encoding="utf-8")
    (place / ".git/HEAD").write_text(f"ref: refs/heads/{name}\n", encoding="utf-8")
    if is_unborn(place, os.environ, {}):
        assert has_head(place, monkeypatch) is False


def test_a_git_directory_elsewhere_has_a_head_of_its_own(tmp_path, git):
    folder, other = (init(tmp_path.resolve() / name) for name in ("place", "other"))
    git(other, "commit", "--quiet", "--allow-empty", "--message", "first")
    assert not Repository(folder, folder / ".git", folder / ".git").has_head()
    assert Repository(folder, other / ".git", other / ".git").has_head()


def test_a_new_repository_is_known_to_have_no_commit(tmp_path, git, monkeypatch):
    """Until it has one, packed or not; a linked work tree is left to git."""
    folder = init(tmp_path.resolve() / "place")
    assert is_unborn(folder, os.environ, {})
    assert has_head(folder, monkeypatch) is False
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    assert not is_unborn(folder, os.environ, {})
    git(folder, "pack-refs", "--all")
    assert not is_unborn(folder, os.environ, {})
    assert find_repository(folder).has_head()
    git(folder, "checkout", "--quiet", "--orphan", "other")
    assert find_repository(folder).has_head() is False
    git(folder, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "main")
    assert find_repository(tmp_path / "linked").has_head()


def test_no_git_is_started_for_a_repository_without_a_commit(tmp_path, monkeypatch):
    folder = init(tmp_path.resolve() / "place")
    repository = find_repository(folder)
    monkeypatch.setattr("fluxsecrets.repo.git.repository.run", None)
    assert repository.has_head() is False


def test_it_answers_for_what_git_makes(tmp_path, git):
    origin = init(tmp_path / "origin")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "first")
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    clone = (tmp_path / "clone").resolve()
    git(clone, "config", "diff.fluxsecrets.textconv", "fluxsecrets textconv")
    git(clone, "config", "merge.fluxsecrets.driver", 'if [ -x "$python" ]; then "$python" \\ "%A"; fi # \ta')
    git(clone, "checkout", "--quiet", "--detach")
    for folder in (origin.resolve(), clone):
        assert told_without_git(folder) == said_by_git(folder) == find_repository(folder)


@pytest.mark.parametrize("kind", ["worktree", "submodule", "sha256", "separate", "linked", "no objects"])
def test_git_is_asked_about_everything_else(kind, tmp_path, git):
    tmp_path = tmp_path.resolve()
    place = tmp_path / "place"
    origin = init(tmp_path / "origin")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "first")
    if kind == "worktree":
        git(origin, "worktree", "add", "--quiet", str(place))
    elif kind == "submodule":
        outer = init(tmp_path / "outer")
        git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(origin), "place")
        place = outer / "place"
    elif kind == "sha256":
        git(tmp_path, "init", "--quiet", "--object-format=sha256", "place")
    elif kind == "separate":
        git(tmp_path, "init", "--quiet", "--separate-git-dir", str(tmp_path / "elsewhere"), "place")
    elif kind == "linked":
        place.mkdir()
        (place / ".git").symlink_to(origin / ".git")
    else:
        (init(place) / ".git/objects").rename(tmp_path / "objects")
    assert told_without_git(place) is None
    assert not is_unborn(place, os.environ, {})
    if kind != "no objects":
        assert find_repository(place) == said_by_git(place)


def test_global_configuration_places_no_repository(tmp_path, monkeypatch):
    """Which is why it need not be read."""
    settings = tmp_path / "gitconfig"
    settings.write_text("[core]\n\tworktree = /\n\tbare = true\n", encoding="ascii")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    place = init(tmp_path.resolve() / "place")
    (place / ".git/config").write_text(PLAIN, encoding="ascii")
    assert told_without_git(place) == said_by_git(place)


@pytest.mark.parametrize(
    "name", ["GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_TEST_ASSUME_DIFFERENT_OWNER"]
)
def test_variables_that_change_what_git_says(name, tmp_path, monkeypatch):
    place = init(tmp_path.resolve() / "place")
    assert told_without_git(place) is not None
    monkeypatch.setenv(name, "1")
    assert told_without_git(place) is None


def test_another_users_folder_is_left_to_git(tmp_path, monkeypatch):
    place = init(tmp_path.resolve() / "place")
    monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    assert told_without_git(place) is None


def test_a_pipe_in_place_of_a_file_blocks_nothing(tmp_path):
    place = init(tmp_path.resolve() / "place")
    (place / ".git/config").unlink()
    os.mkfifo(place / ".git/config")
    assert told_without_git(place) is None
