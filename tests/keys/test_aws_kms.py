"""Data keys that AWS KMS wraps, against a strict server on loopback."""

import base64
import logging
import pickle
import socket
import threading
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("botocore")

from awsserver import ROLE, SECRET, USER, Refusal, changed_blob, make_alias, make_key, replicate
from fluxsecrets.clouds import aws as clouds
from fluxsecrets.clouds import aws_profiles, calling
from fluxsecrets.errors import FluxsecretsError, IdentityError, IntegrityError, RecipientError
from fluxsecrets.keys import make_providers
from fluxsecrets.keys.aws_kms import AwsKms
from fluxsecrets.keys.service import ServiceProvider
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import kms, kms_from_arn

KEY = b"throwaway-data-key-of-32-bytes!!"
ARN = "arn:aws:kms:eu-central-1:123456789012:key/throwaway"


@pytest.fixture
def provider(aws, environment, monkeypatch):
    import os

    monkeypatch.setattr(AwsKms, "limits", calling.CallLimits(per_second=1e6, first_wait=0.001))
    return make_providers(os.environ)["kms"]


def failing(code, message="", status=400, **headers):
    def answer(call):
        raise Refusal(code, message, status, headers)

    return answer


def secretless(error: BaseException) -> str:
    """Everything that a user may ever see of an error; no key and no token may be in it."""
    text = "".join(traceback.format_exception(error))
    if isinstance(error, FluxsecretsError):
        text += f"{error}{error.hint}{error.details}"
    for secret in (SECRET, KEY.decode(), base64.b64encode(KEY).decode(), "t0ken"):
        assert secret not in text
    return text


def unwrap_error(provider, key, kind=IdentityError):
    with pytest.raises(kind) as caught:
        provider.unwrap(key)
    secretless(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"role": ROLE},
        {"context": {"App": "db", "Env": "prod: x"}},
        {"role": ROLE, "context": {"a": "b"}},
    ],
)
def test_a_round_trip(provider, aws, more):
    recipient = kms(make_key(), **more)
    key = provider.wrap(recipient, KEY)
    assert key.recipient == recipient
    assert provider.unwrap(replace(key)) == KEY
    assert aws.calls[-1].body["EncryptionContext"] == more.get("context", {})
    assert aws.calls[-1].body["KeyId"] == recipient.id
    assert (aws.calls[-1].user == USER) is ("role" not in more)
    assert aws.count("AssumeRole") == ("role" in more)


def test_a_profile(provider, aws, environment):
    (environment / ".aws").mkdir()
    aws.users["AKIATEAM"] = ("team-throwaway", "")
    text = "[team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = team-throwaway\n"
    (environment / ".aws" / "credentials").write_text(text, encoding="utf-8")
    key = provider.wrap(kms(make_key(), aws_profile="team"), KEY)
    assert aws.calls[-1].user == "AKIATEAM"
    assert provider.unwrap(key) == KEY
    assert unwrap_error(provider, replace(key, recipient=kms(key.recipient.id, aws_profile="none"))).hint
    assert provider.unwrap(key) == KEY
    aws.calls.clear()
    provider.wrap(kms(key.recipient.id, aws_profile="team", role=ROLE), KEY)
    assert (aws.calls[0].action, aws.calls[0].user) == ("AssumeRole", "AKIATEAM")


def test_one_bad_profile_does_not_close_the_others(provider, aws):
    arn = make_key()
    for _ in range(3):
        with pytest.raises(RecipientError, match="no credentials for AWS KMS"):
            provider.wrap(kms(arn, aws_profile="none"), KEY)
    assert provider.unwrap(provider.wrap(kms(arn), KEY)) == KEY


def test_a_replica_opens_what_its_primary_wrapped(provider):
    primary = make_key(multi_region=True)
    replica = replicate(primary, "us-east-1")
    key = provider.wrap(kms(primary), KEY)
    assert provider.unwrap(replace(key, recipient=kms(replica))) == KEY


def test_an_alias(provider):
    key = provider.wrap(kms(make_alias(make_key(), "sops/prod")), KEY)
    assert provider.unwrap(key) == KEY


def test_what_sops_calls_arn_and_role(provider, aws):
    key = provider.wrap(kms_from_arn(f"{make_key()}+{ROLE}"), KEY)
    assert aws.calls[0].body["RoleArn"] == ROLE
    assert aws.calls[0].body["RoleSessionName"] == clouds.role_session_name()
    assert provider.unwrap(key) == KEY


@pytest.mark.parametrize("part", ["key", "context", "blob", "cut", "base64", "empty", "long"])
def test_a_wrong_key_and_damage(provider, aws, part):
    key = provider.wrap(kms(make_key(), context={"a": "b"}), KEY)
    other = {
        "key": replace(key, recipient=kms(make_key(), context={"a": "b"})),
        "context": replace(key, recipient=kms(key.recipient.id, context={"a": "c"})),
        "blob": replace(key, enc=changed_blob(key.enc)),
        "cut": replace(key, enc=key.enc[:40]),
        "base64": replace(key, enc="?" + key.enc[1:]),
        "empty": replace(key, enc=""),
        "long": replace(key, enc=base64.b64encode(bytes(7000)).decode()),
    }[part]
    error = unwrap_error(provider, other, IntegrityError)
    assert "was encrypted with another one, or was changed" in error.message
    assert "last good version" in error.hint
    assert provider.unwrap(key) == KEY


def test_line_breaks_in_the_wrapped_key_are_accepted_as_sops_does(provider):
    key = provider.wrap(kms(make_key()), KEY)
    assert provider.unwrap(replace(key, enc=key.enc[:50] + "\n" + key.enc[50:] + "\n")) == KEY


@pytest.mark.parametrize(
    ("code", "words", "asked"),
    [
        ("AccessDeniedException", "AWS KMS denied the request", 1),
        ("DisabledException", "is disabled or deleted", 1),
        ("KMSInvalidStateException", "is disabled or deleted", 1),
        ("NotFoundException", "does not know the key", 1),
        ("ExpiredTokenException", "credentials for AWS KMS have expired", 1),
        ("UnrecognizedClientException", "does not accept the credentials", 1),
        ("ThrottlingException", "is throttling requests", 5),
        ("KMSInternalException", "is not available now", 5),
        ("KeyUnavailableException", "can't use the key now", 5),
        ("InvalidKeyUsageException", "rejected the request", 1),
    ],
)
def test_refusals(provider, aws, code, words, asked):
    key = provider.wrap(kms(make_key()), KEY)
    aws.calls.clear()
    aws.answer = failing(code, "t0ken")
    assert words in unwrap_error(provider, key).message
    assert len(aws.calls) == asked
    with pytest.raises(RecipientError, match="can't encrypt for") as caught:
        provider.wrap(key.recipient, KEY)
    assert words in secretless(caught.value)


def test_what_passes_is_retried(provider, aws):
    left = ["ThrottlingException", "KMSInternalException", "DependencyTimeoutException"]

    def answer(call):
        if left:
            raise Refusal(left.pop(), "", 500)

    aws.answer = answer
    key = provider.wrap(kms(make_key()), KEY)
    assert aws.count("Encrypt") == 4
    assert provider.unwrap(key) == KEY


def test_a_key_of_another_region_is_not_found(provider, aws):
    arn = make_key()
    key = provider.wrap(kms(arn), KEY)
    moved = replace(key, recipient=kms(arn.replace("eu-central-1", "us-east-1")))
    error = unwrap_error(provider, moved, FluxsecretsError)
    assert "KMS" in error.message
    assert aws.calls[-1].region == "us-east-1"


def test_a_wrong_secret_is_not_called_a_wrong_clock(provider, aws):
    aws.users[USER] = ("another-throwaway", "")
    with pytest.raises(RecipientError, match="does not accept the credentials") as caught:
        provider.wrap(kms(make_key()), KEY)
    assert "AWS_SECRET_ACCESS_KEY" in caught.value.hint


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_wrong_clock(provider, monkeypatch, hours):
    import botocore.auth

    wrong = datetime.now(UTC) + timedelta(hours=hours)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: wrong)
    with pytest.raises(RecipientError, match="this machine's clock is wrong") as caught:
        provider.wrap(kms(make_key()), KEY)
    assert caught.value.hint == "set the clock"


def test_no_credentials(provider, aws, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for _ in range(9):
        with pytest.raises(RecipientError, match="no credentials for AWS KMS were found") as caught:
            provider.wrap(kms(make_key()), KEY)
    assert "aws sso login" in caught.value.hint
    assert aws.calls == []


def test_offline(provider, aws, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
    key = WrappedKey(kms(ARN), base64.b64encode(KEY).decode())
    assert "can't be reached" in unwrap_error(provider, key).message
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", None)  # it is not asked again
    for number in range(50):
        unwrap_error(provider, replace(key, enc=base64.b64encode(bytes([number])).decode()))


def test_a_service_that_never_answers(provider, aws, monkeypatch):
    monkeypatch.setattr(clouds, "_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        key = WrappedKey(kms(ARN), base64.b64encode(KEY).decode())
        for number in range(9):
            error = unwrap_error(provider, replace(key, enc=base64.b64encode(bytes([number])).decode()))
            assert "did not answer in time" in error.message


@pytest.mark.parametrize(
    "raw",
    [b"{}", b'{"Plaintext": ""}', b'{"Plaintext": "?"}', b'{"Plaintext": 7}', b"<html>", b"[]", b"\xff"],
)
def test_answers_that_are_none(provider, aws, raw):
    key = provider.wrap(kms(make_key()), KEY)
    aws.answer = lambda call: raw
    assert unwrap_error(provider, key, FluxsecretsError).hint


def test_an_answer_of_another_length(provider, aws):
    key = provider.wrap(kms(make_key()), KEY)
    aws.answer = lambda call: b'{"Plaintext": "%s"}' % base64.b64encode(bytes(16))
    assert "16 bytes" in unwrap_error(provider, key, IntegrityError).message


@pytest.mark.parametrize(
    "recipient",
    [
        replace(kms(ARN), id=ARN + "\n"),
        kms(ARN + "\nX-Evil: 1"),
        kms("arn:aws:kms:evil.example/:123456789012:key/x"),
        kms("arn:aws:kms:eu-central-1.evil.example:123456789012:key/x"),
        kms("arn:aws:kms:eu-central-1@evil.example:123456789012:key/x"),
        kms("arn:aws:kms:../..:123456789012:key/x"),
        kms("arn:aws:kms:eu-central-1:123456789012:key/../x"),
        kms("arn:aws:kms:eu-central-1:123456789012:key/" + "x" * 10_000),
        kms("arn:aws:kms:eu-central-1:12345:key/x"),
        kms("arn:aws:s3:eu-central-1:123456789012:key/x"),
        kms("alias/prod"),
        kms("https://evil.example"),
        kms(""),
        kms(ARN, role="arn:aws:iam::123456789012:user/x"),
        kms(ARN, role=ROLE + "\n"),
        kms(ARN, role="https://evil.example"),
        kms(ARN, aws_profile="a\nb"),
        kms(ARN, aws_profile="x" * 999),
        kms(ARN, context={"a": 1}),
        kms(ARN, context={"a": None}),
    ],
)
def test_hostile_fields_are_not_sent(provider, aws, recipient):
    with pytest.raises(RecipientError) as caught:
        provider.check(recipient)
    assert caught.value.hint
    assert len(str(caught.value)) < 200
    assert not provider.owns(recipient)
    unwrap_error(provider, WrappedKey(recipient, base64.b64encode(KEY).decode()))
    assert aws.calls == []


def test_owning_asks_nobody(provider, aws, environment, monkeypatch):
    monkeypatch.setattr(aws_profiles, "_VENDOR", environment / "none")
    monkeypatch.setattr(clouds, "make_client", None)
    assert provider.owns(kms(ARN))
    assert not provider.owns(kms(ARN, aws_profile="none"))
    assert any("AWS_ACCESS_KEY_ID" in place for place in provider.looked_in())
    assert ServiceProvider(lambda: AwsKms({})).looked_in() == ()
    monkeypatch.setattr("fluxsecrets.keys.aws_kms.find_spec", lambda name: None)
    assert not provider.owns(kms(ARN))


def test_without_the_extra(provider, monkeypatch):
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "botocore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(RecipientError, match="AWS KMS needs a library that is not installed") as caught:
        provider.wrap(kms(ARN), KEY)
    assert caught.value.hint == "run `pip install 'fluxsecrets[aws]'`"


def test_a_pickle_opens_more(provider, aws):
    key = provider.wrap(kms(make_key()), KEY)
    assert pickle.loads(pickle.dumps(provider)).unwrap(key) == KEY


def test_logs_have_no_key(provider, aws, caplog):
    with caplog.at_level(logging.INFO):
        provider.unwrap(provider.wrap(kms(make_key(), role=ROLE), KEY))
    for secret in (SECRET, KEY.decode(), base64.b64encode(KEY).decode()):
        assert secret not in caplog.text


def test_a_profile_whose_program_hangs_does_not_hold_up_the_others(aws, monkeypatch):
    client, go, real = AwsKms({}), threading.Event(), clouds.make_client
    arn, begun = make_key(), threading.Event()

    def slow(name, *, profile, **options):
        if profile == "slow":
            begun.set()
            go.wait(20)
        return real(name, profile="", **options)

    monkeypatch.setattr(clouds, "make_client", slow)
    waiting = threading.Thread(target=client.encrypt, args=(kms(arn, aws_profile="slow"), KEY))
    waiting.start()
    assert begun.wait(10)
    assert client.encrypt(kms(arn, aws_profile="other"), KEY)[1]
    assert not go.is_set()
    go.set()
    waiting.join()
    assert aws.count("Encrypt") == 2
