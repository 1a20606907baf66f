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
    delivery,
    dns,
    home,
    hooks,
    hosting,
    identity,
    infra,
    keys,
    mail,
    media,
    messaging,
    networks,
    observability,
    payment,
    services,
    social,
    storage,
    stores,
)
from .clouds import PAIRS
from .model import Pair, TokenRule

__all__ = ["PAIRS", "TOKEN_RULES", "Pair", "TokenRule"]

TOKEN_RULES: tuple[TokenRule, ...] = (
    *messaging.RULES,
    *mail.RULES,
    *hooks.RULES,
    *clouds.RULES,
    *services.RULES,
    *dns.RULES,
    *delivery.RULES,
    *hosting.RULES,
    *storage.RULES,
    *code.RULES,
    *identity.RULES,
    *networks.RULES,
    *social.RULES,
    *stores.RULES,
    *payment.RULES,
    *ai.RULES,
    *observability.RULES,
    *data.RULES,
    *infra.RULES,
    *clusters.RULES,
    *ci.RULES,
    *media.RULES,
    *home.RULES,
    *keys.RULES,
)
