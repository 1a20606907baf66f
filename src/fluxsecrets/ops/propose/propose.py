"""Propose a value for a Secret: an encrypted patch beside it, which Flux applies.

No key is needed: the patch has a data key of its own, wrapped for the recipients of the Secret's file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import replace

from fluxsecrets.errors import FluxsecretsError, FormatError, UsageError
from fluxsecrets.marks import is_proposal_name
from fluxsecrets.ops.files.content import parse
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import FLUX_SELECTOR, Overrides, Policy, policy_for
from fluxsecrets.ops.policy.strangers import accepted, compare_with_rule, judge
from fluxsecrets.ops.policy.validity import refuse_invalid
from fluxsecrets.ops.run.inputs import Target, refuse_folder
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.onefile import refuse_interrupted
from fluxsecrets.ops.run.results import FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.ops.run.writer import Operation, place_of_tree, write_files
from fluxsecrets.repo.environments import Environment, load_environments
from fluxsecrets.repo.kustomize.build import Builder
from fluxsecrets.repo.manifests import child, text_of
from fluxsecrets.repo.proposals import MAPS, read_entries
from fluxsecrets.repo.secretrules import decode_base64
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.sourceignore import artifact
from fluxsecrets.repo.tree import Tree, open_tree, parent, with_planned
from fluxsecrets.sops.document import Data, Document, Leaf, find
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.formats.yaml.block import render_block
from fluxsecrets.sops.selectors import compile_selector

from .entries import with_entries
from .model import KeyChange, Proposed, ProposeRequest
from .patchfile import file_names, removal_patch, value_patch
from .proof import failing, judge_all, load_only, refuse_undecrypted, refuse_worse
from .reach import Use, choose_file, named_file, uses_of
from .secretfile import EncryptedSecret, key_of, read_secret
from .shape import narrowing_text, shape_of

COMMAND = "propose"
"""The name under which an interrupted run is completed or taken back."""


def propose(session: Session, request: ProposeRequest, new: Callable[[], bytes]) -> Proposed:
    """Write a proposal, and the entry that makes Flux apply it.

    Args:
        session: the run; none of its identities is needed.
        request: what to propose.
        new: returns the value; called when it is known that and where it can be proposed.

    Raises:
        UsageError: the file or key is unclear, or a kustomization file has to be chosen.
        NotEncryptedError: the Secret is plain.
        UnprotectedError: the file's block names strangers, or Flux would not apply the proposal.
        ConfigError: Flux doesn't reach the Secret, or rules are invalid.
        FormatError, FileAccessError, RecipientError: a file can't be read, or a value can't be proposed.
    """
    refuse_folder(session, request.path)
    target = select(session, [request.path]).targets[0]
    if is_proposal_name(target.path.name):
        raise UsageError("this file is a proposal itself", path=target.shown, hint="name the Secret's file")
    if target.problem is not None:
        raise target.problem
    tree = open_tree(target.path.parent, limits=session.limits)
    refuse_interrupted((tree.root / "-",))
    try:
        return _Proposer(session, request, target, tree).run(new)
    except FluxsecretsError as error:
        raise error.in_file(target.shown) from None


class _Proposer:
    """One run, with what it looks up once."""

    def __init__(self, session: Session, request: ProposeRequest, target: Target, tree: Tree) -> None:
        self.session = session
        self.request = request
        self.target = target
        self.tree = tree
        self.settings: Settings = load_settings(tree)
        self.warnings: list[str] = []

    def run(self, new: Callable[[], bytes]) -> Proposed:
        key = key_of(self.request.key)
        found = read_secret(self.tree, self.target, key, self.request.document)
        self.check_block(found)
        if getattr(found.node.get("immutable"), "value", None) is True:
            self.warnings.append("the Secret is immutable: the API server refuses other values for it")
        shape = shape_of(found.node, found.metadata, key)
        environments = load_environments(self.tree, self.settings)
        uses = uses_of(environments, found.path, found.part)
        chosen = self.file(uses)
        workspace = Workspace(self.tree)
        file = chosen if chosen is not None else self.create(workspace, uses)
        data = workspace.read(file)
        maps = self.maps_with(found, key, file, data)
        change = KeyChange.CHANGED if maps else KeyChange.ADDED
        recipients: tuple[str, ...] = ()
        narrowing: str | None = None
        if self.request.remove:
            if not maps:
                raise UsageError(f"the Secret has no key {key!a}", hint="check the spelling")
            path = self.patch_path(found, file, key)
            patch = removal_patch(found.id, maps, found.node, key, self.remark(found))
            change = KeyChange.REMOVED
        else:
            path = self.patch_path(found, file, key)
            overlay = chosen is not None and all(use.chain[:1] != (file,) for use in uses)
            policy = self.policy(found, path, (shape.other, key), overlay=overlay)
            substituted = any(use.substituted for use in uses)
            plain = value_patch(
                found.id,
                shape,
                found.node,
                key,
                self.value(new),
                self.remark(found),
                substituted=substituted,
            )
            patch = self.encrypted(plain, policy)
            recipients = names_of(policy.groups, policy.names)
            if shape.narrowing is not None:
                narrowing = narrowing_text(found.id, shape.narrowing)
        workspace.write(path, patch, old=None)
        changed = with_entries(data, file, path, found.id, narrowing, self.session.limits)
        workspace.write(file, changed, old=None if chosen is None else data)
        self.prove(environments, uses, workspace, path)
        if not self.request.dry_run:
            result = FileResult(
                self.shown(path), Outcome.PROPOSED, 0 if self.request.remove else 1, recipients
            )
            operation = Operation(COMMAND, place_of_tree(self.tree), workspace.changes())
            write_files(self.session, [Prepared(result)], operation)
        return Proposed(
            self.shown(path),
            self.shown(file),
            chosen is None,
            self.target.shown,
            key,
            change,
            self.reached(uses, file),
            recipients,
            tuple(dict.fromkeys(self.warnings)),
            self.request.dry_run,
        )

    def file(self, uses: tuple[Use, ...]) -> str | None:
        """The kustomization file that is to name the proposal, or None if Flux takes the folder as it is."""
        if self.request.kustomization is None or not uses:
            return choose_file(uses, self.request.environment, self.shown)
        if self.request.environment is not None:
            raise UsageError("--kustomization and --env both choose the file", hint="give one of them")
        path = (self.session.cwd / self.request.kustomization).resolve()
        root = self.tree.root.resolve()
        inside = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        return named_file(uses, inside, self.shown)

    def shown(self, path: str) -> str:
        """A path as the user would name it."""
        return self.session.shown(self.tree.root / path)

    def remark(self, found: EncryptedSecret) -> str:
        """The first line of a proposal."""
        name = found.path.rpartition("/")[2]
        where = name if name.isprintable() else "another file"  # a line break would end the comment
        return f"A proposal for the Secret in {where}: `fluxsecrets fold` moves it there."

    # The Secret.

    def check_block(self, found: EncryptedSecret) -> None:
        """Refuse a block that protects less than is known to be right; see `strangers`."""
        differences = judge(self.session, self.target.path, found.metadata, found.document)
        accept = self.request.accept_recipients
        self.warnings += accepted(differences, self.names(), accept=accept)

    def names(self) -> dict[str, str]:
        """Names of recipients, for messages and the result."""
        from fluxsecrets.ops.files.reencrypt import recipient_names

        return dict(recipient_names(self.session, self.target))

    def maps_with(self, found: EncryptedSecret, key: str, file: str, data: bytes) -> tuple[str, ...]:
        """The maps that have a key, in the Secret or in proposals for it that wait already."""
        maps = [name for name in MAPS if isinstance(find(found.node, (name, key)), Leaf)]
        for entry in read_entries(data, file, self.session.limits):
            if not entry.is_proposal or entry.path not in self.tree.files or entry.path is None:
                continue
            patch = parse(YamlFormat(), self.tree.read(entry.path), self.session.limits)
            part = patch.parts[0]
            if text_of(child(part, "metadata", "name")) != found.id.name:
                continue
            waiting = [name for name in MAPS if find(part, (name, key)) is not None]
            if waiting:
                self.warnings.append(
                    f"{self.shown(entry.path)} is a proposal for {key} too: the later one counts"
                )
            maps += [name for name in waiting if getattr(find(part, (name, key)), "value", None) is not None]
        return tuple(name for name in MAPS if name in maps)

    # The patch.

    def value(self, new: Callable[[], bytes]) -> bytes:
        data = new()
        if not self.request.raw:
            return data
        decoded = decode_base64(data.decode("ascii", "replace"))
        if decoded is None:
            raise UsageError("with --raw the value must be base64", hint="omit --raw to take it as it is")
        return decoded

    def patch_path(self, found: EncryptedSecret, file: str, key: str) -> str:
        """The path of a new patch beside a kustomization file, if possible one with the Secret's rule."""
        own = self.rule_line(found.path)
        name = found.path.rpartition("/")[2]
        for number in range(1, 1000):
            paths = [posixpath.join(parent(file), each) for each in file_names(name, key, number)]
            if any((self.tree.root / path).exists() or path in self.tree.files for path in paths):
                continue
            return next((path for path in paths if self.rule_line(path) == own), paths[0])
        raise UsageError(f"too many proposals for {key!a} wait already", hint="fold them first")

    def rule_line(self, path: str) -> object:
        """What tells the creation rule of a file from others, or None."""
        applied = self.session.rules_for(self.tree.root / path)
        if applied is None or applied.rule is None:
            return None
        return applied.config.path, applied.rule.index

    def policy(self, found: EncryptedSecret, path: str, place: tuple[str, str], *, overlay: bool) -> Policy:
        """For whom the patch is encrypted: for the recipients of the Secret's file.

        A patch in an overlay follows the creation rule for its own place, if there is one.
        """
        metadata = found.metadata
        names = self.names()
        own = Policy(
            metadata.recipients,
            metadata.shamir_threshold,
            metadata.selector,
            metadata.mac_only_encrypted,
            names,
        )
        ruled = self.rule_line(path) is not None
        if overlay and ruled:
            by_rule = policy_for(self.session, self.tree.root / path, Overrides())
            own = replace(by_rule, names={**names, **by_rule.names})
        elif ruled:
            differences = compare_with_rule(self.session, self.tree.root / path, metadata, found.document)
            self.warnings += accepted(differences, names, accept=self.request.accept_recipients)
        if own.selector is None or not compile_selector(own.selector).encrypts(place):
            own = replace(own, selector=FLUX_SELECTOR)
        return own

    def encrypted(self, plain: bytes, policy: Policy) -> bytes:
        """A patch, encrypted with a new data key."""
        made = encrypt_content(
            YamlFormat(),
            plain,
            policy,
            self.session.providers,
            now=self.session.now(),
            limits=self.session.limits,
            check=_refuse_invalid,
        )
        self.warnings += made.warnings
        return made.data

    # The kustomization file.

    def create(self, workspace: Workspace, uses: tuple[Use, ...]) -> str:
        """Write the kustomization file that Flux would write for the folder, to have a place for `patches`.

        Raises:
            UsageError: nobody asked for it.
        """
        folder = uses[0].folder
        listed = Builder(artifact(self.tree)).scan(folder)
        file = posixpath.join(folder, "kustomization.yaml")
        if not self.request.create_kustomization:
            raise UsageError(
                f"the folder {self.shown(folder)} has no kustomization file, in which a proposal is named",
                hint="add --create-kustomization to write one with the files that Flux takes there now; "
                "from then on, new files have to be added to it",
            )
        resources: list[Data] = [posixpath.relpath(path, folder or ".") for path in listed]
        data: dict[str, Data] = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": resources,
        }
        text = "".join(f"{line}\n" for line in render_block(data, 2))
        workspace.write(file, text.encode(), old=None)
        return file

    # The proof.

    def prove(
        self, environments: tuple[Environment, ...], uses: tuple[Use, ...], workspace: Workspace, path: str
    ) -> None:
        """Make sure that Flux applies the proposal, and all else as before."""
        names = {use.environment for use in uses}
        files = frozenset(workspace.paths)
        planned = with_planned(self.tree, workspace.planned)
        before = judge_all(self.session, (each for each in environments if each.name in names), self.settings)
        after = judge_all(self.session, load_only(planned, self.settings, files, names), self.settings)
        if not self.request.remove:
            refuse_undecrypted(after, path)
        refuse_worse(before, after, files)
        self.warnings += failing(after, files)

    def reached(self, uses: tuple[Use, ...], file: str) -> tuple[str, ...]:
        """The environments in which Flux applies a patch of a kustomization file to the Secret."""
        return tuple(dict.fromkeys(use.environment for use in uses if not use.chain or file in use.chain))


def _refuse_invalid(document: Document) -> None:
    """Refuse a patch after which Kubernetes would refuse the Secret; see `validity.refuse_invalid`."""
    try:
        refuse_invalid(document)
    except FormatError as error:
        raise FormatError(error.message, hint="choose another key, or another value") from None
