"""Remove the values from files of secrets and keep the layout; no key is needed.

A value of a secret is anything encrypted, everything under `data`
and `stringData` of a Secret; and every value of other files that are secrets. References to values that are
elsewhere, such as `op://…`, stay.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError, UnprotectedError
from fluxsecrets.marks import is_ciphertext, is_encrypted_comment
from fluxsecrets.ops.files.content import parse
from fluxsecrets.repo.manifests import (
    is_reference,
    items_of,
    line_of,
    may_hold_secret,
    read_manifests,
    text_of,
)
from fluxsecrets.sops.document import Change, Comment, Document, Leaf, Path, find
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Format, Limits, make_format
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.values import Value

PLACEHOLDER = "REPLACE_ME"
"""What stands in the place of a value."""

_OF_REGISTRIES = {
    ".dockerconfigjson": f'{{"auths": {{"{PLACEHOLDER}": {{}}}}}}',
    ".dockercfg": f'{{"{PLACEHOLDER}": {{}}}}',
}
"""Where Kubernetes takes only JSON."""

_LOST_COMMENT = " (a comment that was encrypted)"


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a value that was removed.

    Attributes:
        index: position among all values of the file.
        key: the last key on the way to it, or "" for a file that is one value.
        base64: it stands under `data` of a Secret.
        value: what was taken out; a ciphertext where the file was encrypted. Not in the repr.
    """

    index: int
    key: str
    base64: bool
    value: Value = field(repr=False)


@dataclass(frozen=True, slots=True)
class Blank:
    """A file without its values.

    Attributes:
        data: the text; plain, since there is nothing left in it to protect.
        slots: where values were, in order.
    """

    data: bytes
    slots: tuple[Slot, ...] = field(repr=False)


def blank(data: bytes, format_name: str, limits: Limits, *, every_value: bool = False) -> Blank:
    """Take the values out of a secret file, which may be encrypted.

    With `every_value`, the whole file is a secret and not a manifest.

    Raises:
        FormatError, MetadataError, LimitError: it cannot be read.
        FormatError: the text without them did not pass its check.
        UnprotectedError: a value could not be taken out.
    """
    format_ = make_format(format_name)
    document = parse(format_, data, limits)
    slots = tuple(_slots(document, format_, every_value=every_value))
    if any(leaf.alias for leaf in _chosen(document, slots)):
        if document.metadata is not None:
            raise _left(None)
        document = format_.expand_aliases(document, list(_chosen(document, slots)), limits)
        slots = tuple(_slots(document, format_, every_value=every_value))
    leaves = list(document.leaves)
    changes = [
        Change(
            leaves[slot.index],
            _LOST_COMMENT if is_encrypted_comment(leaves[slot.index].value) else _placeholder(slot, format_),
            encrypted=False,
            becomes_comment=is_encrypted_comment(leaves[slot.index].value),
        )
        for slot in slots
    ]
    changes += [
        Change(item, _LOST_COMMENT, encrypted=False)
        for item in document.items
        if isinstance(item, Comment) and is_ciphertext(item.text)
    ]
    order = {id(item): number for number, item in enumerate(document.items)}
    changes.sort(key=lambda change: order[id(change.target)])
    new = _rewritten(format_, document, changes, limits)
    kept = [slot for slot in slots if not is_encrypted_comment(slot.value)]
    emptied = parse(format_, new, limits)
    found = tuple(_slots(emptied, format_, every_value=every_value))
    again = list(emptied.leaves)
    wanted = {_placeholder(slot, format_) for slot in kept}
    if emptied.metadata is not None or any(again[slot.index].value not in wanted for slot in found):
        raise _left(next((again[slot.index].line for slot in found), None))
    # Comments in lists are no values any more, so that positions are those of the new text.
    places = [slot.index for slot in slots if not is_encrypted_comment(slot.value)]
    moved = [place - sum(gone < place for gone in _gone(slots)) for place in places]
    return Blank(
        new,
        tuple(
            Slot(index, slot.key, slot.base64, slot.value) for index, slot in zip(moved, kept, strict=True)
        ),
    )


def _gone(slots: tuple[Slot, ...]) -> list[int]:
    return [slot.index for slot in slots if is_encrypted_comment(slot.value)]


def _left(line: int | None) -> UnprotectedError:
    return UnprotectedError(
        "a value of a secret in this file could not be taken out",
        hint="write it without anchors and aliases, then try again",
        line=line,
    )


def fill(data: bytes, format_name: str, slots: Mapping[int, Value], limits: Limits) -> bytes:
    """A blank file with values put in; the result is plain text and must not reach a disk as it is.

    Slots are by position, see `Slot.index`. The blank file's other text may have changed.

    Raises:
        FormatError: the text did not pass its check, such as for a value that the format can't hold.
    """
    format_ = make_format(format_name)
    document = parse(format_, data, limits)
    leaves = list(document.leaves)
    changes = [Change(leaves[index], value, encrypted=False) for index, value in sorted(slots.items())]
    return _rewritten(format_, document, changes, limits)


def _rewritten(format_: Format, document: Document, changes: Sequence[Change], limits: Limits) -> bytes:
    """The text with other values, after it was read again.

    Raises:
        FormatError: it holds other data or comments than it should.
    """
    values = {id(change.target): change for change in changes}
    leaves = [
        leaf for leaf in document.leaves if id(leaf) not in values or not values[id(leaf)].becomes_comment
    ]
    if any(leaf.alias for leaf in leaves):
        # An alias that stays follows its anchor, whose value is compared.
        again = parse(format_, format_.rewrite(document, changes, None), limits).leaves
        values |= {
            id(leaf): Change(leaf, new.value, encrypted=False)
            for leaf, new in zip(leaves, again, strict=False)
            if leaf.alias
        }
    return format_.plain_text(document, changes, values)


def _placeholder(slot: Slot, format_: Format) -> Value:
    if format_.single_value:
        return f"{PLACEHOLDER}\n".encode()
    text = _OF_REGISTRIES.get(slot.key, PLACEHOLDER)
    return encoded(text) if slot.base64 else text


def encoded(text: str) -> str:
    """A text as it stands under `data` of a Secret."""
    return b64encode(text.encode()).decode("ascii")


def decoded(text: str) -> bytes:
    """What stands under `data` of a Secret; where that is not base64, as it is."""
    try:
        return b64decode("".join(text.split()), validate=True)
    except ValueError:
        return text.encode()


def _chosen(document: Document, slots: tuple[Slot, ...]) -> Iterator[Leaf]:
    leaves = list(document.leaves)
    return (leaves[slot.index] for slot in slots)


def _slots(document: Document, format_: Format, *, every_value: bool) -> Iterator[Slot]:
    index = -1
    for part in document.parts:
        fields = list(_value_fields(part, every_value=every_value))
        manifest = _is_object(part)
        for leaf in Document(document.format, "", (part,), None).leaves:
            index += 1
            prefix = next((path for path in fields if leaf.path[: len(path)] == path), None)
            secret = prefix is not None or (every_value and not manifest)
            cipher = is_ciphertext(leaf.value)
            if not cipher and (not secret or _is_no_value(leaf.value)):
                continue
            keys = [step for step in leaf.path if isinstance(step, str)]
            in_data = prefix is not None and prefix[-1] == "data" and _is_secret(part, prefix)
            yield Slot(index, "" if format_.single_value else keys[-1] if keys else "", in_data, leaf.value)


def _is_no_value(value: Value) -> bool:
    return value is None or value in ("", b"") or is_reference(value)


def _is_object(part: MapNode) -> bool:
    return bool(text_of(part.get("apiVersion")) and text_of(part.get("kind")))


def _value_fields(part: MapNode, *, every_value: bool) -> Iterator[Path]:
    """The paths of `data` and `stringData` of the Secrets in a document, those of a List too."""
    for prefix, node, kind in _objects(part, (), None):
        if kind == "Secret" or every_value:
            yield from ((*prefix, name) for name in ("data", "stringData") if node.get(name) is not None)


def _is_secret(part: MapNode, path: Path) -> bool:
    return any(
        prefix == path[: len(prefix)] and kind == "Secret"
        for prefix, _, kind in _objects(part, (), None)
        if len(prefix) == len(path) - 1
    )


def _objects(node: object, prefix: Path, item_kind: str | None) -> Iterator[tuple[Path, MapNode, str]]:
    if not isinstance(node, MapNode):
        return
    kind = text_of(node.get("kind")) or item_kind
    if kind is None:
        return
    items = node.get("items")
    if kind.endswith("List") and items is not None:
        for number, item in enumerate(items_of(items)):
            inner = "Secret" if kind == "SecretList" else None
            yield from _objects(item, (*prefix, "items", number), inner)
        return
    yield prefix, node, kind


# Files that hold values without being files of secrets.


def blank_literals(data: bytes, limits: Limits) -> Blank:
    """A kustomization file with the values of its secretGenerators' literals taken out.

    Raises:
        FormatError, LimitError: it cannot be read.
    """
    format_ = YamlFormat()
    document = format_.parse(data, limits)
    slots: list[Slot] = []
    changes: list[Change] = []
    for index, leaf in enumerate(document.leaves):
        path, value = leaf.path, leaf.value
        is_literal = len(path) == 4 and path[0] == "secretGenerator" and path[2] == "literals"
        if not is_literal or not isinstance(value, str) or "=" not in value:
            continue
        key, _, secret = value.partition("=")
        if _is_no_value(secret.strip("'\"")):
            continue
        slots.append(Slot(index, key, base64=False, value=value))
        changes.append(Change(leaf, f"{key}={PLACEHOLDER}", encrypted=False))
    return Blank(_rewritten(format_, document, changes, limits) if changes else data, tuple(slots))


def blank_sealed(data: bytes, path: str, limits: Limits) -> Blank | None:
    """A file whose SealedSecrets, which only the other cluster opens, are Secrets without values.

    Returns:
        None where there is no SealedSecret in it.

    Raises:
        UnprotectedError: one stands in a List.
        FormatError, LimitError: it cannot be read.
    """
    if b"SealedSecret" not in data:
        return None
    from fluxsecrets.ops.sealing.unseal import is_sealed_part, replacement_for
    from fluxsecrets.repo.manifesttext import open_manifests
    from fluxsecrets.sealed.model import read_sealed, secret_of

    found = [each for each in read_manifests(data, path, limits).manifests if each.kind == "SealedSecret"]
    in_list = next((each for each in found if each.in_list), None)
    if in_list is not None:
        raise UnprotectedError(
            "a SealedSecret in a List cannot be made anew",
            hint="make it a document of its own",
            path=path,
            line=in_list.line,
        )
    if not found:
        return None
    text = open_manifests(data, limits)
    replacements = {}
    slots: list[Slot] = []
    for number, part in enumerate(text.parts):
        if not is_sealed_part(part):
            continue
        try:
            sealed = read_sealed(part)
        except FluxsecretsError as error:
            error.line = error.line or line_of(part)
            raise error.in_file(path) from None
        keys = dict.fromkeys((*sealed.encrypted, *sealed.templated)) or {PLACEHOLDER: None}
        values = dict.fromkeys(keys, PLACEHOLDER.encode())
        replacements[number] = replacement_for(secret_of(sealed, values, frozenset(values)))
        slots += [Slot(-1, key, base64=False, value=None) for key in values]
    return Blank(text.replaced(replacements), tuple(slots))


def refuse_inline_secrets(data: bytes, path: str, limits: Limits) -> None:
    """Refuse values of Secrets in patches that are not manifests of Secrets: they would be copied.

    These are patches that stand in a text, as in a kustomization file, and JSON 6902 patches.

    Raises:
        UnprotectedError: there is one.
    """
    if not _PATCHED.search(data) and not may_hold_secret(data):
        return
    try:
        document = YamlFormat().parse(data, limits)
    except FluxsecretsError:
        operation = _OPERATION.search(data)
        if operation is not None:
            raise _inline(path, data.count(b"\n", 0, operation.start()) + 1) from None
        return  # it is copied as it is, and the build reports what is wrong
    for part in document.parts:
        for leaf in Document(document.format, "", (part,), None).leaves:
            text = leaf.value
            if not isinstance(text, str) or "\n" not in text or leaf.path[:1] == ("data",):
                continue
            target = find(part, (*leaf.path[:-1], "target", "kind"))
            if _holds_values(text.encode(), path, limits, for_secrets=text_of(target) == "Secret"):
                raise _inline(path, leaf.line)


_PATCHED = re.compile(rb"stringData|kind:\s*[\"']?Secret")
_OPERATION = re.compile(rb"/stringData/")


def _holds_values(text: bytes, path: str, limits: Limits, *, for_secrets: bool) -> bool:
    """Whether a text that may be a patch has values for a Secret in it."""
    named = text.replace(b"^stringData$", b"")  # the selector in a patch that `propose` writes
    if b"stringData" in named or (for_secrets and re.search(rb"/data/|(?m:^\s*data:)", text)):
        return True
    try:
        return may_hold_secret(text) and bool(read_manifests(text, path, limits).secrets)
    except FluxsecretsError:
        return False


def _inline(path: str, line: int) -> UnprotectedError:
    return UnprotectedError(
        "values of a Secret stand in a patch here, and would be copied",
        hint="make it a manifest of kind Secret in a file of its own, and name that with `path`",
        path=path,
        line=line,
    )
