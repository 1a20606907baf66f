"""Reading in one pass gives what the long way gives: the same trees, comments, places and errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml.direct import read_direct
from fluxsecrets.sops.formats.yaml.reading import read_long, read_text
from fluxsecrets.sops.known import Known

PIECES = [
    *(
        "a",
        "b: ",
        "key: value",
        "key:",
        "- ",
        "- a",
        "- - a",
        "- k: v\n  l: w\n",
        "  ",
        "    ",
        " ",
        "\n",
        "\n\n",
    ),
    *("#", "# c", " # c", "   # d\n", "|", "|-", "|+", "|2", "|\n", ">", '"x"', "'y'", '"', "'", "{}", "[]"),
    *(
        "{a: b}",
        "---",
        "---\n",
        "...",
        "...\n",
        ": ",
        "?",
        "? ",
        "&a ",
        "*a",
        "!t ",
        "null",
        "~",
        "true",
        "1",
    ),
    *("1.5", "0x1F", "2020-01-01", "<<", "<<: ", "%", "@", "`", "\t", "é", "\r\n", "\r", "\x85", "\u2028"),
    *("\x7f", "a:b", "a #b", "a# b", "'x'# y", "18446744073709551615", "ENC[AES256_GCM,data:a=,iv:b]"),
    *("key: |\n  text\n", "key: |-\n    t\n     u\n\n", "key: | # c\n  text\n", "k:\n- a\n- b\n"),
    *("sops:\n  mac: x\n", "k:\n  - a: |\n      t\n    b: c\n", "x: 1\nx: 2\n", "#b\n", "  #b\n"),
]

WHOLE = [
    """\
apiVersion: v1 # a
kind: Secret
metadata:
  name: x # b
# c
stringData:
  # d
  a: b

  # e

  c: |
    #f
    g
  # h
  i: 'j' #k

l: m
# n
""",
    """\
---
# a

a: b
---
c:
  - d # e
  # f
  - g: h
    # i
    j: k
# l
m: n
""",
    """\
a:
    b:
        - c
        -   d: e
            # f
            g: h
    # i
    j: k
l: |-
  m
# n
o: p
""",
    """\
a: b
sops:
    mac: ENC[x]
    lastmodified: "2026-11-30T05:39:59Z"
    age:
        - enc: |
            x
            y
""",
]


def texts() -> st.SearchStrategy[str]:
    """Pieces of YAML, and whole files of which some places were replaced by pieces."""
    pieces = st.lists(st.sampled_from(PIECES) | st.just("\n"), max_size=12).map("".join)
    edits = st.lists(
        st.tuples(st.integers(0, 250), st.integers(0, 4), st.sampled_from(["", *PIECES])), max_size=4
    )
    return pieces | st.builds(_edited, st.sampled_from(WHOLE), edits)


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    for place, count, piece in edits:
        text = text[:place] + piece + text[place + count :]
    return text


def _outcome(read, text: str, limits: Limits) -> object:
    try:
        return read(text, limits)
    except FluxsecretsError as error:
        return type(error), str(error), error.line, error.hint


@given(texts())
def test_the_direct_way_reads_the_same(text):
    # `repr` tells 1, 1.0 and True apart, and NaN is NaN.
    assert repr(_outcome(read_text, text, Limits())) == repr(_outcome(read_long, text, Limits()))


@pytest.mark.parametrize("text", WHOLE)
def test_usual_files_are_read_directly(text):
    read = read_direct(text, Limits())
    assert read is not None
    assert read.roots == read_long(text, Limits()).roots


@pytest.mark.parametrize(
    "text", ["a: |\r #\nb:\n", "a: |\n  b\r# c\nd: e\n", "a: >\r\n  b\r\n  \r  # c\nd: e\n"]
)
def test_a_comment_below_a_block_that_ends_with_a_carriage_return_is_below_it(text):
    assert read_direct(text, Limits()) is not None
    assert repr(read_text(text, Limits())) == repr(read_long(text, Limits()))


RARE = [
    *("", "# a\n", "a\n", "- a\n", "a: &b c\n", "a: !!str b\n", "a: {}\n", "a: [b]\n", "<<: a\n", "1: a\n"),
    *(
        "a: 1\na: 2\n",
        "? [a]\n: b\n",
        "a: b\n---\n",
        "a: *b\n",
        "a: 18446744073709551615\n",
        "a: 'b\n",
        "{a: b}\n",
    ),
]


@pytest.mark.parametrize("text", RARE)
def test_what_is_rare_or_wrong_goes_the_long_way(text):
    assert read_direct(text, Limits()) is None
    assert read_direct(text, Limits(), Known(())) is None


@given(st.integers(1, 12), st.integers(1, 12))
def test_depth_is_limited_alike(levels, most):
    text = "".join(f"{'  ' * level}a:\n" for level in range(levels)) + "  " * levels + "a: b\n"
    limits = Limits(depth=most)
    assert _outcome(read_text, text, limits) == _outcome(read_long, text, limits)
