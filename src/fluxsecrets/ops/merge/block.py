"""What a version says beside its values: the text without the `sops` block, and how the block protects it."""

from __future__ import annotations

from fluxsecrets.sops.document import Document
from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.formats import Format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import recipient_key


def body(format_: Format, document: Document) -> object:
    """Return the text of a version without its `sops` block, to compare it with others."""
    if format_.single_value:
        return [leaf.value for leaf in document.leaves]
    return format_.rewrite(document, (), None)


def protection(metadata: Metadata) -> tuple[object, ...]:
    """Return what two blocks have in common if they protect a file in the same way.

    Wrapped keys, the MAC and times are not in it.
    """
    groups = tuple(frozenset(recipient_key(each) for each in group) for group in metadata.recipients)
    return groups, rules_of(metadata), metadata.unknown


def rules_of(metadata: Metadata) -> tuple[object, ...]:
    """Return how a block protects a file, apart from its recipients."""
    needed = groups_needed(metadata.recipients, metadata.shamir_threshold)
    return needed, metadata.selector, metadata.mac_only_encrypted
