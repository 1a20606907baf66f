"""What is left of values that moved: the same text elsewhere in the manifest, and what git has staged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from fluxsecrets.errors import GitError, LimitError
from fluxsecrets.placeholders.words import is_name
from fluxsecrets.repo.git import BLOB_LIMIT, Repository
from fluxsecrets.shell import file_word
from fluxsecrets.sops.document import Leaf, Node, Path, find, show_path

from .model import Extraction

_SHORTEST = 6
"""Characters of a text that says something by being there twice."""


@dataclass(frozen=True, slots=True)
class MovedText:
    """A text that moved.

    Attributes:
        path: of the manifest, relative to the root.
        place: where the value was, below the object.
        text: not in the repr.
    """

    path: str
    place: Path
    text: str = field(repr=False)


def moved_texts(path: str, node: Node, extraction: Extraction) -> Iterator[MovedText]:
    """Yield the texts that move out of an object, without short ones and usual words."""
    for each in extraction.moved:
        for place in (each.path, *(other for other, _ in each.others)):
            leaf = find(node, place)
            text = leaf.value if isinstance(leaf, Leaf) else None
            if isinstance(text, str) and len(text.strip()) >= _SHORTEST and not is_name(text.strip()):
                yield MovedText(path, place, text.strip())


def remains(
    moved: Sequence[MovedText], read: Callable[[str], bytes], staged: Collection[str], shown: str
) -> Iterator[str]:
    """Yield sentences on what is left of the texts of one manifest.

    Args:
        moved: the texts.
        read: returns the new content of a file.
        staged: the manifests of which git has a text staged; see `staged_in`.
        shown: the path of the manifest, for people.
    """
    if moved:
        yield from _still_there(read(moved[0].path), moved)
        if moved[0].path in staged:
            yield f"the values are still staged: run `git add {file_word(shown)}` before the next commit"


def staged_in(repository: Repository, moved: Iterable[Sequence[MovedText]]) -> frozenset[str]:
    """Return the manifests of which the index has a text that the last commit does not have.

    All are read by one git.
    """
    texts: dict[str, list[bytes]] = {}
    for each in chain.from_iterable(moved):
        texts.setdefault(each.path, []).append(each.text.encode("utf-8", "surrogatepass"))
    alone = partial(_blob, repository)
    try:
        with repository.asked() as ask:

            def read(name: str) -> bytes:
                # No line protocol can name a file with a line break.
                return alone(name) if "\n" in name else ask(name, BLOB_LIMIT, ("blob",))[1] or b""

            return frozenset(path for path, wanted in texts.items() if _is_staged(read, path, wanted))
    except GitError:  # an object is damaged, which ended git
        return frozenset(path for path, wanted in texts.items() if _is_staged(alone, path, wanted))


def _still_there(data: bytes, moved: Sequence[MovedText]) -> Iterator[str]:
    """The texts that the manifest still has, such as in a comment."""
    lines = data.decode("utf-8", "replace").splitlines()
    for each in moved:
        number = next((number for number, line in enumerate(lines, 1) if each.text in line), None)
        if number is not None:
            yield f"line {number} still has the text of {show_path(each.place)}: extract or remove that, too"


def _is_staged(read: Callable[[str], bytes], path: str, texts: Iterable[bytes]) -> bool:
    staged, committed = (read(f"{state}:{path}") for state in ("", "HEAD"))
    return any(text in staged and text not in committed for text in texts)


def _blob(repository: Repository, name: str) -> bytes:
    try:
        return repository.run("cat-file", "blob", name, limit=BLOB_LIMIT)
    except (GitError, LimitError):
        return b""  # not in that state
