"""Encrypted files of every format, changed by hand: what is authenticated and what is not; what stays stable.

docs/threat-model.md lists what is not; each point of it is pinned here.
"""

import json
import re
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import scaled
from fluxsecrets.errors import FluxsecretsError, IntegrityError
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.sops.cipher import additional_data
from fluxsecrets.sops.document import Comment, Document, Leaf, to_data
from fluxsecrets.sops.formats import FORMATS, Limits, make_format
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec
from fluxsecrets.sops.values import canonical_bytes
from fuzzing.invariants import PROVIDERS
from strategies import YamlWriter

GROUPS = ((Recipient("age", "age1throwaway"),),)
TIMES = ("2026-11-23T10:11:12Z", "2026-11-24T10:11:12Z")
WORDS = ("alpha", "beta", "g4mma", "delta", "5", "", "true", "x y", "ключ")
CIPHERTEXT = re.compile(r"ENC\[[^\]]*\]")


def encrypt(kind, plain, *, previous=None, now=TIMES[0], **policy):
    """A whole encrypted file."""
    return encrypt_content(
        make_format(kind),
        plain,
        Policy(GROUPS, **policy),
        PROVIDERS,
        now=now,
        limits=Limits(),
        kubernetes=False,
        previous=previous,
    ).data


def opened(kind, data):
    return open_file(make_format(kind), data, PROVIDERS, Limits())


def data_of(file):
    return [to_data(part) for part in file.parts]


def authenticated(file):
    """All that the MAC and the values' own tags vouch for: each value's place, and all bytes in order.

    Values whose bytes read the same in another order may be exchanged, each with its key.
    """
    changes = [
        (additional_data(change.target.path), canonical_bytes(change.value))
        for change in file.opened.changes
        if isinstance(change.target, Leaf) and not change.becomes_comment
    ]
    plain = (leaf for part in file.parts for leaf in Document("", "", (part,), None).leaves)
    return sorted(changes), b"".join(canonical_bytes(leaf.value) for leaf in plain)


def written(kind, random):
    """A plain file of a format."""
    keys = [f"k{number}" for number in range(random.randint(1, 6))]
    words = {key: random.choice(WORDS) for key in keys}
    if kind == "yaml":
        return YamlWriter(random).file()
    if kind == "json":
        return json.dumps({**words, "m": {**words, "l": [1, [True, "t"], None]}}, indent=2).encode()
    if kind == "dotenv":
        return ("# note\n" + "".join(f"{key}={word}\n" for key, word in words.items())).encode()
    if kind == "ini":
        lines = "".join(f"{key} = {word}\n" for key, word in words.items())
        return f"; note\n[s]\n{lines}\n[t]\nlast = x\n".encode()
    return random.randbytes(random.randint(1, 40))


def tampered(text, random):
    """The text with something in it changed, as somebody would who cannot encrypt."""
    lines = text.split("\n")
    found = list(CIPHERTEXT.finditer(text))
    one, other = random.choice(range(len(lines))), random.choice(range(len(lines)))
    match random.randrange(7):
        case 0 if len(found) > 1:  # another's ciphertext
            first, second = random.sample(found, 2)
            return text[: first.start()] + second[0] + text[first.end() :]
        case 1 if found:  # plain text
            first = random.choice(found)
            return text[: first.start()] + random.choice(("plain", "5", "ENC[]")) + text[first.end() :]
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case 3:
            del lines[one]
        case 4:
            lines.insert(other, lines[one])
        case 5:
            place = random.randrange(len(text) + 1)
            return text[:place] + random.choice("aA0 =:,\"'\n#-") + text[place:]
        case _:
            place = random.randrange(len(text))
            return text[:place] + random.choice("aA0B+/=") + text[place + 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=scaled(25))
@given(seed=st.integers(0, 2**32))
def test_no_change_gives_other_values(kind, seed):
    random = Random(seed)
    try:
        data = encrypt(kind, written(kind, random))
    except FluxsecretsError:
        return  # nothing in it to encrypt
    before = authenticated(opened(kind, data))
    for _ in range(10):
        changed = tampered(data.decode(), random).encode()
        try:
            after = opened(kind, changed)
        except FluxsecretsError:
            continue
        assert authenticated(after) == before, changed.decode()


@pytest.mark.parametrize(
    ("kind", "plain", "comment", "value"),
    [
        ("dotenv", b"# note\nKEY=throwaway\n", "#{}", "={}"),
        ("yaml", b"# note\nkey: throwaway\n", "#{}", '"": {}'),
        ("yaml", b"map:\n  # note\n  key: throwaway\n", "#{}", '"": {}'),
        ("ini", b"[s]\n; note\nkey = throwaway\n", "; {}", " = {}"),
    ],
)
def test_a_comment_does_not_become_a_value(kind, plain, comment, value):
    """The path of a comment at the top is that of an empty key there, and no MAC counts comments."""
    data = encrypt(kind, plain).decode()
    ciphertext = next(found[0] for found in CIPHERTEXT.finditer(data) if "type:comment" in found[0])
    written_as_comment = comment.format(ciphertext)
    assert written_as_comment in data
    changed = data.replace(written_as_comment, value.format(ciphertext), 1)
    with pytest.raises(FluxsecretsError) as caught:
        opened(kind, changed.encode())
    assert "note" not in str(caught.value)


def moved_comments(kind, before, after):
    """How many comments of the new text are not in the old one under the same map."""
    old, new = (
        Counter(
            (item.path, item.text)
            for item in make_format(kind).parse(text, Limits()).items
            if isinstance(item, Comment)
        )
        for text in (before, after)
    )
    return (new - old).total()


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=scaled(25))
@given(seed=st.integers(0, 2**32))
def test_without_a_change_the_file_comes_back_byte_for_byte(kind, seed):
    try:
        before = encrypt(kind, written(kind, Random(seed)))
    except FluxsecretsError:
        return  # nothing in it to encrypt
    file = opened(kind, before)
    assert encrypt(kind, file.text(), previous=file, now=TIMES[1]) == before


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=scaled(25))
@given(seed=st.integers(0, 2**32), data=st.data())
def test_one_value_changed_changes_its_line_the_time_and_the_mac(kind, seed, data):
    plain = written(kind, Random(seed))
    format_ = make_format(kind)
    try:
        before = encrypt(kind, plain)
    except FluxsecretsError:
        return  # nothing in it to encrypt
    if kind == "binary":
        changed = plain + b"!"
        path = ("data",)
    else:
        document = format_.parse(opened(kind, before).text(), Limits())
        leaves = [leaf for leaf in document.leaves if not leaf.alias]
        if not leaves:
            return  # a file may hold no value at all
        leaf = data.draw(st.sampled_from(leaves))
        part = next(
            number
            for number, root in enumerate(document.parts)
            if any(leaf is item for item in Document("", "", (root,), None).leaves)
        )
        path = leaf.path
        try:
            changed = set_value(format_, document, path, "changed once", Limits(), part=part)
        except FluxsecretsError:
            return  # the text around it does not allow it
    after = encrypt(kind, changed, previous=opened(kind, before), now=TIMES[1])
    assert len(after.splitlines()) >= len(before.splitlines()) - 1
    old, new = (CIPHERTEXT.findall(text.decode()) for text in (before, after))
    fresh = set(new) - set(old)
    documents = max(1, len(opened(kind, after).parts)) if kind == "yaml" else 1
    macs = [text for text in fresh if len(text) > 240]
    assert len(macs) == 1
    assert new.count(macs[0]) <= documents
    # The value, unless it was empty or there before, the MAC, and comments that now belong to another map:
    # go-yaml counts a comment before an empty item to the map outside, and before a value to the list.
    assert len(fresh) <= 2 + moved_comments(kind, plain, changed)
    times = [text.count(TIMES[1].encode()) for text in (before, after)]
    assert times[0] == 0
    assert times[1] >= 1


PLAIN = b"""\
kind: Secret
note: plain
data:
  # inside
  a: one
  b: "12"
  empty: ''
  list: [x, y]
  deep: {k: v}
"""
DATA = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^data$")


def unnoticed(pattern, new):
    return lambda text: re.sub(pattern, new, text, count=1)


NOT_AUTHENTICATED = {
    "name-of-a-plain-key": (unnoticed("kind:", "kindness:"), {"kindness": "Secret"}),
    "bytes-moved-between-plain-values": (
        unnoticed("kind: Secret\nnote: plain", "kind: Sec\nnote: retplain"),
        {"kind": "Sec", "note": "retplain"},
    ),
    "empty-value-added": (unnoticed("\nnote:", "\nnew: ''\nnote:"), {"new": ""}),
    "null-added": (unnoticed("\nnote:", "\nnew: null\nnote:"), {"new": None}),
    "empty-map-added": (unnoticed("\nnote:", "\nnew: {}\nnote:"), {"new": {}}),
    "empty-value-in-the-encrypted-part": (
        unnoticed("  a: ENC", "  new: ''\n  a: ENC"),
        {"data": {"new": ""}},
    ),
    "empty-value-renamed": (unnoticed("  empty:", "  hollow:"), {"data": {"hollow": ""}}),
    "type-of-a-value": (
        unnoticed(r'(b: "ENC.*)type:str', r"\1type:int"),
        {"data": {"b": 12}},
    ),
    "lists-within-lists": (
        unnoticed(r"list: \[('ENC[^']*'),", r"list: [[\1],"),
        {"data": {"list": [["x"], "y"]}},
    ),
    "colon-in-a-key": (
        unnoticed(r"deep: \{k: ('ENC.*')\}", r'"deep:k": \1'),
        {"data": {"deep:k": "v"}},
    ),
    "border-between-documents": (unnoticed("\ndata:", "\nsecond: ''\ndata:"), {"second": ""}),
    "comment-removed": (unnoticed("  #ENC.*\n", ""), {}),
    "comment-added": (unnoticed("  a: ENC", "  # anything\n  a: ENC"), {}),
    "recipient-added": (
        unnoticed(r"  age:\n", "  age:\n    - enc: none\n      recipient: age1stranger\n"),
        {},
    ),
    "recipient-renamed": (unnoticed("age1throwaway", "age1somebody"), {}),
    "version": (unnoticed(r"version: .*", "version: 9.9.9"), {}),
    "unknown-field": (unnoticed(r"\n  version:", "\n  zz: x\n  version:"), {}),
}


@pytest.mark.parametrize("case", NOT_AUTHENTICATED)
def test_what_the_format_does_not_authenticate(case):
    """Limits of SOPS files, the same with sops: known, and said in the threat model."""
    change, expected = NOT_AUTHENTICATED[case]
    text = encrypt("yaml", PLAIN, selector=DATA).decode()
    changed = change(text)
    assert changed != text
    after = opened("yaml", changed.encode())
    (data,) = data_of(after)
    for key, value in expected.items():
        assert (
            (data[key].items() >= value.items()) if isinstance(value, dict) and value else data[key] == value
        )


def test_values_whose_bytes_read_the_same_in_another_order_can_be_exchanged():
    text = encrypt("yaml", b"data: [a, aa, b]\nx: 1\ny: 1\n").decode()
    first, second = CIPHERTEXT.findall(text)[:2]
    changed = text.replace(first, "?").replace(second, first).replace("?", second)
    assert data_of(opened("yaml", changed.encode())) == [{"data": ["aa", "a", "b"], "x": 1, "y": 1}]


def test_the_border_between_documents_is_not_authenticated():
    text = encrypt("yaml", b"a: one\n---\nb: two\n").decode()
    block = text[text.index("sops:") : text.index("---\n")]
    values = text.replace(block, "").replace("---\n", "")
    assert data_of(opened("yaml", (values + block).encode())) == [{"a": "one", "b": "two"}]


def test_with_mac_only_encrypted_no_plain_value_is_authenticated():
    text = encrypt("yaml", PLAIN, selector=DATA, mac_only_encrypted=True).decode()
    (data,) = data_of(opened("yaml", text.replace("note: plain", "note: other\nmore: x").encode()))
    assert (data["note"], data["more"]) == ("other", "x")


@pytest.mark.parametrize(
    "change",
    [
        unnoticed("kind: Secret", "kind: Secreu"),
        unnoticed("note: plain\n", ""),
        unnoticed("kind: Secret\nnote: plain", "note: plain\nkind: Secret"),
        unnoticed("data:\n", "data:\n  new: x\n"),
        unnoticed("  deep: .*\n", ""),
        unnoticed(r"  a: (ENC.*)\n", r"  c: \1\n"),
        unnoticed(r"lastmodified: .*", 'lastmodified: "2026-11-23T10:11:13Z"'),
        unnoticed(r"encrypted_regex: .*", "encrypted_regex: ^none$"),
        unnoticed(r"\n  version:", "\n  mac_only_encrypted: true\n  version:"),
    ],
)
def test_what_the_format_does_authenticate(change):
    text = encrypt("yaml", PLAIN, selector=DATA).decode()
    changed = change(text)
    assert changed != text
    with pytest.raises(IntegrityError):
        opened("yaml", changed.encode())
