"""Who can open a file: the people to ask when the caller's own identities can't."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from fluxsecrets.records import dataclass
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key


@dataclass(frozen=True, slots=True)
class Openers:
    """The names of those who can open a file.

    Attributes:
        groups: names or shortened keys by key group; a group without anybody is left out.
        needed: how many groups must be opened together.
    """

    groups: tuple[tuple[str, ...], ...] = ()
    needed: int = 1

    @property
    def enough(self) -> bool:
        """Whether they can open the file at all."""
        return 0 < self.needed <= len(self.groups)

    def __str__(self) -> str:
        if not self.enough:
            return "nobody else"
        everyone = dict.fromkeys(name for group in self.groups for name in group)
        alone = [name for name in everyone if sum(name in group for group in self.groups) >= self.needed]
        if alone:
            return " or ".join(alone)
        groups = [" or ".join(group) for group in self.groups]
        if self.needed == len(groups):
            return ", together with ".join(groups)
        return f"{self.needed} of these together: {'; '.join(groups)}"


def openers(
    groups: Sequence[Sequence[Recipient]],
    needed: int,
    names: Mapping[str, str],
    *,
    without: Collection[RecipientKey] = (),
    clusters: Collection[RecipientKey] = (),
) -> Openers:
    """Return who can open a file.

    Args:
        groups: the file's recipients by key group.
        needed: how many groups must be opened together.
        names: recipient id -> name.
        without: the keys of those who must not be asked, such as someone who is being removed.
        clusters: the keys of clusters. They are named only where a group has no other.
    """
    found = []
    for group in groups:
        left = [each for each in group if recipient_key(each) not in without]
        people = [each for each in left if recipient_key(each) not in clusters] or left
        if people:
            found.append(tuple(dict.fromkeys(name_of(each, names) for each in people)))
    return Openers(tuple(found), needed)
