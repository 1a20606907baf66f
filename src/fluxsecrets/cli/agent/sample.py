"""A throw-away file on which the agent uses its code before a client waits for that.

It is encrypted for a throw-away identity, and both are in a folder of the agent. So nothing of the user's
is read, and what modules remember has nothing to do with the user's files.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from fluxsecrets.cli.dispatch import dispatch
from fluxsecrets.cli.dropin.dispatch import run as run_dropin

_NAME, _KEYS = "sample.yaml", "keys.txt"
_CONTENT = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: sample\nstringData:\n  sample: sample\n"

_ALL = (
    ["get", _NAME, "stringData.sample"],
    ["textconv", _NAME],
    ["status", _NAME],
    ["decrypt", _NAME],
)


@contextmanager
def sample_in(folder: Path) -> Iterator[Path]:
    """Make the file in a folder of its own below a private one, and remove it at the end.

    Raises:
        OSError: it can't be made.
    """
    from fluxsecrets.api import encrypt
    from fluxsecrets.keys.generate import generate_identity, identity_text

    place = folder / "sample"
    place.mkdir(mode=0o700, exist_ok=True)
    keys, file = place / _KEYS, place / _NAME
    for one in (keys, file):  # a killed agent's
        one.unlink(missing_ok=True)
    identity = generate_identity(datetime.now(UTC))
    keys.touch(mode=0o600)
    keys.write_text(identity_text(identity), encoding="utf-8")
    with _alone(place):
        file.write_bytes(encrypt(_CONTENT, age=[identity.recipient]))
    try:
        yield place
    finally:
        with suppress(OSError):
            keys.unlink()
            file.unlink()
            place.rmdir()


def load_all(place: Path) -> None:
    """Run each command once, which imports all that they need."""
    for name in ("app", "decrypt", "values", "status", "textconv"):  # what unusual options take
        import_module(f"fluxsecrets.cli.{name}")
    with _alone(place):
        for line in _ALL:
            dispatch(line, tidy=False)
        run_dropin(["-d", _NAME], tidy=False)


def rehearse(place: Path) -> None:
    """Run one command, so that this process has a copy of its own of the memory that commands write to."""
    with _alone(place):
        dispatch(["decrypt", _NAME], tidy=False)


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
