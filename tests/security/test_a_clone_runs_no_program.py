"""No file of a repository makes git run a program: no bare repository in it, no filter, no fetch, no hook."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import commit_all, run_git

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.git.process import git_environment, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the traps are shell commands")

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2-throwaway
"""
FILE = "clusters/prod/db.yaml"


@pytest.fixture
def traps(tmp_path):
    """A folder for what ran, and a function that makes a command which leaves its name there."""
    folder = tmp_path / "ran"
    folder.mkdir()

    def trap(name, then="false"):
        return f"touch '{folder / name}'; {then}"

    return folder, trap


def ran(folder):
    found = sorted(path.name for path in folder.iterdir())
    for path in folder.iterdir():
        path.unlink()
    return found


@pytest.fixture
def flux(identity, tmp_path, cli, monkeypatch):
    """A repository with one encrypted Secret."""
    folder = tmp_path / "origin"
    (folder / "clusters/prod").mkdir(parents=True)
    (folder / ".sops.yaml").write_text(
        f"creation_rules:\n  - encrypted_regex: ^stringData$\n    age: {identity.recipient}\n"
    )
    (folder / FILE).write_text(SECRET)
    run_git(tmp_path, "init", "--quiet", "origin")
    monkeypatch.chdir(folder)
    assert cli("encrypt", FILE).exit_code == 0
    commit_all(folder, "encrypted")
    return folder


def programs(trap):
    """Configuration that names programs, as far as git reads it from a repository."""
    return f"""\
[core]
	fsmonitor = "{trap("fsmonitor")}"
	sshCommand = "{trap("ssh")}"
	askPass = "{trap("askpass")}"
	pager = "{trap("pager", "cat")}"
	editor = "{trap("editor")}"
	alternateRefsCommand = "{trap("alternate")}"
	hooksPath = hooks
[filter "x"]
	clean = "{trap("clean", "cat")}"
	smudge = "{trap("smudge", "cat")}"
	process = "{trap("process")}"
	required = true
[diff]
	external = "{trap("external")}"
[diff "x"]
	textconv = "{trap("textconv", "cat")}"
	command = "{trap("command")}"
[gpg]
	program = "{trap("gpg")}"
[log]
	showSignature = true
[credential]
	helper = "!{trap("credential")}"
[uploadpack]
	packObjectsHook = "{trap("pack")}"
[alias]
	rev-parse = "!{trap("alias")}"
	ls-files = "!{trap("alias")}"
"""


PROMISOR = """\
[remote "origin"]
	url = {url}
	promisor = true
	vcs = {vcs}
[extensions]
	partialClone = origin
"""


@pytest.fixture
def clone(flux, traps, tmp_path, monkeypatch):
    """A clone that holds `evil/`: a bare repository with a work tree and programs of its own."""
    folder, trap = traps
    evil = flux / "evil"
    (evil / "w").mkdir(parents=True)
    shutil.copy(flux / FILE, evil / "w/secret.yaml")
    (evil / "w/plain.yaml").write_text(SECRET)
    run_git(evil, "init", "--quiet", "--bare", ".")
    for name in ("hooks", "description", "info"):
        shutil.rmtree(evil / name, ignore_errors=True)
    (evil / "w/.gitattributes").write_text("*.yaml filter=x diff=x\n")
    run_git(evil, "--git-dir=.", "--work-tree=w", "add", "--all")
    run_git(evil, "--git-dir=.", "--work-tree=w", "commit", "--quiet", "--message", "inner")
    blob = run_git(evil, "--git-dir=.", "rev-parse", "HEAD:plain.yaml").strip()
    (evil / "objects" / blob[:2] / blob[2:]).unlink()  # asking for it makes git fetch
    (evil / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tworktree = w\n"
        + programs(trap)
        + PROMISOR.format(url="ssh://example.invalid/x", vcs="").replace("\tvcs = \n", "")
    )
    for name in ("refs", "objects"):
        (evil / name / ".gitkeep").write_text("")
    (evil / "refs/heads").mkdir(parents=True, exist_ok=True)
    ran(folder)
    run_git(flux, "add", "--all", "--force")
    run_git(flux, "commit", "--quiet", "--message", "innocent")
    run_git(tmp_path, "clone", "--quiet", "origin", "victim")
    victim = tmp_path / "victim"
    for path in (victim / "evil/w").iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    monkeypatch.chdir(victim)
    return victim


EVIL = "evil/w/secret.yaml"
ON_A_FILE = (
    ("status", EVIL), ("status", "evil"), ("status", "evil/w"), ("explain", EVIL), ("decrypt", EVIL),
    ("get", EVIL, "stringData.password"), ("scan", EVIL), ("encrypt", "--check", "evil/w/plain.yaml"),
    ("encrypt", "--dry-run", "evil/w/plain.yaml"), ("encrypt", "evil/w/plain.yaml"),
    ("rotate", "--dry-run", EVIL), ("rotate", EVIL),
    ("set", EVIL, "stringData.password", "--generate", "hex:8"),
    ("unset", EVIL, "stringData.password"), ("recipients", "sync", EVIL), ("recipients", "exposure", EVIL),
    ("exec-env", EVIL, "--", "true"), ("seal", "evil/w/plain.yaml"), ("convert", "--to", "plain", EVIL),
)  # fmt: skip
ON_THE_PLACE = (
    ("status",), ("scan",), ("scan", "--staged"), ("scan", "--history"), ("audit",), ("verify",), ("doctor",),
    ("encrypt", "--check"), ("encrypt", "--dry-run"), ("encrypt", "--staged"),
    ("rotate", "--all", "--dry-run"),
    ("env", "list"), ("recipients", "list"), ("recipients", "sync", "--all", "--check"), ("keys", "list"),
    ("hook", "run", "pre-commit"), ("hook", "install"), ("log",), ("init",),
)  # fmt: skip


@pytest.mark.parametrize("command", ON_A_FILE, ids=" ".join)
def test_a_bare_repository_in_a_clone_runs_nothing(clone, traps, cli, command):
    result = cli(*command)
    assert ran(traps[0]) == [], result
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("place", ["", "evil", "evil/w", "evil/refs"])
def test_nor_wherever_a_command_is_started(clone, traps, cli, monkeypatch, place):
    monkeypatch.chdir(clone / place)
    for command in ON_THE_PLACE:
        result = cli(*command)
        assert ran(traps[0]) == [], command
        if place and command[0] in ("status", "scan", "audit"):
            assert result.exit_code == 2, command
            assert "bare git repository inside of another one" in result.stderr, command


def test_the_error_says_where_the_folder_came_from(clone, cli, monkeypatch):
    monkeypatch.chdir(clone / "evil")
    hint = cli("status").stderr.partition("hint: ")[2]
    command = hint.partition("Look where it came from: ")[2].strip()
    assert (
        "innocent" in subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.parametrize("missing", [("commondir",), ("objects", "refs")], ids="+".join)
def test_all_that_git_takes_for_a_repository_counts(tmp_path, environment, missing):
    run_git(tmp_path, "init", "--quiet", ".")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "HEAD").write_text("ref: refs/heads/main\n")
    for name in missing:
        (inner / name).mkdir() if name != "commondir" else (inner / name).write_text("../x\n")
    with pytest.raises(GitError, match="bare git repository"):
        find_repository(inner)
    assert find_repository(tmp_path).root == tmp_path.resolve()


# What the repository's own .git/config may do, which a clone never brings along: less than for `git status`.


@pytest.fixture
def configured(flux, traps, monkeypatch):
    """A repository, such as one out of an archive, whose own configuration names programs, and has hooks."""
    folder, trap = traps
    (flux / "plain.yaml").write_text(SECRET)
    commit_all(flux, "plain")
    (flux / FILE).write_text((flux / FILE).read_text() + "# changed\n")
    hooks = flux / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction", "pre-auto-gc"):
        (hooks / name).write_text(f"#!/bin/sh\n{trap('hook-' + name)}\n")
        (hooks / name).chmod(0o755)
    (flux / ".git/info/attributes").write_text("*.yaml filter=x diff=x\n")
    with (flux / ".git/config").open("a") as config:
        config.write(programs(trap))
    for path in (FILE, "plain.yaml", ".sops.yaml"):
        os.utime(flux / path, (1_700_000_000, 1_700_000_000))
    ran(folder)
    monkeypatch.chdir(flux)
    return flux


def git_itself(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)


def test_the_traps_are_traps(configured, traps):
    """Git itself runs them: else these tests would say nothing."""
    git_itself(configured, "status")
    assert ran(traps[0]) == ["fsmonitor", "process"]


def test_the_bare_repository_is_a_trap(clone, traps):
    git_itself(clone / "evil/w", "status")
    assert ran(traps[0]) == ["fsmonitor", "process"]
    git_itself(clone / "evil", "cat-file", "-p", "HEAD:plain.yaml")
    assert ran(traps[0]) == ["ssh"]


@pytest.mark.parametrize(
    "command",
    [
        *ON_THE_PLACE, ("status", FILE), ("explain", FILE), ("decrypt", FILE), ("encrypt", "plain.yaml"),
        ("rotate", FILE), ("recipients", "exposure", FILE), ("scan", "--range", "HEAD~1..HEAD"),
        ("audit", "--range", "HEAD~1..HEAD"), ("set", FILE, "stringData.password", "--generate", "hex:8"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_repositorys_own_configuration_runs_nothing(configured, traps, cli, command):
    result = cli(*command)
    assert ran(traps[0]) == [], result


URLS = {
    "ssh": ("ssh://example.invalid/x", ""),
    "ext": ("ext::sh -c {}", ""),
    "file": ("{origin}", ""),
    "helper": ("none::x", "none"),
    "git": ("git://example.invalid/x", ""),
}


@pytest.mark.parametrize("kind", URLS)
def test_what_is_missing_is_not_fetched(flux, traps, tmp_path, cli, monkeypatch, kind):
    """A partial clone whose remote names programs: in its URL, as transport, as its upload-pack."""
    folder, trap = traps
    (flux / "plain.yaml").write_text(SECRET)
    commit_all(flux, "plain")
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\n{trap('ran')}\n")
    script.chmod(0o755)
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    shutil.copy(script, helpers / "git-remote-none")
    url, vcs = URLS[kind]
    with (flux / ".git/config").open("a") as config:
        config.write(programs(trap))
        config.write(PROMISOR.format(url=url.format(script, origin=flux), vcs=vcs).replace("\tvcs = \n", ""))
        config.write(
            f'[core]\n\tgitProxy = {script}\n[remote "origin"]\n\tuploadpack = {script}\n'
            "[protocol]\n\tallow = always\n"
            f'[protocol "ext"]\n\tallow = always\n[protocol "{kind}"]\n\tallow = always\n'
        )
    text = (flux / ".git/config").read_text()
    (flux / ".git/config").write_text(
        text.replace("repositoryformatversion = 0", "repositoryformatversion = 1")
    )
    for name in (FILE, "plain.yaml"):
        blob = run_git(flux, "-c", "core.fsmonitor=", "rev-parse", f"HEAD:{name}").strip()
        (flux / ".git/objects" / blob[:2] / blob[2:]).unlink()
        (flux / name).write_text((flux / name).read_text() + "# changed\n")
    ran(folder)
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext:ssh:file:git:none")
    monkeypatch.chdir(flux)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{helpers}{os.pathsep}{os.environ['PATH']}")
        git_itself(flux, "cat-file", "-p", f"HEAD:{FILE}")
    assert ran(folder) != [], "git itself fetches"
    for command in (
        ("status",),
        ("encrypt", "--check"),
        ("scan", "--history"),
        ("recipients", "exposure", FILE),
    ):
        result = cli(*command)
        assert ran(folder) == [], command
        assert result.exit_code != 0, command


# What git is started with.


def test_git_gets_no_secret_and_nothing_that_points_elsewhere(monkeypatch):
    secrets = {
        "SOPS_AGE_KEY": "1", "SOPS_AGE_KEY_FILE": "1", "SOPS_AGE_KEY_CMD": "1", "VAULT_TOKEN": "1",
        "AWS_SECRET_ACCESS_KEY": "1", "AZURE_CLIENT_SECRET": "1", "GITHUB_TOKEN": "1", "SSH_AUTH_SOCK": "1",
        "FLUXSECRETS_LOG": "1",
    }  # fmt: skip
    elsewhere = dict.fromkeys(
        (
            "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_EXEC_PATH",
            "GIT_EXTERNAL_DIFF", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_PROXY_COMMAND", "GIT_ASKPASS",
            "GIT_EDITOR", "GIT_PAGER", "GIT_TRACE", "GIT_TRACE2", "GIT_TRACE2_EVENT", "GIT_TEMPLATE_DIR",
            "GIT_SHALLOW_FILE",
            "GIT_ATTR_SOURCE", "GIT_NAMESPACE", "GIT_REPLACE_REF_BASE", "GIT_LITERAL_PATHSPECS", "LANGUAGE",
            "LD_PRELOAD", "GIT_REDIRECT_STDOUT",
        ),
        "x",
    )  # fmt: skip
    kept = {
        "HOME": "/home/t", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*", "GIT_CONFIG_GLOBAL": "/x", "GIT_CONFIG_NOSYSTEM": "1", "SUDO_UID": "1",
    }  # fmt: skip
    found = git_environment({**secrets, **elsewhere, **kept, "PATH": f".:/usr/bin::bin{os.pathsep}/bin"})
    assert kept.items() <= found.items()
    assert found["PATH"] == f"/usr/bin{os.pathsep}/bin"
    assert not (secrets.keys() | elsewhere.keys()) & found.keys()
    assert found["GIT_ALLOW_PROTOCOL"] == "none"


@pytest.mark.parametrize(
    "arguments",
    [
        ("log",), ("diff", "HEAD"), ("status",), ("show", "HEAD"), ("fetch",), ("add", "x"), ("gc",),
        ("diff-index", "HEAD"), ("diff-files",), ("ls-files", "-m"), ("ls-files", "--modified"),
        ("cat-file", "--filters", ":x"), ("cat-file", "--textconv", ":x"), ("hash-object", "-w", "x"),
        ("hash-object", "--no-filters", "--stdin", "--path=x"), ("diff-tree", "-p", "HEAD"),
        ("diff-tree", "--ext-diff", "HEAD"), ("update-index", "--refresh"), ("rev-list", "--alternate-refs"),
        ("diff-tree", "--format=%G?", "HEAD"), ("for-each-ref", "--format=%(signature)"),
        ("ls-files", "--recurse-submodules"), ("-c", "x=y", "rev-parse"), ("grep", "x"), ("archive", "HEAD"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_may_run_a_configured_program_cannot_be_started(tmp_path, arguments):
    with pytest.raises(ValueError, match="may run a program"), start(arguments, tmp_path, {}, feed=False):
        pass


def test_one_function_starts_git():
    """By the sources: nothing else has git's name in a command, or starts what it found."""
    source = Path(find_repository.__code__.co_filename).parents[2]
    named = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if '"git"' in path.read_text(encoding="utf-8") and "find_program(" in path.read_text(encoding="utf-8")
    ]
    assert named == ["repo/git/process.py"]
    starts = [
        path.relative_to(source).as_posix()
        for path in (source / "repo").rglob("*.py")
        if re.search(r"Popen\(|posix_spawn", path.read_text(encoding="utf-8"))
    ]
    assert sorted(starts) == ["repo/git/popen.py", "repo/git/spawned.py"]
    begins = [path.name for path in (source / "repo").rglob("*.py") if _begins_git(path)]
    assert begins == ["running.py"]


def _begins_git(path):
    return re.search(r"from \.(popen|spawned) import .*\b(popen|spawn)\b", path.read_text(encoding="utf-8"))
