"""Show an encrypted Secret without parsing YAML, where its text has the form that it nearly always has.

git starts a process for every version of every file that it shows: parsing would be most of its time. Here
each line has to be one of a few, or nothing comes out, and the caller takes the long way (`textconv`). That
one decides what is right; a test compares the two.

The form: Secrets in block style whose selector encrypts `data` and `stringData`, all values in these are
ciphertexts on one line, and behind them a `sops` block with age recipients, as sops and we write it.
"""

from __future__ import annotations

from .tokens import placeholder, token_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST = 2**20
"""Bytes of a file; a larger one takes the long way."""

BLOCK_SIGN = "[sops] "
"""What the lines about the `sops` block start with; no document that parses has such a line at its end."""

_SIGN = "ENC[AES256_GCM,data:"
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-")
_KINDS = ("str", "int", "float", "bytes", "bool", "time")
_PLAIN = _WORD | frozenset(":+=@, ")
_NO_KEYS = ("true", "false", "null")
_METADATA = "metadata:"
_VALUES = ("data:", "stringData:")
_SHOWN = ("apiVersion: ", "kind: ", "type: ", "immutable: ")
_SELECTOR = "encrypted_regex: ^(data|stringData)$"
_EMPTY = ("kms: []", "gcp_kms: []", "azure_kv: []", "hc_vault: []", "pgp: []")
_END = "-----END AGE ENCRYPTED FILE-----"


class _OtherFormError(Exception):
    """The text has another form."""


def lean_text(data: bytes) -> str | None:
    """The masked text of an encrypted file, or None if it has another form.

    Nothing of it moves a terminal's cursor.
    """
    if len(data) > MOST or not data.endswith(b"\n"):
        return None
    try:
        text = data.decode("utf-8")
        # A copy of all values, or what is not a letter: both are for the long way.
        if not text.replace("\n", " ").isprintable() or "last-applied" in text:
            return None
        return "\n".join(_lines(text[:-1].split("\n"))) + "\n"
    except (UnicodeDecodeError, _OtherFormError):
        return None


def block_lines(
    selector: str, recipients: Sequence[tuple[str, str]], *, mac_only_encrypted: bool = False
) -> Iterator[str]:
    """The lines about a `sops` block: what is encrypted, and for whom.

    Args:
        selector: such as `encrypted_regex: ^(data|stringData)$`.
        recipients: each with the data key wrapped for it, of which a mark is shown.
        mac_only_encrypted: the MAC covers encrypted values only.
    """
    yield f"{BLOCK_SIGN}{selector}"
    if mac_only_encrypted:
        yield f"{BLOCK_SIGN}mac_only_encrypted"
    for recipient, wrapped in recipients:
        yield f"{BLOCK_SIGN}{recipient} {token_of(''.join(wrapped.split()))}"


def _lines(lines: Sequence[str]) -> Iterator[str]:
    blocks: list[tuple[str, ...]] = []
    start = 0
    for number, line in enumerate(lines):
        if line == "---" and number == start == 0:
            yield line
            start = 1
        elif line[:3] in ("---", "..."):
            if line != "---":
                raise _OtherFormError
            yield from _document(lines[start:number], blocks)
            yield line
            start = number + 1
        elif line[:1] == "%":
            raise _OtherFormError
    yield from _document(lines[start:], blocks)
    if any(block != blocks[0] for block in blocks):
        raise _OtherFormError
    yield from blocks[0]


def _document(lines: Sequence[str], blocks: list[tuple[str, ...]]) -> Iterator[str]:
    """The lines of one document; what they say of its block is added to `blocks`."""
    if "sops:" not in lines:
        raise _OtherFormError
    end = lines.index("sops:")
    blocks.append(tuple(_block(lines[end + 1 :])))
    keys: set[str] = set()
    section, inner = "", list[str]()
    for line in lines[:end]:
        if line[:1] in ("", " ", "#"):
            inner.append(line)
            continue
        yield from _inside(section, inner)
        section, inner = _top(line, keys), []
        yield line
    yield from _inside(section, inner)


def _top(line: str, keys: set[str]) -> str:
    """The key of a line of the root, if lines below it are known; else ""."""
    key, _, value = line.partition(":")
    _add(key, keys)
    if line in _VALUES or line == _METADATA:
        return line
    if line.startswith(_SHOWN) and value[1:2].isalnum() and _WORD.issuperset(value[1:]):
        return ""
    raise _OtherFormError


def _add(key: str, keys: set[str]) -> None:
    """Note a key of a map; one that YAML may take for something else has another form."""
    if key in keys or not key[:1].isalpha() or not _WORD.issuperset(key) or key.lower() in _NO_KEYS:
        raise _OtherFormError
    keys.add(key)


def _inside(section: str, lines: Sequence[str]) -> Iterator[str]:
    """The lines below a key of the root."""
    if section in _VALUES:
        return _values(lines)
    return _shown(lines, is_map=section == _METADATA)


def _shown(lines: Sequence[str], *, is_map: bool) -> Iterator[str]:
    """The lines of maps that are shown as they are."""
    levels: list[tuple[int, set[str]]] = []
    opens = is_map
    for line in lines:
        level = _indent(line)
        bare = line[level:]
        if _SIGN in line:
            raise _OtherFormError
        if line and bare[:1] != "#":
            if opens and level > (levels[-1][0] if levels else 0):
                levels.append((level, set()))
            while levels and level < levels[-1][0]:
                levels.pop()
            key, colon, value = bare.partition(":")
            if not colon or not levels or levels[-1][0] != level or not (not value or _is_simple(value)):
                raise _OtherFormError
            _add(key, levels[-1][1])
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


def _values(lines: Sequence[str]) -> Iterator[str]:
    """The lines below `data:` or `stringData:`, masked."""
    keys: set[str] = set()
    column = 0  # of the keys
    literal = ended = False
    for line in lines:
        level = _indent(line)
        bare = line[level:]
        if literal:
            if level <= column:
                raise _OtherFormError
            literal, ended = False, True
            yield line[:level] + _masked(bare, _KINDS)
        elif not line:
            yield line
        elif ended and level > column:  # one more line of a block scalar
            raise _OtherFormError
        elif bare[:1] == "#":
            yield line[:level] + _comment(bare)
        else:
            column = column or level
            key, separator, value = bare.partition(": ")
            if not level or level != column or not separator:
                raise _OtherFormError
            _add(key, keys)
            literal, ended = value == "|-", False
            yield line if literal else f"{line[:level]}{key}: {_value(value)}"
    if literal:
        raise _OtherFormError


def _value(text: str) -> str:
    """A value on the line of its key, with a comment behind it if there is one."""
    text, separator, comment = text.partition(" #")
    quote = text[:1] if text[:1] in ("'", '"') and len(text) > 1 and text[0] == text[-1] else ""
    if text != '""':
        text = f"{quote}{_masked(text.strip(quote) if quote else text, _KINDS)}{quote}"
    return f"{text} {_comment(separator[1:] + comment)}" if separator else text


def _comment(text: str) -> str:
    return f"#{_masked(text[1:], ('comment',))}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _masked(text: str, kinds: Sequence[str]) -> str:
    """What stands for a ciphertext; `marks.FORM` says how one looks."""
    parts = text[:-1].split(",")
    if not text.startswith(_SIGN) or text[-1] != "]" or len(parts) != 5:
        raise _OtherFormError
    names, values = zip(*(part.partition(":")[::2] for part in parts[1:]), strict=True)
    if names != ("data", "iv", "tag", "type") or values[3] not in kinds:
        raise _OtherFormError
    data, nonce, tag = values[:3]
    if (len(nonce), len(tag), len(data) % 4) != (44, 24, 0) or not data:
        raise _OtherFormError
    padding = 2 if data.endswith("==") else int(data[-1] == "=")
    rest = data[: len(data) - padding] + nonce[:-1] + tag[:-2]
    if nonce[-1] != "=" or tag[-2:] != "==" or "=" in rest or not _BASE64.issuperset(rest):
        raise _OtherFormError
    return placeholder(values[3], len(data) // 4 * 3 - padding, token_of(text))


def _block(lines: Sequence[str]) -> Iterator[str]:
    """The lines about a block, of which each line is known, and where it is indented to."""
    reader = _Block(lines)
    reader.read()
    yield from block_lines(_SELECTOR, reader.recipients, mac_only_encrypted=reader.mac_only)


class _Block:
    """Reads a block with age recipients. The indentation of each line has to say what it belongs to."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = [*lines, ""]
        self._at = 0
        self.recipients: list[tuple[str, str]] = []
        self.mac_only = False
        self._empties: set[str] = set()

    def read(self) -> None:
        level = self._indent()
        seen: list[str] = []
        while line := self._lines[self._at]:
            if self._indent() != level or not level:
                raise _OtherFormError
            bare = line[level:]
            name, _, value = bare.partition(": ")
            self._at += 1
            seen.append(name)
            if bare == "age:":
                self._items(level)
            elif bare == "mac_only_encrypted: true":
                self.mac_only = True
            elif bare in _EMPTY:
                seen.pop()
                self._empty(bare)
            elif bare != _SELECTOR and not self._is_scalar(name, value):
                raise _OtherFormError
        wanted = {"age:", "mac", "lastmodified", "version", "encrypted_regex"}
        names = set(seen)
        if names - {"mac_only_encrypted"} != wanted or len(names) != len(seen) or not self.recipients:
            raise _OtherFormError
        if self._at != len(self._lines) - 1:
            raise _OtherFormError

    def _empty(self, line: str) -> None:
        """Note a list of another kind of key, which older versions of sops write even if it is empty."""
        if line in self._empties:
            raise _OtherFormError
        self._empties.add(line)

    @staticmethod
    def _is_scalar(name: str, value: str) -> bool:
        if name == "mac":
            return value.startswith(_SIGN) and value.endswith(",type:str]") and " " not in value
        text = value[1:-1] if name == "lastmodified" and value[:1] == value[-1:] == '"' else value
        return name in ("lastmodified", "version") and set(text) <= _WORD | {":", "+"}

    def _indent(self) -> int:
        return _indent(self._lines[self._at])

    def _items(self, level: int) -> None:
        dash = self._indent()
        if dash < level:
            raise _OtherFormError
        while self._indent() == dash and self._lines[self._at][dash:].startswith("- "):
            column = dash + 2
            fields: dict[str, str] = {}
            line = self._lines[self._at][column:]
            while True:
                name, value = self._field(line, column)
                if name in fields:
                    raise _OtherFormError
                fields[name] = value
                if self._indent() != column or not self._lines[self._at]:
                    break
                line = self._lines[self._at][column:]
            if fields.keys() != {"recipient", "enc"}:
                raise _OtherFormError
            self.recipients.append((fields["recipient"], fields["enc"]))

    def _field(self, line: str, column: int) -> tuple[str, str]:
        """A field of an item, of which `line` is what is behind the dash or the indentation."""
        self._at += 1
        if line.startswith("recipient: age1") and line[11:].isascii() and line[11:].isalnum():
            return "recipient", line[11:]
        if line not in ("enc: |", "enc: |-"):
            raise _OtherFormError
        found: list[str] = []
        inner = self._indent()
        while self._indent() > column:
            if self._indent() != inner:
                raise _OtherFormError
            found.append(self._lines[self._at].strip())
            self._at += 1
        if not found or found[-1] != _END or found.count(_END) != 1:
            raise _OtherFormError
        return "enc", "".join(found)
