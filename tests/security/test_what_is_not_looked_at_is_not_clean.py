"""A path that was named and not judged is an error: no command says "clean" without having looked."""

import json
import os
import sys

import pytest

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: throw-away-8f7g6h\n"

COMMANDS = [("scan",), ("encrypt", "--check"), ("status",)]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes and devices with names")


@pytest.fixture
def repository(tmp_path, identity, monkeypatch, git):
    root = tmp_path / "repository"
    (root / "apps").mkdir(parents=True)
    monkeypatch.chdir(root)
    (root / ".sops.yaml").write_text(f"creation_rules:\n  - age: {identity.recipient}\n", encoding="utf-8")
    (root / "plain.txt").write_text("nothing\n", encoding="utf-8")
    (root / "apps/plain.txt").write_text("nothing\n", encoding="utf-8")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text(SECRET, encoding="utf-8")
    git(root, "init", "--quiet")
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "x")
    return root


def outside_link(root):
    (root / "named").symlink_to("../outside/secret.yaml")


def outside_folder_link(root):
    (root / "named").symlink_to("../outside")


def below_an_outside_link(root):
    (root / "linked").symlink_to("../outside")
    return "linked/secret.yaml"


def dangling_link(root):
    (root / "named").symlink_to("nowhere")


def looping_link(root):
    (root / "named").symlink_to("named")


def device_link(root):
    (root / "named").symlink_to("/dev/zero")


def pipe(root):
    os.mkfifo(root / "named")


def missing(root):
    pass


def device(root):
    return "/dev/null"


def link_up(root):
    (root / "named").symlink_to("../..")


KINDS = [
    *(outside_link, outside_folder_link, below_an_outside_link, dangling_link, looping_link),
    *(device_link, pipe, missing, device, link_up),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_what_is_named_and_cannot_be_judged_is_an_error(repository, cli, command, kind):
    named = kind(repository) or "named"
    result = cli(*command, named)
    assert result.exit_code == 2, result.stdout + result.stderr
    assert named in result.stderr
    assert "hint: " in result.stderr
    assert "throw-away" not in result.stdout + result.stderr
    # What is beside it is judged all the same.
    (repository / "other.yaml").write_text(SECRET, encoding="utf-8")
    if kind is not missing or command != ("scan",):
        result = cli(*command, "other.yaml", named)
        assert (result.exit_code, "other.yaml" in result.stdout) == (2, True)


@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_standard_input_is_not_read_by_its_path(repository, cli, command, name):
    if not os.path.lexists(name):
        pytest.skip(f"there is no {name}")
    result = cli.process(*command, name, stdin=SECRET.encode())
    assert result.exit_code == 2
    assert "failed" in result.stdout or result.stdout == ""


def test_the_hint_for_a_pipe_works(repository, cli):
    os.mkfifo(repository / "named")
    assert "`fluxsecrets scan -`" in cli("scan", "named").stderr
    done = cli.process("scan", "-", stdin=SECRET.encode())
    assert done.exit_code == 1


@pytest.mark.parametrize("command", [("encrypt", "--check"), ("status",)], ids=lambda command: command[0])
def test_a_folder_that_git_ignores_is_not_clean(repository, cli, command):
    (repository / ".gitignore").write_text("build/\n", encoding="utf-8")
    (repository / "build").mkdir()
    assert cli(*command, "build").exit_code == 0
    (repository / "build/secret.yaml").write_text(SECRET, encoding="utf-8")
    result = cli(*command, "build")
    assert result.exit_code == 2
    assert "git ignores everything in this folder" in result.stderr
    assert cli("scan", "build").exit_code == 1


def test_nothing_to_scan_says_so(repository, cli):
    (repository / "empty").mkdir()
    assert cli("scan", "empty").stderr == "there is no file to scan\n"
    result = cli("scan", "--staged")
    assert (result.exit_code, result.stderr) == (0, "nothing is staged\n")
    result = cli("scan", "--range", "HEAD..HEAD")
    assert (result.exit_code, result.stderr) == (0, "no commit of these adds or changes a file\n")
    assert json.loads(cli("scan", "--staged", "--format", "json").stdout)["summary"]["files"] == 0
    assert cli("hook", "run", "pre-commit").stderr == ""


def test_outside_of_a_repository_nothing_is_staged(tmp_path, environment, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    result = cli("scan", "--staged")
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything"
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_file_that_may_not_be_read_is_not_clean(repository, cli, command):
    (repository / "secret.yaml").write_text(SECRET, encoding="utf-8")
    (repository / "secret.yaml").chmod(0)
    assert cli(*command, "secret.yaml").exit_code == 2
    assert cli(*command).exit_code == 2


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_file_over_the_limit_is_not_clean(repository, cli, command):
    (repository / "secret.yaml").write_text(SECRET + "#" * (17 * 2**20), encoding="utf-8")
    assert cli(*command, "secret.yaml").exit_code == 2
    assert cli(*command).exit_code == 2


def test_a_commit_may_have_links(repository, cli, git):
    (repository / "link").symlink_to("plain.txt")
    git(repository, "add", "link")
    assert cli("scan", "--staged").exit_code == 0
    assert cli("hook", "run", "pre-commit", "link").exit_code == 0
