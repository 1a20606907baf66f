"""`fluxsecrets edit`, `set` and `unset` of SealedSecrets, with and without the controller's key."""

import shlex
import sys
from pathlib import Path

import pytest

from ciphertexts import WHOLE
from sealing import VECTORS, key_file

STRICT = (VECTORS / "sealed" / "strict.yaml").read_bytes()
CERT, KEY = ("--cert", "sealing.crt"), ("--private-key", "sealing.key")


@pytest.fixture
def sealing(folder, monkeypatch):
    """The folder with keys and a SealedSecret, and a script in place of an editor."""
    for name in ("sealing.crt", "sealing-new.crt", "sealing.key"):
        folder.write(name, key_file(name))
    folder.write("sealed.yaml", STRICT)

    def does(step):
        script = folder.write(
            "editor.py", f"import pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n{step}\n"
        )
        monkeypatch.setenv("EDITOR", shlex.join([sys.executable, str(script)]))

    folder.does = does
    return folder


def values(cli, path="sealed.yaml"):
    return cli("unseal", *KEY, path).stdout


def test_edit_with_the_key(sealing, cli):
    seen = sealing.path / "seen"
    sealing.does(
        f"pathlib.Path({str(seen)!r}).write_text(f'{{path}}\\n' + path.read_text())\n"
        "path.write_text(path.read_text().replace('password: s3cr3t', 'password: hunter2-throwaway'))"
    )
    result = cli("edit", *CERT, *KEY, "sealed.yaml")
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    assert "sealed.yaml: edited, 1 value sealed, 2 unchanged" in result.stderr
    place, _, text = seen.read_text().partition("\n")
    assert "password: s3cr3t\n" in text
    assert not Path(place).parent.exists()
    changed = [
        (old, new)
        for old, new in zip(STRICT.splitlines(), sealing.read("sealed.yaml").splitlines(), strict=True)
        if old != new
    ]
    assert [old[:14] for old, _ in changed] == [b"    password: "]
    assert "password: hunter2-throwaway" in values(cli)
    assert not sealing.leaks(sealing.read("sealed.yaml"), result.stdout, result.stderr)


def test_edit_without_the_key_reads_nothing_and_adds(sealing, cli):
    sealing.does(
        "text = path.read_text()\nassert 's3cr3t' not in text\n"
        "path.write_text(text.replace('encryptedData:', 'encryptedData:\\n    more: hunter2-throwaway'))"
    )
    result = cli("edit", *CERT, "sealed.yaml")
    assert "edited, 1 value sealed, 3 unchanged" in result.stderr
    assert "password: s3cr3t" in values(cli)
    assert "more: hunter2-throwaway" in values(cli)


def test_edit_that_would_leak_opens_again_and_leaves_the_file(sealing, cli):
    sealing.does("path.write_text(path.read_text().replace('kind: SealedSecret', 'kind: Secret'))")
    result = cli("edit", *CERT, *KEY, "sealed.yaml")
    assert result.exit_code == 2
    assert "would be plain text" in result.stderr
    assert sealing.read("sealed.yaml") == STRICT


def test_edit_says_that_a_certificate_is_missing_before_any_work(sealing, cli):
    sealing.does("raise SystemExit('the editor must not start')")
    result = cli("edit", *KEY, "sealed.yaml")
    assert (result.exit_code, "no certificate to seal for" in result.stderr) == (2, True)


def test_edit_does_not_overwrite_what_changed_meanwhile(sealing, cli):
    target = sealing.path / "sealed.yaml"
    sealing.does(
        "path.write_text(path.read_text().replace('s3cr3t', 'hunter2-throwaway'))\n"
        f"with open({str(target)!r}, 'a') as file: file.write('# meanwhile\\n')"
    )
    result = cli("edit", *CERT, *KEY, "sealed.yaml")
    assert (result.exit_code, "changed" in result.stderr) == (2, True), result.stderr
    assert sealing.read("sealed.yaml") == STRICT + b"# meanwhile\n"
    assert "hunter2-throwaway" in values(cli, "sealed.edited.yaml")
    assert not sealing.leaks(sealing.read("sealed.edited.yaml"))


def test_set_and_unset(sealing, cli):
    assert cli("set", *CERT, "sealed.yaml", "password", "--stdin", stdin=b"n3w\n").stderr.endswith(
        "sealed.yaml: password changed\n"
    )
    assert "tls.crt added" in cli("set", *CERT, "sealed.yaml", "spec.encryptedData.tls.crt", "x").stderr
    quoted = '["spec"]["encryptedData"]["a.b"]'
    sealing.write("value", bytes(range(256)))
    assert "a.b added" in cli("set", *CERT, "sealed.yaml", quoted, "--value-file", "value").stderr
    assert "raw removed" in cli("unset", "sealed.yaml", "raw").stderr
    shown = values(cli)
    for text in ("password: n3w", "tls.crt: x", "multi: |"):
        assert text in shown
    assert "raw:" not in shown
    # With the key it can tell that nothing changes.
    before = sealing.read("sealed.yaml")
    same = cli("set", *CERT, *KEY, "sealed.yaml", "password", "--stdin", stdin=b"n3w")
    assert "password unchanged" in same.stderr
    assert sealing.read("sealed.yaml") == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("set", *CERT, "sealed.yaml", "not allowed!", "x"), "is not allowed in a Secret"),
        (("set", *CERT, "sealed.yaml", '["metadata"]["name"]', "x"), "is not a value of a SealedSecret"),
        (("set", *CERT, "sealed.yaml", "a", "5", "--json"), "must be a string"),
        (
            ("set", *CERT, "sealed.yaml", "a", WHOLE),
            "ciphertext",
        ),
        (("set", *CERT, "--raw", "sealed.yaml", "a", "eA=="), "--raw and --plain are for Secrets"),
        (("set", *CERT, "plain.yaml", "a", "x"), "--cert and --private-key are for SealedSecrets"),
        (("edit", *KEY, "plain.yaml"), "--cert and --private-key are for SealedSecrets"),
        (("set", "sealed.yaml", "a", "x"), "no certificate to seal for"),
        (("set", *CERT, "two.yaml", "a", "x"), "choose one with --document N"),
        (("unset", "sealed.yaml", "missing"), "has no value 'missing'"),
    ],
)
def test_what_set_and_unset_refuse(sealing, cli, command, words):
    sealing.does("pass")
    sealing.write("plain.yaml", "kind: ConfigMap\n")
    sealing.write("two.yaml", STRICT + STRICT.replace(b"name: db", b"name: other"))
    before = sealing.files()
    result = cli(*command)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr
    assert sealing.files() == before
