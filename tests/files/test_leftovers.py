"""Temporary files of killed runs are removed, and nothing else is."""

import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from filesystems import (
    NEW,
    OLD,
    failing,
    names,
    posix_only,
    pretend,
)
from fluxsecrets.files import leftovers
from fluxsecrets.files.leftovers import LEFTOVER_GLOB, remove_leftovers


def leftover(folder: Path, process: int, tag: str | None = None, age: int = 0) -> Path:
    path = folder / f".secret.yaml.fluxsecrets-{tag or leftovers._machine_tag()}-{process}-0123abcd.tmp"
    path.write_bytes(NEW)
    when = time.time() - age
    os.utime(path, (when, when))
    return path


@pytest.fixture
def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-I", "-c", "pass"])
    child.wait()
    return child.pid


@posix_only
def test_files_of_dead_processes_go(tmp_path, target, dead_process):
    path = leftover(tmp_path, dead_process)
    assert remove_leftovers(tmp_path) == (path,)
    assert names(tmp_path) == ["secret.yaml"]


def test_files_of_living_processes_stay(platform, tmp_path):
    path = leftover(tmp_path, os.getpid())
    assert remove_leftovers(tmp_path) == ()
    assert path.exists()


@posix_only
def test_a_living_process_of_somebody_else_counts_as_living(tmp_path, monkeypatch):
    path = leftover(tmp_path, 12345)
    monkeypatch.setattr(os, "kill", failing(errno.EPERM))
    assert remove_leftovers(tmp_path) == ()
    assert path.exists()


def test_on_windows_no_process_is_signalled(tmp_path, monkeypatch):
    pretend("windows", monkeypatch)
    leftover(tmp_path, 1)
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, number: killed.append(process))
    assert remove_leftovers(tmp_path) == ()
    assert killed == []


def test_files_of_other_machines_stay_for_an_hour(platform, tmp_path, dead_process):
    fresh = leftover(tmp_path, dead_process, tag="00000000", age=60)
    old = leftover(tmp_path, os.getpid(), tag="00000000", age=2 * 3600)
    assert remove_leftovers(tmp_path) == (old,)
    assert fresh.exists()


def test_a_reused_process_number_does_not_keep_a_file_for_ever(platform, tmp_path):
    path = leftover(tmp_path, os.getpid(), age=2 * 3600)
    assert remove_leftovers(tmp_path) == (path,)


@pytest.mark.parametrize(
    "name",
    [
        ".secret.yaml.fluxsecrets-1.tmp",
        "secret.yaml.fluxsecrets-00000000-1-0123abcd.tmp",
        ".secret.yaml.fluxsecrets-00000000-1-0123abcd.tmp.bak",
        ".secret.yaml.fluxsecrets-00000000-x-0123abcd.tmp",
    ],
)
def test_names_that_are_not_ours_stay(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(OLD)
    os.utime(path, (0, 0))
    assert remove_leftovers(tmp_path) == ()
    assert path.exists()


@posix_only
def test_folders_and_links_with_such_a_name_stay(tmp_path):
    (tmp_path / ".a.fluxsecrets-00000000-1-0123abcd.tmp").mkdir()
    (tmp_path / ".b.fluxsecrets-00000000-1-0123abcd.tmp").symlink_to("nowhere")
    before = names(tmp_path)
    assert remove_leftovers(tmp_path) == ()
    assert names(tmp_path) == before


def test_a_missing_folder_has_no_leftovers(tmp_path):
    assert remove_leftovers(tmp_path / "missing") == ()


@pytest.mark.parametrize("name", ["secret.yaml", "n" * 255, "ä" * 127, "with\nnewline", ".hidden"])
def test_temporary_names_are_recognised_as_such(tmp_path, name):
    temp = leftovers.temporary_path(tmp_path / name)
    assert temp.parent == tmp_path
    assert re.fullmatch(leftovers._LEFTOVER, temp.name)
    assert temp.match(LEFTOVER_GLOB)
    assert len(temp.name.encode()) <= 255
