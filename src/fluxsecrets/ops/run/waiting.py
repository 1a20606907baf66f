"""Whether the work on a file waits for a key service, which decides how many files are worked on at once.

Contents are looked at as bytes: each was not parsed yet. In doubt the answer is yes. Such work is spread over
threads, which is right for all kinds of keys; processes would only be faster where nobody waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS, Recipient

from .inputs import Target
from .session import Session

_GROUPS = b"shamir_threshold"


def waits_to_wrap(session: Session, recipients: Collection[Recipient]) -> bool:
    """Return whether encrypting for some recipients waits for a service."""
    return any(session.providers[kind].waits for kind in {each.kind for each in recipients})


def waits_to_open(session: Session, data: bytes) -> bool:
    """Return whether decrypting a content waits for a service: no identity at hand comes first."""
    waiting = _waiting_kinds(session, data)
    if not waiting:
        return False
    order = list(session.providers)
    last = min(order.index(kind) for kind in waiting)
    if _GROUPS in data or "age" in waiting or order.index("age") > last or not has_sign("age", data):
        return True
    age = session.providers["age"]
    return not any(age.at_hand(each) for each in _age_recipients(data))


def waits_for_block(session: Session, metadata: Metadata) -> bool:
    """Return whether opening a parsed `sops` block waits for a service."""
    recipients = [key.recipient for key in metadata.wrapped_keys]
    if not waits_to_wrap(session, recipients):
        return False
    at_hand = any(session.providers[each.kind].at_hand(each) for each in recipients)
    return len(metadata.key_groups) > 1 or not at_hand


def waits_for_file(session: Session, target: Target) -> bool:
    """Return whether decrypting a file of a command waits for a service."""
    return target.problem is None and waits_for_path(session, target.path)


def waits_for_path(session: Session, path: Path) -> bool:
    """Return whether decrypting a file waits for a service."""
    return waits_to_open(session, _content(session, path))


def waits_to_rekey(session: Session, added: Collection[Recipient], target: Target) -> bool:
    """Return whether wrapping a file's data key anew waits for a service.

    Args:
        session: the run, with the rules as they will be.
        added: recipients that the file gets beside its own and those of its rule.
        target: the file.
    """
    if waits_to_wrap(session, added) or _waiting_kinds(session, _content(session, target.path)):
        return True
    return waits_by_rule(session, target.path)


def waits_by_rule(session: Session, path: Path) -> bool:
    """Return whether encrypting for the recipients of a file's rule waits for a service."""
    try:
        rule = session.rule_for(path)
    except FluxsecretsError:
        return False  # the work on the file reports it
    return rule is not None and waits_to_wrap(session, rule.recipients)


def has_sign(kind: str, data: bytes) -> bool:
    """Return whether a content may be encrypted for a kind of key."""
    return KINDS[kind].sign in data


def _waiting_kinds(session: Session, data: bytes) -> tuple[str, ...]:
    return tuple(kind for kind in KINDS if has_sign(kind, data) and session.providers[kind].waits)


def _age_recipients(data: bytes) -> Iterator[Recipient]:
    from fluxsecrets.repo.keyhistory import recipients_in  # files without a service's key do without

    for text in recipients_in(data.decode("utf-8", "replace")):
        yield Recipient("age", text)


def _content(session: Session, path: Path) -> bytes:
    try:
        return session.read_ahead(path)
    except FluxsecretsError:
        return b""  # likewise
