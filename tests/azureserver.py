"""Azure on this machine: Key Vault's REST API for keys, and the token service, behind a proxy for HTTPS.

`HTTPS_PROXY` leads clients here, and `SSL_CERT_FILE` names the authority that signed the certificate. So they
ask for the real names, such as `team.vault.azure.net`, and nothing leaves the machine. A name that the server
does not have gets what an unknown host gets. Requests, answers and error codes are those of Azure's REST
reference for Key Vault and of Microsoft Entra's error codes; a request that is wrong in any part is refused.

A service that shares a vault, such as secrets, is a function in `Azure.collections`.
"""

import base64
import json
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

LOGIN = "login.microsoftonline.com"
TENANT = "11111111-1111-4111-8111-111111111111"
CLIENT = "22222222-2222-4222-8222-222222222222"
SECRET = "throwaway-client-secret"
ASSERTION = "throwaway.projected.token"
VAULT = "team.vault.azure.net"
PRIVATE_VAULT = "team.vault.stack.example"
HSM = "team.managedhsm.azure.net"
IMDS = "169.254.169.254"
API_VERSIONS = {"7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01"}
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
_ALGORITHMS = {"RSA-OAEP-256": _OAEP, "RSA1_5": padding.PKCS1v15()}


class Asked(NamedTuple):
    """A request that reached the server."""

    host: str
    method: str
    path: str
    authorised: bool


class Answer(NamedTuple):
    """What the server answers; a text is not JSON."""

    status: int
    body: object
    headers: Mapping[str, str] = MappingProxyType({})


class Request(NamedTuple):
    host: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Version:
    """One version of a key."""

    key: rsa.RSAPrivateKey
    enabled: bool = True
    not_before: datetime | None = None
    expires: datetime | None = None
    operations: tuple[str, ...] = ("encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify")


@dataclass
class Azure:
    """The server's state.

    Attributes:
        environ: what a client's environment needs.
        keys: by host of the vault and name: the versions, oldest first.
        collections: what a vault answers under the first part of a path.
        denied: operations that the caller has no permission for, with the inner code, such as
            `{"decrypt": "ForbiddenByRbac"}`.
        faults: answers to the next authorised requests, before anything is looked at.
        login_faults: likewise, to requests for a token.
        challenges: the challenge of a host, in place of the right one.
        tenants: each with its clients and their secrets.
        machine: there is a managed identity.
        gate: requests to vaults wait for it.
        login_gate: likewise, requests for a token.
        asked: all requests.
    """

    environ: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, str], dict[str, Version]] = field(default_factory=dict)
    collections: dict[str, object] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)
    faults: list[Answer] = field(default_factory=list)
    login_faults: list[Answer] = field(default_factory=list)
    challenges: dict[str, str] = field(default_factory=dict)
    tenants: dict[str, dict[str, str]] = field(default_factory=dict)
    machine: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    login_gate: threading.Event = field(default_factory=threading.Event)
    asked: list[Asked] = field(default_factory=list)
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)

    def reset(self):
        """Forget everything but the addresses."""
        for each in (self.keys, self.denied, self.faults, self.login_faults, self.challenges, self.asked):
            each.clear()
        self.tokens.clear()
        self.tenants = {TENANT: {CLIENT: SECRET}}
        self.collections = {"keys": _keys}
        self.machine = False
        self.gate.set()
        self.login_gate.set()

    def add_key(self, key, name="sops", host=VAULT, **state):
        """Add a version of a key; returns the version's name."""
        versions = self.keys.setdefault((host, name), {})
        version = f"{len(versions) + 1:032x}"
        versions[version] = Version(key, **state)
        return version

    def url(self, name="sops", version="", host=VAULT):
        return f"https://{host}/keys/{name}" + (f"/{version}" if version else "")

    def calls(self, *hosts):
        """Method and path of the authorised requests to vaults, in order."""
        return [
            (one.method, one.path) for one in self.asked if one.authorised and one.host in (hosts or _VAULTS)
        ]

    def logins(self):
        """How many tokens were asked for."""
        return sum(one.path.endswith("/token") for one in self.asked)


_AUDIENCES = {
    VAULT: "https://vault.azure.net",
    "other.vault.azure.net": "https://vault.azure.net",
    HSM: "https://managedhsm.azure.net",
    PRIVATE_VAULT: "https://vault.stack.example",
}
_VAULTS = tuple(_AUDIENCES)
_HOSTS = (LOGIN, *_VAULTS)


def failure(status, code, message, inner="", **headers):
    """An error as Key Vault writes it."""
    error = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner}
    return Answer(
        status, {"error": error}, {name.replace("_", "-"): value for name, value in headers.items()}
    )


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text):
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError(text)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# --- the token service ------------------------------------------------------------------------------------


def _login_failure(status, number, message, error="invalid_client"):
    return Answer(
        status,
        {
            "error": error,
            "error_description": f"AADSTS{number}: {message} Trace ID: 0 Correlation ID: 0",
            "error_codes": [number],
        },
    )


def _login(azure, request):
    if request.path == "/common/discovery/instance" and request.method == "GET":
        return Answer(
            200,
            {
                "tenant_discovery_endpoint": f"https://{LOGIN}/{TENANT}/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [{"preferred_network": LOGIN, "preferred_cache": LOGIN, "aliases": [LOGIN]}],
            },
        )
    tenant, _, rest = request.path.lstrip("/").partition("/")
    if tenant not in azure.tenants:
        return _login_failure(400, 90002, f"Tenant '{tenant}' not found.", "invalid_request")
    if rest == "v2.0/.well-known/openid-configuration" and request.method == "GET":
        base = f"https://{LOGIN}/{tenant}"
        return Answer(
            200,
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "issuer": f"{base}/v2.0",
            },
        )
    if rest != "oauth2/v2.0/token" or request.method != "POST":
        return Answer(404, "")
    azure.login_gate.wait(10)
    if azure.login_faults:
        return azure.login_faults.pop(0)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return _login_failure(400, 900144, "The request body must be form encoded.", "invalid_request")
    form = dict(parse_qsl(request.body.decode("utf-8")))
    clients = azure.tenants[tenant]
    if form.get("grant_type") != "client_credentials":
        return _login_failure(400, 70003, "The grant type is not supported.", "unsupported_grant_type")
    if form.get("client_id") not in clients:
        return _login_failure(
            400, 700016, "Application was not found in the directory.", "unauthorized_client"
        )
    if "client_assertion" in form:
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        if (form["client_assertion"], form.get("client_assertion_type")) != (ASSERTION, kind):
            return _login_failure(401, 700024, "Client assertion is not within its valid time range.")
    elif form.get("client_secret") != clients[form["client_id"]]:
        return _login_failure(401, 7000215, "Invalid client secret provided.")
    # A client may add what OpenID has, as Go's does.
    scopes = set(form.get("scope", "").split()) - {"openid", "offline_access", "profile"}
    audiences = {f"{each}/.default" for each in _AUDIENCES.values()}
    if len(scopes) != 1 or not scopes <= audiences:
        return _login_failure(400, 500011, "The resource principal was not found.", "invalid_resource")
    return _token(azure, tenant, scopes.pop().removesuffix("/.default"))


def _token(azure, tenant, audience, **more):
    token = f"throwaway.token.{len(azure.tokens)}"
    azure.tokens[token] = (tenant, audience)
    return Answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token, **more})


def _machine(azure, request):
    """The metadata service of a virtual machine."""
    if request.path != "/metadata/identity/oauth2/token" or request.method != "GET":
        return Answer(404, {"error": "not_found"})
    if request.headers.get("metadata") != "true":
        return Answer(400, {"error": "bad_request_102", "error_description": "Required metadata header"})
    if not azure.machine:
        return Answer(400, {"error": "invalid_request", "error_description": "Identity not found"})
    return _token(azure, TENANT, request.query.get("resource", ""), expires_on="4102444800")


# --- the vault --------------------------------------------------------------------------------------------


def _vault(azure, request):
    azure.gate.wait(10)
    audience = _AUDIENCES[request.host]
    challenge = azure.challenges.get(request.host) or (
        f'Bearer authorization="https://{LOGIN}/{TENANT}", resource="{audience}"'
    )
    wanted = {"WWW-Authenticate": challenge}
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer":
        return Answer(401, failure(401, "Unauthorized", "AKV10000: a token is missing.").body, wanted)
    if azure.faults:
        return azure.faults.pop(0)
    known = azure.tokens.get(token)
    if known is None:
        return Answer(401, failure(401, "Unauthorized", "AKV10022: the token is not valid.").body, wanted)
    if known[1] != audience:
        return Answer(401, failure(401, "Unauthorized", "AKV10022: Invalid audience.").body, wanted)
    if known[0] != TENANT:
        return Answer(401, failure(401, "Unauthorized", "AKV10032: Invalid issuer.").body, wanted)
    if request.query.get("api-version") not in API_VERSIONS:
        return failure(400, "BadParameter", "The specified version is not recognized.")
    parts = request.path.strip("/").split("/")
    collection = azure.collections.get(parts[0])
    if collection is None:
        return failure(404, "NotFound", "The resource was not found.")
    return collection(azure, request, parts[1:])


def _keys(azure, request, parts):
    if not parts or not re.fullmatch(r"[0-9A-Za-z-]{1,127}", parts[0]):
        return failure(400, "BadParameter", "The request URI contains an invalid name.")
    name, version, operation = (*parts, "", "")[:3]
    if request.method == "GET" and len(parts) <= 2:
        wanted = "get"
    elif request.method == "POST" and len(parts) == 3 and operation in ("encrypt", "decrypt"):
        wanted = operation
    else:
        return failure(405, "MethodNotAllowed", "The method is not allowed here.")
    if (inner := azure.denied.get(wanted)) is not None:
        return failure(403, "Forbidden", f"Caller has no permission for {wanted}.", inner)
    versions = azure.keys.get((request.host, name), {})
    version = version or next(reversed(versions), "")
    key = versions.get(version)
    if key is None:
        return failure(404, "KeyNotFound", "A key with this name or version was not found in this key vault.")
    kid = f"https://{request.host}/keys/{name}/{version}"
    if wanted == "get":
        numbers = key.key.public_key().public_numbers()
        jwk = {"kid": kid, "kty": "RSA", "key_ops": list(key.operations), "e": "AQAB"}
        jwk["n"] = encode(numbers.n.to_bytes(256, "big"))
        return Answer(200, {"key": jwk, "attributes": {"enabled": key.enabled, "created": 1700000000}})
    return _operate(key, kid, wanted, request)


def _operate(key, kid, operation, request):
    if not key.enabled:
        return failure(
            403, "Forbidden", f"Operation {operation} is not allowed on a disabled key.", "KeyDisabled"
        )
    now = datetime.now(UTC)
    if operation == "encrypt" and key.not_before is not None and now < key.not_before:
        return failure(
            403, "Forbidden", "Operation encrypt is not allowed on a key before its time.", "KeyNotYetValid"
        )
    if operation == "encrypt" and key.expires is not None and now >= key.expires:
        return failure(403, "Forbidden", "Operation encrypt is not allowed on an expired key.", "KeyExpired")
    if operation not in key.operations:
        return failure(403, "Forbidden", f"Operation {operation} is not permitted on this key.")
    if not request.headers.get("content-type", "").startswith("application/json"):
        return failure(415, "UnsupportedMediaType", "The media type is not supported.")
    try:
        body = json.loads(request.body)
        scheme, value = _ALGORITHMS[body.pop("alg")], _decode(body.pop("value"))
        assert not body
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
        return failure(400, "BadParameter", "The parameter is incorrect.")
    try:
        result = (
            key.key.public_key().encrypt(value, scheme)
            if operation == "encrypt"
            else key.key.decrypt(value, scheme)
        )
    except ValueError:
        return failure(400, "BadParameter", "The parameter is incorrect.")
    return Answer(200, {"kid": kid, "value": encode(result)})


# --- the transport ----------------------------------------------------------------------------------------


def _answer(azure, request):
    authorised = "authorization" in request.headers
    azure.asked.append(Asked(request.host, request.method, request.path, authorised))
    if request.host == IMDS:
        return _machine(azure, request)
    if request.host == LOGIN:
        return _login(azure, request)
    return _vault(azure, request)


def _handler(azure, context, connections):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        tunnel = ""

        def do_CONNECT(self):
            host, _, port = self.path.rpartition(":")
            if host not in _HOSTS or port != "443":
                # What a proxy answers for a name that does not exist.
                self.send_error(502, "unknown host")
                self.close_connection = True
                return
            self.send_response(200, "Connection established")
            self.end_headers()
            self.wfile.flush()
            self.tunnel = host
            connections.discard(self.connection)
            self.connection = context.wrap_socket(self.connection, server_side=True)
            connections.add(self.connection)
            self.rfile = self.connection.makefile("rb", -1)
            self.wfile = self.connection.makefile("wb", 0)
            self.close_connection = False

        def setup(self):
            super().setup()
            connections.add(self.connection)

        def finish(self):
            super().finish()
            connections.discard(self.connection)
            self.connection.close()

        def handle_one_request(self):
            with suppress(ConnectionError, ssl.SSLError, OSError, ValueError):
                super().handle_one_request()
                return
            self.close_connection = True

        def handle_any(self):
            parts = urlsplit(self.path)
            host = self.tunnel or parts.hostname
            if not self.tunnel and host != IMDS:
                self.send_error(502, "unknown host")
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            answer = _answer(azure, Request(host, self.command, parts.path, query, headers, body))
            text = isinstance(answer.body, str)
            content = answer.body.encode("utf-8") if text else json.dumps(answer.body).encode("utf-8")
            self.send_response(answer.status)
            self.send_header("Content-Type", "text/html" if text else "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names of http.server

        def log_message(self, *_args):
            pass

    return Handler


def _certify(folder):
    """Make an authority and a certificate for all names; returns the authority's file and the TLS context."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("throwaway authority", VAULT)
    ]
    now = datetime.now(UTC)

    def builder(subject, key):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), False)
        )

    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    authority = (
        builder(names[0], keys[0])
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key()), critical=False)
        .sign(keys[0], hashes.SHA256())
    )
    leaf = (
        builder(names[1], keys[1])
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in _HOSTS]), critical=False)
        .sign(keys[0], hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "server.pem").write_bytes(
        leaf.public_bytes(pem)
        + keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "authority.pem", context


@contextmanager
def azure_server(folder):
    """Serve Azure.

    Args:
        folder: where the certificates go.
    """
    azure = Azure()
    authority, context = _certify(folder)
    connections = set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(azure, context, connections))
    server.daemon_threads = False
    proxy = f"http://127.0.0.1:{server.server_port}"
    azure.environ = {
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "SSL_CERT_FILE": str(authority),
        "REQUESTS_CA_BUNDLE": "",
        "CURL_CA_BUNDLE": "",
        "NO_PROXY": "",
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_CLIENT_SECRET": SECRET,
    }
    azure.reset()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield azure
    finally:
        azure.gate.set()
        azure.login_gate.set()
        server.shutdown()
        for each in tuple(connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        server.server_close()
        thread.join()
