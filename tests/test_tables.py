"""A test of a whole table tries all rows, and says which of them fail."""

import pytest

from tables import each_row


def test_all_rows_are_tried_and_those_that_fail_are_named():
    tried = []

    @each_row(("a", "b"), [(1, 1), (1, 2), (2, 2), (3, 4)])
    def table(a, b):
        tried.append((a, b))
        assert a == b

    with pytest.raises(BaseExceptionGroup, match="2 of 4 rows") as caught:
        table()
    assert tried == [(1, 1), (1, 2), (2, 2), (3, 4)]
    assert [each.__notes__ for each in caught.value.exceptions] == [["the row: 1-2"], ["the row: 3-4"]]


def test_what_should_have_been_raised_counts_too():
    @each_row("text", ["1", "x"], ids=["a number", "a word"])
    def table(text):
        with pytest.raises(ValueError, match="invalid"):
            int(text)

    with pytest.raises(BaseExceptionGroup) as caught:
        table()
    (failure,) = caught.value.exceptions
    assert isinstance(failure, pytest.fail.Exception)
    assert failure.__notes__ == ["the row: a number"]


def test_a_row_that_skips_fails_the_table():
    @each_row("number", range(3), ids=lambda number: f"no. {number}")
    def table(number):
        pytest.skip("not here")

    with pytest.raises(AssertionError, match=r"no\. 0: a row can't be skipped: not here"):
        table()


def test_a_table_has_rows():
    with pytest.raises(ValueError, match="without rows"):
        each_row("number", [])


@each_row("left", [1, 2])
@each_row("right", [3, 4])
def test_tables_multiply_and_fixtures_are_passed(left, right, tmp_path):
    path = tmp_path / "sums"
    before = path.read_text() if path.exists() else ""
    path.write_text(f"{before}{left + right} ")
    assert (left, right) != (2, 4) or path.read_text() == "4 5 5 6 "
