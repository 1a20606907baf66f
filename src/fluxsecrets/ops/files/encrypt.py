"""Encrypt files in place, or one content; `staged` builds on it.

Each is read, encrypted and verified before anything is replaced. Files are replaced in batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.policy.drift import drift_of
from fluxsecrets.ops.policy.given import NOBODY, GivenRecipients, override_note
from fluxsecrets.ops.policy.policy import (
    Overrides,
    Policy,
    blaming_rule,
    make_overrides,
    names_in_rule,
    policy_for,
)
from fluxsecrets.ops.policy.validity import faults, refuse_invalid
from fluxsecrets.ops.run.inputs import Input, Target
from fluxsecrets.ops.run.names import names_of, post_quantum_warnings, read_public_keys
from fluxsecrets.ops.run.replacing import replace_files
from fluxsecrets.ops.run.results import BatchResult, FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import Selection, repository_root, select
from fluxsecrets.ops.run.waiting import waits_by_rule, waits_to_open, waits_to_wrap
from fluxsecrets.ops.run.writer import make_ready, replacing
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.repo.configfiles import refuse_configuration
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.git.worktree import compare_with_head
from fluxsecrets.repo.plaincopies import PlainCopy, plain_copy
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import Format, make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import recipient_key

from .content import OpenedFile, check_encrypted, open_file, parse
from .encryption import EncryptedFile, encrypt_content
from .onlycopy import OTHERS_ONLY, GitCopies, others_only
from .split import split_lists


@dataclass(frozen=True, slots=True)
class EncryptRequest:
    """What to encrypt, and how: the parameters of the command.

    Attributes:
        paths: files and folders; without paths and environment, the whole repository.
        environment: all secrets of one environment.
        input_type: overrides the format of named files.
        output: the file for one content's result, or None for in place or standard output.
        recipients: those to encrypt for instead of the rule's.
        encrypted_regex, unencrypted_regex, encrypted_suffix, unencrypted_suffix, encrypted_comment_regex,
            unencrypted_comment_regex: which values to encrypt, instead of the rule's selector; one at most.
        mac_only_encrypted: leave plain values out of the MAC.
        staged: encrypt staged files.
        split_lists: first turn the Secrets in a `kind: List` into YAML documents.
        for_others: allow replacing the only plain text with a file that nobody here can read.
        allow_invalid: encrypt Secrets that Kubernetes would refuse.
        check, dry_run: only report what would happen.
    """

    paths: tuple[str, ...] = ()
    environment: str | None = None
    input_type: str | None = None
    output: Path | None = None
    recipients: GivenRecipients = NOBODY
    encrypted_regex: str | None = None
    unencrypted_regex: str | None = None
    encrypted_suffix: str | None = None
    unencrypted_suffix: str | None = None
    encrypted_comment_regex: str | None = None
    unencrypted_comment_regex: str | None = None
    mac_only_encrypted: bool = False
    staged: bool = False
    split_lists: bool = False
    for_others: bool = False
    allow_invalid: bool = False
    check: bool = False
    dry_run: bool = False

    @property
    def writes(self) -> bool:
        """Whether anything is written."""
        return not (self.check or self.dry_run)


@dataclass(frozen=True, slots=True)
class EncryptJob:
    """One file to encrypt.

    Attributes:
        target: the file; a content from elsewhere is encrypted as if it were there.
        head: its content at HEAD, if that is encrypted and the file is not, or None.
        why_new_key: why its data key at HEAD must not be used again, or None.
        replaced: the result replaces the plain text; False if it is written elsewhere.
        plain_copy: where git has its content, if that is plain text; or None.
    """

    target: Target
    head: bytes | None = field(default=None, repr=False)
    why_new_key: str | None = None
    replaced: bool = True
    plain_copy: PlainCopy | None = None


@dataclass(frozen=True, slots=True)
class EncryptOptions:
    """How to encrypt.

    Attributes:
        overrides: recipients and selector from the command line.
        names: recipient -> name, from the repository's public keys.
        kubernetes: check that Flux can apply the result.
        split_lists: first turn the Secrets in a `kind: List` into YAML documents.
        write: False only reports what would happen.
        look_at_identities: warn if none of the available identities could open a file, and refuse it if the
            plain text would be lost.
        for_others: don't refuse that.
        allow_invalid: encrypt Secrets that Kubernetes would refuse.
        copies: the contents that git has.
    """

    overrides: Overrides = field(default_factory=Overrides)
    names: Mapping[str, str] = field(default_factory=dict)
    kubernetes: bool = True
    split_lists: bool = False
    write: bool = True
    look_at_identities: bool = False
    for_others: bool = False
    allow_invalid: bool = False
    copies: GitCopies = field(default_factory=GitCopies)


def encrypt(session: Session, request: EncryptRequest) -> BatchResult:
    """Encrypt files in place; `staged.encrypt_staged` encrypts staged ones.

    Raises:
        RecipientError, SelectorError: the request names invalid ones.
        UsageError, GitError, ConfigError, FileAccessError: see `select`.
    """
    selection = select(
        session, request.paths, request.environment, request.input_type, beside=partial(_load, session)
    )
    return encrypt_selected(session, selection, request)


def _load(session: Session) -> None:
    from .ahead import load_encryption  # few files do without

    load_encryption(session)


def encrypt_selected(session: Session, selection: Selection, request: EncryptRequest) -> BatchResult:
    """Encrypt the files of a selection in place; see `encrypt`.

    Returns:
        One result per file, in order.
    """
    if request.writes:
        make_ready(target.path for target in selection.targets)
    options = _for_people(options_of(request), selection.root)
    jobs = encrypt_jobs(session, selection)
    prepare, waits = partial(_prepare, session, options), partial(_waits, session, options)
    results = replace_files(session, prepare, jobs, waits)
    files = tuple(session.watched(results, len(jobs), "encrypting"))
    notes = (*selection.notes, *override_note(request.recipients), *_overrides(session, jobs, files, options))
    return BatchResult(
        files,
        notes,
        next_steps=kept_by_git((job.plain_copy, result) for job, result in zip(jobs, files, strict=True)),
    )


def kept_by_git(copies: Iterable[tuple[PlainCopy | None, FileResult]]) -> tuple[str, ...]:
    """Return what to do about the plain text that git keeps of files that were encrypted.

    Args:
        copies: where git has a file's plain text, and the file's result.
    """
    done = [(copy, result) for copy, result in copies if result.outcome is Outcome.ENCRYPTED]
    only = sum(copy is PlainCopy.STAGED and OTHERS_ONLY in result.warnings for copy, result in done)
    counts = Counter(copy for copy, _ in done)
    steps = []
    if committed := counts[PlainCopy.COMMITTED]:
        steps.append(f"{_count(committed, 'was', 'were')} committed in plain text: {_COMMITTED}")
    if only:
        steps.append(f"{_count(only, 'is', 'are')} staged in plain text: {_ONLY_STAGED}")
    if staged := counts[PlainCopy.STAGED] - only:
        steps.append(f"{_count(staged, 'is', 'are')} staged in plain text: {_STAGED}")
    return tuple(steps)


def _count(files: int, one: str, several: str) -> str:
    return f"1 file {one}" if files == 1 else f"{files} files {several}"


_COMMITTED = (
    "anyone who can read the repository knows these values, so change them; "
    "`fluxsecrets scan --history` lists them"
)
_ONLY_STAGED = (
    "it is the only copy that you can read, so keep the values elsewhere before you stage what is encrypted"
)
_STAGED = "stage what is encrypted before you commit; `git gc --prune=now` then removes the plain text"


def _waits(session: Session, options: EncryptOptions, job: EncryptJob) -> bool:
    if job.target.encrypted or job.target.problem is not None:
        return False
    if options.overrides.recipients:
        return waits_to_wrap(session, options.overrides.recipients)
    return waits_by_rule(session, job.target.path) or waits_to_open(session, job.head or b"")


def encrypt_given(
    session: Session, given: Input, request: EncryptRequest, *, replaced: bool
) -> tuple[FileResult, bytes]:
    """Encrypt one content without writing it in place.

    Args:
        session: the run.
        given: the content; it is released from memory.
        request: the request.
        replaced: the result replaces the input.

    Returns:
        The result, and the encrypted content.

    Raises:
        FluxsecretsError: see `encrypt_content`; names the file.
    """
    options = options_of(request)
    if request.output is not None:
        given.target = given.target._replace(repository=find_repository(given.target.path))
    options = _for_people(options, repository_root(session))
    return encrypt_input(session, EncryptJob(given.target, replaced=replaced), given, options)


def options_of(request: EncryptRequest) -> EncryptOptions:
    """How a request wants files encrypted; what the repository knows is added later."""
    selectors = {
        "encrypted_regex": request.encrypted_regex,
        "unencrypted_regex": request.unencrypted_regex,
        "encrypted_suffix": request.encrypted_suffix,
        "unencrypted_suffix": request.unencrypted_suffix,
        "encrypted_comment_regex": request.encrypted_comment_regex,
        "unencrypted_comment_regex": request.unencrypted_comment_regex,
    }
    overrides = make_overrides(
        request.recipients,
        {name: text for name, text in selectors.items() if text is not None},
        mac_only_encrypted=request.mac_only_encrypted,
    )
    return EncryptOptions(
        overrides,
        split_lists=request.split_lists,
        write=request.writes,
        for_others=request.for_others,
        allow_invalid=request.allow_invalid,
    )


def _for_people(options: EncryptOptions, root: Path) -> EncryptOptions:
    """Return the options with names of recipients and our identities, which --check does not need."""
    return replace(options, names=read_public_keys(root), look_at_identities=options.write)


def _overrides(
    session: Session, jobs: Sequence[EncryptJob], results: Sequence[FileResult], options: EncryptOptions
) -> tuple[str, ...]:
    """Return notes about nested `.sops.yaml` files, except for files that were already encrypted."""
    from fluxsecrets.ops.policy.policy import override_notes

    if options.overrides.recipients:
        return ()
    done = (Outcome.ENCRYPTED, Outcome.WOULD_ENCRYPT)
    paths = [job.target.path for job, result in zip(jobs, results, strict=True) if result.outcome in done]
    return override_notes(session, paths, options.names)


def encrypt_jobs(session: Session, selection: Selection) -> tuple[EncryptJob, ...]:
    """Return the files of a selection as jobs, with what git has of them.

    The history of their data keys is read here, once for all files.

    Raises:
        GitError: HEAD can't be read.
    """
    plain: dict[Path, tuple[Repository, set[str]]] = {}
    for target in selection.targets:
        if target.encrypted or target.encrypted_at_head is False:
            continue
        if target.repository is not None and target.repository_path is not None:
            _, paths = plain.setdefault(target.repository.root, (target.repository, set()))
            paths.add(target.repository_path)
    heads: dict[tuple[Path, str], bytes] = {}
    reasons: dict[tuple[Path, str], str] = {}
    copies: dict[tuple[Path, str], PlainCopy] = {}
    for root, (repository, paths) in plain.items():
        comparison = compare_with_head(repository, paths)
        contents = repository.read_head_blobs(comparison.changed).contents
        for path in paths:
            if (copy := plain_copy(path, comparison, contents, session.limits)) is not None:
                copies[root, path] = copy
        found = {path: blob for path, blob in contents.items() if detect_encryption(blob, path)}
        heads |= {(root, path): data for path, data in found.items()}
        if found:
            from .datakeys import why_new_data_keys

            whys = why_new_data_keys(session, repository, found, {})
            reasons |= {(root, path): why for path, why in whys.items()}
    jobs = []
    for target in selection.targets:
        if target.repository is None or target.repository_path is None:
            jobs.append(EncryptJob(target))
            continue
        place = (target.repository.root, target.repository_path)
        copy = copies.get(place, target.plain_copy)
        jobs.append(EncryptJob(target, heads.get(place), reasons.get(place), plain_copy=copy))
    return tuple(jobs)


def encrypt_input(
    session: Session, job: EncryptJob, given: Input, options: EncryptOptions
) -> tuple[FileResult, bytes]:
    """Encrypt one content without writing it in place.

    Args:
        session: the run.
        job: the file to encrypt it as; it need not exist.
        given: the plain content; it is released from memory. An encrypted content is returned unchanged.
        options: how to encrypt.

    Returns:
        The result, and the encrypted content.

    Raises:
        FluxsecretsError: see `encrypt_content`; names the file.
    """
    try:
        return _encrypt(session, options, job, given)
    except FluxsecretsError as error:
        raise error.in_file(job.target.shown) from None


def _prepare(session: Session, options: EncryptOptions, job: EncryptJob) -> Prepared:
    target = job.target
    try:
        if target.problem is not None:
            raise target.problem
        content = read_file(target.path, limit=session.limits.size)
        given, content = Input(target, content.data), content.without_data()
        result, new = _encrypt(session, options, job, given)
        writes = result.outcome is Outcome.ENCRYPTED
        return Prepared(result, replacing(content, new) if writes else None)
    except FluxsecretsError as error:
        error.path = error.path if error.path != str(target.path) else target.shown
        return Prepared(FileResult(target.shown, Outcome.FAILED, error=error.in_file(target.shown)))


def _encrypt(
    session: Session, options: EncryptOptions, job: EncryptJob, given: Input
) -> tuple[FileResult, bytes]:
    if (unchanged := _already_encrypted(session, options, job, given.data)) is not None:
        return unchanged, given.data
    if options.kubernetes:
        refuse_configuration(job.target.path)
    policy = policy_for(session, job.target.path, options.overrides)
    names = {**options.names, **policy.names}
    kept = _is_kept(session, options, job, policy, given.data)
    if options.split_lists and make_format(job.target.format).many_documents:
        given.data = split_lists(given.take(), session.limits)
    with blaming_rule(policy):
        encrypted = _encrypt_one(session, job, given, policy, options)
    others: tuple[str, ...] = ()
    if options.look_at_identities:  # last, so that other errors are reported first
        others = others_only(session, policy.groups, policy.shamir_threshold, names, lambda: kept)
    warnings = (
        *encrypted.warnings,
        *post_quantum_warnings(policy.groups, policy.shamir_threshold, names),
        *others,
    )
    outcome = Outcome.ENCRYPTED if options.write else Outcome.WOULD_ENCRYPT
    result = FileResult(job.target.shown, outcome, encrypted.values, names_of(policy.groups, names), warnings)
    return result, encrypted.data


def _is_kept(session: Session, options: EncryptOptions, job: EncryptJob, policy: Policy, data: bytes) -> bool:
    """Whether the plain text is kept elsewhere, or the user gave it up."""
    if not options.look_at_identities or options.for_others or not job.replaced:
        return True
    return session.opens(policy.groups, policy.shamir_threshold) or options.copies.has(
        job.target.repository, data
    )


def _already_encrypted(
    session: Session, options: EncryptOptions, job: EncryptJob, data: bytes
) -> FileResult | None:
    if b"sops" not in data:
        return None
    format_ = make_format(job.target.format)
    document = parse(format_, data, session.limits)
    if document.metadata is None:
        return None
    values = check_encrypted(document, single_value=format_.single_value)
    names = {**names_in_rule(session, job.target.path), **options.names}
    people = names_of(document.metadata.recipients, names)
    if options.overrides.recipients or options.overrides.selector:
        ignored = _ignored(document.metadata, options.overrides)
        return FileResult(job.target.shown, Outcome.UNCHANGED, values, people, ignored)
    drift = drift_of(session, job.target.path, document, options.names)
    wrong = _invalid(document, options)
    outcome = Outcome.DIFFERS if drift else Outcome.INVALID if wrong else Outcome.UNCHANGED
    warnings = (*drift.values(), *wrong)
    return FileResult(job.target.shown, outcome, values, people, warnings, drift=tuple(drift))


def _ignored(metadata: Metadata, overrides: Overrides) -> tuple[str, ...]:
    """Return what options ask for that an encrypted file does not get: it stays as it is."""
    asked = {recipient_key(each) for each in overrides.recipients}
    own = {recipient_key(each) for group in metadata.recipients for each in group}
    others = overrides.recipients and asked != own
    selector = overrides.selector is not None and overrides.selector != metadata.selector
    found = [(others, _OTHER_RECIPIENTS), (selector, _OTHER_SELECTOR)]
    return tuple(sentence for differs, sentence in found if differs)


_OTHER_RECIPIENTS = (
    "already encrypted, and not for the recipients that were given; options of `rotate`, such as --add-age, "
    "change who can read it"
)
_OTHER_SELECTOR = "already encrypted, with another selector than was given: decrypt it first to change that"


def _invalid(document: Document, options: EncryptOptions) -> tuple[str, ...]:
    """Return what Kubernetes would refuse of an encrypted file. A ciphertext names its value's type."""
    if options.write or options.allow_invalid or not options.kubernetes:
        return ()
    found = sorted(faults(document), key=lambda each: each.line or 0)
    return tuple(f"line {each.line}: {each.sentence}" for each in found)


def _encrypt_one(
    session: Session, job: EncryptJob, given: Input, policy: Policy, options: EncryptOptions
) -> EncryptedFile:
    """Encrypt one file's content with a policy; raises like `encrypt_content`."""
    format_ = make_format(job.target.format, policy.stores)
    previous, warning = _previous(session, format_, job.head)
    why_new = job.why_new_key if previous is not None else None
    encrypted = encrypt_content(
        format_,
        given.take(),
        policy,
        session.providers,
        now=session.now(),
        limits=session.limits,
        kubernetes=options.kubernetes,
        previous=previous,
        by_hand=True,
        new_key=why_new is not None,
        check=refuse_invalid if options.kubernetes and not options.allow_invalid else None,
    )
    more = (*warning, *([why_new] if why_new is not None else []))
    if not more:
        return encrypted
    return replace(encrypted, warnings=(*encrypted.warnings, *more))


def _previous(
    session: Session, format_: Format, head: bytes | None
) -> tuple[OpenedFile | None, tuple[str, ...]]:
    if head is None:
        return None, ()
    try:
        return open_file(format_, head, session.providers, session.limits), ()
    except FluxsecretsError:
        # We can't decrypt it, or it is damaged. The file gets a new data key, which is always safe.
        return None, ("the version in git could not be opened, so all values got new ciphertexts",)
