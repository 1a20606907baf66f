"""What the plan for an object is made from: where its Secret belongs, its keys, and what is compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError, GitError
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.document import Path, find, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.either import load_either

from .applied import Applied
from .manifest import Edited, Holder, key_text
from .model import Extraction, MovedValue
from .secretfile import NewKey, SecretFile, Written


class Home(NamedTuple):
    """What a Secret belongs to: the file of an object, its namespace as it is written, and the object."""

    path: str
    namespace: str | None
    node: MapNode


def built_of(environments: Iterable[Applied], path: str) -> tuple[Object, ...]:
    """Return the objects that Flux builds of a file; none of a patch."""
    return tuple(item for each in environments for item in each.by_file.get(path, ()))


def new_keys(extraction: Extraction, done: Edited) -> list[NewKey]:
    """Return the keys of the Secret, with the comments that went from the manifest."""
    comments: dict[str, list[str]] = {}
    for path, texts in done.comments.items():
        below = [each for each in extraction.moved if each.path[: len(path)] == path]
        # A map that got empty went with its last value, which was not removed by itself.
        last = [each for each in below if each.path not in done.comments]
        owner = next(iter((*last, *below, *extraction.moved)))
        comments.setdefault(owner.key, []).extend(texts)
    texts_by_key = {each.key: each.text for each in extraction.moved}
    return [NewKey(key, text, tuple(comments.get(key, ()))) for key, text in texts_by_key.items()]


def object_in(data: bytes, holder: Holder) -> Plain:
    """Return an object as a content of its file has it."""
    node = find(load_either(data)[holder.part], holder.base)
    found = to_data(node) if node is not None else None
    return found if isinstance(found, dict) else {}


def secret_data(secret: SecretFile, written: Written) -> Plain:
    """Return the Secret in plain text."""
    found = to_data(load_either(written.plain)[secret.part or 0])
    return found if isinstance(found, dict) else {}


def moved_values(extraction: Extraction) -> Iterator[MovedValue]:
    """Yield the values that move, as they are reported."""
    for each in extraction.moved:
        for path, line in ((each.path, each.line), *each.others):
            yield MovedValue(key_text(path), line, each.key, each.how)


_UNKNOWN = b"\0"
"""Content that is not a manifest. What was in it is unknown."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where values were before they moved: the file, and their places in it."""

    path: str
    part: int
    places: tuple[Path, ...]

    @classmethod
    def of(cls, path: str, holder: Holder, extraction: Extraction) -> Origin:
        """Take an object of a file, and what moves out of it."""
        return cls(path, holder.part, tuple(holder.base + each.path for each in extraction.moved))


def committed(tree: Tree, origins: Sequence[Origin]) -> tuple[bool, ...]:
    """Return for each, whether the last commit has one of the values in that file, or nobody can tell."""
    if tree.repository is None:
        return (False,) * len(origins)
    paths = {each.path for each in origins}
    try:
        blobs = tree.repository.read_head_blobs(paths).contents
    except GitError:  # an object is damaged; the others are not
        return tuple(_has_one(_alone(tree.repository, each.path), each, tree.limits) for each in origins)
    return tuple(_has_one(blobs.get(each.path), each, tree.limits) for each in origins)


def _alone(repository: Repository, path: str) -> bytes | None:
    try:
        return repository.read_head_blobs([path]).contents.get(path)
    except GitError:
        return _UNKNOWN


def _has_one(blob: bytes | None, origin: Origin, limits: Limits) -> bool:
    if blob is None:
        return False
    try:
        former = load_either(blob, limits)
    except FluxsecretsError:
        return True  # nobody can tell
    parts = former[origin.part : origin.part + 1]
    return any(find(part, place) for part in parts for place in origin.places)
