"""Seal the Secrets of a file's content: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fluxsecrets.errors import (
    AlreadyEncryptedError,
    FluxsecretsError,
    FormatError,
    UnprotectedError,
    UsageError,
)
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.files.plain import PlainManifests
from fluxsecrets.ops.manifests.comments import CommentMode, judge_comments, shown_warning
from fluxsecrets.ops.manifests.placement import NOWHERE, Place
from fluxsecrets.ops.policy.policy import is_secret_list
from fluxsecrets.ops.policy.validity import refuse_invalid
from fluxsecrets.repo.manifests import is_reference, line_of, read_manifests
from fluxsecrets.repo.manifesttext import Replacement
from fluxsecrets.repo.pieces import Pieces
from fluxsecrets.repo.secretobject import Secret, read_secret
from fluxsecrets.repo.secretrules import MAX_SIZE
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sealed.codec import check_sealed, seal_value
from fluxsecrets.sealed.layout import sealed_pieces
from fluxsecrets.sealed.model import check_structure, is_sealed, read_sealed, scope_for, sealed_data
from fluxsecrets.sealed.scopes import Scope, label_of
from fluxsecrets.sops.document import Data, Leaf
from fluxsecrets.sops.document import Mapping as MapNode

from .reuse import Known


@dataclass(frozen=True, slots=True)
class SealOptions:
    """How to seal.

    Attributes:
        scope: overrides the Secret's annotations, or None.
        name: overrides the Secret's own, or None.
        namespace: for a Secret without one; must not differ from its own.
        leave_empty: leave a Secret without values unchanged.
        allow_invalid: seal a Secret that Kubernetes would refuse.
        places: the objects' places in the cluster, by document.
    """

    certificate: Certificate
    scope: Scope | None = None
    name: str | None = None
    namespace: str | None = None
    allow_empty: bool = False
    leave_empty: bool = False
    allow_invalid: bool = False
    comments: CommentMode = CommentMode.CAREFUL
    known: Known = field(default_factory=Known)
    places: Mapping[int, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SealedContent:
    """The result of sealing a content; reused values kept their ciphertext."""

    data: bytes = field(repr=False)
    values: int
    reused: int
    scopes: tuple[Scope, ...]
    warnings: tuple[str, ...] = ()


def seal_content(plain: PlainManifests, options: SealOptions) -> SealedContent | None:
    """Seal all Secrets of a file's content. Other objects stay unchanged.

    Returns:
        None if there is no Secret to seal.

    Raises:
        FormatError: a Secret is invalid in Kubernetes, is in a List, or has no name or namespace.
        UnprotectedError: a Secret has no values, or a comment holds one.
        UsageError: a Secret's namespace differs from the requested one.
    """
    replacements: dict[int, Replacement] = {}
    made: list[_Sealed] = []
    drop: set[int] = set()
    shown = 0
    for number, part in enumerate(plain.text.parts):
        if is_secret_list(part):
            raise _in_list(part)
        if not is_secret_part(part):
            continue
        secret = read_secret(part)
        if options.leave_empty and not secret.values:
            continue
        if not options.allow_invalid:
            refuse_invalid(replace(plain.text.document, parts=(part,)))
        try:
            sealed = seal_secret(secret, options, options.places.get(number, NOWHERE))
        except FluxsecretsError as error:
            error.line = error.line or line_of(part)
            raise
        kept = judge_comments(plain.text.comments(number), secret.values, options.comments, plain.hidden)
        drop |= kept.drop
        shown += kept.shown
        made.append(sealed)
        replacements[number] = sealed.replacement
    if not made:
        return None
    new = plain.text.replaced(replacements, drop)
    warnings = dict.fromkeys(text for each in made for text in each.warnings)
    return SealedContent(
        new,
        sum(len(each.secret.values) for each in made),
        sum(each.reused for each in made),
        tuple(dict.fromkeys(each.scope for each in made)),
        (*warnings, *shown_warning(shown)),
    )


@dataclass(frozen=True, slots=True)
class _Sealed:
    secret: Secret
    scope: Scope
    reused: int
    data: dict[str, Data] = field(repr=False)
    warnings: tuple[str, ...]

    @property
    def replacement(self) -> Replacement:
        data = self.data

        def layout(pieces: Pieces) -> Pieces:
            return sealed_pieces(data, pieces)

        return Replacement(data, layout)


def seal_secret(secret: Secret, options: SealOptions, place: Place = NOWHERE) -> _Sealed:
    """Seal one Secret.

    Raises:
        FormatError: it has no name or namespace.
        UnprotectedError: it has no values.
        UsageError: its namespace differs from the requested one.
    """
    scope = scope_for(secret, options.scope)
    name = options.name or secret.name
    if not name:
        raise FormatError("the Secret has no name", hint="add metadata.name, or give one with --name")
    namespace, warnings = _namespace(secret, scope, options, place)
    if place.names and scope is Scope.STRICT:
        raise FormatError(
            f"the Secret {name!a} is called {place.names[0]!a} in the cluster: kustomize adds to its name",
            hint="kustomize does not rename references to a SealedSecret: remove the prefix or suffix, "
            "or seal it with --scope namespace-wide",
        )
    if not secret.values and not options.allow_empty:
        raise UnprotectedError(
            f"the Secret {name!a} has no values to seal",
            hint="if that is intended, add --allow-empty-data",
        )
    refuse_ciphertexts(secret)
    label = label_of(scope, namespace, name)
    encrypted: dict[str, str] = {}
    reused = 0
    for key, value in secret.values.items():
        known = options.known.ciphertext(options.certificate, (namespace, name), label, key, value)
        encrypted[key] = known if known is not None else seal_value(options.certificate.key, value, label)
        check_sealed(encrypted[key])  # the written text is compared with the data later
        reused += known is not None
    data = sealed_data(secret, encrypted, name=name, namespace=namespace, scope=scope)
    return _Sealed(secret, scope, reused, data, (*warnings, *value_warnings(secret)))


def refuse_ciphertexts(secret: Secret) -> None:
    """Refuse a value that is still a SOPS ciphertext: the application would get that.

    Raises:
        AlreadyEncryptedError: a value is a ciphertext; names the key.
    """
    for key, value in secret.values.items():
        if is_ciphertext(value.decode("utf-8", "replace")):
            raise AlreadyEncryptedError(
                f"the value of {key!a} is a SOPS ciphertext that nothing in the file can decrypt",
                hint="restore the file from git, with its sops block, or set the value",
            )


def _namespace(
    secret: Secret, scope: Scope, options: SealOptions, place: Place
) -> tuple[str, tuple[str, ...]]:
    own, asked = secret.namespace, options.namespace
    if asked and own and asked != own and scope is not Scope.CLUSTER:
        raise UsageError(
            f"the Secret {secret.name!a} is in the namespace {own!a}, but {asked!a} was requested",
            hint="omit --namespace, or change the Secret's metadata",
        )
    if len(place.namespaces) > 1 and not asked and scope is not Scope.CLUSTER:
        raise FormatError(
            f"the Secret {secret.name!a} is applied in the namespaces {', '.join(place.namespaces)}, "
            f"and the scope {scope} binds it to one",
            hint="seal it with --scope cluster-wide, or make a file for each",
        )
    given = place.namespaces[0] if place.namespaces and not asked else None
    if given and own and given != own and scope is not Scope.CLUSTER:
        return given, (f"sealed for the namespace {given}, where Flux applies it, instead of {own}",)
    namespace = own or asked or given or ""
    if not namespace and scope is not Scope.CLUSTER:
        raise FormatError(
            f"the Secret {secret.name!a} has no namespace, but the scope {scope} binds it to one",
            hint="add metadata.namespace, or give one with --namespace",
        )
    return namespace, ()


def value_warnings(secret: Secret) -> tuple[str, ...]:
    """Return warnings about values that Flux will no longer see."""
    warnings = []
    texts = {key: secret.values[key].decode("utf-8", "replace") for key in secret.texts}
    replaced = sorted(key for key, text in texts.items() if "${" in text and not is_reference(text))
    if replaced:
        warnings.append(
            f"{', '.join(replaced)}: contains ${{…}}, which postBuild replaces in plain Secrets but not here"
        )
    references = sorted(key for key, text in texts.items() if is_reference(text))
    if references:
        warnings.append(f"{', '.join(references)}: is a reference that nothing can resolve after sealing")
    if secret.words:
        keys = ", ".join(sorted(secret.words))
        warnings.append(
            f"{keys}: has no quotes, so kubectl and other YAML readers take it for a boolean or a number; "
            "here it is text"
        )
    if secret.size > MAX_SIZE:
        warnings.append(
            f"its values have {secret.size / 2**20:.1f} MiB: Kubernetes accepts at most 1 MiB in a Secret"
        )
    return tuple(warnings)


def check_sealed_content(data: bytes, values: int) -> None:
    """Check the structure of all SealedSecrets before their content is written.

    Raises:
        UnprotectedError: a value is not a sealed value, or values are missing.
    """
    found = 0
    for manifest in read_manifests(data, "").manifests:
        if not is_sealed(manifest):
            continue
        sealed = read_sealed(manifest.node)
        try:
            check_structure(sealed)
        except FluxsecretsError as error:
            raise UnprotectedError(f"nothing was written: {error.message}", line=error.line) from None
        found += len(sealed.encrypted)
    if found < values:
        raise UnprotectedError("nothing was written: sealed values are missing")


def is_secret_part(part: MapNode) -> bool:
    """Whether a document is a core Secret."""
    return _value(part, "kind") == "Secret" and _value(part, "apiVersion") == "v1"


def _value(part: MapNode, key: str) -> object:
    node = part.get(key)
    return node.value if isinstance(node, Leaf) else None


def _in_list(part: MapNode) -> FormatError:
    return FormatError(
        "a Secret in a List can't be sealed",
        line=line_of(part),
        hint="write each Secret as a separate document or file",
    )
