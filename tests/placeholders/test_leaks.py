"""No part of a secret is in its placeholder, however the value looks."""

import re
from base64 import b64decode, b64encode
from urllib.parse import quote, unquote

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.placeholders.key import PlaceholderKey
from fluxsecrets.placeholders.values import placeholder, placeholder_bytes, shape_of

KEY = PlaceholderKey.derived(b"a throw-away test key")

# No letter of these is in a mark, and four signs in a row have a letter, so that no port has them. Digits
# between letters make sure that nothing is a name by accident.
PIECES = st.tuples(st.text("QXYWC", min_size=1, max_size=2), st.text("0123456789", min_size=1, max_size=2))
SECRETS = st.lists(PIECES, min_size=4, max_size=10).map(lambda pieces: "".join(map("".join, pieces)))

FORMS = (
    "{0}",
    "{0}\n{1}\n",
    "https://{0}",
    "https://{0}:{1}@{0}.example.com/{1}?{0}={1}#{0}",
    "https://{0}.ngrok.io/hooks/{1}",
    "postgres://{0}@{1}:5432/{0}",
    "{0}://{1}.example.com",
    "-----BEGIN {0}-----\n{1}\n-----END {0}-----",
    "-----BEGIN PRIVATE KEY-----\n{0}\n-----END PRIVATE KEY-----\n{1}",
    '{{"{0}": "{1}"}}',
    '{{"a": {{"b": ["{0}", "x {1}"]}}, "auth": "{0}:{1}"}}',
    "a: {0}\nb:\n  - {1}\n# {0}\n{1}: x\n",
    "A={0}\nB='{1}' # {0}\n# {1}\n{0}=x\n",
    '[{0}]\na = "{1}"\n',
    "{0}:{1}",
    "{0}@{1}.com",
    "{0}.{1}.com:5432",
    "Server={0};Password={1};{0}=x",
    "host={0} password={1}",
    "{0}:{1}@tcp({0}:3306)/{1}",
    "${{{0}}}${{A:-{1}}}",
    "${{A}}{0}${{B:={1}}}",
    "{{{{ {0} | default {1} }}}}",
    "ssh-ed25519 AAAA{0} {1}",
    "{0}:$2y$10${1}",
    "AGE-SECRET-KEY-1{0}",
    "Bearer {0}",
    "v1.2.3-{0}",
    "/etc/{0}/{1}",
)


def windows(text, size):
    return {text[at : at + size] for at in range(len(text) - size + 1)}


def decodings(text):
    """A text, and what a reader would decode in it."""
    yield text
    yield unquote(text)
    for run in re.findall(r"[A-Za-z0-9+/\n]{8,}", text):
        flat = run.replace("\n", "")
        yield b64decode(flat[: len(flat) // 4 * 4]).decode("latin-1")
    for run in re.findall(r"(?:[0-9a-f]{2}){4,}", text):
        yield bytes.fromhex(run).decode("latin-1")


def assert_says_nothing(text, secrets):
    # Signs that are drawn at random have four in common with a secret now and then.
    drawn = shape_of(text) in ("pem", "base64", "hex", "age key", "password hash") or "-----BEGIN" in text
    size = 8 if drawn or "$2y" in text else 4
    for found in decodings(text):
        for secret in secrets:
            assert not [each for each in windows(secret, size) if each in found]


@given(st.sampled_from(FORMS), SECRETS, SECRETS)
def test_a_secret_in_any_place_of_any_shape(form, one, other):
    assert_says_nothing(placeholder(form.format(one, other), KEY, name="value"), (one, other))


@given(
    st.sampled_from(FORMS),
    SECRETS,
    SECRETS,
    st.sampled_from(["x.yaml", "x.json", "x.env", "x.toml", "tls.crt"]),
)
def test_a_file_whose_name_says_a_format(form, one, other, name):
    found = placeholder_bytes(form.format(one, other).encode(), KEY, name=name).decode()
    assert_says_nothing(found, (one, other))


@given(st.sampled_from(FORMS), SECRETS, SECRETS)
def test_a_secret_that_is_encoded(form, one, other):
    text = form.format(one, other)
    assert_says_nothing(placeholder(b64encode(text.encode()).decode(), KEY, name="value"), (one, other))
    assert_says_nothing(placeholder(quote(text), KEY, name="value"), (one, other))


@given(st.text())
def test_a_placeholder_introduces_nothing_that_others_interpret(text):
    found = placeholder(text, KEY, name="value")
    assert found.isascii()
    assert all(sign in text for sign in ("${", "{{", "`", "$(") if sign in found)


@given(st.sampled_from(FORMS), SECRETS, SECRETS)
def test_the_placeholder_of_a_placeholder_has_the_same_shape(form, one, other):
    found = placeholder(form.format(one, other), KEY, name="value")
    again = placeholder(found, KEY, name="value")
    assert shape_of(found, name="value") == shape_of(again, name="value")
    assert len(found.splitlines()) == len(again.splitlines())
