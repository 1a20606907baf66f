"""Encrypted values that a comment in the same file repeats."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.model import Secret
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.selection import own_selector
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.shell import word
from fluxsecrets.sops.document import Comment, Path, leaves_of
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.traces import values_in_comments
from fluxsecrets.sops.values import Value

INFO = describe(
    "value-in-comment",
    Severity.HIGH,
    "a comment holds an encrypted value",
    why="Comments outside the encrypted part stay plain text, such as `# was hunter2` above the metadata. "
    "Everyone who can read the repository can read the value there.",
    fix="remove it from the comment; it is in the history, so change the value: `fluxsecrets set FILE KEY "
    "--generate password:32`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each plain comment that contains a value which is encrypted in the same file."""
    for secret in facts.secrets:
        comments = _plain_comments(secret)
        if comments:
            for trace in values_in_comments(_values(secret), comments):
                message = f"this comment holds the value of {trace.path}"
                words = {"KEY": word(trace.path)}
                yield found(INFO, secret.path, trace.comment.line, message, trace.path, words=words)


def _plain_comments(secret: Secret) -> list[Comment]:
    selector, document = own_selector(secret), secret.document
    if (
        secret.opened is None
        or selector is None
        or document is None
        or make_format(document.format).single_value
    ):
        return []
    return [item for item, yes in selected(document, selector) if isinstance(item, Comment) and not yes]


def _values(secret: Secret) -> Iterator[tuple[Path, Value]]:
    document = secret.document
    for encrypted, plain in zip(document.parts if document else (), secret.opened or (), strict=False):
        hidden = {leaf.path for leaf in leaves_of(encrypted) if is_ciphertext(leaf.value)}
        yield from ((leaf.path, leaf.value) for leaf in leaves_of(plain) if leaf.path in hidden)


RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
