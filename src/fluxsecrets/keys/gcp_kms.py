"""Data keys that Google Cloud KMS wraps (sops: gcpkms/keysource.go).

Requests and answers carry CRC32C checksums, as Google's guide on data integrity wants
(https://cloud.google.com/kms/docs/data-integrity-guidelines); sops has none.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from fluxsecrets.clouds import gcp, gcp_login, refusal
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.clouds.grpclib import close_at_exit, grpc_library
from fluxsecrets.clouds.sharing import Shared
from fluxsecrets.errors import RecipientError, ServiceError
from fluxsecrets.sops.envelope import KeyProvider
from fluxsecrets.sops.recipients import Recipient

from . import User
from .service import ServiceProvider

_SERVICE = "Google Cloud KMS"
_API = "cloudkms"
_CLIENT_TYPE = "SOPS_GCP_KMS_CLIENT_TYPE"
_ENDPOINT = "SOPS_GCP_KMS_ENDPOINT"
_UNIVERSE_DOMAIN = "SOPS_GCP_KMS_UNIVERSE_DOMAIN"
_TIMEOUT = 10.0

_PROJECT = r"(?:[a-z0-9][a-z0-9.-]{0,80}[a-z0-9]:)?[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
_NAME = re.compile(
    rf"projects/{_PROJECT}"  # an id, in the scope of a domain or not, or a number
    r"/(locations/([a-z0-9-]{1,63})/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63})",
    re.ASCII,
)
_VERSION = re.compile(r"/cryptoKeyVersions/[^/]*/?", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9._/-]*", re.ASCII)
_HINTS = {
    "encrypt": {
        refusal.DENIED: "ask for the role roles/cloudkms.cryptoKeyEncrypter on the key",
        refusal.DISABLED: "ask the owner of the key to enable its primary version",
        refusal.NOT_FOUND: "check the project, location, key ring and key in the resource id",
    },
    "decrypt": {
        refusal.DENIED: "ask for the role roles/cloudkms.cryptoKeyDecrypter on the key",
        refusal.DISABLED: "ask the owner of the key to enable or restore the version that encrypted the file",
        refusal.NOT_FOUND: "check the project, location, key ring and key in the resource id",
    },
}


class Encrypted(NamedTuple):
    """An answer to Encrypt.

    Attributes:
        name: the version of the key that encrypted.
        checksum: of the ciphertext.
        verified: the service compared the checksum of the plain text.
    """

    name: str
    ciphertext: bytes
    checksum: int | None
    verified: bool


class Decrypted(NamedTuple):
    """An answer to Decrypt."""

    plaintext: bytes
    checksum: int | None

    def __repr__(self) -> str:
        return "Decrypted(...)"


class Transport(Protocol):
    """A way to send requests, with checksums. Both methods raise ServiceError."""

    def encrypt(self, name: str, plaintext: bytes, checksum: int) -> Encrypted:
        """Encrypt with a key."""

    def decrypt(self, name: str, ciphertext: bytes, checksum: int) -> Decrypted:
        """Decrypt with a key."""


class GcpKms:
    """Requests to Google Cloud KMS."""

    kind = "gcp_kms"
    title = _SERVICE
    limits = CallLimits()

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take the environment."""
        self._environ = environ
        self._transport: Shared[Transport] = Shared()

    def check(self, recipient: Recipient) -> None:
        """Refuse what is not the resource id of a key."""
        _parsed(recipient)

    def address(self, recipient: Recipient) -> str:
        """Return the location: one can be down while the others are not."""
        return _parsed(recipient)[2]

    def encrypt(self, recipient: Recipient, secret: bytes) -> tuple[Recipient, str]:
        """See `KeyClient.encrypt`."""
        answer = self._connected().encrypt(recipient.id, secret, _checksum(secret))
        if not answer.verified or _checksum(answer.ciphertext) != answer.checksum:
            raise refusal.refusal(refusal.CORRUPTED, _SERVICE)
        used, _, version = answer.name.partition("/cryptoKeyVersions/")
        # The project can be answered by its number.
        if not version.isdecimal() or not used.endswith(f"/{_parsed(recipient)[1]}"):
            raise refusal.refusal(refusal.FAILED, _SERVICE, detail="another key was used")
        return recipient, base64.b64encode(answer.ciphertext).decode("ascii")

    def decrypt(self, recipient: Recipient, enc: str) -> bytes:
        """See `KeyClient.decrypt`."""
        try:
            ciphertext = base64.b64decode(re.sub("[\r\n]", "", enc), validate=True)
        except ValueError:
            raise refusal.refusal(refusal.WRONG_KEY, _SERVICE) from None
        answer = self._connected().decrypt(recipient.id, ciphertext, _checksum(ciphertext))
        if _checksum(answer.plaintext) != answer.checksum:
            raise refusal.refusal(refusal.CORRUPTED, _SERVICE)
        return answer.plaintext

    def has_credentials(self, recipient: Recipient) -> bool:
        """Whether there is something to log in with, and the library to do it."""
        return find_spec("google_crc32c") is not None and gcp_login.has_credentials(self._environ)

    def looked_in(self) -> tuple[str, ...]:
        """See `KeyClient.looked_in`."""
        return gcp_login.looked_in(self._environ)

    def _connected(self) -> Transport:
        return self._transport.get(None, lambda: _connect(self._environ))


class Rest:
    """Requests as JSON over HTTP. Little is imported for it, and it survives a fork of the process."""

    def __init__(self, client: gcp.Client, address: str) -> None:
        """Take the client, and the address of the service."""
        self._client = client
        self._address = address

    def encrypt(self, name: str, plaintext: bytes, checksum: int) -> Encrypted:
        """See `Transport`."""
        answer = self._call(
            name, "encrypt", {"plaintext": _base64(plaintext), "plaintextCrc32c": str(checksum)}
        )
        return Encrypted(
            str(answer.get("name", "")),
            _bytes(answer.get("ciphertext")),
            _number(answer.get("ciphertextCrc32c")),
            answer.get("verifiedPlaintextCrc32c") is True,
        )

    def decrypt(self, name: str, ciphertext: bytes, checksum: int) -> Decrypted:
        """See `Transport`."""
        answer = self._call(
            name, "decrypt", {"ciphertext": _base64(ciphertext), "ciphertextCrc32c": str(checksum)}
        )
        return Decrypted(_bytes(answer.get("plaintext")), _number(answer.get("plaintextCrc32c")))

    def _call(self, name: str, verb: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        return self._client.call("POST", f"{self._address}/v1/{name}:{verb}", body, hints=_HINTS[verb])


class Grpc:
    """Requests over gRPC, with Google's own client."""

    def __init__(self, client: gcp.Client, target: str, certificates: bytes | None) -> None:
        """Connect.

        Args:
            client: has the credentials.
            target: host and port.
            certificates: to trust, as PEM, or None for those of grpc.

        Raises:
            ServiceError: the library is not installed.
        """
        grpc = grpc_library(_SERVICE, "gcp")
        try:
            from google.cloud.kms_v1.services import key_management_service as service
        except ImportError:
            raise refusal.missing_extra(_SERVICE, "gcp") from None
        self._client = client
        channel = grpc.secure_channel(
            target,
            grpc.ssl_channel_credentials(certificates),
            options=(("grpc.enable_retries", 0), ("grpc.max_receive_message_length", 1 << 20)),
        )
        close_at_exit(channel)
        transport = service.KeyManagementServiceClient.get_transport_class("grpc")(channel=channel)
        self._service = service.KeyManagementServiceClient(transport=transport)

    def encrypt(self, name: str, plaintext: bytes, checksum: int) -> Encrypted:
        """See `Transport`."""
        answer = self._call("encrypt", {"name": name, "plaintext": plaintext, "plaintext_crc32c": checksum})
        return Encrypted(
            answer.name, answer.ciphertext, answer.ciphertext_crc32c, answer.verified_plaintext_crc32c
        )

    def decrypt(self, name: str, ciphertext: bytes, checksum: int) -> Decrypted:
        """See `Transport`."""
        answer = self._call(
            "decrypt", {"name": name, "ciphertext": ciphertext, "ciphertext_crc32c": checksum}
        )
        return Decrypted(answer.plaintext, answer.plaintext_crc32c)

    def _call(self, verb: str, request: Mapping[str, object]) -> Any:
        from google.api_core.exceptions import GoogleAPICallError

        # The credentials go with each request: Google's plug-in would hide why a token was refused.
        metadata = [(name.lower(), value) for name, value in self._client.headers().items()]
        try:
            return getattr(self._service, verb)(
                request=request, retry=None, timeout=_TIMEOUT, metadata=metadata
            )
        except GoogleAPICallError as error:
            raise self._client.refused(error, _HINTS[verb]) from None


def make(environ: Mapping[str, str], _user: User) -> KeyProvider:
    """Make the provider of one run."""
    return ServiceProvider(partial(GcpKms, dict(environ)))


def _parsed(recipient: Recipient) -> re.Match[str]:
    """Return the match of a resource id; group 1 is what follows the project, group 2 the location."""
    match = _NAME.fullmatch(recipient.id)
    if match is None:
        version = _VERSION.search(recipient.id)
        if version is not None and _NAME.fullmatch(recipient.id[: version.start()]):
            raise RecipientError(
                "the resource id of a Google Cloud KMS key names a version",
                hint="leave out `/cryptoKeyVersions` and what follows: the service chooses the version",
            )
        raise RecipientError(
            "not the resource id of a Google Cloud KMS key",
            hint="it looks like projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY",
        )
    return match


def _connect(environ: Mapping[str, str]) -> Transport:
    """Return the transport that the environment chooses; sops's default is gRPC.

    Ours is REST: a process that was forked after its parent used gRPC hangs if GRPC_ENABLE_FORK_SUPPORT is 0,
    and the libraries of gRPC take twice the time to import (0.27 s against 0.13 s).
    """
    client = gcp.Client(environ, _SERVICE)
    address = _named_endpoint(environ) or client.address(_API, environ.get(_UNIVERSE_DOMAIN, ""))
    if environ.get(_CLIENT_TYPE, "").lower() != "grpc":
        return Rest(client, address)
    parts = urlsplit(address)
    if parts.scheme != "https":
        raise _bad_endpoint("must be https:// for gRPC", f"or unset {_CLIENT_TYPE}")
    target = parts.netloc if parts.port else f"{parts.netloc}:443"
    return Grpc(client, target, gcp.trusted_certificates(environ, _SERVICE))


def _named_endpoint(environ: Mapping[str, str]) -> str:
    """Return the address that the environment names, or an empty text. A host alone is one with https."""
    value = environ.get(_ENDPOINT, "").strip()
    if not value:
        return ""
    scheme, _, rest = value.rpartition("://")
    host, slash, path = rest.partition("/")
    match = _HOST.fullmatch(host)
    good = match is not None and int(match[1] or 0) < 1 << 16 and _PATH.fullmatch(path)
    if scheme not in ("", "https", "http") or not good:
        raise _bad_endpoint("is not an address", "such as https://cloudkms.example.com")
    return f"{scheme or 'https'}://{host}{slash}{path}".rstrip("/")


def _bad_endpoint(what: str, hint: str) -> ServiceError:
    return refusal.refusal(
        refusal.REJECTED, _SERVICE, detail=f"{_ENDPOINT} {what}", hint=f"fix {_ENDPOINT}, {hint}"
    )


def _checksum(data: bytes) -> int:
    return gcp.checksum(data, _SERVICE)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True) if value is not None else b""
    except ValueError:
        raise refusal.refusal(refusal.FAILED, _SERVICE, detail="the answer is malformed") from None


def _number(value: object) -> int | None:
    # protobuf writes 64-bit numbers as texts in JSON, and reads both.
    text = str(value)
    return int(text) if re.fullmatch("[0-9]{1,10}", text, re.ASCII) else None
