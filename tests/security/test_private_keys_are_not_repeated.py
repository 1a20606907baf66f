"""A private key that stands where a path, a name, a command or a recipient belongs is never shown."""

import pickle

import pytest

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import holds_private_key, without_private_keys
from fluxsecrets.report.text import printable

MARK = "QQPZRYTHROWAWAY"
AGE = f"AGE-SECRET-KEY-1{MARK}9X8GF2TVDW0S3JN54KHCE6MUA7L"
KEYS = {
    "age": AGE,
    "age, lower case": AGE.lower(),
    "post-quantum": f"AGE-SECRET-KEY-PQ-1{MARK}9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "plug-in": f"AGE-PLUGIN-YUBIKEY-1{MARK.replace('O', 'Q')}QQQSYQCYQ5RQWZQF",
    "PEM": f"-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n",
    "RSA": f"-----BEGIN RSA PRIVATE KEY-----\n{MARK}",
    "OpenSSH": f"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza{MARK}\n-----END OPENSSH PRIVATE KEY-----",
    "PGP": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{MARK}\n-----END PGP PRIVATE KEY BLOCK-----",
    "escaped": f"-----BEGIN PRIVATE KEY-----\\n{MARK}",
}
FEW = ("age", "plug-in", "OpenSSH", "PGP")
VARIABLES = (
    *(
        "SOPS_AGE_KEY_FILE",
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
        "SOPS_AGE_KEY_CMD",
        "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
    ),
    *(
        "FLUXSECRETS_SEALING_KEYS",
        "SOPS_AGE_RECIPIENTS",
        "SOPS_AGE_KEY",
        "GNUPGHOME",
        "SOPS_GPG_EXEC",
        "SOPS_EDITOR",
    ),
    *("FLUXSECRETS_LOG", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "FLUXSECRETS_ALLOW_VARIABLES"),
)
COMMANDS = (
    ("decrypt", "secret.yaml"),
    ("edit", "secret.yaml"),
    ("rotate", "secret.yaml"),
    ("status", "secret.yaml"),
    ("keys", "list"),
    ("unseal", "secret.yaml"),
    ("encrypt", "plain.yaml"),
)


@pytest.fixture(autouse=True)
def editor(environment, monkeypatch):
    """An editor that ends at once: vim waits two seconds where there is no terminal."""
    monkeypatch.setenv("EDITOR", "true")


def shown(result) -> str:
    text = result.stdout + result.stderr
    return text.upper()


@pytest.mark.parametrize("kind", FEW)
@pytest.mark.parametrize("variable", VARIABLES)
def test_whichever_variable_holds_it(encrypted, cli, monkeypatch, variable, kind):
    encrypted.write("plain.yaml")
    if not variable.startswith("SOPS_AGE_KEY"):
        monkeypatch.delenv("SOPS_AGE_KEY_FILE", raising=False)
    monkeypatch.setenv(variable, KEYS[kind])
    for command in (*COMMANDS, (*COMMANDS[0], "--debug"), (*COMMANDS[-1], "--debug")):
        text = shown(cli(*command))
        assert MARK not in text, command
        assert MARK.replace("O", "Q") not in text, command


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY_FILE holds a private key, not a path"),
        ("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE holds a private key, not a path"),
        ("SOPS_AGE_KEY_CMD", "SOPS_AGE_KEY_CMD holds a private key, not a command"),
    ],
)
def test_what_is_wrong_is_said(encrypted, cli, monkeypatch, variable, message):
    monkeypatch.delenv("SOPS_AGE_KEY_FILE", raising=False)
    monkeypatch.setenv(variable, AGE)
    result = cli("decrypt", "secret.yaml")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "SOPS_AGE_KEY" in result.stderr


ARGUMENTS = (
    ("encrypt", "--age", "{}", "plain.yaml"),
    ("rotate", "--add-age", "{}", "secret.yaml"),
    ("recipients", "add", "{}", "--all"),
    ("recipients", "remove", "{}"),
    ("keys", "import", "{}"),
    ("keys", "remove", "{}"),
    ("keys", "export", "{}"),
    ("unseal", "--private-key", "{}", "secret.yaml"),
    ("decrypt", "{}"),
    ("decrypt", "secret.yaml", "--config", "{}"),
    ("env", "show", "{}"),
    ("{}",),
)


@pytest.mark.parametrize("kind", FEW)
@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_whichever_argument_it_is(encrypted, cli, arguments, kind):
    encrypted.write("plain.yaml")
    for debug in ((), ("--debug",)):
        result = cli(*(each.replace("{}", KEYS[kind]) for each in arguments), *debug)
        assert result.exit_code == 2
        assert MARK not in shown(result)
        assert MARK.replace("O", "Q") not in shown(result)


@pytest.mark.parametrize("kind", FEW)
@pytest.mark.parametrize("place", ["rule", "public key", "file", "settings"])
def test_whichever_file_it_stands_in(encrypted, cli, place, kind):
    key = KEYS[kind].replace("\n", "\\n")
    if place == "rule":
        encrypted.rules(f'creation_rules:\n  - age: "{key}"\n')
    elif place == "public key":
        encrypted.write("keys/eve.pub", KEYS[kind])
    elif place == "file":
        text = encrypted.read("secret.yaml").decode()
        encrypted.write("secret.yaml", text.replace(encrypted.recipient, f'"{key}"'))
    else:
        encrypted.write(".fluxsecrets.yaml", f'environments:\n  prod:\n    cluster_recipients: ["{key}"]\n')
    encrypted.write("plain.yaml")
    for command in (
        *COMMANDS,
        ("recipients", "list"),
        ("explain", "secret.yaml"),
        ("env", "list"),
        ("audit", "."),
    ):
        text = shown(cli(*command))
        assert MARK not in text, command
        assert MARK.replace("O", "Q") not in text, command


@pytest.mark.parametrize("kind", KEYS)
def test_no_error_and_no_line_can_hold_one(kind):
    key = KEYS[kind]
    text = f"before {key}"
    assert holds_private_key(text)
    error = FluxsecretsError(text, hint=text, path=text, details=[text]).in_file(text)
    again = pickle.loads(pickle.dumps(error))
    for each in (error, again, FluxsecretsError("x").in_file(text)):
        whole = f"{each} {each.message} {each.hint} {each.path} {each.details} {each!r}"
        assert MARK not in whole.upper()
        assert MARK.replace("O", "Q") not in whole.upper()
    assert MARK not in printable(text).upper()
    assert without_private_keys(text).startswith("before (a private key)")


@pytest.mark.parametrize(
    "text",
    [
        "age-plugin-yubikey is not on PATH",
        "a line such as AGE-SECRET-KEY-1…",
        "the private key of staging",
        "age1qqq",
    ],
)
def test_what_only_speaks_of_keys_stays(text):
    assert without_private_keys(text) == text
