"""Which map or list encloses a comment, and in front of which entry it stands, as sops sees it.

The expectations were read off sops 3.13.2 with go-yaml v3; `*` marks a comment on the line of a value.
"""

from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import Comment, walk
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from strategies import YamlWriter
from tables import each_row

YAML = YamlFormat()


def seen(text):
    """The walk in short: `path=value` for values, `path#text` for comments."""
    shown = []
    for _, item in walk(YAML.parse(text.encode(), Limits())):
        path = ".".join(step for step in item.path if isinstance(step, str))
        shown.append(
            f"{path}{'*' * item.inline}#{item.text.strip()}"
            if isinstance(item, Comment)
            else f"{path}={item.value}"
        )
    return shown


@each_row(
    ("text", "expected"),
    [
        ("# c\na: 1\n", ["#c", "a=1"]),
        ("a: 1 # c\n", ["*#c", "a=1"]),
        ("a: 1\n# c\nb: 2\n", ["a=1", "#c", "b=2"]),
        ("a: # c\n  b: 1\n", ["#c", "a.b=1"]),
        ("a:\n  # c\n  b: 1\n", ["a#c", "a.b=1"]),
        ("a:\n  b: 1\n  # c\nd: 2\n", ["a.b=1", "a#c", "d=2"]),
        ("a:\n  b: 1\n# c\nd: 2\n", ["a.b=1", "#c", "d=2"]),
        ("a:\n- x # c\n- y\n", ["a*#c", "a=x", "a=y"]),
        ("a:\n- x\n# c\n- y\n", ["a=x", "a#c", "a=y"]),
        ("a:\n- x\n# c\nb: 1\n", ["a=x", "#c", "b=1"]),
        ("a:\r\n- x\r\n# c\r\nb: 1\r\n", ["a=x", "a#c", "b=1"]),
        ("a: {b: 1} # c\nd: 2\n", ["a#c", "a.b=1", "d=2"]),
        ("{a: [b], # c\n d: e}\n", ["a#c", "a=b", "d=e"]),
        ("k: &a # c\n  b: 1\n", ["k#c", "k.b=1"]),
        ("k: &a # c\n- b\n", ["k*#c", "k=b"]),
        ("a: | # c\n  # text\nb: 1\n", ["*#c", "a=# text\n", "b=1"]),
        ("a: 1\n---\n# c\nb: 2\n", ["a=1", "#c", "b=2"]),
        ("a: 1\n---\n# c\n\n# d\nb: 2\n", ["a=1", "#c", "#d", "b=2"]),
        ("# c\n---\n# d\n\nb: 2\n", ["#c", "b=2", "#d"]),
        ("a: 1\n...\n---\n# c\n\nb: 2\n", ["a=1", "b=2", "#c"]),
        ("a: &x # c\n  b\nd: 1\n", ["*#c", "a=b", "d=1"]),
        # Empty collections enclose comments as others do
        ("a:\n  # c\n  {}\nb: 1\n", ["a#c", "b=1"]),
        ("a:\n  # c\n  []\nb: 1\n", ["a#c", "b=1"]),
        ("a: [] # c\nb: 1\n", ["a#c", "b=1"]),
        # Blank lines at the end of a block scalar set a comment apart from it
        ("a:\n- |\n  x\n\n# c\n\n# d\nb: 1\n", ["a=x\n", "#c", "#d", "b=1"]),
        ("a:\n- |\n  x\n# c\n\n# d\nb: 1\n", ["a=x\n", "a#c", "#d", "b=1"]),
        ("a:\n  b:\n    c: >-\n      x\n\n  # d\n\ne: 1\n", ["a.b.c=x", "a.b#d", "e=1"]),
        # A comment above the dash of an item belongs to the list, wherever the item itself starts
        ("a:\n- b:\n    k: 1\n# c\n- # d\n  e: 1\n", ["a.b.k=1", "a#c", "a#d", "a.e=1"]),
        ("a:\n  - b:\n      k: 1\n\n  # c\n\n  -\n\n    # d\n    e: 1\n", ["a.b.k=1", "a#c", "a#d", "a.e=1"]),
        (
            "a:\n  - b: {k: 1}\n    f:\n     g: 1\n  # c\n  - &x\n    e: 1\n",
            ["a.b.k=1", "a.f.g=1", "a#c", "a.e=1"],
        ),
        ("a:\n- b:\n    k: 1\n# c\n- !!map # d\n  e: 1\n", ["a.b.k=1", "a#c", "a#d", "a.e=1"]),
        ("a:\n- b:\n  - k: 1\n# c\n- - # d\n    e: 1\n", ["a.b.k=1", "a#c", "a#d", "a.e=1"]),
        ("a:\n  - b:\n      k: 1\n  # c\n  -\nz: 1\n", ["a.b.k=1", "a=None", "#c", "z=1"]),
        # A comment behind the dash of an empty item that ends a list belongs to what is around the list
        ("a:\n  b:\n  - # c\nz: 1\n", ["a.b=None", "a#c", "z=1"]),
        (
            "a:\n  b:\n    - x: 1\n    - # c\n      # d\n  y: 1\n",
            ["a.b.x=1", "a.b=None", "a#c", "a#d", "a.y=1"],
        ),
        ("a:\n  b:\n    - - x\n      - # c\n    - y\n", ["a.b=x", "a.b=None", "a.b#c", "a.b=y"]),
    ],
)
def test_comments_stand_where_sops_sees_them(text, expected):
    assert seen(text) == expected


def test_a_comment_below_a_marker_may_end_the_document_above():
    """go-yaml's rule; comment selectors then do not apply to the document below."""
    above, below = YAML.parse(b"a: 1\n---\n# c\n\nb: 2\n", Limits()).parts
    assert [isinstance(item, Comment) for item in above.entries] == [False, True]
    assert [isinstance(item, Comment) for item in below.entries] == [False]


@given(st.integers(0, 2**32))
def test_every_comment_is_found_once(number):
    writer = YamlWriter(Random(number))
    source = writer.file()
    try:
        document = YAML.parse(source, Limits())
    except FormatError:
        assume(False)  # `{}` alone holds no values
    found = [item for _, item in walk(document) if isinstance(item, Comment)]
    assert sorted(comment.text for comment in found) == sorted(writer.comments)
    assert all(document.source[comment.start : comment.end] == comment.text for comment in found)
    lines = source.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    assert all(comment.text in lines[comment.line - 1] for comment in found)


@pytest.mark.parametrize("newline", ["\r", "\x85", "\u2028", "\u2029"])
def test_a_comment_ends_at_every_line_break(newline):
    assert seen(f"a: 1 # c{newline}b: 2\n") == ["*#c", "a=1", "b=2"]
