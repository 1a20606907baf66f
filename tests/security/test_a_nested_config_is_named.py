"""A `.sops.yaml` far down decides for its folder; whom it lets in is said wherever that matters."""

import json

import pytest
from pyrage import x25519

MALLORY = str(x25519.Identity.generate().to_public())
SHOWN = MALLORY[:12]
FILE, NESTED = "clusters/prod/db.yaml", "clusters/prod/.sops.yaml"
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2-throwaway
"""


@pytest.fixture
def alice(act_as):
    return act_as("alice").recipient


@pytest.fixture
def repository(tmp_path, monkeypatch, alice, git):
    root = tmp_path / "repository"
    (root / "clusters/prod").mkdir(parents=True)
    monkeypatch.chdir(root)
    git(root, "init", "--quiet")
    rule(root / ".sops.yaml", alice)
    (root / FILE).write_text(SECRET, encoding="utf-8")
    return root


def rule(path, *recipients, more=""):
    path.write_text(f"creation_rules:\n  - {more}age: {','.join(recipients)}\n", encoding="utf-8")


def overridden(cli):
    found = json.loads(cli("audit", "--format", "json").stdout)["findings"]
    return [each["severity"] for each in found if each["rule"] == "creation-rule-overridden"]


@pytest.mark.parametrize(
    "outer",
    ["", "path_regex: ^clusters/\n    ", "path_regex: ^infra/\n    "],
    ids=["a rule for all", "a rule for it", "a rule for others"],
)
def test_every_command_that_shows_readers_names_it(outer, repository, alice, cli):
    rule(repository / ".sops.yaml", alice, more=outer)
    rule(repository / NESTED, alice, MALLORY)
    assert overridden(cli) == ["high"]  # before anything was encrypted by it
    said = f"{NESTED} decides for 1 file in place of .sops.yaml, and lets in {SHOWN}"
    for command in (("encrypt", "--dry-run", FILE), ("explain", FILE), ("encrypt", FILE)):
        result = cli(*command)
        assert said in result.stdout + result.stderr, command
    assert said in cli("recipients", "list").stderr
    assert said in json.dumps(json.loads(cli("recipients", "list", "--format", "json").stdout))
    assert overridden(cli) == ["high"]


@pytest.mark.parametrize("known_by", ["keys/", "another rule"])
def test_people_whom_the_repository_knows_may_have_a_folder_of_their_own(known_by, repository, alice, cli):
    rule(repository / NESTED, alice, MALLORY)
    if known_by == "keys/":
        (repository / "keys").mkdir()
        (repository / "keys/carol.pub").write_text(f"{MALLORY}\n", encoding="utf-8")
    else:
        text = f"creation_rules:\n  - path_regex: ^carol/\n    age: {MALLORY}\n  - age: {alice}\n"
        (repository / ".sops.yaml").write_text(text, encoding="utf-8")
    assert overridden(cli) == ["low"]


def test_fewer_people_are_nothing_to_tell(repository, alice, cli):
    rule(repository / ".sops.yaml", alice, MALLORY)
    rule(repository / NESTED, alice)
    assert overridden(cli) == []
    assert "in place of" not in cli("encrypt", FILE).stderr


def test_a_config_outside_of_the_repository_is_not_overridden(repository, alice, cli):
    rule(repository.parent / ".sops.yaml", MALLORY)
    assert overridden(cli) == []
    assert "in place of" not in cli("encrypt", FILE).stderr
