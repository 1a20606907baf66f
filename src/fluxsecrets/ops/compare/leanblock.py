"""Read the `sops` block of a file, and ciphertexts, by the form that they nearly always have; see `lean`."""

from __future__ import annotations

from .tokens import placeholder, token_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK_SIGN = "[sops] "
"""What the lines about the `sops` block start with; no document that parses has such a line at its end."""

SIGN = "ENC[AES256_GCM,data:"
WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-")

_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
_EMPTY = ("kms: []", "gcp_kms: []", "azure_kv: []", "hc_vault: []", "pgp: []")
_SELECTORS = ("encrypted_regex", "unencrypted_regex")
_END = "-----END AGE ENCRYPTED FILE-----"


class OtherFormError(Exception):
    """The text has another form."""


class Selection:
    """A selector such as `^(data|stringData)$`: keys below which everything is encrypted, or nothing is."""

    def __init__(self, name: str, pattern: str) -> None:
        """Take the kind of selector and its pattern."""
        self.line = f"{name}: {pattern}"
        self.leaves_plain = name == "unencrypted_regex"
        if not pattern.startswith("^(") or not pattern.endswith(")$"):
            raise OtherFormError
        self.words = frozenset(pattern[2:-2].split("|"))
        if not all(word.isascii() and word.isalnum() for word in self.words):
            raise OtherFormError

    def require_plain(self, root: str, keys: set[str]) -> None:
        """Refuse a key of the root if it, or any of the keys below it, is encrypted."""
        if (root not in self.words) if self.leaves_plain else not self.words.isdisjoint({root, *keys}):
            raise OtherFormError

    def require_encrypted(self, root: str, keys: set[str]) -> None:
        """Refuse a key of the root if it, or any of the keys below it, is not encrypted."""
        if not self.words.isdisjoint({root, *keys}) if self.leaves_plain else root not in self.words:
            raise OtherFormError


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


def masked(text: str, kinds: Sequence[str]) -> str:
    """What is shown of a ciphertext; `marks.FORM` says how one looks.

    Raises:
        OtherFormError: it is not a ciphertext of one of these kinds.
    """
    parts = text[:-1].split(",")
    if not text.startswith(SIGN) or text[-1] != "]" or len(parts) != 5:
        raise OtherFormError
    names, values = zip(*(part.partition(":")[::2] for part in parts[1:]), strict=True)
    if names != ("data", "iv", "tag", "type") or values[3] not in kinds:
        raise OtherFormError
    data, nonce, tag = values[:3]
    if (len(nonce), len(tag), len(data) % 4) != (44, 24, 0) or not data:
        raise OtherFormError
    padding = 2 if data.endswith("==") else int(data[-1] == "=")
    rest = data[: len(data) - padding] + nonce[:-1] + tag[:-2]
    if nonce[-1] != "=" or tag[-2:] != "==" or "=" in rest or not _BASE64.issuperset(rest):
        raise OtherFormError
    return placeholder(values[3], len(data) // 4 * 3 - padding, token_of(text))


def is_time(text: str) -> bool:
    """Whether a text is a time as sops writes it: `2026-11-29T10:25:14Z`."""
    digits = text[:4] + text[5:7] + text[8:10] + text[11:13] + text[14:16] + text[17:19]
    signs = text[4:5] + text[7:8] + text[10:11] + text[13:14] + text[16:17] + text[19:]
    if signs != "--T::Z" or len(digits) != 14 or not (digits.isascii() and digits.isdigit()):
        return False
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    last = 28 if month == 2 else 30 if month in (4, 6, 9, 11) else 31  # a leap day takes the long way
    return 1 <= month <= 12 and 1 <= day <= last and hour < 24 and minute < 60 and second < 60


def is_version(text: str) -> bool:
    """Whether a text is a version of sops."""
    return text.isascii() and text[:1].isdigit() and text.replace(".", "").isdigit()


def indent_of(line: str) -> int:
    """The number of blanks that a line starts with."""
    return len(line) - len(line.lstrip(" "))


def read_block(lines: Sequence[str]) -> tuple[Selection, tuple[str, ...]]:
    """The selector of a block, and the lines to show of it.

    Raises:
        OtherFormError: a line has another form, or another indentation.
    """
    reader = _Block(lines)
    reader.read()
    if reader.selection is None:
        raise OtherFormError
    shown = block_lines(reader.selection.line, reader.recipients, mac_only_encrypted=reader.mac_only)
    return reader.selection, tuple(shown)


class _Block:
    """Reads a block with age recipients. The indentation of each line has to say what it belongs to."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = [*lines, ""]
        self._at = 0
        self.recipients: list[tuple[str, str]] = []
        self.mac_only = False
        self.selection: Selection | None = None
        self._empties: set[str] = set()

    def read(self) -> None:
        level = self._indent()
        seen: list[str] = []
        while line := self._lines[self._at]:
            if self._indent() != level or not level:
                raise OtherFormError
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
            elif name in _SELECTORS and self.selection is None:
                self.selection = Selection(name, value)
                seen.pop()
            elif not self._is_scalar(name, value):
                raise OtherFormError
        names = set(seen) - {"mac_only_encrypted"}
        if names != {"age:", "mac", "lastmodified", "version"} or len(set(seen)) != len(seen):
            raise OtherFormError
        if self._at != len(self._lines) - 1:
            raise OtherFormError

    def _empty(self, line: str) -> None:
        """Note a list of another kind of key, which older versions of sops write even if it is empty."""
        if line in self._empties:
            raise OtherFormError
        self._empties.add(line)

    @staticmethod
    def _is_scalar(name: str, value: str) -> bool:
        if name == "mac":
            return value.startswith(SIGN) and value.endswith(",type:str]") and " " not in value
        if name == "lastmodified":
            return value[:1] == value[-1:] == '"' and is_time(value[1:-1])
        return name == "version" and is_version(value)

    def _indent(self) -> int:
        return indent_of(self._lines[self._at])

    def _items(self, level: int) -> None:
        dash = self._indent()
        if dash < level:
            raise OtherFormError
        while self._indent() == dash and self._lines[self._at][dash:].startswith("- "):
            column = dash + 2
            fields: dict[str, str] = {}
            line = self._lines[self._at][column:]
            while True:
                name, value = self._field(line, column)
                if name in fields:
                    raise OtherFormError
                fields[name] = value
                if self._indent() != column or not self._lines[self._at]:
                    break
                line = self._lines[self._at][column:]
            if fields.keys() != {"recipient", "enc"}:
                raise OtherFormError
            self.recipients.append((fields["recipient"], fields["enc"]))

    def _field(self, line: str, column: int) -> tuple[str, str]:
        """A field of an item, of which `line` is what is behind the dash or the indentation."""
        self._at += 1
        if line.startswith("recipient: age1") and line[11:].isascii() and line[11:].isalnum():
            return "recipient", line[11:]
        if line not in ("enc: |", "enc: |-"):
            raise OtherFormError
        found: list[str] = []
        inner = self._indent()
        while self._indent() > column:
            if self._indent() != inner:
                raise OtherFormError
            found.append(self._lines[self._at].strip())
            self._at += 1
        if not found or found[-1] != _END or found.count(_END) != 1:
            raise OtherFormError
        return "enc", "".join(found)
