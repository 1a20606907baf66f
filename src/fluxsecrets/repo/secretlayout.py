"""How a Secret is written: as data, and as the pieces of what it is made from."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

from fluxsecrets.sops.document import Data, to_data

from .manifesttext import Piece, Pieces, map_piece, value_piece
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


def map_pieces(data: Mapping[str, Data], like: Pieces) -> Pieces:
    """The pieces of a map: those of `like` where the value is the same, in their order, then the others.

    Comments of what is not wanted any more go with it to the next piece.
    """
    pieces: list[Piece] = []
    lead = ""
    for piece in like:
        if piece.key not in data:
            lead += _comment_lines(piece)
            continue
        wanted = data[piece.key]
        if piece.node is not None and to_data(piece.node) == wanted and piece.raw is not None:
            new = piece
        elif isinstance(wanted, dict) and piece.children is not None:
            new = map_piece(piece.key, map_pieces(wanted, piece.children), piece)
        else:
            new = value_piece(piece.key, wanted, piece)
        pieces.append(with_lead(new, lead))
        lead = ""
    known = {piece.key for piece in like}
    for key, value in data.items():
        if key not in known:
            pieces.append(with_lead(value_piece(key, value), lead))
            lead = ""
    return tuple(pieces)


def with_lead(piece: Piece, lead: str) -> Piece:
    """A piece with more comment lines above it."""
    if not lead:
        return piece
    return replace(piece, lead=lead + piece.lead)


def value_children(pieces: Pieces) -> tuple[Pieces, str]:
    """The pieces of all values of a Secret in one, and the comments that stood behind the last.

    The comments of the second field's own line join its first value; of a key in both fields the one under
    stringData counts.
    """
    fields = [piece for piece in pieces if piece.key in FIELDS and piece.children]
    texts = {child.key for piece in fields if piece.key == "stringData" for child in piece.children or ()}
    children: list[Piece] = []
    lead = ""
    for number, piece in enumerate(fields):
        if number:
            lead += _comment_lines(piece)
        for child in piece.children or ():
            if piece.key == "data" and child.key in texts:
                lead += _comment_lines(child)
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


def _comment_lines(piece: Piece) -> str:
    lead = "".join(f"{line}\n" for line in piece.lead.split("\n") if line.strip())
    return lead + (f"{piece.inline}\n" if piece.inline else "")
