import re

import pytest
from hypothesis import assume, given

from fluxsecrets.errors import AlreadyEncryptedError, FluxsecretsError, UnprotectedError
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, SelectorKind, SelectorSpec
from strategies import yaml_files

YAML = YamlFormat()
DATA = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^data$")
PLAIN = b"# about\nkind: Secret\ndata:\n  # inside\n  a: one\n  b: two # behind\n  empty: ''\n  none: null\n"
CIPHERTEXT = re.compile(rb"ENC\[AES256_GCM[^\]]*\]")


def test_only_selected_values_and_comments_are_encrypted(core):
    encrypted = core.encrypt(PLAIN, DATA)
    head = encrypted.split(b"\nsops:")[0]
    assert CIPHERTEXT.sub(b"ENC", head) == (
        b"# about\nkind: Secret\ndata:\n  #ENC\n  a: ENC\n  b: ENC #ENC\n  empty: ''\n  none: null"
    )
    assert core.decrypt(encrypted) == PLAIN


def test_comments_at_the_root_are_bound_to_it(core):
    encrypted = core.encrypt(b"# at the root\na: b\n")
    assert b"at the root" not in encrypted
    opened = core.open(encrypted)
    assert (opened.warnings, core.decrypt(encrypted)) == ((), b"# at the root\na: b\n")


def test_a_comment_with_several_lines_stays_a_comment(core):
    """INI files have them, and sops converts files."""
    encrypted = core.encrypt(b"a:\n  # first\n  b: c\n")
    opened = core.open(encrypted)
    changes = [
        type(change)(change.target, " first\nsecond: x", False) if change.value == " first" else change
        for change in opened.changes
    ]
    assert YAML.rewrite(opened.document, changes, None) == b"a:\n  # first\n  #second: x\n  b: c\n"


@pytest.mark.parametrize("where", ["kind", "data"])
def test_a_ciphertext_in_a_plain_file_is_refused(core, where):
    ciphertext = CIPHERTEXT.search(core.encrypt(b"data: x\n"))[0]
    plain = {
        "kind": b"kind: " + ciphertext + b"\ndata: x\n",
        "data": b"data: '" + ciphertext + b"'\n",
    }[where]
    with pytest.raises(AlreadyEncryptedError, match="is a SOPS ciphertext"):
        core.encrypt(plain, DATA)


@pytest.mark.parametrize("selector", [DATA, DEFAULT_SELECTOR])
def test_a_comment_that_is_a_ciphertext_stays_as_it_is(core, selector):
    """`decrypt -i` leaves it, so that `encrypt` must go on from there; encrypted twice it would be lost."""
    comment = b"#" + CIPHERTEXT.search(core.encrypt(b"data: x\n"))[0]
    plain = comment + b"\ndata: x\n"
    encrypted = core.encrypt(plain, selector)
    assert encrypted.startswith(comment + b"\ndata: ENC")
    opened = core.open(encrypted)
    assert core.decrypt(encrypted) == plain
    assert [warning.partition(" is ")[0] for warning in opened.warnings] == ["the comment on line 1"]


def test_an_encrypted_file_is_not_encrypted_again(core):
    with pytest.raises(AlreadyEncryptedError):
        core.encrypt(core.encrypt(PLAIN, DATA), DATA)


@pytest.mark.parametrize(
    ("kind", "pattern", "plain", "why"),
    [
        (SelectorKind.ENCRYPTED_REGEX, "^data$", b"kind: Secret\n", "matches none of its keys"),
        (SelectorKind.UNENCRYPTED_SUFFIX, "_plain", b"note_plain: x\n", "matches a key above every value"),
        (SelectorKind.ENCRYPTED_COMMENT_REGEX, "secret", b"a: b\n", "matches no comment above a value"),
        (
            SelectorKind.UNENCRYPTED_COMMENT_REGEX,
            "public",
            b"# public\na: b\n",
            "matches a comment above every value",
        ),
    ],
)
def test_a_selector_that_selects_nothing_is_refused(core, kind, pattern, plain, why):
    with pytest.raises(UnprotectedError, match=f"encrypt nothing.*{why}"):
        core.encrypt(plain, SelectorSpec(kind, pattern))


@pytest.mark.parametrize(
    "plain", [b"{}\n", b"x: {}\n", b"x: [] # none yet\n", b"# about\n{}\n", b"---\n{}\n"]
)
def test_a_file_without_values_is_encrypted_as_sops_does(core, plain):
    encrypted = core.encrypt(plain)
    assert b"about" not in encrypted
    assert core.decrypt(encrypted) == plain


def test_a_comment_regex_that_matches_ciphertexts_is_refused(core):
    selector = SelectorSpec(SelectorKind.UNENCRYPTED_COMMENT_REGEX, "ENC")
    with pytest.raises(UnprotectedError, match="matches encrypted comments"):
        core.encrypt(b"# a\nb: c\n", selector)


def test_unchanged_values_keep_their_ciphertext(core):
    before = core.encrypt(PLAIN, DATA)
    after = core.encrypt(PLAIN.replace(b"two", b"three"), DATA, previous=core.open(before))
    changed = [new for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
    assert [line.split(b":")[0].strip() for line in changed] == [b"b", b"mac"]


@given(yaml_files())
def test_decrypting_gives_the_file_back_byte_for_byte(core, plain):
    encrypted = core.encrypt_if_any(plain)
    assume(encrypted is not None)
    assert core.decrypt(encrypted) == plain
    assert core.open(encrypted).warnings == ()


MARKER = "m4rk3r"


@given(yaml_files())
def test_no_error_shows_a_value(core, plain):
    text = plain.decode().replace("text", MARKER).replace("password", MARKER)
    broken = (
        f"{text}\n{MARKER}\n  x: {{".encode(),
        f"{text[: len(text) // 2]}{MARKER}\0".encode(),
        f'{text}\n"{MARKER}'.encode(),
        f"{text}\nx: *{MARKER}\n".encode(),
        f"x: !!int {MARKER}\n".encode(),
        f"x: !!binary {MARKER}=\n".encode(),
        f"x: {MARKER}\n\xff".encode("latin-1", "replace"),
        text.encode("utf-16"),
    )
    for content in broken:
        with pytest.raises(FluxsecretsError) as caught:
            core.encrypt(content)
        error = caught.value
        while error is not None:
            shown = f"{error!s} {error!r} {getattr(error, 'details', '')} {getattr(error, 'hint', '')}"
            assert MARKER not in shown
            error = error.__cause__ or error.__context__
