"""`scan`: where files come from, what comes out, and what one lives with; never the secret itself."""

import json
import os
import shutil
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from .conftest import MARKER

CLEAN = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  level: info\n"
OTHER = "hunter3-throwaway"
BROKEN = "apiVersion: v1\nkind: Secret\nmetadata: [\n"


@pytest.fixture
def repository(folder, git):
    """The folder as a repository with one harmless commit."""
    git(folder.path, "init", "--quiet", "--initial-branch", "main")
    folder.git = lambda *args: git(folder.path, *args)

    def commit(**files):
        for name, content in files.items():
            folder.write(name.replace("_", "."), content)
        folder.git("add", "--all")
        folder.git("commit", "--quiet", "--allow-empty", "--message", "more")
        return folder.git("rev-parse", "HEAD").strip()

    folder.commit = commit
    folder.write("settings.yaml", CLEAN)
    commit()
    return folder


@pytest.fixture
def scan(cli):
    """Runs a scan and sees to it that the secret is in none of what it prints."""

    def scan(*args, stdin=b""):
        result = cli("scan", *args, stdin=stdin)
        for text in (result.stdout, result.stderr):
            assert MARKER not in text
            assert OTHER not in text
        return result

    return scan


def rules(result):
    """What a JSON report lists, as `path:line rule`."""
    found = json.loads(result.stdout)["findings"]
    return [f"{each['path']}:{each['line']} {each['rule']}" for each in found]


# --- where files come from --------------------------------------------------------------------------------


def test_the_whole_repository_without_what_git_ignores(repository, scan):
    repository.write("apps/secret.yaml")
    repository.write(".gitignore", "ignored/\n")
    repository.write("ignored/secret.yaml")
    result = scan()
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "apps/secret.yaml",
        "  6:13   high   plain-secret   Secret db: stringData.password is in plain text",
        "  encrypt it: `fluxsecrets encrypt apps/secret.yaml`",
    ]
    assert result.stderr == "1 secret in plain text in 1 file; 4 files scanned\n"
    assert scan("ignored").exit_code == 1  # unless it is named


def test_nothing_found(repository, scan):
    result = scan()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "no secret in plain text; 2 files scanned\n"
    assert scan("--quiet").stderr == ""


def test_paths_are_relative_to_the_working_directory(repository, scan, monkeypatch, tmp_path):
    repository.write("apps/secret.yaml")
    repository.write("other.yaml")
    outside = tmp_path / "outside.yaml"
    outside.write_text(repository.secret, encoding="utf-8")
    (repository.path / "infra").mkdir()
    monkeypatch.chdir(repository.path / "infra")
    result = scan("../apps", str(outside))
    assert "../apps/secret.yaml\n" in result.stdout
    assert "outside.yaml\n" in result.stdout
    assert "other.yaml" not in result.stdout
    assert "`fluxsecrets encrypt ../apps/secret.yaml`" in result.stdout
    assert scan("../settings.yaml").exit_code == 0


def test_the_whole_repository_by_its_name(repository, scan, monkeypatch):
    repository.write("apps/secret.yaml")
    for name in (".", "./", str(repository.path), "apps/.."):
        assert scan(name).exit_code == 1
    monkeypatch.chdir(repository.path / "apps")
    for name in ("..", "."):
        assert scan(name).exit_code == 1


def test_a_folder_without_git(folder, scan):
    folder.write("a/secret.yaml")
    assert scan().exit_code == 1
    assert scan("--staged").exit_code == 2
    assert "not a git repository" in scan("--history").stderr


def test_a_path_that_is_not_there(repository, scan):
    result = scan("nowhere.yaml")
    assert result.exit_code == 2
    assert "nowhere.yaml: there is no such file" in result.stderr


def test_standard_input(repository, scan):
    plain = repository.secret.encode()
    assert "standard input\n" in scan("-", stdin=plain).stdout or scan("-", stdin=plain).exit_code == 0
    result = scan("-", "--filename", "apps/db.yaml", stdin=plain)
    assert result.exit_code == 1
    assert result.stdout.startswith("apps/db.yaml\n  6:13")
    assert scan("-", "settings.yaml").exit_code == 2


def test_one_environment(waddle, scan):
    result = scan("--env", "staging", "--format", "json")
    paths = {each.partition(":")[0] for each in rules(result)}
    assert any("staging" in path for path in paths)
    assert not any("production" in path for path in paths)
    assert scan("--env", "staging", "apps").exit_code == 2
    assert "there is no environment" in scan("--env", "nowhere").stderr


def test_what_is_staged_and_not_what_lies_around(repository, scan):
    repository.write("secret.yaml")
    assert scan("--staged").exit_code == 0
    repository.git("add", "secret.yaml")
    repository.write("secret.yaml", CLEAN)
    assert scan("--staged").exit_code == 1
    assert scan("--staged", "settings.yaml").exit_code == 0
    assert scan().exit_code == 0


def test_every_value_at_one_place_is_listed(repository, scan):
    for number in range(3):
        repository.commit(secret_yaml=repository.secret.replace(MARKER, f"hunter-number-{number}"))
    result = scan("--history", "--format", "json")
    assert rules(result) == ["secret.yaml:6 plain-secret"] * 3


def test_a_range_of_commits_in_which_a_secret_came_and_went(repository, scan):
    start = repository.commit()
    bad = repository.commit(secret_yaml=repository.secret)
    (repository.path / "secret.yaml").unlink()
    end = repository.commit()
    result = scan("--range", f"{start}..{end}")
    assert result.exit_code == 1
    assert result.stdout.startswith("1 secret only in earlier commits\n\nsecret.yaml\n  6:13")
    assert f"from {bad[:10]} (" in result.stdout
    assert f"removed in {end[:10]} (" in result.stdout
    assert scan("--range", start).exit_code == 1  # up to HEAD
    assert scan("--range", f"{bad}..{end}").exit_code == 0
    assert scan("--range", f"{start}..{end}", "settings.yaml").exit_code == 0
    assert scan("--history").exit_code == 1
    assert scan().exit_code == 0
    for wrong in ("--all", "", "a b", "nowhere..HEAD"):
        assert scan("--range", wrong).exit_code == 2


def test_one_secret_in_many_commits_is_one_finding(repository, scan):
    repository.commit(secret_yaml=repository.secret)
    repository.commit(secret_yaml=repository.secret + "  # and a comment\n")
    result = scan("--history", "--format", "json")
    assert rules(result) == ["secret.yaml:6 plain-secret"]


def test_a_merge_counts_with_what_it_made_itself(repository, scan):
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit(a_yaml=CLEAN)
    repository.git("checkout", "--quiet", "main")
    start = repository.commit(b_yaml=CLEAN)
    repository.git("merge", "--quiet", "--no-commit", "side")
    repository.commit(secret_yaml=repository.secret)
    assert rules(scan("--range", f"{start}..HEAD", "--format", "json")) == ["secret.yaml:6 plain-secret"]


def test_what_no_remote_has(repository, scan):
    repository.commit(secret_yaml=repository.secret)
    assert scan("--unpushed").exit_code == 1
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert scan("--unpushed").exit_code == 0


def test_sources_do_not_go_together(repository, scan):
    for options in (("--staged", "--history"), ("--unpushed", "--range", "a..b"), ("--env", "a", "--staged")):
        assert scan(*options).exit_code == 2


def test_many_files_in_several_processes(repository, scan):
    for number in range(230):
        repository.write(f"apps/{number:03}/settings.yaml", CLEAN)
    repository.write("apps/007/secret.yaml")
    repository.write("apps/229/secret.yaml")
    repository.write("apps/100/kustomization.yaml", "secretGenerator:\n  - {name: a, files: [../x.txt]}\n")
    repository.write("apps/x.txt", f"{MARKER}\n")
    result = scan("--format", "json")
    assert rules(result) == [
        "apps/007/secret.yaml:6 plain-secret",
        "apps/229/secret.yaml:6 plain-secret",
        "apps/x.txt:1 plain-secret-file",
    ]
    assert json.loads(result.stdout)["summary"]["files"] == 236


def test_a_file_that_is_plain_now_and_encrypted_at_head(encrypted, git, scan):
    git(encrypted.path, "init", "--quiet")
    encrypted.write("note.txt", f"{MARKER}\n")
    git(encrypted.path, "add", "secret.yaml")
    git(encrypted.path, "commit", "--quiet", "--message", "encrypted")
    encrypted.write("secret.yaml", "greeting: hello\n")
    assert rules(scan("--format", "json")) == ["secret.yaml:1 plain-secret-file"]


def test_what_the_settings_list_is_a_secret(repository, scan):
    repository.write(".fluxsecrets.yaml", "secrets: ['legacy/**/*.txt']\n")
    repository.write("legacy/a/b.txt", "anything\n")
    repository.write("values.enc.yaml", "a: b\n")
    assert rules(scan("--format", "json")) == [
        "legacy/a/b.txt:1 plain-secret-file",
        "values.enc.yaml:1 plain-secret-file",
    ]


# --- what cannot be read ----------------------------------------------------------------------------------


def test_what_cannot_be_judged_is_no_pass(repository, scan):
    repository.write("broken.yaml", BROKEN)
    repository.write("secret.yaml")
    result = scan()
    assert result.exit_code == 2
    assert "secret.yaml\n  6:13" in result.stdout  # the others are judged all the same
    assert "error: broken.yaml:4: may hold a Secret, and cannot be read" in result.stderr


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a file that may not be read"
)
def test_a_file_that_may_not_be_read(repository, scan):
    repository.write("secret.yaml").chmod(0)
    result = scan()
    assert result.exit_code == 2
    assert "secret.yaml: cannot be read, so its content is unknown" in result.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name")
def test_links_and_pipes_are_no_files(repository, scan, tmp_path):
    outside = tmp_path / "outside.yaml"
    outside.write_text(repository.secret, encoding="utf-8")
    (repository.path / "link.yaml").symlink_to(outside)
    (repository.path / "gone.yaml").symlink_to("nowhere")
    os.mkfifo(repository.path / "pipe.yaml")
    assert scan().exit_code == 0
    assert scan("pipe.yaml", "link.yaml").exit_code == 2  # named, and not looked at


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
@pytest.mark.parametrize("options", [("--staged",), ("--history",)])
def test_an_object_that_is_gone_or_damaged(repository, scan, damage, options):
    repository.write("secret.yaml")
    repository.git("add", "secret.yaml")
    blob = repository.git("rev-parse", ":secret.yaml").strip()
    if options == ("--history",):
        repository.git("commit", "--quiet", "--message", "a secret")
    path = repository.path / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.unlink()
    if damage == "corrupt":
        path.write_bytes(b"no object at all")
    result = scan(*options)
    assert result.exit_code == 2
    assert "git" in result.stderr


def test_a_clone_that_is_cut_off_is_said(repository, scan, git, tmp_path, monkeypatch):
    repository.commit(secret_yaml=repository.secret)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository.path}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    result = scan("--range", "HEAD~1..HEAD")
    assert result.exit_code == 2
    assert "error:" in result.stderr


def test_large_files_come_in_pieces(repository, scan, monkeypatch):
    for source in ("worktree", "staged", "history"):
        monkeypatch.setattr(f"fluxsecrets.ops.checks.scan{source}.BLOB_LIMIT", 1000)
    monkeypatch.setattr("fluxsecrets.scan.sources.PIECE", 4000)
    monkeypatch.setattr("fluxsecrets.scan.sources.OVERLAP", 400)
    filler = "\n".join(f"line {number} of a file with nothing in it" for number in range(300))
    content = f"{filler}\npostgres://app:{MARKER}@db.apps.svc/app\n{filler}\n"
    repository.write("dump.sql", content)
    assert rules(scan("--format", "json")) == ["dump.sql:301 connection-string"]
    repository.git("add", "dump.sql")
    assert rules(scan("--staged", "--format", "json")) == ["dump.sql:301 connection-string"]
    repository.git("commit", "--quiet", "--message", "large")
    assert rules(scan("--history", "--format", "json")) == ["dump.sql:301 connection-string"]
    repository.write("large.yaml", f"{repository.secret}  more: |\n{filler}\n")
    result = scan()
    assert result.exit_code == 2
    assert "large.yaml: may hold a Secret, and is too large" in result.stderr


@pytest.mark.parametrize(
    "content",
    [
        CLEAN.encode().replace(b"info", b"\xff\xfe\x80"),
        b"\0\1\2" * 500,
        b"",
        b"\n",
        b"\xef\xbb\xbf",
        b"x" * 300_000,
        b"[" * 20_000,
        b"&a " * 3000,
        b"%" * 10_000,
        b"password: " * 4000,
        "\u2028\x85\u2029".encode() * 900,
    ],
)
def test_odd_content_is_no_crash(repository, scan, content):
    for name in ("odd.yaml", "odd.env", "odd.py", "odd"):
        repository.write(name, content)
    result = scan()
    assert "unexpected" not in result.stderr


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_other_encodings(repository, scan, encoding):
    repository.write("secret.yaml", repository.secret.encode(encoding))
    assert rules(scan("--format", "json")) == ["secret.yaml:6 plain-secret"]


def test_names_that_could_be_markup(repository, scan):
    name = "a\x1b[31mb\nc.yaml" if os.name != "nt" else "a b.yaml"
    repository.write(name, repository.secret.replace("password", '"pass\\u001bword"'))
    for options in ((), ("--format", "json"), ("--format", "sarif")):
        result = scan(*options)
        assert result.exit_code == 1
        assert "\x1b" not in result.stdout + result.stderr


def test_submodules_are_left_alone(repository, scan, git, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / "secret.yaml").write_text(repository.secret, encoding="utf-8")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message", "x")
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    assert scan("--staged").exit_code == 0
    assert scan().exit_code == 0


# --- living with it ---------------------------------------------------------------------------------------


def test_a_baseline_lets_a_repository_begin_today(repository, scan):
    repository.write("secret.yaml")
    repository.write("other.yaml")
    result = scan("--update-baseline")
    assert result.exit_code == 0
    assert ".fluxsecrets-baseline.json: 2 findings written" in result.stderr
    assert not repository.leaks(repository.read(".fluxsecrets-baseline.json"))
    result = scan()
    assert result.exit_code == 0
    assert "(2 more known to the baseline)" in result.stderr
    # Lines move, the value changes: it is the same finding. Another key is a new one.
    moved = "# moved\n" + repository.secret.replace(MARKER, OTHER)
    repository.write("secret.yaml", moved)
    assert scan().exit_code == 0
    repository.write("secret.yaml", moved + f"  more: {OTHER}\n")
    assert rules(scan("--format", "json")) == ["secret.yaml:8 plain-secret"]
    assert scan("--no-baseline").exit_code == 1
    # What is gone is said, and taken off.
    (repository.path / "other.yaml").unlink()
    repository.write("secret.yaml", moved)
    assert "1 of the baseline gone" in scan().stderr
    assert "gone" not in scan("settings.yaml").stderr
    scan("--update-baseline")
    assert len(json.loads(repository.read(".fluxsecrets-baseline.json"))["findings"]) == 1


def test_a_baseline_elsewhere_and_hooks_know_it(repository, scan, cli):
    repository.write("secret.yaml")
    assert scan("--baseline", "known.json").exit_code == 2  # it is not there
    assert scan("--baseline", "known.json", "--update-baseline").exit_code == 0
    assert scan("--baseline", "known.json").exit_code == 0
    assert scan().exit_code == 1
    scan("--update-baseline")
    repository.git("add", "--all")
    assert cli("hook", "run", "pre-commit").exit_code == 0
    assert scan("--staged").exit_code == 0


def test_a_baseline_is_not_written_when_something_was_not_read(repository, scan):
    repository.write("broken.yaml", BROKEN)
    assert scan("--update-baseline").exit_code == 2
    assert not (repository.path / ".fluxsecrets-baseline.json").exists()


def test_a_part_of_the_baseline_is_updated(repository, scan):
    repository.write("a/secret.yaml")
    repository.write("b/secret.yaml")
    scan("--update-baseline")
    (repository.path / "a" / "secret.yaml").unlink()
    repository.write("a/other.yaml")
    scan("a", "--update-baseline")
    entries = json.loads(repository.read(".fluxsecrets-baseline.json"))["findings"]
    assert [entry["path"] for entry in entries] == ["a/other.yaml", "a/secret.yaml", "b/secret.yaml"]


def allowance(rule, reason=" — made up"):
    return f"fluxsecrets:{'allow'} {rule}{reason}"  # not in one piece: this file is scanned, too


def allowed(text, reason=" — made up"):
    """A Secret with a comment above its password."""
    return text.replace("  password", f"  # {allowance('plain-secret', reason)}\n  password")


def test_a_comment_allows_with_a_reason(repository, scan):
    text = repository.secret
    repository.write("secret.yaml", allowed(text))
    result = scan()
    assert result.exit_code == 0
    assert "(1 allowed)" in result.stderr
    repository.write("secret.yaml", allowed(text, ""))
    result = scan()
    assert result.exit_code == 1
    assert "gives no reason" in result.stderr
    repository.write("secret.yaml", text + f"  # {allowance('env-file')}\n")
    result = scan()
    assert result.exit_code == 1
    assert "secret.yaml:7: nothing is left for this allowance of env-file" in result.stderr


def test_what_cannot_be_judged_is_allowed_by_name_only(repository, scan):
    repository.write("tests/broken.yaml", BROKEN)
    repository.write("other.yaml", BROKEN)
    entry = "{rule: unreadable-manifest, path: 'tests/**', reason: made to be broken}"
    repository.write(".fluxsecrets.yaml", f"allow:\n  - {entry}\n")
    result = scan()
    assert result.exit_code == 2
    assert "tests/broken.yaml" not in result.stderr
    assert "other.yaml:4: may hold a Secret" in result.stderr
    (repository.path / "other.yaml").unlink()
    assert scan().exit_code == 0


PLAIN = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  pin: kX9vQ2mNp4Lz-throwaway\n"


def archive(files):
    target = BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return target.getvalue()


def test_archives_are_looked_into(repository, scan):
    (repository.path / "backup.zip").write_bytes(archive({"etc/secret.yaml": PLAIN}))
    result = scan()
    assert result.exit_code == 1
    assert "backup.zip!etc/secret.yaml\n" in result.stdout
    assert "take the archive out of the repository, and change the value" in result.stdout
    repository.write(
        ".fluxsecrets.yaml", "allow:\n  - {rule: plain-secret, path: '*.zip', reason: made up}\n"
    )
    assert scan().exit_code == 0


def test_an_archive_that_cannot_be_read_is_an_error_until_it_is_allowed(repository, scan):
    (repository.path / "backup.zip").write_bytes(archive({"etc/secret.yaml": PLAIN})[:-9])
    result = scan()
    assert result.exit_code == 2
    assert "backup.zip: is damaged" in result.stderr
    entry = "{rule: unreadable-archive, path: backup.zip, reason: made to be broken}"
    repository.write(".fluxsecrets.yaml", f"allow:\n  - {entry}\n")
    assert scan().exit_code == 0


def test_the_settings_allow_until_a_day(repository, scan):
    repository.write("docs/secret.yaml")
    entry = "{rule: plain-secret, path: 'docs/**', reason: made up"
    repository.write(".fluxsecrets.yaml", f"allow:\n  - {entry}}}\n")
    assert scan().exit_code == 0
    repository.write(".fluxsecrets.yaml", f"allow:\n  - {entry}, expires: 2020-01-31}}\n")
    result = scan()
    assert result.exit_code == 1
    assert ".fluxsecrets.yaml:2: this allowance of plain-secret expired on 2020-01-31" in result.stderr
    repository.write(".fluxsecrets.yaml", "allow:\n  - {rule: env-file, path: '**', reason: made up}\n")
    assert ".fluxsecrets.yaml:2: nothing is left" in scan().stderr
    assert "nothing is left" not in scan("settings.yaml").stderr


# --- reports ----------------------------------------------------------------------------------------------


def test_json(repository, scan):
    repository.write("secret.yaml")
    repository.write("broken.yaml", BROKEN)
    data = json.loads(scan("--format", "json").stdout)
    assert (data["version"], data["command"]) == (2, "scan")
    (finding,) = data["findings"]
    assert finding["excerpt"] == "stringData.password: ********"
    assert finding["hint"] == "encrypt it: `fluxsecrets encrypt secret.yaml`"
    assert len(finding["fingerprint"]) == 32
    (error,) = data["errors"]
    assert (error["path"], error["line"]) == ("broken.yaml", 4)
    assert data["summary"]["high"] == 1


def test_sarif(repository, scan):
    repository.write("secret.yaml")
    repository.write("a ä.yaml", repository.secret)
    repository.write("known.yaml")
    scan("known.yaml", "--update-baseline")
    repository.write("allowed.yaml", allowed(repository.secret))
    repository.write("broken.yaml", BROKEN)
    result = scan("--format", "sarif")
    assert result.exit_code == 2
    log = json.loads(result.stdout)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    described = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert described == ["plain-secret"]
    by_uri = {
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: each for each in run["results"]
    }
    assert set(by_uri) == {"secret.yaml", "a%20%C3%A4.yaml", "known.yaml", "allowed.yaml"}
    found = by_uri["secret.yaml"]
    assert found["ruleIndex"] == 0
    assert found["level"] == "error"
    assert found["locations"][0]["physicalLocation"]["region"] == {"startLine": 6, "startColumn": 13}
    assert len(found["partialFingerprints"]["fluxsecrets/v1"]) == 32
    assert found["suppressions"] == []
    assert by_uri["known.yaml"]["suppressions"][0]["kind"] == "external"
    assert by_uri["allowed.yaml"]["suppressions"][0] == {
        "kind": "inSource",
        "status": "accepted",
        "justification": "made up",
    }
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "may hold a Secret" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert str(repository.path) not in result.stdout


def test_every_finding_says_what_to_do(repository, scan):
    repository.write("app/.env", f"DB_PASSWORD={MARKER}\n")
    repository.write("app/values.yaml", f"db:\n  password: {MARKER}\n")
    repository.write("README.md", f"psql postgres://app:{MARKER}@db.apps.svc/app\n")
    for finding in json.loads(scan("--format", "json").stdout)["findings"]:
        assert finding["hint"]
        assert finding["excerpt"].endswith("********")


def test_rules_are_listed_and_explained(cli):
    listed = cli("rules", "list").stdout
    for rule in ("plain-secret", "sops-plain-value", "github-token", "age-secret-key"):
        assert f"\n{rule} " in f"\n{listed}"
        shown = cli("rules", "show", rule).stdout
        assert shown.startswith(f"{rule}: ")
        assert "What to do:" in shown
    result = cli("rules", "show", "plain-secrets")
    assert result.exit_code == 2
    assert "did you mean plain-secret?" in result.stderr
    known = json.loads(cli("rules", "list", "--format", "json").stdout)["rules"]
    assert len(known) > 100


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on PATH")
def test_a_damaged_repository_is_no_pass(repository, scan):
    (repository.path / ".git" / "HEAD").write_text("ref: refs/heads/\0\n", encoding="utf-8")
    result = scan()
    assert result.exit_code == 2 or "2 files" in result.stderr
