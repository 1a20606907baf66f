"""The `sops` block: where it goes in every kind of document, and that it goes without a trace."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat, load_documents
from fluxsecrets.sops.formats.yaml.block import render_block
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

YAML = YamlFormat()
METADATA = Metadata(
    (KeyGroup((WrappedKey(Recipient("age", "age1x"), "-----BEGIN\nthrow-away\n-----END\n"),)),),
    DEFAULT_SELECTOR,
    "2026-11-23T10:11:12Z",
    "ENC[mac]",
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "plain",
    [
        b"a: 1\n",
        b"a: 1",
        b"a: 1\r\n",
        b"a: 1\r\nb: 2",
        b"\xef\xbb\xbfa: 1\n",
        b"  a: 1\n  b: 2\n",
        b"---\na: 1\n...\n",
        b"a: 1\n...",
        b"a: 1\n---\nb: 2\n---\n# nothing\n",
        b"a: |\n  text\n\n\n",
        b"a: 1\n# at the end\n\n",
        b"a: 1\n  # at the end, indented",
        b"{a: 1}\n",
        b"{a: 1,}",
        b"{a: 1 , # c\n }\n",
        b"{a: 1 # c\n }\n",
        b"{ # c\n  a: 1}\n",
        b'{\n  "a": 1,\n  "b": [2]\n}\n',
        b"? a\n: 1\n",
    ],
)
def test_the_block_comes_and_goes_without_a_trace(plain):
    added = YAML.rewrite(YAML.parse(plain, Limits()), (), METADATA)
    document = YAML.parse(added, Limits())
    assert document.metadata == METADATA
    assert YAML.rewrite(document, (), METADATA) == added
    assert YAML.rewrite(document, (), None) == plain
    for node in load_documents(added):
        data = to_data(node)
        assert data is None or data["sops"]["mac"] == "ENC[mac]"


def test_the_block_follows_the_files_indentation():
    added = YAML.rewrite(YAML.parse(b"a:\n   b: 1\n", Limits()), (), METADATA).decode()
    assert "sops:\n   age:\n" in added
    four = YamlFormat(4)
    assert b"sops:\n    age:\n" in four.rewrite(four.parse(b"a:\n  b: 1\n", Limits()), (), METADATA)


@pytest.mark.parametrize("step", [2, 3, 4, 8])
@given(data=st.dictionaries(st.text(), DATA, min_size=1, max_size=4))
@example(data={"<<": None, "=": "<<"})
def test_any_data_can_be_written(step, data):
    text = "\n".join(render_block(data, step)) + "\n"
    (node,) = load_documents(text.encode())
    assert repr(to_data(node)) == repr(data)


def test_a_block_in_the_middle_is_taken_out_with_its_lines_only():
    text = YAML.rewrite(YAML.parse(b"a: 1\n", Limits()), (), METADATA) + b"# behind\nz: 2\n"
    assert YAML.rewrite(YAML.parse(text, Limits()), (), None) == b"a: 1\n# behind\nz: 2\n"


def test_the_first_block_in_json_style_goes_with_its_comma():
    inner = b'{"age": [{"recipient": "a", "enc": "e"}], "lastmodified": "2026-11-23T10:11:12Z"}'
    document = YAML.parse(b'{"sops": ' + inner + b', "a": 1}\n', Limits())
    assert YAML.rewrite(document, (), None) == b'{ "a": 1}\n'


@pytest.mark.parametrize("line_end", ["\r", "\x85", "\u2028", "\u2029"])
def test_line_breaks_that_are_no_line_feeds(core, line_end):
    """YAML has more line breaks than people use; the block goes as it came all the same."""
    for plain in (
        f"a: one{line_end}",
        f"a: [one, two]{line_end}---\nb: two\n",
        f"a:{line_end}  b: one{line_end}  c: 'text'{line_end}---{line_end}d: 1{line_end}",
        f"# note{line_end}a: &x one{line_end}",
    ):
        data = plain.encode()
        assert core.decrypt(core.encrypt(data)) == data
