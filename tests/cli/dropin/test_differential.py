"""The same command line through real sops and through the drop-in: exit code and data must be the same.

What is encrypted is decrypted by real sops before it is compared, whoever wrote it. The drop-in is a process
of its own where the line has a redirection, edits or starts a command, and runs in this process else.
"""

import json
import os
import shlex
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from copies import Copies
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats import Limits, format_for_path, make_format

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="compares with a shell's means")

YAML = """\
# a note
a: throwaway
n: 5
hex: 0x1F
t: true
f: 1.50
nothing: null
day: 2026-01-02
empty: ""
list: [1, two]
map:
  k: throwaway v
  deep: {x: [y]}
b_unencrypted: seen
multi: |
  one
  two
"""
PLAIN = {
    "p.yaml": YAML,
    "p.json": '{"a": "throwaway", "n": 5, "f": 1.5, "l": [1, "x", null], "m": {"k": true}}',
    "p.env": "# note\nA=throwaway\nB=two words\nC=\n",
    "p.ini": "[s]\na = throwaway\nb = 2\n[t]\nc = x\n",
    "p.txt": "throwaway\nwithout any format\n",
    "two.yaml": "a: throwaway\n---\nb: other\n",
    "broken.yaml": "a: [throwaway\n",
    **dict.fromkeys(("empty.env", "empty.ini", "empty.json", "empty.txt"), ""),
    **dict.fromkeys(("map.yaml", "map.json"), "{}\n"),
    "value": '"from a file"',
}
TYPES = ("yaml", "json", "dotenv", "ini", "binary")

DECRYPT = [
    *(
        f"{command} e.{ending}"
        for command in ("-d", "decrypt")
        for ending in ("yaml", "json", "env", "ini", "txt")
    ),
    *(
        f"-d --output-type {kind} e.{ending}"
        for kind in TYPES
        for ending in ("yaml", "json", "env", "ini", "txt")
    ),
    *(
        f"decrypt --extract {shlex.quote(path)} --output-type {kind} e.yaml"
        for kind in ("yaml", "json", "binary", "dotenv")
        for path in ('["a"]', '["n"]', '["t"]', '["f"]', '["nothing"]', '["day"]', '["list"]', '["list"][1]')
    ),
    *(
        f"decrypt --extract {shlex.quote(path)} e.yaml"
        for path in ('["map"]', '["map"]["deep"]["x"][0]', '["zz"]', '["list"][9]', "a", '["a"', '["empty"]')
    ),
    "-d nowhere.yaml",
    "-d",
    "-d p.yaml",
    "decrypt p.yaml",
    "decrypt -i e.yaml",
    "decrypt -i --output x e.yaml",
    "decrypt --output out.yaml e.yaml",
    "decrypt e.yaml --output-type json",
    "decrypt -i e.yaml --output-type json",
    "-d e.yaml --output-type json",
    *(
        f"{flags} -d --output-type {kind} e.{ending}"
        for flags in ("--indent 2", "--config indented")
        for kind, ending in (("json", "yaml"), ("yaml", "json"), ("json", "json"), ("binary", "txt"))
    ),
    "decrypt --decryption-order age,age e.yaml",
    "decrypt --decryption-order pgp,age e.yaml",
    "-d --ignore-mac e.yaml",
    "decrypt --input-type yaml < e.yaml",
    "decrypt --filename-override x.json < e.json",
    "-d --input-type dotenv --output-type dotenv /dev/stdin < e.env",
    "decrypt -i < e.yaml",
    "decrypt two-enc.yaml",
    *(f"decrypt map-enc.{ending}" for ending in ("yaml", "json")),
    "-d broken.yaml",
    "-d tampered.yaml",
    "-d --ignore-mac tampered.yaml",
    "-d moved.yaml",
    "-d -i tampered.yaml",
    "-di e.yaml",
    "--nope e.yaml",
    "decrypt --nope e.yaml",
]
ENCRYPT = [
    *(
        f"{command} -i p.{ending}"
        for command in ("-e", "encrypt")
        for ending in ("yaml", "json", "env", "ini", "txt")
    ),
    "encrypt -i two.yaml",
    *(f"encrypt -i empty.{ending}" for ending in ("env", "ini", "json", "txt")),
    *(f"encrypt -i map.{ending}" for ending in ("yaml", "json")),
    "encrypt --output out.yaml p.yaml",
    "-e -i --encrypted-regex ^a$ p.yaml",
    "encrypt -i --unencrypted-suffix b p.yaml",
    "-e -i --encrypted-suffix a --mac-only-encrypted p.yaml",
    "encrypt -i --encrypted-regex a --encrypted-suffix b p.yaml",
    "encrypt e.yaml",
    "-e -i e.json",
    "encrypt broken.yaml",
    "encrypt nowhere.yaml",
    "encrypt",
    "encrypt -i",
    "encrypt -i --output x p.yaml",
    "-e",
    "-e --age nonsense p.yaml",
    "-e --output out.json --output-type json p.yaml",
    "encrypt --output out.yaml --output-type yaml p.json",
    "encrypt --output out.yaml --filename-override p.yaml < p.yaml",
    "--config nowhere.yaml encrypt p.yaml",
    "encrypt --kms x --encryption-context nonsense p.yaml",
    "encrypt -i empty.yaml",
    "-e -i -a AGE --age AGE p.yaml",
]
CHANGE = [
    """set e.yaml '["a"]' '"new"'""",
    """set e.yaml '["n"]' 7""",
    """set e.yaml '["new"]' '{"k": {"x": "y"}}'""",
    """set e.yaml '["list"][1]' '"x"'""",
    """set e.yaml '["n"]' 9223372036854775808""",
    """set e.yaml '["n"]' 1e400""",
    """set e.yaml '["list"][2]' '"appended"'""",
    """set e.yaml '["list"][9]' '"appended"'""",
    """set e.yaml '["a"]["below"]' '"x"'""",
    """set e.yaml '["map"]["deep"]' null""",
    """set e.json '["m"]["k"]' false""",
    """set e.env '["A"]' '"new"'""",
    """set e.ini '["s"]["a"]' '"new"'""",
    """set --value-file e.yaml '["a"]' value""",
    """set --value-stdin e.yaml '["a"]' < value""",
    """set --idempotent e.yaml '["a"]' '"throwaway"'""",
    """set --output-type json e.yaml '["a"]' '"x"'""",
    """set --ignore-mac tampered.yaml '["a"]' '"x"'""",
    """set tampered.yaml '["a"]' '"x"'""",
    """set e.yaml""",
    """set e.yaml a 1""",
    """set e.yaml '["a"]' throwaway""",
    """set nowhere.yaml '["a"]' 1""",
    """set p.yaml '["a"]' 1""",
    """set --value-file --value-stdin e.yaml '["a"]' 1""",
    """--set '["a"] "new one"' e.yaml""",
    """--set '["a"]' e.yaml""",
    """--set '["a"] throwaway' e.yaml""",
    """unset e.yaml '["a"]'""",
    """unset e.yaml '["list"][0]'""",
    """unset e.yaml '["map"]["deep"]["x"]'""",
    """unset e.json '["m"]'""",
    """unset e.env '["A"]'""",
    """unset e.ini '["s"]["a"]'""",
    """unset e.yaml '["zz"]'""",
    """unset --idempotent e.yaml '["zz"]'""",
    """unset e.yaml""",
    """unset e.yaml zz""",
    "rotate -i e.yaml",
    "rotate --output out.yaml e.yaml",
    "-r -i e.json",
    "-r -i --add-age BOB e.yaml",
    "rotate -i --rm-age BOB e.yaml",
    "rotate -i --add-age nonsense e.yaml",
    "rotate --output out.json --output-type json e.yaml",
    "rotate",
    "rotate nowhere.yaml",
    "-r nowhere.yaml",
    "-r --add-age BOB nowhere.yaml",
    "rotate --rm-age BOB nowhere.yaml",
    "rotate -i p.yaml",
    "rotate -i tampered.yaml",
    "-r -i --ignore-mac tampered.yaml",
    "groups add -i -f e.yaml --age BOB --shamir-secret-sharing-threshold 1 extra",
    "groups delete -i -f e.yaml",
    "groups delete -i -f nowhere.yaml 0",
    "updatekeys e.yaml",
    "updatekeys -y e.yaml",
    "updatekeys",
    "updatekeys nowhere.yaml",
    "updatekeys -y p.yaml",
    "--config bob-rules updatekeys -y e.yaml",
    "--config bob-rules updatekeys e.yaml < value",
    "--config no-match updatekeys -y e.yaml",
    "--config no-match encrypt p.yaml",
    "--config no-match -d e.yaml",
    "--config no-match -r e.yaml",
]
EDIT = [
    "edit e.yaml",
    "e.yaml",
    "edit e.json",
    "edit",
    "",
    "edit p.yaml",
    "edit unchanged.yaml",
    "new.yaml",
    "edit new.json",
]
OTHER = [
    "filestatus e.yaml",
    "filestatus p.yaml",
    "filestatus nowhere.yaml",
    "filestatus",
    "filestatus --input-type json e.json",
    "--version --disable-version-check",
    "exec-env e.env 'echo $A-$B; exit 4'",
    "exec-env --pristine e.env 'echo $A-$OUTSIDE'",
    "exec-env --same-process e.env 'echo $A'",
    "exec-env e.yaml env",
    "exec-env e.env",
    "exec-env nowhere.env env",
    "exec-env e.txt 'echo $data'",
    "exec-file e.yaml 'cat {} >/dev/null; exit 5'",
    "exec-file --no-fifo --output-type json e.env 'cat {}'",
    "exec-file --no-fifo --filename x.env e.env 'basename {}'",
    "exec-file e.yaml",
]


class Side:
    """One of the two, in a folder of its own."""

    def __init__(self, command, folder, recipients):
        self.command = command
        self.folder = folder
        self.recipients = recipients

    def run(self, line):
        for name, recipient in self.recipients.items():
            line = line.replace(name, recipient)
        return self._started(line)

    def _started(self, line):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{self.command} {line}"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr.decode()

    def files(self):
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir()) if path.is_file()}


class InThisProcess(Side):
    """The drop-in without a process of its own; its `command` takes the words of a line."""

    def _started(self, line):
        with chdir(self.folder):
            done = self.command(*shlex.split(line))
        return done.code, done.out, done.err


@pytest.fixture(scope="session")
def prepared(real_sops, tmp_path_factory):
    """A folder with plain and encrypted files, made by real sops once."""
    folder = tmp_path_factory.mktemp("prepared")
    keys = json.loads((Path(__file__).parents[2] / "vectors" / "keys" / "recipients.json").read_text())
    secret = Path(__file__).parents[2] / "vectors" / "keys" / "alice.agekey"
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "SOPS_AGE_KEY_FILE": str(secret)}
    for name, text in PLAIN.items():
        (folder / name).write_text(text)
    (folder / "empty.yaml").write_text("")
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - age: {keys['alice']}\n")
    (folder / "bob-rules").write_text(f"creation_rules:\n  - age: {keys['alice']},{keys['bob']}\n")
    (folder / "indented").write_text(
        "stores: {yaml: {indent: 3}, json: {indent: 1}, json_binary: {indent: 2}}\n"
        f"creation_rules:\n  - age: {keys['alice']}\n"
    )
    (folder / "no-match").write_text(f"creation_rules:\n  - path_regex: ^x/\n    age: {keys['alice']}\n")
    pairs = {f"e.{ending}": f"p.{ending}" for ending in ("yaml", "json", "env", "ini", "txt")}
    pairs |= {"two-enc.yaml": "two.yaml", "unchanged.yaml": "p.yaml"}
    pairs |= {f"map-enc.{ending}": f"map.{ending}" for ending in ("yaml", "json")}
    for name, source in pairs.items():
        command = [real_sops, "encrypt", "--output", name, source]
        subprocess.run(command, cwd=folder, env=environ, check=True, timeout=60)
    text = (folder / "e.yaml").read_text()
    (folder / "tampered.yaml").write_text(text.replace("b_unencrypted: seen", "b_unencrypted: changed"))
    lines = text.splitlines(keepends=True)
    first = next(index for index, line in enumerate(lines) if line.startswith("a: "))
    lines[first] = "renamed: " + lines[first].removeprefix("a: ")
    (folder / "moved.yaml").write_text("".join(lines))
    return Copies(folder), {"AGE": keys["alice"], "BOB": keys["bob"]}


@pytest.fixture
def compare(prepared, real_sops, sops, identity, on_path, tmp_path, monkeypatch):
    """Runs a line through both and compares; `data` says how standard output is to be read."""
    source, recipients = prepared
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import pathlib, sys\npath = pathlib.Path(sys.argv[1])\n"
        "if path.name.startswith('new'):\n"
        "    made = '{\"made\": \"throwaway\"}' if path.suffix == '.json' else 'made: throwaway\\n'\n"
        "    path.write_text(made)\n"
        "elif path.name != 'unchanged.yaml':\n"
        "    path.write_text(path.read_text().replace('throwaway', 'edited'))\n"
    )
    monkeypatch.setenv("SOPS_EDITOR", f"{shlex.quote(sys.executable)} {shlex.quote(str(editor))}")
    monkeypatch.setenv("SOPS_DISABLE_VERSION_CHECK", "1")
    monkeypatch.setenv("OUTSIDE", "seen")
    folders = [source.copy(tmp_path / name) for name in ("theirs", "ours")]
    peer, process = (
        Side(command, folder, recipients)
        for command, folder in zip((real_sops, "sops"), folders, strict=True)
    )
    here = InThisProcess(sops, folders[1], recipients)

    def plain(name, data):
        """What bytes stand for: data, whoever wrote them in whatever layout."""
        if b"sops" in data and b"ENC[" in data:
            target = tmp_path / f"compared-{name}"
            target.write_bytes(data)
            # A file may have got another format than its name says.
            kinds = ("json", "yaml", "dotenv", "ini") if data.startswith(b"{") else ("yaml", "dotenv", "ini")
            for kind in kinds:
                command = [real_sops, "decrypt", "--input-type", kind, "--output-type", kind, str(target)]
                done = subprocess.run(command, capture_output=True, timeout=60, check=False)
                if done.returncode == 0:
                    return "encrypted", _data(kind, done.stdout)
            command = [real_sops, "decrypt", "--input-type", "binary", str(target)]
            return "encrypted", subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
        return "plain", _data(format_for_path(name), data)

    def compare(line, *, kind="yaml", started=False):
        theirs, ours = peer.run(line), (process if started or "<" in line else here).run(line)
        assert ours[0] == theirs[0], f"{line}: {ours[2]} {theirs[2]}"
        if theirs[0] != 0 or "help" in line:
            assert ours[1] == b"" or "exec-" in line or "updatekeys" in line
        elif "updatekeys" not in line:
            assert plain(f"out.{kind}", ours[1]) == plain(f"out.{kind}", theirs[1]), line
        left, right = peer.files(), here.files()
        assert left.keys() == right.keys()
        for name in left:
            same = right[name] == left[name] or plain(name, right[name]) == plain(name, left[name])
            assert same, f"{line}: {name}"

    return compare


def _data(kind, data):
    try:
        document = make_format(kind).parse(data, Limits())
    except FluxsecretsError:
        return data
    parts = [to_data(part) for part in document.parts]
    # Known: sops writes INI's section without a name into other formats, even where it is empty.
    return repr(
        [{key: value for key, value in part.items() if (key, value) != ("DEFAULT", {})} for part in parts]
    )


@pytest.mark.parametrize("line", DECRYPT)
def test_decrypt(compare, line):
    kind = "txt" if "extract" in line and "map" not in line else "yaml"
    words = line.partition(" e.")
    for name in TYPES:
        # Behind the file the flag counts for subcommands only, and not where a switch stands in front.
        if f"--output-type {name}" in (words[0] if line.startswith("-") or " -i " in line else line):
            kind = {"binary": "txt", "dotenv": "env"}.get(name, name)
    compare(line, kind=kind)


@pytest.mark.parametrize("line", ENCRYPT)
def test_encrypt(compare, line):
    compare(line)


@pytest.mark.parametrize("line", CHANGE)
def test_change(compare, line):
    compare(line)


@pytest.mark.parametrize("line", EDIT)
def test_edit(compare, line):
    compare(line, started=True)


@pytest.mark.parametrize("line", OTHER)
def test_other(compare, line):
    compare(line, kind="txt" if "json" not in line else "json", started=True)
