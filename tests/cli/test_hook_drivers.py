"""`hook install` sets up drivers and attributes, with real git, in all layouts; uninstall restores."""

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from tests.kills import killed_at

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="sh is not on PATH: no driver is started")

SETTINGS = ("merge.fluxsecrets.name", "merge.fluxsecrets.driver", "diff.fluxsecrets.textconv")
SECRETS = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
PROPOSALS = "*.proposed-*.yaml"


@pytest.fixture
def repository(encrypted_waddle, git):
    return lambda *args: git(encrypted_waddle, *args)


@pytest.fixture
def config(encrypted_waddle):
    return encrypted_waddle / ".git" / "config"


@pytest.fixture
def attributes(encrypted_waddle):
    return encrypted_waddle / ".gitattributes"


@pytest.fixture
def fake(tmp_path):
    """A fluxsecrets that writes down its arguments; as a driver it takes theirs."""
    folder = tmp_path / "it's 100% here"
    folder.mkdir()
    executable = folder / "fluxsecrets"
    executable.write_text(
        '#!/bin/sh\nfor each; do echo "<$each>"; done >> ran\n'
        '[ "$1" != -I ] || shift 3\n'
        'if [ "$1" = textconv ]; then echo masked; cksum < "$2"; else cat "$4" > "$3"; fi\n',
        encoding="utf-8",
    )
    executable.chmod(0o755)
    return executable


def point_to(git, executable):
    """Let the drivers start another executable, as `hook install` writes their commands."""
    from fluxsecrets.ops.hooks.drivers import MERGE, TEXTCONV, command_line
    from fluxsecrets.ops.hooks.launcher import Launcher

    launcher = Launcher(str(executable))
    git("config", "merge.fluxsecrets.driver", command_line(MERGE, launcher))
    git("config", "diff.fluxsecrets.textconv", command_line(TEXTCONV, launcher))


def two_branches(git, folder):
    """Both branches change the same file at different places; the second one is checked out."""
    text = (folder / SECRETS).read_text(encoding="utf-8")
    git("checkout", "--quiet", "-b", "other")
    (folder / SECRETS).write_text(text + "# theirs\n", encoding="utf-8")
    git("commit", "--quiet", "--all", "--no-verify", "--message", "theirs")
    git("checkout", "--quiet", "-b", "mine", "HEAD^")
    (folder / SECRETS).write_text("# ours\n" + text, encoding="utf-8")
    git("commit", "--quiet", "--all", "--no-verify", "--message", "ours")


def folders_without_it():
    """PATH without any fluxsecrets."""
    folders = os.environ["PATH"].split(os.pathsep)
    return [each for each in folders if not (Path(each) / "fluxsecrets").exists()]


def run(folder, *args):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Test", "-c", "user.email=test@waddle.example")
    return subprocess.run(
        ["git", *who, *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_install_sets_drivers_and_attributes_and_again_changes_nothing(cli, repository, config, attributes):
    done = cli("hook", "install")
    assert done.exit_code == 0, done.stderr
    assert "merge driver       installed   .git/config" in done.stdout
    assert "attributes         installed   .gitattributes" in done.stdout
    assert "commit .gitattributes" in done.stderr
    for setting in SETTINGS:
        assert "fluxsecrets" in repository("config", "--get", setting)
    assert "merge: fluxsecrets" in repository("check-attr", "merge", "--", SECRETS)
    assert "diff: fluxsecrets" in repository("check-attr", "diff", "--", SECRETS)
    assert "merge: unspecified" in repository("check-attr", "merge", "--", ".sops.yaml")
    before = config.read_bytes(), attributes.read_bytes(), config.stat().st_mtime_ns
    done = cli("hook", "install")
    assert done.stdout.count("unchanged") == 6
    assert (config.read_bytes(), attributes.read_bytes(), config.stat().st_mtime_ns) == before


def test_all_encrypted_files_are_covered_in_few_lines(cli, repository, attributes):
    cli("hook", "install", "drivers")
    assert len(attributes.read_text(encoding="utf-8").splitlines()) <= 12
    assert cli("hook", "status", "drivers").exit_code == 0


def test_only_what_is_named_is_installed(cli, repository, attributes, encrypted_waddle):
    assert cli("hook", "install", "drivers").exit_code == 0
    assert not (encrypted_waddle / ".git" / "hooks" / "pre-commit").exists()
    assert cli("hook", "uninstall").exit_code == 0
    assert cli("hook", "install", "pre-push").exit_code == 0
    assert not attributes.exists()


@pytest.mark.parametrize(
    "before",
    [
        None,
        "* text=auto\n*.png binary\n",
        "*.png binary",
        "*.png binary\r\n* text\r\n",
        "\ufeff*.png binary\n",
        "*.bad \udcff\n",
    ],
    ids=["no file", "usual", "without a line end", "CR LF", "BOM", "not UTF-8"],
)
def test_uninstall_restores_byte_for_byte(cli, repository, config, attributes, before):
    repository("config", "merge.mine.driver", "true")
    repository("config", "diff.fluxsecrets.binary", "true")  # somebody else's
    if before is not None:
        attributes.write_bytes(before.encode("utf-8", "surrogateescape"))
    state = config.read_bytes()
    assert cli("hook", "install").exit_code == 0
    assert "merge: fluxsecrets" in repository("check-attr", "merge", "--", SECRETS)
    done = cli("hook", "uninstall")
    assert done.stdout.count("removed") == 6
    assert config.read_bytes() == state
    if before is None:
        assert not attributes.exists()
    else:
        assert attributes.read_bytes() == before.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (".gitattributes", "secrets.yaml -diff", "diff is unset by .gitattributes:"),
        (".gitattributes", "*.yaml binary", "merge is unset by .gitattributes:"),
        (
            ".gitattributes",
            "[attr]crypt filter=git-crypt diff=git-crypt\n*.yaml crypt",
            "diff is git-crypt by",
        ),
        (".gitattributes", "*.yaml filter=lfs diff=lfs merge=lfs -text", "merge is lfs by .gitattributes:"),
        ("apps/.gitattributes", "*.yaml merge=union", "merge is union by apps/.gitattributes:1"),
        (".git/info/attributes", "*.yaml !merge", "merge is unspecified by .git/info/attributes:1"),
        (".gitattributes", "*.yaml eol=crlf", "git changes the line ends of"),
    ],
)
def test_attributes_of_the_user_win_and_are_named(cli, repository, encrypted_waddle, file, line, said):
    path = encrypted_waddle / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{line}\n", encoding="utf-8")
    assert cli("hook", "install", "drivers").exit_code == 0
    assert path.read_text(encoding="utf-8").endswith(f"{line}\n")
    done = cli("hook", "status", "drivers")
    assert done.exit_code == 1
    assert said in done.stderr


def test_a_new_encrypted_file_that_no_line_covers_is_named(cli, repository, attributes, encrypted_waddle):
    cli("hook", "install", "drivers")
    new = encrypted_waddle / "apps" / "new-thing.yaml"
    shutil.copy(encrypted_waddle / SECRETS, new)
    done = cli("hook", "status", "drivers")
    assert done.exit_code == 1
    assert "no pattern covers apps/new-thing.yaml" in done.stderr
    assert "`fluxsecrets hook install drivers`" in done.stderr
    assert "updated" in cli("hook", "install", "drivers").stdout
    assert "/apps/new-thing.yaml merge=fluxsecrets" in attributes.read_text(encoding="utf-8")
    assert cli("hook", "status", "drivers").exit_code == 0
    new.unlink()
    cli("hook", "install", "drivers")
    assert "new-thing" not in attributes.read_text(encoding="utf-8")


def test_a_new_proposal_needs_no_new_line(folder, cli, git):
    git(folder.path, "init", "--quiet")
    folder.write("web/db.sops.yaml", "a: 1\n")
    assert cli("hook", "install", "drivers").exit_code == 0
    before = (folder.path / ".gitattributes").read_bytes()
    folder.write("web/db.proposed-password.sops.yaml", "a: 1\n")
    folder.write("web/db.proposed-user.yaml", "a: null\n")
    assert "attributes     unchanged" in cli("hook", "install", "drivers").stdout
    assert (folder.path / ".gitattributes").read_bytes() == before
    assert before.splitlines()[-2].startswith(PROPOSALS.encode() + b" merge=fluxsecrets")


def test_secrets_that_are_still_plain_are_covered_as_they_will_be(folder, cli, git):
    git(folder.path, "init", "--quiet")
    folder.write("apps/db.sops.yaml", "a: 1\n")
    folder.write("apps/app.yaml", "a: 1\n")
    folder.write("web/secret.yaml")
    folder.write("web/broken.yaml", "kind: Secret\n  data: [\n")
    assert cli("hook", "install", "drivers").exit_code == 0
    lines = (folder.path / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert [line.partition(" ")[0] for line in lines[1:-1]] == ["?*.sops.yaml", "secret.yaml", PROPOSALS]


def test_a_fresh_clone_has_the_attributes_and_git_merges_as_text(
    cli, repository, encrypted_waddle, tmp_path, git, monkeypatch
):
    cli("hook", "install", "drivers")
    repository("add", ".gitattributes")
    repository("commit", "--quiet", "--no-verify", "--message", "attributes")
    git(tmp_path, "clone", "--quiet", str(encrypted_waddle), "clone")
    clone = tmp_path / "clone"
    monkeypatch.chdir(clone)
    done = cli("hook", "status", "drivers")
    assert done.exit_code == 1
    assert "merge driver: it is not set up in this clone: git merges encrypted files as text" in done.stderr
    assert "attributes     at work" in done.stdout
    two_branches(lambda *args: git(clone, *args), clone)
    done = run(clone, "merge", "--no-edit", "other")
    assert done.returncode == 0  # git says nothing of the missing driver
    text = (clone / SECRETS).read_text(encoding="utf-8")
    assert text.startswith("# ours\n")
    assert text.endswith("# theirs\n")
    assert cli("hook", "install", "drivers").exit_code == 0
    assert cli("hook", "status", "drivers").exit_code == 0


def test_git_starts_the_merge_driver(cli, repository, encrypted_waddle, fake):
    cli("hook", "install", "drivers")
    repository("add", ".gitattributes")
    repository("commit", "--quiet", "--message", "attributes")
    point_to(repository, fake)
    two_branches(repository, encrypted_waddle)
    done = run(encrypted_waddle, "merge", "--no-edit", "other")
    assert done.returncode == 0, done.stderr
    said = (encrypted_waddle / "ran").read_text(encoding="utf-8").splitlines()
    assert said[3] == "<merge-driver>"
    assert said[0] == "<-I>"
    assert said[7:9] == ["<7>", f"<{SECRETS}>"]


def test_git_starts_the_textconv(cli, repository, encrypted_waddle, fake):
    cli("hook", "install", "drivers")
    point_to(repository, fake)
    two_branches(repository, encrypted_waddle)
    done = run(encrypted_waddle, "diff", "other", "--", SECRETS)
    assert done.returncode == 0, done.stderr
    assert " masked" in done.stdout
    assert "ENC[" not in done.stdout


def test_where_the_interpreter_is_gone_fluxsecrets_on_path_is_started(
    cli, repository, encrypted_waddle, fake, monkeypatch
):
    cli("hook", "install", "drivers")
    point_to(repository, "/gone/python")
    done = cli("hook", "status", "drivers")
    assert done.exit_code == 1
    assert "the Python that it starts is gone" in done.stderr
    two_branches(repository, encrypted_waddle)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    assert " masked" in run(encrypted_waddle, "diff", "other", "--", SECRETS).stdout
    assert run(encrypted_waddle, "merge", "--no-edit", "other").returncode == 0


def test_without_any_fluxsecrets_a_merge_is_a_conflict_and_keeps_our_file(
    cli, repository, encrypted_waddle, monkeypatch
):
    cli("hook", "install", "drivers")
    point_to(repository, "/gone/python")
    two_branches(repository, encrypted_waddle)
    ours = (encrypted_waddle / SECRETS).read_bytes()
    monkeypatch.setenv("PATH", os.pathsep.join(folders_without_it()))
    done = run(encrypted_waddle, "merge", "--no-edit", "other")
    assert done.returncode != 0
    assert "fluxsecrets is not installed any more" in done.stderr
    assert (encrypted_waddle / SECRETS).read_bytes() == ours
    assert run(encrypted_waddle, "diff", "HEAD", "other", "--", SECRETS).returncode != 0


def test_a_fluxsecrets_in_the_work_tree_is_never_started(
    cli, repository, encrypted_waddle, fake, monkeypatch
):
    cli("hook", "install", "drivers")
    point_to(repository, "/gone/python")
    two_branches(repository, encrypted_waddle)
    shutil.copy(fake, encrypted_waddle / "fluxsecrets")
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", *folders_without_it()]))
    assert run(encrypted_waddle, "merge", "--no-edit", "other").returncode != 0
    assert not (encrypted_waddle / "ran").exists()


def test_a_command_that_somebody_changed_is_reported_and_put_right(cli, repository):
    cli("hook", "install", "drivers")
    repository("config", "diff.fluxsecrets.textconv", "cat")
    done = cli("hook", "status", "drivers")
    assert done.exit_code == 1
    assert "textconv: its command is not the one of `fluxsecrets hook install`" in done.stderr
    assert "textconv       updated" in cli("hook", "install", "drivers").stdout
    assert cli("hook", "status", "drivers").exit_code == 0


def test_linked_worktrees_share_the_drivers(cli, repository, git, tmp_path, monkeypatch):
    repository("config", "extensions.worktreeConfig", "true")
    repository("worktree", "add", "--quiet", str(tmp_path / "tree"))
    monkeypatch.chdir(tmp_path / "tree")
    assert cli("hook", "install").exit_code == 0
    assert cli("hook", "status").exit_code == 0
    assert "fluxsecrets" in repository("config", "--local", "--get", "merge.fluxsecrets.driver")
    assert (tmp_path / "tree" / ".gitattributes").exists()
    git(tmp_path / "tree", "config", "--worktree", "merge.fluxsecrets.driver", "true")
    done = cli("hook", "status", "drivers")
    assert done.exit_code == 1
    assert "another configuration sets merge.fluxsecrets.driver, too, and counts" in done.stderr


def test_a_submodule_has_its_own_drivers(cli, repository, encrypted_waddle, git, tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet", "super")
    outer = tmp_path / "super"
    git(
        outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(encrypted_waddle), "sub"
    )
    monkeypatch.chdir(outer / "sub")
    assert cli("hook", "install").exit_code == 0
    assert cli("hook", "status").exit_code == 0
    assert "fluxsecrets" in git(outer / "sub", "config", "--get", "merge.fluxsecrets.driver")
    assert "fluxsecrets" not in (outer / ".git" / "config").read_text(encoding="utf-8")
    assert cli("hook", "uninstall").exit_code == 0
    assert git(outer / "sub", "status", "--short") == ""


def test_a_bare_repository_has_its_attributes_beside_the_configuration(
    cli, repository, encrypted_waddle, git, tmp_path, monkeypatch
):
    git(tmp_path, "clone", "--quiet", "--bare", str(encrypted_waddle), "bare.git")
    bare = tmp_path / "bare.git"
    before = (bare / "config").read_bytes()
    monkeypatch.chdir(bare)
    done = cli("hook", "install")
    assert done.exit_code == 0, done.stderr
    assert "pre-commit" not in done.stdout
    assert "secrets.yaml merge=fluxsecrets" in (bare / "info" / "attributes").read_text(encoding="utf-8")
    assert cli("hook", "status").exit_code == 0
    assert cli("hook", "uninstall").exit_code == 0
    assert (bare / "config").read_bytes() == before
    assert not (bare / "info" / "attributes").exists()


def test_a_bare_repository_in_a_work_tree_is_not_configured(
    cli, repository, encrypted_waddle, git, monkeypatch
):
    git(encrypted_waddle, "init", "--quiet", "--bare", "nested")
    monkeypatch.chdir(encrypted_waddle / "nested")
    done = cli("hook", "install")
    assert done.exit_code == 2
    assert "fluxsecrets" not in (encrypted_waddle / "nested" / "config").read_text(encoding="utf-8")


def test_a_link_in_place_of_the_attributes_is_refused(cli, repository, attributes, tmp_path):
    if os.name == "nt":
        pytest.skip("links need rights on Windows")
    (tmp_path / "elsewhere").write_text("* text\n", encoding="utf-8")
    attributes.symlink_to(tmp_path / "elsewhere")
    done = cli("hook", "install", "drivers")
    assert done.exit_code == 2
    assert "which git does not read attributes from" in done.stderr
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "* text\n"


def test_without_encrypted_files_no_attributes_are_written(folder, cli, git):
    git(folder.path, "init", "--quiet")
    folder.write("a.yaml", "a: 1\n")
    done = cli("hook", "install", "drivers")
    assert done.exit_code == 0
    assert "there is no secret yet" in done.stderr
    assert not (folder.path / ".gitattributes").exists()


def test_values_that_both_branches_changed_are_merged_and_shown_masked(cli, repository, encrypted_waddle):
    """The drivers as they are installed, with everything that git starts."""
    cli("hook", "install")
    repository("add", ".gitattributes")
    repository("commit", "--quiet", "--message", "attributes")
    path = "apps/spicedb/overlays/staging/registry.json"
    branch = repository("symbolic-ref", "--short", "HEAD").strip()
    repository("checkout", "--quiet", "-b", "other")
    assert cli("set", path, "stringData.theirs", "--generate", "hex").exit_code == 0
    repository("commit", "--quiet", "--all", "--message", "theirs")
    repository("checkout", "--quiet", branch)
    assert cli("set", path, "stringData.ours", "--generate", "hex").exit_code == 0
    repository("commit", "--quiet", "--all", "--message", "ours")
    done = run(encrypted_waddle, "merge", "--no-edit", "other")
    assert done.returncode == 0, done.stdout + done.stderr
    merged = cli("decrypt", path)
    assert merged.exit_code == 0  # its MAC fits
    assert '"theirs"' in merged.stdout
    assert '"ours"' in merged.stdout
    shown = run(encrypted_waddle, "diff", "HEAD^", "--", path)
    assert shown.returncode == 0, shown.stderr
    assert "theirs" in shown.stdout
    assert "ENC[" not in shown.stdout


def test_a_bare_repository_merges_without_a_work_tree(
    cli, repository, encrypted_waddle, git, tmp_path, monkeypatch, fake
):
    two_branches(repository, encrypted_waddle)
    git(tmp_path, "clone", "--quiet", "--bare", str(encrypted_waddle), "bare.git")
    bare = tmp_path / "bare.git"
    monkeypatch.chdir(bare)
    assert cli("hook", "install").exit_code == 0
    point_to(lambda *args: git(bare, *args), fake)
    done = run(bare, "merge-tree", "--write-tree", "mine", "other")
    assert done.returncode == 0, done.stderr
    assert "<merge-driver>" in (bare / "ran").read_text(encoding="utf-8")


def test_worktrees_of_a_bare_repository(cli, repository, encrypted_waddle, git, tmp_path, monkeypatch):
    git(tmp_path, "clone", "--quiet", "--bare", str(encrypted_waddle), "project/.bare")
    git(tmp_path / "project" / ".bare", "worktree", "add", "--quiet", "../tree")
    monkeypatch.chdir(tmp_path / "project" / "tree")
    assert cli("hook", "install").exit_code == 0
    assert cli("hook", "status").exit_code == 0
    assert (tmp_path / "project" / ".bare" / "hooks" / "pre-merge-commit").exists()
    assert cli("doctor").exit_code == 0


def test_a_locked_configuration_is_told_and_nothing_is_half_done(cli, repository, config, attributes):
    lock = config.with_name("config.lock")
    lock.touch()
    done = cli("hook", "install", "drivers")
    assert done.exit_code == 2
    assert "configuration is locked by another git" in done.stderr
    assert not attributes.exists()
    lock.unlink()
    assert cli("hook", "install", "drivers").exit_code == 0


def test_a_kill_at_any_write_leaves_what_the_next_run_completes(encrypted_waddle, git, tmp_path):
    from fluxsecrets.ops.hooks.launcher import own_launcher
    from fluxsecrets.ops.hooks.setup import set_up_git, undo_set_up

    folder = tmp_path / "small"
    (folder / "apps").mkdir(parents=True)
    git(folder, "init", "--quiet")
    shutil.copy(encrypted_waddle / SECRETS, folder / "apps")
    config, attributes = folder / ".git" / "config", folder / ".gitattributes"
    attributes.write_text("*.png binary\n", encoding="utf-8")
    written = [config, attributes]
    names = ("pre-commit", "drivers")  # hooks are all written in the same way
    written.append(folder / ".git" / "hooks" / "pre-commit")
    before = _state(written)
    install = partial(set_up_git, launcher=own_launcher(), names=names)
    install(folder)
    after = _state(written)
    undo_set_up(folder)
    assert _state(written) == before
    steps = ((install, before, after), (partial(undo_set_up, names=names), after, before))
    for run_it, start, then in steps:
        _put_back(start)
        step = 0
        while killed_at(step, partial(run_it, folder)):
            for path in (config, attributes):  # whole, whatever happened
                assert path.read_text(encoding="utf-8").endswith("\n")
            run_it(folder)
            assert _state(written) == then, step
            _put_back(start)
            step += 1
        assert step > 2


def _state(paths):
    return {path: (path.read_bytes(), path.stat().st_mode) if path.exists() else None for path in paths}


def _put_back(state):
    for path, found in state.items():
        if found is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(found[0])
            path.chmod(found[1])


@pytest.mark.parametrize("command", [("hook", "status"), ("doctor",), ("hook", "install", "drivers")])
def test_no_program_that_the_configuration_names_is_started(cli, repository, encrypted_waddle, fake, command):
    """An archive may bring a `.git` folder with any configuration."""
    cli("hook", "install")
    point_to(repository, fake)
    cli(*command)
    assert not list(encrypted_waddle.rglob("ran"))


def test_a_python_without_fluxsecrets_is_noticed(cli, repository, tmp_path):
    cli("hook", "install", "drivers")
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n", encoding="utf-8")
    python.chmod(0o755)
    point_to(repository, python)
    done = cli("hook", "status", "drivers")
    assert done.exit_code == 1
    assert "the Python that it starts has no fluxsecrets" in done.stderr
    (tmp_path / "venv" / "lib" / "python3.12" / "site-packages" / "fluxsecrets-1.0.dist-info").mkdir(
        parents=True
    )
    assert cli("hook", "status", "drivers").exit_code == 0
