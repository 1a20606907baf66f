"""The token rules: one file a group of providers, and one line here to add a group."""

from __future__ import annotations

from .model import TokenRule

__all__ = ["TOKEN_RULES", "TokenRule"]

TOKEN_RULES: tuple[TokenRule, ...] = ()
