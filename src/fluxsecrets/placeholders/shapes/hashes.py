"""Hashes of passwords, alone and as lines of htpasswd: their scheme stays, with its usual parameters."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.model import Maker, Shape

_CRYPT = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FORMS = (
    (r"\$(2[abxy])\$[0-9]{2}\$[./A-Za-z0-9]{53}", "${0}$10$", ((_CRYPT, 53),)),
    (r"\$(argon2(?:id|i|d))\$\S{10,200}", "${0}$v=19$m=65536,t=3,p=4$", ((_BASE64, 22), (_BASE64, 43))),
    (r"\$(apr1|1)\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}", "${0}$", ((_CRYPT, 8), (_CRYPT, 22))),
    (r"\$(5)\$\S{10,200}", "${0}$", ((_CRYPT, 16), (_CRYPT, 43))),
    (r"\$(6)\$\S{10,200}", "${0}$", ((_CRYPT, 16), (_CRYPT, 86))),
    (r"\$(y)\$\S{10,200}", "${0}$j9T$", ((_CRYPT, 22), (_CRYPT, 43))),
    (r"\{(SHA)\}[A-Za-z0-9+/]{27}=", "{{{0}}}", ((_BASE64, 27),)),
    (r"\{(SSHA)\}[A-Za-z0-9+/]{32,}={0,2}", "{{{0}}}", ((_BASE64, 32),)),
)
_LINE = re.compile(r"(?P<user>[^:\s]{1,255}):(?P<hash>[${]\S{10,255})")


def _make(text: str, maker: Maker) -> str | None:
    found = _hash(text, maker)
    if found is not None:
        return found
    match = _LINE.fullmatch(text)
    found = None if match is None else _hash(match["hash"], maker)
    return None if match is None or found is None else f"{maker.mark(match['user'])}:{found}"


def _hash(text: str, maker: Maker) -> str | None:
    if text[:1] not in "${":
        return None
    for form, before, parts in _FORMS:
        match = re.fullmatch(form, text, re.ASCII)
        if match is not None:
            draw = maker.draw("hash", text)
            written = [draw.apart(f"part {at}").signs(*part) for at, part in enumerate(parts)]
            return before.format(match[1]) + "$".join(written) + ("=" if match[1] == "SHA" else "")
    return None


SHAPE = Shape("password hash", _make)
