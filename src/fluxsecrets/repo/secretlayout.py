"""How a Secret is written: as data, and as the pieces of what it is made from."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from fluxsecrets.sops.document import Data

from .pieces import Piece, Pieces, comment_lines, map_pieces, with_lead
from .secretobject import FIELDS, Secret


def secret_data(secret: Secret) -> dict[str, Data]:
    """A Secret as data: texts in stringData, all else in data."""
    data: dict[str, Data] = {"apiVersion": "v1", "kind": "Secret", "metadata": dict(secret.metadata)}
    if secret.type is not None:
        data["type"] = secret.type
    if secret.immutable is not None:
        data["immutable"] = secret.immutable
    encoded, texts = split_values(secret)
    if encoded:
        data["data"] = dict(encoded)
    if texts:
        data["stringData"] = dict(texts)
    return data


def split_values(secret: Secret) -> tuple[dict[str, str], dict[str, str]]:
    """The values as they stand in data, and in stringData."""
    encoded = {
        key: b64encode(value).decode("ascii")
        for key, value in secret.values.items()
        if key not in secret.texts
    }
    texts = {key: value.decode("utf-8") for key, value in secret.values.items() if key in secret.texts}
    return encoded, texts


def value_children(pieces: Pieces) -> tuple[Pieces, str]:
    """The pieces of all values of a Secret in one, and the comments after the last.

    The comments of the second field's own line join its first value; of a key in both fields the one under
    stringData counts.
    """
    fields = [piece for piece in pieces if piece.key in FIELDS and piece.children]
    texts = {child.key for piece in fields if piece.key == "stringData" for child in piece.children or ()}
    children: list[Piece] = []
    lead = ""
    for number, piece in enumerate(fields):
        if number:
            lead += comment_lines(piece)
        for child in piece.children or ():
            if piece.key == "data" and child.key in texts:
                lead += comment_lines(child)
                continue
            children.append(with_lead(child, lead))
            lead = ""
        lead += piece.tail
    return tuple(children), lead


def secret_pieces(secret: Secret, pieces: Pieces, values: Pieces, field: Piece) -> Pieces:
    """Pieces for a Secret.

    Args:
        secret: it.
        pieces: those of what it is made from that have a place in it, under their names in a Secret.
        values: the pieces of the values.
        field: what held them there: its comments come to the first field, and those behind to the last.
    """
    encoded, texts = split_values(secret)
    fields: list[Piece] = []
    for name, chosen in (("data", encoded), ("stringData", texts)):
        children = tuple(piece for piece in values if piece.key in chosen)
        if children:
            first = replace(children[0], lead=children[0].lead.lstrip("\n"))
            fields.append(Piece(name, children=(first, *children[1:])))
    if fields:
        fields[0] = replace(fields[0], lead=field.lead, inline=field.inline)
        fields[-1] = replace(fields[-1], tail=field.tail)
    return map_pieces(secret_data(secret), (*pieces, *fields))
