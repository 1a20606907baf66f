"""The editor of `.sops.yaml`: it adds, removes and replaces recipients, and adds rules, in the file's text.

Comments, anchors and layout stay. A recipient may stand as a list item, in a text with commas, as an alias of
a name, in a list that several rules share, or in key groups. It is changed where it stands, and a shared list
is changed for every rule that uses it. The result is parsed again, and refused if it holds any other change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from fluxsecrets.errors import ConfigError, FluxsecretsError, UnprotectedError, UsageError

from .config import CreationRule, SopsConfig, parse_config
from .config_places import Edit, SharedList, walk
from .config_rules import Exchange, Groups, RuleEdit, line_of
from .recipients import Recipient, recipient_key
from .splice import Splices, parse_root


@dataclass(frozen=True, slots=True)
class EditedConfig:
    """A changed `.sops.yaml`.

    Attributes:
        rules: the rules that changed, as they were, in order.
        shared: lists that were changed and that several rules use.
    """

    data: bytes = field(repr=False)
    rules: tuple[CreationRule, ...] = ()
    shared: tuple[SharedList, ...] = ()


def add_beside(
    data: bytes, old: Recipient, new: Recipient, *, path: str, name: str | None = None
) -> EditedConfig:
    """Put a recipient into every rule in which another one stands, right behind it.

    Args:
        data: the `.sops.yaml`.
        old: the recipient that is there.
        new: the recipient to add.
        path: the file's name, for messages.
        name: for the new recipient's anchor, if the old one has an anchor.

    Raises:
        ConfigError: the file is invalid, or written in a way that cannot be changed.
    """

    def change(edit: Edit) -> None:
        anchor = edit.name_beside(old, new, name)
        for items in edit.lists():
            edit.put_behind(items, old, new, anchor)

    def expected(groups: Groups, _rule: CreationRule) -> Groups:
        return tuple(_behind(group, old, new) for group in groups)

    return _edited(data, path, change, expected)


def add_recipient(
    data: bytes,
    new: Recipient,
    rules: Collection[int],
    *,
    path: str,
    name: str | None = None,
    behind: Sequence[Recipient] = (),
    group: int = 0,
) -> EditedConfig:
    """Put a recipient into rules.

    Args:
        data: the `.sops.yaml`.
        new: the recipient to add.
        rules: positions of the rules, from 0; others change where they share a list with them.
        path: the file's name, for messages.
        name: for its anchor, if the rule names others by anchors.
        behind: it is put after the last of these in a list, or at the list's end.
        group: the key group, from 0, in rules that have several.

    Raises:
        ConfigError: the file is invalid, or written in a way that cannot be changed.
        UsageError: a rule has no such key group.
    """

    def change(edit: Edit) -> None:
        for index in sorted(rules):
            rule = edit.config.rules[index]
            if rule.key_groups and group >= len(rule.key_groups):
                raise UsageError(
                    f"the rule has {len(rule.key_groups)} key groups, but number {group + 1} was requested",
                    path=path,
                    line=rule.line,
                )
            if recipient_key(new) not in _keys(rule.key_groups):
                edit.put_into(index, new, name, behind, group)

    def expected(groups: Groups, rule: CreationRule) -> Groups:
        if rule.index not in rules or recipient_key(new) in _keys(groups):
            return groups
        found = groups or ((),)
        return (*found[:group], (*found[group], new), *found[group + 1 :])

    return _edited(data, path, change, expected, others=lambda groups: _added(groups, new))


def remove_recipient(
    data: bytes, gone: Recipient, *, path: str, rules: Collection[int] | None = None
) -> EditedConfig:
    """Remove a recipient, with its name if nothing else uses the name.

    Args:
        data: the `.sops.yaml`.
        gone: the recipient to remove.
        path: the file's name, for messages.
        rules: positions of rules, from 0; None means everywhere.

    Raises:
        ConfigError: the file is invalid, or written in a way that cannot be changed.
        UnprotectedError: a rule or a key group would no longer name anybody.
    """
    key = recipient_key(gone)

    def change(edit: Edit) -> None:
        for rule in edit.config.rules:
            if rules is None or rule.index in rules:
                _refuse_empty(rule, key, path)
        edit.take_out(gone, rules)

    def expected(groups: Groups, rule: CreationRule) -> Groups:
        return _without(groups, key) if rules is None or rule.index in rules else groups

    return _edited(data, path, change, expected, others=lambda groups: _without(groups, key))


def replace_recipient(data: bytes, old: Recipient, new: Recipient, *, path: str) -> EditedConfig:
    """Replace a recipient with another everywhere; an anchor keeps its name.

    Raises:
        ConfigError: the file is invalid, or written in a way that cannot be changed.
    """

    def change(edit: Edit) -> None:
        for node in edit.scalars():
            for part in edit.parts_of(node, old):
                edit.splices.replace(part.start, part.end, new.id)

    def expected(groups: Groups, _rule: CreationRule) -> Groups:
        key = recipient_key(old)
        return tuple(tuple(new if recipient_key(one) == key else one for one in group) for group in groups)

    return _edited(data, path, change, expected)


@dataclass(frozen=True, slots=True)
class RuleLike:
    """A rule to add that is like an existing one, for another path.

    Attributes:
        index: of the existing rule, from 0.
        copy: the path of a copy behind it; None for no copy.
        above: the path of a new rule above it, if there is no copy; None for no rule.
    """

    index: int
    copy: str | None
    above: str | None


@dataclass(frozen=True, slots=True)
class AddedRules:
    """A `.sops.yaml` with more rules.

    Attributes:
        named_in: the line that names the new recipient, or None.
        rules: each new rule with the one that it is like, as it was.
        extended: lines in which the new recipient was put beside an old one.
    """

    data: bytes = field(repr=False)
    config: SopsConfig
    named_in: int | None = None
    rules: tuple[tuple[CreationRule, CreationRule], ...] = ()
    extended: tuple[int, ...] = ()


def add_rules(
    data: bytes, exchange: Exchange, likes: Sequence[RuleLike], extended: Collection[int], *, path: str
) -> AddedRules:
    """Add rules that are like others, for another recipient, and put that recipient into existing rules.

    A copy is put after its rule. If a rule cannot be copied, a new one is written above it. The caller
    checks which rule then applies to which file.

    Args:
        data: the `.sops.yaml`.
        exchange: whose place the new recipient takes.
        likes: the rules to add.
        extended: positions of rules that get the new recipient beside an old one, from 0.
        path: the file's name, for messages.

    Raises:
        ConfigError: the file is invalid, or written in a way that cannot be changed.
    """
    before = parse_config(data, path=path)
    text = data.decode("utf-8-sig")
    root = parse_root(text)
    if root is None or not (likes or extended):
        return AddedRules(data, before)
    edit = Edit(before, root, Splices.of(text), path)
    places: dict[int, int] = {}
    try:
        rules = RuleEdit(edit, exchange)
        rules.define_name()
        for rule in before.rules:
            added = len(places)
            for like in likes:
                if like.index == rule.index and like.copy is not None and rules.can_copy(rule):
                    rules.copy_behind(rule, like.copy)
                    places[rule.index] = rule.index + added + 1
                elif like.index == rule.index and like.above is not None:
                    rules.write_above(rule, like.above)
                    places[rule.index] = rule.index + added
            if rule.index in extended:
                rules.extend(rule)
        made = edit.splices.made()
    except FluxsecretsError as error:
        raise error.in_file(path) from None
    result = _encoded(data, made)
    after = parse_config(result, path=path)
    found = Edit(after, parse_root(made) or root, Splices.of(made), path)
    new = set(places.values())
    kept = [rule.index for rule in after.rules if rule.index not in new]
    named = (node.line for node, _ in walk(found.root) if getattr(node, "anchor", None) == rules.anchor)
    return AddedRules(
        result,
        after,
        next(named) if rules.anchor is not None else None,
        tuple((after.rules[place], before.rules[index]) for index, place in sorted(places.items())),
        tuple(line_of(found, kept[index], exchange.new) for index in sorted(extended)),
    )


# What came out, compared with what was asked for.


def _edited(
    data: bytes,
    path: str,
    change: Callable[[Edit], None],
    expected: Callable[[Groups, CreationRule], Groups],
    *,
    others: Callable[[Groups], Groups] | None = None,
) -> EditedConfig:
    """Make a change and compare.

    Args:
        data: the file.
        path: its name.
        change: collects the splices.
        expected: a rule's recipients afterwards.
        others: the recipients of rules that share a list with a changed rule.
    """
    before = parse_config(data, path=path)
    text = data.decode("utf-8-sig")
    root = parse_root(text)
    if root is None:
        return EditedConfig(data)
    edit = Edit(before, root, Splices.of(text), path)
    try:
        change(edit)
        made = edit.splices.made()
    except FluxsecretsError as error:
        raise error.in_file(path) from None
    result = _encoded(data, made)
    try:
        after = parse_config(result, path=path)
    except FluxsecretsError as error:
        raise _refused(path, error.line) from None
    changed = _compare(before, after, expected, others, edit)
    return EditedConfig(result, changed, edit.shared_lists(changed))


def _encoded(before: bytes, text: str) -> bytes:
    """A new text, with the byte order mark that the old one had."""
    mark = b"\xef\xbb\xbf"
    return (mark if before.startswith(mark) else b"") + text.encode()


def _compare(
    before: SopsConfig,
    after: SopsConfig,
    expected: Callable[[Groups, CreationRule], Groups],
    others: Callable[[Groups], Groups] | None,
    edit: Edit,
) -> tuple[CreationRule, ...]:
    path = edit.path
    if len(before.rules) != len(after.rules) or before.stores != after.stores:
        raise _refused(path, None)
    changed = []
    for old, new in zip(before.rules, after.rules, strict=True):
        wanted = [expected(old.key_groups, old)]
        if others is not None and edit.shares_change(old.index):
            wanted.append(others(old.key_groups))
        same = replace(
            new,
            line=old.line,
            key_groups=old.key_groups,
            names=old.names,
            unknown=old.unknown,
            ignored=old.ignored,
            shamir_threshold=old.shamir_threshold,
        )
        kept = [field_.name for field_ in old.unknown] == [field_.name for field_ in new.unknown]
        groups = _sets(new.key_groups)
        if same != old or not kept or all(groups != _sets(each) for each in wanted):
            raise _refused(path, old.line)
        if old.shamir_threshold != new.shamir_threshold:
            raise _refused(path, old.line)
        if groups != _sets(old.key_groups):
            changed.append(old)
    return tuple(changed)


def _refused(path: str, line: int | None) -> ConfigError:
    return ConfigError(
        "this change would change something else in the file too, so the file stays as it is",
        path=path,
        line=line,
        hint="edit the file yourself, then run `fluxsecrets recipients sync --all`",
    )


def _refuse_empty(rule: CreationRule, key: tuple[str, str], path: str) -> None:
    if not rule.key_groups or key not in _keys(rule.key_groups):
        return
    for number, group in enumerate(_without(rule.key_groups, key), 1):
        if not group:
            where = f"key group {number} of this rule" if len(rule.key_groups) > 1 else "this rule"
            raise UnprotectedError(
                f"{where} would no longer name anybody",
                path=path,
                line=rule.line,
                hint="add somebody else first, with `fluxsecrets recipients add WHO --all`",
            )


def _keys(groups: Groups) -> set[tuple[str, str]]:
    return {recipient_key(each) for group in groups for each in group}


def _sets(groups: Groups) -> list[frozenset[tuple[str, str]]]:
    return [frozenset(recipient_key(each) for each in group) for group in groups if group]


def _without(groups: Groups, key: tuple[str, str]) -> Groups:
    return tuple(tuple(each for each in group if recipient_key(each) != key) for group in groups)


def _added(groups: Groups, new: Recipient) -> Groups:
    """How a change of a shared list shows in another rule: in one of its groups."""
    found = groups or ((),)
    return ((*found[0], new), *found[1:])


def _behind(group: tuple[Recipient, ...], old: Recipient, new: Recipient) -> tuple[Recipient, ...]:
    keys = [recipient_key(each) for each in group]
    if recipient_key(old) not in keys or recipient_key(new) in keys:
        return group
    at = keys.index(recipient_key(old)) + 1
    return (*group[:at], new, *group[at:])
