"""The manual pages of the release."""

from __future__ import annotations

import shutil
from pathlib import Path


def copy_man_pages(source: Path, folder: Path) -> Path:
    """Copy the commit's manual pages into a folder, which is made, and return it."""
    folder.mkdir(parents=True)
    for page in sorted(source.glob("docs/man/*.1")):
        shutil.copy(page, folder)
    return folder
