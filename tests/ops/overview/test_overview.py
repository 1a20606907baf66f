"""What an overview holds, beside what the audit finds."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from audit_tree import encrypted, repository, secret, write
from fluxsecrets.errors import UsageError
from fluxsecrets.flux.model import Verdict
from fluxsecrets.ops.checks.audit import AuditOptions
from fluxsecrets.ops.overview.model import State
from fluxsecrets.ops.overview.overview import overview
from fluxsecrets.ops.run.session import Session

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def look(options=None):
    return overview(Session(os.environ, Path.cwd()), options or AuditOptions(), NOW)


def test_kustomizations_are_in_order_with_what_each_waits_for(waddle):
    found = look()
    production = next(each for each in found.environments if each.shown.name == "production")
    names = [each.shown.name for each in production.kustomizations]
    waits = {each.shown.name: {names[index] for index in each.after} for each in production.kustomizations}
    assert waits["flux-system"] == set()
    assert waits["apps"] == {"flux-system", "infrastructure"}
    assert "cilium" in waits["storage"]
    assert all(
        index < number for number, each in enumerate(production.kustomizations) for index in each.after
    )
    assert {each.verdict for each in production.kustomizations} == {Verdict.APPLIED}
    assert all(len(each.secrets) == len(each.shown.secrets) for each in production.kustomizations)
    assert found.belongs["infrastructure-k8s/storage/proxmox-csi-secret.yaml"] == ("production", "staging")
    shared = [one for each in production.kustomizations for one in each.shown.secrets if one.shared]
    assert {one.path for one in shared} >= {"infrastructure-k8s/storage/proxmox-csi-secret.yaml"}


def test_paths_are_those_of_the_repository_wherever_one_is(waddle, monkeypatch):
    before = look()
    monkeypatch.chdir("apps")
    after = look()
    assert after.environments == before.environments
    assert after.lifetimes == before.lifetimes


@pytest.fixture
def old(tmp_path, act_as, monkeypatch, git):
    """A repository whose files were last encrypted on days that are long ago, or that only a forger names."""
    days = {"old": "2020-02-29T00:00:00Z", "far": "9999-12-31T23:59:59Z"}
    files = {
        f"clusters/staging/{name}.yaml": encrypted(
            secret(name),
            then=lambda text, day=day: text.replace("2026-11-20T10:00:00Z", day),
        )
        for name, day in days.items()
    }
    record = '{"version": 1, "name": "eve", "kind": "age", "recipient": "%s", "removed": "yesterday"}'
    write(tmp_path, repository(files=files).files)
    (tmp_path / "offboarding").mkdir()
    (tmp_path / "offboarding" / "eve.json").write_text(record % ("age1" + "q" * 58), encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    monkeypatch.chdir(tmp_path)
    act_as("alice")
    return tmp_path


def test_ages_of_forged_days(old):
    found = look().lifetimes
    ages = {each.path: each for each in found.data_keys}
    assert ages["clusters/staging/old.yaml"].state is State.OVER
    assert ages["clusters/staging/far.yaml"].end == date.max
    assert [(each.day, each.path) for each in found.left] == [(None, "offboarding/eve.json")]


def test_without_a_commit_nothing_is_known_of_the_history(old):
    found = look()
    assert found.repository.commit is None
    assert {each.joined for each in found.lifetimes.joined} == {None}


def test_a_range_has_no_state(old):
    with pytest.raises(UsageError):
        look(AuditOptions(commits="HEAD~1..HEAD"))
