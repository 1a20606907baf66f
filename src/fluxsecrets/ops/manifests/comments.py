"""Comments beside values: which may stay when the values are hidden in a way that hides no comments.

SOPS encrypts the comments among values. SealedSecrets and ExternalSecrets leave them as they are, so a
comment that holds a value would be a leak.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.repo.secretobject import FIELDS
from fluxsecrets.sops.document import Comment
from fluxsecrets.sops.traces import SHORTEST, TELLING_KEY

# Stricter than `sops.traces`: names such as `postgres` are values too, and comments may say them.
_TELLING_TEXT = re.compile(r"[0-9]|.{20}", re.DOTALL)

# A line that was a value once, such as `# password: hunter2`; sentences have more than one word.
_COMMENTED_OUT = re.compile(r"""\s*["']?[A-Za-z0-9._-]+["']?\s*(?::\s+|=)(?:\S+|"[^"]*"|'[^']*')\s*""")

_CHOOSE = "mend the comment, leave such comments out with --comments drop, or keep them with --comments keep"


class CommentMode(StrEnum):
    """What becomes of comments among the values.

    CAREFUL: they stay, but for one that may hold a value, which is an error.
    KEEP: they stay, whatever they hold, but for the values of this very file.
    DROP: they are left out.
    """

    CAREFUL = "careful"
    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Kept:
    """The verdict on the comments of an object.

    Attributes:
        drop: `start` of those to leave out.
        shown: how many that were encrypted are readable afterwards.
    """

    drop: frozenset[int]
    shown: int = 0


def judge_comments(
    comments: Sequence[Comment],
    values: Mapping[str, bytes],
    mode: CommentMode,
    encrypted: Collection[int] = (),
) -> Kept:
    """Which comments of an object may stay in the clear.

    Args:
        comments: of the object.
        values: its values, which no comment may hold.
        mode: what was asked for.
        encrypted: `start` of those that are encrypted now.

    Raises:
        UnprotectedError: one may hold a value; with its line, without the value.
    """
    among = [each for each in comments if each.path[:1] and each.path[0] in FIELDS]
    if mode is CommentMode.DROP:
        hidden = [each for each in comments if each.start in encrypted]
        return Kept(frozenset(each.start for each in (*among, *hidden)))
    traces = dict(_traces(values))
    for comment in comments:
        for trace, key in traces.items():
            if trace in comment.text:
                raise UnprotectedError(
                    f"a comment holds the value of {key!a}, and would be readable",
                    line=comment.line,
                    hint="take the value out of the comment, or leave such comments out with --comments drop",
                )
    for comment in among if mode is CommentMode.CAREFUL else ():
        if _COMMENTED_OUT.fullmatch(comment.text):
            raise UnprotectedError(
                "a comment looks like a value that was commented out, and would be readable",
                line=comment.line,
                hint=_CHOOSE,
            )
    return Kept(frozenset(), sum(each.start in encrypted for each in comments))


def shown_warning(count: int) -> tuple[str, ...]:
    """What to say about comments that were encrypted."""
    if not count:
        return ()
    return (
        f"{'1 comment was' if count == 1 else f'{count} comments were'} encrypted and can be read now: "
        "look over them, or leave them out with --comments drop",
    )


def _traces(values: Mapping[str, bytes]) -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        text = value.decode("utf-8", "replace").strip()
        if len(text) >= SHORTEST and (TELLING_KEY.search(key) or _TELLING_TEXT.search(text)):
            yield text, key
            yield b64encode(value).decode("ascii"), key
