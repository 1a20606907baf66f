"""`ops.checks.gather`: a fact is read when a rule asks for it, once, and not before."""

import pytest

from audit_tree import RULES as SOPS_RULES
from audit_tree import Case, build, encrypted, look, secret
from fluxsecrets.audit.engine import run_rules
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rules import RULES, recipient_drift, value_weak
from fluxsecrets.ops.checks import gather
from fluxsecrets.ops.checks.audit import AuditOptions, audit
from fluxsecrets.repo.tree import Tree

FACTS = [
    name
    for name, value in vars(Facts).items()
    if not name.startswith("_") and hasattr(value, "func") and name != "before"
]
CASE = Case(
    {
        ".sops.yaml": SOPS_RULES,
        "apps/db.yaml": encrypted(secret(values={"password": "hunter2"}), "alice", "bob"),
    }
)


@pytest.fixture
def facts(tmp_path, git):
    build(tmp_path, CASE, git)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "start")
    return look(tmp_path, CASE)


def test_one_rule_reads_what_it_needs(facts, monkeypatch):
    monkeypatch.setattr(gather, "open_parsed", None)  # nothing is decrypted
    found = run_rules(facts, [recipient_drift.RULE])
    assert [item.location.path for item in found] == ["apps/db.yaml"]
    assert {name for name in FACTS if facts.is_read(name)} == {"configs", "secrets", "names", "leavers"}


def test_a_rule_about_values_opens_files(facts):
    (item,) = facts.secrets
    assert "_opening" not in vars(item)
    assert [each.rule for each in run_rules(facts, [value_weak.RULE])] == ["value-weak"]
    assert item.opened is not None


def test_all_rules_read_everything_once(facts, monkeypatch):
    reads = []
    read = Tree.read
    monkeypatch.setattr(Tree, "read", lambda *args, **kwargs: (reads.append(args), read(*args, **kwargs))[1])
    run_rules(facts, RULES)
    before = len(reads)
    assert {name for name in FACTS if facts.is_read(name)} >= {"environments", "scanned_files", "former"}
    run_rules(facts, RULES)
    assert len(reads) == before


def test_opened_values_are_in_no_repr(facts):
    (item,) = facts.secrets
    assert item.opened is not None
    assert "hunter2" not in repr(item) + repr(item._opening) + repr(facts)


def test_the_audit_of_one_rule_tells_nothing_of_values(tmp_path, git, facts):
    from audit_tree import session

    result = audit(session(tmp_path, "alice"), AuditOptions(rules=["recipient-drift"]))
    assert [item.rule for item in result.findings] == ["recipient-drift"]
    assert (result.looks_at_values, result.encrypted, result.opened) == (False, 1, 0)
    result = audit(session(tmp_path, "alice"), AuditOptions(rules=["recipient-drift", "value-weak"]))
    assert (result.looks_at_values, result.opened, result.without_keys) == (True, 1, ())
    result = audit(session(tmp_path, None), AuditOptions(rules=["recipient-drift", "value-weak"]))
    assert (result.opened, result.without_keys) == (0, ("value-weak",))
