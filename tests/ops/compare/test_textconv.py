"""The masked text that git compares: what stays readable, what is masked, and that the short way is right."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fluxsecrets
from fluxsecrets.marks import read_ciphertext
from fluxsecrets.ops.compare.lean import lean_text
from fluxsecrets.ops.compare.leanblock import OtherFormError
from fluxsecrets.ops.compare.leanblock import masked as masked_ciphertext
from fluxsecrets.ops.compare.plainkey import plain_token
from fluxsecrets.ops.compare.textconv import masked_text
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.recipients import age
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec

SECRET = """\
# Who owns it
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    # a note
    example.test/note: plain
type: Opaque
stringData:
  # a comment with throwaway in it
  user: throwaway-user # and throwaway behind
  quoted: "throwaway-two"
  empty: ""

  long: |-
    throwaway
    lines
data:
  cert: 'dGhyb3dhd2F5LWNlcnQ='
"""
SELECTOR = {"encrypted_regex": "^(data|stringData)$"}
RECIPIENT = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"


def encrypt(text, selector):
    """Encrypt a manifest with any selector, even one that Flux could not use."""
    ((kind, pattern),) = selector.items()
    session = Session({}, Path.cwd())
    policy = Policy(((age(RECIPIENT),),), 0, SelectorSpec(SelectorKind(kind), pattern))
    return encrypt_content(
        make_format("yaml"), text.encode(), policy, session.providers, now=session.now(),
        limits=session.limits, kubernetes=False,
    ).data  # fmt: skip


def masked(data, name="secret.yaml", token=lambda data: "TOKEN"):
    data = data if isinstance(data, bytes) else data.encode()
    return masked_text(data, name, Limits(), token)


@pytest.fixture(scope="module")
def encrypted():
    return fluxsecrets.encrypt(SECRET, age=[RECIPIENT], **SELECTOR)


def test_structure_and_comments_stay_and_values_go(encrypted):
    shown = masked(encrypted)
    plain = re.sub(r"<[^>]*>", "<>", shown)
    assert plain == (
        SECRET.partition("stringData")[0]
        + 'stringData:\n  #<>\n  user: <> #<>\n  quoted: "<>"\n  empty: ""\n\n  long: |-\n    <>\n'
        + "data:\n  cert: '<>'\n"
        + "[sops] encrypted_regex: ^(data|stringData)$\n"
        + re.search(rf"\[sops\] {RECIPIENT} [a-z2-7]{{13}}\n", shown)[0]
    )
    assert "ENC[" not in shown
    assert "user: <str 9-16 " in shown


def test_mac_and_time_are_not_shown(encrypted):
    later = re.sub(rb'lastmodified: "[^"]*"', b'lastmodified: "2030-01-01T00:00:00Z"', encrypted)
    later = re.sub(rb"mac: ENC\[AES256_GCM,data:....", b"mac: ENC[AES256_GCM,data:AAAA", later)
    assert later != encrypted
    assert masked(later) == masked(encrypted)
    assert lean_text(later) == lean_text(encrypted)


def test_an_unchanged_ciphertext_keeps_its_token_and_a_new_one_does_not(encrypted):
    other = fluxsecrets.encrypt(SECRET, age=[RECIPIENT], **SELECTOR)
    assert masked(encrypted) == masked(encrypted)
    tokens = [
        set(re.findall(r"<[a-z]+ [0-9-]+ ([a-z2-7]{13})>", masked(data))) for data in (encrypted, other)
    ]
    assert len(tokens[0]) == len(tokens[1]) == 6
    assert tokens[0].isdisjoint(tokens[1])


def test_the_short_way_shows_the_same(encrypted):
    assert lean_text(encrypted) == masked(encrypted)
    assert lean_text(b"---\n" + encrypted) == masked(b"---\n" + encrypted)


@pytest.mark.parametrize(
    "selector",
    [
        {"encrypted_regex": "^(data|stringData)$"},
        {"encrypted_regex": "^(stringData|data|tls)$"},
        {"unencrypted_regex": "^(apiVersion|metadata|kind|type)$"},
    ],
)
@pytest.mark.parametrize("text", [SECRET, re.sub("(?m) *#.*$", "", SECRET).lstrip()])
def test_the_short_way_knows_selectors_of_words(selector, text):
    data = encrypt(text, selector)
    assert lean_text(data) in (None, masked(data))
    if "#" not in text:
        assert lean_text(data) is not None


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ({"encrypted_regex": "^(data|stringData|note)$"}, SECRET.replace("example.test/note", "note")),
        ({"unencrypted_regex": "^(apiVersion|metadata|kind|type|user)$"}, SECRET),
        ({"encrypted_regex": "^(stringData)$"}, SECRET),
        ({"encrypted_regex": "^(data|stringData|kind)$"}, SECRET),
        ({"unencrypted_suffix": "_unencrypted"}, SECRET),
        ({"encrypted_regex": "data"}, SECRET),
    ],
)
def test_the_short_way_leaves_other_selections_to_the_long_one(selector, text):
    data = encrypt(text, selector)
    assert lean_text(data) is None
    # The same with a value that was put in by hand, so that it is plain text.
    plain = re.sub(rb"(?m)^(  user|    note): .*$", rb"\1: throwaway-plain", data)
    assert lean_text(plain) is None


def test_the_short_way_shows_several_documents():
    data = fluxsecrets.encrypt(f"{SECRET}---\n{SECRET}", age=[RECIPIENT, _other()], **SELECTOR)
    assert lean_text(data) == masked(data)


def _other():
    return "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa"


LINES = st.sampled_from(
    [
        b"  leak: throwaway-plain", b"    throwaway-deeper", b"# throwaway-comment",
        b"  # throwaway-comment", b"leak: throwaway-root", b"stringData:", b"data:", b"sops:", b"---",
        b"...", b"%YAML 1.1", b"", b"  ", b"  key: |-", b"  key: >", b'  key: "throwaway',
        b"  ? throwaway", b"  - throwaway", b"\tkey: throwaway", b"  key: &a throwaway", b"  key: *a",
        b"  <<: *a", b"metadata: {a: throwaway}", b"kind: throwaway", b"    recipient: age1throwaway",
        b"  age: []", b"  mac_only_encrypted: true", b"  version: 3.0.0",
        b"      -----END AGE ENCRYPTED FILE-----", b"  unencrypted_suffix: x", b"\x1b[2J", b"\xe2\x80\xae",
        b"\xff", b"    - enc: |", b"{}", b"{stringData: {a: throwaway}}",
        b"  last-applied-configuration: throwaway",
    ]
)  # fmt: skip


@given(st.data())
def test_the_short_way_is_right_or_not_taken(data):
    """Lines are put in, taken out, doubled, moved in or out: it never shows what the long way does not."""
    lines = data.draw(st.sampled_from(BASES)).split(b"\n")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(
            st.sampled_from(["insert", "delete", "double", "indent", "outdent", "swap", "cut"])
        )
        if change == "insert":
            lines.insert(place, data.draw(LINES))
        elif change == "delete":
            del lines[place]
        elif change == "double":
            lines.insert(place, lines[place])
        elif change == "indent":
            lines[place] = b"  " + lines[place]
        elif change == "outdent":
            lines[place] = lines[place].removeprefix(b"  ")
        elif change == "cut":
            lines[place] = lines[place][: data.draw(st.integers(0, 200))]
        else:
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[place], lines[other] = lines[other], lines[place]
        lines = lines or [b""]
    text = b"\n".join(lines)
    assert lean_text(text) in (None, masked(text))


ENCRYPTED = fluxsecrets.encrypt(SECRET, age=[RECIPIENT, _other()], **SELECTOR)


BASES = [
    ENCRYPTED,
    encrypt(
        re.sub("(?m) *#.*$", "", SECRET).lstrip(), {"unencrypted_regex": "^(apiVersion|metadata|kind|type)$"}
    ),
]

DOTENV = fluxsecrets.encrypt(
    "# throwaway\nA=throwaway\n\nB_C=throwaway two\nEMPTY=\n", age=[RECIPIENT, _other()], format="dotenv"
)
DOTENV_LINES = st.sampled_from(
    [
        b"LEAK=throwaway-plain", b"# throwaway-plain", b" # x", b"leak throwaway-plain", b"A=x", b"",
        b"export A=x", b"  ", b"x_unencrypted=y", b"sops_unencrypted_suffix=x", b"sops_mac=x",
        b"sops_x=y", b"sops_version=",
        b"sops_age__list_0__map_recipient=age1x", b"sops_age__list_2__map_recipient=age1x", b"\x1b", b"=",
    ]
)  # fmt: skip


def test_the_short_way_shows_dotenv_files():
    assert lean_text(DOTENV, "a.env") == masked(DOTENV, "a.env")
    assert "A=<str 9-16 " in masked(DOTENV, "a.env")


@given(st.data())
def test_the_short_way_is_right_for_dotenv_files_or_not_taken(data):
    lines = DOTENV.split(b"\n")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["insert", "delete", "double", "swap", "cut"]))
        if change == "insert":
            lines.insert(place, data.draw(DOTENV_LINES))
        elif change == "delete":
            lines = [*lines[:place], *lines[place + 1 :]] or [b""]
        elif change == "double":
            lines.insert(place, lines[place])
        elif change == "cut":
            lines[place] = lines[place][: data.draw(st.integers(0, 200))]
        else:
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[place], lines[other] = lines[other], lines[place]
    text = b"\n".join(lines)
    assert lean_text(text, "a.env") in (None, masked(text, "a.env"))


KINDS = ("str", "int", "float", "bytes", "bool", "time")
CIPHERTEXT = re.search(rb"ENC\[[^\]]*type:str\]", ENCRYPTED)[0].decode()


@given(
    st.integers(0, len(CIPHERTEXT) - 1),
    st.sampled_from(["", "=", "A", ",", "]", "[", ":", " ", "é", "\n", "data:", "type:int]"]),
    st.booleans(),
)
def test_the_short_way_takes_no_text_for_a_ciphertext_that_is_none(place, text, replaced):
    changed = CIPHERTEXT[:place] + text + CIPHERTEXT[place + replaced :]
    try:
        masked_ciphertext(changed, KINDS)
    except OtherFormError:
        return
    assert read_ciphertext(changed) is not None


def test_plain_text_beside_ciphertexts_is_masked(encrypted):
    data = re.sub(rb"user: ENC\[[^\]]*\]", b"user: throwaway-user", encrypted)
    assert lean_text(data) is None
    assert "user: <plain text, str 9-16 TOKEN>" in masked(data)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("secret.yaml", SECRET),
        ("secret.json", '{"apiVersion":"v1","kind":"Secret","metadata":{},"stringData":{"a":"throwaway"}}'),
        ("values.yaml", "a:\n  password: throwaway\nb: [throwaway, 1]\n"),
        (".env", "A=throwaway\n# B=throwaway\n"),
        ("a.ini", "[s]\na = throwaway\n; throwaway\n"),
        ("key.pem", "throwaway\nthrowaway\n"),
        (
            "list.yaml",
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {}\n"
            "  stringData: {a: throwaway}\n",
        ),
        (
            "applied.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  annotations:\n"
            "    kubectl.kubernetes.io/last-applied-configuration: throwaway\n",
        ),
        ("broken.yaml", "apiVersion: v1\nkind: Secret\nstringData: {a: throwaway\n"),
        ("twice.yaml", "apiVersion: v1\nkind: Secret\nstringData: {a: throwaway, a: throwaway}\n"),
        ("broken.json", '{"a": "throwaway"'),
    ],
)
def test_secrets_in_plain_text_are_masked(name, text):
    shown = masked(text, name)
    assert "throwaway" not in shown
    assert "dGhyb3dhd2F5" not in shown
    assert "TOKEN" in shown


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"),
        ("kustomization.yaml", "resources: [a.yaml]\n"),
        (".sops.yaml", "creation_rules: []\n"),
        ("empty.yaml", "\n"),
    ],
)
def test_what_is_not_a_secret_is_shown_as_it_is(name, text):
    assert masked(text, name) is None


def test_sealed_values_are_shortened():
    text = (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\n"
        f"spec:\n  encryptedData:\n    password: {'Ag' * 400}\n"
    )
    assert re.search(r"password: <sealed [a-z2-7]{13}>\n", masked(text))


@pytest.mark.parametrize("name", ["a.json", "a.env", "a.ini", "a.conf"])
def test_every_format_is_masked(name):
    plain = {
        "a.json": '{"a": {"b": "throwaway"}}', "a.env": "A=throwaway\n", "a.ini": "[s]\na = throwaway\n",
        "a.conf": "throwaway\n",
    }[name]  # fmt: skip
    format_ = {"a.json": "json", "a.env": "dotenv", "a.ini": "ini", "a.conf": "binary"}[name]
    data = fluxsecrets.encrypt(plain, age=[RECIPIENT], format=format_)
    shown = masked(data, name)
    assert "ENC[" not in shown
    assert re.search(r"<str [0-9-]+ [a-z2-7]{13}>", shown)
    assert shown.splitlines()[-1].startswith(f"[sops] {RECIPIENT}")


def test_key_groups_and_a_missing_mac_are_shown(encrypted):
    data = re.sub(rb"  mac: .*\n", b"", encrypted)
    assert "[sops] no MAC\n" in masked(data)


def test_blocks_that_differ_between_documents_are_shown():
    one = fluxsecrets.encrypt(SECRET, age=[RECIPIENT], **SELECTOR)
    two = fluxsecrets.encrypt(SECRET, age=[_other()], **SELECTOR)
    shown = masked(one + b"---\n" + two)
    assert lean_text(one + b"---\n" + two) is None
    assert "[sops] of document 2:\n" in shown
    assert shown.splitlines()[-1].startswith(f"[sops] {_other()}")


def test_ciphertexts_without_a_block_are_said(encrypted):
    data = encrypted.partition(b"sops:")[0]
    shown = masked(data)
    assert shown.endswith("[sops] missing\n")
    assert "ENC[" not in shown


def test_the_token_of_plain_text_belongs_to_this_machine(tmp_path):
    here, there = ({"XDG_CACHE_HOME": str(tmp_path / name)} for name in ("a", "b"))
    token = plain_token(here)(b"throwaway")
    assert token == plain_token(here)(b"throwaway") != plain_token(there)(b"throwaway")
    assert plain_token({"XDG_CACHE_HOME": "/dev/null"})(b"throwaway") == ""
    assert (tmp_path / "a" / "fluxsecrets" / "textconv.key").stat().st_mode & 0o77 == 0
