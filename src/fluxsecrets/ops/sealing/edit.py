"""Edit a file of SealedSecrets, or set and remove one value in it.

A certificate is enough to add and replace values. With the controller's private key, the editor shows the
values that are there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, FormatError, UsageError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.files.decrypt import parse_key
from fluxsecrets.ops.files.desk import Ask, Desk, Edit, Given, kept_aside
from fluxsecrets.ops.files.edit import EditOutcome
from fluxsecrets.ops.files.getting import ValueRequest
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.files.values import NewValue, ValueChange, ValueResult
from fluxsecrets.ops.manifests.placement import NOWHERE, Place, read_placement
from fluxsecrets.ops.run.inputs import Target, refuse_folder
from fluxsecrets.ops.run.onefile import refuse_interrupted, refuse_read_only, replace_file
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sealed.model import SealedSecret, is_sealed, read_sealed
from fluxsecrets.sealed.opening import open_one
from fluxsecrets.sealed.scopes import Scope, label_of
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats.changing import remove_value, set_value
from fluxsecrets.sops.formats.either import parse_either

from .certificates import announced_certificate, environments_with
from .editing import EditedSealed, seal_edited, show_sealed, value_sealer
from .seal import check_sealed_content
from .sealers import Sealers
from .unseal import is_sealed_part

_FIELD = ("spec", "encryptedData")


@dataclass(frozen=True, slots=True)
class SealedEditResult:
    """The result of editing.

    Attributes:
        sealed: the number of values that were sealed.
        kept: the number of values that kept their ciphertext.
    """

    path: str
    outcome: EditOutcome
    sealed: int = 0
    kept: int = 0
    warnings: tuple[str, ...] = ()


def edit_sealed(
    session: Session, text: str, edit: Edit | Given, ask: Ask, sealers: Sealers
) -> SealedEditResult:
    """Edit a file of SealedSecrets. Values that stay as they are keep their ciphertext.

    Args:
        session: the run.
        text: the path as given.
        edit: runs the editor, or is the edited text.
        ask: asks whether to continue after an error.
        sealers: the certificate and private keys.

    Raises:
        CertificateError: no valid certificate was found.
        FileAccessError: the file can't be read or replaced; the message says where the edited text is.
        FluxsecretsError: the edited text can't be sealed, and the user gave up.
    """
    opened = _open(session, text)
    try:
        certificate = opened.certificate(session, sealers)
        keys = load_keys(session, sealers.private_keys, required=False)
        shown = show_sealed(opened.content.data, keys, opened.namespace, session.limits)
        seal = value_sealer(certificate.key)

        def sealed(edited: bytes) -> EditedSealed:
            return seal_edited(shown, edited, seal, opened.namespace)

        format_name, limit = shown.document.format, session.limits.size
        desk = edit if isinstance(edit, Given) else Desk(edit, ask, format_name, limit)
        done = desk.until_encrypted(opened.target.path.name, shown.text, sealed)
    except FluxsecretsError as error:
        raise error.in_file(opened.target.shown) from None
    if done is None or done.data == opened.content.data:
        return SealedEditResult(opened.target.shown, EditOutcome.UNCHANGED)
    try:
        session.warn_of(opened.target.path, replace_file(opened.content, done.data))
    except FluxsecretsError as error:
        error.path = opened.target.shown
        error = kept_aside(session, opened.target.path, done.data, error)
        error.hint = "compare the two files, then rename one or delete it"
        raise error from None
    return SealedEditResult(opened.target.shown, EditOutcome.EDITED, done.sealed, done.kept, done.warnings)


def set_sealed(
    session: Session, request: ValueRequest, new: Callable[[], NewValue], sealers: Sealers
) -> ValueResult:
    """Seal one value into a file. Everything else in it stays unchanged.

    Raises:
        UsageError: the key or the SealedSecret is unclear, the value is not a string, or an option is for
            Secrets only.
        CertificateError: no valid certificate was found.
        FormatError: the SealedSecret has no namespace, or its text can't be changed.
    """
    if request.raw or request.plain:
        raise UsageError(
            "--raw and --plain are for Secrets, and this is a SealedSecret",
            hint="give the value itself, as bytes with --value-file FILE",
            path=request.path,
        )
    opened = _open(session, request.path)
    try:
        format_, document = parse_either(opened.content.data, session.limits)
        part, sealed, key = _place(document, request)
        certificate = opened.certificate(session, sealers)
        label = opened.label(sealed)
        value = _bytes(new(), key)
        keys = load_keys(session, sealers.private_keys, required=False)
        before = sealed.encrypted.get(key)
        known = open_one(keys, before, label, key) if before is not None and keys else None
        if known is not None and known.data == value:
            return ValueResult(opened.target.shown, key, ValueChange.UNCHANGED, dry_run=request.dry_run)
        text = value_sealer(certificate.key)(value, label)
        data = set_value(format_, document, (*_FIELD, key), text, session.limits, part=part)
        check_sealed_content(data, len(sealed.encrypted))
        if not request.dry_run:
            session.warn_of(opened.target.path, replace_file(opened.content, data))
    except FluxsecretsError as error:
        raise error.in_file(opened.target.shown) from None
    change = ValueChange.ADDED if before is None else ValueChange.CHANGED
    return ValueResult(opened.target.shown, key, change, dry_run=request.dry_run)


def unset_sealed(session: Session, request: ValueRequest) -> ValueResult:
    """Remove one value from a file. No key is needed.

    Raises:
        UsageError: the key does not exist, or is the only one.
    """
    opened = _open(session, request.path)
    try:
        format_, document = parse_either(opened.content.data, session.limits)
        part, sealed, key = _place(document, request)
        if key not in sealed.encrypted:
            raise UsageError(
                f"the SealedSecret has no value {key!a}", hint=f"it has {', '.join(sealed.encrypted)}"
            )
        if len(sealed.encrypted) == 1:
            raise UsageError(
                f"{key!a} is its only value", hint="delete the SealedSecret, and what refers to it"
            )
        data = remove_value(format_, document, (*_FIELD, key), session.limits, part=part)
        check_sealed_content(data, len(sealed.encrypted) - 1)
        if not request.dry_run:
            session.warn_of(opened.target.path, replace_file(opened.content, data))
    except FluxsecretsError as error:
        raise error.in_file(opened.target.shown) from None
    return ValueResult(opened.target.shown, key, ValueChange.REMOVED, dry_run=request.dry_run)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file of SealedSecrets that is going to be changed.

    Attributes:
        places: where Flux puts its objects, by namespace and name in the file.
    """

    target: Target
    content: FileContent
    tree: Tree | None
    places: dict[tuple[str, str], Place]

    def certificate(self, session: Session, sealers: Sealers) -> Certificate:
        """Return the certificate to seal for, and warn if another cluster uses the file, too."""
        path = self.target.repository_path
        found = announced_certificate(
            session, self.tree, cert=sealers.cert, environment=None, files=(path,) if path else ()
        )
        if self.tree is not None and path is not None and session.warn is not None:
            same = environments_with(session, self.tree, found)
            shared = read_placement(self.tree).shared(path, None, same)
            if shared is not None:
                session.warn(f"{self.target.shown}: {shared}")
        return found.certificate

    def namespace(self, sealed: SealedSecret) -> str:
        """Return the namespace in which Flux applies a SealedSecret, or its own."""
        place = self.places.get((sealed.namespace, sealed.name), NOWHERE)
        return place.namespaces[0] if len(place.namespaces) == 1 else sealed.namespace

    def label(self, sealed: SealedSecret) -> bytes:
        """Return the label for new values of a SealedSecret.

        Raises:
            FormatError: its place is unclear.
        """
        place = self.places.get((sealed.namespace, sealed.name), NOWHERE)
        namespace = self.namespace(sealed)
        if sealed.scope is not Scope.CLUSTER and (not namespace or len(place.namespaces) > 1):
            raise FormatError(
                f"the SealedSecret {sealed.name!a} has no namespace, or several, and the scope "
                f"{sealed.scope} binds it to one",
                hint="add metadata.namespace, or make a file for each",
            )
        if place.names and sealed.scope is Scope.STRICT:
            raise FormatError(
                f"the SealedSecret {sealed.name!a} is called {place.names[0]!a} in the cluster, and its "
                "scope binds it to its name",
                hint="remove the prefix or suffix that kustomize adds",
            )
        return label_of(sealed.scope, namespace, sealed.name)


def _open(session: Session, text: str) -> _Opened:
    refuse_folder(session, text)
    target = select(session, [text]).targets[0]
    if target.problem is not None:
        raise target.problem
    refuse_interrupted((target.path,))
    try:
        content = read_file(target.path, limit=session.limits.size)
        refuse_read_only(content)  # before the user does any work
    except FluxsecretsError as error:
        error.path = target.shown
        raise
    if target.repository is None or target.repository_path is None:
        return _Opened(target, content, None, {})
    tree = open_tree(target.path.parent, limits=session.limits)
    placed = read_placement(tree).of(target.repository_path)
    places = {
        (manifest.namespace or "", manifest.name or ""): placed[manifest.index]
        for manifest in read_manifests(content.data, target.shown, session.limits).manifests
        if is_sealed(manifest) and manifest.index in placed
    }
    return _Opened(target, content, tree, places)


def _place(document: Document, request: ValueRequest) -> tuple[int, SealedSecret, str]:
    """Return the part of the file, the SealedSecret and the key of a value.

    Raises:
        UsageError: the key is not one, or several SealedSecrets could be meant.
    """
    parts = document.parts
    found = [number for number, part in enumerate(parts) if is_sealed_part(part)]
    if request.document is not None:
        found = [number for number in found if number == request.document - 1]
    if len(found) != 1:
        raise UsageError(
            "there are several SealedSecrets in it" if found else "this document is not a SealedSecret",
            hint="choose one with --document N",
        )
    sealed = read_sealed(parts[found[0]])
    if sealed.legacy is not None:
        raise FormatError(
            "it has all values in one, as in the first versions", hint="unseal it, and seal it again"
        )
    return found[0], sealed, _key(request.key)


def _key(text: str) -> str:
    """Return the key of a Secret: `password`, or with its place, `spec.encryptedData.password`."""
    path = parse_key(text)
    if path is not None:
        if path[:-1] not in ((), _FIELD) or not isinstance(path[-1], str):
            raise UsageError(
                f"{text!a} is not a value of a SealedSecret",
                hint="""write '["spec"]["encryptedData"]["password"]', or password""",
            )
        return path[-1]
    key = text.removeprefix("spec.encryptedData.")
    if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key):
        raise UsageError(
            f"the key {key!a} is not allowed in a Secret", hint="keys are letters, digits, -, _ and ."
        )
    return key


def _bytes(new: NewValue, key: str) -> bytes:
    if new.data is None:
        raise UsageError(f"the value of {key!a} must be a string", hint="omit --json and brackets")
    if is_ciphertext(new.data.decode("utf-8", "replace")):
        raise UsageError(
            "the value is a SOPS ciphertext, and the application would get that",
            hint="use the plain value: `fluxsecrets get FILE KEY`",
        )
    return new.data
