"""The user's home folder, in which the programs of clouds keep log-ins."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def home_folder(environ: Mapping[str, str]) -> Path:
    """Return the home folder: that of the environment, or else that of the account."""
    return Path(environ.get("USERPROFILE" if sys.platform == "win32" else "HOME") or os.path.expanduser("~"))  # noqa: PTH111
