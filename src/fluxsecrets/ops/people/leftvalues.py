"""What became of the values that somebody could read, and which files can't answer that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git.history import Commit
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sealed.keys import SealingKey
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .compare import Index, Marked
from .live import Live, find_live
from .versions import FileHistory, Histories, Share, Version, place_of


class State(StrEnum):
    """What became of a value that somebody could read."""

    OPEN = "to change"
    UNKNOWN = "to change, or to look at"
    LOOK = "to look at"
    CHANGED = "changed since"
    GONE = "not there any more"
    DONE = "done"
    ACCEPTED = "accepted"

    @property
    def settled(self) -> bool:
        """Nothing is left to do."""
        return self not in (State.OPEN, State.UNKNOWN, State.LOOK)


@dataclass(frozen=True, slots=True)
class LeftValue:
    """One value that somebody could read.

    Attributes:
        key: of the value, as shown to the user; empty if the file is a single value.
        since, until: the first and the last commit in which it could be read; None is the work tree.
        plain: it was in plain text at some time.
        reason: why it was accepted.
        here: it is still at its place.
        places: the other places where it is now.
        together: the names of those without whom they could not read it, by key group.
        searched: False if it is compared at its own place only.
    """

    path: str
    key: str
    since: Commit | None
    until: Commit | None
    plain: bool
    state: State
    reason: str = ""
    here: bool = False
    places: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    searched: bool = True

    @property
    def place(self) -> str:
        """The value as it is named on a command line."""
        return place_of(self.path, self.key)


@dataclass(frozen=True, slots=True)
class LeftFile:
    """A file that can't be compared, so that it may hold any of the values.

    Attributes:
        why: what is the matter with it.
        content: identifies what was, or wasn't, looked at.
        reason: why it was accepted.
    """

    path: str
    why: str
    content: str
    state: State = State.LOOK
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """What somebody could read, and what is left of it.

    Attributes:
        cut: the history is cut off, so that there may be more.
    """

    values: tuple[LeftValue, ...] = ()
    files: tuple[LeftFile, ...] = ()
    cut: bool = False

    @property
    def open_values(self) -> tuple[LeftValue, ...]:
        """The values that are left to change or to look at."""
        return tuple(value for value in self.values if not value.state.settled)

    @property
    def open_files(self) -> tuple[LeftFile, ...]:
        """The files that are left to look at."""
        return tuple(file for file in self.files if not file.state.settled)

    @property
    def settled(self) -> bool:
        """Nothing is left to do."""
        return not self.count

    @property
    def count(self) -> int:
        """How much is left to do: values, files, and the rest of a history that is cut off."""
        return len(self.open_values) + len(self.open_files) + self.cut

    def judged(self) -> Left:
        """Return it with the values that may still be in a file that nobody looked at."""
        if not self.open_files:
            return self
        values = (
            replace(value, state=State.LOOK) if value.state is State.GONE and value.searched else value
            for value in self.values
        )
        return replace(self, values=tuple(values))


def find_left(
    session: Session,
    tree: Tree,
    histories: Histories,
    recipient: Recipient | None,
    *,
    path: str | None = None,
    keys: Sequence[SealingKey] = (),
    name: Callable[[Recipient], str] | None = None,
) -> Left:
    """Return every value that somebody could read at any time, and what became of it.

    None as the recipient means everyone who has the repository: values that were in plain text.

    Args:
        session: the run; its identities open the files.
        tree: the files as they are now.
        histories: the files as they were.
        recipient: who could read them.
        path: only the values of this file.
        keys: private keys of controllers, to open sealed values.
        name: what to call the others who were needed.
    """
    read = [
        (history, key, seen)
        for history in histories.files
        if path in (None, history.path)
        for key, seen in _readable(history, recipient)
    ]
    known = [mark for _, key, seen in read for mark in _marks(key, seen)]
    live = find_live(session, tree, Index(histories.marker, known), histories.formats, keys)
    values = tuple(_value(live, history, key, seen, recipient, name) for history, key, seen in read)
    files = [LeftFile(each.path, each.why.value, each.content) for each in live.unseen]
    if path is None:
        files += _unread(histories.files)
    return Left(values, tuple(files), histories.cut)


def _readable(history: FileHistory, recipient: Recipient | None) -> Iterator[tuple[str, list[Version]]]:
    """The values of a file that somebody could read, each with its versions."""
    able = [
        version
        for version in history.all
        if (version.plain if recipient is None else version.readable_by(recipient))
    ]
    for key in {key: None for version in able for key in version.values}:
        yield key, [version for version in able if key in version.values]


def _marks(key: str, seen: Iterable[Version]) -> list[Marked]:
    return [mark for version in seen if (mark := version.values[key]) is not None]


def _value(
    live: Live,
    history: FileHistory,
    key: str,
    seen: Sequence[Version],
    recipient: Recipient | None,
    name: Callable[[Recipient], str] | None,
) -> LeftValue:
    known = _marks(key, seen)
    forms = {form.mark for each in known for form in each.forms}
    pieces = {piece for each in known for piece in each.pieces}
    now = history.now
    present = now is not None and key in now.values
    current = now.values[key] if now is not None and present else None
    here = current is not None and current.own in {each.own for each in known}
    places = live.places_of((*forms, *pieces))
    if here:
        # A plain file's text is searched too: there is no need to name its line.
        own, lines = place_of(history.path, key), f"{history.path}:"
        places = tuple(each for each in places if each != own and not each.startswith(lines))
    unknown = len(known) < len(seen)
    if here or places:
        state = State.OPEN
    elif unknown or (present and current is None):
        state = State.UNKNOWN
    else:
        state = State.CHANGED if present else State.GONE
    return LeftValue(
        history.path,
        key,
        seen[0].commit,
        seen[-1].commit,
        any(version.plain for version in seen),
        state,
        here=here,
        places=places,
        together=_together(seen, recipient, name),
        searched=bool(forms) or unknown,
    )


def _together(
    seen: Iterable[Version], recipient: Recipient | None, name: Callable[[Recipient], str] | None
) -> tuple[str, ...]:
    """The others whom somebody needed in every version; empty if one of them could be read alone."""
    shares = [
        version.readers[recipient_key(recipient)] if version.readers is not None else None
        for version in seen
        if recipient is not None
    ]
    if name is None or not shares or any(share is None or not share.missing for share in shares):
        return ()
    share = min((each for each in shares if each is not None), key=lambda each: each.missing)
    return names_of_share(share, name)


def names_of_share(share: Share, name: Callable[[Recipient], str]) -> tuple[str, ...]:
    """Return the names of those of whom somebody needs others to read a file, by key group."""
    return tuple(" or ".join(name(each) for each in group) for group in share.together)


def _unread(histories: Iterable[FileHistory]) -> list[LeftFile]:
    return [
        LeftFile(
            history.path,
            f"the version of {', '.join(commit.id[:10] for commit in history.unread)} can't be read",
            " ".join(commit.id for commit in history.unread),
        )
        for history in histories
        if history.unread
    ]
