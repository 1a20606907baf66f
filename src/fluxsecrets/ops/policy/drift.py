"""Whether an encrypted file is still what its creation rule would make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import chain
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.envelope import RecipientGroups, groups_needed
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient, RecipientKey, is_same_key, recipient_key
from fluxsecrets.sops.selectors import SelectorSpec

from .policy import Overrides, Policy, policy_for, selector_for


class Drift(StrEnum):
    """The kind of a difference.

    `recipients sync` fixes recipients. A selector needs decrypt and encrypt, unless the rule itself is wrong.
    """

    RECIPIENTS = "recipients"
    SELECTOR = "selector"
    RULE = "rule"


Drifts = Mapping[Drift, str]
"""What differs, with a sentence that says how."""


def drift_of(session: Session, path: Path, document: Document, names: Mapping[str, str]) -> Drifts:
    """Where an encrypted file differs from the rule that applies to it.

    Args:
        session: the run.
        path: absolute path of the file.
        document: it, encrypted.
        names: recipient -> name.

    Returns:
        Nothing where no rule applies, or it names nobody: the rules do not say then how it should be.

    Raises:
        ConfigError: the `.sops.yaml` is invalid, so that nobody can tell.
    """
    rule = session.rule_for(path)
    if document.metadata is None or rule is None or not rule.recipients:
        return {}
    policy = policy_for(session, path, Overrides())
    found = dict(differences(document, policy, policy.selector, {**names, **policy.names}))
    if Drift.SELECTOR not in found:
        return found
    try:
        selector_for(document, policy)
    except FluxsecretsError as error:
        # The file can't follow its rule: `encrypt` would refuse it, and leave plain text.
        del found[Drift.SELECTOR]
        found[Drift.RULE] = f"the rule can't be followed: {error.in_file(policy.config_path or '')}"
    return found


def differences(
    document: Document, policy: Policy, selector: SelectorSpec | None, names: Mapping[str, str]
) -> Drifts:
    """Where an encrypted file differs from a policy.

    Args:
        document: it.
        policy: what should hold.
        selector: the one that should be in it, or None if it does not matter.
        names: recipient -> name.
    """
    metadata = document.metadata
    found: dict[Drift, str] = {}
    if metadata is None:
        return found
    if not in_line(metadata, policy):
        found[Drift.RECIPIENTS] = _people(metadata, policy, names)
    single_value = make_format(document.format).single_value
    if selector is not None and metadata.selector != selector and not single_value:
        kind, pattern = metadata.selector.kind.value, metadata.selector.pattern
        found[Drift.SELECTOR] = f"the file is encrypted with {kind}: {ascii(pattern)[1:-1]}, unlike its rule"
    return found


def in_line(metadata: Metadata, policy: Policy) -> bool:
    """Whether a file's recipients, key groups and threshold are those of the rule.

    The order means nothing: as for sops, which compares sets of keys (`DiffKeyGroups` of cmd/sops/common),
    any of a group's keys opens it.
    """
    own, ruled = _sorted(metadata.recipients), _sorted(policy.groups)
    return (
        [len(group) for group in own] == [len(group) for group in ruled]
        and all(
            is_same_key(one, other)
            for one, other in zip(chain.from_iterable(own), chain.from_iterable(ruled), strict=True)
        )
        and groups_needed(metadata.recipients, metadata.shamir_threshold)
        == groups_needed(policy.groups, policy.shamir_threshold)
    )


def _sorted(groups: RecipientGroups) -> list[list[Recipient]]:
    """Groups and their recipients by their keys, so that what is the same has the same place."""
    return sorted((sorted(group, key=recipient_key) for group in groups), key=_keys)


def _keys(group: Sequence[Recipient]) -> list[RecipientKey]:
    return [recipient_key(each) for each in group]


def _people(metadata: Metadata, policy: Policy, names: Mapping[str, str]) -> str:
    own, ruled = names_of(metadata.recipients, names), names_of(policy.groups, names)
    if set(own) == set(ruled):
        return "encrypted for the rule's recipients, in other key groups or with another threshold"
    return f"the file is encrypted for {', '.join(own)}, and its rule names {', '.join(ruled)}"
