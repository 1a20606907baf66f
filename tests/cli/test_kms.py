"""Commands on files that AWS KMS wraps: what they print, and how many requests they make."""

import os
import signal
import subprocess
import threading

import pytest

pytest.importorskip("botocore")

from awsserver import ROLE, Refusal, make_key
from fluxsecrets.clouds import refusal

MARKER = "hunter2-throwaway"
FILES = 20


class Repository:
    def __init__(self, folder, cli, git, aws, arn):
        self.folder, self.cli, self.git, self.aws, self.arn = folder, cli, git, aws, arn

    def rules(self, *lines):
        text = "".join(f"    {line}\n" for line in lines)
        (self.folder / ".sops.yaml").write_text(f"creation_rules:\n  -\n{text}", encoding="utf-8")

    def write(self, *numbers):
        for number in numbers:
            text = (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
                + f"stringData: {{a: {MARKER}-{number}}}\n"
            )
            (self.folder / f"s{number:03}.yaml").write_text(text, encoding="utf-8")

    def run(self, *words, code=0):
        """Run a command; what it prints, and its requests."""
        self.aws.calls.clear()
        result = self.cli(*words)
        assert result.exit_code == code, result.stderr
        assert MARKER not in result.stdout + result.stderr
        return result, (self.aws.count("Encrypt"), self.aws.count("Decrypt"))

    def count(self, *words, code=0):
        return self.run(*words, code=code)[1]


@pytest.fixture
def repository(tmp_path, monkeypatch, cli, git, aws):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    monkeypatch.chdir(folder)
    made = Repository(folder, cli, git, aws, make_key())
    made.rules(f"kms: {made.arn}")
    return made


@pytest.fixture
def encrypted(repository):
    repository.write(*range(FILES))
    assert repository.count("encrypt") == (FILES, 0)
    return repository


def test_each_command_makes_the_requests_that_cannot_be_avoided(encrypted):
    run = encrypted.count
    assert run("encrypt") == run("encrypt", "--check") == (0, 0)
    assert run("recipients", "list") == run("recipients", "sync", "--all") == (0, 0)
    assert run("status") == (0, FILES)
    assert run("audit", "--fail-on", "critical") == (0, FILES)
    assert run("rotate", "--all") == (FILES, FILES)
    assert run("rotate", "--all", "--dry-run") == (FILES, FILES)
    assert run("decrypt", "-i", ".") == (0, FILES)


def test_results_are_in_order(encrypted):
    result, _ = encrypted.run("rotate", "--all")
    names = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("s")]
    assert names == [f"s{number:03}.yaml" for number in range(FILES)]


def test_equal_wrapped_keys_are_asked_for_once(repository):
    repository.write(0)
    repository.run("encrypt")
    data = (repository.folder / "s000.yaml").read_bytes()
    for number in range(1, 20):
        (repository.folder / f"s{number:03}.yaml").write_bytes(data)
    assert repository.count("status") == (0, 1)


def test_no_request_where_an_identity_at_hand_opens_the_file(repository, identity):
    repository.rules(f"kms: {repository.arn}", f"age: {identity.recipient}")
    repository.write(*range(0, FILES, 2))
    assert repository.count("encrypt") == (FILES // 2, 0)
    repository.rules(f"kms: {repository.arn}")
    repository.write(*range(1, FILES, 2))
    assert repository.count("encrypt") == (FILES // 2, 0)
    assert repository.count("status") == (0, FILES // 2)
    assert repository.count("rotate", "--all", "--accept-recipients") == (FILES, FILES // 2)
    assert repository.count("decrypt", "-i", ".") == (0, FILES // 2)


def test_offline_there_is_one_wait(encrypted, monkeypatch):
    asked = []

    def offline(request, service):
        asked.append(service)
        raise refusal.refusal(refusal.TIMED_OUT, service)

    before = {path: path.read_bytes() for path in encrypted.folder.glob("*.yaml")}
    encrypted.write(*range(100, 300))
    monkeypatch.setattr("fluxsecrets.clouds.aws.call", offline)
    for words in (("rotate", "--all"), ("encrypt",), ("decrypt", "-i", ".")):
        asked.clear()
        result, _ = encrypted.run(*words, code=2)
        assert result.stderr.count("AWS KMS did not answer in time") == 1
        assert 1 <= len(asked) <= 16  # the threads that were there before anybody knew
    assert before.items() <= {path: path.read_bytes() for path in encrypted.folder.glob("*.yaml")}.items()


def test_a_denied_key_is_said_once_and_asked_for_once(encrypted):
    def denied(call):
        raise Refusal("AccessDeniedException")

    encrypted.aws.answer = denied
    result, (_, asked) = encrypted.run("decrypt", "-i", ".", code=2)
    assert asked <= 16
    assert result.stderr.count("AWS KMS denied the request") == 1
    assert "kms:Decrypt" in result.stderr
    encrypted.write(900)
    result, _ = encrypted.run("encrypt", "s900.yaml", code=2)
    assert "can't encrypt for" in result.stderr
    assert "kms:Encrypt" in result.stderr
    assert ".sops.yaml:3" in result.stderr


def test_a_role_is_assumed_once(repository):
    repository.rules(f"kms: {repository.arn}+{ROLE}")
    repository.write(*range(20))
    assert repository.count("encrypt") == (20, 0)
    assert repository.aws.count("AssumeRole") == 1
    assert repository.count("status") == (0, 20)
    assert repository.aws.count("AssumeRole") == 1


def test_a_slow_service_is_waited_for_by_many_files_at_once(repository):
    repository.write(*range(48))
    together = threading.Barrier(16)

    def meet(call):
        together.wait(30)

    repository.aws.answer = meet
    assert repository.count("encrypt") == (48, 0)
    assert repository.count("audit", "--rule", "value-in-comment") == (0, 48)


@pytest.mark.skipif(os.name == "nt", reason="a process can't be sent Ctrl-C there")
def test_ctrl_c_ends_it_at_once_and_changes_nothing(encrypted):
    before = {path: path.read_bytes() for path in encrypted.folder.glob("*.yaml")}
    asked, go = threading.Event(), threading.Event()

    def hold(call):
        asked.set()
        go.wait(20)

    encrypted.aws.answer = hold
    process = subprocess.Popen([encrypted.cli.executable, "rotate", "--all"], stderr=subprocess.PIPE)
    try:
        assert asked.wait(20)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    finally:
        go.set()
        process.kill()
    assert process.returncode == 130
    assert b"interrupted" in errors
    assert b"Traceback" not in errors
    assert before == {path: path.read_bytes() for path in encrypted.folder.glob("*.yaml")}


def test_verdicts_ask_for_what_environments_reach(waddle, cli, aws):
    rules = waddle / ".sops.yaml"
    rules.write_text(f"creation_rules:\n  - kms: {make_key()}\n", encoding="utf-8")
    assert cli("encrypt").exit_code == 0
    files = aws.count("Encrypt")
    aws.calls.clear()
    assert cli("verify").exit_code == 0
    assert aws.count("Decrypt") == files
    aws.calls.clear()
    assert cli("verify", "--env", "staging").exit_code == 0
    assert 0 < aws.count("Decrypt") < files


def test_doctor_knows_keys_of_services(encrypted, monkeypatch):
    result, calls = encrypted.run("doctor", code=1)
    assert "(eu-central-1): there are credentials for its service" in result.stdout
    assert "no identity was found" not in result.stdout
    assert calls == (0, 0)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    result, _ = encrypted.run("doctor", code=1)
    assert "no identity was found" in result.stdout
