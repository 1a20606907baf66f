"""`fluxsecrets fold`: what Flux applies stays the same, and nothing of the proposals is left."""

import json

import pytest

from audit_tree import ALICE, BOB, kustomization
from proposing import BASE64, LISTED, TEXTS, VALUE, applied, rendered


@pytest.mark.parametrize("secret", [TEXTS, BASE64], ids=["stringData", "data"])
def test_folding_changes_nothing_for_flux_and_leaves_no_trace(shop, cli, act_as, secret, snapshot):
    root = shop(secret)
    for key, value in (("password", VALUE), ("token", "t-throwaway"), ("password", f"{VALUE}-2")):
        assert cli("propose", "apps/shop/db.yaml", key, "--stdin", stdin=value.encode()).exit_code == 0
    assert cli("propose", "apps/shop/db.yaml", "user", "--remove").exit_code == 0
    act_as("alice")
    before = rendered(cli)
    result = cli("fold")
    assert result.exit_code == 0, result.stderr
    assert f"{result.stdout}---\n{result.stderr}" == snapshot
    assert rendered(cli) == before
    assert (root / "apps/shop/kustomization.yaml").read_text() == LISTED
    assert not list(root.rglob("*proposed*"))
    assert applied(cli) == {"db": {"password": f"{VALUE}-2", "token": "t-throwaway"}}
    assert cli("encrypt", "--check").exit_code == 0
    assert cli("verify", "--strict").exit_code == 0


def test_a_dry_run_of_fold_writes_nothing(shop, cli, act_as):
    root = shop()
    assert cli("propose", "apps/shop/db.yaml", "password", "--generate", "hex:16").exit_code == 0
    act_as("alice")
    before = {path: path.read_bytes() for path in root.rglob("*.yaml")}
    result = cli("fold", "apps/shop", "--dry-run")
    assert result.exit_code == 0, result.stderr
    assert "apps/shop/db.yaml   would fold   password   changed, 17-32 bytes" in result.stdout
    assert {path: path.read_bytes() for path in root.rglob("*.yaml")} == before


def test_without_a_key_nothing_is_folded(shop, cli):
    root = shop()
    assert cli("propose", "apps/shop/db.yaml", "password", "--generate", "hex:16").exit_code == 0
    result = cli("fold")
    assert result.exit_code == 2
    assert "nothing was written" in result.stderr
    assert (root / "apps/shop/db.proposed-password.yaml").exists()


@pytest.mark.parametrize("key", ["password", "token"])
def test_a_proposal_that_is_older_than_the_key_is_refused(shop, cli, act_as, key):
    root = shop()
    assert cli("propose", "apps/shop/db.yaml", key, "--stdin", stdin=VALUE.encode()).exit_code == 0
    act_as("alice")
    assert cli("set", "apps/shop/db.yaml", f"stringData.{key}", "newer-throwaway").exit_code == 0
    result = cli("fold", "apps/shop/db.yaml")
    assert result.exit_code == 2
    assert f"{key} of shop/db was changed after it was proposed" in result.stderr
    assert (root / f"apps/shop/db.proposed-{key}.yaml").exists()
    assert cli("fold", "--outdated").exit_code == 0
    assert applied(cli)["db"][key] == VALUE


def test_a_change_of_another_key_does_not_outdate_a_proposal(shop, cli, act_as):
    shop()
    assert cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=VALUE.encode()).exit_code == 0
    act_as("alice")
    assert cli("set", "apps/shop/db.yaml", "stringData.user", "bob-throwaway").exit_code == 0
    assert cli("fold", "apps/shop/db.proposed-password.yaml").exit_code == 0
    assert applied(cli) == {"db": {"user": "bob-throwaway", "password": VALUE}}


def test_some_proposals_are_folded_and_the_others_go_on_working(shop, cli, act_as):
    root = shop()
    for key in ("password", "token"):
        assert cli("propose", "apps/shop/db.yaml", key, "--stdin", stdin=VALUE.encode()).exit_code == 0
    act_as("alice")
    assert cli("fold", "apps/shop/db.proposed-token.yaml").exit_code == 0
    assert applied(cli) == {"db": {"user": "alice", "password": VALUE, "token": VALUE}}
    assert (root / "apps/shop/kustomization.yaml").read_text().count("encrypted_regex") == 1
    assert cli("fold").exit_code == 0
    assert applied(cli) == {"db": {"user": "alice", "password": VALUE, "token": VALUE}}
    assert (root / "apps/shop/kustomization.yaml").read_text() == LISTED


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("  name: db\n", "  name: db\n  labels: {a: b}\n", "the MAC does not match"),
        ("kind: Secret", "kind: Secret\ntype: x", "the MAC does not match"),
        ("type:str]", "type:int]", "the value of data.password cannot be decrypted"),
        ("data:\n  password", "data:\n  user", "the value of data.user cannot be decrypted"),
    ],
)
def test_a_proposal_that_somebody_changed_is_refused(shop, cli, act_as, old, new, reason):
    root = shop()
    assert cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=VALUE.encode()).exit_code == 0
    path = root / "apps/shop/db.proposed-password.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    act_as("alice")
    before = (root / "apps/shop/db.yaml").read_bytes()
    result = cli("fold")
    assert result.exit_code == 2
    assert reason in result.stderr
    assert VALUE not in result.stderr
    assert (root / "apps/shop/db.yaml").read_bytes() == before


def test_a_plain_proposal_is_refused_as_leaked(shop, cli, act_as):
    root = shop()
    assert cli("propose", "apps/shop/db.yaml", "user", "--remove").exit_code == 0
    path = root / "apps/shop/db.proposed-user.yaml"
    path.write_text(path.read_text().replace("user: null", f"user: {VALUE}"))
    act_as("alice")
    result = cli("fold")
    assert result.exit_code == 2
    assert "the proposal is plain text" in result.stderr
    assert VALUE not in result.stderr


def test_status_says_what_waits_and_who_can_fold_it(shop, cli, act_as):
    root = shop()
    assert "proposal" not in cli("status").stderr
    for key in ("password", "token"):
        assert cli("propose", "apps/shop/db.yaml", key, "--generate", "hex").exit_code == 0
    assert "a holder of a key can fold them: `fluxsecrets fold`" in cli("status").stderr
    act_as("alice")
    shown = cli("status").stderr
    assert "open work: 2 proposals wait to be folded\n  apps/shop/db.proposed-password.yaml" in shown
    assert "you can fold them: `fluxsecrets fold`" in shown
    (root / "apps/shop/kustomization.yaml").write_text(LISTED)
    work = json.loads(cli("status", "--format", "json").stdout)["open_work"]
    assert [each["kind"] for each in work] == ["proposal", "proposal"]
    assert "no kustomization file names it" in work[0]["reason"]
    assert "can't be folded" in cli("status").stderr
    result = cli("fold")
    assert result.exit_code == 0
    assert "no kustomization file names it" in result.stderr


def test_new_data_keys_do_not_outdate_a_proposal_but_a_new_value_does(shop, cli, act_as):
    shop(files={"keys/alice.pub": f"{ALICE}\n"})
    assert cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=VALUE.encode()).exit_code == 0
    act_as("alice")
    rotated = cli("rotate", "--all")
    assert "apps/shop/db.proposed-password.yaml   rotated" in rotated.stdout
    assert cli("fold", "--dry-run").exit_code == 0
    assert cli("set", "apps/shop/db.yaml", "stringData.password", "newer-throwaway").exit_code == 0
    result = cli("fold")
    assert result.exit_code == 2
    assert "was changed after it was proposed" in result.stderr


def test_a_proposal_follows_the_rules_as_other_secrets_do(shop, cli, act_as, git):
    root = shop(files={"keys/alice.pub": f"{ALICE}\n", "keys/bob.pub": f"{BOB}\n"})
    assert cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=VALUE.encode()).exit_code == 0
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "proposed")
    path = root / "apps/shop/db.proposed-password.yaml"
    act_as("alice")
    assert cli("recipients", "add", "bob", "--all").exit_code == 0
    assert BOB in path.read_text()
    assert cli("recipients", "remove", "bob", "--yes", "--no-report").exit_code == 0
    assert BOB not in path.read_text()
    assert cli("fold").exit_code == 0
    assert applied(cli)["db"]["password"] == VALUE


def test_a_new_environment_has_to_fill_in_proposed_values_too(encrypted_waddle, cli):
    secrets = "apps/cloudnative-pg/overlays/production/secrets.yaml"
    result = cli("propose", secrets, "password", "--document", "2", "--stdin", stdin=VALUE.encode())
    assert result.exit_code == 0, result.stderr
    assert cli("env", "add", "dr", "--from", "production").exit_code == 0
    copy = (encrypted_waddle / secrets.replace("production", "dr")).with_name(
        "secrets.proposed-password.yaml"
    )
    assert "password: UkVQTEFDRV9NRQ==" in copy.read_text()
    assert cli("encrypt", "--env", "dr").exit_code == 0
    assert "UkVQTEFDRV9NRQ==" not in copy.read_text()


def test_a_proposal_that_flux_does_not_apply_never_gets_into_a_secret(shop, cli, act_as):
    """Whoever may write elsewhere could name another folder's Secret, and wait for somebody to fold."""
    root = shop()
    assert cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=VALUE.encode()).exit_code == 0
    other = root / "elsewhere"
    other.mkdir()
    (root / "apps/shop/db.proposed-password.yaml").rename(other / "db.proposed-password.yaml")
    listed = (root / "apps/shop/kustomization.yaml").read_text()
    (other / "kustomization.yaml").write_text(listed.replace("db.yaml #", "../apps/shop/db.yaml #"))
    (root / "apps/shop/kustomization.yaml").write_text(LISTED)
    before = (root / "apps/shop/db.yaml").read_bytes()
    act_as("alice")
    result = cli("fold")
    assert result.exit_code == 0
    assert "left: elsewhere/db.proposed-password.yaml: Flux doesn't apply it" in result.stderr
    assert (root / "apps/shop/db.yaml").read_bytes() == before


def test_folding_for_one_of_two_kustomizations_is_refused(shop, cli, act_as):
    """The Secret's file is the other one's, too, which would get the value by that."""
    again = LISTED.replace("db.yaml", "../shop/db.yaml")
    root = shop(
        files={
            "apps/shop/kustomization.yaml": LISTED,
            "apps/other/kustomization.yaml": again + "namePrefix: other-\n",
            "clusters/production/other.yaml": kustomization("other", "apps/other"),
        }
    )
    file = "apps/shop/kustomization.yaml"
    command = ("propose", "apps/shop/db.yaml", "password", "--kustomization", file, "--stdin")
    assert cli(*command, stdin=VALUE.encode()).exit_code == 0
    act_as("alice")
    before = (root / "apps/shop/db.yaml").read_bytes()
    result = cli("fold")
    assert result.exit_code == 2
    assert "Flux would apply something else afterwards" in result.stderr
    assert (root / "apps/shop/db.yaml").read_bytes() == before


def test_a_review_names_proposals_and_what_was_folded(shop, cli, act_as, git):
    root = shop()

    def reviewed(message):
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", message)
        found = json.loads(cli("review", "HEAD~1..HEAD", "--format", "json").stdout)
        return [each["title"] for each in found["items"]]

    assert cli("propose", "apps/shop/db.yaml", "password", "--stdin", stdin=VALUE.encode()).exit_code == 0
    titles = reviewed("proposed")
    assert any("a proposal for password, which Flux applies to the Secret" in each for each in titles)
    act_as("alice")
    assert cli("fold").exit_code == 0
    titles = reviewed("folded")
    assert any("the proposal is gone, with 1 value" in each for each in titles)


def test_the_entries_of_two_branches_are_folded_together(shop, cli, act_as):
    root = shop()
    file = root / "apps/shop/kustomization.yaml"
    entries = []
    for key in ("password", "token"):
        assert cli("propose", "apps/shop/db.yaml", key, "--stdin", stdin=VALUE.encode()).exit_code == 0
        entries.append(file.read_text().partition("patches:\n")[2].removesuffix("# the end\n"))
        file.write_text(LISTED)
    file.write_text(LISTED.replace("# the end", f"patches:\n{''.join(entries)}# the end"))
    assert file.read_text().count("encrypted_regex") == 2
    act_as("alice")
    assert applied(cli)["db"] == {"user": "alice", "password": VALUE, "token": VALUE}
    assert cli("fold").exit_code == 0
    assert file.read_text() == LISTED
    assert applied(cli)["db"] == {"user": "alice", "password": VALUE, "token": VALUE}
