"""Which rule applies to a file."""

import os

import pytest

from fluxsecrets.ops.run.session import Session

RULES = "creation_rules:\n  - path_regex: ^a/\n    age: []\n  - path_regex: ^b/\n    age: []\n"


@pytest.mark.parametrize(("path", "expected"), [("a/db.yaml", 0), ("b/db.yaml", 1), ("c/db.yaml", None)])
def test_the_rule_that_applies(tmp_path, path, expected):
    (tmp_path / ".sops.yaml").write_text(RULES, encoding="utf-8")
    session = Session(os.environ, tmp_path)
    rule = session.rule_for(tmp_path / path)
    assert (None if rule is None else rule.index) == expected
    tried = session.rules_for(tmp_path / path).matches
    assert [each.matched for each in tried] == ([False] * len(tried[:-1])) + [expected is not None]


def test_no_rule_applies_without_rules(tmp_path):
    assert Session(os.environ, tmp_path).rule_for(tmp_path / "db.yaml") is None
