"""Creation rules that leave values of a Secret plain."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.model import Secret
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.selection import DATA_FIELDS, manifest_selector
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.manifests import is_reference
from fluxsecrets.sops.document import Leaf, show_path
from fluxsecrets.sops.selection import is_empty
from fluxsecrets.sops.selectors import Selector

INFO = describe(
    "selector-misses-data",
    Severity.CRITICAL,
    "a selector leaves a Secret's values plain",
    why="The file looks encrypted, and its `sops` block is complete, but values under data or stringData "
    "stay plain. Every tool accepts that, including sops.",
    fix="use `encrypted_regex: ^(data|stringData)$` in the rule and encrypt the file again; values that "
    "were committed are leaked: change them",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each Secret with a value under data or stringData that the rule's selector does not cover."""
    for secret in facts.secrets:
        selector = manifest_selector(secret)
        missed = _missed(secret, selector) if selector is not None else []
        if missed and secret.rule is not None and secret.config is not None:
            first = missed[0]
            more = f" and {len(missed) - 1} more" if len(missed) > 1 else ""
            message = f"the rule's selector leaves {show_path(first.path)}{more} plain"
            yield found(
                INFO,
                secret.path,
                first.line,
                message,
                related=[Location(secret.config.path, secret.rule.line)],
            )


def _missed(secret: Secret, selector: Selector) -> list[Leaf]:
    leaves = secret.document.leaves if secret.document is not None else ()
    return [
        leaf
        for leaf in leaves
        if leaf.path[0] in DATA_FIELDS
        and not is_empty(leaf.value)
        and not is_reference(leaf.value)
        and not selector.encrypts(leaf.path)
    ]


RULE = AuditRule(INFO, Group.PROTECTION, check)
