"""`.fluxsecrets.yaml`: strict, and every mistake has its place."""

import json
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from fluxsecrets.errors import ConfigError, FileAccessError
from fluxsecrets.repo import settings
from fluxsecrets.repo.discover import SecretKind, discover
from fluxsecrets.repo.environments import EnvironmentRoot, find_environment, list_environments
from fluxsecrets.repo.settings import (
    Allowance,
    AuditSettings,
    EnvironmentSettings,
    LogSettings,
    Settings,
    load_settings,
    parse_settings,
)

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/schema/fluxsecrets-yaml.schema.json").read_text(encoding="utf-8")
)

ALL = """\
environments:
  production:
    path: ./clusters/production/
    files: ["talos/production/**"]
    sealing_certificates: [certs/production.pem]
    cluster_recipients: [age1throwaway, ssh-ed25519 AAAAthrowaway cluster]
  staging:
secrets: ["legacy/**/*.txt"]
allow:
  - {rule: plain-secret, path: "docs/**", reason: made-up values, expires: 2027-01-31}
  - rule: weak-password
    path: "*.env"
    reason: a test server
audit: {fail_on: critical, data_key_days: 30, identity_days: 31, token_days: 32, certificate_days: 33}
log: {file: logs/secrets.log, required: true}
age_plugins: [yubikey]
trusted_servers: ["https://vault.example.com:8200"]
"""


def test_everything_is_read():
    assert parse_settings(ALL.encode()) == Settings(
        environments=(
            EnvironmentSettings(
                "production",
                2,
                "clusters/production",
                ("talos/production/**",),
                ("certs/production.pem",),
                ("age1throwaway", "ssh-ed25519 AAAAthrowaway cluster"),
            ),
            EnvironmentSettings("staging", 7),
        ),
        secrets=("legacy/**/*.txt",),
        allow=(
            Allowance("plain-secret", "docs/**", "made-up values", date(2027, 1, 31), 10),
            Allowance("weak-password", "*.env", "a test server", None, 11),
        ),
        audit=AuditSettings("critical", 30, 31, 32, 33),
        log=LogSettings("logs/secrets.log", required=True),
        age_plugins=("yubikey",),
        trusted_servers=("https://vault.example.com:8200",),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "environments:\nsecrets:\nallow:\naudit:\nlog:\n"])
def test_all_of_it_is_optional(text):
    assert parse_settings(text.encode()) == Settings()


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("secret: []", "1:1", "has no key 'secret'", "did you mean secrets?"),
        ("xyz: []", "1:1", "has no key 'xyz'", "known are age_plugins"),
        ("a: b: c", "1:5", "not valid YAML", None),
        ("- a", "1:1", "the file is a list", None),
        ("secrets: a.yaml", "1:10", "secrets is a text, expected a list", None),
        ("secrets:\n  - ../a", "2:5", "'../a' is not a glob", "try"),
        ("secrets: [[a]]", "1:11", "a list inside the list", None),
        ("secrets: [12]", "1:11", "a number in secrets", "quotes"),
        ("environments: [a]", "1:15", "environments is a list", None),
        ("environments:\n  'a b': {}", "2:3", "'a b' cannot name an environment", "such as production"),
        ("environments:\n  a: {paths: x}", "2:7", "a has no key 'paths'", "did you mean path?"),
        ("environments:\n  a: {path: ../x}", "2:13", "'../x' is not a path in the repository", "relative"),
        ("environments:\n  a: {path: ''}", "2:13", "'' is not a path in the repository", "relative"),
        ("environments:\n  a: {path: x}\n  b: {path: ./x}", "3:3", "b has the path of a", "one folder"),
        ("environments:\n  a: {}\n  a: {}", "3:3", "the key 'a' is in a map twice", None),
        ("environments: {a: {in_cluster: [{kind: Pod, name: b}]}}", "1:40", "not a kind", "Secret"),
        ("environments: {a: {in_cluster: [{kind: Secret, name: b}]}}", "1:33", "namespace", None),
        ("environments: {a: {in_cluster: [{kin: Secret}]}}", "1:34", "no key", "known are"),
        ("environments: {a: {flux_version: 2.10}}", "1:34", "expected a text", "quotes"),
        ("environments: {a: {flux_version: 2.x}}", "1:34", "not a version", "2.8"),
        ("environments: {a: {cluster_recipients: ['']}}", "1:41", "no public key", "age1"),
        ("allow: [{rule: a, path: b}]", "1:9", "reason is missing", None),
        ("allow: [{rule: A b, path: b, reason: c}]", "1:16", "'A b' is not the id of a rule", "rules list"),
        ("allow: [{rule: a, path: b, reason: c, expires: soon}]", "1:48", "expected a day", "2027-01-31"),
        ("allow: [{rule: a, path: b, reason: c, expires: 2027-02-30}]", "1:48", "expected a day", None),
        ("audit: {fail_on: severe}", "1:18", "'severe' is not a severity", "critical"),
        ("audit: {token_days: 0}", "1:21", "token_days is 0, expected 1 to", None),
        ("audit: {token_days: long}", "1:21", "token_days is a text", None),
        ("log: {required: maybe}", "1:17", "required is a text", None),
        ("trusted_servers: [vault.example]", "1:19", "'vault.example' is not the address of a server", "https://"),
        ("trusted_servers: ['https://a@b']", "1:19", "is not the address of a server", None),
        ("age_plugins: [a/b]", "1:15", "'a/b' is not the name of a plugin", "age-plugin-NAME"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place(text, place, message, hint):
    with pytest.raises(ConfigError) as caught:
        parse_settings(text.encode())
    assert caught.value.place == f".fluxsecrets.yaml:{place}"
    assert message in caught.value.message
    assert hint is None or hint in caught.value.hint
    line = caught.value.line
    shown = text.splitlines()[line - 1].strip().replace("a@b", "…@b")
    assert caught.value.details == (f"{line} | {shown}",)


def test_a_private_key_is_never_shown():
    with pytest.raises(ConfigError) as caught:
        parse_settings(b"environments: {a: {cluster_recipients: [AGE-SECRET-KEY-1THROWAWAY]}}")
    assert "THROWAWAY" not in str(caught.value) + str(caught.value.hint)
    assert caught.value.details == ()
    assert caught.value.line == 1


def test_the_schema_knows_the_same_keys():
    known = SCHEMA["properties"]
    assert known.keys() == settings.TOP_KEYS == {field.name for field in fields(Settings)}
    inner = known["environments"]["additionalProperties"]["properties"]
    assert inner.keys() == settings.ENVIRONMENT_KEYS
    assert known["allow"]["items"]["properties"].keys() == settings.ALLOW_KEYS
    assert known["log"]["properties"].keys() == settings.LOG_KEYS
    audit = known["audit"]["properties"]
    assert audit.keys() == settings.AUDIT_KEYS
    assert {name: audit[name]["default"] for name in audit} == {
        field.name: getattr(AuditSettings(), field.name) for field in fields(AuditSettings)
    }
    assert set(audit["fail_on"]["enum"]) - {None} == set(settings.SEVERITIES)


def test_the_example_of_the_documentation_is_valid():
    page = (Path(__file__).parents[2] / "docs/environments.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n# .fluxsecrets.yaml\n")[2].partition("```")[0]
    found = parse_settings(example.encode())
    assert all(getattr(found, field.name) for field in fields(Settings))


def test_without_a_file_all_is_as_it_is_by_default(tmp_path, tree_of):
    assert load_settings(tmp_path) == load_settings(tree_of({"a.yaml": ""})) == Settings()


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere.yaml").write_text("secrets: []\n")
    (tmp_path / ".fluxsecrets.yaml").symlink_to("elsewhere.yaml")
    with pytest.raises(FileAccessError):
        load_settings(tmp_path)


def test_listed_secrets_are_secrets(tree_of):
    tree = tree_of({".fluxsecrets.yaml": "secrets: ['legacy/*.txt']\n", "legacy/a.txt": "x", "b.txt": "x"})
    (found,) = discover(tree)
    assert (found.path, found.kind) == ("legacy/a.txt", SecretKind.LISTED)


def test_environments_can_be_named_and_given_files(tree_of):
    tree = tree_of(
        {
            ".fluxsecrets.yaml": "environments:\n"
            "  live: {path: clusters/production}\n"
            "  home: {path: lab, files: ['talos/home/**', '*.home.txt']}\n"
            "  staging: {}\n",
            "clusters/production/a.yaml": "",
            "clusters/staging/a.yaml": "",
            "lab/a.yaml": "",
            "talos/home/deep/secrets.yaml": "",
            "x/y.home.txt": "",
            "talos/other.yaml": "",
        }
    )
    assert list_environments(tree) == (
        EnvironmentRoot("home", "lab"),
        EnvironmentRoot("live", "clusters/production"),
        EnvironmentRoot("staging", "clusters/staging"),
    )
    files = find_environment(tree, "home").files
    assert files == {"lab/a.yaml", "talos/home/deep/secrets.yaml", "x/y.home.txt"}


def test_a_set_name_is_not_given_to_another(tree_of):
    tree = tree_of(
        {
            ".fluxsecrets.yaml": "environments: {staging: {path: old/staging}}\n",
            "clusters/staging/a.yaml": "",
            "old/staging/a.yaml": "",
        }
    )
    assert {root.name: root.path for root in list_environments(tree)} == {
        "staging": "old/staging",
        "clusters/staging": "clusters/staging",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("environments:\n  a: {path: nowhere}\n", "there is no such folder"),
        ("environments:\n  stagin: {}\n", "no environment stagin was found; there are staging"),
    ],
)
def test_an_environment_that_is_nowhere_is_an_error(tree_of, text, message):
    tree = tree_of({".fluxsecrets.yaml": text, "clusters/staging/a.yaml": ""})
    with pytest.raises(ConfigError) as caught:
        list_environments(tree)
    assert message in caught.value.message
    assert caught.value.place == ".fluxsecrets.yaml:2"
