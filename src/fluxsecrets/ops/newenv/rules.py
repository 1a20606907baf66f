"""Creation rules for a new environment, put into the text of `.sops.yaml`; every other line stays.

A rule that is for the old environment gets a twin behind it, in which the path and the cluster's key are
others. Where the rule that applies is for more than that, a rule for the new files alone goes above it. A
rule for files that the new cluster applies as well gets its key beside that of the old one. All of this is
done in lines of text; then the result is read again, and must mean exactly what was meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fluxsecrets.errors import ConfigError, FluxsecretsError
from fluxsecrets.sops.config import CreationRule, SopsConfig, parse_config, rule_for
from fluxsecrets.sops.config_fields import FieldReader
from fluxsecrets.sops.placed_yaml import compose
from fluxsecrets.sops.recipients import KINDS, Recipient

_BY_HAND = "write the rule by hand, then run it again"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The keys of the two clusters.

    Attributes:
        old: recipients that are the old cluster's own, as texts; empty where that is not known.
        new: the new cluster's recipient.
        name: what the new one is called.
    """

    old: tuple[str, ...]
    new: str
    name: str


@dataclass(frozen=True, slots=True)
class RuleRequest:
    """What the rules have to cover. All paths are relative to the configuration's folder.

    Attributes:
        files: old path -> new path of all that is copied.
        secrets: the new paths of those that hold secrets.
        shared: secrets of files that stay where they are, and that the new cluster applies as well.
        others: all other secrets of the repository, whose rules must not change.
        old, new: the word in paths.
    """

    files: Mapping[str, str]
    secrets: tuple[str, ...]
    shared: tuple[str, ...]
    others: tuple[str, ...]
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class NewRules:
    """A `.sops.yaml` with the new environment in it.

    Attributes:
        data: its text.
        config: the same, parsed.
        changes: what is new: the line in the new text, and a sentence.
        uncovered: secrets that no rule matches, as was so for the old environment.
    """

    data: bytes
    config: SopsConfig
    changes: tuple[tuple[int, str], ...]
    uncovered: tuple[str, ...]


def add_rules(data: bytes, path: str, request: RuleRequest, cluster: Cluster) -> NewRules:
    """Add the rules of a new environment.

    Args:
        data: the `.sops.yaml`.
        path: its name for messages.
        request: what to cover.
        cluster: the keys.

    Raises:
        ConfigError: the rules are not written in a way that could be added to; nothing was changed.
    """
    config = parse_config(data, path=path)
    text = data.decode("utf-8-sig")
    editor = _Editor(text, config, path, request, cluster)
    editor.edit()
    new = editor.text().encode("utf-8")
    try:
        parsed = parse_config(new, path=path)
    except FluxsecretsError as error:
        raise _cannot(path, error.line, f"it would not be valid any more: {error.message}") from None
    uncovered = _verify(config, parsed, path, request, cluster)
    changes = sorted((editor.line_of(key), what) for key, what in editor.changes)
    return NewRules(new if not data.startswith(b"\xef\xbb\xbf") else b"\xef\xbb\xbf" + new, parsed,
                    tuple(changes), uncovered)  # fmt: skip


def _cannot(path: str, line: int | None, reason: str) -> ConfigError:
    return ConfigError(f"a rule for the new environment could not be added: {reason}", path=path,
                       line=line, hint=_BY_HAND)  # fmt: skip


def _verify(
    before: SopsConfig, after: SopsConfig, path: str, request: RuleRequest, cluster: Cluster
) -> tuple[str, ...]:
    """Compare what applies to every secret with what is meant; the paths that no rule is for."""
    shared = set(request.shared)
    for place in (*request.others, *request.shared):
        was, now = rule_for(before, place), rule_for(after, place)
        if was is None and now is None:
            continue
        expected = _meant(was, cluster, adds=place in shared)
        if was is None or now is None or _meaning(now) not in expected:
            raise _cannot(path, None, f"another rule would apply to {place}")
    uncovered = []
    old_of = {new: old for old, new in request.files.items()}
    for place in request.secrets:
        was, now = rule_for(before, old_of[place]), rule_for(after, place)
        if was is None:
            uncovered.append(place)
            continue
        if now is None or _meaning(now) != _meaning(was, cluster):
            raise _cannot(path, was.line, f"no such rule as for {old_of[place]} would apply to {place}")
    return tuple(uncovered)


def _meant(rule: CreationRule | None, cluster: Cluster, *, adds: bool) -> list[object]:
    if rule is None:
        return []
    if not adds or not cluster.old or not {each.id for each in rule.recipients} & set(cluster.old):
        return [_meaning(rule)]
    return [_meaning(rule, cluster, adds=True)]


def _meaning(rule: CreationRule, cluster: Cluster | None = None, *, adds: bool = False) -> object:
    """What a rule does, with the new cluster's key in the place of the old one's, or beside it."""
    groups = [frozenset((each.kind, each.id) for each in group) for group in rule.key_groups]
    if cluster is not None:
        new = ("age", cluster.new)
        changed = []
        for group in groups:
            old = {each for each in group if each[1] in cluster.old}
            kept = group if adds else group - old
            changed.append(frozenset((*kept, new)) if old else group)
        if not adds and not any(new in group for group in changed):
            changed[:1] = [frozenset((*group, new)) for group in changed[:1]]
        groups = changed
    return (tuple(groups), rule.shamir_threshold, rule.selector, rule.mac_only_encrypted)


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines of one rule: from its dash to its last line with content; 0-based, the end exclusive."""

    start: int
    end: int
    indent: int


class _Editor:
    """Collects lines to put in; the old ones stay as they are."""

    def __init__(
        self, text: str, config: SopsConfig, path: str, request: RuleRequest, cluster: Cluster
    ) -> None:
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.config = config
        self.path = path
        self.request = request
        self.cluster = cluster
        self.inserted: dict[int, list[tuple[str, ...]]] = {}
        self.replaced: dict[int, str] = {}
        self.changes: list[tuple[tuple[int, int], str]] = []
        self.old_anchors = _anchors(self.lines, cluster.old)
        self.anchor: str | None = None

    def edit(self) -> None:
        blocks = self.blocks()
        needed: dict[int, list[str]] = {}
        old_of = {new: old for old, new in self.request.files.items()}
        for place in self.request.secrets:
            rule = rule_for(self.config, old_of[place])
            if rule is not None:
                needed.setdefault(rule.index, []).append(place)
        for old in self.request.files:  # rules without a secret today, for the sake of tomorrow's
            rule = rule_for(self.config, old)
            if rule is not None and self.is_own(rule):
                needed.setdefault(rule.index, [])
        shared = [rule_for(self.config, place) for place in self.request.shared]
        extended = {rule.index for rule in shared if rule is not None and self.names_old(rule)}
        if not needed and not extended:
            return
        self.define_anchor()
        for index in sorted(needed):
            self.add_rule(self.config.rules[index], blocks[index], needed[index])
        for index in sorted(extended):
            self.extend(self.config.rules[index], blocks[index])

    def is_own(self, rule: CreationRule) -> bool:
        """Whether a rule's path names the old environment, so that a twin of it is for the new one."""
        return rule.path_regex is not None and self.renamed(rule.path_regex) != rule.path_regex

    def renamed(self, text: str) -> str:
        old, new = self.request.old, self.request.new
        return re.sub(rf"(?<![A-Za-z0-9]){re.escape(old)}(?![A-Za-z0-9])", lambda _: new, text)

    def names_old(self, rule: CreationRule) -> bool:
        return any(each.id in self.cluster.old for each in rule.recipients)

    def text(self) -> str:
        lines: list[str] = []
        for number, line in enumerate(self.lines):
            lines += [new for block in self.inserted.get(number, ()) for new in block]
            lines.append(self.replaced.get(number, line))
        lines += [new for block in self.inserted.get(len(self.lines), ()) for new in block]
        return self.newline.join(lines)

    def line_of(self, key: tuple[int, int]) -> int:
        """The 1-based line in the new text of what was put before an old line."""
        before, number = key
        above = sum(len(block) for at, blocks in self.inserted.items() if at < before for block in blocks)
        blocks = self.inserted.get(before, [])
        if number < 0:  # the old line itself, changed
            return before + above + sum(len(block) for block in blocks) + 1
        skipped = sum(len(block) for block in blocks[:number])
        blank = sum(1 for line in blocks[number] if not line.strip())
        return before + above + skipped + blank + 1

    def insert(self, at: int, lines: Sequence[str], what: str) -> None:
        blocks = self.inserted.setdefault(at, [])
        blocks.append(tuple(lines))
        self.changes.append(((at, len(blocks) - 1), what))

    # Where rules are.

    def blocks(self) -> list[_Block]:
        """The lines of each rule, where each begins with a dash in a line of its own list."""
        reader = FieldReader(self.path)
        root = compose("\n".join(self.lines).encode(), path=self.path)
        if root is None:
            return []
        nodes = reader.items(reader.fields(root, "the configuration"), "creation_rules")
        starts: list[tuple[int, int]] = []
        for node in nodes:
            line = node.line - 1
            head = self.lines[line][: node.column - 1]
            while head.strip() == "" and line > 0 and not re.match(r"\s*-", self.lines[line]):
                line -= 1
                head = self.lines[line]
            match = re.match(r"(\s*)-(?:\s|$)", self.lines[line])
            if match is None:
                raise _cannot(self.path, node.line, "creation_rules is not a list with a line for each rule")
            starts.append((line, len(match[1])))
        if len(set(starts)) != len(starts):
            raise _cannot(self.path, nodes[0].line, "several rules stand in one line")
        return [
            _Block(line, self.end_of(line, indent, starts[number + 1 : number + 2]), indent)
            for number, (line, indent) in enumerate(starts)
        ]

    def end_of(self, start: int, indent: int, following: Sequence[tuple[int, int]]) -> int:
        limit = following[0][0] if following else len(self.lines)
        end = start + 1
        for number in range(start + 1, limit):
            line = self.lines[number]
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if len(line) - len(line.lstrip()) <= indent:
                break
            end = number + 1
        return end

    # What is put in.

    def define_anchor(self) -> None:
        """Give the new key a name where the old one has one, in the line behind it."""
        for number, name in self.old_anchors.items():
            item = re.match(rf"(\s*-\s+)&{re.escape(name)}(\s+)", self.lines[number])
            named = re.match(rf"(\s*)([\w.-]+)(:\s+)&{re.escape(name)}(\s+)", self.lines[number])
            if self.in_rule(number) or (item is None and named is None):
                continue
            self.anchor = self.unused_anchor(name)
            if item is not None:
                line = f"{item[1]}&{self.anchor}{item[2]}{self.cluster.new}"
            else:
                assert named is not None  # noqa: S101 - one of the two
                line = (
                    f"{named[1]}{self.new_name(named[2])}{named[3]}&{self.anchor}{named[4]}{self.cluster.new}"
                )
            self.insert(number + 1, [line], f"the key of {self.cluster.name}")
            return

    def in_rule(self, number: int) -> bool:
        return any(block.start <= number < block.end for block in self.blocks())

    def new_name(self, name: str) -> str:
        new = self.renamed(name)
        return new if new != name else self.cluster.name

    def unused_anchor(self, name: str) -> str:
        used = set(re.findall(r"&([^\s,\[\]{}]+)", "\n".join(self.lines)))
        wanted = re.sub(r"[^A-Za-z0-9_-]", "-", self.new_name(name))
        candidates = (wanted, f"cluster-{self.request.new}", *(f"{wanted}-{n}" for n in range(2, 1000)))
        return next(each for each in candidates if each not in used)

    def reference(self) -> str:
        """The new key as it stands in a list."""
        return f"*{self.anchor}" if self.anchor is not None else self.cluster.new

    def add_rule(self, rule: CreationRule, block: _Block, secrets: Sequence[str]) -> None:
        """A twin of a rule behind it, or a rule for the new files alone above it."""
        names = ", ".join(_names(rule, self.cluster))
        twin = self.twin(rule, block)
        if twin is not None:
            pattern = self.renamed(rule.path_regex or "")
            self.insert(
                block.end, twin, f"a rule for {pattern}, as the one for {rule.path_regex}; for {names}"
            )
        elif secrets:
            pattern = _pattern(secrets, self.request.new)
            lines = self.written(rule, block, pattern)
            self.insert(block.start, lines, f"a rule for {pattern}; for {names}")

    def twin(self, rule: CreationRule, block: _Block) -> list[str] | None:
        """The rule's own lines with another path and key, or None where that would not be such a rule."""
        if not self.is_own(rule):
            return None
        lines = self.lines[block.start : block.end]
        text = "\n".join(lines)
        pattern = rule.path_regex or ""
        if pattern not in text:  # written with escapes, or in several lines
            return None
        text = text.replace(pattern, self.renamed(pattern), 1)
        text = self.with_key(text)
        alone = "\n".join((*self.definitions(), "creation_rules:", *text.split("\n")))
        try:
            (made,) = parse_config(alone.encode(), path=self.path).rules
        except FluxsecretsError:
            return None
        if _meaning(made) != _meaning(rule, self.cluster):
            return None
        gap = [""] if block.start and not self.lines[block.start - 1].strip() and block.end > 1 else []
        return [*gap, *text.split("\n")]

    def with_key(self, text: str) -> str:
        """A rule's text with the new cluster's key in the place of the old one's."""
        for name in self.old_anchors.values():
            text = re.sub(rf"\*{re.escape(name)}(?![\w-])", lambda _: self.reference(), text)
            text = re.sub(rf"&{re.escape(name)}\s+", "", text)
        for recipient in self.cluster.old:
            text = text.replace(recipient, self.cluster.new)
        # What is defined in the old rule is only referred to in the new one.
        return re.sub(r"&([\w-]+)\s+[^\s,\[\]{}#]+", r"*\1", text)

    def definitions(self) -> list[str]:
        """All anchors of single texts, so that a rule can be read alone."""
        found: dict[str, str] = {}
        for line in self.lines:
            for match in re.finditer(r"&([\w-]+)\s+(\"[^\"]*\"|'[^']*'|[^\s,\[\]{}#]+)", line):
                found.setdefault(match[1], match[2])
        if self.anchor is not None:
            found[self.anchor] = self.cluster.new
        return ["keys:", *(f"  - &{name} {text}" for name, text in found.items())] if found else []

    def written(self, rule: CreationRule, block: _Block, pattern: str) -> list[str]:
        """A rule written anew, for the old one's people and the new cluster."""
        step, pad = "  ", " " * block.indent
        lines = [f"{pad}- path_regex: {json.dumps(pattern)}"]
        if rule.selector is not None:
            lines.append(f"{pad}{step}{rule.selector.kind.value}: {json.dumps(rule.selector.pattern)}")
        if rule.mac_only_encrypted:
            lines.append(f"{pad}{step}mac_only_encrypted: true")
        if rule.shamir_threshold:
            lines.append(f"{pad}{step}shamir_threshold: {rule.shamir_threshold}")
        lines.append(f"{pad}{step}key_groups:")
        added = False
        for group in rule.key_groups:
            kept = [each for each in group if each.id not in self.cluster.old]
            adds = len(kept) < len(group) or (not added and not self.names_old(rule))
            added = added or adds
            lines += [f"{pad}{step}{step}{text}" for text in self.group(kept, rule, adds=adds)]
        return lines

    def group(self, recipients: Iterable[Recipient], rule: CreationRule, *, adds: bool) -> Iterator[str]:
        by_kind: dict[str, list[str]] = {}
        known = set(re.findall(r"&([\w-]+)", "\n".join(self.lines)))
        for each in recipients:
            if not KINDS[each.kind].local:
                raise _cannot(
                    self.path, rule.line, f"the rule that applies names a key of the kind {each.kind}"
                )
            name = rule.names.get(each.id)
            by_kind.setdefault(each.kind, []).append(f"*{name}" if name in known else json.dumps(each.id))
        if adds:
            by_kind.setdefault("age", []).append(self.reference())
        head = "- "
        for kind, texts in by_kind.items():
            yield f"{head}{kind}:"
            yield from (f"    - {text}" for text in texts)
            head = "  "

    def extend(self, rule: CreationRule, block: _Block) -> None:
        """The new cluster's key beside the old one's."""
        names = [f"\\*{re.escape(name)}(?![\\w-])" for name in self.old_anchors.values()]
        pattern = re.compile("|".join((*names, *map(re.escape, self.cluster.old))))
        what = f"{self.cluster.name} is added: {self.request.new} applies secrets that this rule is for"
        for number in range(block.start, block.end):
            line = self.lines[number]
            code = re.split(r"\s#", line, maxsplit=1)[0]
            match = pattern.search(code)
            if match is None or code.lstrip().startswith("#"):
                continue
            own_line = re.fullmatch(rf"(\s*-\s+)(?:&[\w-]+\s+)?[\"']?{re.escape(match[0])}[\"']?\s*", code)
            if own_line is not None:
                self.insert(number + 1, [f"{own_line[1]}{self.reference()}"], what)
                continue
            in_list = "[" in code[: match.start()]
            new = f", {self.reference()}" if in_list else f",{self.cluster.new}"
            self.replaced[number] = f"{line[: match.end()]}{new}{line[match.end() :]}"
            self.changes.append(((number, -1), what))


def _names(rule: CreationRule, cluster: Cluster) -> Iterator[str]:
    for each in rule.recipients:
        if each.id not in cluster.old:
            yield rule.names.get(each.id) or (
                each.id if len(each.id) <= 44 else f"{each.id[:12]}…{each.id[-6:]}"
            )
    yield cluster.name


def _pattern(paths: Iterable[str], word: str) -> str:
    """A regular expression for files of the new environment: its folders, and single files beside those."""
    pieces: dict[str, None] = {}
    for path in paths:
        parts = path.split("/")
        if word in parts[:-1]:
            pieces["/".join(parts[: parts.index(word) + 1]) + "/"] = None
        else:
            pieces[path] = None
    texts = [re.sub(r"[.+*?^$()\[\]{}|\\]", r"\\\g<0>", piece) for piece in pieces]
    texts = [text if text.endswith("/") else f"{text}$" for text in texts]
    return f"^{texts[0]}" if len(texts) == 1 else f"^({'|'.join(texts)})"


def _anchors(lines: Sequence[str], recipients: Sequence[str]) -> dict[int, str]:
    """Line -> name of the anchors that stand at one of the recipients."""
    found: dict[int, str] = {}
    for number, line in enumerate(lines):
        for recipient in recipients:
            match = re.search(rf"&([\w-]+)\s+[\"']?{re.escape(recipient)}(?![\w])", line)
            if match is not None and not line.lstrip().startswith("#"):
                found[number] = match[1]
    return found
