"""`hook run`, and hooks as git runs them: what is committed and pushed, not what lies in the work tree."""

import os
import shutil

import pytest

from fluxsecrets.cli import hookrun

from .conftest import MARKER


@pytest.fixture
def repository(folder, git):
    """The folder as a repository with one commit, and ways to run git in it."""
    git(folder.path, "init", "--quiet", "--initial-branch", "main")
    folder.write("README.md", "# a repository\n")
    folder.git = lambda *args: git(folder.path, *args)
    folder.git("add", "README.md")
    folder.git("commit", "--quiet", "--message", "start")
    return folder


def run(cli, hook="pre-commit", *args, stdin=""):
    result = cli("hook", "run", hook, *args, stdin=stdin.encode())
    assert MARKER not in result.stdout + result.stderr
    return result


def commit(folder, name="secret.yaml", content=None):
    folder.write(name, content or folder.secret)
    folder.git("add", name)
    folder.git("commit", "--quiet", "--message", name)
    return folder.git("rev-parse", "HEAD").strip()


def refs(old, new, name="refs/heads/main"):
    return f"{name} {new} {name} {old or '0' * len(new)}\n"


def test_a_secret_that_is_staged_is_refused_with_the_way_on(repository, cli):
    repository.write("apps/secret.yaml")
    repository.git("add", "--all")
    result = run(cli)
    assert result.exit_code == 1
    assert "apps/secret.yaml\n  6:13   high   plain-secret   Secret db: stringData.password" in result.stdout
    assert "`fluxsecrets encrypt apps/secret.yaml`" in result.stdout
    assert "the commit was refused\n  `fluxsecrets encrypt --staged`" in result.stderr
    assert "`fluxsecrets:allow plain-secret — why`" in result.stderr
    assert cli("encrypt", "--staged").exit_code == 0
    result = run(cli)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_what_is_staged_counts_and_not_the_work_tree(repository, cli):
    repository.write("secret.yaml")
    assert run(cli).exit_code == 0  # not staged
    repository.git("add", "secret.yaml")
    repository.write("secret.yaml", "nothing: here\n")
    assert run(cli).exit_code == 1
    repository.git("add", "secret.yaml")
    repository.write("secret.yaml")
    assert run(cli).exit_code == 0


def test_a_secret_that_is_there_already_does_not_stop_other_commits(repository, cli):
    commit(repository)
    repository.write("README.md", "# changed\n")
    repository.git("add", "README.md")
    assert run(cli).exit_code == 0
    repository.git("mv", "secret.yaml", "moved.yaml")
    assert "moved.yaml" in run(cli).stdout


def test_decrypted_again_and_staged_is_refused(repository, cli):
    repository.write("values.yaml", "greeting: hello\n")
    assert cli("encrypt", "values.yaml").exit_code == 0
    commit(repository, "values.yaml", repository.read("values.yaml").decode())
    commit(repository, "kustomization.yaml", "secretGenerator:\n  - {name: a, files: [other.txt]}\n")
    repository.write("values.yaml", "greeting: hello\n")
    repository.write("other.txt", "anything\n")
    repository.git("add", "--all")
    result = run(cli)
    assert "values.yaml\n  1:1   high   plain-secret-file" in result.stdout
    assert "other.txt\n  1:1   high   plain-secret-file" in result.stdout


def test_files_that_the_framework_names(repository, cli):
    commit(repository)
    repository.write("other.yaml")
    assert run(cli, "pre-commit", "README.md").exit_code == 0
    result = run(cli, "pre-commit", "README.md", "secret.yaml")
    assert result.exit_code == 1
    assert "other.yaml" not in result.stdout


def test_what_is_pushed_is_looked_through_commit_by_commit(repository, cli):
    start = repository.git("rev-parse", "HEAD").strip()
    bad = commit(repository)
    assert cli("encrypt", "secret.yaml").exit_code == 0
    good = commit(repository, content=repository.read("secret.yaml").decode())
    result = run(cli, "pre-push", "origin", "url", stdin=refs(start, good))
    assert result.exit_code == 1
    assert f"from {bad[:10]} (" in result.stdout
    assert "the push was refused" in result.stderr
    assert "rewrite the commit" in result.stderr
    assert run(cli, "pre-push", "origin", stdin=refs(bad, good)).exit_code == 0


def test_pushing_new_branches_several_and_none(repository, cli):
    start = repository.git("rev-parse", "HEAD").strip()
    bad = commit(repository)
    assert run(cli, "pre-push", "origin", stdin=refs("", bad)).exit_code == 1
    both = refs("", start) + refs("", bad, "refs/heads/other")
    assert run(cli, "pre-push", "origin", stdin=both).exit_code == 1
    assert run(cli, "pre-push", "origin", stdin=refs(bad, "0" * len(bad))).exit_code == 0
    assert run(cli, "pre-push", "origin").exit_code == 0
    # The remote has it already, and has what was never fetched here.
    repository.git("update-ref", "refs/remotes/origin/main", bad)
    assert run(cli, "pre-push", "origin", stdin=refs("", bad)).exit_code == 0
    assert run(cli, "pre-push", "other", stdin=refs("a" * len(bad), bad)).exit_code == 1


def test_what_the_framework_tells_of_a_push(repository, cli, monkeypatch):
    start = repository.git("rev-parse", "HEAD").strip()
    bad = commit(repository)
    monkeypatch.setenv("PRE_COMMIT", "1")
    monkeypatch.setenv("PRE_COMMIT_REMOTE_NAME", "origin")
    assert run(cli, "pre-push").exit_code == 1  # it names no commit: the whole branch
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", start)
    monkeypatch.setenv("PRE_COMMIT_TO_REF", bad)
    assert run(cli, "pre-push").exit_code == 1
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", bad)
    assert run(cli, "pre-push").exit_code == 0


def test_without_a_remote_s_name_git_s_list_counts_all_the_same(repository, cli):
    bad = commit(repository)
    good = commit(repository, "README.md", "# changed\n")
    assert run(cli, "pre-push", stdin=refs(bad, good)).exit_code == 0


def test_git_s_list_of_what_is_pushed_has_a_limit(repository, cli, monkeypatch):
    monkeypatch.setattr(hookrun, "_LONGEST_LIST", 60)
    result = run(cli, "pre-push", "origin", stdin="x" * 61)
    assert result.exit_code == 2
    assert "git's list of what is pushed is too long\n  hint: push fewer branches at once" in result.stderr
    assert "too long" not in run(cli, "pre-push", "origin", stdin="x" * 60).stderr


@pytest.mark.parametrize("lines", ["refs/heads/main --output=x refs/heads/main 0\n", "one\n"])
def test_what_git_would_not_say_is_an_error(repository, cli, lines):
    assert run(cli, "pre-push", "origin", stdin=lines).exit_code == 2


def test_what_cannot_be_judged_is_refused(repository, cli):
    repository.write("secret.yaml", repository.secret + "  [\n")
    repository.git("add", "secret.yaml")
    result = run(cli)
    assert result.exit_code == 2
    assert "secret.yaml:" in result.stderr
    assert "refused" in result.stderr


def test_outside_of_a_repository(folder, cli):
    result = run(cli)
    assert result.exit_code == 2
    assert "not a git repository" in result.stderr


@pytest.mark.skipif(shutil.which("sh") is None, reason="sh is not on PATH: git's hooks are not tried")
class TestByGit:
    """The installed hooks, run by git itself."""

    def test_commit_and_push(self, repository, cli, git, tmp_path):
        git(tmp_path, "init", "--quiet", "--bare", str(tmp_path / "remote.git"))
        repository.git("remote", "add", "origin", str(tmp_path / "remote.git"))
        assert cli("hook", "install", "--quiet").exit_code == 0
        repository.git("push", "--quiet", "origin", "main")
        repository.write("secret.yaml")
        repository.git("add", "secret.yaml")
        with pytest.raises(AssertionError, match="the commit was refused"):
            repository.git("commit", "--quiet", "--message", "bad")
        repository.git("commit", "--quiet", "--no-verify", "--message", "bad")
        with pytest.raises(AssertionError, match="the push was refused"):
            repository.git("push", "origin", "main")
        assert cli("encrypt", "--quiet", "secret.yaml").exit_code == 0
        # A partial commit has an index of its own, and a worktree a git directory of its own.
        repository.git("commit", "--quiet", "--amend", "--message", "good", "secret.yaml")
        repository.git("push", "--quiet", "origin", "main")
        repository.git("worktree", "add", "--quiet", str(tmp_path / "tree"))
        (tmp_path / "tree" / "new.yaml").write_text(repository.secret, encoding="utf-8")
        git(tmp_path / "tree", "add", "new.yaml")
        with pytest.raises(AssertionError, match="the commit was refused"):
            git(tmp_path / "tree", "commit", "--quiet", "--message", "bad")

    @pytest.mark.parametrize("way", ["encrypted", "unstaged", "commit --all", "committed later"])
    def test_what_the_refusal_says_takes_the_plain_text_out_of_git(self, repository, cli, way):
        """`git add` and `git commit --all` write the blob, and a refused commit leaves it there."""
        assert cli("hook", "install", "--quiet").exit_code == 0
        repository.write("secret.yaml", "nothing: here\n")
        repository.git("add", "secret.yaml")
        repository.git("commit", "--quiet", "--message", "nothing")
        repository.write("secret.yaml")
        blob = repository.git("hash-object", "secret.yaml").strip()
        options = ["--all"] if way == "commit --all" else []
        if not options:
            repository.git("add", "secret.yaml")
        with pytest.raises(AssertionError, match="`git gc --prune=now` removes it"):
            repository.git("commit", "--quiet", "--message", "bad", *options)
        assert repository.git("cat-file", "-t", blob) == "blob\n"
        if way == "unstaged":
            repository.git("reset", "--quiet")
        elif way != "commit --all":
            assert cli("encrypt", "--staged").exit_code == 0
        if way == "committed later":
            repository.git("commit", "--quiet", "--message", "good")
        repository.git("gc", "--quiet", "--prune=now")
        with pytest.raises(AssertionError):
            repository.git("cat-file", "-t", blob)

    def test_a_commit_of_some_files_is_judged_by_what_it_takes(self, repository, cli):
        assert cli("hook", "install", "--quiet").exit_code == 0
        repository.write("secret.yaml")
        repository.git("add", "secret.yaml")
        repository.write("README.md", "# changed\n")
        repository.git("commit", "--quiet", "--message", "without the secret", "README.md")
        repository.write("README.md", "# again\n")
        with pytest.raises(AssertionError, match="the commit was refused"):
            repository.git("commit", "--quiet", "--all", "--message", "with it")
        assert os.path.lexists(repository.path / "secret.yaml")
