"""`publish` to Vault's KV: the plain values, compared before they are written, and never shown."""

import json

import pytest

from vaultserver import KV1, TOKEN, vault_server

FILE = """\
# a comment
user: app
password: hunter2-throwaway
port: 5432
ratio: 1.0
small: 0.25
on: true
nothing: null
day: 2026-01-02
nested:
  # another comment
  deep: {key: hunter2-throwaway}
list:
  - one
  # inside
  - name: two
"""
VALUES = {
    "user": "app",
    "password": "hunter2-throwaway",
    "port": 5432,
    "ratio": 1,
    "small": 0.25,
    "on": True,
    "nothing": None,
    "day": "2026-01-02T00:00:00Z",
    "nested": {"deep": {"key": "hunter2-throwaway"}},
    "list": ["one", {"name": "two"}],
}


@pytest.fixture
def vault(environment, quick, monkeypatch):
    with vault_server() as server:
        monkeypatch.setenv("VAULT_ADDR", server.address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        server.mounts["kv1"] = KV1
        yield server


@pytest.fixture
def app(folder, vault, cli):
    """A folder with an encrypted file, and a rule for `secret/team`."""

    def rules(fields="vault_path: team"):
        folder.rules(f"creation_rules:\n  - age: {folder.recipient}\ndestination_rules:\n  - {{{fields}}}\n")

    folder.with_rules = rules
    rules()
    folder.write("app.yaml", FILE)
    assert cli("encrypt", "app.yaml").exit_code == 0
    return folder


def publish(cli, *arguments):
    return cli("publish", "app.yaml", "--yes", *arguments)


def writes(vault):
    return [path for method, path, _ in vault.asked if method in ("PUT", "POST")]


def state(result):
    return [(each["outcome"], each["state"]) for each in json.loads(result.stdout)["files"]]


def test_the_values_without_comments_and_without_metadata(app, vault, cli):
    done = publish(cli)
    assert done.exit_code == 0, done.stderr
    assert vault.newest("team/app.yaml", "secret") == VALUES
    assert writes(vault) == ["/v1/secret/data/team/app.yaml"]
    assert f"{vault.address}/v1/secret/data/team/app.yaml   new   as plain values" in done.stdout
    assert not app.leaks(done.stdout, done.stderr)
    assert TOKEN not in done.stdout + done.stderr


def test_version_1(app, vault, cli):
    app.with_rules("vault_path: team, vault_kv_mount_name: kv1/, vault_kv_version: 1, omit_extensions: true")
    assert publish(cli).exit_code == 0
    assert vault.newest("team/app", "kv1") == VALUES
    assert writes(vault) == ["/v1/kv1/team/app"]


def test_version_1_keeps_any_integer(app, vault, cli):
    app.with_rules("vault_path: team, vault_kv_mount_name: kv1, vault_kv_version: 1")
    app.write("big.yaml", "a: 9007199254740993\n")
    assert cli("encrypt", "big.yaml").exit_code == 0
    assert cli("publish", "big.yaml", "--yes").exit_code == 0
    assert vault.newest("team/big.yaml", "kv1") == {"a": 9007199254740993}


@pytest.mark.parametrize("fields", ["", ", vault_kv_mount_name: kv1, vault_kv_version: 1"])
def test_the_same_values_are_not_written_again(app, vault, cli, fields):
    app.with_rules(f"vault_path: team{fields}")
    assert publish(cli).exit_code == 0
    again = publish(cli, "--format", "json")
    assert (again.exit_code, state(again), len(writes(vault))) == (0, [("unchanged", "same")], 1)
    # A number is not the same as a boolean, whatever Python says.
    path, mount = "team/app.yaml", "kv1" if fields else "secret"
    vault.put(path, {**VALUES, "on": 1}, mount)
    assert state(publish(cli, "--format", "json")) == [("published", "changed")]
    assert vault.newest(path, mount)["on"] is True


def test_a_deleted_secret_gets_a_new_version(app, vault, cli):
    vault.put("team/app.yaml", {"old": "1"}, "secret")
    vault.put("team/app.yaml", None, "secret")
    assert state(publish(cli, "--format", "json")) == [("published", "new")]
    assert vault.newest("team/app.yaml", "secret") == VALUES


@pytest.mark.parametrize("known", [None, {"old": "1"}])
def test_what_somebody_else_wrote_meanwhile_stays(app, vault, cli, known):
    if known is not None:
        vault.put("team/app.yaml", known, "secret")
    vault.before_write = lambda: vault.put("team/app.yaml", {"newer": "1"}, "secret")
    done = publish(cli)
    assert done.exit_code == 2
    assert "got something newer from somebody else meanwhile" in done.stderr
    assert vault.newest("team/app.yaml", "secret") == {"newer": "1"}


def test_the_same_that_somebody_else_wrote_is_fine(app, vault, cli):
    vault.before_write = lambda: vault.put("team/app.yaml", VALUES, "secret")
    assert publish(cli).exit_code == 0


def test_version_1_is_read_again_before_it_is_written(app, vault, cli, monkeypatch):
    from fluxsecrets.ops.publish import publish as module

    app.with_rules("vault_path: team, vault_kv_mount_name: kv1, vault_kv_version: 1")

    def meanwhile(item):
        vault.put("team/app.yaml", {"newer": "1"}, "kv1")
        return send(item)

    send = module.send
    monkeypatch.setattr(module, "send", meanwhile)
    done = publish(cli)
    assert (done.exit_code, vault.newest("team/app.yaml", "kv1")) == (2, {"newer": "1"})


def test_what_can_not_be_read_is_not_written(app, vault, cli, monkeypatch):
    from vaultserver import _answer

    def answer(found, method, path, token, body):
        if method == "GET" and "/data/" in path:
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        return _answer(found, method, path, token, body)

    monkeypatch.setattr("vaultserver._answer", answer)
    done = publish(cli)
    assert (done.exit_code, writes(vault)) == (2, [])
    assert "Vault denied the request" in done.stderr


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("vault_kv_version: 1", "the mount secret is KV version 2, and the rule says 1"),
        ("vault_kv_mount_name: kv1", "the mount kv1 is KV version 1, and the rule says 2"),
        ("vault_kv_mount_name: kv1/team", "kv1/team is a path within a mount"),
        ("vault_kv_mount_name: keys", "keys is not a mount of the KV engine"),
    ],
)
def test_the_mount_is_not_what_the_rule_says(app, vault, cli, fields, message):
    vault.mounts["keys"] = {"type": "transit", "options": None}
    app.with_rules(f"vault_path: team, {fields}")
    done = cli("publish", "app.yaml", "--dry-run")
    assert (done.exit_code, writes(vault)) == (2, [])
    assert message in done.stderr


def test_a_dry_run_writes_nothing(app, vault, cli):
    done = cli("publish", "app.yaml", "--dry-run", "--format", "json")
    assert (done.exit_code, state(done), writes(vault)) == (0, [("would publish", "new")], [])


def test_the_rule_names_the_server(app, vault, cli, monkeypatch):
    monkeypatch.delenv("VAULT_ADDR")
    app.with_rules(f"vault_path: team, vault_address: '{vault.address}/'")
    assert publish(cli).exit_code == 0
    assert vault.newest("team/app.yaml", "secret") == VALUES


def test_an_allowlist_in_the_environment_decides_alone(app, vault, cli, monkeypatch):
    monkeypatch.setenv("SOPS_HC_VAULT_ALLOWLIST", "https://vault.example.com")
    app.with_rules(f"vault_path: team, vault_address: '{vault.address}/'")
    done = publish(cli)
    assert (done.exit_code, vault.asked) == (2, [])
    assert "SOPS_HC_VAULT_ALLOWLIST does not name" in done.stderr


def test_no_server_is_named(app, vault, cli, monkeypatch):
    monkeypatch.delenv("VAULT_ADDR")
    done = publish(cli)
    assert done.exit_code == 2
    assert "the address of Vault is not known" in done.stderr
    assert "hint: set VAULT_ADDR, or vault_address in the rule" in done.stderr


def test_no_token(app, vault, cli, monkeypatch):
    monkeypatch.delenv("VAULT_TOKEN")
    done = publish(cli)
    assert (done.exit_code, vault.asked) == (2, [])
    assert "no token for Vault was found" in done.stderr


def test_a_sealed_server(app, vault, cli):
    vault.sealed = True
    done = publish(cli)
    assert (done.exit_code, writes(vault)) == (2, [])
    assert "Vault is sealed" in done.stderr


@pytest.mark.parametrize("name", ["a%2e.yaml", "a?b.yaml", "a#b.yaml"])
def test_names_that_could_lead_elsewhere(app, vault, cli, name):
    app.write(name, app.read("app.yaml"))
    done = cli("publish", name, "--yes")
    assert (done.exit_code, vault.asked) == (2, [])
    assert "the name can't be a path in Vault" in done.stderr


@pytest.mark.parametrize("name", ["mit leerzeichen.yaml", "schlüssel.yaml", "a&b=c+d.yaml"])
def test_names_that_an_address_has_to_escape(app, vault, cli, name):
    app.write(name, app.read("app.yaml"))
    assert cli("publish", name, "--yes").exit_code == 0
    from urllib.parse import quote

    assert vault.newest(quote(f"team/{name}"), "secret") == VALUES


def test_who_can_not_read_it_can_not_publish_it(app, vault, cli, act_as):
    act_as("bob")
    done = publish(cli)
    assert (done.exit_code, vault.asked) == (2, [])
    assert "none of your identities can open" in done.stderr


class TestFormats:
    """What of other files is published."""

    def published(self, folder, vault, cli, name, content):
        folder.write(name, content)
        assert cli("encrypt", name).exit_code == 0
        done = cli("publish", name, "--yes")
        assert not folder.leaks(done.stdout, done.stderr)
        return done, vault.secrets.get(("secret", f"team/{name}"))

    @pytest.mark.parametrize(
        ("name", "content", "values"),
        [
            ("a.json", '{"a": "throwaway", "n": {"b": 1.5}}', {"a": "throwaway", "n": {"b": 1.5}}),
            ("a.env", "# note\nA=throwaway\nB=2\n", {"A": "throwaway", "B": "2"}),
            ("a.ini", "[s]\nkey = throwaway\n", {"DEFAULT": {}, "s": {"key": "throwaway"}}),
            ("a.txt", "throwaway\n", {"data": "throwaway\n"}),
            ("two.yaml", "a: throwaway\n---\nb: other\n", {"a": "throwaway", "b": "other"}),
        ],
    )
    def test_values(self, app, vault, cli, name, content, values):
        done, found = self.published(app, vault, cli, name, content)
        assert done.exit_code == 0, done.stderr
        assert found == [values]

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("two.yaml", "a: throwaway\n---\na: other\n", "several documents have the key 'a'"),
            ("a.bin", b"throwaway\xff", "a value is binary data"),
            ("big.yaml", "a: 9007199254740993\nb: throwaway\n", "an integer has more than 53 bits"),
            ("a.yaml", "a: .nan\nb: throwaway\n", "a value is not a finite number"),
        ],
    )
    def test_what_one_map_can_not_hold(self, app, vault, cli, name, content, message):
        done, found = self.published(app, vault, cli, name, content)
        assert (done.exit_code, found) == (2, None)
        assert message in done.stderr
