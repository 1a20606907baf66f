"""The format as a whole: what is refused, what is bounded, what sops makes of our files."""

import re
import subprocess

import pytest
from hypothesis import HealthCheck, assume, given, settings

from examples import scaled
from fluxsecrets.errors import FluxsecretsError, FormatError, LimitError, MetadataError
from fluxsecrets.sops.document import Comment, walk
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, SelectorKind, SelectorSpec
from strategies import yaml_files
from tables import each_row

YAML = YamlFormat()
DATA = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^data$")
NESTED_MAPS = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(9))}}}\n" for n in range(1, 10)
)
NESTED_LISTS = "a0: &a0 [1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)

CHAIN = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 3000))


@each_row(
    ("text", "kind", "message"),
    [
        ("", FormatError, "is empty"),
        ("# only a comment\n", FormatError, "no YAML values"),
        ("---\n...\n", FormatError, "no YAML values"),
        ("- a\n", FormatError, "is a list"),
        ("text\n", FormatError, "is a single value"),
        ("a: 1\na: 2\n", FormatError, "is in a map twice"),
        ("a: 1\n---\nb: {c: 1, c: 2}\n", FormatError, "is in a map twice"),
        ("1: a\n", FormatError, "not a string"),
        ("true: a\n", FormatError, "not a string"),
        ("? [a]\n: b\n", FormatError, "not a string"),
        ("a: *b\n", FormatError, "not defined"),
        ("a: &a [*a]\n", FormatError, "contains the alias itself"),
        ("a: b\0c\n", FormatError, "control characters"),
        ("a: \x07\n", FormatError, "control characters"),
        ("a: 18446744073709551615\n", FormatError, "beyond 64 bits"),
        ("<<<<<<< ours\na: b\n=======\na: c\n>>>>>>> theirs\n", FormatError, "conflict markers"),
        ("a: b\nsops: text\n", MetadataError, "not a sops block"),
        ("a: b\n---\nsops: {}\n", MetadataError, "later YAML document"),
        ("a: " + "[" * 10_000, LimitError, "deeper than 200"),
        ("a: " + "{x: " * 10_000, LimitError, "deeper than 200"),
        ("a:\n" + "".join(" " * n + "- \n" for n in range(1, 2000)), LimitError, "deeper than 200"),
        ("a: " + "- " * 10_000, FormatError, "not valid YAML"),
        (NESTED_MAPS, LimitError, "aliases expand"),
        (NESTED_LISTS, LimitError, "aliases expand"),
        (CHAIN, LimitError, "aliases expand to more than 200 levels"),
    ],
)
def test_what_cannot_be_protected_is_refused(text, kind, message):
    with pytest.raises(kind, match=message):
        YAML.parse(text.encode(), Limits())


def test_too_large_a_file_is_refused():
    with pytest.raises(LimitError, match="more than the limit"):
        YAML.parse(b"a: bcdefgh\n", Limits(size=10))


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(FormatError, match="byte 8 is not valid UTF-8") as caught:
        YAML.parse(b"a: b\nc: \xff\n", Limits())
    assert caught.value.line == 2


@given(yaml_files())
def test_adding_the_block_and_removing_it_is_the_identity(core, plain):
    try:
        document = YAML.parse(plain, Limits())
    except FluxsecretsError:
        assume(False)
    metadata = YAML.parse(core.encrypt(b"a: b\n"), Limits()).metadata
    added = YAML.rewrite(document, (), metadata)
    assert YAML.rewrite(YAML.parse(added, Limits()), (), metadata) == added
    assert YAML.rewrite(YAML.parse(added, Limits()), (), None) == plain


@given(yaml_files())
def test_only_the_text_of_encrypted_values_changes(core, plain):
    selector = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(data|a)$")
    try:
        encrypted = core.encrypt(plain, selector)
    except FluxsecretsError:
        assume(False)
    document = YAML.parse(plain, Limits())
    touched = set()
    for _, item in walk(document):
        if {"data", "a"} & set(item.path):
            first = document.source.count("\n", 0, item.start)
            touched.update(range(first, document.source.count("\n", 0, item.end) + 1))
    lines = plain.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    left = iter(encrypted.decode("utf-8-sig").replace("\r\n", "\n").split("\n"))
    # Every untouched line stands in the encrypted file, in the same order.
    close = {number for number, line in enumerate(lines) if "}" in line}
    missing = [
        line for number, line in enumerate(lines) if number not in touched | close and line not in left
    ]
    assert missing in ([], [""])


@pytest.mark.parametrize(
    ("plain", "values"),
    [
        ("k: >+\r\n ", [""]),
        ("a: s\r\nk: |+\r\n ", ["s", ""]),
        ("a: s\nk_unencrypted: |+\n ", ["s", ""]),
        ("a: s\nk_unencrypted: |+\n x\n ", ["s", "x\n"]),
        ("a: s\nk_unencrypted: |+\n x", ["s", "x"]),
    ],
)
def test_blanks_that_end_the_file_stay_outside_of_its_last_value(core, plain, values):
    encrypted = core.encrypt(plain.encode())
    decrypted = core.decrypt(encrypted)
    assert [leaf.value for leaf in YAML.parse(decrypted, Limits()).leaves] == values


@pytest.mark.parametrize(
    "text",
    [
        b"data:\n  a: >\n    folded\n    text\n",
        b"data:\n  a: plain\n    on two lines\n",
        b'data:\n  a: "quoted\n    on two"\n',
        b"data:\n  a: 'quoted\n\n    on two'\n",
        b"data:\n  a: |+\n    kept\n\n\n  b: x\n",
        b"data:\n  a: |2\n      deep\n     less\n",
        b"data:\n  ? a\n  : b\n",
        b'data:\n  a: "\\x41\\u263a\\/\\0\\e\\N"\n',
        b"data: {a: 2026-11-23, b: 0x1F, c: 1_000, d: 1e3, e: True, f: .inf}\n",
        b"data:\n  a: !!str 5\n  b: !local x\n  c: !!binary aGVsbG8=\n",
        b"data:\n  a: !!str # behind the tag\n    text\n",
        b"data:\n  a: |\n    no final newline",
        b"data:\n  a: -0.0\n  b: 2026-11-23T10:11:12.5+02:00\n",
        b'data:\n  a: "\\ta\\nb"\n  b:\n    - "  lead\\nx"\n',
    ],
)
def test_other_spellings_come_back_as_the_same_data(core, plain_data, text):
    back = core.decrypt(core.encrypt(text, DATA))
    assert repr(plain_data(back)) == repr(plain_data(text))
    assert back.count(b"#") == text.count(b"#")


@pytest.mark.parametrize(
    ("text", "comments"),
    [
        (b"{ # first\n a: b }\n", [" first"]),
        (b"a: b\n... # behind\n", [" behind"]),
        (b"a: b\n---\n# alone\n", [" alone"]),
        (b"--- # at the marker\na: b\n", [" at the marker"]),
        (b"%YAML 1.1 # directive\n---\na: b\n", [" directive"]),
        (b"a: | # header\n  # text\n", [" header"]),
        (b"a: &x # behind the anchor\n  b\n", [" behind the anchor"]),
        (b"a: [b, # one\n  # two\n  c # three\n  ] # four\n", [" one", " two", " three", " four"]),
        (b"? a # key\n: b # value\n", [" key", " value"]),
        (b"a:\r\n  # one\r\n\r\n  # two\r\n  b: c\r\n# three", [" one", " two", " three"]),
    ],
)
def test_no_comment_is_lost(core, text, comments):
    found = [item for _, item in walk(YAML.parse(text, Limits())) if isinstance(item, Comment)]
    assert sorted(comment.text for comment in found) == sorted(comments)
    for comment in found:
        assert text.decode().split("\n")[comment.line - 1].rstrip("\r").endswith(comment.text)
    encrypted = core.encrypt(text)
    assert not [comment for comment in comments if re.search(f"#{comment}".encode(), encrypted)]
    assert core.decrypt(encrypted) == text


@given(plain=yaml_files())
@settings(max_examples=scaled(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sops_reads_what_is_written(core, plain_data, sops, plain):
    try:
        expected, encrypted = plain_data(plain), core.encrypt(plain)
    except FluxsecretsError:
        assume(False)
    done: subprocess.CompletedProcess[bytes] = sops("--decrypt", content=encrypted)
    assert done.returncode == 0, done.stderr
    assert plain_data(done.stdout) == expected


@given(plain=yaml_files())
@settings(max_examples=scaled(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_sops_writes_is_read(core, plain_data, sops, plain):
    try:
        expected = plain_data(plain)
    except FluxsecretsError:
        assume(False)
    done = sops("--encrypt", "--age", core.recipient, content=plain)
    assert done.returncode == 0, done.stderr
    # Where a list holds nothing but comments, sops itself fails; it drops empty lists that hold one.
    if sops("--decrypt", content=done.stdout).returncode == 0:
        assert plain_data(core.decrypt(done.stdout)) == expected


def test_the_default_selector_is_sops_own():
    assert DEFAULT_SELECTOR.pattern == "_unencrypted"


@pytest.mark.parametrize(
    ("data", "text"),
    [({}, "{}\n"), ([], "[]\n"), ([1, {"a": "yes"}], '- 1\n- a: "yes"\n'), ("a\nb", "|-\n    a\n    b\n")],
)
def test_any_root_is_rendered(data, text):
    assert YAML.render([data]).decode() == text


def test_rendered_bytes_are_text_where_they_can_be_and_binary_else():
    assert YamlFormat().render([{"data": b"text"}]) == b"data: text\n"
    assert YamlFormat().render([{"data": b"\xff\x00"}]) == b"data: !!binary /wA=\n"
