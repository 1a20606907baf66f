"""The version of Flux that an environment has, and what says so, as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fluxsecrets.flux.release import Release

if TYPE_CHECKING:
    from .wire import flux as wire


def release_data(release: Release | None, show_path: Callable[[str], str]) -> wire.FluxRelease | None:
    """Return it as data."""
    if release is None:
        return None
    return {
        "version": release.version,
        "by": release.by,
        "file": None if release.file is None else show_path(release.file),
        "line": release.line,
    }
