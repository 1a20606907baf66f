"""Gather what the audit judges, each fact when a rule first asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path

from fluxsecrets.audit.facts import Facts, Readers, secrets_by_path
from fluxsecrets.audit.model import Opening
from fluxsecrets.errors import DataKeyError, FluxsecretsError, RecipientError
from fluxsecrets.findings import Finding
from fluxsecrets.keys import PROVIDERS, make_providers
from fluxsecrets.ops.files.content import open_parsed, parse
from fluxsecrets.ops.files.datakeys import former_readers
from fluxsecrets.ops.people.knownvalues import known_values
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.waiting import waits_for_block
from fluxsecrets.repo.discover import Spread
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.envelope import Providers, open_data_key
from fluxsecrets.sops.formats import Format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS, Recipient


def gather(
    session: Session,
    tree: Tree,
    *,
    with_keys: bool,
    compare_keys: bool | None = None,
    today: date | None = None,
    baseline: Path | None = None,
    use_baseline: bool = True,
    before: Mapping[str, Document] | None = None,
    only: str | None = None,
    spread: Spread | None = None,
    settings: Settings | None = None,
) -> Facts:
    """The facts of a tree. Its settings are read now, all else when a rule asks for it.

    Args:
        session: the run; its providers open files where `with_keys` says so.
        tree: the repository.
        with_keys: whether to decrypt.
        compare_keys: whether to open data keys of old versions; None means the same as `with_keys`.
        today: the day of the audit; None means today in UTC.
        baseline: of findings that are known to the scan; None for the repository's own, if it has one.
        use_baseline: False reads none.
        before: encrypted files as they were before; None takes the last commit's.
        only: the environment to look at; None looks at the whole repository.
        spread: how many files are looked at; None takes several processes.
        settings: what to judge by; None reads the tree's.

    Raises:
        ConfigError: `.fluxsecrets.yaml` is invalid.
    """
    repository = tree.repository
    compares = with_keys if compare_keys is None else compare_keys

    @cache
    def ask_ahead(*, reached: bool) -> None:
        _ask_services(session, facts, reached=reached)

    def open_(format_: Format, document: Document, path: str) -> Opening:
        if document.metadata is None or not with_keys:
            return Opening()
        if waits_for_block(session, document.metadata):  # which files are reached is not asked for others
            secret = secrets_by_path(facts).get(path)
            ask_ahead(reached=secret is not None and bool(secret.environments))
        try:
            return Opening(open_parsed(format_, document, session.providers).parts)
        except DataKeyError as problem:
            return Opening(undecided=problem.undecided)
        except FluxsecretsError as problem:
            return Opening(error=problem.in_file(path))

    def data_key(metadata: Metadata) -> DataKey | None:
        if not with_keys:
            return None
        if waits_for_block(session, metadata):
            ask_ahead(reached=True)
        try:
            return open_data_key(metadata, session.providers)
        except FluxsecretsError:
            return None

    facts = Facts(
        tree,
        settings if settings is not None else load_settings(tree),
        today or datetime.now(UTC).date(),
        Readers(
            parse=lambda format_, data: parse(format_, data, session.limits),
            open=open_,
            data_key=data_key,
            malformed=partial(_why_malformed, make_providers({})),
            spread=spread or partial(run_jobs, chunk=32),
            names=lambda: read_public_keys(tree.root),
            former=lambda files: (
                former_readers(session, repository, files, with_keys=compares) if repository else ()
            ),
            known=lambda facts: (
                known_values(session, repository, facts.removed, facts.secrets, facts.former)
                if repository
                else ()
            ),
            scan=lambda paths: _scanned(tree, paths, baseline, use_baseline=use_baseline),
            partial_history=session.partial_history,
        ),
        before,
        session.flux_version,
        only,
    )
    return facts


def _why_malformed(nobodys: Providers, recipient: Recipient) -> FluxsecretsError | None:
    """Why nobody can use the key of a service. Other kinds are not judged: a plugin may be here or not."""
    if KINDS[recipient.kind].local or recipient.kind not in PROVIDERS:
        return None
    try:
        nobodys[recipient.kind].check(recipient)
    except RecipientError as problem:
        return problem
    return None


def _ask_services(session: Session, facts: Facts, *, reached: bool) -> None:
    """Ask key services for many files at once: rules ask for one after the other. Providers keep the answers.

    Args:
        session: the run.
        facts: the facts.
        reached: the files that environments reach, which is all that verdicts need; or the others.
    """
    blocks = [
        metadata
        for secret, metadata in facts.encrypted()
        if bool(secret.environments) is reached and waits_for_block(session, metadata)
    ]
    for _ in run_jobs(partial(_try_to_open, session), blocks, waits=lambda _: True):
        pass


def _try_to_open(session: Session, metadata: Metadata) -> None:
    with suppress(FluxsecretsError):  # reported where it matters
        open_data_key(metadata, session.providers)


def _scanned(
    tree: Tree, paths: frozenset[str], baseline: Path | None, *, use_baseline: bool
) -> tuple[tuple[Finding, ...], frozenset[str]]:
    """What `scan` finds in these files, allowed or not; and those in which all of it is allowed or known."""
    from .scan import scan
    from .scanmodel import ScanRequest, excused

    if not paths:
        return (), frozenset()
    request = ScanRequest(
        cwd=tree.root,
        paths=tuple(sorted(paths)),
        baseline=baseline,
        use_baseline=use_baseline,
        repository=tree.repository,
        listed=tree.listed,
    )
    result = scan(request)
    found = (*result.findings, *result.known, *(item.finding for item in result.allowed))
    return found, excused(result)
