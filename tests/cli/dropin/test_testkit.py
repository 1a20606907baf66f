"""The testkit through every way in: what a case expects holds for library, commands, editor and drop-in."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fluxsecrets
from fluxsecrets.errors import (
    DataKeyError,
    FormatError,
    IntegrityError,
    LimitError,
    MetadataError,
    NotEncryptedError,
)

KIT = Path(__file__).parents[3] / "testkit"
sys.path.insert(0, str(KIT))
try:
    import caselist
    import run as runner
finally:
    sys.path.remove(str(KIT))

CASES = json.loads((KIT / "cases.json").read_text(encoding="utf-8"))
DATA = [case for case in CASES if case["expect"] == "data"]
REFUSED = [case for case in CASES if case["expect"] != "data"]
ERRORS = {
    "no-key": DataKeyError,
    "value": IntegrityError,
    "mac": IntegrityError,
    "damaged": (FormatError, MetadataError, LimitError),
    "not-encrypted": NotEncryptedError,
}
EXITS = {"no-key": 128, "value": 25, "mac": 51}
"""Those that sops has for a class."""


def by_name(case):
    return case["name"]


@pytest.fixture
def given(environment, monkeypatch, tmp_path):
    """Makes a case's keys the user's, and copies its file into a folder of its own."""

    def given(case):
        keys = [(KIT / "keys" / f"{name}.agekey").read_text(encoding="utf-8") for name in case["keys"]]
        monkeypatch.setenv("SOPS_AGE_KEY", "\n".join(keys))
        path = tmp_path / Path(case["file"]).name
        path.write_bytes((KIT / case["file"]).read_bytes())
        monkeypatch.chdir(tmp_path)
        return path

    return given


@pytest.fixture
def desk(monkeypatch):
    """The texts that the editor was started for, in `edit` and in the drop-in; it changes nothing."""
    seen = []
    monkeypatch.setenv("EDITOR", shlex.quote(sys.executable))
    for module in ("fluxsecrets.cli.edit", "fluxsecrets.cli.dropin.edit"):
        monkeypatch.setattr(
            f"{module}.run_editor", lambda _editor, path, _env: seen.append(path.read_bytes())
        )
    return seen


def ways(cli, sops, path, kind):
    """Every way to print the data: its name, its exit code, and both streams."""
    output = "binary" if kind == "binary" else "json"
    flags, data = ("--input-type", kind, "--output-type", output), path.read_bytes()
    # `decrypt` refuses to print several documents as JSON.
    for way in ("decrypt", "decrypt -") if b"\n---\n" not in data else ():
        done = cli("decrypt", *flags, path if way == "decrypt" else "-", stdin=data)
        yield way, done.exit_code, done.stdout_bytes, done.stderr
    done = sops("decrypt", *flags, path)
    yield "sops decrypt", done.code, done.out, done.err
    done = sops("-d", *flags, path)
    yield "sops -d", done.code, done.out, done.err
    done = sops("decrypt", *flags, stdin=data)
    yield "sops decrypt < file", done.code, done.out, done.err


@pytest.mark.parametrize("case", DATA, ids=by_name)
def test_every_way_gives_the_expected_data(case, given, cli, sops, desk):
    path, kind, expected = given(case), case["format"], (KIT / case["data"]).read_bytes()
    encrypted = path.read_bytes()
    loaded = fluxsecrets.loads_all(encrypted, format=kind)
    wanted = [{"data": expected}] if kind == "binary" else json.loads(expected)
    assert runner.alike(wanted, [named(part) for part in loaded])
    for way, code, out, _ in ways(cli, sops, path, kind):
        assert (way, code) == (way, 0)
        assert runner.same(expected, out, kind), way
    plain = fluxsecrets.decrypt(encrypted, format=kind)
    edited = cli("edit", "--accept-recipients", "--input-type", kind, path)
    assert (edited.exit_code, edited.stderr.splitlines()[-1]) == (0, f"{path}: nothing changed")
    assert sops("edit", "--input-type", kind, path).code == 200
    assert desk == [plain, plain]
    assert path.read_bytes() == encrypted


@pytest.mark.parametrize("case", REFUSED, ids=by_name)
def test_no_way_gives_anything_of_a_refused_file(case, given, cli, sops, desk):
    path, kind = given(case), case["format"]
    encrypted = path.read_bytes()
    for read in (fluxsecrets.loads_all, fluxsecrets.decrypt):
        with pytest.raises(ERRORS[case["expect"]]) as caught:
            read(encrypted, format=kind)
        assert "throwaway" not in f"{caught.value!r}{caught.value.hint}"
    for way, code, out, said in ways(cli, sops, path, kind):
        wanted = EXITS.get(case["expect"], 1) if way.startswith("sops") else 2
        assert (way, code, out) == (way, wanted, b"")
        assert "throwaway" not in said
    for done in (
        cli("edit", "--accept-recipients", "--input-type", kind, path),
        cli("set", "--input-type", kind, path, "new", "x"),
        cli("rotate", "--accept-recipients", "--input-type", kind, path),
        cli("decrypt", "-i", "--input-type", kind, path),
        cli("exec-file", "--input-type", kind, path, "--", sys.executable, "-c", "open('ran', 'w')"),
    ):
        assert done.exit_code != 0
        assert "throwaway" not in done.stdout + done.stderr
    assert sops("edit", "--input-type", kind, path).code not in (0, 200)
    assert desk == []
    assert path.read_bytes() == encrypted
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="the command in here is POSIX's")
@pytest.mark.parametrize("name", ["yaml-types", "json", "dotenv", "ini", "binary-bytes"])
def test_a_command_gets_the_expected_data(name, given, cli):
    case = next(case for case in CASES if case["name"] == name)
    path = given(case)
    assert cli("exec-file", path, "--", "cp", "{}", "out").exit_code == 0
    assert Path("out").read_bytes() == fluxsecrets.decrypt(path.read_bytes(), format=case["format"])


def test_the_hook_lets_the_files_pass(environment, cli, repository_of_kit):
    done = cli("hook", "run", "pre-commit")
    assert (done.exit_code, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.fixture
def repository_of_kit(tmp_path, git, monkeypatch):
    """A repository in which every file that decrypts is staged."""
    git(tmp_path, "init", "--quiet")
    for case in DATA:
        shutil.copy(KIT / case["file"], tmp_path)
    git(tmp_path, "add", "--all")
    monkeypatch.chdir(tmp_path)


def test_our_own_scan_finds_the_tampered_files_alone(environment, cli, monkeypatch, tmp_path):
    """Keys are allowed by a comment in their files, and no expected data looks like a secret.

    In a copy, as others take it: this project's own settings allow what is in its testkit.
    """
    shutil.copytree(KIT, tmp_path / "testkit")
    monkeypatch.chdir(tmp_path / "testkit")
    found = json.loads(cli("scan", "--format", "json", ".").stdout)["findings"]
    assert {finding["rule"] for finding in found} == {"sops-plain-value"}
    assert {Path(finding["path"]).stem for finding in found} == {
        *("dotenv-added", "selectors-two", "value-cut-off", "value-not-base64", "value-plain")
    }


def test_the_index_names_every_file_and_no_other():
    assert [case["name"] for case in CASES] == [case.name for case in caselist.CASES]
    for folder, field in (("cases", "file"), ("expected", "data")):
        named_files = {KIT / case[field] for case in CASES if field in case}
        assert named_files == set((KIT / folder).iterdir())
    assert {case["expect"] for case in CASES} == {"data", *ERRORS}
    assert {case["format"] for case in CASES} == {"yaml", "json", "dotenv", "ini", "binary"}
    assert len(CASES) > 100


def test_real_sops_does_what_the_cases_say(real_sops):
    done = subprocess.run(
        [sys.executable, str(KIT / "make.py"), "--check"],
        capture_output=True,
        env={"PATH": f"{Path(real_sops).parent}{os.pathsep}{os.environ['PATH']}"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_the_runner_judges_exit_codes_and_output(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("print('{\"a\": 1}')")
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(wrong))}"
    assert runner.main([command, "--only", "yaml-small"]) == 1
    assert runner.main([command, "--only", "mac-removed"]) == 1
    wrong.write_text("import sys; print('throwaway'); sys.exit(51)")
    assert runner.main([command, "--only", "mac-removed"]) == 1
    wrong.write_text("import sys; sys.exit(51)")
    assert runner.main([command, "--only", "mac-removed", "--exit", "mac=51"]) == 0
    assert runner.main([command, "--only", "mac-removed", "--exit", "mac=1"]) == 1
    assert runner.main([command, "--only", "no-such-case"]) == 1
    expected = shlex.quote(str(KIT / "expected" / "yaml-small.json"))
    wrong.write_text(f"import json; print(json.dumps(json.load(open({expected!r}))[0]))")
    assert runner.main([command, "--only", "yaml-small"]) == 0


def named(part):
    """A document without the empty section that INI files start with."""
    return {key: value for key, value in part.items() if key != "DEFAULT" or value}
