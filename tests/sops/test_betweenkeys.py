"""Comments in a gap: what is told without an expression is what one says."""

import re

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.sops.betweenkeys import between


def by_expression(gap, column, below):
    """The long way."""
    comment, blanks = r"#[^\r\n\x85\u2028\u2029]*+\n", " " * column
    behind = "()" if below else rf"(?:[ ]++({comment})|[ ]*+\n)"
    match = re.fullmatch(rf"{behind}(?:{blanks}{comment}|[ ]*+\n)*+{blanks}", gap)
    if match is None:
        return None
    return -1 if below else match.start(1)


LINES = st.lists(
    st.one_of(
        st.sampled_from(["", " ", "  ", "#", "# a", " # a", "  # a", "  #", "   # a", "a", "  a", "\t# a"]),
        st.text(" #a\t\r\x85\u2028\u2029", max_size=4),
    ),
    max_size=5,
)


@given(LINES, st.sampled_from(["", " ", "  ", "   "]), st.integers(0, 3), st.booleans())
def test_a_gap_is_judged_as_by_an_expression(lines, last, column, below):
    gap = "\n".join([*lines, last])
    assert between(gap, column, below=below) == by_expression(gap, column, below)
    gap = "\n".join([*lines, " " * column])
    assert between(gap, column, below=below) == by_expression(gap, column, below)


def test_each_answer_is_there():
    assert between("  # beside\n  # below\n  ", 2, below=False) == 2
    assert between("\n  # below\n  ", 2, below=False) == -1
    assert between("  # below\n  ", 2, below=True) == -1
    assert between("\n # elsewhere\n  ", 2, below=False) is None
