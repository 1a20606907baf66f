"""The drop-in as the plug-ins of editors call sops: their arguments, what they read back, and exit codes.

What each plug-in does was read from its source; `docs/editors.md` names them.
"""

import json
import os
import shlex
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")

TEXT = b"# note\nuser: app\npassword: throwaway\n"
NEW = TEXT.replace(b"throwaway", b"changed")


@pytest.fixture
def file(folder, sops):
    folder.write("apps/values.yaml", TEXT)
    assert sops("-e", "-i", "apps/values.yaml").code == 0
    return folder


def lines_changed(before, after):
    old, new = before.splitlines(), after.splitlines()
    assert len(old) == len(new)
    return {one.split(b":")[0].strip() for one, other in zip(old, new, strict=True) if one != other}


def script(tmp_path, text):
    path = tmp_path / "with blank" / "editor.sh"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class TestSignageosVscodeSops:
    """signageos.signageos-vscode-sops: copies without a suffix, no rules, an editor that copies."""

    OPTIONS = "--config /dev/null --output-type yaml --input-type yaml"

    def test_it_reads(self, file, on_path, tmp_path):
        copy = tmp_path / "5f2b9c"
        copy.write_bytes(file.read("apps/values.yaml"))
        done = on_path(f"cd {file.path} && sops {self.OPTIONS} --decrypt {copy}")
        assert (done.code, done.out, done.err) == (0, TEXT, "")

    @pytest.mark.parametrize("text", [NEW, TEXT])
    def test_it_saves_and_ignores_the_exit_code(self, file, on_path, tmp_path, text):
        """It reads the copy after any end: unchanged text (exit code 200) must leave the copy whole."""
        copy, new = tmp_path / "5f2b9c", tmp_path / "8a6d31"
        copy.write_bytes(file.read("apps/values.yaml"))
        new.write_bytes(text)
        editor = script(tmp_path, "#!/bin/sh\ncat $VSCODE_SOPS_DECRYPTED_FILE_PATH > $1\n")
        renamed = editor.rename(tmp_path / "0c77ad")
        env = {"EDITOR": str(renamed), "VSCODE_SOPS_DECRYPTED_FILE_PATH": str(new)}
        done = on_path(f"cd {file.path} && sops {self.OPTIONS} {copy}", env=env)
        assert done.code == (0 if text == NEW else 200)
        assert on_path(f"sops {self.OPTIONS} --decrypt {copy}").out == text
        changed = lines_changed(file.read("apps/values.yaml"), copy.read_bytes())
        assert changed <= {b"password", b"lastmodified", b"mac"}

    def test_it_creates_with_the_second_of_two_configurations(self, file, on_path, tmp_path):
        work = tmp_path / "d1"
        (work / "apps").mkdir(parents=True)
        (work / ".sops.yaml").write_bytes(file.read(".sops.yaml"))
        (work / "apps" / "new.yaml").write_bytes(TEXT)
        done = on_path(
            f"cd {file.path} && sops --config /dev/null --config {work}/.sops.yaml"
            f" --output-type yaml --input-type yaml --encrypt {work}/apps/new.yaml"
        )
        assert (done.code, done.err) == (0, "")
        assert b"ENC[" in done.out
        assert b"throwaway" not in done.out


class TestSopsFs:
    """eh5.vscode-sops-fs: a mounted file; values by --set, the whole by an editor that is `cp 'FILE'`."""

    def test_it_reads_a_tree(self, file, on_path):
        done = on_path("sops --output-type json --decrypt apps/values.yaml")
        assert json.loads(done.out) == {"user": "app", "password": "throwaway"}

    def test_it_sets_a_value(self, file, on_path):
        done = on_path('sops --set \'["password"] "changed"\' apps/values.yaml')
        assert (done.code, done.err) == (0, "")
        assert on_path("sops --decrypt apps/values.yaml").out == NEW

    def test_it_writes_the_whole_and_takes_200_for_unchanged(self, file, on_path, tmp_path):
        new = tmp_path / "with blank"
        new.write_bytes(NEW)
        env = {"EDITOR": f"cp '{new}'"}
        assert on_path("sops apps/values.yaml", env=env).code == 0
        assert on_path("sops --decrypt apps/values.yaml").out == NEW
        assert on_path("sops apps/values.yaml", env=env).code == 200


class TestSimpleSopsEdit:
    """JetBrains: content on standard input, and an editor that reads the new text from it.

    It takes a line on standard output as the sign to send the text, and kills sops as soon as anything is on
    standard error: a save that goes well may not say a word there.
    """

    SIGN = "8aa203fd-ready"

    def test_it_reads(self, file, on_path):
        done = on_path(
            "cd apps && sops decrypt --filename-override values.yaml", file.read("apps/values.yaml")
        )
        assert (done.code, done.out, done.err) == (0, TEXT, "")

    def test_it_saves(self, file, on_path, tmp_path):
        editor = script(tmp_path, f'#!/usr/bin/env sh\nset -eu\nprintf "{self.SIGN}"\ncat - > "$1"\n')
        env = {**os.environ, "EDITOR": str(editor).replace(" ", "\\ ")}
        command = ["sops", "edit", "values.yaml"]
        before = file.read("apps/values.yaml")
        with subprocess.Popen(
            command,
            cwd=file.path / "apps",
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout.read(len(self.SIGN)) == self.SIGN.encode()
            out, err = process.communicate(NEW, timeout=60)
        assert (process.returncode, out, err) == (0, b"", b"")
        assert on_path("sops -d apps/values.yaml").out == NEW
        changed = lines_changed(before, file.read("apps/values.yaml"))
        assert b"password" in changed <= {b"password", b"lastmodified", b"mac"}

    def test_it_encrypts_a_plain_file(self, file, on_path):
        file.write("apps/new.yaml", TEXT)
        done = on_path("cd apps && sops encrypt --in-place new.yaml")
        assert (done.code, done.out, done.err) == (0, b"", "")
        assert b"ENC[" in file.read("apps/new.yaml")


class TestSopsNvim:
    """trixnz/sops.nvim: the file type as the format, and a script as SOPS_EDITOR."""

    def test_it_reads_and_saves(self, file, on_path, tmp_path):
        path = file.path / "apps" / "values.yaml"
        done = on_path(f"cd apps && sops --decrypt --input-type yaml --output-type yaml {path}")
        assert (done.code, done.out) == (0, TEXT)
        new = tmp_path / "new"
        new.write_bytes(NEW)
        editor = script(tmp_path, '#!/bin/sh\ncat "$SOPS_NVIM_TEMP_FILE" > "$1"\n')
        env = {"SOPS_EDITOR": shlex.quote(str(editor)), "SOPS_NVIM_TEMP_FILE": str(new)}
        done = on_path(f"cd apps && sops edit {path}", env=env)
        assert (done.code, done.err) == (0, "")
        assert on_path("sops -d apps/values.yaml").out == NEW

    def test_a_file_type_that_sops_does_not_know_is_no_format(self, file, on_path):
        """Editors call a .env file `sh` and a Secret `helm`."""
        file.write(".env", "A=throwaway\n")
        assert on_path("sops -e -i .env").code == 0
        assert on_path("sops --decrypt --input-type sh --output-type sh .env").out == b"A=throwaway\n"


@pytest.mark.parametrize(
    ("decrypt", "encrypt"),
    [
        ("sops --decrypt --in-place {}", "sops --encrypt --in-place {}"),  # lucidph3nx/nvim-sops
        ("sops --in-place --decrypt {}", "sops --in-place --encrypt {}"),  # ShipitSmarter.sops-edit
        ("sops -d {} > t && mv t {}", "sops --encrypt --in-place {}"),  # kabolt.vscode-sops-editor
    ],
)
def test_plug_ins_that_decrypt_the_file_itself(file, on_path, decrypt, encrypt):
    path = file.path / "apps" / "values.yaml"
    assert on_path(decrypt.format(path, path)).code == 0
    assert path.read_bytes() == TEXT
    assert on_path(encrypt.format(path)).code == 0
    assert on_path(f"sops -d {path}").out == TEXT
