"""Flags and variables for keys of services; real sops, where it is on PATH, says the same."""

import shutil
import subprocess

import pytest

pytest.importorskip("botocore")

from awsserver import ROLE, make_key
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.recipients import attribute_of, context_of

ARNS = ("ARN", "OTHER")


def run_real(*args, stdin=b""):
    done = subprocess.run([shutil.which("sops"), *args], capture_output=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture(params=["ours", "sops"])
def run(request, sops, aws, identity, tmp_path, monkeypatch):
    """Runs a command line as the drop-in or as real sops, in a folder with one plain file."""
    if request.param == "sops" and shutil.which("sops") is None:
        pytest.skip("sops is not on PATH: it is not given the same command lines")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("a: throw-away\n", encoding="utf-8")

    def run(*args):
        if request.param == "sops":
            return run_real(*args)
        done = sops(*args)
        return done.code, done.out, done.err

    return run


def keys_in(data):
    metadata = make_format("yaml").parse(data, Limits()).metadata
    return [
        [
            (
                each.id,
                attribute_of(each, "role"),
                context_of(each),
                attribute_of(each, "aws_profile"),
            )
            for each in group
        ]
        for group in metadata.recipients
    ]


def test_context_and_role(run, tmp_path):
    arn = make_key()
    code, out, error = run("encrypt", "--kms", f"{arn}+{ROLE}", "--encryption-context", "b:2,a:1", "a.yaml")
    assert code == 0, error
    assert keys_in(out) == [[(arn, ROLE, {"a": "1", "b": "2"}, "")]]


def test_the_context_of_the_command_line_is_not_for_a_rules_own_lists(run, tmp_path):
    arn = make_key()
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n  - kms: {arn}\n", encoding="utf-8")
    code, out, error = run("encrypt", "--encryption-context", "a:1", "a.yaml")
    assert code == 0, error
    assert keys_in(out) == [[(arn, None, {}, "")]]


def test_the_context_of_the_command_line_is_not_for_key_groups(run, tmp_path):
    arn, other = make_key(), make_key()
    rules = (
        "creation_rules:\n  - key_groups:\n      - kms:\n"
        f"          - arn: {arn}\n            context: {{b: '2'}}\n            role: {ROLE}\n"
        f"          - arn: {arn}\n          - arn: {arn}\n      - kms:\n          - arn: {other}\n"
    )
    (tmp_path / ".sops.yaml").write_text(rules, encoding="utf-8")
    code, out, error = run("encrypt", "--encryption-context", "a:1", "a.yaml")
    assert code == 0, error
    assert keys_in(out) == [[(arn, ROLE, {"b": "2"}, ""), (arn, None, {}, "")], [(other, None, {}, "")]]


def test_the_variable_stands_for_the_flag_and_wins_over_rules(run, tmp_path, monkeypatch):
    arn, other = make_key(), make_key()
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n  - kms: {other}\n", encoding="utf-8")
    monkeypatch.setenv("SOPS_KMS_ARN", arn)
    code, out, error = run("encrypt", "a.yaml")
    assert code == 0, error
    assert keys_in(out) == [[(arn, None, {}, "")]]
    code, out, error = run("encrypt", "--kms", other, "a.yaml")
    assert keys_in(out) == [[(other, None, {}, "")]]


def test_rotate_removes_what_is_the_same_to_the_letter(run, tmp_path, identity):
    arn = make_key()
    code, out, error = run("encrypt", "--age", identity.recipient, "--kms", f"{arn},{arn}+{ROLE}", "a.yaml")
    assert code == 0, error
    (tmp_path / "a.yaml").write_bytes(out)
    code, out, error = run("rotate", "--rm-kms", f"{arn}+{ROLE}", "--encryption-context", "a:1", "a.yaml")
    assert code == 0, error
    assert len(keys_in(out)[0]) == 3, "the context differs"
    code, out, error = run("rotate", "--rm-kms", f"{arn}+{ROLE}", "a.yaml")
    assert [key[:2] for key in keys_in(out)[0]] == [(arn, None), (identity.recipient, None)]
