"""How other programs are found and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path


def run(environ: Mapping[str, str], *command: str, data: bytes = b"", folder: Path | None = None) -> bytes:
    """What a program prints.

    Args:
        environ: its environment.
        command: the program and its arguments.
        data: its standard input.
        folder: where it runs; sops looks for `.sops.yaml` from there upwards.

    Raises:
        OSError: it failed, with the last lines of its standard error.
    """
    program = shutil.which(command[0], path=environ["PATH"]) or command[0]
    done = subprocess.run(
        [program, *command[1:]],
        input=data,
        env=dict(environ),
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise OSError(" / ".join(line.strip() for line in lines[-3:]) or f"exit code {done.returncode}")
    return done.stdout


def version_of(environ: Mapping[str, str], *command: str) -> str | None:
    """What a program says of its version, or None if it cannot be run."""
    try:
        return run(environ, *command).decode("utf-8", "replace").strip()
    except (OSError, subprocess.SubprocessError):
        return None


def sops_version(environ: Mapping[str, str]) -> str | None:
    """The version of the `sops` on PATH, or None if there is none or it is ours."""
    text = version_of(environ, "sops", "--version", "--disable-version-check")
    return None if text is None or "fluxsecrets" in text else text.split()[1]


def node_package(environ: Mapping[str, str], name: str) -> tuple[Path, str] | None:
    """The node_modules folder that holds an npm package, and the package's version."""
    if shutil.which("node", path=environ["PATH"]) is None:
        return None
    places = [Path(text) for text in os.environ.get("NODE_MODULES", "").split(os.pathsep) if text]
    if shutil.which("npm", path=environ["PATH"]) is not None:
        text = version_of(environ, "npm", "root", "--global")
        places += [Path(text)] if text else []
    for place in places:
        package = place.absolute() / name / "package.json"
        if package.is_file():
            return place.absolute(), str(json.loads(package.read_text(encoding="utf-8"))["version"])
    return None
