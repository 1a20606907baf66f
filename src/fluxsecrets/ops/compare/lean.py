"""Show an encrypted Secret without parsing YAML, where its text has the form that it nearly always has.

git starts a process for every version of every file that it shows: parsing would be most of its time. Here
each line has to be one of a few, or nothing comes out, and the caller takes the long way (`textconv`). That
one decides what is right; a test compares the two.

The form: Secrets in block style whose selector names the keys that are encrypted, or those that are not. All
values under `data` and `stringData` are ciphertexts on one line. Behind them is a `sops` block with age
recipients, as sops and we write it.
"""

from __future__ import annotations

from .leanblock import SIGN, WORD, OtherFormError, Selection, indent_of, masked, read_block
from .leandotenv import dotenv_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST = 2**20
"""Bytes of a file; a larger one takes the long way."""

_KINDS = ("str", "int", "float", "bytes", "bool", "time")
_PLAIN = WORD | frozenset(":+=@, ")
_NO_KEYS = ("true", "false", "null")
_METADATA = "metadata:"
_VALUES = ("data:", "stringData:")
_SHOWN = ("apiVersion: ", "kind: ", "type: ", "immutable: ")


def lean_text(data: bytes, name: str = "") -> str | None:
    """The masked text of an encrypted file, or None if it has another form.

    Nothing of it moves a terminal's cursor.

    Args:
        data: the content.
        name: of the file; with the ending `.env` it is a dotenv file.
    """
    if len(data) > MOST or not data.endswith(b"\n"):
        return None
    try:
        text = data.decode("utf-8")
        # A copy of all values, or what is not a letter: both are for the long way.
        if not text.replace("\n", " ").isprintable() or "last-applied" in text:
            return None
        lines = text[:-1].split("\n")
        return "\n".join(dotenv_lines(lines) if name.endswith(".env") else _lines(lines)) + "\n"
    except (UnicodeDecodeError, OtherFormError):
        return None


def _lines(lines: Sequence[str]) -> Iterator[str]:
    blocks: list[tuple[str, ...]] = []
    start = 0
    for number, line in enumerate(lines):
        if line == "---" and number == start == 0:
            yield line
            start = 1
        elif line[:3] in ("---", "..."):
            if line != "---":
                raise OtherFormError
            yield from _document(lines[start:number], blocks)
            yield line
            start = number + 1
        elif line[:1] == "%":
            raise OtherFormError
    yield from _document(lines[start:], blocks)
    if any(block != blocks[0] for block in blocks):
        raise OtherFormError
    yield from blocks[0]


def _document(lines: Sequence[str], blocks: list[tuple[str, ...]]) -> Iterator[str]:
    """The lines of one document; what they say of its block is added to `blocks`."""
    if "sops:" not in lines:
        raise OtherFormError
    end = lines.index("sops:")
    selection, block = read_block(lines[end + 1 :])
    blocks.append(block)
    keys: set[str] = set()
    section, inner = "", list[str]()
    for line in lines[:end]:
        if line[:1] in ("", " ", "#"):
            inner.append(line)
            continue
        yield from _inside(section, inner, selection)
        section, inner = _top(line, keys, selection), []
        yield line
    yield from _inside(section, inner, selection)


def _top(line: str, keys: set[str], selection: Selection) -> str:
    """The key of a line of the root, if lines below it are known; else ""."""
    key, _, value = line.partition(":")
    _add(key, keys)
    if line in _VALUES or line == _METADATA:
        return line
    if line.startswith(_SHOWN) and value[1:2].isalnum() and WORD.issuperset(value[1:]):
        selection.require_plain(key, set())
        return ""
    raise OtherFormError


def _add(key: str, keys: set[str]) -> None:
    """Note a key of a map; one that YAML may take for something else has another form."""
    if key in keys or not key[:1].isalpha() or not WORD.issuperset(key) or key.lower() in _NO_KEYS:
        raise OtherFormError
    keys.add(key)


def _inside(section: str, lines: Sequence[str], selection: Selection) -> Sequence[str]:
    """The lines below a key of the root."""
    keys: set[str] = set()  # of all maps below it
    if section in _VALUES:
        shown = list(_values(lines, keys))
        selection.require_encrypted(section[:-1], keys)
        return shown
    # With a selector that leaves some keys plain, the comments of the root are encrypted.
    if selection.leaves_plain and any("#" in line for line in lines):
        raise OtherFormError
    shown = list(_shown(lines, keys, is_map=section == _METADATA))
    if section:
        selection.require_plain(section[:-1], keys)
    return shown


def _shown(lines: Sequence[str], keys: set[str], *, is_map: bool) -> Iterator[str]:
    """The lines of maps that are shown as they are."""
    levels: list[tuple[int, set[str]]] = []
    opens = is_map
    for line in lines:
        level = indent_of(line)
        bare = line[level:]
        if SIGN in line:
            raise OtherFormError
        if line and bare[:1] != "#":
            if opens and level > (levels[-1][0] if levels else 0):
                levels.append((level, set()))
            while levels and level < levels[-1][0]:
                levels.pop()
            key, colon, value = bare.partition(":")
            if not colon or not levels or levels[-1][0] != level or not (not value or _is_simple(value)):
                raise OtherFormError
            _add(key, levels[-1][1])
            keys.add(key)
            opens = not value
        yield line


def _is_simple(value: str) -> bool:
    """Whether what is behind the colon of a key is a scalar on this line, with or without a comment."""
    text = value[1:].partition(" #")[0].rstrip(" ")
    if value[0] != " " or not text:
        return False
    quote, rest = text[0], text[1:]
    if quote in ("'", '"'):
        return rest[-1:] == quote and quote not in rest[:-1] and "\\" not in rest
    return (quote.isalnum() or quote == "/") and _PLAIN.issuperset(rest) and ": " not in f"{text} "


def _values(lines: Sequence[str], keys: set[str]) -> Iterator[str]:
    """The lines below `data:` or `stringData:`, masked."""
    column = 0  # of the keys
    literal = ended = False
    for line in lines:
        level = indent_of(line)
        bare = line[level:]
        if literal:
            if level <= column:
                raise OtherFormError
            literal, ended = False, True
            yield line[:level] + masked(bare, _KINDS)
        elif not line:
            yield line
        elif ended and level > column:  # one more line of a block scalar
            raise OtherFormError
        elif bare[:1] == "#":
            yield line[:level] + _comment(bare)
        else:
            column = column or level
            key, separator, value = bare.partition(": ")
            if not level or level != column or not separator:
                raise OtherFormError
            _add(key, keys)
            literal, ended = value == "|-", False
            yield line if literal else f"{line[:level]}{key}: {_value(value)}"
    if literal:
        raise OtherFormError


def _value(text: str) -> str:
    """A value on the line of its key, with a comment behind it if there is one."""
    text, separator, comment = text.partition(" #")
    quote = text[:1] if text[:1] in ("'", '"') and len(text) > 1 and text[0] == text[-1] else ""
    if text != '""':
        text = f"{quote}{masked(text.strip(quote) if quote else text, _KINDS)}{quote}"
    return f"{text} {_comment(separator[1:] + comment)}" if separator else text


def _comment(text: str) -> str:
    return f"#{masked(text[1:], ('comment',))}"
