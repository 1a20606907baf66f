"""Configurations of gitleaks and betterleaks: what they mean here, and that nothing of them goes missing."""

import pytest

from fluxsecrets.errors import ConfigError, LimitError
from fluxsecrets.repo.leakextend import joined, read_chain
from fluxsecrets.repo.leakreader import read_configuration
from fluxsecrets.repo.leakrules import Allowlist, Disabled, LeakRule, Required
from fluxsecrets.repo.settings import parse_settings

TOML = """\
title = "team"
minVersion = "v8.25.0"

[extend]
useDefault = true
disabledRules = ["Generic API key"]

[[rules]]
id = "Acme_Token"
description = "ACME token"
regex = \'\'\'acme_([a-z0-9]{16})
[[allowlists]]
x\'\'\'
secretGroup = 1
entropy = 3
keywords = ["ACME_"]
path = "yaml$"
tags = ["team"]
  [[rules.required]]
  id = "acme-id"
  withinLines = 3
  [[rules.allowlists]]
  stopwords = ["Example"]
  condition = "AND"
  regexTarget = "line"
  regexes = ["#"]

[[rules]]
id = "acme-id"
regex = "id_[0-9]+"
SkipReport = true
[rules.allowlist]
paths = ["^docs/"]

[[allowlists]]
description = "test data"
commits = ["ABCDEF0123"]
targetRules = ["acme token"]
"""


def configuration(text, path=".gitleaks.toml"):
    return read_configuration(text.encode(), path)


def test_everything_is_read_with_its_place():
    found, extends = configuration(TOML)
    origin = ".gitleaks.toml"
    assert extends is None
    assert found.rules == (
        LeakRule(
            "acme-token",
            "Acme_Token",
            origin,
            8,
            "ACME token",
            "acme_([a-z0-9]{16})\n[[allowlists]]\nx",
            1,
            3.0,
            ("acme_",),
            "yaml$",
            ("team",),
            required=(Required("acme-id", 3),),
        ),
        LeakRule("acme-id", "acme-id", origin, 28, regex="id_[0-9]+", silent=True),
    )
    assert found.allowlists == (
        Allowlist(origin, 35, "test data", commits=("abcdef0123",), rules=("acme-token",)),
        Allowlist(
            origin,
            22,
            regexes=("#",),
            target="line",
            stopwords=("example",),
            every=True,
            rules=("acme-token",),
        ),
        Allowlist(origin, 32, paths=("^docs/",), rules=("acme-id",)),
    )
    assert found.disabled == (Disabled("generic-api-key", origin, 6),)
    assert found.unsupported == ()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[[rules]]\nid = "a"\nregex = "("\n', 3, "regular expression"),
        ('[[rules]]\nid = "a"\n\nregex = "(?=a)"\n', 4, "regular expression"),
        ('[[rules]]\nid = "a"\nregex = "a{2000}"\n', 3, "regular expression"),
        ('[[rules]]\nid = "a"\npath = "["\n', 3, "path is not a valid regular expression"),
        ('[[rules]]\nid = "a"\nregex = "a"\nsecretGroup = 1\n', 4, "no group 1"),
        ('[[rules]]\nregex = "a"\n', 1, "id is missing"),
        ('[[rules]]\nid = "a"\nregex = "a"\n[[rules]]\nid = "A"\nregex = "b"\n', 4, "two rules a"),
        ('[[rules]]\nid = "a"\nregex = "a"\n[[rules.required]]\nid = "b"\n', 1, "requires the rule 'b'"),
        ('[[rules]]\nid = "a"\nregex = "a"\nentropy = 9\n', 4, "from 0 to 8"),
        ('[[allowlists]]\ndescription = "x"\n', 1, "no condition"),
        ('[[allowlists]]\nregexes = [""]\n', 2, "matches everything"),
        ('[[allowlists]]\nstopwords = [""]\n', 2, "match everything"),
        ('[[allowlists]]\nregexes = ["a"]\nauthors = ["b"]\n', 3, "has no key 'authors'"),
        ('[[allowlists]]\nregexes = ["a"]\ncondition = "XOR"\n', 3, "condition is 'xor'"),
        ('[[allowlists]]\nregexes = ["a"]\nregexTarget = "file"\n', 3, "regexTarget is 'file'"),
        ("[[allowlists]]\nregexes = 3\n", 2, "expected a list"),
        ("rules = 3\n", 1, "expected a list"),
        ("[[rules]\n", 1, "not valid TOML"),
        ("a = 1\na = 2\n", 2, "not valid TOML"),
    ],
)
def test_mistakes_have_their_line(text, line, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")) as caught:
        configuration(text)
    assert (caught.value.path, caught.value.line) == (".gitleaks.toml", line)
    assert caught.value.hint is None or caught.value.hint


def test_a_mistake_in_toml_does_not_show_the_text():
    with pytest.raises(ConfigError) as caught:
        configuration('key = "hunter2-throwaway\n')
    assert "hunter2" not in str(caught.value)
    with pytest.raises(LimitError):
        read_configuration(b"#" * (2**20 + 1), ".gitleaks.toml")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_configuration(b"\xff", ".gitleaks.toml")


def test_what_has_no_effect_is_named():
    found, _ = configuration(
        'prefilter = "x"\nfuture = 1\n[extend]\nurl = "https://example.com"\n'
        '[[rules]]\nid = "a"\nregex = "a"\nvalidate = "x"\nfilter = "x"\nspecificity = 3\n'
        'tokenEfficiency = true\nname = "x"\n'
    )
    assert [(each.line, each.message.split(" ")[0]) for each in found.unsupported] == [
        (1, "prefilter"),
        (2, "the"),
        (4, "extend.url"),
        (8, "validate"),
        (9, "filter"),
        (10, "specificity"),
        (11, "tokenEfficiency"),
        (12, "a"),
    ]


@pytest.mark.parametrize(
    ("expression", "entropy", "noted"),
    [
        ('entropy(finding["secret"]) <= 3.5', 3.5, False),
        (
            'filter.entropy(finding["secret"]) <= 4.0 ||\\nfilter.failsTokenEfficiency(finding["secret"])',
            4.0,
            True,
        ),
        ('!(entropy(finding["secret"]) <= 3.5)', None, True),
        ('entropy(finding["secret"]) <= 3.5 && x', None, True),
    ],
)
def test_the_entropy_of_a_filter_counts(expression, entropy, noted):
    escaped = expression.replace('"', '\\"')
    found, _ = configuration(f'[[rules]]\nid = "a"\nregex = "a"\nfilter = "{escaped}"\n')
    assert found.rules[0].entropy == entropy
    assert bool(found.unsupported) is noted


FILES = {
    "top.toml": '[extend]\npath = "base.toml"\ndisabledRules = ["gone", "plain-secret"]\n'
    '[[rules]]\nid = "kept"\nentropy = 2\n[[rules.allowlists]]\npaths = ["a"]\n'
    '[[rules]]\nid = "nowhere"\nentropy = 2\n',
    "base.toml": '[[rules]]\nid = "gone"\nregex = "g"\n'
    '[[rules]]\nid = "kept"\nregex = "k"\nkeywords = ["k"]\n',
    "loop.toml": '[extend]\npath = "./loop.toml"\n',
    "out.toml": '[extend]\npath = "../x.toml"\n',
    "missing.toml": '[extend]\npath = "absent.toml"\n',
    "1.toml": '[extend]\npath = "2.toml"\n',
    "2.toml": '[extend]\npath = "3.toml"\n',
    "3.toml": '[extend]\npath = "base.toml"\n',
}


def read(name):
    return FILES[name].encode() if name in FILES else None


def test_a_configuration_extends_another():
    found = joined([read_configuration(data, path) for path, data in read_chain("top.toml", read)])
    assert [(rule.id, rule.regex, rule.entropy, rule.keywords) for rule in found.rules] == [
        ("kept", "k", 2.0, ("k",))
    ]
    assert [each.rule for each in found.disabled] == ["plain-secret"]
    assert [each.rules for each in found.allowlists] == [("kept",)]
    assert [each.message for each in found.unsupported] == [
        "the rule nowhere has no regex here: only its allowlists count"
    ]


@pytest.mark.parametrize("name", ["loop.toml", "out.toml", "missing.toml", "1.toml", "absent.toml"])
def test_extensions_are_bounded_and_stay_inside(name):
    with pytest.raises(ConfigError):
        list(read_chain(name, read))


# --- .fluxsecrets.yaml -----------------------------------------------------------------------------


def test_a_rule_of_the_settings():
    settings = parse_settings(
        b"scan:\n  rules:\n    - id: acme-token\n      regex: 'acme_(.+)'\n      severity: low\n"
        b"      allowlists: [{description: why, stopwords: [a]}]\n"
        b"  allowlists: [{description: why, paths: [x], targetRules: [plain-secret]}]\n"
        b"  config: ./.gitleaks.toml\n  comments: [gitleaks]\n"
    )
    scan = settings.scan
    assert scan.config == ".gitleaks.toml"
    assert scan.comments == ("gitleaks",)
    assert [(rule.id, rule.line, rule.severity) for rule in scan.rules.rules] == [("acme-token", 3, "low")]
    assert [each.rules for each in scan.rules.allowlists] == [("plain-secret",), ("acme-token",)]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("rules: [{id: a}]", "neither regex nor path"),
        ("rules: [{id: A, regex: a}]", "not the id of a rule"),
        ("rules: [{id: a, regex: a, filter: x}]", "has no key 'filter'"),
        ("rules: [{id: a, regex: a, severity: bad}]", "not a severity"),
        ("allowlists: [{regexes: [a]}]", "gives no reason"),
        ("config: ../x", "not a path"),
        ("comments: [noqa]", "not a tool"),
        ("rule: []", "has no key 'rule'"),
    ],
)
def test_settings_are_strict(section, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_settings(f"scan:\n  {section}\n".encode())
    assert caught.value.line == 2
