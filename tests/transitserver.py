"""A server on this machine that speaks the transit engine's HTTP API as OpenBao 2.5 does, and nothing else.

Paths, methods, statuses and errors are those that a real server gave (openbao: builtin/logical/transit,
sdk/helper/keysutil/policy.go, http/handler.go). Nothing is kept beyond the test.
"""

import base64
import binascii
import json
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from webserver import Answer, web_server

TOKEN = "throwaway-transit-token"
ENGINE = "transit"
_DENIED = (403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]})
_UNSUPPORTED = {"errors": ["1 error occurred:\n\t* unsupported path\n\n"]}


@dataclass
class Key:
    """A key of the engine, with all of its versions."""

    versions: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    oldest: int = 1
    type: str = "aes256-gcm96"
    derived: bool = False
    deleted: bool = False


@dataclass
class Transit:
    """The server's state.

    Attributes:
        keys: by namespace, engine and name.
        engines: namespace and path of each.
        tokens: what each token may do: `encrypt`, `decrypt`, `create`.
        asked: method, path, token and namespace of each request.
        answers: answers that are given first, each once: status, headers, and a body or JSON.
        always: the answer to every request, or None.
        hang: a request waits until this is set.
    """

    address: str = ""
    keys: dict[tuple[str, str, str], Key] = field(default_factory=dict)
    engines: set[tuple[str, str]] = field(default_factory=lambda: {("", ENGINE)})
    tokens: dict[str, set[str]] = field(default_factory=lambda: {TOKEN: {"encrypt", "decrypt", "create"}})
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    answers: list[tuple[int, dict, object]] = field(default_factory=list)
    always: tuple[int, dict, object] | None = None
    hang: threading.Event | None = None

    def key(self, name="app", engine=ENGINE, namespace=""):
        return self.keys.setdefault((namespace, engine, name), Key())

    def uri(self, name="app", engine=ENGINE):
        return f"{self.address}/v1/{engine}/keys/{name}"

    def reset(self):
        self.__dict__.update(Transit(self.address).__dict__)


def _answer(transit, method, path, headers, body):
    token = headers.get("x-vault-token", "")
    if headers.get("x-vault-request") != "true":
        return 412, {"errors": ["missing required header"]}
    if not path.startswith("/v1/") or "//" in path or "/../" in path:
        return 404, {"errors": []}
    namespace, rest = _namespace(transit, headers.get("x-vault-namespace", ""), path.removeprefix("/v1/"))
    if token not in transit.tokens:
        return 403, {"errors": ["permission denied"]}
    engine = next(
        (each for space, each in transit.engines if space == namespace and rest.startswith(f"{each}/")), None
    )
    if namespace and not any(space == namespace for space, _ in transit.engines):
        return 404, {"errors": ["namespace not found"]}
    if engine is None:
        return 404, {"errors": [f'no handler for route "{rest}". route entry not found.']}
    match = re.fullmatch(r"(encrypt|decrypt)/([\w.-]+)", rest.removeprefix(f"{engine}/"), re.ASCII)
    if match is None:
        return 404, _UNSUPPORTED
    if method not in ("PUT", "POST"):
        return 405, {"errors": ["1 error occurred:\n\t* unsupported operation\n\n"]}
    verb, name = match.groups()
    place = (namespace, engine, name)
    allowed = transit.tokens[token]
    if verb not in allowed or (verb == "encrypt" and place not in transit.keys and "create" not in allowed):
        return _DENIED
    try:
        request = json.loads(body)
    except ValueError:
        return 400, {"errors": ["error parsing JSON"]}
    if verb == "encrypt" and "plaintext" not in request:
        return 400, {"errors": ["missing plaintext to encrypt"]}
    if verb == "encrypt":
        transit.keys.setdefault(place, Key())
    key = transit.keys.get(place)
    if key is None:
        return 400, {"errors": ["encryption key not found"]}
    if key.deleted:
        return 400, {"errors": ["refusing to use soft-deleted key"]}
    if key.type == "ed25519":
        return 400, {"errors": [f"message {verb}ion not supported for key type ed25519"]}
    if key.derived:
        return 400, {
            "errors": ["missing 'context' for key derivation; the key was created using a derived key"]
        }
    data = _encrypt(key, request) if verb == "encrypt" else _decrypt(key, request)
    return (400, {"errors": [data]}) if isinstance(data, str) else (200, _wrapped(data))


def _namespace(transit, header, path):
    spaces = {space for space, _ in transit.engines if space}
    for space in spaces:
        if not header and path.startswith(f"{space}/"):
            return space, path.removeprefix(f"{space}/")
    return header, path


def _encrypt(key, request):
    try:
        plain = base64.b64decode(request["plaintext"], validate=True)
    except (binascii.Error, TypeError):
        return "illegal base64 data at input byte 0"
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(key.versions[-1]).encrypt(nonce, plain, None)
    number = len(key.versions)
    return {"ciphertext": f"vault:v{number}:{base64.b64encode(sealed).decode()}", "key_version": number}


def _decrypt(key, request):
    text = request.get("ciphertext")
    if not text:
        return "missing ciphertext to decrypt"
    match = re.fullmatch(r"vault:v([0-9]+):(.*)", text)
    if match is None:
        return "invalid ciphertext: no prefix"
    if int(match[1]) > len(key.versions):
        return "invalid ciphertext: version is too new"
    if int(match[1]) < key.oldest:
        return "ciphertext or signature version is disallowed by policy (too old)"
    try:
        sealed = base64.b64decode(match[2], validate=True)
    except binascii.Error:
        return "invalid ciphertext: could not decode base64"
    if len(sealed) < 12:
        return "invalid ciphertext length"
    try:
        plain = AESGCM(key.versions[int(match[1]) - 1]).decrypt(sealed[:12], sealed[12:], None)
    except InvalidTag:
        return "cipher: message authentication failed"
    return {"plaintext": base64.b64encode(plain).decode()}


def _wrapped(data):
    return {
        "request_id": "00000000-0000-0000-0000-000000000000",
        "lease_id": "",
        "renewable": False,
        "lease_duration": 0,
        "data": data,
        "wrap_info": None,
        "warnings": None,
        "auth": None,
    }


@contextmanager
def transit_server():
    transit = Transit()

    def answer(request):
        token, namespace = (request.headers.get(f"x-vault-{name}", "") for name in ("token", "namespace"))
        transit.asked.append((request.method, request.path, token, namespace))
        if transit.hang is not None:
            transit.hang.wait(10)
        if transit.answers or transit.always is not None:
            status, headers, data = transit.answers.pop(0) if transit.answers else transit.always
            return Answer(status, data, headers)
        return Answer(*_answer(transit, request.method, request.path, request.headers, request.body))

    with web_server(answer) as transit.address:
        yield transit
