"""Strings that YAML 1.1 reads as booleans and numbers stay strings in every YAML that a command writes."""

import base64
import re

import pytest
import yaml

from sealing import key_file

STRINGS = {
    "debug": "yes",
    "tls": "off",
    "answer": "n",
    "at": "12:30",
    "y": "1_000",
    "count": "0o14",
    "eq": "=",
}


def written_by_sops(cli, folder):
    """A file as sops writes it: no quotes around the ciphertexts, which decrypting must put there."""
    lines = "".join(f'  "{key}": "{text}"\n' for key, text in STRINGS.items())
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: apps}\nstringData:\n"
    folder.rules(f"creation_rules:\n  - age: {folder.recipient}\n    encrypted_regex: ^stringData$\n")
    folder.write("secret.yaml", head + lines)
    assert cli("encrypt", "--for-others", "secret.yaml").exit_code == 0
    text, count = re.subn(rb'"(ENC\[.*?\])"', rb"\1", folder.read("secret.yaml"))
    assert count == len(STRINGS)
    folder.write("secret.yaml", text)


def strings_of(text):
    """What a reader of YAML 1.1 makes of the Secret: `data` decoded."""
    secret = yaml.safe_load(text)
    found = {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
    return found | (secret.get("stringData") or {})


@pytest.mark.parametrize(
    "args",
    [
        ("decrypt", "secret.yaml"),
        ("decrypt", "--output-type", "yaml", "secret.yaml"),
        ("decrypt", "-i", "secret.yaml"),
        ("decrypt", "-o", "plain.yaml", "secret.yaml"),
    ],
)
def test_decrypting(folder, cli, args):
    written_by_sops(cli, folder)
    result = cli(*args)
    assert result.exit_code == 0, result.stderr
    written = {"-i": "secret.yaml", "-o": "plain.yaml"}.get(args[1])
    assert strings_of(result.stdout if written is None else folder.read(written)) == STRINGS


def test_setting_keeps_them(folder, cli):
    written_by_sops(cli, folder)
    assert cli("set", "secret.yaml", "stringData.more", "on").exit_code == 0
    assert cli("set", "secret.yaml", "stringData.no", "0x1F").exit_code == 0
    assert strings_of(cli("decrypt", "secret.yaml").stdout) == {**STRINGS, "more": "on", "no": "0x1F"}


def test_sealed_and_back(folder, cli):
    for name in ("sealing.crt", "sealing.key"):
        folder.write(name, key_file(name))
    written_by_sops(cli, folder)
    keys = ("--private-key", "sealing.key")
    result = cli("convert", "--to", "sealed", "--cert", "sealing.crt", *keys, "secret.yaml")
    assert result.exit_code == 0, result.stderr
    shown = cli("unseal", *keys, "secret.yaml")
    assert shown.exit_code == 0, shown.stderr
    assert strings_of(shown.stdout) == STRINGS
    result = cli("convert", "--to", "plain", *keys, "secret.yaml")
    assert result.exit_code == 0, result.stderr
    assert strings_of(folder.read("secret.yaml")) == STRINGS


def test_from_a_dotenv_file(folder, cli):
    folder.write("app.env", "A=yes\nB=y\nC=12:30\nn=1e3\n")
    assert cli("encrypt", "--for-others", "app.env").exit_code == 0
    shown = cli("decrypt", "--output-type", "yaml", "app.env")
    assert yaml.safe_load(shown.stdout) == {"A": "yes", "B": "y", "C": "12:30", "n": "1e3"}


def test_sealing_warns_of_words_without_quotes(folder, cli):
    folder.write("sealing.crt", key_file("sealing.crt"))
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: apps}\nstringData:\n"
    folder.write("secret.yaml", f"{head}  debug: yes\n  at: 12:30\n  tls: 'off'\n  host: example\n")
    result = cli("seal", "--stdout", "--cert", "sealing.crt", "secret.yaml")
    assert result.exit_code == 0, result.stderr
    shown = " ".join(result.stderr.split())
    assert "at, debug: has no quotes, so kubectl and other YAML readers take it for a boolean" in shown
