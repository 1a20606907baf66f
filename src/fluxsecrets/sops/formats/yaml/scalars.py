"""YAML scalars: their types as go-yaml v3 resolves them, their text, and ciphertexts in their style.

A ciphertext is written in its value's own style, so that decrypting can restore that style:

    plain in a block    key: ENC[...]            plain in flow    {key: 'ENC[...]'}
    single-quoted       key: 'ENC[...]'          single in flow   {key: !!str 'ENC[...]'}
    double-quoted       key: "ENC[...]"          literal, folded  key: |-  with the ciphertext below it

Taken from go-yaml v3: resolve.go (`resolve`, `parseTimestamp`) and decode.go (`indicatedString`); the
rows of tests/vectors/sops/scalars.json show each rule. YAML 1.1 and other readers differ: here `yes` is
a string, `0777` is 511, `08` is a float and `12:30` is a string.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from math import isinf, isnan

from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.document import Leaf, Style
from fluxsecrets.sops.formats import Edit
from fluxsecrets.sops.values import INT64_MAX, INT64_MIN, Timestamp, Value

from .nodes import PROPERTIES, line_start
from .plain import may_be_plain

_CONSTANTS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}

HINT = frozenset("+-0123456789.tTfFnN~")
"""What a plain scalar starts with that may be something else than a string."""

_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_DOT_FLOAT = r"\.[0-9]+([eE][-+]?[0-9]+)?"
# strconv.ParseInt with base 0: optional sign, then 0x, 0o, 0b, a leading zero for octal, or decimal.
# Behind 0o and 0b go-yaml parses the rest with a sign of its own.
_INT = r"[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)|0o[-+][0-7]+|0b[-+][01]+"
_DATE = (
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)

_INT64_DIGITS = 20

LONG_TAG = "tag:yaml.org,2002:"
STR_TAG, BINARY_TAG, MERGE_TAG = LONG_TAG + "str", LONG_TAG + "binary", LONG_TAG + "merge"
_RESOLVED_TAGS = {
    LONG_TAG + "bool": (bool,),
    LONG_TAG + "int": (int,),
    LONG_TAG + "float": (float, int),
    LONG_TAG + "null": (type(None),),
    LONG_TAG + "timestamp": (Timestamp,),
}


class ScalarError(ValueError):
    """A scalar that has no value; the message does not show its text."""


def resolve_plain(text: str) -> Value:  # noqa: PLR0911 - one for each kind of scalar
    """The value of a plain scalar without a tag.

    Raises:
        ScalarError: an integer that needs 64 bits without a sign, which sops refuses as well.
    """
    if text == "":
        return None
    if text[0] not in HINT:
        return text
    first = text[0]
    if first in "tTfFnN~":
        return _CONSTANTS.get(text, text)
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if first == ".":
        return float(text) if re.fullmatch(_DOT_FLOAT, text) and not isinf(float(text)) else text
    if (moment := _timestamp(text)) is not None:
        return moment
    return _number(text)


def _number(text: str) -> Value:
    digits = text.replace("_", "")
    points = digits.count(".")
    if points > 1:  # such as a version
        return text
    whole = not points and re.fullmatch(_INT, digits) is not None
    if whole and (len(digits) <= _INT64_DIGITS or digits.lstrip("+-")[0] == "0"):
        value = _go_int(digits)
        if INT64_MIN <= value <= INT64_MAX:
            return value
        if 0 <= value < 2**64 and digits[0] != "+":
            raise ScalarError("an integer beyond 64 bits with a sign")
    if re.fullmatch(_FLOAT, digits):
        number = float(digits)
        return text if isinf(number) else number
    return text


def _go_int(digits: str) -> int:
    sign = -1 if "-" in digits else 1
    body = digits.replace("+", "").replace("-", "").lower()
    if body.startswith(("0x", "0b", "0o")):
        return sign * int(body, 0)
    return sign * int(body, 8 if len(body) > 1 and body[0] == "0" else 10)


def _timestamp(text: str) -> Timestamp | None:
    match = re.fullmatch(_DATE, text) if text[4:5] == "-" else None
    if match is None:
        return None
    year, month, day, separator, hour, minute, second, fraction, offset = match.groups()
    if separator is None:
        hour = minute = second = "0"
    elif (separator == " ") == (offset is not None):
        return None  # go-yaml has no layout for a blank with an offset, nor for a T without one
    point = f".{fraction}" if fraction else ""
    try:
        return Timestamp.parse(
            f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second:0>2}{point}{offset or 'Z'}"
        )
    except ValueError:
        return None


def resolve_tagged(text: str, tag: str, *, plain: bool) -> Value:
    """The value of a scalar with an explicit tag, as a long tag.

    Raises:
        ScalarError: the text is not of the tag's type, such as `!!int x`.
    """
    if tag == BINARY_TAG:
        return _binary(text)
    if tag not in _RESOLVED_TAGS:
        return text
    value = resolve_plain(text) if plain or tag != STR_TAG else text
    if not isinstance(value, _RESOLVED_TAGS[tag]) or (isinstance(value, bool) and "bool" not in tag):
        raise ScalarError("not of the type that its tag says")
    return float(value) if tag.endswith("float") and isinstance(value, int) else value


def _binary(text: str) -> str:
    # sops holds the bytes in a string; bytes that are no text can't be written back as YAML.
    from base64 import b64decode

    with suppress(ValueError):  # base64's own errors are some, and so are signs that are not ASCII
        return b64decode(re.sub(r"[\r\n]", "", text), validate=True).decode("utf-8")
    raise ScalarError("!!binary that is not base64 of UTF-8 text")


def plain_text(value: Value) -> str | None:
    """How a value that is not a string is written; None for strings, which need a style."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Timestamp):
        return value.text
    return None


def _float_text(value: float) -> str:
    if isnan(value):
        return ".nan"
    if isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)


BLOCK_STYLES = (Style.LITERAL, Style.FOLDED)

# What YAML may hold unescaped, without what its readers take for line breaks (CR, NEL, LS, PS).
_ASCII_UNCLEAN = r"\x00-\x08\x0b-\x1f\x7f"
_UNCLEAN = _ASCII_UNCLEAN + r"\x80-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff"
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", "\x1b": "\\e"}
# Patterns are compiled with their first use, here and in the modules beside: few files need all of them.
_PROPERTY = r"&[0-9A-Za-z_-]+|!\S*[ \t]*|#[^\r\n]*"
BREAK = r"\r\n|[\r\n\x85\u2028\u2029]"
_FIRST_TEXT = r"(?:^|(?<=[\r\n\x85\u2028\u2029]))( *)[^ \r\n\x85\u2028\u2029]"
_DIGITS = frozenset("0123456789")
_INDICATORS = frozenset("-+0123456789")
_BREAKS = "\r\n\x85\u2028\u2029"
_REST_OF_LINE = rf"[ \t]*(?:\r\n|[{_BREAKS}]|\Z)"
_WHOLE_LINE = rf"[^{_BREAKS}]*(?:\r\n|[{_BREAKS}]|\Z)"
_SINGLE_IN_FLOW = "!!str "


class Layout(NamedTuple):
    """How a file is laid out.

    Attributes:
        step: columns by which it indents.
    """

    newline: str
    step: int


def write_ciphertext(source: str, leaf: Leaf, ciphertext: str, layout: Layout) -> list[Edit]:
    """What turns a plain value's text into a ciphertext: its tag goes, its anchor and comments stay."""
    start, edits = _drop_tags(source, leaf)
    if leaf.style in BLOCK_STYLES:
        block = _BlockScalar.of(source, leaf, start, layout)
        # Blank lines stay, since the place of a comment below depends on them. Blanks in them are content.
        tail = layout.newline if block.tail and block.tail_is_content else block.tail
        header = "|-" if leaf.style is Style.LITERAL else ">-"
        return [*edits, *block.edits(header, f"{layout.newline}{block.indent}{ciphertext}{tail}")]
    text = ciphertext
    if leaf.style is Style.DOUBLE_QUOTED:
        text = f'"{ciphertext}"'
    elif leaf.style is Style.SINGLE_QUOTED:
        text = f"{_SINGLE_IN_FLOW if leaf.flow else ''}'{ciphertext}'"
    elif leaf.flow:
        text = f"'{ciphertext}'"
    return [*edits, (start, leaf.end, text)]


def write_value(source: str, leaf: Leaf, value: Value, layout: Layout) -> list[Edit]:
    """What turns a ciphertext into the value, in the ciphertext's style where that can hold it."""
    start, edits = _drop_tags(source, leaf)
    if leaf.style in BLOCK_STYLES:
        return [
            *edits,
            *_write_block(_BlockScalar.of(source, leaf, start, layout), leaf.style, value, layout),
        ]
    if not isinstance(value, str):
        # The type says that the value was written plain; quotes were there for the ciphertext's sake.
        return [*edits, (start, leaf.end, _untyped_text(value))]
    style = leaf.style
    tagged = any(source.startswith(_SINGLE_IN_FLOW, first) for first, _, _ in edits)
    if style is Style.SINGLE_QUOTED and leaf.flow and not tagged:
        style = Style.PLAIN
    indent, end = None, leaf.end
    if style is Style.PLAIN and "\n" in value and not leaf.flow:
        columns = _entry_column(source, leaf.start) + layout.step
        behind = block_end(source, end, columns, keeps=value.endswith("\n\n"))
        if behind is not None:
            indent, end = columns, behind
    text = scalar_text(value, style, flow=leaf.flow, indent=indent, newline=layout.newline)
    if end == len(source) and text[:1] == "|" and value[-1:] == "\n":
        text += layout.newline
    return [*edits, (start, end if text[:1] == "|" else leaf.end, text)]


def block_end(source: str, offset: int, columns: int, *, keeps: bool) -> int | None:
    """Where a line ends on which a block scalar can stand, or None if the scalar would take in what follows.

    Args:
        source: the text.
        offset: where the value ends that the block scalar replaces.
        columns: the indentation of its lines.
        keeps: it keeps the line breaks at its end, and so would take in blank lines.
    """
    line = re.compile(_REST_OF_LINE).match(source, offset)
    if line is None:
        return None
    end = offset + len(line[0].rstrip(_BREAKS))
    below = line.end()
    while below < len(source):
        line = re.compile(_WHOLE_LINE).match(source, below)
        assert line is not None  # noqa: S101 - there is text left
        text = line[0].rstrip(_BREAKS)
        content = text.lstrip(" ")
        if content:
            return None if len(text) - len(content) >= columns else end
        if keeps or len(text) > columns:
            return None
        below = line.end()
    return end


def scalar_text(
    value: str, style: Style, *, flow: bool, indent: int | None = None, newline: str = "\n"
) -> str:
    """A string in a style, or in the nearest one that can hold it.

    Args:
        value: the string.
        style: PLAIN, SINGLE_QUOTED or DOUBLE_QUOTED.
        flow: inside a flow collection.
        indent: columns for the lines of a block scalar, or None where none can stand. A block scalar
            ends without its last line break, since the caller's line has one.
        newline: the line break between its lines.
    """
    if style is Style.PLAIN and may_be_plain(value, flow=flow):
        return value
    if style is Style.PLAIN and indent is not None and "\n" in value and _literal_holds(value):
        breaks = len(value) - len(value.rstrip("\n"))
        return "".join(_literal(value, " " * indent, newline)) + newline * max(0, breaks - 1)
    single = style is Style.SINGLE_QUOTED or (style is Style.PLAIN and ('"' in value or "\\" in value))
    if single and "\n" not in value and _printable(value):
        return "'" + value.replace("'", "''") + "'"
    return double_quoted(value)


def keeps_style(value: str, style: Style) -> bool:
    """Whether `scalar_text` has a string in a style outside of flow collections, and in no other one."""
    if style is Style.PLAIN:
        return may_be_plain(value, flow=False)
    if style is Style.SINGLE_QUOTED:
        return "\n" not in value and _printable(value)
    return style is Style.DOUBLE_QUOTED


def double_quoted(value: str) -> str:
    """A string in double quotes on one line, with what can't be seen escaped."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return '"' + _pattern(f'[{_UNCLEAN}\\\\"\n\t]').sub(_escape, value) + '"'


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Compiled with its first use: large sets of characters take milliseconds, and most files need none."""
    return re.compile(text)


def _printable(value: str) -> bool:
    if value.isascii():
        return value.replace("\n", "").replace("\t", "").isprintable()
    return _pattern(f"[{_UNCLEAN}]").search(value) is None


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _untyped_text(value: Value) -> str:
    if isinstance(value, bytes):
        from base64 import b64encode

        return f"!!binary {b64encode(value).decode()}"
    return plain_text(value) or '""'


def _literal_holds(value: str) -> bool:
    # Lines that start with a blank before the first text would need an indentation indicator.
    first = value.lstrip("\n").split("\n", 1)[0]
    return bool(first) and first[0] not in " \t" and _printable(value)


def _folded_holds(value: str) -> bool:
    lines = value.removesuffix("\n").split("\n")
    return _printable(value) and all(line and line[0] not in " \t" for line in lines)


def _literal(value: str, indent: str, newline: str) -> tuple[str, str]:
    """Header, and lines without the break behind the last line and any that the value ends with."""
    body = value.rstrip("\n")
    breaks = len(value) - len(body)
    chomping = "-+"[breaks > 1] if breaks != 1 else ""
    # Replacing is faster than joining lines, and a value may have many.
    lines = ("\n" + body).replace("\n", newline + indent)
    while (empty := newline + indent + newline) in lines:
        lines = lines.replace(empty, newline * 2)
    return f"|{chomping}", lines


def find_break(text: str, start: int, end: int) -> int:
    """Return where the first line break in a part of a text is; its end without one."""
    for sign in _BREAKS:
        found = text.find(sign, start, end)
        end = end if found < 0 else found
    return end


def first_column(body: str) -> int:
    """Return how many blanks are in front of the first text of some lines; 0 without text."""
    text = body.lstrip(" " + _BREAKS)
    before = body[: len(body) - len(text)]
    return len(before) - len(before.rstrip(" ")) if text else 0


class _BlockScalar(NamedTuple):
    """The parts of a literal or folded scalar's text.

    Attributes:
        header: the span of `|` or `>` with its indicators; a comment may stand behind it.
        body: the span from the end of the header's line on.
        indent: the blanks in front of its lines.
        tail: the break that ends the last line with text, and the blank lines behind it.
        tail_is_content: a blank line in the tail is longer than the indentation, and so is content.
        comment_touches: a comment starts right behind the header, which libyaml allows there alone.
    """

    header: tuple[int, int]
    body: tuple[int, int]
    indent: str
    tail: str
    tail_is_content: bool
    comment_touches: bool

    @classmethod
    def of(cls, source: str, leaf: Leaf, start: int, layout: Layout) -> _BlockScalar:
        header_end = start
        if source[start : start + 1] in ("|", ">") and start < leaf.end:
            header_end += 1
            while header_end < leaf.end and source[header_end] in _INDICATORS:
                header_end += 1
        body_start = find_break(source, header_end, leaf.end)
        body = source[body_start : leaf.end]
        if not _DIGITS.isdisjoint(source[start:header_end]):
            # The first line is not the measure, since the value may start with blanks.
            columns = min((len(blanks) for blanks in re.findall(_FIRST_TEXT, body)), default=0)
        else:
            columns = first_column(body)
        columns = columns or _entry_column(source, leaf.start) + layout.step
        behind = body[len(body.rstrip(" \t" + _BREAKS)) :]
        tail = behind.lstrip(" \t")
        return cls(
            (start, header_end),
            (body_start, leaf.end),
            " " * columns,
            tail,
            any(len(line) > columns for line in tail.splitlines()),
            source.startswith("#", header_end, leaf.end),
        )

    def edits(self, header: str, body: str) -> list[Edit]:
        """Another header and body; what stands between them stays."""
        blank = " " if self.comment_touches else ""
        return [(*self.header, header + blank), (*self.body, body)]


def _write_block(block: _BlockScalar, style: Style, value: Value, layout: Layout) -> list[Edit]:
    newline = layout.newline
    if not isinstance(value, str):
        return block.edits(_untyped_text(value), block.tail)
    if style is Style.FOLDED and _folded_holds(value):
        lines = value.removesuffix("\n").split("\n")
        folded = (newline * 2).join(block.indent + line for line in lines)
        strips = not value.endswith("\n")
        tail = block.tail or ("" if strips else newline)
        return block.edits(">-" if strips else ">", newline + folded + tail)
    if _literal_holds(value):
        breaks = len(value) - len(value.rstrip("\n"))
        tail = newline * breaks if breaks > 1 else block.tail or newline * breaks
        header, body = _literal(value, block.indent, newline)
        return block.edits(header, body + tail)
    return block.edits(double_quoted(value), block.tail)


def _drop_tags(source: str, leaf: Leaf) -> tuple[int, list[Edit]]:
    """Where the content starts behind tag and anchor, and edits that take tags away.

    Anchors stay, and comments between them and the content.
    """
    if leaf.start >= leaf.end or source[leaf.start] not in "&!":
        return leaf.start, []
    match = re.compile(PROPERTIES).match(source, leaf.start, leaf.end)
    end = match.end() if match else leaf.start
    found = list(re.compile(_PROPERTY).finditer(source, leaf.start, end))
    edits = [(*match.span(), "") for match in found if match[0][0] == "!"]
    if found and found[-1].end() == end and found[-1][0][0] == "&":
        edits.append((end, end, " "))  # `&a:b` is an anchor and its value, which nothing keeps apart
    return end, edits


def _entry_column(source: str, offset: int) -> int:
    """The column at which the entry that holds `offset` starts, behind any `- ` of lists."""
    start = line_start(source, offset)
    match = re.compile(r" *(?:- +)*").match(source, start, offset)
    return match.end() - start if match else 0
