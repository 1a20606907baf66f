"""age's identities and recipients: ones that parse, and that belong together if the originals do."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.sops.bech32 import decode, decode_identity, encode

_IDENTITY = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{58}", re.ASCII)
_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}", re.ASCII)
_PREFIX, _PUBLIC = "age-secret-key-", "age"
_SIZE = 32


def _make(text: str, maker: Maker) -> str | None:
    if _IDENTITY.fullmatch(text):
        secret = decode_identity(text, _PREFIX, _SIZE)
        return encode(_PREFIX, _drawn(_public(secret) if secret else text.encode(), maker)).upper()
    if _RECIPIENT.fullmatch(text):
        try:
            _, point = decode(text)
        except ValueError:
            return None
        return encode(_PUBLIC, _public(_drawn(point, maker)))
    return None


def _drawn(public: bytes, maker: Maker) -> bytes:
    return maker.draw("age", public).bytes(_SIZE)


def _public(secret: bytes) -> bytes:
    from fluxsecrets.sops.primitives import x25519_private

    return x25519_private(secret).public_key().public_bytes_raw()


SHAPE = Shape("age key", _make)
