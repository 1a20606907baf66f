"""One Secret as the repository has it, compared with the cluster's: key by key, by hashes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import filterfalse

from fluxsecrets.cluster.model import LiveSecret

from .expected import ExpectedSecret
from .managers import Manager, last_of, managers_of


@dataclass(frozen=True, slots=True)
class Drift:
    """In what two versions of a Secret differ; names of keys only.

    Attributes:
        differs: keys with another value; without those whose value is a ciphertext, which is worse.
        missing: keys that the cluster lacks.
        extra: keys that the repository lacks.
        closed: keys whose value is not known here.
        hidden: keys whose value the dump hides.
        ignored: keys in which they differ, and `spec.ignore` says that they may.
        type: that of the cluster's, if it is another, else None.
        by: who has set what differs or is extra; None if the cluster does not tell.
    """

    differs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    type: str | None = None
    by: Manager | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys in which they differ."""
        return (*self.differs, *self.missing, *self.extra)


def drift_of(expected: ExpectedSecret, live: LiveSecret) -> Drift:
    """Compare a Secret with the one that the cluster has by its name."""
    both = {key: value for key, value in expected.values.items() if key in live.digests}
    known = {key: value for key, value in both.items() if value is not None}
    hidden = tuple(key for key in known if live.digests[key] is None)
    comparable = [key for key in known if key not in hidden and key not in live.ciphertexts]
    differs = [key for key in comparable if live.digests[key] != known[key]]
    missing = [key for key in expected.values if key not in live.digests]
    extra = [key for key in live.digests if key not in expected.values] if expected.complete else []
    is_other = expected.type is not None and live.type != expected.type
    return Drift(
        differs=_counting(expected, differs),
        missing=_counting(expected, missing),
        extra=_counting(expected, extra),
        closed=tuple(key for key, value in both.items() if value is None),
        hidden=hidden,
        ignored=tuple(filter(expected.ignores, (*differs, *missing, *extra))),
        type=live.type if is_other else None,
        by=last_of(managers_of(live.item.data), {*differs, *extra}),
    )


def _counting(expected: ExpectedSecret, keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(filterfalse(expected.ignores, keys))
