"""`sops encrypt` and `sops -e`."""

import json
import sys
import tempfile
from pathlib import Path

import pytest


@pytest.mark.parametrize("command", [("encrypt",), ("-e",), ("--encrypt",)])
def test_encrypts_to_standard_output(folder, sops, command):
    folder.write("f.yaml", "a: throwaway\nb_unencrypted: seen\n")
    before = folder.files()
    done = sops(*command, "f.yaml")
    assert done.code == 0
    assert b"throwaway" not in done.out
    assert b"b_unencrypted: seen" in done.out
    assert b"unencrypted_suffix: _unencrypted" in done.out
    assert folder.files() == before


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there are no files in memory here")
def test_files_in_memory_are_files(folder, sops, identity):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        path = Path(memory) / "f.yaml"
        path.write_text("a: throwaway\n")
        assert sops("encrypt", "--age", identity.recipient, "--in-place", path).code == 0
        assert "throwaway" not in path.read_text()
        assert sops("decrypt", "--in-place", path).code == 0
        assert path.read_text() == "a: throwaway\n"


def test_a_kubernetes_secret_is_encrypted_whole_as_sops_does(folder, sops):
    folder.write("secret.yaml")
    done = sops("-e", "secret.yaml")
    assert done.code == 0
    assert b"kind: ENC[" in done.out


@pytest.mark.parametrize(
    ("flag", "pattern", "plain"),
    [
        ("--encrypted-regex", "^a$", b"b: seen"),
        ("--unencrypted-regex", "^b$", b"b: seen"),
        ("--encrypted-suffix", "a", b"b: seen"),
        ("--unencrypted-suffix", "b", b"b: seen"),
    ],
)
def test_selectors(folder, sops, flag, pattern, plain):
    folder.write("f.yaml", "a: throwaway\nb: seen\n")
    done = sops("encrypt", flag, pattern, "f.yaml")
    assert done.code == 0
    assert plain in done.out
    assert b"throwaway" not in done.out


def test_recipients_come_from_flags_and_variables_and_need_no_rule(folder, sops, monkeypatch):
    (folder.path / ".sops.yaml").unlink()
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "f.yaml").code == 1
    assert folder.recipient.encode() in sops("encrypt", "--age", folder.recipient, "f.yaml").out
    assert folder.recipient.encode() in sops("-e", "-a", folder.recipient, "f.yaml").out
    monkeypatch.setenv("SOPS_AGE_RECIPIENTS", folder.recipient)
    assert folder.recipient.encode() in sops("encrypt", "f.yaml").out


def test_the_rule_is_looked_up_from_the_working_directory(folder, sops, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "f.yaml").write_text("a: throwaway\n")
    (other / ".sops.yaml").write_text("creation_rules: [{age: age1invalid}]\n")
    assert sops("encrypt", other / "f.yaml").code == 0
    assert sops("--config", other / ".sops.yaml", "encrypt", other / "f.yaml").code == 1


def test_paths_in_rules_are_relative_to_the_configuration(folder, sops):
    folder.rules(f"creation_rules:\n  - path_regex: ^apps/.*\\.yaml$\n    age: {folder.recipient}\n")
    folder.write("apps/f.yaml", "a: throwaway\n")
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "apps/f.yaml").code == 0
    assert sops("encrypt", "f.yaml").code == 1
    assert sops("encrypt", "--age", folder.recipient, "f.yaml").code == 1
    assert sops("encrypt", "--filename-override", "apps/x.yaml", "f.yaml").code == 0


def test_standard_input(folder, sops):
    done = sops("encrypt", "--filename-override", "f.yaml", "--output-type", "json", stdin=b"a: throwaway\n")
    assert done.code == 0
    assert json.loads(done.out)["a"].startswith("ENC[")
    assert sops("decrypt", "--input-type", "json", "--output-type", "yaml", stdin=done.out).out == (
        b"a: throwaway\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("encrypt",), 8),
        (("encrypt", "-i"), 8),
        (("-e",), 100),
        (("encrypt", "nowhere.yaml"), 100),
        (("encrypt", "-i", "--output", "x", "f.yaml"), 8),
        (("encrypt", "--encrypted-regex", "a", "--encrypted-suffix", "b", "f.yaml"), 8),
        (("encrypt", "--encrypted-regex", "(", "f.yaml"), 1),
        (("encrypt", "--encrypted-regex", "nothing", "f.yaml"), 23),
        (("encrypt", "--age", "nonsense", "f.yaml"), 1),
        (("encrypt", "--kms", "arn:aws:kms:us-east-1:1:key/1", "--encryption-context", "x", "f.yaml"), 6),
        (("encrypt", "--kms", "arn:aws:kms:us-east-1:1:key/1", "f.yaml"), 1),
        (("encrypt", "broken.yaml"), 2),
        (("encrypt", "empty.yaml"), 92),
        (("encrypt", "enc.yaml"), 203),
        (("encrypt", "--output-type", "json", "enc.yaml"), 203),
        (("--config", "nowhere", "encrypt", "f.yaml"), 1),
        (("encrypt", "--output", "no/folder", "f.yaml"), 3),
    ],
)
def test_failures_have_the_exit_codes_of_sops_and_write_nothing(folder, sops, arguments, code):
    folder.write("f.yaml", "a: throwaway\n")
    folder.write("broken.yaml", "a: [throwaway\n")
    folder.write("empty.yaml", "")
    assert sops("encrypt", "--output", "enc.yaml", "f.yaml").code == 0
    before = folder.files()
    done = sops(*arguments)
    assert done.code == code
    assert done.err.startswith("error: ")
    assert "throwaway" not in done.err
    assert done.out == b""
    assert folder.files() == before


def test_a_selector_besides_the_rule_s_is_a_conflict(folder, sops):
    folder.rules(f"creation_rules:\n  - age: {folder.recipient}\n    encrypted_regex: ^a$\n")
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "--encrypted-suffix", "a", "f.yaml").code == 8
    assert sops("encrypt", "--encrypted-regex", "^(a|b)$", "f.yaml").code == 0


def test_mac_only_encrypted(folder, sops):
    folder.write("f.yaml", "a: throwaway\n")
    assert b"mac_only_encrypted: true" in sops("--mac-only-encrypted", "encrypt", "f.yaml").out
    assert b"mac_only_encrypted: true" in sops("-e", "--mac-only-encrypted", "f.yaml").out


def test_in_place_keeps_the_mode(folder, sops):
    path = folder.write("f.yaml", "a: throwaway\n")
    path.chmod(0o640)
    assert sops("encrypt", "--in-place", "f.yaml").code == 0
    assert b"throwaway" not in folder.read("f.yaml")
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="files have no groups there")
def test_in_place_says_that_a_group_could_not_be_kept(folder, sops, monkeypatch):
    folder.write("f.yaml", "a: throwaway\n").chmod(0o640)
    monkeypatch.setattr("fluxsecrets.files.access._keep_access", lambda *_: False)
    done = sops("encrypt", "--in-place", "f.yaml")
    assert done.code == 0
    assert "warning: f.yaml: its group or ACL can't be kept, so its mode" in done.err


@pytest.mark.parametrize("name", ["f.json", "f.env", "f.ini", "f.txt"])
def test_formats_go_by_extension(folder, sops, name):
    texts = {"json": '{"a": "throwaway"}', "env": "a=throwaway\n", "ini": "[s]\na = throwaway\n"}
    text = texts.get(name[2:], "throwaway, in whatever form\n").encode()
    folder.write(name, text)
    assert sops("-e", "-i", name).code == 0
    assert b"throwaway" not in folder.read(name)
    assert sops("-d", name).out == text


@pytest.mark.parametrize("rule", ["path_regex: f", "key_groups: []", "key_groups: [{}]"])
def test_a_rule_without_recipients_is_refused_in_the_words_of_sops(folder, sops, monkeypatch, rule):
    folder.write(".sops.yaml", f"creation_rules:\n- {rule}\n")
    folder.write("f.yaml", "a: throwaway\n")
    done = sops("encrypt", "-i", "f.yaml")
    assert (done.code, done.err) == (1, "Could not generate data key: [empty key group provided]\n")
    monkeypatch.setattr("fluxsecrets.cli.dropin.dispatch._is_read_by_people", lambda: True)
    done = sops("encrypt", "-i", "f.yaml")
    assert done.err.startswith(
        "error: .sops.yaml:2: Could not generate data key: [empty key group provided]: "
    )
    assert "hint: " in done.err


def test_a_binary_file_has_no_mac_only_encrypted(folder, sops, cli):
    folder.rules(f"creation_rules:\n  - age: {folder.recipient}\n    mac_only_encrypted: true\n")
    folder.write("f.bin", b"throwaway\x00")
    for program in (sops, cli):
        program("encrypt", "--output", "e.bin", "f.bin")
        assert b'"mac"' in folder.read("e.bin")
        assert b"mac_only_encrypted" not in folder.read("e.bin")
        assert sops("decrypt", "e.bin").out == b"throwaway\x00"
        (folder.path / "e.bin").unlink()
