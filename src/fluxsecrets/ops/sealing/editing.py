"""Show SealedSecrets as text for an editor, and seal what was changed in it: bytes in, bytes out.

The text is the file itself, with values in place of ciphertexts. A value that can't be read, or is not text,
is a placeholder. What stays as it was shown keeps its ciphertext, and its spelling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import (
    AlreadyEncryptedError,
    FluxsecretsError,
    FormatError,
    IntegrityError,
    UnprotectedError,
    UsageError,
)
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.manifests.comments import is_commented_out
from fluxsecrets.repo.manifests import line_of, read_manifests
from fluxsecrets.sealed.codec import check_sealed, seal_value
from fluxsecrets.sealed.keys import SealingKey
from fluxsecrets.sealed.model import KIND, SealedSecret, read_sealed
from fluxsecrets.sealed.opening import open_one
from fluxsecrets.sealed.scopes import Scope, label_of
from fluxsecrets.sops.document import Change, Comment, Document, Kept, Leaf, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.formats.either import parse_either
from fluxsecrets.sops.traces import is_telling, values_in_comments
from fluxsecrets.sops.values import Value

from .seal import check_sealed_content, is_secret_part
from .unseal import is_sealed_part

_MARK = "<sealed value of "
_KEEP = "unchanged while this text stays>"
_ENCRYPTED = ("spec", "encryptedData")

Namespaces = Callable[[SealedSecret], str]
"""Returns the namespace of a SealedSecret in the cluster, or ""."""

SealOne = Callable[[bytes, bytes], str]
"""Seals a value for a label."""


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A sealed value and what stands for it in the editor.

    Attributes:
        text: the value, or a placeholder; not in the repr.
        value: the value, or None if it can't be read.
        leaf: the ciphertext in the file.
    """

    text: str = field(repr=False)
    value: bytes | None = field(repr=False)
    leaf: Leaf = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShownObject:
    """A SealedSecret in the editor.

    Attributes:
        label: the label of its values.
        values: by key.
    """

    namespace: str
    name: str
    label: bytes
    values: Mapping[str, ShownValue]


@dataclass(frozen=True, slots=True)
class Shown:
    """A file of SealedSecrets in the editor.

    Attributes:
        text: what the editor shows; not in the repr.
        document: the file as it is.
    """

    text: bytes = field(repr=False)
    objects: tuple[ShownObject, ...]
    document: Document = field(repr=False)
    format: Format
    limits: Limits


@dataclass(frozen=True, slots=True)
class EditedSealed:
    """The file after the edit.

    Attributes:
        sealed: the number of values that were sealed.
        kept: the number of values that kept their ciphertext.
    """

    data: bytes = field(repr=False)
    sealed: int
    kept: int
    warnings: tuple[str, ...] = ()


def show_sealed(data: bytes, keys: Sequence[SealingKey], namespaces: Namespaces, limits: Limits) -> Shown:
    """Show the SealedSecrets of a file, with the values that the private keys open.

    Raises:
        FormatError: the file has no SealedSecret, or one that can't be edited; names its line.
        IntegrityError: a value was changed or is cut off.
    """
    for manifest in read_manifests(data, "", limits).manifests:
        if manifest.in_list and manifest.kind == KIND:
            raise FormatError(
                "a SealedSecret in a List can't be edited",
                line=manifest.line,
                hint="turn it into its own document",
            )
    format_, document = parse_either(data, limits)
    objects = tuple(
        _shown(part, keys, namespaces, readable=True) for part in document.parts if is_sealed_part(part)
    )
    if not objects:
        raise FormatError("it contains no SealedSecret", hint="name a file with one")
    text = _text(document, objects, format_)
    if not _holds(text, document, objects, format_, limits):
        # A value that the format can't write is a placeholder, too.
        objects = tuple(_only_placeholders(each) for each in objects)
        text = _text(document, objects, format_)
        if not _holds(text, document, objects, format_, limits):
            raise FormatError(
                "its text can't be changed without changing something else",
                hint="seal new values with `fluxsecrets seal --merge-into FILE -`",
            )
    return Shown(text, objects, document, format_, limits)


def _shown(
    part: MapNode, keys: Sequence[SealingKey], namespaces: Namespaces, *, readable: bool
) -> ShownObject:
    sealed = read_sealed(part)
    if sealed.legacy is not None:
        raise FormatError(
            "it has all values in one, as in the first versions",
            line=line_of(part),
            hint="unseal it, and seal it again",
        )
    namespace = namespaces(sealed)
    label = label_of(sealed.scope, namespace, sealed.name)
    values = {}
    for key, leaf in sealed.leaves.items():
        if leaf.alias:
            raise FormatError(
                f"the value of {key!a} is a YAML alias",
                line=leaf.line,
                hint="replace the alias with the value",
            )
        opened = open_one(keys, sealed.encrypted[key], label, key, leaf)
        values[key] = _value(sealed.name, key, leaf, None if opened is None else opened.data)
    return ShownObject(namespace, sealed.name, label, values)


def _value(name: str, key: str, leaf: Leaf, value: bytes | None) -> ShownValue:
    text = None if value is None else _as_text(value)
    return ShownValue(_placeholder(name, key, value) if text is None else text, value, leaf)


def _as_text(value: bytes) -> str | None:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # Such a value would be taken for a placeholder that somebody changed.
    return None if _MARK in text else text


def _placeholder(name: str, key: str, value: bytes | None) -> str:
    what = "" if value is None else f" ({len(value)} bytes that the editor can't show)"
    return f"{_MARK}{key} in {name}{what}, {_KEEP}"


def _only_placeholders(shown: ShownObject) -> ShownObject:
    values = {
        key: ShownValue(_placeholder(shown.name, key, each.value), each.value, each.leaf)
        for key, each in shown.values.items()
    }
    return ShownObject(shown.namespace, shown.name, shown.label, values)


def _text(document: Document, objects: Sequence[ShownObject], format_: Format) -> bytes:
    changes = [
        Change(value.leaf, value.text, encrypted=False) for each in objects for value in each.values.values()
    ]
    changes.sort(key=lambda change: change.target.start)
    return format_.rewrite(document, changes, None)


def _holds(
    text: bytes, document: Document, objects: Sequence[ShownObject], format_: Format, limits: Limits
) -> bool:
    """Whether the text holds the values, and everything else as it was."""
    wanted = {id(value.leaf): value.text for each in objects for value in each.values.values()}
    try:
        again = format_.parse(text, limits)
    except FluxsecretsError:
        return False
    before, after = list(document.leaves), list(again.leaves)
    return [leaf.path for leaf in before] == [leaf.path for leaf in after] and all(
        new.value == wanted.get(id(old), old.value) for old, new in zip(before, after, strict=True)
    )


# --- Back from the editor ------------------------------------------------------------------------------


def seal_edited(shown: Shown, edited: bytes, seal: SealOne, namespaces: Namespaces) -> EditedSealed:
    """Seal what was changed in the editor.

    Raises:
        FormatError: the text can't be parsed, or a value is not text or has no place.
        UnprotectedError: a value would be readable; names its line, not the value.
        UsageError: a value that can't be read would have to be sealed again.
    """
    document = shown.format.parse(edited, shown.limits)
    _refuse_plain_secrets(shown.document, document)
    run = _Sealing(shown, seal)
    for number, part in enumerate(document.parts):
        if is_sealed_part(part):
            _refuse_untyped(part)
            run.take(read_sealed(part), namespaces, _before(shown, part, number, document))
    laid_out = shown.format.laid_out_like(document, shown.document)
    changes = sorted(run.changes, key=lambda change: change.target.start)
    data = shown.format.rewrite(laid_out, changes, None)
    check_sealed_content(data, len(changes))
    _refuse_leaks(shown, shown.format.parse(data, shown.limits), run.plain)
    return EditedSealed(data, run.sealed, len(changes) - run.sealed, tuple(run.warnings))


def value_sealer(public_key: object) -> SealOne:
    """Return what seals values for a public key."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    assert isinstance(public_key, RSAPublicKey)  # noqa: S101 - of a certificate
    return lambda value, label: seal_value(public_key, value, label)


@dataclass(slots=True)
class _Sealing:
    """The values of one edit, as they are sealed."""

    shown: Shown
    seal: SealOne
    changes: list[Change] = field(default_factory=list)
    plain: dict[str, str] = field(default_factory=dict)
    sealed: int = 0
    warnings: dict[str, None] = field(default_factory=dict)

    def take(self, sealed: SealedSecret, namespaces: Namespaces, before: ShownObject | None) -> None:
        """Seal the values of one SealedSecret. `before` is what it was, or None for a new one."""
        _refuse_misplaced(sealed)
        namespace = namespaces(sealed)
        label = label_of(sealed.scope, namespace, sealed.name)
        for key, leaf in sealed.leaves.items():
            if leaf.alias:
                raise FormatError(f"the value of {key!a} is a YAML alias", line=leaf.line)
            kept = _kept(before, key, leaf) if before is not None else None
            if kept is None and _MARK in str(leaf.value):
                raise FormatError(
                    f"the value of {key!a} is a placeholder that was changed, or is from another object",
                    line=leaf.line,
                    hint="write the new value, or the placeholder as it was",
                )
            if kept is not None and before is not None and label == before.label:
                ciphertext = str(kept.leaf.value)
                former = Kept(self.shown.document.source, kept.leaf)
                self.changes.append(Change(leaf, ciphertext, encrypted=True, kept=former))
                continue
            if kept is None and _is_sealed(str(leaf.value)):
                # From `seal --raw`, or from git.
                self.changes.append(Change(leaf, str(leaf.value), encrypted=True))
                self.warnings[f"{key}: already sealed, and not checked for its place"] = None
                continue
            self.changes.append(Change(leaf, self._new(sealed, namespace, key, leaf, kept), encrypted=True))
            self.sealed += 1

    def _new(
        self, sealed: SealedSecret, namespace: str, key: str, leaf: Leaf, kept: ShownValue | None
    ) -> str:
        if sealed.scope is not Scope.CLUSTER and not namespace:
            raise FormatError(
                f"the SealedSecret {sealed.name!a} has no namespace, but the scope {sealed.scope} "
                "binds it to one",
                line=leaf.line,
                hint="add metadata.namespace",
            )
        if kept is None and is_ciphertext(str(leaf.value)):
            raise AlreadyEncryptedError(
                f"the value of {key!a} is a SOPS ciphertext, and the application would get that",
                line=leaf.line,
                hint="write the plain value",
            )
        value = str(leaf.value).encode() if kept is None else kept.value
        if value is None:
            raise UsageError(
                f"the value of {key!a} must be sealed again for its new name, namespace or scope, and can't "
                "be read",
                hint="write the value, or give the controller's key with --private-key",
            )
        self.plain[key] = value.decode("utf-8", "replace")
        return self.seal(value, label_of(sealed.scope, namespace, sealed.name))


def _before(shown: Shown, part: MapNode, number: int, document: Document) -> ShownObject | None:
    """Return what a SealedSecret was before the edit: the one of its name, else the one in its place."""
    name = read_sealed(part).name
    named = [each for each in shown.objects if each.name == name]
    if len(named) == 1:
        return named[0]
    places = [index for index, each in enumerate(document.parts) if is_sealed_part(each)]
    if len(places) != len(shown.objects):
        return None
    return shown.objects[places.index(number)]


def _kept(before: ShownObject, key: str, leaf: Leaf) -> ShownValue | None:
    """Return the value that stays: the key's own, or a placeholder's under a new key."""
    text = str(leaf.value)
    own = before.values.get(key)
    if own is not None and own.text == text:
        return own
    return next((each for each in before.values.values() if each.text == text and _MARK in text), None)


def _is_sealed(text: str) -> bool:
    try:
        check_sealed(text)
    except IntegrityError:
        return False
    return True


def _refuse_plain_secrets(before: Document, after: Document) -> None:
    """Refuse a SealedSecret that became something else, and a Secret that is new."""
    plain = [to_data(part) for part in before.parts if is_secret_part(part)]
    for part in after.parts:
        encrypted = part.get("spec")
        holds = isinstance(encrypted, MapNode) and encrypted.get("encryptedData") is not None
        if (holds and not is_sealed_part(part)) or (is_secret_part(part) and to_data(part) not in plain):
            raise UnprotectedError(
                "its values would be plain text, since only those of a SealedSecret are sealed",
                line=line_of(part),
                hint=f"write `kind: {KIND}`, and the values under spec.encryptedData",
            )


def _refuse_untyped(part: MapNode) -> None:
    for leaf in Document("", "", (part,), None).leaves:
        if leaf.path[:2] == _ENCRYPTED and (not isinstance(leaf.value, str) or len(leaf.path) != 3):
            raise FormatError(
                f"the value of {str(leaf.path[-1])!a} is not a string, and Kubernetes takes only strings",
                line=leaf.line,
                hint="put quotes around it",
            )


def _refuse_misplaced(sealed: SealedSecret) -> None:
    """Refuse values where a Secret has them: they would be readable."""
    root = sealed.node
    if not isinstance(root, MapNode):
        return
    spec = root.get("spec")
    for place in (root, spec):
        for name in ("data", "stringData"):
            node = place.get(name) if isinstance(place, MapNode) else None
            if node is not None:
                raise UnprotectedError(
                    f"values under {name} of a SealedSecret would be plain text",
                    line=line_of(node),
                    hint="write them under spec.encryptedData",
                )


def _refuse_leaks(shown: Shown, made: Document, new: Mapping[str, str]) -> None:
    """Refuse a result in which a value stands outside of its ciphertext, and did not before."""
    values = {
        **{
            key: value.value.decode("utf-8", "replace")
            for each in shown.objects
            for key, value in each.values.items()
            if value.value is not None
        },
        **new,
    }
    old = {item.text for item in shown.document.items if isinstance(item, Comment)}
    comments = [item for item in made.items if isinstance(item, Comment) and item.text not in old]
    for trace in values_in_comments([((key,), text) for key, text in values.items()], comments):
        raise UnprotectedError(
            f"a comment holds the value of {trace.path}, and would be readable", line=trace.comment.line
        )
    for comment in comments:
        if comment.path[:2] == _ENCRYPTED and is_commented_out(comment.text):
            raise UnprotectedError(
                "a comment looks like a value that was commented out, and would be readable",
                line=comment.line,
                hint="delete the comment",
            )
    known = {leaf.value for leaf in shown.document.leaves}
    for key, leaf in _readable(made, known):
        for name, text in values.items():
            if is_telling(name, text) and text in str(leaf.value):
                raise UnprotectedError(
                    f"{key} holds the value of {name!a}, and would be readable", line=leaf.line
                )


def _readable(document: Document, known: set[Value]) -> Iterator[tuple[str, Leaf]]:
    for leaf in document.leaves:
        if leaf.path[:2] != _ENCRYPTED and leaf.value not in known:
            yield str(leaf.path[-1]) if leaf.path else "", leaf
