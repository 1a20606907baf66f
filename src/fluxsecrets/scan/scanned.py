"""What the scan of a file is given beside the content, and what it returns."""

from __future__ import annotations

from collections.abc import Callable

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Finding, Location
from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.findings.allow import InlineAllowance

    from .blob import Blob
    from .containers import Budget


class Context(NamedTuple):
    """What is known about a file beside its content.

    Attributes:
        whole: why the file is a secret as a whole, or "" if it is not.
        ruled: says why a plain file is one because a creation rule names it, or ""; None asks no rules.
        budget: what may still be read of the archive that the file is in, or None.
    """

    whole: str = ""
    ruled: Callable[[Blob], str] | None = None
    budget: Budget | None = None


class Scanned(NamedTuple):
    """What a file holds.

    Attributes:
        ciphertexts: its encrypted values, for `FileSet`.
        generated: files that a secretGenerator in it reads, with the line of each.
        place: a rule that knows its kind found something in it.
        problem: why it could not be judged in full, or None.
    """

    path: str
    findings: tuple[Finding, ...] = ()
    allowances: tuple[InlineAllowance, ...] = ()
    ciphertexts: tuple[Ciphertext, ...] = ()
    generated: tuple[tuple[str, int], ...] = ()
    encrypted: bool = False
    place: bool = False
    empty: bool = False
    problem: FluxsecretsError | None = None


class Ciphertext(NamedTuple):
    """An encrypted value: its hash, its place, and what identifies its file's data key."""

    digest: int
    location: Location
    name: str
    keys: frozenset[int]
