"""The controller, the sources, revisions and ServiceAccounts of a cluster."""

import pytest

from audit_tree import build, encrypted, held_by_services, repository, secret, session
from fluxsecrets.ops.live.checks import controller, kustomizations, revisions, sources, workloadidentity
from fluxsecrets.ops.live.model import Standing
from fluxsecrets.ops.live.verify import LiveRequest, verify_live
from livecluster import (
    live_account,
    live_controller,
    live_kustomization,
    live_source,
    ready,
    sound,
    without,
    write_dump,
)

CHECKS = (
    controller.CHECK, sources.CHECK, kustomizations.CHECK, revisions.CHECK, workloadidentity.CHECK,
)  # fmt: skip
WRONG, UNKNOWN = Standing.WRONG, Standing.UNKNOWN
SYNC = "clusters/staging/flux-system/gotk-sync.yaml"


@pytest.fixture
def compared(tmp_path):
    """Compares the repository of `audit_tree` with a cluster; `told` is what came out."""

    def compared(objects, files=None):
        root = tmp_path / "repository"
        build(root, repository(files=files or {}), None)
        dump = write_dump(tmp_path / "dump", objects)
        result = verify_live(session(root, None), LiveRequest("staging", dump=dump), CHECKS)
        return [
            (each.standing, each.subject and each.subject.shown, each.message) for each in result.findings
        ]

    return compared


def with_status(item, **status):
    return {**item, "status": {**item["status"], **status}}


def suspended(item):
    return {**item, "spec": {**item["spec"], "suspend": True}}


CONTROLLER = "Deployment flux-system/kustomize-controller"
SOURCE = "GitRepository flux-system/flux-system"
KUSTOMIZATION = "Kustomization flux-system/flux-system"
BROKEN = {
    "an old controller": (
        [live_controller(version="1.8.2")],
        (
            WRONG,
            CONTROLLER,
            "the cluster has Flux 2.8, which treats undefined variables unlike the newest one",
        ),
    ),
    "no pod": (
        [with_status(live_controller(), readyReplicas=0)],
        (WRONG, CONTROLLER, "none of its pods is ready: nothing is reconciled"),
    ),
    "a source without commits": (
        [suspended(live_source())],
        (WRONG, SOURCE, "it is suspended: the cluster gets no new commits"),
    ),
    "a source that fails": (
        [live_source(conditions=[ready("False", "GitOperationFailed", "no auth for 'hunter2'")])],
        (WRONG, SOURCE, "it is not ready: GitOperationFailed"),
    ),
    "a Kustomization that lags behind": (
        [with_status(live_kustomization(), lastAppliedRevision="main@sha1:" + "9" * 40)],
        (WRONG, KUSTOMIZATION, "it is at main@sha1:9999999999, and its source is at main@sha1:0123456789"),
    ),
    "a Kustomization that was edited": (
        [live_kustomization(decryption="mine", prune=False)],
        (WRONG, KUSTOMIZATION, "spec.prune, spec.decryption differ from the repository"),
    ),
    "one that is being reconciled": (
        [with_status(live_kustomization(), observedGeneration=2)],
        (UNKNOWN, KUSTOMIZATION, "Flux has not finished reconciling it"),
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_found(compared, case):
    objects, expected = BROKEN[case]
    assert compared(sound(*objects)) == [expected]


def test_a_source_that_is_missing_is_found_and_no_sources_are_a_gap(compared):
    other = live_source()
    other["metadata"] = {**other["metadata"], "name": "other"}
    found = compared([*without(sound(), "GitRepository", "flux-system"), other])
    assert found == [
        (WRONG, SOURCE, "the cluster does not have it, and Kustomization flux-system is built from it")
    ]
    found = compared(without(sound(), "Deployment", "kustomize-controller"))
    assert found == [(UNKNOWN, None, "objects of kind Deployment can't be read: not in the dump")]


def test_the_versions_of_cluster_and_repository_are_compared(compared):
    settings = {".fluxsecrets.yaml": 'environments: {staging: {flux_version: "2.8"}}\n'}
    assert compared(sound(live_controller(version="1.8.1")), settings) == []
    assert compared(sound(), settings) == [
        (WRONG, CONTROLLER, "the cluster has Flux 2.9, and the repository says 2.8")
    ]


def test_the_commit_of_the_cluster_is_compared_with_the_one_here(tmp_path, git):
    root, dump = tmp_path / "repository", tmp_path / "dump"
    build(root, repository(commits=[("2026-11-20", {"README.md": "one\n"})]), git)
    first = git(root, "rev-parse", "HEAD").strip()
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "two")
    second = git(root, "rev-parse", "HEAD").strip()

    def told(commit, prefix="main@sha1:", ref=None):
        artifact = {"revision": f"{prefix}{commit}"}
        applied = with_status(live_kustomization(), lastAppliedRevision=artifact["revision"])
        source = live_source(artifact=artifact)
        source["spec"]["ref"] = ref or {"branch": "main"}
        write_dump(dump, sound(source, applied))
        result = verify_live(session(root, None), LiveRequest("staging", dump=dump), (revisions.CHECK,))
        return [(each.standing, each.message) for each in result.findings]

    assert told(second) == []
    behind = f"it is at commit {first[:10]}, 1 commit behind the one that is checked out here"
    assert told(first) == [(WRONG, behind)]
    (root / "clusters/staging/app.yaml").write_text("# changed\n")
    uncommitted = "1 file has changes that are not committed, so that the cluster can't have them"
    assert told(second) == [(UNKNOWN, uncommitted)]
    git(root, "checkout", "--quiet", "--", ".")
    pinned = "it follows a tag, 1 commit behind the commit that is checked out here"
    assert told(first, ref={"tag": "v1"}) == [(Standing.INTENDED, pinned)]
    assert told("9" * 40) == [(UNKNOWN, "it is at commit 9999999999, which is not here")]
    assert told("a" * 64, "latest@sha256:")[0][0] is UNKNOWN
    git(root, "reset", "--quiet", "--soft", first)
    ahead = f"it is at commit {second[:10]}, 1 commit ahead of the one that is checked out here"
    assert (UNKNOWN, ahead) in told(second)


def test_service_accounts_of_the_decryption_are_checked(compared):
    files = {
        SYNC: repository().files[SYNC].replace("secretRef: {name: sops-age}", "serviceAccountName: decrypts"),
        "clusters/staging/db.yaml": encrypted(
            secret(), then=held_by_services(kms=[{"arn": "arn:aws:kms:eu-west-1:111122223333:key/throwaway"}])
        ),
    }
    own = live_kustomization(decryption=None)
    own["spec"]["decryption"] = {"provider": "sops", "serviceAccountName": "decrypts"}
    gate = live_controller("--feature-gates=ObjectLevelWorkloadIdentity=true")
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/throwaway"}
    account = "ServiceAccount flux-system/decrypts"
    assert compared(sound(own, gate, live_account("decrypts", **role)), files) == []
    assert compared(sound(own, gate, live_account("decrypts")), files)[0][:2] == (UNKNOWN, account)
    assert [each[:2] for each in compared(sound(own), files)] == [(WRONG, account), (WRONG, CONTROLLER)]
