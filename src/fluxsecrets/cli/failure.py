"""A failure as JSON: with `--format json`, a command prints one object, even if its command line is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from fluxsecrets.errors import FluxsecretsError

_RUN_OTHERS = ("exec-env", "exec-file")
"""Commands whose arguments are those of another program."""


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether a command line asks for JSON. It may be one that cannot be parsed."""
    if arguments[:1] and arguments[0] in _RUN_OTHERS:
        return False
    report = None
    for text, after in zip(arguments, [*arguments, ""][1:], strict=True):
        if text == "--":
            break
        if text == "--format":
            report = after
        elif text.startswith("--format="):
            report = text.partition("=")[2]
    return report == "json"


class Answer:
    """The one object that a command line prints."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Take the command line, without the program's name."""
        self._arguments = arguments
        self._stream: _Noted | None = None

    @contextmanager
    def expected(self) -> Iterator[None]:
        """Note whether the command prints something."""
        if sys.stdout is None:  # closed, which is an error of its own
            yield
            return
        noted: Any = _Noted(sys.stdout)
        self._stream = noted
        with redirect_stdout(noted):
            yield

    def fail(self, error: FluxsecretsError) -> None:
        """Print an error, unless the command has printed its result."""
        if self._stream is None or self._stream.used:
            return
        from fluxsecrets.report.base import here
        from fluxsecrets.report.json import failure_page

        from .output import Output

        Output().show(failure_page(_command_of(self._arguments), error, here()))


def _command_of(arguments: Sequence[str]) -> str | None:
    """Return what `command` says in the objects of a command line; None if there is no such command."""
    from fluxsecrets.report.wire.outputs import OUTPUTS

    from .commands import COMMANDS

    name, *rest = arguments or [""]
    longer = next((f"{name} {word}" for word in rest if f"{name} {word}" in OUTPUTS), None)
    return longer or (name if name in COMMANDS else None)


class _Noted:
    """A stream that notes whether something was written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.used = False

    def write(self, text: str) -> int:
        written = self._stream.write(text)
        self.used = self.used or bool(text)
        return written

    @property
    def buffer(self) -> object:
        self.used = True
        return self._stream.buffer

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
