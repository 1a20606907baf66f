import pytest

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.repo.goyaml import emit, read, resolve
from fluxsecrets.sops.values import Timestamp


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True),
        ("Off", False),
        ("~", None),
        ("0777", 511),
        ("08", 8.0),
        ("0x_1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("18446744073709551615", 2**64 - 1),
        ("1e999", "1e999"),
        ("12:30", "12:30"),
        ("2001-01-01", "2001-01-01"),
        ("<<", "<<"),
        ("tRue", "tRue"),
        ("9" * 10_000, "9" * 10_000),
    ],
)
def test_plain_scalars(text, value):
    assert resolve(text).value == value


def test_values_of_other_kinds_are_texts():
    assert emit({"t": Timestamp("2001-01-01T00:00:00Z"), "b": b"hi"}) == 'b: hi\nt: "2001-01-01T00:00:00Z"\n'


def test_what_json_lacks():
    with pytest.raises(FormatError, match="unsupported value: NaN"):
        emit({"a": float("nan")})
    with pytest.raises(FormatError, match="control characters are not allowed"):
        emit({"a": "\x7f"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: hunter2: x", "yaml: mapping values are not allowed in this context"),
        ("b: 1\na: *hunter2", "yaml: unknown anchor referenced"),
        ("a: &hunter2 [*hunter2]", "yaml: anchor value contains itself"),
        ("a: !!int hunter2", "yaml: cannot decode !!str as a !!int"),
        ("a: {{hunter2: x}: y}", "yaml: invalid map key"),
        ("a: !!binary hunter2*", "yaml: !!binary value contains invalid base64 data"),
        ("<<: hunter2", "yaml: map merge requires map or sequence of maps as the value"),
        ("a: .inf", "json: unsupported value: +Inf"),
        ("a: \udcc3", "yaml: invalid UTF-8 octet"),
        ("a: hunter2\x01", "yaml: control characters are not allowed"),
    ],
)
def test_errors_have_no_values(text, message):
    with pytest.raises(FormatError) as caught:
        read(text)
    assert caught.value.message == message


def test_anchors_and_merges():
    text = "base: &b {x: 1, z: 2}\nmade: {<<: *b, z: 3}\nboth: {<<: [{x: 4}, *b]}"
    assert read(text) == {
        "base": {"x": 1, "z": 2},
        "made": {"x": 1, "z": 3},
        "both": {"x": 4, "z": 2},
    }


def test_keys_are_texts_and_the_last_counts():
    assert read("1: a\ntrue: b\n1.5: c\na: d\na: e") == {"1": "a", "true": "b", "1.5": "c", "a": "e"}


def test_only_the_first_document_is_read():
    assert read("a: 1\n---\na: [") == {"a": 1}


def test_depth_and_size_have_limits():
    deep = {}
    for _ in range(1000):
        deep = {"a": deep, "b": 1}
    with pytest.raises(LimitError):
        emit(deep)
    with pytest.raises(LimitError):
        read("[" * 400 + "]" * 400)
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
    )
    with pytest.raises(LimitError):
        read(bomb)
