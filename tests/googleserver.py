"""Servers on this machine that speak Google's APIs: Cloud KMS over REST and gRPC, and what gives tokens.

Messages are read and written with Google's own protobuf types, so that a wrong field, type or encoding is
refused as Google refuses it. Wrong paths, methods, tokens and checksums are refused, too. The texts and
details of errors are those of https://cloud.google.com/kms/docs and
https://cloud.google.com/apis/design/errors.

Another API is a list of `Route` that is passed to `google_servers`: the method, the pattern of the path, the
request's type, and a function that takes the state, the match and the request. It returns an answer of
Google's types, or raises `RefusedError`. For Secret Manager, `google.cloud.secretmanager_v1.types` has them:

    Route("POST", r"/v1/(projects/[^/]+)/secrets", types.Secret, create_secret)
"""

import base64
import ipaddress
import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import google_crc32c
import grpc
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.cloud.kms_v1.types import service as kms
from google.protobuf import any_pb2, json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

TOKEN = "throwaway-token"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ACCOUNT = "robot@throwaway-project.iam.gserviceaccount.com"
KEY = "projects/throwaway-project/locations/europe-west3/keyRings/flux/cryptoKeys/sops"
OTHER_KEY = "projects/throwaway-project/locations/global/keyRings/flux/cryptoKeys/other"
DOMAIN_KEY = "projects/example.com:throwaway/locations/us/keyRings/r_1/cryptoKeys/K-2"

_HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class RefusedError(Exception):
    """An error of Google's APIs: the name of a google.rpc.Code, a text, details, and HTTP headers."""

    def __init__(self, code, message, *details, headers=()):
        super().__init__(code)
        self.code = code
        self.headers = dict(headers)
        self.status = status_pb2.Status(code=code_pb2.Code.Value(code), message=message)
        for detail in details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            self.status.details.append(packed)


def cause(reason, **metadata):
    return error_details_pb2.ErrorInfo(reason=reason, domain="googleapis.com", metadata=metadata)


def retry_in(seconds):
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromNanoseconds(int(seconds * 1e9))
    return info


@dataclass
class Key:
    """A key of KMS with its versions, the newest last. Each version has 32 bytes and a state."""

    versions: list[tuple[bytes, str]]
    purpose: str = "ENCRYPT_DECRYPT"

    @classmethod
    def new(cls, seed=b"k"):
        return cls([((seed * 32)[:32], "ENABLED")])

    def rotate(self, seed=b"r"):
        self.versions.append(((seed * 32)[:32], "ENABLED"))

    def set_state(self, state, version=1):
        self.versions[version - 1] = (self.versions[version - 1][0], state)


@dataclass
class Google:
    """The state of the servers.

    Attributes:
        address: of the REST server and the token services.
        target: host and port of the gRPC server, which has TLS.
        certificates: a PEM file with the authority that signed the gRPC server's certificate.
        account_file: a service account's credentials, whose tokens are accepted.
        keys: by resource id.
        denied: permissions that nobody has.
        tokens: those that are accepted; others are unknown.
        asked: each request that was understood so far as to say what it wants, as (verb, resource).
        headers: of the last request to an API, names in lower case.
        query: of the last request to a REST API.
        token_requests: the paths of requests for tokens.
        failures: raised one after the other, before anything else of a request is looked at.
        changes: the answer to an API passes through it; for answers that are damaged on their way.
        raw: if set, (status, headers, content) that is answered to any request to an API.
        clock: seconds that the server's clock is ahead.
        silent: if set, requests to an API wait for it.
    """

    address: str = ""
    target: str = ""
    certificates: Path = Path()
    account_file: Path = Path()
    account_key: object = None
    keys: dict[str, Key] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    token_requests: list[str] = field(default_factory=list)
    failures: list[RefusedError] = field(default_factory=list)
    token_failures: list[tuple[int, object]] = field(default_factory=list)
    changes: Callable[[object], object] | None = None
    raw: tuple[int, dict[str, str], bytes] | None = None
    clock: float = 0.0
    silent: threading.Event | None = None

    def reset(self):
        self.keys = {KEY: Key.new(b"k"), OTHER_KEY: Key.new(b"o"), DOMAIN_KEY: Key.new(b"d")}
        self.tokens = {TOKEN}
        self.denied, self.headers = set(), {}
        self.asked, self.token_requests, self.failures, self.token_failures = [], [], [], []
        self.changes, self.raw, self.clock = None, None, 0.0
        self.silent = None

    def now(self):
        return time.time() + self.clock

    def variables(self, transport="rest"):
        """What an environment needs to reach the servers with a token."""
        rest = {"SOPS_GCP_KMS_ENDPOINT": self.address, "SOPS_GCP_KMS_CLIENT_TYPE": "rest"}
        over_grpc = {
            "SOPS_GCP_KMS_ENDPOINT": self.target,
            "SOPS_GCP_KMS_CLIENT_TYPE": "grpc",
            "SSL_CERT_FILE": str(self.certificates),
        }
        shared = {"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN, "NO_GCE_CHECK": "true"}
        return {**shared, **(rest if transport == "rest" else over_grpc)}

    def serve(self, verb, resource, headers, work):
        """Answer one request to an API: what all of them share."""
        self.asked.append((verb, resource))
        self.headers = headers
        if self.silent is not None:
            self.silent.wait(5)
        if self.failures:
            raise self.failures.pop(0)
        self._authenticate(headers.get("authorization", ""))
        answer = work()
        return answer if self.changes is None else self.changes(answer)

    def _authenticate(self, header):
        kind, _, token = header.partition(" ")
        if not header:
            raise RefusedError(
                "UNAUTHENTICATED",
                "Method doesn't allow unregistered callers (callers without established identity).",
                cause("CREDENTIALS_MISSING"),
            )
        if kind == "Bearer" and (token in self.tokens or self._is_own_token(token)):
            return
        raise RefusedError(
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token.",
            cause("ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        )

    def _is_own_token(self, token):
        """Whether it is a JWT that the account signed itself, for the right scope, and that is fresh."""
        claims = self.signed_claims(token)
        return bool(claims) and claims["sub"] == ACCOUNT and claims.get("scope") == SCOPE

    def signed_claims(self, token):
        parts = token.split(".")
        if len(parts) != 3:
            return {}
        header, claims, signature = (
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts
        )
        if json.loads(header)["alg"] != "RS256":
            return {}
        try:
            self.account_key.public_key().verify(
                signature, f"{parts[0]}.{parts[1]}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return {}
        claims = json.loads(claims)
        fresh = claims["iat"] - 300 <= self.now() <= claims["exp"] <= self.now() + 3900
        return claims if fresh and claims["iss"] == ACCOUNT else {}


def _require(google, permission, name):
    if permission in google.denied:
        raise RefusedError(
            "PERMISSION_DENIED",
            f"Permission '{permission}' denied on resource '{name}' (or it may not exist).",
            cause("IAM_PERMISSION_DENIED", permission=permission, resource=name),
        )


def _checked(data, given, what):
    """Return whether a checksum was given; a wrong one is refused."""
    if given is None:
        return False
    if given != google_crc32c.value(data):
        raise RefusedError(
            "INVALID_ARGUMENT", f"The checksum in field {what}_crc32c did not match the data in field {what}."
        )
    return True


def _usable(google, name):
    key = google.keys.get(name)
    if key is None:
        raise RefusedError("NOT_FOUND", f"CryptoKey {name} not found.")
    if key.purpose != "ENCRYPT_DECRYPT":
        raise RefusedError(
            "INVALID_ARGUMENT", f"{name} has purpose: {key.purpose}. The purpose must be ENCRYPT_DECRYPT."
        )
    return key


def _require_enabled(name, number, state):
    if state != "ENABLED":
        version = f"{name}/cryptoKeyVersions/{number}"
        violation = error_details_pb2.PreconditionFailure.Violation(type=f"KEY_{state}", subject=version)
        raise RefusedError(
            "FAILED_PRECONDITION",
            f"{version} is not enabled, current state is: {state}.",
            error_details_pb2.PreconditionFailure(violations=[violation]),
        )


def encrypt(google, request):
    _require(google, "cloudkms.cryptoKeyVersions.useToEncrypt", request.name)
    key = _usable(google, request.name)
    verified = _checked(request.plaintext, request.plaintext_crc32c, "plaintext")
    number = len(key.versions)
    secret, state = key.versions[-1]
    _require_enabled(request.name, number, state)
    nonce = bytes(12)  # the tests compare ciphertexts; nothing real is encrypted
    sealed = AESGCM(secret).encrypt(nonce, request.plaintext, request.additional_authenticated_data)
    ciphertext = bytes([number]) + nonce + sealed
    return kms.EncryptResponse(
        name=f"{request.name}/cryptoKeyVersions/{number}",
        ciphertext=ciphertext,
        ciphertext_crc32c=google_crc32c.value(ciphertext),
        verified_plaintext_crc32c=verified,
        protection_level="SOFTWARE",
    )


def decrypt(google, request):
    _require(google, "cloudkms.cryptoKeyVersions.useToDecrypt", request.name)
    key = _usable(google, request.name)
    _checked(request.ciphertext, request.ciphertext_crc32c, "ciphertext")
    number = request.ciphertext[0] if request.ciphertext else 0
    if not 1 <= number <= len(key.versions):
        raise RefusedError("INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.")
    secret, state = key.versions[number - 1]
    _require_enabled(request.name, number, state)
    try:
        plaintext = AESGCM(secret).decrypt(
            request.ciphertext[1:13], request.ciphertext[13:], request.additional_authenticated_data
        )
    except (InvalidTag, ValueError):
        raise RefusedError(
            "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the correct CryptoKey."
        ) from None
    return kms.DecryptResponse(
        plaintext=plaintext,
        plaintext_crc32c=google_crc32c.value(plaintext),
        used_primary=number == len(key.versions),
        protection_level="SOFTWARE",
    )


@dataclass(frozen=True)
class Route:
    """One method of an API over REST.

    Attributes:
        pattern: of the path; its first group is the resource.
        kind: Google's type of the request's body, or None for requests without one.
        work: gets the state, the match and the request, and returns an answer.
    """

    method: str
    pattern: str
    kind: type | None
    work: Callable[[Google, re.Match, object], object]


def _kms(function):
    def work(google, match, request):
        request.name = match[1]
        return function(google, request)

    return work


_KEY_PATTERN = r"/v1/(projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+)"
KMS = (
    Route("POST", f"{_KEY_PATTERN}:encrypt", kms.EncryptRequest, _kms(encrypt)),
    Route("POST", f"{_KEY_PATTERN}:decrypt", kms.DecryptRequest, _kms(decrypt)),
)


def _answer_api(google, routes, handler, body):
    """Return what a REST API answers, as (status, headers, content)."""
    url = urlsplit(handler.path)
    path, google.query = url.path, dict(parse_qsl(url.query))
    headers = {name.lower(): value for name, value in handler.headers.items()}
    try:
        route, match = _find_route(routes, handler.command, path)
        answer = google.serve(
            path.rpartition(":")[2],
            match[1],
            headers,
            lambda: route.work(google, match, _parsed(route, headers, body)),
        )
    except RefusedError as refused:
        fields = json_format.MessageToDict(refused.status)
        fields["code"], fields["status"] = _HTTP[refused.code], refused.code
        return _HTTP[refused.code], refused.headers, json.dumps({"error": fields}).encode()
    return 200, {}, type(answer).to_json(answer).encode()


def _find_route(routes, method, path):
    for route in routes:
        if route.method == method and (match := re.fullmatch(route.pattern, path)):
            return route, match
    raise RefusedError("NOT_FOUND", "The requested URL was not found on this server.")


def _parsed(route, headers, body):
    if route.kind is None:
        return None
    if headers.get("content-type", "").partition(";")[0] != "application/json":
        raise RefusedError("INVALID_ARGUMENT", "The content type must be application/json.")
    try:
        return route.kind.from_json(body, ignore_unknown_fields=False)
    except json_format.ParseError:
        raise RefusedError("INVALID_ARGUMENT", "Invalid JSON payload received.") from None


_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_IMPERSONATION_PATH = f"/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken"
_REFRESH = {
    "grant_type": "refresh_token",
    "client_id": "throwaway-client",
    "client_secret": "throwaway-client-secret",
    "refresh_token": "throwaway-refresh",
}
_EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token": "throwaway-oidc",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}


def _answer_tokens(google, handler, body):
    """Return what the services that give tokens answer; None for other paths."""
    path = urlsplit(handler.path).path
    if path not in ("/token", "/sts", _METADATA_PATH, _IMPERSONATION_PATH):
        return None
    google.token_requests.append(path)
    status, fields = google.token_failures.pop(0) if google.token_failures else (200, None)
    flavor = {"Metadata-Flavor": "Google"} if path == _METADATA_PATH else {}
    if status != 200:
        return status, flavor, json.dumps(fields).encode()
    if not _may_have_a_token(google, path, handler, body):
        return 400, {}, b'{"error": "invalid_grant", "error_description": "Bad Request"}'
    token = f"throwaway-issued-{len(google.token_requests)}"
    google.tokens.add(token)
    granted = {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
    if path == _IMPERSONATION_PATH:
        granted = {"accessToken": token, "expireTime": "2099-01-01T00:00:00Z"}
    return 200, flavor, json.dumps(granted).encode()


def _may_have_a_token(google, path, handler, body):
    if path == _METADATA_PATH:
        return handler.command == "GET" and handler.headers.get("Metadata-Flavor") == "Google"
    if handler.command != "POST":
        return False
    if path == _IMPERSONATION_PATH:
        known = handler.headers.get("Authorization", "").removeprefix("Bearer ") in google.tokens
        return known and json.loads(body)["scope"] == [SCOPE]
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    wanted = _REFRESH if path == "/token" else _EXCHANGE
    return wanted.items() <= form.items()


def _http_server(google, routes):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = _answer_tokens(google, self, body) or google.raw
            status, headers, content = answer or _answer_api(google, routes, self, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server calls them

        def date_time_string(self, timestamp=None):
            return super().date_time_string(google.now() if timestamp is None else timestamp)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that hangs up
    return server


def _answer_grpc(google, verb, function, request, context):
    headers = dict(context.invocation_metadata())
    try:
        _check_routing(headers, request.name)
        return google.serve(verb, request.name, headers, lambda: function(google, request))
    except RefusedError as refused:
        context.abort_with_status(rpc_status.to_status(refused.status))


def _check_routing(headers, name):
    # Google's front ends find the region of a request by this header.
    if unquote(headers.get("x-goog-request-params", "")) != f"name={name}":
        raise RefusedError("INVALID_ARGUMENT", "Missing or wrong routing header.")


def _grpc_server(google, certificate, key):
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            partial(_answer_grpc, google, name.lower(), function),
            request_deserializer=kind.deserialize,
            response_serializer=lambda answer: type(answer).serialize(answer),
        )
        for name, function, kind in (
            ("Encrypt", encrypt, kms.EncryptRequest),
            ("Decrypt", decrypt, kms.DecryptRequest),
        )
    }
    server = grpc.server(ThreadPoolExecutor(4))
    service = "google.cloud.kms.v1.KeyManagementService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
    google.target = f"127.0.0.1:{port}"
    return server


def make_certificates():
    """Return the PEM of an authority, and of a certificate of it for 127.0.0.1 with its key."""
    now = datetime.now(UTC)

    def signed(name, key, issuer, issuer_key, *extensions):
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    basic = x509.BasicConstraints(ca=True, path_length=None)
    return (
        signed("throwaway authority", authority, "throwaway authority", authority, basic),
        signed("127.0.0.1", server, "throwaway authority", authority, names),
        _pem(server),
    )


def _pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_account(google, folder):
    google.account_key = rsa.generate_private_key(65537, 2048)
    fields = {
        "type": "service_account",
        "project_id": "throwaway-project",
        "private_key_id": "throwaway",
        "private_key": _pem(google.account_key).decode(),
        "client_email": ACCOUNT,
        "token_uri": f"{google.address}/token",
    }
    google.account_file = folder / "account.json"
    google.account_file.write_text(json.dumps(fields), encoding="utf-8")


@contextmanager
def google_servers(folder: Path, routes: Sequence[Route] = KMS):
    """Run the servers; files that clients need are in the folder."""
    google = Google()
    google.reset()
    http = _http_server(google, routes)
    google.address = f"http://127.0.0.1:{http.server_port}"
    _write_account(google, folder)
    authority, certificate, key = make_certificates()
    google.certificates = folder / "authority.pem"
    google.certificates.write_bytes(authority)
    over_grpc = _grpc_server(google, certificate, key)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    over_grpc.start()
    try:
        yield google
    finally:
        over_grpc.stop(None).wait()
        http.shutdown()
        http.server_close()
        thread.join()
