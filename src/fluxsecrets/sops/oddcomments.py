"""Comments that are ciphertexts and stay so, whichever way a document goes."""

from __future__ import annotations

from collections.abc import Iterator

from .document import Comment

_LINES_SHOWN = 5  # of comments that are odd in the same way


class OddComments:
    """Comments that look encrypted and are not opened."""

    def __init__(self) -> None:
        self._inside: list[int] = []
        self._outside: list[int] = []

    def add(self, comment: Comment, *, encrypts: bool) -> None:
        """Remember one."""
        (self._inside if encrypts else self._outside).append(comment.line)

    def warnings(self) -> Iterator[str]:
        """What to say about them, whatever their number."""
        for lines, where in (
            (self._outside, "outside of what is encrypted"),
            (self._inside, "bound to another place or key"),
        ):
            if len(lines) == 1:
                yield f"the comment on line {lines[0]} is a ciphertext {where}: it is left as it is"
            elif lines:
                shown = ", ".join(map(str, lines[:_LINES_SHOWN]))
                more = f" and {len(lines) - _LINES_SHOWN} more" if len(lines) > _LINES_SHOWN else ""
                yield (
                    f"the comments on lines {shown}{more} are ciphertexts {where}: they are left as they are"
                )
