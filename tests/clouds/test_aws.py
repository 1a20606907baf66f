"""AWS: what its errors mean, its clients, and where its credentials may be."""

import json
import logging
import re
import sys
from contextlib import suppress

import pytest

pytest.importorskip("botocore")

from botocore import exceptions as known
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from awsserver import ROLE, USER, Refusal, make_key
from fluxsecrets.clouds import aws as clouds
from fluxsecrets.clouds import aws_profiles, refusal
from fluxsecrets.clouds.refusal import REASONS
from fluxsecrets.errors import ServiceError


def answer(code, message="", operation="Decrypt", status=400, headers=()):
    meta = {"HTTPStatusCode": status, "HTTPHeaders": dict(headers)}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": meta}, operation)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AccessDeniedException", refusal.DENIED),
        ("UnrecognizedClientException", refusal.BAD_CREDENTIALS),
        ("InvalidClientTokenId", refusal.BAD_CREDENTIALS),
        ("ExpiredTokenException", refusal.EXPIRED),
        ("RequestExpired", refusal.CLOCK_SKEW),
        ("DisabledException", refusal.DISABLED),
        ("KMSInvalidStateException", refusal.DISABLED),
        ("KeyUnavailableException", refusal.KEY_UNAVAILABLE),
        ("NotFoundException", refusal.NOT_FOUND),
        ("InvalidCiphertextException", refusal.WRONG_KEY),
        ("IncorrectKeyException", refusal.WRONG_KEY),
        ("InvalidKeyUsageException", refusal.REJECTED),
        ("ThrottlingException", refusal.THROTTLED),
        ("DependencyTimeoutException", refusal.UNAVAILABLE),
        ("KMSInternalException", refusal.UNAVAILABLE),
        ("SomethingNew", refusal.FAILED),
    ],
)
def test_codes(code, reason):
    error = clouds.refused(answer(code), "AWS KMS")
    assert (error.reason, code in error.message) == (reason, True)


def test_every_error_of_the_model_is_known():
    import botocore.session

    model = botocore.session.get_session().get_service_model("kms")
    names = {
        shape.name for each in ("Encrypt", "Decrypt") for shape in model.operation_model(each).error_shapes
    }
    never_sent = {"InvalidGrantTokenException", "DryRunOperationException"}
    assert names - never_sent <= set(clouds._CODES)
    assert set(clouds._CODES.values()) <= set(REASONS)


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch"])
@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Signature expired: 20261129T000000Z is now earlier than 20261129T010000Z", refusal.CLOCK_SKEW),
        ("Signature not yet current: 20261129T000000Z is still later than", refusal.CLOCK_SKEW),
        ("The request signature we calculated does not match the signature", refusal.BAD_CREDENTIALS),
        ("", refusal.BAD_CREDENTIALS),
    ],
)
def test_a_wrong_clock_is_told_from_a_wrong_secret(code, message, reason):
    assert clouds.refused(answer(code, message), "AWS KMS").reason == reason


def test_a_server_that_fails_and_one_that_is_busy():
    assert clouds.refused(answer("x", status=503), "AWS").reason == refusal.UNAVAILABLE
    assert clouds.refused(answer("x", status=429), "AWS").reason == refusal.THROTTLED
    assert (
        clouds.refused(answer("Throttling", headers={"retry-after": "3"}.items()), "AWS").retry_after == 3.0
    )
    for text in ("-3", "soon", "1e9", "٣", "9" * 99):
        error = clouds.refused(answer("Throttling", headers={"retry-after": text}.items()), "AWS")
        assert error.retry_after is None


def test_hints_name_the_permission_and_the_service():
    assert "kms:Decrypt" in clouds.refused(answer("AccessDeniedException"), "AWS KMS").hint
    error = clouds.refused(answer("AccessDenied", operation="AssumeRole"), "AWS KMS")
    assert "sts:AssumeRole" in error.hint
    assert error.message.startswith("AWS STS denied")


@pytest.mark.parametrize(
    ("error", "reason", "hint"),
    [
        (known.NoCredentialsError(), refusal.NO_CREDENTIALS, "aws sso login"),
        (known.PartialCredentialsError(provider="env", cred_var="x"), refusal.NO_CREDENTIALS, "AWS_SECRET"),
        (known.ProfileNotFound(profile="x"), refusal.NO_CREDENTIALS, "list-profiles"),
        (known.CredentialRetrievalError(provider="x", error_msg="t0ken"), refusal.NO_CREDENTIALS, "~/.aws"),
        (known.UnauthorizedSSOTokenError(), refusal.EXPIRED, "aws sso login"),
        (known.SSOTokenLoadError(error_msg="t0ken"), refusal.EXPIRED, "aws sso login"),
        (known.TokenRetrievalError(provider="sso", error_msg="t0ken"), refusal.EXPIRED, "aws sso login"),
        (known.ConnectTimeoutError(endpoint_url="t0ken"), refusal.TIMED_OUT, "network"),
        (known.ReadTimeoutError(endpoint_url="t0ken"), refusal.TIMED_OUT, "network"),
        (known.EndpointConnectionError(endpoint_url="t0ken"), refusal.OFFLINE, "network"),
        (known.ProxyConnectionError(proxy_url="http://a:t0ken@b"), refusal.OFFLINE, "network"),
        (known.SSLError(endpoint_url="x", error="t0ken"), refusal.FAILED, "AWS_CA_BUNDLE"),
        (known.ConnectionClosedError(endpoint_url="x"), refusal.UNAVAILABLE, "again"),
        (ResponseParserError("t0ken"), refusal.FAILED, "AWS_ENDPOINT_URL"),
        (ValueError("t0ken"), refusal.FAILED, "again"),
    ],
)
def test_exceptions_without_an_answer(error, reason, hint):
    found = clouds.refused(error, "AWS KMS")
    assert found.reason == reason
    assert hint in found.hint
    assert "t0ken" not in f"{found}{found.hint}{found.__cause__}"


def test_a_client_has_no_retries_and_time_outs_and_its_region(aws):
    client = clouds.make_client("kms", region="cn-north-1")
    assert client.meta.config.retries["total_max_attempts"] == 1
    assert 0 < client.meta.config.connect_timeout <= 10
    assert 0 < client.meta.config.read_timeout <= 10


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "kms.eu-central-1.amazonaws.com"),
        ("cn-north-1", "kms.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "kms.us-gov-west-1.amazonaws.com"),
        ("eusc-de-east-1", "kms.eusc-de-east-1.amazonaws.eu"),
        ("zz-nowhere-9", "kms.zz-nowhere-9.amazonaws.com"),
    ],
)
def test_the_endpoint_follows_the_partition(aws, monkeypatch, region, host):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert re.fullmatch(clouds.REGION, region)
    assert clouds.make_client("kms", region=region).meta.endpoint_url == f"https://{host}"


@pytest.mark.parametrize(
    "region",
    [
        "",
        "evil.example/",
        "eu-central-1.evil.example",
        "eu-central-1\n",
        "EU-central-1",
        "eu-1",
        "٣u-central-1",
    ],
)
def test_a_region_never_shapes_a_host_name(region):
    assert not re.fullmatch(clouds.REGION, region)


def test_the_name_of_a_session_is_that_of_sops(monkeypatch):
    for host, name in (
        ("laptop", "sops@laptop"),
        ("my-host_1.example", "sops@myhost_1.example"),
        ("hôst\n é", "sops@hst"),
        ("x" * 99, "sops@" + "x" * 59),
    ):
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        assert clouds.role_session_name() == name
        assert re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII)


def test_a_role_is_assumed_when_it_is_needed_and_once(aws):
    client = clouds.make_client("kms", region="eu-central-1", role=ROLE)
    assert aws.calls == []
    key = make_key()
    for _ in range(3):
        client.encrypt(KeyId=key, Plaintext=b"x")
    assert [call.action for call in aws.calls] == ["AssumeRole", "Encrypt", "Encrypt", "Encrypt"]
    assert aws.calls[0].user == USER
    assert aws.calls[0].region == "eu-central-1"
    assert aws.calls[1].user != USER


def test_a_role_that_is_denied_says_so_quietly(aws, caplog, capsys):
    aws.roles.clear()
    client = clouds.make_client("kms", region="eu-central-1", role=ROLE, service="AWS KMS")
    with pytest.raises(ServiceError, match="AWS STS denied the request") as caught:
        clouds.call(lambda: client.encrypt(KeyId=make_key(), Plaintext=b"x"), "AWS KMS")
    assert caught.value.reason == refusal.DENIED
    assert capsys.readouterr() == ("", "")


def test_an_answer_without_credentials(aws):
    xml = b"<AssumeRoleResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleResult/></AssumeRoleResponse>"
    aws.answer = lambda call: xml
    client = clouds.make_client("kms", region="eu-central-1", role=ROLE, service="AWS KMS")
    with pytest.raises(ServiceError, match="an answer without credentials"):
        clouds.call(lambda: client.encrypt(KeyId=make_key(), Plaintext=b"x"), "AWS KMS")


@pytest.mark.parametrize("raw", [b"<html>login</html>", b'{"CiphertextBlob": "?', b"[]", b"null"])
def test_what_is_not_an_answer_of_aws(aws, raw):
    aws.answer = lambda call: raw
    client = clouds.make_client("kms", region="eu-central-1", service="AWS KMS")
    found = {}
    with suppress(
        ServiceError
    ):  # nothing else may come; what is not JSON, botocore takes for an empty answer
        found = clouds.call(lambda: client.encrypt(KeyId=make_key(), Plaintext=b"x"), "AWS KMS")
    assert "CiphertextBlob" not in found


def test_a_refusal_is_quiet_and_holds_no_key(aws):
    def refuse(call):
        raise Refusal("AccessDeniedException", "t0ken \x1b[31m")

    aws.answer = refuse
    client = clouds.make_client("kms", region="eu-central-1", service="AWS KMS")
    with pytest.raises(ServiceError) as caught:
        clouds.call(lambda: client.encrypt(KeyId=make_key(), Plaintext=b"x"), "AWS KMS")
    assert "t0ken" not in f"{caught.value}{caught.value.hint}"
    assert caught.value.__suppress_context__


# --- where credentials may be -------------------------------------------------------------------------------

KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(aws_profiles, "_VENDOR", tmp_path / "sys_vendor")
    (tmp_path / ".aws").mkdir()

    def write(config="", credentials=""):
        (tmp_path / ".aws" / "config").write_text(config, encoding="utf-8")
        (tmp_path / ".aws" / "credentials").write_text(credentials, encoding="utf-8")
        return {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}

    return write


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        (KEYS, True),
        ({"AWS_ACCESS_KEY_ID": "x"}, False),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn"}, True),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://x"}, True),
        ({"AWS_PROFILE": "team"}, False),
    ],
)
def test_the_environment_gives_credentials(files, environ, expected):
    environ |= files()
    assert aws_profiles.has_credentials(environ) is expected
    assert not aws_profiles.has_credentials(environ, "team")  # a named profile counts before all of these


@pytest.mark.parametrize(
    "setting",
    [
        "aws_access_key_id = x",
        "sso_session = corp\nsso_account_id = 1",
        "sso_start_url = https://x",
        "credential_process = /bin/false",
        "role_arn = arn\nsource_profile = other",
        "web_identity_token_file = /t",
    ],
)
def test_profiles_give_credentials(files, setting):
    home = files(
        config=f"[profile team]\nregion = eu\n{setting}\ns3 =\n  max = 1\n[profile other]\nregion = x\n"
    )
    assert aws_profiles.has_credentials(home, "team")
    assert aws_profiles.has_credentials({**home, "AWS_PROFILE": "team"})
    assert aws_profiles.has_credentials({**home, "AWS_DEFAULT_PROFILE": "team"})
    assert not aws_profiles.has_credentials(home)
    assert not aws_profiles.has_credentials(home, "other")
    home = files(credentials=f"[default]\n{setting}\n")
    assert aws_profiles.has_credentials(home)


def test_files_elsewhere_and_files_that_cannot_be_read(files, tmp_path):
    home = files(config="[default\nx", credentials="\xff")
    assert not aws_profiles.has_credentials(home)
    other = tmp_path / "elsewhere"
    other.write_text('[profile "a b"]\naws_access_key_id=x\n', encoding="utf-8")
    assert aws_profiles.has_credentials({**home, "AWS_CONFIG_FILE": str(other)}, "a b")
    assert aws_profiles.has_credentials({**home, "AWS_CONFIG_FILE": "~/elsewhere"}, "a b")
    assert not aws_profiles.has_credentials({**home, "AWS_CONFIG_FILE": str(tmp_path)}, "a b")


def test_a_machine_of_ec2(files, tmp_path):
    (tmp_path / "sys_vendor").write_bytes(b"Amazon EC2\n")
    assert aws_profiles.has_credentials(files())
    assert not aws_profiles.has_credentials({**files(), "AWS_EC2_METADATA_DISABLED": "true"})
    assert not aws_profiles.has_credentials(files(), "team")


def test_places_are_named_without_what_is_in_them(files):
    home = files(config="[profile team]\naws_access_key_id = t0ken\n")
    lines = aws_profiles.looked_in({**home, "AWS_ACCESS_KEY_ID": "t0ken"})
    assert lines == (
        "AWS's variables (AWS_ACCESS_KEY_ID)",
        "~/.aws/credentials (no profile with credentials)",
        "~/.aws/config (team)",
    )
    assert "t0ken" not in str(lines)
    assert aws_profiles.looked_in(home)[0] == "AWS's variables (none is set)"


@pytest.mark.parametrize("source", ["direct", "chained"])
def test_a_profile_that_asks_for_a_code_is_refused(aws, environment, monkeypatch, source):
    (environment / ".aws").mkdir()
    text = "[profile mfa]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=base\nmfa_serial=arn:x\n"
    text += "[profile base]\naws_access_key_id=x\naws_secret_access_key=x\n"
    text += "[profile chained]\nrole_arn=arn:aws:iam::1:role/y\nsource_profile=mfa\n"
    (environment / ".aws" / "config").write_text(text, encoding="utf-8")
    profile = {"direct": "mfa", "chained": "chained"}[source]
    with pytest.raises(ServiceError, match="asks for an MFA code"):
        clouds.make_client("kms", region="eu-central-1", profile=profile)
    monkeypatch.setenv("AWS_PROFILE", profile)
    clouds.make_client("kms", region="eu-central-1")  # the environment's keys count first


def test_a_profile_that_is_missing_and_a_program_that_fails(aws, environment):
    (environment / ".aws").mkdir()
    program = json.dumps([sys.executable, "-c", "import sys; sys.exit('t0ken')"])
    words = " ".join(f'"{word}"' for word in json.loads(program))
    (environment / ".aws" / "config").write_text(
        f"[profile bad]\ncredential_process = {words}\n", encoding="utf-8"
    )
    for profile, detail in (("none", "ProfileNotFound"), ("bad", "CredentialRetrievalError")):
        with pytest.raises(ServiceError, match=detail) as caught:
            clouds.make_client("kms", region="eu-central-1", profile=profile)
        assert caught.value.reason == refusal.NO_CREDENTIALS
        assert "t0ken" not in f"{caught.value}{caught.value.hint}"
    assert logging.getLogger("botocore").handlers  # so that nothing of it is printed


def test_sections_that_are_parts_of_profiles_are_not_named_as_places(files):
    environ = files(
        "[profile dev]\nsso_session = corp\nsso_account_id = 1\n[sso-session corp]\nsso_start_url = https://x\n"
    )
    assert aws_profiles.looked_in(environ, "dev")[1] == "~/.aws/config (dev)"
