"""What a review could not look at, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from .change import Change


def unseen(change: Change) -> tuple[str, ...]:
    """Say what could not be looked at; an empty result means that everything was."""
    return tuple(dict.fromkeys((*_values(change), *change.unseen)))


def _values(change: Change) -> Iterator[str]:
    closed = undecided = 0
    for each in change.compared:
        sides = [side for side in (each.diff.before, each.diff.after) if side and side.encrypted]
        if any(side.undecided for side in sides):
            undecided += 1
        elif not all(side.opened for side in sides):
            closed += 1
    for count, why in (
        (closed, "none of your identities can decrypt them" if change.with_keys else "--no-keys"),
        (undecided, "a key service gave no answer, or an identity stayed locked"),
    ):
        if count:
            files = f"{count} encrypted file" + ("s" if count > 1 else "")
            yield f"the values of {files} were not compared, nor their MACs checked: {why}"
    sealed = [each.path for each in change.compared if _has_sealed(each.path, change)]
    if sealed:
        yield "the values of SealedSecrets were not compared: only the controller can decrypt them"


def _has_sealed(path: str, change: Change) -> bool:
    data = change.after.read(path)
    return data is not None and b"SealedSecret" in data
