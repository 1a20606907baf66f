"""Convert one file's content to another form: bytes in, bytes out. Reads stores if necessary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fluxsecrets.errors import FluxsecretsError, FormatError, UnprotectedError
from fluxsecrets.external.layout import Placed, Remote, external_data, external_pieces, secret_pieces_of
from fluxsecrets.external.model import Reference, read_external
from fluxsecrets.external.reading import OpenStore, read_secret_from
from fluxsecrets.ops.files.content import own_selector
from fluxsecrets.ops.files.plain import PlainManifests, read_plain
from fluxsecrets.ops.manifests.comments import CommentMode, judge_comments, shown_warning
from fluxsecrets.ops.run.results import Handover
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.sealing.seal import (
    SealedContent,
    is_secret_part,
    refuse_ciphertexts,
    value_warnings,
)
from fluxsecrets.ops.sealing.unseal import replacement_for
from fluxsecrets.repo.manifests import line_of, read_manifests, text_of
from fluxsecrets.repo.manifesttext import ManifestText, Replacement, open_manifests
from fluxsecrets.repo.pieces import Pieces
from fluxsecrets.repo.secretlayout import secret_data
from fluxsecrets.repo.secretobject import Secret, read_secret
from fluxsecrets.sealed.keys import SealingKey
from fluxsecrets.sealed.model import read_sealed
from fluxsecrets.sealed.opening import open_sealed
from fluxsecrets.sops.document import Data, Leaf
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.selection import is_empty, selected

from .forms import Form, form_of
from .handover import handover_of


@dataclass(frozen=True, slots=True)
class Revealed:
    """A content with plain Secrets.

    Attributes:
        plain: the content; objects that already have the target form are unchanged.
        forms: the forms that its Secrets had, each once.
        count: the number of plain Secrets in it.
        others: other objects that SOPS also encrypts, by kind and name.
        handovers: the objects that other kinds of objects will replace.
    """

    plain: PlainManifests
    forms: tuple[Form, ...]
    count: int
    others: tuple[str, ...] = ()
    handovers: tuple[Handover, ...] = ()


@dataclass(frozen=True, slots=True)
class Ways:
    """How to open Secrets that are not plain."""

    keys: Callable[[], Sequence[SealingKey]]
    open_store: OpenStore


def reveal(session: Session, data: bytes, name: str, to: Form, ways: Ways) -> Revealed:
    """Turn everything in a content that does not have the target form into plain Secrets.

    Raises:
        DataKeyError, IntegrityError: a Secret can't be opened.
        StoreError: a store can't be read.
        FormatError: an object can't be parsed, or is in a List.
    """
    plain = read_plain(session, data, name)
    encrypted = plain.opened is not None
    forms: dict[Form, None] = {}
    replacements: dict[int, Replacement] = {}
    handovers: list[Handover] = []
    count = 0
    for number, part in enumerate(plain.text.parts):
        form = form_of(part, encrypted=encrypted)
        if form is None:
            continue
        if form is Form.PLAIN and not read_secret(part).values:
            continue  # for example a service account's token
        forms[form] = None
        if form is to:
            continue
        count += 1
        handover = handover_of(part, form, to)
        handovers += [handover] if handover is not None else []
        try:
            if form is Form.SEALED:
                secret = open_sealed(read_sealed(part), ways.keys()).secret
                replacements[number] = replacement_for(secret)
            elif form is Form.EXTERNAL:
                replacements[number] = _from_external(plain.text, number, ways.open_store)
        except FluxsecretsError as error:
            error.line = error.line or line_of(part)
            raise
    others = _others(plain) if to is not Form.SOPS else ()
    if replacements:
        plain = _reopened(plain, plain.text.replaced(replacements))
    return Revealed(plain, tuple(forms), count, others, tuple(handovers))


def refuse_lists(data: bytes, name: str) -> None:
    """Refuse to convert an object inside a List.

    Raises:
        FormatError: there is one; names its line.
    """
    for manifest in read_manifests(data, name).manifests:
        if manifest.in_list and form_of(manifest.node, encrypted=False) is not None:
            raise FormatError(
                f"the {manifest.kind} {manifest.name!a} is in a List",
                line=manifest.line,
                hint="turn it into its own document",
            )


def _from_external(text: ManifestText, number: int, open_store: OpenStore) -> Replacement:
    part = text.parts[number]
    source = text.document.source.encode("utf-8")
    manifest = next(each for each in read_manifests(source, "").manifests if each.index == number)
    external = read_external(manifest)
    assert external is not None  # noqa: S101 - the form says so
    if external.namespace == "" and text_of(part.get("kind")) == "ClusterExternalSecret":
        raise FormatError("a ClusterExternalSecret creates Secrets that only the cluster knows")
    secret = read_secret_from(external, open_store)

    def layout(pieces: Pieces) -> Pieces:
        return secret_pieces_of(secret, pieces)

    return Replacement(secret_data(secret), layout)


def _reopened(plain: PlainManifests, data: bytes) -> PlainManifests:
    """Parse the content again after a change. Comments that were encrypted are found again by their text."""
    text = open_manifests(data, plain.text.limits)
    hidden = set()
    for number in range(len(text.parts)):
        wanted = Counter(
            each.text.strip() for each in plain.text.comments(number) if each.start in plain.hidden
        )
        for comment in text.comments(number):
            if wanted[comment.text.strip()] > 0:
                wanted[comment.text.strip()] -= 1
                hidden.add(comment.start)
    return replace(plain, text=text, hidden=frozenset(hidden))


def _others(plain: PlainManifests) -> tuple[str, ...]:
    """Return objects other than Secrets that have encrypted values."""
    if plain.opened is None:
        return ()
    selector = own_selector(plain.opened.metadata)
    found = []
    for part in plain.text.parts:
        if form_of(part, encrypted=True) is not None:
            continue
        document = replace(plain.text.document, parts=(part,))
        if any(
            encrypts and isinstance(item, Leaf) and not is_empty(item.value)
            for item, encrypts in selected(document, selector)
        ):
            kind = text_of(part.get("kind")) or "a document"
            metadata = part.get("metadata")
            name = text_of(metadata.get("name")) if isinstance(metadata, MapNode) else None
            found.append(f"{ascii(kind)[1:-1]} {ascii(name)[1:-1]}" if name else ascii(kind)[1:-1])
    return tuple(found)


def refuse_others(revealed: Revealed) -> None:
    """Refuse to make objects other than Secrets readable.

    Raises:
        UnprotectedError: names the objects.
    """
    if revealed.others:
        raise UnprotectedError(
            f"{', '.join(revealed.others)} in it is encrypted with SOPS too, and would be readable",
            hint="move it to its own file, or add --plain-others if nothing in it is secret",
        )


# --- to External Secrets -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExternalContent:
    """A content with ExternalSecrets, and the values that the store needs for them.

    Attributes:
        pushes: texts by key of the store and by key of the Secret.
        encoded: keys of the store and of the Secret whose text is base64.
    """

    content: SealedContent
    pushes: Mapping[str, Mapping[str, str]] = field(repr=False)
    encoded: frozenset[tuple[str, str]] = frozenset()


def external_content(
    plain: PlainManifests,
    *,
    store: Reference,
    place: Callable[[Secret], Mapping[str, Placed]],
    comments: CommentMode,
    refresh: str = "1h",
) -> ExternalContent:
    """Turn all Secrets of a content into ExternalSecrets.

    `place` returns where each value of a Secret is in the store.

    Raises:
        FormatError, UnprotectedError: see `layout.external_data` and `judge_comments`.
    """
    from base64 import b64encode

    replacements: dict[int, Replacement] = {}
    pushes: dict[str, dict[str, str]] = {}
    encoded: set[tuple[str, str]] = set()
    drop: set[int] = set()
    warnings: dict[str, None] = {}
    shown = values = 0
    for number, part in enumerate(plain.text.parts):
        if not is_secret_part(part):
            continue
        secret = read_secret(part)
        if not secret.values:
            continue
        try:
            refuse_ciphertexts(secret)
            placed = place(secret)
            data = external_data(secret, Remote(store, placed, refresh))
        except FluxsecretsError as error:
            error.line = error.line or line_of(part)
            raise
        kept = judge_comments(plain.text.comments(number), secret.values, comments, plain.hidden)
        drop |= kept.drop
        shown += kept.shown
        values += len(secret.values)
        warnings.update(dict.fromkeys(value_warnings(secret)))
        replacements[number] = Replacement(data, _external_layout(data))
        for name, value in secret.values.items():
            where = placed[name]
            known = pushes.setdefault(where.key, {})
            if where.encoded:
                encoded.add((where.key, name))
            text = b64encode(value).decode("ascii") if where.encoded else value.decode("utf-8", "replace")
            others = set(known) - {name} if where.property is None else set()
            if known.setdefault(name, text) != text or others:
                raise FormatError(
                    f"two Secrets have different values for {name!a} under {where.key}",
                    line=line_of(part),
                    hint="add {name} to --key-template to tell them apart",
                )
    new = plain.text.replaced(replacements, drop)
    content = SealedContent(new, values, 0, (), (*warnings, *shown_warning(shown)))
    return ExternalContent(content, pushes, frozenset(encoded))


def _external_layout(data: dict[str, Data]) -> Callable[[Pieces], Pieces]:
    def layout(pieces: Pieces) -> Pieces:
        return external_pieces(data, pieces)

    return layout
