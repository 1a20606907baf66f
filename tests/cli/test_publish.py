"""`publish`: encrypted files go to buckets, by the rules of .sops.yaml, and nothing plain does."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

import s3server
from awsserver import make_key
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.errors import ServiceError
from fluxsecrets.ops.publish.model import Uploading
from fluxsecrets.ops.publish.publish import send
from gcsserver import TOKEN as GCS_TOKEN
from gcsserver import RefusalError as GcsRefusalError
from s3server import RefusalError as S3RefusalError

ONE_KIND = pytest.mark.parametrize("bucket", ["gcs"], indirect=True)
"""For what does not depend on the kind of bucket: Google's needs no library that is slow to import."""

AGAIN = "run the command again to see what that is"


@pytest.fixture
def terminal():
    """Makes a terminal at which somebody types."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    return Terminal


class Bucket:
    """One of the two kinds of buckets, so that both pass the same tests."""

    def __init__(self, kind, server, refusal):
        self.kind, self.server, self.refusal = kind, server, refusal
        self.scheme = {"s3": "s3", "gcs": "gs"}[kind]

    def deny(self, *methods):
        def before(method, _path):
            if method in methods:
                raise (
                    self.refusal("AccessDenied", 403) if self.kind == "s3" else self.refusal(403, "forbidden")
                )

        self.server.before = before

    def throttle(self, times):
        left = [times]

        def before(_method, _path):
            if left[0]:
                left[0] -= 1
                raise (
                    self.refusal("SlowDown", 503)
                    if self.kind == "s3"
                    else self.refusal(429, "rateLimitExceeded")
                )

        self.server.before = before

    @property
    def uploads(self):
        return self.server.count("PUT" if self.kind == "s3" else "POST")


@pytest.fixture(params=["s3", "gcs"])
def bucket(request):
    refusal = {"s3": S3RefusalError, "gcs": GcsRefusalError}[request.param]
    return Bucket(request.param, request.getfixturevalue(request.param), refusal)


@pytest.fixture
def published(folder, bucket, cli):
    """A folder with an encrypted Secret in `app`, and a rule for the bucket."""

    def rules(more=""):
        folder.rules(
            f"creation_rules:\n  - age: {folder.recipient}\ndestination_rules:\n"
            f"  - path_regex: ^app/\n    {bucket.kind}_bucket: waddle\n"
            f"    {bucket.kind}_prefix: team/\n{more}"
        )

    folder.with_rules = rules
    rules()
    folder.write("app/db.yaml")
    assert cli("encrypt", "app/db.yaml").exit_code == 0
    return folder


def mine(folder, *others):
    """A recreation rule for these recipients."""
    return f"    recreation_rule: {{age: '{','.join(others or (folder.recipient,))}'}}\n"


def outcome(result):
    return [(each["outcome"], each["state"]) for each in json.loads(result.stdout)["files"]]


class TestWhatIsUploaded:
    def test_the_file_as_it_is(self, published, bucket, cli):
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 0, done.stderr
        assert bucket.server.get("team/db.yaml") == published.read("app/db.yaml")
        assert f"{bucket.scheme}://waddle/team/db.yaml" in done.stdout
        assert not published.leaks(done.stdout, done.stderr)

    def test_what_is_there_already_is_not_uploaded_again(self, published, bucket, cli):
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        again = cli("publish", "app/db.yaml", "--yes", "--format", "json")
        assert (again.exit_code, outcome(again), bucket.uploads) == (0, [("unchanged", "same")], 1)

    def test_a_changed_file_replaces_what_is_there(self, published, bucket, cli):
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        assert cli("rotate", "app/db.yaml").exit_code == 0
        again = cli("publish", "app/db.yaml", "--yes", "--format", "json")
        assert outcome(again) == [("published", "changed")]
        assert bucket.server.get("team/db.yaml") == published.read("app/db.yaml")

    def test_the_files_of_a_folder_have_their_paths_in_it(self, published, bucket, cli):
        published.write("app/deep/other.json", '{"password": "hunter2-throwaway"}')
        assert cli("encrypt", "app/deep/other.json").exit_code == 0
        assert cli("publish", "app", "--yes").exit_code == 0
        for name in ("db.yaml", "deep/other.json"):
            assert bucket.server.get(f"team/{name}") == published.read(f"app/{name}")

    def test_extensions_are_omitted(self, published, bucket, cli):
        published.with_rules("    omit_extensions: true\n")
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        assert bucket.server.get("team/db") == published.read("app/db.yaml")

    @ONE_KIND
    def test_extensions_are_omitted_by_the_option(self, published, bucket, cli):
        assert cli("publish", "app/db.yaml", "--yes", "--omit-extensions").exit_code == 0
        assert bucket.server.get("team/db") == published.read("app/db.yaml")

    def test_a_name_with_signs_of_addresses(self, published, bucket, cli):
        published.write("app/a?b#c%2F d.yaml", published.read("app/db.yaml"))
        assert cli("publish", "app/a?b#c%2F d.yaml", "--yes").exit_code == 0
        assert bucket.server.get("team/a?b#c%2F d.yaml") == published.read("app/db.yaml")

    @ONE_KIND
    def test_nobody_has_to_be_able_to_read_it(self, published, bucket, cli, act_as):
        act_as("bob")
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 0, done.stderr
        assert "none of your identities can open it, so its MAC was not checked" in done.stderr
        assert bucket.server.get("team/db.yaml") == published.read("app/db.yaml")


class TestCopies:
    def test_a_copy_is_for_the_recipients_of_its_rule(self, published, bucket, cli, act_as):
        before = published.read("app/db.yaml")
        bob = act_as("bob").recipient
        act_as("alice")
        published.with_rules(mine(published, bob))
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 0, done.stderr
        copy = bucket.server.get("team/db.yaml")
        assert (published.read("app/db.yaml") == before, copy == before) == (True, False)
        assert bob in copy.decode()
        assert published.recipient not in copy.decode()
        assert not published.leaks(copy)
        published.write("copy.yaml", copy)
        assert cli("decrypt", "copy.yaml").exit_code == 2
        act_as("bob")
        assert cli("decrypt", "copy.yaml").stdout == published.secret

    @ONE_KIND
    def test_a_copy_has_a_data_key_of_its_own(self, published, bucket, cli):
        published.with_rules(mine(published))
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        ours, theirs = (
            text.split("ENC[")[1]
            for text in (published.read("app/db.yaml").decode(), bucket.server.get("team/db.yaml").decode())
        )
        assert ours != theirs

    @ONE_KIND
    def test_it_keeps_the_selector_of_the_file(self, published, bucket, cli):
        published.with_rules(mine(published))
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        assert "encrypted_regex: ^(data|stringData)$" in bucket.server.get("team/db.yaml").decode()

    @ONE_KIND
    def test_a_selector_of_its_own(self, published, bucket, cli):
        published.with_rules(
            f"    recreation_rule: {{age: {published.recipient}, unencrypted_suffix: _plain}}\n"
        )
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        copy = bucket.server.get("team/db.yaml").decode()
        assert copy.startswith("apiVersion: ENC[")
        assert "unencrypted_suffix: _plain" in copy

    @ONE_KIND
    def test_a_selector_that_would_leave_a_secret_plain_is_refused(self, published, bucket, cli):
        published.with_rules(
            f"    recreation_rule: {{age: {published.recipient}, encrypted_regex: ^apiVersion$}}\n"
        )
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 2
        assert "was encrypted and would be plain text" in done.stderr
        assert (bucket.uploads, published.leaks(done.stdout, done.stderr)) == (0, False)

    def test_the_same_copy_is_not_uploaded_again(self, published, bucket, cli, act_as):
        bob = act_as("bob").recipient
        act_as("alice")
        published.with_rules(mine(published, bob))
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        again = cli("publish", "app/db.yaml", "--yes", "--format", "json")
        assert (outcome(again), bucket.uploads) == ([("unchanged", "same")], 1)
        published.with_rules(mine(published, bob, published.recipient))
        assert outcome(cli("publish", "app/db.yaml", "--yes", "--format", "json")) == [
            ("published", "changed")
        ]

    def test_a_copy_that_somebody_replaced_is_uploaded_again(self, published, bucket, cli):
        published.with_rules(mine(published))
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        bucket.server.put("team/db.yaml", b"other")
        assert outcome(cli("publish", "app/db.yaml", "--yes", "--format", "json")) == [
            ("published", "changed")
        ]

    @ONE_KIND
    def test_who_can_not_read_it_can_not_copy_it(self, published, bucket, cli, act_as):
        published.with_rules(mine(published))
        act_as("bob")
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "none of your identities can open" in done.stderr

    @ONE_KIND
    def test_a_recipient_that_can_not_be_encrypted_for_names_the_rule(self, published, bucket, cli):
        published.with_rules(mine(published, "age1throwaway"))
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert ".sops.yaml:7" in done.stderr


@ONE_KIND
class TestWhatIsRefused:
    def test_plain_text(self, published, bucket, cli):
        published.write("app/plain.yaml")
        for paths in (["app/plain.yaml"], ["app"]):
            done = cli("publish", *paths, "--dry-run")
            assert done.exit_code == 2
            assert "the file is plain text, which is never published" in done.stderr
            assert "`fluxsecrets encrypt app/plain.yaml`" in done.stderr
        assert not bucket.uploads

    def test_a_plain_file_does_not_keep_the_others_back(self, published, bucket, cli):
        published.write("app/plain.yaml")
        assert cli("publish", "app", "--yes").exit_code == 2
        assert bucket.server.get("team/db.yaml") == published.read("app/db.yaml")
        assert bucket.uploads == 1

    def test_a_value_that_was_put_into_an_encrypted_file(self, published, bucket, cli, act_as):
        text = published.read("app/db.yaml").decode()
        published.write(
            "app/db.yaml", text.replace("stringData:\n", "stringData:\n  more: hunter2-throwaway\n")
        )
        for name in ("alice", "bob"):
            act_as(name)
            done = cli("publish", "app/db.yaml", "--yes")
            assert (done.exit_code, bucket.uploads) == (2, 0)
            assert not published.leaks(done.stdout, done.stderr)

    def test_a_file_that_was_changed(self, published, bucket, cli):
        text = published.read("app/db.yaml").decode()
        published.write("app/db.yaml", text.replace("name: db", "name: other"))
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "MAC" in done.stderr

    def test_a_file_for_others_than_its_rule_names(self, published, bucket, cli, act_as):
        bob = act_as("bob").recipient
        act_as("alice")
        assert cli("rotate", "app/db.yaml", "--add-age", bob).exit_code == 0
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "the file is encrypted for somebody that the creation rule does not name" in done.stderr
        assert cli("publish", "app/db.yaml", "--yes", "--accept-recipients").exit_code == 0
        assert bucket.uploads == 1

    def test_two_files_for_one_name(self, published, bucket, cli):
        published.write("app/db.json", '{"password": "hunter2-throwaway"}')
        assert cli("encrypt", "app/db.json").exit_code == 0
        done = cli("publish", "app", "--omit-extensions", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "app/db.json: it would be published to the same place as app/db.yaml" in done.stderr

    def test_a_file_without_a_destination(self, published, bucket, cli):
        published.write("other.yaml")
        assert cli("encrypt", "other.yaml").exit_code == 0
        done = cli("publish", "other.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "error: other.yaml: no destination is configured for this file" in done.stderr

    def test_files_of_a_folder_without_a_destination_are_left_out(self, published, bucket, cli):
        published.write("other.yaml")
        assert cli("encrypt", "other.yaml").exit_code == 0
        done = cli("publish", ".", "--yes")
        assert (done.exit_code, bucket.uploads) == (0, 1)
        assert "note: 1 file has no destination and is left out" in done.stderr
        assert bucket.server.get("team/app/db.yaml") == published.read("app/db.yaml")

    def test_no_file_has_a_destination(self, published, bucket, cli):
        published.rules(f"creation_rules:\n  - age: {published.recipient}\n")
        done = cli("publish", ".", "--yes")
        assert done.exit_code == 2
        assert "no file there has a destination" in done.stderr

    def test_a_rule_with_an_unknown_field(self, published, bucket, cli):
        published.with_rules(f"    reencryption_rule: {{age: {published.recipient}}}\n")
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert ".sops.yaml:7: destination_rules[0].reencryption_rule is not a known field" in done.stderr
        assert "hint: write recreation_rule" in done.stderr

    def test_rules_that_came_with_the_file(self, published, bucket, cli):
        published.write("download/.sops.yaml", published.read(".sops.yaml").replace(b"^app/", b""))
        published.write("download/db.yaml", published.read("app/db.yaml"))
        done = cli("publish", "download/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "by rules that are not those of the working directory" in done.stderr
        assert "the rule is in download/.sops.yaml:4" in done.stderr
        assert cli("publish", "download", "--yes", "--config", "download/.sops.yaml").exit_code == 0
        assert bucket.uploads == 1

    def test_nothing_is_named(self, published, cli):
        done = cli("publish", "--yes")
        assert done.exit_code == 2
        assert "name the files to publish" in done.stderr

    @pytest.mark.parametrize("prefix", ["../", "a/./", "a/"])
    def test_names_that_lead_elsewhere(self, published, bucket, cli, prefix):
        published.rules(
            f"creation_rules:\n  - age: {published.recipient}\ndestination_rules:\n"
            f"  - {bucket.kind}_bucket: waddle\n    {bucket.kind}_prefix: {prefix}\n"
        )
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == ((0, 1) if prefix == "a/" else (2, 0))

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
    def test_a_name_with_control_characters(self, published, bucket, cli):
        published.write("app/a\nb.yaml", published.read("app/db.yaml"))
        done = cli("publish", "app/a\nb.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "the name would have control characters" in done.stderr


@ONE_KIND
class TestAsking:
    def test_nothing_is_uploaded_where_nobody_can_be_asked(self, published, bucket, cli):
        done = cli("publish", "app/db.yaml")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert f"app/db.yaml -> {bucket.scheme}://waddle/team/db.yaml (new), for " in done.stderr
        assert "nothing was published: nobody can be asked" in done.stderr
        assert "--yes" in done.stderr

    @pytest.mark.parametrize(("answer", "uploads"), [("y\n", 1), ("n\n", 0), ("\n", 0)])
    def test_the_answer_counts(self, published, bucket, cli, terminal, answer, uploads):
        done = cli("publish", "app/db.yaml", stdin=terminal(answer))
        assert (done.exit_code, bucket.uploads) == (0 if uploads else 2, uploads)
        assert "publish it? [y/N]" in done.stderr

    def test_nobody_is_asked_for_nothing(self, published, bucket, cli):
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        assert cli("publish", "app/db.yaml").exit_code == 0

    def test_a_dry_run_uploads_nothing(self, published, bucket, cli):
        done = cli("publish", "app", "--dry-run", "--format", "json")
        assert (done.exit_code, outcome(done), bucket.uploads) == (0, [("would publish", "new")], 0)


class TestServices:
    def test_who_may_write_only_can_publish(self, published, bucket, cli):
        bucket.deny("GET")
        done = cli("publish", "app/db.yaml", "--yes", "--format", "json")
        assert (done.exit_code, outcome(done)) == (0, [("published", "not readable")])
        assert bucket.server.get("team/db.yaml") == published.read("app/db.yaml")

    def test_denied(self, published, bucket, cli):
        bucket.deny("PUT", "POST")
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 2
        assert "denied the request" in done.stderr
        assert "app/db.yaml   failed" in done.stdout

    def test_throttled_and_then_not(self, published, bucket, cli):
        bucket.throttle(2)
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        assert bucket.server.get("team/db.yaml") == published.read("app/db.yaml")

    def test_throttled_for_good(self, published, bucket, cli):
        bucket.throttle(100)
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 2
        assert "is throttling requests" in done.stderr

    def test_there_is_no_such_bucket(self, published, bucket, cli):
        published.rules(
            f"creation_rules:\n  - age: {published.recipient}\n"
            f"destination_rules:\n  - {bucket.kind}_bucket: other\n"
        )
        done = cli("publish", "app/db.yaml", "--dry-run")
        assert done.exit_code == 2
        assert "has no bucket other" in done.stderr

    def test_somebody_else_wrote_meanwhile(self, published, bucket, cli):
        def before(method, _path):
            if method in ("PUT", "POST"):
                bucket.server.put("team/db.yaml", b"newer")

        bucket.server.before = before
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 2
        assert "got something newer from somebody else meanwhile" in done.stderr
        assert AGAIN in done.stderr
        assert bucket.server.get("team/db.yaml") == b"newer"

    def test_an_answer_that_was_lost(self, published, bucket, cli):
        def before(method, _path):
            if method in ("PUT", "POST") and bucket.server.get("team/db.yaml") is None:
                bucket.server.put("team/db.yaml", published.read("app/db.yaml"))
                raise (
                    bucket.refusal("ServiceUnavailable", 503)
                    if bucket.kind == "s3"
                    else bucket.refusal(503, "backendError")
                )

        bucket.server.before = before
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0

    def test_offline(self, published, bucket, cli, monkeypatch):
        for name in ("AWS_ENDPOINT_URL", "STORAGE_EMULATOR_HOST"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        published.write("app/b.yaml", published.read("app/db.yaml"))
        done = cli("publish", "app", "--yes", "--format", "json")
        assert done.exit_code == 2
        errors = [each["error"] for each in json.loads(done.stdout)["files"]]
        assert [each["path"] for each in errors] == ["app/b.yaml", "app/db.yaml"]
        assert all("can't be reached" in each["message"] for each in errors)


@ONE_KIND
class TestGoogle:
    @pytest.fixture
    def real(self, bucket, monkeypatch):
        """The service as it is without an emulator: it wants a token."""
        monkeypatch.delenv("STORAGE_EMULATOR_HOST")
        monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", GCS_TOKEN)
        bucket.server.token = GCS_TOKEN
        monkeypatch.setattr("fluxsecrets.clouds.gcp.Client.address", lambda *_: bucket.server.address)
        return bucket.server

    def test_requests_carry_the_token(self, published, real, cli):
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 0, done.stderr
        assert set(real.tokens) == {f"Bearer {GCS_TOKEN}"}
        assert real.get("team/db.yaml") == published.read("app/db.yaml")

    def test_a_token_that_is_not_accepted(self, published, real, cli, monkeypatch):
        monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "other-throwaway-token")
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, real.count("POST")) == (2, 0)
        assert "other-throwaway-token" not in done.stdout + done.stderr

    def test_an_emulator_gets_no_token(self, published, bucket, cli, monkeypatch):
        monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", GCS_TOKEN)
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        assert set(bucket.server.tokens) == {None}

    def test_content_that_is_damaged_on_its_way(self, published, bucket, cli):
        bucket.server.damage = True
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.server.get("team/db.yaml")) == (2, None)

    def test_an_answer_that_does_not_come(self, published, bucket, cli, monkeypatch):
        monkeypatch.setattr("fluxsecrets.ops.publish.destinations.gcs.LIMITS", CallLimits(deadline=0.2))
        answer = threading.Event()
        bucket.server.before = lambda *_: answer.wait(10) and None
        published.write("app/e.yaml", published.read("app/db.yaml"))
        done = cli("publish", "app", "--yes")
        answer.set()
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "Google Cloud Storage did not answer in time" in done.stderr

    @pytest.mark.parametrize("answer", [b"{}", b"[]", b"<p>", b'{"generation": "1", "size": "-1"}', b"\xff"])
    def test_an_answer_that_is_not_one(self, published, bucket, cli, monkeypatch, answer):
        monkeypatch.setattr(bucket.server, "answer", lambda *_: answer)
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.server.get("team/db.yaml")) == (2, None)
        assert "error: app/db.yaml: Google Cloud Storage failed" in done.stderr

    def test_a_copy_for_a_cloud_key(self, published, bucket, cli, aws):
        key = make_key()
        published.with_rules(f"    recreation_rule: {{kms: {key}}}\n")
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        assert key in bucket.server.get("team/db.yaml").decode()
        published.write("copy.yaml", bucket.server.get("team/db.yaml"))
        assert cli("decrypt", "copy.yaml").stdout == published.secret
        aws.clear()
        assert outcome(cli("publish", "app/db.yaml", "--yes", "--format", "json")) == [("unchanged", "same")]
        assert aws.calls == []

    def test_a_cloud_key_that_refuses(self, published, bucket, cli, aws):
        key = make_key()
        aws.disabled.add(key)
        published.with_rules(f"    recreation_rule: {{kms: {key}}}\n")
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "AWS KMS says that the key is disabled" in done.stderr
        assert ".sops.yaml:7" in done.stderr

    def test_reserved_names(self, published, bucket, cli):
        published.rules(
            f"creation_rules:\n  - age: {published.recipient}\ndestination_rules:\n"
            "  - {gcs_bucket: waddle, gcs_prefix: .well-known/acme-challenge/}\n"
        )
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "are reserved" in done.stderr


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
class TestAmazon:
    def test_no_credentials(self, published, bucket, cli, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "no credentials for Amazon S3 were found" in done.stderr

    def test_credentials_that_are_not_accepted(self, published, bucket, cli, monkeypatch):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATHROWAWAY0000001")
        done = cli("publish", "app/db.yaml", "--yes")
        assert (done.exit_code, bucket.uploads) == (2, 0)
        assert "throwaway-secret" not in done.stdout + done.stderr

    @pytest.mark.parametrize(
        ("code", "status", "message"),
        [
            ("RequestTimeTooSkewed", 403, "this machine's clock is wrong"),
            ("ExpiredToken", 400, "have expired"),
            ("InternalError", 500, "is not available now"),
            ("IllegalLocationConstraintException", 400, "the bucket waddle is in another region"),
            ("InvalidBucketName", 400, "Amazon S3"),
        ],
    )
    def test_what_it_refuses(self, published, bucket, cli, code, status, message):
        def before(_method, _path):
            raise bucket.refusal(code, status)

        bucket.server.before = before
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 2
        assert message in done.stderr

    def test_the_permission_that_is_missing(self, published, bucket, cli):
        bucket.deny("PUT")
        done = cli("publish", "app/db.yaml", "--yes")
        assert "ask for the permission s3:PutObject on the bucket waddle" in done.stderr

    def test_uploads_are_conditional_and_have_a_checksum(self, published, bucket, cli):
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        assert cli("rotate", "app/db.yaml").exit_code == 0
        assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
        first, second = bucket.server.sent
        assert first["HTTP_IF_NONE_MATCH"] == "*"
        assert second["HTTP_IF_MATCH"]
        assert "HTTP_X_AMZ_CHECKSUM_CRC32" in first or "HTTP_X_AMZ_TRAILER" in first

    @pytest.mark.parametrize("newer", [False, True])
    def test_a_service_without_conditional_writes(self, published, bucket, cli, newer):
        real = s3server.check

        def check(environ):
            real(environ)
            if "HTTP_IF_NONE_MATCH" in environ:
                if newer:
                    bucket.server.put("team/db.yaml", b"newer")
                raise bucket.refusal("NotImplemented", 501)

        bucket.server.check = check
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == (2 if newer else 0)
        expected = b"newer" if newer else published.read("app/db.yaml")
        assert bucket.server.get("team/db.yaml") == expected

    def test_a_missing_library(self, published, bucket, cli, monkeypatch):
        for name in [each for each in sys.modules if each.startswith("botocore.")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "botocore", None)
        done = cli("publish", "app/db.yaml", "--yes")
        assert done.exit_code == 2
        assert "pip install 'fluxsecrets[aws]'" in done.stderr


@ONE_KIND
def test_the_log_says_where_files_went(published, bucket, cli, git):
    git(published.path, "init", "--quiet")
    published.write(".fluxsecrets.yaml", "log: {required: true}\n")
    assert cli("publish", "app/db.yaml", "--yes").exit_code == 0
    lines = published.read(".git/fluxsecrets/log.jsonl").decode().splitlines()
    (found,) = (each for each in map(json.loads, lines) if each["event"] == "file")
    assert (found["command"], found["path"], found["outcome"]) == ("publish", "app/db.yaml", "published")
    assert found["destination"] == f"{bucket.scheme}://waddle/team/db.yaml"
    assert found["keys"] == [published.recipient]


@ONE_KIND
def test_an_environment(waddle, bucket, cli):
    (waddle / ".sops.yaml").write_text(
        (waddle / ".sops.yaml").read_text() + f"destination_rules:\n  - {bucket.kind}_bucket: waddle\n"
    )
    assert cli("encrypt", "--env", "staging").exit_code == 0
    done = cli("publish", "--env", "staging", "--yes", "--format", "json")
    assert done.exit_code == 0, done.stderr
    paths = [each["path"] for each in json.loads(done.stdout)["files"]]
    assert len(paths) > 3
    for path in paths:
        assert bucket.server.get(path) == (waddle / path).read_bytes()


@ONE_KIND
def test_files_are_uploaded_several_at_once_and_reported_in_order(published, bucket, cli, monkeypatch):
    names = [f"app/{number:02}.yaml" for number in range(31)]
    for name in names:
        published.write(name, published.read("app/db.yaml"))
    together, under_way, most = threading.Barrier(16), [], []

    def meeting(item):
        under_way.append(item)
        together.wait(30)
        most.append(len(under_way))
        together.wait(30)
        under_way.remove(item)
        if item.result.path == "app/03.yaml":
            raise ServiceError("it was refused")
        send(item)

    monkeypatch.setattr("fluxsecrets.ops.publish.publish.send", meeting)
    done = cli("publish", "app", "--yes", "--format", "json")
    files = json.loads(done.stdout)["files"]
    assert [each["path"] for each in files] == [*names, "app/db.yaml"]
    assert [each["path"] for each in files if each["outcome"] != "published"] == ["app/03.yaml"]
    assert (done.exit_code, bucket.uploads, set(most)) == (2, 31, {16})


class TestInterruptions:
    @ONE_KIND
    @pytest.mark.skipif(sys.platform == "win32", reason="no signal can be sent to a thread there")
    def test_it_says_what_was_published_and_goes_on_there(self, published, bucket, cli, monkeypatch):
        for name in ("e", "f"):
            published.write(f"app/{name}.yaml", published.read("app/db.yaml"))
        progress, meeting, hang = Uploading(), threading.Barrier(2), threading.Event()
        monkeypatch.setattr("fluxsecrets.cli.publish.Uploading", lambda: progress)

        def stopping(item):
            if item.result.path == "app/db.yaml":
                send(item)
                return
            meeting.wait(30)
            if item.result.path == "app/e.yaml":
                while not progress.seen()[0]:
                    time.sleep(0.001)
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            hang.wait(30)

        monkeypatch.setattr("fluxsecrets.ops.publish.publish.send", stopping)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
        done = cli("publish", "app", "--yes")
        signal.signal(signal.SIGINT, before)
        hang.set()
        assert done.exit_code == 130
        assert "interrupted; 1 file was published: app/db.yaml" in done.stderr
        assert re.search(r"app/[ef].yaml, app/[ef].yaml may have been published", done.stderr)
        monkeypatch.setattr("fluxsecrets.ops.publish.publish.send", send)
        again = cli("publish", "app", "--yes", "--format", "json")
        assert [each for each, _ in outcome(again)] == ["unchanged", "published", "published"]
        assert bucket.uploads == 3

    @ONE_KIND
    @pytest.mark.parametrize("at", [0, 4, 5, 6])
    def test_killed_at_any_request_it_can_be_run_again(self, published, bucket, cli, at):
        published.with_rules(mine(published))
        for name in ("e", "f"):
            published.write(f"app/{name}.yaml", published.read("app/db.yaml"))
        before, started = published.files(), []

        def kill(_method, _path):
            if len(bucket.server.asked) > at and started:
                started[0].kill()

        command = [cli.executable, "publish", "app", "--yes"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            started.append(process)
            bucket.server.before = kill
            assert process.wait(60) != 0
        bucket.server.before = lambda _method, _path: None
        assert published.files() == before
        assert cli("publish", "app", "--yes").exit_code == 0
        for name in ("db", "e", "f"):
            assert not published.leaks(bucket.server.get(f"team/{name}.yaml"))
        again = cli("publish", "app", "--yes", "--format", "json")
        assert outcome(again) == [("unchanged", "same")] * 3
