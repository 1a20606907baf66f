"""What tests of the drop-in need: it runs in this process, or as `sops` on PATH; and real sops beside it."""

import io
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

START = "from fluxsecrets.cli.dropin.entry import main; main()"


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    code: int
    out: bytes
    err: str


class DropIn:
    """Runs the drop-in in this process: `sops("decrypt", "a.yaml")`."""

    def __call__(self, *args: str | Path, stdin: bytes = b"") -> Done:
        from fluxsecrets.cli.dropin.entry import run

        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8", newline=""))
            code = run([str(arg) for arg in args])
        out.flush()
        err.flush()
        return Done(code, out.buffer.getvalue(), err.buffer.getvalue().decode())


@pytest.fixture
def sops(environment):
    """Runs the drop-in in a clean environment; see `DropIn`."""
    return DropIn()


@pytest.fixture
def on_path(environment, tmp_path_factory, monkeypatch):
    """Puts the drop-in on PATH under the name `sops`, and gives what runs a shell command there."""
    folder = tmp_path_factory.mktemp("bin")
    script = folder / "sops"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(START)} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return shell


def shell(command: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        input=stdin,
        capture_output=True,
        env={**os.environ, **(env or {})},
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture(scope="session")
def real_sops():
    """The path of the real sops."""
    found = shutil.which("sops")
    if found is None:
        pytest.skip("sops is not on PATH, so there is nothing to compare with")
    text = subprocess.run([found, "--help"], capture_output=True, timeout=60, check=False).stdout
    if b"fluxsecrets" in text:
        pytest.skip("the sops on PATH is the drop-in itself")
    return found


@pytest.fixture
def editor(tmp_path_factory, monkeypatch):
    """Makes a Python text the editor; it finds the file's path in `path`."""

    def editor(text: str) -> None:
        script = tmp_path_factory.mktemp("editor") / "editor.py"
        script.write_text(f"import sys, pathlib\npath = pathlib.Path(sys.argv[1])\n{text}\n")
        monkeypatch.setenv("SOPS_EDITOR", f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}")

    return editor
