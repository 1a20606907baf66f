"""How hard a value is searched for depends on what it is."""

import pytest

from fluxsecrets.ops.people.compare import Index, Marker, Rank

MARKER = Marker(b"throw-away")


def found(known, value):
    return bool(Index(MARKER, [MARKER.marked(known)]).in_secret(value))


def found_in_text(known, text):
    return bool(Index(MARKER, [MARKER.marked(known)]).in_text(text))


@pytest.mark.parametrize(
    "value", [True, False, 1, 443, "", "x", "yes", "true", "None", "dHJ1ZQ==", "Nw==", 0.5]
)
def test_trivial_values_are_compared_at_their_own_place_only(value):
    assert not found(value, value)
    assert MARKER.marked(value).own == MARKER.marked(value).own


@pytest.mark.parametrize(
    ("known", "value"),
    [
        ("pa55", "pa55"), ("pa55", " pa55\n"), (12345, "12345"), ("12345", 12345), ("pa55", b"pa55"),
        ("pa55", "cGE1NQ=="), ("cGE1NQ==", "pa55"), ("hunter", "user:hunter"), ("$ecret!", "a=$ecret!;b=c"),
        ("hunter", "dXNlcjpodW50ZXI="),
        ("p@ss/word", "https://a:p%40ss%2Fword@b/"), ("a\nb\nc\nd", "x\na\nb\nc\nd\n"),
        (b"\x00\xff" * 20, b"\x00\xff" * 20), ("schlüssel", "der-schlüssel"),
        ("https://user:Xk39fQz71LmP@host/", "Xk39fQz71LmP"),
    ],
)  # fmt: skip
def test_found_in_a_secret(known, value):
    assert found(known, value)


@pytest.mark.parametrize(
    ("known", "value"),
    [
        ("pa55", "user:pa55"), ("hunter", "hunters"), ("hunter", "bighunter"), ("hunter", "other"),
        ("https://user:Xk39fQz71LmP@host/", "host"), ("hunter", None), ("hunter", ""),
    ],
)  # fmt: skip
def test_not_found_in_a_secret(known, value):
    assert not found(known, value)


def test_in_any_text_only_what_is_not_a_word():
    assert found_in_text("hunter-22", "password: hunter-22")
    assert found_in_text("hunter-22", "password: aHVudGVyLTIy")
    assert not found_in_text("production", "environment: production")
    assert not found_in_text("hunter2", "password: hunter2")
    assert Index(MARKER, [MARKER.marked("production")]).in_text("a production b", Rank.INSIDE)


def test_marks_of_another_run_differ():
    other = Marker(b"another")
    assert other.marked("hunter-22").own != MARKER.marked("hunter-22").own
    assert "hunter" not in repr(MARKER.marked("hunter-22"))
    assert "throw-away" not in repr(MARKER)
