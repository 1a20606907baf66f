"""What is encoded in a file, judged by its structure: a Secret in base64, an archive in a ConfigMap.

Every piece is read as a file of its own, whose name says nothing. What is found in it is reported where it
stands encoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.findings import Confidence

from .blob import Blob
from .decode import Decoded, decode, decode_again, decode_hex, decode_percent
from .match import Match
from .triggers import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_LEVELS = 2  # of base64, one within the other
_VARIABLES = rb"(?:[ \t]*(?:#[^\n]*|(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=[^\n]*)?(?:\n|\Z))+"
_ENV_NAME = "encoded.env"
_HINT = "take it out: an encoding hides nothing; move it to a Secret, and encrypt that"


def layers(data: bytes, hits: Collection[Trigger]) -> Iterator[Decoded]:
    """What is encoded in a file in one way after the other."""
    if Trigger.BASE64 in hits:
        decoded = decode(data)
        for _ in range(_LEVELS):
            if decoded is None:
                break
            yield decoded
            decoded = decode_again(decoded)
    for trigger, read in ((Trigger.HEX, decode_hex), (Trigger.PERCENT, decode_percent)):
        if trigger in hits and (found := read(data)) is not None:
            yield found


def name_of(piece: bytes) -> str:
    """A name by which a piece is read as what it looks like."""
    return _ENV_NAME if re.fullmatch(_VARIABLES, piece.replace(b"\r", b"")) else "encoded"


def placed(match: Match, inner: Blob, outer: Blob, span: tuple[int, int], layer: Decoded) -> Match:
    """A match in a piece, as one in the file that the piece stands in."""
    value = match.value if match.value is not None else inner.text[match.start : match.end]
    return match._replace(
        rank=min(match.rank, layer.rank),
        start=outer.offset(span[0]),
        end=outer.offset(span[1]),
        message=f"{match.message}, in {layer.how}",
        hint=_HINT,
        shown="",
        allow_at=(),
        value=value,
        around=None,
        confidence=min(match.confidence, Confidence.MEDIUM) if inner.path == _ENV_NAME else match.confidence,
    )
