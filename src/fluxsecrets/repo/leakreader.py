"""Reads rules and allowlists in the terms of gitleaks and betterleaks, from TOML or from `.fluxsecrets.yaml`.

Nothing is passed over: what a configuration of another tool has and has no effect here is in the result's
`unsupported`. Where it could let more findings pass than its authors meant, it is an error.
"""

from __future__ import annotations

import re
from math import nextafter
from typing import NamedTuple

from fluxsecrets.sops.placed_yaml import (
    FieldReader,
    Fields,
    Node,
    ScalarNode,
    is_set,
    keys_outside,
    kind_of,
)
from fluxsecrets.sops.selectors import RegexError, compile_regex

from .leakrules import TARGETS, Allowlist, Disabled, LeakRule, LeakRules, Required, Unsupported
from .tomlnodes import toml_nodes

MOST_RULES = 2000
_LONGEST = 20_000
"""Characters of one regular expression; the largest one of betterleaks has some 2,000."""

SEVERITIES = ("low", "medium", "high", "critical")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_COMMIT = re.compile(r"[0-9a-f]{4,64}")

ALLOWLIST_KEYS = frozenset(
    {"description", "condition", "commits", "paths", "regexTarget", "regexes", "stopwords"}
)
RULE_KEYS = frozenset(
    {"id", "description", "regex", "secretGroup", "entropy", "keywords", "path", "tags", "allowlists"}
    | {"required", "skipReport"}
)
OWN_RULE_KEYS = RULE_KEYS | {"severity"}
REQUIRED_KEYS = frozenset({"id", "withinLines", "withinColumns"})
_TOP_KEYS = frozenset({"rules", "allowlists", "allowlist", "extend"})
_EXTEND_KEYS = frozenset({"path", "useDefault", "disabledRules", "url"})
_NO_EFFECT = frozenset({"title", "description", "minVersion", "betterleaksMinVersion"})
_IGNORED = {
    "prefilter": "prefilter is not evaluated, so the files that it skips are scanned",
    "filter": "filter is not evaluated, so findings that it discards are reported",
    "validate": "validate is not run: findings are never sent anywhere",
    "tokenEfficiency": "tokenEfficiency is not measured, so findings that it discards are reported",
    "specificity": "specificity has no effect: of two rules for the same text, the earlier one counts",
}
_ENTROPY = re.compile(
    r"""\s*(?:filter\.)?entropy\(\s*finding\[["']secret["']\]\s*\)\s*(?P<sign><=?)\s*"""
    r"""(?P<bits>\d+(?:\.\d+)?)\s*(?P<rest>\|\|.*|)"""
)
"""The filter of most of betterleaks' rules; alternatives may follow."""

_HINT = "the syntax is that of Go: https://github.com/google/re2/wiki/Syntax"


class Configuration(NamedTuple):
    """A configuration in TOML.

    Attributes:
        extends: path of the configuration that it extends, or None.
    """

    rules: LeakRules
    extends: str | None = None


def read_configuration(data: bytes, path: str) -> Configuration:
    """Return the content of a `.gitleaks.toml` or `.betterleaks.toml`.

    Raises:
        ConfigError: something in it is wrong; with its line.
        LimitError: too large, or too many rules.
    """
    names = (*_TOP_KEYS, *_EXTEND_KEYS, *RULE_KEYS, *ALLOWLIST_KEYS, *REQUIRED_KEYS, *_NO_EFFECT, *_IGNORED)
    root = toml_nodes(data, path, (*names, "allowlist", "targetRules"))
    return _Toml(path).configuration(root)


class LeakReader:
    """Reads lists of rules and of allowlists."""

    strict = True
    """Unknown keys are errors, and allowances have a reason."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.read = FieldReader(path)
        self.unsupported: list[Unsupported] = []

    def rules(self, fields: Fields, name: str = "rules") -> LeakRules:
        """Return the rules of a list, with their allowlists."""
        rules: dict[str, LeakRule] = {}
        allowlists: list[Allowlist] = []
        nodes = self.read.items(fields, name)
        if len(nodes) > MOST_RULES:
            self.read.fail(nodes[0], f"{name} has more than {MOST_RULES} entries", hint="leave some out")
        for node in nodes:
            entry = self.read.fields(node, f"an entry of {name}")
            rule, lists = self.rule(node, entry)
            if rule.id in rules:
                self.read.fail(node, f"there are two rules {rule.id}", hint="give each its own id")
            rules[rule.id] = rule
            allowlists += lists
        for rule in rules.values():
            for needed in rule.required:
                if needed.rule not in rules:
                    node = next(node for node in nodes if node.line == rule.line)
                    self.read.fail(node, f"{rule.id} requires the rule {needed.rule!a}, which does not exist")
        return LeakRules(tuple(rules.values()), tuple(allowlists))

    def rule(self, node: Node, fields: Fields) -> tuple[LeakRule, list[Allowlist]]:
        """Return a rule and its allowlists."""
        self.unknown(fields, "a rule", OWN_RULE_KEYS if self.strict else RULE_KEYS | {"allowlist"})
        name = self.read.required(fields, "id", node)
        known_by = self.rule_id(fields["id"][1], name)
        lists = [
            self.allowlist(each, (known_by,), owner=True)
            for each in (*self.read.items(fields, "allowlists"), *self.single(fields, "allowlist"))
        ]
        regex, path = self.regex(fields, "regex"), self.regex(fields, "path")
        if self.strict and not regex and not path:  # elsewhere it may refine a rule that is extended
            self.read.fail(node, f"the rule {known_by} has neither regex nor path", hint="add a regex")
        group = self.read.number(fields, "secretGroup") or 0
        if regex and not 0 <= group <= _groups(regex):
            self.read.fail(fields["secretGroup"][1], f"the regex of {known_by} has no group {group}")
        severity = self.read.text(fields, "severity") or "high"
        if severity not in SEVERITIES:
            hint = f"it is one of {', '.join(SEVERITIES)}"
            self.read.fail(fields["severity"][1], f"{severity[:60]!a} is not a severity", hint=hint)
        rule = LeakRule(
            id=known_by,
            name=name,
            origin=self.path,
            line=node.line,
            description=self.read.text(fields, "description").strip(),
            regex=regex,
            group=group,
            entropy=self.entropy(fields),
            keywords=tuple(text.lower() for text in self.texts(fields, "keywords") if text),
            path=path,
            tags=self.texts(fields, "tags"),
            severity=severity,
            required=tuple(self.required(each) for each in self.read.items(fields, "required")),
            silent=self.read.flag(fields, "skipReport"),
        )
        return rule, lists

    def rule_id(self, node: Node, name: str) -> str:
        """Return an id in the form that reports and allowances use."""
        if not _ID.fullmatch(name) or len(name) > 100:
            hint = "use lower-case letters, digits and dashes, such as acme-token"
            self.read.fail(node, f"{name[:60]!a} is not the id of a rule", hint=hint)
        return name

    def required(self, node: Node) -> Required:
        """Return a rule that must match near another."""
        fields = self.read.fields(node, "an entry of required")
        self.unknown(fields, "an entry of required", REQUIRED_KEYS)
        name = self.rule_id(node, self.read.required(fields, "id", node))
        return Required(name, self.distance(fields, "withinLines"), self.distance(fields, "withinColumns"))

    def distance(self, fields: Fields, name: str) -> int | None:
        """Return a number of lines or columns, or None."""
        number = self.read.number(fields, name)
        if number is not None and number < 0:
            self.read.fail(fields[name][1], f"{name} is {number}, expected 0 or more")
        return number

    def allowlist(self, node: Node, rules: tuple[str, ...] = (), *, owner: bool = False) -> Allowlist:
        """Return an allowlist, of all rules or of some."""
        fields = self.read.fields(node, "an allowlist")
        known = ALLOWLIST_KEYS if owner else ALLOWLIST_KEYS | {"targetRules"}
        for key in keys_outside(fields, known):  # it may be a condition, which would go missing
            self.read.fail(key, f"an allowlist has no key {key.text[:60]!a}", hint=_known(known))
        words = self.texts(fields, "stopwords")
        found = Allowlist(
            origin=self.path,
            line=node.line,
            description=self.read.text(fields, "description").strip(),
            regexes=self.regexes(fields, "regexes"),
            paths=self.regexes(fields, "paths"),
            target=self.choice(fields, "regexTarget", TARGETS) or "secret",
            stopwords=tuple(dict.fromkeys(word.lower() for word in words)),
            commits=tuple(dict.fromkeys(map(self.commit, self.read.items(fields, "commits")))),
            every=self.choice(fields, "condition", ("or", "and", "||", "&&")) in ("and", "&&"),
            rules=rules or tuple(self.rule_id(node, each) for each in self.texts(fields, "targetRules")),
        )
        if not (found.regexes or found.paths or found.stopwords or found.commits):
            hint = "give it regexes, paths, stopwords or commits"
            self.read.fail(node, "this allowlist has no condition", hint=hint)
        if not all(found.stopwords):
            self.read.fail(fields["stopwords"][1], "a stopword is empty, and would match everything")
        if self.strict and not found.description:
            hint = "add a description: it is shown as the reason"
            self.read.fail(node, "this allowlist gives no reason", hint=hint)
        return found

    def commit(self, node: Node) -> str:
        """Return the id of a commit in lower case."""
        text = self.read.strict_text("commits", node).strip().lower()
        if not _COMMIT.fullmatch(text):
            self.read.fail(node, f"{text[:60]!a} is not the id of a commit")
        return text

    def choice(self, fields: Fields, name: str, known: tuple[str, ...]) -> str:
        """Return one of some words in lower case, or ""."""
        text = self.read.text(fields, name).lower()
        if text and text not in known:
            self.read.fail(
                fields[name][1], f"{name} is {text[:60]!a}", hint=f"it is one of {', '.join(known)}"
            )
        return text

    def entropy(self, fields: Fields) -> float | None:
        """Return bits per character that must be exceeded, or None; 0 asks for nothing."""
        if not is_set(fields, "entropy"):
            return None
        node = fields["entropy"][1]
        try:
            number = float(node.text) if isinstance(node, ScalarNode) else -1.0
        except ValueError:
            number = -1.0
        if not 0 <= number <= 8:
            self.read.fail(node, f"entropy is {kind_of(node)}, expected a number from 0 to 8")
        return number or None

    def texts(self, fields: Fields, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(self.read.strict_text(name, node) for node in self.read.items(fields, name))

    def single(self, fields: Fields, name: str) -> tuple[Node, ...]:
        """Return the one table of the older form, as a list."""
        return (fields[name][1],) if is_set(fields, name) else ()

    def regex(self, fields: Fields, name: str) -> str:
        """Return a regular expression, or ""."""
        pattern = self.read.text(fields, name)
        return self.valid(fields[name][1], name, pattern) if pattern else ""

    def regexes(self, fields: Fields, name: str) -> tuple[str, ...]:
        """Return a list of regular expressions."""
        nodes = self.read.items(fields, name)
        return tuple(self.valid(node, name, self.read.strict_text(name, node)) for node in nodes)

    def valid(self, node: Node, name: str, pattern: str) -> str:
        """Return a regular expression that RE2 takes."""
        if not pattern:
            self.read.fail(node, f"{name} has an empty regular expression, which matches everything")
        if len(pattern) > _LONGEST:
            self.read.fail(node, f"{name} has more than {_LONGEST} characters", hint="split the rule")
        try:
            compile_regex(pattern)
        except RegexError as error:
            self.read.fail(node, f"{name} is not a valid regular expression: {error}", hint=_HINT)
        return pattern

    def unknown(self, fields: Fields, what: str, known: frozenset[str]) -> None:
        """Refuse keys that are unknown."""
        for key in keys_outside(fields, known):
            self.read.fail(key, f"{what} has no key {key.text[:60]!a}", hint=_known(known))


class _Toml(LeakReader):
    """Reads a whole configuration of another tool, as it is there."""

    strict = False

    def configuration(self, root: Node) -> Configuration:
        fields = self.read.fields(root, "the file")
        self.unknown(fields, "the configuration", _TOP_KEYS | _NO_EFFECT)
        extend = self.read.fields(fields["extend"][1], "extend") if is_set(fields, "extend") else {}
        self.unknown(extend, "extend", _EXTEND_KEYS)
        for name in ("url",):
            if is_set(extend, name):
                self.note(
                    extend[name][0], f"extend.{name} is not followed: nothing is fetched from elsewhere"
                )
        disabled = [
            Disabled(self.rule_id(node, self.read.strict_text("disabledRules", node)), self.path, node.line)
            for node in self.read.items(extend, "disabledRules")
        ]
        rules = self.rules(fields)
        allowlists = [
            self.allowlist(node)
            for node in (*self.read.items(fields, "allowlists"), *self.single(fields, "allowlist"))
        ]
        found = LeakRules(
            rules.rules, (*allowlists, *rules.allowlists), tuple(disabled), tuple(self.unsupported)
        )
        return Configuration(found, self.read.text(extend, "path") or None)

    def rule_id(self, node: Node, name: str) -> str:
        """Return an id in our form: other tools take any text for one."""
        known_by = re.sub(r"[^a-z0-9]+", "-", name.strip().lower()).strip("-")
        return super().rule_id(node, known_by)

    def unknown(self, fields: Fields, what: str, known: frozenset[str]) -> None:
        """Note keys that have no effect here."""
        for key in keys_outside(fields, known):
            reason = _IGNORED.get(key.text)
            self.note(key, reason or f"{what} has the key {key.text[:60]!a}, which has no effect here")

    def entropy(self, fields: Fields) -> float | None:
        """Return what `entropy` or the filter asks for; alternatives in the filter are only noted."""
        number = super().entropy(fields)
        found = _ENTROPY.fullmatch(self.read.text(fields, "filter").replace("\n", " "))
        if found is None:
            return number
        if not found["rest"]:
            self.unsupported = [each for each in self.unsupported if each.line != fields["filter"][0].line]
        bits = min(float(found["bits"]), 8.0)
        bits = bits if found["sign"] == "<=" else nextafter(bits, 0.0)
        return bits if number is None else max(number, bits)

    def note(self, key: ScalarNode, message: str) -> None:
        self.unsupported.append(Unsupported(self.path, key.line, message))


def _groups(pattern: str) -> int:
    import re2

    count: int = re2.compile(pattern.encode()).groups
    return count


def _known(known: frozenset[str]) -> str:
    return f"known are {', '.join(sorted(known))}"
