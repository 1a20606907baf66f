"""What a dump tells, and what it leaves open."""

import json

import pytest

from fluxsecrets.cluster.dump import Dump
from fluxsecrets.cluster.kinds import EXTERNAL_SECRET, KUSTOMIZATION
from fluxsecrets.cluster.model import ClusterKeys, Gap, Wanted, Why
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.formats import Limits
from livecluster import PASSWORD, live_kustomization, live_secret

WANTED = Wanted((), frozenset(), frozenset({("apps", "db"), ("apps", "gone"), ("web", "tls")}))


@pytest.fixture
def read(tmp_path):
    """Writes files, and reads them as a dump."""

    def read(**files):
        for name, data in files.items():
            text = data if isinstance(data, str) else json.dumps(data)
            (tmp_path / f"{name}.json").write_text(text, "utf-8")
        return Dump(tmp_path, "dump", Limits(), lambda _: ClusterKeys()).read(WANTED)

    return read


def listed(*items, kind="List"):
    return {"apiVersion": "v1", "kind": kind, "items": [*items]}


def test_a_list_speaks_for_the_namespaces_in_it(read):
    secrets = read(some=listed(live_secret())).secrets
    assert secrets.get("apps", "db").digests.keys() == {"password"}
    assert secrets.get("apps", "gone") is None
    assert secrets.get("web", "tls").why is Why.NOT_IN_DUMP
    secrets = read(all=listed(live_secret(), live_secret("x", "kube-system"))).secrets
    assert (secrets.get("web", "tls"), secrets.owned_gap) == (None, None)


def test_a_single_object_speaks_for_itself(read):
    secrets = read(one=live_secret()).secrets
    assert secrets.get("apps", "gone").why is Why.NOT_IN_DUMP


def test_typed_lists_and_documents_are_read(read):
    bare = {key: value for key, value in live_kustomization().items() if key not in ("apiVersion", "kind")}
    typed = {**listed(bare, kind="KustomizationList"), "apiVersion": "kustomize.toolkit.fluxcd.io/v1"}
    documents = f"{json.dumps(typed)}\n---\n{json.dumps(live_secret())}\n"
    found = read(documents=documents)
    assert [each.name for each in found.listing(KUSTOMIZATION).objects] == ["flux-system"]
    assert isinstance(found.get(EXTERNAL_SECRET, "apps", "x"), Gap)


@pytest.mark.parametrize("hidden", ["REDACTED", "***", "<hidden>", "xxxxxxxx", None, 1, "not base64!"])
def test_hidden_values_are_unknown(read, hidden):
    secret = live_secret() | {"data": {"password": hidden, "empty": ""}}
    digests = read(one=secret).secrets.get("apps", "db").digests
    assert digests["password"] is None
    assert digests["empty"] is not None


def test_a_broken_file_is_an_error_without_its_text(read):
    with pytest.raises(FluxsecretsError, match=r"^dump/broken\.json") as caught:
        read(broken=f'{{"kind": "{PASSWORD}')
    assert PASSWORD not in str(caught.value)
    with pytest.raises(FluxsecretsError):
        read(broken="[" * 5000)


def test_lists_of_some_namespaces_speak_for_these_alone(read):
    secrets = read(one=listed(live_secret()), two=listed(live_secret("x", "kube-system"))).secrets
    assert secrets.get("web", "tls").why is Why.NOT_IN_DUMP
    assert secrets.owned_gap is not None


def test_single_objects_do_not_tell_whether_there_are_more(read):
    cluster = read(one=live_kustomization(), two=listed(live_secret()))
    assert cluster.get(KUSTOMIZATION, "flux-system", "flux-system").name == "flux-system"
    assert cluster.get(KUSTOMIZATION, "flux-system", "other").why is Why.NOT_IN_DUMP


def test_a_list_that_was_cut_off_is_refused(read):
    cut = {**listed(live_secret()), "metadata": {"continue": "token", "remainingItemCount": 3}}
    with pytest.raises(FluxsecretsError, match="cut off"):
        read(secrets=cut)


def test_two_clusters_or_two_times_in_one_dump_are_refused(read):
    with pytest.raises(FluxsecretsError, match="Secret apps/db in two versions"):
        read(one=listed(live_secret(uid="a")), two=listed(live_secret(uid="b")))
    assert read(one=listed(live_secret()), two=live_secret()).secrets.get("apps", "db")


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("apps", "--all"), ("--all-namespaces", "db"), ("apps", "x\x1b[2J"), ("apps", "$(id)"), ("apps", "")],
)
def test_names_that_would_be_commands_are_refused(read, namespace, name):
    for item in (live_secret(name, namespace), {**live_kustomization(), "metadata": {"name": "-f"}}):
        with pytest.raises(FluxsecretsError, match="does not allow"):
            read(objects=listed(item))


def test_owners_that_would_be_commands_are_no_owners(read):
    assert read(objects=listed(live_secret(owner="$(id)"))).secrets.get("apps", "db").item.owner is None


@pytest.mark.parametrize(
    "annotation",
    [
        {"kapp.k14s.io/original": json.dumps({"data": {"password": "aHVudGVyMi10aHJvd2F3YXk="}})},
        {"some.tool/last": json.dumps({"stringData": {"password": PASSWORD}})},
        {"objectset.rio.cattle.io/applied": "H4sIAAAAAAAA/throwaway"},
    ],
)
def test_copies_of_values_in_annotations_of_any_tool_are_known(read, annotation):
    found = read(one=listed(live_secret(annotations={**annotation, "team": "waddle"}))).secrets.get(
        "apps", "db"
    )
    assert found.copies == tuple(annotation)
    assert PASSWORD not in str(found.item.data)
