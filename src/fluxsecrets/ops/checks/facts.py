"""Gather what the audit judges: everything is read once, here; the rules only look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from fluxsecrets.audit.facts import ConfigFile, Facts, PublicKey, SealingCertificate, Secret
from fluxsecrets.errors import DataKeyError, FluxsecretsError
from fluxsecrets.findings import Finding
from fluxsecrets.marks.encryptedfile import flux_markers
from fluxsecrets.marks.filenames import (
    KEYS_FOLDER,
    PUBLIC_KEY_SUFFIX,
    is_public_key,
    is_rules_file,
    name_in,
)
from fluxsecrets.ops.files.content import open_parsed, parse
from fluxsecrets.ops.files.datakeys import former_readers
from fluxsecrets.ops.people.knownvalues import known_values
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import SecretFile, discover
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.environments import Environment, load_environments
from fluxsecrets.repo.git.worktree import changed_since_head
from fluxsecrets.repo.keyhistory import FormerReader, RemovedKey, last_changed, removed_keys
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sealed.certificates import parse_certificate
from fluxsecrets.sops.config import CreationRule, parse_config, rule_for
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.document import Mapping as Map
from fluxsecrets.sops.formats import make_format


def gather(
    session: Session,
    tree: Tree,
    *,
    with_keys: bool,
    compare_keys: bool | None = None,
    today: date | None = None,
    baseline: Path | None = None,
    use_baseline: bool = True,
) -> Facts:
    """Read everything that the rules look at, once.

    Args:
        session: the run; its providers open files where `with_keys` says so.
        tree: the repository.
        with_keys: whether to decrypt.
        compare_keys: whether to open data keys of old versions; None means the same as `with_keys`.
        today: the day of the audit; None means today in UTC.
        baseline: of findings that are known to the scan; None for the repository's own where it has one.
        use_baseline: False reads none.
    """
    settings = load_settings(tree)
    environments = load_environments(tree, settings)
    reached = _reached(environments)
    configs = {item.folder: item for item in _configs(tree)}
    secrets = tuple(
        _secret(session, tree, item, reached.get(item.path, ()), configs, with_keys=with_keys)
        for item in discover(tree, extra=settings.secrets, spread=partial(run_jobs, chunk=32))
        if item.path not in tree.files or not is_rules_file(item.path)
    )
    keys = _public_keys(tree)
    names = {**_anchors(configs.values()), **read_public_keys(tree.root)}
    removed = _removed(session, tree)
    former = _former(session, tree, secrets, with_keys=with_keys if compare_keys is None else compare_keys)
    to_scan = frozenset((*(secret.path for secret in secrets), *_sealed(environments)))
    scanned, excused = _scanned(tree, to_scan, baseline, use_baseline=use_baseline)
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
        scanned=scanned,
        scanned_files=to_scan,
        excused=excused,
        removed=removed,
        known=tuple(known_values(session, tree.repository, removed, secrets, former))
        if tree.repository is not None and removed
        else (),
        former=former,
        changed=_changed(session, tree, [key.path for key in keys], environments),
        sealing=tuple(_sealing(tree, settings)),
        before=_before(session, tree, secrets),
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
        if not is_rules_file(path):
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
        if is_public_key(path):
            try:
                text = tree.read(path).decode("utf-8", "replace")
            except FluxsecretsError:
                continue
            lines = (line.strip() for line in text.splitlines())
            recipients = tuple(line for line in lines if line and not line.startswith("#"))
            found.append(PublicKey(path, name_in(path).removesuffix(PUBLIC_KEY_SUFFIX), recipients))
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
    stored_as: str | None = None
    found: frozenset[str] = frozenset()
    try:
        data = tree.read(item.path)
        size, stored_as, found = len(data), detect_encryption(data, item.path), flux_markers(data)
        format_ = make_format(item.format)
        document = parse(format_, data, session.limits)
        if document.metadata is not None and with_keys:
            opened = open_parsed(format_, document, session.providers).parts
    except DataKeyError:
        pass  # for others only
    except FluxsecretsError as problem:
        error = error or problem.in_file(item.path)
    return Secret(item, environments, config, rule, document, opened, error, size, stored_as, found)


def _sealed(environments: Iterable[Environment]) -> Iterator[str]:
    """The files with SealedSecrets."""
    for environment in environments:
        for _, item in environment.graph.objects:
            if item.kind == "SealedSecret":
                yield item.file


def _scanned(
    tree: Tree, paths: frozenset[str], baseline: Path | None, *, use_baseline: bool
) -> tuple[tuple[Finding, ...], frozenset[str]]:
    """What `scan` finds in these files, allowed or not; and those in which all of it is allowed or known."""
    from .scan import ScanRequest, excused, scan

    if not paths:
        return (), frozenset()
    request = ScanRequest(
        cwd=tree.root, paths=tuple(sorted(paths)), baseline=baseline, use_baseline=use_baseline
    )
    result = scan(request)
    found = (*result.findings, *result.known, *(item.finding for item in result.allowed))
    return found, excused(result)


def _removed(session: Session, tree: Tree) -> tuple[RemovedKey, ...]:
    """The keys that were taken out of the files that name recipients."""
    if tree.repository is None:
        return ()
    now = {}
    for path in tree.paths:
        if is_rules_file(path) or is_public_key(path):
            with suppress(FluxsecretsError):
                now[path] = tree.read(path).decode("utf-8", "replace")
    return removed_keys(tree.repository, now, partial=session.partial_history) if now else ()


def _former(
    session: Session, tree: Tree, secrets: Iterable[Secret], *, with_keys: bool
) -> tuple[FormerReader, ...]:
    if tree.repository is None:
        return ()
    files = {secret.path: tree.read(secret.path) for secret in secrets if secret.metadata is not None}
    return former_readers(session, tree.repository, files, with_keys=with_keys)


def _changed(
    session: Session, tree: Tree, keys: Sequence[str], environments: Iterable[Environment]
) -> dict[str, date]:
    if tree.repository is None:
        return {}
    wanted = {*keys, *_sealed(environments)}
    return last_changed(tree.repository, wanted, partial=session.partial_history)


def _sealing(tree: Tree, settings: Settings) -> Iterator[SealingCertificate]:
    """The sealing certificates that the settings name."""
    for environment in settings.environments:
        for path in environment.sealing_certificates:
            try:
                found = parse_certificate(tree.read(path))
            except FluxsecretsError as error:
                yield SealingCertificate(environment.name, path, None, error)
            else:
                yield SealingCertificate(environment.name, path, found)


def _before(session: Session, tree: Tree, secrets: Iterable[Secret]) -> dict[str, Document]:
    """Encrypted files that were changed since the last commit, as they were then."""
    if tree.repository is None:
        return {}
    encrypted = {item.path: item.file.format for item in secrets if item.metadata}
    changed = changed_since_head(tree.repository, encrypted)
    formats = {path: name for path, name in encrypted.items() if path in changed}
    found = {}
    for path, data in tree.repository.read_head_blobs(formats).contents.items():
        with suppress(FluxsecretsError):
            document = parse(make_format(formats[path]), data, session.limits)
            if document.metadata is not None:
                found[path] = document
    return found


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
