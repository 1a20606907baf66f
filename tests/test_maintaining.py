"""docs/maintaining.md is true: a run of each command takes its walk, and each room has its line."""

import ast
import re
import sys
import threading
from pathlib import Path

import pytest

from fluxsecrets import __file__ as package
from fluxsecrets.cli import dispatch
from fluxsecrets.mcp import calls
from livecluster import live_kustomization, live_secret, write_dump

PROJECT = Path(__file__).parents[1]
SOURCE = Path(package).parent
PAGE = (PROJECT / "docs" / "maintaining.md").read_text(encoding="utf-8")

_PLACE = re.compile(r"`(?P<file>[\w/]+\.py):(?P<function>[\w.]+)`")
_PATH = re.compile(r"`(?P<path>(?:src|tests|docs|benchmarks|scripts|examples)/[\w./-]+)`")
_WALK = re.compile(
    r"^### (?P<title>.+)\n\n`fluxsecrets (?P<command>[^`]+)`\n\n(?P<steps>(?:\d+\. .*\n(?: +.*\n)*)+)",
    re.MULTILINE,
)
_ROOM = re.compile(r"^\| `(?P<room>[\w/]+)` \|", re.MULTILINE)

WALKS = {match["title"]: match for match in _WALK.finditer(PAGE)}


def functions(path):
    """The functions of a module, methods as `Class.method`."""

    def names(node, prefix=""):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                yield from names(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.FunctionDef):
                yield prefix + child.name

    return set(names(ast.parse(path.read_text(encoding="utf-8"))))


def called(arguments):
    """Exit code of a command line, and the order of the first calls of our functions: (file, function)."""
    codes = {}

    def note(frame, event, _):
        if event == "call":  # of any function: what it is called and where it is are asked at the end
            codes.setdefault(id(frame.f_code), frame.f_code)

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        code = dispatch.dispatch(arguments)
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
    seen = {}
    for number, each in enumerate(codes.values()):
        if each.co_filename.startswith(str(SOURCE)):
            path = Path(each.co_filename).relative_to(SOURCE).as_posix()
            seen.setdefault((path, each.co_qualname), number)
    return code, seen


def test_the_page_has_fifteen_walks():
    assert len(WALKS) == 15
    for walk in WALKS.values():
        numbers = re.findall(r"^(\d+)\. `", walk["steps"], re.MULTILINE)
        assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
        assert 8 <= len(numbers) <= 14


def test_each_function_exists():
    known = {}
    for place in _PLACE.finditer(PAGE):
        path = SOURCE / place["file"]
        assert path.is_file(), place[0]
        assert place["function"] in known.setdefault(path, functions(path)), place[0]


def test_each_path_exists():
    found = {match["path"] for match in _PATH.finditer(PAGE) if "NEW" not in match["path"]}
    assert sorted(path for path in found if not (PROJECT / path).exists()) == []


def test_each_room_has_its_line():
    packages = {path.parent.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("__init__.py")}
    rooms = {path for path in packages if re.fullmatch(r"(ops/|repo/)?\w+", path)}
    assert sorted(match["room"] for match in _ROOM.finditer(PAGE)) == sorted(rooms)


DATABASE = "apps/cloudnative-pg/overlays/staging/secrets.yaml"


@pytest.fixture
def changed(waddle, cli):
    """The encrypted file with a new value for a key."""

    def changed(key):
        before = (waddle / DATABASE).read_bytes()
        assert cli("set", DATABASE, f"stringData.{key}", "throwaway").exit_code == 0
        found = (waddle / DATABASE).read_bytes()
        (waddle / DATABASE).write_bytes(before)
        return found

    return changed


@pytest.fixture
def kms_key(aws):
    from awsserver import make_key

    return make_key()


def served_once(monkeypatch, request):
    """Let the server take one call, without the protocol."""

    def serve(served):
        assert not calls.call(served, request).failed

    monkeypatch.setattr("fluxsecrets.mcp.server.serve", serve)


@pytest.mark.parametrize("title", WALKS)
def test_a_run_takes_the_walk(title, waddle, cli, git, request, monkeypatch, capfd):
    command = WALKS[title]["command"].split()
    if command[0] != "encrypt":
        request.getfixturevalue("encrypted_waddle")
    expected = 0
    if command[0] == "audit":  # something to find
        rules = waddle / ".sops.yaml"
        rules.write_text(rules.read_text(encoding="utf-8").replace("- *bob\n", "\n"), encoding="utf-8")
        expected = 1
    if "with a key of a service" in title:
        path = waddle / command[-1]
        text = cli("decrypt", command[-1]).stdout
        arn = request.getfixturevalue("kms_key")
        path.write_text(text, encoding="utf-8")
        assert cli("encrypt", "--kms", arn, command[-1]).exit_code == 0
    if command[0] == "hook":
        (waddle / "new.env").write_text("DB_PASSWORD=throwaway-Kq7vN2xR\n", encoding="utf-8")
        git(waddle, "add", "new.env")
        expected = 1
    if command[0] == "merge-driver":
        changed = request.getfixturevalue("changed")
        (waddle / "base").write_bytes((waddle / DATABASE).read_bytes())
        (waddle / "ours").write_bytes(changed("password"))
        (waddle / "theirs").write_bytes(changed("username"))
    if command[0] == "review":
        (waddle / DATABASE).write_bytes(request.getfixturevalue("changed")("password"))
        git(waddle, "commit", "--quiet", "--all", "--message", "a change")
    if "--from-dump" in command:
        superuser = live_secret("postgres-superuser", "databases", owner="databases")
        write_dump(waddle / "dump", [live_kustomization(), superuser])
        expected = 1
    if command[0] == "mcp":
        served_once(monkeypatch, calls.Request("status", {"paths": ["apps"]}))
    monkeypatch.setattr(sys, "argv", ["fluxsecrets", *command])
    code, order = called(command)
    assert code == expected, capfd.readouterr().err
    walk = [(match["file"], match["function"]) for match in _PLACE.finditer(WALKS[title]["steps"])]
    assert [step for step in walk if step not in order] == []
    assert walk == sorted(walk, key=order.get)
