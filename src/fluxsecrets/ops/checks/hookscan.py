"""What the git hooks look at."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .scan import ScanRequest, Source


def commit_request(arguments: Sequence[str]) -> ScanRequest:
    """What the pre-commit hook scans: what is staged.

    Args:
        arguments: files that the pre-commit framework names. They are as they are staged, since it puts all
            other changes aside; with its `--all-files` they need not be staged at all. What they are judged
            by is read from the index all the same: untracked files stay where they are.
    """
    source = Source.PATHS if arguments else Source.STAGED
    return ScanRequest(Path.cwd(), source, tuple(arguments), for_commit=True)


class _Later:
    """A pattern that is compiled when it is used."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        return getattr(re.compile(*self._arguments), name)


def import_yaml() -> None:
    """Import PyYAML without compiling the patterns of its slow parser, which nothing here uses.

    That compiling takes longer than a hook may spend on all files together. It is for a process that has one
    thread and is about to scan: meanwhile `re.compile` is not itself.
    """
    if "yaml" in sys.modules:
        return
    compile_now = re.compile
    re.compile = _Later  # type: ignore[assignment]
    try:
        import yaml  # noqa: F401
    finally:
        re.compile = compile_now
