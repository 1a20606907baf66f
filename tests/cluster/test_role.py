"""The rights in docs/cluster.md are those that reading a cluster needs, and no more."""

import re
from pathlib import Path

import yaml

from fluxsecrets.cluster.kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs/cluster.md"


def test_the_role_covers_each_kind_and_only_reads():
    block = re.search(r"```yaml\n(apiVersion: rbac.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    role = yaml.safe_load(block[1])
    granted = {
        (group, resource)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert granted == {(kind.group, kind.resource) for kind in KINDS}
    assert all(rule["verbs"] == ["get", "list"] for rule in role["rules"])
