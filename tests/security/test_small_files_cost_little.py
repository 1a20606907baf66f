"""A file does not hang a command: globs and markers are read in linear time, aliases are bounded by work."""

import signal
import time
from contextlib import contextmanager, suppress

import pytest

from fluxsecrets.errors import ConfigError, FormatError
from fluxsecrets.merging.markers import read_markers
from fluxsecrets.repo.globs import compile_glob
from fluxsecrets.scan.structure.reader import MAX_EXPANSION, parse, walk

LONG = "a" * 120
SLOW = "*a" * 30 + "b"
SECONDS = 60
"""Far more than any of these takes, and far less than they took."""

HEADER = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n"


def chain(first: str, each: str, last: str) -> str:
    lines = [
        f"a{level}: &a{level} {each.format(','.join([f'*a{level - 1}'] * 10))}\n" for level in range(1, 12)
    ]
    return f"a0: &a0 {first}\n" + "".join(lines) + HEADER + last


BOMBS = {
    "merges": chain("{x: 1}", "{{<<: [{}]}}", "  <<: *a11\n"),
    "lists": chain("[x]", "[{}]", "  p: *a11\n"),
    "empty maps": chain("{}", "[{}]", "  p: *a11\n"),
    "empty lists": chain("[]", "[{}]", "  p: *a11\n"),
    "maps": chain("{x: 1}", "{{k: [{}]}}", "  p: *a11\n"),
    "merges of empty": chain("{}", "{{<<: [{}]}}", "  <<: *a11\n"),
    "not a Secret": chain("{x: 1}", "{{<<: [{}]}}", "  <<: *a11\n").replace(
        "kind: Secret", "kind: ConfigMap"
    ),
    "itself": HEADER + "  p: &x [*x]\n",
    "itself, merged": HEADER + "  p: &x {<<: *x}\n",
    "deep": HEADER + "  p: " + "[" * 20_000 + "]" * 20_000 + "\n",
    "deep map": HEADER + "".join(" " * (n + 2) + "a:\n" for n in range(3_000)),
}
COMMANDS = (
    ("scan",),
    ("hook", "run", "pre-commit"),
    ("audit",),
    ("encrypt", "--check"),
    ("status",),
    ("explain", "m.yaml"),
    ("env", "list"),
)


def run(cli, *arguments):
    """Run a command, in this process unless it is the hook, which starts in its own way; the exit code."""
    start = time.monotonic()
    with at_most(SECONDS):
        done = (cli.process if arguments[0] == "hook" else cli)(*arguments)
    assert time.monotonic() - start < SECONDS
    assert "Traceback" not in done.stderr
    return done.exit_code


@contextmanager
def at_most(seconds):
    """Raise TimeoutError when the time is over; where there are no alarms, wait until the command ends."""
    if not hasattr(signal, "alarm"):
        yield
        return

    def over(number, frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def repository(folder, git):
    git(folder.path, "init", "--quiet")
    folder.write(f"clusters/prod/{LONG}.yaml", folder.secret)
    return folder


@pytest.mark.parametrize("bomb", BOMBS)
def test_aliases_and_depth(repository, cli, git, bomb):
    repository.write("m.yaml", BOMBS[bomb])
    git(repository.path, "add", "--all")
    for command in COMMANDS[:2]:
        assert run(cli, *command) in (1, 2), command


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_ends(repository, cli, git, command):
    repository.write("m.yaml", BOMBS["merges"])
    git(repository.path, "add", "--all")
    run(cli, *command)


@pytest.mark.parametrize("bomb", [name for name in BOMBS if name not in ("deep", "deep map")])
def test_the_fault_names_its_line(bomb):
    parsed = parse(BOMBS[bomb])
    assert parsed.fault is not None
    assert parsed.fault.line is not None
    for document in parsed.documents:
        assert sum(1 for _ in walk(document)) <= MAX_EXPANSION + len(BOMBS[bomb])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".sourceignore", f"{SLOW}\n" + "/".join(["**"] * 60) + "/x\n"),
        (".fluxsecrets.yaml", f"secrets: ['{SLOW}']\n"),
        (".fluxsecrets.yaml", f"allow:\n- {{path: '{SLOW}', rule: plain-secret, reason: x}}\n"),
        (".fluxsecrets.yaml", f"environments: {{prod: {{files: ['{SLOW}']}}}}\n"),
    ],
    ids=["sourceignore", "secrets", "allow", "environments"],
)
def test_globs(repository, cli, git, name, text):
    repository.write(name, text)
    repository.write("clusters/prod/gotk-sync.yaml", GOTK)
    git(repository.path, "add", "--all")
    for command in (("scan",), ("env", "list"), ("hook", "run", "pre-commit")):
        run(cli, *command)


GOTK = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {url: "https://example.org/x"}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {path: ./clusters/prod, sourceRef: {kind: GitRepository, name: flux-system}}
"""


def test_an_invalid_pattern_leaves_nothing_out(repository, cli, git):
    """As Go's `path.Match`, which says that it is bad, and go-git goes on to the next."""
    repository.write("clusters/prod/gotk-sync.yaml", GOTK)
    repository.write(".sourceignore", "# names\n*.md\n[z-a]x\n")
    git(repository.path, "add", "--all")
    assert "prod" in cli("env", "list").stdout


def test_odd_patterns_of_sourceignore_are_read(repository, cli, git):
    repository.write("clusters/prod/gotk-sync.yaml", GOTK)
    repository.write(".sourceignore", "[[]x\n[\\\\]\n(\n+*?{}|\n\\\\!a\n# c\n*.[ch]\n[!a-c]z\n")
    git(repository.path, "add", "--all")
    assert cli("env", "list").exit_code == 0


def test_globs_take_linear_time():
    path = "a" * 4_000
    for glob in (SLOW, "**a" * 30 + "b", "/".join(["**"] * 100) + "/x", "*" * 1_000 + "b", "?*" * 500 + "b"):
        start = time.monotonic()
        assert not compile_glob(glob).matches(path)
        assert time.monotonic() - start < 5
    with pytest.raises(ConfigError, match="more than 4096 characters"):
        compile_glob("a" * 5_000)


@pytest.mark.parametrize(
    "data",
    [
        b"<<<<<<< a\n" + b"=======\n" * 500_000,
        b"".join(b"<" * count + b"\n" for count in range(3, 4000)),
        b"".join(b"<" * count + b"\n" + b"=" * count + b"\n" for count in range(3, 3000)),
    ],
    ids=["separators", "sizes", "sizes with separators"],
)
def test_conflict_markers_without_an_end_are_read_in_linear_time(data):
    with at_most(SECONDS), suppress(FormatError):
        read_markers(data)
