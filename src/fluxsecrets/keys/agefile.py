"""The outside of an age file: its armour, and which kinds of stanza its header holds.

What is inside belongs to the providers. Everything here is public data; nothing is decrypted.
"""

from __future__ import annotations

import base64
import binascii

from fluxsecrets.errors import IntegrityError

MAX_ARMOUR = 64 * 1024
"""Characters; a data key wrapped for one recipient needs about 500, post-quantum ones about 2,500."""

_BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----"
_END = "-----END AGE ENCRYPTED FILE-----"
_COLUMNS = 64
_INTRO = b"age-encryption.org/v1"
_HINT = "restore the file from its last good version: the wrapped key cannot be mended"


def armour(data: bytes) -> str:
    """Write binary age data as text: 64 columns, and a newline at the end."""
    text = base64.b64encode(data).decode("ascii")
    lines = [text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def dearmour(text: str, *, limit: int = MAX_ARMOUR) -> bytes:
    """Read armoured age data, as strictly as age does.

    White space around the armour and CRLF are accepted, other deviations are not (age: armor/armor.go).

    Raises:
        IntegrityError: no armour, damaged, or longer than `limit` characters.
    """
    if len(text) > limit:
        raise _damaged(f"it is longer than {limit // 1024} KiB, which no data key is")
    lines = text.strip().replace("\r\n", "\n").split("\n")
    if lines[0] != _BEGIN:
        raise _damaged("it does not begin with age's armour")
    if lines[-1] != _END:
        raise _damaged("its last line is missing")
    body = lines[1:-1]
    if any(len(line) != _COLUMNS for line in body[:-1]) or not all(
        0 < len(line) <= _COLUMNS for line in body
    ):
        raise _damaged(f"its lines are not {_COLUMNS} columns wide")
    joined = "".join(body)
    try:
        data = base64.b64decode(joined, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    # Comparing with the canonical form also catches set bits behind the end of the data.
    if not data or base64.b64encode(data) != joined.encode("utf-8", "replace"):
        raise _damaged("it is not valid base64")
    return data


def stanza_types(data: bytes) -> tuple[str, ...]:
    """Name the kinds of recipient that binary age data was encrypted for, such as `X25519` or `scrypt`.

    Reads only as much as is needed to refuse what must not reach a decryption routine; that routine
    still checks the header in full.

    Raises:
        IntegrityError: not age data of version 1, or its header is cut off.
    """
    header, end, rest = data.partition(b"\n--- ")
    lines = header.split(b"\n")
    if lines[0] != _INTRO:
        raise _damaged("it is not age data of version 1")
    if not end or b"\n" not in rest:
        raise _damaged("its header is cut off")
    return tuple(
        line[3:].partition(b" ")[0].decode("ascii", "replace") for line in lines if line.startswith(b"-> ")
    )


def _damaged(reason: str) -> IntegrityError:
    return IntegrityError(f"the wrapped data key is damaged: {reason}", hint=_HINT)
