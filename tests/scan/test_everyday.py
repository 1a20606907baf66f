"""What every repository has is left alone, and no exemption hides a password."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.marks import is_secret_name
from fluxsecrets.scan.everyday import is_everyday, is_object_name, names_object
from fluxsecrets.scan.examples import is_example
from fluxsecrets.scan.mixed import is_written
from fluxsecrets.scan.othercipher import is_encrypted_file, is_other_ciphertext
from fluxsecrets.scan.placeholders import is_placeholder
from fluxsecrets.scan.references import is_reference, rest_of
from fluxsecrets.scan.values import is_literal, may_be_password
from fluxsecrets.scan.wholetext import looks_random
from scan_corpus import Chance
from scan_everyday import EVERYDAY, fill
from tables import each_row

PASSWORD = "Tr0ub4dor-" + "kX9vQ2mN"
LETTERS = string.ascii_letters + string.digits
MACHINE_MADE = st.text(LETTERS, min_size=16, max_size=40).filter(looks_random)


@pytest.mark.parametrize("kind", EVERYDAY)
def test_nothing_is_found_in_everyday_files(scanner, kind):
    path, text = EVERYDAY[kind]
    for seed in range(2):
        assert scanner(fill(Chance(f"everyday {seed}"), text), path.format(seed)) == []


DELIMITERS = [
    *("{{ %s }}", "${{ %s }}", "<%% %s %%>", "[[ .%s ]]", "#{ %s }#", "#{%s}", "<<%s>>", "((%s))"),
    *("@@%s@@", "__%s__", "$(%s)", "${%s}", "$${%s}", "%%{%s}", "%%%%%s%%%%", "{env.%s}"),
]


@pytest.mark.parametrize("form", DELIMITERS)
def test_an_expression_is_a_reference(form):
    expression = form % "DB_PASSWORD"
    assert is_reference(expression)
    assert not is_literal(expression)
    assert rest_of(f"a-{expression}-b") == "a--b"


@given(form=st.sampled_from(DELIMITERS), secret=MACHINE_MADE)
def test_what_is_beside_an_expression_counts(form, secret):
    expression = form % "NAME"
    for text in (f"{expression}{secret}", f"{secret}{expression}", f"{expression}{secret}{expression}"):
        assert is_literal(text)
        assert is_written("password", text)
        assert is_written("blob", text)


@given(form=st.sampled_from(DELIMITERS), secret=MACHINE_MADE)
def test_an_expression_that_does_not_close_is_a_value(form, secret):
    expression = form % secret
    assert is_literal(expression[: len(expression) - 1 - form[::-1].index("s")] + secret[:1] * 2)


@each_row(
    "text",
    [
        *("{{x}}y", "${x", "{{x", "<<x", "((x", "$ecret123", "%hunter2", "${PASSWORD:-hunter2}"),
        *("{{ a }}hunter2{{ b }}", "{% if x %}hunter2{% endif %}", "ENC[hunter2]", "<kX9vQ2mNp4Lz7Rt1>"),
        *(
            "@kX9vQ2mNp4Lz7Rt1@",
            "{SSHA}hunter2",
            "$1$hunter2",
            "age1hunter2",
            "ssh-rsa hunter2",
            "wcFMAhunter2",
        ),
        *(
            "/kX9vQ2mNp4Lz7Rt1",
            "pk_live_hunter2",
            "-----BEGIN PGP MESSAGE-----hunter2",
            "your-kX9vQ2mNp4Lz7-key",
        ),
    ],
)
def test_a_password_that_starts_like_something_else_is_a_password(text):
    assert may_be_password(text)


def test_signs_in_two_comments_hide_nothing_between_them(scanner):
    secret = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  key: {PASSWORD}\n"
    for start, end in (
        ("{{", "}}"),
        ("{%", "%}"),
        ("{#", "#}"),
        ("#%", "%#"),
        ("#|", "|#"),
        ("{{/*", "*/}}"),
    ):
        assert scanner(f"# {start}\n{secret}# {end}\n") == ["7 plain-secret"]


@pytest.mark.parametrize("path", ["package-lock.json", "web/i18n/de.json", "de.json", "locales/en/app.json"])
@given(secret=MACHINE_MADE)
def test_a_password_in_a_file_of_versions_or_translations_is_found(path, secret):
    assert not is_everyday(path, secret)
    assert not is_everyday(path, f"hunter2-{secret}")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        *(
            ("package-lock.json", text)
            for text in ("4.0.0", "^3.0.0 || ^4.0.0", ">=1.2", "npm:@a/b@1.2.3", "*")
        ),
        *(("a/pnpm-lock.yaml", text) for text in ("5.0.0_react@18.2.0", "1.2.3(react@18)", "link:../a")),
        *(("i18n/de.json", text) for text in ("Passwort", "Neues Passwort", "Mot de passe oublié ?")),
    ],
)
def test_versions_and_translations_are_everyday(path, text):
    assert is_everyday(path, text)
    assert not is_everyday("app.json", text)


@pytest.mark.parametrize("text", ["pg-creds-8f3a2c9b7d", "app-tls", "kube-prometheus-stack-grafana"])
def test_names_of_objects(text):
    assert is_object_name(text)
    assert names_object("authSecret", text)
    assert not names_object("clientSecret", text)
    assert not names_object("password", text)


@pytest.mark.parametrize(
    "text", ["8f3a2c9b7d", PASSWORD, "a-8f3a2c9b7d1e2f4a6c8b", "1f3a2c9b-7d1e-4f4a-8c8b-0d2e4f6a8c0b"]
)
def test_tokens_are_not_names_of_objects(text):
    assert not is_object_name(text)


PRINTED = [
    "AKIAIOSFODNN7" + "EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
    "sk_test_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "abcdef.0123456789abcdef",
]


@pytest.mark.parametrize("text", PRINTED)
def test_what_documentation_prints_is_nowhere_a_secret(scanner, text):
    assert is_example(text)
    assert scanner(
        f"apiVersion: v1\nkind: Secret\nstringData:\n  a: b\n  # token: {text}\n  password: {text}\n"
    ) == ["4 plain-secret"]
    assert scanner(f"API_TOKEN={text}\n", ".env") == []
    assert scanner(f"see {text}\n", "README.md") == []


@pytest.mark.parametrize("text", PRINTED)
def test_an_example_is_one_as_a_whole_only(text):
    for other in (f"{text}a", f"a{text}", text[:-1], text.swapcase()):
        assert not is_example(other)


def test_a_real_token_with_the_word_in_it_is_found(scanner):
    from token_samples import make

    text = make("ghp_EXAMPLE{base62:23}{crc62}", "an example")
    assert scanner(f"token: {text}\n", "notes.md") != []


def jwt(claims):
    parts = ('{"alg":"HS256"}', claims, "x" * 32)
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def test_only_the_claims_of_jwt_io_make_an_example():
    assert is_example(jwt('{"sub":"1234567890","name":"John Doe","iat":1516239022}'))
    assert not is_example(jwt('{"sub":"1234567890","name":"John Doe","role":"admin"}'))
    assert not is_example(jwt('{"sub":"1234567891","name":"John Doe"}'))
    assert not is_example(jwt("[]"))
    assert not is_example("eyJ.a.b")


def pgp_message():
    """Session keys of version 3 for one key, and encrypted data (RFC 9580)."""
    session = b"\x03" + bytes(range(8)) + b"\x01" + bytes(range(256))
    data = b"\x01" + bytes(reversed(range(150)))
    return (
        b"\xc1"
        + bytes((192 + (len(session) - 192 >> 8), len(session) - 192 & 255))
        + session
        + b"\xd2"
        + bytes((len(data),))
        + data
    )


def test_messages_of_pgp_are_ciphertexts_to_the_last_byte():
    message = pgp_message()
    assert is_other_ciphertext(base64.b64encode(message).decode())
    assert is_encrypted_file(message)
    for other in (message + b"hunter2", message[:-1], b"\xc1\x05hunter2", message.replace(b"\xd2", b"\xcb")):
        assert not is_other_ciphertext(base64.b64encode(other).decode())
        assert not is_encrypted_file(other)


@pytest.mark.parametrize("start", [b"\0GITCRYPT\0", b"age-encryption.org/v1\n-> X25519 a\n"])
def test_a_header_alone_does_not_make_a_file_encrypted(start):
    assert is_encrypted_file(start + bytes(range(256)))
    assert not is_encrypted_file(start + b"password: hunter2\n" * 20)


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        *((f"a/b.sops.{end}", True) for end in ("yaml", "env", "cfg", "txt", "yaml.bak")),
        *((f"a/b.sops.{end}", False) for end in ("yaml.j2", "cfg.sh", "cfg.sha256", "yaml.tmpl", "md")),
    ],
)
def test_what_is_made_of_or_about_a_secret_file_is_not_one_as_a_whole(path, secret):
    assert is_secret_name(path) is secret


def test_a_secret_file_of_references_is_not_plain(scanner):
    text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  url: $DB_URL\n  user: %s\n"
    assert scanner(text % "${DB_USER}", "a.sops.cfg", whole="its name says so") == []
    assert scanner(text % "REPLACE_ME", "a.sops.yaml", whole="its name says so") == ["1 plain-secret-file"]
    assert scanner(text % "admin", "a.sops.cfg", whole="its name says so") == []
    assert scanner(text % "hunter2", "a.sops.cfg", whole="its name says so") == ["7 plain-secret"]
    assert scanner(text % "admin", "a.sops.yaml", whole="its name says so") == ["7 plain-secret"]


def test_public_keys_in_a_template_are_not_secrets(scanner):
    key = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "kX9vQ2mNp4Lz7Rt1" * 2
    hosts = f"  known_hosts: |\n    #{{ hosts }}#\n    a.example ssh-ed25519 {key}\n"
    text = f'apiVersion: v1\nkind: Secret\nstringData:\n  identity: "#{{ key() }}#"\n{hosts}'
    assert scanner(text, "a.sops.yaml.j2") == []


def test_a_template_of_a_secret_is_judged_by_what_is_written(scanner):
    head = "apiVersion: v1\nkind: Secret\nstringData:\n  user: admin\n"
    text = f'{head}  token: "#{{ t }}#"\n  password: "#{{ p }}#%s"\n'
    assert scanner(text % "", "a.sops.yaml.j2") == []
    assert scanner(text % "hunter2", "a.sops.yaml.j2") == ["6 plain-secret"]


@given(secret=MACHINE_MADE)
def test_a_placeholder_holds_nothing_random(secret):
    for text in (f"your{secret}key", f"<{secret}>", f"@@{secret}@@", f"fake {secret}", f"[{secret}]"):
        assert not is_placeholder(text)


def test_a_word_as_a_password_counts_where_a_manifest_logs_in_with_it(scanner):
    url = "postgres://benji:%s@benji-postgres:5432/benji"
    assert scanner(f"url: {url % 'secret'}\n", "values.yaml") == ["1 connection-string"]
    assert scanner(f"# url: {url % 'secret'}\n", "values.yaml") == []
    assert scanner(f"url: {url % 'secret'}\n", "README.md") == []
    assert scanner("url: postgres://user:password@db-host.example.com/a\n", "values.yaml") == []
