"""Audit a repository: gather the facts once, run the rules, set aside what is allowed or known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from fluxsecrets.audit.engine import run_rules
from fluxsecrets.audit.facts import ConfigFile, Facts, PublicKey, Secret
from fluxsecrets.audit.rule import AuditRule
from fluxsecrets.audit.rules import RULES
from fluxsecrets.errors import DataKeyError, FluxsecretsError, UsageError
from fluxsecrets.findings import Finding, Location
from fluxsecrets.findings.allow import AllowedFinding, InlineAllowance, Remark, apply_allowances, find_inline
from fluxsecrets.ops.content import open_file, parse
from fluxsecrets.ops.names import KEYS_FOLDER, read_public_keys
from fluxsecrets.ops.session import CONFIG_NAME, Session
from fluxsecrets.repo.discover import SecretFile, discover
from fluxsecrets.repo.environments import Environment, list_environments, load_environment
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.config import CreationRule, parse_config, rule_for
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.document import Mapping as Map
from fluxsecrets.sops.formats.registry import make_format


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What to look at.

    Attributes:
        environment: only findings in the files of this environment, and of the repository as a whole.
        rules: ids; only these rules run. None means all.
        with_keys: decrypt what the identities at hand open, and judge the values too.
        today: the day on which ages are judged; None means today in UTC.
    """

    environment: str | None = None
    rules: Sequence[str] | None = None
    with_keys: bool = True
    today: date | None = None


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit found.

    Attributes:
        findings: those that count, by place.
        allowed: those that `.fluxsecrets.yaml` or a comment allows.
        remarks: on allowances that are expired or of no use.
        notes: what was not followed or not understood, as `file:line: text`.
        looked_at: how many files that are secrets were judged.
        opened: how many of them were decrypted.
    """

    findings: tuple[Finding, ...]
    allowed: tuple[AllowedFinding, ...] = ()
    remarks: tuple[Remark, ...] = ()
    notes: tuple[str, ...] = ()
    looked_at: int = 0
    opened: int = 0
    rules: tuple[AuditRule, ...] = field(default=(), repr=False)


def audit(session: Session, options: AuditOptions) -> AuditResult:
    """Audit the repository that the working directory is in.

    Raises:
        ConfigError: `.fluxsecrets.yaml` is invalid, or there is no such environment.
        UsageError: there is no rule of that id.
        GitError: git failed.
    """
    rules = choose_rules(options.rules)
    tree = open_tree(session.cwd, limits=session.limits)
    facts = gather(session, tree, with_keys=options.with_keys, today=options.today)
    findings = run_rules(facts, rules)
    notes: tuple[str, ...] = ()
    if options.environment is not None:
        chosen = _environment(facts, options.environment)
        findings = tuple(item for item in findings if _concerns(chosen, item))
        notes = tuple(f"{Location(note.path, note.line)}: {note.message}" for note in chosen.notes)
    ids = [rule.info.id for rule in rules]
    inline = [
        item for path in {finding.location.path for finding in findings} for item in _inline(tree, path)
    ]
    result = apply_allowances(
        findings,
        inline=inline,
        listed=facts.settings.allow,
        today=facts.today,
        rules=ids,
        complete=options.environment is None,
    )
    return AuditResult(
        result.kept,
        result.allowed,
        result.remarks,
        notes,
        len(facts.secrets),
        sum(secret.opened is not None for secret in facts.secrets),
        rules,
    )


def choose_rules(ids: Sequence[str] | None) -> tuple[AuditRule, ...]:
    """The rules of some ids, or all.

    Raises:
        UsageError: there is none of that id.
    """
    if ids is None:
        return RULES
    known = {rule.info.id: rule for rule in RULES}
    for name in ids:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see `fluxsecrets rules list`"
            raise UsageError(f"the audit has no rule {name!a}", hint=hint)
    return tuple(rule for rule in RULES if rule.info.id in ids)


def gather(session: Session, tree: Tree, *, with_keys: bool, today: date | None = None) -> Facts:
    """Read everything that the rules look at, once.

    Args:
        session: the run; its providers open files where `with_keys` says so.
        tree: the repository.
        with_keys: whether to decrypt.
        today: the day of the audit; None means today in UTC.
    """
    settings = load_settings(tree)
    environments = tuple(load_environment(tree, root, settings) for root in list_environments(tree, settings))
    reached = _reached(environments)
    configs = {item.folder: item for item in _configs(tree)}
    secrets = tuple(
        _secret(session, tree, item, reached.get(item.path, ()), configs, with_keys=with_keys)
        for item in discover(tree, extra=settings.secrets)
    )
    keys = _public_keys(tree)
    names = {**_anchors(configs.values()), **read_public_keys(tree.root)}
    return Facts(
        tree=tree,
        settings=settings,
        today=today or datetime.now(UTC).date(),
        environments=environments,
        configs=tuple(configs[folder] for folder in sorted(configs)),
        secrets=secrets,
        public_keys=keys,
        names=names,
        with_keys=with_keys and any(secret.opened is not None for secret in secrets),
    )


def _reached(environments: Sequence[Environment]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for environment in environments:
        for path in sorted(environment.files | environment.generator_files.keys()):
            found.setdefault(path, []).append(environment.name)
    return {path: tuple(sorted(names)) for path, names in found.items()}


def _configs(tree: Tree) -> list[ConfigFile]:
    found = []
    for path in tree.paths:
        if path.rpartition("/")[2] != CONFIG_NAME:
            continue
        try:
            found.append(ConfigFile(path, parse_config(tree.read(path), path=path)))
        except FluxsecretsError as error:
            found.append(ConfigFile(path, None, error.in_file(path)))
    return found


def _anchors(configs: Iterable[ConfigFile]) -> dict[str, str]:
    names: dict[str, str] = {}
    for item in configs:
        for rule in item.config.rules if item.config is not None else ():
            names.update(rule.names)
    return names


def _public_keys(tree: Tree) -> tuple[PublicKey, ...]:
    found = []
    for path in tree.below(KEYS_FOLDER):
        if path.endswith(".pub") and path.count("/") == 1:
            try:
                text = tree.read(path).decode("utf-8", "replace")
            except FluxsecretsError:
                continue
            lines = (line.strip() for line in text.splitlines())
            recipients = tuple(line for line in lines if line and not line.startswith("#"))
            found.append(PublicKey(path, Path(path).name.removesuffix(".pub"), recipients))
    return tuple(found)


def _secret(
    session: Session,
    tree: Tree,
    item: SecretFile,
    environments: tuple[str, ...],
    configs: Mapping[str, ConfigFile],
    *,
    with_keys: bool,
) -> Secret:
    config = _nearest(configs, item.path)
    rule = _rule(config, item.path)
    document: Document | None = None
    opened: tuple[Map, ...] | None = None
    error = item.error
    size: int | None = None
    try:
        data = tree.read(item.path)
        size = len(data)
        format_ = make_format(item.format)
        document = parse(format_, data, session.limits)
        if document.metadata is not None and with_keys:
            opened = open_file(format_, data, session.providers, session.limits).parts
    except DataKeyError:
        pass  # for others only
    except FluxsecretsError as problem:
        error = error or problem.in_file(item.path)
    return Secret(item, environments, config, rule, document, opened, error, size)


def _nearest(configs: Mapping[str, ConfigFile], path: str) -> ConfigFile | None:
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        if folder in configs:
            return configs[folder]
    return None


def _rule(config: ConfigFile | None, path: str) -> CreationRule | None:
    if config is None or config.config is None:
        return None
    return rule_for(config.config, config.relative(path))


def _environment(facts: Facts, name: str) -> Environment:
    known = {item.name: item for item in facts.environments}
    if name not in known:
        from fluxsecrets.repo.environments import find_environment

        return find_environment(facts.tree, name, facts.settings)  # says which there are
    return known[name]


def _concerns(environment: Environment, finding: Finding) -> bool:
    path = finding.location.path
    return path in environment.files or path in environment.generator_files


def _inline(tree: Tree, path: str) -> Sequence[InlineAllowance]:
    try:
        return find_inline(tree.read(path), path) if path in tree.files else ()
    except FluxsecretsError:
        return ()
