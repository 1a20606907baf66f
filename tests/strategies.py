"""Generated YAML text: everything that comes back byte for byte, with comments anywhere.

`YamlWriter` writes one file for each random number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st

KEYS = (
    "data",
    "stringData",
    "a",
    "key",
    "x.y",
    "tls.crt",
    "with space",
    "'quoted'",
    '"double"',
    "ключ",
    "k-1",
)
PLAIN_VALUES = (
    *(
        "text",
        "with space",
        "a:b",
        "x#y",
        "http://host/?a=b&c=d",
        "пароль",
        "-dash",
        "?q",
        ":colon",
        "a'b",
    ),
    *(
        'say "hi"',
        "back\\slash",
        "e=mc2",
        "a%b",
        "a - b",
        "1.2.3.4",
        "_1",
        "${VAR}",
        "\u00a0nbsp\u2003",
    ),
    *("1", "-5", "0", "1.5", "-0.25", "true", "false", "null", "~", ""),
)
FLOW_PLAIN_VALUES = ("text", "with space", "пароль", "-dash", "a.b", "1", "1.5", "true", "null", "a/b")
SINGLE_VALUES = (
    "",
    "text",
    "it''s",
    "# no comment",
    "a: b",
    "back\\slash",
    '"',
    "true",
    "yes",
    "1",
    " blank ",
    "tab\there",
    "[",
)
DOUBLE_VALUES = (
    "",
    "text",
    "it's",
    "# no comment",
    "a: b",
    "\\n",
    "a\\tb",
    "\\\\",
    '\\"',
    "пароль 🔑",
    "1",
    "12:30",
    " b ",
    "\\u2028",
    "{",
)
LITERAL_LINES = (
    "text",
    "# no comment",
    "key: value",
    "- item",
    "пароль",
    "'",
    "  deeper",
    "{{ template }}",
    "trail ",
)


@dataclass
class YamlWriter:
    """Writes one YAML file whose scalars are single-line plain, quoted, or literal.

    Attributes:
        random: where choices come from.
        comments: the text of every comment that was written, behind its sign.
        lines: what was written so far.
    """

    random: Random
    comments: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    after_literal: int = -1
    literal_column: int = 0

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def file(self) -> bytes:
        """A whole file: byte order mark, documents, markers, line breaks."""
        documents = 1 if self.chance(0.8) else self.random.randint(2, 3)
        for number in range(documents):
            if number or self.chance(0.2):
                self.lines.append("---" + self.remark(0.2))
            self.document()
            if self.chance(0.1):
                self.lines.append("..." + self.remark(0.2))
                if number + 1 < documents:
                    self.own_lines(0, 0.2)
        text = "\n".join(self.lines) + ("" if self.last_is_scalar_line() and self.chance(0.3) else "\n")
        if self.chance(0.2):
            text = text.replace("\n", "\r\n")
        return (b"\xef\xbb\xbf" if self.chance(0.1) else b"") + text.encode()

    def last_is_scalar_line(self) -> bool:
        """The final line break may go: behind a literal it belongs to the value."""
        return self.lines[-1] != "" and len(self.lines) != self.after_literal

    def document(self) -> None:
        self.own_lines(0, 0.3)
        if self.chance(0.12):
            self.flow_root()
        else:
            column = self.random.choice((0, 0, 0, 0, 2))
            self.mapping(column, 3)
        self.own_lines(0, 0.3)

    def comment(self) -> str:
        number = len(self.comments)
        text = self.random.choice(
            (" c%d", "c%d", "\tc%d 'x", " ключ %d", " k%d: v", "# %d", ' %d \\ "', " %d  ")
        )
        self.comments.append(text % number)
        return "#" + self.comments[-1]

    def remark(self, probability: float) -> str:
        """A comment behind something on its line, or nothing."""
        blank = self.random.choice((" ", " ", "  ", " \t"))
        return blank + self.comment() if self.chance(probability) else ""

    def own_lines(self, column: int, probability: float = 0.15) -> None:
        """Comment lines and blank lines, at about the column."""
        while self.chance(probability):
            if self.chance(0.3):
                self.lines.append("")
            shift = self.random.choice((0, 0, 0, 0, -2, 2, -column, 1))
            shifted = max(0, column + shift)
            if not any(self.lines[self.after_literal :]) and self.after_literal >= 0:
                shifted = min(shifted, self.literal_column)  # else it is the literal's text
            self.lines.append(" " * shifted + self.comment())
            if self.chance(0.25):
                self.lines.append("")
        if self.chance(0.05):
            self.lines.append("")

    def keys(self) -> list[str]:
        keys = list(KEYS)
        self.random.shuffle(keys)
        return keys[: self.random.randint(1, 4)]

    def mapping(self, column: int, depth: int, first: str | None = None) -> None:
        for number, key in enumerate(self.keys()):
            head = " " * column
            if first is not None and not number:
                head = first
            elif number:
                self.own_lines(column)
            self.entry(head + key + self.random.choice(("", "", "", " ")) + ":", column, depth)

    def entry(self, head: str, column: int, depth: int) -> None:
        kind = self.random.random()
        if depth and kind < 0.2:
            self.lines.append(head + self.anchor() + self.remark(0.1))
            inner = column + self.random.choice((2, 2, 4, 1))
            self.own_lines(inner, 0.1)
            self.mapping(inner, depth - 1)
        elif depth and kind < 0.35:
            self.lines.append(head + self.anchor() + self.remark(0.1))
            self.sequence(column + self.random.choice((0, 2, 2)), depth - 1)
        else:
            self.value(head, column)

    def sequence(self, column: int, depth: int) -> None:
        for number in range(self.random.randint(1, 3)):
            if number:
                self.own_lines(column)
            head = " " * column + "-"
            kind = self.random.random()
            if depth and kind < 0.3:
                self.mapping(column + 2, depth - 1, head + " ")
            elif depth and kind < 0.4:
                self.lines.append(head + (" " + self.comment() if self.chance(0.1) else ""))
                self.mapping(column + 2, depth - 1)
            else:
                self.value(head, column)

    def anchor(self) -> str:
        return f" &a{len(self.lines)}" if self.chance(0.06) else ""

    def value(self, head: str, column: int) -> None:
        head += self.anchor()
        kind = self.random.random()
        if kind < 0.15:
            self.literal(head, column)
        elif kind < 0.3:
            self.flow(head)
        else:
            blank = " " if head.endswith("-") else self.random.choice((" ", " ", " ", "  ", "\t"))
            text = self.scalar(flow=False)
            remark = self.remark(0.2)
            if head.endswith("-") and not text:
                remark = remark.replace("\t#", "#", 1)  # YAML allows no tab in front of what may be a key
            self.lines.append((head + blank + text if text else head) + remark)

    def literal(self, head: str, column: int) -> None:
        header = self.random.choice(("|", "|", "|-"))
        self.lines.append(f"{head} {header}{self.remark(0.15)}")
        inner = " " * (column + self.random.choice((1, 2, 2, 4)))
        for number in range(self.random.randint(1, 3)):
            line = self.random.choice(LITERAL_LINES)
            self.lines.append(inner + (line.lstrip() if not number else line))
            if number and self.chance(0.2):
                self.lines.append("")
                self.lines.append(inner + "end")
        self.after_literal, self.literal_column = len(self.lines), column

    def scalar(self, *, flow: bool) -> str:
        kind = self.random.random()
        if kind < 0.5:
            return self.random.choice(FLOW_PLAIN_VALUES if flow else PLAIN_VALUES)
        if kind < 0.75:
            return f"'{self.random.choice(SINGLE_VALUES)}'"
        return f'"{self.random.choice(DOUBLE_VALUES)}"'

    def flow(self, head: str) -> None:
        """A flow collection, on one line or over several with comments in it."""
        pieces: list[str] = []
        self.flow_collection(pieces, 2)
        self.lines += (head + " " + "".join(pieces) + self.remark(0.15)).split("\n")

    def flow_root(self) -> None:
        pieces: list[str] = []
        self.flow_map(pieces, 2)
        self.lines += ("".join(pieces) + self.remark(0.15)).split("\n")

    def flow_collection(self, pieces: list[str], depth: int) -> None:
        if self.chance(0.5):
            self.flow_map(pieces, depth)
        else:
            pieces.append("[")
            self.flow_items(pieces, [""] * self.random.randint(0, 3), depth)
            pieces.append("]")

    def flow_map(self, pieces: list[str], depth: int) -> None:
        pieces.append("{")
        self.flow_items(pieces, [key + ": " for key in self.keys() if self.chance(0.8)], depth)
        pieces.append("}")

    def flow_items(self, pieces: list[str], heads: list[str], depth: int) -> None:
        for number, head in enumerate(heads):
            self.flow_gap(pieces)
            pieces.append(head)
            if depth and self.chance(0.25):
                self.flow_collection(pieces, depth - 1)
            else:
                pieces.append(self.scalar(flow=True))
            if number + 1 < len(heads) or self.chance(0.2):
                pieces.append(self.random.choice((",", " ,")))
        self.flow_gap(pieces)

    def flow_gap(self, pieces: list[str]) -> None:
        pieces.append(self.random.choice(("", " ", " ")))
        while self.chance(0.08):
            pieces.append(" " + self.comment() if self.chance(0.6) else "")
            pieces.append("\n" + " " * self.random.choice((6, 8)))


def yaml_files() -> st.SearchStrategy[bytes]:
    """YAML files that come back byte for byte, as bytes; a failing one is found again by its number."""
    return st.integers(0, 2**32).map(lambda number: YamlWriter(Random(number)).file())
