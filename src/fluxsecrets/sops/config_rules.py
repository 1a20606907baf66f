"""Add whole creation rules to the text of a `.sops.yaml`: copies of rules, and new ones.

`config_edit` parses the result again, and its caller compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from fluxsecrets.errors import ConfigError

from .config import CreationRule
from .config_places import Edit, RecipientList, walk
from .config_recipients import written
from .formats.yaml.nodes import RawAlias, RawNode, RawScalar, RawSequence
from .formats.yaml.scalars import double_quoted
from .recipients import KINDS, Recipient, recipient_key
from .splice import content_end, node_start, resolved, value_of

_DASH = re.compile(r"( *)-(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Exchange:
    """Recipients, and the one that takes their place in new rules.

    Attributes:
        old: any of them; empty if they are unknown.
        new: takes their place.
        rename: the name of the new recipient's anchor, from that of an old one.
    """

    old: tuple[Recipient, ...]
    new: Recipient
    rename: Callable[[str], str]


class RuleEdit:
    """Rules added to one file; the splices are those of an `Edit`."""

    def __init__(self, edit: Edit, exchange: Exchange) -> None:
        self.edit = edit
        self.text = edit.splices.text
        self.exchange = exchange
        self.anchor: str | None = None
        self._spans = [self._span(node) for node in edit.rule_nodes()]

    def _span(self, node: RawNode) -> tuple[int, int]:
        """A rule's lines, from the one with its dash to the last one with content.

        Raises:
            ConfigError: the list of rules is written in flow style.
        """
        splices = self.edit.splices
        start = splices.line_start(node_start(node))
        while start and not self.text[start : node_start(node)].strip():
            start = splices.line_start(start - 1)
        if _DASH.match(self.text, start) is None or "{" in self.text[start : node_start(node)]:
            raise ConfigError("creation_rules is not a list with a line for each rule", line=node.line)
        return start, splices.line_end(content_end(self.text, node))

    def define_name(self) -> None:
        """Give the new recipient an anchor behind the definition of an old one, outside of the rules."""
        for old in self.exchange.old:
            for node, holder in walk(self.edit.root):
                if not isinstance(node, RawScalar) or node.anchor is None or node.flow or holder is None:
                    continue
                inside = any(start <= node.start < end for start, end in self._spans)
                if inside or not self.edit.stands_for(node, old):
                    continue
                name = re.sub(r"[^A-Za-z0-9_-]", "-", self.exchange.rename(node.anchor))
                self.anchor = self.edit.define_beside(node, holder, self.exchange.new, name)
                if self.anchor is not None:
                    return

    def copy_behind(self, rule: CreationRule, pattern: str) -> None:
        """Put a copy of a rule behind it, with another path and with the new recipient."""
        start, end = self._spans[rule.index]
        pieces: list[str] = []
        at = start
        for begin, stop, new in sorted(self._replaced(self.edit.rule_nodes()[rule.index], rule, pattern)):
            pieces += (self.text[at:begin], new)
            at = stop
        copy = "".join((*pieces, self.text[at:end])).rstrip("\r\n")
        newline = self.edit.splices.newline
        gap = self.text[:start].endswith(f"{newline}{newline}")
        self.edit.splices.insert_line(end, f"{newline if gap else ''}{copy}")

    def _replaced(self, node: RawNode, rule: CreationRule, pattern: str) -> Iterator[tuple[int, int, str]]:
        """The texts that differ in the copy: the path, the old recipients, and definitions of names."""
        path = value_of(node, "path_regex")
        for each, _ in walk(node):
            start, end = node_start(each), content_end(self.text, each)
            if each is path:
                yield start, end, self._with_pattern(each, rule.path_regex or "", pattern)
            elif isinstance(each, RawAlias):
                if any(self.edit.stands_for(each, old) for old in self.exchange.old):
                    yield start, end, self._reference()
            elif isinstance(each, RawScalar):
                parts = [part for old in self.exchange.old for part in self.edit.parts_of(each, old)]
                if each.anchor is not None and not parts:
                    yield start, end, f"*{each.anchor}"
                    continue
                if each.anchor is not None:
                    yield start, each.start, ""
                yield from ((part.start, part.end, self.exchange.new.id) for part in parts)
            elif each.anchor is not None:
                end = start + len(each.anchor) + 1
                before = len(self.text[:start].rstrip(" ")) if self.text[end : end + 1] in "\r\n" else start
                yield before, end if before < start else end + 1, ""

    def _with_pattern(self, node: RawNode, old: str, new: str) -> str:
        text = self.text[node_start(node) : content_end(self.text, node)]
        found = resolved(node)
        plain = isinstance(node, RawScalar) and node.anchor is None and old in text
        return text.replace(old, new, 1) if plain and isinstance(found, RawScalar) else double_quoted(new)

    def _reference(self) -> str:
        return f"*{self.anchor}" if self.anchor is not None else written(self.exchange.new)

    def write_above(self, rule: CreationRule, pattern: str) -> None:
        """Put a rule above another one, for the same people and the new recipient.

        Raises:
            ConfigError: the rule names recipients that are not written as texts.
        """
        start, _ = self._spans[rule.index]
        pad = _DASH.match(self.text, start)[1]  # type: ignore[index] # its span begins so
        lines = [f"- path_regex: {double_quoted(pattern)}"]
        if rule.selector is not None:
            lines.append(f"  {rule.selector.kind.value}: {double_quoted(rule.selector.pattern)}")
        if rule.mac_only_encrypted:
            lines.append("  mac_only_encrypted: true")
        if rule.shamir_threshold:
            lines.append(f"  shamir_threshold: {rule.shamir_threshold}")
        lines.append("  key_groups:")
        for group in exchanged(rule.key_groups, self.exchange.old, self.exchange.new):
            lines += [f"    {line}" for line in self._group(group, rule)]
        self.edit.splices.insert_line(start, self.edit.splices.newline.join(f"{pad}{line}" for line in lines))

    def _group(self, group: Iterable[Recipient], rule: CreationRule) -> Iterator[str]:
        by_kind: dict[str, list[str]] = {}
        known = {getattr(node, "anchor", None) for node, _ in walk(self.edit.root)} - {None}
        for each in group:
            if not KINDS[each.kind].local:
                raise ConfigError(
                    f"the rule that applies names a key of the kind {each.kind}", line=rule.line
                )
            name = rule.names.get(each.id)
            is_new = recipient_key(each) == recipient_key(self.exchange.new)
            text = self._reference() if is_new else f"*{name}" if name in known else double_quoted(each.id)
            by_kind.setdefault(each.kind, []).append(text)
        head = "- "
        for kind, texts in by_kind.items():
            yield f"{head}{kind}:"
            yield from (f"    - {text}" for text in texts)
            head = "  "

    def extend(self, rule: CreationRule) -> None:
        """Put the new recipient behind an old one in a rule; a list that other rules share stays."""
        for items, old in self._old_lists(rule):
            if self._is_own(items, rule):
                self.edit.put_behind(items, old, self.exchange.new, self.anchor)

    def can_copy(self, rule: CreationRule) -> bool:
        """Whether a copy can be for the new recipient: the old ones stand in the rule itself."""
        lists = list(self._old_lists(rule))
        return bool(lists) and all(self._is_own(items, rule) for items, _ in lists)

    def _old_lists(self, rule: CreationRule) -> Iterator[tuple[RecipientList, Recipient]]:
        """The lists of a rule that name an old recipient, each with the first of them."""
        for items in self.edit.lists({rule.index}):
            old = next((each for each in self.exchange.old if self.edit.names(items, each)), None)
            if old is not None:
                yield items, old

    def _is_own(self, items: RecipientList, rule: CreationRule) -> bool:
        """Whether a list is written in a rule, and is not an alias or merged into it."""
        start, end = self._spans[rule.index]
        is_list = not isinstance(resolved(items.value), RawScalar)
        return start <= node_start(items.value) < end and not (is_list and isinstance(items.value, RawAlias))


Groups = tuple[tuple[Recipient, ...], ...]


def exchanged(groups: Groups, old: Collection[Recipient], new: Recipient) -> Groups:
    """A rule's recipients with a new one in the place of old ones, or in the first group if it has none."""
    gone = {recipient_key(each) for each in old}
    kept = [tuple(each for each in group if recipient_key(each) not in gone) for group in groups]
    changed = [len(after) < len(before) for after, before in zip(kept, groups, strict=True)]
    if kept and not any(changed):
        changed[0] = True
    return tuple((*group, new) if adds else group for group, adds in zip(kept, changed, strict=True))


def joined(groups: Groups, old: Collection[Recipient], new: Recipient) -> Groups:
    """A rule's recipients with a new one beside old ones, in their groups."""
    own = {recipient_key(each) for each in old}
    return tuple((*group, new) if own & set(map(recipient_key, group)) else group for group in groups)


def line_of(edit: Edit, rule: int, recipient: Recipient) -> int:
    """The line in which a recipient stands in a rule, or else the rule's own."""
    for items in edit.lists({rule}):
        value = resolved(items.value)
        for node in value.items if isinstance(value, RawSequence) else [items.value]:
            for part in edit.parts_of(node, recipient):
                return edit.splices.text.count("\n", 0, part.start) + 1
            if edit.stands_for(node, recipient):
                return node.line
    return edit.config.rules[rule].line
