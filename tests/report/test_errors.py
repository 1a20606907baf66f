"""Errors as text: one cause, one message, and the one that differs is never buried."""

import pytest

from fluxsecrets.errors import FluxsecretsError, FormatError, UsageError
from fluxsecrets.report.alike import MOST, few, shape
from fluxsecrets.report.errors import SimilarErrors, error_lines, similar_errors


def test_an_error_is_shown_with_its_place_details_and_hint():
    error = UsageError(
        "wrong", path="a b.yaml", line=3, details=["one"], hint="run `fluxsecrets explain FILE`"
    )
    assert error_lines(SimilarErrors(error)) == [
        "error: a b.yaml:3: wrong",
        "  one",
        "  hint: run `fluxsecrets explain 'a b.yaml'`",
    ]


def test_hint_for_standard_input_names_no_file():
    error = UsageError("wrong", path="standard input", hint="run `fluxsecrets explain FILE`")
    assert error_lines(SimilarErrors(error))[-1] == "  hint: run `fluxsecrets explain FILE`"


def test_control_characters_in_errors_are_escaped():
    error = FluxsecretsError("the key \x1b[31m", path="a\nb", details=["\x07"], hint="\u202e")
    assert error_lines(SimilarErrors(error)) == [
        r"error: a\nb: the key \x1b[31m",
        r"  \x07",
        r"  hint: \u202e",
    ]


def test_similar_errors_are_counted():
    first, second = (UsageError("wrong", path=".sops.yaml", line=2) for _ in range(2))
    other = UsageError("wrong", path="b.yaml")
    found = similar_errors([first, other, second])
    assert [(each.error.place, each.times) for each in found] == [(".sops.yaml:2", 2), ("b.yaml", 1)]
    assert error_lines(found[0])[0] == "error: .sops.yaml:2: wrong (2 files failed because of this)"


def test_one_cause_for_many_files_is_one_message():
    errors = [UsageError("no rule", path=f"{name}.yaml", hint="add one") for name in "abcdea"]
    (similar,) = similar_errors(errors)
    assert error_lines(similar) == [
        "error: 5 files: no rule",
        "  in a.yaml, b.yaml, c.yaml and 2 more",
        "  hint: add one",
    ]
    assert error_lines(similar_errors(errors[:2])[0])[1] == "  in a.yaml, b.yaml"


@pytest.mark.parametrize(
    "other",
    [
        UsageError("else", path="b.yaml", hint="add one"),
        UsageError("no rule", path="b.yaml", hint="another"),
        UsageError("no rule", path="b.yaml", details=["more"], hint="add one"),
        UsageError("no rule", path="b.yaml", line=2, hint="add one"),
    ],
)
def test_another_cause_is_another_message(other):
    assert len(similar_errors([UsageError("no rule", path="a.yaml", hint="add one"), other])) == 2


def shown(errors):
    return [line for similar in similar_errors(errors) for line in error_lines(similar)]


def test_the_rare_error_comes_last():
    many = [UsageError("no key", path=f"{at}.yaml") for at in range(1000)]
    assert shown([UsageError("odd", path="x.yaml"), *many]) == [
        "error: 1000 files: no key",
        "  in 0.yaml, 1.yaml, 2.yaml and 997 more",
        "error: x.yaml: odd",
    ]


def test_errors_of_one_kind_with_words_of_their_own_fit_on_a_screen():
    many = [
        FormatError(f"the key 'k{at}' is there twice", path=f"a/{at}.yaml", line=at + 1) for at in range(1000)
    ]
    assert shown([*many[:500], UsageError("odd", path="x.yaml"), *many[500:]]) == [
        "error: a/0.yaml:1: the key 'k0' is there twice",
        "error: a/1.yaml:2: the key 'k1' is there twice",
        "error: a/2.yaml:3: the key 'k2' is there twice",
        "error: 997 more like this one; --format json lists all",
        "error: x.yaml: odd",
    ]


def test_a_few_errors_of_one_kind_are_all_shown():
    many = [FormatError("twice", path=f"{at}.yaml", line=1) for at in range(MOST)]
    assert len(shown(many)) == MOST


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Secret 's1' fails", "Secret 's2' fails", True),
        ("apps/a.yaml is missing", "apps/b.yaml is missing", True),
        ("version 3 is newer", "version 4 is newer", True),
        ("the key is missing", "the value is missing", False),
        (None, "", True),
    ],
)
def test_the_shape_of_a_message(one, other, same):
    assert (shape(one) == shape(other)) is same


def test_nothing_is_left_out_uncounted():
    causes = [1] * 40 + [2] * 5 + [3] * 11
    chosen = few(causes)
    assert len(chosen.shown) + sum(chosen.left.values()) == len(causes)
    assert {causes[at] for at in chosen.shown} == {1, 2, 3}
