"""What a change does to secrets, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from . import findings
from .page import Page
from .review_found import found_by_review
from .review_json import json_page
from .review_markdown import markdown_page
from .review_text import text_page

if TYPE_CHECKING:
    from fluxsecrets.ops.review.model import Review


def _as_findings(name: str) -> Callable[[Review, str], Page]:
    """A format of findings, in which each item is one."""
    return lambda review, version: findings.FORMATS[name](found_by_review(review, version))


FORMATS: Mapping[str, Callable[[Review, str], Page]] = {
    **{name: _as_findings(name) for name in findings.FORMATS},
    "text": lambda review, _: text_page(review),
    "json": lambda review, _: json_page(review),
    "markdown": lambda review, _: markdown_page(review),
}
"""Renderers, which also take the version of the program."""
