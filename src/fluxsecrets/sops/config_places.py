"""The places of recipients in a `.sops.yaml`, and how to change each.

Such a place is a list, a text with commas, an alias's target, a key group or one merged into it, or the
definition of a name. The caller checks the result.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from fluxsecrets.errors import ConfigError

from .config import CreationRule, SopsConfig
from .config_recipients import is_map_of, is_text_of, written, written_map
from .formats.yaml.nodes import RawAlias, RawMapping, RawNode, RawScalar, RawSequence
from .recipients import KINDS, Recipient, context_of, recipient_text
from .splice import (
    Part,
    Splices,
    content_end,
    entries_of,
    name_of_key,
    node_start,
    resolved,
    split_parts,
    value_of,
)

_FIELDS = {field: name for name, kind in KINDS.items() for field in (kind.rule_field, kind.group_field)}
"""Fields that hold recipients, in rules and in key groups, with the kind of each."""

_ANCHOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class SharedList:
    """A list that several rules use, by their lines."""

    name: str
    line: int
    rules: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RecipientList:
    """Recipients of one kind: a list, or a text with commas; in a key group a text holds one recipient."""

    kind: str
    key: RawNode
    value: RawNode
    in_group: bool

    @property
    def identity(self) -> int:
        """Identifies the list that changes, also through aliases; a text behind an alias is its own place."""
        found = resolved(self.value)
        return id(found if isinstance(found, RawSequence) else self.value)


class Edit:
    """One change of one file, and how to find its places."""

    def __init__(self, config: SopsConfig, root: RawNode, splices: Splices, path: str) -> None:
        self.config = config
        self.root = root
        self.splices = splices
        self.path = path
        self._touched: dict[int, RawNode] = {}
        self._defined: str | None = None
        self._neighbour = 0

    # What there is.

    def rule_nodes(self) -> tuple[RawNode, ...]:
        """The creation rules, in order."""
        found = resolved(value_of(self.root, "creation_rules") or self.root)
        return tuple(found.items) if isinstance(found, RawSequence) else ()

    def lists(self, rules: Collection[int] | None = None) -> Iterator[RecipientList]:
        """The lists of rules, each once, however many use it."""
        seen: set[int] = set()
        for index, rule in enumerate(self.rule_nodes()):
            if rules is None or index in rules:
                for found in self.lists_of(rule):
                    if found.identity not in seen:
                        seen.add(found.identity)
                        yield found

    def lists_of(self, rule: RawNode) -> Iterator[RecipientList]:
        """The lists of one rule, those of its key groups where it has some."""
        groups = value_of(rule, "key_groups")
        items = resolved(groups) if groups is not None else None
        if isinstance(items, RawSequence) and items.items:
            for group in items.items:
                yield from self._lists_of_group(group)
            return
        yield from self._fields(rule, in_group=False)

    def _lists_of_group(self, group: RawNode) -> Iterator[RecipientList]:
        merge = value_of(group, "merge")
        found = resolved(merge) if merge is not None else None
        for part in found.items if isinstance(found, RawSequence) else ():
            yield from self._lists_of_group(part)
        yield from self._fields(group, in_group=True)

    def _fields(self, node: RawNode, *, in_group: bool) -> Iterator[RecipientList]:
        for key, value in entries_of(node):
            name = name_of_key(key)
            if name in _FIELDS:
                yield RecipientList(_FIELDS[name], key, value, in_group)

    def scalars(self) -> Iterator[RawScalar]:
        """All scalars that are values, each once."""
        for node, _ in walk(self.root):
            if isinstance(node, RawScalar):
                yield node

    def parts_of(self, node: RawNode, recipient: Recipient) -> list[Part]:
        """The parts of a scalar that are a recipient."""
        if not isinstance(node, RawScalar):
            return []
        return [part for part in split_parts(self.splices.text, node) if is_text_of(part.text, recipient)]

    def stands_for(self, node: RawNode, recipient: Recipient) -> bool:
        """Whether a list item is a recipient, and nothing else."""
        found = resolved(node)
        if isinstance(found, RawScalar):
            parts = split_parts(self.splices.text, found)
            return bool(parts) and all(is_text_of(part.text, recipient) for part in parts)
        return isinstance(found, RawMapping) and is_map_of(found, recipient)

    def shares_change(self, index: int) -> bool:
        """Whether a rule uses a list that was changed."""
        return any(each.identity in self._touched for each in self.lists_of(self.rule_nodes()[index]))

    def shared_lists(self, changed: Sequence[CreationRule]) -> tuple[SharedList, ...]:
        """The lists with anchors that were changed, and that several rules use."""
        found = []
        nodes = self.rule_nodes()
        for number, node in self._touched.items():
            if isinstance(node, RawAlias | RawScalar) or node.anchor is None:
                continue
            users = [
                rule.line
                for rule in changed
                if any(each.identity == number for each in self.lists_of(nodes[rule.index]))
            ]
            if len(users) > 1:
                found.append(SharedList(node.anchor, node.line, tuple(users)))
        return tuple(found)

    # Putting in.

    def name_beside(self, old: Recipient, new: Recipient, name: str | None) -> str | None:
        """Give the new recipient an anchor where the old one has one; the name that it got."""
        wanted = self._free_name(name)
        if wanted is None:
            return None
        for node, holder in walk(self.root):
            named = isinstance(node, RawScalar) and node.anchor is not None and self.stands_for(node, old)
            if named and self._define(node, holder, new, wanted):
                return wanted
        return None

    def define_beside(self, node: RawNode, holder: RawNode, new: Recipient, name: str) -> str | None:
        """Define a name for a recipient behind the definition of another; the name that it got."""
        free = self._free_name(name)
        return free if free is not None and self._define(node, holder, new, free) else None

    def _define(self, node: RawNode, holder: RawNode | None, new: Recipient, name: str) -> bool:
        """Put a name's definition behind another one's; whether that can be done there."""
        text = f"&{name} {written(new)}"
        if isinstance(holder, RawSequence):
            self.splices.insert_item(holder, _index(holder.items, node), text)
            self._defined = name
            self._touched[id(holder)] = holder
            self._neighbour = id(node)
            return True
        if isinstance(holder, RawMapping) and not holder.flow:
            key = holder.keys[_index(holder.values, node)]
            start = self.splices.line_start(node_start(key))
            indent = self.splices.text[start : node_start(key)]
            known = {name_of_key(each) for each in holder.keys}
            if not indent.strip(" ") and name not in known and name_of_key(key) not in _FIELDS:
                end = self.splices.line_end(content_end(self.splices.text, node))
                self.splices.insert_line(end, f"{indent}{name}: {text}")
                self._defined = name
                self._neighbour = id(node)
                return True
        return False

    def _free_name(self, name: str | None) -> str | None:
        if name is None or not _ANCHOR.fullmatch(name):
            return None
        taken = {getattr(node, "anchor", None) for node, _ in walk(self.root)}
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{name}-{number}"
        return free

    def put_behind(self, items: RecipientList, old: Recipient, new: Recipient, anchor: str | None) -> None:
        """Put the new recipient behind the old one in a list, where the old one stands in it."""
        value = resolved(items.value)
        if isinstance(value, RawSequence):
            if any(self._holds(item, new) for item in value.items):
                return
            for index, item in enumerate(value.items):
                if id(item) == self._neighbour:
                    return  # the definition stands in this very list
                if self.stands_for(item, old):
                    self._touch(value)
                    named = anchor is not None and (isinstance(item, RawAlias) or _anchored(item))
                    self.splices.insert_item(value, index, f"*{anchor}" if named else written(new))
                    return
                if self.parts_of(item, old):
                    self._touch(value)
                    assert isinstance(item, RawScalar)  # noqa: S101 - it has parts
                    self.splices.insert_part(item, self.parts_of(item, old)[0], recipient_text(new))
                    return
        elif isinstance(value, RawScalar) and self.parts_of(value, old):
            if any(is_text_of(part.text, new) for part in split_parts(self.splices.text, value)):
                return
            if isinstance(items.value, RawAlias) or (value.anchor and self.stands_for(value, old)):
                self._into_list(items, new, anchor)
                return
            self._touch(value)
            self.splices.insert_part(value, self.parts_of(value, old)[0], recipient_text(new))

    def names(self, items: RecipientList, recipient: Recipient) -> bool:
        """Whether a recipient stands in a list."""
        value = resolved(items.value)
        nodes = value.items if isinstance(value, RawSequence) else [value]
        return any(self._holds(node, recipient) for node in nodes)

    def _into_list(self, items: RecipientList, new: Recipient, anchor: str | None = None) -> None:
        """Make a list of one recipient that stands alone, and put another one into it."""
        value = items.value
        text = self.splices.text
        start, end = node_start(value), content_end(text, value)
        if "\n" in text[start:end]:
            raise self.splices.unknown(value)
        self.splices.insert(start, "[")
        self.splices.insert(end, f", {f'*{anchor}' if anchor else written(new)}]")

    def _holds(self, item: RawNode, recipient: Recipient) -> bool:
        return self.stands_for(item, recipient) or bool(self.parts_of(resolved(item), recipient))

    def _touch(self, node: RawNode) -> None:
        self._touched[id(node)] = node

    def put_into(
        self, index: int, new: Recipient, name: str | None, behind: Sequence[Recipient], group: int
    ) -> None:
        """Put a recipient into one rule."""
        rule = self.rule_nodes()[index]
        holder = rule
        groups = value_of(rule, "key_groups")
        found = resolved(groups) if groups is not None else None
        in_group = isinstance(found, RawSequence) and bool(found.items)
        if isinstance(found, RawSequence) and found.items:
            holder = found.items[group]
        target = next(
            (
                each
                for each in self._fields(holder, in_group=in_group)
                if each.kind == new.kind and _is_set(each.value)
            ),
            None,
        )
        if target is None:
            self._add_field(holder, new, in_group=in_group)
            return
        value = resolved(target.value)
        if id(value) in self._touched:
            return  # another rule shares it
        if isinstance(value, RawSequence):
            self._touch(value)
            self._append(value, new, name, behind)
        elif isinstance(target.value, RawAlias) or (isinstance(value, RawScalar) and value.anchor):
            self._into_list(target, new)
        elif isinstance(value, RawScalar):
            parts = split_parts(self.splices.text, value)
            last = [part for part in parts if any(is_text_of(part.text, each) for each in behind)] or parts
            self._touch(value)
            self._text(new, value)
            self.splices.insert_part(value, last[-1], recipient_text(new))
        else:
            raise self.splices.unknown(target.value)

    def _append(
        self, items: RawSequence, new: Recipient, name: str | None, behind: Sequence[Recipient]
    ) -> None:
        at = len(items.items) - 1
        for index, item in enumerate(items.items):
            if any(self._holds(item, each) for each in behind):
                at = index
        in_maps = any(isinstance(resolved(item), RawMapping) for item in items.items)
        text = written_map(new) if in_maps else self._text(new, items)
        neighbour = items.items[at] if items.items else None
        if isinstance(neighbour, RawAlias):
            anchor = self._existing_anchor(new) or self._name_for(neighbour.target, new, name)
            text = f"*{anchor}" if anchor else text
        self.splices.insert_item(items, at, text)

    def _text(self, new: Recipient, place: RawNode) -> str:
        """Return a recipient as one text.

        Raises:
            ConfigError: a text can't say all of it.
        """
        if context_of(new):
            raise ConfigError(
                "a rule names an encryption context in key_groups only",
                line=place.line,
                hint="write the key as a map with arn and context under `key_groups`, "
                "then run `fluxsecrets recipients sync --all`",
            )
        return written(new)

    def _existing_anchor(self, recipient: Recipient) -> str | None:
        if self._defined is not None:
            return self._defined
        for node, _ in walk(self.root):
            if isinstance(node, RawScalar) and node.anchor and self.stands_for(node, recipient):
                return node.anchor
        return None

    def _name_for(self, neighbour: RawNode, new: Recipient, name: str | None) -> str | None:
        free = self._free_name(name)
        holder = next((holder for node, holder in walk(self.root) if node is neighbour), None)
        inside = any(holder is resolved(each.value) for each in self.lists())
        if free is None or inside or not self._define(neighbour, holder, new, free):
            return None
        return free

    def _add_field(self, holder: RawNode, new: Recipient, *, in_group: bool) -> None:
        """Put a list for another kind of recipient into a rule or key group."""
        node = resolved(holder)
        kind = KINDS[new.kind]
        name = kind.group_field if in_group else kind.rule_field
        if not isinstance(node, RawMapping) or not node.keys:
            raise self.splices.unknown(holder)
        self._touch(node)
        if in_group and kind.make is not None:
            value = f"[{written_map(new)}]"
        else:
            value = self._text(new, node)
            value = f"[{value}]" if in_group or name == "hckms" else value
        end = content_end(self.splices.text, node.values[-1])
        empty = next((key for key in node.keys if name_of_key(key) == name), None)
        if empty is not None:  # it is there, and holds nothing
            old = node.values[_index(node.keys, empty)]
            colon = self.splices.text.index(":", content_end(self.splices.text, empty)) + 1
            self.splices.replace(colon, max(colon, content_end(self.splices.text, old)), f" {value}")
        elif node.flow:
            self.splices.insert(end, f", {name}: {value}")
        else:
            indent = " " * node.column
            place = self.splices.line_end(max(end, node.keys[-1].end))
            self.splices.insert_line(place, f"{indent}{name}: {value}")

    # Taking out.

    def take_out(self, gone: Recipient, rules: Collection[int] | None) -> None:
        """Remove a recipient from rules, or everywhere, and its name if nothing uses it then."""
        meant = None if rules is None else {each.identity for each in self.lists(rules)}
        removed: set[int] = set()
        definitions: list[RawScalar] = []
        keys = {each.identity: each.key for each in self.lists()}
        for node, holder in walk(self.root):
            here = meant is None or id(node) in meant
            if isinstance(node, RawSequence):
                if here:
                    removed |= self._take_from_list(node, gone, keys.get(id(node)) or self._key_of(node))
            elif isinstance(holder, RawMapping) and id(holder) not in removed and here:
                removed |= self._take_from_field(node, holder, gone)
            if isinstance(node, RawScalar) and node.anchor and self.stands_for(node, gone):
                definitions.append(node)
        for node in definitions:
            self._keep_name(node, removed)

    def _key_of(self, items: RawSequence) -> RawNode | None:
        for node, _ in walk(self.root):
            if isinstance(node, RawMapping):
                for key, value in zip(node.keys, node.values, strict=True):
                    if value is items:
                        return key
        return None

    def _take_from_list(self, items: RawSequence, gone: Recipient, key: RawNode | None) -> set[int]:
        whole = [index for index, item in enumerate(items.items) if self.stands_for(item, gone)]
        if whole:
            self._touch(items)
        if whole and len(whole) == len(items.items) and key is not None:
            self.splices.empty(key, items)
        else:
            for index in whole:
                self.splices.remove_item(items, index)
        for index, item in enumerate(items.items):
            if index not in whole and isinstance(item, RawScalar):
                for part in self.parts_of(item, gone):
                    self._touch(items)
                    self.splices.remove_part(item, part)
        return {id(items.items[index]) for index in whole}

    def _take_from_field(self, node: RawNode, holder: RawMapping, gone: Recipient) -> set[int]:
        """Remove a recipient from a text, or a whole text: a name's definition, or a rule's field."""
        key = holder.keys[_index(holder.values, node)]
        if not self._holds(node, gone) or name_of_key(key) in KINDS[gone.kind].group_fields:
            return set()  # a field of a key group's item, which is the recipient
        if not self.stands_for(node, gone):
            assert isinstance(node, RawScalar)  # noqa: S101 - an alias stands for one recipient here
            for part in self.parts_of(node, gone):
                self._touch(node)
                self.splices.remove_part(node, part)
            return set()
        text = self.splices.text
        if name_of_key(key) in _FIELDS:
            self._touch(node)
            self.splices.replace(node_start(node), content_end(text, node), '""')
            return {id(node)}
        start = self.splices.line_start(node_start(key))
        if holder.flow or text[start : node_start(key)].strip(" ") or len(holder.keys) == 1:
            self.splices.replace(node_start(node), content_end(text, node), '""')
        else:
            self.splices.replace(start, self.splices.line_end(content_end(text, node)), "")
        return {id(node)}

    def _keep_name(self, node: RawScalar, removed: set[int]) -> None:
        """If a name's definition is removed and an alias still uses it, the alias becomes the definition."""
        left = [
            each
            for each, _ in walk(self.root)
            if isinstance(each, RawAlias) and each.target is node and id(each) not in removed
        ]
        if id(node) in removed and left:
            text = self.splices.text[node_start(node) : content_end(self.splices.text, node)]
            self.splices.replace(left[0].start, left[0].end, text)


def walk(root: RawNode) -> Iterator[tuple[RawNode, RawNode | None]]:
    """Every value with the list or map that holds it; aliases are not followed."""
    waiting: list[tuple[RawNode, RawNode | None]] = [(root, None)]
    while waiting:
        node, holder = waiting.pop()
        yield node, holder
        if isinstance(node, RawSequence):
            waiting += [(item, node) for item in reversed(node.items)]
        elif isinstance(node, RawMapping):
            waiting += [(value, node) for value in reversed(node.values)]


def _index(nodes: Sequence[RawNode], node: RawNode) -> int:
    return next(index for index, each in enumerate(nodes) if each is node)


def _anchored(node: RawNode) -> bool:
    return isinstance(node, RawScalar) and node.anchor is not None


def _is_set(node: RawNode) -> bool:
    """Whether a field holds something, so that more can be put beside it."""
    found = resolved(node)
    if isinstance(found, RawScalar):
        return bool(found.text.strip()) and found.text not in ("~", "null")
    return not isinstance(found, RawSequence) or found.flow or bool(found.items)
