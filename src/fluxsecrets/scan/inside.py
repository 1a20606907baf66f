"""What is in containers, scanned as files of their own: `backup.zip!etc/secret.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.errors import ArchiveError
from fluxsecrets.marks import MEMBER_SIGN

from .blob import Blob
from .containers import MOST_LEVELS, Budget, Container, Member, container_of, read_members
from .sources import PIECE, pieces

if TYPE_CHECKING:
    from .scanned import Scanned

HINT = (
    "take it out of the repository, or scan what is in it and allow unreadable-archive in .fluxsecrets.yaml"
)
_TAKE_OUT = "take the archive out of the repository, and change the value"
_SHOWN = 3  # names of members that could not be read


class Inside(NamedTuple):
    """What came of the members: a result for each that was scanned, and why not all were."""

    scanned: tuple[Scanned, ...] = ()
    problem: ArchiveError | None = None


def look_inside(scan: Callable[[Blob, Budget], Scanned], blob: Blob, budget: Budget | None = None) -> Inside:
    """Scan the members of a container.

    Args:
        scan: the engine's scan of one member; for a container in it, it calls this with the same budget.
        blob: the container.
        budget: what may still be read; None starts with the limits.
    """
    container = container_of(blob.data)
    if container is None:
        return Inside()
    if blob.part:
        return Inside((), _problem(blob.path, "is an archive, and too large to be looked into"))
    budget = budget or Budget()
    if not budget.levels:
        return Inside((), _problem(blob.path, f"has more than {MOST_LEVELS} archives within each other"))
    budget.levels -= 1
    found: list[Scanned] = []
    unread: list[Member] = []
    problem = None
    try:
        for member in read_members(blob.data, container, budget):
            if member.problem:
                unread.append(member)
            found += [scan(inner, budget) for inner in _blobs(blob.path, container, member)]
    except ArchiveError as error:
        problem = _problem(blob.path, error.message)
    finally:
        budget.levels += 1
    found = [_for_members(each) for each in found]
    return Inside(tuple(found), problem or (_unread(blob.path, container, unread) if unread else None))


def _for_members(scanned: Scanned) -> Scanned:
    """A result whose hints name no command that needs a file of its own."""
    if not any("fluxsecrets " in finding.hint for finding in scanned.findings):
        return scanned
    return scanned._replace(
        findings=tuple(
            finding._replace(hint=_TAKE_OUT) if "fluxsecrets " in finding.hint else finding
            for finding in scanned.findings
        )
    )


def _blobs(path: str, container: Container, member: Member) -> Iterator[Blob]:
    data = member.data
    if not data:
        return
    inner = container_of(data) if container.stream else None
    # The name of a compressed archive is that of the archive.
    whole = inner is not None and inner.name == "tar"
    place = path if whole else f"{path}{MEMBER_SIGN}{_name(path, container, member)}"
    if len(data) <= 4 * PIECE or whole:
        yield Blob(place, data)
    else:
        yield from pieces(place, (data,))


def _name(path: str, container: Container, member: Member) -> str:
    """The name of a member, without a character that would make it look like another place."""
    name = member.name
    if not name:
        name = path.rpartition("/")[2]
        for suffix in container.stream:
            name = name.removesuffix(suffix)
    name = name.replace("\\", "/").strip("/")
    return "".join(sign if sign.isprintable() else "?" for sign in name) or "?"


def _unread(path: str, container: Container, unread: list[Member]) -> ArchiveError:
    first, count = unread[0], len(unread)
    names = ", ".join(ascii(_name(path, container, each))[1:-1] for each in unread[:_SHOWN])
    if container.stream:
        return _problem(path, first.problem)
    more = "" if count <= _SHOWN else f" and {count - _SHOWN} more"
    return _problem(path, f"{first.problem} in part, so its content is unknown: {names}{more}")


def _problem(path: str, message: str) -> ArchiveError:
    return ArchiveError(message, hint=HINT, path=path)
