"""What lets a finding pass is read from what is committed or pushed, and is named where it comes along."""

import json
import subprocess

import pytest

from allowances import allowing

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: hunter2-throwaway\n"
OTHER = SECRET.replace("hunter2", "hunter3").replace("db", "other")
ALLOW = "allow:\n  - path: secret.yaml\n    rule: plain-secret\n    reason: throw-away\n"
SETTINGS, BASELINE = ".fluxsecrets.yaml", ".fluxsecrets-baseline.json"


@pytest.fixture
def repository(tmp_path, cli, git, monkeypatch):
    """A repository with one commit, in which the test runs; `put` writes and stages files."""

    class Repository:
        path = tmp_path / "repository"

        def git(self, *args):
            return git(self.path, *args)

        def write(self, name, text):
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text, encoding="utf-8")

        def put(self, **files):
            for name, text in files.items():
                self.write(NAMES[name], text)
                self.git("add", NAMES[name])

        def commit(self, **files):
            self.put(**files)
            self.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", "more")
            return self.git("rev-parse", "HEAD").strip()

    made = Repository()
    made.path.mkdir()
    made.git("init", "--quiet", "--initial-branch", "main")
    monkeypatch.chdir(made.path)
    made.commit(readme="# start\n")
    return made


NAMES = {
    "readme": "README.md",
    "secret": "secret.yaml",
    "other": "other.yaml",
    "settings": SETTINGS,
    "baseline": BASELINE,
    "listed": "notes/token.txt",
}


def baseline(cli, repository, text=SECRET):
    """A baseline that knows the secret; nothing else stays."""
    repository.write("secret.yaml", text)
    assert cli("scan", "--update-baseline", "secret.yaml").exit_code == 0
    content = (repository.path / BASELINE).read_text(encoding="utf-8")
    (repository.path / BASELINE).unlink()
    (repository.path / "secret.yaml").unlink()
    return content


@pytest.fixture(params=["hook", "staged"])
def judge(request, cli):
    """The two ways in which a commit is judged; they say the same."""
    how = {"hook": ("hook", "run", "pre-commit"), "staged": ("scan", "--staged")}[request.param]
    return lambda: cli(*how)


def excuses(result):
    return [line for line in result.stderr.splitlines() if "its own excuse" in line]


# --- what lies in the work tree counts for nothing ----------------------------------------------------------


def test_an_allowance_that_is_not_staged_allows_nothing(repository, judge):
    repository.put(secret=SECRET)
    repository.write(SETTINGS, ALLOW)
    assert judge().exit_code == 1


def test_a_baseline_that_is_not_staged_knows_nothing(repository, judge, cli):
    content = baseline(cli, repository)
    repository.put(secret=SECRET)
    repository.write(BASELINE, content)
    assert judge().exit_code == 1


def test_what_is_staged_counts_where_the_work_tree_has_gone_on(repository, judge):
    repository.commit(settings=ALLOW)
    repository.put(secret=SECRET)
    repository.write(SETTINGS, "secrets: []\n")
    assert judge().exit_code == 0
    (repository.path / SETTINGS).unlink()
    assert judge().exit_code == 0
    repository.git("rm", "--cached", "--quiet", SETTINGS)
    repository.write(SETTINGS, ALLOW)
    assert judge().exit_code == 1


def test_settings_that_are_broken_in_the_index_are_an_error(repository, judge):
    repository.put(secret=SECRET, settings="allow: [\n")
    repository.write(SETTINGS, ALLOW)
    assert judge().exit_code == 2
    repository.put(settings="secrets: []\n", baseline="{}\n")
    (repository.path / BASELINE).unlink()
    assert judge().exit_code == 2


@pytest.mark.parametrize("name", [SETTINGS, BASELINE])
def test_a_link_as_settings_or_baseline_is_followed_nowhere(repository, judge, cli, name, tmp_path):
    target = tmp_path / "elsewhere"
    target.write_text(ALLOW if name == SETTINGS else baseline(cli, repository), encoding="utf-8")
    repository.put(secret=SECRET)
    (repository.path / name).symlink_to(target)
    repository.git("add", name)
    assert judge().exit_code == 2


def test_what_is_listed_as_a_secret_is_one_as_the_index_lists_it(repository, judge):
    repository.put(settings="secrets: [notes/*.txt]\n", listed="anything\n")
    repository.write(SETTINGS, "secrets: []\n")
    result = judge()
    assert result.exit_code == 1
    assert "plain-secret-file" in result.stdout


def test_narrow_rules_name_secrets_as_the_index_has_them(repository, judge, identity):
    rules = f"creation_rules:\n  - path_regex: ^notes/token\\.txt$\n    age: {identity.recipient}\n"
    repository.put(listed="anything\n")
    repository.write(".sops.yaml", rules)
    assert judge().exit_code == 0
    repository.git("add", ".sops.yaml")
    for text in ("creation_rules: []\n", None):
        if text is None:
            (repository.path / ".sops.yaml").unlink()
        else:
            repository.write(".sops.yaml", text)
        result = judge()
        assert result.exit_code == 1
        assert "plain-secret-file" in result.stdout


def test_files_that_the_framework_names_are_judged_by_the_index_too(repository, cli):
    repository.put(secret=SECRET)
    repository.write(SETTINGS, ALLOW)
    assert cli("hook", "run", "pre-commit", "secret.yaml").exit_code == 1
    repository.put(settings=ALLOW)
    result = cli("hook", "run", "pre-commit", "secret.yaml")
    assert result.exit_code == 0
    assert len(excuses(result)) == 1


def test_encrypt_staged_takes_what_the_index_lists(repository, cli, identity):
    repository.write(".sops.yaml", f"creation_rules:\n  - age: {identity.recipient}\n")
    repository.put(settings="secrets: [notes/*.txt]\n", listed="anything\n")
    repository.write(SETTINGS, "secrets: []\n")
    assert cli("encrypt", "--staged").exit_code == 0
    assert "anything" not in repository.git("cat-file", "blob", ":notes/token.txt")


# --- an excuse that comes along is named ---


def test_an_allowance_of_the_same_commit_is_named(repository, judge):
    repository.put(secret=SECRET, settings=ALLOW)
    result = judge()
    assert result.exit_code == 0
    [line] = excuses(result)
    assert f"{SETTINGS}:2 allows plain-secret in secret.yaml" in line


def test_an_allowance_from_before_is_not(repository, judge):
    repository.commit(settings=ALLOW)
    repository.put(secret=SECRET, settings=ALLOW + "secrets: []\n")
    result = judge()
    assert (result.exit_code, excuses(result)) == (0, [])


def test_an_allowance_that_was_expired_or_narrower_before_is_named(repository, judge):
    repository.commit(settings=ALLOW + "    expires: 2020-01-01\n")
    repository.put(secret=SECRET, settings=ALLOW)
    assert len(excuses(judge())) == 1
    repository.commit(settings=ALLOW)
    repository.put(other=OTHER, settings=ALLOW.replace("secret.yaml", '"*.yaml"'))
    [line] = excuses(judge())
    assert "in other.yaml" in line


def test_an_entry_of_the_baseline_is_named_with_its_line(repository, judge, cli):
    repository.put(baseline=baseline(cli, repository), secret=SECRET)
    result = judge()
    assert result.exit_code == 0
    [line] = excuses(result)
    assert f"{BASELINE}:4 knows plain-secret in secret.yaml" in line


def test_a_comment_of_the_same_commit_is_named_once(repository, judge):
    allowed = SECRET.replace("  password", f"  # {allowing('plain-secret')}\n  password")
    repository.put(secret=allowed)
    result = judge()
    assert result.exit_code == 0
    [line] = excuses(result)
    assert "secret.yaml:6 allows plain-secret in secret.yaml" in line
    repository.commit()
    repository.put(secret=f"# moved down\n{allowed}")
    assert excuses(judge()) == []
    repository.put(secret=allowed + allowed.replace("apiVersion", "---\napiVersion", 1))
    assert len(excuses(judge())) == 1


@pytest.mark.parametrize("after", ["secrets: []\n", None])
def test_a_file_that_is_no_longer_listed_is_named(repository, judge, after):
    repository.commit(settings="secrets: [notes/*.txt]\n")
    repository.put(listed="anything\n")
    if after is None:
        repository.git("rm", "--quiet", "--force", SETTINGS)
    else:
        repository.put(settings=after)
    result = judge()
    assert result.exit_code == 0
    [line] = excuses(result)
    assert "notes/token.txt" in line


def test_many_excuses_are_named_up_to_a_bound_and_all_of_them_in_json(repository, cli):
    for number in range(25):
        repository.write(f"s{number}.yaml", SECRET)
    repository.put(settings=ALLOW.replace("secret.yaml", '"*.yaml"'))
    repository.git("add", "--all")
    result = cli("hook", "run", "pre-commit")
    assert len(excuses(result)) == 20
    assert "and 5 more" in result.stderr
    found = json.loads(cli("scan", "--staged", "--format", "json").stdout)["excuses"]
    assert len(found) == 25
    assert set(found[0]) == {"path", "line", "rule", "file", "findings"}


# --- pushes and ranges: the state of the tip ---


def pushed(cli, *tips):
    lines = "".join(
        f"refs/heads/b{number} {tip} refs/heads/b{number} {'0' * 40}\n" for number, tip in enumerate(tips)
    )
    return cli("hook", "run", "pre-push", "origin", "url", stdin=lines.encode())


@pytest.fixture
def started(repository):
    """With the first commit at the remote."""
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    return repository


def test_a_push_is_judged_by_its_tip_and_not_by_the_work_tree(started, cli):
    bad = started.commit(secret=SECRET)
    started.write(SETTINGS, ALLOW)
    for result in (pushed(cli, bad), cli("scan", "--unpushed"), cli("scan", "--range", "HEAD~1..HEAD")):
        assert result.exit_code == 1
    good = started.commit(settings=ALLOW)
    (started.path / SETTINGS).unlink()
    for result in (pushed(cli, good), cli("scan", "--unpushed"), cli("scan", "--range", "HEAD~2..HEAD")):
        assert result.exit_code == 0
        assert len(excuses(result)) == 1
    started.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert excuses(pushed(cli, started.commit(other=SECRET.replace("hunter2", "${X}")))) == []


def test_one_branch_s_allowance_is_no_other_branch_s(started, cli):
    bad = started.commit(secret=SECRET)
    good = started.commit(settings=ALLOW)
    assert pushed(cli, good).exit_code == 0
    assert pushed(cli, bad, good).exit_code == 1
    assert pushed(cli, good, bad).exit_code == 1


def test_a_comment_allows_in_its_own_version_of_a_file_only(started, cli):
    started.commit(secret=SECRET)
    allowed = SECRET.replace("-throwaway", f"-throwaway # {allowing('plain-secret')}")
    assert pushed(cli, started.commit(secret=allowed)).exit_code == 1


def test_history_is_judged_by_head(started, cli):
    started.commit(secret=SECRET)
    started.write(SETTINGS, ALLOW)
    assert cli("scan", "--history").exit_code == 1
    started.commit(settings=ALLOW)
    result = cli("scan", "--history")
    assert (result.exit_code, excuses(result)) == (0, [])


@pytest.mark.parametrize("kind", ["blob", "tree", "annotated blob"])
def test_a_tag_of_no_commit_is_looked_into(started, cli, kind):
    started.write("secret.yaml", SECRET)
    blob = started.git("hash-object", "-w", "secret.yaml").strip()
    thing = blob
    if kind == "tree":
        listing = f"100644 blob {blob}\tsecret.yaml\n".encode()
        made = subprocess.run(
            ["git", "mktree"], cwd=started.path, input=listing, capture_output=True, check=True
        )
        thing = made.stdout.decode().strip()
    if kind == "annotated blob":
        started.git("tag", "-a", "-m", "it", "v1", blob)
        thing = started.git("rev-parse", "v1").strip()
    assert pushed(cli, thing).exit_code == 1
