"""What is read of a cluster by a real kubectl, from a server on this machine."""

import re
import shutil

import pytest

from fluxsecrets.cluster.decryptionkeys import read_cluster_keys
from fluxsecrets.cluster.kinds import DEPLOYMENT, EXTERNAL_SECRET, GIT_REPOSITORY, KUSTOMIZATION
from fluxsecrets.cluster.kubectl import Kubectl
from fluxsecrets.cluster.model import Gap, Wanted, Why
from fluxsecrets.errors import ClusterError
from kubeserver import Cluster, kube_server, write_kubeconfig
from livecluster import PASSWORD, live_controller, live_secret, sound

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not on PATH: reading a cluster is not tested with it"
)


def no_fingerprints(_):
    raise AssertionError("there are no PGP keys")


@pytest.fixture
def served(tmp_path, environment):
    """Serves a cluster, and makes what reads it."""
    with kube_server(Cluster(sound())) as cluster:
        config = write_kubeconfig(tmp_path / "kubeconfig", cluster.address)

        def reader(**options):
            import os

            return Kubectl(
                {**os.environ, "HOME": str(environment)},
                lambda values: read_cluster_keys(values, no_fingerprints),
                kubeconfig=str(config),
                **options,
            )

        yield cluster, reader
        assert cluster.refused == []


def wanted(*kinds, secrets=(("apps", "db"), ("flux-system", "sops-age"))):
    return Wanted(kinds, frozenset({"flux-system"}), frozenset(secrets))


def test_objects_and_secrets_are_read(served):
    cluster, reader = served
    cluster.most = 1  # every list comes in chunks
    cluster.objects += [
        live_secret("another"),
        live_secret("not-asked-for", owner=None),
        live_controller("--sops-age-secret=of-all"),
        live_secret("of-all", "flux-system", owner=None, values={"a.agekey": ""}),
    ]
    found = reader().read(wanted(KUSTOMIZATION, DEPLOYMENT, GIT_REPOSITORY))
    assert (found.origin.context, found.origin.server, found.origin.chosen) == (
        "staging",
        cluster.address,
        False,
    )
    assert [each.key for each in found.listing(KUSTOMIZATION).objects] == [("flux-system", "flux-system")]
    assert found.get(GIT_REPOSITORY, "flux-system", "flux-system").data["spec"]["interval"] == "1m"
    assert [each.item.key for each in found.secrets] == [
        ("apps", "another"), ("apps", "db"), ("flux-system", "of-all"), ("flux-system", "sops-age"),
    ]  # fmt: skip
    db = found.secrets.get("apps", "db")
    assert db.digests == {"password": found.hasher.digest("apps", "db", "password", PASSWORD.encode())}
    assert PASSWORD not in repr(found)
    assert found.secrets.get("apps", "not-asked-for").why is Why.NOT_ASKED
    assert found.secrets.get("apps", "db").keys.recipients == {}
    assert [
        one.kind for one in found.secrets.get("flux-system", "sops-age").keys.recipients["age.agekey"]
    ] == ["age"]


def test_what_may_not_be_read_is_a_gap(served):
    cluster, reader = served
    cluster.absent |= {"ExternalSecret"}
    cluster.forbidden |= {("Secret", ""), ("Kustomization", "")}
    cluster.closed |= {("Secret", "apps")}
    found = reader(context="staging").read(wanted(KUSTOMIZATION, EXTERNAL_SECRET))
    assert found.origin.chosen
    assert found.listing(KUSTOMIZATION).gap.why is Why.FORBIDDEN
    assert found.listing(EXTERNAL_SECRET).gap.why is Why.NO_SUCH_KIND
    assert found.secrets.owned_gap.why is Why.FORBIDDEN
    assert isinstance(found.secrets.get("apps", "db"), Gap)
    assert found.secrets.get("flux-system", "sops-age").keys.recipients


def test_hostile_names_are_no_options(served):
    cluster, reader = served
    names = (("apps", "--token=x"), ("--all-namespaces", "db"), ("apps", "db"))
    assert [each.item.name for each in reader().read(wanted(secrets=names)).secrets] == ["db"]
    assert not any("token" in path for path in cluster.asked)


def test_a_cluster_that_does_not_answer_is_an_error(served, tmp_path):
    cluster, reader = served
    with pytest.raises(ClusterError, match="does not have context 'gone'"):
        reader(context="gone").read(wanted())
    config = write_kubeconfig(tmp_path / "kubeconfig", cluster.address, token="wrong")
    with pytest.raises(ClusterError, match="does not accept your credentials") as refused:
        reader().read(wanted())
    assert re.search(r"`kubectl auth whoami --context \S+`", refused.value.hint)
    write_kubeconfig(config, "http://127.0.0.1:1")
    with pytest.raises(ClusterError, match=r"at http://127\.0\.0\.1:1 does not answer"):
        reader().read(wanted())
    with pytest.raises(ClusterError, match="kubectl is not installed"):
        Kubectl({"PATH": str(tmp_path)}, lambda _: None).read(wanted())
