"""Names of recipients in messages about two states of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import is_rules_file
from fluxsecrets.repo.publickeys import public_keys
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.config import named_recipients, parse_config
from fluxsecrets.sops.naming import name_of, short_recipient
from fluxsecrets.sops.recipients import Recipient


@dataclass(frozen=True, slots=True)
class Names:
    """Names of recipients, by the text of the key.

    Attributes:
        known: those that the earlier version of the repository gives.
        claimed: those that only the later one gives: its author may call anyone alice.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    claimed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def between(cls, before: Mapping[str, str], after: Mapping[str, str]) -> Names:
        """Tell the names of two versions of a repository apart.

        A name that another key had before is not passed on.
        """
        taken = set(before.values())
        return cls(before, {text: name for text, name in after.items() if name not in taken})

    def of(self, recipient: Recipient) -> str:
        """A name, the shortened key, or for a name that is only claimed both."""
        claimed = self.claimed.get(recipient.id)
        if recipient.id in self.known or claimed is None:
            return name_of(recipient, self.known)
        return f"{claimed} ({short_recipient(recipient)})"


def names_in(tree: Tree) -> dict[str, str]:
    """Recipient -> name, of `keys/NAME.pub` and of anchors; what can't be read names nobody."""
    found = {text: key.name for key in public_keys(tree) for text in key.recipients}
    for path in filter(is_rules_file, tree.paths):
        with suppress(FluxsecretsError):
            data = tree.read(path)
            found |= named_recipients(data, path=path)
            for rule in parse_config(data, path=path).rules:
                found |= rule.names
    return found
