"""Which values of a Secret's manifest a creation rule would encrypt."""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.discover import SecretKind
from fluxsecrets.sops.selectors import Selector, compile_selector

from .model import Secret

DATA_FIELDS = ("data", "stringData")
"""Where a Secret has its values."""


def manifest_selector(secret: Secret) -> Selector | None:
    """The selector that the rule of a Secret's manifest names.

    Returns:
        None if the content is not a manifest, if the rule names no selector (then one that fits is taken),
        or if it looks at comments or is invalid, which other rules report.
    """
    if secret.file.kind is not SecretKind.MANIFEST or secret.rule is None or secret.rule.selector is None:
        return None
    try:
        selector = compile_selector(secret.rule.selector)
    except FluxsecretsError:
        return None
    return None if selector.uses_comments else selector


def own_selector(secret: Secret) -> Selector | None:
    """The selector that an encrypted file names itself, where that is valid."""
    if secret.metadata is None:
        return None
    try:
        return compile_selector(secret.metadata.selector)
    except FluxsecretsError:
        return None
