"""Plain text that would be gone: replaced by what nobody here can decrypt, while git does not have it.

A new Secret that is encrypted for others only is lost for the one who wrote it. It is kept where HEAD or the
index has the same content, whatever the file is called there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.envelope import RecipientGroups

if TYPE_CHECKING:
    from fluxsecrets.repo.git import Repository

OTHERS_ONLY = "none of your identities can decrypt the result"

_SHA1_LETTERS = 40


@dataclass(frozen=True, slots=True)
class GitCopies:
    """What git has, looked up when it is first asked, once per repository.

    Attributes:
        index: whether what is staged counts; not where that is about to be replaced.
    """

    index: bool = True
    _names: dict[Path, frozenset[str]] = field(default_factory=dict, repr=False)

    def has(self, repository: Repository | None, data: bytes) -> bool:
        """Whether a repository's HEAD or index has a content, under whatever name.

        Line breaks may differ: git changes them itself where it is told to.

        Raises:
            GitError: git could not tell.
        """
        if repository is None:
            return False
        if repository.root not in self._names:
            self._names[repository.root] = frozenset(_object_names(repository, index=self.index))
        names = self._names[repository.root]
        return any(_object_name(each, names) in names for each in (data, data.replace(b"\r\n", b"\n")))


def _object_names(repository: Repository, *, index: bool) -> Iterable[str]:
    """The names of the contents that HEAD and the index have."""
    if repository.has_head():
        for entry in repository.run("ls-tree", "-r", "-z", "--full-tree", "HEAD").split(b"\0"):
            yield entry.partition(b"\t")[0].rpartition(b" ")[2].decode("ascii", "replace")
    if index:
        for entry in repository.run("ls-files", "--stage", "-z").split(b"\0"):
            yield (entry.split(b" ", 2)[1:2] or [b""])[0].decode("ascii", "replace")


def _object_name(data: bytes, like: Iterable[str]) -> str:
    """The name of a content as an object, with the hash that a repository's other names are made with."""
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
    """Refuse to replace plain text by what nobody here can decrypt, where it is kept nowhere else.

    Args:
        session: the run, with its identities.
        groups: who it will be encrypted for, by key group.
        threshold: how many groups are needed; 0 means all.
        names: recipient -> name.
        kept: whether the plain text stays somewhere, or the user said that it need not; only asked at need.

    Returns:
        A warning where it is for others, and kept.

    Raises:
        UnprotectedError: it is for others, and would be gone; or nobody can tell without asking the user.
        GitError: git could not tell whether it has it.
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
    reason = "nobody can tell whether one of your identities" if untold else "none of your identities"
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
    """Refuse to replace plain text by what the controller alone can open, where it is kept nowhere else.

    Args:
        kept: whether the plain text stays somewhere, or the user said that it need not.
        first: what to do instead, for the hint.

    Raises:
        UnprotectedError: it would be gone.
        GitError: git could not tell whether it has it.
    """
    if not kept():
        raise UnprotectedError(
            "only the controller can open the result, and git has no copy of this file: it would be lost",
            hint=f"{first}, give the controller's key with --private-key, or add --for-others",
        )


_HINT = (
    "set SOPS_AGE_KEY_FILE to your key file, or add your public key to the rule in .sops.yaml; "
    "--for-others encrypts it all the same"
)
