"""`fluxsecrets get`, `set` and `unset`: one value, and nothing else changes."""

import base64
import json
import os
import shutil
import subprocess

import pytest

SECRET = """\
# for the database
apiVersion: v1
kind: Secret
metadata:
  name: db
data:
  tls.crt: aGVsbG8gaHVudGVyMi10aHJvd2F3YXkK # the certificate
stringData:
  # rotate me
  password: "hunter2-throwaway"
  pem: |
    line 1
    line 2
"""


@pytest.fixture
def secret(folder, cli):
    folder.write("secret.yaml", SECRET)
    assert cli("encrypt", "secret.yaml").exit_code == 0
    return folder


def value_lines(text: bytes) -> list[str]:
    return text.decode().partition("\nsops:\n")[0].splitlines()


def wrapped_keys(text: bytes) -> bytes:
    return text.partition(b"\nsops:\n")[2].partition(b"lastmodified:")[0]


# get


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stringData.password", b"hunter2-throwaway"),
        ("stringData.pem", b"line 1\nline 2\n"),
        ('["stringData"]["pem"]', b"line 1\nline 2\n"),
        ("data.tls.crt", b"hello hunter2-throwaway\n"),
        ("kind", b"Secret"),
        ("metadata", b"name: db\n"),
    ],
)
def test_get_prints_the_exact_bytes(secret, cli, key, value):
    assert cli("get", "secret.yaml", key).stdout_bytes == value


def test_get_raw_does_not_decode(secret, cli):
    assert cli("get", "secret.yaml", "data.tls.crt", "--raw").stdout == "aGVsbG8gaHVudGVyMi10aHJvd2F3YXkK"


def test_get_a_map_as_json_and_from_standard_input(secret, cli):
    given = secret.read("secret.yaml")
    result = cli("get", "-", "metadata", "--filename", "secret.yaml", "--output-type", "json", stdin=given)
    assert result.stdout == '{\n\t"name": "db"\n}\n'


def test_get_what_is_not_there_or_not_base64(secret, cli):
    result = cli("get", "secret.yaml", "stringData.nothing")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "has no key" in result.stderr
    secret.write("bad.yaml", SECRET.replace("aGVsbG8g", "??"))
    assert cli("encrypt", "--allow-invalid", "bad.yaml").exit_code == 0
    result = cli("get", "bad.yaml", "data.tls.crt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not base64" in result.stderr
    assert not secret.leaks(result.stderr)


def test_get_from_a_plain_file_prints_nothing(folder, cli):
    folder.write("secret.yaml")
    result = cli("get", "secret.yaml", "stringData.password")
    assert (result.exit_code, result.stdout) == (2, "")
    assert not folder.leaks(result.stderr)


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_get_ends_the_line_at_a_terminal_only(secret, cli):
    import pty

    leader, follower = pty.openpty()
    subprocess.run(
        [cli.executable, "get", "secret.yaml", "stringData.password"], stdout=follower, timeout=60, check=True
    )
    os.close(follower)
    assert os.read(leader, 100) == b"hunter2-throwaway\r\n"
    os.close(leader)


# set


def test_set_changes_one_value_and_keeps_the_rest(secret, cli):
    before = secret.read("secret.yaml")
    result = cli("set", "secret.yaml", "stringData.password", "--stdin", stdin=b"new\n")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "secret.yaml: stringData.password changed\n"
    after = secret.read("secret.yaml")
    assert wrapped_keys(after) == wrapped_keys(before)
    changed = [
        (one, other)
        for one, other in zip(value_lines(before), value_lines(after), strict=True)
        if one != other
    ]
    assert len(changed) == 1
    assert changed[0][1].startswith('  password: "ENC[')
    expected = SECRET.replace("hunter2-throwaway", "new")
    assert cli("decrypt", "secret.yaml").stdout == expected


def test_a_dry_run_says_what_would_happen_and_writes_nothing(secret, cli):
    before = secret.state("secret.yaml")
    result = cli("set", "secret.yaml", "stringData.password", "--generate", "uuid", "--dry-run")
    assert result.stderr == "secret.yaml: stringData.password would be changed\n"
    result = cli("unset", "secret.yaml", "stringData.password", "--dry-run", "--format", "json")
    assert json.loads(result.stdout)["dry_run"]
    assert secret.state("secret.yaml") == before


def test_set_the_same_value_writes_nothing(secret, cli):
    before = secret.state("secret.yaml")
    result = cli("set", "secret.yaml", "stringData.password", "--stdin", stdin=b"hunter2-throwaway")
    assert result.stderr == "secret.yaml: stringData.password unchanged\n"
    assert secret.state("secret.yaml") == before


@pytest.mark.parametrize(
    ("key", "arguments", "given", "line"),
    [
        ("stringData.new", ["--stdin"], b"x\n", "  new: x\n"),
        ("stringData.new", ["--stdin"], b"x\ny\n", "  new: |\n    x\n    y\n"),
        ("stringData.new.key", ["--stdin"], b"yes", '  new.key: "yes"\n'),
        ("stringData.new", ["--json", "--stdin"], b'"5"', '  new: "5"\n'),
        ("metadata.labels.app", ["db", "--plain"], b"", "  name: db\n  labels:\n    app: db\n"),
    ],
)
def test_set_adds_a_key(secret, cli, key, arguments, given, line):
    result = cli("set", "secret.yaml", key, *arguments, stdin=given)
    assert result.exit_code == 0, result.stderr
    assert " added" in result.stderr
    assert line in cli("decrypt", "secret.yaml").stdout
    assert b"  new: x" not in secret.read("secret.yaml")


def test_set_encodes_under_data_of_a_secret(secret, cli):
    raw = bytes(range(256))
    (secret.path / "value.bin").write_bytes(raw)
    assert cli("set", "secret.yaml", "data.key.bin", "--value-file", "value.bin").exit_code == 0
    assert cli("get", "secret.yaml", "data.key.bin").stdout_bytes == raw
    assert cli("get", "secret.yaml", "data.key.bin", "--raw").stdout_bytes == base64.b64encode(raw)
    assert cli("set", "secret.yaml", "data.key.bin", "--raw", "aGk=").exit_code == 0
    assert cli("get", "secret.yaml", "data.key.bin").stdout == "hi"


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (["data.x", "--raw", "no base64!"], b"", "must be base64"),
        (["stringData.x", "--stdin"], b"\xff\xfe", "is not text"),
        (["stringData.x", "--json", "5"], b"", "must be a string"),
        (["stringData.x", "--json", "{"], b"", "is not JSON"),
        (["stringData.x", "--json", "NaN"], b"", "is not JSON"),
        (["stringData.x", "--json", '{"a":1,"a":2}'], b"", "is not JSON: the key a is there twice"),
        (
            ["stringData.x", "--json", '"\\ud800"'],
            b"",
            "is not JSON: a string holds half of a surrogate pair",
        ),
        (["stringData.x", "--json", "[" * 300], b"", "is not JSON: nested deeper than 200 levels"),
        (["stringData.x", "--json", "1e400"], b"", "is not JSON: a number is too large"),
        (["stringData.x", "--json", "1 2"], b"", "is not JSON: there is text after the value"),
        (["stringData.x", "--json", "--stdin"], b'"\xff"', "is not JSON: not UTF-8"),
        (["stringData.x"], b"", "no value is given"),
        (["stringData.x", "v", "--stdin"], b"", "given twice"),
        (["stringData.x", "--generate", "uuid", "--json"], b"", "makes a string"),
        (["stringData.x", "--generate", "word"], b"", "can't be generated"),
        (["metadata.labels.x", "v"], b"", "would stay plain text"),
        (["password", "v"], b"", "hint: did you mean stringData.password?"),
        (["metadata.name.x", "v"], b"", "is a single value"),
        (["sops.x", "v", "--plain"], b"", "readable afterwards"),
        (["stringData.x", "v", "--document", "2"], b"", "document 2 does not exist"),
    ],
)
def test_what_set_refuses_leaves_the_file_as_it_is(secret, cli, arguments, given, message):
    before = secret.files()
    result = cli("set", "secret.yaml", *arguments, stdin=given)
    assert result.exit_code == 2
    assert message in result.stderr
    assert secret.files() == before


def test_set_says_that_an_argument_stays_in_the_shells_history(secret, cli):
    assert "history" in cli("set", "secret.yaml", "stringData.password", "v").stderr
    assert cli("set", "--quiet", "secret.yaml", "stringData.password", "w").stderr == ""


def test_a_generated_value_is_never_shown(secret, cli):
    result = cli("set", "secret.yaml", "stringData.password", "--generate", "password:40")
    value = cli("get", "secret.yaml", "stringData.password").stdout
    assert len(value) == 40
    assert value not in result.stdout + result.stderr


def test_set_in_a_plain_or_missing_file_says_what_to_do(folder, cli):
    folder.write("secret.yaml")
    before = folder.files()
    result = cli("set", "secret.yaml", "stringData.password", "v")
    assert result.exit_code == 2
    assert "`fluxsecrets encrypt secret.yaml`" in result.stderr
    result = cli("set", "nothing.yaml", "stringData.password", "v")
    assert result.exit_code == 2
    assert "`fluxsecrets edit nothing.yaml`" in result.stderr
    assert folder.files() == before


@pytest.mark.parametrize(
    ("name", "text", "key", "expected"),
    [
        (
            "a.json",
            '{"a": {"b": "hunter2-throwaway"}}',
            "a.c",
            '{"a": {"b": "hunter2-throwaway", "c": "new"}}',
        ),
        ("a.env", "A=hunter2-throwaway\n", "B", "A=hunter2-throwaway\nB=new\n"),
        ("a.ini", "[s]\na=hunter2-throwaway\n", "s.b", "[s]\na=hunter2-throwaway\nb=new\n"),
    ],
)
def test_set_in_other_formats(folder, cli, name, text, key, expected):
    folder.write(name, text)
    assert cli("encrypt", name).exit_code == 0
    assert cli("set", name, key, "--stdin", stdin=b"new").exit_code == 0
    assert cli("decrypt", name).stdout == expected
    assert cli("unset", name, key).exit_code == 0
    assert cli("decrypt", name).stdout == text


@pytest.mark.skipif(shutil.which("sops") is None, reason="sops is not on PATH: it is not asked to read it")
def test_sops_reads_what_set_and_unset_wrote(secret, cli):
    assert cli("set", "secret.yaml", "stringData.new", "--stdin", stdin=b"a: b\n# c\n").exit_code == 0
    assert cli("unset", "secret.yaml", "stringData.pem").exit_code == 0
    command = ["sops", "decrypt", "--extract", '["stringData"]["new"]', "secret.yaml"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, b"a: b\n# c\n"), done.stderr


# unset


def test_unset_removes_a_key_with_its_comment(secret, cli):
    result = cli("unset", "secret.yaml", "stringData.password")
    assert (result.exit_code, result.stderr) == (0, "secret.yaml: stringData.password removed\n")
    expected = SECRET.replace('  # rotate me\n  password: "hunter2-throwaway"\n', "")
    assert cli("decrypt", "secret.yaml").stdout == expected


def test_unset_what_is_not_there_or_all_that_is_encrypted(secret, cli):
    assert "has no key" in cli("unset", "secret.yaml", "stringData.nothing").stderr
    assert cli("unset", "secret.yaml", "data").exit_code == 0
    before = secret.files()
    result = cli("unset", "secret.yaml", "stringData")
    assert result.exit_code == 2
    assert "nothing in the file would be encrypted" in result.stderr
    assert secret.files() == before


def test_a_plain_value_may_be_the_same_as_a_secret_one(secret, cli):
    result = cli(
        "set", "secret.yaml", "metadata.labels.app", "--plain", "--stdin", stdin=b"hunter2-throwaway"
    )
    assert result.exit_code == 0, result.stderr


def test_a_comment_that_was_encrypted_never_becomes_plain(folder, cli):
    text = SECRET.replace("hunter2-throwaway", "x") + "  # was hunter2-throwaway\n"
    folder.write("secret.yaml", text)
    assert cli("encrypt", "secret.yaml").exit_code == 0
    assert not folder.leaks(folder.read("secret.yaml"))
    for command in (("unset", "stringData.pem"), ("unset", "stringData.password"), ("unset", "stringData")):
        result = cli(command[0], "secret.yaml", command[1])
        assert not folder.leaks(folder.read("secret.yaml"), result.stderr)
    assert "was" not in cli("decrypt", "secret.yaml").stdout


# whom it is encrypted for


@pytest.fixture
def tampered(secret, act_as):
    """The rule does not name bob, whom somebody added to the file's own block."""
    bob = act_as("bob").recipient
    alice = act_as("alice")
    secret.rules(f"creation_rules:\n  - age: {alice.recipient},{bob}\n")
    return secret, alice, bob


def test_a_stranger_in_the_file_stops_every_change(tampered, cli):
    folder, alice, bob = tampered
    folder.write("secret.yaml", SECRET)
    assert cli("encrypt", "secret.yaml").exit_code == 0
    folder.rules(f"creation_rules:\n  - age: {alice.recipient}\n")
    before = folder.files()
    for command in (
        ("set", "secret.yaml", "stringData.password", "v"),
        ("unset", "secret.yaml", "stringData.password"),
    ):
        result = cli(*command)
        assert result.exit_code == 2
        assert "in the file, not in the rule: age1" in result.stderr
        assert folder.files() == before
    result = cli("set", "secret.yaml", "stringData.password", "v", "--accept-recipients")
    assert result.exit_code == 0
    assert "accepted: " in result.stderr
    assert bob.encode() in folder.read("secret.yaml")


def test_who_is_missing_in_the_file_is_only_mentioned(secret, cli, act_as):
    bob = act_as("bob").recipient
    alice = act_as("alice").recipient
    secret.rules(f"creation_rules:\n  - age: {alice},{bob}\n")
    result = cli("set", "secret.yaml", "stringData.password", "--stdin", stdin=b"v")
    assert result.exit_code == 0
    assert "is not encrypted for age1" in result.stderr


def test_documents_of_one_file(folder, cli):
    folder.write("two.yaml", SECRET + "---\n" + SECRET.replace("name: db", "name: other"))
    assert cli("encrypt", "two.yaml").exit_code == 0
    assert "ambiguous" in cli("set", "two.yaml", "stringData.password", "v").stderr
    assert "--document" in cli("set", "two.yaml", "stringData.new", "v").stderr
    assert cli("set", "two.yaml", "stringData.new", "v", "--document", "2").exit_code == 0
    assert cli("get", "two.yaml", "stringData.new").stdout == "v"
    assert "in document 1" in cli("get", "two.yaml", '["stringData"]["new"]').stderr
    for command in ("get", "unset"):  # which add nothing
        said = cli(command, "two.yaml", "stringData.newer").stderr
        assert "the file has no key 'stringData.newer'\n  hint: did you mean stringData.new?" in said


def test_a_kind_of_key_that_cannot_be_used_here_stays_in_the_file(secret, cli):
    resource = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    secret.rules(f"creation_rules:\n  - age: {secret.recipient}\n    gcp_kms: {resource}\n")
    key = f"  gcp_kms:\n    - resource_id: {resource}\n"
    key += '      created_at: "2026-11-23T10:11:12Z"\n      enc: eA==\n'
    text = secret.read("secret.yaml").decode()
    secret.write("secret.yaml", text.replace("\nsops:\n", f"\nsops:\n{key}"))
    result = cli("set", "secret.yaml", "stringData.password", "--stdin", stdin=b"v")
    assert result.exit_code == 0, result.stderr
    assert cli("get", "secret.yaml", "stringData.password").stdout == "v"
    assert f"resource_id: {resource}" in secret.read("secret.yaml").decode()


@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [
        ('["stringData"]["password"]', '"x"', "x"),
        ('["stringData"]["password"]', '"a \\"b\\""', 'a "b"'),
        ("stringData.password", '"x"', '"x"'),
        ("stringData.password", "x", "x"),
    ],
)
def test_a_key_in_brackets_takes_its_value_as_sops_does(encrypted, cli, key, value, stored):
    assert cli("set", "secret.yaml", key, value).exit_code == 0
    assert cli("get", "secret.yaml", "stringData.password").stdout == stored


@pytest.mark.parametrize("value", ["hunter2-throwaway", "'x'", '"x', "x y", "5"])
def test_what_is_not_json_there_is_refused(encrypted, cli, value):
    before = encrypted.files()
    result = cli("set", "secret.yaml", '["stringData"]["password"]', value)
    assert result.exit_code == 2
    assert "in quotes" in result.stderr
    assert "hunter2" not in result.stderr
    assert encrypted.files() == before


def test_other_ways_to_give_the_value_are_as_they_are(encrypted, cli):
    key = '["stringData"]["password"]'
    assert cli("set", "secret.yaml", key, "--stdin", stdin=b'"x"').exit_code == 0
    assert cli("get", "secret.yaml", key).stdout == '"x"'
