"""A `.sops.yaml` that decides for a folder in place of one further up, and whom it lets in beyond that.

sops takes the nearest configuration, and nothing of those above it. A file of three lines, far down in a
repository, so decides who can read everything below it.
"""

from __future__ import annotations

from collections.abc import Iterable

from .config import CreationRule, SopsConfig
from .recipients import Recipient, recipient_key


def lets_in(
    nested: CreationRule, outer: SopsConfig, replaced: Iterable[CreationRule]
) -> tuple[Recipient, ...]:
    """The recipients of a nested rule that the configuration further up would not take.

    Args:
        nested: the rule that applies.
        outer: the configuration further up.
        replaced: its rules that would apply to the same files; where there are none, all of them count.
    """
    rules = tuple(replaced) or outer.rules
    known = {recipient_key(recipient) for rule in rules for recipient in rule.recipients}
    return tuple(recipient for recipient in nested.recipients if recipient_key(recipient) not in known)
