"""Google Cloud KMS against servers that are as strict as the real service, over REST and gRPC."""

import base64
import logging
import os
import pickle
import re
import socket
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

pytest.importorskip("google.cloud.kms_v1")

from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.errors import FluxsecretsError, IdentityError, IntegrityError, RecipientError
from fluxsecrets.keys import make_providers
from fluxsecrets.keys.gcp_kms import GcpKms
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient
from googleserver import DOMAIN_KEY, KEY, OTHER_KEY, TOKEN, RefusedError, cause, retry_in

SECRET = b"throwaway-data-key-of-32-bytes!!"
TRANSPORTS = ["rest", "grpc"]


@pytest.fixture(autouse=True)
def quick(google, monkeypatch):
    monkeypatch.setattr(GcpKms, "limits", CallLimits(per_second=1e6, first_wait=0.001))


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture
def provider(google, transport):
    return made(google, transport)


def made(google, transport="rest", **variables):
    return make_providers({**google.variables(transport), **variables})["gcp_kms"]


def recipient(name=KEY):
    return Recipient("gcp_kms", name)


def shown(error: BaseException) -> str:
    """Everything that a user may ever see of an error; no key and no token may be in it."""
    text = "".join(traceback.format_exception(error)) + f"{error}{error.hint}{error.details}"
    for secret in (SECRET.decode(), base64.b64encode(SECRET).decode(), TOKEN):
        assert secret not in text
    return text


def unwrap_error(provider, key, kind=IdentityError):
    with pytest.raises(kind) as caught:
        provider.unwrap(key)
    assert caught.value.hint
    shown(caught.value)
    return caught.value


def wrap_error(provider, to=None):
    with pytest.raises(RecipientError, match="can't encrypt for") as caught:
        provider.wrap(to or recipient(), SECRET)
    assert caught.value.hint
    shown(caught.value)
    return caught.value


# What works


@pytest.mark.parametrize("name", [KEY, DOMAIN_KEY])
def test_a_round_trip(google, provider, transport, name):
    key = provider.wrap(recipient(name), SECRET)
    assert key.recipient == recipient(name)
    assert base64.b64decode(key.enc, validate=True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", key.created_at)
    for other in TRANSPORTS:
        assert made(google, other).unwrap(key) == SECRET
    assert google.asked == [("encrypt", name), ("decrypt", name), ("decrypt", name)]


def test_an_older_version_of_the_key_still_decrypts(google, provider):
    old = provider.wrap(recipient(), SECRET)
    google.keys[KEY].rotate()
    new = provider.wrap(recipient(), SECRET)
    assert old.enc != new.enc
    assert provider.unwrap(old) == provider.unwrap(new) == SECRET


def test_line_breaks_in_the_wrapped_key_are_accepted_as_sops_does(provider):
    key = provider.wrap(recipient(), SECRET)
    assert provider.unwrap(replace(key, enc=f"{key.enc[:20]}\r\n{key.enc[20:]}\n")) == SECRET


def test_a_project_that_is_answered_by_its_number(google, provider):
    def by_number(answer):
        answer.name = answer.name.replace("throwaway-project", "123456789012")
        return answer

    google.changes = by_number
    assert provider.wrap(recipient(), SECRET)


def test_the_same_wrapped_key_is_decrypted_once(google, provider):
    key = provider.wrap(recipient(), SECRET)
    assert [provider.unwrap(key) for _ in range(5)] == [SECRET] * 5
    assert [verb for verb, _ in google.asked].count("decrypt") == 1


@pytest.mark.parametrize(
    ("client_type", "expected"), [("", "rest"), ("REST", "rest"), ("gRPC", "grpc"), ("other", "rest")]
)
def test_the_client_type(google, client_type, expected):
    made(google, expected, SOPS_GCP_KMS_CLIENT_TYPE=client_type).wrap(recipient(), SECRET)
    assert ("x-goog-request-params" in google.headers) is (expected == "grpc")


def test_a_service_account_over_both(google, transport):
    provider = made(google, transport, GOOGLE_CREDENTIALS=str(google.account_file))
    assert provider.unwrap(provider.wrap(recipient(), SECRET)) == SECRET
    assert google.headers["authorization"] != f"Bearer {TOKEN}"


def test_a_quota_project_over_both(google, transport):
    made(google, transport, GOOGLE_CLOUD_QUOTA_PROJECT="throwaway-quota").wrap(recipient(), SECRET)
    assert google.headers["x-goog-user-project"] == "throwaway-quota"


def test_the_default_addresses(google, monkeypatch):
    from fluxsecrets.keys import gcp_kms

    token = {"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN}
    asked = []
    monkeypatch.setattr(
        gcp_kms.gcp.Client, "call", lambda self, method, url, body, **_: asked.append(url) or {}
    )
    monkeypatch.setattr(gcp_kms, "Grpc", lambda client, target, certificates: asked.append(target))
    for variables in (
        {},
        {"SOPS_GCP_KMS_UNIVERSE_DOMAIN": "s3nsapis.example"},
        {"SOPS_GCP_KMS_ENDPOINT": "kms.example:8443", "SOPS_GCP_KMS_UNIVERSE_DOMAIN": "s3nsapis.example"},
        {"SOPS_GCP_KMS_ENDPOINT": "https://kms.example/"},
        {"SOPS_GCP_KMS_ENDPOINT": "http://[::1]:80/base"},
    ):
        with pytest.raises(RecipientError):
            make_providers({**token, **variables})["gcp_kms"].wrap(recipient(), SECRET)
    assert list(dict.fromkeys(url.partition("/v1/")[0] for url in asked)) == [
        "https://cloudkms.googleapis.com",
        "https://cloudkms.s3nsapis.example",
        "https://kms.example:8443",
        "https://kms.example",
        "http://[::1]:80/base",
    ]
    asked.clear()
    for variables in ({}, {"SOPS_GCP_KMS_ENDPOINT": "kms.example:8443"}):
        kms = GcpKms({**token, **variables, "SOPS_GCP_KMS_CLIENT_TYPE": "grpc"})
        with pytest.raises(AttributeError):
            kms.encrypt(recipient(), SECRET)
    assert asked == ["cloudkms.googleapis.com:443", "kms.example:8443"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://kms.example",
        "https://",
        "user:password@kms.example",
        "https://kms.example?x",
        "https://kms.example#x",
        "https://kms.example/a b",
        "kms.example:port",
        "kms.example:65536",
        "a b",
    ],
)
def test_an_endpoint_that_is_no_address(google, endpoint):
    error = wrap_error(made(google, SOPS_GCP_KMS_ENDPOINT=endpoint))
    assert "SOPS_GCP_KMS_ENDPOINT is not an address" in error.message
    assert "password" not in error.message
    assert google.asked == []


def test_grpc_without_tls_is_refused(google):
    error = wrap_error(made(google, "grpc", SOPS_GCP_KMS_ENDPOINT=google.address))
    assert "must be https:// for gRPC" in error.message
    assert error.hint == "fix SOPS_GCP_KMS_ENDPOINT, or unset SOPS_GCP_KMS_CLIENT_TYPE"


# What does not


@pytest.mark.parametrize(
    "name",
    [
        "",
        "projects/p/locations/global/keyRings/r",
        "projects/p/locations/global/keyRings/r/cryptoKeys/..",
        "projects/../locations/global/keyRings/r/cryptoKeys/k",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k?x=y",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k#x",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k\n",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k\r\nX-Evil: 1",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k%2f..",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k:decrypt",
        "projects/p@evil.example/locations/global/keyRings/r/cryptoKeys/k",
        "https://evil.example/projects/p/locations/global/keyRings/r/cryptoKeys/k",
        "projects/p/locations/global/keyRings/r/cryptoKeys/\u0661",
        "projects/p/locations/global/keyRings/r/cryptoKeys/" + "k" * 10_000,
        "projects/" + "p-" * 5_000 + "/locations/global/keyRings/r/cryptoKeys/k",
    ],
)
def test_what_is_not_a_resource_id_is_refused_and_nothing_is_sent(google, name):
    provider = made(google)
    for action in (lambda: provider.check(recipient(name)), lambda: provider.wrap(recipient(name), SECRET)):
        with pytest.raises(RecipientError, match="not the resource id of a Google Cloud KMS key") as caught:
            action()
        assert len(shown(caught.value)) < 5_000
    unwrap_error(provider, WrappedKey(recipient(name), "AQ=="))
    assert not provider.owns(recipient(name))
    assert google.asked == []


def test_a_version_in_the_resource_id_is_answered_with_what_to_leave_out(google):
    with pytest.raises(RecipientError, match="names a version") as caught:
        made(google).check(recipient(f"{KEY}/cryptoKeyVersions/3"))
    assert "leave out `/cryptoKeyVersions`" in caught.value.hint


@pytest.mark.parametrize("part", ["key", "bit", "cut", "version", "base64", "empty"])
def test_a_wrong_key_and_damage(provider, part):
    key = provider.wrap(recipient(), SECRET)
    blob = base64.b64decode(key.enc)
    other = {
        "key": replace(key, recipient=recipient(OTHER_KEY)),
        "bit": replace(key, enc=base64.b64encode(blob[:-1] + bytes([blob[-1] ^ 1])).decode()),
        "cut": replace(key, enc=base64.b64encode(blob[:9]).decode()),
        "version": replace(key, enc=base64.b64encode(b"\x09" + blob[1:]).decode()),
        "base64": replace(key, enc="?" + key.enc[1:]),
        "empty": replace(key, enc=""),
    }[part]
    error = unwrap_error(provider, other, IntegrityError)
    assert "was encrypted with another one, or was changed" in error.message
    assert "last good version" in error.hint
    assert provider.unwrap(key) == SECRET


@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED", "DESTROY_SCHEDULED"])
def test_a_key_that_is_disabled_or_destroyed(google, provider, state):
    key = provider.wrap(recipient(), SECRET)
    google.keys[KEY].set_state(state)
    assert "the key is disabled or deleted (FAILED_PRECONDITION)" in unwrap_error(provider, key).message
    assert "the key is disabled or deleted" in wrap_error(provider).message
    google.asked.clear()
    unwrap_error(provider, replace(key, enc="AQ=="))
    assert google.asked == []  # what is wrapped for the same key is refused alike


def test_a_key_that_is_not_there(google, provider):
    key = provider.wrap(recipient(), SECRET)
    del google.keys[KEY]
    assert "does not know the key" in unwrap_error(provider, key).message
    assert "does not know the key" in wrap_error(provider).message


def test_a_key_of_another_purpose(google, provider):
    google.keys[KEY].purpose = "ASYMMETRIC_DECRYPT"
    assert "rejected the request" in wrap_error(provider).message


@pytest.mark.parametrize(
    ("permission", "role"), [("useToEncrypt", "Encrypter"), ("useToDecrypt", "Decrypter")]
)
def test_a_permission_that_lacks(google, provider, permission, role):
    key = provider.wrap(recipient(), SECRET)
    google.denied.add(f"cloudkms.cryptoKeyVersions.{permission}")
    error = wrap_error(provider) if role == "Encrypter" else unwrap_error(provider, key)
    assert "Google Cloud KMS denied the request (IAM_PERMISSION_DENIED)" in error.message
    assert error.hint == f"ask for the role roles/cloudkms.cryptoKey{role} on the key"


def test_the_api_is_not_enabled(google, provider):
    why = cause("SERVICE_DISABLED", service="cloudkms.googleapis.com", consumer="projects/throwaway-project")
    google.failures.append(RefusedError("PERMISSION_DENIED", "Cloud KMS API has not been used", why))
    expected = "run `gcloud services enable cloudkms.googleapis.com --project throwaway-project`"
    assert wrap_error(provider).hint == expected


def test_a_token_that_is_not_accepted(google, transport):
    provider = made(google, transport, GOOGLE_OAUTH_ACCESS_TOKEN="other-throwaway")
    error = wrap_error(provider)
    assert "does not accept the credentials" in error.message
    assert error.hint == "run `export GOOGLE_OAUTH_ACCESS_TOKEN=$(gcloud auth print-access-token)`"
    for _ in range(5):
        wrap_error(provider)
    assert len(google.asked) == 1  # no file after the first one asks again


def test_no_credentials(google, transport, environment):
    variables = {**google.variables(transport), "GOOGLE_OAUTH_ACCESS_TOKEN": "", "HOME": str(environment)}
    provider = make_providers(variables)["gcp_kms"]
    assert "no credentials for Google Cloud KMS were found" in wrap_error(provider).message
    assert not provider.owns(recipient())
    assert google.asked == []


def test_throttled_and_then_not(google, provider):
    google.failures = [RefusedError("RESOURCE_EXHAUSTED", "x", retry_in(0.002)) for _ in range(2)]
    google.failures += [RefusedError("UNAVAILABLE", "x"), RefusedError("INTERNAL", "x")]
    assert provider.wrap(recipient(), SECRET)
    assert len(google.asked) == 5


def test_throttled_for_good(google, provider):
    google.failures = [RefusedError("RESOURCE_EXHAUSTED", "x", retry_in(0.002)) for _ in range(9)]
    error = wrap_error(provider)
    assert "is throttling requests" in error.message
    assert len(google.asked) == 5


def test_not_available(google, provider):
    key = provider.wrap(recipient(), SECRET)
    google.asked.clear()
    google.failures = [RefusedError("UNAVAILABLE", "x") for _ in range(99)]
    assert "is not available now" in unwrap_error(provider, key).message
    for number in range(20):
        unwrap_error(provider, replace(key, enc=base64.b64encode(bytes([number])).decode()))
    assert len(google.asked) == 5  # one wait, not one per file


def test_one_location_is_down_and_another_is_not(google, provider):
    key = provider.wrap(recipient(OTHER_KEY), SECRET)
    google.failures = [RefusedError("UNAVAILABLE", "x") for _ in range(5)]
    wrap_error(provider)
    assert provider.unwrap(key) == SECRET


def test_offline(google, transport):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        scheme = "https" if transport == "grpc" else "http"
        provider = made(google, transport, SOPS_GCP_KMS_ENDPOINT=f"{scheme}://127.0.0.1:{port}")
        assert "Google Cloud KMS can't be reached" in wrap_error(provider).message


def test_many_threads_wait_once_for_a_log_in_that_fails(google, transport, environment, monkeypatch):
    monkeypatch.setattr("fluxsecrets.clouds.gcp_login._FAR", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        nothing = {"GOOGLE_OAUTH_ACCESS_TOKEN": "", "NO_GCE_CHECK": "", "GCE_METADATA_IP": host}
        provider = made(google, transport, HOME=str(environment), **nothing)
        keys = [WrappedKey(recipient(), base64.b64encode(bytes([n])).decode()) for n in range(16)]
        start = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            errors = list(pool.map(lambda key: unwrap_error(provider, key), keys))
        assert time.monotonic() - start < 2
    assert {error.message for error in errors} == {"no credentials for Google Cloud KMS were found"}


def test_a_service_that_does_not_answer(google, provider, monkeypatch):
    monkeypatch.setattr("fluxsecrets.clouds.gcp._TIMEOUT", 0.1)
    monkeypatch.setattr("fluxsecrets.keys.gcp_kms._TIMEOUT", 0.1)
    google.silent = threading.Event()
    try:
        for _ in range(5):
            assert "did not answer in time" in wrap_error(provider).message
        assert len(google.asked) == 1
    finally:
        google.silent.set()


def test_a_certificate_that_nobody_trusts(google, tmp_path):
    from googleserver import make_certificates

    (tmp_path / "other.pem").write_bytes(make_certificates()[0])
    error = wrap_error(made(google, "grpc", SSL_CERT_FILE=str(tmp_path / "other.pem")))
    assert "its certificate is not trusted" in error.message
    error = wrap_error(made(google, "grpc", SSL_CERT_FILE=str(tmp_path / "none.pem")))
    assert "certificates to trust can't be read" in error.message


def changed(**fields):
    def change(answer):
        for name, value in fields.items():
            setattr(answer, name, value)
        return answer

    return change


@pytest.mark.parametrize(
    "fields",
    [
        {"ciphertext": b"other"},
        {"ciphertext_crc32c": 1},
        {"ciphertext_crc32c": None},
        {"verified_plaintext_crc32c": False},
        {"ciphertext": b""},
    ],
)
def test_what_is_damaged_on_its_way_is_asked_for_again_when_encrypting(google, provider, fields):
    google.changes = changed(**fields)
    assert "damaged on its way" in wrap_error(provider).message
    assert len(google.asked) == 5
    google.changes = None
    assert provider.unwrap(provider.wrap(recipient(), SECRET)) == SECRET


@pytest.mark.parametrize(
    "fields", [{"plaintext": b"o" * 32}, {"plaintext_crc32c": 1}, {"plaintext_crc32c": None}]
)
def test_what_is_damaged_on_its_way_is_asked_for_again_when_decrypting(google, provider, fields):
    key = provider.wrap(recipient(), SECRET)
    google.asked.clear()
    google.changes = changed(**fields)
    assert "damaged on its way" in unwrap_error(provider, key).message
    assert len(google.asked) == 5


@pytest.mark.parametrize(
    "name",
    [
        "",
        KEY,
        f"{OTHER_KEY}/cryptoKeyVersions/1",
        f"{KEY}/cryptoKeyVersions/x",
        f"{KEY}x/cryptoKeyVersions/1",
    ],
)
def test_another_key_was_used(google, provider, name):
    google.changes = changed(name=name)
    assert "another key was used" in wrap_error(provider).message


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"[]",
        b"",
        b"<html>",
        b'{"plaintext": 7}',
        b'{"plaintext": "?"}',
        b'{"plaintext": {"a": 1}, "plaintextCrc32c": "x"}',
        b'{"plaintext": "AA==", "plaintextCrc32c": "99999999999"}',
        b'{"plaintext": "AA==", "plaintextCrc32c": true}',
    ],
)
def test_malformed_answers(google, content):
    provider = made(google)
    key = provider.wrap(recipient(), SECRET)
    google.raw = (200, {}, content)
    unwrap_error(provider, key, FluxsecretsError)
    wrap_error(provider)


def test_an_answer_of_another_length(google, provider):
    key = provider.wrap(recipient(), b"k" * 16)
    assert "16 bytes" in unwrap_error(provider, key, IntegrityError).message


# The rest


def test_owning_asks_nobody(google, monkeypatch):
    assert made(google).owns(recipient())
    assert made(google).looked_in() == ("GOOGLE_OAUTH_ACCESS_TOKEN",)
    assert google.asked == []
    monkeypatch.setattr("fluxsecrets.keys.gcp_kms.find_spec", lambda name: None)
    assert not made(google).owns(recipient())


@pytest.mark.parametrize(
    "module", ["google.auth", "google.cloud.kms_v1.services", "grpc", "google_crc32c", "requests"]
)
def test_without_the_extra(google, monkeypatch, module):
    for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    error = wrap_error(made(google, "grpc" if module in ("grpc", "google.cloud.kms_v1.services") else "rest"))
    assert "Google Cloud KMS needs a library that is not installed" in error.message
    assert error.hint == "run `pip install 'fluxsecrets[gcp]'`"


def test_rest_does_not_import_grpc_and_checking_imports_nothing(google):
    code = (
        "import os, sys; from fluxsecrets.keys import make_providers;"
        "from fluxsecrets.sops.recipients import Recipient;"
        "p, r = make_providers(os.environ)['gcp_kms'], Recipient('gcp_kms', sys.argv[1]);"
        "p.check(r), p.owns(r), p.looked_in();"
        "assert not {'requests', 'google.auth', 'grpc'} & set(sys.modules);"
        "assert p.unwrap(p.wrap(r, bytes(32))) == bytes(32);"
        "assert not {'grpc', 'google.cloud', 'google.api_core', 'google.protobuf'} & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, KEY], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_pickle_opens_what_was_opened(google, provider):
    key = provider.wrap(recipient(), SECRET)
    provider.unwrap(key)
    google.asked.clear()
    assert pickle.loads(pickle.dumps(provider)).unwrap(key) == SECRET
    assert google.asked == []


@pytest.mark.skipif(sys.platform != "linux", reason="workers are not forked there")
def test_a_forked_process_has_its_own_connection(google, transport):
    """In a process of its own: the servers of these tests use gRPC in this one."""
    code = (
        "import os, sys; from fluxsecrets.keys import make_providers;"
        "from fluxsecrets.sops.recipients import Recipient;"
        "p, r = make_providers(os.environ)['gcp_kms'], Recipient('gcp_kms', sys.argv[1]);"
        "keys = [p.wrap(r, bytes([n]) * 32) for n in range(4)]; p.unwrap(keys[0]);"
        "child = os.fork();"
        "opened = [p.unwrap(key)[:1] for key in keys] == [b'\\0', b'\\1', b'\\2', b'\\3'];"
        "child or os._exit(not opened); assert opened and os.waitpid(child, 0)[1] == 0"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, KEY],
        env={**os.environ, **google.variables(transport)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [verb for verb, _ in google.asked].count("decrypt") == 7


def test_logs_have_no_key(provider, caplog):
    with caplog.at_level(logging.DEBUG):
        provider.unwrap(provider.wrap(recipient(), SECRET))
    for secret in (SECRET.decode(), base64.b64encode(SECRET).decode(), TOKEN):
        assert secret not in caplog.text
