"""Seal files in place, or one file to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError, FormatError, UsageError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.ops.files.onlycopy import GitCopies, sealed_only
from fluxsecrets.ops.files.plain import PlainManifests, read_plain, read_plain_or_none
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.manifests.comments import CommentMode
from fluxsecrets.ops.manifests.manifestfiles import ANY_KIND, ManifestFiles, find_manifests
from fluxsecrets.ops.manifests.placement import Placement, read_placement
from fluxsecrets.ops.run.inputs import Input, Target, is_same_file
from fluxsecrets.ops.run.onefile import replace_file
from fluxsecrets.ops.run.results import BatchResult, FileResult, MovedResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.writer import prepare_files, replacing, write_files
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.worktree import changed_since_head
from fluxsecrets.repo.manifests import may_hold_secret, read_manifests
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sealed.keys import SealingKey, any_opens
from fluxsecrets.sealed.model import is_sealed
from fluxsecrets.sealed.scopes import parse_scope

from .certificates import announced_certificate, environments_with
from .merge import Merged, merge_values, secret_to_merge
from .reuse import Known, sealed_by_place, values_by_place
from .seal import SealedContent, SealOptions, check_sealed_content, seal_content


@dataclass(frozen=True, slots=True)
class SealRequest:
    """What to seal, and how: the parameters of the command.

    Attributes:
        output: the file for one content's result, or None for in place or standard output.
        cert: file or URL of the certificate, or None for the environment's.
        scope, name, namespace: override the Secrets' own, or None.
        for_others: allow replacing the only copy with a file that only the controller can open.
        allow_invalid: seal Secrets that Kubernetes would refuse.
    """

    paths: tuple[str, ...] = ()
    environment: str | None = None
    everything: bool = False
    output: Path | None = None
    cert: str | None = None
    private_keys: tuple[Path, ...] = ()
    scope: str | None = None
    name: str | None = None
    namespace: str | None = None
    comments: str = CommentMode.CAREFUL
    allow_empty_data: bool = False
    renew: bool = False
    for_others: bool = False
    allow_invalid: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class SealJob:
    """One file to seal.

    Attributes:
        target: the file; without Secrets it is an error if the user named it.
        inside: its path in the tree, or None.
        head: its content at HEAD, or None.
    """

    target: Target
    inside: str | None = None
    head: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How to seal files.

    Attributes:
        seal: the options for a content; `known` and `places` are set for each file.
        keys: available private keys, to detect unchanged values.
        same: environments whose controller has the same certificate.
        write: False only reports what would happen.
        for_others: allow replacing the only copy with a file that only the controller can open.
        copies: the contents that git has.
    """

    seal: SealOptions
    keys: tuple[SealingKey, ...] = ()
    placement: Placement | None = None
    environment: str | None = None
    same: frozenset[str] = frozenset()
    renew: bool = False
    write: bool = True
    for_others: bool = False
    copies: GitCopies = field(default_factory=GitCopies)

    def refuse_only_copy(self, repository: Repository | None, data: bytes) -> None:
        """Refuse to replace the only copy of a content.

        Raises:
            UnprotectedError: git does not have the content.
            GitError: git failed.
        """
        if self.write and not self.for_others and not any_opens(self.keys, self.seal.certificate.key):
            sealed_only(lambda: self.copies.has(repository, data), "write the result elsewhere with -o")


def seal(session: Session, request: SealRequest) -> BatchResult:
    """Seal plain Secrets in place.

    Raises:
        UsageError: nothing was named, or one name was given for several files.
        CertificateError: no certificate was found.
        FluxsecretsError: the files, certificates or keys can't be read.
    """
    files = find_manifests(
        session, request.paths, request.environment, ANY_KIND, everything=request.everything
    )
    if request.name is not None and len(files.paths) > 1:
        raise UsageError("--name is for one Secret", hint="name one file")
    jobs = _jobs(session, files)
    options = _options(session, request, files.tree, files.paths)
    prepared = prepare_files(partial(_prepare, session, options), jobs)
    results = session.watched(write_files(session, prepared), len(jobs), "sealing")
    told = (*files.failed, *(each for each in results if each.outcome is not Outcome.LEFT))
    return BatchResult(told, files.notes)


def seal_given(session: Session, request: SealRequest, given: Input) -> SealedContent:
    """Seal one content to `request.output`, or to standard output.

    Raises:
        FormatError: it contains no Secret.
        UnprotectedError: it is the only copy, and the output would replace it.
        FluxsecretsError: see `seal_content`; the file is named in errors.
    """
    output = session.cwd / request.output if request.output is not None else None
    around = _surroundings(session, given.target.path, output)
    options = _options(session, request, around.tree, (around.inside,) if around.inside else ())
    if output is not None and is_same_file(output, given.target.path):
        options.refuse_only_copy(around.tree.repository if around.tree is not None else None, given.data)
    job = around.job(given.target)
    try:
        plain = read_plain(session, given.data, job.target.path.name)
        known = Known()
        if not options.renew:
            known = _known(
                session, options, around, read_plain_or_none(session, job.head, job.target.path.name)
            )
        sealed = seal_content(plain, _for_job(options, job, known))
    except FluxsecretsError as error:
        raise error.in_file(job.target.shown) from None
    if sealed is None:
        raise _no_secret().in_file(job.target.shown)
    return sealed


def seal_into(session: Session, request: SealRequest, given: Input, target: Path) -> Merged:
    """Seal the values of a Secret into an existing SealedSecret.

    Raises:
        FileAccessError: the file does not exist.
        FormatError, UnprotectedError, IntegrityError: see `merge.merge_values`.
    """
    around = _surroundings(session, given.target.path, session.cwd / target)
    inside = around.output_inside
    options = _options(session, request, around.tree, (inside,) if inside else ())
    return _merged(session, around, given.data, given.target.shown, options)


def _options(session: Session, request: SealRequest, tree: Tree | None, files: Sequence[str]) -> FileOptions:
    """Find certificate and keys for the files."""
    found = announced_certificate(
        session, tree, cert=request.cert, environment=request.environment, files=files
    )
    sealing = SealOptions(
        found.certificate,
        scope=parse_scope(request.scope) if request.scope is not None else None,
        name=request.name,
        namespace=request.namespace,
        allow_empty=request.allow_empty_data,
        comments=CommentMode(request.comments),
        allow_invalid=request.allow_invalid,
    )
    return FileOptions(
        sealing,
        load_keys(session, request.private_keys, required=False),
        read_placement(tree) if tree is not None and tree.repository is not None else None,
        request.environment,
        environments_with(session, tree, found) if tree is not None else frozenset(),
        request.renew,
        not request.dry_run,
        request.for_others,
    )


def _jobs(session: Session, files: ManifestFiles) -> tuple[SealJob, ...]:
    """Return files as jobs, with the content of changed ones at HEAD.

    Raises:
        GitError: HEAD can't be read.
    """
    tree, heads = files.tree, dict[str, bytes]()
    if tree.repository is not None:
        changed = changed_since_head(tree.repository, files.paths)
        heads = dict(tree.repository.read_head_blobs(changed).contents)
    return tuple(
        SealJob(target, path, heads.get(path))
        for target, path in zip(files.targets(session), files.paths, strict=True)
    )


def _known(
    session: Session, options: FileOptions, around: Surroundings, before: PlainManifests | None
) -> Known:
    """Return what proves that values did not change."""
    source = read_manifests(before.text.document.source.encode(), "").manifests if before else ()
    return Known(
        sealed_by_place(around.output, session.limits),
        sealed_by_place(around.output_head, session.limits),
        values_by_place(source),
        options.keys,
    )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The repository, HEAD and the output's current content, for sealing to another file.

    Attributes:
        tree: the repository, or None.
        inside: the input's path in it, or None.
        head: the input at HEAD, or None.
        output_content: the output's current content, or None.
        output_inside: its path in the repository, or None.
        output_head: its content at HEAD, or None.
    """

    tree: Tree | None
    inside: str | None = None
    head: bytes | None = field(default=None, repr=False)
    output_content: FileContent | None = None
    output_inside: str | None = None
    output_head: bytes | None = field(default=None, repr=False)

    @property
    def output(self) -> bytes | None:
        """The output's current content."""
        return self.output_content.data if self.output_content is not None else None

    def job(self, target: Target) -> SealJob:
        """Return the input as a job."""
        return SealJob(target, self.inside, self.head)


def _surroundings(session: Session, source: Path, output: Path | None) -> Surroundings:
    """Read the surroundings of a content.

    Raises:
        GitError: HEAD can't be read.
        FileAccessError: the output exists but can't be read.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None:
        return Surroundings(None, output_content=_existing(session, output))
    root = tree.root.resolve()

    def inside(path: Path | None) -> str | None:
        real = path.resolve() if path is not None else None
        return real.relative_to(root).as_posix() if real is not None and real.is_relative_to(root) else None

    names = (inside(source), inside(output))
    blobs = tree.repository.read_head_blobs([each for each in names if each is not None]).contents
    return Surroundings(
        tree,
        names[0],
        blobs.get(names[0] or ""),
        _existing(session, output),
        names[1],
        blobs.get(names[1] or ""),
    )


def _existing(session: Session, path: Path | None) -> FileContent | None:
    if path is None or not path.is_file():
        return None
    return read_file(path.resolve(), limit=session.limits.size)


def _merged(session: Session, around: Surroundings, data: bytes, shown: str, options: FileOptions) -> Merged:
    target = around.output_content
    if target is None:
        raise FileAccessError(
            "the file to merge into does not exist", hint="the first time, seal the whole Secret with -o FILE"
        )
    try:
        plain = read_plain(session, data, shown)
        secret = secret_to_merge(plain)
        before = read_plain_or_none(session, around.head, shown)
    except FluxsecretsError as error:
        raise error.in_file(shown) from None
    try:
        known = Known()
        if not options.renew:
            known = _known(session, options, around, before)
        seal = options.seal
        merged = merge_values(
            target.data,
            secret,
            seal.certificate,
            known=known,
            limits=session.limits,
            asked=(seal.scope, seal.namespace, seal.name),
        )
        if options.write and merged.data != target.data:
            session.warn_of(target.path, replace_file(target, merged.data))
    except FluxsecretsError as error:
        error.path = session.shown(target.path)
        raise
    return merged


def _prepare(session: Session, options: FileOptions, job: SealJob) -> Prepared:
    try:
        content = read_file(job.target.path, limit=session.limits.size)
        if not job.target.named and not may_hold_secret(content.data):
            return Prepared(FileResult(job.target.shown, Outcome.LEFT))
        if detect_encryption(content.data, job.target.path.name):
            if not job.target.named:
                return Prepared(FileResult(job.target.shown, Outcome.LEFT))
            raise UsageError(
                "it is encrypted with SOPS",
                hint="run `fluxsecrets convert --to sealed FILE`; to keep the file, use -o or --stdout",
            )
        result, new = _seal(session, options, job, content.data)
        writes = options.write and new is not None
        if writes:
            options.refuse_only_copy(job.target.repository, content.data)
        return Prepared(result, replacing(content, new) if writes and new is not None else None)
    except FluxsecretsError as error:
        error.path = error.path if error.path != str(job.target.path) else job.target.shown
        return Prepared(FileResult(job.target.shown, Outcome.FAILED, error=error.in_file(job.target.shown)))


def _seal(
    session: Session, options: FileOptions, job: SealJob, data: bytes
) -> tuple[FileResult, bytes | None]:
    plain = read_plain(session, data, job.target.path.name)
    known = Known()
    if not options.renew:
        known = Known(at_head=sealed_by_place(job.head, session.limits), keys=options.keys)
    sealed = seal_content(plain, _for_job(options, job, known))
    if sealed is None:
        manifests = read_manifests(data, job.target.shown, session.limits).manifests
        if not any(map(is_sealed, manifests)):
            if job.target.named:
                raise _no_secret()
            return FileResult(job.target.shown, Outcome.LEFT), None
        check_sealed_content(data, 0)
        return FileResult(job.target.shown, Outcome.UNCHANGED), None
    shared = None
    if options.placement is not None and job.inside is not None:
        shared = options.placement.shared(job.inside, options.environment, options.same)
    if shared is not None and options.environment is not None:
        warnings: tuple[str, ...] = (f"not sealed: {shared}",)
        return FileResult(job.target.shown, Outcome.UNCHANGED, warnings=warnings), None
    outcome = Outcome.SEALED if options.write else Outcome.WOULD_SEAL
    warnings = sealed.warnings if shared is None else (*sealed.warnings, shared)
    places = tuple(str(scope) for scope in sealed.scopes)
    result = MovedResult(
        job.target.shown,
        outcome,
        sealed.values,
        warnings=warnings,
        after="sealed",
        places=places,
        kept=sealed.reused,
    )
    return result, sealed.data


def _for_job(options: FileOptions, job: SealJob, known: Known) -> SealOptions:
    places = options.placement.of(job.inside) if options.placement is not None and job.inside else {}
    return replace(options.seal, known=known, places=places)


def _no_secret() -> FormatError:
    return FormatError(
        "it contains no Secret to seal", hint="a Secret has `apiVersion: v1`, `kind: Secret` and metadata"
    )
