"""`fluxsecrets edit`, with scripts in place of an editor."""

import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from starting import with_default

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  # rotate me
  password: hunter2-throwaway
  user: app
"""


class Editor:
    """A script in place of an editor, and what it saw: a file a run, with the path and the text."""

    def __init__(self, folder: Path, monkeypatch) -> None:
        self._folder = folder
        self._patch = monkeypatch
        self._log = folder / "log"
        self._log.mkdir(parents=True)

    def does(self, *steps: str, variable: str = "EDITOR") -> None:
        """Each run does the next step, the last one again and again: Python with `path` and `text`."""
        script = self._folder / "editor with blank.py"
        lines = [
            "import os, pathlib, signal, sys, time",
            "path = pathlib.Path(sys.argv[-1])",
            "text = path.read_bytes().decode()",
            f"log = pathlib.Path({str(self._log)!r})",
            "number = len(list(log.iterdir()))",
            "seen = log / f'{number:03}.partial'",
            "seen.write_text(f'{path}\\n{oct(path.stat().st_mode)}\\n{text}')",
            "seen.rename(log / f'{number:03}')",
            f"steps = {list(steps)!r}",
            "exec(steps[min(number, len(steps) - 1)])",
        ]
        script.write_text("\n".join(lines), encoding="utf-8")
        self._patch.setenv(variable, f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} --wait")

    def types(self, *replacements: tuple[str, str], variable: str = "EDITOR") -> None:
        """Each run replaces one text by another."""
        steps = [f"path.write_bytes(text.replace({old!r}, {new!r}).encode())" for old, new in replacements]
        self.does(*steps, variable=variable)

    @property
    def runs(self) -> list[str]:
        """The texts that were opened."""
        return [self._read(path).split("\n", 2)[2] for path in self._files()]

    @property
    def paths(self) -> list[Path]:
        return [Path(self._read(path).split("\n", 2)[0]) for path in self._files()]

    @property
    def modes(self) -> list[int]:
        return [int(self._read(path).split("\n", 2)[1], 8) for path in self._files()]

    def _files(self) -> list[Path]:
        return sorted(path for path in self._log.iterdir() if not path.suffix)

    def _read(self, path: Path) -> str:
        return path.read_text(encoding="utf-8")


@pytest.fixture
def editor(tmp_path, monkeypatch):
    made = Editor(tmp_path / "editor", monkeypatch)
    yield made
    left = [path for path in made.paths if path.parent.exists()]
    assert left == [], "plain text was left behind"


@pytest.fixture
def secret(folder, cli):
    folder.write("secret.yaml", SECRET)
    assert cli("encrypt", "secret.yaml").exit_code == 0
    return folder


def test_only_what_was_edited_gets_a_new_ciphertext(secret, cli, editor):
    before = secret.read("secret.yaml").decode().splitlines()
    editor.types(("hunter2-throwaway", "new-throwaway"))
    result = cli("edit", "secret.yaml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "secret.yaml: edited, 2 values encrypted\n"
    after = secret.read("secret.yaml").decode().splitlines()
    changed = [one.split(":")[0].strip() for one, other in zip(before, after, strict=True) if one != other]
    assert set(changed) <= {"password", "lastmodified", "mac"}
    assert "password" in changed
    assert cli("decrypt", "secret.yaml").stdout == SECRET.replace("hunter2", "new")


def test_the_plain_text_is_in_a_private_place_under_its_own_name(secret, cli, editor):
    editor.types(("app", "other"))
    cli("edit", "secret.yaml")
    (path,), (mode,), (text,) = editor.paths, editor.modes, editor.runs
    assert text == SECRET
    assert path.name == "secret.yaml"
    assert stat.S_IMODE(mode) == 0o600
    assert not path.is_relative_to(secret.path)
    assert not path.parent.exists()


def test_without_a_change_nothing_is_written(secret, cli, editor):
    before = secret.state("secret.yaml")
    editor.does("pass")
    result = cli("edit", "secret.yaml")
    assert (result.exit_code, result.stderr) == (0, "secret.yaml: nothing changed\n")
    assert secret.state("secret.yaml") == before


def test_sops_editor_comes_before_editor(secret, cli, editor, monkeypatch):
    editor.types(("app", "other"), variable="SOPS_EDITOR")
    monkeypatch.setenv("EDITOR", "false")
    assert cli("edit", "secret.yaml").exit_code == 0


def test_an_editor_that_replaces_the_file_is_fine(secret, cli, editor):
    editor.does("new = path.with_name('x'); new.write_text(text.replace('app', 'other')); new.replace(path)")
    assert cli("edit", "secret.yaml").exit_code == 0
    assert "user: other" in cli("decrypt", "secret.yaml").stdout


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("nothing-of-that-name", "names a program that was not found"),
        ("'", "is not a command"),
        (shlex.join([sys.executable, "-c", "raise SystemExit(3)"]), "failed with exit code 3"),
    ],
)
def test_an_editor_that_does_not_work_changes_nothing(secret, cli, monkeypatch, command, message):
    before = secret.files()
    monkeypatch.setenv("EDITOR", command)
    result = cli("edit", "secret.yaml")
    assert result.exit_code == 2
    assert message in result.stderr
    assert secret.files() == before


def test_a_text_that_was_saved_before_the_editor_crashed_is_kept_encrypted(secret, cli, editor):
    before = secret.files()
    editor.does("path.write_text(text.replace('app', 'hunter2-throwaway')); sys.exit(7)")
    result = cli("edit", "secret.yaml")
    assert result.exit_code == 2
    assert "failed with exit code 7" in result.stderr
    assert "your edited text is in secret.yaml.edited, encrypted as one value" in result.stderr
    assert secret.files().items() - before.items() == {
        ("secret.yaml.edited", secret.read("secret.yaml.edited"))
    }
    assert "user: hunter2-throwaway" in cli("decrypt", "secret.yaml.edited").stdout


def test_a_script_that_writes_the_same_text_again_loses_nothing(secret, cli, editor):
    editor.does("path.write_text('a: [hunter2-throwaway')")
    result = cli("edit", "secret.yaml")
    assert (result.exit_code, len(editor.runs)) == (2, 2)
    assert cli("decrypt", "secret.yaml.edited").stdout == "a: [hunter2-throwaway"


def test_without_any_editor(secret, cli, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = cli("edit", "secret.yaml")
    assert result.exit_code == 2
    assert "no editor was found" in result.stderr


def test_bad_syntax_opens_the_editor_again_with_the_message_on_top(secret, cli, editor):
    editor.types(("user: app", "user: [broken"), ("[broken", "mended"))
    result = cli("edit", "secret.yaml")
    assert result.exit_code == 0, result.stderr
    _, second = editor.runs
    message, _, rest = second.partition("apiVersion")
    assert "apiVersion" + rest == SECRET.replace("app", "[broken")
    assert message.startswith("#fluxsecrets: this can't be encrypted: line ")
    assert all(line.startswith("#fluxsecrets: ") for line in message.splitlines())
    assert cli("decrypt", "secret.yaml").stdout == SECRET.replace("app", "mended")


def test_the_message_names_the_line_as_the_editor_shows_it(secret, cli, editor):
    editor.types(("user: app", "password: twice"), ("password: twice", "user: app2"))
    assert cli("edit", "secret.yaml").exit_code == 0
    lines = editor.runs[1].splitlines()
    number = int(lines[0].split(": line ")[1].split(":")[0])
    assert lines[number - 1] == "  password: twice"


def test_giving_up_after_an_error_writes_nothing_and_says_so(secret, cli, editor):
    before = secret.files()
    editor.types(("user: app", "user: [hunter2-throwaway"), ("none", "none"))
    result = cli("edit", "secret.yaml")
    assert result.exit_code == 2
    assert len(editor.runs) == 2
    assert "the edited text was not kept" in result.stderr
    assert secret.files() == before
    assert not secret.leaks(result.stderr)


def test_going_back_to_the_original_after_an_error_is_no_change(secret, cli, editor):
    before = secret.files()
    editor.types(("app", "[x"), ("[x", "app"))
    result = cli("edit", "secret.yaml")
    assert (result.exit_code, result.stderr) == (0, "secret.yaml: nothing changed\n")
    assert secret.files() == before


def test_what_flux_could_not_apply_is_refused_like_bad_syntax(secret, cli, editor):
    editor.types(("name: db", "name: db\n  data: x"), ("\n  data: x", "\n  namespace: y"))
    assert cli("edit", "secret.yaml").exit_code == 0
    assert "Flux could not apply" in editor.runs[1]


def test_a_format_without_comments_asks_and_without_a_terminal_gives_up(folder, cli, editor):
    folder.write("a.json", '{"password": "hunter2-throwaway"}')
    assert cli("encrypt", "a.json").exit_code == 0
    before = folder.files()
    editor.types(("{", "["))
    result = cli("edit", "a.json")
    assert result.exit_code == 2
    assert len(editor.runs) == 1
    assert "not a JSON object" in result.stderr
    assert "your edited text is in a.json.edited, encrypted as one value" in result.stderr
    assert folder.files().items() - before.items() == {("a.json.edited", folder.read("a.json.edited"))}
    assert cli("decrypt", "a.json.edited").stdout == '["password": "hunter2-throwaway"}'


def test_a_script_that_makes_the_same_mistake_again_is_started_ten_times(secret, cli, editor):
    before = secret.files()
    editor.does("path.write_text(f'a: [hunter2-throwaway-{number}')")
    result = cli("edit", "secret.yaml")
    assert result.exit_code == 2
    assert len(editor.runs) == 10
    assert "the editor was started 10 times" in result.stderr
    assert "your edited text is in secret.yaml.edited, encrypted as one value" in result.stderr
    assert "hint: read it with `fluxsecrets decrypt secret.yaml.edited`, then delete it" in result.stderr
    assert not secret.leaks(result.stderr)
    kept = secret.read("secret.yaml.edited")
    assert secret.files().items() - before.items() == {("secret.yaml.edited", kept)}
    assert b"hunter2" not in kept
    assert cli("decrypt", "secret.yaml.edited").stdout == "a: [hunter2-throwaway-9"


def test_a_value_that_is_plain_text_now_is_mentioned(secret, cli, editor):
    editor.types(("  user: app", "other:\n  user: app"))
    result = cli("edit", "--allow-invalid", "secret.yaml")
    assert result.exit_code == 0
    assert "warning: secret.yaml: the value of other.user on line 9 is plain text now" in result.stderr


# New files


def test_a_new_file_starts_as_a_secret_and_is_encrypted_by_its_rule(folder, cli, editor):
    editor.types(("key: value", "password: hunter2-throwaway"))
    result = cli("edit", "db-password.yaml")
    assert (result.exit_code, result.stderr) == (0, "db-password.yaml: created, 1 value encrypted\n")
    assert "kind: Secret\nmetadata:\n  name: db-password\nstringData:\n" in editor.runs[0]
    assert not folder.leaks(folder.read("db-password.yaml"))
    assert cli("get", "db-password.yaml", "stringData.password").stdout == "hunter2-throwaway"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a.env", "KEY=value", "PASSWORD=hunter2-throwaway"),
        ("a.json", '"key": "value"', '"password": "hunter2-throwaway"'),
        ("a.ini", "key = value", "password = hunter2-throwaway"),
    ],
)
def test_new_files_of_other_formats(folder, cli, editor, name, old, new):
    editor.types((old, new))
    assert cli("edit", name).exit_code == 0
    assert old in editor.runs[0]
    assert new in cli("decrypt", name).stdout
    assert not folder.leaks(folder.read(name))


def test_a_rule_that_encrypts_other_keys_gets_no_secret_to_start_with(folder, cli, editor):
    folder.rules(f"creation_rules:\n  - age: {folder.recipient}\n    encrypted_regex: ^password$\n")
    editor.types(("key: value", "password: hunter2-throwaway"))
    assert cli("edit", "a.yaml").exit_code == 0
    assert editor.runs == ["key: value\n"]


def test_a_new_file_that_was_not_changed_is_not_made(folder, cli, editor):
    before = folder.files()
    editor.does("pass")
    result = cli("edit", "a.yaml")
    assert (result.exit_code, result.stderr) == (0, "a.yaml: nothing changed\n")
    assert folder.files() == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/a.yaml", "its folder does not exist"),
        (".", "it is a folder"),
        ("other/a.yaml", "no creation rule"),
    ],
)
def test_a_file_that_cannot_be_made_opens_no_editor(folder, cli, editor, name, message):
    (folder.path / "other").mkdir()
    folder.rules(f"creation_rules:\n  - path_regex: ^[^/]*$\n    age: {folder.recipient}\n")
    editor.does("pass")
    result = cli("edit", name)
    assert result.exit_code == 2
    assert message in result.stderr
    assert editor.runs == []


# What must not go wrong


def test_a_plain_file_a_stranger_and_a_read_only_file_open_no_editor(secret, cli, editor, act_as):
    editor.does("pass")
    secret.write("plain.yaml")
    assert "`fluxsecrets encrypt plain.yaml`" in cli("edit", "plain.yaml").stderr
    bob = act_as("bob").recipient
    act_as("alice")
    secret.rules(f"creation_rules:\n  - age: {bob}\n")
    assert "in the file, not in the rule" in cli("edit", "secret.yaml").stderr
    (secret.path / "secret.yaml").chmod(0o444)
    assert "read-only" in cli("edit", "secret.yaml", "--accept-recipients").stderr
    assert editor.runs == []


def test_a_file_that_was_changed_meanwhile_is_left_and_the_edited_text_kept_encrypted(secret, cli, editor):
    theirs = secret.read("secret.yaml") + b"# theirs\n"
    editor.does(
        f"p = pathlib.Path({str(secret.path / 'secret.yaml')!r}); p.write_bytes({theirs!r}); "
        "path.write_text(text.replace('hunter2', 'mine'))"
    )
    result = cli("edit", "secret.yaml")
    assert result.exit_code == 2
    assert secret.read("secret.yaml") == theirs
    assert "your edited text is in secret.edited.yaml, encrypted" in result.stderr
    assert "mine-throwaway" not in secret.read("secret.edited.yaml").decode()
    assert cli("get", "secret.edited.yaml", "stringData.password").stdout == "mine-throwaway"


def test_a_new_file_that_is_there_meanwhile_is_left(folder, cli, editor):
    editor.does(
        f"pathlib.Path({str(folder.path / 'a.env')!r}).write_text('theirs'); "
        "path.write_text('MINE=throwaway\\n')"
    )
    assert cli("edit", "a.env").exit_code == 2
    assert folder.read("a.env") == b"theirs"
    assert cli("get", "a.edited.env", "MINE").stdout == "throwaway"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])
def test_a_signal_ends_the_editor_and_leaves_nothing(secret, cli, editor, number):
    number = signal.Signals[number]
    before = secret.files()
    editor.does(
        "path.write_text('hunter2-throwaway'); (path.parent / '.swp').write_text(text); time.sleep(60)"
    )
    process = subprocess.Popen(
        with_default(number, cli.executable, "edit", "secret.yaml"),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        while not editor.paths:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert b"interrupted" in errors
    assert not editor.paths[0].parent.exists()
    assert secret.files() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no core dumps to switch off")
def test_the_editor_leaves_no_core_dump(secret, cli, editor, tmp_path):
    editor.does(
        "import resource; soft, hard = resource.getrlimit(resource.RLIMIT_CORE); "
        f"pathlib.Path({str(tmp_path / 'limit')!r}).write_text(str(soft))"
    )
    assert cli.process("edit", "secret.yaml").exit_code == 0
    assert (tmp_path / "limit").read_text(encoding="utf-8") == "0"


@pytest.mark.skipif(shutil.which("sops") is None, reason="sops is not on PATH: it is not asked to read it")
def test_sops_reads_what_was_edited(secret, cli, editor):
    editor.types(("user: app", "user: app\n  # more\n  more: |\n    a\n    b"))
    assert cli("edit", "secret.yaml").exit_code == 0
    command = ["sops", "decrypt", "--extract", '["stringData"]["more"]', "secret.yaml"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, b"a\nb\n"), done.stderr


class TestStdin:
    """`edit --stdin`: the text comes from a program, such as an editor's plug-in."""

    def test_only_what_was_edited_gets_a_new_ciphertext_and_no_file_holds_the_text(
        self, secret, cli, monkeypatch
    ):
        monkeypatch.setattr("fluxsecrets.ops.files.desk.private_directory", None)
        monkeypatch.setenv("EDITOR", "false")
        before = secret.read("secret.yaml").decode().splitlines()
        result = cli("edit", "--stdin", "secret.yaml", stdin=SECRET.replace("hunter2", "new").encode())
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == "secret.yaml: edited, 2 values encrypted\n"
        after = secret.read("secret.yaml").decode().splitlines()
        changed = [
            one.split(":")[0].strip() for one, other in zip(before, after, strict=True) if one != other
        ]
        assert "password" in changed
        assert set(changed) <= {"password", "lastmodified", "mac"}
        assert cli("decrypt", "secret.yaml").stdout == SECRET.replace("hunter2", "new")

    def test_the_same_text_changes_nothing(self, secret, cli):
        before = secret.state("secret.yaml")
        result = cli("edit", "--stdin", "secret.yaml", stdin=SECRET.encode())
        assert (result.exit_code, result.stderr) == (0, "secret.yaml: nothing changed\n")
        assert secret.state("secret.yaml") == before

    @pytest.mark.parametrize("text", ["", 'a: "b', "sops: {}\n", "[]\n"])
    def test_text_that_cannot_be_taken_is_an_error_and_nothing_is_written(self, secret, cli, text):
        before = secret.files()
        result = cli("edit", "--stdin", "secret.yaml", stdin=text.encode())
        assert result.exit_code == 2
        assert result.stderr.startswith("error: ")
        assert secret.files() == before

    def test_a_new_file_is_encrypted_by_its_rule(self, folder, cli):
        assert cli("edit", "--stdin", "new.yaml", stdin=SECRET.encode()).exit_code == 0
        assert not folder.leaks(folder.read("new.yaml"))
        assert cli("decrypt", "new.yaml").stdout == SECRET
