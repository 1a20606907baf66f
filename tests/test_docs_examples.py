"""Every example of shell on a page is run, as a reader without anything of ours, or says why it is not.

The reader's home folder is empty. `examples/start` gave them a copy of the example and a key. A page that
says `<!-- starts with nothing -->` has neither. A line that starts with `$ ` is a command; what follows must
be its output, where `...` stands for anything. `<!-- test: exit 2 -->` expects that exit code from the last
command.
"""

import os
import re
import shutil
import subprocess
import sysconfig

import pytest

from pagefiles import PAGES, PROJECT, is_run, name, shell_blocks, starts_with_nothing

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None, reason="bash is not on PATH: the documentation's examples are not run"
)

_OURS = re.compile(
    r"fluxsecrets(?: [\w@%+=:,./-][\w@%+=:,./~-]*)*"
)  # nothing in it that a shell would change
_KEPT = {"PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "XDG_CACHE_HOME", "GIT_CONFIG_NOSYSTEM"}


def reader(home):
    """The variables of a reader: none of sops, of git or of ours."""
    ours = sysconfig.get_path("scripts")
    kept = {name: text for name, text in os.environ.items() if name in _KEPT}
    return kept | {"HOME": str(home), "PATH": f"{ours}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def started(tmp_path_factory):
    """The folder, and the home folder, that a reader has after `examples/start`."""
    base = tmp_path_factory.mktemp("reader")
    home = base / "home"
    home.mkdir()
    environment = reader(home) | {"XDG_CACHE_HOME": str(home / ".cache"), "GIT_CONFIG_NOSYSTEM": "1"}
    command = [PROJECT / "examples" / "start", base / "waddle"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"(.+) is ready: cd \1\nyour public key is age1\w+; Alice is you\n", done.stdout)
    return base


@pytest.fixture
def desk(request, environment, tmp_path, monkeypatch):
    """The folder in which the reader of a page types."""
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    if starts_with_nothing(request.param):
        folder = tmp_path
    else:
        base = request.getfixturevalue("started")
        shutil.copytree(base / "home", environment, dirs_exist_ok=True)
        folder = tmp_path / "waddle"
        shutil.copytree(base / "waddle", folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


def matches(expected, output):
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, output, re.DOTALL) is not None


class Shell:
    """Runs what a reader types; a command of ours alone takes no process of its own.

    Other commands run in one shell after the other, which hand on the folder.
    """

    def __init__(self, cli, home, monkeypatch):
        self.cli, self.home, self.monkeypatch = cli, home, monkeypatch

    def __call__(self, command):
        if _OURS.fullmatch(command):
            result = self.cli(*command.split()[1:], merged=True)
            return result.exit_code, result.stdout
        folder = re.fullmatch(r"cd (\S+)", command)
        if folder:
            self.monkeypatch.chdir(folder[1])
            return 0, ""
        exported = re.fullmatch(r"export (\w+)=(\S+)", command)
        if exported:
            self.monkeypatch.setenv(exported[1], exported[2].replace("$HOME", str(self.home)))
            return 0, ""
        done = subprocess.run(
            ["bash", "-c", command],
            env={**os.environ, "PATH": reader(self.home)["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.mark.parametrize("desk", [page for page in PAGES if is_run(page)], ids=name, indirect=True)
def test_examples_print_what_the_page_says(desk, request, cli, environment, monkeypatch):
    shell = Shell(cli, environment, monkeypatch)
    for block in shell_blocks(request.node.callspec.params["desk"]):
        if block.code is None:
            continue
        for number, (command, expected) in enumerate(block.steps, start=1):
            exit_code, printed = shell(command)
            output = "\n".join(line.rstrip() for line in printed.splitlines()).strip("\n")
            code = block.code if number == len(block.steps) else 0
            assert exit_code == code, f"line {block.line}: $ {command}\n{output}"
            assert matches(expected, output), f"$ {command}\n{output}\n--- the page says:\n{expected}"


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [("a\n...\nd", "a\nb\nc\nd", True), ("a", "a\nb", False), ("age1...", "age1xyz", True), ("", "b", False)],
)
def test_the_comparison_itself(expected, output, same):
    assert matches(expected, output) is same
