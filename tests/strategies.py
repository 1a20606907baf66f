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


YAML11_WORDS = ("yes", "No", "on", "OFF", "y", "n", "~", "null", "12:30", "0777", "1_000", "1e3", "=", "0o7")
FOLDED_LINES = ("text", "more text", "  deeper", "# no comment", "- item", "k: v", "trail  ", "", "", "it's")
PLAIN_LINES = ("one", "two words", "it's", 'say "x"', "a#b", "yes")
CHOMPING = ("", "", "-", "+", "+")


class AnyYamlWriter(YamlWriter):
    """Writes YAML that is correct, but that no writer would choose: what encrypting must respell.

    In addition to what `YamlWriter` writes: block scalars of every kind with blank lines and comments behind
    them, scalars of several lines, blanks at the ends of lines, aliases, merge keys, and empty collections
    with comments.
    """

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.anchors: list[tuple[str, str]] = []
        self.opened: list[str] = []

    def document(self) -> None:
        self.anchors = []
        self.own_lines(0, 0.3)
        if self.chance(0.1):
            self.flow_root()
        else:
            self.mapping(0, 3)  # further to the right, go-yaml loses comments that are left of it
        self.own_lines(0, 0.3)

    def file(self) -> bytes:
        data = super().file()
        if self.chance(0.15):
            data = data.rstrip(b"\r\n")
        return data

    def anchor(self) -> str:
        # An anchor of a collection that is still open can't be used: its aliases would contain themselves.
        if not self.chance(0.15):
            return ""
        self.opened.append(f"a{len(self.lines)}x{len(self.opened)}")
        return f" &{self.opened[-1]}"

    def entry(self, head: str, column: int, depth: int) -> None:
        before = len(self.opened)
        kind = self.random.random()
        if kind < 0.08:
            self.empty(head, column)
        elif kind < 0.2 and self.anchors:
            self.lines.append(f"{head} *{self.random.choice(self.anchors)[0]}{self.trail()}")
        else:
            super().entry(head, column, depth)
        if len(self.opened) > before:
            # A map or list has an indented line or an item below its key.
            kind = "scalar" if self.lines[-1].lstrip().startswith(head.lstrip()) else "any"
            self.anchors.append((self.opened[before], kind))
            del self.opened[before:]

    def mapping(self, column: int, depth: int, first: str | None = None) -> None:
        super().mapping(column, depth, first)
        maps = [name for name, kind in self.anchors if kind == "map"]
        if maps and self.chance(0.4):
            sources = self.random.sample(maps, min(len(maps), self.random.randint(1, 2)))
            names = ", ".join(f"*{name}" for name in sources)
            merged = names if len(sources) == 1 and self.chance(0.7) else f"[{names}]"
            self.lines.append(f"{' ' * column}<<: {merged}{self.trail()}")
        if column == 0 and self.chance(0.3):
            self.shared_map()

    def shared_map(self) -> None:
        """A map with an anchor at the top level, for merge keys below it."""
        name = f"m{len(self.lines)}"
        self.lines.append(f"{name}: &{name}{self.remark(0.15)}")
        self.own_lines(2, 0.15)
        for key in self.keys():
            self.entry(f"  {key}:", 2, 1)
        self.anchors.append((name, "map"))

    def empty(self, head: str, column: int) -> None:
        """An empty collection, with comments on its line or above it."""
        text = self.random.choice(("[]", "{}", "[ ]", "{ }"))
        if self.chance(0.7):
            self.lines.append(f"{head} {text}{self.trail(0.7)}")
            return
        inner = column + 2
        self.lines.append(head + self.remark(0.3))
        while self.chance(0.6):
            self.lines.append(" " * inner + self.comment())
        self.lines.append(" " * inner + text + self.trail(0.3))

    def trail(self, probability: float = 0.35) -> str:
        """A comment, blanks, or nothing at the end of a line."""
        return self.remark(probability) or self.random.choice(("", "", "", " ", "  ", " \t"))

    def value(self, head: str, column: int) -> None:
        head += self.anchor()
        kind = self.random.random()
        if kind < 0.25:
            self.block(head, column)
        elif kind < 0.35:
            self.several_lines(head, column)
        elif kind < 0.45:
            self.flow(head)
            self.lines[-1] += self.random.choice(("", "", " ", "  "))
        elif kind < 0.55:
            word = self.random.choice(YAML11_WORDS)
            text = self.random.choice((f'"{word}"', f"'{word}'", word))
            self.lines.append(f"{head} {text}{self.trail()}")
        elif kind < 0.6:
            text = self.random.choice(("!!str 5", '!!str "x"', "!!int 7", "!!binary aGk=", "! 12"))
            self.lines.append(f"{head} {text}{self.trail()}")
        else:
            self.lines.append(f"{head} {self.scalar(flow=False)}".rstrip(" ") + self.trail())

    def block(self, head: str, column: int) -> None:
        """A literal or folded scalar, and what may follow it."""
        inner = column + self.random.choice((1, 2, 2, 4))
        lines = [self.random.choice(FOLDED_LINES) for _ in range(self.random.randint(0, 4))]
        first = next((line for line in lines if line), "")
        indicator = str(inner - column) if first.startswith(" ") or self.chance(0.1) else ""
        if column and head.lstrip().startswith("-"):
            indicator = ""  # it counts from the list's column, which is not known here
            lines = [line.lstrip() for line in lines]
        header = self.random.choice("|>") + indicator + self.random.choice(CHOMPING)
        self.lines.append(f"{head} {header}{self.remark(0.15) or self.random.choice(('', '', ' '))}")
        self.lines += [" " * inner + line if line else "" for line in lines]
        while self.chance(0.3):
            self.lines.append(self.random.choice(("", "", " " * column, " " * inner)))
        self.after_literal, self.literal_column = len(self.lines), column
        if self.chance(0.25):
            self.lines.append(" " * self.random.choice((0, column)) + self.comment())
            while self.chance(0.4):
                self.lines.append(" " * self.random.choice((inner, column)) + self.comment())

    def several_lines(self, head: str, column: int) -> None:
        """A plain or quoted scalar over several lines, with blank lines and blanks at their ends."""
        words = [self.random.choice(PLAIN_LINES) for _ in range(self.random.randint(2, 4))]
        quote = self.random.choice(("", "", "'", '"'))
        if quote == "'":
            words = [word.replace("'", "''") for word in words]
        elif quote:
            words = [word.replace('"', '\\"') for word in words]
        else:
            words[0] = "start"
        text = [f"{head} {quote}{words[0]}"]
        for word in words[1:]:
            if self.chance(0.3):
                text += [self.random.choice(("", "   "))]
            text[-1] += self.random.choice(("", "", "  "))
            text += [" " * (column + 2) + word]
        text[-1] += quote + self.trail()
        self.lines += text


def any_yaml_files() -> st.SearchStrategy[bytes]:
    """YAML files with every spelling; a failing one is found again by its number."""
    return st.integers(0, 2**32).map(lambda number: AnyYamlWriter(Random(number)).file())
