"""`fluxsecrets encrypt`: what it changes, what it leaves alone, and what it says about it."""

import json
import re
from base64 import b64decode

import pytest

from fluxsecrets.keys.generate import generate_identity
from fluxsecrets.sops import bech32

SECRETS = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
ENV_FILE = "apps/spicedb/overlays/staging/files/spicedb.env"
REGISTRY = "apps/spicedb/overlays/staging/registry.json"


def test_check_says_what_would_change_and_writes_nothing(waddle, cli, git):
    result = cli("encrypt", "--check")
    assert result.exit_code == 1
    assert f"{ENV_FILE} " in result.stdout
    assert "18 files: 18 would encrypt" in result.stderr
    assert git(waddle, "status", "--porcelain") == ""


def test_check_is_clean_where_all_is_encrypted(encrypted_waddle, cli):
    result = cli("encrypt", "--check")
    assert (result.exit_code, result.stderr) == (0, "18 files: 18 unchanged\n")


def test_check_needs_no_identity(waddle, cli, identity):
    identity.path.write_text("rubbish\n")
    assert cli("encrypt", "--check").exit_code == 1


def test_dry_run_exits_with_0(waddle, cli, git):
    result = cli("encrypt", "--dry-run", SECRETS)
    assert result.exit_code == 0
    assert result.stdout == f"{SECRETS}   would encrypt   7 values   alice, bob, cluster-staging\n"
    assert git(waddle, "status", "--porcelain") == ""


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_nothing_is_written_elsewhere_either(waddle, cli, option):
    result = cli("encrypt", option, "-o", "new.yaml", SECRETS)
    assert result.exit_code == (1 if option == "--check" else 0)
    assert "would encrypt" in result.stdout
    assert not (waddle / "new.yaml").exists()


def test_output_to_a_file_leaves_the_source(waddle, cli, git):
    result = cli("encrypt", SECRETS, "-o", "new.yaml")
    assert result.exit_code == 0
    assert git(waddle, "status", "--porcelain") == "?? new.yaml\n"
    assert cli("decrypt", "new.yaml").stdout_bytes == (waddle / SECRETS).read_bytes()


def test_output_to_a_folder_that_does_not_exist(waddle, cli):
    result = cli("encrypt", SECRETS, "-o", "no/such/new.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: no/such/new.yaml: cannot be written: its folder does not exist")


def test_standard_input_is_encrypted_by_the_rule_for_its_name(waddle, cli):
    content = (waddle / ENV_FILE).read_bytes()
    result = cli("encrypt", "-", "--filename", ENV_FILE, stdin=content)
    assert result.exit_code == 0
    assert b"sops_mac=ENC[" in result.stdout_bytes
    assert (
        cli("decrypt", "-", "--filename-override", ENV_FILE, stdin=result.stdout_bytes).stdout_bytes
        == content
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.bin", ""),
        ("a.env", ""),
        ("a.ini", ""),
        ("a.json", "{}\n"),
        ("a.yaml", "{}\n"),
        ("b.yaml", "x: []\n"),
    ],
)
def test_a_file_without_values_is_encrypted(folder, cli, name, text):
    folder.write(name, text)
    assert cli("explain", name).exit_code == 0
    assert cli("encrypt", name).exit_code == 0
    assert b"ENC[" in (folder.path / name).read_bytes()
    assert cli("decrypt", name).stdout_bytes == text.encode()
    assert cli("encrypt", "--check", name).exit_code == 0


def test_standard_input_needs_a_name_or_recipients(waddle, cli, identity):
    result = cli("encrypt", "-", stdin=b"a: b\n")
    assert result.exit_code == 2
    assert "add --filename NAME, or name recipients with --age" in result.stderr
    result = cli("encrypt", "-", "--age", identity.recipient, "--input-type", "yaml", stdin=b"a: b\n")
    assert result.exit_code == 0
    assert cli("decrypt", "-", "--input-type", "yaml", stdin=result.stdout_bytes).stdout == "a: b\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.yaml", "b.yaml", "--stdout"), "exactly one file"),
        (("--stdout",), "name a file"),
        (("--stdout", "apps"), "it is a folder"),
        (("--env", "staging", "--stdout"), "leave out --env"),
        (("-", "-i", "--filename", "a.yaml"), "leave out --env and -i"),
        (("--env", "staging", "apps"), "not both"),
        (("--filename", "x.yaml", "apps"), "--filename is for standard input"),
        (("",), "a path is empty"),
        (("--format", "json", "--stdout", SECRETS), "add -o FILE"),
        (("--encrypted-regex", "a", "--unencrypted-suffix", "b", SECRETS), "several selectors are set"),
        (("--encrypted-regex", "(", SECRETS), "not a valid regular expression"),
        (("--config", "no.yaml", SECRETS), "no.yaml: cannot be read: it does not exist"),
        (("--input-type", "toml", SECRETS), "'toml' is not one of"),
        (("--no-such-option",), "no such option"),
    ],
)
def test_wrong_usage(waddle, cli, git, arguments, said):
    result = cli("encrypt", *arguments, stdin=b"a: b\n")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "hint:" in result.stderr
    assert (result.stdout == "") is ("json" not in arguments)
    assert git(waddle, "status", "--porcelain") == ""


def test_malformed_recipient(waddle, cli, git):
    result = cli("encrypt", "--age", "age1nonsense", SECRETS)
    assert result.exit_code == 2
    assert "malformed age recipient age1nonsense" in result.stderr
    assert git(waddle, "status", "--porcelain") == ""


def test_a_private_key_as_recipient_is_not_shown(waddle, cli, identity):
    result = cli("encrypt", "--age", identity.secret, SECRETS)
    assert result.exit_code == 2
    assert identity.secret[:30] not in result.stderr


def test_age_replaces_the_recipients_of_the_rule(waddle, cli, act_as):
    bob = act_as("bob")
    result = cli("encrypt", "apps/cloudnative-pg/overlays/production/secrets.yaml", "--age", bob.recipient)
    assert result.exit_code == 0
    assert "bob" in result.stdout
    assert "alice" not in result.stdout
    assert cli("decrypt", "apps/cloudnative-pg/overlays/production/secrets.yaml").exit_code == 0


def test_several_recipients_in_one_option(waddle, cli, act_as):
    keys = ",".join((act_as("bob").recipient, act_as("cluster").recipient))
    assert "bob, cluster-staging" in cli("encrypt", SECRETS, "--age", keys).stdout


def test_selector_replaces_that_of_the_rule(waddle, cli):
    (waddle / "plain.env").write_text("A_SECRET=throwaway\nNAME=x\n")
    rules = (waddle / ".sops.yaml").read_text()
    (waddle / ".sops.yaml").write_text(rules.replace("^apps/[^/]+/overlays/staging/files/", "env$"))
    result = cli("encrypt", "plain.env", "--encrypted-suffix", "_SECRET")
    assert result.exit_code == 0, result.stderr
    text = (waddle / "plain.env").read_text()
    assert "NAME=x" in text
    assert "throwaway" not in text


def test_config_is_used_wherever_the_file_is(waddle, cli, identity, tmp_path):
    rules = tmp_path / "other.yaml"
    rules.write_text(f"creation_rules:\n  - age: {identity.recipient}\n")
    assert "   alice\n" in cli("encrypt", "--config", rules, SECRETS).stdout


def test_input_type_replaces_what_the_name_says(waddle, cli):
    (waddle / "apps/x/overlays/staging/files").mkdir(parents=True)
    path = waddle / "apps/x/overlays/staging/files/list.yaml"
    path.write_text("- throwaway\n")
    assert cli("encrypt", path).exit_code == 2
    assert cli("encrypt", "--input-type", "binary", path).exit_code == 0
    assert cli("decrypt", "--input-type", "binary", path).stdout == "- throwaway\n"


def test_folder_takes_the_secrets_in_it(waddle, cli, git):
    result = cli("encrypt", "apps/spicedb/overlays/staging")
    assert result.exit_code == 0
    assert "4 files: 4 encrypted" in result.stderr
    changed = git(waddle, "status", "--porcelain").splitlines()
    assert all("apps/spicedb/overlays/staging" in line for line in changed)


def test_folder_without_secrets_says_so(waddle, cli):
    result = cli("encrypt", "keys")
    assert (result.exit_code, result.stderr) == (0, "0 files: no file with a secret was found\n")


def test_whole_repository_from_a_folder_below(waddle, cli, monkeypatch):
    monkeypatch.chdir(waddle / "apps" / "spicedb")
    result = cli("encrypt")
    assert result.exit_code == 0
    assert "18 files: 18 encrypted" in result.stderr
    assert "overlays/staging/registry.json " in result.stdout
    assert "../../infrastructure-k8s/storage/proxmox-csi-secret.yaml " in result.stdout


def test_environment_takes_what_flux_reaches(waddle, cli, git):
    result = cli("encrypt", "--env", "staging")
    assert result.exit_code == 0
    changed = git(waddle, "status", "--porcelain")
    assert SECRETS in changed
    assert "production" not in changed
    assert "infrastructure-k8s/storage/proxmox-csi-secret.yaml" in changed


def test_environment_of_an_unknown_name(waddle, cli):
    result = cli("encrypt", "--env", "stagin")
    assert result.exit_code == 2
    assert "production, staging" in result.stderr
    assert "hint: did you mean staging?" in result.stderr


def test_outside_of_git(tmp_path, cli, identity, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n  - age: {identity.recipient}\n")
    (tmp_path / "s.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: eA==}\n")
    result = cli("encrypt")
    assert result.exit_code == 2
    assert "this is not a git repository" in result.stderr
    assert "name files or folders" in result.stderr
    assert cli("encrypt", ".").exit_code == 0
    assert cli("encrypt", "--check", "s.yaml").exit_code == 0


def test_from_inside_of_a_hook(waddle, cli, git, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(waddle / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    monkeypatch.setenv("GIT_PREFIX", "")
    result = cli("encrypt")
    assert result.exit_code == 0
    assert "18 files: 18 encrypted" in result.stderr


def test_in_a_worktree(encrypted_waddle, cli, git, tmp_path, monkeypatch):
    other = tmp_path / "other"
    git(encrypted_waddle, "worktree", "add", "--quiet", "-b", "other", str(other))
    monkeypatch.chdir(other)
    assert cli("decrypt", "-i", SECRETS).exit_code == 0
    assert cli("encrypt").exit_code == 0
    assert git(other, "status", "--porcelain") == ""


def test_paths_in_several_repositories(waddle, encrypted_waddle, cli, git, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / ".sops.yaml").write_text((waddle / ".sops.yaml").read_text())
    text = (waddle / "README.md").read_text()
    (other / "apps/a/overlays/staging/files").mkdir(parents=True)
    (other / "apps/a/overlays/staging/files/a.txt").write_text(text)
    assert cli("decrypt", "-i", SECRETS).exit_code == 0
    result = cli("encrypt", other / "apps/a/overlays/staging/files/a.txt", SECRETS)
    assert result.exit_code == 0, result.stderr
    assert git(waddle, "status", "--porcelain") == ""


class TestPlainTextInGit:
    """Encrypting a file does not take back what git has of it."""

    COMMITTED = (
        "committed in plain text: anyone who can read the repository knows these values, so change them; "
        "`fluxsecrets scan --history` lists them\n"
    )
    STAGED = (
        "staged in plain text: stage what is encrypted before you commit; "
        "`git gc --prune=now` then removes the plain text\n"
    )

    @pytest.mark.parametrize("words", [(), (".",), ("--env", "staging"), (SECRETS, REGISTRY)])
    def test_committed(self, waddle, cli, words):
        result = cli("encrypt", *words)
        count = result.stdout.count(" encrypted ")
        assert count >= 2
        assert result.stderr == f"{count} files: {count} encrypted\n{count} files were {self.COMMITTED}"
        assert "plain text" not in cli("encrypt", *words).stderr

    def test_changed_since_it_was_committed(self, waddle, cli):
        path = waddle / SECRETS
        path.write_text(path.read_text() + "# more\n")
        assert cli("encrypt", SECRETS).stderr.endswith(f"encrypted\n1 file was {self.COMMITTED}")

    def test_committed_encrypted_or_not_at_all(self, encrypted_waddle, cli):
        assert cli("decrypt", "-i", SECRETS).exit_code == 0
        new = "new.sops.yaml"
        (encrypted_waddle / new).write_bytes((encrypted_waddle / SECRETS).read_bytes())
        for words in ((SECRETS, new, "--age", self.recipient(encrypted_waddle)),):
            assert cli("encrypt", *words).stderr.splitlines()[-1] == "2 files: 2 encrypted"

    @pytest.mark.parametrize("committed", [True, False])
    def test_staged(self, encrypted_waddle, cli, git, committed):
        path = SECRETS if committed else "new.sops.yaml"
        assert cli("decrypt", "-i", SECRETS).exit_code == 0
        (encrypted_waddle / path).write_bytes((encrypted_waddle / SECRETS).read_bytes())
        git(encrypted_waddle, "add", path)
        result = cli("encrypt", path, "--age", self.recipient(encrypted_waddle))
        assert result.stderr.endswith(f"1 file: 1 encrypted\n1 file is {self.STAGED}")

    def test_staged_and_for_others_only(self, encrypted_waddle, cli, git, act_as):
        path = "new.sops.yaml"
        assert cli("decrypt", "-i", SECRETS).exit_code == 0
        (encrypted_waddle / path).write_bytes((encrypted_waddle / SECRETS).read_bytes())
        git(encrypted_waddle, "add", path)
        bob = act_as("bob").recipient
        act_as("cluster")
        result = cli("encrypt", path, "--age", bob)
        assert result.exit_code == 0
        assert result.stderr.endswith(
            "1 file is staged in plain text: it is the only copy that you can read, so keep the values "
            "elsewhere before you stage what is encrypted\n"
        )

    def test_encrypt_staged_has_replaced_what_was_staged(self, waddle, cli, git):
        (waddle / "clusters/staging/new.sops.yaml").write_bytes((waddle / SECRETS).read_bytes())
        with (waddle / SECRETS).open("a") as stream:
            stream.write("# more\n")
        git(waddle, "add", ".")
        result = cli("encrypt", "--staged")
        assert result.stderr.endswith(f"2 files: 2 encrypted\n1 file was {self.COMMITTED}"), result.stderr

    @pytest.mark.parametrize("words", [("--check",), ("--dry-run",), ("--quiet",), ("--stdout", SECRETS)])
    def test_said_only_where_a_file_is_encrypted(self, waddle, cli, words):
        assert "committed" not in cli("encrypt", *words).stderr

    @staticmethod
    def recipient(folder):
        return re.search(r"age1\w{58}", (folder / ".sops.yaml").read_text())[0]


class TestUnchangedValues:
    """What did not change since the last commit keeps its ciphertext."""

    def test_nothing_changed(self, encrypted_waddle, cli, git):
        assert cli("decrypt", "-i", SECRETS, ENV_FILE, REGISTRY).exit_code == 0
        assert cli("encrypt").exit_code == 0
        assert git(encrypted_waddle, "status", "--porcelain") == ""

    def test_what_was_found_at_head_is_not_asked_for_again(self, waddle, cli, monkeypatch):
        def asked(*_):
            raise AssertionError("git was asked again")

        monkeypatch.setattr("fluxsecrets.ops.files.encrypt.compare_with_head", asked)
        assert cli("encrypt").exit_code == 0
        assert all(b"sops" in (waddle / path).read_bytes() for path in (SECRETS, ENV_FILE, REGISTRY))

    def test_one_value_changed(self, encrypted_waddle, cli, git, monkeypatch):
        assert cli("decrypt", "-i", SECRETS).exit_code == 0
        path = encrypted_waddle / SECRETS
        text = path.read_text()
        assert text.count("access-key-id: ") == 1
        monkeypatch.setattr("fluxsecrets.ops.run.session.Session.now", lambda session: "2030-01-01T00:00:00Z")
        path.write_text(re.sub(r"(access-key-id: ).*", r"\1throwaway-new", text))
        assert cli("encrypt", SECRETS).exit_code == 0
        diff = git(encrypted_waddle, "diff", "--unified=0").splitlines()
        added = [line for line in diff if re.match(r"\+(?!\+\+)", line)]
        kinds = {re.sub(r":.*", "", line[1:].strip()) for line in added}
        assert kinds == {"access-key-id", "lastmodified", "mac"}
        assert len(added) == 1 + 2 * text.count("kind: Secret")

    def test_recipients_changed(self, encrypted_waddle, cli, git):
        rules = encrypted_waddle / ".sops.yaml"
        assert cli("decrypt", "-i", SECRETS).exit_code == 0
        rules.write_text(re.sub(r"(?m)^ +- \*bob\n", "", rules.read_text()))
        result = cli("encrypt", SECRETS)
        assert result.exit_code == 0
        assert "recipients or selector changed, so the file got a new data key" in result.stderr
        old = set(re.findall(r"ENC\[[^\]]*\]", git(encrypted_waddle, "show", f"HEAD:{SECRETS}")))
        assert not old & set(re.findall(r"ENC\[[^\]]*\]", (encrypted_waddle / SECRETS).read_text()))

    def test_no_identity(self, encrypted_waddle, cli, git, monkeypatch):
        assert cli("decrypt", "-i", SECRETS).exit_code == 0
        monkeypatch.delenv("SOPS_AGE_KEY_FILE")
        refused = cli("encrypt", SECRETS)
        assert refused.exit_code == 2
        assert "git has no copy of the plain text" in refused.stderr
        result = cli("encrypt", "--for-others", SECRETS)
        assert result.exit_code == 0
        assert "the version in git could not be opened, so all values got new ciphertexts" in result.stderr
        assert "none of your identities can decrypt the result" in result.stderr

    def test_damaged_at_head(self, encrypted_waddle, cli, git):
        path = encrypted_waddle / SECRETS
        path.write_text(path.read_text().replace("\n  name: ", "\n  name: other-"))
        git(encrypted_waddle, "commit", "--quiet", "--all", "--message", "damaged")
        git(encrypted_waddle, "checkout", "--quiet", "HEAD~1", "--", SECRETS)
        assert cli("decrypt", "-i", SECRETS).exit_code == 0
        assert "could not be opened" in cli("encrypt", SECRETS).stderr


def test_warning_where_the_result_is_for_others_only(waddle, cli, act_as):
    act_as("bob")
    result = cli("encrypt", "apps/cloudnative-pg/overlays/production/secrets.yaml")
    assert result.exit_code == 0
    assert "none of your identities can decrypt the result" in result.stderr
    result = cli("encrypt", "apps/spicedb/overlays/production/registry.json", "--stdout")
    assert result.exit_code == 0
    assert "none of your identities can decrypt the result" in result.stderr


def test_manifest_without_selector_gets_that_of_flux(waddle, cli, identity):
    (waddle / ".sops.yaml").write_text(f"creation_rules:\n  - age: {identity.recipient}\n")
    assert cli("encrypt", SECRETS).exit_code == 0
    text = (waddle / SECRETS).read_text()
    assert "encrypted_regex: ^(data|stringData)$" in text
    assert "kind: Secret" in text


def test_quiet_leaves_results_only(waddle, cli):
    result = cli("encrypt", "--quiet", "--env", "staging")
    assert result.stderr == ""
    assert SECRETS in result.stdout


def test_format_of_a_generator_is_used_for_a_named_file(waddle, cli):
    """Flux takes it for what its key says: as YAML its ciphertext would be applied as it is."""
    folder = waddle / "apps/new/overlays/staging"
    (folder / "files").mkdir(parents=True)
    (folder / "kustomization.yaml").write_text(
        "secretGenerator:\n- name: a\n  files: [token.txt=files/token.yaml]\n  envs: [files/settings.txt]\n"
    )
    (folder / "files/token.yaml").write_text("- throwaway\n")
    (folder / "files/settings.txt").write_text("A=throwaway\n")
    (folder / "files/other.yaml").write_text("a: throwaway\n")
    names = [
        f"apps/new/overlays/staging/files/{name}" for name in ("token.yaml", "settings.txt", "other.yaml")
    ]
    result = cli("encrypt", *names)
    assert result.exit_code == 0, result.stderr
    assert (folder / "files/token.yaml").read_text().startswith('{\n\t"data": "ENC[')
    assert (folder / "files/settings.txt").read_text().startswith("A=ENC[")
    assert (folder / "files/other.yaml").read_text().startswith("a: ENC[")
    assert cli("decrypt", names[0]).stdout == "- throwaway\n"
    assert cli("decrypt", names[1]).stdout == "A=throwaway\n"
    assert cli("status", *names).exit_code == 0
    content = cli("encrypt", "-", "--filename", names[1], stdin=b"B=throwaway\n")
    assert content.stdout.startswith("B=ENC[")


def test_generators_that_disagree(waddle, cli):
    folder = waddle / "apps/new/overlays/staging"
    (folder / "files").mkdir(parents=True)
    (folder / "kustomization.yaml").write_text(
        "secretGenerator:\n- name: a\n  files: [files/t.yaml]\n- name: b\n  files: [t=files/t.yaml]\n"
    )
    (folder / "files/t.yaml").write_text("a: throwaway\n")
    result = cli("encrypt", "apps/new/overlays/staging/files/t.yaml")
    assert result.exit_code == 2
    assert "generators read this file as yaml" in result.stderr
    assert (folder / "files/t.yaml").read_text() == "a: throwaway\n"


def test_json_report(waddle, cli):
    bad = "apps/cloudnative-pg/overlays/staging/bad.yaml"
    (waddle / bad).write_text("a: [")
    result = cli("encrypt", "--format", "json", SECRETS, bad)
    assert result.exit_code == 2
    report = json.loads(result.stdout)
    assert report["command"] == "encrypt"
    assert report["summary"] == {"encrypted": 1, "failed": 1}
    done, failed = report["files"]
    assert (done["path"], done["values"]) == (SECRETS, 7)
    assert done["recipients"] == ["alice", "bob", "cluster-staging"]
    assert failed["error"]["path"] == bad
    assert failed["error"]["line"] == 2


def test_counts_are_the_same_in_every_command(waddle, cli):
    """Values only: comments are encrypted too, and not counted."""
    commands = (("encrypt", "--dry-run"), ("encrypt",), ("status",), ("encrypt",), ("decrypt", "-i"))
    for name in (SECRETS, ENV_FILE, REGISTRY, "apps/observability/overlays/staging/grafana-admin.yaml"):
        counts = [
            json.loads(cli(*command, "--format", "json", name).stdout)["files"][0]["values"]
            for command in commands
        ]
        assert len(set(counts)) == 1, (name, counts)


def test_many_files_over_processes_give_the_same_result(waddle, cli, git):
    folder = waddle / "apps/many/overlays/staging"
    folder.mkdir(parents=True)
    text = (waddle / SECRETS).read_text()
    for number in range(60):
        (folder / f"{number:02}.yaml").write_text(text)
    result = cli("encrypt", "apps/many")
    assert result.exit_code == 0
    assert [line.split()[0].rpartition("/")[2] for line in result.stdout.splitlines()] == [
        f"{number:02}.yaml" for number in range(60)
    ]
    assert "60 files: 60 encrypted" in result.stderr
    assert len(list(folder.iterdir())) == 60


def test_processes_share_no_random_numbers(waddle, cli, monkeypatch):
    """They are copies of one another, and what is drawn twice would give keys away."""
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 3)
    folder = waddle / "apps/many/overlays/staging"
    folder.mkdir(parents=True)
    text = (waddle / SECRETS).read_text()
    for number in range(72):
        (folder / f"{number:03}.yaml").write_text(text)
    assert cli("encrypt", "--quiet", "apps/many").exit_code == 0
    nonces, shares = [], []
    for path in folder.iterdir():
        encrypted = path.read_text()
        nonces += re.findall(r",iv:([^,]+),", encrypted.partition("\nsops:")[0])
        (block, *_) = re.split(r"\n---\n", encrypted)
        for armour in re.findall(r"BEGIN AGE[^\n]*\n(.*?)-----END", block, re.DOTALL):
            shares += re.findall(rb"-> X25519 (\S+)", b64decode(armour))
    assert len(nonces) > 72
    assert len(set(nonces)) == len(nonces)
    assert len(shares) >= 3 * 72
    assert len(set(shares)) == len(shares)


def test_new_identity_can_be_used_at_once(waddle, cli, identity):
    from datetime import UTC, datetime

    other = generate_identity(datetime(2026, 1, 1, tzinfo=UTC))
    assert other.recipient != identity.recipient
    assert cli("encrypt", SECRETS, "--age", other.recipient).exit_code == 0
    assert cli("decrypt", SECRETS).exit_code == 2


@pytest.mark.parametrize(
    ("options", "plain", "hidden"),
    [
        (("--encrypted-comment-regex", "^ secret"), b"open", b"hidden"),
        (("--unencrypted-comment-regex", "^ public"), b"other", b"hidden"),
        (("--encrypted-suffix", "b"), b"open", b"hidden"),
    ],
)
def test_every_kind_of_selector_can_be_given(folder, cli, options, plain, hidden):
    folder.write("a.yaml", "a: open\n# secret\nb: hidden\n# public\nc: other\n")
    before = folder.read("a.yaml")
    assert cli("encrypt", *options, "a.yaml").exit_code == 0
    assert plain in folder.read("a.yaml")
    assert hidden not in folder.read("a.yaml")
    assert cli("decrypt", "a.yaml").stdout_bytes == before


def test_mac_only_encrypted_lets_plain_values_be_changed(folder, cli):
    folder.write("a.yaml", "a: open\nb: hidden\n")
    assert cli("encrypt", "--encrypted-regex", "^b$", "--mac-only-encrypted", "a.yaml").exit_code == 0
    folder.write("a.yaml", folder.read("a.yaml").replace(b"open", b"changed"))
    assert cli("decrypt", "a.yaml").stdout == "a: changed\nb: hidden\n"


@pytest.mark.parametrize(("settings", "message"), [("[other]", "which is not allowed"), ("[]", "not allowed"),
                                                   ("{}", "age_plugins is a map")])  # fmt: skip
def test_plugins_that_the_settings_do_not_allow_are_not_run(folder, cli, settings, message):
    plugin = bech32.encode("age1throwaway", b"throw-away")
    folder.write(".fluxsecrets.yaml", f"age_plugins: {settings}\n")
    folder.write("secret.yaml")
    result = cli("encrypt", "--age", plugin, "secret.yaml")
    assert result.exit_code == 2
    assert message in result.stderr


def test_options_for_an_encrypted_file_are_not_ignored_silently(encrypted, cli, act_as):
    before = encrypted.read("secret.yaml")
    same = cli("encrypt", "secret.yaml", "--age", encrypted.recipient)
    assert (same.exit_code, "warning" in same.stderr) == (0, False)
    bob = act_as("bob").recipient
    for more in (), ("--stdout",):
        other = cli("encrypt", "secret.yaml", "--age", bob, *more)
        assert other.exit_code == 0
        assert "warning: secret.yaml: already encrypted, and not for the recipients" in other.stderr
    selected = cli("encrypt", "secret.yaml", "--encrypted-regex", "^other$")
    assert "with another selector than was given" in selected.stderr
    assert encrypted.read("secret.yaml") == before
