import pytest

from fluxsecrets.repo.substitute import substitute_text, variables_in

VALUES = {"A": "1", "B": "two", "EMPTY": "", "_x9": "y"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}-${B}", "1-two"),
        ("${_x9}", "y"),
        ("${UNKNOWN}", "${UNKNOWN}"),
        ("${UNKNOWN:-d}${UNKNOWN:=d}${UNKNOWN-d}${UNKNOWN=d}", "dddd"),
        ("${EMPTY:-d}${EMPTY:=d}|${EMPTY-d}${EMPTY=d}|${EMPTY}", "dd||"),
        ("${A:-d}", "1"),
        ("${UNKNOWN:=${B:=x}}", "two"),
        ("${UNKNOWN:=${OTHER:=x}}!", "x!"),
        ("$${A}", "${A}"),
        ("$${A:=$${B}}", "${A:=${B}}"),
        ("$A $$ ${ ${A", "$A $$ ${ ${A"),
        ("${A//x/y} ${#A} ${1}", "${A//x/y} ${#A} ${1}"),
        ("${UNKNOWN:-{a}}", "{a}"),
        ("${UNKNOWN:-never closed", "${UNKNOWN:-never closed"),
        ("a ${A} b", "a 1 b"),
    ],
)
def test_texts(text, expected):
    assert substitute_text(text, VALUES) == expected


def test_nesting_ends():
    assert substitute_text("${U:-" * 50 + "}" * 50, {}).startswith("${U:-")


def test_a_value_is_not_looked_at_again():
    assert substitute_text("${A}", {"A": "${B}", "B": "x"}) == "${B}"


@pytest.mark.parametrize(("text", "names"), [("${A}", ["A"]), ("$${A}", []), ("${A:-b}", []), ("$A", [])])
def test_variables_without_a_default(text, names):
    assert variables_in(text) == names
