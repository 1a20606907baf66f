"""Where reports go: one is shown or goes to `--output`, and each `--report` goes to a file of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fluxsecrets.cli.keptreport import KeptReport
from fluxsecrets.cli.output import Output, write_output
from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass
from fluxsecrets.report.page import Errors, Note, Page, Warn


class ReportFile(NamedTuple):
    """A report and the file that it goes to."""

    format: str
    path: Path


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports of one run.

    Attributes:
        report: the format of the report that is shown.
        output: the file that it goes to instead, or None.
        reports: further reports, each for a file.
    """

    report: str
    output: Path | None
    reports: tuple[ReportFile, ...] = ()

    @property
    def formats(self) -> Iterator[str]:
        """The format of each report, in the order in which they are written."""
        yield self.report
        yield from (each.format for each in self.reports)

    def refuse(self) -> None:
        """Refuse files before the work begins: a slip must not cost a file of the repository.

        Raises:
            UsageError: a file is a folder, its folder doesn't exist, git tracks it, or two reports go to it.
            GitError: git can't say whether it does.
        """
        refuse_output(self.output)
        written = set() if self.output is None else {_place(self.output)}
        for _, path in self.reports:
            refuse_output(path, "--report")
            if _place(path) in written:
                raise UsageError(
                    f"two reports would be written to {str(path)!a}", hint="name a file for each report"
                )
            written.add(_place(path))

    def write(self, out: Output, page: Callable[[str], Page]) -> None:
        """Show the report, and write the others to their files; messages are said once.

        Args:
            out: where to.
            page: makes the report of a format.

        Raises:
            FileAccessError: a file can't be written. All other reports are written before.
        """
        failed: FluxsecretsError | None = None
        try:
            show_report(out, page(self.report), self.output)
        except FluxsecretsError as error:
            failed = error
        for name, path in self.reports:
            try:
                _write(out, _without_messages(page(name)), path)
            except FluxsecretsError as error:
                failed = failed or error
        if failed is not None:
            raise failed


def refuse_output(output: Path | None, option: str = "--output") -> None:
    """Refuse a report file before the work begins: a slip must not cost a file of the repository.

    Raises:
        UsageError: it is a folder, its folder doesn't exist, or git tracks it or a link on the way to it.
        GitError: git can't say whether it does.
    """
    if output is None or str(output) == "-":
        return
    if output.is_dir() or not output.absolute().parent.is_dir():
        what = "is a folder" if output.is_dir() else "is in a folder that does not exist"
        raise UsageError(f"{option} {str(output)!a} {what}", hint="name a file in an existing folder")
    if any(map(_is_tracked, {_place(output), *_links(output)})):
        raise UsageError(
            f"{option} {str(output)!a} is a file that git tracks, or behind a link that it does",
            hint="name another file for the report",
        )


def _links(output: Path) -> Iterator[Path]:
    """Where a file and the folders above it are, those that are links: they may have come with a commit."""
    place = output.absolute()
    for each in (place, *place.parents):
        if each.is_symlink():
            yield each.parent.resolve() / each.name


def _is_tracked(place: Path) -> bool:
    """Whether git tracks a file, or the link at its place: a link that came with a commit leads anywhere."""
    from fluxsecrets.repo.git import find_repository

    repository = find_repository(place.parent)
    root = None if repository is None else Path(os.path.realpath(repository.root))
    if repository is None or root is None or not place.is_relative_to(root):
        return False
    return bool(repository.run("ls-files", "-z", "--cached", "--", place.relative_to(root).as_posix()))


def show_report(out: Output, page: Page, output: Path | None) -> None:
    """Write a report to a file, or show it.

    Raises:
        FileAccessError: the file can't be written.
    """
    if output is None or str(output) == "-":
        out.show(page)
        return
    _write(out, page, output)


def _write(out: Output, page: Page, path: Path) -> None:
    lines: list[str] = []
    out.into(lines).show(page)
    _write_lines(out, lines, path, mode=0o644)


def _write_lines(out: Output, lines: Iterable[str], path: Path, *, mode: int) -> None:
    from fluxsecrets.cli.options import make_session  # what is read without click goes to no file

    text = "".join(f"{line}\n" for line in lines)
    write_output(make_session(), out, text.encode("utf-8", "surrogateescape"), path, mode=mode)
    out.note(f"the report is in {path}")


def _without_messages(page: Page) -> Page:
    """The part of a page that is the report: the report that is shown has said the messages."""
    return (block for block in page if not isinstance(block, Note | Warn | Errors))


def _place(path: Path) -> Path:
    return path.resolve()


def write_kept(kept: KeptReport, *, quiet: bool, secret: bool) -> None:
    """Write a report that a command made to its file.

    Args:
        kept: its lines and its file.
        quiet: whether it goes without saying where the report is.
        secret: whether it may show values: then the file is for the user alone.

    Raises:
        FileAccessError: the file can't be written.
    """
    _write_lines(Output(quiet=quiet), kept.lines, kept.path, mode=0o600 if secret else 0o644)
