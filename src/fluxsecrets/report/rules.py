"""Rules as a table, a page, and JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from .findings_text import COLOURS
from .json import VERSION, dump
from .text import Cell, Row

if TYPE_CHECKING:
    from fluxsecrets.findings import RuleInfo

_WIDTH = 90


def rule_rows(rules: Sequence[RuleInfo]) -> list[Row]:
    """A row a rule: name, severity, title."""
    return [
        (Cell(rule.id), Cell(str(rule.severity), COLOURS[str(rule.severity)]), Cell(rule.title))
        for rule in rules
    ]


def rule_lines(rule: RuleInfo) -> list[str]:
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


def rules_json(rules: Sequence[RuleInfo]) -> str:
    """Rules for programs."""
    return dump(
        {
            "version": VERSION,
            "command": "rules",
            "rules": [{**asdict(rule), "severity": str(rule.severity)} for rule in rules],
        }
    )
