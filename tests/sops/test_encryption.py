import hashlib
import re

import pytest
from hypothesis import assume, given

from fluxsecrets.errors import (
    AlreadyEncryptedError,
    FluxsecretsError,
    FormatError,
    IntegrityError,
    NotEncryptedError,
    UnprotectedError,
)
from fluxsecrets.records import replace
from fluxsecrets.sops.cipher import Cipher, DataKey
from fluxsecrets.sops.document import Leaf
from fluxsecrets.sops.encryption import MacHash, check_mac, open_document, seal_mac, selected
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, SelectorKind, SelectorSpec, compile_selector
from strategies import yaml_files
from tables import each_row

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


def test_a_comment_that_was_added_by_hand_stays_and_is_mentioned(core):
    encrypted = core.encrypt(b"a: b\n").replace(b"a: ENC", b"# new\na: ENC")
    assert core.open(encrypted).warnings == ("the comment on line 1 is not encrypted",)
    assert core.decrypt(encrypted) == b"# new\na: b\n"


def test_a_comment_with_several_lines_stays_a_comment(core):
    """INI files have them, and sops converts files."""
    encrypted = core.encrypt(b"a:\n  # first\n  b: c\n")
    opened = core.open(encrypted)
    changes = [
        type(change)(change.target, " first\nsecond: x", False) if change.value == " first" else change
        for change in opened.changes
    ]
    assert YAML.rewrite(opened.document, changes, None) == b"a:\n  # first\n  #second: x\n  b: c\n"


@pytest.mark.parametrize("mac_only_encrypted", [False, True])
def test_unencrypted_values_are_covered_unless_said_otherwise(core, mac_only_encrypted):
    encrypted = core.encrypt(PLAIN, DATA, mac_only_encrypted=mac_only_encrypted)
    changed = encrypted.replace(b"kind: Secret", b"kind: Secreu")
    if mac_only_encrypted:
        assert b"Secreu" in core.decrypt(changed)
    else:
        with pytest.raises(IntegrityError, match="MAC does not match"):
            core.open(changed)


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        (rb"  a: ENC\[[^\n]*", b"  a: plain", "data.a should be encrypted and is plain text", 5),
        (rb"  a: ENC\[[^\n]*", b"  a: 5", "data.a should be encrypted and is plain text", 5),
        (rb"  a: ENC\[AES256_GCM,data:", b"  a: ENC[AES256_GCM,data:AAAA", "data.a cannot be decrypted", 5),
        (rb"  a: ", b"  c: ", "data.c cannot be decrypted", 5),
        (rb"  a: ENC[^\n]*\n", b"", "MAC does not match", None),
        (rb"  empty: ''", b"  empty: x", "data.empty should be encrypted", 7),
        (rb"kind: Secret", b"kind: &k Secret\nmore: *k", "MAC does not match", None),
        (rb"    mac: [^\n]*\n", b"", "no MAC", None),
    ],
)
def test_what_was_changed_is_refused(core, old, new, message, line):
    encrypted = core.encrypt(PLAIN, DATA)
    changed = re.sub(old, new, encrypted.replace(b"\n  ", b"\n  "))
    changed = changed if changed != encrypted else re.sub(rb"\n  mac: [^\n]*", b"", encrypted)
    with pytest.raises(IntegrityError, match=message) as caught:
        core.open(changed)
    assert caught.value.line == line


def test_an_alias_of_an_encrypted_value_is_refused(core):
    encrypted = core.encrypt(b"data:\n  a: one\nplain: x\n", DATA)
    changed = encrypted.replace(b"  a: ENC", b"  a: &a ENC").replace(b"plain: x", b"plain: *a")
    with pytest.raises(IntegrityError, match="alias of an encrypted value"):
        core.open(changed)


def test_another_key_opens_nothing(core):
    document = YAML.parse(core.encrypt(PLAIN, DATA), Limits())
    with pytest.raises(IntegrityError):
        open_document(document, compile_selector(DATA), DataKey.generate())


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


def test_a_comment_that_was_moved_out_of_its_map_stays_a_ciphertext(core):
    encrypted = core.encrypt(b"data:\n  # inside\n  a: b\nother: c\n", DATA)
    lines = encrypted.split(b"\n")
    assert lines[1].startswith(b"  #ENC")
    moved = b"\n".join([lines[1].strip(), lines[0], *lines[2:]])
    opened = core.open(moved)
    assert [change.value for change in opened.changes] == ["b"]
    assert core.decrypt(moved) == lines[1].strip() + b"\ndata:\n  a: b\nother: c\n"


def test_an_encrypted_file_is_not_encrypted_again(core):
    with pytest.raises(AlreadyEncryptedError):
        core.encrypt(core.encrypt(PLAIN, DATA), DATA)


def test_a_plain_file_is_not_opened(core):
    with pytest.raises(NotEncryptedError, match="is not encrypted"):
        open_document(YAML.parse(PLAIN, Limits()), compile_selector(DATA), core.key)


def test_a_file_without_its_block_is_not_called_plain(core):
    cut_off = core.encrypt(PLAIN, DATA).split(b"sops:")[0]
    with pytest.raises(NotEncryptedError, match="sops block is missing"):
        open_document(YAML.parse(cut_off, Limits()), compile_selector(DATA), core.key)


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


@pytest.mark.parametrize(("before", "after"), [("", "{}\n"), ("# about\n", "# about\n{}\n")])
def test_a_block_alone_is_an_empty_map(core, before, after):
    """sops writes `{}` so."""
    text = core.encrypt(b"a: b\nc: {}\n").decode()
    document = YAML.parse(f"{before}{text[text.index('sops:') :]}".encode(), Limits())
    assert YAML.rewrite(document, (), None).decode() == after


def test_a_comment_regex_that_matches_ciphertexts_is_refused(core):
    selector = SelectorSpec(SelectorKind.UNENCRYPTED_COMMENT_REGEX, "ENC")
    with pytest.raises(UnprotectedError, match="matches encrypted comments"):
        core.encrypt(b"# a\nb: c\n", selector)


@pytest.mark.parametrize(
    ("kind", "plain_lines"),
    [
        (SelectorKind.ENCRYPTED_COMMENT_REGEX, [b"# up: mark", b"a: 1", b"c: 3", b"  y: 4"]),
        (SelectorKind.UNENCRYPTED_COMMENT_REGEX, [b"# up: mark", b"b: 2", b"d:", b"  # in"]),
    ],
)
def test_comment_selectors_cover_what_is_below(core, kind, plain_lines):
    plain = b"a: 1\n# up: mark\nb: 2\nc: 3\n# up: mark\nd:\n  # in\n  x: 4\ne:\n  y: 4\n"
    encrypted = core.encrypt(plain, SelectorSpec(kind, "mark"))
    assert core.decrypt(encrypted) == plain
    for line in plain_lines:
        assert (b"\n" + encrypted).count(b"\n" + line) >= 1


def test_thousands_of_comments_in_a_row_are_no_burden(core):
    plain = b"data:\n" + b"  # note\n" * 5000 + b"  a: b\n"
    selector = SelectorSpec(SelectorKind.ENCRYPTED_COMMENT_REGEX, "note")
    assert core.decrypt(core.encrypt(plain, selector)) == plain


def test_unchanged_values_keep_their_ciphertext(core):
    before = core.encrypt(PLAIN, DATA)
    after = core.encrypt(PLAIN.replace(b"two", b"three"), DATA, previous=core.open(before))
    changed = [new for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
    assert [line.split(b":")[0].strip() for line in changed] == [b"b", b"mac"]


@given(yaml_files())
def test_decrypting_gives_the_file_back_byte_for_byte(core, plain):
    encrypted = encrypt_if_any(core, plain)
    assume(encrypted is not None)
    assert core.decrypt(encrypted) == plain
    assert core.open(encrypted).warnings == ()


@given(yaml_files())
def test_the_opened_parts_hold_what_the_plain_file_holds(core, plain):
    encrypted = encrypt_if_any(core, plain)
    assume(encrypted is not None)
    opened = core.open(encrypted)
    expected = YamlFormat().parse(core.decrypt(encrypted), Limits())
    found = replace(opened.document, parts=opened.plain)
    assert [(leaf.path, leaf.value) for leaf in found.leaves] == [
        (leaf.path, leaf.value) for leaf in expected.leaves
    ]
    changed = {id(change.target): change.value for change in opened.changes}
    if not any(getattr(item, "alias", False) for item in opened.document.items):
        places = [
            (item.path, item.start, changed.get(id(item), held(item)[2])) for item in opened.document.items
        ]
        assert places == [(item.path, item.start, held(item)[2]) for item in found.items]


def held(item):
    """What a value or comment holds, wherever it stands."""
    return type(item), item.path, item.value if isinstance(item, Leaf) else item.text


@pytest.mark.parametrize("kind", [kind for kind in SelectorKind if not kind.value.endswith("comment_regex")])
@pytest.mark.parametrize("pattern", ["a", "b", "_unencrypted", "<<", "x"])
@given(plain=yaml_files())
def test_the_keys_of_a_path_decide(kind, pattern, plain):
    selector = compile_selector(SelectorSpec(kind, pattern))
    document = YamlFormat().parse(plain, Limits())
    assert selected(document, selector) == [(item, selector.encrypts(item.path)) for item in document.items]


@each_row(
    ("format_name", "text"),
    [
        ("yaml", b"a: &x\n  b: [c, {d: e}]\nf:\n  <<: *x\n  g: *x\n"),
        ("json", b'{"a": [{"b": 1}, [2, {"c": 3}]], "d": {"a": {"e": 4}}}'),
        ("ini", b"; x\na = 1\n\n[b]\n; y\na = 2\nc = 3\n"),
        ("dotenv", b"# x\na=1\nb=2\n"),
    ],
)
@each_row("pattern", ["^a$", "b", "c|e", "<<", "DEFAULT"])
def test_the_keys_of_a_path_decide_in_every_format(format_name, text, pattern):
    selector = compile_selector(SelectorSpec(SelectorKind.ENCRYPTED_REGEX, pattern))
    document = make_format(format_name).parse(text, Limits())
    assert selected(document, selector) == [(item, selector.encrypts(item.path)) for item in document.items]


def encrypt_if_any(core, plain):
    """The encrypted file, or None where there is nothing to encrypt."""
    try:
        return core.encrypt(plain)
    except (FormatError, UnprotectedError) as error:
        if "no YAML values" in error.message or "encrypt nothing" in error.message:
            return None
        raise


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


def test_no_error_shows_what_was_decrypted(core):
    encrypted = core.encrypt(f"a: {MARKER}\n".encode()).replace(b"type:str]\nsops", b"type:int]\nsops")
    with pytest.raises(IntegrityError, match="not of its type int") as caught:
        core.open(encrypted)
    error = caught.value
    while error is not None:
        assert MARKER not in f"{error!s} {error!r} {getattr(error, 'details', '')}"
        error = error.__cause__ or error.__context__


CIPHER = Cipher(DataKey(b"throw-away key for these tests!!"))
TIME = "2026-11-23T10:11:12Z"


def test_the_hash_takes_canonical_bytes():
    mac = MacHash(only_encrypted=False)
    for value in ("a", 31, 1.0, True, None, ""):
        mac.add(value)
    assert mac.digest() == hashlib.sha512(b"a311True").hexdigest().upper()


def test_the_hash_over_encrypted_values_alone_starts_elsewhere():
    assert MacHash(only_encrypted=True).digest() != MacHash(only_encrypted=False).digest()


def test_borders_between_values_are_not_covered():
    """A limit of SOPS's format that the documentation names."""
    digests = []
    for values in (("ab", "c"), ("a", "bc")):
        mac = MacHash(only_encrypted=False)
        for value in values:
            mac.add(value)
        digests.append(mac.digest())
    assert digests[0] == digests[1]


def test_a_sealed_mac_is_accepted():
    check_mac("AB12", seal_mac("AB12", TIME, CIPHER), TIME, CIPHER)


@pytest.mark.parametrize("same", ["2026-11-23T10:11:12.9Z", "2026-11-23T10:11:12+00:00"])
def test_lastmodified_is_formatted_again_as_in_go(same):
    check_mac("AB12", seal_mac("AB12", TIME, CIPHER), same, CIPHER)


@pytest.mark.parametrize(
    ("mac", "time", "message"),
    [
        (None, TIME, "has no MAC"),
        ("", TIME, "has no MAC"),
        ("nonsense", TIME, "MAC itself was changed"),
        (seal_mac("AB12", TIME, CIPHER), "2026-11-23T10:11:13Z", "lastmodified was"),
        (seal_mac("AB13", TIME, CIPHER), TIME, "does not match"),
    ],
)
def test_another_mac_is_refused(mac, time, message):
    with pytest.raises(IntegrityError, match=message):
        check_mac("AB12", mac, time, CIPHER)
