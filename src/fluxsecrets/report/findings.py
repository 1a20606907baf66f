"""The table of the formats of findings. To add one: a module with a renderer, and a line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .findings_json import json_page
from .findings_text import text_page
from .found import Found
from .page import Page
from .sarif import sarif_page

FORMATS: Mapping[str, Callable[[Found], Page]] = {
    "text": text_page,
    "json": json_page,
    "sarif": sarif_page,
}
