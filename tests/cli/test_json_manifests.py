"""Secrets in JSON keep every character that JSON allows, in whole repositories and when sealed."""

import json
from base64 import b64decode

import pytest
import yaml

from sealing import key_file

ODD = {
    "nel": "a  \x85  b",
    "del": "a\x7fb",
    "c1": "a\x9bb",
    "noncharacter": "a\uffffb",
    "separator": "a \u2028 b",
    "mark": "\ufeffx",
    "control": "a\x01\x1b\tb",
    "duck": "duck \U0001f986",
    "slash": "a\\/b",
}


def secret_of(values):
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "apps"},
        "stringData": values,
    }


def values_of(text):
    secret = json.loads(text)
    found = {key: b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
    return found | (secret.get("stringData") or {})


@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_whole_repository_is_encrypted(folder, cli, git, ascii_only):
    for name, value in ODD.items():
        folder.write(f"apps/{name}.json", json.dumps(secret_of({"k": value}), ensure_ascii=ascii_only))
    git(folder.path, "init", "--quiet")
    git(folder.path, "add", "--all")
    git(folder.path, "commit", "--quiet", "--message", "plain")
    assert cli("encrypt", "--check").exit_code == 1
    result = cli("encrypt")
    assert result.exit_code == 0, result.stderr
    for name, value in ODD.items():
        assert b'"mac": "ENC[' in folder.read(f"apps/{name}.json")
        assert values_of(cli("decrypt", f"apps/{name}.json").stdout) == {"k": value}


@pytest.mark.parametrize("ascii_only", [False, True])
def test_sealed_and_opened(folder, cli, ascii_only):
    for name in ("sealing.crt", "sealing.key"):
        folder.write(name, key_file(name))
    folder.write("secret.json", json.dumps(secret_of(ODD), ensure_ascii=ascii_only, indent=1))
    result = cli("seal", "--for-others", "--cert", "sealing.crt", "secret.json")
    assert result.exit_code == 0, result.stderr
    keys = ("--private-key", "sealing.key")
    assert values_of(cli("unseal", *keys, "secret.json").stdout) == ODD
    result = cli("convert", "--to", "plain", *keys, "secret.json")
    assert result.exit_code == 0, result.stderr
    assert values_of(folder.read("secret.json")) == ODD


def test_half_of_a_surrogate_pair_is_named_with_its_place(folder, cli):
    folder.write("sealing.crt", key_file("sealing.crt"))
    folder.write("secret.json", json.dumps(secret_of({"k": "a\ud83eb"}), indent=1))
    folder.write("other.json", json.dumps(secret_of({"k": "b"})))
    for args in (("encrypt", "."), ("seal", "--stdout", "--cert", "sealing.crt", "secret.json")):
        result = cli(*args)
        assert result.exit_code == 2
        assert "secret.json:9:8: not valid JSON: a string holds half of a surrogate pair" in result.stderr


def test_flow_style_that_is_no_json_takes_sealed_values_too(folder, cli):
    for name in ("sealing.crt", "sealing.key"):
        folder.write(name, key_file(name))
    secret = json.dumps(secret_of({"k": "v"}))
    sealed = json.loads(cli("seal", "--stdout", "--cert", "sealing.crt", "-", stdin=secret.encode()).stdout)
    folder.write("sealed.yaml", json.dumps(sealed, indent=1).replace('"spec"', '# note\n "spec"'))
    more = json.dumps(secret_of({"y": "yes"})).encode()
    merged = cli("seal", "--cert", "sealing.crt", "--merge-into", "sealed.yaml", "-", stdin=more)
    assert merged.exit_code == 0, merged.stderr
    assert cli("set", "sealed.yaml", "n", "on", "--cert", "sealing.crt").exit_code == 0
    shown = cli("unseal", "--private-key", "sealing.key", "sealed.yaml").stdout
    assert "# note" in shown
    assert yaml.safe_load(shown)["stringData"] == {"k": "v", "y": "yes", "n": "on"}
