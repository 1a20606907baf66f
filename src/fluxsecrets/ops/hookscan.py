"""What the git hooks look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fluxsecrets.ops.scan import ScanRequest, Source


def commit_request(arguments: Sequence[str]) -> ScanRequest:
    """What the pre-commit hook scans: what is staged.

    Args:
        arguments: files that the pre-commit framework names. They are as they are staged, since it puts all
            other changes aside; with its `--all-files` they need not be staged at all.
    """
    return ScanRequest(Path.cwd(), Source.PATHS if arguments else Source.STAGED, tuple(arguments))
