"""Spans of a text replaced: the bytes are those of the replaced text, in whatever order and pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.formats import apply_edits, encode_edited, encode_in_order, encode_text

WORDS = st.text(st.sampled_from('ab\n"é漢😀'), max_size=6)


@st.composite
def texts_with_edits(draw):
    """A text, and edits in its order that do not overlap; some are empty, or stand at one place."""
    source = draw(st.text(st.sampled_from("xy\né😀"), max_size=30))
    cuts = sorted(draw(st.lists(st.integers(0, len(source)), max_size=10)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return source, [(start, end, draw(WORDS)) for start, end in pairs]


@given(texts_with_edits(), st.booleans(), st.randoms())
def test_edits_are_applied_in_any_order_and_one_by_one(case, bom, random):
    source, edits = case
    expected = encode_text(apply_edits(source, list(edits)), bom=bom)
    assert encode_in_order(source, iter(edits), bom=bom) == expected
    if len({edit[:2] for edit in edits}) == len(edits):
        random.shuffle(edits)
    assert encode_edited(source, edits, bom=bom) == expected


@pytest.mark.parametrize("repeat", [1, 100_000, 700_000])
@pytest.mark.parametrize("new", ["", "z", "é" * 3, "漢" * 2_000_000])
def test_a_large_text_has_neither_more_nor_less_than_it_should(repeat, new):
    source = "xé😀" * repeat
    edits = [(0, 1, new), (2, 2, "y"), (len(source) - 1, len(source), new)]
    expected = apply_edits(source, list(edits)).encode()
    assert encode_in_order(source, iter(edits)) == expected
    assert encode_edited(source, list(edits)) == expected


def test_edits_that_are_not_in_order_are_refused():
    for edits in ([(2, 3, "a"), (0, 1, "b")], [(0, 2, "a"), (1, 3, "b")]):
        with pytest.raises(FormatError):
            encode_in_order("abcdef", edits)
