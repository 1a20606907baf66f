"""The steps of `make dist` that can be wrong without anyone noticing."""

import hashlib
import importlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "scripts" / "release"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="releases are built on Linux")


@pytest.fixture
def step(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == TOOLS:
            del sys.modules[name]


def tree(folder, mode):
    (folder / "bin").mkdir(parents=True)
    start = folder / "bin" / "run"
    start.write_text("#!/bin/sh\n")
    start.chmod(0o700 | mode)
    (folder / "text").write_text("text\n")
    (folder / "text").chmod(0o600 | mode)
    return folder


def test_an_archive_depends_on_its_content_only(step, tmp_path):
    portable = step("portable")
    archives = []
    for name, mode, time in (("one", 0o000, 1), ("two", 0o066, 2_000_000_000)):
        folder = tree(tmp_path / name / "fluxsecrets-1", mode)
        for path in (folder, *folder.rglob("*")):
            os.utime(path, (time, time))
        archives.append(portable.Portable(folder, "1", folder, (), (2, 17)).pack(tmp_path / name))
    first, second = archives
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as opened:
        shown = {each.name: (each.mode, each.uid, each.uname, each.mtime) for each in opened}
    assert shown == {
        "fluxsecrets-1": (0o755, 0, "", 1700000000),
        "fluxsecrets-1/bin": (0o755, 0, "", 1700000000),
        "fluxsecrets-1/bin/run": (0o755, 0, "", 1700000000),
        "fluxsecrets-1/text": (0o644, 0, "", 1700000000),
    }


def test_checksums_are_what_sha256sum_reads_and_differences_have_names(step, tmp_path):
    checksums = step("checksums")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same").write_bytes(b"same")
    (tmp_path / "one" / "wheels").mkdir()  # of the container image
    (tmp_path / "one" / "changed").write_bytes(b"x")
    (tmp_path / "two" / "changed").write_bytes(b"y")
    (tmp_path / "two" / "more").write_bytes(b"")
    checksums.write_checksums(tmp_path / "one")
    lines = (tmp_path / "one" / "SHA256SUMS").read_text().splitlines()
    assert lines[1] == f"{hashlib.sha256(b'same').hexdigest()}  same"
    assert checksums.differences(tmp_path / "one", tmp_path / "two") == ["changed", "more"]
    assert checksums.differences(tmp_path / "one", tmp_path / "one") == []


def test_the_oldest_glibc_is_the_newest_that_is_named(step, tmp_path):
    native = step("native")
    (tmp_path / "a").write_bytes(b"\x7fELF\0GLIBC_2.9\0GLIBC_2.17\0")
    (tmp_path / "b").write_bytes(b"\x7fELF\0GLIBC_2.4\0\xff")
    assert native.glibc_of([tmp_path / "a", tmp_path / "b"]) == (2, 17)


@pytest.mark.parametrize(
    ("licences", "allowed"),
    [
        ([{"license": {"id": "MIT"}}], True),
        ([{"expression": "Apache-2.0 OR BSD-3-Clause"}], True),
        ([{"license": {"name": "License :: OSI Approved :: BSD License"}}], True),
        ([{"license": {"id": "GPL-3.0-only"}}], False),
        ([{"expression": "MIT AND GPL-3.0-only"}], False),
        ([{"license": {"name": "License :: Other/Proprietary License"}}], False),
        ([], False),
    ],
)
def test_only_licences_that_let_anyone_pass_the_archive_on_are_allowed(step, licences, allowed):
    assert step("sbom").may_be_passed_on({"name": "x", "licenses": licences}) is allowed


def test_the_commands_find_their_python_through_links_and_odd_names(step, tmp_path):
    folder = tmp_path / "it's here"
    python = folder / "python" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    step("portable").write_commands(folder)
    links = tmp_path / "links"
    links.mkdir()
    (links / "absolute").symlink_to(folder / "bin" / "fluxsecrets")
    (links / "relative").symlink_to(Path("..") / folder.name / "bin" / "fluxsecrets-sops")
    (links / "twice").symlink_to("relative")
    for name, program in (
        ("absolute", "fluxsecrets"),
        ("relative", "fluxsecrets-sops"),
        ("twice", "fluxsecrets-sops"),
    ):
        ran = subprocess.run([links / name, "a b", "*"], capture_output=True, text=True, check=True)
        isolated, script, *rest = ran.stdout.splitlines()
        assert (isolated, rest) == ("-I", ["a b", "*"])
        assert Path(script).resolve() == folder / "python" / f"{program}.py"
        compile(Path(script).read_bytes(), script, "exec")
