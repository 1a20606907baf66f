"""Random files with comments and layout, random edits of them, and a naive merge of plain data."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from random import Random

MISSING = object()


@dataclass
class Node:
    """A value with what stands around it: a scalar, a map (entries) or a list (items)."""

    value: object = None
    entries: dict[str, Node] | None = None
    items: list[Node] | None = None
    above: list[str] = field(default_factory=list)
    behind: str = ""
    blank: bool = False
    style: str = "plain"
    flow: bool = False
    tail: list[str] = field(default_factory=list)

    def data(self):
        if self.entries is not None:
            return {key: node.data() for key, node in self.entries.items()}
        if self.items is not None:
            return [node.data() for node in self.items]
        return self.value


class Maker:
    """Makes trees and edits them."""

    def __init__(self, random: Random, format_name: str) -> None:
        self.random, self.format = random, format_name
        self.count = 0

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def ciphertext(self) -> str:
        return f"ENC[AES256_GCM,data:{self.fresh('d')}=,iv:i=,tag:t=,type:str]"

    def scalar(self) -> Node:
        kind = self.random.random()
        node = Node(style=self.random.choice(("plain", "plain", "single", "double", "literal")))
        if kind < 0.7 or self.format in ("dotenv", "ini"):
            node.value = self.ciphertext()
        else:
            node.value = self.random.choice([self.count, True, None, "", f"text {self.fresh('t')}", 1.5])
        return self.with_comments(node)

    def with_comments(self, node: Node) -> Node:
        if self.format == "json":
            return node
        while self.chance(0.15):
            node.above.append(self.fresh(" c"))
        if self.chance(0.1) and self.format != "dotenv" and node.value is not None:
            node.behind = self.fresh(" i")
        node.blank = self.chance(0.1)
        return node

    def node(self, depth: int) -> Node:
        kind = self.random.random()
        if depth and kind < 0.3:
            return self.with_comments(self.mapping(depth - 1))
        if depth and kind < 0.45:
            made = Node(items=[self.item(depth - 1) for _ in range(self.random.randint(0, 5))])
            made.flow = self.chance(0.3) and all(each.value is not None for each in made.items)
            return self.with_comments(made)
        return self.scalar()

    def item(self, depth: int) -> Node:
        made = self.node(depth)
        if made.value is None or isinstance(made.value, bool | float) or made.value == "":
            made = Node(value=self.ciphertext())  # items differ, so that lists align in one way only
        return made

    def mapping(self, depth: int, least: int = 0) -> Node:
        keys = [self.fresh("k") for _ in range(self.random.randint(least, 4))]
        made = Node(entries={key: self.node(depth) for key in keys})
        made.flow = self.chance(0.15) and all(each.value is not None for each in made.entries.values())
        if self.format == "yaml" and made.entries and not made.flow and self.chance(0.1):
            made.tail = [self.fresh(" t")]
        return made

    def file(self) -> list[Node]:
        if self.format == "dotenv":
            return [Node(entries={self.fresh("K"): self.scalar() for _ in range(self.random.randint(1, 6))})]
        if self.format == "ini":
            return [Node(entries={self.fresh("s"): self.section() for _ in range(self.random.randint(1, 3))})]
        parts = 1 if self.format == "json" or self.chance(0.8) else self.random.randint(2, 4)
        made = []
        for _ in range(parts):
            part = self.mapping(2, 1)
            part.flow = False
            if parts > 1:
                name = Node(value=self.fresh("name"))
                part.entries = {
                    "kind": Node(value="Secret"),
                    "metadata": Node(entries={"name": name}),
                    **part.entries,
                }
            made.append(part)
        return made

    def section(self) -> Node:
        made = Node(entries={self.fresh("K"): self.scalar() for _ in range(self.random.randint(1, 4))})
        return self.with_comments(made)

    # Edits

    def edited(self, parts: list[Node], count: int) -> list[Node]:
        parts = copy.deepcopy(parts)
        for _ in range(count):
            if self.format == "yaml" and len(parts) > 1 and self.chance(0.15):
                self.edit_documents(parts)
            else:
                self.edit(self.random.choice(parts), top=True)
        return parts

    def edit_documents(self, parts: list[Node]) -> None:
        if self.chance(0.5) and len(parts) > 2:
            parts.pop(self.random.randrange(len(parts)))
        else:
            part = self.mapping(1, 1)
            part.flow = False
            name = Node(value=self.fresh("name"))
            part.entries = {
                "kind": Node(value="Secret"),
                "metadata": Node(entries={"name": name}),
                **part.entries,
            }
            parts.insert(self.random.randint(0, len(parts)), part)

    def edit(self, node: Node, *, top: bool = False, depth: int = 2) -> None:
        if node.entries is not None:
            self.edit_map(node, top, depth)
        elif node.items is not None:
            self.edit_list(node, depth)
        else:
            fresh = self.scalar()
            node.value, node.style = fresh.value, fresh.style

    def edit_map(self, node: Node, top: bool, depth: int) -> None:
        keys = [key for key in node.entries if key not in ("kind", "metadata")]
        kind = self.random.random()
        if keys and kind < 0.5:
            child = node.entries[self.random.choice(keys)]
            if child.flow:
                child = node.entries[self.random.choice(keys)]
            self.edit(child, depth=depth - 1)
        elif kind < 0.75 or not keys:
            names = list(node.entries)
            names.insert(self.random.randint(0, len(names)), self.fresh("n"))
            new = self.section() if self.format == "ini" and top else self.flat(node, depth)
            node.entries = {name: node.entries.get(name, new) for name in names}
        elif kind < 0.85 and len(keys) > 1:
            del node.entries[self.random.choice(keys)]
        elif kind < 0.92 and self.format != "json":
            child = node.entries[self.random.choice(keys)]
            if child.above and self.chance(0.5):
                child.above.pop()
            else:
                child.above.append(self.fresh(" e"))
        elif kind < 0.96:
            names = list(node.entries)
            self.random.shuffle(names)
            node.entries = {name: node.entries[name] for name in names}
        elif self.format in ("yaml", "json"):
            node.entries[self.random.choice(keys)] = self.flat(node, depth)

    def flat(self, parent: Node, depth: int) -> Node:
        """A new value for a map: in flow style a plain one."""
        if parent.flow or self.format in ("dotenv", "ini"):
            made = self.scalar()
            return Node(value=self.ciphertext()) if parent.flow else made
        return self.node(max(depth, 0))

    def edit_list(self, node: Node, depth: int) -> None:
        kind = self.random.random()
        new = Node(value=self.ciphertext()) if node.flow else self.item(max(depth - 1, 0))
        if node.items and kind < 0.4:
            node.items[self.random.randrange(len(node.items))] = new
        elif node.items and kind < 0.6:
            node.items.pop(self.random.randrange(len(node.items)))
        else:
            node.items.insert(self.random.randint(0, len(node.items)), new)


class Writer:
    """Writes trees in a format; `random` decides the layout of the whole file."""

    def __init__(self, random: Random, format_name: str) -> None:
        self.format = format_name
        self.step = random.choice((2, 2, 2, 4))
        self.indentless = random.random() < 0.5
        self.newline = "\r\n" if random.random() < 0.1 and format_name in ("yaml", "json", "ini") else "\n"
        self.bom = b"\xef\xbb\xbf" if random.random() < 0.05 and format_name in ("yaml", "ini") else b""
        self.final = random.random() < 0.9
        self.compact = random.random() < 0.1
        self.header = random.random() < 0.2

    def bytes(self, parts: list[Node]) -> bytes:
        if self.format == "json":
            indent = None if self.compact else self.step
            text = json.dumps(parts[0].data(), indent=indent, ensure_ascii=False) + "\n"
        else:
            write = {"yaml": self.yaml, "dotenv": self.dotenv, "ini": self.ini}[self.format]
            lines = [*(["# head", ""] if self.header else []), *write(parts)]
            text = "\n".join(lines) + "\n"
        if not self.final:
            text = text.removesuffix("\n")
        return self.bom + text.replace("\n", self.newline).encode()

    def dotenv(self, parts: list[Node]) -> list[str]:
        lines = []
        for key, node in parts[0].entries.items():
            lines += ["", *(f"#{text}" for text in node.above)][not node.blank :]
            lines.append(f"{key}={node.value}")
        return lines

    def ini(self, parts: list[Node]) -> list[str]:
        lines = []
        for name, section in parts[0].entries.items():
            lines += ["", *(f";{text}" for text in section.above), f"[{name}]"][not section.blank :]
            for key, node in section.entries.items():
                lines += ["", *(f"#{text}" for text in node.above)][not node.blank :]
                quote = {"single": "`", "double": '"'}.get(node.style, "")
                behind = f" ;{node.behind}" if node.behind else ""
                lines.append(f"{key} = {quote}{node.value}{quote}{behind}")
        return lines

    def yaml(self, parts: list[Node]) -> list[str]:
        lines = []
        for number, part in enumerate(parts):
            lines += ["---"] if number else []
            lines += self.map_lines(part, 0) or ["{}"]
        return lines

    def map_lines(self, node: Node, column: int) -> list[str]:
        lines = []
        lead = " " * column
        for key, child in node.entries.items():
            lines += ["", *(f"{lead}#{text}" for text in child.above)][not child.blank :]
            lines += self.value_lines(f"{lead}{key}:", child, column)
        return lines + [f"{lead}#{text}" for text in node.tail if column]

    def value_lines(self, head: str, node: Node, column: int) -> list[str]:
        behind = f" #{node.behind}" if node.behind else ""
        if node.entries is not None:
            if node.flow or not node.entries:
                inner = ", ".join(f"{key}: {flow_text(child)}" for key, child in node.entries.items())
                return [f"{head} {{{inner}}}{behind}"]
            return [head + behind, *self.map_lines(node, column + self.step)]
        if node.items is not None:
            if node.flow or not node.items:
                return [f"{head} [{', '.join(map(flow_text, node.items))}]{behind}"]
            return [head + behind, *self.list_lines(node, column + (0 if self.indentless else self.step))]
        if node.style == "literal" and isinstance(node.value, str) and node.value:
            return [f"{head} |-{behind}", " " * (column + self.step) + node.value]
        return [f"{head} {scalar_text(node)}".rstrip(" ") + behind]

    def list_lines(self, node: Node, column: int) -> list[str]:
        lines = []
        lead = " " * column
        for item in node.items:
            lines += [f"{lead}#{text}" for text in item.above]
            if item.entries and not item.flow:
                inner = self.map_lines(item, column + 2)
                first = next(
                    place
                    for place, line in enumerate(inner)
                    if line.strip() and "#" not in line[: column + 3]
                )
                lines += [line for line in inner[:first] if line.strip()]
                lines += [f"{lead}- {inner[first].lstrip(' ')}", *inner[first + 1 :]]
            elif item.items and not item.flow:
                inner = self.list_lines(item, column + 2)
                lines += [f"{lead}-", *inner]
            else:
                lines += self.value_lines(f"{lead}-", item, column)
        return lines


def scalar_text(node: Node) -> str:
    value = node.value
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value).lower()
    if node.style == "single":
        return f"'{value}'"
    if node.style in ("double", "literal") or not value:
        return f'"{value}"'
    return value


def flow_text(node: Node) -> str:
    if isinstance(node.value, str):
        return f'"{node.value}"'
    if node.entries is not None:
        return "{" + ", ".join(f"{key}: {flow_text(child)}" for key, child in node.entries.items()) + "}"
    if node.items is not None:
        return "[" + ", ".join(map(flow_text, node.items)) + "]"
    return json.dumps(node.value)


# The naive merge


def naive_merge(base, ours, theirs, path=(), conflicts=None, choose="ours"):
    """Merge plain data; paths of conflicts go to the set, and ours' or theirs' value is taken there."""
    if equal(ours, theirs) or equal(theirs, base):
        return ours
    if equal(ours, base):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict) and (base is MISSING or isinstance(base, dict)):
        known = base if isinstance(base, dict) else {}
        merged = {}
        for key in {**ours, **theirs, **known}:
            sides = [side.get(key, MISSING) for side in (known, ours, theirs)]
            value = naive_merge(*sides, (*path, key), conflicts, choose)
            if value is not MISSING:
                merged[key] = value
        return merged
    if all(isinstance(side, list) for side in (base, ours, theirs)):
        merged = naive_lists(base, ours, theirs)
        if merged is not None:
            return merged
    conflicts.add(path)
    return ours if choose == "ours" else theirs


def naive_lists(base, ours, theirs):
    """Both sides' changes of a list, or None where they meet; nothing may be put in at a change's edge."""
    one, two = changes(base, ours), changes(base, theirs)
    for start, end, new in one:
        for first, last, other in two:
            if (start, end, new) == (first, last, other):
                continue
            if max(start, first) < min(end, last) or (
                (start == end or first == last) and max(start, first) <= min(end, last)
            ):
                return None
    merged, place = [], 0
    for start, end, new in sorted(
        {(start, end, repr(new)): (start, end, new) for start, end, new in one + two}.values(),
        key=lambda change: change[:2],
    ):
        merged += base[place:start] + new
        place = end
    return merged + base[place:]


def changes(base, new):
    """(start, end, items): what a list has in place of some items of the base."""
    rows = [[0] * (len(new) + 1) for _ in range(len(base) + 1)]
    for i in reversed(range(len(base))):
        for j in reversed(range(len(new))):
            same = equal(base[i], new[j])
            rows[i][j] = rows[i + 1][j + 1] + 1 if same else max(rows[i + 1][j], rows[i][j + 1])
    found, i, j, start, first = [], 0, 0, 0, 0
    while i <= len(base) and j <= len(new):
        done = i == len(base) and j == len(new)
        if done or (i < len(base) and j < len(new) and equal(base[i], new[j])):
            if (start, first) != (i, j):
                found.append((start, i, new[first:j]))
            i, j = i + 1, j + 1
            start, first = i, j
        elif j < len(new) and (i == len(base) or rows[i][j + 1] >= rows[i + 1][j]):
            j += 1
        else:
            i += 1
    return found


def equal(one, two):
    if one is MISSING or two is MISSING:
        return one is two
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(equal(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(equal, one, two))
    return type(one) is type(two) and one == two
