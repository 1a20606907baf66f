"""Values of Secrets that are public by their form: certificates, public keys, ports, switches.

They count, since a Secret is encrypted as a whole, but nothing is lost by them. Each form is checked to the
end: a password behind `-----BEGIN CERTIFICATE-----` or after `ssh-ed25519` is none of these.
"""

from __future__ import annotations

import re
from base64 import b64decode

from .aroundvariables import around_variables
from .names import WORD, Telling, telling
from .values import is_literal
from .wholetext import looks_random

_BLOCK = (
    r"-----BEGIN (?P<label>(?:TRUSTED |X509 )?CERTIFICATE|(?:RSA )?PUBLIC KEY|X509 CRL)-----\s"
    r"(?P<body>[A-Za-z0-9+/=\s]+)-----END (?P=label)-----\s*"
)
_SSH_KEY = (
    r"(?P<kind>ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp\d{3}|sk-[a-z0-9-]+@openssh\.com)[ \t]+"
    r"(?P<key>AAAA[A-Za-z0-9+/]+={0,2})(?:[ \t]+(?P<owner>[A-Za-z_][\w.-]{0,31}@[\w.-]{1,64}))?(?=\s|\Z)"
)
_KNOWN_HOST = (
    r"(?:@(?:cert-authority|revoked) )?(?:\|1\|[\w+/=]{28}\|[\w+/=]{28}|"
    r"(?P<host>[\w.,:*?!\[\]-]{1,255}))[ \t]+"
)
_SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off", "enabled", "disabled"})
_NUMBERED = frozenset({"port", "ports", "timeout", "replicas", "uid", "gid", "puid", "pgid"})
_AFTER = frozenset({"number", "seconds", "ms", "count"})
_NAMED = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
_ADDRESS = (
    r"(?:[a-z][a-z0-9+-]{0,20}:){0,2}(?://)?(?:[a-z][a-z0-9-]{0,23}\.)*"
    rf"{_NAMED}(?:\.[a-z][a-z0-9-]{{0,23}})*(?::(?:\d{{1,5}}|{_NAMED}))?"
    rf"(?:/(?:[a-z][a-z0-9._-]{{0,31}}|{_NAMED}))*/?"
)
_PARTS = rf"{_NAMED}|[./:]+"
_FOLDER = r"(?:/[\w.@-]{1,32}){2,12}/?"
_TOP_FOLDER = r"/[a-z][a-z._-]{1,31}"
_PATHS = frozenset({"path", "dir", "directory", "folder", "file", "filename", "mount", "root", "home"})
_KEY = r"[A-Za-z_.-]{1,32}[0-9]{0,2}"
_SHORTEST_DER = 24
_LONGEST = 256 * 2**10


def public_form(name: str, text: str) -> str:
    """What a value of a Secret is, where its form makes it public: `a certificate`, or "" for all others.

    Args:
        name: its key.
        text: the value, decoded.
    """
    stripped = text.strip()
    if not stripped or len(stripped) > _LONGEST:
        return ""
    if stripped.startswith("-----BEGIN "):
        return _of_blocks(stripped)
    if "AAAA" in stripped and not without_public_keys(stripped).strip():
        return "a public key"
    if telling(name) is Telling.NOTHING and (form := _of_settings(name, stripped)):
        return form
    if "${" in stripped and (form := around_variables(name, stripped)):
        return form
    return "only references" if _only_refers(stripped) else ""


def _of_settings(name: str, text: str) -> str:
    """What a value is under a key that does not tell of a secret."""
    if text.lower() in _SWITCHES:
        return "a switch"
    if is_small_number(name, text):
        return "a number"
    if is_folder(text) or (_ends_as_path(name) and re.fullmatch(_TOP_FOLDER, text)):
        return "a path"
    return "an address around references" if _is_address(text) else ""


def _ends_as_path(name: str) -> bool:
    words = [word.lower() for word in re.findall(WORD, name)]
    return bool(words) and words[-1] in _PATHS


def _is_address(text: str) -> bool:
    return re.fullmatch(_ADDRESS, text) is not None and not any(map(looks_random, re.split(_PARTS, text)))


def is_small_number(name: str, text: str) -> bool:
    """Whether a value is a port, a time or a user's number, by its key and its form."""
    words = [word.lower() for word in re.findall(WORD, name)]
    while len(words) > 1 and words[-1] in _AFTER:
        words.pop()
    return bool(words) and words[-1] in _NUMBERED and re.fullmatch(r"[0-9]{1,5}", text) is not None


def is_folder(text: str) -> bool:
    """Whether a text is the path of a folder, of names that people give."""
    return re.fullmatch(_FOLDER, text) is not None and not any(map(looks_random, text.split("/")))


def without_public_keys(text: str) -> str:
    """A text without SSH's public keys, and of `known_hosts` without the hosts; comments after keys stay.

    A key counts if its bytes say what its line says.
    """
    if "AAAA" not in text:
        return text
    kept = []
    for line in text.splitlines():
        found = re.search(_SSH_KEY, line)
        if found is None or not _is_ssh_key(found["kind"], found["key"]):
            kept.append(line)
            continue
        host = re.fullmatch(_KNOWN_HOST, line[: found.start()].lstrip())
        named = host is None or any(map(looks_random, re.split(r"[],[]", host["host"] or "")))
        owner = found["owner"] or ""
        kept.append((line[: found.start()] if named else "") + (owner if looks_random(owner) else ""))
        kept.append(line[found.end() :])
    return "\n".join(kept)


def _of_blocks(text: str) -> str:
    at, labels = 0, set()
    blocks = re.compile(_BLOCK)
    while at < len(text):
        block = blocks.match(text, at)
        if block is None or not _is_der(block["body"]):
            return ""
        labels.add(block["label"].split()[-1])
        at = block.end()
    return "a public key" if labels == {"KEY"} else "a certificate"


def _is_der(body: str) -> bool:
    """Whether base64 is one sequence of DER from the first byte to the last, with further ones in it."""
    try:
        data = b64decode("".join(body.split()), validate=True)
    except ValueError:
        return False
    if len(data) < _SHORTEST_DER or data[0] != 0x30:
        return False
    width = data[1] & 0x7F if data[1] & 0x80 else 0
    if width > 4:
        return False
    size = int.from_bytes(data[2 : 2 + width], "big") if width else data[1]
    return 2 + width + size == len(data) and data[2 + width] == 0x30


def _is_ssh_key(kind: str, key: str) -> bool:
    """Whether a key's bytes are fields with their lengths, the first of which is the key's kind."""
    try:
        data = b64decode(key + "=" * (-len(key) % 4), validate=True)
    except ValueError:
        return False
    fields, at = [], 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        fields.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return at == len(data) and len(fields) > 1 and fields[0] == kind.encode()


def _only_refers(text: str) -> bool:
    """Whether every text in JSON is a reference or an address around one."""
    if not text.startswith(("{", "[")) or "${" not in text:
        return False
    import json

    try:
        rest = [("", json.loads(text))]
    except (ValueError, RecursionError):
        return False
    while rest:
        name, value = rest.pop()
        if isinstance(value, dict):
            if any(re.fullmatch(_KEY, key) is None for key in value):
                return False
            rest += value.items()
        elif isinstance(value, list):
            rest += [(name, each) for each in value]
        elif isinstance(value, str):
            if is_literal(value) and (telling(name) is not Telling.NOTHING or not _is_address(value)):
                return False
        elif not (value is None or isinstance(value, bool)):
            return False
    return True
