"""What goes wrong, through every command that reads or changes an encrypted file.

Each run ends with an error that says what to do; the file is as it was, nothing stands beside it, and the
secret is nowhere.
"""

import errno
import os
import re
import shlex
import sys
import tempfile

import pytest

READING = (
    "decrypt secret.yaml",
    "decrypt --extract stringData.password secret.yaml",
    "decrypt --output-type json secret.yaml",
    "decrypt -o out.yaml secret.yaml",
    "get secret.yaml stringData.password",
    "exec-env secret.yaml -- PYTHON -c pass",
    "exec-file secret.yaml -- PYTHON -c pass {}",
)
CHANGING = (
    "decrypt -i secret.yaml",
    "set secret.yaml stringData.password new",
    "unset secret.yaml stringData.more",
    "edit secret.yaml",
    "rotate secret.yaml",
    "recipients sync secret.yaml",
)
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2-throwaway
  more: hunter2-throwaway-too
"""


@pytest.fixture
def encrypted(folder, cli, tmp_path, monkeypatch):
    """An encrypted file, a rule with one recipient more (so that sync has to do something), and an editor."""
    folder.write("secret.yaml", SECRET)
    assert cli("encrypt", "secret.yaml").exit_code == 0
    other = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
    folder.rules(f"creation_rules:\n  - age: [{folder.recipient}, {other}]\n")
    editor = tmp_path / "editor.py"
    editor.write_text("import sys\nopen(sys.argv[1], 'a').write('  added: x\\n')\n")
    monkeypatch.setenv("SOPS_EDITOR", f"{shlex.quote(sys.executable)} {shlex.quote(str(editor))}")
    return folder


@pytest.fixture
def refused(encrypted, cli):
    """Runs a command line that must fail and leave everything as it is; gives what it said."""

    def refused(line):
        before = encrypted.files()
        result = cli(*line.replace("PYTHON", sys.executable).split())
        assert result.exit_code == 2, line
        assert result.stderr.startswith("error: ") or "failed\n" in result.stdout
        assert "hint: " in result.stderr
        assert not encrypted.leaks(result.stdout_bytes, result.stderr)
        assert encrypted.files() == before
        return result.stderr

    return refused


def other_letter(match):
    return match[1] + ("B" if match[2] == "A" else "A")


DAMAGE = {
    "value": (
        r"(password: ENC\[AES256_GCM,data:)(.)",
        other_letter,
        "stringData.password cannot be decrypted",
    ),
    "mac": (r"(mac: ENC\[AES256_GCM,data:)(.)", other_letter, "the MAC itself was changed"),
    "lastmodified": (r'(lastmodified: ")\d{4}', r"\g<1>2001", "the MAC itself was changed"),
    "missing-mac": (r"\n *mac: [^\n]*", "", "no MAC"),
    "plain-value": (r"name: db", "name: other", "the MAC does not match"),
    "value-removed": (r"\n  more: [^\n]*", "", "the MAC does not match"),
    "in-plain-text": (r"password: [^\n]*", "password: hunter2-throwaway", "plain text"),
    "wrapped-key": (r"(BEGIN AGE ENCRYPTED FILE-----\n *)....", r"\1AAAA", "group 1"),
    "truncated": (r"\n *lastmodified:[\s\S]*", "\n", "lastmodified"),
    "conflict": (r"( *mac: [^\n]*\n)", r"<<<<<<< HEAD\n\1=======\n\1>>>>>>> b\n", "conflict markers"),
}


@pytest.mark.parametrize("case", DAMAGE)
@pytest.mark.parametrize("line", [*READING[3:6], *CHANGING])
def test_file_that_was_changed(case, line, encrypted, refused):
    pattern, new, said = DAMAGE[case]
    text = encrypted.read("secret.yaml").decode()
    damaged = re.sub(pattern, new, text, count=1)
    assert damaged != text
    encrypted.write("secret.yaml", damaged)
    assert said in refused(line)


@pytest.mark.parametrize("line", READING + CHANGING)
def test_identity_of_somebody_else(line, act_as, refused):
    act_as("bob")
    said = refused(line)
    assert "none of your identities can open this file" in said
    assert "group 1\n" in said
    assert "looked in: " in said


@pytest.mark.parametrize("line", [*READING, *CHANGING[:-1]])
def test_plain_file(line, encrypted, refused):
    encrypted.write("secret.yaml", SECRET)
    assert "not encrypted" in refused(line)


@pytest.mark.parametrize("line", READING + CHANGING)
def test_link_out_of_the_repository(line, encrypted, refused, git, tmp_path):
    git(encrypted.path, "init", "--quiet")
    outside = tmp_path / "outside.yaml"
    (encrypted.path / "secret.yaml").rename(outside)
    (encrypted.path / "secret.yaml").symlink_to(outside)
    before = outside.read_bytes()
    assert "leaves the repository" in refused(line)
    assert outside.read_bytes() == before


@pytest.mark.parametrize("line", CHANGING)
def test_read_only_file(line, encrypted, refused):
    (encrypted.path / "secret.yaml").chmod(0o444)
    said = refused(line)
    assert "the file is read-only" in said
    assert " -o" not in said, "most of these commands have no such option"


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "the file system is read-only")]
)
@pytest.mark.parametrize("line", [*CHANGING, "decrypt -o out.yaml secret.yaml"])
def test_disk_that_takes_no_more(number, said, line, encrypted, refused, monkeypatch, tmp_path):
    opened, folder, kept = os.open, encrypted.path, tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(kept))

    def full(path, flags, *args, **options):
        # This folder alone: what is edited is elsewhere.
        if flags & (os.O_WRONLY | os.O_RDWR) and (folder / path).is_relative_to(folder):
            raise OSError(number, os.strerror(number))
        return opened(path, flags, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        assert said in refused(line)
    # What somebody wrote in the editor is not lost: it is kept elsewhere, encrypted.
    found = list(kept.iterdir())
    assert len(found) == line.startswith("edit")
    assert all(b"ENC[" in path.read_bytes() and not encrypted.leaks(path.read_bytes()) for path in found)
