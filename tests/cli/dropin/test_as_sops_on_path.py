"""The drop-in under the name `sops`, first on PATH, called as other tools call it."""

import json
import shlex
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")


@pytest.fixture
def files(folder, sops):
    folder.write("values.yaml", "user: app\npassword: throwaway\nport: 5432\n")
    folder.write(".env", "USER_NAME=app\nPASSWORD=throwaway\n")
    folder.write("nested.yaml", "a:\n  b: throwaway\n")
    for name in ("values.yaml", ".env", "nested.yaml"):
        assert sops("-e", "-i", name).code == 0
    return folder


def test_helm_secrets_decrypts_into_another_file(files, on_path):
    done = on_path("sops --decrypt --input-type yaml --output-type yaml --output values.dec.yaml values.yaml")
    assert (done.code, done.out, done.err) == (0, b"", "")
    assert files.read("values.dec.yaml") == b"user: app\npassword: throwaway\nport: 5432\n"


def test_helm_secrets_takes_both_streams_for_the_content(files, on_path, identity):
    """It joins them, so that a run that went well may say nothing beside the content."""
    identity.path.chmod(0o644)  # which `fluxsecrets` would mention
    done = on_path("sops --decrypt --input-type yaml --output-type yaml values.yaml 2>&1")
    assert (done.code, done.out) == (0, b"user: app\npassword: throwaway\nport: 5432\n")
    json_file = on_path("sops --encrypt --input-type yaml --output-type json /dev/stdin 2>&1", b"a: x\n").out
    done = on_path("sops --decrypt --input-type json --output-type json /dev/stdin 2>&1", json_file)
    assert json.loads(done.out) == {"a": "x"}


def test_helm_secrets_and_editors_edit(files, on_path, editor):
    editor("path.write_text(path.read_text().replace('throwaway', 'changed'))")
    assert on_path("sops --input-type yaml --output-type yaml values.yaml").code == 0
    assert on_path("sops -d values.yaml").out == b"user: app\npassword: changed\nport: 5432\n"


def test_an_editors_plug_in_saves_through_an_editor_of_its_own(files, on_path, tmp_path):
    """Visual Studio Code's writes the file under a name of its own, and its new text by way of EDITOR."""
    copy, new, program = tmp_path / "0123456789abcdef", tmp_path / "new", tmp_path / "program"
    copy.write_bytes(files.read("values.yaml"))
    new.write_text("user: app\npassword: throwaway-2\n")
    program.write_text('#!/bin/sh\ncat "$NEW_TEXT" > "$1"\n')
    program.chmod(0o755)
    done = on_path(
        f"sops --output-type yaml --input-type yaml {copy}",
        env={"EDITOR": str(program), "NEW_TEXT": str(new)},
    )
    assert (done.code, done.err) == (0, "")
    assert on_path(f"sops --output-type yaml --input-type yaml --decrypt {copy}").out == new.read_bytes()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "sops --config other.rules --output-type yaml --encrypt plain.yaml",
            "no matching creation rules found",
        ),
        ("sops --config none.rules --encrypt plain.yaml", "config file not found, or has no creation rules"),
        ("sops -d plain.yaml", "sops metadata not found"),
        ("SOPS_AGE_KEY_FILE=nowhere sops -d values.yaml", "Failed to get the data key required to decrypt"),
        ("sops -e values.yaml", "contains a top-level entry called 'sops'"),
        ("sops -d tampered.yaml", "MAC mismatch"),
    ],
)
def test_words_that_tools_look_for_are_those_of_sops(files, on_path, command, words):
    files.write("plain.yaml", "a: throwaway\n")
    files.write("other.rules", f"creation_rules: [{{path_regex: ^x/, age: {files.recipient}}}]\n")
    files.write("none.rules", "stores: {}\n")
    text = files.read("values.yaml").decode().splitlines(keepends=True)
    files.write("tampered.yaml", "".join(line for line in text if not line.startswith("port")))
    done = on_path(command)
    assert done.code != 0
    assert words in done.err
    assert "throwaway" not in done.err


def test_ksops_and_terraform_read_json(files, on_path):
    done = on_path("sops -d --output-type json values.yaml")
    assert json.loads(done.out) == {"user": "app", "password": "throwaway", "port": 5432}


def test_standard_input_as_a_path(files, on_path):
    command = "sops --decrypt --input-type dotenv --output-type dotenv /dev/stdin"
    assert on_path(command, files.read(".env")).out == b"USER_NAME=app\nPASSWORD=throwaway\n"
    assert on_path(f"{command} < .env").out == b"USER_NAME=app\nPASSWORD=throwaway\n"
    extract = "cat values.yaml | sops decrypt --input-type yaml --output-type json --extract '[\"port\"]'"
    assert on_path(extract).out == b"5432"
    encrypt = "sops --encrypt --input-type yaml --output-type json /dev/stdin"
    assert json.loads(on_path(encrypt, b"a: throwaway\n").out)["a"].startswith("ENC[")


def test_git_textconv(files, on_path):
    assert on_path("sops decrypt values.yaml").out.startswith(b"user: app\n")


def test_output_that_nobody_reads_is_no_traceback(files, on_path):
    done = on_path("sops -d values.yaml | true")
    assert done.code == 0
    assert done.err == ""


def test_a_filestatus_loop(files, on_path):
    files.write("plain.yaml", "a: 1\n")
    done = on_path("for f in *.yaml; do sops filestatus $f; done")
    assert done.out.decode().split() == ['{"encrypted":true}', '{"encrypted":false}', '{"encrypted":true}']


def test_exec_env(files, on_path):
    done = on_path("sops exec-env values.yaml 'echo $user-$password-$port; exit 7'")
    assert (done.code, done.out) == (7, b"app-throwaway-5432\n")
    assert on_path("sops exec-env .env 'echo $PASSWORD'").out == b"throwaway\n"
    assert on_path("sops exec-env --same-process values.yaml 'echo $password'").out == b"throwaway\n"


def test_exec_env_pristine(files, on_path):
    done = on_path("sops exec-env --pristine values.yaml env", env={"OUTSIDE": "seen"})
    names = {line.partition(b"=")[0] for line in done.out.splitlines()}
    assert b"password" in names
    assert b"OUTSIDE" not in names


@pytest.mark.parametrize("flag", ["", "--no-fifo"])
def test_exec_file(files, on_path, flag):
    done = on_path(f"sops exec-file {flag} --output-type json values.yaml 'cat {{}}; exit 3'")
    assert done.code == 3
    assert json.loads(done.out)["password"] == "throwaway"


def test_exec_file_names_its_file(files, on_path):
    done = on_path("sops exec-file --no-fifo --filename config.yaml values.yaml 'echo {}'")
    assert Path(done.out.decode().strip()).name == "config.yaml"
    assert on_path("sops exec-file values.yaml 'echo {}'").out.strip().endswith(b"/tmp-file")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("exec-env values.yaml", 1),
        ("exec-env nested.yaml env", 1),
        ("exec-env nowhere.yaml env", 2),
        ("exec-env --background values.yaml env", 1),
        ("exec-env --user no-such-user values.yaml env", 1),
        ("exec-file values.yaml", 1),
        ("exec-file --filename ../x values.yaml 'cat {}'", 1),
        ("exec-env values.yaml no-such-command-anywhere", 127),
    ],
)
def test_commands_that_cannot_run(files, sops, capfdbinary, command, code):
    done = sops(*shlex.split(command))
    # What a command that was started all the same, or its shell, writes goes past us.
    started = capfdbinary.readouterr()
    assert done.code == code
    assert (done.out, started.out) == (b"", b"")
    assert "throwaway" not in done.err
    assert b"throwaway" not in started.err
    assert done.err or started.err


def test_exec_env_of_a_binary_file_gives_data(folder, sops, on_path):
    folder.write("f.txt", "throwaway")
    assert sops("-e", "-i", "f.txt").code == 0
    assert on_path("sops exec-env f.txt 'echo $data'").out == b"throwaway\n"


def test_the_real_sops_reads_what_it_wrote_and_the_other_way_round(folder, on_path, real_sops):
    folder.write("f.yaml", "# note\na: throwaway\nn: 1.50\n")
    assert on_path("sops -e f.yaml > ours.yaml").code == 0
    assert on_path(f"{real_sops} -e f.yaml > theirs.yaml").code == 0
    assert on_path(f"{real_sops} -d --output-type json ours.yaml").out == (
        on_path("sops -d --output-type json theirs.yaml").out
    )
