import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError, LimitError, MetadataError
from fluxsecrets.sops.document import Change, Style, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.json import JsonFormat
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR
from tables import each_row

JSON = JsonFormat()
LIMITS = Limits()
METADATA = Metadata(
    (KeyGroup((WrappedKey(Recipient("age", "age1throwaway"), "-----BEGIN\nthrow-away\n"),)),),
    DEFAULT_SELECTOR,
    "2026-11-23T10:11:12Z",
    "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]",
)


def parse(text):
    return JSON.parse(text.encode() if isinstance(text, str) else text, LIMITS)


def leaves(text):
    return {leaf.path: leaf for leaf in parse(text).leaves}


def added_and_removed(text):
    encrypted = JSON.rewrite(parse(text), [], METADATA)
    return encrypted, JSON.rewrite(parse(encrypted), [], None)


# Reading


def test_values_have_paths_types_places_and_styles():
    text = '{\n  "a": "x\\u00e9\\n",\n  "b": [1, -2.5, true, null, {"c": ""}],\n  "d": {}\n}'
    found = leaves(text)
    assert {path: leaf.value for path, leaf in found.items()} == {
        ("a",): "xé\n",
        ("b", 0): 1,
        ("b", 1): -2.5,
        ("b", 2): True,
        ("b", 3): None,
        ("b", 4, "c"): "",
    }
    assert [text[leaf.start : leaf.end] for leaf in found.values()] == [
        '"x\\u00e9\\n"', "1", "-2.5", "true", "null", '""',
    ]  # fmt: skip
    assert [leaf.line for leaf in found.values()] == [2, 3, 3, 3, 3, 3]
    assert found["a",].style is Style.DOUBLE_QUOTED
    assert found["b", 0].style is Style.PLAIN


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", float(2**63)),
        ("1.0", 1.0),
        ("1e3", 1000.0),
        ("-0", 0),
        ("-0.0", -0.0),
        ("1e-400", 0.0),
    ],
)
def test_numbers_are_integers_within_64_bits_and_floats_beyond(text, value):
    found = leaves(f'{{"n": {text}}}')["n",].value
    assert type(found) is type(value)
    assert found == value
    assert math.copysign(1, found) == math.copysign(1, value)


@each_row(
    ("text", "line", "column"),
    [
        ("", None, None),
        (" \n", None, None),
        ('{"a": "hunter2",\n "a": 1}', 2, 2),
        ('{"x": {"a": "hunter2", "a": 1}}', 1, 24),
        ('{"a": "hunter2"} x', 1, 18),
        ('{"a": "hunter2"}\n{}', 2, 1),
        ('{"a": "hunter2",}', 1, 17),
        ('{"a": "hunter2" "b": 1}', 1, 17),
        ('{"a" "hunter2"}', 1, 6),
        ("{hunter2: 1}", 1, 2),
        ('{"a": ["hunter2",]}', 1, 18),
        ('{"a": ["hunter2"}', 1, 17),
        ('{"a": hunter2}', 1, 7),
        ('{"a": NaN}', 1, 7),
        ('{"a": Infinity}', 1, 7),
        ('{"a": nullx}', 1, 7),
        ('{"a": 01}', 1, 7),
        ('{"a": 1.}', 1, 7),
        ('{"a": .5}', 1, 7),
        ('{"a": +1}', 1, 7),
        ('{"a": 1e400}', 1, 7),
        ('{"a": "hunter2', 1, 15),
        ('{"a": "hunter2\n"}', 1, 15),
        ('{"a": "hunter2\\x"}', 1, 15),
        ('{"a": "hunter2\\ud800"}', 1, 7),
        ('{"a": "hunter2"', 1, 16),
        ('{"a":', 1, 6),
        ("[1]", 1, None),
        ('"hunter2"', 1, None),
        ('{"hunter": 1 // 2}', 1, 14),
        ('\ufeff{"a": 1}', 1, None),
    ],
)
def test_invalid_json_is_an_error_with_its_place_and_without_its_content(text, line, column):
    with pytest.raises(FormatError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"
    assert caught.value.__cause__ is None


def test_text_that_is_not_utf_8_is_an_error():
    with pytest.raises(FormatError):
        parse(b'{"a": "\xff"}')


def test_depth_and_size_are_limited_without_recursion():
    deep = '{"a":' + "[" * 199 + "]" * 199 + "}"
    assert parse(deep).parts[0].get("a") is not None
    for text in ('{"a":' + "[" * 200, '{"a":' * 100_000, '{"a":' + '[{"b":' * 100_000):
        with pytest.raises(LimitError):
            parse(text)
    with pytest.raises(LimitError):
        JSON.parse(b'{"a": "0123456789"}', Limits(size=10))


@pytest.mark.parametrize(
    "text", ['{"sops": "x"}', '{"a": 1, "sops": [1]}', '{"sops": {}}', '{"sops": {"mac": 1}}']
)
def test_a_sops_key_that_is_no_metadata_is_an_error(text):
    with pytest.raises(MetadataError):
        parse(text)


@pytest.mark.parametrize("name", ["json", "age-and-pgp"])
def test_files_of_sops_are_read_and_their_block_is_written_as_it_was(vectors, name):
    encrypted = (vectors / name / "encrypted.json").read_bytes()
    document = parse(encrypted)
    plain = json.loads((vectors / name / "plain.json").read_text())
    assert list(to_data(document.parts[0])) == list(plain)
    assert [leaf.path for leaf in document.leaves][7:12] == [
        ("list", 0), ("list", 1), ("list", 2, "three"), ("nested", "a", "b"), ("empty",),
    ]  # fmt: skip
    kinds = [key.recipient.kind for key in document.metadata.wrapped_keys]
    assert kinds == (["age"] if name == "json" else ["age", "pgp"])
    assert JSON.rewrite(document, [], document.metadata) == encrypted


@pytest.mark.parametrize("name", ["json", "age-and-pgp"])
def test_files_of_sops_decrypt_to_what_sops_decrypts_them_to(vectors, codec, name):
    encrypted = (vectors / name / "encrypted.json").read_bytes()
    assert codec.decrypt(JSON, encrypted) == (vectors / name / "decrypted.json").read_bytes()


# Writing


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ('{"a":1}', '{"a":1,"sops": {"age": [{"enc": '),
        ('{"a": 1, "b": 2}', '{"a": 1, "b": 2, "sops": {"age": [{"enc": '),
        ('{ "a": 1 }\n', '{ "a": 1, "sops": {"age": [{"enc": '),
        ('{\n  "a": 1\n}\n', '{\n  "a": 1,\n  "sops": {\n    "age": [\n      {\n        "enc": '),
        ('{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"sops": {\n\t\t"age": [\n\t\t\t{\n\t\t\t\t"enc": '),
        ('{\r\n "a": 1\r\n}\r\n', '{\r\n "a": 1,\r\n "sops": {\r\n  "age": [\r\n   {\r\n    "enc": '),
        ('{\n"a": 1\n}', '{\n"a": 1,\n"sops": {\n"age": [\n{\n"enc": '),
        (' {\n   "a": 1\n }', ' {\n   "a": 1,\n   "sops": {\n     "age": [\n       {\n         "enc": '),
        ('{"a": 1,\n\n "b" : 2\n\n}', '{"a": 1,\n\n "b" : 2,\n "sops": {\n  "age": [\n'),
        ('{"a": {\n  "b": [\n]\n}}', '{"a": {\n  "b": [\n]\n},"sops": {"age": [{'),
        ("{}", '{"sops": {"age": [{'),
        ("{\n}\n", '{\n\t"sops": {\n\t\t"age": [\n'),
    ],
)
def test_the_block_is_the_last_member_in_the_files_own_layout_and_leaves_without_trace(plain, expected):
    encrypted, restored = added_and_removed(plain)
    assert encrypted.decode().startswith(expected)
    assert '"mac": "ENC[' in encrypted.decode()
    assert json.loads(encrypted)["sops"]["version"]
    assert restored == plain.encode()


def test_the_block_is_replaced_where_it_stands():
    plain = '{\n    "a": 1\n}'
    encrypted, _ = added_and_removed(plain)
    newer = JSON.rewrite(parse(encrypted), [], replace(METADATA, lastmodified="2027-01-01T00:00:00Z"))
    assert newer == encrypted.replace(b"2026-11-23T10:11:12Z", b"2027-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1, "sops": %s, "b": 2}', '{"a": 1, "b": 2}'),
        ('{\n  "sops": %s,\n  "b": 2\n}', '{\n  "b": 2\n}'),
        ('{ "sops" : %s }', "{ }"),
    ],
)
def test_a_block_anywhere_is_removed(before, after):
    block = json.dumps(json.loads(JSON.rewrite(parse("{}"), [], METADATA))["sops"])
    assert JSON.rewrite(parse(before % block), [], None).decode() == after


def test_changes_replace_the_value_alone():
    text = '{ "a" :  "x" , "b":[ 1,2 ], "c": null}'
    found = leaves(text)
    changes = [
        Change(found["a",], "ENC[x]", True),
        Change(found["b", 1], "ENC[y]", True),
    ]
    assert (
        JSON.rewrite(parse(text), changes, None).decode()
        == '{ "a" :  "ENC[x]" , "b":[ 1,"ENC[y]" ], "c": null}'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("<&>/é\u2028\x7f", '"<&>/é\u2028\x7f"'),
        ('"\\\n\t\r\b\f\x01', '"\\"\\\\\\n\\t\\r\\b\\f\\u0001"'),
        (9007199254740993, "9007199254740993"),
        (1.5, "1.5"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e-9, "1e-9"),
        (1e-6, "0.000001"),
        (1.5e22, "1.5e+22"),
        (123456789012345680000.0, "123456789012345680000"),
        (True, "true"),
        (None, "null"),
        (b"bytes", '"bytes"'),
    ],
)
def test_decrypted_values_are_spelled_with_the_fewest_escapes(value, text):
    document = parse('{"a": "ENC[]"}')
    written = JSON.rewrite(document, [Change(next(document.leaves), value, False)], None)
    assert written.decode() == f'{{"a": {text}}}'
    if not isinstance(value, bytes):
        again = next(parse(written).leaves).value
        assert (again, type(again)) == (value, type(value))


@pytest.mark.parametrize("value", [math.inf, math.nan, b"\xff"])
def test_values_without_a_spelling_are_errors(value):
    document = parse('{"a": 1}')
    with pytest.raises(FormatError):
        JSON.rewrite(document, [Change(next(document.leaves), value, False)], None)


def test_plain_data_is_written_with_tabs_as_sops_does():
    data = {"a": [1, {"b": None}], "c": {}, "d": [], "e": "ż"}
    expected = (
        '{\n\t"a": [\n\t\t1,\n\t\t{\n\t\t\t"b": null\n\t\t}\n\t],\n\t"c": {},\n\t"d": [],\n\t"e": "ż"\n}\n'
    )
    assert JSON.render([data]).decode() == expected


@pytest.mark.parametrize("parts", [[], [{}, {}]])
def test_json_holds_exactly_one_document(parts):
    with pytest.raises(FormatError):
        JSON.render(parts)


# Round trips

PLAINS = [
    b'{"a":"secret","n":{"b":1,"c":1.0,"d":-0.0,"e":true,"f":null,"g":""},"l":["x",2.5,[]],"x_unencrypted":1.50}',
    '{\r\n    "ż": "zażółć\\n",\r\n    "x" : 123456789 \r\n}'.encode(),
    b'{"enc":"a","nested":{"sops":"not metadata"}}\n\n',
]


@pytest.mark.parametrize("plain", PLAINS)
def test_encrypting_and_decrypting_gives_the_same_bytes(codec, plain):
    encrypted = codec.encrypt(JSON, plain)
    assert b"secret" not in encrypted
    assert codec.decrypt(JSON, encrypted) == plain


@pytest.mark.parametrize("plain", PLAINS)
def test_sops_reads_what_was_written(codec, sops_decrypts, plain):
    assert json.loads(sops_decrypts(codec.encrypt(JSON, plain), "json")) == json.loads(plain)


space = st.text(" \t\n\r", max_size=3)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain_data = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6).filter(lambda key: key != "sops"),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner),
        max_leaves=6,
    ),
    max_size=4,
)


@st.composite
def texts(draw):
    """JSON text with white space in any place."""

    def write(value):
        def gap():
            return draw(space)

        if isinstance(value, dict):
            members = [
                f"{gap()}{json.dumps(key)}{gap()}:{gap()}{write(item)}{gap()}" for key, item in value.items()
            ]
            return "{" + (",".join(members) or gap()) + "}"
        if isinstance(value, list):
            return "[" + (",".join(f"{gap()}{write(item)}{gap()}" for item in value) or gap()) + "]"
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    data = draw(plain_data)
    return data, f"{draw(space)}{write(data)}{draw(space)}"


@given(texts())
def test_any_json_is_read_as_the_standard_library_reads_it(case):
    data, text = case
    assert to_data(parse(text).parts[0]) == data


@given(texts())
def test_any_json_gets_back_its_bytes_when_the_block_is_removed(case):
    data, text = case
    encrypted, restored = added_and_removed(text)
    assert {key: value for key, value in json.loads(encrypted).items() if key != "sops"} == data
    assert b'"mac": "ENC[' in encrypted
    assert restored == text.encode()


@given(texts(), st.data())
def test_only_what_is_asked_for_changes(case, choice):
    _, text = case
    document = parse(text)
    chosen = [leaf for leaf in document.leaves if choice.draw(st.booleans())]
    written = JSON.rewrite(document, [Change(leaf, "ENC[new]", True) for leaf in chosen], METADATA)
    again = parse(JSON.rewrite(parse(written), [], None))
    paths = {leaf.path for leaf in chosen}
    for old, new in zip(document.leaves, again.leaves, strict=True):
        assert old.path == new.path
        if old.path in paths:
            assert new.value == "ENC[new]"
        else:
            assert document.source[old.start : old.end] == again.source[new.start : new.end]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_text_leads_to_another_error_than_the_documented_ones(text):
    try:
        valid = json.loads("{" + text) is not None
    except ValueError:
        valid = False
    if not valid:
        with pytest.raises(FormatError):
            parse("{" + text)
    else:
        assert parse("{" + text).source == "{" + text
