"""Texts, lists and maps, as PyYAML's base loader reads them."""

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.repo.plainyaml import load_texts

_SIGNS = [
    "a",
    "b: ",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ": ",
    "'",
    '"',
    "|\n",
    "~",
    "1",
    "&x ",
    "*x",
]
_LINES = [
    "---\n",
    "- ",
    "...\n",
    "# c\n",
    "? ",
    "path_regex",
    "é",
    "\t",
    "creation_rules:\n",
    "%YAML 1.2\n",
    "\0",
]
PIECES = st.lists(st.sampled_from([*_SIGNS, *_LINES]), max_size=20).map("".join)


def by_pyyaml(data):
    """The same by the base loader; None for what it refuses, as for no document."""
    loader = None
    try:
        loader = yaml.CBaseLoader(data)
        return loader.get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    finally:
        if loader is not None:
            loader.dispose()


@given(st.one_of(PIECES, st.text(max_size=30)))
@example("creation_rules:\n  - path_regex: \\.yaml$\n    age: age1x\n  - {age: [a, 'b'], x: |\n      y\n}\n")
@example("a: 1\na: 2\n")
@example("a: 1\n---\nb: 2\n")
@example("[" * 90 + "]" * 90)
def test_it_reads_what_pyyaml_reads_or_leaves_it(text):
    data = text.encode("utf-8", "surrogatepass")

    found, expected = load_texts(data), by_pyyaml(data)

    assert found == expected or (found is None and expected is not None and _is_unusual(data))


def _is_unusual(data):
    """Whether there are aliases, or keys that are no texts: these are left to those who read all of YAML."""
    return b"*" in data or b"?" in data or b"{" in data or b"[" in data


@pytest.mark.parametrize(
    "text", ["", "# c\n", "a: &x 1\nb: *x\n", "{[a]: b}", "a: 1\n---\nb: 1\n", "a: [", "\0"]
)
def test_what_is_unusual_is_left(text):
    assert load_texts(text.encode()) is None


def test_deep_nesting_is_left():
    assert load_texts(b"[" * 5_000) is None
