"""What `render` writes is the YAML of the data."""

import re

import yaml
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.repo.unknown import UNKNOWN, is_unknown
from fluxsecrets.report.render import yaml_lines

# Hypothesis takes texts from the source, too: the one that stands for what is not known is another test's.
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20).filter(
    lambda text: not is_unknown(text)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(TEXTS.filter(bool), VALUES, min_size=1, max_size=4))
def test_it_is_read_back_as_it_was(data):
    lines = yaml_lines(data)
    assert yaml.safe_load("".join(f"{line}\n" for line in lines)) == data
    assert not any(re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u202e]", line) for line in lines)


def test_what_is_not_known_is_null_with_a_comment():
    assert yaml_lines({"a": UNKNOWN, "b": [UNKNOWN]}) == [
        "a: null # not known here",
        "b:",
        "  - null # not known here",
    ]


def test_a_key_that_is_not_known_is_readable():
    assert yaml_lines({"a": {"b": "c", UNKNOWN: "d"}}) == ["a:", "  b: c", "  (key 2 is not known here): d"]
