"""`fluxsecrets resolve`, after merges that git stopped."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from tests.report.test_json import problems

from sealing import VECTORS, key_file

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  # changed every month
  password: hunter2-throwaway
  user: app
  host: db.example
  token: t-throwaway
"""


class Branches:
    """A repository whose branches changed the same encrypted file."""

    name = "secret.yaml"

    def __init__(self, folder, cli, git):
        self.folder, self.cli, self._git = folder, cli, git

    def begin(self):
        self.git("init", "--quiet")
        self.write(SECRET)
        self.commit("base")
        self.git("branch", "feature")

    def stop_at_a_conflict(self):
        self.on_feature("feature: new password", ("hunter2", "theirs"), ("t-throw", "t2-throw"))
        self.change("main: another password", ("hunter2", "ours"), ("user: app", "user: admin"))
        assert self.try_git("merge", "feature") == 1
        assert b"<<<<<<< HEAD" in self.path.read_bytes()

    def as_in(self, place, make):
        """Copy the repository from a place; the first time make it, and keep it there."""
        if place.exists():
            shutil.copytree(place, self.folder.path, symlinks=True, dirs_exist_ok=True)
        else:
            make()
            shutil.copytree(self.folder.path, place, symlinks=True)

    @property
    def path(self):
        return self.folder.path / self.name

    def git(self, *args):
        return self._git(self.folder.path, *args)

    def try_git(self, *args):
        """Run git where it stops at a conflict, without an editor."""
        who = ("-c", "user.name=Test", "-c", "user.email=test@waddle.example", "-c", "core.editor=true")
        command = ["git", *who, *args]
        done = subprocess.run(command, cwd=self.folder.path, capture_output=True, timeout=60, check=False)
        return done.returncode

    def write(self, text):
        self.path.write_text(text)
        assert self.cli("encrypt", self.name).exit_code == 0

    def commit(self, message):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def edit(self, text):
        done = self.cli("edit", "--stdin", self.name, stdin=text.encode())
        assert done.exit_code == 0, done.stderr

    def change(self, message, *replacements):
        text = self.plain()
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        self.edit(text)
        self.commit(message)

    def on_feature(self, message, *replacements):
        self.git("checkout", "--quiet", "feature")
        self.change(message, *replacements)
        self.git("checkout", "--quiet", "main")

    def plain(self):
        done = self.cli("decrypt", self.name)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    def stages(self):
        return self.git("ls-files", "--unmerged", self.name).count("\n")

    def resolve(self, *args, **options):
        return self.cli("resolve", self.name, *args, **options)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The place of repositories that several tests begin with."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def branches(folder, cli, git, kept):
    branches = Branches(folder, cli, git)
    branches.as_in(kept / "branches", branches.begin)
    return branches


@pytest.fixture
def conflict(branches, kept):
    """Both sides changed the password, and each a value of its own; git wrote its markers."""
    branches.as_in(kept / "conflict", branches.stop_at_a_conflict)
    return branches


def merged(password):
    text = SECRET.replace("t-throw", "t2-throw").replace("user: app", "user: admin")
    return text.replace("hunter2", password)


def test_it_lists_the_conflicts_and_changes_nothing(conflict):
    before = conflict.path.read_bytes()
    done = conflict.resolve()
    assert done.exit_code == 1
    assert done.stdout.startswith("secret.yaml: 1 conflict\n  a merge is in progress\n")
    assert re.search(r"ours +[0-9a-f]{10} +main: another password \(main\)", done.stdout)
    assert re.search(r"theirs +[0-9a-f]{10} +feature: new password \(feature\)", done.stdout)
    assert "stringData.password" in done.stdout
    assert "str 9-16 " in done.stdout
    assert "fluxsecrets resolve secret.yaml --theirs stringData.password" in done.stdout
    assert "throwaway" not in done.stdout + done.stderr
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert conflict.path.read_bytes() == before


def test_the_list_has_no_control_characters_of_a_file_name(folder, cli, git):
    branches = Branches(folder, cli, git)
    branches.name = "a\u202e.yaml"
    branches.begin()
    branches.stop_at_a_conflict()
    result = branches.resolve()
    assert result.exit_code == 1
    assert "fluxsecrets resolve $'a\\xe2\\x80\\xae.yaml' --all-ours" in result.stdout
    assert "\u202e" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("options", "password"),
    [
        (("--ours", "stringData.password"), "ours"),
        (("--theirs", "stringData.password"), "theirs"),
        (("--base", "stringData.password"), "hunter2"),
        (("--theirs", "stringData"), "theirs"),
        (("--theirs", '["stringData"]["password"]'), "theirs"),
        (("--all-ours",), "ours"),
        (("--all-theirs",), "theirs"),
        (("--all-theirs", "--ours", "stringData.password"), "ours"),
    ],
)
def test_it_takes_a_side_and_merges_the_rest(conflict, options, password):
    done = conflict.resolve(*options)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "secret.yaml: resolved, 1 conflict" in done.stderr
    assert "run `git add secret.yaml`" in done.stderr
    assert conflict.plain() == merged(password)
    assert conflict.stages() == 3


def test_unchanged_values_keep_their_ciphertext(conflict):
    old = {line for line in conflict.git("show", "main:secret.yaml").splitlines() if "ENC[" in line}
    assert conflict.resolve("--all-ours").exit_code == 0
    kept = [line for line in conflict.path.read_text().splitlines() if line in old]
    assert [line.split(":")[0].strip() for line in kept if "#" not in line] == ["password", "user", "host"]


def test_add_stages_the_result(conflict):
    assert conflict.resolve("--all-ours", "--add").exit_code == 0
    assert conflict.stages() == 0
    assert conflict.git("show", ":secret.yaml").encode() == conflict.path.read_bytes()
    conflict.git("commit", "--quiet", "--no-edit")
    assert conflict.plain() == merged("ours")


def test_a_value_in_plain_text_is_said_to_be_one(branches):
    branches.on_feature("feature", ("name: db", "name: them"))
    branches.change("main", ("name: db", "name: us"))
    assert branches.try_git("merge", "feature") == 1
    assert re.search(r"metadata.name\n  ours     str 1-8 \w+, plain text\n", branches.resolve().stdout)
    assert branches.resolve("--theirs", "metadata.name").exit_code == 0
    assert branches.plain() == SECRET.replace("name: db", "name: them")


def test_json(conflict):
    done = conflict.resolve("--format", "json")
    assert done.exit_code == 1
    data = json.loads(done.stdout)
    assert problems(data) == []
    assert (data["outcome"], data["operation"]) == ("unresolved", "merge")
    assert data["theirs"]["subject"] == "feature: new password"
    (found,) = data["conflicts"]
    assert (found["key"], found["settled"]) == ("stringData.password", None)
    assert found["ours"]["kind"] == "str"
    assert found["ours"]["token"] != found["theirs"]["token"]
    assert "throwaway" not in done.stdout
    data = json.loads(conflict.resolve("--format", "json", "--all-theirs").stdout)
    assert (data["outcome"], data["conflicts"][0]["settled"]) == ("resolved", "theirs")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--ours", "stringData.user"), "'stringData.user' is not in conflict"),
        (("--ours", "stringData.password", "--theirs", "stringData.password"), "picked from two sides"),
        (("--all-ours", "--all-theirs"), "exclude each other"),
    ],
)
def test_what_it_refuses(conflict, options, words):
    before = conflict.path.read_bytes()
    done = conflict.resolve(*options)
    assert done.exit_code == 2
    assert words in done.stderr
    assert conflict.path.read_bytes() == before


def test_the_hint_for_a_key_that_is_not_in_conflict_can_be_run(conflict):
    done = conflict.resolve("--ours", "stringData.user")
    assert f"`fluxsecrets resolve {conflict.path.name}` lists the conflicts" in done.stderr


def test_a_file_that_is_not_there(conflict):
    conflict.path.unlink()
    done = conflict.resolve("--all-ours")
    assert done.exit_code == 2
    assert f"error: {conflict.path.name}: there is no such file" in done.stderr


class TestSources:
    """Where the two sides come from."""

    def test_markers_that_were_added_to_the_index(self, conflict):
        conflict.git("add", "secret.yaml")
        done = conflict.resolve("--all-theirs")
        assert done.exit_code == 0, done.stderr
        assert conflict.plain() == merged("theirs")

    def test_markers_that_were_committed(self, conflict):
        conflict.git("add", "secret.yaml")
        conflict.git("commit", "--quiet", "--no-edit")
        (conflict.folder.path / "other").write_text("later\n")
        conflict.commit("later")
        done = conflict.resolve()
        assert "the conflict was committed; the sides are the parents of that merge" in done.stdout
        assert conflict.resolve("--all-theirs").exit_code == 0
        assert conflict.plain() == merged("theirs")

    def test_a_clean_looking_merge_with_a_wrong_mac(self, conflict):
        text = conflict.path.read_text()
        ours = re.sub(r"<<<<<<< [^\n]*\n(.*?)=======\n.*?>>>>>>> [^\n]*\n", r"\1", text, flags=re.DOTALL)
        conflict.path.write_text(ours)
        conflict.commit("merged by hand")
        assert "MAC does not match" in conflict.cli("decrypt", "secret.yaml").stderr
        assert "fluxsecrets resolve secret.yaml" in conflict.cli("decrypt", "secret.yaml").stderr
        done = conflict.resolve()
        assert done.exit_code == 0, done.stdout
        assert "stringData.password: ours, resolved in the file" in done.stderr
        assert conflict.plain() == merged("ours")

    def test_a_rebase_says_whose_side_is_which(self, branches):
        branches.on_feature("feature: mine", ("hunter2", "mine"))
        branches.change("main: upstream", ("hunter2", "upstream"))
        branches.git("checkout", "--quiet", "feature")
        assert branches.try_git("rebase", "main") == 1
        done = branches.resolve()
        assert "a rebase is in progress: theirs is your commit, ours is what it is put on" in done.stdout
        assert re.search(r"ours .* main: upstream", done.stdout)
        assert re.search(r"theirs .* feature: mine", done.stdout)
        assert branches.resolve("--all-theirs", "--add").exit_code == 0
        assert branches.try_git("rebase", "--continue") == 0
        assert "mine-throwaway" in branches.plain()

    @pytest.mark.parametrize(
        ("command", "operation", "password"),
        [
            (("cherry-pick", "feature"), "cherry-pick", "theirs"),
            (("revert", "--no-edit", "HEAD~1"), "revert", "hunter2"),
        ],
    )
    def test_cherry_pick_and_revert(self, branches, command, operation, password):
        branches.on_feature("feature", ("hunter2", "theirs"))
        branches.change("one", ("hunter2", "one"))
        branches.change("two", ("one", "two"))
        assert branches.try_git(*command) == 1
        assert json.loads(branches.resolve("--format", "json").stdout)["operation"] == operation
        assert branches.resolve("--all-theirs").exit_code == 0
        assert f"{password}-throwaway" in branches.plain()

    def test_a_stash(self, branches):
        branches.edit(SECRET.replace("hunter2", "stashed"))
        assert branches.try_git("stash") == 0
        branches.change("main", ("hunter2", "main"))
        assert branches.try_git("stash", "pop") == 1
        assert json.loads(branches.resolve("--format", "json").stdout)["operation"] == "stash"
        assert branches.resolve("--all-theirs").exit_code == 0
        assert "stashed-throwaway" in branches.plain()

    def test_both_sides_added_the_file(self, branches):
        branches.name = "new.yaml"
        for branch, word in (("feature", "theirs"), ("main", "ours")):
            branches.git("checkout", "--quiet", branch)
            branches.write(SECRET.replace("hunter2", word))
            branches.commit(branch)
        assert branches.try_git("merge", "feature") == 1
        assert branches.resolve().exit_code == 1
        assert branches.resolve("--all-theirs").exit_code == 0
        assert "theirs-throwaway" in branches.plain()

    def test_in_a_linked_worktree_and_from_a_folder_below(self, branches, cli, monkeypatch):
        branches.on_feature("feature", ("hunter2", "theirs"))
        branches.change("main", ("hunter2", "ours"))
        branches.git("worktree", "add", "--quiet", "-b", "other", "../linked", "main")
        branches.folder.path = branches.folder.path.parent / "linked"
        assert branches.try_git("merge", "feature") == 1
        (branches.folder.path / "below").mkdir()
        monkeypatch.chdir(branches.folder.path / "below")
        assert cli("resolve", "../secret.yaml", "--all-theirs", "--add").exit_code == 0
        assert branches.stages() == 0
        assert "theirs-throwaway" in cli("decrypt", "../secret.yaml").stdout

    def test_a_side_that_deleted_the_file(self, branches):
        branches.git("checkout", "--quiet", "feature")
        branches.git("rm", "--quiet", "secret.yaml")
        branches.commit("gone")
        branches.git("checkout", "--quiet", "main")
        branches.change("main", ("hunter2", "ours"))
        assert branches.try_git("merge", "feature") == 1
        done = branches.resolve("--all-ours")
        assert done.exit_code == 2
        assert "theirs deleted the file" in done.stderr
        assert "`git rm secret.yaml`" in done.stderr

    def test_a_file_that_the_same_merge_merged_well_is_no_conflict(self, conflict, cli):
        conflict.folder.write("other.yaml", SECRET)
        assert cli("encrypt", "other.yaml").exit_code == 0
        conflict.git("add", "other.yaml")
        done = cli("resolve", "other.yaml")
        assert (done.exit_code, done.stderr) == (0, "other.yaml: no conflict\n")

    def test_no_conflict(self, branches):
        done = branches.resolve()
        assert (done.exit_code, done.stderr) == (0, "secret.yaml: no conflict\n")

    def test_markers_of_which_git_knows_nothing(self, branches):
        text = branches.path.read_text()
        branches.path.write_text(f"<<<<<<< a\n{text}=======\n{text}>>>>>>> b\n")
        branches.commit("pasted")
        done = branches.resolve()
        assert done.exit_code == 2
        assert "git does not have the two sides" in done.stderr

    def test_a_plain_file(self, branches):
        branches.name = "plain.yaml"
        for branch in ("feature", "main"):
            branches.git("checkout", "--quiet", branch)
            branches.path.write_text(f"a: {branch}\n")
            branches.commit(branch)
        assert branches.try_git("merge", "feature") == 1
        done = branches.resolve()
        assert done.exit_code == 2
        assert "not encrypted" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
class TestAtATerminal:
    """It asks for each conflict."""

    @pytest.fixture
    def asked(self, conflict):
        import pty

        def asked(*answers):
            """Answer the questions at a terminal; return the exit code, and what was on the screen."""
            ours, theirs = pty.openpty()
            command = [conflict.cli.executable, "resolve", conflict.name]
            with subprocess.Popen(
                command, cwd=conflict.folder.path, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
            ) as process:
                os.close(theirs)
                screen = b""
                waiting = list(answers)
                while True:
                    try:
                        chunk = os.read(ours, 2**16)
                    except OSError:  # the other end is closed
                        break
                    screen += chunk
                    if waiting and screen.rstrip(b" ").endswith(waiting[0][0].encode()):
                        os.write(ours, f"{waiting.pop(0)[1]}\n".encode())
            os.close(ours)
            return process.returncode, screen.decode().replace("\r\n", "\n")

        return asked

    QUESTION = "[q]uit:"

    def test_it_hides_values_and_takes_an_answer(self, conflict, asked):
        code, screen = asked((self.QUESTION, "t"))
        assert code == 0, screen
        assert "1/1  stringData.password\n  ours     str 9-16 " in screen
        assert "throwaway" not in screen
        assert "secret.yaml: resolved, 1 conflict\n  stringData.password: theirs\n" in screen
        assert conflict.plain() == merged("theirs")

    def test_it_shows_values_on_request(self, conflict, asked):
        code, screen = asked((self.QUESTION, "s"), (self.QUESTION, "b"))
        assert code == 0, screen
        assert (
            "  ours     ours-throwaway\n  theirs   theirs-throwaway\n  base     hunter2-throwaway\n" in screen
        )
        assert conflict.plain() == merged("hunter2")

    def test_it_takes_a_new_value_that_is_not_shown(self, conflict, asked):
        code, screen = asked(
            (self.QUESTION, "e"), ("new value:", "new-throwaway"), ("confirmation:", "new-throwaway")
        )
        assert code == 0, screen
        assert "stringData.password: a new value" in screen
        assert "throwaway" not in screen
        assert conflict.plain() == merged("new")

    def test_quitting_changes_nothing(self, conflict, asked):
        before = conflict.path.read_bytes()
        code, screen = asked((self.QUESTION, "q"))
        assert code == 1
        assert "nothing was changed" in screen
        assert conflict.path.read_bytes() == before


@pytest.mark.parametrize("merged_by", ["branches", "driver"])
def test_several_common_ancestors(merged_by, request):
    """Each branch merged the other one, with another outcome: git's base has conflict markers of its own."""
    branches = request.getfixturevalue(merged_by)
    branches.on_feature("feature", ("hunter2", "theirs"))
    branches.change("main", ("hunter2", "ours"))
    branches.git("branch", "main-1")
    branches.git("branch", "feature-1", "feature")
    for branch, other in (("main", "feature-1"), ("feature", "main-1")):
        branches.git("checkout", "--quiet", branch)
        assert branches.try_git("merge", other) == 1
        assert branches.resolve("--all-ours", "--add").exit_code == 0
        branches.git("commit", "--quiet", "--no-edit")
    branches.change("feature", ("t-throw", "t2-throw"))
    branches.git("checkout", "--quiet", "main")
    branches.change("main", ("user: app", "user: us"))
    assert branches.try_git("merge", "feature") == 1
    done = branches.resolve()
    assert done.exit_code == 1, done.stderr
    done = branches.resolve("--base", "stringData.password")
    assert "several common ancestors" in done.stderr
    assert branches.resolve("--theirs", "stringData.password").exit_code == 0
    text = SECRET.replace("hunter2", "theirs").replace("t-throw", "t2-throw").replace("user: app", "user: us")
    assert branches.plain() == text


def test_a_file_that_is_resolved_stays_and_can_be_added(conflict):
    assert conflict.resolve("--all-ours").exit_code == 0
    conflict.edit(merged("new"))
    before = conflict.path.read_bytes()
    done = conflict.resolve()
    assert done.exit_code == 0
    assert done.stderr == "secret.yaml: already resolved\n  hint: run `git add secret.yaml`\n"
    done = conflict.resolve("--add", "--format", "json")
    assert problems(json.loads(done.stdout)) == []
    assert conflict.stages() == 0
    assert conflict.path.read_bytes() == before
    assert conflict.plain() == merged("new")


class TestByHand:
    """What somebody did in the file before."""

    def test_a_conflict_that_was_resolved_counts(self, conflict):
        text = conflict.path.read_text()
        theirs = re.sub(
            r"<<<<<<< [^\n]*\n(?:(?!>>>>>>>).)*?=======\n(.*?)>>>>>>> [^\n]*\n",
            r"\1",
            text,
            count=1,
            flags=re.DOTALL,
        )
        theirs = theirs.replace(
            line_of(theirs, "user"), line_of(conflict.git("show", "main:secret.yaml"), "user")
        )
        conflict.path.write_text(theirs)
        done = conflict.resolve()
        assert done.exit_code == 0, done.stdout + done.stderr
        assert conflict.plain() == merged("theirs")

    @pytest.mark.parametrize(
        ("old", "new", "named"),
        [
            ("name: db", "name: other", "metadata.name"),
            ("  # ", "  # by hand\n  # ", "the comment on line 6"),
            ("\\n  host: [^\\n]*", "", "stringData.host"),
            ("host: ENC[^\\n]*", "host: hunter2-throwaway", "stringData.host"),
        ],
    )
    def test_other_changes_are_named_and_not_lost(self, conflict, old, new, named):
        text = conflict.path.read_text().replace("#ENC", "# ENC")
        changed = re.sub(old, new, text, count=1)
        assert changed != text
        conflict.path.write_text(changed)
        done = conflict.resolve("--all-ours")
        assert done.exit_code == 2, done.stderr
        assert f"changed: {named}\n" in done.stderr
        assert "throwaway" not in done.stderr
        assert conflict.path.read_text() == changed
        assert conflict.resolve("--all-ours", "--discard-changes").exit_code == 0
        assert conflict.plain() == merged("ours")

    @pytest.mark.parametrize("side", ["--ours", "--theirs", "--merge"])
    def test_a_file_that_git_checked_out_again_is_not_changed(self, conflict, side):
        conflict.git("checkout", side, "--", "secret.yaml")
        assert conflict.resolve("--all-theirs").exit_code == 0
        assert conflict.plain() == merged("theirs")

    @pytest.mark.parametrize("style", ["diff3", "zdiff3"])
    def test_other_styles_of_markers(self, conflict, style):
        conflict.git("checkout", f"--conflict={style}", "--", "secret.yaml")
        assert b"|||||||" in conflict.path.read_bytes()
        assert conflict.resolve("--all-theirs").exit_code == 0
        assert conflict.plain() == merged("theirs")


class TestHostile:
    """The other branch is somebody's who may write any file."""

    def test_a_wrong_mac_is_not_merged(self, branches):
        branches.git("checkout", "--quiet", "feature")
        branches.path.write_text(branches.path.read_text().replace("name: db", "name: evil"))
        branches.commit("moved")
        branches.git("checkout", "--quiet", "main")
        branches.change("main", ("hunter2", "ours"))
        branches.try_git("merge", "feature")
        before = branches.path.read_bytes()
        done = branches.resolve("--all-theirs")
        assert done.exit_code == 2
        assert "the version of the other branch: the MAC does not match" in done.stderr
        assert branches.path.read_bytes() == before

    def test_plain_text_of_a_side_is_not_merged(self, branches):
        branches.git("checkout", "--quiet", "feature")
        branches.path.write_text(SECRET)
        branches.commit("plain")
        branches.git("checkout", "--quiet", "main")
        branches.change("main", ("hunter2", "ours"))
        branches.try_git("merge", "feature")
        done = branches.resolve("--all-theirs")
        assert done.exit_code == 2
        assert "plain text is not merged" in done.stderr
        assert "throwaway" not in done.stderr


def test_a_kill_leaves_the_file_and_the_index(conflict, monkeypatch):
    before, index = conflict.path.read_bytes(), conflict.git("ls-files", "--stage")

    def killed(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("fluxsecrets.ops.merge.resolve.write_atomic", killed)
    conflict.resolve("--all-ours", "--add")
    assert conflict.path.read_bytes() == before
    assert conflict.git("ls-files", "--stage") == index


def test_no_plain_text_is_anywhere_in_the_repository(conflict, folder):
    assert conflict.resolve("--all-ours", "--add").exit_code == 0
    conflict.git("commit", "--quiet", "--no-edit")
    names = conflict.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)")
    for line in names.splitlines():
        name, kind = line.split()
        if kind == "blob":
            assert not folder.leaks(conflict.git("cat-file", "blob", name))
    files = (path for path in folder.path.rglob("*") if path.is_file())
    assert [path for path in files if folder.leaks(path.read_bytes())] == []


@pytest.mark.skipif(shutil.which("sops") is None, reason="sops is not on PATH: it is not asked to read it")
def test_sops_reads_the_result(conflict):
    assert conflict.resolve("--all-theirs").exit_code == 0
    done = subprocess.run(
        ["sops", "-d", "secret.yaml"], cwd=conflict.folder.path, capture_output=True, check=True
    )
    assert b"theirs-throwaway" in done.stdout


def test_git_mergetool(conflict, cli):
    tool = f'"{cli.executable}" resolve --all-theirs "$MERGED"'
    options = ("-c", "merge.tool=fluxsecrets", "-c", f"mergetool.fluxsecrets.cmd={tool}")
    more = ("-c", "mergetool.fluxsecrets.trustExitCode=true", "-c", "mergetool.keepBackup=false")
    assert conflict.try_git(*options, *more, "mergetool", "--no-prompt", "secret.yaml") == 0
    assert conflict.stages() == 0
    assert conflict.plain() == merged("theirs")


@pytest.fixture
def driver(branches):
    """The branches, in a clone with the merge driver."""
    command = f'"{branches.cli.executable}" merge-driver %O %A %B %L %P %S %X %Y'
    branches.git("config", "merge.fluxsecrets.driver", command)
    (branches.folder.path / ".git/info/attributes").write_text("*.yaml merge=fluxsecrets\n")
    return branches


class TestAfterTheDriver:
    """What the merge driver leaves."""

    @pytest.fixture
    def two(self, driver):
        driver.on_feature("feature", ("hunter2", "theirs"), ("user: app", "user: them"))
        driver.change("main", ("hunter2", "ours"), ("user: app", "user: us"))
        assert driver.try_git("merge", "feature") == 1
        assert driver.path.read_text().count("<<<<<<<") in (1, 2)
        return driver

    def test_one_conflict_after_the_other(self, two):
        done = two.resolve("--ours", "stringData.password")
        assert done.exit_code == 1
        assert "stringData.password: ours" in done.stdout
        assert "secret.yaml: 1 of 2 conflicts resolved, 1 left" in done.stderr
        text = two.path.read_text()
        assert text.count("<<<<<<<") == 1
        assert text.count("  password: ") == 1
        done = two.resolve("--theirs", "stringData.user")
        assert done.exit_code == 0
        assert "stringData.password: ours, resolved in the file" in done.stderr
        assert two.plain() == SECRET.replace("hunter2", "ours").replace("user: app", "user: them")

    def test_a_subject_cant_steer_a_terminal(self, driver):
        driver.on_feature("evil \x1b[31m >>>>>>> subject", ("hunter2", "theirs"), ("user: app", "user: them"))
        driver.change("main", ("hunter2", "ours"), ("user: app", "user: us"))
        driver.try_git("merge", "feature")
        done = driver.resolve("--ours", "stringData.password")
        assert "\x1b" not in done.stdout + done.stderr
        text = driver.path.read_text()
        assert "\x1b" not in text
        assert re.search(r"^>>>>>>> theirs [0-9a-f]{10} evil \[31m >>>>>>> subject$", text, re.MULTILINE)
        assert driver.resolve("--all-theirs").exit_code == 0

    def test_json_of_a_part(self, two):
        data = json.loads(two.resolve("--ours", "stringData.password", "--format", "json").stdout)
        assert problems(data) == []
        assert data["outcome"] == "partly resolved"
        assert [each["settled"] for each in data["conflicts"]] == ["ours", None]

    def test_without_an_identity_only_the_mac_is_left(self, driver, monkeypatch, act_as):
        driver.on_feature("feature", ("hunter2", "theirs"))
        driver.change("main", ("user: app", "user: us"))
        with monkeypatch.context() as patch:
            patch.delenv("SOPS_AGE_KEY_FILE")
            assert driver.try_git("merge", "feature") == 1
            done = driver.resolve()
            assert done.exit_code == 2
            assert "none of your identities can open this file" in done.stderr
        assert "mac: ENC" in driver.path.read_text().partition("<<<<<<<")[2]
        done = driver.resolve("--add")
        assert (done.exit_code, done.stdout) == (0, "")
        assert "secret.yaml: resolved, no conflict" in done.stderr
        assert driver.plain() == SECRET.replace("hunter2", "theirs").replace("user: app", "user: us")

    def test_a_refused_merge_is_merged_once_the_rules_are(self, driver, act_as):
        """The other branch admits bob, and gives the file a new data key; the rule came with the merge."""
        bob = act_as("bob").recipient
        alice = act_as("alice").recipient
        driver.git("checkout", "--quiet", "feature")
        driver.folder.rules(f"creation_rules:\n  - age: {alice},{bob}\n")
        assert driver.cli("recipients", "sync", "--all").exit_code == 0
        assert driver.cli("rotate", "secret.yaml").exit_code == 0
        driver.commit("bob")
        driver.git("checkout", "--quiet", "main")
        driver.change("main", ("hunter2", "ours"))
        driver.try_git("merge", "feature")
        done = driver.resolve("--add")
        assert done.exit_code == 0, done.stderr
        assert driver.plain() == SECRET.replace("hunter2", "ours")
        assert bob in driver.path.read_text()


def test_somebody_whom_no_rule_names_gets_no_new_value(driver, act_as):
    """An injected recipient would be handed the values of both sides."""
    mallory, alice = act_as("bob").recipient, act_as("alice").recipient
    driver.git("checkout", "--quiet", "feature")
    driver.folder.rules(f"creation_rules:\n  - age: {alice},{mallory}\n")
    assert driver.cli("recipients", "sync", "--all").exit_code == 0
    assert driver.cli("rotate", "secret.yaml").exit_code == 0
    driver.folder.rules(f"creation_rules:\n  - age: {alice}\n")
    driver.commit("only the file")
    driver.git("checkout", "--quiet", "main")
    driver.change("main", ("hunter2", "ours"))
    driver.try_git("merge", "feature")
    before = driver.path.read_bytes()
    done = driver.resolve("--all-ours")
    assert done.exit_code == 2
    assert "that the creation rule does not name" in done.stderr
    assert "then run `fluxsecrets resolve secret.yaml`" in done.stderr
    assert driver.path.read_bytes() == before


FORMATS = {
    "config.json": '{"stringData": {"password": "hunter2-throwaway", "user": "app"}}\n',
    ".env": "PASSWORD=hunter2-throwaway\nUSER_NAME=app\n",
    "config.ini": "[db]\npassword = hunter2-throwaway\nuser = app\n",
    "two.yaml": "".join(
        f"{mark}apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n"
        f"stringData:\n  password: {name}-hunter2-throwaway\n"
        for mark, name in (("", "one"), ("---\n", "two"))
    ),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_every_format(branches, name, side):
    branches.name = name
    branches.write(FORMATS[name])
    branches.commit(name)
    branches.git("branch", "--force", "feature")
    branches.on_feature("feature", ("hunter2", "theirs"))
    branches.change("main", ("hunter2", "ours"))
    assert branches.try_git("merge", "feature") == 1
    assert branches.resolve().exit_code == 1
    assert branches.resolve(f"--all-{side}").exit_code == 0
    assert branches.plain() == FORMATS[name].replace("hunter2", side)


def test_documents_are_named_by_number(branches):
    branches.name = "two.yaml"
    branches.write(FORMATS["two.yaml"])
    branches.commit("two")
    branches.git("branch", "--force", "feature")
    branches.on_feature("feature", ("hunter2", "theirs"))
    branches.change("main", ("hunter2", "ours"))
    branches.try_git("merge", "feature")
    done = branches.resolve("--ours", "stringData.password")
    assert done.exit_code == 2
    assert "name the document in front: 1:stringData.password" in done.stderr
    assert branches.resolve("--ours", "1:stringData.password", "--all-theirs").exit_code == 0
    text = FORMATS["two.yaml"]
    assert branches.plain() == text.replace("one-hunter2", "one-ours").replace("two-hunter2", "two-theirs")


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_binary_file_is_taken_as_a_whole(branches, side):
    branches.name = "key.bin"
    branches.path.write_bytes(b"hunter2-throwaway\0")
    assert branches.cli("encrypt", "key.bin").exit_code == 0
    branches.commit("binary")
    branches.git("branch", "--force", "feature")
    for branch, word in (("feature", "theirs"), ("main", "ours")):
        branches.git("checkout", "--quiet", branch)
        branches.edit(f"{word}-throwaway\0")
        branches.commit(branch)
    assert branches.try_git("merge", "feature") == 1
    done = branches.resolve()
    assert done.exit_code == 1
    assert branches.resolve(f"--all-{side}").exit_code == 0
    assert branches.plain() == f"{side}-throwaway\0"


HOOK = ("hook", "run", "pre-commit")
EVERYWHERE = (("decrypt", "{}"), ("encrypt", "--check"), ("status",), HOOK)
OTHERS = (
    ("get", "{}", "a"),
    ("set", "{}", "a", "b"),
    ("edit", "{}"),
    ("rotate", "{}"),
    ("encrypt", "{}"),
    ("explain", "{}"),
    ("audit",),
    ("scan",),
    ("recipients", "list"),
)
NAMES = ["secret.yaml", "secret.sops.json", "secret.sops.env", "secret.sops.ini", "secret.sops.bin"]


@pytest.mark.parametrize("around", ["ENC[", "mac"])
@pytest.mark.parametrize("name", NAMES)
def test_other_commands_refuse_a_file_with_markers_and_name_resolve(folder, cli, git, name, around):
    texts = {"secret.yaml": SECRET, "secret.sops.bin": "hunter2-throwaway\0"}
    texts |= {f"secret.sops.{each.rpartition('.')[2]}": text for each, text in FORMATS.items()}
    folder.write(name, texts[name])
    assert cli("encrypt", name).exit_code == 0
    text = folder.read(name).decode()
    line = next(line for line in text.splitlines(keepends=True) if around in line)
    marked = text.replace(line, f"<<<<<<< ours\n{line}=======\n{line}>>>>>>> theirs\n")
    folder.write(name, marked)
    git(folder.path, "init", "--quiet")
    git(folder.path, "add", "--all")
    everywhere = EVERYWHERE if around == "ENC[" else (HOOK,)
    for command in (*everywhere, *(OTHERS if name == "secret.yaml" and around == "ENC[" else ())):
        done = cli(*(word.format(name) for word in command))
        assert done.exit_code in (1, 2), command
        said = done.stdout + done.stderr
        assert f"fluxsecrets resolve {name}" in said, (command, said)
        assert folder.read(name).decode() == marked


class TestSealedSecret:
    """Its values are merged by key, without any key."""

    @pytest.fixture
    def sealed(self, branches, monkeypatch):
        monkeypatch.delenv("SOPS_AGE_KEY_FILE")
        branches.name = "sealed.yaml"
        branches.path.write_bytes((VECTORS / "sealed" / "strict.yaml").read_bytes())
        branches.folder.write("sealing.crt", key_file("sealing.crt"))
        branches.commit("sealed")
        branches.git("branch", "--force", "feature")
        for branch, more in (("feature", "theirs"), ("main", "ours")):
            branches.git("checkout", "--quiet", branch)
            for key in ("password", more):
                cli = branches.cli("set", "--cert", "sealing.crt", "sealed.yaml", key, f"{branch}-throwaway")
                assert cli.exit_code == 0, cli.stderr
            branches.commit(branch)
        assert branches.try_git("merge", "feature") == 1
        return branches

    def values(self, sealed):
        sealed.folder.write("sealing.key", key_file("sealing.key"))
        return sealed.cli("unseal", "--private-key", "sealing.key", "sealed.yaml").stdout

    def test_it_lists_and_takes_a_side(self, sealed):
        done = sealed.resolve()
        assert done.exit_code == 1
        assert "spec.encryptedData.password\n  ours     a sealed value\n" in done.stdout
        done = sealed.resolve("--theirs", "spec.encryptedData.password", "--add")
        assert done.exit_code == 0, done.stdout
        values = self.values(sealed)
        assert "password: feature-throwaway" in values
        assert "theirs: feature-throwaway" in values
        assert "ours: main-throwaway" in values

    def test_what_is_not_sealed_is_told_apart(self, branches):
        branches.name = "sealed.yaml"
        text = (VECTORS / "sealed" / "strict.yaml").read_text()
        for branch, word in (("feature", "theirs"), ("main", "ours")):
            branches.git("checkout", "--quiet", branch)
            branches.path.write_text(text.replace("metadata:\n", f"metadata:\n  labels:\n    a: {word}\n", 1))
            branches.commit(branch)
        assert branches.try_git("merge", "feature") == 1
        data = json.loads(branches.resolve("--format", "json").stdout)
        assert problems(data) == []
        found = {each["key"]: each["ours"] for each in data["conflicts"]}
        assert found["metadata.labels.a"]["encrypted"] is False
        assert found["metadata.labels.a"]["kind"] == "str"

    def test_other_commands_name_resolve(self, sealed):
        done = sealed.cli("unseal", "--validate", "sealed.yaml")
        assert "fluxsecrets resolve sealed.yaml" in done.stderr + done.stdout


def line_of(text, key):
    return next(line for line in text.splitlines() if line.strip().startswith(f"{key}:"))
