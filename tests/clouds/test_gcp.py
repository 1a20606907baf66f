"""Google Cloud: where credentials are found, requests with them, and what errors mean."""

import json
import logging
import socket
import sys
import threading
import time
import traceback

import pytest

pytest.importorskip("google.auth")
pytest.importorskip("google.cloud.kms_v1")

import google_crc32c

from fluxsecrets.clouds import gcp, gcp_errors, gcp_login, refusal
from fluxsecrets.errors import ServiceError
from googleserver import ACCOUNT, KEY, TOKEN, RefusedError, cause, retry_in

BODY = {"plaintext": "dGhyb3dhd2F5", "plaintextCrc32c": str(google_crc32c.value(b"throwaway"))}
USER = {
    "type": "authorized_user",
    "client_id": "throwaway-client",
    "client_secret": "throwaway-client-secret",
    "refresh_token": "throwaway-refresh",
}
SECRETS = ("throwaway-client-secret", "throwaway-refresh", TOKEN, "BEGIN PRIVATE", "throwaway-issued")


def client(google, **variables):
    return gcp.Client({"NO_GCE_CHECK": "true", **variables}, "KMS")


def ask(google, made=None, **variables):
    made = made or client(google, **(variables or {"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN}))
    return made.call("POST", f"{google.address}/v1/{KEY}:encrypt", BODY)


def refused(google, made=None, **variables) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        ask(google, made, **variables)
    text = "".join(traceback.format_exception(caught.value)) + f"{caught.value.hint}"
    for secret in SECRETS:
        assert secret not in text
    assert caught.value.hint
    return caught.value


def account(google, **fields):
    return json.dumps({**json.loads(google.account_file.read_text(encoding="utf-8")), **fields})


def user_file(path, **fields):
    path.write_text(json.dumps({**USER, **fields}), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def token_service(google, monkeypatch):
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{google.address}/token")


# Credentials


def test_a_token(google):
    assert ask(google, GOOGLE_OAUTH_ACCESS_TOKEN=f" {TOKEN}\n")["name"] == f"{KEY}/cryptoKeyVersions/1"
    assert google.headers["authorization"] == f"Bearer {TOKEN}"
    assert google.token_requests == []


@pytest.mark.parametrize("variable", ["GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"])
def test_a_service_account_signs_its_own_tokens(google, variable):
    assert ask(google, **{variable: str(google.account_file)})
    claims = google.signed_claims(google.headers["authorization"].removeprefix("Bearer "))
    assert claims["sub"] == ACCOUNT
    assert google.token_requests == []


def test_the_document_itself(google):
    assert ask(google, GOOGLE_CREDENTIALS=account(google))


def test_a_user_logs_in_once_for_all_threads(google, tmp_path):
    made = client(google, GOOGLE_APPLICATION_CREDENTIALS=user_file(tmp_path / "adc.json"))
    threads = [threading.Thread(target=ask, args=(google, made)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(google.asked) == 8
    assert google.token_requests == ["/token"]


def test_what_gcloud_wrote(google, tmp_path):
    folder = tmp_path / ".config" / "gcloud"
    folder.mkdir(parents=True)
    user_file(folder / "application_default_credentials.json")
    assert ask(google, HOME=str(tmp_path))
    assert ask(google, CLOUDSDK_CONFIG=str(folder))
    assert gcp_login.looked_in({"HOME": str(tmp_path)}) == ("application_default_credentials.json",)
    assert gcp_login.has_credentials({"HOME": str(tmp_path), "NO_GCE_CHECK": "true"})


def test_the_order_is_that_of_sops(google, tmp_path):
    path = user_file(tmp_path / "adc.json")
    every = {
        "GOOGLE_CREDENTIALS": account(google),
        "GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN,
        "GOOGLE_APPLICATION_CREDENTIALS": path,
    }
    ask(google, **every)
    assert google.headers["authorization"] != f"Bearer {TOKEN}"
    del every["GOOGLE_CREDENTIALS"]
    ask(google, **every)
    assert google.headers["authorization"] == f"Bearer {TOKEN}"
    del every["GOOGLE_OAUTH_ACCESS_TOKEN"]
    ask(google, **every)
    assert google.headers["authorization"] == "Bearer throwaway-issued-1"


def test_the_machine_s_own_account(google, tmp_path):
    machine = {"GCE_METADATA_HOST": google.address.removeprefix("http://"), "HOME": str(tmp_path)}
    assert ask(google, **machine, NO_GCE_CHECK="")
    assert google.token_requests == ["/computeMetadata/v1/instance/service-accounts/default/token"]
    assert gcp_login.has_credentials(machine)
    assert gcp_login.looked_in(machine)[-1] == "Google's metadata server"


def test_a_machine_elsewhere_is_asked_once_and_not_for_long(google, tmp_path, monkeypatch):
    monkeypatch.setattr(gcp_login, "_FAR", 0.05)
    monkeypatch.setattr(gcp_login, "_NEAR", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        start = time.monotonic()
        error = refused(google, GCE_METADATA_HOST=host, HOME=str(tmp_path), NO_GCE_CHECK="")
        assert time.monotonic() - start < 2
    assert error.reason == refusal.NO_CREDENTIALS
    assert error.hint == "run `gcloud auth application-default login`"


def test_the_metadata_server_is_asked_without_a_proxy(google, tmp_path, monkeypatch):
    machine = {"GCE_METADATA_HOST": google.address.removeprefix("http://"), "HOME": str(tmp_path)}
    made = client(google, **machine, NO_GCE_CHECK="")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert made.headers() == {"authorization": "Bearer throwaway-issued-1"}
    with pytest.raises(ServiceError, match="can't be reached"):
        ask(google, made)


def test_workload_identity_federation(google, tmp_path):
    """What CI systems use: a token of theirs for one of Google's, and that for one of a service account."""
    (tmp_path / "token").write_text("throwaway-oidc", encoding="utf-8")
    fields = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google.address}/sts",
        "credential_source": {"file": str(tmp_path / "token")},
    }
    assert ask(google, GOOGLE_CREDENTIALS=json.dumps(fields))
    assert google.token_requests == ["/sts"]
    path = f"/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken"
    fields["service_account_impersonation_url"] = google.address + path
    google.token_requests.clear()
    made = client(google, GOOGLE_CREDENTIALS=json.dumps(fields))
    assert ask(google, made)
    assert ask(google, made)
    assert google.token_requests == [
        "/sts",
        fields["service_account_impersonation_url"][len(google.address) :],
    ]
    google.token_failures += [(200, None), (403, {"error": {"status": "PERMISSION_DENIED"}})]
    error = refused(google, GOOGLE_CREDENTIALS=json.dumps(fields))
    assert error.reason == refusal.DENIED
    assert "roles/iam.serviceAccountTokenCreator" in error.hint
    google.token_failures.append((400, {"error": "invalid_grant", "error_description": "x"}))
    assert refused(google, GOOGLE_CREDENTIALS=json.dumps(fields)).reason == refusal.DENIED


@pytest.mark.parametrize(
    ("status", "headers", "content", "reason"),
    [
        (404, {}, b"<html>", refusal.NO_CREDENTIALS),  # another cloud's metadata server
        (200, {}, b'{"access_token": "x", "expires_in": 9}', refusal.NO_CREDENTIALS),
        (404, {"Metadata-Flavor": "Google"}, b"", refusal.NO_CREDENTIALS),
        (200, {"Metadata-Flavor": "Google"}, b"", refusal.FAILED),
        (200, {"Metadata-Flavor": "Google"}, b'{"access_token": 1, "expires_in": 9}', refusal.FAILED),
        (200, {"Metadata-Flavor": "Google"}, b'{"access_token": "x", "expires_in": "y"}', refusal.FAILED),
        (503, {"Metadata-Flavor": "Google"}, b"", refusal.UNAVAILABLE),
        (302, {"Metadata-Flavor": "Google", "Location": "http://127.0.0.1:1"}, b"", refusal.NO_CREDENTIALS),
    ],
)
def test_answers_of_a_metadata_server(google, tmp_path, monkeypatch, status, headers, content, reason):
    monkeypatch.setattr("googleserver._answer_tokens", lambda *_: (status, headers, content))
    host = google.address.removeprefix("http://")
    error = refused(google, GCE_METADATA_HOST=host, HOME=str(tmp_path), NO_GCE_CHECK="")
    assert error.reason == reason


def test_no_credentials_at_all(google, tmp_path):
    error = refused(google, HOME=str(tmp_path))
    assert error.message == "no credentials for KMS were found"
    assert error.hint == "run `gcloud auth application-default login`"
    assert not gcp_login.has_credentials({"HOME": str(tmp_path), "NO_GCE_CHECK": "true"})
    missing = ("application_default_credentials.json of gcloud (missing)",)
    assert gcp_login.looked_in({"HOME": str(tmp_path), "NO_GCE_CHECK": "true"}) == missing
    assert google.asked == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no/such/file.json", "is neither a file nor JSON"),
        ("[]", "is neither a file nor JSON"),
        ("[" * 100_000, "is neither a file nor JSON"),
        ("{}", "is not a supported credential file"),
        ('{"type": "service_account", "private_key": "throwaway-refresh"}', "is not a supported"),
        ('{"type": "executable"}', "is not a supported credential file"),
        ('{"type": "api_key"}', "is not a supported credential file"),
        ('{"type": "authorized_user", "refresh_token": "throwaway-refresh"}', "is not a supported"),
        ('{"type": ["service_account"]}', "is not a supported credential file"),
        ('{"type": "external_account", "credential_source": 7}', "is not a supported credential file"),
    ],
)
def test_documents_that_are_none(google, text, words):
    error = refused(google, GOOGLE_CREDENTIALS=text)
    assert error.reason == refusal.NO_CREDENTIALS
    assert f"GOOGLE_CREDENTIALS {words}" in error.message
    assert error.hint == "fix or unset GOOGLE_CREDENTIALS"


def test_a_private_key_that_is_none_is_not_shown(google):
    broken = account(google, private_key="-----BEGIN PRIVATE KEY-----\nthrowaway-refresh\n")
    assert "is not a supported credential file" in refused(google, GOOGLE_CREDENTIALS=broken).message


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * (1 << 21)])
def test_files_that_are_none(google, tmp_path, content):
    path = tmp_path / "adc.json"
    if content is not None:
        path.write_bytes(content)
    error = refused(google, GOOGLE_APPLICATION_CREDENTIALS=str(path))
    assert error.reason == refusal.NO_CREDENTIALS
    assert error.hint == "fix or unset GOOGLE_APPLICATION_CREDENTIALS"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, "expired"),
        (
            {
                "error": "invalid_grant",
                "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
                "reasonable timeframe. Check your iat and exp values in the JWT claim.",
            },
            "clock-skew",
        ),
        (
            {"error": "invalid_grant", "error_description": "Invalid grant: account not found"},
            "bad-credentials",
        ),
        (
            {"error": "invalid_client", "error_description": "The OAuth client was not found."},
            "bad-credentials",
        ),
        ({"error": "invalid_grant", "error_subtype": "invalid_rapt"}, "expired"),
    ],
)
def test_log_ins_that_are_refused(google, tmp_path, fields, reason):
    google.token_failures.append((400, fields))
    error = refused(google, GOOGLE_APPLICATION_CREDENTIALS=user_file(tmp_path / "adc.json"))
    assert error.reason == reason
    if reason != "clock-skew":
        assert error.hint == "check the credentials that GOOGLE_APPLICATION_CREDENTIALS names"


@pytest.mark.parametrize(
    ("status", "reason"), [(503, "unavailable"), (500, "unavailable"), (429, "throttled")]
)
def test_a_token_service_that_fails_is_asked_once(google, tmp_path, status, reason):
    google.token_failures += [(status, {})] * 9
    error = refused(google, GOOGLE_APPLICATION_CREDENTIALS=user_file(tmp_path / "adc.json"))
    assert (error.reason, len(google.token_requests)) == (reason, 1)
    assert "Google's token service" in error.message


def test_a_token_with_a_line_break_is_not_shown(google):
    error = refused(google, GOOGLE_OAUTH_ACCESS_TOKEN=f"{TOKEN}\nX-Evil: {TOKEN}")
    assert "the token has characters that no token has" in error.message
    assert google.asked == []


def test_a_quota_project(google, tmp_path):
    path = user_file(tmp_path / "adc.json", quota_project_id="in-the-file")
    ask(google, GOOGLE_APPLICATION_CREDENTIALS=path)
    assert google.headers["x-goog-user-project"] == "in-the-file"
    ask(google, GOOGLE_APPLICATION_CREDENTIALS=path, GOOGLE_CLOUD_QUOTA_PROJECT="in-the-environment")
    assert google.headers["x-goog-user-project"] == "in-the-environment"


def test_a_netrc_does_not_replace_the_token(google, environment, monkeypatch):
    (environment / ".netrc").write_text("default login throwaway password throwaway\n", encoding="utf-8")
    (environment / ".netrc").chmod(0o600)
    assert ask(google)


def test_other_kinds_of_credentials_are_read(google):
    impersonated = {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/"
        f"serviceAccounts/{ACCOUNT}:generateAccessToken",
        "source_credentials": USER,
    }
    external = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": "/no/such/throwaway"},
    }
    by_program = {**external, "credential_source": {"executable": {"command": "/no/such/program"}}}
    for fields in (impersonated, external, by_program):
        found = gcp_login.find_credentials({"GOOGLE_CREDENTIALS": json.dumps(fields)}, "KMS")
        assert not found.valid
    # google-auth runs such a program only if another variable allows it.
    error = refused(google, GOOGLE_CREDENTIALS=json.dumps(by_program))
    assert error.reason == refusal.NO_CREDENTIALS
    assert refused(google, GOOGLE_CREDENTIALS=json.dumps(external)).hint


def test_without_the_library(google, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("google.auth")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "google.auth", None)
    error = refused(google)
    assert (error.reason, error.hint) == (refusal.MISSING_EXTRA, "run `pip install 'fluxsecrets[gcp]'`")


# Addresses


def test_addresses(google):
    def address(universe="", **variables):
        return client(google, **variables).address("cloudkms", universe)

    token = {"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN}
    elsewhere = {"GOOGLE_CREDENTIALS": account(google, universe_domain="s3nsapis.example")}
    assert address(**token) == "https://cloudkms.googleapis.com"
    assert address("s3nsapis.example", **token) == "https://cloudkms.s3nsapis.example"
    assert address(**elsewhere) == "https://cloudkms.s3nsapis.example"
    assert address(**token, GOOGLE_CLOUD_UNIVERSE_DOMAIN="a.example") == "https://cloudkms.a.example"
    with pytest.raises(ServiceError, match="those found are for s3nsapis") as caught:
        address("other.example", **elsewhere)
    assert caught.value.hint == "use credentials for other.example"


@pytest.mark.parametrize("domain", ["evil.example/x", "a b", "a@b", "a:1", "-", "a\n", "."])
def test_a_universe_is_a_host_name(google, domain):
    with pytest.raises(ServiceError, match="not a domain"):
        client(google, GOOGLE_OAUTH_ACCESS_TOKEN=TOKEN).address("cloudkms", domain)


# Answers


@pytest.mark.parametrize(
    ("failure", "reason", "hint"),
    [
        (RefusedError("PERMISSION_DENIED", "x"), "denied", None),
        (
            RefusedError("PERMISSION_DENIED", "x", cause("IAM_PERMISSION_DENIED", permission="a.b.c")),
            "denied",
            None,
        ),
        (
            RefusedError(
                "PERMISSION_DENIED",
                "x",
                cause("SERVICE_DISABLED", service="cloudkms.googleapis.com", consumer="projects/123"),
            ),
            "denied",
            "run `gcloud services enable cloudkms.googleapis.com --project 123`",
        ),
        (
            RefusedError(
                "PERMISSION_DENIED",
                "x",
                cause("SERVICE_DISABLED", service="cloudkms.googleapis.com", consumer="projects/1`; rm"),
            ),
            "denied",
            "enable the API in the project",
        ),
        (
            RefusedError("PERMISSION_DENIED", "x", cause("BILLING_DISABLED")),
            "denied",
            "enable billing for the project",
        ),
        (
            RefusedError("PERMISSION_DENIED", "x", cause("ACCESS_TOKEN_SCOPE_INSUFFICIENT")),
            "denied",
            "get a token with the scope cloud-platform",
        ),
        (RefusedError("UNAUTHENTICATED", "x", cause("ACCESS_TOKEN_EXPIRED")), "expired", None),
        (RefusedError("UNAUTHENTICATED", "x", cause("CREDENTIALS_MISSING")), "no-credentials", None),
        (RefusedError("UNAUTHENTICATED", "x"), "bad-credentials", None),
        (RefusedError("NOT_FOUND", "x"), "not-found", None),
        (RefusedError("FAILED_PRECONDITION", "k is not enabled, state is: DISABLED."), "disabled", None),
        (
            RefusedError("FAILED_PRECONDITION", "state is: PENDING_GENERATION."),
            "key-unavailable",
            None,
        ),
        (
            RefusedError("INVALID_ARGUMENT", "Decryption failed: it is invalid."),
            "wrong-key",
            None,
        ),
        (RefusedError("INVALID_ARGUMENT", "The checksum in field x did not match"), "corrupted", None),
        (RefusedError("INVALID_ARGUMENT", "anything else"), "rejected", None),
        (RefusedError("INVALID_ARGUMENT", "k has purpose: ASYMMETRIC_SIGN."), "rejected", None),
        (RefusedError("FAILED_PRECONDITION", "concerns location 'a' but was sent to"), "rejected", None),
        (RefusedError("RESOURCE_EXHAUSTED", "Quota exceeded", retry_in(1.5)), "throttled", None),
        (RefusedError("PERMISSION_DENIED", "x", cause("RATE_LIMIT_EXCEEDED")), "throttled", None),
        (RefusedError("UNAVAILABLE", "x"), "unavailable", None),
        (RefusedError("INTERNAL", "x"), "unavailable", None),
        (RefusedError("DEADLINE_EXCEEDED", "x"), "unavailable", None),
        (RefusedError("ALREADY_EXISTS", "x"), "exists", None),
    ],
)
def test_refusals(google, failure, reason, hint):
    google.failures.append(failure)
    error = refused(google)
    assert (error.reason, hint or error.hint) == (reason, error.hint)
    assert error.retry_after == (1.5 if "Quota" in failure.status.message else None)


def test_the_hint_for_a_token_works_as_printed(google):
    error = refused(google, GOOGLE_OAUTH_ACCESS_TOKEN="other")
    assert error.reason == refusal.BAD_CREDENTIALS
    assert error.hint == "run `export GOOGLE_OAUTH_ACCESS_TOKEN=$(gcloud auth print-access-token)`"


def test_what_a_service_says_is_not_repeated(google):
    hostile = f"\x1b[31m{TOKEN} {BODY['plaintext']}"
    google.failures.append(RefusedError("PERMISSION_DENIED", hostile, cause(hostile, service=hostile)))
    error = refused(google)
    assert "\x1b" not in f"{error}{error.hint}"
    assert BODY["plaintext"] not in f"{error}{error.hint}"
    assert "PERMISSION_DENIED" in error.message


def test_a_header_says_when_to_try_again(google):
    google.failures.append(RefusedError("RESOURCE_EXHAUSTED", "x", headers={"Retry-After": "7"}))
    assert refused(google).retry_after == 7
    google.failures.append(RefusedError("RESOURCE_EXHAUSTED", "x", headers={"Retry-After": "-1e9"}))
    assert refused(google).retry_after is None


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_wrong_clock_is_told_by_the_server_s(google, hours):
    google.clock = hours * 3600
    error = refused(google, GOOGLE_CREDENTIALS=account(google))
    assert (error.reason, error.hint) == (refusal.CLOCK_SKEW, "set the clock")


@pytest.mark.parametrize(
    ("status", "headers", "content", "reason"),
    [
        (302, {"Location": "http://127.0.0.1:1/"}, b"", "failed"),
        (307, {"Location": "http://127.0.0.1:1/"}, b"", "failed"),
        (200, {}, b"<html>log in to the network</html>", "failed"),
        (200, {}, b"[]", "failed"),
        (200, {}, b"", "failed"),
        (200, {}, b"[" * 100_000, "failed"),
        (200, {}, b" " * (5 << 20), "failed"),
        (200, {"Content-Encoding": "gzip"}, b"not gzip", "failed"),
        (404, {}, b"<html>", "not-found"),
        (403, {}, b'{"error": "x"}', "denied"),
        (403, {}, b'{"error": {"status": 7, "message": [], "details": 3}}', "denied"),
        (
            403,
            {},
            b'{"error": {"status": "X", "details": [3, {"@type": "/google.rpc.ErrorInfo"}]}}',
            "denied",
        ),
        (429, {}, b"", "throttled"),
        (502, {}, b"<html>", "unavailable"),
        (418, {}, b"", "failed"),
    ],
)
def test_answers_that_are_not_google_s(google, status, headers, content, reason):
    google.raw = (status, headers, content)
    assert refused(google).reason == reason


def test_a_redirect_is_not_followed(google):
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        google.raw = (307, {"Location": f"http://127.0.0.1:{other.getsockname()[1]}/"}, b"")
        assert "a redirect, HTTP 307" in refused(google).message
        with pytest.raises(BlockingIOError):
            other.accept()


def test_a_service_that_does_not_answer(google, monkeypatch):
    monkeypatch.setattr(gcp, "_TIMEOUT", 0.05)
    google.silent = threading.Event()
    try:
        assert refused(google).reason == refusal.TIMED_OUT
    finally:
        google.silent.set()


def test_a_service_that_is_not_there(google):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1/x"
    with pytest.raises(ServiceError) as caught:
        client(google, GOOGLE_OAUTH_ACCESS_TOKEN=TOKEN).call("POST", url, BODY)
    assert caught.value.reason == refusal.OFFLINE


def test_a_certificate_of_nobody(google, tmp_path):
    url = f"https://{google.target}/v1/x"
    token = {"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN}
    with pytest.raises(ServiceError, match="its certificate is not trusted") as caught:
        client(google, **token).call("POST", url, BODY)
    assert "set SSL_CERT_FILE" in caught.value.hint
    with pytest.raises(ServiceError, match="certificates to trust can't be read"):
        client(google, **token, SSL_CERT_FILE=str(tmp_path / "none.pem")).call("POST", url, BODY)


def test_another_library_s_exception():
    error = gcp_errors.refused(RuntimeError(f"it holds {TOKEN}"), "KMS")
    assert (error.reason, error.message) == (refusal.FAILED, "KMS failed (RuntimeError)")


def test_exceptions_of_google_s_libraries():
    from google.api_core import exceptions
    from google.auth import exceptions as login

    for error, reason in (
        (exceptions.Forbidden(TOKEN), refusal.DENIED),
        (exceptions.NotFound(TOKEN), refusal.NOT_FOUND),
        (exceptions.TooManyRequests(TOKEN), refusal.THROTTLED),
        (exceptions.ServiceUnavailable(TOKEN), refusal.UNAVAILABLE),
        (exceptions.RetryError(TOKEN, None), refusal.TIMED_OUT),
        (login.TransportError(TOKEN), refusal.OFFLINE),
        (login.OAuthError(TOKEN), refusal.DENIED),
        (login.RefreshError("Unable to acquire impersonated credentials", TOKEN), refusal.DENIED),
        (login.ReauthFailError(TOKEN), refusal.EXPIRED),
        (login.DefaultCredentialsError(TOKEN), refusal.NO_CREDENTIALS),
    ):
        known = gcp_errors.refused(error, "KMS")
        assert (known.reason, TOKEN in f"{known}{known.hint}") == (reason, False)


def test_nothing_is_logged(google, tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        ask(google, GOOGLE_APPLICATION_CREDENTIALS=user_file(tmp_path / "adc.json"))
        ask(google, GOOGLE_CREDENTIALS=account(google))
    for secret in (*SECRETS, BODY["plaintext"]):
        assert secret not in caplog.text


def test_no_credential_in_the_repr(google):
    made = client(google, GOOGLE_CREDENTIALS=account(google))
    ask(google, made)
    assert repr(made) == "<Client of KMS>"
