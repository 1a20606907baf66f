"""Where a new value comes from, for `set` and `propose`."""

from __future__ import annotations

import sys
from pathlib import Path

from fluxsecrets.errors import LimitError, UsageError
from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.session import Session


class ValueSource(NamedTuple):
    """Where a new value comes from.

    Attributes:
        value: as an argument, or None.
        from_stdin: from standard input.
        value_file: from a file, byte for byte.
        spec: generated, such as `password:32`.
    """

    value: str | None = None
    from_stdin: bool = False
    value_file: Path | None = None
    spec: str | None = None

    def refuse_two(self, words: str) -> None:
        """Refuse a value that is given twice; `words` are the ways to give one.

        Raises:
            UsageError: it is.
        """
        if sum(each not in (None, False) for each in self) > 1:
            raise UsageError("the value is given twice", hint=f"give one of {words}")


def read_value(session: Session, source: ValueSource, hint: str) -> bytes:
    """Return the value's bytes, from wherever they are given; ask at a terminal if nothing says where.

    Raises:
        UsageError: nothing says where, and nobody can be asked.
        LimitError, FileAccessError: it is too large, or its file can't be read.
    """
    if source.value is not None:
        return source.value.encode("utf-8", "surrogateescape")
    if source.spec is not None:
        from fluxsecrets.ops.files.generated import generate

        return generate(source.spec).encode()
    if source.value_file is not None:
        from fluxsecrets.files.reading import read_file

        return read_file(session.cwd / source.value_file, limit=session.limits.size, follow_links=True).data
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    if at_terminal:
        import click

        answer: str = click.prompt("value", hide_input=True, confirmation_prompt=True, err=True)
        return answer.encode("utf-8", "surrogateescape")
    if not source.from_stdin:
        raise UsageError("no value is given", hint=hint)
    data = sys.stdin.buffer.read(session.limits.size + 1) if sys.stdin is not None else b""
    if len(data) > session.limits.size:
        raise LimitError(f"the value is too large: the limit is {session.limits.size // 2**20} MiB")
    return _without_line_break(data)


def _without_line_break(data: bytes) -> bytes:
    r"""A single line without its break, which `echo` adds; what has several lines stays as it is."""
    line = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    return data if b"\n" in line else line
