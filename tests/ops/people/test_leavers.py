"""A value that somebody knew is found wherever it is now; what can't be compared is never settled."""

import json
from base64 import b64encode
from dataclasses import replace
from urllib.parse import quote

import pytest
from tests.conftest import VECTORS, commit_all
from tests.ops.people.histories import File, World

from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.people import leavers
from fluxsecrets.sops.formats import Limits, make_format

PASSWORD = "throwaway-p@ss/1"
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: {name}
  namespace: x
{field}:
  {key}: {value}
"""
CERTIFICATE, PRIVATE_KEY = VECTORS / "keys" / "sealing.crt", VECTORS / "keys" / "sealing.key"


def secret(value, *, name="db", field="stringData", key="password"):
    return SECRET.format(name=name, field=field, key=key, value=json.dumps(value))


@pytest.fixture
def repository(tmp_path, monkeypatch, cli, act_as):
    """A Secret that bob could read, who has left since."""
    root = tmp_path / "repository"
    (root / "keys").mkdir(parents=True)
    monkeypatch.chdir(root)
    people = {name: act_as(name).recipient for name in ("cluster", "bob", "alice")}
    for name, recipient in people.items():
        (root / f"keys/{name}.pub").write_text(f"{recipient}\n")
    both = f"age: '{people['alice']},{people['bob']}'"
    rules = [
        f"{{path_regex: 'cluster\\.yaml$', encrypted_regex: ^(data|stringData)$, age: {people['cluster']}}}",
        f"{{path_regex: '\\.yaml$', encrypted_regex: ^(data|stringData)$, {both}}}",
        f"{{{both}}}",
    ]
    (root / ".sops.yaml").write_text("creation_rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
    write(root, "db.yaml", secret(PASSWORD), cli)
    commit_all(root, "one")
    assert cli("recipients", "remove", "bob").exit_code == 0
    commit_all(root, "bob left")
    (root / "db.yaml").unlink()
    return root


def write(root, path, text, cli=None):
    """Write a file, encrypted if there is a CLI."""
    (root / path).write_text(text)
    if cli is not None:
        result = cli("encrypt", "-q", path)
        assert result.exit_code == 0, result.stderr


def report(cli, *options):
    """The exit code, the one value, and the files that can't be compared."""
    result = cli("recipients", "report", "bob", *options, "--format", "json")
    assert PASSWORD not in result.stdout + result.stderr
    data = json.loads(result.stdout)
    (value,) = data["values"]
    assert value["path"] == "db.yaml"
    files = {each["path"]: each["why"] for each in data["not_compared"] if not each["settled"]}
    return result.exit_code, value["state"], value["places"], files


def renamed(root, cli):
    write(root, "database.yaml", secret(PASSWORD), cli)
    return "database.yaml#stringData.password"


def under_another_key(root, cli):
    write(root, "db.yaml", secret(PASSWORD, key="pw"), cli)
    return "db.yaml#stringData.pw"


def in_base64(root, cli):
    write(root, "db.yaml", secret(b64encode(PASSWORD.encode()).decode(), field="data"), cli)
    return "db.yaml#data.password"


def with_a_newline(root, cli):
    write(root, "other.yaml", secret(PASSWORD + "\n"), cli)
    return "other.yaml#stringData.password"


def in_dotenv(root, cli):
    write(root, "app.sops.env", f"OTHER=1\nPASSWORD={PASSWORD}\n", cli)
    return "app.sops.env#PASSWORD"


def in_a_binary_file(root, cli):
    write(root, "password.sops.bin", PASSWORD, cli)
    return "password.sops.bin"


def in_a_url(root, cli):
    write(root, "url.yaml", secret(f"postgres://db:{quote(PASSWORD, safe='')}@db.example:5432/db"), cli)
    return "url.yaml#stringData.password"


def in_a_registry_login(root, cli):
    login = b64encode(f"bob:{PASSWORD}".encode()).decode()
    text = json.dumps({"auths": {"registry.example": {"auth": login}}})
    write(
        root,
        "pull.yaml",
        secret(b64encode(text.encode()).decode(), field="data", key=".dockerconfigjson"),
        cli,
    )
    return "pull.yaml#data['.dockerconfigjson']"


def in_plain_text(root, cli):
    write(root, "db.yaml", secret(PASSWORD))
    return


def in_base64_in_plain_text(root, cli):
    write(root, "plain.yaml", secret(b64encode(PASSWORD.encode()).decode(), field="data"))
    return "plain.yaml#data.password"


def in_values_of_a_chart(root, cli):
    write(root, "values.yaml", f"name: x\ndatabase:\n  password: {PASSWORD}\n")
    return "values.yaml:3"


def in_a_template(root, cli):
    write(root, "template.yaml", "kind: Secret\nx: {{ .Values.x }}\ny: " + PASSWORD + "\n")
    return "template.yaml:3"


def in_the_plain_part(root, cli):
    write(
        root,
        "db.yaml",
        secret("new").replace("namespace: x", f"namespace: x\n  annotations: {{a: {PASSWORD}}}"),
        cli,
    )
    return "db.yaml#metadata.annotations.a"


MOVES = [
    renamed, under_another_key, in_base64, with_a_newline, in_dotenv, in_a_binary_file, in_a_url,
    in_a_registry_login, in_plain_text, in_base64_in_plain_text, in_values_of_a_chart, in_a_template,
    in_the_plain_part,
]  # fmt: skip


@pytest.mark.parametrize("move", MOVES)
def test_a_value_that_moved_is_still_to_change(move, repository, cli):
    place = move(repository, cli)
    code, state, places, _ = report(cli)
    assert (code, state) == (1, "to change")
    assert place is None or place in places
    if place is not None:
        assert place in cli("recipients", "report", "bob").stdout


def test_a_random_part_of_a_value_is_found_on_its_own(repository, cli, git):
    """Bob knew a URL; the password in it is a value of its own now."""
    git(repository, "checkout", "--quiet", "HEAD~1", ".")
    write(repository, "db.yaml", secret("postgres://db:Xk39fQz71LmP@db.example/db"))
    write(repository, "db.yaml", (repository / "db.yaml").read_text(), cli)
    commit_all(repository, "a URL")
    write(repository, "db.yaml", secret("Xk39fQz71LmP", key="pw"), cli)
    result = cli("recipients", "report", "bob", "--format", "json")
    assert json.loads(result.stdout)["values"][0]["places"] == ["db.yaml#stringData.pw"]


def sealed(root, cli):
    write(root, "db.yaml", secret(PASSWORD))
    assert cli("seal", "--for-others", "--cert", CERTIFICATE, "db.yaml").exit_code == 0
    return "db.yaml", "sealed"


def external(root, cli):
    text = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db}\nspec: {}\n"
    write(root, "db.yaml", text)
    return "db.yaml", "external store"


def a_reference(root, cli):
    write(root, "db.yaml", secret("ref+vault://secret/db#/password"))
    return "db.yaml", "external store"


def for_others_only(root, cli):
    write(root, "cluster.yaml", secret(PASSWORD))
    assert cli("encrypt", "--for-others", "cluster.yaml").exit_code == 0
    return "cluster.yaml", "none of your identities"


def damaged(root, cli):
    write(root, "other.yaml", secret(PASSWORD, name="other"), cli)
    text = (root / "other.yaml").read_text()
    (root / "other.yaml").write_text(f"<<<<<<< HEAD\n{text}=======\n")
    return "other.yaml", "can't be read"


def encrypted_by_another_tool(root, cli):
    write(root, "db.yaml.age", "-----BEGIN AGE ENCRYPTED FILE-----\nthrow-away\n")
    return "db.yaml.age", "another tool"


@pytest.mark.parametrize(
    "hide", [sealed, external, a_reference, for_others_only, damaged, encrypted_by_another_tool]
)
def test_what_cannot_be_compared_is_to_look_at_until_somebody_did(hide, repository, cli):
    path, why = hide(repository, cli)
    code, state, places, files = report(cli)
    assert (code, state, places) == (1, "to look at", [])
    assert why in files[path]
    text = cli("recipients", "report", "bob").stdout
    assert f"\n{path} " in text
    assert "can't be compared" in text
    assert cli("recipients", "report", "bob", "--done", path).exit_code == 0
    assert report(cli) == (0, "not there any more", [], {})
    # It counts for the file as it was
    (repository / path).write_text((repository / path).read_text() + "\n")
    code, _, _, files = report(cli)
    assert (code, list(files)) == (1, [path])


def test_what_a_colleague_noted_meanwhile_is_not_overwritten(repository, cli, monkeypatch):
    path, _ = for_others_only(repository, cli)
    assert cli("recipients", "report", "bob", "--done", path).exit_code == 0
    record = repository / "offboarding" / "bob.json"
    find_left = leavers.find_left

    def meanwhile(*args, **kwargs):
        record.write_text("the colleague's\n")
        return find_left(*args, **kwargs)

    monkeypatch.setattr(leavers, "find_left", meanwhile)
    result = cli("recipients", "report", "bob", "--done", path)
    assert result.exit_code == 2
    assert "was changed while" in result.stderr
    assert record.read_text() == "the colleague's\n"


def test_a_link_that_leads_out_of_the_repository_is_to_look_at(repository, cli, tmp_path):
    (repository / "inside.yaml").symlink_to("keys/alice.pub")
    assert report(cli)[:2] == (0, "not there any more")
    (repository / "link.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    code, state, _, files = report(cli)
    assert (code, state, list(files)) == (1, "to look at", ["link.yaml"])


def test_a_private_key_opens_what_is_sealed(repository, cli, monkeypatch):
    sealed(repository, cli)
    place = "db.yaml#spec.encryptedData.password"
    assert report(cli, "--private-key", PRIVATE_KEY) == (1, "to change", [place], {})
    monkeypatch.setenv("FLUXSECRETS_SEALING_KEYS", str(PRIVATE_KEY))
    assert report(cli) == (1, "to change", [place], {})


def test_a_new_value_settles_it(repository, cli):
    write(repository, "db.yaml", secret("throwaway-another-2"), cli)
    write(repository, "deploy.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: password}\n")
    assert report(cli) == (0, "changed since", [], {})
    (repository / "db.yaml").unlink()
    assert report(cli) == (0, "not there any more", [], {})


# Who knows which data key.


@pytest.fixture
def world(tmp_path):
    """An encrypted file that bob could read, and from whose recipients sops took bob since."""
    world = World(json.loads((VECTORS / "keys/recipients.json").read_text()), tmp_path / "world")
    world.root.mkdir()
    people = frozenset({"alice", "bob"})
    before = world.written(File("sops", {"password": PASSWORD}, people, world.new()))
    after = world.with_people(before, people - {"bob"}, new_key=False)
    # The values change, too, so that no ciphertext is left to tell.
    after = world.written(replace(after, values={"password": "throwaway-another-2"}), after.data)
    world.commit("main", (None,), {"db.yaml": before}, ())
    world.commit("main", (0,), {"moved/database.yaml": after}, ("db.yaml",))
    world.build()
    return world


def data_key(world, path):
    session = world.sessions["alice"]
    data = (world.root / path).read_bytes()
    return open_file(make_format("yaml"), data, session.providers, Limits()).opened.data_key.reveal()


@pytest.mark.parametrize("options", [(), ("--no-report",)])
def test_a_data_key_counts_under_every_name(options, world, cli, identity, monkeypatch):
    monkeypatch.chdir(world.root)
    path, known = "moved/database.yaml", data_key(world, "moved/database.yaml")
    found = json.loads(cli("recipients", "exposure", path, "--format", "json").stdout)
    (bob,) = (each for each in found["readers"] if each["name"] == "bob")
    assert (bob["still"], bob["by_data_key"]) == (True, True)
    result = cli("recipients", "remove", "bob", *options)
    assert result.exit_code == 0, result.stderr
    assert f"{path} is not encrypted for bob, but still has a data key that they know" in result.stderr
    assert data_key(world, path) != known


def test_a_shallow_clone_settles_nothing(world, cli, identity, git, tmp_path, monkeypatch):
    git(tmp_path, "clone", "--quiet", "--depth=1", world.root.as_uri(), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    path = "moved/database.yaml"
    known = data_key(world, path)
    arguments = ("recipients", "report", "bob", "--partial-history")
    found = json.loads(cli(*arguments, "--format", "json").stdout)
    assert found["cut_off"]
    assert found["left"] == 1 + len([each for each in found["values"] if not each["settled"]]) + len(
        [each for each in found["not_compared"] if not each["settled"]]
    )
    result = cli(*arguments)
    assert result.exit_code == 1
    assert "the history of this clone is cut off" in result.stderr
    assert "never" not in result.stderr
    result = cli("recipients", "remove", "bob", "--no-report", "--partial-history")
    assert result.exit_code == 0, result.stderr
    world.root = tmp_path / "clone"
    assert data_key(world, path) != known


def test_a_threshold_needs_others(tmp_path, cli, act_as, monkeypatch):
    people = {name: act_as(name).recipient for name in ("cluster", "bob", "alice")}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys").mkdir()
    for name, recipient in people.items():
        (tmp_path / f"keys/{name}.pub").write_text(f"{recipient}\n")
    groups = "\n".join(f"      - age: [{people['alice']}, {people[other]}]" for other in ("bob", "cluster"))
    rule = f"  - encrypted_regex: ^stringData$\n    shamir_threshold: 2\n    key_groups:\n{groups}\n"
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n{rule}")
    write(tmp_path, "db.yaml", secret(PASSWORD), cli)
    commit_all(tmp_path, "one")
    found = json.loads(cli("recipients", "exposure", "db.yaml", "--format", "json").stdout)
    assert {each["name"]: each["together_with"] for each in found["readers"]} == {
        "alice": [],
        "bob": ["alice or cluster"],
        "cluster": ["alice or bob"],
    }
    assert "together with alice or cluster" in cli("recipients", "exposure", "db.yaml").stdout
    (value,) = json.loads(cli("recipients", "report", "bob", "--format", "json").stdout)["values"]
    assert (value["state"], value["together_with"]) == ("to change", ["alice or cluster"])
