"""Private keys under any label, however they were pasted; public keys and certificates are none."""

import base64
import json
import textwrap

import pytest

from token_samples import make

LABELS = [
    *("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "ED25519 PRIVATE KEY"),
    *("X25519 PRIVATE KEY", "ML-DSA-65 PRIVATE KEY", "NEBULA ED25519 PRIVATE KEY", "TSS2 PRIVATE KEY"),
    *("ANY_OTHER PRIVATE KEY", "OPENSSH PRIVATE KEY"),
]
PEM = make("{pem:ED25519 PRIVATE KEY}", "pasted")
SHORT = make("-----BEGIN ED25519 PRIVATE KEY-----\n{base64:64}\n-----END ED25519 PRIVATE KEY-----", "short")
PASTED = {
    "as it is": PEM,
    "of one line": SHORT,
    "CR LF": PEM.replace("\n", "\r\n"),
    "indented": textwrap.indent(PEM, "\t  "),
    "blank lines": PEM.replace("\n", "\n\n"),
    "one line, escaped": PEM.replace("\n", "\\n"),
    "escaped twice": PEM.replace("\n", "\\\\n"),
    "escaped CR LF": PEM.replace("\n", "\\r\\n"),
    "escaped by number": PEM.replace("\n", "\\u000a"),
    "one line, blanks": PEM.replace("\n", " "),
    "one line, nothing between": PEM.replace("\n", ""),
    "a comment": textwrap.indent(PEM, "# "),
    "a comment of C": textwrap.indent(PEM, "// "),
    "a comment's lines": textwrap.indent(PEM, " * "),
    "quoted mail": textwrap.indent(PEM, "> "),
    "a change": textwrap.indent(PEM, "+"),
    "texts in Go": "\n".join(f'\t"{line}\\n" +' for line in PEM.split("\n")),
    "texts in Python": "\n".join(f"    '{line}\\n'" for line in PEM.split("\n")),
    "HTML": PEM.replace("\n", "<br>"),
    "XML": PEM.replace("\n", "&#10;"),
    "a form": PEM.replace("\n", "%0A"),
    "cut off": PEM[:200],
    "SSH.com": PEM.replace("-----BEGIN", "---- BEGIN").replace("KEY-----", "KEY ----"),
}


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "base64"])
def test_any_label_will_do(scanner, label, packed):
    key = make(f"{{pem:{label}}}", label)
    text = base64.b64encode(key.encode()).decode() if packed else json.dumps(key)
    rule = "openssh-private-key" if label.startswith("OPENSSH") else "private-key"
    assert scanner(f'{{"config": {text if not packed else json.dumps(text)}}}', "app.json") == [f"1 {rule}"]


@pytest.mark.parametrize("form", PASTED)
def test_however_it_was_pasted(scanner, form):
    assert scanner(f"see below\n{PASTED[form]}\n", "notes.txt") == ["2 private-key"]


def test_one_that_was_cut_off_does_not_hide_the_next(scanner):
    other = make("{pem:RSA PRIVATE KEY}", "other")
    assert scanner(f"{PEM[:220]}\n{other}\n", "keys.txt") == ["1 private-key", "5 private-key"]


@pytest.mark.parametrize(
    "recipe",
    [
        "{pem:ENCRYPTED PRIVATE KEY}",
        "{pem:ENCRYPTED SIGSTORE PRIVATE KEY}",
        "{pem-locked:EC PRIVATE KEY}",
        "{pem-locked:OPENSSH PRIVATE KEY}",
        "{putty:aes256-cbc}",
    ],
)
def test_a_passphrase_makes_it_less_severe(scanner, recipe):
    found = scanner.findings(make(recipe, "locked"), "id_rsa")
    assert [(each.rule, each.severity.name) for each in found] == [("encrypted-private-key", "MEDIUM")]


@pytest.mark.parametrize(
    "recipe",
    [
        "-----BEGIN PUBLIC KEY-----\n{base64:64}\n{base64:64}\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\n{base64:64}\n{base64:64}\n-----END CERTIFICATE-----",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{base64:64}\n-----END PGP PUBLIC KEY BLOCK-----",
        "---- BEGIN SSH2 PUBLIC KEY ----\n{base64:70}\n---- END SSH2 PUBLIC KEY ----",
        "-----BEGIN CERTIFICATE REQUEST-----\n{base64:64}\n-----END CERTIFICATE REQUEST-----",
        "-----BEGIN AGE ENCRYPTED FILE-----\n{base64:64}\n-----END AGE ENCRYPTED FILE-----",
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\n{base64:64}",
        "if text.startswith('-----BEGIN RSA PRIVATE KEY-----'): return parse_the_private_key(text)",
        "paste it after -----BEGIN RSA PRIVATE KEY-----, with all of its lines, as openssl prints them",
    ],
)
def test_what_is_not_one(scanner, recipe):
    assert scanner(make(recipe, "none"), "page.md") == []
