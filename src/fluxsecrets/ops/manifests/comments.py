"""Comments beside values: which of them may stay readable.

SOPS encrypts the comments among values. SealedSecrets and ExternalSecrets leave them in plain text, so a
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

# Stricter than `sops.traces`: names such as `postgres` are values too, and comments may mention them.
_TELLING_TEXT = re.compile(r"[0-9]|.{20}", re.DOTALL)

# A value commented out, such as `# password: hunter2`. Sentences have more than one word.
_COMMENTED_OUT = re.compile(r"""\s*["']?[A-Za-z0-9._-]+["']?\s*(?::\s+|=)(?:\S+|"[^"]*"|'[^']*')\s*""")

_CHOOSE = "fix the comment, drop such comments with --comments drop, or keep them with --comments keep"


class CommentMode(StrEnum):
    """What to do with comments among the values.

    CAREFUL: keep them; one that may hold a value is an error.
    KEEP: keep them; only one that holds a value of this file is an error.
    DROP: remove them.
    """

    CAREFUL = "careful"
    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Kept:
    """The verdict on the comments of an object.

    Attributes:
        drop: `start` of those to remove.
        shown: the number of encrypted comments that become readable.
    """

    drop: frozenset[int]
    shown: int = 0


def judge_comments(
    comments: Sequence[Comment],
    values: Mapping[str, bytes],
    mode: CommentMode,
    encrypted: Collection[int] = (),
) -> Kept:
    """Decide which comments of an object may stay in plain text.

    Args:
        comments: the object's comments.
        values: its values, which no comment may hold.
        mode: the requested treatment.
        encrypted: `start` of those that are encrypted now.

    Raises:
        UnprotectedError: a comment may hold a value; names its line, not the value.
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
                    hint="remove the value from the comment, or drop such comments with --comments drop",
                )
    for comment in among if mode is CommentMode.CAREFUL else ():
        if is_commented_out(comment.text):
            raise UnprotectedError(
                "a comment looks like a value that was commented out, and would be readable",
                line=comment.line,
                hint=_CHOOSE,
            )
    return Kept(frozenset(), sum(each.start in encrypted for each in comments))


def is_commented_out(text: str) -> bool:
    """Whether a comment looks like a value that was commented out."""
    return _COMMENTED_OUT.fullmatch(text) is not None


def shown_warning(count: int) -> tuple[str, ...]:
    """Return the warning about comments that were encrypted."""
    if not count:
        return ()
    return (
        f"{'1 comment was' if count == 1 else f'{count} comments were'} encrypted and can be read now: "
        "check them, or drop them with --comments drop",
    )


def _traces(values: Mapping[str, bytes]) -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        text = value.decode("utf-8", "replace").strip()
        if len(text) >= SHORTEST and (TELLING_KEY.search(key) or _TELLING_TEXT.search(text)):
            yield text, key
            yield b64encode(value).decode("ascii"), key
