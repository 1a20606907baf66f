"""A JSON Web Token: three parts that decode; the algorithm stays, and the names of claims."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from fluxsecrets.placeholders.model import Maker, Shape

_JWT = re.compile(r"(eyJ[A-Za-z0-9_-]{5,})\.(eyJ[A-Za-z0-9_-]{5,})\.([A-Za-z0-9_-]{16,})", re.ASCII)
_ALGORITHMS = frozenset(
    {f"{kind}{size}" for kind in ("HS", "RS", "ES", "PS") for size in (256, 384, 512)} | {"EdDSA"}
)
_LONGEST = 512


def _make(text: str, maker: Maker) -> str | None:
    match = _JWT.fullmatch(text)
    if match is None:
        return None
    header, claims = _read(match[1]), _read(match[2])
    if header is None or claims is None:
        return None
    import json

    algorithm = header.get("alg")
    shown = {"alg": algorithm if algorithm in _ALGORITHMS else "HS256", "typ": "JWT"}
    masked = maker.part(json.dumps(claims))
    size = min(len(match[3]), _LONGEST) * 3 // 4
    parts = (json.dumps(shown).encode(), masked.encode(), maker.draw("jwt", text).bytes(size))
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _read(part: str) -> dict[str, object] | None:
    import json

    try:
        found = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


SHAPE = Shape("jwt", _make)
