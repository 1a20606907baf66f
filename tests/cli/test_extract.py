"""`fluxsecrets extract`: values of manifests move to encrypted Secrets, and Flux applies the same."""

import json
import re

import pytest

from crashes import put_back, states_of
from fluxsecrets.repo.encrypted import detect_encryption

VALUE = "hunter2-throwaway-kV7q"
RELEASE = f"""\
# the dashboard
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: grafana
  namespace: apps
spec:
  interval: 1h
  chart: {{spec: {{chart: grafana, sourceRef: {{kind: HelmRepository, name: charts}}}}}}
  values:
    adminUser: admin
    adminPassword: {VALUE}
    auth:
      secret: other-{VALUE}
"""
FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 10m
  path: ./apps/overlay
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
  decryption: {provider: sops, secretRef: {name: sops-age}}
"""
PATCH = """\
patches:
  - patch: |
      apiVersion: helm.toolkit.fluxcd.io/v2
      kind: HelmRelease
      metadata: {name: grafana, namespace: apps}
      spec: SPEC
"""
BASE, SECRET = "apps/base/release.yaml", "apps/base/grafana-values.yaml"


@pytest.fixture
def shop(folder, act_as, cli, git):
    """Makes a repository with a base, an overlay and a Kustomization, committed."""

    def make(**files):
        alice = act_as("alice").recipient
        contents = {
            ".sops.yaml": f"creation_rules:\n  - encrypted_regex: ^(data|stringData)$\n    age: {alice}\n",
            "clusters/production/apps.yaml": FLUX,
            BASE: RELEASE,
            "apps/base/kustomization.yaml": "resources:\n  - release.yaml # the dashboard\n",
            "apps/overlay/kustomization.yaml": "resources:\n  - ../base\n",
            **files,
        }
        for name, text in contents.items():
            folder.write(name, text)
        git(folder.path, "init", "--quiet")
        git(folder.path, "add", "--all")
        git(folder.path, "commit", "--quiet", "--message", "plain")
        return folder.path

    return make


def files(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def refused(cli, root, *words):
    """What is said about a command that must fail and write nothing."""
    before = files(root)
    result = cli("extract", *words)
    assert result.exit_code == 2, result.stdout
    assert files(root) == before
    assert VALUE not in result.stdout + result.stderr
    return result.stderr


def test_a_value_moves_to_an_encrypted_secret_that_the_release_names(shop, cli, snapshot):
    root = shop()
    result = cli("extract", BASE, "adminPassword", "auth")
    assert result.exit_code == 0, result.stderr
    assert f"{result.stdout}---\n{result.stderr}" == snapshot
    assert (root / BASE).read_text() == snapshot(name="release.yaml")
    assert (root / "apps/base/kustomization.yaml").read_text() == snapshot(name="kustomization.yaml")
    assert detect_encryption((root / SECRET).read_bytes(), SECRET) is not None
    assert not [name for name, data in files(root).items() if VALUE.encode() in data]
    assert cli("get", SECRET, "stringData.adminPassword").stdout == VALUE
    assert cli("scan").exit_code == 0
    verdict = json.loads(cli("verify", "--env", "production", "--format", "json").stdout)
    assert "ciphertext" not in json.dumps(verdict["kustomizations"])


def test_a_second_extraction_extends_the_secret_and_keeps_its_ciphertexts(shop, cli):
    root = shop()
    assert cli("extract", BASE, "adminPassword").exit_code == 0
    before = (root / SECRET).read_text()
    kept = next(line for line in before.splitlines() if line.startswith("  adminPassword: ENC["))
    result = cli("extract", BASE, "auth.secret")
    assert result.exit_code == 0, result.stderr
    assert kept in (root / SECRET).read_text().splitlines()
    assert cli("get", SECRET, "stringData.auth.secret").stdout == f"other-{VALUE}"
    assert (root / "apps/base/kustomization.yaml").read_text().count("grafana-values") == 1
    assert "has no value 'adminPassword'" in refused(cli, root, BASE, "adminPassword")


def test_without_a_key_the_values_are_listed_and_not_shown(shop, cli):
    root = shop()
    result = cli("extract", BASE)
    assert result.exit_code == 0, result.stderr
    assert "spec.values.adminPassword" in result.stdout
    assert VALUE not in result.stdout + result.stderr
    assert not (root / SECRET).exists()


def test_a_dry_run_writes_nothing_and_shows_no_value(shop, cli):
    root = shop()
    before = files(root)
    result = cli("extract", BASE, "adminPassword", "--dry-run", "--format", "json")
    assert result.exit_code == 0, result.stderr
    assert files(root) == before
    assert VALUE not in result.stdout + result.stderr
    found = json.loads(result.stdout)
    assert found["dry_run"] is True
    (file,) = found["files"]
    assert (file["secret_path"], file["created"], file["in_history"]) == (SECRET, True, True)
    assert file["environments"] == ["production"]
    assert file["kustomizations"] == ["apps/base/kustomization.yaml"]


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (
            PATCH.replace("SPEC", "{valuesFrom: [{kind: ConfigMap, name: c}]}"),
            "its composed values would differ",
        ),
        ("namePrefix: x-\n", "would not find the Secret 'grafana-values' with 'adminPassword'"),
    ],
)
def test_what_flux_would_apply_differently_is_refused(shop, cli, overlay, message):
    root = shop(**{"apps/overlay/kustomization.yaml": f"resources:\n  - ../base\n{overlay}"})
    said = refused(cli, root, BASE, "adminPassword")
    assert "Flux would apply something else in production: HelmRelease" in said
    assert message in said


@pytest.mark.parametrize(
    "overlay", [PATCH.replace("SPEC", "{values: {adminPassword: of-the-overlay}}"), "namespace: other\n"]
)
def test_patches_and_namespaces_that_change_no_value_are_no_obstacle(shop, cli, overlay):
    shop(**{"apps/overlay/kustomization.yaml": f"resources:\n  - ../base\n{overlay}"})
    result = cli("extract", BASE, "adminPassword")
    assert result.exit_code == 0, result.stderr


def test_a_patch_keeps_its_value_above_that_of_the_base(shop, cli):
    patch = RELEASE.partition("  interval")[0] + f"  values:\n    adminPassword: overlay-{VALUE}\n"
    root = shop(
        **{
            "apps/overlay/kustomization.yaml": "resources: [../base]\npatches: [{path: patch.yaml}]\n",
            "apps/overlay/patch.yaml": patch,
        }
    )
    result = cli("extract", "apps/overlay/patch.yaml", "adminPassword")
    assert result.exit_code == 0, result.stderr
    assert "    adminPassword: null\n" in (root / "apps/overlay/patch.yaml").read_text()
    assert "grafana-values.yaml" in (root / "apps/overlay/kustomization.yaml").read_text()
    assert VALUE not in (root / "apps/overlay/patch.yaml").read_text()


def test_a_kustomization_that_does_not_decrypt_is_refused_or_allowed(shop, cli):
    root = shop(**{"clusters/production/apps.yaml": FLUX.partition("  decryption")[0]})
    assert "the Kustomization has no spec.decryption" in refused(cli, root, BASE, "adminPassword")
    result = cli("extract", BASE, "adminPassword", "--allow-undecrypted")
    assert result.exit_code == 0, result.stderr
    assert "warning: Flux would apply a ciphertext in production" in result.stderr
    assert "Flux applies the same" not in result.stderr


def test_a_file_without_a_rule_is_refused_and_a_rule_chooses_the_name(shop, cli, folder):
    root = shop()
    rules = folder.read(".sops.yaml").decode()
    folder.write(".sops.yaml", rules.replace("  - enc", "  - path_regex: ^elsewhere/\n    enc"))
    assert "no creation rule of .sops.yaml matches" in refused(cli, root, BASE, "adminPassword")
    folder.write(".sops.yaml", rules.replace("  - enc", "  - path_regex: \\.sops\\.yaml$\n    enc"))
    assert cli("extract", BASE, "adminPassword").exit_code == 0
    assert (root / "apps/base/grafana-values.sops.yaml").exists()


def test_the_only_copy_of_a_value_is_not_encrypted_for_others(shop, cli, act_as):
    root = shop(**{BASE: RELEASE})
    (root / BASE).write_text(RELEASE.replace(VALUE, f"new-{VALUE}"))
    act_as("bob")
    assert "it would be lost" in refused(cli, root, BASE, "adminPassword")
    result = cli("extract", BASE, "adminPassword", "--for-others")
    assert result.exit_code == 0, result.stderr


def test_the_secret_and_its_file_can_be_chosen(shop, cli):
    root = shop()
    result = cli("extract", BASE, "adminPassword", "--secret", "mine", "--to", "apps/base/mine.enc.yaml")
    assert result.exit_code == 0, result.stderr
    assert "      name: mine\n" in (root / BASE).read_text()
    assert "  - mine.enc.yaml\n" in (root / "apps/base/kustomization.yaml").read_text()
    assert "exists and has no Secret other" in refused(
        cli, root, BASE, "auth", "--secret", "other", "--to", "apps/base/mine.enc.yaml"
    )


def test_a_plain_secret_of_that_name_has_to_be_encrypted_first(shop, cli):
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: grafana-values, namespace: apps}\n"
    root = shop(**{"apps/base/s.yaml": f"{secret}stringData: {{a: b}}\n"})
    said = refused(cli, root, BASE, "adminPassword")
    assert "the Secret grafana-values is in plain text" in said
    assert "`fluxsecrets encrypt apps/base/s.yaml`" in said


def test_comments_of_a_value_move_with_it(shop, cli):
    described = RELEASE.replace("    adminPassword", "    # of the first login\n    adminPassword")
    root = shop(**{BASE: described.replace(f": {VALUE}\n", f": {VALUE} # rotate in May\n", 1)})
    assert cli("extract", BASE, "adminPassword").exit_code == 0
    assert "first login" not in (root / BASE).read_text()
    plain = cli("decrypt", SECRET).stdout
    assert "  # of the first login\n  # rotate in May\n  adminPassword: " in plain
    assert cli("extract", BASE, "auth").exit_code == 0
    assert plain in cli("decrypt", SECRET).stdout


def test_comments_of_a_map_that_gets_empty_move_with_its_values(shop, cli):
    values = f"      pin: 1234\n      secret: {VALUE} # rotate\n      token: a-{VALUE}\n"
    shop(**{BASE: RELEASE.partition("    auth:")[0] + "    # of the team\n    auth:\n" + values})
    assert cli("extract", BASE, "auth").exit_code == 0
    plain = cli("decrypt", SECRET).stdout
    assert plain.count("# rotate\n  auth.secret: ") == 1
    assert plain.count("# of the team") == 1


def test_a_secret_that_flux_applies_with_the_release_is_extended(shop, cli):
    root = shop(**{"apps/base/kustomization.yaml": "resources: [release.yaml, secrets/grafana.yaml]\n"})
    (root / "apps/base/secrets").mkdir()
    elsewhere = "apps/base/secrets/grafana.yaml"
    assert cli("extract", BASE, "adminPassword", "--to", elsewhere).exit_code == 0
    result = cli("extract", BASE, "auth")
    assert result.exit_code == 0, result.stderr
    assert f"{elsewhere}   extended" in result.stdout


def test_a_secret_that_something_else_makes_is_not_written_again(shop, cli):
    sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
    sealed += "metadata: {name: grafana-values, namespace: apps}\nspec: {encryptedData: {a: AgB0}}\n"
    root = shop(
        **{
            "apps/base/kustomization.yaml": "resources: [release.yaml, sealed.yaml]\n",
            "apps/base/sealed.yaml": sealed,
        }
    )
    said = refused(cli, root, BASE, "adminPassword", "--secret", "grafana-values")
    assert "something else makes or uses a Secret grafana-values" in said
    assert cli("extract", BASE, "adminPassword").exit_code == 0
    assert (root / "apps/base/grafana-values-2.yaml").exists()


def test_errors_of_the_secret_name_its_file(shop, cli, act_as):
    root = shop()
    assert cli("extract", BASE, "adminPassword").exit_code == 0
    act_as("bob")
    assert f"error: {SECRET}: none of your identities can open" in refused(cli, root, BASE, "auth")


def test_a_read_only_file_is_refused_and_an_ignored_one_reported(shop, cli):
    root = shop(**{".gitignore": "*-values.yaml\n"})
    (root / "apps/base/kustomization.yaml").chmod(0o444)
    said = refused(cli, root, BASE, "adminPassword", "--to", "apps/base/other.yaml")
    assert "apps/base/kustomization.yaml: the file is read-only" in said
    assert "`chmod u+w apps/base/kustomization.yaml`" in said
    (root / "apps/base/kustomization.yaml").chmod(0o644)
    result = cli("extract", BASE, "adminPassword")
    assert result.exit_code == 0, result.stderr
    assert f"git ignores {SECRET}, and Flux needs it: run `git add --force {SECRET}`" in result.stderr
    assert "Flux applies the same" not in result.stderr


def test_a_manifest_outside_of_any_environment_is_extracted_by_itself(shop, cli):
    root = shop(**{"elsewhere/release.yaml": RELEASE})
    result = cli("extract", "elsewhere/release.yaml", "adminPassword")
    assert result.exit_code == 0, result.stderr
    assert "no Kustomization here applies the manifest" in result.stderr
    assert (root / "elsewhere/grafana-values.yaml").exists()


def test_scan_and_encrypt_say_which_command_moves_a_value(shop, cli):
    shop(**{BASE: RELEASE.replace("other-", "")})
    said = cli("encrypt", BASE)
    assert said.exit_code == 2
    assert f"`fluxsecrets extract {BASE} KEY` moves one to an encrypted Secret" in said.stderr
    found = json.loads(cli("scan", "--format", "json").stdout)["findings"]
    commands = [re.search(r"`fluxsecrets (.+?)`", each["hint"])[1] for each in found]
    assert sorted(commands) == [
        f"extract {BASE} spec.values.{key}" for key in ("adminPassword", "auth.secret")
    ]
    for command in commands:
        assert cli(*command.split()).exit_code == 0
    assert cli("scan").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a manifest, and the keys of its values"),
        ((SECRET, "x"), "there is no such file"),
        ((BASE, "adminPasword"), "did you mean adminPassword?"),
        ((BASE, "spec.interval"), "has no value 'spec.interval' that can be extracted"),
        ((BASE, "spec.interval"), f"`fluxsecrets extract {BASE}` lists what it has"),
        (("apps/base/kustomization.yaml", "resources"), "no object whose values can be extracted"),
        ((BASE, "adminUser", "--document", "2"), "document 2 of the file has no object"),
        (("apps", "x"), "is a folder"),
        ((BASE, "adminUser", "--to", "../x.yaml"), "is outside of the repository"),
    ],
)
def test_wrong_usage_is_explained(shop, cli, words, message):
    assert message in refused(cli, shop(), *words)


def test_an_extraction_that_is_killed_at_any_write_loses_nothing(shop, cli, environment, monkeypatch):
    root, state = shop(), environment / "state"
    state.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    old = files(root)
    states = states_of(lambda: cli("extract", BASE, "adminPassword"), (root, state))
    new = files(root)
    assert new != old
    assert len(states) > 4
    for each in states:
        put_back(each, (root, state))
        texts = files(root)
        encrypted = detect_encryption(texts.get(SECRET, b""), SECRET) is not None
        assert VALUE.encode() in texts[BASE] or encrypted, "the value is somewhere"
        if texts not in (old, new):
            assert cli("extract", "--abort").exit_code == 0
            assert files(root) == old


# --- what is left


def test_the_same_text_elsewhere_in_the_manifest_is_pointed_out(shop, cli):
    shop(**{BASE: RELEASE.replace("# the dashboard", f"# the dashboard, {VALUE}")})
    result = cli("extract", BASE, "auth.secret", "--dry-run")
    assert "still has the text" not in result.stderr
    result = cli("extract", BASE, "adminPassword", "auth.secret")
    assert result.exit_code == 0, result.stderr
    assert f"{BASE}: line 1 still has the text of spec.values.adminPassword" in result.stderr
    assert VALUE not in result.stderr


def test_values_that_are_staged_are_pointed_out(shop, cli, git):
    root = shop(**{BASE: RELEASE.replace(VALUE, "old-value")})
    (root / BASE).write_text(RELEASE)
    git(root, "add", BASE)
    result = cli("extract", BASE, "adminPassword", "auth.secret")
    assert f"run `git add {BASE}` before the next commit" in result.stderr


def test_an_immutable_secret_gets_no_more_keys(shop, cli):
    secret = (
        "apiVersion: v1\nkind: Secret\nimmutable: true\nmetadata: {name: grafana-values, namespace: apps}\n"
        "stringData: {a: b}\n"
    )
    root = shop(**{SECRET: secret})
    assert cli("encrypt", SECRET).exit_code == 0
    before = files(root)
    result = cli("extract", BASE, "adminPassword")
    assert result.exit_code == 2
    assert "immutable" in result.stderr
    assert "--secret NAME" in result.stderr
    assert files(root) == before


@pytest.mark.parametrize("name", ["../../outside", "A B", "a" * 300])
def test_a_name_that_no_secret_can_have_is_refused(shop, cli, name):
    root = shop(**{BASE: RELEASE.replace("name: grafana\n  namespace", f"name: {name}\n  namespace")})
    before = files(root)
    result = cli("extract", BASE, "adminPassword")
    assert result.exit_code == 2
    assert "--secret NAME" in result.stderr
    assert files(root) == before
