"""What the API server refuses of an object, and what Flux drops from it."""

import pytest

from fluxsecrets.flux.unknown import UNKNOWN, unknown
from fluxsecrets.flux.validity import is_skipped, problems
from fluxsecrets.flux.validity.problem import Subject
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.sops.document import to_data
from tables import each_row

REST = ",iv:oKveO70IHzrLf3H4AR6eQz62tgJ2WM9SwQVizm1u6Rg=,tag:Im8c6URxNk4jfn669sCUFw==,type:str]"


def secret(**fields):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "apps"}, **fields}


def found(data, written=None, **more):
    """The behaviours and reasons."""
    return [(each.behaviour, each.reason) for each in problems(Subject(data, written or data, **more))]


def behaviours(data, written=None, **more):
    return [behaviour for behaviour, _ in found(data, written, **more)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (5, "stringData[a]: cannot convert int64 to string"),
        (1.0, "stringData[a]: cannot convert int64 to string"),
        (1.5, "stringData[a]: unrecognized type: string"),
        (True, "stringData[a]: unrecognized type: string"),
        ({"b": "c"}, "stringData[a]: unrecognized type: string"),
        (["b"], "stringData[a]: unrecognized type: string"),
        (unknown("int"), "stringData[a]: cannot convert int64 to string"),
        (unknown("bool"), "stringData[a]: unrecognized type: string"),
    ],
)
def test_what_is_not_a_text_is_refused_even_if_only_its_type_is_known(value, reason):
    assert found(secret(stringData={"a": value})) == [("value-not-string", reason)]


@pytest.mark.parametrize("value", ["", None, "8080", UNKNOWN, f"https://{UNKNOWN}"])
def test_texts_null_and_what_is_not_known_are_taken(value):
    assert not found(secret(stringData={"a": value}))
    assert not found(secret(data={"a": None, "b": UNKNOWN}))


def test_a_hint_tells_how_to_make_it_a_text():
    (problem,) = problems(Subject(secret(stringData={"port": 8080})))
    assert problem.hint == "put quotes around it"
    assert problem.steps == ("stringData", "port")


@pytest.mark.parametrize(
    ("text", "at"),
    [("secret=1", 6), ("YQ", 0), ("YQ=", 3), ("aGVs bG8=", 4), (" YQ==", 0), ("YQ==YQ==", 4), ("Y===", 1)],
)
def test_what_is_not_base64_is_refused_where_go_stops(text, at):
    assert found(secret(data={"a": text})) == [
        ("value-not-base64", f"data[a]: illegal base64 data at input byte {at}")
    ]


@pytest.mark.parametrize("text", ["YQ==", "aGVs\nbG8=\n", "YQ=\r\n=", "", "YR=="])
def test_base64_may_have_line_breaks(text):
    assert not found(secret(data={"a": text}))


def test_a_ciphertext_in_data_is_not_base64_and_no_value_is_in_the_reason():
    text = f"ENC[AES256_GCM,data:Ffpok6VZ5C4Edbf2{REST}"
    (problem,) = problems(Subject(secret(data={"a": text})))
    assert "nothing decrypts" in problem.hint
    assert "Ffpok6VZ5C4Edbf2" not in problem.reason + problem.hint
    # the stage before says it of a Secret with its block
    assert not found(secret(data={"a": text}, sops={"mac": "x"}))


@pytest.mark.parametrize("key", ["a b", "a/b", "", "ä", "..a", ".", "..", "x" * 254, "a\n"])
def test_keys_have_a_narrow_syntax(key):
    assert set(behaviours(secret(stringData={key: "x"}))) == {"key-not-allowed"}


@pytest.mark.parametrize("key", [".a", "...a"[2:], "A_b-c.d", "x" * 253, "-"])
def test_keys_that_are_allowed(key):
    assert not found(secret(stringData={key: "x"}))


@pytest.mark.parametrize(
    ("type_", "values", "lacking"),
    [
        ("kubernetes.io/tls", {}, ["data[tls.crt]", "data[tls.key]"]),
        ("kubernetes.io/tls", {"tls.crt": "", "tls.key": ""}, []),
        ("kubernetes.io/basic-auth", {"user": "a"}, ["data[username]", "data[password]"]),
        ("kubernetes.io/basic-auth", {"password": ""}, []),
        ("kubernetes.io/ssh-auth", {}, ["data[ssh-privatekey]"]),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": UNKNOWN}, []),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": ""}, ["data[ssh-privatekey]"]),
        ("kubernetes.io/dockerconfigjson", {}, ["data[.dockerconfigjson]"]),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": UNKNOWN}, []),
        ("kubernetes.io/dockercfg", {".dockercfg": "{}"}, []),
        ("example.com/other", {}, []),
        ("Opaque", {}, []),
    ],
)
def test_a_type_requires_keys(type_, values, lacking):
    reasons = [reason for _, reason in found(secret(type=type_, stringData=values))]
    assert reasons == [f"{place}: Required value" for place in lacking]


@pytest.mark.parametrize("text", ["{'a': 1}", "[]", "", '{"a": NaN}', "{} x", '{"a": 1e999}', "\ufeff{}"])
def test_docker_configuration_is_a_json_object_and_its_text_is_not_shown(text):
    wrong = found(secret(type="kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": text}))
    ((behaviour, reason),) = wrong
    assert behaviour == "content-invalid"
    assert "<secret contents redacted>" in reason
    assert not text or text not in reason


def test_keys_of_a_generator_count_and_unknown_ones_may_be_there():
    data = secret(type="kubernetes.io/tls")
    assert not found(data, generated=("tls.crt", "tls.key"))
    assert not found(data, generated=("tls.crt",), complete=False)
    assert behaviours(data, generated=("tls.crt",)) == ["required-key-missing"]


def test_a_token_needs_its_annotation():
    data = secret(type="kubernetes.io/service-account-token")
    assert behaviours(data) == ["required-key-missing"]
    data["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "a"}
    assert not found(data)


def test_a_secret_has_a_mebibyte_at_most_even_if_only_ciphertexts_are_known():
    assert not found(secret(stringData={"a": "x" * 2**20}))
    assert behaviours(secret(stringData={"a": "x" * 2**20, "b": "x"})) == ["too-large"]
    # of the same key in both fields, stringData's counts
    assert not found(secret(data={"a": "YQ=="}, stringData={"a": "x" * 2**20}))
    sealed = f"ENC[AES256_GCM,data:{'AAAA' * 400_000}{REST}"
    hidden = secret(stringData={"a": UNKNOWN})
    assert behaviours(hidden, secret(stringData={"a": sealed})) == ["too-large"]


def test_a_misspelt_field_is_dropped_with_all_that_is_in_it():
    (problem,) = problems(Subject(secret(stringdata={"a": "b"})))
    assert problem.dropped
    assert problem.hint == "write stringData"


def test_one_label_that_is_not_a_text_costs_all_of_them():
    data = secret()
    data["metadata"]["labels"] = {"app": "a", "version": 1.2, "b b": "x"}
    (problem,) = problems(Subject(data))
    assert (problem.behaviour, problem.dropped) == ("labels-lost", True)


@pytest.mark.parametrize("value", ["x" * 64, "-a", "a b", "https://a"])
def test_a_labels_value_has_a_narrow_syntax_and_is_not_shown(value):
    data = secret()
    data["metadata"]["labels"] = {"a": value}
    ((behaviour, reason),) = found(data)
    assert behaviour == "label-invalid"
    assert value not in reason


@pytest.mark.parametrize("key", ["a/b/c", "/a", "a/", "a b", "x" * 64, "-a", "Ex.com/a", "x" * 254 + "/a"])
def test_keys_of_labels_and_annotations_have_the_same_syntax_but_for_capitals(key):
    data = secret()
    data["metadata"]["labels"] = {key: "x"}
    assert set(behaviours(data)) == {"label-invalid"}
    data["metadata"] = {"name": "a", "namespace": "apps", "annotations": {key: "x"}}
    assert set(behaviours(data)) == (set() if key == "Ex.com/a" else {"annotation-invalid"})


def test_annotations_are_texts_unless_substitution_makes_numbers_of_them():
    data, built = secret(), secret()
    data["metadata"] = {**data["metadata"], "annotations": {"a": 5}}
    assert not found(data)
    built["metadata"] = {**built["metadata"], "annotations": {"a": "${N}"}}
    assert behaviours(data, built) == ["value-not-string"]
    data["metadata"]["annotations"] = {"a": {"b": "c"}}
    assert behaviours(data) == ["annotation-lost"]
    data["metadata"]["annotations"] = {"a": "x" * 2**18}
    assert behaviours(data) == ["annotations-too-large"]


@pytest.mark.parametrize(
    ("version", "kind", "name", "taken"),
    [
        ("v1", "Secret", "a.b-c", True),
        ("v1", "Secret", "A", False),
        ("v1", "Secret", "a_b", False),
        ("v1", "Service", "a.b", False),
        ("v1", "Service", "1a", False),
        ("rbac.authorization.k8s.io/v1", "Role", "system:a_B", True),
        ("rbac.authorization.k8s.io/v1", "Role", "a/b", False),
        ("batch/v1", "CronJob", "x" * 53, False),
        ("batch/v1", "Job", "x" * 53, True),
        ("example.com/v1", "Thing", "a_b", False),
    ],
)
def test_names_are_those_of_dns_but_for_roles(version, kind, name, taken):
    data = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "apps"}}
    assert behaviours(data) == ([] if taken else ["name-invalid"])


@each_row(
    ("version", "kind", "needed"),
    [
        ("v1", "Secret", True),
        ("apps/v1", "Deployment", True),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", True),
        ("bitnami.com/v1alpha1", "SealedSecret", True),
        ("v1", "Namespace", False),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", False),
        ("external-secrets.io/v1", "ClusterSecretStore", False),
        ("example.com/v1", "Thing", False),  # nothing says whether it is in a namespace
    ],
)
@each_row("namespace", [None, "", 5])
def test_a_namespaced_object_needs_a_namespace(version, kind, needed, namespace):
    data = {"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": namespace}}
    assert ("namespace-missing" in behaviours(data)) == needed


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [("2026-11-23", True), ('"2026-11-23"', False), ("2026-11-23T01:02:03Z", False), ("1:30", False)],
)
def test_a_date_without_quotes_is_applied_as_a_point_in_time(text, rewritten):
    source = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a, namespace: b}}\nstringData:\n  a: {text}\n"
    manifest = read_manifests(source.encode(), "a.yaml").manifests[0]
    data = to_data(manifest.node)
    expected = ["date-rewritten"] if rewritten else []
    assert behaviours(data) == expected
    # kustomize has made a text of it already
    built = {**data, "stringData": {"a": getattr(data["stringData"]["a"], "text", data["stringData"]["a"])}}
    assert behaviours(built, manifest=manifest) == expected


def test_an_encrypted_date_too():
    sealed = {"stringData": {"a": f"ENC[AES256_GCM,data:AAAA{REST.replace('type:str', 'type:time')}"}}
    data = secret(stringData={"a": "2026-11-23T00:00:00Z"})
    assert behaviours(data, secret(**sealed)) == ["date-rewritten"]


def test_what_flux_leaves_out_is_not_judged():
    data = secret(stringData={"a": 5})
    assert not is_skipped(data)
    for field, key, value in (("annotations", "ssa", "Ignore"), ("labels", "reconcile", "Disabled")):
        data["metadata"] = {"name": "a", field: {f"kustomize.toolkit.fluxcd.io/{key}": value}}
        assert is_skipped(data)


def test_a_config_map_has_texts_and_binary_data():
    data = {**secret(), "kind": "ConfigMap"}
    assert behaviours({**data, "data": {"a": 5}}) == ["value-not-string"]
    assert behaviours({**data, "binaryData": {"a": "b"}}) == ["value-not-base64"]
    assert behaviours({**data, "data": {"a": "b"}, "binaryData": {"a": "YQ=="}}) == ["key-twice"]
    assert behaviours({**data, "stringData": {"a": "b"}}) == ["unknown-field"]
