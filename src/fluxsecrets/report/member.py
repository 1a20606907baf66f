"""Places in archives, for tools that open the file of a finding and know of no files in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxsecrets.marks import archive_of

if TYPE_CHECKING:
    from fluxsecrets.findings import Location


def file_place(place: Location) -> tuple[Location, str]:
    """Return the place to open, and what a message adds to it.

    Args:
        place: of a finding; its path may be `backup.zip!etc/db.yaml`.

    Returns:
        The archive without a line, and ` (in etc/db.yaml:3)`; of any other file the place itself, and "".
    """
    archive = archive_of(place.path)
    if archive == place.path:
        return place, ""
    inner = place.path[len(archive) + 1 :]
    line = "" if place.line is None else f":{place.line}"
    return place._replace(path=archive, line=None, column=None), f" (in {inner}{line})"
