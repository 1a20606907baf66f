"""Ciphertexts in comments: where all are told to be in their place, the whole of the format says so, too."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.scan.structure.reader import parse_template
from fluxsecrets.scan.structure.sopscomments import are_all_selected
from fluxsecrets.sops.document import Comment
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.either import parse_either
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec, compile_selector

ENC = "ENC[AES256_GCM,data:aGk=,iv:" + "A" * 43 + "=,tag:" + "A" * 22 + "==,type:comment]"
SELECTORS = [
    compile_selector(SelectorSpec(kind, pattern))
    for kind, pattern in (
        (SelectorKind.ENCRYPTED_REGEX, "^(data|b)$"),
        (SelectorKind.UNENCRYPTED_REGEX, "^(data|b)$"),
        (SelectorKind.ENCRYPTED_SUFFIX, "ta"),
        (SelectorKind.UNENCRYPTED_SUFFIX, "_unencrypted"),
    )
]
INSIDE = SELECTORS[0]


def are_all_told_to_be(text, selector):
    return are_all_selected(text, parse_template(text), selector)


def are_all(text, selector):
    """The long way."""
    try:
        _, document = parse_either(text.encode(), Limits())
    except FluxsecretsError:
        return True  # judged by nobody
    return all(
        encrypts
        for item, encrypts in selected(document, selector)
        if isinstance(item, Comment) and is_ciphertext(item.text)
    )


KEYS = ["a", "b", "c", "data", "d_unencrypted", "sops", "<<", "'b'", "? a", "&x b", "!!str data", "[a]"]
VALUES = [
    *(
        "v",
        "v",
        "v",
        "'v'",
        '"v"',
        "",
        "|",
        ">-",
        "|2",
        "w\n\n",
        "w\n     more",
        "{a: v}",
        "[v]",
        "{}",
        "&x v",
    ),
    *("*x", "!!str v", '"w\n  x"', f"'#{ENC}'", f"{{a: v, #{ENC}\n   b: v}}", "{{ a }}"),
]
COMMENTS = [f"#{ENC}", f"# {ENC}", f"#  {ENC} ", f"#\t{ENC}", f"#\xa0{ENC}", f"##{ENC}", "#", "# a"]
INDENTS = ["", "", "  ", "  ", "  ", "    ", "    ", " ", "   "]

entries = st.builds(
    lambda indent, dash, key, value, blanks, comment: (
        f"{indent}{dash}{key}:{' ' if value else ''}{value}{blanks if comment else ''}{comment}"
    ),
    st.sampled_from(INDENTS),
    st.sampled_from(["", "", "", "", "- "]),
    st.one_of(st.sampled_from(KEYS[:5]), st.sampled_from(KEYS)),
    st.one_of(st.sampled_from(VALUES[:6]), st.sampled_from(VALUES)),
    st.sampled_from([" ", " ", "  ", "", "\t"]),
    st.sampled_from(["", "", "", "", f"#{ENC}", "# a"]),
)
lines = st.one_of(
    entries,
    entries,
    st.builds("".join, st.tuples(st.sampled_from(INDENTS), st.sampled_from(COMMENTS))),
    st.sampled_from(
        ["", "", "  ", "\t", "---", "--- # a", f"--- #{ENC}", "...", "    text", "  - v", f"- v #{ENC}"]
    ),
)
texts = st.builds(
    lambda parts, end: "".join(f"{line}{mark}" for line, mark in parts)[: None if end else -1],
    st.lists(
        st.tuples(lines, st.sampled_from([*["\n"] * 20, "\r\n", "\r", "\x85", "\u2028"])),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
)


noise = st.lists(
    st.one_of(
        st.just("\n"),
        st.builds(
            lambda indent, comment: f"{indent}{comment}\n",
            st.sampled_from(INDENTS),
            st.sampled_from(COMMENTS),
        ),
    ),
    max_size=2,
).map("".join)
scalars = st.sampled_from(["v", "w x", "'v'", "{}", "[v]", "|\n{indent}  text\n{indent}  #" + ENC])


@st.composite
def trees(draw, indent=""):
    """A map in block style with comments and blank lines anywhere, which is read to its end."""
    text = ""
    for key in draw(st.lists(st.sampled_from(KEYS[:5]), min_size=1, max_size=4, unique=True)):
        beside = draw(st.sampled_from(["", "", f" #{ENC}", " # a"]))
        text += f"{draw(noise)}{indent}{key}:"
        kind = draw(st.sampled_from("sssml" if len(indent) < 6 else "s"))
        if kind == "s":
            text += f" {draw(scalars).replace('{indent}', indent)}{beside}\n"
        elif kind == "m":
            text += f"{beside}\n{draw(trees(indent + '  '))}"
        else:
            text += f"{beside}\n{draw(noise)}{indent}- e: v{beside}\n{draw(trees(indent + '  '))}"
    return text + draw(noise)


@st.composite
def with_one(draw, texts):
    """A text with one of its ciphertexts, or with all: one that is elsewhere speaks for the others."""
    parts = draw(texts).split(ENC)
    kept = draw(st.integers(0, len(parts)))
    if kept == 0:
        return ENC.join(parts)
    return "e".join(parts[:kept]) + (ENC if kept < len(parts) else "") + "e".join(parts[kept:])


@given(with_one(trees() | trees() | texts), st.sampled_from(SELECTORS))
@example(f"data:\n  a: v\n #{ENC}\n  b: v\n", INSIDE)
@example(f"data:\n  a: v\n\n#{ENC}\n\n  b: v\n", INSIDE)
def test_where_all_are_told_to_be_encrypted_the_format_says_so(text, selector):
    if are_all_told_to_be(text, selector):
        assert are_all(text, selector)


@pytest.mark.parametrize(
    "text",
    [
        f"data:\n  a: v #{ENC}\n  #{ENC}\n\n  # {ENC}\n  c: v #{ENC}\nsops: {{}}\n",
        f"kind: Secret\ndata:\n  #{ENC}\n  a: |\n    v\n  #{ENC}\n  c:\n    #{ENC}\n    d: v #{ENC}\n",
        f"data:\n- a: 'v'\n  #{ENC}\n  c: v\n",
        f"data:\n  a: v\n  #{ENC}\n  c: v\n---\ndata:\n  a: v\n  #{ENC}\n  c: v\n",
    ],
)
def test_those_between_values_are_told_without_the_format(text):
    assert are_all_told_to_be(text, INSIDE)
    assert not are_all_told_to_be(text, SELECTORS[1])
    assert not are_all_told_to_be(f"#{ENC}\n{text}", INSIDE)


def test_without_a_key_that_stays_plain_comments_at_the_root_are_in_their_place():
    text = f"kind: Secret #{ENC}\n#{ENC}\nc: v #{ENC}\n"
    assert are_all_told_to_be(text, SELECTORS[3])
    assert not are_all_told_to_be(text, INSIDE)


@pytest.mark.parametrize(
    "text",
    [
        f"data:\n  a: v\n  c: v\n  #{ENC}\n",  # the foot of the map, or the head of what follows
        f"data: #{ENC}\n  a: v\n",
        f"data:\n  a: &x v\n  #{ENC}\n  c: *x\n",
        f"data: {{a: v, #{ENC}\n  c: v}}\n",
        f"data:\n  a: '{{{{ x }}}}'\n  #{ENC}\n  c: v\n",
        f"data:\n  a: |\n    #{ENC}\n  c: v\n",
        f"data:\n  a: v\n  #{ENC}\n  c: v\n  d: [\n",
    ],
)
def test_any_other_is_left_to_the_format(text):
    assert not are_all_told_to_be(text, INSIDE)
