"""Encrypted comments in places where nothing decrypts them."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.model import Secret
from fluxsecrets.audit.rule import AuditRule, Group, found
from fluxsecrets.audit.selection import own_selector
from fluxsecrets.findings import Finding
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.scan.structure.sops import MOVED as INFO
from fluxsecrets.sops.document import Comment, Document
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.selection import selected


def check(facts: Facts) -> Iterator[Finding]:
    """Find each encrypted comment outside the encrypted part, as `scan` does, or that does not decrypt."""
    for secret, _ in facts.encrypted():
        for comment in _outside(secret):
            message = "a comment outside of the encrypted part is a ciphertext"
            yield found(INFO, secret.path, comment.line, message, comment.text.strip())
        for comment in _unopened(secret):
            message = (
                "a comment is a ciphertext that was bound to another place, or encrypted with another key"
            )
            yield found(INFO, secret.path, comment.line, message, comment.text.strip())


def _outside(secret: Secret) -> Iterator[Comment]:
    selector, document = own_selector(secret), secret.document
    if selector is None or document is None or make_format(document.format).single_value:
        return
    for item, encrypts in selected(document, selector):
        if isinstance(item, Comment) and not encrypts and is_ciphertext(item.text):
            yield item


def _unopened(secret: Secret) -> Iterator[Comment]:
    if secret.opened is None:
        return
    outside = {comment.start for comment in _outside(secret)}
    for item in Document("", "", secret.opened, None).items:
        if isinstance(item, Comment) and item.start not in outside and is_ciphertext(item.text):
            yield item


RULE = AuditRule(INFO, Group.PROTECTION, check)
