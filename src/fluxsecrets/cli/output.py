"""Where results and messages go: results to standard output, everything else to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import DataKeyError, FileAccessError, FluxsecretsError
from fluxsecrets.files.reading import FileIdentity, changed_error, identity_of, names_open_file, read_file
from fluxsecrets.shell import command_again, file_word

from .keptreport import kept_report
from .terminal import echo, marked, plain, style, width

TYPE_CHECKING = False
if TYPE_CHECKING:  # what goes out as it is needs no layout
    from typing import TypeVar

    from fluxsecrets.findings import Finding
    from fluxsecrets.ops.run.results import BatchResult
    from fluxsecrets.ops.run.session import Session
    from fluxsecrets.report.page import Page
    from fluxsecrets.report.text import Cell, Row

    Item = TypeVar("Item")


_UNSEEN = FileIdentity(-1, -1, -1, -1)


class Output:
    """Writes for people at a terminal, and plainly elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Take whether anything but results and errors is wanted.

        Results are kept for the file of `--output`, if the command has one.
        """
        self._quiet = quiet
        kept = kept_report()
        self._lines: list[str] | None = None if kept is None else kept.lines

    def into(self, lines: list[str]) -> Output:
        """Return an output whose results are added to lines; its messages go where those of this one go."""
        made = Output(quiet=self._quiet)
        made._lines = lines
        return made

    def data(self, data: bytes) -> None:
        """Write a result that is bytes, as it is."""
        sys.stdout.flush()
        rest = memoryview(data)
        while rest:  # with PYTHONUNBUFFERED a write may take a part only
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()

    def show(self, page: Page) -> None:
        """Write a result: what belongs to it to standard output, everything else to standard error."""
        from fluxsecrets.report import page as blocks

        for block in page:
            match block:
                case blocks.Table(rows, outline):
                    self.table(rows, outline=outline)
                case blocks.Lines(lines):
                    self.text(lines)
                case blocks.Sentence(text, style, indent, before):
                    self._sentence(text, style, indent, before)
                case blocks.Heading(cells, indent, first):
                    self._heading(cells, indent, first)
                case blocks.FindingList(findings, show_path):
                    self._findings(findings, show_path)
                case blocks.Note(text):
                    self.note(text)
                case blocks.Warn(line):
                    self.warning(line)
                case blocks.Errors(errors):
                    self.errors(errors)

    def text(self, lines: Iterable[str]) -> None:
        """Write a result that is text."""
        if self._lines is not None:
            self._lines += lines
            return
        for line in lines:
            echo(line)
        sys.stdout.flush()  # before messages about it

    def table(self, rows: Sequence[Row], *, outline: bool = False) -> None:
        """Write rows, aligned; at a terminal in colour, and on two lines each where it is too narrow."""
        from fluxsecrets.report.text import laid_out

        columns, show = self._looks()
        self.text(laid_out(rows, columns, show, outline=outline))

    def _heading(self, cells: Row, indent: str, first: str) -> None:
        from fluxsecrets.report.text import flowing

        columns, show = self._looks()
        self.text(flowing(cells, columns, show, first=first, rest=indent))

    def _sentence(self, text: str, style: str, indent: str, before: Cell | None) -> None:
        from fluxsecrets.report.text import Cell, wrapped

        columns, show = self._looks()
        first, *rest = [indent + text] if columns is None else wrapped(text, columns, indent)
        head = ""
        if before is not None:
            head, first = show(before) + indent[len(before.text) :], first[len(indent) :]
        self.text([head + show(Cell(first, style)), *(show(Cell(line, style)) for line in rest)])

    def _findings(self, findings: Sequence[Finding], show_path: Callable[[str], str]) -> None:
        from fluxsecrets.report.findings_text import findings_lines

        columns, show = self._looks()
        self.text(findings_lines(findings, show_path, show, columns))

    def _looks(self) -> tuple[int | None, Callable[[Cell], str]]:
        """The columns that results have, and how their cells are shown."""
        return (width(), style()) if self._lines is None else (None, plain)

    def progress(self, items: Iterator[Item], total: int, label: str) -> Iterator[Item]:
        """Pass items on, with a progress bar where there are many and somebody is looking."""
        if self._quiet or total == 1:
            return items
        from .progress import with_progress  # only for many files

        return with_progress(items, total, label)

    def watch(self, label: str) -> Callable[[Iterator[Item], int], Iterator[Item]]:
        """What an operation passes its items through: a progress bar with this label."""
        return lambda items, total: self.progress(items, total, label)

    def plan(self, lines: Iterable[str], report: str) -> None:
        """Say what is about to happen; other formats than text tell only what happened."""
        for line in lines if report == "text" else ():
            self.note(line)

    def note(self, text: str) -> None:
        """Say something that is neither a result nor an error."""
        if not self._quiet:
            for part in _fitting(_printable(text)):
                echo(part, err=True)

    def warning(self, line: str) -> None:
        """Say a warning, complete with its word."""
        if not self._quiet:
            for part in _fitting(_printable(line)):
                echo(marked(part, "warning:", "yellow"), err=True)

    def error(self, error: FluxsecretsError) -> None:
        """Say what is wrong and what to do."""
        self.errors([error])

    def errors(self, errors: Sequence[FluxsecretsError]) -> None:
        """Say what is wrong with many files, what is the same for several once."""
        if not errors:
            return
        from fluxsecrets.report.errors import error_lines, similar_errors

        for similar in similar_errors(errors):
            error, names = similar.error, dict[str, str]()
            if isinstance(error, DataKeyError) and error.tried is not None and error.path is not None:
                from fluxsecrets.ops.run.people import names_of_tried

                with suppress(Exception):  # names are an extra; the error itself must be said
                    names = names_of_tried(error.tried, Path.cwd() / error.path)
            for line in error_lines(similar, names):
                for part in _fitting(line):
                    echo(marked(part, "error:", "red"), err=True)


def show_rekeyed(out: Output, command: str, batch: BatchResult, report: str) -> int:
    """Show the results of a command that changes who can open files; its exit code."""
    from fluxsecrets.report.rekey import FORMATS

    out.show(FORMATS[report](command, batch))
    return 2 if batch.failed else 0


def say_plain(out: Output, paths: Sequence[str], environment: str | None = None) -> None:
    """Say that plain text was put on disk."""
    command = command_again("encrypt", paths, environment)
    out.note(f"plain text is on disk now: run {command} before you commit")


def write_plain(session: Session, out: Output, data: bytes, output: Path | None) -> None:
    """Write plain text to a file for the user alone, and say so; or to standard output.

    Raises:
        FileAccessError: see `write_output`.
    """
    write_output(session, out, data, output, mode=0o600)
    if output is None or str(output) == "-" or not (session.cwd / output).is_file():
        return
    if session.find_config(Path(os.path.realpath(session.cwd / output.parent))) is not None:
        say_plain(out, [str(output)])
    else:  # no rule there could be for it
        out.note(f"plain text is on disk now: delete {file_word(str(output))} when it is no longer needed")


def seen_now(path: Path) -> FileIdentity | None:
    """The state of a file that a result will be written to; None if it does not exist."""
    try:
        return identity_of(path.stat())
    except (OSError, ValueError):  # ValueError: a null character
        return None


def write_output(session: Session, out: Output, data: bytes, output: Path | None, *, mode: int) -> None:
    """Write a result to a file, or to standard output for None or `-`.

    An existing file is replaced atomically, if it is as it was when the command began; pipes and devices are
    written to. A new file gets `mode`.

    Raises:
        FileAccessError: it cannot be written, or another program wrote it meanwhile.
    """
    if output is None or str(output) == "-":
        out.data(data)
        return
    path = session.cwd / output
    try:
        if path.exists() and not path.is_dir() and (not path.is_file() or names_open_file(path)):
            path.write_bytes(data)
        else:
            note = _write_file(path.resolve(), data, mode, session.outputs.get(output, _UNSEEN))
            show_warnings(out, str(output), () if note is None else (note,))
    except OSError as error:
        from fluxsecrets.files.reasons import reason_of  # only when something fails

        reason, hint = reason_of(error)
        raise FileAccessError(f"cannot be written: {reason}", hint=hint, path=str(output)) from None
    except FluxsecretsError as error:
        error.path = str(output)
        raise


def _write_file(path: Path, data: bytes, mode: int, seen: FileIdentity | None) -> str | None:
    from fluxsecrets.files.swap import APPEARED, CHANGED, REMOVED
    from fluxsecrets.files.writing import write_atomic, write_new  # printing does without it

    before = None
    if os.path.lexists(path):
        before = read_file(path, limit=sys.maxsize)
    if seen is not _UNSEEN and seen != (before.identity if before is not None else None):
        what = APPEARED if seen is None else REMOVED if before is None else CHANGED
        raise changed_error(path, what)
    if before is None:
        write_new(path, data, mode)
        return None
    return write_atomic(path, data, expected=before)


def show_warnings(out: Output, path: str, warnings: Iterable[str]) -> None:
    """Show what the user should know about a file."""
    for warning in warnings:
        out.warning(f"warning: {path}: {warning}")


def warn_of_dead_hooks(out: Output) -> None:
    """Say that hooks which were installed in this repository do nothing."""
    from fluxsecrets.ops.hooks.present import may_have_hooks

    if not may_have_hooks(os.getcwd()):  # noqa: PTH109
        return
    from fluxsecrets.ops.hooks.state import dead_hooks

    for state in dead_hooks(Path.cwd()):
        does = "does not come last" if state.late else "checks nothing here"
        what = f"the {state.hook} hook {does}: {state.problem}"
        out.warning(f"warning: {what}; see `fluxsecrets hook status`")


def _printable(text: str) -> str:
    from fluxsecrets.report.text import printable

    return printable(text)


def _fitting(line: str) -> list[str]:
    """A line as those that fit on the terminal for messages, all but the first one indented."""
    columns = width(sys.stderr)
    if columns is None or len(line) < columns // 2:
        return [line]
    from fluxsecrets.report.text import text_width, wrapped

    if text_width(line) <= columns:
        return [line]
    own = line[: len(line) - len(line.lstrip())]
    first, *rest = wrapped(line, columns, f"{own}  ")
    return [own + first.lstrip(), *rest]
