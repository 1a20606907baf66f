"""Files with keys of several kinds, and real sops beside the drop-in: each reads and changes the other's."""

import json
import re
import subprocess

import pytest
import yaml

pytest.importorskip("moto")
pytest.importorskip("google.cloud.kms_v1")
pytest.importorskip("azure.keyvault.keys")

from awsserver import make_key
from googleserver import KEY

PLAIN = b"a: throwaway\nb:\n    c:\n        - 1\n        - true\n    d: two words\nu_unencrypted: seen\n"
CHANGED = PLAIN.replace(b"throwaway", b"changed")
RULES = {
    "flat": "    age: {age}\n    kms: {kms}\n    gcp_kms: {gcp}\n    azure_keyvault: {azure}\n",
    "groups": "    shamir_threshold: 2\n    key_groups:\n"
    "      - age: [{age}]\n        gcp_kms: [{{resource_id: {gcp}}}]\n"
    "      - kms: [{{arn: '{kms}', context: {{Team: a}}}}]\n      - azure_keyvault: [{azure_parts}]\n",
    "one group": "    key_groups:\n      - kms: [{{arn: '{kms}'}}]\n        age: [{age}]\n"
    "        azure_keyvault: [{azure_parts}]\n",
}
_VARIES = re.compile(r"ENC\[[^]]*\]|20\d\d-[0-9T:-]+Z")


@pytest.fixture
def services(aws, google, azure, folder, rsa_keys, monkeypatch):
    """All services at once; gives what the rules name."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name)
    url = azure.url(version=azure.add_key(rsa_keys[0]))
    host, _, rest = url.partition("/keys/")
    name, version = rest.split("/")
    parts = f"{{vaultUrl: '{host}', key: {name}, version: '{version}'}}"
    return {"age": folder.recipient, "kms": make_key(), "gcp": KEY, "azure": url, "azure_parts": parts}


def block(text):
    """The `sops` block with its fields in order, without what differs from run to run."""

    def shown(value):
        if isinstance(value, dict):
            return {key: "…" if key == "enc" else shown(each) for key, each in value.items()}
        return [shown(each) for each in value] if isinstance(value, list) else _VARIES.sub("…", str(value))

    return json.dumps(shown(yaml.safe_load(text)["sops"]))


@pytest.mark.parametrize("rule", RULES)
def test_each_reads_and_changes_what_the_other_wrote(services, folder, sops, real_sops, rule):
    folder.rules(f"creation_rules:\n  - path_regex: yaml$\n{RULES[rule].format(**services)}")

    def real(*arguments):
        done = subprocess.run([real_sops, *arguments], capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def ours(*arguments):
        done = sops(*arguments)
        assert done.code == 0, done.err
        return done.out

    folder.write("f.yaml", PLAIN)
    written = {program: program("encrypt", "f.yaml") for program in (ours, real)}
    assert block(written[ours]) == block(written[real])
    for program, other in ((ours, real), (real, ours)):
        folder.write("f.yaml", written[program])
        assert ours("decrypt", "f.yaml") == real("decrypt", "f.yaml") == PLAIN
        other("rotate", "-i", "f.yaml")
        other("set", "f.yaml", '["a"]', '"changed"')
        for each in (ours, real):
            assert yaml.safe_load(each("decrypt", "f.yaml")) == yaml.safe_load(CHANGED)
        folder.rules(f"creation_rules:\n  - age: {services['age']}\n    kms: {services['kms']}\n")
        other("updatekeys", "--yes", "f.yaml")
        assert {"age", "kms"} <= yaml.safe_load(folder.read("f.yaml"))["sops"].keys()
        for each in (ours, real):
            assert yaml.safe_load(each("decrypt", "f.yaml")) == yaml.safe_load(CHANGED)
        folder.rules(f"creation_rules:\n  - path_regex: yaml$\n{RULES[rule].format(**services)}")
