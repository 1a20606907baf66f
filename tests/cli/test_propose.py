"""`fluxsecrets propose`: a value for people whose keys the author doesn't have, which Flux applies."""

import json

import pytest

from audit_tree import ALICE, BOB, CLUSTER, RULES, cluster, encrypted, kustomization
from proposing import BASE64, LISTED, SETTINGS, TEXTS, VALUE, applied, by_key, rendered


def test_a_value_is_proposed_without_any_key_and_nothing_else_changes(shop, cli, snapshot):
    root = shop()
    before = (root / "apps/shop/db.yaml").read_bytes()
    result = cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=f"{VALUE}\n".encode())
    assert result.exit_code == 0, result.stderr
    assert f"{result.stdout}---\n{result.stderr}" == snapshot
    patch = (root / "apps/shop/db.proposed-password.yaml").read_text()
    assert VALUE not in patch
    assert (root / "apps/shop/kustomization.yaml").read_text() == snapshot(name="kustomization.yaml")
    assert (root / "apps/shop/db.yaml").read_bytes() == before
    assert cli("decrypt", "apps/shop/db.proposed-password.yaml").exit_code == 2


@pytest.mark.parametrize("secret", [TEXTS, BASE64], ids=["stringData", "data"])
@pytest.mark.parametrize(
    ("key", "change", "expected"),
    [
        ("password", "changed", {"user": "alice", "password": VALUE}),
        ("token", "added", {"user": "alice", "password": "old-throwaway", "token": VALUE}),
        ("stringData.password", "changed", {"user": "alice", "password": VALUE}),
        ("data.tls.crt", "added", {"user": "alice", "password": "old-throwaway", "tls.crt": VALUE}),
        ('["data"]["tls.key"]', "added", {"user": "alice", "password": "old-throwaway", "tls.key": VALUE}),
    ],
)
def test_flux_applies_a_proposal_whichever_map_the_secret_uses(
    shop, cli, act_as, secret, key, change, expected
):
    shop(secret)
    result = cli("propose", "apps/shop/db.yaml", key, "--stdin", "--format", "json", stdin=VALUE.encode())
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["change"] == change
    assert VALUE not in result.stdout + result.stderr
    act_as("alice")
    assert applied(cli) == {"db": expected}
    assert cli("verify", "--env", "production", "--strict").exit_code == 0
    assert VALUE not in cli("render", "--env", "production").stdout


def test_several_proposals_come_in_their_order(shop, cli, act_as):
    root = shop()
    for value in (f"{VALUE}-{number}" for number in range(3)):
        result = cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=value.encode())
        assert result.exit_code == 0, result.stderr
    assert "is a proposal for password too: the later one counts" in result.stderr
    assert cli("propose", "apps/shop/db.yaml", "token", "--generate", "hex").exit_code == 0
    text = (root / "apps/shop/kustomization.yaml").read_text()
    assert text.count("encrypted_regex") == 1
    act_as("alice")
    values = applied(cli)["db"]
    assert values["password"] == f"{VALUE}-2"
    assert len(values["token"]) == 64


def test_a_key_can_be_proposed_for_removal(shop, cli, act_as):
    root = shop()
    result = cli("propose", "apps/shop/db.yaml", "user", "--remove")
    assert result.exit_code == 0, result.stderr
    assert "sops" not in (root / "apps/shop/kustomization.yaml").read_text()
    act_as("alice")
    assert applied(cli) == {"db": {"password": "old-throwaway"}}


def test_a_proposed_key_can_be_removed_again(shop, cli, act_as):
    shop()
    assert cli("propose", "apps/shop/db.yaml", "token", "--stdin", stdin=b"x-throwaway").exit_code == 0
    assert cli("propose", "apps/shop/db.yaml", "token", "--remove").exit_code == 0
    act_as("alice")
    assert applied(cli) == {"db": {"user": "alice", "password": "old-throwaway"}}


def test_a_dry_run_writes_nothing(shop, cli):
    root = shop()
    before = sorted(path for path in root.rglob("*") if ".git" not in path.parts)
    result = cli("propose", "apps/shop/db.yaml", "password", "--dry-run", "--generate", "uuid")
    assert result.exit_code == 0
    assert "would propose" in result.stdout
    assert sorted(path for path in root.rglob("*") if ".git" not in path.parts) == before
    assert (root / "apps/shop/kustomization.yaml").read_text() == LISTED


def test_a_value_with_a_variable_is_not_proposed_if_flux_would_replace_it(shop, cli, act_as):
    build = "postBuild:\n  substitute: {NAME: x}\n"
    shop(BASE64, {"clusters/production/shop.yaml": kustomization("shop", "apps/shop", more=build)})
    result = cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=b"a-${NAME}")
    assert result.exit_code == 2
    assert "Flux would replace variables in the value" in result.stderr


def test_a_value_with_a_variable_stays_as_it_is_when_it_is_folded(shop, cli, act_as):
    build = "postBuild:\n  substitute: {NAME: x}\n"
    shop(TEXTS, {"clusters/production/shop.yaml": kustomization("shop", "apps/shop", more=build)})
    value = "a-throwaway-$${NAME}"
    assert cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=value.encode()).exit_code == 0
    act_as("alice")
    assert applied(cli)["db"]["password"] == value
    assert cli("fold").exit_code == 0
    assert applied(cli)["db"]["password"] == value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\x00binary", "the value is not text"),
        (b"\ttwo\nlines", "Flux loses a text of several lines that starts with a tab"),
    ],
)
def test_what_only_base64_holds_is_not_proposed_beside_base64(shop, cli, act_as, tmp_path, value, reason):
    path = tmp_path / "value"
    path.write_bytes(value)
    shop(BASE64)
    result = cli("propose", "apps/shop/db.yaml", "password", "--value-file", path)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_bytes_are_proposed_and_folded_as_they_are(shop, cli, act_as, tmp_path):
    path = tmp_path / "value"
    path.write_bytes(b"\xff\x00\n")
    shop(TEXTS)
    assert cli("propose", "apps/shop/db.yaml", "password", "--value-file", path).exit_code == 0
    act_as("alice")
    assert cli("fold").exit_code == 0
    assert cli("get", "apps/shop/db.yaml", "data.password").stdout_bytes == b"\xff\x00\n"


def test_raw_decodes_base64(shop, cli, act_as):
    shop()
    assert cli("propose", "apps/shop/db.yaml", "password", "--raw", "--stdin", stdin=b"aGk=").exit_code == 0
    assert cli("propose", "apps/shop/db.yaml", "password", "--raw", "--stdin", stdin=b"a!").exit_code == 2
    act_as("alice")
    assert applied(cli)["db"]["password"] == "hi"


# Environments.


def two(**more):
    """A base that two environments include through overlays of their own."""
    overlay = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../base]\n"
    return {
        **cluster("staging"),
        "clusters/staging/shop.yaml": kustomization("shop", "apps/overlays/staging"),
        "clusters/production/shop.yaml": kustomization("shop", "apps/overlays/production"),
        "apps/base/db.yaml": encrypted(TEXTS, "alice", "bob", "cluster"),
        "apps/base/kustomization.yaml": LISTED,
        "apps/overlays/staging/kustomization.yaml": f"{overlay}namePrefix: s-\n",
        "apps/overlays/production/kustomization.yaml": overlay,
        ".sops.yaml": RULES.replace(
            "creation_rules:\n",
            f"creation_rules:\n  - path_regex: overlays/staging\n    age: {BOB},{CLUSTER}\n",
        ).replace(f"age: {ALICE}", f"age: {ALICE},{BOB}"),
        **more,
    }


def test_a_value_for_all_environments_is_beside_the_base(shop, cli, act_as):
    root = shop(files=two())
    result = cli("propose", "apps/base/db.yaml", "password", "--stdin", stdin=VALUE.encode())
    assert result.exit_code == 0, result.stderr
    assert "Flux applies it in production, staging" in result.stderr
    assert (root / "apps/base/db.proposed-password.yaml").exists()
    act_as("alice")
    assert applied(cli)["db"]["password"] == VALUE
    assert applied(cli, "staging")["s-db"]["password"] == VALUE
    assert cli("fold").exit_code == 0
    assert applied(cli, "staging")["s-db"]["password"] == VALUE


def test_a_value_for_one_environment_is_in_its_overlay_and_for_its_people(shop, cli, act_as):
    root = shop(files=two())
    command = ("propose", "apps/base/db.yaml", "password", "--env", "staging", "--stdin", "--format", "json")
    result = cli(*command, stdin=VALUE.encode())
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["path"] == "apps/overlays/staging/db.proposed-password.yaml"
    assert found["environments"] == ["staging"]
    patch = (root / found["path"]).read_text()
    assert ALICE not in patch
    assert BOB in patch
    act_as("bob")
    assert applied(cli, "staging")["s-db"]["password"] == VALUE
    assert applied(cli)["db"]["password"] == "old-throwaway"
    result = cli("fold")
    assert result.exit_code == 0
    assert "so the value is for that overlay alone" in result.stderr
    assert "no proposal waits to be folded" in result.stderr


def test_an_environment_without_a_file_of_its_own_is_refused(shop, cli):
    same = {"clusters/staging/shop.yaml": kustomization("shop", "apps/base")}
    shop(files=two(**same))
    result = cli("propose", "apps/base/db.yaml", "password", "--env", "staging", "--generate", "uuid")
    assert result.exit_code == 2
    assert "no kustomization file that brings this Secret is staging's alone" in result.stderr


# Where Flux would not take it.


def test_a_folder_without_kustomization_file_gets_one_only_if_that_is_asked_for(shop, cli, act_as):
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\ndata: {a: b}\n"
    root = shop(listed=None, files={"apps/shop/more/config.yaml": config})
    command = ("propose", "apps/shop/db.yaml", "password", "--stdin")
    result = cli(*command, stdin=VALUE.encode())
    assert result.exit_code == 2
    assert "has no kustomization file" in result.stderr
    assert not (root / "apps/shop/kustomization.yaml").exists()
    act_as("alice")
    before = rendered(cli)
    result = cli(*command, "--create-kustomization", stdin=b"old-throwaway")
    assert result.exit_code == 0, result.stderr
    assert "created" in result.stdout
    assert by_key(rendered(cli)) == by_key(before)
    assert cli("fold").exit_code == 0
    assert by_key(rendered(cli)) == by_key(before)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"clusters/production/shop.yaml": kustomization("shop", "apps/shop", decryption=False)},
            "it doesn't decrypt the files of `patches`",
        ),
        ({"clusters/production/shop.yaml": "# nothing\n"}, "no Kustomization applies this Secret"),
        (
            {
                "apps/other/kustomization.yaml": LISTED.replace("db.yaml", "../shop/db.yaml"),
                "clusters/production/other.yaml": kustomization("other", "apps/other"),
            },
            "by apps/other/kustomization.yaml and apps/shop/kustomization.yaml",
        ),
        (
            {".fluxsecrets.yaml": SETTINGS + "    flux_version: '2.4'\n"},
            "production has Flux 2.4, which doesn't decrypt the files of `patches`",
        ),
        ({"apps/shop/db.yaml": TEXTS}, "the file is not encrypted"),
        (
            {
                "apps/shop/db.yaml": encrypted(
                    TEXTS + "data:\n  more: YQ==\n",
                )
            },
            "encrypted values under both `data` and `stringData`",
        ),
        (
            {"apps/shop/db.yaml": encrypted(TEXTS, "alice", "cluster", "bob")},
            "is encrypted for somebody that the creation rule does not name",
        ),
        (
            {"apps/shop/db.yaml": encrypted(TEXTS.replace("Secret", "ConfigMap").replace("stringD", "d"))},
            "the file has none",
        ),
    ],
    ids=[
        "no decryption",
        "not reached",
        "outside",
        "old Flux",
        "plain",
        "both maps",
        "stranger",
        "ConfigMap",
    ],
)
def test_a_proposal_that_flux_would_not_apply_is_refused_and_nothing_is_written(shop, cli, files, reason):
    root = shop(files=files)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    result = cli("propose", "apps/shop/db.yaml", "password", "--generate", "password")
    assert result.exit_code == 2
    assert reason in result.stderr
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert {path for path in after if ".git" not in path.parts} == {
        path for path in before if ".git" not in path.parts
    }


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("apps/shop", "password"), "it is a folder"),
        (("apps/shop/db.yaml", "a b"), "a valid config key must consist of"),
        (("apps/shop/db.yaml", ""), "name the Secret's file and a key"),
        (("apps/shop/db.yaml", "metadata.name.x"), ""),
        (("apps/shop/db.yaml", '["metadata"]["name"]'), "is not a key of a Secret"),
        (("apps/shop/db.yaml", "gone", "--remove"), "--remove takes no value"),
        (("apps/shop/db.proposed-token.yaml", "token"), "this file is a proposal itself"),
        (("nowhere.yaml", "password"), "there is no such file"),
    ],
)
def test_what_is_not_a_key_of_a_secret_is_refused(shop, cli, words, reason):
    shop()
    assert cli("propose", "apps/shop/db.yaml", "token", "--generate", "hex").exit_code == 0
    result = cli("propose", *words, "--generate", "hex")
    assert (result.exit_code == 2) == bool(reason)
    assert reason in result.stderr
    assert "--allow-invalid" not in result.stderr


def test_one_of_several_kustomization_files_can_be_chosen(shop, cli, act_as):
    root = shop(files=two())
    chosen = "apps/overlays/staging/kustomization.yaml"
    command = ("propose", "apps/base/db.yaml", "password", "--generate", "uuid", "--kustomization")
    assert cli(*command, "apps/shop/kustomization.yaml").exit_code == 2
    assert cli(*command, chosen, "--env", "staging").exit_code == 2
    assert "names it under patches" in cli(*command, chosen).stdout
    assert "proposed" in (root / chosen).read_text()


def test_a_stranger_is_accepted_on_request_and_named(shop, cli):
    shop(files={"apps/shop/db.yaml": encrypted(TEXTS, "alice", "cluster", "bob")})
    command = ("propose", "apps/shop/db.yaml", "password", "--accept-recipients", "--generate", "uuid")
    result = cli(*command)
    assert result.exit_code == 0
    assert "accepted: in the file, not in the rule" in result.stderr


def test_the_log_has_the_key_and_never_the_value(shop, cli, act_as):
    root = shop(files={".fluxsecrets.yaml": SETTINGS + "log: {required: true}\n"})
    assert cli("propose", "apps/shop/db.yaml", "token", "--stdin", stdin=VALUE.encode()).exit_code == 0
    act_as("alice")
    assert cli("fold").exit_code == 0
    log = (root / ".git/fluxsecrets/log.jsonl").read_text()
    assert '"propose"' in log
    assert '"key":"token"' in log.replace(" ", "")
    assert '"fold"' in log
    assert VALUE not in log
