import pytest

from fluxsecrets.errors import LimitError
from fluxsecrets.repo.envsubst import MAX_DEPTH, calls, evaluate, has_default, parse
from fluxsecrets.repo.envsubst.functions import apply, lower, upper


def test_a_value_is_not_looked_at_again():
    assert evaluate(parse("${A}"), {"A": "${B}", "B": "x"}).text == "${B}"


def test_all_missing_variables_are_told():
    found = evaluate(parse("${X} ${Y:=d} ${Z^^} ${X}"), {})
    assert (found.text, found.missing) == (" d  ", ("X", "Z"))


def test_the_repr_has_no_values():
    assert "hunter2" not in repr(evaluate(parse("${A} ${hunter2}"), {"A": "hunter2"}))


def test_what_is_not_known_stays_so():
    values = {"A": "<?>", "B": "b"}
    assert evaluate(parse("x${A}x"), values, "<?>").text == "x<?>x"
    assert evaluate(parse("${A^^}${#A}${B/b/${A}}"), values, "<?>").text == "<?>" * 3
    assert evaluate(parse("${B:=${A}}${A:=b}"), values, "<?>").text == "b<?>"


def test_calls_are_told_inner_ones_first():
    found = list(calls(parse("a ${A:=${B}} ${C^}")))
    assert [(call.variable, has_default(call)) for call in found] == [("B", False), ("A", True), ("C", False)]


def test_nesting_has_a_limit():
    parse("${U:=" * MAX_DEPTH + "}" * MAX_DEPTH)
    with pytest.raises(LimitError):
        parse("${U:=" * 100_000)


def test_trimming_a_huge_value_has_a_limit():
    with pytest.raises(LimitError):
        evaluate(parse("${A##*x}"), {"A": "a" * 100_000})


@pytest.mark.parametrize("text", ["${A}" * 100, "${A//a/${A}}", "${A//a/${B}}", "${U:=${A}${A}}" * 50])
def test_growth_has_a_limit(text):
    with pytest.raises(LimitError):
        evaluate(parse(text), {"A": "a" * 2**20, "B": "b" * 100})


def test_long_texts_are_fast():
    text = "$$ ${A} $ " * 100_000
    assert len(evaluate(parse(text), {"A": "b"}).text) == 600_000


def test_letters_change_one_by_one():
    assert (upper("straße ŉ ǆ ᾳ"), lower("ΣΑΣ İ")) == ("STRAßE ŉ Ǆ ᾼ", "σασ i")


def test_a_part_may_split_a_character():
    assert apply(":", "é", ["0", "1"]).encode("utf-8", "surrogateescape") == b"\xc3"
