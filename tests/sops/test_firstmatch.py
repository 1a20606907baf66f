import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.repo.rulenames import Files, RuleNames
from fluxsecrets.sops.config import match_rules, parse_config, rule_for
from fluxsecrets.sops.firstmatch import FirstMatch
from fluxsecrets.sops.selectors import RegexError, compile_regex

PIECES = [
    *("a", "b", "/", ".", "^", "$", "|", "(", ")", "[ab]", "a*", "(?i)", "(?s).", "(?m)^", "(?U)", "(?:a|b)"),
    *("(?i:A)", "(?P<n>a)", r"\Q", r"\E", r"\.", r"\\Q", r"\b", r"\z", r"\A", "[^a]", "x{2}", "é", "$|^", ""),
    *("^(a|b)$", "^ab$", r"\pL", "[(]", "[)]", "#", " "),
]
PATTERNS = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
TEXTS = st.text(st.sampled_from("abAB/.x é\n()#\ud800Q\\"), max_size=6)


def compiled(texts):
    return [None if text is None else compile_regex(text) for text in texts]


def asked_often(first):
    """As it is after many searches, when it joins the patterns."""
    for _ in range(100):
        first.search("a")
    return first


def one_by_one(patterns, text):
    found = (number for number, each in enumerate(patterns) if each is None or each.search(text))
    return next(found, None)


def is_valid(text):
    try:
        compile_regex(text)
    except RegexError:
        return False
    return True


VALID = PATTERNS.filter(is_valid)


@given(st.lists(st.none() | VALID, max_size=10), st.lists(TEXTS, max_size=3))
def test_it_is_the_first_that_is_found_one_by_one(texts, paths):
    patterns = compiled(texts)
    first = asked_often(FirstMatch(patterns))
    again = pickle.loads(pickle.dumps(first))
    for path in paths:
        assert first.search(path) == one_by_one(patterns, path) == again.search(path)


def test_patterns_that_cannot_be_joined_are_searched_for_all_the_same():
    # An open quotation, a group twice, more than one program may take.
    few = ["x", "y", "z"]
    for texts in (
        [r"\Qa", "b", "c", *few],
        ["(?P<n>a)", "(?P<n>b)", "(?P<n>c)", *few],
        ["(a{500}){2}b|c"] * 200 + ["a"],
    ):
        patterns = compiled(texts)
        for path in ("a", "b", "c", "d"):
            assert asked_often(FirstMatch(patterns)).search(path) == one_by_one(patterns, path)


@given(st.lists(VALID, min_size=7, max_size=10), st.lists(TEXTS, min_size=1, max_size=3))
def test_many_rules_of_a_configuration_apply_as_few_do(texts, paths):
    rules = [{"path_regex": text} for text in texts]
    data = json.dumps({"creation_rules": rules}).encode()
    config = parse_config(data, path=".sops.yaml")
    if config.first_match is not None:
        asked_often(config.first_match)
    for path in paths:
        tried = match_rules(config, path)
        rule = tried[-1].rule if tried[-1].matched else None
        assert rule_for(config, path) == rule


@pytest.mark.parametrize("count", [7, 8, 120])
def test_rules_of_many_environments(count):
    rules = "".join(f"  - path_regex: ^clusters/env-{number:02}/\n" for number in range(count))
    config = parse_config(f"creation_rules:\n{rules}".encode(), path=".sops.yaml")
    for number in range(count):
        found = rule_for(config, f"clusters/env-{number:02}/a.yaml")
        assert found is not None
        assert found.index == number
        assert rule_for(config, f"clusters/env-{count:02}/a.yaml") is None


@pytest.mark.parametrize("count", [7, 8, 50])
def test_rules_of_many_environments_name_the_same_secrets(tmp_path, count):
    rules = "".join(f"  - path_regex: ^apps/env-{number:02}/secret\\.yaml$\n" for number in range(count))
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n{rules}")
    names = RuleNames(Files(str(tmp_path), ()))
    for number in range(count):
        naming = names.naming(f"apps/env-{number:02}/secret.yaml")
        assert naming is not None
        assert naming.number == number + 1
        assert naming.narrow
    assert names.naming(f"apps/env-{count:02}/secret.yaml") is None
    assert not names.secret("apps/env-00/deployment.yaml")
