"""Doppler: manifests only. A config has names in upper case, each with one value.

The operator (providers/v1/doppler/client.go) ignores `property` and `version`.
"""

from __future__ import annotations

import re

from .model import StoreKind


def _fit(name: str) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())


def _is_changed(text: str) -> bool:
    """Whether Doppler may return another text: it expands `${NAME}`."""
    return text != text.strip() or "${" in text


KIND = StoreKind(
    name="doppler",
    title="Doppler",
    providers=("doppler",),
    template="{namespace}_{name}_{key}",
    key=re.compile(r"[A-Z_][A-Z0-9_]{0,199}"),
    key_words="capital letters, digits and _, without a digit at the start",
    fit=_fit,
    single=True,
    as_base64=_is_changed,
    ignored=frozenset({"property", "version"}),
)
