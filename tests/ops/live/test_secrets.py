"""Secrets of a cluster, compared with those that Flux would apply; `livestates.CASES` has the broken ones."""

import os
import shutil

import pytest

from fluxsecrets.ops.live.checks import externalsecrets, leftovers, sealedsecrets, secrets, values
from fluxsecrets.ops.live.model import Standing
from fluxsecrets.ops.live.verify import LiveRequest, verify_live
from fluxsecrets.ops.run.session import Session
from kubeserver import Cluster, kube_server, write_kubeconfig
from livestates import CASES, STRANGER, b64, edited, sound_cluster

CHECKS = tuple(each.CHECK for each in (secrets, leftovers, values, sealedsecrets, externalsecrets))


@pytest.fixture(scope="session")
def _sound():
    return []


@pytest.fixture
def sound(encrypted_waddle, git, _sound):
    """The staging cluster, into which Flux has applied the example."""
    if not _sound:
        head = git(encrypted_waddle, "rev-parse", "HEAD").strip()
        _sound.append(sound_cluster(encrypted_waddle, os.environ, "staging", head))
    return _sound[0].copy()


@pytest.fixture
def compared(encrypted_waddle, tmp_path):
    """Compares the example's staging environment with a cluster, by these checks."""

    def compared(live, checks=CHECKS, **request):
        request.setdefault("dump", live.dump(tmp_path / "dump"))
        session = Session(dict(os.environ), encrypted_waddle)
        return verify_live(session, LiveRequest("staging", **request), checks)

    return compared


def told(result):
    """Check, object and message of each finding."""
    return [
        (each.check, each.subject.shown if each.subject is not None else "", each.message)
        for each in result.findings
    ]


def test_a_sound_cluster_has_no_findings(sound, compared):
    assert told(compared(sound)) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_broken_is_found(case, sound, compared):
    case.do(sound)
    result = compared(sound)
    found = [
        each
        for each in result.findings
        if each.check == case.check
        and each.subject is not None
        and each.subject.shown.startswith(case.object)
    ]
    assert [case.says in each.message for each in found] == [True], told(result)
    assert (found[0].standing is Standing.WRONG) == case.wrong
    assert len(result.findings) == 1, told(result)


def test_an_older_commit_is_the_cause(sound, compared, encrypted_waddle, git):
    edited(sound)
    (encrypted_waddle / "README.md").write_text("more\n", encoding="utf-8")
    git(encrypted_waddle, "commit", "--quiet", "--all", "--message", "more")
    (found,) = compared(sound).findings
    assert found.message.endswith(": its Kustomization flux-system/observability has applied an older commit")
    assert found.hint == (
        "push, and `flux reconcile kustomization observability -n flux-system --with-source` makes Flux "
        "apply the newest"
    )


AT_ONCE = ("value changed by hand", "older generated Secret", "owner is gone", "no key unseals")


def test_the_same_is_found_in_a_saved_dump(sound, compared, tmp_path):
    for case in CASES:
        if case.name in AT_ONCE:
            case.do(sound)
    before = compared(sound, save=tmp_path / "saved")
    after = compared(sound, dump=tmp_path / "saved")
    assert (len(before.findings), told(after)) == (len(AT_ONCE), told(before))
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "saved").iterdir()]
    assert not any(value in each for each in texts for value in (STRANGER, b64(STRANGER)))


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH: it is not tried")
def test_the_same_is_found_by_kubectl(sound, encrypted_waddle, tmp_path, environment):
    cases = [each for each in CASES if each.name in AT_ONCE]
    for case in cases:
        case.do(sound)
    with kube_server(Cluster([*sound.objects.values()])) as cluster:
        config = write_kubeconfig(tmp_path / "kubeconfig", cluster.address)
        session = Session({**os.environ, "HOME": str(environment)}, encrypted_waddle)
        request = LiveRequest("staging", context="staging", kubeconfig=config)
        result = verify_live(session, request, CHECKS)
        assert cluster.refused == []
    found = [(each.check, each.subject.shown) for each in result.findings]
    assert sorted(found) == sorted((each.check, each.object) for each in cases)
    assert STRANGER not in repr(result)
    assert all("--context staging" in each.hint for each in result.findings if "`" in each.hint)
