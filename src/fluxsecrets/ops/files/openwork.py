"""What is left to do by those who can open files: removals that are not finished, and rules not followed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass, field
from fluxsecrets.repo.offboarding import Leaver, OpenFile, Unfinished, still_gone, unfinished, with_leavers
from fluxsecrets.repo.openers import Openers, openers
from fluxsecrets.sops.recipients import RecipientKey, age, read_recipient, recipient_key

TYPE_CHECKING = False
if TYPE_CHECKING:  # mostly nothing is left to do
    from fluxsecrets.ops.run.people import People


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What is left to do.

    Attributes:
        removals: people who left, and can still read files.
        returned: people who left by their records, and where rules and `keys/` name them: path and line.
        drifted: files with other recipients than their rule, by those who can open them. The caller can't.
    """

    removals: tuple[Unfinished, ...] = ()
    returned: tuple[tuple[Leaver, tuple[str, ...]], ...] = ()
    drifted: Mapping[Openers, tuple[str, ...]] = field(default_factory=dict)

    @property
    def removed_from(self) -> frozenset[str]:
        """The files of the removals, as shown."""
        return frozenset(path for each in self.removals for path in (*each.files, *each.unsettled))


def open_work(
    session: Session, leavers: Iterable[Leaver], files: Iterable[OpenFile], drifted: Collection[str]
) -> OpenWork:
    """Return what is left to do.

    Args:
        session: the run.
        leavers: from the repository's records.
        files: encrypted files.
        drifted: those of them, as shown, that the caller can't open and whose rule names other recipients.

    Raises:
        ConfigError: a `.sops.yaml` or the settings are invalid.
    """
    leavers, files = tuple(leavers), tuple(files)
    if not leavers and not drifted:
        return OpenWork()
    from fluxsecrets.ops.run.people import read_people
    from fluxsecrets.repo.clusterkeys import keys_of_clusters
    from fluxsecrets.repo.tree import open_tree

    tree = open_tree(session.cwd, limits=session.limits)
    people = read_people(session, tree)
    names = with_leavers(people.names, leavers)
    clusters = keys_of_clusters(tree, people.recipients.values(), people.names)
    named = _named(people, tree.root)
    removals = unfinished(still_gone(leavers, named), files, names, clusters)
    returned = tuple(
        (each, tuple(dict.fromkeys(named[recipient_key(each.recipient)])))
        for each in leavers
        if recipient_key(each.recipient) in named and not each.environments
    )
    done = OpenWork(removals).removed_from
    found: dict[Openers, list[str]] = {}
    for file in files:
        if file.shown in drifted and file.shown not in done:
            who = openers(file.groups, file.needed, names, clusters=clusters)
            found.setdefault(who, []).append(file.shown)
    return OpenWork(removals, returned, {who: tuple(paths) for who, paths in found.items()})


def _named(people: People, root: Path) -> Mapping[RecipientKey, list[str]]:
    """Where each recipient is named: `PATH:LINE` of rules, and public keys."""
    found: dict[RecipientKey, list[str]] = {}
    for each in people.configs:
        for rule in each.config.rules:
            for recipient in rule.recipients:
                found.setdefault(recipient_key(recipient), []).append(f"{each.path}:{rule.line}")
    for text, name in read_public_keys(root).items():
        key = recipient_key(read_recipient(text) or age(text))
        found.setdefault(key, []).append(f"{KEYS_FOLDER}/{name}{PUBLIC_KEY_SUFFIX}")
    return found
