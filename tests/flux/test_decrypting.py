"""What Flux decrypts of objects after the build."""

import re

import pytest

from audit_tree import encrypted, secret, yaml
from fluxsecrets.flux.unknown import is_unknown, unknown_kind

PATCH = "kind: Kustomization\nresources: [db.yaml]\npatches: [{target: {kind: Secret}, patch: '[%s]'}]\n"
SELECTOR = ("encrypted_regex", "^(data|stringData)$")


def only(verdict):
    (item,) = verdict.objects
    return item


def plain_value(text):
    return re.sub(r"password: ENC\[[^]]*\]", "password: throwaway", text)


def truncated(text):
    return re.sub(r"(password: ENC\[[^]]*)==,type:str\]", r"\1=,type:str]", text)


def of_type(kind):
    return lambda text: re.sub(r"(password: ENC\[[^]]*type:)str\]", rf"\1{kind}]", text)


def test_values_are_decrypted(verdict):
    values = {"password": "throwaway", "user": '""', "port": '"8080"'}
    item = only(verdict({"db.yaml": encrypted(secret(values=values))}))
    assert item.outcomes == ()
    assert (str(item.treatment.fate), item.treatment.format) == ("decrypted", "json")
    # As Flux applies it: without the block, and with `stringData` in `data`.
    assert item.data["data"] == {"password": "dGhyb3dhd2F5", "user": "", "port": "ODA4MA=="}
    assert not item.data.keys() & {"sops", "stringData"}


def test_without_an_identity_they_are_unknown_and_keep_their_type(verdict):
    widget = yaml("""
        apiVersion: example.com/v1
        kind: Widget
        metadata: {name: w, namespace: apps}
        spec: {data: {text: a, number: 5, yes: true}}
        """)
    found = verdict({"w.yaml": encrypted(widget, selector=SELECTOR)}, keys=None)
    values = only(found).data["spec"]["data"]
    assert all(map(is_unknown, values.values()))
    assert [unknown_kind(value) for value in values.values()] == ["str", "int", "bool"]
    assert found.verdict == "applied"


@pytest.mark.parametrize("keys", ["cluster", None])
@pytest.mark.parametrize(
    ("then", "reason", "hint"),
    [
        (
            plain_value,
            "Input string <redacted> does not match sops' data format",
            "encrypt stringData.password",
        ),
        (truncated, "Error base64-decoding tag", "damaged"),
        (of_type("bytes"), "hash of unhashable type", "!!binary"),
        (lambda text: text.replace("lastmodified:", "x:"), "failed to load encrypted JSON data", "damaged"),
    ],
)
def test_what_stops_flux_with_and_without_keys(verdict, then, reason, hint, keys):
    found = verdict({"db.yaml": encrypted(secret(), then=then)}, keys=keys)
    (outcome,) = found.outcomes
    assert (found.verdict, outcome.behaviour) == ("fails", "object-not-decrypted")
    assert reason in outcome.reason
    assert hint in outcome.hint
    assert outcome.path == "apps/db.yaml"
    assert "throwaway" not in repr(found)


@pytest.mark.parametrize("keys", ["cluster", None])
@pytest.mark.parametrize(
    ("operation", "place"),
    [
        ('{"op": "move", "from": "/stringData/password", "path": "/stringData/pw"}', "kustomization.yaml:3"),
        ('{"op": "add", "path": "/stringData/more", "value": "plain"}', "kustomization.yaml:3"),
        ('{"op": "replace", "path": "/stringData/password", "value": 5}', "kustomization.yaml:3"),
    ],
)
def test_a_patch_that_spoils_an_encrypted_secret_is_named(outcomes, operation, place, keys):
    files = {"kustomization.yaml": PATCH % operation, "db.yaml": encrypted(secret())}
    assert outcomes(files, keys=keys) == [("fails", "object-not-decrypted", f"apps/{place}")]


@pytest.mark.parametrize(
    "operation",
    [
        '{"op": "remove", "path": "/stringData/password"}',
        '{"op": "replace", "path": "/stringData/password", "value": ""}',
        '{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}',
    ],
)
def test_a_patch_that_flux_can_decrypt_after_is_fine(outcomes, operation):
    values = {"password": "throwaway", "user": "throwaway"}
    files = {"kustomization.yaml": PATCH % operation, "db.yaml": encrypted(secret(values=values))}
    assert outcomes(files) == []


def test_a_list_position_is_not_in_what_a_ciphertext_is_bound_to(outcomes):
    widget = "apiVersion: example.com/v1\nkind: Secret\nmetadata: {name: w}\ndata: {list: [one, two]}\n"
    move = '{"op": "move", "from": "/data/list/0", "path": "/data/list/1"}'
    files = {"kustomization.yaml": PATCH % move, "db.yaml": encrypted(widget)}
    assert outcomes(files) == outcomes(files, keys=None) == []


def test_a_mac_that_does_not_fit_is_no_matter_to_flux(verdict):
    def renamed(text):
        return text.replace("name: db", "name: other")

    found = verdict({"db.yaml": encrypted(secret(), then=renamed)})
    assert (found.verdict, only(found).item.name) == ("applied", "other")
    assert [(str(each.effect), each.behaviour) for each in found.outcomes] == [("altered", "mac-not-checked")]


@pytest.mark.parametrize("mac", ["", "  mac: null\n"])
def test_an_object_without_a_mac_is_applied_as_it_is(outcomes, mac):
    def without(text):
        return re.sub(r"(?m)^ +mac: .*\n", mac, text)

    found = outcomes({"db.yaml": encrypted(secret(), then=without)})
    assert [each[:2] for each in found] == [("ciphertext", "mac-missing")]


def test_what_nothing_decrypts_is_applied_if_it_is_valid_without_its_block(outcomes):
    as_text = {"db.yaml": encrypted(secret())}
    as_data = {"db.yaml": encrypted(secret(field="data", values={"password": "dGhyb3dhd2F5"}))}
    assert [each[:2] for each in outcomes(as_text, decryption=False)] == [("ciphertext", "no-decryption")]
    first, *_ = outcomes(as_data, decryption=False)
    assert first[:2] == ("fails", "decryption-required")


def test_a_key_that_the_cluster_has_not(verdict):
    found = verdict({"db.yaml": encrypted(secret(), "alice")}, keys="alice")
    (outcome,) = found.outcomes
    assert (found.verdict, outcome.behaviour) == ("fails", "no-data-key")
    assert "fluxsecrets recipients sync apps/db.yaml" in outcome.hint


@pytest.mark.parametrize("name", ["dec-nosecretref", "dec-keys-ignored"])
def test_a_kustomization_without_private_keys_is_told_where_to_name_them(verdicts, name):
    hints = [each.hint for each in verdicts[name].outcomes if each.behaviour == "no-data-key"]
    assert [("`decryption.secretRef`" in hint, "sync" in hint) for hint in hints] == [(True, False)]


def test_too_few_key_groups(verdict):
    groups = encrypted(secret(), ("alice",), ("cluster",), threshold=2)
    (outcome,) = verdict({"db.yaml": groups}).outcomes
    assert "at least 2 groups have to be successful" in outcome.reason


def test_where_nothing_says_which_key_the_cluster_has_it_cannot_be_told(verdict):
    found = verdict({"db.yaml": encrypted(secret())}, outside={"keys/cluster-staging.pub": None})
    (outcome,) = found.outcomes
    assert (found.verdict, outcome.behaviour) == ("unknown", "cluster-key-not-known")


@pytest.mark.parametrize(
    ("kind", "verdict_"), [("encrypted_comment_regex", "ciphertext"), ("unencrypted_comment_regex", "fails")]
)
def test_comments_are_gone_by_then(verdict, kind, verdict_):
    text = secret().replace("  password", "  # sign\n  password")
    assert verdict({"db.yaml": encrypted(text, selector=(kind, "sign"))}).verdict == verdict_


def test_a_list_loses_the_block_of_its_own(outcomes):
    item = secret().replace("\n", "\n    ")
    text = f"apiVersion: v1\nkind: List\nitems:\n  - {item}\n"
    found = outcomes({"db.yaml": encrypted(text)})
    assert [each[:2] for each in found] == [("ciphertext", "list-loses-sops")]


def test_a_value_that_no_file_at_hand_explains_cannot_be_told(verdict):
    patch = encrypted(secret(values={"more": "throwaway"}))
    files = {
        "kustomization.yaml": "resources: [db.yaml]\npatchesStrategicMerge: [p.yaml]\n",
        "db.yaml": encrypted(secret()),
        "p.yaml": patch,
    }
    assert verdict(files).verdict == "fails"
    found = verdict(files, keys=None)
    assert [each.behaviour for each in found.outcomes] == ["decryption-not-known"]


VARIABLES = "postBuild: {substitute: {A: b}}"
WIDGET = """
    apiVersion: example.com/v1
    kind: Widget
    metadata: {name: w, namespace: apps}
    spec: {data: {text: a, more: [b], number: 5}}
    """


@pytest.mark.parametrize(
    ("keys", "more", "count"), [(None, VARIABLES, 2), (None, "", 0), ("cluster", VARIABLES, 0)]
)
def test_texts_that_nobody_opens_are_counted_where_variables_are_replaced(verdict, keys, more, count):
    files = {"w.yaml": encrypted(yaml(WIDGET), selector=SELECTOR)}
    found = verdict(files, keys=keys, more=more)
    assert (found.verdict, found.unopened) == ("applied", count)


@pytest.mark.parametrize(("field", "count"), [("stringData", 1), ("data", 0)])
def test_base64_holds_no_variables(verdict, field, count):
    files = {"db.yaml": encrypted(secret(field=field, values={"password": "dGhyb3dhd2F5"}))}
    assert verdict(files, keys=None, more=VARIABLES).unopened == count


def test_an_object_without_substitution_is_not_counted(verdict):
    kept = WIDGET.replace(
        "namespace: apps", "namespace: apps, labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}"
    )
    files = {"w.yaml": encrypted(yaml(kept), selector=SELECTOR)}
    assert verdict(files, keys=None, more=VARIABLES).unopened == 0
