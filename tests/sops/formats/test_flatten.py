import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError, MetadataError
from fluxsecrets.sops.formats.flatten import flatten, unflatten

NESTED = {
    "age": [{"enc": "-----BEGIN\nabc\n", "recipient": "age1x"}, {"enc": "y", "recipient": "age1y"}],
    "kms": [{"context": {"Env": "x"}}],
    "mac_only_encrypted": True,
    "shamir_threshold": 2,
    "version": "3.13.2",
}
FLAT = {
    "age__list_0__map_enc": "-----BEGIN\\nabc\\n",
    "age__list_0__map_recipient": "age1x",
    "age__list_1__map_enc": "y",
    "age__list_1__map_recipient": "age1y",
    "kms__list_0__map_context__map_Env": "x",
    "mac_only_encrypted": "true",
    "shamir_threshold": "2",
    "version": "3.13.2",
}


def test_nested_data_becomes_the_names_that_sops_writes_in_the_same_order():
    assert list(flatten(NESTED).items()) == list(FLAT.items())


def test_flat_names_become_nested_data_whose_scalars_are_strings():
    strings = {**NESTED, "mac_only_encrypted": "true", "shamir_threshold": "2"}
    assert unflatten(FLAT.items()) == strings


def test_the_order_of_list_positions_does_not_matter():
    assert unflatten([("a__list_1", "y"), ("a__list_0", "x")]) == {"a": ["x", "y"]}


@pytest.mark.parametrize(
    "pairs",
    [
        [("a", "x"), ("a", "y")],
        [("a", "x"), ("a__map_b", "y")],
        [("a__map_b", "y"), ("a", "x")],
        [("a__list_0", "x"), ("a__map_b", "y")],
        [("a__list_1", "x")],
        [("a__list_0", "x"), ("a__list_2", "y")],
        [("a__list_x", "x")],
        [("a__list_99999999999", "x")],
        [("a" + "__map_a" * 100, "x")],
        [("__list_0", "x")],
    ],
)
def test_contradictory_names_are_errors(pairs):
    if pairs == [("__list_0", "x")]:
        assert unflatten(pairs) == {"": ["x"]}
        return
    with pytest.raises(MetadataError):
        unflatten(pairs)


def test_two_fields_with_one_name_are_an_error():
    with pytest.raises(FormatError, match="a__map_b"):
        flatten({"a": {"b": "1"}, "a__map_b": "2"})


def test_a_text_that_would_be_read_back_as_a_newline_is_an_error_without_the_text():
    with pytest.raises(FormatError) as caught:
        flatten({"encrypted_regex": r"^hidden\name$"})
    assert "hidden" not in str(caught.value)


keys = st.text("abcdef_", min_size=1, max_size=6).filter(
    lambda key: "__" not in key and not key.endswith("_")
)
scalars = st.text(max_size=8).filter(lambda text: "\\" not in text)
nodes = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(keys, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(keys, nodes, max_size=4))
def test_what_was_flattened_comes_back(data):
    assert unflatten(flatten(data).items()) == data
