"""Which creation rules a new environment needs in a `.sops.yaml`.

A rule for the old environment gets a copy behind it, with the new path and the new cluster's key. Where the
rule that applies is for more than the old environment, a rule for the new files alone goes above it. A rule
for files that the new cluster applies too gets its key beside that of the old one. `sops.config_edit` changes
the text. Here the result is compared: each secret must have exactly the rule that it should have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.errors import ConfigError, FluxsecretsError
from fluxsecrets.marks import RULES_NAME
from fluxsecrets.sops import config_edit
from fluxsecrets.sops.config import CreationRule, SopsConfig, parse_config, rule_for
from fluxsecrets.sops.config_rules import Exchange, Groups, exchanged, joined
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .copies import Copy
from .draft import Draft
from .model import Cluster, RuleChange
from .naming import Naming

_BY_HAND = "write the rule by hand, then run the command again"


def plan_rules(
    draft: Draft,
    naming: Naming,
    cluster: Cluster,
    secrets: Iterable[str],
    holders: Iterable[Copy],
    shared: Sequence[str],
) -> tuple[tuple[RuleChange, ...], tuple[str, ...]]:
    """Add rules to each `.sops.yaml` that applies to the new environment's files.

    `shared` are files with secrets that stay in place and that the new cluster applies too.

    Returns:
        What is new, and those of the shared files that the new cluster can read by it.

    Raises:
        ConfigError: a file is written in a way that cannot be added to.
    """
    by_config: dict[Path | None, list[Copy]] = {}
    for copy in holders:
        by_config.setdefault(draft.config_of(copy.origin), []).append(copy)
    for path in shared:
        by_config.setdefault(draft.config_of(path), [])
    changes: list[RuleChange] = []
    granted: list[str] = []
    for config, own in by_config.items():
        if config is None:
            if own:
                draft.warnings.append(
                    f"no {RULES_NAME} applies to {draft.shown(own[0].path)}: it cannot be encrypted"
                )
        elif not config.is_relative_to(draft.tree.root):
            draft.warnings.append(f"{config} is outside the repository: add the rules by hand")
        elif (relative := config.relative_to(draft.tree.root).as_posix()) in naming.files:
            _rename_key(draft, naming.files[relative], cluster)
        else:
            done, more = _extend(draft, naming, cluster, secrets, config, own, shared)
            changes += done
            granted += more
    return tuple(changes), tuple(granted)


def _rename_key(draft: Draft, path: str, cluster: Cluster) -> None:
    """A `.sops.yaml` that is copied itself: its paths were renamed, and the key follows."""
    data = draft.new[path]
    for text in cluster.old:
        data = data.replace(text.encode(), cluster.new.encode())
    draft.new[path] = data
    draft.session.plan_config(draft.tree.root / path, parse_config(data, path=draft.shown(path)))


def _extend(
    draft: Draft,
    naming: Naming,
    cluster: Cluster,
    secrets: Iterable[str],
    config: Path,
    own: Iterable[Copy],
    shared: Sequence[str],
) -> tuple[tuple[RuleChange, ...], list[str]]:
    relative = config.relative_to(draft.tree.root).as_posix()
    folder = relative.rpartition("/")[0]

    def inside(path: str) -> str:
        return path[len(folder) + 1 :] if folder else path

    def applies(path: str) -> bool:
        return path.startswith(f"{folder}/" if folder else "") and draft.config_of(path) == config

    mine = [path for path in shared if applies(path)]
    request = RuleRequest(
        files={inside(old): inside(new) for old, new in naming.files.items() if applies(old)},
        secrets=tuple(inside(copy.path) for copy in own),
        shared=tuple(map(inside, mine)),
        others=tuple(inside(path) for path in secrets if path not in shared and applies(path)),
        old=naming.old,
        new=naming.new,
    )
    data = draft.tree.read(relative)
    new = add_rules(data, draft.shown(relative), request, cluster)
    for path in new.uncovered:
        draft.warnings.append(
            f"no creation rule applies to {path}, nor to its counterpart in {naming.source}"
        )
    if new.data != data:
        draft.write(relative, new.data, old=data)
    draft.session.plan_config(config, new.config)
    rules = {path: rule_for(new.config, inside(path)) for path in mine}
    granted = [
        path
        for path, rule in rules.items()
        if rule is not None and any(each.id == cluster.new for each in rule.recipients)
    ]
    return new.changes, granted


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

    def renamed(self, text: str) -> str:
        """A text with the new word in the place of the old one."""
        return re.sub(rf"(?<![A-Za-z0-9]){re.escape(self.old)}(?![A-Za-z0-9])", lambda _: self.new, text)


@dataclass(frozen=True, slots=True)
class NewRules:
    """A `.sops.yaml` with the new environment in it.

    Attributes:
        changes: what is new, by line.
        uncovered: secrets that no rule matches, as was so for the old environment.
    """

    data: bytes
    config: SopsConfig
    changes: tuple[RuleChange, ...]
    uncovered: tuple[str, ...]


def add_rules(data: bytes, path: str, request: RuleRequest, cluster: Cluster) -> NewRules:
    """Add the rules of a new environment.

    Raises:
        ConfigError: the rules are written in a way that cannot be added to; nothing was changed.
    """
    config = parse_config(data, path=path)
    likes = tuple(_likes(config, request))
    shared = (rule_for(config, place) for place in request.shared)
    extended = {rule.index for rule in shared if rule is not None and _names_old(rule, cluster)}
    exchange = _exchange(config, request, cluster)
    try:
        made = config_edit.add_rules(data, exchange, likes, extended, path=path)
    except FluxsecretsError as error:
        raise _cannot(path, error.line, error.message) from None
    uncovered = _verify(config, made.config, path, request, exchange)
    changes = [
        *([RuleChange(path, made.named_in, named=True)] if made.named_in is not None else []),
        *(_new_rule(path, rule, like, request, cluster) for rule, like in made.rules),
        *(RuleChange(path, line) for line in made.extended),
    ]
    return NewRules(made.data, made.config, tuple(sorted(changes, key=lambda each: each.line)), uncovered)


def _likes(config: SopsConfig, request: RuleRequest) -> Iterator[config_edit.RuleLike]:
    """The rules to add: copies of those that name the old environment, and others for secrets alone."""
    needed: dict[int, list[str]] = {}
    old_of = {new: old for old, new in request.files.items()}
    for place in request.secrets:
        rule = rule_for(config, old_of[place])
        if rule is not None:
            needed.setdefault(rule.index, []).append(place)
    for old in request.files:  # a rule that matches no secret today is copied too, for tomorrow's
        rule = rule_for(config, old)
        if rule is not None and _renamed(rule, request) != rule.path_regex:
            needed.setdefault(rule.index, [])
    for index in sorted(needed):
        pattern = _renamed(config.rules[index], request)
        yield config_edit.RuleLike(
            index,
            pattern if pattern != config.rules[index].path_regex else None,
            _pattern(needed[index], request.new) if needed[index] else None,
        )


def _renamed(rule: CreationRule, request: RuleRequest) -> str | None:
    return None if rule.path_regex is None else request.renamed(rule.path_regex)


def _names_old(rule: CreationRule, cluster: Cluster) -> bool:
    return any(each.id in cluster.old for each in rule.recipients)


def _exchange(config: SopsConfig, request: RuleRequest, cluster: Cluster) -> Exchange:
    known = {each.id: each for rule in config.rules for each in rule.recipients}

    def rename(name: str) -> str:
        new = request.renamed(name)
        return new if new != name else cluster.name

    old = tuple(known.get(text) or Recipient("age", text) for text in cluster.old)
    return Exchange(old, Recipient("age", cluster.new), rename)


def _new_rule(
    path: str, rule: CreationRule, like: CreationRule, request: RuleRequest, cluster: Cluster
) -> RuleChange:
    copied = rule.path_regex == _renamed(like, request)
    others = tuple(name_of(each, like.names) for each in like.recipients if each.id not in cluster.old)
    return RuleChange(
        path, rule.line, rule.path_regex, like.path_regex if copied else None, (*others, cluster.name)
    )


def _cannot(path: str, line: int | None, reason: str) -> ConfigError:
    return ConfigError(f"a rule for the new environment could not be added: {reason}", path=path,
                       line=line, hint=_BY_HAND)  # fmt: skip


def _verify(
    before: SopsConfig, after: SopsConfig, path: str, request: RuleRequest, exchange: Exchange
) -> tuple[str, ...]:
    """Compare the rule of every secret with the expected one; the paths without a rule."""
    shared = set(request.shared)
    for place in (*request.others, *request.shared):
        was, now = rule_for(before, place), rule_for(after, place)
        if was is None and now is None:
            continue
        expected = _meant(was, exchange, adds=place in shared)
        if was is None or now is None or _meaning(now, now.key_groups) != expected:
            raise _cannot(path, None, f"another rule would apply to {place}")
    uncovered = []
    old_of = {new: old for old, new in request.files.items()}
    for place in request.secrets:
        was, now = rule_for(before, old_of[place]), rule_for(after, place)
        if was is None:
            uncovered.append(place)
            continue
        groups = exchanged(was.key_groups, exchange.old, exchange.new)
        if now is None or _meaning(now, now.key_groups) != _meaning(was, groups):
            raise _cannot(path, was.line, f"no such rule as for {old_of[place]} would apply to {place}")
    return tuple(uncovered)


def _meant(rule: CreationRule | None, exchange: Exchange, *, adds: bool) -> object:
    if rule is None:
        return None
    return _meaning(rule, joined(rule.key_groups, exchange.old, exchange.new) if adds else rule.key_groups)


def _meaning(rule: CreationRule, groups: Groups) -> object:
    """What a rule does, for these recipients."""
    keys = tuple(frozenset(map(recipient_key, group)) for group in groups)
    return (keys, rule.shamir_threshold, rule.selector, rule.mac_only_encrypted)


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
