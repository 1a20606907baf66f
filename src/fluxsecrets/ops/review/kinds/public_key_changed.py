"""Names that stand for other keys than before, in `keys/` and `.sops.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fluxsecrets.audit.facts import Facts
from fluxsecrets.findings import Severity
from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX, RULES_NAME
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.naming import short_recipient
from fluxsecrets.sops.recipients import age, read_recipient

from .kind import Kind, describe, item, listed

INFO = describe(
    "public-key-changed",
    Severity.HIGH,
    "a name has another public key",
    why="The next encryption for that name uses the new key. If its holder did not make it, somebody else "
    "reads on.",
    fix="ask the person for the key in another way than this change, and compare it",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare the keys of each name."""
    before, after = (_by_name(side.facts) for side in (change.before, change.after))
    for name in sorted({*before, *after}):
        old, new = before.get(name, frozenset()), after.get(name, frozenset())
        gone, come = sorted(old - new), sorted(new - old)
        if not gone and not come:
            continue
        if gone and come:
            title = f"{name} is {_shown(come)}, and was {_shown(gone)}"
        elif come:
            title = f"{name} has a further key: {_shown(come)}" if old else f"new name {name}: {_shown(come)}"
        else:
            title = f"{name} has no key {_shown(gone)} any more"
        path = f"{KEYS_FOLDER}/{name}{PUBLIC_KEY_SUFFIX}"
        known = path in change.after.tree.files or path in change.before.tree.files
        severity = Severity.HIGH if come and old else Severity.MEDIUM if come else Severity.LOW
        yield item(
            INFO,
            path if known else RULES_NAME,
            title,
            name,
            severity=severity,
            hint=None if come else "",
        )


def _by_name(facts: Facts) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for recipient, name in facts.names.items():
        found.setdefault(name, set()).add(recipient)
    for key in facts.public_keys:  # a key that has another name elsewhere counts for this name, too
        found.setdefault(key.name, set()).update(key.recipients)
    return {name: frozenset(recipients) for name, recipients in found.items()}


def _shown(recipients: list[str]) -> str:
    return listed([short_recipient(read_recipient(text) or age(text)) for text in recipients])


KIND = Kind(INFO, check)
