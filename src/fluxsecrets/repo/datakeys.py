"""Which versions of a file have the same data key, as far as their text says.

A ciphertext that stands in two versions was made with one key: its nonce is random, and nobody makes it
again. Versions that share one are taken for one key, and so are those in between.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from fluxsecrets.sops.recipients import Recipient

from .history import Commit


@dataclass(frozen=True, slots=True)
class FormerReader:
    """Somebody whom a version of a file was encrypted for, and whom it is not encrypted for any more.

    Attributes:
        path: the file.
        recipient: who.
        listed: the last commit in which it was encrypted for them.
        until: the last commit whose data key they know.
        now: they know the data key that it has now; None where none of the identities at hand can tell.
    """

    path: str
    recipient: Recipient
    listed: Commit
    until: Commit
    now: bool | None


def same_keys(marks: Sequence[Iterable[Hashable]]) -> list[int]:
    """A number for each version; versions that share a mark, or are linked by others that do, have the same.

    Args:
        marks: of each version: its ciphertexts, and what else tells its data key.
    """
    parents = list(range(len(marks)))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    first: dict[Hashable, int] = {}
    for number, own in enumerate(marks):
        for mark in own:
            parents[root(number)] = root(first.setdefault(mark, number))
    return [root(number) for number in range(len(marks))]
