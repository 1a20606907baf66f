"""The task of one repository: what it returns, and that no value is in it."""

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import scaled
from fluxsecrets.errors import FormatError
from fluxsecrets.findings import Confidence, Finding, Location, RuleInfo, Severity
from fluxsecrets.findings.allow import AllowedFinding, Remark
from fluxsecrets.findings.baseline import BaselineEntry
from fluxsecrets.findings.model import History, ValueId
from fluxsecrets.ops.checks.excuses import Excuse
from fluxsecrets.ops.fleet import task as tasks
from fluxsecrets.ops.fleet.task import RepositoryTask, rules_identity, run_task
from fluxsecrets.ops.fleet.wire import Problem, RepositoryResult, decode, encode
from fluxsecrets.repo.git.history import Commit

from .conftest import MARKER, SECRET


def run(place, **options):
    text = run_task(tuple(RepositoryTask(str(place), str(place), rules=rules_identity(), **options)))
    assert MARKER not in text
    return text


def found(text):
    return [f"{each.location.path} {each.rule}" for each in decode(text).findings]


@pytest.mark.parametrize("name", ["infra", "team/apps", "mirror.git"])
@pytest.mark.parametrize("history", [False, True])
def test_a_repository(repositories, name, history):
    text = run(repositories / name, history=history)
    assert found(text) == ["secret.yaml plain-secret"]
    assert (decode(text).findings[0].location.commit is not None) is history
    assert decode(text).problems == ()


def test_no_value_and_nothing_that_tells_it_leaves_a_worker(repositories):
    (repositories / "infra" / ".fluxsecrets.yaml").write_text(
        "scan:\n  secrets_baseline: known.json\n"
        "  allowlists: [{description: x, stopwords: [hunter2], targetRules: [jwt]}]\n"
    )
    (repositories / "infra" / "known.json").write_text(
        '{"results": {"a": [{"hashed_secret": "%s"}]}}' % ("0" * 40)
    )
    text = run(repositories / "infra")
    data = json.loads(text)
    assert set(data["findings"][0]) == set(Finding._fields) - {"value_id", "marks"}
    for word in (MARKER, "hunter2", "aHVudGVyMi", '"value_id"', '"marks"', "0" * 40):
        assert word not in text


def test_settings_and_baseline_are_those_of_each_repository(repositories, git, cli):
    infra = repositories / "infra"
    (infra / ".fluxsecrets.yaml").write_text("allow: [{rule: plain-secret, path: '*', reason: made up}]\n")
    assert decode(run(infra)).findings == ()
    assert decode(run(infra)).allowed[0].reason == "made up"
    assert found(run(repositories / "team/apps")) == ["secret.yaml plain-secret"]
    git(infra, "add", "--all")
    git(infra, "commit", "--quiet", "--message", "two")
    git(repositories, "clone", "--quiet", "--bare", "infra", "second.git")
    assert decode(run(repositories / "second.git")).findings == ()


def test_what_is_no_repository_is_an_error_in_the_result(repositories, git):
    for name in ("notes", "absent"):
        assert decode(run(repositories / name)).problems
    (repositories / "infra" / "sub").mkdir()
    assert "not a git repository" in decode(run(repositories / "infra" / "sub")).problems[0].message
    git(repositories, "init", "--quiet", "--bare", "empty.git")
    assert decode(run(repositories / "empty.git")).nothing


def test_a_worker_with_other_rules_refuses(repositories):
    text = run_task(tuple(RepositoryTask("infra", str(repositories / "infra"), rules="others")))
    assert "another version" in decode(text).problems[0].message


def test_an_unexpected_exception_shows_no_value(repositories, monkeypatch):
    def fail(request, engine):
        raise ValueError(SECRET)

    monkeypatch.setattr(tasks, "scan", fail)
    assert "ValueError" in decode(run(repositories / "infra")).problems[0].message
    assert "TypeError" in decode(run_task((1, 2, 3, 4, 5, 6, 7, 8, 9))).problems[0].message


# --- the wire --------------------------------------------------------------------------------------

COMMIT = Commit("ab" * 20, 3, "alice", date(2026, 11, 29))
PLACE = Location("a\udce9.yaml", 1, 2, "ab" * 20)
FINDING = Finding(
    "plain-secret",
    Severity.HIGH,
    Confidence.LOW,
    PLACE,
    "m",
    "h",
    "f",
    None,
    (PLACE,),
    (3,),
    ValueId(b"x"),
    ("a",),
    History(COMMIT, COMMIT, None, ("main",), 2, ("a\udce9.yaml", "b")),
)
RESULT = RepositoryResult(
    findings=(FINDING,),
    known=(FINDING,),
    allowed=(AllowedFinding(FINDING, "why", "a", 1, tool="gitleaks", meaning=("x",)),),
    remarks=(Remark("a", 1, "unused", "m"),),
    gone=(BaselineEntry("f", "r", "p"),),
    problems=(Problem("m", "h", "p", 1, 2, ("d",)),),
    files=3,
    excuses=(Excuse("a", 1, "allows", "r", "b", 2),),
    rules=(RuleInfo("a", "t", Severity.LOW, "e", "f", "d"),),
    nothing="no",
)


def test_a_result_travels_without_what_tells_a_value():
    bare = FINDING._replace(value_id=None, marks=())
    copy = decode(encode(RESULT))
    assert copy.findings == copy.known == (bare,)
    assert (copy.allowed[0].finding, copy.allowed[0].meaning) == (bare, None)
    assert copy._replace(findings=(), known=(), allowed=()) == RESULT._replace(
        findings=(), known=(), allowed=()
    )


@pytest.mark.parametrize(
    "text",
    [
        None,
        b"{}",
        "",
        "[]",
        "{",
        '{"findings": 3}',
        '{"findings": [{}]}',
        '{"files": "3"}',
        '{"files": true}',
        '{"unknown": 1}',
        '{"problems": [{"message": 1}]}',
        encode(RESULT).replace('"HIGH"', '"HUGE"'),
        encode(RESULT).replace('"unused"', '"used"'),
        encode(RESULT).replace('"line":1', '"line":"1"', 1),
        "[" * 100_000,
    ],
)
def test_anything_else_is_an_error(text):
    with pytest.raises(FormatError):
        decode(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.dictionaries(st.sampled_from([*RepositoryResult._fields, "x"]), inner, max_size=3)
        | st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)


@settings(max_examples=scaled(40))
@given(JSON)
def test_no_data_is_taken_for_a_result_that_it_is_not(data):
    try:
        result = decode(json.dumps(data))
    except FormatError:
        return
    assert isinstance(result, RepositoryResult)
    assert type(result.files) is int
