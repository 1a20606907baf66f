"""Refuse to replace the only copy of a plain text with something that nobody here can decrypt.

The author of a new Secret would lose it by encrypting it for others only. The content is safe if HEAD or the
index has it, under any name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.envelope import RecipientGroups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.repo.git import Repository

OTHERS_ONLY = "none of your identities can decrypt the result"

_SHA1_LETTERS = 40


@dataclass(frozen=True, slots=True)
class GitCopies:
    """The contents in git, read on first use, once per repository.

    Attributes:
        index: whether staged content counts; False if it is about to be replaced.
    """

    index: bool = True
    _names: dict[Path, frozenset[str]] = field(default_factory=dict, repr=False)

    def has(self, repository: Repository | None, data: bytes) -> bool:
        """Whether a repository's HEAD or index has a content, under any name.

        Line breaks may differ, since git can be configured to change them.

        Raises:
            GitError: git failed.
        """
        if repository is None:
            return False
        if repository.root not in self._names:
            self._names[repository.root] = frozenset(_object_names(repository, index=self.index))
        names = self._names[repository.root]
        return any(_object_name(each, names) in names for each in (data, data.replace(b"\r\n", b"\n")))


def _object_names(repository: Repository, *, index: bool) -> Iterable[str]:
    """Return the object names of the contents in HEAD and the index."""
    if repository.has_head():
        for entry in repository.run("ls-tree", "-r", "-z", "--full-tree", "HEAD").split(b"\0"):
            yield entry.partition(b"\t")[0].rpartition(b" ")[2].decode("ascii", "replace")
    if index:
        for entry in repository.run("ls-files", "--stage", "-z").split(b"\0"):
            yield (entry.split(b" ", 2)[1:2] or [b""])[0].decode("ascii", "replace")


def _object_name(data: bytes, like: Iterable[str]) -> str:
    """Return a content's object name, with the hash function of the repository's other names."""
    import hashlib

    letters = next((len(name) for name in like if name), _SHA1_LETTERS)
    made = hashlib.new("sha1" if letters == _SHA1_LETTERS else "sha256", usedforsecurity=False)
    made.update(b"blob %d\0" % len(data))
    made.update(data)
    return made.hexdigest()


def others_only(
    session: Session,
    groups: RecipientGroups,
    threshold: int,
    names: dict[str, str],
    kept: Callable[[], bool],
) -> tuple[str, ...]:
    """Refuse to replace the only plain text with something that nobody here can decrypt.

    Args:
        session: the run, with its identities.
        groups: the recipients, by key group.
        threshold: the number of groups needed; 0 means all.
        names: recipient -> name.
        kept: whether the plain text stays somewhere, or the user gave it up; called only if needed.

    Returns:
        A warning if none of our identities can decrypt the result but the plain text is kept.

    Raises:
        UnprotectedError: the plain text would be lost, or only a passphrase prompt could tell.
        GitError: git failed.
    """
    if session.opens(groups, threshold):
        return ()
    if kept():
        return (OTHERS_ONLY,)
    untold = session.search_further(groups)
    if session.opens(groups, threshold):
        return ()
    kinds = dict.fromkeys(recipient.kind for group in groups for recipient in group)
    looked_in = [place for kind in kinds for place in session.providers[kind].looked_in()]
    reason = "it is unknown whether one of your identities" if untold else "none of your identities"
    raise UnprotectedError(
        f"{reason} can decrypt the result, and git has no copy of the plain text: it would be lost",
        hint=_HINT,
        details=[
            f"for {', '.join(names_of(groups, names))}",
            *untold,
            *([f"looked in: {', '.join(looked_in)}"] if looked_in else []),
        ],
    )


def sealed_only(kept: Callable[[], bool], first: str) -> None:
    """Refuse to replace the only plain text with something that only the controller can open.

    Args:
        kept: whether the plain text stays somewhere, or the user gave it up.
        first: what to do instead, for the hint.

    Raises:
        UnprotectedError: the plain text would be lost.
        GitError: git failed.
    """
    if not kept():
        raise UnprotectedError(
            "only the controller can open the result, and git has no copy of this file: it would be lost",
            hint=f"{first}, give the controller's key with --private-key, or add --for-others",
        )


_HINT = (
    "set SOPS_AGE_KEY_FILE to your key file, or add your public key to the rule in .sops.yaml; "
    "--for-others encrypts it anyway"
)
