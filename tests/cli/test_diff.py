"""`fluxsecrets diff`: what differs between commits, the index and the work tree, without the values."""

import json
import re

import pytest

DB = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
ENV = "apps/spicedb/overlays/staging/files/spicedb.env"
ADMIN = "apps/observability/overlays/production/grafana-admin.yaml"


@pytest.fixture
def changed(encrypted_waddle, cli):
    """The encrypted example, in which one value was changed since."""
    done = cli("set", DB, "stringData.password", "throwaway-new", "--document", "2")
    assert done.exit_code == 0
    return encrypted_waddle


def test_nothing_differs_in_a_clean_work_tree(encrypted_waddle, cli):
    result = cli("diff", "--exit-code")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no secret differs between HEAD" in result.stderr


def test_a_changed_value_is_shown_by_its_shape(changed, cli):
    result = cli("diff")
    assert re.fullmatch(
        rf"{DB}   changed\n"
        r"  MAC ok\n"
        r"  Secret/databases/postgres-app\n"
        r"    ~ stringData.password   str 33-64 [a-z2-7]{10} → str 9-16 [a-z2-7]{10}\n",
        result.stdout,
    )
    assert "1 file differs between HEAD" in result.stderr
    assert result.exit_code == 0
    assert cli("diff", "--exit-code").exit_code == 1


def test_values_are_shown_on_request_only(changed, cli):
    assert "throwaway" not in cli("diff").stdout
    assert "throwaway-new" in cli("diff", "--show-values").stdout
    (value,) = json.loads(cli("diff", "--show-values", "--format", "json").stdout)["files"][0]["values"]
    assert value["value_after"] == "throwaway-new"


def test_that_values_were_shown_is_in_the_log(changed, cli):
    (changed / ".fluxsecrets.yaml").write_text("log: {required: true}\n", encoding="utf-8")
    cli("diff")
    cli("diff", "--show-values")
    log = cli("log").stdout
    assert log.count("diff") == 1
    assert "throwaway" not in log


def test_without_a_key_a_new_ciphertext_is_said(changed, cli, monkeypatch):
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    result = cli("diff")
    assert "? stringData.password   str 33-64 → str 9-16, new ciphertext" in result.stdout
    assert "MAC not checked" in result.stdout


def test_staged_differs_from_the_work_tree(changed, cli, git):
    assert cli("diff", "--staged").stdout == ""
    git(changed, "add", DB)
    assert "stringData.password" in cli("diff", "--staged").stdout
    assert "stringData.password" in cli("diff", "--staged", "HEAD~1", "--", DB).stdout


def test_two_commits_and_ranges(changed, cli, git):
    git(changed, "commit", "--quiet", "--all", "--message", "changed")
    git(changed, "tag", "later")
    two = cli("diff", "HEAD~1", "HEAD").stdout
    assert "stringData.password" in two
    tokens = re.compile(r"[a-z2-7]{10}")
    for words in (["HEAD~1..HEAD"], ["HEAD~1..later"], ["HEAD~1.."], ["HEAD~1...HEAD"], ["HEAD~1"]):
        assert tokens.sub("", cli("diff", *words).stdout) == tokens.sub("", two)
    assert "str 9-16" in cli("diff", "later", "HEAD~1").stdout.partition("→")[0]


def test_three_dots_start_where_the_two_part(changed, cli, git):
    git(changed, "checkout", "--quiet", "-b", "branch")
    git(changed, "commit", "--quiet", "--all", "--message", "on the branch")
    git(changed, "checkout", "--quiet", "-")
    assert cli("set", ENV, "SPICEDB_DATASTORE_ENGINE", "throwaway").exit_code == 0
    git(changed, "commit", "--quiet", "--all", "--message", "on main")
    assert ENV in cli("diff", "HEAD..branch").stdout
    assert ENV not in cli("diff", "HEAD...branch").stdout


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ((DB,), [DB]),
        (("HEAD", "apps/cloudnative-pg"), [DB]),
        (("HEAD", "--", DB), [DB]),
        ((ENV,), []),
        (("apps/spicedb", DB), [DB]),
        (("keys",), []),
    ],
)
def test_paths_limit_it(changed, cli, words, files):
    found = json.loads(cli("diff", "--format", "json", *words).stdout)["files"]
    assert [each["path"] for each in found] == files


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nix",), "'nix' is neither a revision nor a file here"),
        (("HEAD", "HEAD", "HEAD"), "too many revisions"),
        (("HEAD", "--", "nix"), "'nix' is in neither of the two states"),
        (("--", "../.."), "is outside of the repository"),
        (("keys", "--", DB), "there is no commit 'keys' here"),
        (("--staged", "HEAD~1..HEAD"), "compares one revision with the index"),
        (("HEAD~1..HEAD", "HEAD"), "a range and a revision"),
    ],
)
def test_words_that_mean_nothing_are_errors(changed, cli, words, message):
    result = cli("diff", *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_word_that_is_a_revision_and_a_file_is_ambiguous(changed, cli, git):
    (changed / "later").write_text("", encoding="utf-8")
    git(changed, "tag", "later")
    assert "is a revision and a file" in cli("diff", "later").stderr
    assert cli("diff", "later", "--", ".").exit_code == 0


def test_a_new_untracked_secret_and_a_removed_one(encrypted_waddle, cli):
    (encrypted_waddle / "new.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: new}\nstringData: {a: throwaway}\n", encoding="utf-8"
    )
    (encrypted_waddle / ENV).unlink()
    found = json.loads(cli("diff", "--format", "json").stdout)["files"]
    assert {each["path"]: each["state"] for each in found} == {"new.yaml": "added", ENV: "removed"}
    (value,) = next(each for each in found if each["path"] == "new.yaml")["values"]
    assert value["after"]["encrypted"] is False


def test_a_renamed_file_is_one_file(encrypted_waddle, cli, git):
    git(encrypted_waddle, "mv", DB, "apps/db.yaml")
    (file,) = json.loads(cli("diff", "--format", "json").stdout)["files"]
    assert (file["old_path"], file["path"], file["state"]) == (DB, "apps/db.yaml", "renamed")
    assert cli("rotate", "apps/db.yaml").exit_code == 0
    (file,) = json.loads(cli("diff", "--format", "json").stdout)["files"]
    assert (file["old_path"], file["state"], file["new_data_key"]) == (DB, "changed", True)


def test_a_file_that_was_decrypted_under_another_name_is_found(encrypted_waddle, cli):
    plain = cli("decrypt", ENV).stdout
    (encrypted_waddle / ENV).unlink()
    (encrypted_waddle / "copy.txt").write_text(plain, encoding="utf-8")
    result = cli("diff", "--no-keys")
    assert f"{ENV} → copy.txt   decrypted" in result.stdout
    assert "throwaway" not in result.stdout


def test_recipients_that_came_and_went(encrypted_waddle, cli):
    assert cli("recipients", "remove", "bob", "--env", "staging").exit_code == 0
    result = cli("diff", DB)
    assert "recipients: -bob" in result.stdout
    assert "new data key" in result.stdout


def test_a_conflict_is_said_and_exits_with_2(encrypted_waddle, cli):
    path = encrypted_waddle / DB
    path.write_bytes(b"<<<<<<< HEAD\n" + path.read_bytes())
    result = cli("diff")
    assert result.exit_code == 2
    assert f"{DB}   unreadable" in result.stdout
    assert "(the work tree)" in result.stderr
    assert "MAC" not in result.stdout


def test_what_the_terminal_would_act_on_is_escaped(encrypted_waddle, cli):
    (encrypted_waddle / "new.yaml").write_text(
        'apiVersion: v1\nkind: Secret\nmetadata: {name: "a\\e[2J"}\nstringData: {"k\\e]0;x\\a": throwaway}\n',
        encoding="utf-8",
    )
    for arguments in ([], ["--show-values"], ["--format", "markdown"], ["--format", "json"]):
        assert "\x1b" not in cli("diff", *arguments).stdout


def test_markdown_has_a_table_per_file(changed, cli):
    lines = cli("diff", "--format", "markdown").stdout.splitlines()
    assert lines[0] == "### fluxsecrets diff"
    assert f"#### `{DB}`: changed" in lines
    row = next(line for line in lines if line.startswith("| changed"))
    assert row.startswith("| changed | `Secret/databases/postgres-app stringData.password` | `str 33-64 ")


def test_outside_of_a_repository_it_says_so(environment, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("diff")
    assert result.exit_code == 2
    assert "not a git repository" in result.stderr


def test_before_the_first_commit_everything_is_new(environment, identity, cli, git, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.sops.env").write_text("A=throwaway\n", encoding="utf-8")
    result = cli("diff")
    assert "a.sops.env   added" in result.stdout
    assert "between no commit and the work tree" in result.stderr
