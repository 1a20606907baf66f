"""The CI jobs that come with fluxsecrets."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fluxsecrets.errors import FileAccessError

_FOLDER = "ci"


def read_job(name: str) -> bytes:
    """Return a job by its file's name.

    A wheel has the folder `ci` of the sources in the package; the sources have it beside `src`.

    Raises:
        FileAccessError: this installation does not have it.
    """
    package = files("fluxsecrets")
    installed = package / _FOLDER / name
    if installed.is_file():
        return installed.read_bytes()
    sources = Path(str(package)).parents[1] / _FOLDER / name
    if sources.is_file():
        return sources.read_bytes()
    raise FileAccessError(
        "this installation of fluxsecrets lacks its CI jobs", hint="install it again", path=name
    )
