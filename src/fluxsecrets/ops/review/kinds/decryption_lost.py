"""Files that Flux decrypted before a change, and does not decrypt any more."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.fluxchange import Undecrypted
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.repo.decryption import Fate

from .kind import Kind, describe, item

INFO = describe(
    "decryption-lost",
    Severity.HIGH,
    "Flux does not decrypt a file any more",
    why="Flux applies the ciphertext, or nothing.",
    fix="run `fluxsecrets verify`: it names what Flux needs to decrypt the file",
)
_FATES = {
    Fate.APPLIED: "Flux applies the file as it is, and decrypted it before",
    Fate.CIPHERTEXT: "Flux applies the ciphertext, and decrypted the file before",
    Fate.FAILS: "Flux fails at the file, and decrypted it before",
}


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare what Flux does with each file that it decrypted before."""
    plain = {
        each.path for each in change.compared if each.diff.after is not None and not each.diff.after.encrypted
    }
    stopped = {(each.file, each.outcome.reason) for each in change.flux.worse}
    found: dict[str, list[Undecrypted]] = {}
    for each in change.flux.undecrypted:
        if (each.path, each.reason) in stopped:  # its Kustomization is an item, with this reason
            continue
        if each.fate in _FATES and each.path not in plain:  # plain text is said of these
            found.setdefault(each.path, []).append(each)
    for path, items in found.items():
        first = items[0]
        reason = f": {first.reason}" if first.reason else ""
        yield item(
            INFO,
            path,
            f"{_FATES[first.fate]}{reason}",
            environments=sorted({each.environment for each in items}),
            line=first.line,
        )


KIND = Kind(INFO, check)
