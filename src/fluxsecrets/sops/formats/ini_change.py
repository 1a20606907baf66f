"""INI text changed at one key or section."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import Change, Data, Document, Entry, Leaf, Mapping, Path, find

from .changing import Edit
from .ini import DEFAULT_SECTION, IniFormat
from .lines import line_end, line_start, newline_of, with_comments_above

_SIGNS = "#;"


class IniChanger:
    """See `changing.Changer`."""

    def __init__(self, document: Document) -> None:
        """Take a plain document."""
        self._document = document
        self._source = document.source
        self._sections = [entry for entry in document.parts[0].entries if isinstance(entry, Entry)]

    def setting(self, part: int, path: Path, value: Data) -> Iterator[list[Edit]]:
        """Edits that set a value, add a key at the end of its section, or a section at the end.

        Raises:
            FormatError: not a section and a key, or what INI can't hold.
        """
        section, key = _section_and_key(path)
        if not isinstance(value, str):
            raise FormatError("INI holds text only", hint="give a single value")
        found = self._section(section)
        leaf = find(self._document.parts[0], path)
        if isinstance(leaf, Leaf):
            yield [self._replaced(leaf, value)]
            return
        newline = newline_of(self._source)
        lines = _rendered(section, key, value)
        if found is None:
            blank = newline if self._source else ""
            end = len(self._source)
            if self._source and not self._source.endswith("\n"):
                blank = newline * 2
            yield [(end, end, blank + newline.join([f"[{section}]", *lines]) + newline)]
            return
        lines[0] = self._in_style(found, key, section, lines[0])
        end = self._section_end(found)
        text = newline.join(lines)
        if end and not self._source.endswith("\n", 0, end):
            yield [(end, end, newline + text)]
        else:
            yield [(end, end, text + newline)]

    def removing(self, part: int, path: Path) -> Iterator[list[Edit]]:
        """Edits that remove a key or a whole section, with the comments above it."""
        section = self._section(path[0])
        if section is None or not isinstance(section.value, Mapping):
            return
        if len(path) == 1:
            start, _ = with_comments_above(self._source, section.start, section.end, _SIGNS, top=True)
            yield [(start, self._section_end(section), "")]
            return
        for entry in section.value.entries:
            if isinstance(entry, Entry) and entry.key == path[1]:
                start, end = with_comments_above(self._source, entry.start, entry.value.end, _SIGNS)
                yield [(start, end, "")]

    def _section(self, name: str | int) -> Entry | None:
        found = [entry for entry in self._sections if entry.key == name]
        if len(found) > 1:
            raise FormatError(
                f"the section {name!a} stands twice in the file, so that it is not clear which one is meant",
                line=found[1].line,
                hint="merge the two with `fluxsecrets edit FILE`",
            )
        return found[0] if found else None

    def _section_end(self, section: Entry) -> int:
        """Behind the line of the section's last key, or of its header."""
        assert isinstance(section.value, Mapping)  # noqa: S101 - INI's sections are maps
        ends = [section.end if self._has_header(section) else section.start]
        for item in section.value.entries:
            if isinstance(item, Entry):
                ends.append(item.value.end)
            elif item.inline:
                ends.append(item.end)
        return min(line_end(self._source, max(ends)) + 1, len(self._source))

    def _has_header(self, section: Entry) -> bool:
        return section.start > 0 and self._source[section.start - 1] == "["

    def _replaced(self, leaf: Leaf, value: str) -> Edit:
        """The format's own spelling of the new value, quotes included."""
        new = IniFormat().rewrite(self._document, [Change(leaf, value, encrypted=False)], None)
        text = new.decode("utf-8").removeprefix("\ufeff")
        start = line_start(self._source, leaf.start)
        end = line_end(self._source, leaf.end)
        line, new_line = self._source[start:end], text[start : end + len(text) - len(self._source)]
        # As little as differs, so that a comment behind the value is left alone.
        left = _common(line, new_line)
        right = _common(line[left:][::-1], new_line[left:][::-1])
        return (start + left, end - right, new_line[left : len(new_line) - right])

    def _in_style(self, section: Entry, key: str, name: str, line: str) -> str:
        """The line with the separator that the section's last key has."""
        assert isinstance(section.value, Mapping)  # noqa: S101 - INI's sections are maps
        entries = [item for item in section.value.entries if isinstance(item, Entry)]
        if not entries:
            return line
        last = entries[-1]
        gap = self._source[last.end : last.value.start].strip("\"'`")
        blank = gap.strip(" \t") == "=" and gap.count(" ") <= 2 and "\t" not in gap
        if not blank:
            return line
        head = _rendered(name, key, "")[0].removesuffix("=").rstrip(" ")
        return head + gap + line.removeprefix(f"{head} = ")


def _common(first: str, second: str) -> int:
    """How many characters two texts start with in common."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(first), len(second)))


def _rendered(section: str, key: str, value: str) -> list[str]:
    text = IniFormat().render([{section: {key: value}}]).decode("utf-8").removesuffix("\n")
    lines = text.split("\n")
    return lines if section == DEFAULT_SECTION else lines[1:]


def _section_and_key(path: Path) -> tuple[str, str]:
    if len(path) == 2 and isinstance(path[0], str) and isinstance(path[1], str):
        return path[0], path[1]
    raise FormatError("a value of an INI file has a section and a key", hint="write it like section.key")
