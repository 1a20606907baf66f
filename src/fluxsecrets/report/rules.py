"""Rules in each format of output."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from .base import here
from .findings_text import COLOURS
from .json import page, term
from .page import Lines, Page, Table
from .text import Cell, Row

if TYPE_CHECKING:
    from fluxsecrets.findings import RuleInfo

    from .wire import findings as wire

_WIDTH = 80


def _list_page(rules: Sequence[RuleInfo]) -> Page:
    return [Table(_rows(rules))]


def _rule_page(rules: Sequence[RuleInfo]) -> Page:
    return [Lines(_lines(rule)) for rule in rules]


def _json_page(rules: Sequence[RuleInfo]) -> Page:
    data: wire.Rules = {
        "rules": [
            {
                "id": rule.id,
                "title": rule.title,
                "severity": term(rule.severity),
                "explanation": rule.explanation,
                "fix": rule.fix,
                "docs": rule.docs,
            }
            for rule in rules
        ]
    }
    return page("rules", data, here())


LIST_FORMATS: Mapping[str, Callable[[Sequence[RuleInfo]], Page]] = {"text": _list_page, "json": _json_page}
RULE_FORMATS: Mapping[str, Callable[[Sequence[RuleInfo]], Page]] = {"text": _rule_page, "json": _json_page}


def _rows(rules: Sequence[RuleInfo]) -> list[Row]:
    """A row per rule: name, severity, title."""
    return [
        (Cell(rule.id), Cell(str(rule.severity), COLOURS[str(rule.severity)]), Cell(rule.title))
        for rule in rules
    ]


def _lines(rule: RuleInfo) -> list[str]:
    """A rule as a page."""
    return [
        f"{rule.id}: {rule.title}, {rule.severity}",
        "",
        *textwrap.wrap(rule.explanation, _WIDTH),
        "",
        *textwrap.wrap(f"What to do: {rule.fix}", _WIDTH),
        "",
        f"More: docs/{rule.docs}",
    ]
