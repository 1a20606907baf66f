"""`fluxsecrets init --from-sops`: what differs, and nothing changes."""

import json

import pytest

KEY = "age1jtgdzd3eqrd5hc9ttv5rlsg6443knl70z6y0g0ge72gpmk08fedq960n2p"

RULES = f"""\
creation_rules:
  - path_regex: clusters/staging/.*
    encrypted_regex: data|stringData
    age: {KEY}
  - path_regex: apps/[^/]+/overlays/staging/[^/]+$
    unencrypted_comment_regex: plain
    age: {KEY}
  - path_regex: apps/.*
    encrypted_regex: ^(data|stringData)$
    age: {KEY}
  - path_regex: .*
    age: {KEY}
"""

HELMFILE = """\
releases:
  - name: shop
    secrets: [values.enc.yaml]
"""

MAKEFILE = """\
encrypt:
\tsops --encrypt --in-place $(FILE)
show: ; SOPS_AGE_KEY=hunter2-throwaway sops -d a.yaml
edit:
\tsops $(FILE)
keys:
\tfind . -name '*.yaml' -exec sops updatekeys --yes {} \\;
\thelm secrets upgrade shop -f secrets://values.yaml
\tapt-get install sops jq
# sops -d in a comment
"""


@pytest.fixture
def used(waddle):
    """The example, in which sops is used as many do."""
    (waddle / ".sops.yaml").write_text(RULES)
    (waddle / "Makefile").write_text(MAKEFILE)
    (waddle / "helmfile.yaml").write_text(HELMFILE)
    (waddle / "apps/generator.yaml").write_text("apiVersion: viaduct.ai/v1\nkind: ksops\nfiles: [db.yaml]\n")
    (waddle / "clusters/production/.sops.yaml").write_text(f"creation_rules: [{{age: {KEY}}}]\n")
    return waddle


def found(report, kind):
    return {
        (each["message"], place["path"], place["line"]) for each in report[kind] for place in each["places"]
    }


def test_rules_that_differ_are_told_once_each(used, cli):
    report = json.loads(cli("init", "--from-sops", "--format", "json").stdout)
    told = {(path, line) for _, path, line in found(report, "rules")}
    assert {(".sops.yaml", 2), (".sops.yaml", 5), (".sops.yaml", 11)} <= told
    assert ("clusters/production/.sops.yaml", None) in told
    generators = {path for message, path, _ in found(report, "rules") if "generator reads" in message}
    assert any(path.startswith("apps/spicedb/overlays/production/files/") for path in generators)
    anchored = [
        message for message, path, line in found(report, "rules") if (path, line) == (".sops.yaml", 2)
    ]
    assert anchored == [
        "encrypted_regex 'data|stringData' matches `metadata`, too: manifests for it are refused"
    ]


def test_scripts_are_told_without_their_text(used, cli):
    result = cli("init", "--from-sops", "--format", "json")
    assert "hunter2" not in result.stdout
    assert found(json.loads(result.stdout), "uses") == {
        ("sops encrypt is used", "Makefile", 2),
        ("sops decrypt is used", "Makefile", 3),
        ("sops is used", "Makefile", 5),
        ("sops updatekeys is used", "Makefile", 7),
        ("helm-secrets is used", "Makefile", 8),
        ("helm-secrets is used", "helmfile.yaml", 3),
        ("ksops is used", "apps/generator.yaml", 2),
    }


def test_nothing_is_changed(used, cli, git):
    before = git(used, "status", "--porcelain")
    result = cli("init", "--from-sops")
    assert result.exit_code == 0
    assert "nothing was changed" in result.stderr
    assert git(used, "status", "--porcelain") == before


def test_a_set_up_that_fits_has_no_differences_in_its_rules(waddle, cli):
    report = json.loads(cli("init", "--from-sops", "--format", "json").stdout)
    assert report["rules"] == []
    assert report["configs"] == 1


def test_an_invalid_configuration_is_told(waddle, cli):
    (waddle / ".sops.yaml").write_text("creation_rules:\n  - path_regex: '('\n    age: nobody\n")
    result = cli("init", "--from-sops")
    assert result.exit_code == 0
    assert ".sops.yaml:2" in result.stdout
