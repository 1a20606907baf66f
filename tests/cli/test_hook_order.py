"""The check of a commit comes last: whatever another hook stages is looked at, with real git."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

SCRIPTS = sysconfig.get_path("scripts")
FRAMEWORK = shutil.which("pre-commit", path=SCRIPTS) or shutil.which("pre-commit")

pytestmark = [
    pytest.mark.skipif(shutil.which("sh") is None, reason="sh is not on PATH: hooks are not tried"),
    pytest.mark.skipif(os.name == "nt", reason="hooks of the work tree are tried on POSIX"),
]

STAGES = (
    "printf 'apiVersion: v1\\nkind: Secret\\nmetadata: {name: a}\\n"
    "stringData: {password: hunter2-throwaway}\\n' > gen.yaml\ngit add gen.yaml\n"
)
"""What a formatter or generator does in a hook: it makes a file and stages it."""

CALLS_HUSKY = '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\n'
HUSKY_8 = """\
#!/usr/bin/env sh
if [ -z "$husky_skip_init" ]; then
  readonly husky_skip_init=1
  export husky_skip_init
  sh -e "$0" "$@"
  exit $?
fi
"""
HUSKY_9 = """\
#!/usr/bin/env sh
n=$(basename "$0")
s=$(dirname "$(dirname "$0")")/$n
[ ! -f "$s" ] && exit 0
sh -e "$s" "$@"
exit $?
"""


@pytest.fixture
def repository(folder, git, cli, monkeypatch):
    """A repository with an innocent staged file; `commit` tries to commit it."""
    monkeypatch.setenv("PATH", f"{Path(cli.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@waddle.example")
    git(folder.path, "init", "--quiet")
    folder.write("a.txt", "x\n")
    git(folder.path, "add", "a.txt")

    def commit(*arguments):
        return subprocess.run(
            ["git", "commit", "--quiet", "--message", "x", *arguments],
            cwd=folder.path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def hook(name, text):
        path = folder.write(name, text)
        path.chmod(0o755)
        return path

    folder.git = lambda *args: git(folder.path, *args)
    folder.commit, folder.hook = commit, hook
    return folder


def refused(done):
    return done.returncode != 0 and "the commit was refused" in done.stderr and "gen.yaml" in done.stderr


ENDINGS = {
    "falls off": STAGES,
    "exit": f"{STAGES}exit 0\n",
    "early exit": f"if true; then {STAGES}exit 0; fi\nexit 1\n",
    "exec": f"{STAGES}exec true\n",
    "exec of what stages": f"exec sh -c '{STAGES.replace(chr(39), chr(34))}'\n",
    "trap": f"stage() {{ {STAGES}}}\ntrap stage EXIT\n",
    "set -eu": f"set -eu\n{STAGES}",
}


@pytest.mark.parametrize("rest", ENDINGS.values(), ids=ENDINGS)
def test_a_hook_of_the_work_tree(repository, cli, rest):
    repository.git("config", "core.hooksPath", ".githooks")
    repository.hook(".githooks/pre-commit", f"#!/bin/sh\n{rest}")
    assert cli("hook", "install").exit_code == 0
    assert refused(repository.commit())
    assert cli("hook", "status").exit_code == 0


def test_lines_that_are_added_later_run_before_the_check(repository, cli):
    repository.git("config", "core.hooksPath", ".githooks")
    assert cli("hook", "install").exit_code == 0
    hook = repository.path / ".githooks" / "pre-commit"
    hook.write_text(hook.read_text(encoding="utf-8") + STAGES, encoding="utf-8")
    assert refused(repository.commit())
    assert cli("hook", "status").exit_code == 0


def test_a_hook_of_the_work_tree_that_fails_still_refuses_and_a_clean_commit_passes(repository, cli):
    repository.git("config", "core.hooksPath", ".githooks")
    hook = repository.hook(".githooks/pre-commit", "#!/bin/sh\necho rest >> ran\nexit 3\n")
    assert cli("hook", "install").exit_code == 0
    assert repository.commit().returncode != 0
    assert repository.read("ran") == b"rest\n"  # once
    hook.write_text(hook.read_text(encoding="utf-8").replace("exit 3", "exit 0"), encoding="utf-8")
    done = repository.commit()
    assert done.returncode == 0, done.stderr


def test_the_other_lines_keep_their_shell_and_arguments(repository, cli):
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    repository.git("config", "core.hooksPath", ".githooks")
    repository.hook(
        ".githooks/pre-commit",
        '#!/usr/bin/env bash\nset -euo pipefail\n[[ $0 == */pre-commit ]]\na=(1 2)\necho "${a[1]}" > ran\n',
    )
    assert cli("hook", "install").exit_code == 0
    done = repository.commit()
    assert done.returncode == 0, done.stderr
    assert repository.read("ran") == b"2\n"


def test_a_variable_that_is_set_before_does_not_switch_it_off(repository, cli, monkeypatch):
    repository.git("config", "core.hooksPath", ".githooks")
    repository.hook(".githooks/pre-commit", f"#!/bin/sh\n{STAGES}")
    assert cli("hook", "install").exit_code == 0
    for value in ("1", str(os.getpid())):
        monkeypatch.setenv("fluxsecrets_rest", value)
        done = repository.commit()
        assert done.returncode != 0
        assert "fluxsecrets_rest is set" in done.stderr
    monkeypatch.setenv("fluxsecrets_rest", "")
    assert refused(repository.commit())


@pytest.mark.parametrize(
    ("hooks_path", "files"),
    [
        (".husky/_", {".husky/_/pre-commit": HUSKY_9, ".husky/pre-commit": STAGES}),
        (".husky", {".husky/_/husky.sh": HUSKY_8, ".husky/pre-commit": CALLS_HUSKY + STAGES}),
    ],
    ids=["husky 9", "husky 8"],
)
def test_husky(repository, cli, hooks_path, files):
    repository.git("config", "core.hooksPath", hooks_path)
    for name, text in files.items():
        repository.hook(name, text)
    assert cli("hook", "install").exit_code == 0
    assert refused(repository.commit())
    assert cli("hook", "status", "pre-commit").exit_code == 0
    # husky stops at the first line that fails.
    hook = repository.path / ".husky" / "pre-commit"
    hook.write_text(hook.read_text(encoding="utf-8") + "false\necho late >> ran\n", encoding="utf-8")
    assert repository.commit().returncode != 0
    assert not (repository.path / "ran").exists()


def test_lines_of_an_older_version_are_told_of_and_moved(repository, cli):
    repository.git("config", "core.hooksPath", ".githooks")
    old = "# >>> fluxsecrets hook: keeps\nfluxsecrets hook run pre-commit || exit 1\n# <<< fluxsecrets hook\n"
    hook = repository.hook(".githooks/pre-commit", f"#!/bin/sh\n{old}{STAGES}")
    result = cli("hook", "status", "pre-commit")
    assert result.exit_code == 1
    assert "pre-commit   not last" in result.stdout
    assert "older fluxsecrets" in result.stderr
    assert "updated" in cli("hook", "install", "pre-commit").stdout
    assert cli("hook", "status", "pre-commit").exit_code == 0
    assert refused(repository.commit())
    # Somebody moves the lines behind others.
    lines = hook.read_text(encoding="utf-8").partition("#!/bin/sh\n")[2]
    hook.write_text(f"#!/bin/sh\necho first\n{lines}", encoding="utf-8")
    assert cli("hook", "status", "pre-commit").exit_code == 1
    assert cli("hook", "install", "pre-commit").exit_code == 0
    assert hook.read_text(encoding="utf-8").startswith("#!/bin/sh\n# >>> fluxsecrets")
    assert cli("hook", "uninstall").exit_code == 0
    assert hook.read_text(encoding="utf-8") == f"#!/bin/sh\necho first\n{STAGES}"


def test_a_hook_of_git_s_own_folder_runs_first(repository, cli):
    repository.hook(".git/hooks/pre-commit", f"#!/bin/sh\n{STAGES}exit 0\n")
    assert cli("hook", "install").exit_code == 0
    assert refused(repository.commit())
    assert cli("hook", "status").exit_code == 0


@pytest.mark.parametrize("hook", ["prepare-commit-msg", "commit-msg"])
def test_what_later_hooks_of_git_stage_is_not_in_this_commit(repository, cli, hook):
    """git has made the tree by then; the next commit's hook sees it."""
    repository.hook(f".git/hooks/{hook}", f"#!/bin/sh\n{STAGES}")
    assert cli("hook", "install").exit_code == 0
    assert repository.commit().returncode == 0
    assert repository.git("ls-tree", "--name-only", "HEAD").split() == ["a.txt"]
    assert refused(repository.commit())


# --- hooks of one's own that run fluxsecrets ---


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fluxsecrets hook run pre-commit || exit 1\nnpx lint-staged\n", "line 3 of it runs after"),
        ("fluxsecrets hook run pre-commit || exit 1\n# git add x\nmake docs && git add docs\n", "line 4"),
        ("npx lint-staged\ngit add x\nfluxsecrets hook run pre-commit || exit 1\necho done\n", ""),
    ],
)
def test_a_hook_that_runs_fluxsecrets_by_itself(repository, cli, text, problem):
    repository.hook(".git/hooks/pre-commit", f"#!/bin/sh\n{text}")
    result = cli("hook", "status", "pre-commit")
    assert result.exit_code == (1 if problem else 0)
    assert problem in result.stderr
    assert ("not last" in result.stdout) is bool(problem)
    assert ("does not come last" in cli("scan", "--staged").stderr) is bool(problem)


# --- programs that put their hook in the place of ours ---


@pytest.fixture
def framework(repository, tmp_path, monkeypatch):
    if FRAMEWORK is None:
        pytest.skip("pre-commit is not installed")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "framework"))

    def configure(*entries):
        hooks = "".join(
            f"      - {{id: {name}, name: {name}, language: system, entry: {entry}, pass_filenames: false}}\n"
            for name, entry in entries
        )
        repository.write(".pre-commit-config.yaml", f"repos:\n  - repo: local\n    hooks:\n{hooks}")
        repository.git("add", ".pre-commit-config.yaml")
        done = subprocess.run(
            [FRAMEWORK, "install"],
            cwd=repository.path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    repository.write("stage.sh", STAGES)
    return configure


def test_pre_commit_that_was_installed_later(repository, cli, framework):
    assert cli("hook", "install", "pre-commit").exit_code == 0
    framework(("stage", "sh stage.sh"))
    result = cli("hook", "status", "pre-commit")
    assert result.exit_code == 1
    assert "not last" in result.stdout
    assert "pre-commit was installed over it" in result.stderr
    assert "does not come last" in cli("scan", "--staged").stderr
    assert cli("hook", "install", "pre-commit").exit_code == 0
    assert cli("hook", "status", "pre-commit").exit_code == 0
    assert refused(repository.commit())


def test_pre_commit_over_a_hook_that_was_there_first(repository, cli, framework):
    repository.hook(".git/hooks/pre-commit", "#!/bin/sh\necho first >> ran\n")
    assert cli("hook", "install", "pre-commit").exit_code == 0
    framework(("stage", "sh stage.sh"))
    assert cli("hook", "install", "pre-commit").exit_code == 0
    assert cli("hook", "status", "pre-commit").exit_code == 0
    assert refused(repository.commit())
    assert repository.read("ran") == b"first\n"


def test_the_order_in_the_configuration_of_pre_commit(repository, cli, framework):
    framework(("stage", "sh stage.sh"), ("fluxsecrets", "fluxsecrets hook run pre-commit"))
    assert cli("hook", "status", "pre-commit").exit_code == 0
    assert repository.commit().returncode != 0
    framework(("fluxsecrets", "fluxsecrets hook run pre-commit"), ("stage", "sh stage.sh"))
    result = cli("hook", "status", "pre-commit")
    assert result.exit_code == 1
    assert "may stage more: stage" in result.stderr


LEFTHOOK = '#!/bin/sh\ncall_lefthook()\n{\n  lefthook "$@"\n}\ncall_lefthook run "pre-commit" "$@"\n'


CHECK = "fluxsecrets hook run pre-commit"


@pytest.mark.parametrize(
    ("config", "after"),
    [
        (f"commands: {{a: {{run: prettier, stage_fixed: true}}, z: {{run: {CHECK}}}}}", ""),
        (f"commands: {{z: {{run: prettier}}, a: {{run: {CHECK}}}}}", "may stage more: 'prettier'"),
        (f"commands: {{z: {{run: prettier, priority: 1}}, a: {{run: {CHECK}}}}}", ""),
        (f"parallel: true, commands: {{z: {{run: {CHECK}}}}}", "`parallel`"),
        (f"jobs: [{{run: {CHECK}}}, {{run: prettier --write}}]", "prettier --write"),
        (f"jobs: [{{run: prettier}}, {{run: {CHECK}}}]", ""),
    ],
)
def test_the_order_in_the_configuration_of_lefthook(repository, cli, config, after):
    repository.hook(".git/hooks/pre-commit", LEFTHOOK)
    repository.write("lefthook.yml", f"pre-commit: {{{config}}}\n")
    result = cli("hook", "status", "pre-commit")
    assert result.exit_code == (1 if after else 0), result.stderr
    assert after in result.stderr


def test_lefthook_that_was_installed_later(repository, cli):
    assert cli("hook", "install", "pre-commit").exit_code == 0
    hook = repository.path / ".git" / "hooks" / "pre-commit"
    hook.rename(hook.with_name("pre-commit.old"))
    repository.hook(".git/hooks/pre-commit", f"#!/bin/sh\n# lefthook\n{STAGES}")
    result = cli("hook", "status", "pre-commit")
    assert result.exit_code == 1
    assert "pre-commit.old, and does not run" in result.stderr
    assert "checks nothing here" in cli("scan", "--staged").stderr
    assert cli("hook", "install", "pre-commit").exit_code == 0
    assert refused(repository.commit())
    assert not hook.with_name("pre-commit.old").exists()


# --- the ways to commit ---


@pytest.fixture
def hooked(repository, cli):
    """The repository with the hooks, a first commit, and a tracked file that is a Secret in the work tree."""
    assert cli("hook", "install").exit_code == 0
    repository.write("gen.yaml", "nothing: here\n")
    repository.git("add", "--all")
    assert repository.commit().returncode == 0
    repository.write("gen.yaml")
    return repository


@pytest.mark.parametrize(
    "arguments",
    [("--all",), ("gen.yaml",), ("--only", "gen.yaml"), ("--include", "gen.yaml"), ("--amend", "--all")],
)
def test_commits_with_an_index_of_their_own(hooked, arguments):
    assert refused(hooked.commit(*arguments))


def test_a_commit_of_one_path_leaves_the_staged_rest_to_the_next(hooked):
    hooked.git("add", "gen.yaml")
    hooked.write("a.txt", "y\n")
    done = hooked.commit("a.txt")
    assert done.returncode == 0, done.stderr
    assert refused(hooked.commit())


def test_a_merge_with_a_conflict_is_looked_at_when_it_is_committed(hooked):
    hooked.git("checkout", "--quiet", "--", ".")
    hooked.git("checkout", "--quiet", "-b", "side")
    hooked.write("a.txt", "side\n")
    assert hooked.commit("--all").returncode == 0
    hooked.git("checkout", "--quiet", "-")
    hooked.write("a.txt", "main\n")
    assert hooked.commit("--all").returncode == 0
    merge = ["git", "merge", "--quiet", "side"]
    assert (
        subprocess.run(merge, cwd=hooked.path, capture_output=True, timeout=60, check=False).returncode != 0
    )
    hooked.write("a.txt", "both\n")
    hooked.write("gen.yaml")
    hooked.git("add", "--all")
    assert refused(hooked.commit())


def test_a_merge_that_git_commits_by_itself_is_looked_at(hooked):
    hooked.git("checkout", "--quiet", "--", ".")
    branch = hooked.git("symbolic-ref", "--short", "HEAD").strip()
    hooked.git("checkout", "--quiet", "-b", "side")
    hooked.write("gen.yaml")
    assert hooked.commit("--all", "--no-verify").returncode == 0
    hooked.git("checkout", "--quiet", branch)
    hooked.write("a.txt", "y\n")
    assert hooked.commit("--all").returncode == 0
    merge = ["git", "merge", "--no-edit", "side"]
    done = subprocess.run(merge, cwd=hooked.path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "the merge was refused" in done.stderr
    assert refused(hooked.commit())


@pytest.mark.parametrize("command", ["merge", "cherry-pick", "rebase"])
def test_what_no_hook_of_a_commit_saw_is_found_by_the_push(hooked, git, tmp_path, command):
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    hooked.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    hooked.git("checkout", "--quiet", "--", ".")
    hooked.git("push", "--quiet", "origin", "HEAD")
    branch = hooked.git("symbolic-ref", "--short", "HEAD").strip()
    hooked.git("checkout", "--quiet", "-b", "side")
    hooked.write("gen.yaml")
    assert hooked.commit("--all", "--no-verify").returncode == 0
    hooked.git("checkout", "--quiet", branch)
    hooked.write("a.txt", "y\n")
    assert hooked.commit("--all").returncode == 0
    if command == "rebase":
        hooked.git("checkout", "--quiet", "side")
        hooked.git("rebase", "--quiet", branch)
    else:
        hooked.git(command, *(["--no-edit", "--no-verify"] if command == "merge" else []), "side")
    push = ["git", "push", "--quiet", "origin", "HEAD"]
    done = subprocess.run(push, cwd=hooked.path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "the push was refused" in done.stderr
