"""The frame in which a run hands its unlocked keys to the agent.

Each entry is the number of its kind, the digest, the size of the secret, and the secret.
"""

from __future__ import annotations

from fluxsecrets.errors import FormatError

from .unlocked import KINDS, Unlocked

MAX_FRAME = 4 * 1024 * 1024
"""Bytes of all entries together."""

_NUMBERS = tuple(KINDS)
_DIGEST, _SIZE = 32, 4
_HEAD = 1 + _DIGEST + _SIZE


def pack(unlocked: Unlocked) -> bytearray:
    """Return the unlocked keys, newest first, up to the size of a frame. Wipe it after use."""
    frame = bytearray()
    for kind, digest in reversed(unlocked.added):
        secret = unlocked.get(kind, digest) or b""
        if len(frame) + _HEAD + len(secret) <= MAX_FRAME:
            frame += bytes((_NUMBERS.index(kind),)) + digest + len(secret).to_bytes(_SIZE, "big") + secret
    return frame


def take(unlocked: Unlocked, frame: bytearray) -> int:
    """Keep the entries of a frame, and wipe it.

    Returns:
        How many there were.

    Raises:
        FormatError: it is not a frame, or has an entry that is not kept; nothing of it was kept.
    """
    try:
        entries = _entries(memoryview(frame))
        for kind, digest, secret in reversed(entries):
            unlocked.add(kind, digest, secret)
            secret.release()
        return len(entries)
    finally:
        frame[:] = bytes(len(frame))


def _entries(frame: memoryview) -> list[tuple[str, bytes, memoryview]]:
    entries = []
    if len(frame) > MAX_FRAME:
        raise _refused()
    while frame:
        size = int.from_bytes(frame[_HEAD - _SIZE : _HEAD], "big")
        if len(frame) < _HEAD + size or frame[0] >= len(_NUMBERS):
            raise _refused()
        kind = _NUMBERS[frame[0]]
        if not KINDS[kind].least <= size <= KINDS[kind].most:
            raise _refused()
        entries.append((kind, bytes(frame[1 : 1 + _DIGEST]), frame[_HEAD : _HEAD + size]))
        frame = frame[_HEAD + size :]
    return entries


def _refused() -> FormatError:
    return FormatError("these are no unlocked keys", hint="stop the agent, and start it again")
