"""SSH's public keys, alone or in `authorized_keys` and `known_hosts`: comments and hosts are masked."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.sshkeys import public_key

_KEY = re.compile(
    r"(?P<before>[^\n]{1,512}?\s)?"
    r"(?P<key>(?:ssh-(?:rsa|ed25519)|ecdsa-sha2-nistp(?:256|384|521))[ \t]+[A-Za-z0-9+/]{60,}={0,2})"
    r"(?P<comment>[ \t][^\n]*)?"
)


def _make(text: str, maker: Maker) -> str | None:
    if "AAAA" not in text or "\n" in text:
        return None
    match = _KEY.fullmatch(text)
    found = None if match is None else public_key(match["key"], maker)
    if match is None or found is None:
        return None
    before = f"{maker.mark(match['before'].strip())} " if match["before"] else ""
    comment = f" {maker.mark(match['comment'].strip())}" if (match["comment"] or "").strip() else ""
    return f"{before}{found}{comment}"


SHAPE = Shape("ssh public key", _make)
