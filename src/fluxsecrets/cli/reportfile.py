"""`--output` of `scan` and `audit`: the report goes to a file, all messages stay where they are."""

from __future__ import annotations

import os
from pathlib import Path

from fluxsecrets.cli.options import make_session
from fluxsecrets.cli.output import Output, write_output
from fluxsecrets.errors import UsageError
from fluxsecrets.report.page import Page


def refuse_output(output: Path | None) -> None:
    """Refuse a report file before the work begins: a slip must not cost a file of the repository.

    Raises:
        UsageError: it is a folder, its folder doesn't exist, or git tracks it.
        GitError: git can't say whether it does.
    """
    if output is None or str(output) == "-":
        return
    if output.is_dir() or not output.absolute().parent.is_dir():
        what = "is a folder" if output.is_dir() else "is in a folder that does not exist"
        raise UsageError(f"--output {str(output)!a} {what}", hint="name a file in an existing folder")
    from fluxsecrets.repo.git import find_repository

    place = output.resolve()
    repository = find_repository(place.parent)
    root = None if repository is None else Path(os.path.realpath(repository.root))
    if repository is None or root is None or not place.is_relative_to(root):
        return
    name = place.relative_to(root).as_posix()
    if repository.run("ls-files", "-z", "--cached", "--", name):
        raise UsageError(
            f"--output {str(output)!a} is a file that git tracks", hint="name another file for the report"
        )


def show_report(out: Output, page: Page, output: Path | None) -> None:
    """Write a report to a file, or show it.

    Raises:
        FileAccessError: the file can't be written.
    """
    if output is None or str(output) == "-":
        out.show(page)
        return
    lines: list[str] = []
    out.into(lines).show(page)
    text = "".join(f"{line}\n" for line in lines)
    write_output(make_session(), out, text.encode("utf-8", "surrogateescape"), output, mode=0o644)
    out.note(f"the report is in {output}")
