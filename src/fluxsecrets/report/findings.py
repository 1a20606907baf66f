"""The table of the formats of findings. To add one: a module with a renderer, and a line in `FORMATS`.

A run renders one format as a rule, so each module is imported when its format is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .found import Found
    from .page import Page


def _text(found: Found) -> Page:
    from .findings_text import text_page

    return text_page(found)


def _json(found: Found) -> Page:
    from .findings_json import json_page

    return json_page(found)


def _sarif(found: Found) -> Page:
    from .sarif import sarif_page

    return sarif_page(found)


def _junit(found: Found) -> Page:
    from .findings_junit import junit_page

    return junit_page(found)


def _gitlab(found: Found) -> Page:
    from .findings_gitlab import gitlab_page

    return gitlab_page(found)


def _quality(found: Found) -> Page:
    from .findings_gitlab import quality_page

    return quality_page(found)


def _github(found: Found) -> Page:
    from .findings_github import github_page

    return github_page(found)


def _markdown(found: Found) -> Page:
    from .findings_markdown import markdown_page

    return markdown_page(found)


FORMATS: Mapping[str, Callable[[Found], Page]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "junit": _junit,
    "gitlab": _gitlab,
    "codequality": _quality,
    "github": _github,
    "markdown": _markdown,
}
