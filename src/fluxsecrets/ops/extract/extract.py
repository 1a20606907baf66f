"""Extract values: the plan for each object, the proof, and the write as one step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.flux.since import LITERAL, TARGET_PATH, has, is_sure
from fluxsecrets.ops.files.onlycopy import GitCopies
from fluxsecrets.ops.run.inputs import Target, refuse_folder
from fluxsecrets.ops.run.onefile import refuse_interrupted, refuse_read_only
from fluxsecrets.ops.run.results import FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.ops.run.writer import Operation, place_of_tree, write_files
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.shell import file_word
from fluxsecrets.sops.document import Leaf, Path, find

from .applied import Applied
from .choosing import WantedSecret, choose_secret
from .home import home_of, readers_for
from .listing import list_beside, listing
from .manifest import Holder, chosen_paths, edited, key_text, read_manifest
from .model import (
    Candidate,
    Extracted,
    Extraction,
    ExtractRequest,
    ExtractResult,
    Wanted,
)
from .planning import Home, Origin, built_of, committed, moved_values, new_keys, object_in, secret_data
from .proof import Proposal, prove, prove_alone
from .readers import secret_names
from .remains import MovedText, moved_texts, remains, staged_in
from .secretfile import SecretFile, add_to
from .surroundings import OfOne, Surroundings, Versions

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
    run = Extractor(session, request, tree, OfOne(tree))
    try:
        if not request.keys:
            return ExtractResult(candidates=tuple(run.candidates(target, inside)), dry_run=True)
        run.add(inside, request.keys)
        run.prove()
        return run.finish()
    except FluxsecretsError as error:
        raise error.in_file(target.shown) from None


class Extractor:
    """One run: objects are added, then all that changes is proved and written as one step."""

    def __init__(
        self, session: Session, request: ExtractRequest, tree: Tree, surroundings: Surroundings
    ) -> None:
        """Take a repository, and what runs on the same repository share."""
        self.session = session
        self.request = request
        self.tree = tree
        self.surroundings = surroundings
        self.settings = surroundings.settings
        self.versions = Versions(session, self.settings)
        self.workspace = Workspace(tree)
        self.copies = GitCopies()
        self.done: list[Extracted] = []
        self._moved: list[tuple[MovedText, ...]] = []
        self._origins: list[Origin] = []
        self._listed: dict[str, list[str]] = {}
        self.manifests: set[str] = set()
        self.secrets: dict[str, bytes] = {}
        self.warnings: tuple[str, ...] = ()

    def candidates(self, target: Target, path: str) -> Iterator[Candidate]:
        """Yield the values of a file that could be extracted, by their keys."""
        file = read_manifest(self.tree.read(path), self.tree.limits, path)
        for holder in file.holders:
            if holder.place.at_reader and not readers_for(
                path, holder, self.surroundings.reaching(frozenset({path}))
            ):
                continue  # it may be anything
            for literal in holder.place.literals(holder.node):
                written = find(holder.node, literal.path)
                if not (isinstance(written, Leaf) and written.alias):  # that is another value's text
                    yield Candidate(target.shown, holder.shown, key_text(literal.path), literal.line)

    def add(self, path: str, keys: Iterable[str]) -> None:
        """Plan to extract the values of a file that keys name.

        Raises:
            FluxsecretsError: see `extract`.
        """
        file = read_manifest(self.workspace.read(path), self.tree.limits, path)
        for at, paths in chosen_paths(file, keys, self.request.document).items():
            self.add_paths(path, at, paths)

    def add_paths(self, path: str, at: int, paths: tuple[Path, ...]) -> None:
        """Plan to extract values of one object.

        Args:
            path: of the file, relative to the root.
            at: the position of the object among the holders of the file.
            paths: of the values, below the object.

        Raises:
            FluxsecretsError: see `extract`. Nothing is planned then.
        """
        data = self.workspace.read(path)
        holder = read_manifest(data, self.tree.limits, path).holders[at]
        environments = self.surroundings.reaching(frozenset({path}))
        readers = readers_for(path, holder, environments)
        home = home_of(path, holder, readers)
        secret = self._secret(home, holder, environments)
        wanted = Wanted(holder.node, paths, secret.name, secret.keys, readers=readers)
        extraction = holder.place.extract(self._as_applied(wanted, path, environments))
        done = edited(data, holder, extraction.edits, self.tree.limits)
        changed = done.data
        others = self._elsewhere(extraction, {path: changed})
        kept = self.copies.has(self.tree.repository, self.tree.read(path))
        values = new_keys(extraction, done)
        written = secret.written(values, kept=kept or self.request.for_others)
        if not environments:
            prove_alone(object_in(data, holder), object_in(changed, holder), secret_data(secret, written))
        listed = self._list(home.path, secret.path) if secret.created else ()
        add_to(self.workspace, secret, written)
        for file, content in others.items():
            self.workspace.write(file, content, old=self.workspace.read(file))
            self.manifests.add(file)
        self.secrets[secret.path] = written.plain
        self._moved.append(tuple(moved_texts(path, holder.node, extraction)))
        self._origins.append(Origin.of(path, holder, extraction))
        self.done.append(
            Extracted(
                self.shown(path),
                holder.shown,
                tuple(moved_values(extraction)),
                secret.name,
                self.shown(secret.path),
                secret.created,
                tuple(self.shown(file) for file in others if file != path),
                tuple(map(self.shown, listed)),
                tuple(each.environment.name for each in environments),
                written.recipients,
                warnings=(*extraction.warnings, *written.warnings),
            )
        )

    def _as_applied(self, wanted: Wanted, path: str, environments: Collection[Applied]) -> Wanted:
        """Add what Flux makes of an object in a file, which decides about the ways to refer to a Secret."""
        built = built_of(environments, path)
        versions = [self.versions.of(each) for each in environments]
        takes_literal = all(is_sure(each, LITERAL) and has(each, LITERAL) for each in versions)
        return replace(
            wanted,
            keep_empty=any(item.patched_by for item in built),
            patch=bool(environments) and not built,
            literal=bool(versions) and takes_literal,
            lists=all(has(each, TARGET_PATH) for each in versions),
        )

    def _secret(self, home: Home, holder: Holder, environments: Collection[Applied]) -> SecretFile:
        """Return the file of the Secret; a new one gets a name that no other Secret has."""
        wanted = self.request.secret or holder.place.secret_name(home.node)
        used = secret_names(environments)
        for name in (wanted, *(f"{wanted}-{number}" for number in range(2, 100))):
            chosen = WantedSecret(home.path, name, home.namespace, self._to(), self.secrets.keys())
            found = choose_secret(self.session, self.surroundings.files, chosen, environments)
            if not found.created or name not in used:
                return found
            if self.request.secret is not None:
                break
        raise UsageError(
            f"something else makes or uses a Secret {wanted}", hint="name another one with --secret NAME"
        )

    def prove(self) -> None:
        """Make sure that Flux applies the same as before.

        Raises:
            UnprotectedError, FormatError: see `extract`.
        """
        list_beside(self.workspace, self._listed)
        self._listed.clear()
        manifests = frozenset(self.manifests)
        self.warnings = prove(
            self.session,
            self.tree,
            self.settings,
            [each.environment for each in self.surroundings.reaching(manifests)],
            Proposal(manifests, self.secrets, self.workspace.planned),
            allow_undecrypted=self.request.allow_undecrypted,
        )

    def finish(self) -> ExtractResult:
        """Write what was planned.

        Raises:
            FileAccessError: a file is read-only, was changed meanwhile, or can't be written; all stay as they
                are.
        """
        for path in self.workspace.paths:
            if path in self.tree.files:
                self._refuse_read_only(path)
        if self.done and not self.request.dry_run:
            results = [
                Prepared(FileResult(each.path, Outcome.EXTRACTED, len(each.values), each.recipients))
                for each in self.done
            ]
            operation = Operation(COMMAND, place_of_tree(self.tree), self.workspace.changes())
            for result in write_files(self.session, results, operation):
                if result.error is not None:
                    raise result.error
            self.warnings = (*self.warnings, *self._ignored())
        repository = None if self.request.dry_run else self.tree.repository
        staged = staged_in(repository, self._moved) if repository is not None else frozenset()
        done = tuple(
            replace(
                each,
                in_history=in_history,
                warnings=(*each.warnings, *remains(moved, self.workspace.read, staged, each.path)),
            )
            for each, moved, in_history in zip(
                self.done, self._moved, committed(self.tree, self._origins), strict=True
            )
        )
        return ExtractResult(done, warnings=self.warnings, dry_run=self.request.dry_run)

    def _ignored(self) -> Iterator[str]:
        """Yield a sentence for each written Secret that git leaves out: nothing tells before it exists."""
        if self.tree.repository is None:
            return
        known = frozenset(self.tree.repository.files())
        for path in self.secrets:
            if path not in known:
                shown = self.shown(path)
                yield f"git ignores {shown}, and Flux needs it: run `git add --force {file_word(shown)}`"

    def _refuse_read_only(self, path: str) -> None:
        try:
            refuse_read_only(read_file(self.tree.root.resolve() / path, limit=self.session.limits.size))
        except FluxsecretsError as error:
            error.path, error.hint = self.shown(path), "make it writable first: `chmod u+w FILE`"
            raise

    def _elsewhere(self, extraction: Extraction, changed: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the new contents of all manifests, with those of other objects that read the values."""
        contents = dict(changed)
        for each in extraction.elsewhere:
            data = contents[each.file] if each.file in contents else self.workspace.read(each.file)
            contents[each.file] = edited(data, each, each.edits, self.tree.limits).data
        return contents

    def _list(self, manifest: str, new: str) -> tuple[str, ...]:
        """Plan to add a new file to the kustomization files that name a manifest; return them."""
        found = listing(self.surroundings.listed(manifest), manifest, new)
        for path in found:
            self._listed.setdefault(path, []).append(new)
        return found

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

    def shown(self, path: str) -> str:
        """Return a path as the user would write it."""
        return self.session.shown(self.tree.root / path)
