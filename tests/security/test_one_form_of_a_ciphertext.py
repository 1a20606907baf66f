"""A password that looks like a ciphertext is a password to every command, and a ciphertext to none.

What one detector takes for encrypted and another does not is found by nobody.
"""

import json

import pytest

from ciphertexts import NEAR_MISSES, VECTORS, real_ciphertexts
from conftest import commit_all
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.content import check_encrypted
from fluxsecrets.sops.formats import Limits, format_for_path, make_format
from tables import each_row

SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a{}\n  namespace: app\nstringData:\n  password: {}\n"
)
RULES = "creation_rules:\n  - encrypted_regex: ^(data|stringData)$\n    age: {}\n"
MISSES = [*NEAR_MISSES.values()]
REAL = [*real_ciphertexts().values()]


@pytest.fixture
def infra(tmp_path, identity, monkeypatch, git):
    folder = tmp_path / "infra"
    folder.mkdir()
    (folder / ".sops.yaml").write_text(RULES.format(identity.recipient))
    monkeypatch.chdir(folder)
    commit_all(folder, "rules")
    return folder


def write_secrets(folder, values):
    """A Secret per value, and the names of their files."""
    for number, value in enumerate(values):
        (folder / f"secret{number}.yaml").write_text(SECRET.format(number, json.dumps(value)))
    return {f"secret{number}.yaml" for number in range(len(values))}


def found_in(result):
    """The files with findings, by rule."""
    found = {}
    for each in json.loads(result.stdout)["findings"]:
        found.setdefault(each["rule"], set()).add(each["path"])
    return found


OTHERS = {
    "a header of ansible-vault alone": "$ANSIBLE_VAULT;1.1;AES256",
    "a version of nobody": "$ANSIBLE_VAULT;hunter2-throwaway",
    "ansible-vault without its digits": "$ANSIBLE_VAULT;1.1;AES256\nhunter2-throwaway",
    "the start of a sealed value": "AgBhunter2-throwaway",
    "a sealed value outside of a SealedSecret": "AgB" + "eHh4" * 100,
    "a header of age": "-----BEGIN AGE ENCRYPTED FILE-----hunter2-throwaway",
    "a header of PGP": "-----BEGIN PGP MESSAGE-----\nhunter2-throwaway",
    "the mark of git-crypt": "\\0GITCRYPT\\0hunter2-throwaway",
    "Puppet's": "ENC[PKCS7,hunter2-throwaway]",
    "two values": f"{REAL[0]}{REAL[0]}",
}


def test_a_password_that_looks_like_another_tool_s_ciphertext_is_found(infra, cli, git):
    names = write_secrets(infra, OTHERS.values())
    git(infra, "add", "--all")
    for way in ((), ("--staged",)):
        assert found_in(cli("scan", *way, "--format", "json"))["plain-secret"] == names
    commit_all(infra, "leaks")
    assert found_in(cli("scan", "--history", "--format", "json"))["plain-secret"] == names


def test_a_password_that_looks_like_one_is_found(infra, cli, git):
    names = write_secrets(infra, MISSES)
    git(infra, "add", "--all")
    assert found_in(cli("scan", "--format", "json"))["plain-secret"] == names
    assert found_in(cli("scan", "--staged", "--format", "json"))["plain-secret"] == names
    shown = cli("scan", "--staged", "--all").stdout
    assert names <= set(shown.splitlines())
    hook = cli("hook", "run", "pre-commit")
    assert hook.exit_code == 1
    assert f"{len(names)} secrets in plain text in {len(names)} files" in hook.stderr
    assert found_in(cli("audit", "--format", "json"))["plain-secret"] == names
    check = cli("encrypt", "--check")
    assert check.exit_code == 1
    assert all(name in check.stdout + check.stderr for name in names)


def test_a_password_that_looks_like_one_is_encrypted_and_comes_back(infra, cli):
    write_secrets(infra, MISSES)
    assert cli("encrypt").exit_code == 0
    assert cli("scan").exit_code == 0
    for number, value in enumerate(MISSES):
        assert cli("get", f"secret{number}.yaml", "stringData.password").stdout == value


def test_a_ciphertext_is_neither_plain_text_nor_encrypted_again(infra, cli, git):
    names = write_secrets(infra, REAL)
    git(infra, "add", "--all")
    for command in (("scan",), ("scan", "--staged")):
        found = found_in(cli(*command, "--format", "json"))
        assert found["sops-block-missing"] == names
        assert "plain-secret" not in found
    result = cli("encrypt", "--format", "json")
    assert result.exit_code == 2
    files = json.loads(result.stdout)["files"]
    assert {each["path"] for each in files if "is a SOPS ciphertext" in each["error"]["message"]} == names


def test_a_password_that_looks_like_one_in_an_encrypted_file(infra, cli, git):
    (infra / "secret.yaml").write_text(SECRET.format("", "throw-away"))
    assert cli("encrypt").exit_code == 0
    encrypted = (infra / "secret.yaml").read_text()
    start = encrypted.index("password: ") + len("password: ")
    end = encrypted.index("\n", start)
    names = set()
    for number, value in enumerate(MISSES):
        path = infra / f"secret{number}.yaml"
        path.write_text(encrypted[:start] + json.dumps(value) + encrypted[end:])
        names.add(path.name)
        assert cli("decrypt", path.name).exit_code == 2
        assert cli("encrypt", "--check", path.name).exit_code == 2
        assert "is plain text" in cli("status", path.name).stderr
    git(infra, "add", "--all")
    for command in (("scan",), ("scan", "--staged"), ("audit",)):
        assert found_in(cli(*command, "--format", "json"))["sops-plain-value"] == names, command


def test_a_file_with_a_mac_that_looks_like_one_is_plain(infra, cli, git):
    """Its own selector would say that nothing in it is encrypted."""
    lines = "API_TOKEN=kX9vQ2mLpR7wZt4n\nsops_unencrypted_regex=.*\nsops_mac={}\n"
    secret = SECRET + "sops:\n  unencrypted_regex: .*\n  mac: {}\n"
    names = set()
    for number, value in enumerate(MISSES):
        (infra / f"secret{number}.yaml").write_text(secret.format(number, "throw-away", json.dumps(value)))
        names.add(f"secret{number}.yaml")
        if "\n" not in value:
            (infra / f"a{number}.env").write_text(lines.format(value))
            names.add(f"a{number}.env")
    git(infra, "add", "--all")
    found = found_in(cli("scan", "--format", "json"))
    assert found["plain-secret"] | found["env-file"] == names
    check = cli("encrypt", "--check", "--format", "json")
    assert check.exit_code in (1, 2)
    judged = {each["path"] for each in json.loads(check.stdout)["files"] if each["outcome"] != "unchanged"}
    assert {name for name in names if name.endswith(".yaml")} <= judged


@each_row("value", MISSES, ids=NEAR_MISSES)
@each_row("name", ["secret/encrypted.yaml", "json/encrypted.json", "binary/encrypted.bin"])
def test_an_encrypted_file_in_which_one_value_only_looks_like_it(name, value):
    text = (VECTORS / name).read_text(encoding="utf-8")
    format_ = make_format(format_for_path(name))
    start = text.rindex("ENC[", 0, text.index("sops"))
    end = text.index("]", start) + 1
    quoted = json.dumps(value)
    changed = text[:start] + (quoted if name.endswith(".yaml") else quoted[1:-1]) + text[end:]
    with pytest.raises(FluxsecretsError):
        check_encrypted(format_.parse(changed.encode(), Limits()), single_value=format_.single_value)
