"""What is left of values that moved: the same text elsewhere in the manifest, and what git has staged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import GitError
from fluxsecrets.placeholders.words import is_name
from fluxsecrets.repo.git import Repository
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
    moved: Sequence[MovedText], read: Callable[[str], bytes], repository: Repository | None, shown: str
) -> Iterator[str]:
    """Yield sentences on what is left of the texts of one manifest.

    Args:
        moved: the texts.
        read: returns the new content of a file.
        repository: which may have the values staged; None if that does not matter.
        shown: the path of the manifest, for people.
    """
    if moved:
        yield from _still_there(read(moved[0].path), moved)
        if repository is not None and _is_staged(repository, moved):
            yield f"the values are still staged: run `git add {file_word(shown)}` before the next commit"


def _still_there(data: bytes, moved: Sequence[MovedText]) -> Iterator[str]:
    """The texts that the manifest still has, such as in a comment."""
    lines = data.decode("utf-8", "replace").splitlines()
    for each in moved:
        number = next((number for number, line in enumerate(lines, 1) if each.text in line), None)
        if number is not None:
            yield f"line {number} still has the text of {show_path(each.place)}: extract or remove that, too"


def _is_staged(repository: Repository, moved: Sequence[MovedText]) -> bool:
    """Whether the index has a text that the last commit does not have."""
    staged, committed = (_blob(repository, f"{state}:{moved[0].path}") for state in ("", "HEAD"))
    texts = [each.text.encode("utf-8", "surrogatepass") for each in moved]
    return any(text in staged and text not in committed for text in texts)


def _blob(repository: Repository, name: str) -> bytes:
    try:
        return repository.run("cat-file", "blob", name)
    except GitError:
        return b""  # not in that state
