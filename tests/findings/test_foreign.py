"""Words of other tools: comments, ignore files and baselines as allowances."""

import hashlib
import json

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.findings import Confidence, Finding, Location, Severity
from fluxsecrets.findings.allow import apply_allowances
from fluxsecrets.findings.foreign import MARKS, find_foreign
from fluxsecrets.findings.ignorefile import IgnoreFile
from fluxsecrets.findings.secretsbaseline import SecretsBaseline

RULES = {"plain-secret", "jwt"}
COMMIT = "ab" * 20


def finding(path="a.yaml", line=3, rule="plain-secret", commit=None, marks=(), allow_at=()):
    place = Location(path, line, 1, commit)
    return Finding(
        rule, Severity.HIGH, Confidence.HIGH, place, "m", "h", "f" * 32, allow_at=allow_at, marks=marks
    )


# --- comments --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "line", "covers"),
    [
        ("gitleaks", "a: b # gitleaks:allow", 1),
        ("gitleaks", "# gitleaks:allow", 1),
        ("gitleaks", "a: b # betterleaks:allow", None),
        ("betterleaks", "a: b # gitleaks:allow", 1),
        ("betterleaks", "a: b // betterleaks:allow because", 1),
        ("detect-secrets", "a: b  # pragma: allowlist secret", 1),
        ("detect-secrets", "a: b  # pragma:allowlist secret", 1),
        ("detect-secrets", "a: b  # Pragma: whitelist secret", 1),
        ("detect-secrets", "# pragma: allowlist nextline secret", 2),
        ("detect-secrets", "# pragma: no cover", None),
        ("kingfisher", "a: b # kingfisher:ignore", 1),
        ("kingfisher", "# kingfisher:ignore", 2),
        ("trufflehog", "a: b # trufflehog:ignore", 1),
        ("bandit", "a = b  # nosec B105", None),
    ],
)
def test_comments(tool, line, covers):
    found = find_foreign(f"{line}\nsecond\n".encode(), "a.yaml", [tool])
    assert [each.covers for each in found] == ([] if covers is None else [covers])
    assert any(mark in line.lower() for mark in MARKS[tool]) or covers is None


def test_nosec_counts_in_python_alone():
    assert [each.covers for each in find_foreign(b"a = 'b'  # nosec\n", "a.py", ["bandit"])] == [1]


def test_a_comment_is_about_every_rule_and_is_named():
    inline = find_foreign(b"\n\na: b # gitleaks:allow\nc # gitleaks:allow\n", "a.yaml", ["gitleaks"])
    result = apply_allowances([finding(), finding(line=5)], inline=inline, rules=RULES)
    assert [each.location.line for each in result.kept] == [5]
    (allowed,) = result.allowed
    assert (allowed.tool, allowed.line, allowed.inline) == ("gitleaks", 3, True)
    assert "without a reason" in allowed.reason
    assert [(each.line, each.problem) for each in result.remarks] == [(4, "unused")]


# --- .gitleaksignore -------------------------------------------------------------------------------

IGNORE = f"""\
# a comment

a.yaml:generic-api-key:3
a.yaml:jwt:4
dir\\b.yaml:generic-api-key:1
{COMMIT}:c.yaml:generic-api-key:7
nonsense
a:b:c:d:e
a.yaml:generic-api-key:x
gone.yaml:generic-api-key:1
"""


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (finding(), 3),
        (finding(line=2, allow_at=(3,)), 3),
        (finding(line=4), None),
        (finding(line=4, rule="jwt"), 4),
        (finding("dir/b.yaml", 1), 5),
        (finding("c.yaml", 7), None),
        (finding("c.yaml", 7, commit=COMMIT), 6),
        (finding("c.yaml", 7, commit="cd" * 20), None),
        (finding(commit=COMMIT), 3),
    ],
)
def test_an_ignore_file(found, line):
    allowed = IgnoreFile(IGNORE.encode(), ".gitleaksignore", RULES).allow(found)
    assert (allowed and allowed.line) == line


def test_entries_that_are_wrong_or_of_no_use_are_named():
    ignore = IgnoreFile(IGNORE.encode(), ".gitleaksignore", RULES)
    result = apply_allowances([finding()], others=[ignore], complete=True)
    assert [each.line for each in result.allowed] == [3]
    assert [(each.line, each.problem) for each in result.remarks] == [
        (7, "invalid"),
        (8, "invalid"),
        (9, "invalid"),
        (4, "unused"),
        (5, "unused"),
        (10, "unused"),
    ]
    assert [each.problem for each in ignore.remarks(complete=False)] == ["invalid"] * 3


# --- .secrets.baseline -----------------------------------------------------------------------------


def baseline(*entries):
    results = {}
    for path, value, more in entries:
        digest = hashlib.sha1(value.encode()).hexdigest()
        item = {"type": "Secret Keyword", "filename": path, "hashed_secret": digest, "line_number": 1, **more}
        results.setdefault(path, []).append(item)
    return json.dumps({"version": "1.5.0", "results": results}, indent=1).encode()


def test_a_secrets_baseline():
    data = baseline(("a.yaml", "one", {}), ("b.yaml", "two", {"is_secret": True}), ("b.yaml", "one", {}))
    known = SecretsBaseline(data, ".secrets.baseline")
    assert len(known.digests) == 2
    one, two = "hash:0", "hash:1"
    assert known.allow(finding("a.yaml", marks=(one,))).tool == "detect-secrets"
    assert known.allow(finding("a.yaml", marks=(two,))) is None
    assert known.allow(finding("a.yaml", marks=("regexes:0",))) is None
    assert "as a real secret" in known.allow(finding("b.yaml", marks=(two,))).reason
    unused = list(known.remarks(complete=True))
    assert len(unused) == 1
    assert data.splitlines()[unused[0].line - 1].strip().startswith(b'"hashed_secret"')
    for text in (repr(known), *map(repr, known.meanings())):
        assert not any(digest in text for digest in known.digests)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"results": {"a": {}}}', b'{"results": {"a": [{"hashed_secret": "x"}]}}']
)
def test_what_is_no_secrets_baseline(data):
    with pytest.raises(ConfigError):
        SecretsBaseline(data, ".secrets.baseline")
