"""A key service that lies: nothing that it got is repeated, and no wrong answer becomes a file or a value.

The service of these tests belongs to an attacker, or is broken. It knows each data key that it is asked to
encrypt, and the credentials of the request. Both must not get further than to it.
"""

import base64
import json
from typing import NamedTuple

import pytest

from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.keys.aws_kms import AwsKms
from fluxsecrets.keys.gcp_kms import GcpKms
from fluxsecrets.keys.vault_transit import VaultTransit
from fluxsecrets.sops.cipher import DataKey
from webserver import Answer, web_server

KEY = bytes(range(200, 232))
TOKEN = "throwaway-token-0123456789abcdefghijklmnopqrstuvwxyz"
VALUE = "hunter2-throwaway"
NAME = "db.yaml"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData:\n  password: {VALUE}\n"
ARN = "arn:aws:kms:eu-central-1:123456789012:key/throwaway"
RESOURCE = "projects/p/locations/global/keyRings/r/cryptoKeys/k"


def turned(data):
    """What the service does in place of encryption, and its reverse."""
    return bytes(each ^ 0x5A for each in data)


def b64(data):
    return base64.b64encode(data).decode()


def forms(data):
    """How bytes may be written in a text."""
    safe = base64.urlsafe_b64encode(data).decode()
    return {b64(data), b64(data).rstrip("="), safe, safe.rstrip("="), data.hex(), data.hex().upper()}


class Kind(NamedTuple):
    """One kind of key service.

    Attributes:
        module: the library that it needs.
        environ: variables, for an address.
        rule: the line of a rule, for an address.
        sent: the bytes in the body of a request, and whether they are to be encrypted.
        answer: the answer with some bytes; True for those of Encrypt.
        failure: an error with a text in each place that has one.
    """

    module: str
    environ: object
    rule: object
    sent: object
    answer: object
    failure: object


def _aws_sent(request):
    body = json.loads(request.body)
    name = "Plaintext" if request.headers["x-amz-target"].endswith(".Encrypt") else "CiphertextBlob"
    return base64.b64decode(body[name]), name == "Plaintext"


def _gcp_sent(request):
    name = "plaintext" if request.path.endswith(":encrypt") else "ciphertext"
    return base64.b64decode(json.loads(request.body)[name]), name == "plaintext"


def _gcp_answer(data, encrypted):
    from google_crc32c import value

    if not encrypted:
        return {"plaintext": b64(data), "plaintextCrc32c": str(value(data))}
    return {
        "name": f"{RESOURCE}/cryptoKeyVersions/1",
        "ciphertext": b64(data),
        "ciphertextCrc32c": str(value(data)),
        "verifiedPlaintextCrc32c": True,
    }


def _vault_sent(request):
    body = json.loads(request.body)
    if "plaintext" in body:
        return base64.b64decode(body["plaintext"]), True
    return base64.b64decode(body["ciphertext"].rpartition(":")[2]), False


KINDS = {
    "aws": Kind(
        "botocore",
        lambda address: {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "AKIATHROWAWAY0000000",
            "AWS_SECRET_ACCESS_KEY": "throwaway-secret",
            "AWS_SESSION_TOKEN": TOKEN,
        },
        lambda _: f"kms: {ARN}",
        _aws_sent,
        lambda data, encrypted: (
            {"CiphertextBlob": b64(data), "KeyId": ARN}
            if encrypted
            else {"Plaintext": b64(data), "KeyId": ARN}
        ),
        lambda text: {"__type": text, "message": text, "Code": text},
    ),
    "gcp": Kind(
        "google_crc32c",
        lambda address: {"SOPS_GCP_KMS_ENDPOINT": address, "GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN},
        lambda _: f"gcp_kms: {RESOURCE}",
        _gcp_sent,
        _gcp_answer,
        lambda text: {
            "error": {
                "status": text,
                "message": text,
                "details": [
                    {"@type": "x/google.rpc.ErrorInfo", "reason": text, "metadata": {"service": text}}
                ],
            }
        },
    ),
    "vault": Kind(
        "hvac",
        lambda address: {"VAULT_ADDR": address, "VAULT_TOKEN": TOKEN},
        lambda address: f"hc_vault_transit_uri: {address}/v1/transit/keys/app",
        _vault_sent,
        lambda data, encrypted: {
            "data": {"ciphertext": f"vault:v1:{b64(data)}"} if encrypted else {"plaintext": b64(data)}
        },
        lambda text: {"errors": [text], "warnings": [text], "data": {"ciphertext": text}},
    ),
}


class Service:
    """What answers; `lie` gets the bytes that came and the right bytes, and returns bytes or an `Answer`."""

    def __init__(self, kind):
        self.kind = kind
        self.lie = None
        self.asked = []

    def __call__(self, request):
        data, encrypted = self.kind.sent(request)
        self.asked.append(request)
        said = turned(data) if self.lie is None else self.lie(request, data, turned(data))
        return said if isinstance(said, Answer) else Answer(200, self.kind.answer(said, encrypted))


@pytest.fixture(params=sorted(KINDS))
def service(request, tmp_path, monkeypatch, cli, git, environment):
    """A hostile service that is honest at first, in a repository with a file that is encrypted for it."""
    kind = KINDS[request.param]
    pytest.importorskip(kind.module)
    if request.param == "aws":
        request.getfixturevalue("aws_descriptions")
    for client in (AwsKms, GcpKms, VaultTransit):
        monkeypatch.setattr(client, "limits", CallLimits(tries=1))
    monkeypatch.setattr(DataKey, "generate", classmethod(lambda cls: cls(KEY)))
    made = Service(kind)
    with web_server(made) as address:
        for name, text in {**kind.environ(address), "NO_PROXY": "*"}.items():
            monkeypatch.setenv(name, text)
        root = tmp_path / "repository"
        root.mkdir()
        monkeypatch.chdir(root)
        git(root, "init", "--quiet")
        (root / ".sops.yaml").write_text(f"creation_rules:\n  - {kind.rule(address)}\n")
        (root / NAME).write_text(SECRET)
        assert cli("encrypt", NAME).exit_code == 0
        assert turned(KEY) != KEY
        (root / "new.yaml").write_text(SECRET)
        made.root = root
        made.asked.clear()
        yield made


COMMANDS = (
    ("decrypt", NAME),
    ("--debug", "decrypt", NAME),
    ("get", NAME, "stringData.password"),
    ("set", NAME, "stringData.password", "other-throwaway"),
    ("rotate", NAME),
    ("status", "--keys", NAME),
    ("verify", "--format", "json"),
    ("encrypt", "new.yaml"),
    ("--debug", "encrypt", "new.yaml"),
    ("encrypt", "new.yaml", "--format", "json"),
)


def echo(kind, request, data, right, status):
    """An error that has all that the service knows in all of its texts, in a form that a code may have."""
    parts = [TOKEN, request.body.decode("latin-1")]
    parts += [each for known in (data, right) for each in sorted(forms(known))]
    first = next(each for each in sorted(forms(KEY), key=len) if each.isalnum())
    return Answer(status, kind.failure(first if status == 400 else " ".join([first, *parts])))


def assert_refused(result):
    assert result.exit_code == 2
    for hidden in (VALUE, "Traceback", *forms(KEY)):
        assert hidden not in result.stdout + result.stderr


@pytest.mark.parametrize("status", [400, 403, 302])
def test_what_a_service_repeats_is_not_shown(service, cli, status):
    service.lie = lambda request, data, right: echo(service.kind, request, data, right, status)
    before = (service.root / NAME).read_bytes()
    for command in COMMANDS:
        result = cli(*command)
        text = result.stdout + result.stderr
        for hidden in {TOKEN, "throwaway-secret", *forms(KEY)}:
            assert hidden not in text, (command, text)
        assert "Error(" not in text, command
    assert (service.root / NAME).read_bytes() == before
    assert (service.root / "new.yaml").read_text() == SECRET
    assert service.asked
    for path in service.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(form.encode() in data for form in {TOKEN, *forms(KEY)}), path
            assert KEY not in data, path


@pytest.mark.parametrize(
    "lie",
    [
        lambda data: data,
        lambda data: b"header " + data + b" trailer",
        lambda data: data.hex().encode(),
        base64.b64encode,
        lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    ],
    ids=["as it is", "inside", "hex", "base64", "base64url"],
)
def test_a_data_key_that_comes_back_is_not_written(service, cli, lie):
    service.lie = lambda _request, data, _right: lie(data)
    result = cli("encrypt", "new.yaml")
    assert result.exit_code == 2
    assert "sent the data key back" in result.stderr
    assert (service.root / "new.yaml").read_text() == SECRET


@pytest.mark.parametrize("lie", [b"", KEY[:16], KEY + b"!", KEY[::-1], turned(KEY)], ids=len)
def test_a_wrong_data_key_opens_nothing(service, cli, lie):
    service.lie = lambda _request, _data, _right: lie
    before = (service.root / NAME).read_bytes()
    for command in COMMANDS[:1] + COMMANDS[2:5]:
        result = cli(*command)
        assert_refused(result)
    assert (service.root / NAME).read_bytes() == before


def test_an_empty_wrapped_key_is_not_written(service, cli):
    service.lie = lambda _request, _data, _right: b""
    assert cli("encrypt", "new.yaml").exit_code == 2
    assert (service.root / "new.yaml").read_text() == SECRET


@pytest.mark.parametrize("lie", [b"", b"{}", b"[]", b"null", b"<html>", b'{"data": 7}', b"\xff" * 99])
def test_a_success_without_an_answer_is_an_error(service, cli, lie):
    service.lie = lambda *_: Answer(200, lie)
    before = (service.root / NAME).read_bytes()
    for command in COMMANDS[:1] + COMMANDS[4:5] + COMMANDS[7:8]:
        result = cli(*command)
        assert_refused(result)
    assert (service.root / NAME).read_bytes() == before
    assert (service.root / "new.yaml").read_text() == SECRET


def test_the_data_key_of_another_file_opens_nothing(service, cli, monkeypatch):
    """A service may answer what it has seen before. The values are authenticated under the file's own key."""
    monkeypatch.setattr(DataKey, "generate", classmethod(lambda cls: cls(KEY[::-1])))
    assert cli("encrypt", "new.yaml").exit_code == 0
    service.lie = lambda _request, _data, _right: KEY
    result = cli("decrypt", "new.yaml")
    assert_refused(result)
    assert cli("decrypt", NAME).exit_code == 0


def test_a_share_of_a_liar_opens_nothing(service, cli, identity):
    rule = (service.root / ".sops.yaml").read_text().partition("- ")[2].strip()
    name, _, key = rule.partition(": ")
    item = {"kms": f"arn: {key}", "gcp_kms": f"resource_id: {key}"}.get(name)
    line = f"{name}: [{{{item}}}]" if item else f"hc_vault: ['{key}']"
    (service.root / ".sops.yaml").write_text(
        "creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n"
        f"      - age: [{identity.recipient}]\n      - {line}\n"
    )
    assert cli("encrypt", "new.yaml").exit_code == 0, cli("encrypt", "new.yaml").stderr
    data = (service.root / "new.yaml").read_bytes()
    assert cli("decrypt", "new.yaml").exit_code == 0
    assert b"key_groups" in data
    for lie in (KEY, KEY + b"\x00", KEY + b"\x01", KEY + b"\x02", bytes(33), b"", bytes(32)):
        service.lie = lambda _request, _data, _right, lie=lie: lie
        for command in (("decrypt", "new.yaml"), ("rotate", "new.yaml")):
            result = cli(*command)
            assert_refused(result)
    assert (service.root / "new.yaml").read_bytes() == data
