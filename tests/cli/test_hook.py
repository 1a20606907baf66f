"""`hook install` and `uninstall`, with real git: what was there before still runs, and comes back."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="sh is not on PATH: hooks are not tried")

BEFORE = "#!/bin/sh\necho before >> ran\nexit ${BEFORE_CODE:-0}\n"


@pytest.fixture
def repository(folder, git):
    git(folder.path, "init", "--quiet")
    folder.git = lambda *args: git(folder.path, *args)
    folder.hook = lambda name="pre-commit": folder.path / ".git" / "hooks" / name
    return folder


@pytest.fixture
def fake(tmp_path):
    """A `fluxsecrets` that writes down how it was called, for hooks that are run; and how to run one."""
    folder = tmp_path / "it's here"
    folder.mkdir()
    executable = folder / "fluxsecrets"
    executable.write_text(
        # A hook of ours starts it as Python is started, one in the work tree as the executable.
        '#!/bin/sh\n[ "$1" != -I ] || shift 3\necho "ours $*" >> ran\ncat >> ran\nexit ${OUR_CODE:-0}\n',
        encoding="utf-8",
    )
    executable.chmod(0o755)
    return executable


def script(path, text=BEFORE):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def run(hook, folder, *args, stdin="", path=os.defpath, **environment):
    (folder / "ran").unlink(missing_ok=True)
    done = subprocess.run(
        ["sh", hook, *args],
        cwd=folder,
        env={"PATH": path, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    ran = folder / "ran"
    return done, ran.read_text(encoding="utf-8") if ran.exists() else ""


def point_to(hook, executable):
    """Make an installed hook run another executable."""
    from fluxsecrets.ops.hooks.launcher import Launcher
    from fluxsecrets.ops.hooks.own import own_script

    hook.write_text(own_script(hook.name, Launcher(str(executable))), encoding="utf-8")


def test_install_puts_the_hooks_into_place_and_uninstall_takes_them_away(repository, cli):
    result = cli("hook", "install")
    assert result.exit_code == 0, result.stderr
    assert "pre-commit         installed    .git/hooks/pre-commit" in result.stdout
    for name in ("pre-commit", "pre-merge-commit", "pre-push"):
        assert os.access(repository.hook(name), os.X_OK)
        assert f"hook run {name}" in repository.hook(name).read_text(encoding="utf-8")
    assert cli("hook", "uninstall").exit_code == 0
    assert not repository.hook().exists()
    assert not repository.hook("pre-push").exists()


def test_a_hook_that_was_changed_meanwhile_is_not_overwritten(repository, cli, monkeypatch):
    from fluxsecrets.ops.hooks import own

    assert cli("hook", "install", "pre-push").exit_code == 0
    hook = repository.hook("pre-push")
    hook.write_text(hook.read_text(encoding="utf-8") + "# old\n", encoding="utf-8")
    write_atomic = own.write_atomic

    def saved(path, *args, **kwargs):
        hook.write_text("#!/bin/sh\nmine\n", encoding="utf-8")
        write_atomic(path, *args, **kwargs)

    monkeypatch.setattr(own, "write_atomic", saved)
    assert "was changed while" in cli("hook", "install", "pre-push").stderr
    assert hook.read_text(encoding="utf-8") == "#!/bin/sh\nmine\n"


def test_install_compiles_the_patterns_for_which_the_first_commit_would_wait(
    repository, cli, monkeypatch, tmp_path
):
    asked = []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("fluxsecrets.scan.prepared.prepared_matcher", asked.append)
    monkeypatch.setattr("fluxsecrets.scan.cachefile.cache_folder", lambda environ: environ["XDG_CACHE_HOME"])
    assert cli("hook", "install").exit_code == 0
    assert asked == [str(tmp_path / "cache")]


def test_only_one_of_them(repository, cli):
    assert cli("hook", "install", "pre-push").exit_code == 0
    assert not repository.hook().exists()
    assert repository.hook("pre-push").exists()


def test_installing_again_changes_nothing(repository, cli):
    cli("hook", "install")
    before = repository.state(".git/hooks/pre-commit")
    result = cli("hook", "install")
    assert "pre-commit         unchanged" in result.stdout
    assert repository.state(".git/hooks/pre-commit") == before
    repository.hook().write_text(repository.hook().read_text(encoding="utf-8") + "# old\n", encoding="utf-8")
    assert "pre-commit         updated" in cli("hook", "install").stdout


def test_a_hook_from_before_runs_first_and_comes_back(repository, cli, fake):
    hook = script(repository.hook())
    assert "runs first" in cli("hook", "install").stderr
    point_to(hook, fake)
    done, ran = run(hook, repository.path)
    assert (done.returncode, ran) == (0, "before\nours hook run pre-commit\n")
    done, ran = run(hook, repository.path, BEFORE_CODE="3")
    assert (done.returncode, ran) == (3, "before\n")
    done, ran = run(hook, repository.path, OUR_CODE="1")
    assert done.returncode == 1
    assert cli("hook", "install").exit_code == 0  # again: it is not set aside twice
    assert "is back" in cli("hook", "uninstall").stderr
    assert hook.read_text(encoding="utf-8") == BEFORE
    assert os.access(hook, os.X_OK)
    assert sorted(path.name for path in hook.parent.iterdir() if path.suffix != ".sample") == ["pre-commit"]


def test_a_hook_that_git_would_not_run_is_kept_but_not_run(repository, cli, fake):
    hook = script(repository.hook())
    hook.chmod(0o644)
    cli("hook", "install")
    point_to(hook, fake)
    assert run(hook, repository.path)[1] == "ours hook run pre-commit\n"


@pytest.mark.parametrize("refs", ["refs/heads/main 1 refs/heads/main 2\n", "one\ntwo\n", ""])
def test_both_hooks_are_told_what_is_pushed(repository, cli, fake, refs):
    hook = script(repository.hook("pre-push"), '#!/bin/sh\necho before "$@" >> ran\ncat >> ran\n')
    cli("hook", "install")
    point_to(hook, fake)
    done, ran = run(hook, repository.path, "origin", "url", stdin=refs)
    assert done.returncode == 0
    assert ran == f"before origin url\n{refs}ours hook run pre-push origin url\n{refs}"
    assert run(hook, repository.path, "origin", stdin=refs, OUR_CODE="1")[0].returncode == 1
    hook.with_name("pre-push.before-fluxsecrets").unlink()
    assert run(hook, repository.path, "origin", stdin=refs)[1] == f"ours hook run pre-push origin\n{refs}"


def test_where_fluxsecrets_is_gone_the_commit_is_refused(repository, cli, fake):
    hook = repository.hook()
    cli("hook", "install")
    point_to(hook, "/nowhere/fluxsecrets")
    done, _ = run(hook, repository.path)
    assert done.returncode == 1
    assert "not installed any more" in done.stderr
    assert "rm " in done.stderr
    assert run(hook, repository.path, path=f"{fake.parent}:{os.defpath}")[1] == "ours hook run pre-commit\n"


def test_it_respects_core_hooks_path_in_git_s_own_folder(repository, cli):
    repository.git("config", "core.hooksPath", ".git/other")
    assert ".git/other/pre-commit" in cli("hook", "install").stdout
    assert not repository.hook().exists()


def test_a_folder_of_hooks_in_the_work_tree_gets_no_path_of_this_machine(repository, cli, fake):
    repository.git("config", "core.hooksPath", "githooks")
    hook = script(
        repository.path / "githooks" / "pre-commit", "#!/usr/bin/env bash\nset -e\necho before >> ran\n"
    )
    result = cli("hook", "install")
    assert "commit it for the others" in result.stderr
    text = hook.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n# >>> fluxsecrets")
    assert text.endswith("set -e\necho before >> ran\n")
    assert str(Path.home()) not in text
    assert cli.executable not in text
    _, ran = run(hook, repository.path, path=f"{fake.parent}:{os.defpath}")
    assert ran == "before\nours hook run pre-commit\n"  # what it may stage is checked
    assert run(hook, repository.path, path=f"{fake.parent}:{os.defpath}", OUR_CODE="1")[0].returncode == 1
    assert run(hook, repository.path)[0].returncode == 1
    assert "unchanged" in cli("hook", "install").stdout
    cli("hook", "uninstall")
    assert hook.read_text(encoding="utf-8") == "#!/usr/bin/env bash\nset -e\necho before >> ran\n"
    assert not (repository.path / "githooks" / "pre-push").exists()


@pytest.mark.parametrize(
    ("hooks_path", "text", "head"),
    [
        (".husky/_", "npx lint-staged\n", ""),
        (".husky", '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\nnpm test\n', "husky.sh"),
    ],
    ids=["husky 9", "husky 8"],
)
def test_husky(repository, cli, hooks_path, text, head):
    repository.git("config", "core.hooksPath", hooks_path)
    hook = script(repository.path / ".husky" / "pre-commit", text)
    assert ".husky/pre-commit" in cli("hook", "install").stdout
    before, _, after = hook.read_text(encoding="utf-8").partition("# >>> fluxsecrets")
    assert head in before
    assert after.endswith(text.splitlines(keepends=True)[-1])
    assert not (repository.path / hooks_path / "pre-commit").exists() or hooks_path == ".husky"
    merge = (repository.path / ".husky" / "pre-merge-commit").read_text(encoding="utf-8")
    assert "hook run pre-merge-commit" in merge
    cli("hook", "uninstall")
    assert hook.read_text(encoding="utf-8") == text


def test_what_follows_in_a_shared_hook_is_told_what_is_pushed_too(repository, cli, fake):
    repository.git("config", "core.hooksPath", "githooks")
    hook = script(repository.path / "githooks" / "pre-push", "#!/bin/sh\necho after >> ran\ncat >> ran\n")
    cli("hook", "install")
    refs = "refs/heads/main 1 refs/heads/main 2\n"
    _, ran = run(hook, repository.path, "origin", stdin=refs, path=f"{fake.parent}:{os.defpath}")
    assert ran == f"ours hook run pre-push origin\n{refs}after\n{refs}"


def test_a_hook_in_another_language_is_left_alone(repository, cli):
    repository.git("config", "core.hooksPath", "githooks")
    hook = script(repository.path / "githooks" / "pre-commit", "#!/usr/bin/env python3\nprint()\n")
    result = cli("hook", "install")
    assert result.exit_code == 2
    assert "not a shell script" in result.stderr
    assert "fluxsecrets hook run pre-commit" in result.stderr
    assert hook.read_text(encoding="utf-8") == "#!/usr/bin/env python3\nprint()\n"


def test_a_hook_that_runs_fluxsecrets_already_is_left_alone(repository, cli):
    hook = script(repository.hook(), "#!/bin/sh\nuv run fluxsecrets hook run pre-commit\n")
    assert "by itself" in cli("hook", "install", "pre-commit").stderr
    assert hook.read_text(encoding="utf-8").startswith("#!/bin/sh\nuv run")


def test_hooks_that_other_repositories_use_are_left_alone_unless_told(repository, cli, tmp_path):
    elsewhere = tmp_path / "hooks for all"
    repository.git("config", "core.hooksPath", str(elsewhere))
    result = cli("hook", "install")
    assert result.exit_code == 2
    assert "run in others too" in result.stderr
    assert "git config core.hooksPath" in result.stderr
    assert not elsewhere.exists()
    assert cli("hook", "install", "--everywhere").exit_code == 0
    assert (elsewhere / "pre-commit").exists()
    assert cli("hook", "uninstall").exit_code == 0
    assert not (elsewhere / "pre-commit").exists()


def test_a_worktree_has_the_hooks_of_its_repository(repository, cli, git, tmp_path, monkeypatch):
    repository.write("a")
    repository.git("add", "a")
    repository.git("commit", "--quiet", "--message", "a")
    repository.git("worktree", "add", "--quiet", str(tmp_path / "tree"))
    monkeypatch.chdir(tmp_path / "tree")
    assert cli("hook", "install").exit_code == 0
    assert repository.hook().exists()


def test_a_link_as_hook_is_set_aside_and_comes_back(repository, cli):
    if os.name == "nt":
        pytest.skip("links need rights on Windows")
    script(repository.path / "scripts" / "check.sh")
    repository.hook().parent.mkdir(exist_ok=True)
    repository.hook().symlink_to("../../scripts/check.sh")
    cli("hook", "install")
    assert not repository.hook().is_symlink()
    cli("hook", "uninstall")
    assert repository.hook().readlink() == Path("../../scripts/check.sh")


def test_uninstalling_what_is_not_there(repository, cli):
    hook = script(repository.hook())
    result = cli("hook", "uninstall")
    assert result.exit_code == 0
    assert "not installed" in result.stdout
    assert hook.read_text(encoding="utf-8") == BEFORE


def test_outside_of_a_repository(folder, cli):
    result = cli("hook", "install")
    assert result.exit_code == 2
    assert "no hooks" in result.stderr
