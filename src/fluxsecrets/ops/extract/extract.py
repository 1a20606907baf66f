"""Extract values: the plan for each object, the proof, and the write as one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.ops.files.onlycopy import GitCopies
from fluxsecrets.ops.run.inputs import Target, refuse_folder
from fluxsecrets.ops.run.results import FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.ops.run.writer import Operation, place_of_tree, refuse_interrupted, write_files
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.document import Path, find, show_path, to_data
from fluxsecrets.sops.formats.either import load_either

from .listing import list_beside
from .manifest import Holder, chosen_paths, edited, read_manifest
from .model import Candidate, Extracted, Extraction, ExtractRequest, ExtractResult, MovedValue, Wanted
from .proof import Proposal, prove, prove_alone, reaching
from .secretfile import SecretFile, Written, add_to, choose_secret

COMMAND = "extract"
"""The name under which an interrupted run is completed or taken back."""


def extract(session: Session, request: ExtractRequest) -> ExtractResult:
    """Move values of a manifest to an encrypted Secret, and refer to them there.

    Without keys, nothing is written: the result lists what could be extracted.

    Raises:
        UsageError: the file or a key is unclear, or a value can't be extracted.
        AlreadyEncryptedError: the manifest is encrypted.
        UnprotectedError: Flux would apply something else than before, or not decrypt the Secret.
        ConfigError: no creation rule applies to the Secret's file.
        FormatError, FileAccessError, RecipientError: a file can't be read or changed.
    """
    refuse_folder(session, request.path)
    target = select(session, [request.path]).targets[0]
    if target.problem is not None:
        raise target.problem
    tree = open_tree(target.path.parent, limits=session.limits)
    refuse_interrupted((tree.root / "-",))
    inside = target.path.relative_to(tree.root.resolve()).as_posix()
    run = Extractor(session, request, tree)
    try:
        if not request.keys:
            return ExtractResult(candidates=tuple(run.candidates(target, inside)), dry_run=True)
        run.add(target, inside, request.keys)
        return run.finish()
    except FluxsecretsError as error:
        raise error.in_file(target.shown) from None


class Extractor:
    """One run: objects are added, then all that changes is proved and written as one step."""

    def __init__(self, session: Session, request: ExtractRequest, tree: Tree) -> None:
        """Take a repository; nothing is read yet."""
        self.session = session
        self.request = request
        self.tree = tree
        self.settings = load_settings(tree)
        self.workspace = Workspace(tree)
        self.copies = GitCopies()
        self.done: list[Extracted] = []
        self.manifests: set[str] = set()
        self.secrets: dict[str, bytes] = {}

    def candidates(self, target: Target, path: str) -> Iterator[Candidate]:
        """Yield the values of a file that could be extracted, by their keys."""
        file = read_manifest(self.tree.read(path), self.tree.limits)
        for holder in file.holders:
            for literal in holder.place.literals(holder.node):
                key = show_path(literal.path)
                yield Candidate(target.shown, holder.shown, key, literal.line)

    def add(self, target: Target, path: str, keys: Iterable[str]) -> None:
        """Plan to extract the values of a file that keys name.

        Raises:
            FluxsecretsError: see `extract`.
        """
        file = read_manifest(self.workspace.read(path), self.tree.limits)
        for at, paths in chosen_paths(file, keys, self.request.document).items():
            self.add_paths(target, path, at, paths)

    def add_paths(self, target: Target, path: str, at: int, paths: tuple[Path, ...]) -> None:
        """Plan to extract values of one object.

        Args:
            target: the file.
            path: of the file, relative to the root.
            at: the position of the object among the holders of the file.
            paths: of the values, below the object.

        Raises:
            FluxsecretsError: see `extract`. Nothing is planned then.
        """
        data = self.workspace.read(path)
        holder = read_manifest(data, self.tree.limits).holders[at]
        name = self.request.secret or holder.place.secret_name(holder.node)
        secret = choose_secret(
            self.session, self.tree, path, name, holder.namespace, self._to(), self.secrets
        )
        environments = reaching(self.tree, self.settings, frozenset({path}))
        built = _built(environments, path)
        wanted = Wanted(
            holder.node,
            paths,
            name,
            secret.keys,
            keep_empty=not built or any(item.patched_by for item in built),
            patch=bool(environments) and not built,
        )
        extraction = holder.place.extract(wanted)
        changed = edited(data, holder, extraction.edits, self.tree.limits)
        kept = self.copies.has(self.tree.repository, self.tree.read(path))
        values = {each.key: each.text for each in extraction.moved}
        written = secret.written(values, kept=kept or self.request.for_others)
        if not environments:
            prove_alone(_object(data, holder), _object(changed, holder), _secret_data(secret, written))
        listed = list_beside(self.workspace, path, secret.path) if secret.created else ()
        add_to(self.workspace, secret, written)
        self.workspace.write(path, changed, old=data)
        self.manifests.add(path)
        self.secrets[secret.path] = written.plain
        self.done.append(
            Extracted(
                target.shown,
                holder.shown,
                tuple(_values(extraction)),
                name,
                self._shown(secret.path),
                secret.created,
                tuple(map(self._shown, listed)),
                tuple(each.name for each in environments),
                written.recipients,
                self._is_committed(path, holder, extraction),
                (*extraction.warnings, *written.warnings),
            )
        )

    def finish(self) -> ExtractResult:
        """Prove what was planned, and write it.

        Raises:
            UnprotectedError: see `extract`.
            FileAccessError: a file was changed meanwhile, or can't be written; all stay as they are.
        """
        manifests = frozenset(self.manifests)
        warnings = prove(
            self.session,
            self.tree,
            self.settings,
            reaching(self.tree, self.settings, manifests),
            Proposal(manifests, self.secrets, self.workspace.planned),
            allow_undecrypted=self.request.allow_undecrypted,
        )
        if not self.request.dry_run:
            results = [
                Prepared(FileResult(each.path, Outcome.EXTRACTED, len(each.values), each.recipients))
                for each in self.done
            ]
            operation = Operation(COMMAND, place_of_tree(self.tree), self.workspace.changes())
            for result in write_files(self.session, results, operation):
                if result.error is not None:
                    raise result.error
        return ExtractResult(tuple(self.done), warnings=warnings, dry_run=self.request.dry_run)

    def _is_committed(self, path: str, holder: Holder, extraction: Extraction) -> bool:
        """Whether the last commit has one of the values in the file."""
        if self.tree.repository is None:
            return False
        blob = self.tree.repository.read_head_blobs([path]).contents.get(path)
        if blob is None:
            return False
        try:
            former = load_either(blob, self.tree.limits)
        except FluxsecretsError:
            return True  # nobody can tell
        places = [holder.base + each.path for each in extraction.moved]
        return any(
            find(part, place) is not None
            for part in former[holder.part : holder.part + 1]
            for place in places
        )

    def _to(self) -> str | None:
        if self.request.to is None:
            return None
        path = (self.session.cwd / self.request.to).resolve()
        root = self.tree.root.resolve()
        if not path.is_relative_to(root):
            raise UsageError(
                f"{self.request.to} is outside of the repository", hint="name a file in the repository"
            )
        return path.relative_to(root).as_posix()

    def _shown(self, path: str) -> str:
        return self.session.shown(self.tree.root / path)


def _built(environments: Iterable[Environment], path: str) -> tuple[Object, ...]:
    """The objects that Flux builds of a file; none of a patch."""
    return tuple(item for each in environments for _, item in each.graph.objects if item.file == path)


def _object(data: bytes, holder: Holder) -> Plain:
    node = find(load_either(data)[holder.part], holder.base)
    found = to_data(node) if node is not None else None
    return found if isinstance(found, dict) else {}


def _secret_data(secret: SecretFile, written: Written) -> Plain:
    found = to_data(load_either(written.plain)[secret.part or 0])
    return found if isinstance(found, dict) else {}


def _values(extraction: Extraction) -> Iterator[MovedValue]:
    for each in extraction.moved:
        yield MovedValue(show_path(each.path), each.line, each.key, each.how)
