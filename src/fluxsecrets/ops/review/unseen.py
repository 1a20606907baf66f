"""What a review could not look at, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from .change import Change


def unseen(change: Change) -> tuple[str, ...]:
    """Say what could not be looked at; an empty result means that everything was."""
    return tuple(dict.fromkeys((*_values(change), *change.unseen)))


def _values(change: Change) -> Iterator[str]:
    closed = [
        each.path
        for each in change.compared
        if any(
            side is not None and side.encrypted and not side.opened
            for side in (each.diff.before, each.diff.after)
        )
    ]
    if closed:
        files = f"{len(closed)} encrypted file" + ("s" if len(closed) > 1 else "")
        why = "none of your identities can decrypt them" if change.with_keys else "--no-keys"
        yield f"the values of {files} were not compared, nor their MACs checked: {why}"
    sealed = [each.path for each in change.compared if _has_sealed(each.path, change)]
    if sealed:
        yield "the values of SealedSecrets were not compared: only the controller can decrypt them"


def _has_sealed(path: str, change: Change) -> bool:
    data = change.after.read(path)
    return data is not None and b"SealedSecret" in data
