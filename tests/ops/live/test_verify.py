"""An environment and its cluster, compared from a dump."""

import json

import pytest

from audit_tree import encrypted, kustomization, repository, secret, session, write
from fluxsecrets.cluster.model import Gap, Why
from fluxsecrets.errors import ClusterError
from fluxsecrets.ops.live.checks import decryptionkeys, kustomizations
from fluxsecrets.ops.live.model import CheckInfo, Standing
from fluxsecrets.ops.live.verify import LiveRequest, verify_live
from livecluster import (
    key_secret,
    live_controller,
    live_kustomization,
    live_secret,
    live_source,
    ready,
    sound,
    without,
    write_dump,
)

CHECKS = (kustomizations.CHECK, decryptionkeys.CHECK)


@pytest.fixture
def compared(tmp_path):
    """Compares the repository of `audit_tree` with a cluster that has these objects."""

    def compared(objects, files=None, **request):
        root = tmp_path / "repository"
        write(root, repository(files=files or {}).files)
        dump = write_dump(tmp_path / "dump", objects)
        return verify_live(session(root, "alice"), LiveRequest("staging", dump=dump, **request), CHECKS)

    return compared


def told(result):
    """Standing, subject and message of each finding."""
    return [
        (each.standing, each.subject.name if each.subject is not None else "", each.message)
        for each in result.findings
    ]


def test_a_sound_cluster_has_no_findings(compared):
    result = compared(sound())
    assert told(result) == []
    assert (result.exit_code, result.kustomizations) == (0, 1)


def suspended():
    return live_kustomization(suspend=True)


FAILURE = 'Secret/apps/db dry-run failed: Invalid value: "hunter3-unknown": and hunter2-throwaway'


def not_ready(message=FAILURE):
    item = live_kustomization()
    item["status"]["conditions"] = [ready("False", "BuildFailed", message)]
    return item


BROKEN = {
    "suspended": (sound(suspended()), Standing.WRONG, "flux-system", "it is suspended in the cluster only"),
    "not ready": (sound(not_ready()), Standing.WRONG, "flux-system", "it is not ready: BuildFailed"),
    "no key Secret": (
        without(sound(), "Secret", "sops-age"),
        Standing.WRONG,
        "sops-age",
        "the cluster does not have it, and Kustomization flux-system decrypts with it",
    ),
    "another key": (
        sound(key_secret("bob")),
        Standing.WRONG,
        "flux-system",
        "Secret sops-age has no key for 1 of its 1 encrypted files: it holds the key of age1",
    ),
    "a wrong name of the data key": (
        sound(key_secret("cluster", data_key="keys.txt")),
        Standing.WRONG,
        "sops-age",
        "Flux passes over all of its data keys: 'keys.txt'",
    ),
    "a key that can't be imported": (
        sound(live_secret("sops-age", "flux-system", values={"a.agekey": "AGE-SECRET-KEY-1WRONG"})),
        Standing.WRONG,
        "sops-age",
        "Flux can't import its data key 'a.agekey', and decrypts nothing: line 1: malformed age identity",
    ),
    "a hidden key": (
        sound({**key_secret(), "data": {"age.agekey": "REDACTED"}}),
        Standing.UNKNOWN,
        "sops-age",
        "the data key 'age.agekey' can't be read: its value is hidden",
    ),
    "no Secrets in the dump": (
        [each for each in sound() if each["kind"] != "Secret"],
        Standing.UNKNOWN,
        "sops-age",
        "Secrets of namespace flux-system can't be read: not in the dump",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_found(compared, case):
    objects, standing, name, message = BROKEN[case]
    result = compared(objects)
    assert [(each[0], each[1]) for each in told(result)] == [(standing, name)]
    assert told(result)[0][2].startswith(message)
    assert result.exit_code == (1 if standing is Standing.WRONG else 0)


def test_no_value_of_a_message_is_shown(compared):
    finding = compared(sound(not_ready())).findings[0]
    assert finding.details == ('Secret/apps/db dry-run failed: Invalid value: "********": and ********',)
    assert "AGE-SECRET-KEY" not in repr(compared(sound()))


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("couldn't decode 'hunter3' of x", "couldn't decode '********' of x"),
        (r'Invalid value: "a\"b c": bad', 'Invalid value: "********": bad'),
        ('cut off: "hunter3 and', 'cut off: "********"'),
    ],
)
def test_quotes_end_where_they_end(compared, message, left):
    assert compared(sound(not_ready(message))).findings[0].details == (left,)


@pytest.mark.parametrize(
    ("message", "left"),
    [
        (
            ".stringData.pin: expected string, got &value.valueUnstructured{Value:93847561}",
            ".stringData.pin: expected string, got &value.valueUnstructured{Value: ********",
        ),
        (
            'illegal base64 data at input byte 4, error found in #10 byte of ...|er3"},"kind":|..., '
            'bigger context ...|:{"password":"hunter3"},"kind":"Secret"|...',
            "illegal base64 data at input byte 4, error found in #10 byte of ********",
        ),
        ("json: cannot unmarshal number 93847561 into x", "json: cannot unmarshal number ********"),
        ("invalid dotenv input line: hunter3: x", "invalid dotenv input line: ********"),
        ("key-value delimiter not found: hunter3", "key-value delimiter not found: ********"),
        ("port: Invalid value: 93847561: too large", "port: Invalid value: ********: too large"),
        ("port: Invalid value: 0: too small", "port: Invalid value: 0: too small"),
        ('a: Invalid value: map[string]string{"b":"c", d:hunter3}: x', "a: Invalid value: ********"),
    ],
)
def test_what_has_no_quotes_is_not_shown_either(compared, message, left):
    assert compared(sound(not_ready(message))).findings[0].details == (left,)


def test_what_is_unknown_counts_if_it_is_strict(compared):
    objects = sound({**key_secret(), "data": {"age.agekey": "***"}})
    assert compared(objects, strict=True).exit_code == 1


def test_kustomizations_that_are_missing_or_left_over_are_found(compared):
    left = live_kustomization("former", "./former")
    left["metadata"]["labels"] = {
        "kustomize.toolkit.fluxcd.io/name": "flux-system",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    files = {
        "clusters/staging/new.yaml": kustomization("new", "apps/new"),
        "apps/new/db.yaml": encrypted(secret("new")),
    }
    stranger = live_kustomization("of-somebody-else", "./else")
    assert told(compared(sound(left, stranger, live_secret("new")), files)) == [
        (Standing.WRONG, "new", "the cluster does not have it"),
        (Standing.WRONG, "former", "the repository does not have it any more"),
    ]


def test_the_key_of_the_controller_is_taken_if_no_secret_is_named(compared):
    files = {
        "clusters/staging/flux-system/gotk-sync.yaml": repository()
        .files["clusters/staging/flux-system/gotk-sync.yaml"]
        .replace(", secretRef: {name: sops-age}", "")
    }
    own = live_kustomization()
    own["spec"]["decryption"] = {"provider": "sops"}
    assert [each[2][:52] for each in told(compared(sound(own), files))] == [
        "it decrypts for age or PGP keys, names no Secret, an"
    ]
    flag = live_controller("--sops-age-secret=sops-age")
    assert told(compared(sound(own, flag), files)) == []


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        (sound(live_kustomization(path="./clusters/production")), "applies 'clusters/production', not"),
        (
            [*without(sound(), "Kustomization", "flux-system"), live_kustomization("x")],
            "it has no Kustomization",
        ),
        (sound(live_source("https://git.waddle.example/other/infra")), "it syncs another repository"),
    ],
)
def test_another_cluster_is_refused(compared, objects, why):
    with pytest.raises(ClusterError, match=why) as caught:
        compared(objects)
    assert "--any-cluster" in caught.value.hint
    assert compared(objects, any_cluster=True).environment == "staging"


def test_a_dump_may_be_in_yaml_in_any_files(tmp_path, compared):
    import yaml

    folder = tmp_path / "dump"
    folder.mkdir()
    (folder / "README.md").write_text("not an object")
    listed = {"apiVersion": "v1", "kind": "List", "items": without(sound(), "Secret", "sops-age")}
    (folder / "all.yaml").write_text(yaml.safe_dump_all([listed, live_source()]))
    (folder / "one.yml").write_text(json.dumps(key_secret()))
    # Single objects don't tell what else there is.
    result = compared([])
    assert told(result) == []


def test_a_dump_without_objects_is_an_error(tmp_path, compared):
    with pytest.raises(ClusterError, match="no object of Kubernetes"):
        compared([])


def test_a_kind_that_the_cluster_does_not_have_is_wrong():
    info = CheckInfo("external-secrets", "ExternalSecrets")
    found = [info.gap(Gap(why, "objects of kind ExternalSecret")).standing for why in Why]
    assert found.count(Standing.WRONG) == 1
    assert found[[*Why].index(Why.NO_SUCH_KIND)] is Standing.WRONG
