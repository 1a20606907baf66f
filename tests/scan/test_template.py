"""Templates: which texts are some."""

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.scan.template import _STARTS, is_template


@given(st.text("{%<#}> a\n", max_size=12))
def test_a_template_has_the_start_of_an_expression(text):
    assert is_template(text) == any(start in text for start in _STARTS)


def test_each_start_makes_a_template():
    assert all(is_template(f"a: {start} b") for start in _STARTS)
