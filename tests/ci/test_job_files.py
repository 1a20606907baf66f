"""What the files of the ready CI jobs promise: pinned versions, few permissions, no script of a stranger."""

import re

import pytest

from fluxsecrets import __version__
from forges import JOBS, read_job

ACTIONS = ["github-actions.yml", "forgejo-actions.yml"]
FILES = [*ACTIONS, "gitlab-ci.yml"]


@pytest.mark.parametrize("name", FILES)
def test_the_version_is_pinned_and_named(name):
    text = (JOBS / name).read_text(encoding="utf-8")
    assert f"From fluxsecrets {__version__}:" in text
    assert f"  FLUXSECRETS: fluxsecrets=={__version__}\n" in text
    assert set(re.findall(r"python[^\n]* -m pip", text)) == {"python -I -m pip"}


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_are_pinned_by_their_commit(name):
    text = (JOBS / name).read_text(encoding="utf-8")
    for line in re.findall(r"uses: (.*)", text):
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    pins = re.findall(r"uses: ([\w/-]+)@([0-9a-f]{40} # v[\d.]+)", text)
    assert len({action for action, _ in pins}) == len(set(pins))  # one version of each


@pytest.mark.parametrize("name", ACTIONS)
def test_permissions_are_few_and_strangers_write_no_script(name):
    workflow = read_job(name)
    assert {"push", "pull_request", "schedule"} <= set(workflow[True]) <= {
        "push", "pull_request", "schedule", "merge_group"
    }  # fmt: skip
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["secrets"]["permissions"] == {"contents": "read"}
    text = (JOBS / name).read_text(encoding="utf-8")
    assert re.search(r"\$\{\{[^}]*(title|body|head_ref|head\.ref|label)", text) is None
    scripts = "".join(step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"])
    assert "${{" not in scripts


def test_jobs_that_write_have_neither_a_checkout_nor_a_key():
    jobs = read_job("github-actions.yml")["jobs"]
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    read = {"actions": "read", "contents": "read"}
    assert jobs["alerts"]["permissions"] == {**read, "security-events": "write"}
    for name, action in (("comment", ""), ("alerts", "github/codeql-action/upload-sarif")):
        used = [step.get("uses", "").partition("@")[0] for step in jobs[name]["steps"]]
        assert used == ["actions/download-artifact", action]
        assert "head.repo.full_name == github.repository" in jobs[name]["if"]
    comment = read_job("gitlab-ci.yml")["fluxsecrets-comment"]
    assert comment["variables"] == {"GIT_STRATEGY": "none"}
