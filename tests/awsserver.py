"""AWS KMS and STS on loopback: moto keeps the keys, and this is strict where moto is not.

A request must be signed as the real services want it, by a known user, for the region of the key, and now.
Wrong keys, changed contexts and disabled keys get the errors of the real KMS. Calls are counted, and answers
can be replaced or delayed.
"""

import base64
import functools
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from unittest import mock
from urllib.parse import parse_qs
from uuid import uuid4

from motoserver import moto_server

USER = "AKIATHROWAWAY0000000"
SECRET = "throwaway-secret"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sops-throwaway"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([a-z0-9-]+)/([a-z0-9]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class Call:
    """One request: what it does, with which body, in which region, and by whom."""

    action: str
    body: dict
    region: str
    user: str


@dataclass
class Refusal(Exception):  # noqa: N818 - an answer
    """An error as KMS sends it."""

    code: str
    message: str = ""
    status: int = 400
    headers: dict = field(default_factory=dict)


@dataclass
class AwsServer:
    """The server of a test; `clear` before each.

    Attributes:
        users: secret and session token by access key.
        roles: those that may be assumed.
        answer: is asked first: raises a Refusal, returns raw bytes to send, or None.
        delay: seconds that each answer takes.
    """

    address: str = ""
    calls: list[Call] = field(default_factory=list)
    users: dict[str, tuple[str, str]] = field(default_factory=dict)
    roles: set[str] = field(default_factory=set)
    disabled: set[str] = field(default_factory=set)
    answer: Callable[[Call], bytes | None] = lambda call: None
    delay: float = 0.0

    def clear(self) -> None:
        self.calls.clear()
        self.users = {USER: (SECRET, "")}
        self.roles = {ROLE}
        self.disabled = set()
        self.answer = lambda call: None
        self.delay = 0.0

    def count(self, action: str) -> int:
        return sum(call.action == action for call in self.calls)

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def make_key(region: str = "eu-central-1", *, multi_region: bool = False) -> str:
    """Make a key, and return its ARN."""
    backend = _backend(region)
    key = backend.create_key("", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None, multi_region=multi_region)
    if multi_region:  # moto's own names are longer than AWS's, and do not fit into its wrapped keys
        del backend.keys[key.id]
        key.id = f"mrk-{uuid4().hex}"
        key.arn = f"{key.arn.rpartition('/')[0]}/{key.id}"
        backend.keys[key.id] = key
    return key.arn


def import_key(arn: str, material: bytes) -> None:
    """Make a key with a known ARN and material, so that what was wrapped for it earlier opens."""
    region, name = arn.split(":")[3], arn.rpartition("/")[2]
    backend = _backend(region)
    made = backend.keys.pop(make_key(region).rpartition("/")[2])
    made.id, made.arn, made.key_material = name, arn, material
    backend.keys[name] = made


def replicate(arn: str, region: str) -> str:
    """Make a replica of a multi-region key in another region, and return its ARN."""
    _backend(arn.split(":")[3]).replicate_key(arn.rpartition("/")[2], region)
    return arn.replace(arn.split(":")[3], region)


def make_alias(arn: str, name: str) -> str:
    """Name a key, and return the ARN of the name."""
    region = arn.split(":")[3]
    _backend(region).create_alias(arn.rpartition("/")[2], f"alias/{name}")
    return f"arn:aws:kms:{region}:{ACCOUNT}:alias/{name}"


def _backend(region: str):
    from moto.kms.models import kms_backends

    return kms_backends[ACCOUNT][region]


@contextmanager
def aws_server() -> Iterator[AwsServer]:
    """Run the server while the context lasts."""
    from moto.kms import models

    found = AwsServer()
    # moto makes an RSA key for each key of KMS, also for those that encrypt, which never use it.
    made = mock.patch.object(models, "generate_private_key", functools.cache(models.generate_private_key))
    with made, moto_server(lambda moto: _Front(found, moto)) as found.address:
        found.clear()
        yield found


class _Front:
    """A WSGI application that checks what moto does not, and passes on the rest."""

    def __init__(self, server: AwsServer, moto) -> None:
        self.server = server
        self.moto = moto

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        sts = not environ.get("HTTP_X_AMZ_TARGET")
        try:
            call = self._checked(environ, body, sts=sts)
            self.server.calls.append(call)
            if self.server.delay:
                time.sleep(self.server.delay)
            raw = self.server.answer(call)
            status, headers, data = (
                ("200 OK", [], raw) if raw is not None else self._of_moto(environ, call, sts=sts)
            )
        except Refusal as error:
            status, headers, data = _as_sent(error, sts=sts)
        start_response(status, [*headers, ("Content-Length", str(len(data)))])
        return [data]

    def _checked(self, environ, body: bytes, *, sts: bool) -> Call:
        match = _AUTHORIZATION.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if match is None:
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        user, _, region, service, signed, signature = match.groups()
        if user not in self.server.users:
            code = "InvalidClientTokenId" if sts else "UnrecognizedClientException"
            raise Refusal(code, "The security token included in the request is invalid.", 403 if sts else 400)
        secret, token = self.server.users[user]
        wrong = "SignatureDoesNotMatch" if sts else "InvalidSignatureException"
        sent = environ.get("HTTP_X_AMZ_DATE", "")
        at = datetime.strptime(sent, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        now = datetime.now(UTC)
        if abs(now - at) > timedelta(minutes=5):
            word = "expired" if at < now else "not yet current"
            raise Refusal(wrong, f"Signature {word}: {sent} is now not within {now:%Y%m%dT%H%M%SZ}", 403)
        expected = _signature(environ, body, secret, match.group(1, 2, 3, 4), signed.split(";"))
        if not hmac.compare_digest(signature, expected):
            raise Refusal(
                wrong, "The request signature we calculated does not match the signature you provided.", 403
            )
        if environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "") != token:
            raise Refusal(
                "UnrecognizedClientException", "The security token included in the request is invalid."
            )
        if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"] != "/":
            raise Refusal("UnknownOperationException")
        if sts:
            form = {name: texts[0] for name, texts in parse_qs(body.decode()).items()}
            if service != "sts" or form.get("Action") != "AssumeRole" or form.get("Version") != "2011-06-15":
                raise Refusal("InvalidAction")
            self._check_role(form)
            return Call("AssumeRole", form, region, user)
        service_of, _, action = environ["HTTP_X_AMZ_TARGET"].partition(".")
        if service != "kms" or service_of != "TrentService" or action not in ("Encrypt", "Decrypt"):
            raise Refusal("UnknownOperationException")
        if environ.get("CONTENT_TYPE") != "application/x-amz-json-1.1":
            raise Refusal("UnknownOperationException")
        call = Call(action, json.loads(body), region, user)
        self._check_key(call)
        return call

    def _check_role(self, form: dict) -> None:
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", form.get("RoleSessionName", ""), re.ASCII):
            raise Refusal("ValidationError", "1 validation error detected: roleSessionName")
        if form.get("RoleArn") not in self.server.roles:
            raise Refusal(
                "AccessDenied", f"not authorized to perform: sts:AssumeRole on {form.get('RoleArn')}", 403
            )

    def _check_key(self, call: Call) -> None:
        wanted = {"KeyId", "EncryptionContext", "Plaintext" if call.action == "Encrypt" else "CiphertextBlob"}
        if set(call.body) - wanted or not (wanted - {"EncryptionContext"}) <= set(call.body):
            raise Refusal("ValidationException")
        if call.body["KeyId"].split(":")[3] != call.region:
            raise Refusal("NotFoundException", f"Invalid arn {call.body['KeyId'].split(':')[3]}")
        if call.body["KeyId"] in self.server.disabled:
            raise Refusal("DisabledException", f"{call.body['KeyId']} is disabled.")

    def _of_moto(self, environ, call: Call, *, sts: bool):
        answered = []
        chunks = self.moto(environ, lambda status, headers, exc_info=None: answered.extend((status, headers)))
        data = b"".join(chunks)
        status, headers = answered
        headers = [(name, text) for name, text in headers if name.lower() != "content-length"]
        if sts:
            user, secret, token = (
                re.search(rf"<{name}>([^<]+)</{name}>", data.decode())[1]
                for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
            )
            self.server.users[user] = (secret, token)
        elif call.action == "Decrypt":
            found = json.loads(data)
            if found.get("__type", "").endswith("AccessDeniedException"):  # moto's answer to another key
                raise Refusal("IncorrectKeyException")
        return status, headers, data


def _signature(environ, body: bytes, secret: str, scope, signed: list[str]) -> str:
    """The signature of a request (AWS Signature Version 4)."""
    _, day, region, service = scope
    values = {
        name.removeprefix("HTTP_").lower().replace("_", "-"): " ".join(str(text).split())
        for name, text in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    headers = "".join(f"{name}:{values.get(name, '')}\n" for name in signed)
    request = "\n".join(
        ("POST", "/", "", headers, ";".join(signed), hashlib.sha256(body).hexdigest())
    ).encode()
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            environ["HTTP_X_AMZ_DATE"],
            f"{day}/{region}/{service}/aws4_request",
            hashlib.sha256(request).hexdigest(),
        )
    )
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def _as_sent(error: Refusal, *, sts: bool):
    headers = [(name, str(text)) for name, text in error.headers.items()]
    if sts:
        data = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
            f"<Code>{error.code}</Code><Message>{error.message}</Message></Error></ErrorResponse>"
        ).encode()
        return f"{error.status} Refused", [*headers, ("Content-Type", "text/xml")], data
    data = json.dumps({"__type": error.code, "message": error.message}).encode()
    kind = ("Content-Type", "application/x-amz-json-1.1")
    return f"{error.status} Refused", [*headers, kind, ("x-amzn-ErrorType", error.code)], data


def changed_blob(enc: str) -> str:
    """A wrapped key with one bit of its end changed."""
    blob = bytearray(base64.b64decode(enc))
    blob[-1] ^= 1
    return base64.b64encode(blob).decode()
