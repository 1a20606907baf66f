"""Ways to write a password down that are not assignments, as tables: one module per kind of text."""

from __future__ import annotations

from .commands import COMMANDS
from .lines import LINES
from .model import SAMPLE, Form, Place
from .texts import TEXTS

__all__ = ["COMMANDS", "FORMS", "LINES", "SAMPLE", "TEXTS", "Form", "Place"]

FORMS: tuple[Form, ...] = (*COMMANDS, *LINES, *TEXTS)
"""All of them. Where two find the same value, the earlier one reports it."""
