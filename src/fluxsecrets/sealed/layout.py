"""Turn the text of a Secret into that of a SealedSecret, and back, with its comments."""

from __future__ import annotations

from dataclasses import replace

from fluxsecrets.repo.pieces import Piece, Pieces, find, map_pieces
from fluxsecrets.repo.secretlayout import secret_pieces, value_children
from fluxsecrets.repo.secretobject import Secret
from fluxsecrets.sops.document import Data

_TYPE = ("apiVersion", "kind")
_IN_TEMPLATE = ("metadata", "type", "immutable")


def sealed_pieces(data: dict[str, Data], pieces: Pieces) -> Pieces:
    """Return the pieces of a SealedSecret."""
    values, tail = value_children(pieces)
    own = next((piece for piece in pieces if piece.key in ("data", "stringData")), None)
    encrypted = Piece(
        "encryptedData",
        lead=own.lead if own is not None else "",
        inline=own.inline if own is not None else "",
        children=values,
        tail=tail,
    )
    template = Piece("template", children=tuple(piece for piece in pieces if piece.key in _IN_TEMPLATE))
    spec = Piece("spec", children=(encrypted, template))
    return map_pieces(data, (*_types(pieces), Piece("metadata", children=()), spec))


def unsealed_pieces(secret: Secret, pieces: Pieces) -> Pieces:
    """Return the pieces of a Secret."""
    spec = find(pieces, "spec") or Piece("spec")
    encrypted = spec.child("encryptedData") or Piece("encryptedData")
    template = spec.child("template") or Piece("template")
    outer, inner = find(pieces, "metadata"), template.child("metadata")
    metadata = inner if inner is not None else outer
    if inner is not None and outer is not None:
        metadata = replace(inner, lead=outer.lead + inner.lead)
    kept = [piece for piece in (template.child("type"), template.child("immutable")) if piece is not None]
    heads = [*_types(pieces), *([metadata] if metadata is not None else ())]
    field = replace(encrypted, lead=spec.lead + encrypted.lead)
    return secret_pieces(secret, (*heads, *kept), encrypted.children or (), field)


def _types(pieces: Pieces) -> Pieces:
    """Return apiVersion and kind in their order in the file."""
    return tuple(piece for piece in pieces if piece.key in _TYPE)
