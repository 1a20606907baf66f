"""Encrypt staged files, and nothing else: the index gets the ciphertext.

A working copy is updated if it equals the staged content. If it has further changes, it stays unchanged:
nothing more is staged, and no change is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, GitError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.files.writing import PendingWrite, write_batch
from fluxsecrets.ops.policy.trust import INDEX, read_trust
from fluxsecrets.ops.run.inputs import Input, Target
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.results import BatchResult, FileResult, Outcome
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import SecretFile, SecretKind, discover
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.git.index import (
    StagedFile,
    stage,
    staged_files,
    write_blob,
)
from fluxsecrets.repo.git.worktree import changed_since_staged
from fluxsecrets.repo.plaincopies import PlainCopy, is_plain_copy
from fluxsecrets.repo.tree import Tree, make_tree, too_large
from fluxsecrets.shell import file_word

from .encrypt import EncryptJob, EncryptOptions, EncryptRequest, encrypt_input, kept_by_git, options_of
from .onlycopy import GitCopies


def encrypt_staged(session: Session, request: EncryptRequest) -> BatchResult:
    """Encrypt the Secrets among the staged files: in the index, and in working copies that equal it.

    Raises:
        RecipientError, SelectorError: the request names invalid ones.
        GitError: there is no repository, or its index can't be read or written.
    """
    repository = find_repository(session.cwd)
    if repository is None:
        raise GitError("this is not a git repository, so nothing is staged", path=str(session.cwd))
    options = replace(
        options_of(request),
        names=read_public_keys(repository.root),
        look_at_identities=request.writes,
        copies=GitCopies(index=False),  # the index gets the ciphertext
    )
    tree, staged = _staged_tree(session, repository)
    heads = repository.read_head_blobs(staged).contents
    settings = read_trust(repository, [INDEX])[0].settings()  # the staged settings decide what a secret is
    secrets = _secrets(tree, staged, heads, () if settings is None else settings.secrets)
    changed = changed_since_staged(repository, [secret.path for secret in secrets])
    done: list[_Done] = []
    results: dict[str, FileResult] = {}
    for secret in secrets:
        try:
            stays = secret.path in changed and _is_plain(session, repository.root / secret.path)
            one = _encrypt(session, tree, secret, heads.get(secret.path), options, replaced=not stays)
        except FluxsecretsError as error:
            shown = session.shown(repository.root / secret.path)
            error.path = shown if error.path in (None, secret.path) else error.path
            results[secret.path] = FileResult(shown, Outcome.FAILED, error=error)
        else:
            done.append(_with_working_copy(session, one, changed=secret.path in changed))
    results.update((one.path, one.result) for one in done)
    if options.write and done:
        stage(repository, [replace(staged[one.path], blob=write_blob(repository, one.new)) for one in done])
        results.update(_follow(done))
    committed = {
        path: PlainCopy.COMMITTED for path in results if is_plain_copy(path, heads.get(path), session.limits)
    }
    copies = ((committed.get(path), result) for path, result in results.items())
    return BatchResult(tuple(results[secret.path] for secret in secrets), next_steps=kept_by_git(copies))


@dataclass(frozen=True, slots=True)
class _Done:
    """A staged file with its ciphertext.

    Attributes:
        path: relative to the root with `/`.
        file: absolute path of the working copy.
        old, new: staged content and its ciphertext.
        result: the result to report.
        working: the working copy, if it is updated.
    """

    path: str
    file: Path
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)
    result: FileResult
    working: FileContent | None = None


@dataclass(frozen=True, slots=True)
class StagedTree(Tree):
    """The work tree with the staged content of staged files.

    Attributes:
        contents: by path; None for a file over the limit.
    """

    contents: Mapping[str, bytes | None] = field(default_factory=dict, repr=False)

    def size(self, path: str) -> int | None:
        """As of a tree."""
        if path not in self.contents:
            return Tree.size(self, path)
        content = self.contents[path]
        return self.limits.size + 1 if content is None else len(content)

    def read(self, path: str, *, head: int | None = None, tail: int | None = None) -> bytes:
        """As of a tree."""
        if path not in self.contents:
            return Tree.read(self, path, head=head, tail=tail)
        content = self.contents[path]
        if content is None:
            raise too_large(path, self.limits.size + 1, self.limits)
        if head is not None:
            return content[:head]
        return content if tail is None else content[max(0, len(content) - tail) :]


def _staged_tree(session: Session, repository: Repository) -> tuple[StagedTree, dict[str, StagedFile]]:
    staged = {file.path: file for file in staged_files(repository)}
    with repository.objects() as read:
        contents = {path: read(file.blob, session.limits.size) for path, file in staged.items()}
    paths = {*repository.files(), *staged}
    tree = make_tree(repository.root, paths, repository=repository, limits=session.limits)
    return (
        StagedTree(
            tree.root, tree.paths, repository, tree.limits, tree.files, tree.folders, contents=contents
        ),
        staged,
    )


def _secrets(
    tree: StagedTree, staged: Mapping[str, StagedFile], heads: Mapping[str, bytes], listed: Sequence[str]
) -> list[SecretFile]:
    """Return the staged Secrets, and files that are encrypted at HEAD but staged in plain text."""
    found = {secret.path: secret for secret in discover(tree, paths=[*staged], extra=listed)}
    for path, head in heads.items():
        format_name = detect_encryption(head, path)
        content = tree.contents[path]
        if path not in found and format_name is not None and content and not detect_encryption(content, path):
            reason = "encrypted at HEAD, but staged in plain text"
            found[path] = SecretFile(path, SecretKind.ENCRYPTED_AT_HEAD, format_name, reason)
    return [found[path] for path in sorted(found) if not found[path].encrypted]


def _encrypt(
    session: Session,
    tree: StagedTree,
    secret: SecretFile,
    head: bytes | None,
    options: EncryptOptions,
    *,
    replaced: bool,
) -> _Done:
    if secret.error is not None:
        raise secret.error
    old = tree.read(secret.path)
    file = tree.root / secret.path
    if head is not None and detect_encryption(head, secret.path) is None:
        head = None
    head = _encrypted_copy(session, file) or head
    target = Target(file, session.shown(file), secret.format, repository=tree.repository)
    job = EncryptJob(target, head, _why_new_key(session, tree, secret.path, head), replaced)
    result, new = encrypt_input(session, job, Input(target, old), options)
    return _Done(secret.path, file, old, new, result)


def _why_new_key(session: Session, tree: Tree, path: str, head: bytes | None) -> str | None:
    if head is None or tree.repository is None:
        return None
    from .datakeys import why_new_data_keys

    return why_new_data_keys(session, tree.repository, {path: head}, {}).get(path)


def _is_plain(session: Session, file: Path) -> bool:
    """Whether a plain working copy exists."""
    try:
        data = read_file(file, limit=session.limits.size).data
    except FluxsecretsError:
        return False
    return detect_encryption(data, file.name) is None


def _encrypted_copy(session: Session, file: Path) -> bytes | None:
    """Return the working copy if it is already encrypted, so that the index gets the same ciphertext."""
    try:
        data = read_file(file, limit=session.limits.size).data
    except FluxsecretsError:
        return None
    return data if detect_encryption(data, file.name) is not None else None


def _with_working_copy(session: Session, one: _Done, *, changed: bool) -> _Done:
    """Add the working copy if it can be updated, or a warning if not."""
    try:
        content = read_file(one.file, limit=session.limits.size)
    except FluxsecretsError:
        return one  # it is gone, or no longer a file, so there is nothing to update
    if not changed:
        return replace(one, working=content)
    if content.data == one.new:
        return one
    word = file_word(one.result.path)
    if detect_encryption(content.data, one.path) is not None:
        remark = f"the working copy is already encrypted, but differently: `git add {word}` stages it"
    else:
        remark = (
            "the working copy has unstaged changes, so it stays in plain text: "
            f"run `fluxsecrets encrypt {word}` before you stage them"
        )
    return replace(one, result=replace(one.result, warnings=(*one.result.warnings, remark)))


def _follow(done: Sequence[_Done]) -> Iterator[tuple[str, FileResult]]:
    """Write the ciphertext to the working copies that equal the staged content. Yields the errors."""
    following = [(one, one.working) for one in done if one.working is not None]
    writes = [
        PendingWrite(one.file, _as_checked_out(one, content), expected=content.without_data())
        for one, content in following
    ]
    for (one, _), written in zip(following, write_batch(writes), strict=True):
        if written.error is not None:
            why = written.error.message
            written.error.message = f"the working copy stays plain text, unlike the index: it {why}"
            written.error.path = one.result.path
            yield one.path, FileResult(one.result.path, Outcome.FAILED, error=written.error)


def _as_checked_out(one: _Done, content: FileContent) -> bytes:
    """Return the ciphertext with the line ends of the working copy."""
    return one.new if content.data == one.old else one.new.replace(b"\n", b"\r\n")
