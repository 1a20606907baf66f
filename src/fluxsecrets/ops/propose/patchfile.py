"""The file of a proposal: the text of a patch before it is encrypted, and what is read back from it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from fluxsecrets.errors import FormatError
from fluxsecrets.marks import PROPOSED, is_ciphertext
from fluxsecrets.repo.manifests import child, text_of
from fluxsecrets.repo.proposals import MAPS, SecretId
from fluxsecrets.repo.secretrules import decode_base64
from fluxsecrets.sops.document import Comment, Data, Document, Leaf, find, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats.yaml.block import render_block

from .shape import Shape

NOTHING: Final = "nothing"
"""What a proposal for a new key was made over."""

_OVER = re.compile(r"\s*proposed over (nothing|sha256:[0-9a-f]{16})\s*")
_ENDINGS = re.compile(r"(?:\.(?:sops|enc))?\.(?:ya?ml|json)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PatchContent:
    """What a proposal changes.

    Attributes:
        secret: the Secret that it is for.
        values: the new values by key; None removes the key. Not in the repr.
        over: a mark of what the key held when it was proposed, `nothing`, or None if the file has no mark.
    """

    secret: SecretId
    values: Mapping[str, bytes | None] = field(repr=False)
    over: str | None


def value_patch(
    secret: SecretId, shape: Shape, node: MapNode, key: str, value: bytes, remark: str, *, substituted: bool
) -> bytes:
    """Return the plain text of a patch that sets one value.

    Args:
        secret: which Secret.
        shape: where the value goes.
        node: the Secret as it is written, encrypted.
        key: of the value.
        value: the bytes that an application is to get.
        remark: the first comment of the file.
        substituted: Flux replaces variables in the Secret.

    Raises:
        FormatError: the Secret's values are under `data`, and Flux would not apply the value as it is.
    """
    text = (
        base64.b64encode(value).decode() if shape.other == "data" else _text(value, substituted=substituted)
    )
    data: dict[str, Data] = {**secret.data, shape.other: {key: text}}
    if find(node, (shape.own, key)) is not None:  # stringData would win over data
        data[shape.own] = {key: None}
    return _with_comments(data, remark, over(node, key))


def removal_patch(secret: SecretId, maps: tuple[str, ...], node: MapNode, key: str, remark: str) -> bytes:
    """Return the text of a patch that removes one key; it holds no value, and is not encrypted.

    Args:
        secret: which Secret.
        maps: where the key is, in the Secret or in an earlier proposal.
        node: the Secret as it is written, encrypted.
        key: the key.
        remark: the first comment of the file.
    """
    data: dict[str, Data] = {**secret.data, **{name: {key: None} for name in maps}}
    return _with_comments(data, remark, over(node, key))


def over(node: MapNode, key: str) -> str:
    """Return a mark of the ciphertext that a Secret holds under a key; it says nothing of the value."""
    for name in MAPS:
        leaf = find(node, (name, key))
        if isinstance(leaf, Leaf):
            return f"sha256:{hashlib.sha256(str(leaf.value).strip().encode()).hexdigest()[:16]}"
    return NOTHING


def read_patch(document: Document, part: MapNode) -> PatchContent:
    """Read a proposal.

    Args:
        document: the file, for its comments.
        part: the same with its values in place.

    Raises:
        FormatError: it is not a patch of a Secret's values and nothing else; without any value.
    """
    data = to_data(part)
    if len(document.parts) != 1 or not isinstance(data, dict):
        raise _more("several YAML documents")
    if data.get("apiVersion") != "v1" or data.get("kind") != "Secret":
        raise _more("an object that is not a Secret")
    name = text_of(child(part, "metadata", "name"))
    if not name:
        raise _more("a Secret without a name")
    secret = SecretId(name, text_of(child(part, "metadata", "namespace")))
    values: dict[str, bytes | None] = {}
    for field_name, fields in data.items():
        if field_name in MAPS and (isinstance(fields, dict) or fields is None):
            values = _merged(values, field_name, fields or {})
        elif secret.data.get(field_name) != fields:
            raise _more(f"the field {field_name!a}")
    if not values:
        raise FormatError("the patch changes nothing", hint="delete the file and its entry under `patches`")
    return PatchContent(secret, values, _mark_of(document))


def _merged(
    values: dict[str, bytes | None], name: str, fields: Mapping[str, Data]
) -> dict[str, bytes | None]:
    """The values with those of one map; a removal in one map doesn't undo a value in the other."""
    found = dict(values)
    for key, value in fields.items():
        if key.startswith("$"):
            raise _more(f"a directive, {key!a}")
        if value is None:
            found.setdefault(key, None)
            continue
        if not isinstance(value, str) or is_ciphertext(value):
            raise FormatError(f"the value of {key!a} is not a string", hint="propose it again")
        decoded = decode_base64(value) if name == "data" else value.encode()
        if decoded is None:
            raise FormatError(f"the value of {key!a} is not base64", hint="propose it again")
        if name == "stringData" or found.get(key) is None:
            found[key] = decoded
    return found


def file_names(target: str, key: str, number: int) -> Iterator[str]:
    """Yield names for the file of a proposal, the usual one first.

    Creation rules often ask for how a name ends, so that the name of the Secret's file may have to come last.

    Args:
        target: the name of the Secret's file.
        key: of the value.
        number: of the proposal for that key, from 1.
    """
    ending = _ENDINGS.search(target)
    stem, suffix = (target[: ending.start()], ending[0]) if ending is not None else (target, ".yaml")
    if suffix.lower().endswith(".json"):
        suffix = f"{suffix[:-5]}.yaml"
    slug = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-") or "key"
    slug = slug if number == 1 else f"{slug}-{number}"
    yield f"{stem}{PROPOSED}{slug}{suffix}"
    yield f"{PROPOSED.lstrip('.')}{slug}.{stem}{suffix}"


def has_variable(text: str) -> bool:
    """Whether Flux's substitution changes a text; it never changes base64."""
    return "${" in text or "$$" in text


def _text(value: bytes, *, substituted: bool) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    hint = "ask a holder of a key to set it: `fluxsecrets set FILE data.KEY`"
    if text is None:
        raise FormatError(
            "the value is not text, and beside values under `data` a proposal can hold text only", hint=hint
        )
    if text.startswith("\t") and "\n" in text:  # sops's YAML comes back without it
        raise FormatError("Flux loses a text of several lines that starts with a tab", hint=hint)
    if substituted and has_variable(text):
        raise FormatError("Flux would replace variables in the value", hint=hint)
    return text


def _with_comments(data: Data, remark: str, mark: str) -> bytes:
    lines = [f"# {remark}", f"# proposed over {mark}", *render_block(data, 2)]
    return "".join(f"{line}\n" for line in lines).encode()


def _mark_of(document: Document) -> str | None:
    for item in document.items:
        match = _OVER.fullmatch(item.text) if isinstance(item, Comment) else None
        if match is not None:
            return match[1]
    return None


def _more(what: str) -> FormatError:
    return FormatError(
        f"the patch is not a proposal: it has {what}",
        hint="a proposal changes values of one Secret and nothing else; make other changes by hand",
    )
