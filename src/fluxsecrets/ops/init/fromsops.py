"""What of an existing use of sops differs here: rules, files, and scripts. Nothing is changed.

The audit and `explain` judge files. This module judges rules and scripts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import RULES_NAME
from fluxsecrets.ops.checks.audit import AuditOptions, audit
from fluxsecrets.ops.files.explain import explain
from fluxsecrets.ops.policy.policy import FLUX_SELECTOR, READ_BY_FLUX
from fluxsecrets.ops.run.people import ConfigFile, read_people
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import SecretFile, SecretKind, discover
from fluxsecrets.repo.rulenames import ORDINARY_NAMES
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.config import CreationRule
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec, compile_selector

from .sopsuses import sops_uses

AUDITED = (
    "creation-rule-invalid",
    "creation-rule-overridden",
    "creation-rule-shadowed",
    "recipient-drift",
    "secret-in-list",
    "secret-uncovered",
    "selector-hits-metadata",
    "selector-misses-data",
    "sops-foreign-value",
    "sops-moved-comment",
)
"""The audit rules that report a difference."""

_COMMENTS = (SelectorKind.ENCRYPTED_COMMENT_REGEX, SelectorKind.UNENCRYPTED_COMMENT_REGEX)
_USE = f"write `encrypted_regex: {FLUX_SELECTOR.pattern}`"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: a path as shown to the user, and a line if one is known."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is different here than with sops.

    Attributes:
        message: what, lower-case start, no full stop.
        hint: what to do.
        places: where; the same difference is reported once.
    """

    message: str
    hint: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs.

    Attributes:
        configs: how many `.sops.yaml` there are.
        encrypted: how many files that sops can read.
        rules: what concerns rules and files.
        uses: what concerns scripts, jobs and other tools.
    """

    configs: int
    encrypted: int
    rules: tuple[Difference, ...]
    uses: tuple[Difference, ...]


def differences(session: Session) -> Differences:
    """Return what of a repository's use of sops differs here.

    Raises:
        ConfigError: `.fluxsecrets.yaml` is invalid.
        GitError: git failed.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    secrets = discover(tree)
    configs = _configs(session, tree)
    manifest_rules = _manifest_rules(session, tree, secrets)
    selectors = [each for config in configs for each in _selectors(config)]
    reported = {place for _, _, place in selectors}
    judged = (
        *_of_files(session, tree, [each.path for each in secrets if not each.encrypted]),
        *_audited(session, tree),
    )
    found = [
        *selectors,
        *(each for config in configs for each in _of_config(config, manifest_rules)),
        *_generators(session, tree, {each.path for each in secrets if each.kind is SecretKind.GENERATOR}),
        *(each for each in judged if each[2] not in reported),
    ]
    uses = [
        (f"{use.what} is used", use.instead, Place(session.shown(tree.root / use.path), use.line))
        for use in sops_uses(tree)
    ]
    encrypted = sum(each.encrypted for each in secrets)
    return Differences(len(configs), encrypted, _grouped(found), _grouped(uses))


_Found = tuple[str, str, Place]


def _grouped(found: list[_Found]) -> tuple[Difference, ...]:
    """The same message once, with all of its places."""
    places: dict[tuple[str, str], dict[Place, None]] = {}
    for message, hint, place in found:
        places.setdefault((message, hint), {})[place] = None
    return tuple(Difference(message, hint, tuple(where)) for (message, hint), where in places.items())


def _configs(session: Session, tree: Tree) -> tuple[ConfigFile, ...]:
    try:
        return read_people(session, tree).configs
    except FluxsecretsError:  # the audit reports it
        return ()


def _manifest_rules(
    session: Session, tree: Tree, secrets: Sequence[SecretFile]
) -> frozenset[tuple[str, int]]:
    """The rules that apply to manifests of Secrets: configuration as shown, and line."""
    found = set()
    for each in secrets:
        if each.kind is not SecretKind.MANIFEST:
            continue
        with suppress(FluxsecretsError):
            applied = session.rules_for(tree.root / each.path)
            if applied is not None and applied.rule is not None:
                found.add((applied.config.path, applied.rule.line))
    return frozenset(found)


def _of_config(config: ConfigFile, for_manifests: frozenset[tuple[str, int]]) -> Iterator[_Found]:
    shown = config.config.path
    if config.path != RULES_NAME:
        yield (
            "this file decides for its folder, wherever the command is started; sops takes the one of the "
            "working directory",
            f"move its rules to the top {RULES_NAME}, or keep it; `fluxsecrets explain FILE` shows the rule "
            "that applies",
            Place(shown),
        )
    for rule in config.config.rules:
        own = _of_rule(rule, is_for_manifests=(shown, rule.line) in for_manifests)
        yield from ((message, hint, Place(shown, rule.line)) for message, hint in own)


def _of_rule(rule: CreationRule, *, is_for_manifests: bool) -> Iterator[tuple[str, str]]:
    if all(map(rule.matches, ORDINARY_NAMES)):
        yield (
            "this rule is for every file; it does not make a file a secret here",
            "nothing has to change; a `path_regex` per environment keeps their readers apart",
        )
    if rule.selector is None and is_for_manifests:
        yield (
            "this rule has no selector: sops encrypts all of a manifest, and fluxsecrets what is under "
            "data and stringData",
            f"{_USE} in it, so that both do the same",
        )


def _selectors(config: ConfigFile) -> Iterator[_Found]:
    """Selectors that are refused for manifests. Their other effects are not reported again."""
    for rule in config.config.rules:
        if rule.selector is not None:
            place = Place(config.config.path, rule.line)
            yield from ((message, hint, place) for message, hint in _of_selector(rule.selector))


def _of_selector(spec: SelectorSpec) -> Iterator[tuple[str, str]]:
    if spec.kind in _COMMENTS:
        yield (
            f"{spec.kind.value} is refused for manifests: Flux loses comments before it decrypts",
            _USE,
        )
        return
    try:
        selector = compile_selector(spec)
    except FluxsecretsError:
        return  # the audit reports it
    hit = [key for key in READ_BY_FLUX if selector.encrypts((key, "name"))]
    if hit:
        yield (
            f"{spec.kind.value} {spec.pattern!a} matches `{hit[0]}`, too: manifests for it are refused",
            f"{_USE}, with ^ and $",
        )


def _of_files(session: Session, tree: Tree, plain: list[str]) -> Iterator[_Found]:
    """What sops would encrypt, and is refused here."""
    for path in plain:
        shown = session.shown(tree.root / path)
        try:
            problem = explain(session, shown).problem
        except FluxsecretsError as error:
            problem = error
        if problem is not None:
            place = Place(problem.path or shown, problem.line)
            yield f"{problem.message}: it will be refused", problem.hint or "", place


def _generators(session: Session, tree: Tree, paths: set[str]) -> Iterator[_Found]:
    """Files of generators, whose rule has a selector for manifests: sops silently leaves them plain."""
    for path in sorted(paths):
        try:
            applied = session.rules_for(tree.root / path)
        except FluxsecretsError:
            continue
        if applied is None or applied.rule is None:
            continue
        rule = applied.rule
        if rule.selector is not None and rule.selector.kind is SelectorKind.ENCRYPTED_REGEX:
            yield (
                "a generator reads this file, and its rule has a selector for manifests: values that it "
                "misses stay plain",
                f"add a rule for it above {applied.config.path}:{rule.line}, without a selector",
                Place(session.shown(tree.root / path)),
            )


def _audited(session: Session, tree: Tree) -> Iterator[_Found]:
    options = AuditOptions(rules=AUDITED, never_fail=True, with_keys=False, use_baseline=False)
    for each in audit(session, options).findings:
        shown = session.shown(tree.root / each.location.path)
        yield each.message, each.hint, Place(shown, each.location.line)
