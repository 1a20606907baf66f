"""What shows only across several files."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Confidence, Finding, Location
from fluxsecrets.findings.fingerprint import fingerprint
from fluxsecrets.shell import command_for, word

from .scanned import Ciphertext, Scanned


class FileSet:
    """What shows only across several files.

    The same ciphertext under two data keys; plain files that a secretGenerator reads.
    """

    def __init__(self) -> None:
        """Start with no file."""
        self._seen: dict[int, Ciphertext] = {}
        self._generated: dict[str, tuple[str, int]] = {}
        self._plain: dict[str, str | None] = {}

    def add(self, scanned: Scanned, commit: str | None = None) -> Iterator[Finding]:
        """Add a file; ciphertexts that it shares with earlier ones are findings."""
        if not scanned.encrypted and not scanned.place and not scanned.empty:
            self.add_plain(scanned.path, commit)
        self.add_generators(scanned)
        if not scanned.ciphertexts:
            return
        from .structure.sops import FOREIGN

        for each in scanned.ciphertexts:
            item = each if commit is None else each._replace(location=each.location._replace(commit=commit))
            first = self._seen.setdefault(item.digest, item)
            if first is item or not first.keys or not item.keys or first.keys & item.keys:
                continue
            if first.location.path == item.location.path:
                continue
            path = item.location.path
            where = escaped_path(first.location.path)
            yield Finding(
                rule=FOREIGN.id,
                severity=FOREIGN.severity,
                confidence=Confidence.HIGH,
                location=item.location,
                message=f"{item.name} has the ciphertext of {first.name} in {where}",
                hint=_hint(first, item),
                fingerprint=fingerprint(FOREIGN.id, path, item.name),
                excerpt=f"{item.name}: ENC[…]",
                related=(first.location,),
            )

    def add_plain(self, path: str, commit: str | None = None) -> None:
        """Add a plain file of which nothing else is known."""
        self._plain.setdefault(path, commit)

    def add_generators(self, scanned: Scanned) -> None:
        """Add the files that the generators of a kustomization file read."""
        for path, line in scanned.generated:
            self.add_generator(path, scanned.path, line)

    def add_generator(self, path: str, by: str, line: int) -> None:
        """Add a file that a generator reads, and where that is said."""
        self._generated.setdefault(path, (by, line))

    def is_plain(self, path: str) -> bool:
        """Whether a file was scanned and is not encrypted, and no rule for its kind found anything in it."""
        return path in self._plain

    def whole(self, path: str, reason: str, related: tuple[Location, ...] = ()) -> Finding:
        """The finding for a plain file that is a secret as a whole."""
        from .structure import wholefile

        return wholefile.plain_file(path, reason, self._plain.pop(path, None), related)

    def finish(self) -> Iterator[Finding]:
        """The findings that need all files."""
        for path, (by, line) in sorted(self._generated.items()):
            if path in self._plain:
                reason = f"a secretGenerator in {escaped_path(by)} makes a Secret of it"
                yield self.whole(path, reason, (Location(by, line),))


def _hint(first: Ciphertext, item: Ciphertext) -> str:
    other = f"{command_for('get', (first.location.path,))} {word(first.name)}"
    own = f"fluxsecrets get FILE {word(item.name)}"
    return f"only one of `{other}` and `{own}` opens it: set that value in the other file again"


def escaped_path(path: str) -> str:
    """A path as a message shows it: in ASCII, without what moves a terminal's cursor."""
    return ascii(path)[1:-1]
