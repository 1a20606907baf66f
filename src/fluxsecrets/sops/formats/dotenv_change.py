"""dotenv text changed at one line."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import Data, Document, Entry, Path

from .changing import Edit
from .flatten import escape_newlines
from .lines import with_comments_above


class DotenvChanger:
    """See `changing.Changer`."""

    def __init__(self, document: Document) -> None:
        """Take a plain document."""
        self._source = document.source
        self._entries = [entry for entry in document.parts[0].entries if isinstance(entry, Entry)]

    def setting(self, part: int, path: Path, value: Data) -> Iterator[list[Edit]]:
        """Edits that set a value, or add a line at the end.

        Raises:
            FormatError: a nested key, or one that stands twice.
        """
        key = _only_key(path)
        if not isinstance(value, str):
            raise FormatError("dotenv holds text only", hint="give a single value")
        text = escape_newlines(value, f"the value of {key!a}")
        entry = self._entry(key)
        if entry is not None:
            yield [(entry.value.start, entry.value.end, text)]
            return
        end = len(self._source)
        if not self._source or self._source.endswith("\n"):
            yield [(end, end, f"{key}={text}\n")]
        else:
            yield [(end, end, f"\n{key}={text}")]

    def removing(self, part: int, path: Path) -> Iterator[list[Edit]]:
        """Edits that remove a line and the comments above it.

        Raises:
            FormatError: a nested key, or one that stands twice.
        """
        entry = self._entry(_only_key(path))
        if entry is None:
            return
        start, end = with_comments_above(self._source, entry.start, entry.value.end, "#")
        yield [(start, end, "")]

    def _entry(self, key: str) -> Entry | None:
        found = [entry for entry in self._entries if entry.key == key]
        if len(found) > 1:
            raise FormatError(
                f"the key {key!a} stands twice in the file, so that it is not clear which one is meant",
                line=found[1].line,
                hint="remove one of the two with `fluxsecrets edit FILE`",
            )
        return found[0] if found else None


def _only_key(path: Path) -> str:
    if len(path) != 1 or not isinstance(path[0], str):
        raise FormatError("dotenv has no nested keys", hint="name one key, such as TOKEN")
    return path[0]
