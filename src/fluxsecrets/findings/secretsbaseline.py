"""A `.secrets.baseline` of detect-secrets: values that are known, by file and by the SHA-1 of the value.

Values are compared in memory. Nothing of a digest is reported: a short value could be guessed from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fluxsecrets.errors import ConfigError

from .allow import AllowedFinding, Remark
from .model import Finding, ValueId

_SHA1 = 40


class _Entry(NamedTuple):
    """A value that is known in a file: where that is said, and the number of its digest."""

    path: str
    digest: int
    line: int
    real: bool


class SecretsBaseline:
    """Its entries as allowances.

    Attributes:
        digests: all of them, in lower-case hexadecimal; marks of findings are their numbers.
    """

    def __init__(self, data: bytes, path: str) -> None:
        """Read the file.

        Args:
            data: its content.
            path: of the file.

        Raises:
            ConfigError: this is not a baseline of detect-secrets.
        """
        self._path = path
        self._used: set[_Entry] = set()
        numbers: dict[str, int] = {}
        self._entries: dict[tuple[str, int], _Entry] = {}
        for name, item in _results(data, path):
            digest = str(item["hashed_secret"]).lower()
            number = numbers.setdefault(digest, len(numbers))
            place = name.replace("\\", "/").removeprefix("./")
            line = data.count(b"\n", 0, max(data.find(digest.encode()), 0)) + 1
            entry = _Entry(place, number, line, item.get("is_secret") is True)
            self._entries.setdefault((place, number), entry)
        self.digests = tuple(numbers)

    def __repr__(self) -> str:
        """Without the digests."""
        return f"SecretsBaseline({self._path!r}, {len(self._entries)} entries)"

    def allow(self, finding: Finding) -> AllowedFinding | None:
        """See `Excuser.allow`."""
        for mark in finding.marks:
            kind, _, number = mark.partition(":")
            entry = self._entries.get((finding.location.path, int(number))) if kind == "hash" else None
            if entry is not None:
                self._used.add(entry)
                as_what = "as a real secret" if entry.real else "without a reason"
                reason = f"its value is in {self._path}, {as_what}"
                return AllowedFinding(
                    finding,
                    reason,
                    self._path,
                    entry.line,
                    tool="detect-secrets",
                    meaning=self._meaning(entry),
                )
        return None

    def _meaning(self, entry: _Entry) -> ValueId:
        """What an entry says, as something that nobody prints."""
        return ValueId(f"{self.digests[entry.digest]} {entry.path}".encode("utf-8", "surrogatepass"))

    def meanings(self) -> Iterator[object]:
        """See `Excuser.meanings`."""
        return map(self._meaning, self._entries.values())

    def remarks(self, *, complete: bool) -> Iterator[Remark]:
        """See `Excuser.remarks`."""
        for entry in self._entries.values() if complete else ():
            if entry not in self._used:
                yield Remark(self._path, entry.line, "unused", "this entry allows nothing here")


def _results(data: bytes, path: str) -> Iterator[tuple[str, dict[str, object]]]:
    import json

    hint = "write it with `detect-secrets scan`, or take it out of .fluxsecrets.yaml"
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, dict):
        raise ConfigError("this is not a baseline of detect-secrets", hint=hint, path=path)
    for name, items in results.items():
        for item in items if isinstance(items, list) else [None]:
            digest = item.get("hashed_secret") if isinstance(item, dict) else None
            if not isinstance(item, dict) or not isinstance(digest, str) or len(digest) != _SHA1:
                raise ConfigError(f"the entry of {name[:60]!a} is damaged", hint=hint, path=path)
            yield name, item
