"""The version of Flux that an environment has, and what says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fluxsecrets.flux.release import Release
from fluxsecrets.flux.since import NEWEST, is_newer

if TYPE_CHECKING:
    from .wire import flux as wire


def release_text(release: Release | None, show_path: Callable[[str], str]) -> str:
    """Return a sentence such as `Flux 2.8, from flux_version (.fluxsecrets.yaml:3)`."""
    if release is None:
        return f"nothing says which version of Flux it has, so 2.{NEWEST} is assumed"
    place = "" if release.file is None else f" ({show_path(release.file)}:{release.line})"
    newer = f"; what changed after 2.{NEWEST} is not known here" if is_newer(release.version) else ""
    return f"Flux {release.version}, from {release.by}{place}{newer}"


def release_data(release: Release | None, show_path: Callable[[str], str]) -> wire.FluxRelease | None:
    """Return the same for JSON."""
    if release is None:
        return None
    return {
        "version": release.version,
        "by": release.by,
        "file": None if release.file is None else show_path(release.file),
        "line": release.line,
    }
