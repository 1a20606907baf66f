"""The sops blocks of two sides merged: recipients as sets, everything else to what protects more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fluxsecrets.errors import SelectorError
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.envelope import RecipientGroups, groups_needed
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient, recipient_key
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.selectors import SelectorSpec, compile_selector

from .fields import merge_unknown
from .groups import merge_groups


@dataclass(frozen=True, slots=True)
class MergedMetadata:
    """A merged sops block.

    Attributes:
        metadata: with the MAC and the time of ours, which the caller makes anew. A wrapped key of theirs in
            it is of use only if both sides have the same data key, and with several key groups the same
            shares of it.
        added: recipients that ours does not have.
        removed: recipients of any version that the merged block does not have: they know the data key.
        notes: what was decided where the sides differ.
        conflicts: fields that can't be merged, such as `encrypted_regex`; `metadata` has ours' value.
    """

    metadata: Metadata
    added: tuple[Recipient, ...] = ()
    removed: tuple[Recipient, ...] = ()
    notes: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def merge_metadata(
    base: Metadata | None, ours: Metadata, theirs: Metadata, document: Document | None = None
) -> MergedMetadata:
    """Merge the sops blocks of two sides.

    Recipients are sets for each key group, and a removal on either side wins. Of thresholds, selectors and
    `mac_only_encrypted` the stricter one counts, whichever side has it. Unknown fields merge one by one.

    Args:
        base: the block that both come from; None if both added the file.
        ours: the block whose order is kept.
        theirs: the other one.
        document: the merged file: of two selectors the stricter one encrypts all that the other encrypts in
            it, and more. Without a document, different selectors are a conflict.
    """
    before = base.key_groups if base is not None else ()
    groups, clashes = merge_groups(before, ours.key_groups, theirs.key_groups)
    earlier = base.unknown if base is not None else ()
    unknown, unknown_clashes = merge_unknown(earlier, ours.unknown, theirs.unknown)
    clashes += unknown_clashes
    if not groups or not all(group.keys for group in groups):
        groups, clashes = ours.key_groups, [*clashes, "recipients"]
    selector = _stricter_selector(base, ours, theirs, document)
    if selector is None:
        selector, clashes = ours.selector, [*clashes, ours.selector.kind.value]
    recipients = tuple(tuple(key.recipient for key in group.keys) for group in groups)
    merged = replace(
        ours,
        key_groups=groups,
        selector=selector,
        mac_only_encrypted=ours.mac_only_encrypted and theirs.mac_only_encrypted,
        shamir_threshold=_higher_threshold(recipients, ours, theirs),
        version=_newer(ours.version, theirs.version),
        unknown=unknown,
    )
    return MergedMetadata(
        merged,
        added=_without(merged, [ours]),
        removed=_lost(merged, [block for block in (base, ours, theirs) if block is not None]),
        notes=tuple(_notes(ours, theirs, merged)),
        conflicts=tuple(dict.fromkeys(clashes)),
    )


def _stricter_selector(
    base: Metadata | None, ours: Metadata, theirs: Metadata, document: Document | None
) -> SelectorSpec | None:
    """The selector that encrypts more; None if neither does, or it can't be told."""
    one, two = ours.selector, theirs.selector
    if one == two or document is None:
        return one if one == two else None
    try:
        by_ours, by_theirs = (
            [chosen for _, chosen in selected(document, compile_selector(spec))] for spec in (one, two)
        )
    except SelectorError:
        return None
    pairs = list(zip(by_ours, by_theirs, strict=True))
    ours_misses = any(other and not own for own, other in pairs)
    theirs_misses = any(own and not other for own, other in pairs)
    if ours_misses != theirs_misses:
        return two if ours_misses else one
    # In this file they encrypt the same: the one that a side chose anew counts.
    unchanged = None if ours_misses or base is None else base.selector
    return None if unchanged is None else {one: two, two: one}.get(unchanged)


def _higher_threshold(groups: RecipientGroups, ours: Metadata, theirs: Metadata) -> int:
    """The threshold with which as many key groups are needed as on the stricter side."""
    needed = max(groups_needed(block.recipients, block.shamir_threshold) for block in (ours, theirs))
    if len(groups) <= 1 or groups_needed(groups, ours.shamir_threshold) == needed:
        return ours.shamir_threshold
    return min(needed, len(groups))


def _newer(one: str, two: str) -> str:
    first, second = ([int(number) for number in re.findall(r"[0-9]{1,6}", text)] for text in (one, two))
    return two if second > first else one


def _without(block: Metadata, others: list[Metadata]) -> tuple[Recipient, ...]:
    """The recipients of a block that none of the others has."""
    known = {recipient_key(key.recipient) for other in others for key in other.wrapped_keys}
    found = {recipient_key(key.recipient): key.recipient for key in block.wrapped_keys}
    return tuple(recipient for key, recipient in found.items() if key not in known)


def _lost(merged: Metadata, blocks: list[Metadata]) -> tuple[Recipient, ...]:
    lost = {recipient_key(each): each for block in blocks for each in _without(block, [merged])}
    return tuple(lost.values())


def _notes(ours: Metadata, theirs: Metadata, merged: Metadata) -> Iterator[str]:
    if ours.selector != theirs.selector:
        spec = merged.selector
        yield f"the sides have different selectors; the merged file has {spec.kind.value}: {spec.pattern!a}"
    needed = [groups_needed(each.recipients, each.shamir_threshold) for each in (ours, theirs, merged)]
    if needed[0] != needed[1]:
        yield f"the sides have different thresholds; the merged file needs {needed[2]} key groups"
    attributes = {recipient_key(key.recipient): key.recipient.attributes for key in ours.wrapped_keys}
    others = [key.recipient for key in theirs.wrapped_keys]
    if any(attributes.get(recipient_key(other), other.attributes) != other.attributes for other in others):
        yield "the sides have different attributes of a key, such as its profile; the merged file has ours"
    if ours.mac_only_encrypted != theirs.mac_only_encrypted:
        yield "one side has mac_only_encrypted; the merged file's MAC covers all values"
