"""The last check before a file is written: its quick way says nothing else than the long one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FluxsecretsError, UnprotectedError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.files.verification import Expected, is_verified_beside, verify, verify_whole
from fluxsecrets.records import replace
from fluxsecrets.sops.cipher import Cipher, DataKey, additional_data
from fluxsecrets.sops.document import Comment
from fluxsecrets.sops.encryption import encrypt_document
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.mac import seal_mac
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec, compile_selector

KEY = DataKey(b"k" * 32)
NOW = "2026-11-30T00:00:00Z"
SECRET = """# of the shop
apiVersion: v1
kind: Secret
metadata:
  name: shop # its name
  labels:
    # inside
    a: b

  # behind
stringData:
  user: shop
  # about the next
  password: "throwaway" # changed often
  single: 'it''s'

  # far
  config.yaml: |
    a: 1
    # in the text
    b: 2
  folded: >-
    a
    b
# last
"""
TYPES = """a:
  i: 0x1F
  f: 1.50
  t: 2026-11-30
  b: true
  n: null
  e: ""
  u: ünï
  big: .inf
list:
  - x
  - - y
    # in a list
    - z: 1
  - 2
plain: 5
other: 5
again: x
"""
DOCUMENTS = "a: x\n# one\n---\n# two\nb: y\nc: x\n---\nd: 1\n"
TEXTS = [SECRET, TYPES, DOCUMENTS, "a: x\n", "a: 'x'\r\nb: y # c\r\n", "\n\na:\n- b: x\n  c: y\n"]
SPECS = [
    SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(data|stringData|a|list|b)$"),
    SelectorSpec(SelectorKind.UNENCRYPTED_SUFFIX, "_unencrypted"),
    SelectorSpec(SelectorKind.UNENCRYPTED_REGEX, "^(plain|user|c|labels)$"),
]


def metadata_with(spec, mac, **more):
    enc = "-----BEGIN AGE ENCRYPTED FILE-----\nYWJj\n-----END AGE ENCRYPTED FILE-----\n"
    keys = (WrappedKey(Recipient("age", "age1abc"), enc), WrappedKey(Recipient("age", "age1def"), enc))
    return Metadata((KeyGroup(keys),), spec, NOW, mac, **more)


def made(text, spec=SPECS[0], format_="yaml", **more):
    """Format, plain document, encrypted text, and what its block says."""
    made_by = make_format(format_)
    plain = made_by.parse(text.encode(), Limits())
    only = more.get("mac_only_encrypted", False)
    encrypted = encrypt_document(plain, compile_selector(spec), KEY, mac_only_encrypted=only)
    metadata = metadata_with(spec, seal_mac(encrypted.digest, NOW, Cipher(KEY)), **more)
    return made_by, plain, made_by.rewrite(plain, encrypted.changes, metadata), metadata


def quick(made_by, plain, data, metadata):
    return is_verified_beside(made_by, Expected(plain, KEY, metadata), data, Limits())


def whole(made_by, plain, data, metadata):
    try:
        verify_whole(made_by, Expected(plain, KEY, metadata), data, Limits())
    except FluxsecretsError:
        return False
    return True


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("only", [False, True])
def test_the_quick_way_does_for_common_texts(text, spec, only):
    try:
        file = made(text, spec, mac_only_encrypted=only)
    except UnprotectedError:
        return
    assert quick(*file)
    assert whole(*file)


def test_a_block_with_key_groups_is_common():
    made_by, plain, _, metadata = made(SECRET)
    group = metadata.key_groups[0]
    metadata = replace(metadata, key_groups=(group, group), shamir_threshold=2)
    encrypted = encrypt_document(plain, compile_selector(SPECS[0]), KEY)
    metadata = replace(metadata, mac=seal_mac(encrypted.digest, NOW, Cipher(KEY)))
    data = made_by.rewrite(plain, encrypted.changes, metadata)
    read = made_by.parse(data, Limits()).metadata
    assert whole(made_by, plain, data, metadata)
    assert quick(made_by, plain, data, read)


def lines_of(text):
    return text.splitlines(keepends=True)


def edited(draw, text):
    """The text with one change, which may be harmless."""
    lines = lines_of(text)
    one, two = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    way = draw(st.integers(0, 13))
    if way == 0:
        lines[one], lines[two] = lines[two], lines[one]
    elif way == 1:
        del lines[min(one, two) : max(one, two)]
    elif way == 2:
        lines.insert(one, lines[two])
    elif way == 3:
        lines.insert(
            one, draw(st.sampled_from(["\n", "# new\n", "  # new\n", "#\n", "  \n", "---\n", "...\n"]))
        )
    elif way == 4:
        lines[one] = draw(st.sampled_from([" ", "  ", "- ", "# ", "&a ", "!!str ", "? "])) + lines[one]
    elif way == 5:
        lines[one] = lines[one][draw(st.integers(1, 3)) :]
    elif way == 6:
        end = draw(st.sampled_from([" # new", " ", ":", " &a", "x", "\r", "\t"]))
        lines[one] = lines[one].rstrip("\n") + end + "\n"
    elif way == 7:  # values or comments change places
        parts = [line.partition(draw(st.sampled_from([": ", "#"]))) for line in (lines[one], lines[two])]
        lines[one] = parts[0][0] + parts[0][1] + parts[1][2]
        lines[two] = parts[1][0] + parts[1][1] + parts[0][2]
    elif way == 8:
        old = draw(st.sampled_from(["str", "int", "float", "bool", "time", "comment"]))
        new = draw(st.sampled_from(["str", "int", "bytes", "bool", "comment"]))
        lines[one] = lines[one].replace(f"type:{old}", f"type:{new}")
    elif way == 9:
        key, colon, value = lines[one].rstrip("\n").partition(": ")
        sign = draw(st.sampled_from(["'", '"', "|-", "!!str ", "*a", "{}", "~"]))
        wrapped = f"{sign}{value}{sign}" if sign in "'\"" else sign + (value if sign.endswith(" ") else "")
        lines[one] = f"{key}{colon}{wrapped}\n"
    elif way == 10:
        lines[one] = draw(st.sampled_from(["x: y\n", "  x: y\n", "<<: {a: b}\n", "sops: {}\n", "- x\n"]))
    elif way == 11:
        moved = lines.pop(one)
        lines.insert(two, moved)
    elif way == 12:
        old = draw(
            st.sampled_from(["2026", "age1abc", "3.13", "YWJj", "regex", "mac:", "0x1F", "1.50", "5", "x"])
        )
        lines[one] = lines[one].replace(
            old, draw(st.sampled_from(["2027", "age1abd", "31", "1.5", "6", "", "X"]))
        )
    else:
        line = lines[one]
        at = draw(st.integers(0, len(line) - 1))
        lines[one] = line[:at] + draw(st.characters(codec="utf-8")) + line[at + 1 :]
    return "".join(lines) or "x"


FILES = [made(text, spec) for text in TEXTS for spec in SPECS[1:]] + [made(SECRET)]


@given(st.data())
def test_what_the_quick_way_passes_the_long_way_passes(data):
    made_by, plain, encrypted, metadata = data.draw(st.sampled_from(FILES))
    text = encrypted.decode()
    for _ in range(data.draw(st.integers(1, 3))):
        text = edited(data.draw, text)
    file = made_by, plain, text.encode(), metadata
    if quick(*file):
        assert whole(*file)


@given(st.data())
def test_bytes_that_change_are_found_as_before(data):
    made_by, plain, encrypted, metadata = data.draw(st.sampled_from(FILES))
    at = data.draw(st.integers(0, len(encrypted) - 1))
    changed = bytearray(encrypted)
    changed[at] ^= data.draw(st.integers(1, 255))
    file = made_by, plain, bytes(changed), metadata
    if quick(*file):
        assert whole(*file)


@pytest.mark.parametrize("format_", ["yaml", "json"])
def test_a_mac_of_other_values_is_found(format_):
    """It is the one that was meant, and all else is as it should be: nobody could read the file."""
    made_by, plain, _, _ = made(
        '{"a": "throwaway", "plain": 5}' if format_ == "json" else SECRET, SPECS[1], format_
    )
    encrypted = encrypt_document(plain, compile_selector(SPECS[1]), KEY)
    for digest, right in ((encrypted.digest, True), ("0" * len(encrypted.digest), False)):
        metadata = metadata_with(SPECS[1], seal_mac(digest, NOW, Cipher(KEY)))
        file = made_by, plain, made_by.rewrite(plain, encrypted.changes, metadata), metadata
        assert whole(*file) == right
        assert right or not quick(*file)


@pytest.mark.parametrize("format_", ["yaml", "json"])
@pytest.mark.parametrize(
    "change",
    [
        {"lastmodified": "2026-11-30T00:00:01Z"},
        {"mac": None},
        {"mac_only_encrypted": True},
        {"version": "3.9.0"},
        {"selector": SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(stringData|data|a|list|b)$")},
        {"key_groups": (KeyGroup((WrappedKey(Recipient("age", "age1abc"), "other"),)),)},
        {"unknown": (("later", "x"),)},
    ],
)
def test_another_block_than_was_meant_is_found(format_, change):
    text = '{"a": "throwaway", "plain": 5}' if format_ == "json" else SECRET
    made_by, plain, data, metadata = made(text, format_=format_)
    verify(made_by, Expected(plain, KEY, metadata), data, Limits())
    with pytest.raises(UnprotectedError, match="its own check"):
        verify(made_by, Expected(plain, KEY, replace(metadata, **change)), data, Limits())


@pytest.mark.parametrize("drop", [True, False])
def test_each_document_has_the_same_block(drop):
    made_by, plain, data, metadata = made(DOCUMENTS)
    first, second, third = data.decode().split("\n---\n")
    other = second.split("sops:")[0] if drop else second.replace("3.13", "3.12")
    changed = "\n---\n".join((first, other, third)).encode()
    with pytest.raises(UnprotectedError, match="its own check"):
        verify(made_by, Expected(plain, KEY, metadata), changed, Limits())


DOTENV = "# about a\na=x\n\n# about b\nb=y\n"
INI = "; about a\n[a]\n; inside\nb = x\n"
COMMENTED = [
    *[made(text, spec) for text in (SECRET, TYPES) for spec in SPECS],
    *[made(DOCUMENTS, spec) for spec in SPECS[1:]],
    made(SECRET, SelectorSpec(SelectorKind.UNENCRYPTED_COMMENT_REGEX, "^ (far|last|inside)$")),
    made(DOTENV, SPECS[1], "dotenv"),
    made(INI, SPECS[1], "ini"),
]


def ciphertexts_among_comments(made_by, data):
    return [
        item
        for item in made_by.parse(data, Limits()).items
        if isinstance(item, Comment) and is_ciphertext(item.text)
    ]


@given(st.data())
def test_a_comment_that_was_not_encrypted_is_found_in_either_way(data):
    made_by, plain, encrypted, metadata = data.draw(st.sampled_from(COMMENTED))
    comment = data.draw(st.sampled_from(ciphertexts_among_comments(made_by, encrypted)))
    texts = [item.text for item in plain.items if isinstance(item, Comment)]
    text = encrypted.decode()
    changed = text[: comment.start] + data.draw(st.sampled_from(texts)) + text[comment.end :]
    file = made_by, plain, changed.encode(), metadata
    assert not quick(*file)
    assert not whole(*file)


@pytest.mark.parametrize("file", COMMENTED)
def test_each_comment_alone_is_found(file):
    made_by, plain, encrypted, metadata = file
    assert whole(*file)
    cipher, text = Cipher(KEY), encrypted.decode()
    found = ciphertexts_among_comments(made_by, encrypted)
    assert found
    for comment in found:
        opened, _ = cipher.decrypt_bytes(comment.text.strip(), additional_data(comment.path))
        changed = text[: comment.start] + opened.decode() + text[comment.end :]
        with pytest.raises(UnprotectedError, match="a comment should be encrypted and is plain text"):
            verify(made_by, Expected(plain, KEY, metadata), changed.encode(), Limits())


def test_a_comment_without_text_stays_as_it_is():
    file = made("#\na: x #\n# b\n", SPECS[1])
    assert quick(*file)
    assert whole(*file)
