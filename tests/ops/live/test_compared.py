"""What is compared of a Secret, and what can't be: small repositories, and their clusters as dumps."""

import json
from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_tree import encrypted, kustomization, repository, secret, session, write
from examples import scaled
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.live.checks import externalsecrets, leftovers, secrets, values
from fluxsecrets.ops.live.model import Standing
from fluxsecrets.ops.live.verify import LiveRequest, verify_live
from fluxsecrets.report.live import FORMATS
from livecluster import OWNER, live_kustomization, live_secret, ready, sound, write_dump

CHECKS = (secrets.CHECK, leftovers.CHECK, values.CHECK, externalsecrets.CHECK)
DB = "clusters/staging/db.yaml"


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """Compares the repository of `audit_tree` with a cluster that has these objects."""
    root = tmp_path / "repository"

    def compared(objects, files=None, who="alice", **request):
        write(root, repository(files=files or {}).files)
        monkeypatch.chdir(root)
        dump = write_dump(tmp_path / "dump", objects)
        return verify_live(session(root, who), LiveRequest("staging", dump=dump, **request), CHECKS)

    return compared


def told(result):
    """Standing, object and message of each finding."""
    return [
        (each.standing.name, each.subject.name if each.subject is not None else "", each.message)
        for each in result.findings
    ]


def drifted(**metadata):
    """The Secret of the repository, with another value."""
    return live_secret(values={"password": "another-throwaway"}, **metadata)


@pytest.mark.parametrize(
    "written",
    [
        secret(),
        secret(values={"password": "aHVudGVyMi10aHJvd2F3YXk="}, field="data"),
        secret(values={"password": "aHVudGVyMi10aHJvd2F3YXk="}, field="data").replace(
            "\ndata:", "\ntype: ''\ndata:"
        ),
        secret(values={"password": "b2xkLXRocm93YXdheQ=="}, field="data")
        + "stringData:\n  password: hunter2-throwaway\n",
    ],
    ids=["stringData", "data", "no type", "both"],
)
def test_values_are_compared_as_the_api_server_has_them(compared, written):
    assert told(compared(sound(), {DB: encrypted(written)})) == []


def test_numbers_and_empty_values_are_texts(compared):
    written = secret(values={"port": "'5432'", "empty": "''"})
    live = sound(live_secret(values={"port": "5432", "empty": ""}))
    assert told(compared(live, {DB: encrypted(written)})) == []


def test_without_a_key_nothing_is_told_about_the_value(compared):
    result = compared(sound(drifted()), who=None)
    assert told(result) == [
        (
            "UNKNOWN",
            "",
            "Secret apps/db has values that can't be compared: none of your identities can decrypt them",
        )
    ]
    assert (result.exit_code, compared(sound(), who=None, strict=True).exit_code) == (0, 1)


def test_nothing_is_told_about_a_secret_that_flux_refuses(compared):
    refused = secret().replace("\nstringData:", "\ntype: kubernetes.io/tls\nstringData:")
    messages = [each[2] for each in told(compared(sound(), {DB: encrypted(refused)}))]
    assert (
        messages[-1] == "Secret apps/db has values that can't be compared: Flux refuses them as they are here"
    )


def test_keys_are_compared_even_without_a_key(compared):
    result = compared(sound(live_secret(values={"user": "x"})), who=None)
    assert told(result) == [("WRONG", "db", "the cluster lacks 'password'; only the cluster has 'user'")]


def test_a_value_that_a_dump_hides_is_not_compared(compared):
    hidden = live_secret()
    hidden["data"]["password"] = "REDACTED"
    result = compared(sound(hidden))
    assert told(result) == [
        ("UNKNOWN", "", "Secret apps/db has values that can't be compared: the dump hides them")
    ]


def annotated(key, value, where="annotations"):
    """Metadata of the cluster's Secret, with an annotation or label that Flux looks at."""
    labels = {f"{OWNER}/name": "flux-system", f"{OWNER}/namespace": "flux-system"}
    return {"labels": labels, **({where: {f"{OWNER}/{key}": value}} if where == "annotations" else {})} | (
        {"labels": {**labels, f"{OWNER}/{key}": value}} if where == "labels" else {}
    )


@pytest.mark.parametrize(
    ("own", "live", "standing"),
    [
        ("ssa: IfNotPresent", {}, "INTENDED"),
        ("ssa: Ignore", {}, "INTENDED"),
        ("reconcile: disabled", {}, "INTENDED"),
        ("ssa: merge", {}, "WRONG"),
        # Nobody has reviewed what only the cluster says.
        ("", annotated("reconcile", "Disabled"), "WRONG"),
        ("", annotated("ssa", "ignore", "labels"), "WRONG"),
        ("ssa: Ignore", annotated("ssa", "ignore"), "INTENDED"),
        ("", annotated("ssa", "IfNotPresent"), "WRONG"),
    ],
)
def test_a_difference_that_flux_leaves_alone_is_intended(compared, own, live, standing):
    more = f"  annotations: {{{OWNER}/{own}}}" if own else ""
    result = compared(sound(drifted(**live)), {DB: encrypted(secret(more=more))})
    assert [each[0] for each in told(result)] == [standing]


def test_what_merges_keeps_the_keys_of_others(compared):
    more = f"  annotations: {{{OWNER}/ssa: Merge}}"
    live = live_secret(values={"password": "hunter2-throwaway", "more": "x"})
    assert told(compared(sound(live), {DB: encrypted(secret(more=more))})) == [
        ("INTENDED", "db", "only the cluster has 'more'; Flux leaves that alone, by `ssa: Merge`")
    ]


@pytest.mark.parametrize(
    ("manager", "hint"),
    [
        ("kubectl-edit", "`flux reconcile kustomization flux-system -n flux-system` puts it back"),
        ("replicator", "Flux leaves keys of other programs alone"),
    ],
)
def test_a_key_of_another_program_stays(compared, manager, hint):
    live = live_secret(values={"password": "hunter2-throwaway", "more": "x"})
    fields = {"f:data": {"f:more": {}}}
    live["metadata"]["managedFields"] = [{"manager": manager, "fieldsV1": fields}]
    (found,) = compared(sound(live)).findings
    assert found.message == f"only the cluster has 'more'; changed by {manager}"
    assert found.hint.startswith(hint)


def test_the_cluster_fills_the_secret_of_a_service_account(compared):
    kind = "kubernetes.io/service-account-token"
    live = live_secret(values={"token": "x", "password": "hunter2-throwaway"})
    live["type"] = kind
    account = "  annotations: {kubernetes.io/service-account.name: app}"
    written = secret(more=account).replace("\nstringData:", f"\ntype: {kind}\nstringData:")
    assert told(compared(sound(live), {DB: encrypted(written)})) == []


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        (live_kustomization(suspend=True), "its Kustomization flux-system/flux-system is suspended"),
        (None, "the cluster does not have its Kustomization flux-system/flux-system"),
        ("not ready", "its Kustomization flux-system/flux-system is not ready (BuildFailed)"),
    ],
    ids=["suspended", "missing", "not-ready"],
)
def test_a_kustomization_that_is_not_applied_is_the_cause(compared, broken, cause):
    if broken == "not ready":
        broken = live_kustomization()
        broken["status"]["conditions"] = [ready("False", "BuildFailed")]
    apps = {"clusters/staging/apps.yaml": kustomization("apps", "apps")}
    apps["apps/c.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\n"
    kept = sound(drifted(), live_kustomization("apps", "./apps"))
    kept = [
        each for each in kept if (each["kind"], each["metadata"]["name"]) != ("Kustomization", "flux-system")
    ]
    objects = [*kept, broken] if broken is not None else kept
    result = compared(objects, apps, any_cluster=True)
    assert told(result)[0][1:] == ("db", f"'password' differs: {cause}")


@pytest.mark.parametrize(
    ("rule", "standing"),
    [
        ("{paths: [/data/password]}", "INTENDED"),
        ("{paths: [/data], target: {kind: Secret, name: d.}}", "INTENDED"),
        ("{paths: [/data], target: {kind: Secret, name: other}}", "WRONG"),
        ("{paths: [/data/pass], target: {kind: '('}}", "WRONG"),
    ],
)
def test_what_spec_ignore_names_may_differ(compared, rule, standing):
    apps = kustomization("apps", "apps", more=f"  ignore: [{rule}]\n")
    files = {DB: None, "clusters/staging/apps.yaml": apps, "apps/db.yaml": encrypted(secret())}
    labels = {f"{OWNER}/name": "apps", f"{OWNER}/namespace": "flux-system"}
    live = sound(drifted(labels=labels), live_kustomization("apps", "./apps"))
    assert [each[:2] for each in told(compared(live, files))] == [(standing, "db")]


def test_kinds_that_are_not_looked_at_are_named(compared):
    push = (
        "apiVersion: external-secrets.io/v1alpha1\nkind: PushSecret\nmetadata: {name: p, namespace: apps}\n"
    )
    result = compared(sound(), {"clusters/staging/p.yaml": push})
    assert told(result) == [("UNKNOWN", "", "1 PushSecret not looked at")]


def test_secrets_for_another_cluster_are_not_compared(compared):
    remote = kustomization("remote", "remote", more="  kubeConfig: {secretRef: {name: other}}\n")
    files = {"clusters/staging/r.yaml": remote, "remote/s.yaml": encrypted(secret("far"))}
    live = live_kustomization("remote", "./remote", kubeConfig={"secretRef": {"name": "other"}})
    assert told(compared(sound(live), files)) == [
        ("UNKNOWN", "remote", "its Secrets are in another cluster, and not compared")
    ]


APPS = {"clusters/staging/apps.yaml": kustomization("apps", "apps")}


@pytest.mark.parametrize(
    "files",
    [
        {"apps/kustomization.yaml": "resources: [missing.yaml]\n"},
        {"apps/kustomization.yaml": "resources: ['https://git.waddle.example/x?ref=main']\n"},
        {},
    ],
)
def test_what_can_not_be_built_here_is_never_fine(compared, files):
    result = compared(sound(live_kustomization("apps", "./apps", None)), {**APPS, **files})
    ((standing, name, message),) = told(result)
    assert (standing, name) == ("UNKNOWN", "apps")
    assert "not all known here" in message


GENERATED = {
    "clusters/staging/apps.yaml": kustomization("apps", "apps"),
    "apps/kustomization.yaml": "namespace: apps\nsecretGenerator:\n"
    "  - {name: tls, files: [key.pem=key.enc], literals: [user=waddle]}\n",
    "apps/key.enc": encrypted("throwaway-key", selector=None),
}


def test_a_generated_secret_without_its_hash_is_not_taken_for_a_leftover(compared):
    live = live_secret("tls-2g5hkm9bc7", values={"key.pem": "x", "user": "waddle"}, owner="apps")
    result = compared(sound(live, live_kustomization("apps", "./apps")), GENERATED, who=None)
    assert [each[0] for each in told(result)] == ["UNKNOWN"]


def test_leftovers_of_another_repository_are_its_own(compared):
    other = live_kustomization("other", "./elsewhere")
    assert told(compared(sound(other, live_secret("theirs", owner="other")))) == []


def test_a_leftover_that_is_used_is_not_to_be_deleted(compared):
    # The pod of the repository uses the Secret `db`, which the repository does not have any more.
    result = compared(sound(), {DB: None})
    standing, name, message = told(result)[0]
    assert (standing, name) == ("WRONG", "db")
    assert message.endswith("and an object of the repository names it")
    assert "delete" not in result.findings[0].hint


def external(**status):
    """An ExternalSecret in the cluster, and a newer one, by which a dump's time is known."""
    condition = ready(reason="SecretSynced")
    found = []
    for name, refreshed in (("db-external", "2026-11-25T00:00:00Z"), ("other", "2026-11-25T10:00:00Z")):
        made = {"refreshTime": refreshed, "conditions": [condition], **(status if name != "other" else {})}
        found.append(
            {
                "apiVersion": "external-secrets.io/v1",
                "kind": "ExternalSecret",
                "metadata": {"name": name, "namespace": "apps", "generation": 1},
                "spec": {"refreshInterval": "1h0m0s"},
                "status": made,
            }
        )
    return found


EXTERNAL = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db-external, namespace: apps}
spec:
  refreshInterval: 1h
  secretStoreRef: {kind: ClusterSecretStore, name: vault}
  target: {name: made}
  data:
    - {secretKey: password, remoteRef: {key: db}}
"""


@pytest.mark.parametrize(
    ("status", "secret_keys", "message"),
    [
        ({"refreshTime": "2026-11-25T09:30:00Z"}, {"password": "x"}, None),
        ({}, {"password": "x"}, "it was refreshed last at 2026-11-25T00:00:00Z, and should be every 1h0m0s"),
        (
            {"conditions": [ready("False", "SecretSyncedError", 'could not get "hunter3-throwaway"')]},
            {"password": "x"},
            "it is not synced: SecretSyncedError",
        ),
        ({"conditions": []}, {"password": "x"}, "its controller has not looked at it"),
        ({"refreshTime": "2026-11-25T09:30:00Z"}, {}, "its Secret made lacks 'password'"),
        (
            {"refreshTime": "2026-11-25T09:30:00Z"},
            {"password": "x", "more": "y"},
            "its Secret made has 'more' beside what it promises",
        ),
    ],
)
def test_external_secrets(compared, status, secret_keys, message):
    reference = {"kind": "ExternalSecret", "name": "db-external", "controller": True}
    made = live_secret("made", values=secret_keys, owner=None, ownerReferences=[reference])
    result = compared(sound(made, *external(**status)), {"clusters/staging/e.yaml": EXTERNAL})
    assert [each[2] for each in told(result)] == ([message] if message else [])
    assert "hunter3" not in str(result)


def test_the_secret_of_an_external_secret_has_to_be_its_own(compared):
    status = {"refreshTime": "2026-11-25T09:30:00Z"}
    made = live_secret("made", values={"password": "x"}, owner=None)
    result = compared(sound(made, *external(**status)), {"clusters/staging/e.yaml": EXTERNAL})
    assert told(result) == [
        ("WRONG", "db-external", "its Secret made belongs to nobody, so nothing updates it")
    ]


def test_an_external_secret_that_was_edited_in_the_cluster_is_wrong(compared):
    live, *others = external(refreshTime="2026-11-25T09:30:00Z")
    data = [{"secretKey": "password", "remoteRef": {"key": "mine", "metadataPolicy": "None"}}]
    live["spec"] |= {"data": data, "target": {"name": "made", "creationPolicy": "Owner"}}
    reference = {"kind": "ExternalSecret", "name": "db-external", "controller": True}
    made = live_secret("made", values={"password": "x"}, owner=None, ownerReferences=[reference])
    files = {"clusters/staging/e.yaml": EXTERNAL}
    (finding,) = told(compared(sound(made, live, *others), files))
    assert finding == ("WRONG", "db-external", "spec.data differs from the repository")
    data[0]["remoteRef"]["key"] = "db"
    assert told(compared(sound(made, live, *others), files)) == []


def test_what_is_alike_is_said_once(compared):
    files = {f"clusters/staging/s{at}.yaml": encrypted(secret(f"s{at}")) for at in range(12)}
    result = compared(sound(), files)
    assert result.count(Standing.WRONG) == 12
    page = list(FORMATS["text"](result, False, "1"))
    assert sum("the cluster does not have it" in str(each) for each in page) == 3
    assert any("9 more like this one" in str(each) for each in page)


VALUES = st.text(
    st.sampled_from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=_-.:"),
    min_size=8,
    max_size=40,
).map(lambda text: f"zQ{text}")


@given(value=VALUES, how=st.sampled_from(["equal", "other", "start", "longer"]), other=VALUES)
@settings(max_examples=scaled(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_gets_out(compared, capsys, value, how, other):
    theirs = {"equal": value, "other": other, "start": value[:-1], "longer": value + other}[how]
    live = live_secret(values={"password": theirs, "more": other})
    applied = {"stringData": {"password": theirs}}
    live["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied),
    }
    owner = live_kustomization()
    message = f'Secret/apps/db is invalid: "{theirs}", data: {b64encode(other.encode()).decode()}'
    owner["status"]["conditions"] = [ready("False", "ReconciliationFailed", message)]
    result = compared(sound(live, owner), {DB: secret(values={"password": json.dumps(value)})})
    capsys.readouterr()
    for make in FORMATS.values():
        Output().show(make(result, True, "1"))
    printed = capsys.readouterr()
    shown = [repr(result), printed.out, printed.err]
    assert "Secret apps/db" in printed.out
    for plain in (value, theirs, other):
        for form in (plain, b64encode(plain.encode()).decode()):
            assert not any(form in each for each in shown)


ODD = [
    None,
    True,
    -1,
    1e308,
    "",
    "x\x1b[31m",
    "\ud800",
    "9999999999h",
    "2026-13-99T",
    [],
    [None],
    {},
    {"": ""},
]


def places(data, steps=()):
    """Every place in JSON data, as the steps to it."""
    if steps:
        yield steps
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in inner:
        yield from places(value, (*steps, step))


@given(choose=st.randoms(use_true_random=False))
@settings(max_examples=scaled(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_objects_are_no_crash(compared, choose):
    objects = sound(live_secret("made", values={"password": "x"}, owner=None), *external())
    steps = choose.choice([each for each in places(objects) if len(each) > 2])
    inner = objects
    for step in steps[:-1]:
        inner = inner[step]
    inner[steps[-1]] = choose.choice(ODD)
    with suppress(FluxsecretsError):
        result = compared(objects, {"clusters/staging/e.yaml": EXTERNAL}, any_cluster=True)
        for name in FORMATS:
            assert list(FORMATS[name](result, True, "1"))
