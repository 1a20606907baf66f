"""Values are found inside of texts in each of their forms, and nothing of them is left."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.flux.valueforms import Forms, value_forms

MASK = "********"
VALUE = 'throwaway "x" & y/z'


@pytest.mark.parametrize(
    "text",
    [
        VALUE,
        b64encode(VALUE.encode()).decode(),
        b64encode(f"user:{VALUE}".encode()).decode(),
        VALUE.replace('"', '\\"'),
        quote(VALUE, safe=""),
    ],
)
def test_a_value_is_found_in_each_form(text):
    forms = value_forms([VALUE], [], words=True)
    assert forms.search(f"a {text} b")
    assert "throwaway" not in forms.sub(MASK, f"a {text} b")


def test_values_that_overlap_leave_nothing():
    forms = Forms(["throwaway-abc", "abc-throwaway-2"])
    assert forms.sub(MASK, "<throwaway-abc-throwaway-2>") == f"<{MASK}>"


def test_values_side_by_side_have_a_mask_each():
    assert Forms(["one-value", "other-value"]).sub(MASK, "one-valueother-value") == MASK * 2


@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=1), st.text("abc", max_size=30))
def test_no_form_is_left(forms, text):
    found = Forms(forms).sub("|", text)
    assert found.count("c") == text.count("c")
    assert not any(form in found for form in forms)


def test_short_and_common_values_are_not_looked_for():
    assert value_forms(["abc", "FALSE", ""], [], words=True) is None
    assert value_forms(["production"], [], words=False) is None


@given(st.lists(st.text("abcd", min_size=1, max_size=6), min_size=1), st.text("abcd", max_size=30))
def test_a_short_and_a_long_text_have_the_same_forms(values, text):
    forms = Forms(set(values))
    long = " " * 70_000
    assert forms.search(text) == forms.search(text + long) == any(value in text for value in values)
    assert forms.sub("*", text) + long == forms.sub("*", text + long)
