import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciphertexts import WHOLE
from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.repo.manifests import (
    holds_no_value,
    is_reference,
    may_hold_secret,
    read_manifests,
    without_definitions,
)

SECRET = """\
# the database's
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: team
  annotations:
    kustomize.toolkit.fluxcd.io/decrypt: Disabled
    kubectl.kubernetes.io/last-applied-configuration: throw-away-secret
stringData:
  password: throw-away-secret
"""


def only(text):
    (manifest,) = read_manifests(text.encode(), "a.yaml").manifests
    return manifest


def secret_with(fields):
    return only(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{fields}\n")


def test_a_secret():
    secret = only(SECRET)
    assert (secret.kind, secret.name, secret.namespace, secret.line) == ("Secret", "db", "team", 2)
    assert secret.is_secret
    assert secret.has_data
    assert not secret.has_sops
    assert not secret.in_list
    assert secret.annotations == (("kustomize.toolkit.fluxcd.io/decrypt", "Disabled"),)


def test_values_are_in_no_repr():
    assert "throw-away" not in repr(read_manifests(SECRET.encode(), "a.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Secret\nstringData: {a: b}\n",  # no metadata
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec: {}\n",
        "apiVersion: example.org/v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: b}\n",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\n",
    ],
)
def test_what_is_no_secret(text):
    assert not any(manifest.is_secret for manifest in read_manifests(text.encode(), "a.yaml").manifests)


@pytest.mark.parametrize(
    "fields",
    [
        "stringData: {a: b}",
        "data: {a: Yg==}",
        "data: {a: ''}\nstringData: {b: c}",
        "data: {a: 12345}",
        "data: {a: false}",
        "data: {a: op://vault/item/field, b: c}",
        "data: {a: {b: c}}",
        "data: [a]",
        "data: hunter2",
        "stringData: {a: '${PASSWORD:-hunter2}'}",
        "stringData: {a: 'user:${PASSWORD}'}",
        "stringData: {a: 'vault:hunter2'}",
        'stringData: {a: "op://vault/item/field\\nhunter2"}',
        "stringData: {a: 'ref+echo://hunter2'}",
    ],
)
def test_data(fields):
    assert secret_with(fields).has_data


@pytest.mark.parametrize(
    "fields",
    [
        "type: kubernetes.io/service-account-token",
        "data: {}",
        "data: null",
        "data:",
        "data: {a: '', b: null}",
        "stringData: {a: op://vault/item/field}",
        "stringData: {a: 'op://Private/My Login/one-time password?attribute=otp'}",
        "stringData: {a: ref+vault://secret/db#/password}",
        "stringData: {a: 'vault:secret/data/db#password', b: '>>vault:secret/data/db#user'}",
        "stringData: {a: '${PASSWORD}'}",
        "stringData:\n  a: |\n    ${PASSWORD}",
    ],
)
def test_no_data(fields):
    secret = secret_with(fields)
    assert secret.is_secret
    assert not secret.has_data


@given(st.text())
def test_a_reference_never_has_a_second_line(text):
    assert not is_reference(f"{text}\nhunter2")


def test_every_document_is_seen_with_its_place():
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
    text = f"# nothing\n---\n---\n{service}---\n{SECRET}---\n- a\n---\nx: 1\n"
    file = read_manifests(text.encode(), "a.yaml")
    found = [(item.kind, item.index, item.line) for item in file.manifests]
    assert found == [("Service", 1, 4), ("Secret", 2, 9)]
    assert [item.name for item in file.secrets] == ["db"]
    assert file.documents == 4


@pytest.mark.parametrize("kind", ["List", "SomethingList"])
def test_a_list_is_taken_apart(kind):
    inner = "\n".join(f"  {line}" for line in SECRET.split("\n"))
    text = f"apiVersion: v1\nkind: {kind}\nitems:\n- apiVersion: v1\n  kind: Namespace\n-{inner[1:]}"
    namespace, secret = read_manifests(text.encode(), "a.yaml").manifests
    assert namespace.in_list
    assert secret.in_list
    assert secret.is_secret
    assert secret.has_data


def test_the_items_of_a_secret_list_need_not_say_what_they_are():
    text = "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: a}\n  data: {b: Yg==}\n"
    secret = only(text)
    assert secret.is_secret
    assert secret.in_list
    assert may_hold_secret(text.encode())


def test_json():
    secret = only('{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"b":"Yg=="}}')
    assert secret.is_secret
    assert secret.has_data


def test_a_sops_block_counts_with_a_mac():
    assert secret_with(f"data: {{a: b}}\nsops: {{mac: '{WHOLE}'}}").has_sops
    assert not secret_with("data: {a: b}\nsops: {mac: 'ENC[AES256_GCM,data:x]'}").has_sops
    assert not secret_with("data: {a: b}\nsops: {age: []}").has_sops
    assert not secret_with("data: {a: b}\nsops: yes").has_sops


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret",
        "kind: Secret # comment",
        "kind:   'Secret'",
        '{"kind":"Secret"}',
        "{kind: Secret}",
        '"kind" :\n  Secret',
        "kind: # why\n  Secret",
        "? kind\n: Secret",
        "kind: !!str Secret",
        "kind: &k Secret",
        "kind: >-\n  Secret",
        "name: &k Secret\nkind: *k",
        'kind: "S\\x65cret"',
        "kind: SecretList",
        "kind: Secret\r\n",
    ],
)
def test_the_look_at_bytes_misses_no_spelling(text):
    assert may_hold_secret(text.encode())
    assert may_hold_secret(text.encode("utf-16"))


@pytest.mark.parametrize(
    "text",
    [
        "kind: SealedSecret",
        "kind: SecretStore",
        "kind: Deployment\nsecretName: Secret",
        "# a Secret of a kind: none",
    ],
)
def test_the_look_at_bytes_spares_most_files(text):
    assert not may_hold_secret(text.encode())


@given(
    st.sampled_from(["'", '"', ""]),
    st.sampled_from([" ", "  ", "\n  ", " # note\n  ", " !!str ", " &anchor "]),
)
def test_whatever_parses_as_a_secret_is_let_through(quote, space):
    text = f"apiVersion: v1\nkind:{space}{quote}Secret{quote}\nmetadata: {{name: a}}\ndata: {{a: b}}\n"
    assert read_manifests(text.encode(), "a.yaml").secrets
    assert may_hold_secret(text.encode())


def test_errors_name_file_and_line_but_no_value():
    with pytest.raises(FormatError) as caught:
        read_manifests(b"kind: Secret\nstringData:\n  a: hunter2\n  a: hunter2\n", "apps/a.yaml")
    assert caught.value.path == "apps/a.yaml"
    assert caught.value.line == 4
    assert "hunter2" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_give_manifests_or_one_of_our_errors(data):
    try:
        found = read_manifests(data, "a.yaml").path
    except FluxsecretsError as error:
        found = error.path
    assert found == "a.yaml"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: ${A}\nb: {c: [op://v/i/f, '']}\n", True),
        ("---\na: ${A}\n---\nb: ${B}\n", True),
        ("# ${A}\n", False),
        ("# ${A}\na:\n", False),
        ("a: ${A}\nb: hunter2\n", False),
        ("a: ${A}\nb: 0\n", False),
        ("a: ${A:-hunter2}\n", False),
        ("a: ${A}hunter2\n", False),
        ("a: ${A}\n---\nhunter2\n", False),
        ("a: ${A}\nb: [\n", False),
    ],
)
def test_a_file_of_references_alone_holds_no_value(text, wanted):
    assert holds_no_value("terraform.sops.yaml", text.encode()) is wanted
    assert not holds_no_value("terraform.sops.env", text.encode())


def test_a_definition_with_a_variable_keeps_its_spec():
    text = "kind: CustomResourceDefinition\nspec:\n  description: %s\n"
    assert b"spec" not in without_definitions((text % "a").encode())
    assert b"${var}" in without_definitions((text % "${var}").encode())
