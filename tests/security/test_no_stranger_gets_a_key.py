"""A recipient that was slipped into a file is handed no key, whichever command wraps one again.

Somebody with write access and without a key changes a file's `sops` block, which nothing authenticates. Every
command that encrypts by that block is tried with every way of changing it, with a rule and without one.
"""

import re
import shutil
from dataclasses import replace

import pytest
from pyrage import x25519

from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.metadata import KeyGroup, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec

MALLORY, DAVE = (str(x25519.Identity.generate().to_public()) for _ in range(2))
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: app
  annotations:
    fluxsecrets.io/generate: "password=password:32"
stringData:
  password: hunter2-throwaway
  user: admin
"""
SYNC = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: flux-system
  namespace: flux-system
spec:
  path: ./clusters/prod
  sourceRef:
    kind: GitRepository
    name: flux-system
"""
FILE = "clusters/prod/db.yaml"

RULES = {
    "a rule": "creation_rules:\n  - path_regex: ^clusters/\n",
    "a rule for other files": "creation_rules:\n  - path_regex: ^infra/\n",
    "no rule": None,
}


def with_key(metadata, recipient, group=0):
    """Another recipient in a key group, with a wrapped key that nobody can open."""
    groups = list(metadata.key_groups)
    groups[group] = KeyGroup((*groups[group].keys, WrappedKey(recipient, groups[group].keys[0].enc)))
    return replace(metadata, key_groups=tuple(groups))


def age_stanza(metadata):
    return with_key(metadata, Recipient("age", MALLORY))


def age_stanza_in_front(metadata):
    changed = age_stanza(metadata)
    return replace(changed, key_groups=(KeyGroup(changed.key_groups[0].keys[::-1]),))


def plugin_stanza(metadata):
    return with_key(metadata, Recipient("age", "age1evil1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"))


def pgp_entry(metadata):
    recipient = Recipient("pgp", "0123456789ABCDEF0123456789ABCDEF01234567", (("created_at", "2026-01-01"),))
    return with_key(metadata, recipient)


def key_group(metadata):
    group = KeyGroup((WrappedKey(Recipient("age", MALLORY), metadata.key_groups[0].keys[0].enc),))
    return replace(metadata, key_groups=(*metadata.key_groups, group), shamir_threshold=2)


def weaker_selector(metadata):
    return replace(metadata, selector=SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(password|user)$"))


def weaker_mac(metadata):
    return replace(metadata, mac_only_encrypted=True)


INJECTIONS = {
    "age stanza": (age_stanza, MALLORY[:12]),
    "age stanza in front": (age_stanza_in_front, MALLORY[:12]),
    "plugin stanza": (plugin_stanza, "age1evil1"),
    "pgp entry": (pgp_entry, "0123456"),
    # What cannot have been made by somebody with the key does not even open.
    "key group": (key_group, "do not fit together"),
    "weaker selector": (weaker_selector, "selector"),
    "weaker MAC": (weaker_mac, "MAC"),
}

COMMANDS = {
    "rotate": ("rotate", FILE),
    "rotate --all": ("rotate", "--all"),
    "rotate --values": ("rotate", "--values", FILE),
    "rotate --add-age": ("rotate", "--add-age", "DAVE", FILE),
    "rotate --identity": ("rotate", "--env", "prod", "--identity", "--new", "DAVE"),
    "set": ("set", FILE, "stringData.user", "newer"),
    "unset": ("unset", FILE, "stringData.user"),
    "edit": ("edit", FILE),
    "recipients add": ("recipients", "add", "DAVE", FILE),
    "recipients remove": ("recipients", "remove", "bob"),
    "recipients sync": ("recipients", "sync", FILE),
}


@pytest.fixture
def people(act_as):
    found = {name: act_as(name).recipient for name in ("bob", "cluster")}
    found["dave"] = DAVE
    found["alice"] = act_as("alice").recipient
    return found


@pytest.fixture(scope="session")
def _repository(tmp_path_factory):
    return tmp_path_factory.mktemp("strangers") / "repository"


@pytest.fixture
def repository(tmp_path, monkeypatch, people, cli, git, _repository):
    """A repository with a Secret for alice, bob and the cluster, whose keys are in `keys/`."""
    root = tmp_path / "repository"
    if _repository.exists():
        shutil.copytree(_repository, root, symlinks=True)
        monkeypatch.chdir(root)
        return root
    (root / "clusters/prod").mkdir(parents=True)
    (root / "keys").mkdir()
    monkeypatch.chdir(root)
    for name, file in (("bob", "bob"), ("cluster", "cluster-prod")):
        (root / "keys" / f"{file}.pub").write_text(f"{people[name]}\n", encoding="utf-8")
    everybody = ",".join(people[name] for name in ("alice", "bob", "cluster"))
    rules(root, RULES["a rule"], everybody)
    (root / FILE).write_text(SECRET, encoding="utf-8")
    (root / "clusters/prod/gotk-sync.yaml").write_text(SYNC, encoding="utf-8")
    git(root, "init", "--quiet")
    assert cli("encrypt", FILE).exit_code == 0
    commit(git, root)
    shutil.copytree(root, _repository, symlinks=True)
    return root


def rules(root, text, recipients):
    path = root / ".sops.yaml"
    if text is None:
        path.unlink(missing_ok=True)
        return
    more = "    encrypted_regex: ^(data|stringData)$\n"
    path.write_text(f"{text}{more}    age: {recipients}\n", encoding="utf-8")


def commit(git, root):
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "throw-away")


def inject(root, change):
    format_ = make_format("yaml")
    document = format_.parse((root / FILE).read_bytes(), Limits())
    (root / FILE).write_bytes(format_.rewrite(document, (), change(document.metadata)))


def state(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def recipients(root):
    text = (root / FILE).read_text(encoding="utf-8")
    return {one or two for one, two in re.findall(r"recipient: (\S+)|fp: (\S+)", text)}


def arguments(command, people):
    return [people["dave"] if each == "DAVE" else each for each in COMMANDS[command]]


# The commands share one mechanism: these three show every way of changing a file, in all surroundings.
FULLY = ("rotate", "set", "recipients sync")
CASES = [
    (command, injection, ruled, committed)
    for command in COMMANDS
    for injection in (INJECTIONS if command in FULLY else ("age stanza", "pgp entry", "weaker selector"))
    for ruled in (RULES if command in FULLY else ("a rule", "a rule for other files"))
    for committed in ((False, True) if command in FULLY and ruled == "no rule" else (False,))
]


@pytest.mark.parametrize(("command", "injection", "ruled", "committed"), CASES)
def test_every_command_refuses(
    command, injection, ruled, committed, repository, people, cli, git, monkeypatch
):
    monkeypatch.setenv("EDITOR", "false")
    sync = command == "recipients sync"
    people_change = command in ("recipients add", "recipients remove")  # rules change, too
    # So that `sync` has something to do
    named = ("alice", "bob", "cluster", "dave") if sync else ("alice", "bob", "cluster")
    everybody = [people[name] for name in named]
    rules(repository, RULES[ruled], ",".join(everybody))
    change, shown_as = INJECTIONS[injection]
    inject(repository, change)
    if committed:
        commit(git, repository)
    before = state(repository)
    result = cli(*arguments(command, people))
    shown = result.stdout + result.stderr
    if sync and ruled == "a rule" and result.exit_code == 0:
        # This is what the command is for: people of the rule get a new key, and nobody else.
        assert not injection.startswith("weaker")
        assert recipients(repository) == set(everybody)
        assert MALLORY[:12] in result.stdout or "0123456" in result.stdout or "age1evil1" in result.stdout
        return
    assert result.exit_code == 2, shown
    after = state(repository)
    assert after[FILE] == before[FILE]
    assert after == before or people_change
    if command in ("recipients sync", "recipients add") and ruled != "a rule":
        assert "rule" in shown  # they go by rules alone
        return
    assert FILE in shown
    assert shown_as in shown
    if injection not in ("key group", "weaker MAC"):
        assert "--accept-recipients" in shown


@pytest.mark.parametrize("injection", ["age stanza", "weaker selector"])
@pytest.mark.parametrize("ruled", ["a rule", "no rule"])
@pytest.mark.parametrize("command", ["rotate", "set", "unset"])
def test_the_user_may_say_that_it_is_right(command, ruled, injection, repository, people, cli):
    rules(repository, RULES[ruled], ",".join(people[name] for name in ("alice", "bob", "cluster")))
    inject(repository, INJECTIONS[injection][0])
    result = cli(*arguments(command, people), "--accept-recipients")
    assert result.exit_code == 0, result.stderr
    assert (MALLORY in recipients(repository)) is (injection == "age stanza")


def test_a_public_key_in_the_repository_is_no_stranger(repository, cli):
    (repository / ".sops.yaml").unlink()
    inject(repository, age_stanza)
    assert cli("rotate", FILE).exit_code == 2
    (repository / "keys/mallory.pub").write_text(f"# throw-away\n{MALLORY}\n", encoding="utf-8")
    assert cli("rotate", FILE).exit_code == 0


def test_a_threshold_that_was_lowered_opens_nothing(repository, people, cli, act_as):
    """Three of three groups become two of three: two shares give another key."""
    groups = "".join(f"      - age: [{people[name]}]\n" for name in ("alice", "bob", "cluster"))
    rule = f"creation_rules:\n  - shamir_threshold: 3\n    key_groups:\n{groups}"
    (repository / ".sops.yaml").write_text(rule, encoding="utf-8")
    (repository / FILE).write_text(SECRET, encoding="utf-8")
    key_file = act_as("alice").path
    everybody = "".join(act_as(name).path.read_text(encoding="utf-8") for name in ("bob", "cluster"))
    act_as("alice")
    key_file.write_text(key_file.read_text(encoding="utf-8") + everybody, encoding="utf-8")
    assert cli("encrypt", FILE).exit_code == 0
    (repository / ".sops.yaml").unlink()
    assert cli("rotate", FILE).exit_code == 0
    inject(repository, lambda metadata: replace(metadata, shamir_threshold=2))
    before = state(repository)
    for command in ("rotate", "set", "unset", "recipients add"):
        assert cli(*arguments(command, people)).exit_code == 2
    assert state(repository) == before
