"""Put new rules at the end of a `.sops.yaml`, or into a new one; what is there keeps its text.

The first rule that matches a file applies, so that rules at the end change nothing for files that have one.
The result is parsed again, and refused if the old rules are not what they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fluxsecrets.errors import ConfigError, FluxsecretsError

from .config import CreationRule, SopsConfig, parse_config
from .config_places import Edit, walk
from .config_recipients import written, written_map
from .document import Style
from .formats.yaml.nodes import RawMapping, RawNode, RawScalar, RawSequence
from .formats.yaml.scalars import scalar_text
from .recipients import KINDS, Recipient, recipient_key
from .selectors import SelectorSpec
from .splice import Splices, content_end, entries_of, name_of_key, node_start, parse_root, resolved

_RULES = "creation_rules"
_DASH = re.compile(r"( *)-(?:\s|$)")
_ANCHOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

Reference = Callable[[Recipient], str]
"""How a recipient is written: its name, or the key."""


@dataclass(frozen=True, slots=True)
class FreshRule:
    """A rule to add.

    Attributes:
        comment: what it is for, one line.
        selector: None for files that are encrypted as a whole.
    """

    comment: str
    path_regex: str
    selector: SelectorSpec | None
    recipients: tuple[Recipient, ...]


def new_config(rules: Sequence[FreshRule], names: Mapping[str, str]) -> bytes:
    """Return a `.sops.yaml` that names the recipients once, and the rules for them.

    Args:
        rules: in the order in which they are tried.
        names: recipient id -> name; those without one are written as they are.

    Raises:
        ConfigError: a rule would be read as another one.
    """
    recipients = {recipient_key(each): each for rule in rules for each in rule.recipients}
    anchors = {
        key: names[each.id]
        for key, each in recipients.items()
        if KINDS[each.kind].local and _ANCHOR.fullmatch(names.get(each.id, ""))
    }
    lines = ["# Who can read what. The first rule whose path_regex matches a file applies."]
    if anchors:
        lines += ["keys:", *(f"  - &{name} {written(recipients[key])}" for key, name in anchors.items()), ""]

    def reference(recipient: Recipient) -> str:
        name = anchors.get(recipient_key(recipient))
        return f"*{name}" if name is not None else _written(recipient, names)

    lines += _section(rules, reference)
    data = "".join(f"{line}\n" for line in lines).encode()
    _compare((), parse_config(data, path=".sops.yaml"), rules, ".sops.yaml")
    return data


def append_rules(data: bytes, rules: Sequence[FreshRule], names: Mapping[str, str], *, path: str) -> bytes:
    """Return a `.sops.yaml` with more rules at its end.

    Args:
        data: the file.
        rules: in the order in which they are tried.
        names: recipient id -> name, for a comment where the file has no anchor for it.
        path: the file's name, for messages.

    Raises:
        ConfigError: the file is invalid, or written in a way that cannot be added to.
    """
    before = parse_config(data, path=path)
    text = data.decode("utf-8-sig")
    root = parse_root(text)
    if root is None:
        made = f"{text}{_line_end(text)}" + "".join(
            f"{line}\n" for line in _section(rules, lambda each: _written(each, names))
        )
    else:
        made = _spliced(before, root, text, rules, names, path)
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    result = mark + made.encode()
    try:
        after = parse_config(result, path=path)
    except FluxsecretsError as error:
        raise _refused(path, error.line) from None
    _compare(before.rules, after, rules, path)
    return result


def _spliced(
    before: SopsConfig,
    root: RawNode,
    text: str,
    rules: Sequence[FreshRule],
    names: Mapping[str, str],
    path: str,
) -> str:
    splices = Splices.of(text)
    edit = Edit(before, root, splices, path)
    key, value = next(
        ((key, value) for key, value in entries_of(root) if name_of_key(key) == _RULES), (None, None)
    )
    if not isinstance(root, RawMapping) or root.flow:
        raise _refused(path, None)

    def lines_at(place: int, found: Sequence[str]) -> None:
        splices.insert_line(place, splices.newline.join(found))

    items = resolved(value) if value is not None else None
    if key is None or value is None:
        lines_at(len(text), ["", *_section(rules, _reference(edit, len(text), names))])
    elif isinstance(items, RawSequence) and items.items:
        start, end = _span(splices, items.items[0])[0], _span(splices, items.items[-1])[1]
        dash = _DASH.match(text, start)
        if dash is None or items.flow:
            raise _refused(path, value.line)
        found = _rules(rules, _reference(edit, end, names), dash[1])
        lines_at(end, ["", *found] if text[:end].strip() else list(found))
    else:  # an empty list, or nothing at all
        start, end = node_start(value), content_end(text, value)
        if text[start:end].strip():
            splices.replace(start, end, "")
        place = splices.line_end(content_end(text, key))
        lines_at(place, list(_rules(rules, _reference(edit, place, names), "  ")))
    return splices.made()


def _span(splices: Splices, node: RawNode) -> tuple[int, int]:
    """The lines of a rule, from the one with its dash to the last one with content."""
    start = splices.line_start(node_start(node))
    while start and not splices.text[start : node_start(node)].strip():
        start = splices.line_start(start - 1)
    return start, splices.line_end(content_end(splices.text, node))


def _reference(edit: Edit, place: int, names: Mapping[str, str]) -> Reference:
    """Use a name that the file gives a recipient above a place, or the key with a comment."""
    anchors = [
        node
        for node, _ in walk(edit.root)
        if isinstance(node, RawScalar) and node.anchor is not None and node.start < place
    ]

    def reference(recipient: Recipient) -> str:
        own = (node.anchor for node in anchors if edit.stands_for(node, recipient))
        name = next(own, None)
        return f"*{name}" if name is not None else _written(recipient, names)

    return reference


def _written(recipient: Recipient, names: Mapping[str, str]) -> str:
    if not KINDS[recipient.kind].local:
        return written_map(recipient)
    name = names.get(recipient.id, "")
    return f"{written(recipient)} # {name}" if _ANCHOR.fullmatch(name) else written(recipient)


def _section(rules: Sequence[FreshRule], reference: Reference) -> list[str]:
    if not rules:
        return [f"{_RULES}: []"]
    return [f"{_RULES}:", *_rules(rules, reference, "  ")]


def _rules(rules: Sequence[FreshRule], reference: Reference, pad: str) -> Iterator[str]:
    for rule in rules:
        yield from (f"{pad}{line}" for line in _rule(rule, reference))


def _rule(rule: FreshRule, reference: Reference) -> Iterator[str]:
    comment = "".join(char if char.isprintable() else "?" for char in rule.comment)
    yield f"# {comment}"
    yield f"- path_regex: {_scalar(rule.path_regex)}"
    if rule.selector is not None:
        yield f"  {rule.selector.kind.value}: {_scalar(rule.selector.pattern)}"
    yield "  key_groups:"
    by_kind: dict[str, list[Recipient]] = {}
    for each in rule.recipients:
        by_kind.setdefault(each.kind, []).append(each)
    head = "- "
    for kind, recipients in by_kind.items():
        yield f"    {head}{KINDS[kind].group_field}:"
        yield from (f"        - {reference(each)}" for each in recipients)
        head = "  "


def _scalar(text: str) -> str:
    return scalar_text(text, Style.PLAIN, flow=False)


def _line_end(text: str) -> str:
    return "" if not text or text.endswith("\n") else "\n"


def _compare(
    before: Sequence[CreationRule], after: SopsConfig, fresh: Sequence[FreshRule], path: str
) -> None:
    """Refuse a result in which the old rules, or the new ones, are others than they should be."""
    kept = [replace(rule, names={}) for rule in after.rules[: len(before)]]
    if kept != [replace(rule, names={}) for rule in before]:
        raise _refused(path, None)
    found = [
        (rule.path_regex, rule.selector, [set(map(recipient_key, group)) for group in rule.key_groups])
        for rule in after.rules[len(before) :]
    ]
    wanted = [(rule.path_regex, rule.selector, [set(map(recipient_key, rule.recipients))]) for rule in fresh]
    if found != wanted:
        raise _refused(path, None)


def _refused(path: str, line: int | None) -> ConfigError:
    return ConfigError(
        "the rules are written in a way that none can be added to",
        path=path,
        line=line,
        hint=f"write `{_RULES}:` with one `- path_regex: …` per rule, then try again",
    )
