"""Rules of the team: what they find, what lists know of a value, and that the database misses nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxsecrets.repo.leakreader import read_configuration
from fluxsecrets.repo.leakrules import Required
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.custom import CustomRules
from fluxsecrets.scan.dialect import for_hyperscan
from fluxsecrets.scan.expressions import compiled
from fluxsecrets.scan.matcher import KeywordMatcher, Pattern, make_matcher
from fluxsecrets.scan.nearby import near_ones


@pytest.fixture
def scan(engine):
    """Scans a text with a configuration: findings as `line:column rule`, or what `show` makes of them."""

    def scan(configuration, text, path="app.txt", show=None):
        leaks = read_configuration(configuration.encode(), ".gitleaks.toml").rules
        custom = CustomRules(leaks)
        data = text if isinstance(text, bytes) else text.encode()
        found = engine.with_custom(custom).scan(Blob(path, data)).findings
        show = show or (lambda each: f"{each.location.line}:{each.location.column} {each.rule}")
        return [show(each) for each in found]

    return scan


def rule(more="", regex="acme_([a-z0-9]{8})", name="acme"):
    return f"[[rules]]\nid = \"{name}\"\nregex = '''{regex}'''\n{more}\n"


TEXT = "x acme_abcd1234\ny ACME_ABCD1234\n"


@pytest.mark.parametrize(
    ("configuration", "found"),
    [
        (rule(), ["1:8 acme"]),
        (rule(regex="(?i)acme_([a-z0-9]{8})"), ["1:8 acme", "2:8 acme"]),
        (rule(regex="(acm)(e_[a-z0-9]{8})"), ["1:3 acme"]),
        (rule("secretGroup = 2", "(acm)(e_[a-z0-9]{8})"), ["1:6 acme"]),
        (rule(regex="acme_[a-z0-9]{8}"), ["1:3 acme"]),
        (rule(regex="\\ny"), ["2:1 acme"]),
        (rule(regex="(zzz)?(acme)_"), ["1:3 acme"]),
        (rule("entropy = 3"), []),
        (rule("entropy = 2.9"), ["1:8 acme"]),
        (rule('keywords = ["other"]'), []),
        (rule('keywords = ["other", "Acme_A"]'), ["1:8 acme"]),
        (rule('path = "yaml$"'), []),
        (rule("path = '''^app\\.'''"), ["1:8 acme"]),
        (rule("skipReport = true"), []),
        ('[[rules]]\nid = "files"\npath = "txt$"\n', ["1:1 files"]),
        ('[[rules]]\nid = "files"\npath = "yaml$"\n', []),
        (rule(regex="(acme)?"), ["1:3 acme"]),
    ],
)
def test_what_a_rule_finds(scan, configuration, found):
    assert scan(configuration, TEXT) == found


def test_a_finding_says_what_the_rule_says(scan):
    found = scan(rule('description = "An ACME token."'), TEXT, show=lambda each: each)[0]
    assert found.message == "An ACME token"
    assert "acme_" not in found.excerpt
    assert "abcd1234" not in repr(found)


def test_values_that_people_choose_are_not_in_a_fingerprint(scan):
    one, other = (
        scan(rule(regex="pass ([a-z-]+)"), f"pass {value}", show=lambda each: each.fingerprint)
        for value in ("a-password-of-somebody", "another-password-of-them")
    )
    assert one == other


def test_text_beyond_ascii(scan):
    assert scan(rule(regex="Schlüssel[=:] ?(\\S+)"), "ä Schlüssel=größe1\n") == ["1:13 acme"]
    assert scan(rule(regex="k.y=(\\pL+)"), "kéy=größe\n") == ["1:5 acme"]
    assert scan(rule(), "ä\nä acme_abcd1234\n") == ["2:8 acme"]


def test_base64_is_looked_into(scan):
    text = "data: eCBhY21lX2FiY2QxMjM0IHkgeiB6IHogeiB6Cg==\n"
    assert scan(rule('description = "token"'), text, show=lambda each: each.message) == ["token (in base64)"]


def test_its_own_file_and_binary_files_are_left_out(scan):
    assert scan(rule(), TEXT, ".gitleaks.toml") == []
    assert scan(rule(), b"\x89PNG\0\1\2" + TEXT.encode()) == []


REQUIRED = rule('[[rules.required]]\nid = "near"\n{}') + rule("skipReport = true", "id_[0-9]+", "near")


@pytest.mark.parametrize(
    ("distance", "found"),
    [
        ("", ["1:8 acme", "5:6 acme"]),
        ("withinLines = 1", ["1:8 acme"]),
        ("withinLines = 9", ["1:8 acme", "5:6 acme"]),
        ("withinColumns = 1", ["5:6 acme"]),
    ],
)
def test_required_rules_must_be_near(scan, distance, found):
    text = "x acme_abcd1234\nid_1\n\n\nacme_abcd5678\n"
    assert scan(REQUIRED.replace("{}", distance), text) == found
    assert scan(REQUIRED.replace("{}", distance), text.replace("id_", "")) == []


def test_of_rules_for_one_text_that_of_the_place_counts(scan):
    secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  key: acme_abcd1234\n"
    assert scan(rule('description = "ACME"'), secret, "a.yaml") == ["6:8 plain-secret"]


MARKS = [
    ("regexes = ['''^abcd''']", ("regexes:0",)),
    ("regexes = ['''^acme''']", ()),
    ("regexes = ['''^acme''']\nregexTarget = 'match'", ("regexes:0",)),
    ("regexes = ['''x acme''']\nregexTarget = 'match'", ()),
    ("regexes = ['''^x acme''']\nregexTarget = 'line'", ("regexes:0",)),
    ("regexes = ['''ACME''']\nregexTarget = 'line'", ()),
    ("stopwords = ['BCD']", ("stopwords:0",)),
    ("stopwords = ['acme']", ()),
    ("stopwords = ['bcd']\nregexes = ['1234$']", ("regexes:0", "stopwords:0")),
    ("stopwords = ['bcd']\ntargetRules = ['other']", ()),
]


@pytest.mark.parametrize(("allowlist", "marks"), MARKS)
def test_what_an_allowlist_knows_of_a_value(scan, allowlist, marks):
    configuration = rule() + f"[[allowlists]]\n{allowlist}\n"
    assert scan(configuration, TEXT, show=lambda each: each.marks) == [marks]


def test_lists_know_the_values_of_built_in_rules(scan):
    secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  key: aHVudGVyMw==\n"
    configuration = "[[allowlists]]\nregexes = ['''^hunter3$''']\n"
    assert scan(configuration, secret, "a.yaml", show=lambda each: each.marks) == [("regexes:0",)]


PLACES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=8).map(sorted)
DISTANCE = st.none() | st.integers(0, 3)


@given(PLACES, PLACES, DISTANCE, DISTANCE)
def test_what_is_near(places, others, lines, columns):
    assert near_ones(places, others, Required("a", lines, columns)) == [
        any(
            (lines is None or abs(line - other[0]) <= lines)
            and (columns is None or abs(column - other[1]) <= columns)
            for other in others
        )
        for line, column in places
    ]


# --- the database ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"a\sb", r"a[\t\n\f\r ]b"),
        (r"a\Sb", r"a[^\t\n\f\r ]b"),
        (r"[\s'\"]", r"[\t\n\f\r '\"]"),
        (r"[^\]\s]", r"[^\]\t\n\f\r ]"),
        (r"[]\s]a\s", r"[]\t\n\f\r ]a[\t\n\f\r ]"),
        (r"[[:alpha:]\s]", r"[[:alpha:]\t\n\f\r ]"),
        (r"\\s", r"\\s"),
        (r"[\S]", None),
        (r"é", None),
        (r"\pL", None),
        (r"\Qa\E", None),
        (r"\x{263a}", None),
    ],
)
def test_patterns_for_hyperscan(pattern, expected):
    assert for_hyperscan(pattern) == expected


def test_what_hyperscan_does_not_take_is_tried_on_every_file():
    patterns = [Pattern("(?U)a+b", ()), Pattern("abc", ()), Pattern("(abc)?", ())]
    matcher = make_matcher(patterns, lenient=True)
    assert 1 not in matcher.hits(b"xyz") or isinstance(matcher, KeywordMatcher)
    assert {0, 2} <= set(matcher.hits(b"xyz"))
    assert {0, 1, 2} <= set(matcher.hits(b"abc"))


PIECES = st.sampled_from(
    [
        r"\s",
        r"\S",
        r"\w",
        r"\d",
        ".",
        "a",
        "b",
        r"[^\sa]",
        r"[\s=]",
        r"\b",
        "^",
        "$",
        "(?i:k)",
        "x*",
        "(a|b)+",
        "c{1,3}",
    ]
)


@settings(max_examples=150)
@given(st.lists(PIECES, min_size=1, max_size=4), st.text("ab ck\x0b\n=xK1é", max_size=12))
def test_the_database_misses_nothing(pieces, text):
    pattern = "".join(pieces)
    narrow = for_hyperscan(pattern)
    if narrow is None:
        return
    found = compiled(pattern).search(text.encode())
    if found is not None and text:
        assert list(make_matcher([Pattern(narrow, ())], lenient=True).hits(text.encode())) == [0]


def test_a_copy_in_another_process_finds_the_same():
    import pickle

    leaks = read_configuration(rule().encode(), "a.toml").rules
    custom = CustomRules(leaks, ("0" * 40,), ("gitleaks",))
    copy = pickle.loads(pickle.dumps(custom))
    data = f"{TEXT}# gitleaks:allow\n".encode()
    assert copy.hits(data) == custom.hits(data) == {0, 1}
    assert copy.identity == custom.identity != CustomRules().identity
    assert [each.covers for each in copy.comments(Blob("a", data), copy.hits(data))] == [3]
