"""`.sops.yaml`: which rule applies to a file, and for whom a new file is encrypted.

Taken from sops 3.13.2: config/config.go. Where sops looks at a mistake only once a file meets it, or
not at all (an invalid `path_regex` behind the first match, a duplicate key in a list of anchors, a
second YAML document), it is an error here as soon as the file is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from fluxsecrets.errors import RecipientError, SelectorError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

from .excerpts import quoting
from .formats import StoresConfig
from .placed_yaml import (
    FieldReader,
    Fields,
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    compose,
    is_null,
    is_set,
    keys_outside,
    kind_of,
    walk,
)
from .recipients import KINDS, KeyKind, Recipient, age, deduplicate, kms_from_arn, recipient_key, split_list
from .selectors import Regex, SelectorKind, SelectorSpec, compile_selector, select_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .destinations import DestinationRule
    from .firstmatch import FirstMatch


class UnknownField(NamedTuple):
    """A field that is there, but without effect.

    Attributes:
        name: with the fields around it, such as `stores.toml`.
        line: 1-based line of the field.
    """

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class CreationRule:
    """What happens to new files whose path matches.

    Attributes:
        index: position among the rules, from 0.
        line: 1-based line where the rule starts.
        path_regex: searched for in the path relative to the configuration's folder, with `/`;
            None matches every path.
        key_groups: recipients of each group, without those that are twice in a group; empty where
            the rule names nobody.
        shamir_threshold: how many groups are needed; 0 where the rule does not say (then all).
        selector: which values are encrypted, or None for the default.
        mac_only_encrypted: the MAC covers encrypted values only.
        names: by recipient id, the name of the YAML anchor that the recipient was given somewhere
            in the file; for messages.
        unknown: fields that sops does not know and passes over.
        ignored: recipient lists that sops passes over because `key_groups` is there too.
    """

    index: int
    line: int
    path_regex: str | None
    key_groups: tuple[tuple[Recipient, ...], ...]
    shamir_threshold: int
    selector: SelectorSpec | None
    mac_only_encrypted: bool
    names: Mapping[str, str] = field(hash=False)
    unknown: tuple[UnknownField, ...] = ()
    ignored: tuple[UnknownField, ...] = ()
    _path: Regex | None = field(default=None, repr=False, compare=False)

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """The recipients of all groups, in order."""
        return tuple(recipient for group in self.key_groups for recipient in group)

    @property
    def pattern(self) -> Regex | None:
        """Its `path_regex`, compiled."""
        return self._path

    def matches(self, relative_path: str) -> bool:
        """Whether the rule is for a path relative to the configuration's folder, with `/`."""
        return self._path is None or self._path.search(relative_path)


@dataclass(frozen=True, slots=True)
class SopsConfig:
    """A `.sops.yaml`.

    Attributes:
        path: the file, as it was named to `parse_config`.
        rules: in order; the first that matches applies.
        has_creation_rules: False where `creation_rules` is missing or null: sops then goes on as if
            there were no configuration, whereas an empty list means that no file has a rule.
        stores: indentation.
        unknown: fields outside of rules that sops does not know and passes over; lists that hold
            anchors are not among them.
        destinations: the rules of `publish`, in order; the first that matches applies.
        first_match: finds the rule that applies where there are many, or None.
    """

    path: str
    rules: tuple[CreationRule, ...] = ()
    has_creation_rules: bool = False
    stores: StoresConfig = field(default_factory=StoresConfig)
    unknown: tuple[UnknownField, ...] = ()
    destinations: tuple[DestinationRule, ...] = ()
    first_match: FirstMatch | None = field(default=None, repr=False, compare=False)


class RuleMatch(NamedTuple):
    """How one rule matched a path; `matched` marks the one that applies."""

    rule: CreationRule
    matched: bool
    reason: str


def parse_config(data: bytes, *, path: str) -> SopsConfig:
    """Read a `.sops.yaml`; the file itself is not touched.

    Raises:
        ConfigError: with line and column: no YAML, a second document, wrong types, invalid
            regular expressions (in any rule), several selectors (SelectorError), malformed
            recipients, a threshold that the groups cannot meet, or a private key.
        LimitError: too large, too deep, or too many aliases.
    """
    with quoting(data):
        root = compose(data, path=path)
        return SopsConfig(path) if root is None else _config(root, path)


def _config(root: Node, path: str) -> SopsConfig:
    read = FieldReader(path)
    fields = read.fields(root, "the configuration")
    stores, odd_stores = _stores(read, fields)
    unknown = [key for key in keys_outside(fields, _CONFIG_FIELDS) if not _holds_anchors(fields[key.text][1])]
    anchors = _anchored_texts(root)
    destinations = _destinations(read, fields, anchors)
    rules = tuple(
        read_rule(read, node, index, anchors)
        for index, node in enumerate(read.items(fields, "creation_rules"))
    )
    return SopsConfig(
        path=path,
        rules=rules,
        first_match=_first_match(rules),
        has_creation_rules=is_set(fields, "creation_rules"),
        stores=stores,
        destinations=destinations,
        unknown=(
            *(UnknownField(key.text, key.line) for key in unknown),
            *(field for rule in destinations for field in rule.unknown),
            *odd_stores,
        ),
    )


def named_recipients(data: bytes, *, path: str) -> dict[str, str]:
    """Texts that have an anchor somewhere in a `.sops.yaml`, with its name: whom a rule may name.

    Raises:
        ConfigError: it is not YAML.
    """
    with quoting(data):
        root = compose(data, path=path)
    found: dict[str, str] = {}
    for node in walk(root) if root is not None else ():
        if isinstance(node, ScalarNode) and node.anchor and node.text.strip() and "," not in node.text:
            found.setdefault(node.text.strip(), node.anchor)
    return found


def match_rules(config: SopsConfig, relative_path: str) -> tuple[RuleMatch, ...]:
    """The rules in order, up to and including the first that matches, each with the reason.

    Args:
        config: the configuration.
        relative_path: relative to the configuration's folder, with `/` on every system.
    """
    tried = []
    for rule in config.rules:
        matched = rule.matches(relative_path)
        tried.append(RuleMatch(rule, matched, _reason(rule, relative_path, matched=matched)))
        if matched:
            break
    return tuple(tried)


def rule_for(config: SopsConfig, relative_path: str) -> CreationRule | None:
    """The rule that applies to a path relative to the configuration's folder, or None."""
    if config.first_match is None:
        return next((rule for rule in config.rules if rule.matches(relative_path)), None)
    number = config.first_match.search(relative_path)
    return None if number is None else config.rules[number]


def _first_match(rules: Sequence[CreationRule]) -> FirstMatch | None:
    if len(rules) < _MANY:
        return None
    from .firstmatch import FirstMatch  # few repositories have so many

    return FirstMatch([rule.pattern for rule in rules])


def _reason(rule: CreationRule, relative_path: str, *, matched: bool) -> str:
    if rule.path_regex is None:
        return "there is no path_regex, so it matches every path"
    verb = "matches" if matched else "does not match"
    return f"path_regex {_shown(rule.path_regex)} {verb} {_shown(relative_path)}"


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


_MANY = 8
"""Rules from which it pays to join their patterns."""

_CONFIG_FIELDS = frozenset({"creation_rules", "destination_rules", "stores", "keys"})
_RULE_FIELDS = frozenset(
    {
        *(kind.rule_field for kind in KINDS.values()),
        *(kind.value for kind in SelectorKind),
        "path_regex",
        "aws_profile",
        "key_groups",
        "shamir_threshold",
        "mac_only_encrypted",
    }
)
_GROUP_FIELDS = frozenset({"merge", *(kind.group_field for kind in KINDS.values())})
_OPTIONAL = frozenset({"role", "aws_profile", "version"})
"""Fields of a key in a key group that it may lack."""

_STORES = {"dotenv": False, "ini": False, "json": True, "json_binary": True, "yaml": True}
"""The stores, and whether they can be indented."""


def _destinations(
    read: FieldReader, config: Fields, anchors: Mapping[str, str]
) -> tuple[DestinationRule, ...]:
    nodes = read.items(config, "destination_rules")
    if not nodes:
        return ()
    from .destinations import read_destination  # few repositories publish

    return tuple(read_destination(read, node, index, anchors) for index, node in enumerate(nodes))


def _stores(read: FieldReader, config: Fields) -> tuple[StoresConfig, list[UnknownField]]:
    fields = read.fields(config["stores"][1], "stores") if "stores" in config else {}
    unknown = unknown_fields(fields, frozenset(_STORES), "stores.")
    indents: dict[str, int | None] = {}
    for name, can_indent in _STORES.items():
        if name in fields:
            store = read.fields(fields[name][1], f"stores.{name}")
            unknown += unknown_fields(store, frozenset({"indent"} if can_indent else ()), f"stores.{name}.")
            indents[name] = _indent(read, store, name) if can_indent else None
    return StoresConfig(indents.get("yaml"), indents.get("json"), indents.get("json_binary")), unknown


def _indent(read: FieldReader, store: Fields, name: str) -> int | None:
    # "Not set" is 0 in YAML, and -1 in JSON (a tab then): stores/yaml/store.go, stores/json/store.go.
    indent = read.number(store, "indent")
    if indent is None or indent == (0 if name == "yaml" else -1):
        return None
    if indent < 0:
        read.fail(store["indent"][1], f"stores.{name}.indent is negative")
    return indent


def read_rule(
    read: FieldReader, node: Node, index: int, anchors: Mapping[str, str], name: str | None = None
) -> CreationRule:
    """Read one creation rule.

    Args:
        read: reads fields of this configuration.
        node: the rule.
        index: its position, from 0.
        anchors: names of anchors by text, without blanks.
        name: the rule's name for messages; by default, its number.

    Raises:
        ConfigError: see `parse_config`.
    """
    return _RuleReader(read, anchors).rule(node, index, name)


class _RuleReader:
    """Reads one creation rule, and collects names and fields without effect on the way."""

    def __init__(self, read: FieldReader, anchors: Mapping[str, str]) -> None:
        self.read = read
        self.anchors = anchors
        self.names: dict[str, str] = {}
        self.unknown: list[UnknownField] = []

    def rule(self, node: Node, index: int, name: str | None = None) -> CreationRule:
        name = name or f"creation rule {index + 1}"
        if is_null(node):
            self.read.fail(
                node,
                f"{name} is empty",
                hint="to sops an empty rule matches every path and has no recipients: remove it",
            )
        fields = self.read.fields(node, name)
        self.unknown += unknown_fields(fields, _RULE_FIELDS)
        path = self.read.regex(fields, "path_regex")
        key_groups = self.key_groups(fields)
        lists = [kind.rule_field for kind in KINDS.values()]
        ignored = [fields[name][0] for name in lists if key_groups and is_set(fields, name)]
        groups = key_groups or (self.flat_group(fields),)
        if groups == ((),):
            groups = ()
        return CreationRule(
            index=index,
            line=node.line,
            path_regex=None if path is None else path.pattern,
            key_groups=groups,
            shamir_threshold=self.threshold(fields, len(groups)),
            selector=self.selector(fields),
            mac_only_encrypted=self.read.flag(fields, "mac_only_encrypted"),
            names=self.all_names(groups),
            unknown=tuple(self.unknown),
            ignored=tuple(UnknownField(key.text, key.line) for key in ignored),
            _path=path,
        )

    def threshold(self, fields: Fields, groups: int) -> int:
        threshold = self.read.number(fields, "shamir_threshold") or 0
        # With one group the threshold has no meaning, and sops does not look at it.
        if threshold < 0 or (threshold and groups > 1 and not 2 <= threshold <= groups):
            self.read.fail(
                fields["shamir_threshold"][1],
                f"shamir_threshold {threshold} does not fit {groups} key groups",
                hint="it is at least 2 and at most the number of key groups; without it, all are needed",
            )
        return threshold

    def selector(self, fields: Fields) -> SelectorSpec | None:
        given = {kind.value: self.read.text(fields, kind.value) for kind in SelectorKind}
        places = [fields[name][1] for name, pattern in given.items() if pattern]
        try:
            spec = select_one(given)
            if spec is not None:
                compile_selector(spec)
        except SelectorError as error:
            raise SelectorError(
                error.message,
                hint=error.hint,
                path=self.read.path,
                line=places[-1].line,
                column=places[-1].column,
            ) from None
        return spec

    def all_names(self, groups: tuple[tuple[Recipient, ...], ...]) -> dict[str, str]:
        """Anchors that were used, those that stand elsewhere at the same text, and those that no rule uses.

        A file may still be encrypted for somebody who left the rules, and not the list of anchors.
        """
        ids = [recipient.id for group in groups for recipient in group]
        elsewhere = {id_: self.anchors[_squeezed(id_)] for id_ in ids if _squeezed(id_) in self.anchors}
        single = {text: name for text, name in self.anchors.items() if "," not in text}
        return {**single, **elsewhere, **self.names}

    # Flat lists: a text with commas or a list, whose items sops joins with commas again.

    def flat_group(self, fields: Fields) -> tuple[Recipient, ...]:
        aws_profile = self.read.text(fields, "aws_profile")
        found: list[Recipient] = []
        for kind in KINDS.values():
            name, parse = kind.rule_field, kind.parse
            if parse is kms_from_arn:
                parse = partial(kms_from_arn, aws_profile=aws_profile)
            if is_set(fields, name):
                for node in self.flat_items(name, fields[name][1]):
                    found += self.parsed(name, node, split_list(self.read.strict_text(name, node)), parse)
        return deduplicate(found)

    def flat_items(self, name: str, node: Node) -> tuple[Node, ...]:
        if isinstance(node, ListNode):
            return node.items
        if name == "hckms" or isinstance(node, MapNode):
            # config/config.go: hckms is the one list that sops does not take as a text.
            self.read.fail(node, f"{name} is {kind_of(node)}, expected a list")
        return (node,)

    def parsed(
        self, name: str, node: Node, texts: list[str], parse: Callable[[str], Recipient]
    ) -> list[Recipient]:
        try:
            found = [parse(text) for text in texts]
        except RecipientError as error:
            self.read.fail(node, f"{name}: {error.message}", hint=error.hint)
        if node.anchor and len(found) == 1:
            self.names.setdefault(found[0].id, node.anchor)
        return found

    # Key groups: lists only, and maps for the kinds that have several fields.

    def key_groups(self, fields: Fields) -> tuple[tuple[Recipient, ...], ...]:
        nodes = self.read.items(fields, "key_groups")
        groups: list[tuple[Recipient, ...]] = []
        for number, node in enumerate(nodes):
            group = deduplicate(self.group(node, f"key_groups[{number}]"))
            if not group and len(nodes) > 1:
                hint = "its share of the data key would be lost: add a recipient, or remove the group"
                self.read.fail(node, f"key group {number + 1} has no recipients", hint=hint)
            groups.append(group)
        return tuple(groups)

    def group(self, node: Node, name: str) -> list[Recipient]:
        fields = self.read.fields(node, name)
        self.unknown += unknown_fields(fields, _GROUP_FIELDS, f"{name}.")
        found: list[Recipient] = []
        for position, part in enumerate(self.members(fields, "merge")):
            found += self.group(part, f"{name}.merge[{position}]")
        for kind in KINDS.values():
            found += self.texts(fields, kind) if kind.make is None else self.maps(fields, kind, kind.make)
        return found

    def members(self, fields: Fields, name: str) -> tuple[Node, ...]:
        return self.read.items(fields, name, hint="inside key_groups sops takes lists only")

    def texts(self, fields: Fields, kind: KeyKind) -> list[Recipient]:
        found: list[Recipient] = []
        for item in self.members(fields, kind.group_field):
            text = self.read.strict_text(kind.group_field, item)
            # Of these lists, age's is the one whose items sops splits.
            texts = split_list(text) if kind.parse is age else [text.strip()] if text.strip() else []
            found += self.parsed(kind.group_field, item, texts, kind.parse)
        return found

    def maps(self, fields: Fields, kind: KeyKind, make: Callable[..., Recipient]) -> list[Recipient]:
        found: list[Recipient] = []
        name, known = kind.group_field, tuple(kind.group_fields)
        for item in self.members(fields, name):
            if not isinstance(item, MapNode):
                self.read.fail(item, f"{name} holds {kind_of(item)}, expected a map with {', '.join(known)}")
            entry = self.read.fields(item, name)
            self.unknown += unknown_fields(entry, frozenset(known), f"{name}.")
            try:
                recipient = make(
                    **{kind.group_fields[field]: self.part(entry, field, item) for field in known}
                )
            except RecipientError as error:
                self.read.fail(item, f"{name}: {error.message}", hint=error.hint)
            # The first field names the key; it is required.
            if anchor := item.anchor or entry[known[0]][1].anchor:
                self.names.setdefault(recipient.id, anchor)
            found.append(recipient)
        return found

    def part(self, entry: Fields, name: str, node: Node) -> str | Mapping[str, str]:
        """A field of a key group's item."""
        if name == "context":
            context = self.read.fields(entry[name][1], name) if name in entry else {}
            return {key: self.read.strict_text(name, value) for key, (_, value) in context.items()}
        return self.read.text(entry, name) if name in _OPTIONAL else self.read.required(entry, name, node)


def unknown_fields(fields: Fields, known: frozenset[str], prefix: str = "") -> list[UnknownField]:
    """The fields that are not among the known ones, with a prefix for their names."""
    return [UnknownField(prefix + key.text, key.line) for key in keys_outside(fields, known)]


def _holds_anchors(node: Node) -> bool:
    return any(inner.anchor for inner in walk(node))


def _anchored_texts(root: Node) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in walk(root):
        if isinstance(node, ScalarNode) and node.anchor and node.text.strip():
            names.setdefault(_squeezed(node.text), node.anchor)
    return names


def _squeezed(text: str) -> str:
    return "".join(text.split())


def lets_in(
    nested: CreationRule, outer: SopsConfig, replaced: Iterable[CreationRule]
) -> tuple[Recipient, ...]:
    """The recipients of a nested rule that the configuration further up would not take.

    Args:
        nested: the rule that applies.
        outer: the configuration further up.
        replaced: its rules that would apply to the same files; where there are none, all of them count.
    """
    rules = tuple(replaced) or outer.rules
    known = {recipient_key(recipient) for rule in rules for recipient in rule.recipients}
    return tuple(recipient for recipient in nested.recipients if recipient_key(recipient) not in known)
