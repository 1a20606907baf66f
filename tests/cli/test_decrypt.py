"""`fluxsecrets decrypt`: to standard output, in place, one value, other formats."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[1] / "vectors"

MULTI = """\
apiVersion: v1
kind: Secret
metadata:
  name: a
stringData:
  tls.crt: throwaway-crt
  tls:
    crt: throwaway-nested
  a.b:
    c: throwaway-abc
  a:
    b.d: throwaway-abd
  list:
    - name: first
    - [throwaway-00, throwaway-01]
  number: 5
  on: true
  "a[0]": throwaway-bracket
  "quo\\"te": throwaway-quote
---
apiVersion: v1
kind: Secret
metadata:
  name: b
stringData:
  only: throwaway-only
  number: 6
"""


@pytest.fixture
def multi(folder, cli):
    folder.write("multi.yaml", MULTI)
    assert cli("encrypt", "--allow-invalid", "multi.yaml").exit_code == 0
    return folder


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stringData.tls.crt", "throwaway-crt"),
        ("stringData.a.b.c", "throwaway-abc"),
        ("stringData.a.b.d", "throwaway-abd"),
        ("stringData.list[0].name", "first"),
        ("stringData.list.0.name", "first"),
        ("stringData.list[1][1]", "throwaway-01"),
        ("stringData.list[-1][0]", "throwaway-00"),
        ("stringData.on", "true"),
        ("stringData.only", "throwaway-only"),
        ("stringData.a[0]", "throwaway-bracket"),
        ('["stringData"]["tls"]["crt"]', "throwaway-nested"),
        ("['stringData']['tls']['crt']", "throwaway-nested"),
        ('["stringData"]["list"][1][0]', "throwaway-00"),
        ('["stringData"]["number"]', "5"),
        ('["stringData"]["quo\\"te"]', "throwaway-quote"),
        ("stringData.list", "- name: first\n- - throwaway-00\n  - throwaway-01\n"),
    ],
)
def test_extract(multi, cli, key, value):
    result = cli("decrypt", "--extract", key, "multi.yaml")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.lower() == value


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("stringData.number", "the key 'stringData.number' is ambiguous: documents 1, 2 of the file have it"),
        ("stringData.missing", "the file has no key 'stringData.missing'"),
        ("stringData.list[7]", "the file has no key"),
        ("stringData.list[x]", "the file has no key"),
        ("stringData.tls.crt.more", "the file has no key"),
        ("stringData..tls", "the file has no key"),
        ("stringData.tl", "the file has no key"),
        ('["stringData"]["only"]', 'no key \'["stringData"]["only"]\' in its first document'),
        ('["stringData"][nonsense]', "is not a key"),
        ('["stringData"]x', "is not a key"),
    ],
)
def test_extract_what_is_not_there(multi, cli, key, said):
    result = cli("decrypt", "--extract", key, "multi.yaml")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "hint:" in result.stderr
    assert result.stdout == ""
    assert "throwaway" not in result.stderr


def test_extract_from_each_format(folder, cli):
    for name, content, key in (
        ("a.json", '{"a": {"b": [1, "throwaway"]}}', "a.b[1]"),
        ("a.env", "A.B=throwaway\n", "A.B"),
        ("a.ini", "[section]\nkey = throwaway\n", "section.key"),
        ("a.txt", "throwaway", "data"),
    ):
        folder.write(name, content)
        assert cli("encrypt", name).exit_code == 0
        assert cli("decrypt", "--extract", key, name).stdout == "throwaway"


@pytest.mark.parametrize(
    ("output_type", "expected"),
    [
        ("json", {"a": "throwaway", "b": 5, "c": True}),
        ("yaml", "a: throwaway # comment\nb: 5\nc: true\n"),
        ("dotenv", "a=throwaway\nb=5\nc=true\n"),
    ],
)
def test_output_type(folder, cli, output_type, expected):
    folder.write("a.yaml", "a: throwaway # comment\nb: 5\nc: true\n")
    assert cli("encrypt", "a.yaml").exit_code == 0
    result = cli("decrypt", "--output-type", output_type, "a.yaml")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout) if output_type == "json" else result.stdout
    assert found == expected


def test_output_type_that_cannot_hold_it(multi, cli):
    for output_type in ("dotenv", "ini"):
        result = cli("decrypt", "--output-type", output_type, "multi.yaml")
        assert result.exit_code == 2
        assert result.stdout == ""
        assert not multi.leaks(result.stderr)


def test_output_file_is_for_you_alone(encrypted, cli):
    assert cli("decrypt", "secret.yaml", "-o", "plain.yaml").exit_code == 0
    path = encrypted.path / "plain.yaml"
    assert path.read_text() == encrypted.secret
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="the script is one for a shell")
@pytest.mark.parametrize("there", [True, False])
def test_what_another_program_saves_in_the_output_file_meanwhile_stays(encrypted, cli, monkeypatch, there):
    output = encrypted.path / "plain.yaml"
    if there:
        output.write_text("before")
    script = encrypted.path / "key.sh"
    script.write_text('#!/bin/sh\nprintf "an edit" > plain.yaml\ncat "$THROWAWAY_KEYS"\n')
    script.chmod(0o700)
    monkeypatch.setenv("THROWAWAY_KEYS", os.environ["SOPS_AGE_KEY_FILE"])
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    monkeypatch.setenv("SOPS_AGE_KEY_CMD", str(script))
    result = cli("decrypt", "secret.yaml", "-o", "plain.yaml")
    assert result.exit_code == 2
    assert "plain.yaml: was changed while" in result.stderr or "plain.yaml: exists by now" in result.stderr
    assert output.read_text() == "an edit"


@pytest.mark.skipif(sys.platform == "win32", reason="files have no groups there")
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("decrypt", "secret.yaml", "-o", "other.yaml"), "other.yaml"),
        (("set", "secret.yaml", "stringData.password", "--value-file", "value"), "secret.yaml"),
        (("rotate", "secret.yaml"), "secret.yaml"),
    ],
)
def test_every_writer_says_that_a_group_could_not_be_kept(encrypted, cli, monkeypatch, words, name):
    encrypted.write("value", "throw-away")
    encrypted.write("other.yaml", "a: 1")
    for each in ("secret.yaml", "other.yaml"):
        (encrypted.path / each).chmod(0o640)
    monkeypatch.setattr("fluxsecrets.files.access._keep_access", lambda *_: False)
    result = cli(*words)
    assert result.exit_code == 0, result.stderr
    assert f"warning: {name}: its group or ACL can't be kept, so its mode" in result.stderr


def test_in_place(encrypted, cli):
    result = cli("decrypt", "-i", "secret.yaml")
    assert result.exit_code == 0
    assert result.stdout == "secret.yaml   decrypted   1 value\n"
    assert "plain text is on disk now: run `fluxsecrets encrypt secret.yaml` before you" in result.stderr
    assert encrypted.read("secret.yaml") == encrypted.secret.encode()


def test_many_paths_are_not_repeated(encrypted, cli, git):
    git(encrypted.path, "init", "--quiet")
    names = [f"secret-{number}.yaml" for number in range(11)]
    for name in names:
        encrypted.write(name, encrypted.read("secret.yaml").decode())
    few, many = cli("decrypt", "-i", *names[1:]), cli("encrypt", *names[1:])
    assert few.exit_code == many.exit_code == 0, few.stderr + many.stderr
    assert f"run `fluxsecrets encrypt {' '.join(names[1:])}` before you commit" in few.stderr
    many = cli("decrypt", "-i", *names)
    said = "plain text is on disk now: run `fluxsecrets encrypt` with the same paths before you commit\n"
    assert many.stderr == f"11 files: 11 decrypted\n{said}"
    status = cli("status", *names)
    assert "encrypt what is plain: `fluxsecrets encrypt` with the same paths\n" in status.stderr
    assert cli("encrypt").exit_code == 0  # in a repository it works without them, too
    assert cli("encrypt", "--check").exit_code == 0
    assert all(b"sops:" in encrypted.read(name) for name in names)


def test_plain_text_where_no_rules_are_is_to_be_deleted(encrypted, cli, tmp_path):
    path = tmp_path / "a b.yaml"
    result = cli("decrypt", "secret.yaml", "-o", str(path))
    assert result.exit_code == 0
    assert f"plain text is on disk now: delete '{path}' when it is no longer needed\n" in result.stderr


@pytest.mark.parametrize(
    ("name", "text", "format_name"),
    [
        ("f.yaml", "a: throwaway\n", "yaml"),
        ("f.env", "A=throwaway\n", "dotenv"),
        ("f.ini", "[s]\na = throwaway\n", "ini"),
    ],
)
def test_a_format_that_no_name_says_is_named(folder, cli, name, text, format_name):
    folder.write(name, text)
    assert cli("encrypt", name).exit_code == 0
    data = folder.read(name)
    said = cli("decrypt", "-", stdin=data).stderr
    assert said == (
        f"error: standard input: it is encrypted as {format_name}, and no file name says so\n"
        f"  hint: add --input-type {format_name}\n"
    )
    assert cli("decrypt", "-", "--input-type", format_name, stdin=data).stdout == text
    folder.write("f.txt", data)
    assert f"--input-type {format_name}" in cli("decrypt", "f.txt").stderr


def test_environment_in_place(waddle, cli):
    assert cli("encrypt").exit_code == 0
    result = cli("decrypt", "-i", "--env", "staging")
    assert result.exit_code == 0
    assert "production/" not in result.stdout
    states = json.loads(cli("status", "--format", "json").stdout)["files"]
    plain = {item["path"] for item in states if item["state"] == "plain"}
    assert "apps/spicedb/overlays/staging/registry.json" in plain
    assert not [path for path in plain if "production" in path]


def test_folder_in_place_passes_over_what_is_plain(waddle, cli):
    assert cli("encrypt", "apps/spicedb/overlays/staging/registry.json").exit_code == 0
    result = cli("decrypt", "-i", "apps/spicedb")
    assert result.exit_code == 0
    assert "1 file: 1 decrypted" in result.stderr
    assert cli("decrypt", "-i", "apps/spicedb").stderr == "0 files: every secret there is plain text\n"


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("db.yaml", ("mac: ENC[", "mac: EC["), "the MAC"),
        ("app.sops.env", ("sops_mac=ENC[", "sops_mac=EC["), "the MAC"),
        ("db.yaml", ("sops:\n", "gone:\n"), "sops block"),
    ],
)
def test_a_damaged_file_in_a_folder_is_an_error(folder, cli, name, damage, said):
    folder.write("apps/db.yaml", MULTI)
    folder.write("apps/app.sops.env", "PASSWORD=throwaway\n")
    assert cli("encrypt", "--allow-invalid", "apps/db.yaml", "apps/app.sops.env").exit_code == 0
    path = Path("apps", name)
    path.write_text(path.read_text(encoding="utf-8").replace(*damage), encoding="utf-8")
    before = path.read_bytes()
    for command in (["status"], ["encrypt", "--check"], ["rotate"], ["decrypt", "-i"]):
        result = cli(*command, "apps")
        assert (result.exit_code, f"apps/{name}" in result.stdout) == (2, True), result.output
        assert said in result.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a file"),
        (("a.yaml", "b.yaml"), "add -i to decrypt several files in place"),
        (("--env", "staging"), "add -i"),
        (("-i",), "name the files"),
        (("-i", "-"), "-i replaces files"),
        (("-i", "--extract", "a", "secret.yaml"), "-i replaces files"),
        (("--format", "json", "secret.yaml"), "to print the values as JSON, use --output-type json"),
        (("missing.yaml",), "missing.yaml: there is no such file"),
        ((".",), "it is a folder"),
    ],
)
def test_wrong_usage(encrypted, cli, arguments, said):
    before = encrypted.files()
    result = cli("decrypt", *arguments)
    assert result.exit_code == 2
    assert (result.stdout == "") is ("json" not in arguments)
    assert said in result.stderr
    assert "hint:" in result.stderr
    assert encrypted.files() == before


def test_json_report(encrypted, cli):
    encrypted.write("plain.yaml")
    result = cli("decrypt", "-i", "--format", "json", "secret.yaml", "plain.yaml")
    assert result.exit_code == 2
    report = json.loads(result.stdout)
    assert [item["outcome"] for item in report["files"]] == ["decrypted", "failed"]
    assert not encrypted.leaks(result.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="the fake gpg is a script")
@pytest.mark.parametrize(
    ("arguments", "variable", "asked"),
    [
        ((), "", False),
        (("--decryption-order", "pgp,age"), "", True),
        (("--decryption-order", "age"), "pgp", False),
        ((), "pgp", True),
    ],
)
def test_decryption_order(cli, identity, tmp_path, monkeypatch, arguments, variable, asked):
    """gpg is started first only where it is to be tried first; the file opens in any order."""
    gpg, log = tmp_path / "gpg", tmp_path / "log"
    gpg.write_text(f"#!/bin/sh\necho called >>'{log}'\nexit 2\n")
    gpg.chmod(0o755)
    monkeypatch.setenv("SOPS_GPG_EXEC", str(gpg))
    monkeypatch.setenv("SOPS_DECRYPTION_ORDER", variable)
    folder = VECTORS / "sops" / "age-and-pgp"
    result = cli("decrypt", *arguments, folder / "encrypted.json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == json.loads((folder / "decrypted.json").read_text())
    assert log.exists() is asked


@pytest.mark.parametrize(
    ("text", "said"), [("gpg", "there is no kind of key 'gpg'"), ("age,pgp,age", "age stands twice")]
)
def test_decryption_order_that_is_none(encrypted, cli, monkeypatch, text, said):
    result = cli("decrypt", "--decryption-order", text, "secret.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"--decryption-order: {said}" in result.stderr
    monkeypatch.setenv("SOPS_DECRYPTION_ORDER", text)
    assert f"SOPS_DECRYPTION_ORDER: {said}" in cli("get", "secret.yaml", "stringData.password").stderr


def test_another_format_is_indented_as_the_configuration_says(folder, cli):
    folder.rules(
        "stores: {yaml: {indent: 3}, json: {indent: 1}}\n"
        f"creation_rules: [{{age: {folder.recipient}}}]\n"
    )
    folder.write("a.json", '{"a":{"b":"throwaway"}}')
    assert cli("encrypt", "a.json").exit_code == 0
    assert cli("decrypt", "--output-type", "yaml", "a.json").stdout == "a:\n   b: throwaway\n"
    folder.write("b.yaml", "a: {b: throwaway}\n")
    assert cli("encrypt", "b.yaml").exit_code == 0
    assert (
        cli("decrypt", "--output-type", "json", "b.yaml").stdout == '{\n "a": {\n  "b": "throwaway"\n }\n}\n'
    )
    assert cli("decrypt", "--output-type", "yaml", "a.json").stdout == "a:\n   b: throwaway\n"
    folder.rules("stores: [")
    assert (
        cli("decrypt", "--output-type", "json", "b.yaml").stdout
        == '{\n\t"a": {\n\t\t"b": "throwaway"\n\t}\n}\n'
    )


def test_a_file_of_a_newer_sops_is_read_with_a_warning(encrypted, cli):
    text = encrypted.read("secret.yaml")
    encrypted.write("secret.yaml", re.sub(rb"version: .*", b"version: 9.1.0", text))
    result = cli("decrypt", "secret.yaml")
    assert (result.exit_code, result.stdout) == (0, encrypted.secret)
    assert "warning: secret.yaml: it was written by a newer sops, '9.1.0'" in result.stderr
