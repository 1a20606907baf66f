"""Throw-away tokens, made from recipes when tests run: none stands in the tree, and none opens anything.

A recipe is a text with places such as `{base62:30}`. The same recipe and seed give the same text.
"""

import base64
import hashlib
import json
import random
import re
import string

from fluxsecrets.scan.rules.checks import crc32_base62, gitlab_checksum, mas_checksum
from fluxsecrets.sops.bech32 import encode

_PLACE = re.compile(r"(?<!\{)\{(?P<kind>[a-zA-Z][\w-]*)(?::(?P<more>[^{}]*))?\}")
_OPEN = re.compile(r"(?<![{$])\{[a-zA-Z]")
_ALPHABETS = {
    "base62": string.digits + string.ascii_letters,
    "alnum": string.digits + string.ascii_lowercase,
    "upper": string.digits + string.ascii_uppercase,
    "lower": string.ascii_lowercase,
    "letter": string.ascii_letters,
    "hex": string.hexdigits[:16],
    "HEX": string.hexdigits[:16].upper(),
    "digit": string.digits,
    "base32": string.ascii_uppercase + "234567",
    "base64": string.ascii_letters + string.digits + "+/",
    "base64url": string.ascii_letters + string.digits + "-_",
}


_SPECIAL = {
    "aws": True,
    "bytes64": True,
    "gitlab": True,
    "mas": True,
    **dict.fromkeys(("pem", "pem-js", "pem-json", "pem-locked"), True),
    "putty": None,
    **dict.fromkeys(("age", "age-pq", "ceph", "crc62", "discord", "matrix", "pgp"), False),
    **dict.fromkeys(("jwt", "jwt-home", "jwt-k8s"), False),
    **dict.fromkeys(("pypi", "sentry", "tunnel", "uuid"), False),
}
"""Other kinds of places, and whether they take an argument; None for those that may."""


class RecipeError(ValueError):
    """A recipe with a place that nothing fills."""


def make(recipe, seed="", rule=""):
    """Return the text of a recipe.

    A `{` before a letter starts a place, except in `${NAME}` and `{{ template }}`.

    Raises:
        RecipeError: a place is misspelt; it names the rule, if one is given, and the place.
    """
    maker = _Maker(random.Random(hashlib.sha256(f"{seed}|{recipe}".encode()).digest()))
    pieces = compile_recipe(recipe, rule)
    return "".join(piece if isinstance(piece, str) else maker.fill(*piece) for piece in pieces)


def compile_recipe(recipe, rule=""):
    """Return a recipe as texts, and kind and argument of each place.

    Raises:
        RecipeError: see `make`.
    """
    pieces, end = [], 0
    for place in _PLACE.finditer(recipe):
        kind, more = place["kind"], place["more"]
        variable = recipe[: place.start()].endswith("$") and kind.isupper() and kind != "HEX"
        if more is None and variable:
            continue
        problem = _problem(kind, more)
        if problem:
            raise RecipeError(f"{rule or recipe}: the place {place[0]} {problem}")
        pieces += [recipe[end : place.start()], (kind, more or "")]
        end = place.end()
    pieces.append(recipe[end:])
    for text in pieces:
        if isinstance(text, str) and (left := _OPEN.search(text)):
            raise RecipeError(f"{rule or recipe}: the place {text[left.start() :][:20]} has no end")
    return pieces


def _problem(kind, more):
    if kind in _ALPHABETS:
        return "" if more and more.isdecimal() and int(more) else "needs a length"
    if kind not in _SPECIAL:
        return "has no known kind"
    if _SPECIAL[kind] is not None and _SPECIAL[kind] is not bool(more):
        return "needs an argument" if _SPECIAL[kind] else "takes no argument"
    return ""


class _Maker:
    def __init__(self, chance):
        self.chance = chance
        self.last = ""

    def fill(self, kind, more):
        if kind in _ALPHABETS:
            self.last = self.some(kind, int(more))
            return self.last
        return getattr(self, f"make_{kind.replace('-', '_')}")(more)

    def some(self, kind, length):
        """As random as real ones: no run and no sequence that would make it a placeholder."""
        return "".join(self.chance.choice(_ALPHABETS[kind]) for _ in range(length))

    def bytes(self, count):
        return self.chance.randbytes(count)

    def make_crc62(self, _):
        return crc32_base62(self.last.encode()).decode()

    def make_aws(self, prefix):
        account = self.chance.randrange(10**11, 10**12)
        number = 1 << 47 | account << 7 | self.chance.randrange(128)
        return prefix + base64.b32encode(number.to_bytes(6, "big") + self.bytes(4)).decode()

    def make_bytes64(self, count):
        return base64.b64encode(self.bytes(int(count))).decode()

    def make_uuid(self, _):
        digits = self.some("hex", 32)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def make_gitlab(self, prefix):
        payload = _base64url(b"o:1\nu:2s" + self.bytes(16) + b"\x10")
        head = f"{prefix}{payload}.01.{len(payload):02d}"
        return head + gitlab_checksum(head.encode()).decode()

    def make_jwt(self, _, claims=None):
        header = {"alg": "RS256", "typ": "JWT"}
        claims = claims or {"sub": "throwaway", "jti": self.some("hex", 16)}
        parts = [_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
        return ".".join([*parts, _base64url(self.bytes(64))])

    def make_jwt_k8s(self, _):
        return self.make_jwt("", {"iss": "kubernetes/serviceaccount", "sub": "throwaway:default"})

    def make_jwt_home(self, _):
        """A long-lived token of Home Assistant."""
        issued = 1_700_000_000
        claims = {"iss": self.some("hex", 32), "iat": issued, "exp": issued + 315_360_000}
        parts = [_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
        return ".".join([*parts, _base64url(self.bytes(32))])

    def make_age(self, _):
        return encode("age-secret-key-", self.bytes(32)).upper()

    def make_age_pq(self, _):
        return encode("age-secret-key-pq-", self.bytes(32)).upper()

    def make_pem(self, label, line_break="\n"):
        body = b"openssh-key-v1\0" if label.startswith("OPENSSH") else b"\x30\x82\x02\x5c"
        text = base64.b64encode(body + b"throwaway" + self.bytes(300)).decode()
        lines = [text[start : start + 64] for start in range(0, len(text), 64)]
        return line_break.join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"])

    def make_pem_js(self, label):
        """As texts of code that are put together."""
        return self.make_pem(label, "\\n' +\n// '")

    def make_pem_locked(self, label):
        """With a passphrase."""
        if label.startswith("OPENSSH"):
            text = base64.b64encode(b"openssh-key-v1\0" + b"\0\0\0\x0aaes256-ctr" + self.bytes(300)).decode()
            return (
                f"-----BEGIN {label}-----\n{text[:70]}\n{text[70:140]}\n{text[140:]}\n-----END {label}-----"
            )
        first, rest = self.make_pem(label).split("\n", 1)
        return f"{first}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{self.some('HEX', 32)}\n\n{rest}"

    def make_pem_json(self, label):
        return self.make_pem(label, "\\n")

    def make_pgp(self, _):
        text = base64.b64encode(b"\x95\x01\xd8\x04" + b"throwaway" + self.bytes(300)).decode()
        lines = [text[start : start + 64] for start in range(0, len(text), 64)]
        label = "PGP PRIVATE KEY BLOCK"
        return "\n".join(
            [f"-----BEGIN {label}-----", "Comment: throwaway", "", *lines, f"-----END {label}-----"]
        )

    def make_putty(self, cipher):
        start = "PuTTY-User-Key-File"
        return f"{start}-3: ssh-ed25519\nEncryption: {cipher or 'none'}\nComment: throwaway\n"

    def make_ceph(self, _):
        head = b"\x01\0" + (1_700_000_000).to_bytes(4, "little") + self.bytes(4) + b"\x10\0"
        return base64.b64encode(head + self.bytes(16)).decode()

    def make_pypi(self, _):
        identifier = json.dumps({"user": "throwaway", "jti": self.some("hex", 16)}).encode()
        data = b"\x02\x01\x08pypi.org\x02" + bytes([len(identifier)]) + identifier
        return "pypi-" + _base64url(data + b"\x00\x00\x06\x20" + self.bytes(32))

    def make_sentry(self, _):
        facts = {
            "iat": 1_700_000_000.1,
            "url": "https://sentry.example",
            "region_url": None,
            "org": "throwaway",
        }
        secret = base64.b64encode(self.bytes(32)).decode().rstrip("=")
        return f"sntrys_{base64.b64encode(json.dumps(facts).encode()).decode()}_{secret}"

    def make_tunnel(self, _):
        secret = base64.b64encode(self.bytes(32)).decode()
        found = {"a": self.some("hex", 32), "t": self.make_uuid(""), "s": secret}
        return base64.b64encode(json.dumps(found, separators=(",", ":")).encode()).decode()

    def make_matrix(self, _):
        """An access token of Synapse: the user's name, a random part, and the checksum of both."""
        text = f"syt_{_base64url(b'throwaway')}_{self.some('letter', 20)}"
        return f"{text}_{crc32_base62(text.encode()).decode()}"

    def make_mas(self, prefix):
        text = f"{prefix}_{self.some('base62', 30)}"
        return f"{text}_{mas_checksum(text.encode()).decode()}"

    def make_discord(self, _):
        number = base64.b64encode(f"9{self.some('digit', 17)}".encode()).decode()
        return f"{number}.{self.some('base64url', 6)}.{self.some('base64url', 38)}"


def _base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
