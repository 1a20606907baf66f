"""The secrets of a repository as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxsecrets.ops.files.inventory import Inventory

from .base import here
from .json import error_or_null, page
from .page import Page

if TYPE_CHECKING:
    from .wire import state as wire


def json_page(found: Inventory) -> Page:
    """Return the secrets as JSON."""
    base = here().at_root
    data: wire.Inventory = {
        "environments": [{"name": name, "folder": folder} for name, folder in found.environments],
        "files": [
            {
                "path": each.path,
                "format": each.format,
                "encrypted": each.encrypted,
                "reason": each.reason,
                "environments": list(each.environments),
                "keys": list(each.keys),
                "error": error_or_null(each.error, base),
            }
            for each in found.files
        ],
    }
    return page("list", data, base)
