"""Throw-away files on which the agent uses its code before a client waits for that: one of each format.

They are encrypted for a throw-away identity, and all are in a folder of the agent. So nothing of the user's
is read, and what modules remember has nothing to do with the user's files.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from pathlib import Path

from fluxsecrets.cli.dispatch import dispatch
from fluxsecrets.cli.dropin.dispatch import run as run_dropin

from .preloaded import preload

_KEYS = "keys.txt"
_YAML, _INI = "sample.yaml", "sample.ini"
_CONTENTS = {
    _YAML: ("yaml", b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  a: b\n  c: 1.5\n"),
    "sample.json": ("json", b'{"a": {"b": "c", "d": 1.5}}\n'),
    "sample.env": ("dotenv", b"A=b\n"),
    _INI: ("ini", b"[a]\nb = c\n"),
    "sample.bin": ("binary", b"\0"),
}
"""The name of each file, its format, and its content."""

_LAST = ["decrypt", _YAML]
_ALL = (
    ["get", _YAML, "stringData.a"],
    *([command, name] for command in ("textconv", "status", "decrypt") for name in _CONTENTS),
    # An output type takes the writer of its format.
    *(["decrypt", _INI, "--output-type", kind] for kind in ("json", "yaml", "dotenv")),
    _LAST,
)


@contextmanager
def sample_in(folder: Path) -> Iterator[Path]:
    """Make the files in a folder of their own below a private one, and remove them at the end.

    Raises:
        OSError: they can't be made.
    """
    from fluxsecrets.api import encrypt
    from fluxsecrets.keys.generate import generate_identity, identity_text

    place = folder / "sample"
    place.mkdir(mode=0o700, exist_ok=True)
    keys = place / _KEYS
    _remove_from(place)  # a killed agent's
    identity = generate_identity(datetime.now(UTC))
    keys.touch(mode=0o600)
    keys.write_text(identity_text(identity), encoding="utf-8")
    with _alone(place):
        for name, (kind, content) in _CONTENTS.items():
            (place / name).write_bytes(encrypt(content, format=kind, age=[identity.recipient]))
    try:
        yield place
    finally:
        with suppress(OSError):
            _remove_from(place)
            place.rmdir()


def _remove_from(place: Path) -> None:
    for name in (_KEYS, *_CONTENTS):
        (place / name).unlink(missing_ok=True)


def load_all(place: Path) -> None:
    """Import all that commands need, and run each of them once."""
    preload()
    with _alone(place):
        for line in _ALL:
            dispatch(line, tidy=False)
        run_dropin(["-d", _YAML], tidy=False)


def rehearse(place: Path) -> None:
    """Run one command, so that this process has a copy of its own of the memory that commands write to."""
    with _alone(place):
        dispatch(_LAST, tidy=False)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Run in the sample's folder, without the user's environment and streams."""
    environ, argv, before = dict(os.environb), list(sys.argv), os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    try:
        os.chdir(place)
        os.environb.clear()
        os.environ.update(HOME=str(place), PATH=os.defpath, SOPS_AGE_KEY_FILE=_KEYS)
        sys.argv[1:] = []
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        os.environb.clear()
        os.environb.update(environ)
        sys.argv[:] = argv
        os.fchdir(before)
        os.close(before)
