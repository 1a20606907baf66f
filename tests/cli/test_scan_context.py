"""What the index knows of a file beside its content is known in commits and the tree, too, with real git."""

import json

import pytest

from fluxsecrets.ops.checks import scanhistory

PLAIN = "admin hunter2-throwaway\n"
"""A file in which nothing but its use says that it is a secret."""

VALUES = "mode: fast\nuser: hunter2-throwaway\n"

KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
GENERATOR = "apiVersion: builtin\nkind: SecretGenerator\nmetadata:\n  name: x\n"


@pytest.fixture
def repository(folder, git, cli):
    """A repository with a first commit; `found` says what a scan finds, `commit` commits."""
    git(folder.path, "init", "--quiet", "--initial-branch", "main")
    folder.git = lambda *args: git(folder.path, *args)

    def commit(files=None, remove=(), tag=None):
        for name, content in (files or {}).items():
            folder.write(name, content)
        if remove:
            folder.git("rm", "--quiet", "-f", "--", *remove)
        folder.git("add", "--all")
        folder.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", "x")
        if tag:
            folder.git("tag", tag)
        return folder.git("rev-parse", "HEAD").strip()

    def found(*arguments):
        """Path and the end of the message of what is found as a file; nothing else is."""
        data = json.loads(cli("scan", "--format", "json", *arguments).stdout)
        assert data["errors"] == []
        assert {each["rule"] for each in data["findings"]} <= {"plain-secret-file"}
        return {each["path"]: each["message"].partition("encrypted: ")[2] for each in data["findings"]}

    def encrypted(name, content, *options):
        folder.write(name, content)
        assert cli("encrypt", "--in-place", *options, name).exit_code == 0
        return folder.read(name)

    folder.commit, folder.found, folder.encrypted = commit, found, encrypted
    return folder


@pytest.fixture
def decrypted(repository):
    """A repository in which two files were encrypted at the tag base, and are plain in the next commit."""
    repository.encrypted("users.conf", PLAIN)
    repository.encrypted("values.yaml", VALUES)
    repository.commit(tag="base")
    repository.bad = repository.commit({"users.conf": PLAIN, "values.yaml": VALUES})
    return repository


WAYS = [("--range", "base..HEAD"), ("--history",), ("--unpushed",)]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_file_that_was_encrypted_in_the_commit_before(decrypted, way):
    since = f"it was encrypted before commit {decrypted.bad[:10]}"
    was = dict.fromkeys(("users.conf", "values.yaml"), since)
    assert decrypted.found(*way) == was
    decrypted.commit({"users.conf": PLAIN + "more\n"})
    assert decrypted.found(*way) == was


def test_the_work_tree_and_head_agree(decrypted):
    since = f"it was encrypted before commit {decrypted.bad[:10]}"
    assert decrypted.found() == dict.fromkeys(("users.conf", "values.yaml"), since)
    assert decrypted.found("users.conf") == {"users.conf": since}
    decrypted.commit({"other.txt": "x\n"})
    assert decrypted.found("values.yaml") == {"values.yaml": since}
    assert decrypted.found("other.txt") == {}
    # A range that changes it again says so, although it was plain before the range.
    decrypted.commit({"users.conf": PLAIN + "more\n"})
    assert decrypted.found("--range", "HEAD~..HEAD") == {"users.conf": since}


def test_only_the_last_commits_are_asked(decrypted, monkeypatch):
    """What was decrypted on purpose long ago is no alarm for ever; the history still tells."""
    for number in range(3):
        decrypted.commit({"other.txt": f"{number}\n"})
    monkeypatch.setattr("fluxsecrets.ops.checks.decrypted.LATELY", 3)
    assert decrypted.found() == {}
    monkeypatch.setattr("fluxsecrets.ops.checks.decrypted.LATELY", 4)
    assert set(decrypted.found()) == {"users.conf", "values.yaml"}
    monkeypatch.setattr("fluxsecrets.ops.checks.decrypted.LATELY", 1)
    assert set(decrypted.found("--history")) == {"users.conf", "values.yaml"}


def test_what_was_decrypted_on_purpose_is_allowed(decrypted):
    name = "allow"
    decrypted.commit(
        {".fluxsecrets.yaml": f"{name}:\n- {{rule: plain-secret-file, path: '*', reason: public now}}\n"}
    )
    for way in ((), *WAYS):
        assert decrypted.found(*way) == {}


def test_a_file_that_is_encrypted_again_removed_or_new_is_none(decrypted):
    decrypted.encrypted("users.conf", PLAIN)
    decrypted.commit(remove=["values.yaml"])
    assert decrypted.found() == {}
    assert set(decrypted.found("--history")) == {"users.conf", "values.yaml"}
    decrypted.commit({"values.yaml": "nothing: here\n"})  # after a removal: another file
    assert decrypted.found("--range", "HEAD~..HEAD") == {}


def test_a_file_that_is_decrypted_twice_is_one_finding(decrypted):
    decrypted.encrypted("users.conf", PLAIN)
    decrypted.commit()
    again = decrypted.commit({"users.conf": PLAIN})  # the same content as before
    assert set(decrypted.found("--range", "HEAD~..HEAD")) == {"users.conf"}
    assert decrypted.found("users.conf") == {"users.conf": f"it was encrypted before commit {again[:10]}"}


def test_a_push_finds_it(decrypted, git, cli, tmp_path):
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    decrypted.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    decrypted.git("push", "--quiet", "origin", "base:refs/heads/main")
    head = decrypted.git("rev-parse", "HEAD").strip()
    lines = f"refs/heads/main {head} refs/heads/main {decrypted.git('rev-parse', 'base').strip()}\n"
    result = cli("hook", "run", "pre-push", "origin", stdin=lines.encode())
    assert result.exit_code == 1
    assert f"it was encrypted before commit {decrypted.bad[:10]}" in result.stdout


def test_merges(repository):
    repository.encrypted("users.conf", PLAIN)
    repository.commit(tag="base")
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit({"users.conf": PLAIN})
    repository.git("checkout", "--quiet", "main")
    repository.commit({"other.txt": "x\n"})
    repository.git("merge", "--quiet", "--no-edit", "side")
    assert set(repository.found("--range", "base..HEAD")) == {"users.conf"}
    assert set(repository.found("--range", "HEAD^2..HEAD")) == set()  # the merge takes one side as it is
    assert set(repository.found()) == {"users.conf"}


def test_a_merge_that_decrypts(repository):
    repository.encrypted("users.conf", PLAIN)
    repository.commit(tag="base")
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit({"a": "a\n"})
    repository.git("checkout", "--quiet", "main")
    repository.commit({"b": "b\n"})
    repository.git("merge", "--quiet", "--no-commit", "side")
    repository.commit({"users.conf": PLAIN})
    for way in ((), *WAYS):
        assert set(repository.found(*way)) == {"users.conf"}


@pytest.mark.parametrize(
    ("name", "content", "new", "plain"),
    [
        ("users.conf", PLAIN, "elsewhere/list.txt", PLAIN),
        ("values.yaml", VALUES, "plain.yaml", VALUES),
        ("values.yaml", VALUES, "app.properties", "mode=fast\nuser=hunter2-throwaway\n"),
        ("values.yaml", VALUES + "more: eleven-11111\n", "a.yaml", VALUES),
        ("a.env", "MODE=f\nUSER=hunter2-throwaway\n", "a.txt", "MODE=x\nexport USER='hunter2-throwaway'\n"),
    ],
)  # fmt: skip
def test_a_file_that_is_renamed_and_decrypted(repository, name, content, new, plain):
    repository.encrypted(name, content)
    repository.commit(tag="base")
    repository.git("rm", "--quiet", name)
    repository.write(new, plain)
    repository.git("add", "--all")
    values = {new: f"it has the values of {name}, which was encrypted"}
    assert repository.found("--staged") == values
    repository.commit()
    for way in WAYS:
        assert repository.found(*way) == values


def test_a_new_file_beside_a_removed_one_is_another_file(repository):
    repository.encrypted("values.yaml", VALUES)
    repository.encrypted("users.conf", PLAIN)
    repository.commit(tag="base")
    repository.git("rm", "--quiet", "values.yaml", "users.conf")
    repository.write("readme.txt", "mode: quick\nuser: nobody\n")
    repository.write("notes.txt", PLAIN + "x")
    repository.git("add", "--all")
    assert repository.found("--staged") == {}
    repository.commit()
    assert repository.found("--history") == {}


# --- generators -------------------------------------------------------------------------------------------


def of_users(fields, kind="secretGenerator"):
    return f"{kind}:\n- {{name: x, {fields}}}\n"


LAYOUTS = {
    "files": ("", {"kustomization.yaml": of_users("files: [users.txt]")}),
    "files with a key": ("", {"kustomization.yaml": of_users("files: [key=users.txt]")}),
    "envs": ("", {"kustomization.yml": of_users("envs: [./users.txt]")}),
    "env": ("", {"Kustomization": of_users("env: users.txt")}),
    "below": ("a/b/", {"kustomization.yaml": of_users("files: [a/b/users.txt]")}),
    "beside": ("base/", {"prod/kustomization.yaml": of_users("files: [../base/users.txt]")}),
    "component": ("c/", {"c/kustomization.yaml": "kind: Component\n" + of_users("files: [users.txt]")}),
    "generators": (
        "",
        {"kustomization.yaml": "generators: [gen.yaml]\n", "gen.yaml": GENERATOR + "files:\n- users.txt\n"},
    ),
    "generators elsewhere": (
        "g/",
        {
            "kustomization.yaml": "generators:\n- g/gen.yaml\n",
            "g/gen.yaml": GENERATOR + "envs: [users.txt]\n",
        },
    ),
}


@pytest.mark.parametrize(("folder_of", "files"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_file_that_a_generator_reads_which_did_not_change(repository, folder_of, files):
    content = {name: text if "kind:" in text else KUSTOMIZATION + text for name, text in files.items()}
    by = next((name for name in files if name.endswith("gen.yaml")), next(iter(files)))
    repository.commit(content, tag="base")
    path = f"{folder_of}users.txt"
    repository.write(path, PLAIN)
    repository.git("add", "--all")
    reads = {path: f"a secretGenerator in {by} makes a Secret of it"}
    assert repository.found("--staged") == repository.found() == repository.found(path) == reads
    repository.commit()
    repository.commit(remove=[path])
    for way in WAYS:
        assert repository.found(*way) == reads
    assert repository.found() == {}


def test_literals_of_a_generator_in_a_file_of_its_own(repository, cli):
    repository.write("gen.yaml", GENERATOR + "literals:\n- password=hunter2-throwaway\n")
    result = cli("scan")
    assert result.exit_code == 1
    assert "the secretGenerator 'x' has the literal 'password'" in result.stdout


def reading(field):
    return {"kustomization.yaml": KUSTOMIZATION + of_users("files: [users.txt]", field)}


def test_each_commit_goes_by_the_kustomization_as_it_is_there(repository):
    """The file was plain while a ConfigMap was made of it, and encrypted while a Secret was."""
    repository.commit({**reading("configMapGenerator"), "users.txt": PLAIN}, tag="base")
    repository.encrypted("users.txt", PLAIN)
    repository.commit(reading("secretGenerator"))
    repository.commit({**reading("configMapGenerator"), "other": ""})
    assert repository.found("--history") == {}
    assert repository.found("--range", "base..HEAD") == {}


def test_the_kustomization_changes_after_the_file_or_before(repository):
    repository.commit(reading("configMapGenerator"), tag="base")
    repository.commit({"users.txt": PLAIN})
    assert repository.found("--range", "base..HEAD") == {}
    repository.commit(reading("secretGenerator"))
    assert set(repository.found("--range", "base..HEAD")) == {"users.txt"}
    repository.commit(reading("configMapGenerator"))
    assert set(repository.found("--history")) == {"users.txt"}
    repository.commit({"users.txt": PLAIN + "x\n"})
    assert repository.found("--range", "HEAD~..HEAD") == {}
    assert repository.found() == {}


# --- creation rules ---------------------------------------------------------------------------------------


def test_commits_are_judged_by_the_creation_rules_of_their_tip(repository):
    narrow = f"creation_rules:\n- path_regex: users\\.conf$\n  age: {repository.recipient}\n"
    repository.commit({".sops.yaml": narrow}, tag="base")
    repository.commit({"users.conf": PLAIN})
    repository.rules(f"creation_rules:\n- age: {repository.recipient}\n")  # only in the work tree
    named = {"users.conf": "a narrow rule names it: rule 1 of .sops.yaml"}
    for way in WAYS:
        assert repository.found(*way) == named
    repository.commit()
    for way in WAYS:
        assert repository.found(*way) == {}
    repository.rules(narrow)
    for way in WAYS:
        assert repository.found(*way) == {}


def test_history_knows_encrypted_files_that_an_earlier_run_read(decrypted, monkeypatch, tmp_path):
    monkeypatch.setattr("fluxsecrets.ops.checks.scancommits._MANY", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    decrypted.encrypted("other.yaml", VALUES)
    decrypted.commit()
    decrypted.git("rm", "--quiet", "other.yaml")
    decrypted.commit({"moved.yaml": VALUES})
    cold = decrypted.found("--history")
    assert {*cold} == {"users.conf", "values.yaml", "moved.yaml"}
    judged = []
    judge = scanhistory.judge
    monkeypatch.setattr(scanhistory, "judge", lambda *args: judged.append(args[3]) or judge(*args))
    assert decrypted.found("--history") == cold
    assert not any(b"ENC[" in data for _, data in judged)
