"""What names trusted servers for a run: read when a provider asks, and the same in worker processes."""

import pickle

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.recipients import hc_vault

HERE = "https://vault.example.com:8200"


def uri(name):
    return f"{HERE}/v1/transit/keys/{name}"


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sops.yaml").write_text(
        f"creation_rules:\n  - hc_vault_transit_uri: {uri('a')}\n"
        f"  - key_groups: [{{hc_vault: ['{uri('b')}']}}]\n"
    )
    (tmp_path / ".fluxsecrets.yaml").write_text(f"trusted_servers: ['{HERE}']\n")
    return Session({}, tmp_path)


def names(servers):
    return [dict(each.attributes)["key_name"] for each in servers.recipients()]


def test_all_rules_and_the_settings_name_servers(session):
    assert names(session.trusted_servers) == ["a", "b"]
    assert session.trusted_servers.addresses() == (HERE,)
    session.named([hc_vault(uri("c"))])
    assert names(session.trusted_servers) == ["c", "a", "b"]


def test_nothing_is_read_before_a_provider_asks(session, tmp_path):
    assert session.providers["age"] is not None
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n  - hc_vault_transit_uri: {uri('later')}\n")
    copy = pickle.loads(pickle.dumps(session.providers))
    assert names(session.trusted_servers) == ["later"]
    (tmp_path / ".sops.yaml").unlink()
    assert names(session.trusted_servers) == ["later"]
    assert copy._user.named() == ()


def test_workers_know_what_the_command_line_named(session):
    session.named([hc_vault(uri("c"))])
    user = pickle.loads(pickle.dumps(session.providers))._user
    assert [dict(each.attributes)["key_name"] for each in user.named()] == ["c", "a", "b"]
    assert user.servers() == (HERE,)


def test_config_counts_in_place_of_other_rules(session, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"creation_rules:\n  - hc_vault_transit_uri: {uri('other')}\n")
    assert names(Session({}, tmp_path, config_path=rules).trusted_servers) == ["other"]
    assert names(Session({}, tmp_path, config_path=tmp_path / "missing").trusted_servers) == []


def test_invalid_settings_are_an_error_and_invalid_rules_name_nothing(session, tmp_path):
    (tmp_path / ".sops.yaml").write_text("creation_rules: {")
    (tmp_path / ".fluxsecrets.yaml").write_text("trusted_servers: [vault.example.com]\n")
    assert session.trusted_servers.recipients() == ()
    with pytest.raises(ConfigError, match=r"'vault\.example\.com' is not the address"):
        session.trusted_servers.addresses()
