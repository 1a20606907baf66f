"""Which data key a merged file gets, and its wrapped keys.

The author of a branch may have no key, and can write any file nevertheless: with a data key of their own,
another recipient, a wrapped key that is rubbish. So a data key of one side never protects values of the other
side that had another key, and a key that a removed recipient knows protects nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fluxsecrets.ops.files.content import OpenedFile
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.envelope import (
    Providers,
    RecipientGroups,
    check_recipients,
    groups_needed,
    wrap_data_key,
)
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import RecipientKey, recipient_key

from .opening import OpenedVersions, share_data_key


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """The data key of a merged file.

    Attributes:
        data_key: the key.
        fresh: the key is new.
        groups: its wrapped keys, all of them copied; None if the key has to be wrapped for the recipients.
        reason: why it is new, for people.
    """

    data_key: DataKey
    fresh: bool
    groups: tuple[KeyGroup, ...] | None
    reason: str | None = None


def plan_data_key(versions: OpenedVersions, metadata: Metadata) -> KeyPlan:
    """Choose the data key of a file to which both sides contribute.

    Args:
        versions: the opened versions.
        metadata: the merged block; the recipients of each group count.
    """
    ours, theirs = versions.ours, versions.theirs
    if not same_data_key(ours, theirs):
        return KeyPlan(DataKey.generate(), True, None, "both sides have a data key of their own")
    if _is_known_to_others(versions, metadata):
        return KeyPlan(DataKey.generate(), True, None, "a removed recipient knows the data key")
    return KeyPlan(ours.opened.data_key, False, _copied(ours.metadata, theirs.metadata, metadata))


def wrapped(plan: KeyPlan, metadata: Metadata, providers: Providers) -> Metadata:
    """Return the merged block with its wrapped keys. What is not copied is encrypted for the recipients.

    Raises:
        RecipientError: encrypting for a recipient failed.
    """
    groups = plan.groups
    if groups is None:
        check_recipients(metadata.recipients, providers)
        made = wrap_data_key(plan.data_key, metadata.recipients, metadata.shamir_threshold, providers)
        groups = tuple(
            new._replace(unknown=old.unknown) for new, old in zip(made, metadata.key_groups, strict=True)
        )
    return replace(metadata, key_groups=groups)


def same_data_key(one: OpenedFile, other: OpenedFile) -> bool:
    """Return whether two opened files have the same data key."""
    return one.opened.data_key.reveal() == other.opened.data_key.reveal()


def people(groups: RecipientGroups) -> set[RecipientKey]:
    """Return all recipients of all groups."""
    return {recipient_key(each) for group in groups for each in group}


def _is_known_to_others(versions: OpenedVersions, metadata: Metadata) -> bool:
    """Return whether somebody could decrypt the data key in one version, and is not a recipient any more."""
    sides = (versions.ours, versions.theirs, *([versions.base] if versions.base is not None else []))
    staying = people(metadata.recipients)
    return any(
        same_data_key(side, versions.ours) and people(side.metadata.recipients) - staying for side in sides
    )


def _copied(ours: Metadata, theirs: Metadata, merged: Metadata) -> tuple[KeyGroup, ...] | None:
    """Return the wrapped keys of the merged recipients, ours first; None if they don't fit together.

    A wrapped key of theirs for a recipient of ours is never taken: only that recipient can tell whether it
    opens.
    """
    if len(merged.key_groups) != len(ours.key_groups) or _needed(merged) != _needed(ours):
        return None  # shares are made for a number of groups: more of them can't be asked for afterwards
    fits = share_data_key(ours, theirs) or len(merged.key_groups) == 1
    groups = []
    for number, group in enumerate(merged.key_groups):
        known = dict(_by_recipient(ours.key_groups[number]))
        if fits and len(theirs.key_groups) == len(ours.key_groups):
            known = {**dict(_by_recipient(theirs.key_groups[number])), **known}
        keys = [known.get(recipient_key(key.recipient)) for key in group.keys]
        if not all(keys):
            return None
        groups.append(group._replace(keys=tuple(filter(None, keys))))
    return tuple(groups)


def _needed(metadata: Metadata) -> int:
    return groups_needed(metadata.recipients, metadata.shamir_threshold)


def _by_recipient(group: KeyGroup) -> Iterator[tuple[RecipientKey, WrappedKey]]:
    return ((recipient_key(key.recipient), key) for key in group.keys)
