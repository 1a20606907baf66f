"""Infisical: manifests only. Its secrets have a folder, a name and one value.

The operator (providers/v1/infisical/client.go) takes all before the last `/` of a key for the folder. A key
without a `/` at its start is below the store's `secretsPath`.
"""

from __future__ import annotations

import re

from .model import StoreKind


def _fit(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def _is_changed(text: str) -> bool:
    """Whether Infisical would return another text: it trims space, and expands `${NAME}` by default."""
    return text != text.strip() or "${" in text


KIND = StoreKind(
    name="infisical",
    title="Infisical",
    providers=("infisical",),
    template="{namespace}/{name}/{key}",
    key=re.compile(r"/?(?:[A-Za-z0-9_-]+/)*[^\s:/]+"),
    key_words="folders of letters, digits, - and _, then a name without : and spaces",
    fit=_fit,
    single=True,
    as_base64=_is_changed,
    ignored=frozenset({"version"}),
    required=("secretsScope.projectSlug", "secretsScope.environmentSlug"),
)
