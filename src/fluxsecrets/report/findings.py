"""The table of the formats of findings. To add one: a module with a renderer, and a line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .findings_github import github_page
from .findings_gitlab import gitlab_page, quality_page
from .findings_json import json_page
from .findings_junit import junit_page
from .findings_markdown import markdown_page
from .findings_text import text_page
from .found import Found
from .page import Page
from .sarif import sarif_page

FORMATS: Mapping[str, Callable[[Found], Page]] = {
    "text": text_page,
    "json": json_page,
    "sarif": sarif_page,
    "junit": junit_page,
    "gitlab": gitlab_page,
    "codequality": quality_page,
    "github": github_page,
    "markdown": markdown_page,
}
