"""A SOPS file without what opens it is no plain file: its ciphertext is never sealed, encrypted or copied.

Whoever can write to the repository can take the MAC, or the whole `sops` block, out of a file.
"""

import re

import pytest

from conftest import commit_all
from fluxsecrets.marks import is_ciphertext
from sealing import key_file

RULES = "creation_rules:\n  - path_regex: \\.yaml$\n    encrypted_regex: ^(data|stringData)$\n    age: {}\n"
PLAIN = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: app
stringData:
  password: hunter2-password
  user: hunter2-user
"""

STRIPPED = {
    "no MAC": lambda text: re.sub(r"\n +mac: .*", "", text),
    "empty MAC": lambda text: re.sub(r"\n( +)mac: .*", r'\n\1mac: ""', text),
    "no block": lambda text: text.partition("sops:")[0],
    "renamed block": lambda text: text.replace("\nsops:", "\nspos:"),
    "indented block": lambda text: text.replace("\nsops:", "\nother:\n  sops:").replace("\n    ", "\n      "),
    "block in a comment": lambda text: (
        text.partition("sops:")[0] + "".join(f"#{line}\n" for line in text.partition("sops:")[2].splitlines())
    ),
}

COMMANDS = {
    "seal": ("seal", "--cert", "sealing.crt", "secret.yaml"),
    "seal all": ("seal", "--cert", "sealing.crt", "--all"),
    "to sealed": ("convert", "secret.yaml", "--to", "sealed", "--cert", "sealing.crt"),
    "to external": (
        "convert",
        "secret.yaml",
        "--to",
        "external",
        "--store",
        "vault",
        "--key-template",
        "a/{name}",
    ),
    "to plain": ("convert", "secret.yaml", "--to", "plain"),
    "to sops": ("convert", "secret.yaml", "--to", "sops"),
    "encrypt": ("encrypt", "secret.yaml"),
    "encrypt check": ("encrypt", "--check"),
    "decrypt": ("decrypt", "secret.yaml"),
    "set": ("set", "secret.yaml", "stringData.user", "x"),
    "rotate": ("rotate", "secret.yaml"),
    "status": ("status", "secret.yaml"),
    "exec-env": ("exec-env", "secret.yaml", "--", "true"),
}


@pytest.fixture
def infra(tmp_path, identity, monkeypatch, cli):
    folder = tmp_path / "infra"
    folder.mkdir()
    (folder / ".sops.yaml").write_text(RULES.format(identity.recipient))
    (folder / "sealing.crt").write_bytes(key_file("sealing.crt"))
    (folder / "secret.yaml").write_text(PLAIN)
    monkeypatch.chdir(folder)
    commit_all(folder, "rules")
    assert cli("encrypt", "secret.yaml").exit_code == 0
    return folder


@pytest.mark.parametrize("how", STRIPPED)
def test_no_command_takes_it_for_a_plain_file(infra, cli, git, how):
    path = infra / "secret.yaml"
    text = STRIPPED[how](path.read_text())
    path.write_text(text)
    commit_all(infra, "stripped")
    for name, command in COMMANDS.items():
        result = cli(*command)
        if name == "seal all" and how == "indented block":  # its marks are there: it is left out as encrypted
            continue
        assert result.exit_code == 2, (name, result.stdout, result.stderr)
        assert path.read_text() == text, name
        assert not git(infra, "status", "--porcelain"), name
        assert re.search("sops block|MAC|it is encrypted|not encrypted", result.stderr), (name, result.stderr)
    for command in ("scan", "audit"):
        result = cli(command)
        assert result.exit_code == 1
        assert re.search("sops-block-missing|mac-missing", result.stdout), (command, result.stdout)
    path.write_text(text + "# again\n")
    git(infra, "add", "--all")
    assert cli("hook", "run", "pre-commit").exit_code == 1


def test_a_ciphertext_in_base64_is_not_sealed_either(infra, cli):
    from base64 import b64encode

    path = infra / "secret.yaml"
    ciphertext = re.search(r"password: (.*)", path.read_text())[1]
    encoded = b64encode(ciphertext.encode()).decode()
    path.write_text(PLAIN.partition("stringData")[0] + f"data:\n  password: {encoded}\n")
    result = cli("seal", "--cert", "sealing.crt", "secret.yaml")
    assert result.exit_code == 2
    assert "the value of 'password' is a SOPS ciphertext" in result.stderr
    (infra / "value").write_text(ciphertext)
    raw = (
        "seal",
        "--raw",
        "--cert",
        "sealing.crt",
        "--name",
        "a",
        "--namespace",
        "b",
        "--from-file",
        "value",
    )
    result = cli(*raw)
    assert result.exit_code == 2


FORM = "ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:{type}]"
REAL = {"data": "aGk=", "iv": "A" * 43 + "=", "tag": "A" * 22 + "==", "type": "str"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FORM.format(**REAL), True),
        (FORM.format(**REAL | {"type": "comment"}), True),
        ("ENC[AES256_GCM,my-real-password", False),
        ("ENC[AES256_GCM,my-real-password]", False),
        ("ENC[AES256_GCM,data:password]", False),
        ("ENC[AES256_GCM,data:aGk=,iv:aGk=,tag:aGk=]", False),
        (FORM.format(**REAL | {"data": ""}), False),
        (FORM.format(**REAL | {"data": "pass word"}), False),
        (FORM.format(**REAL | {"iv": "!"}), False),
        (FORM.format(**REAL | {"type": ""}), False),
        (FORM.format(**REAL)[:-1], False),
        ("x" + FORM.format(**REAL), False),
        (FORM.format(**REAL) + "x", False),
        (FORM.format(**REAL).lower(), False),
        ("ENC[PKCS7,MIIBygYJKoZIhvcNAQcDoIIBuzCCAbcCAQAx]", False),
    ],
)
def test_only_the_whole_form_is_a_ciphertext(infra, cli, text, expected):
    assert is_ciphertext(text) is expected
    path = infra / "secret.yaml"
    path.write_text(PLAIN.replace("hunter2-password", f"'{text}'"))
    result = cli("encrypt", "secret.yaml")
    if expected:
        assert result.exit_code == 2
        return
    # A password that begins like one is a password: it is found, encrypted, and comes back.
    assert result.exit_code == 0
    assert cli("get", "secret.yaml", "stringData.password").stdout == text
