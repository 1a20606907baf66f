"""The `sops` block: where it goes in every kind of document, and that it goes without a trace."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.records import replace
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat, load_documents
from fluxsecrets.sops.formats.yaml.again import rendered_again
from fluxsecrets.sops.formats.yaml.block import (
    KEY,
    content_end_by_lines,
    indented,
    last_indented_line,
    render_block,
)
from fluxsecrets.sops.formats.yaml.former import FormerBlock, block_again
from fluxsecrets.sops.formats.yaml.scalars import Layout
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey, metadata_to_data
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


ARMOUR = "-----BEGIN AGE ENCRYPTED FILE-----\n{}\n-----END AGE ENCRYPTED FILE-----\n"
SEALED = st.sampled_from(
    [
        *(
            ARMOUR.format(body)
            for body in ("YQ==", "YQ=", "0", f"{'YWdl' * 16}\nYQ==", f"{'YWdl' * 16}\nYg==")
        ),
        ARMOUR.format("YQ==").rstrip("\n"),
        ARMOUR.format("\nYQ==\n=YQ=="),
        *(lead + "YWdl" * 12 for lead in ("AQIC", "1", "vault:v1:", "vault:v12:9")),
        *(
            "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]",
            "-----BEGIN\nYQ==\n-----END",
            "a\nb\n",
            " a\nb",
        ),
        *(
            "a\tb\nc",
            "1",
            "true",
            "a: b",
            'a"b',
            "a\\b",
            "it's",
            "",
            "a\n\n",
            "vault:v1:YQ==",
            "\x07\n",
            "a\x85b",
        ),
    ]
)
TIMES = st.sampled_from(["2026-11-30T05:39:59Z", "2026-11-30T05:39:59+01:00"])
BLOCKS = st.builds(
    lambda encs, mac, time, unknown: Metadata(
        key_groups=(
            KeyGroup(tuple(WrappedKey(Recipient("age", f"age1{n}"), enc) for n, enc in enumerate(encs))),
        ),
        selector=DEFAULT_SELECTOR,
        lastmodified=time,
        mac=mac,
        version="3.13.2",
        unknown=unknown,
    ),
    st.lists(SEALED, min_size=1, max_size=2),
    SEALED,
    TIMES,
    st.sampled_from([(), (("more", "1"),), (("more", ["a", {"enc": "b"}]),)]),
)


@given(BLOCKS, BLOCKS, st.sampled_from([1, 2, 3, 4, 8]), st.integers(0, 3), st.sampled_from(["\n", "\r\n"]))
def test_a_block_is_rendered_again_as_it_would_be_spelled_again(before, after, step, column, newline):
    layout = Layout(newline, step)
    text = indented(render_block({KEY: metadata_to_data(before)}, step), column, layout)
    former, data = FormerBlock(text, column, before), metadata_to_data(after)
    quick = rendered_again(former, data, layout)
    assert quick is None or quick == block_again(former, data, layout)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "sealed",
    [ARMOUR, ARMOUR.rstrip("\n"), ARMOUR.format("YWdl\n{}"), "AQIC" + "YWdl" * 12 + "{}"],
)
def test_a_block_with_other_wrapped_keys_is_rendered_again(sealed, newline):
    before, after = (
        Metadata(
            key_groups=(
                KeyGroup(
                    tuple(WrappedKey(Recipient("age", f"age1{n}"), sealed.format(f"{text}{n}")) for n in "ab")
                ),
            ),
            selector=DEFAULT_SELECTOR,
            lastmodified=f"2026-11-30T05:39:5{text}Z",
            mac=f"ENC[{text}]",
            version="3.13.2",
        )
        for text in "12"
    )
    layout = Layout(newline, 2)
    old, new = (
        indented(render_block({KEY: metadata_to_data(each)}, 4), 0, layout) for each in (before, after)
    )
    assert rendered_again(FormerBlock(old, 0, before), metadata_to_data(after), layout) == new
    for other in (old + " # a", old.replace("version: ", "version:  "), old.replace("3.13.2", "3.13.1")):
        assert rendered_again(FormerBlock(other, 0, before), metadata_to_data(after), layout) is None


def test_a_block_that_repeats_what_is_sealed_is_not_rendered_again():
    """Which of the two is meant cannot be told from the text."""
    mac = "ENC[YQ==]"
    before, after = (
        replace(METADATA, mac=each, unknown=(("more", mac),), version="3.13.2") for each in (mac, "ENC[Yg==]")
    )
    layout = Layout("\n", 4)
    text = indented(render_block({KEY: metadata_to_data(before)}, 4), 0, layout)
    assert rendered_again(FormerBlock(text, 0, before), metadata_to_data(after), layout) is None


@given(
    st.integers(0, 3),
    st.lists(
        st.sampled_from(
            ["a", " a", "  b: c", "    d", "", "  ", "# e", "   # f", "- g", "é", "\t", "\r", "\x0c"]
        )
    ),
    st.text("\n \r", max_size=3),
    st.integers(0, 20),
)
def test_the_last_line_of_a_block_is_found_quickly(column, lines, end, behind):
    source = "sops:" + "\n".join(["", *lines]) + end
    limit = max(5, len(source) - behind)
    quick = last_indented_line(source, 5, limit, column)
    assert quick is None or quick == content_end_by_lines(source, 5, limit, column)
