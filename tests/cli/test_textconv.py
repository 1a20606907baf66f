"""`fluxsecrets textconv` behind real git: diff, log, show, blame, grep."""

import re
import subprocess
import sys

import pytest

DB = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
ENV = "apps/spicedb/overlays/staging/files/spicedb.env"


@pytest.fixture
def shown(encrypted_waddle, cli, git):
    """The encrypted example in which git shows secrets with this fluxsecrets; a value was changed since."""
    for path in ("secrets.yaml", "*.env", "README.md"):
        with (encrypted_waddle / ".gitattributes").open("a", encoding="utf-8") as stream:
            stream.write(f"{path} diff=fluxsecrets\n")
    git(encrypted_waddle, "config", "diff.fluxsecrets.textconv", f"'{cli.executable}' textconv")
    assert cli("set", DB, "stringData.password", "throwaway-new", "--document", "2").exit_code == 0
    return encrypted_waddle


def changed_lines(text):
    return [line for line in text.splitlines() if re.match(r"[-+](?![-+])", line)]


def test_git_diff_shows_the_value_that_changed(shown, git):
    lines = changed_lines(git(shown, "diff", "--", DB))
    assert len(lines) == 2
    assert re.fullmatch(r"-  password: '<str 33-64 [a-z2-7]{13}>'", lines[0])
    assert re.fullmatch(r"\+  password: '?<str 9-16 [a-z2-7]{13}>'?", lines[1])


def test_the_history_is_masked_from_before_it_was_encrypted(shown, git):
    git(shown, "commit", "--quiet", "--all", "--message", "changed")
    for command in (
        ("log", "-p", "--", DB, ENV),
        ("show", "HEAD", "--", DB),
        ("log", "-p", "--word-diff", "--", DB),
        ("show", "--textconv", f"HEAD~2:{DB}"),
        ("cat-file", "--textconv", f"HEAD~2:{DB}"),
        ("blame", DB),
        ("blame", "HEAD~2", "--", DB),
        ("grep", "--textconv", "plain text", "HEAD~2", "--", DB),
        ("diff", "HEAD~2", "--stat", "-p", "--", DB, ENV),
    ):
        out = git(shown, *command)
        assert "<" in out
        assert "throwaway" not in out, command
        assert "ENC[" not in out, command


def test_add_patch_gets_the_file_itself(shown):
    """git applies no textconv there: what is staged would be masked."""
    done = subprocess.run(
        ["git", "add", "-p"], cwd=shown, input=b"y\n" * 20, capture_output=True, timeout=60, check=True
    )
    assert b"ENC[" in done.stdout
    staged = subprocess.run(["git", "show", f":{DB}"], cwd=shown, capture_output=True, check=True).stdout
    assert staged == (shown / DB).read_bytes()


def test_other_files_are_shown_as_they_are(shown, cli):
    deployment = shown / "deployment.yaml"
    deployment.write_bytes(b"apiVersion: apps/v1\r\nkind: Deployment\r\n")
    assert cli.process("textconv", "deployment.yaml").stdout_bytes == deployment.read_bytes()


def test_values_are_shown_if_the_user_configured_it(shown, cli, git, monkeypatch):
    git(shown, "config", "fluxsecrets.textconv", "values")
    assert "+  password: 'throwaway-new'" in git(shown, "diff", "--", DB)
    git(shown, "config", "fluxsecrets.textconv", "masked")
    assert "throwaway" not in git(shown, "diff", "--", DB)
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    git(shown, "config", "fluxsecrets.textconv", "values")
    out = git(shown, "diff", "--", DB)
    assert "throwaway" not in out
    assert "values are not shown: none of your identities can decrypt it" in cli("textconv", DB).stdout


@pytest.mark.parametrize("value", ["true", "on", "1", ""])
def test_values_are_never_put_into_gits_cache(shown, cli, git, value):
    git(shown, "config", "fluxsecrets.textconv", "values")
    git(shown, "config", "diff.fluxsecrets.cachetextconv", value)
    result = cli("textconv", DB)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "git would keep the values in its object database" in result.stderr
    with pytest.raises(AssertionError, match="failed"):
        git(shown, "diff", "--", DB)
    assert git(shown, "for-each-ref", "refs/notes") == ""


def test_gits_cache_holds_masked_text_only(shown, git):
    git(shown, "config", "diff.fluxsecrets.cachetextconv", "true")
    first = git(shown, "log", "-p", "--", DB)
    assert git(shown, "log", "-p", "--", DB) == first
    listing = git(shown, "ls-tree", "-r", "refs/notes/textconv/fluxsecrets")
    for line in listing.splitlines():
        text = git(shown, "cat-file", "blob", line.split()[2])
        assert "throwaway" not in text
        assert "[sops]" in text or "plain text" in text


def test_the_setting_may_be_on_gits_command_line(shown, git):
    assert "throwaway" in git(shown, "-c", "fluxsecrets.textconv=values", "diff", "--", DB)
    assert "throwaway" not in git(shown, "-c", "fluxsecrets.textconv=masked", "diff", "--", DB)


def test_an_unknown_setting_is_refused(shown, cli, git):
    git(shown, "config", "fluxsecrets.textconv", "value")
    assert cli("textconv", DB).exit_code == 0  # the setting is looked at only where it could be `values`
    git(shown, "config", "fluxsecrets.textconv", "valuesx")
    assert "fluxsecrets.textconv is 'valuesx'" in cli("textconv", DB).stderr


def test_that_values_were_shown_is_in_the_log(shown, cli, git):
    (shown / ".fluxsecrets.yaml").write_text("log: {required: true}\n", encoding="utf-8")
    cli("textconv", DB)
    git(shown, "config", "fluxsecrets.textconv", "values")
    cli("textconv", DB)
    assert cli("log").stdout.count("textconv") == 1


def test_what_the_terminal_would_act_on_is_escaped(shown, cli):
    (shown / "a.yaml").write_bytes(
        b"apiVersion: v1\nkind: Secret\nmetadata: {}\n# \x7f \xc2\x9b\xe2\x80\xae\nstringData:\n  a: b\n"
    )
    for run in (cli, cli.process):
        out = run("textconv", "a.yaml").stdout_bytes
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae", out)


@pytest.mark.parametrize(
    "content",
    [
        b"<<<<<<< HEAD\na: throwaway\n",
        b"apiVersion: v1\nkind: Secret\nstringData: " + b"{a: " * 3000 + b"throwaway",
        b"sops: {mac: ENC[\na: throwaway",
        b"\xff\xfe\x00throwaway",
        b"apiVersion: v1\nkind: Secret\nstringData:\n  a: throwaway " + b"x" * (17 * 2**20),
    ],
    ids=["conflict", "deep", "damaged", "utf-16", "large"],
)
def test_what_cannot_be_read_is_not_shown_and_is_no_error(shown, cli, content):
    (shown / "a.yaml").write_bytes(content)
    result = cli("textconv", "a.yaml")
    assert result.exit_code == 0
    assert "throwaway" not in result.stdout
    assert "<" in result.stdout


def test_a_file_in_conflict_is_masked_on_both_sides(shown, cli, git):
    git(shown, "commit", "--quiet", "--all", "--message", "one")
    git(shown, "checkout", "--quiet", "-b", "other", "HEAD~1")
    assert cli("set", DB, "stringData.password", "throwaway-other", "--document", "2").exit_code == 0
    git(shown, "commit", "--quiet", "--all", "--message", "two")
    merge = ["git", "-c", "user.name=T", "-c", "user.email=t@waddle.example", "merge", "-q", "-"]
    assert subprocess.run(merge, cwd=shown, capture_output=True, check=False).returncode == 1
    text = cli("textconv", DB).stdout
    hunk = re.search(
        r"<<<<<<<\n +password: '?(<str 9-16 [a-z2-7]{13}>)'?\n=======\n +password: '?(<str 9-16 .{13}>)", text
    )
    assert hunk is not None
    assert hunk[1] != hunk[2]
    assert text.count("<<<<<<<") == 1
    for out in (text, git(shown, "diff"), git(shown, "diff", "--ours")):
        assert "ENC[" not in out
        assert "throwaway" not in out


def test_linked_worktrees_follow_the_setting(shown, cli, git, tmp_path, monkeypatch):
    git(shown, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    monkeypatch.chdir(tmp_path / "linked")
    assert "throwaway" not in cli("textconv", DB).stdout
    git(shown, "config", "fluxsecrets.textconv", "values")
    assert "throwaway" in cli("textconv", DB).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="the executable is no Python file there")
def test_most_files_cost_python_alone(encrypted_waddle):
    start = "from fluxsecrets.cli.textconvrun import main; main()"
    command = [sys.executable, "-I", "-X", "importtime", "-c", start, "textconv", DB]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("\n")
    found = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "fluxsecrets.ops.compare.lean" in found
    assert not {"re", "typing", "hashlib", "yaml", "click", "fluxsecrets.errors", "fluxsecrets.marks"} & found
