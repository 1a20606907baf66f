"""Every rule of the audit: a repository in which it finds something, and one in which it does not."""

import re
import runpy
from functools import cache
from pathlib import Path

import pytest

from audit_tree import build, look, repository, write
from commandlines import check as check_command
from fluxsecrets.audit.engine import run_rules
from fluxsecrets.audit.rules import NEEDS_ENVIRONMENTS, RULES, SCANNED_RULES
from fluxsecrets.findings import Severity
from fluxsecrets.shell import with_file

CASES = Path(__file__).parent / "cases"
PAGE = Path(__file__).parents[2] / "docs" / "audit-rules.md"
SNAPSHOTS = Path(__file__).parent / "__snapshots__" / "test_rules.ambr"
IDS = [rule.info.id for rule in RULES]

every_rule = pytest.mark.parametrize("rule", RULES, ids=IDS)


@cache
def case_of(rule_id):
    return runpy.run_path(str(CASES / f"{rule_id.replace('-', '_')}.py"))


@every_rule
def test_finds_what_it_is_for(rule, audited, snapshot):
    case = case_of(rule.info.id)["TRIGGERS"]
    found = audited(rule, case)
    assert [(str(each.location), str(each.severity), each.message) for each in found] == snapshot
    assert {each.rule for each in found} == {rule.info.id}
    for each in found:
        assert "throwaway" not in f"{each.message} {each.hint} {each.excerpt}"
        for command in re.findall(r"`(fluxsecrets [^`]*)`", with_file(each.hint, each.location.path)):
            check_command(command)
        assert not re.search(r"`[^`]*\b(KEY|NAME|OTHER|WHO|PATH|CERTIFICATE)\b[^`]*`|<\w+>", each.hint)
    moved = audited(rule, case.changed(dict(lower(case))))
    assert sorted(each.fingerprint for each in moved) == sorted(each.fingerprint for each in found)


def lower(case):
    """The files of a case with everything one line further down."""
    for path, content in case.files.items():
        if isinstance(content, str) and path.endswith((".yaml", ".yml")):
            yield path, f"# moved\n{content}"


@every_rule
def test_finds_its_other_forms(rule, audited):
    for name, each in case_of(rule.info.id).items():
        if name.startswith("TRIGGERS_"):
            assert audited(rule, each) != (), name


def test_one_object_in_two_files_is_not_urgent(audited):
    rule = next(rule for rule in RULES if rule.info.id == "secret-twice")
    (found,) = audited(rule, case_of("secret-twice")["TRIGGERS_LESS_WITH_ONE_OBJECT_IN_TWO_FILES"])
    assert found.severity is Severity.LOW


@every_rule
def test_leaves_alone_what_is_right(rule, audited):
    case = case_of(rule.info.id)
    silent = {name: value for name, value in case.items() if name.startswith("SILENT")}
    assert silent
    for name, each in silent.items():
        assert audited(rule, each) == (), name


@every_rule
def test_a_rule_that_finds_nothing_without_environments_is_known(rule, environment, tmp_path, git):
    case = case_of(rule.info.id)["TRIGGERS"]
    build(tmp_path, case, git)
    facts = look(tmp_path, case)
    vars(facts)["environments"] = ()
    assert (run_rules(facts, [rule]) == ()) == (rule.info.id in NEEDS_ENVIRONMENTS)


@every_rule
def test_an_environment_alone_has_the_findings_in_its_files(rule, environment, tmp_path, git):
    case = case_of(rule.info.id)["TRIGGERS"]
    build(tmp_path, case, git)
    whole = look(tmp_path, case)
    for each in whole.environments:
        alone = look(tmp_path, case, only=each.name)
        assert _found(alone, rule, each.files) == _found(whole, rule, each.files)


def _found(facts, rule, files):
    found = run_rules(facts, [rule])
    return [(one.fingerprint, one.severity, one.message) for one in found if one.location.path in files]


def test_nothing_is_wrong_with_the_repository_that_cases_begin_with(tmp_path):
    case = repository()
    write(tmp_path, case.files)
    assert run_rules(look(tmp_path, case), RULES) == ()


def test_rules_texts_and_cases_match_one_to_one():
    assert len(IDS) == len(set(IDS))
    assert sorted(IDS) == sorted(path.stem.replace("_", "-") for path in CASES.glob("*.py"))
    files = (Path(rule.check.__code__.co_filename).stem for rule in RULES)
    assert [name.replace("_", "-") for name in files] == IDS
    headings = re.findall(r"^### (\S+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(set(IDS) - SCANNED_RULES)
    names = re.findall(r"^# name: test_finds_what_it_is_for\[(\S+)\]$", SNAPSHOTS.read_text(), re.MULTILINE)
    assert sorted(names) == sorted(IDS)


@every_rule
def test_texts_are_in_the_house_style(rule):
    info = rule.info
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", info.id)
    assert not info.title.endswith(".")
    assert info.explanation.endswith(".")
    assert info.fix.endswith(".") == (info.id in SCANNED_RULES)
    page = "scan.md" if info.id in SCANNED_RULES else "audit-rules.md"
    assert info.docs == f"{page}#{info.id}"
