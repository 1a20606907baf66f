"""The token rules: one file a group of providers, and one line here to add a group.

Where two rules find the same bytes, the earlier one counts: what is special stands before what is general.
"""

from __future__ import annotations

from . import (
    ai,
    ci,
    clouds,
    clusters,
    code,
    data,
    dns,
    hosting,
    infra,
    keys,
    messaging,
    observability,
    payment,
)
from .clouds import PAIRS
from .model import Pair, TokenRule

__all__ = ["PAIRS", "TOKEN_RULES", "Pair", "TokenRule"]

TOKEN_RULES: tuple[TokenRule, ...] = (
    *messaging.RULES,
    *clouds.RULES,
    *dns.RULES,
    *hosting.RULES,
    *code.RULES,
    *payment.RULES,
    *ai.RULES,
    *observability.RULES,
    *data.RULES,
    *infra.RULES,
    *clusters.RULES,
    *ci.RULES,
    *keys.RULES,
)
