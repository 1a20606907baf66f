"""The lines for vim in `docs/editors.md`, run by vim: what it shows, saves, and leaves on disk."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "editors.md"

pytestmark = pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not on PATH")


@pytest.fixture
def vim(encrypted, cli, environment, tmp_path, monkeypatch):
    """Runs vim with the page's lines and commands on secret.yaml; `seen` names files with plain text."""
    return Vim(encrypted, cli, environment, tmp_path, monkeypatch)


class Vim:
    def __init__(self, folder, cli, home, tmp_path, monkeypatch):
        self.folder, self.home, self.temporary = folder, home, tmp_path / "vim-temporary"
        self.temporary.mkdir()
        monkeypatch.setenv("TMPDIR", str(self.temporary))
        self.rc = home / ".vimrc"
        text = re.search(r"^```vim\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[
            1
        ]
        state = home / "state"
        state.mkdir()
        # The settings of somebody who keeps everything, which the page's lines must withstand.
        keeps = (
            f"set nocompatible viminfo='100,<50,s10,h,n{home}/.viminfo undofile undodir={state} "
            f"directory={state} backup backupdir={state} writebackup shelltemp\nfiletype on\n"
        )
        self.rc.write_text(keeps + text, encoding="utf-8")
        self.log = tmp_path / "seen"
        program = tmp_path / "bin" / "fluxsecrets"
        program.parent.mkdir()
        # Looks for the marker on disk while vim reads from it and writes to it.
        places = " ".join(shlex.quote(str(place)) for place in (home, self.temporary, folder.path))
        program.write_text(
            f'#!/bin/sh\n{shlex.quote(cli.executable)} "$@"\ncode=$?\n'
            f"grep -rl {folder.marker} {places} >> {shlex.quote(str(self.log))} 2>/dev/null\nexit $code\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("TERM", "dumb")

    def __call__(self, *commands, path="secret.yaml"):
        words = [part for command in commands for part in ("-c", command)]
        done = subprocess.run(
            ["vim", "--not-a-term", "-u", self.rc, path, *words, "-c", "qall!"],
            cwd=self.folder.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode

    @property
    def seen(self):
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def on_disk(self):
        """Files with the marker, in any place that vim writes to."""
        places = (self.home, self.temporary, self.folder.path)
        files = (path for place in places for path in place.rglob("*") if path.is_file())
        return [path for path in files if self.folder.leaks(path.read_bytes())]


def test_it_shows_the_plain_text(vim):
    vim("call writefile(getline(1, '$'), $HOME . '/shown')")
    assert (vim.home / "shown").read_text() == vim.folder.secret


def test_it_saves_only_what_was_changed(vim, cli):
    before = vim.folder.read("secret.yaml").decode().splitlines()
    vim("call append('$', '  user: app')", "write")
    assert cli("decrypt", "secret.yaml").stdout == f"{vim.folder.secret}  user: app\n"
    after = vim.folder.read("secret.yaml").decode().splitlines()
    assert next(line for line in before if "password" in line) in after
    assert vim.on_disk() == []
    assert vim.seen == ""


def test_nothing_is_left_on_disk_by_yanks_undo_and_a_kill(vim):
    vim(
        "normal! ggyG",
        "%substitute/db/other/",
        "preserve",
        "write",
        "undo",
        "call system('kill -KILL ' . getpid())",
    )
    assert vim.on_disk() == []
    assert vim.seen == ""


def test_the_test_would_see_a_temporary_file(vim):
    vim.rc.write_text(vim.rc.read_text().replace("set noshelltemp", "set shelltemp"))
    vim("call append('$', '  user: app')", "write")
    assert str(vim.temporary) in vim.seen


def test_plain_text_goes_to_no_other_file(vim):
    vim("write other.yaml", "1,3write part.yaml", "write >> more.yaml", "saveas third.yaml")
    assert sorted(path.name for path in vim.folder.path.iterdir()) == [".sops.yaml", "secret.yaml"]


def test_a_copy_under_another_name_is_encrypted_by_its_rule(vim, cli):
    vim("saveas! copy.yaml")
    assert cli("decrypt", "copy.yaml").stdout == vim.folder.secret
    assert vim.on_disk() == []


def test_text_that_cannot_be_encrypted_and_a_file_that_changed_meanwhile_stay(vim):
    before = vim.folder.read("secret.yaml")
    vim("call append('$', '  user: \"app')", "write")
    assert vim.folder.read("secret.yaml") == before
    vim("call system('echo >> secret.yaml')", "call append('$', '  user: app')", "write")
    assert vim.folder.read("secret.yaml") == before + b"\n"


def test_a_file_for_others_is_shown_as_it_is(vim, monkeypatch):
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    vim("call writefile(getline(1, '$'), $HOME . '/shown')", "write")
    assert (vim.home / "shown").read_bytes() == vim.folder.read("secret.yaml")
