"""What is asked about one environment does not read the others."""

import pytest

from fluxsecrets.repo import environments
from layouts import SECRET_AGE, flux, git_repository, kustomization, secret


def cluster(name):
    return {
        f"clusters/{name}/flux-system/gotk-sync.yaml": git_repository()
        + flux("flux-system", f"./clusters/{name}", SECRET_AGE),
        f"clusters/{name}/apps.yaml": flux("apps", f"./apps/{name}", SECRET_AGE),
        f"apps/{name}/kustomization.yaml": kustomization("resources: [secret.yaml]"),
        f"apps/{name}/secret.yaml": secret("db", "shop"),
        f"talos/{name}.sops.yaml": "token: throwaway\n",
    }


@pytest.fixture
def two(folder, cli):
    for path, content in {**cluster("live"), **cluster("test")}.items():
        folder.write(path, content)
    assert cli("encrypt", "-i", "apps", "talos").exit_code == 0
    return folder


@pytest.fixture
def walked(monkeypatch):
    """The roots that were read."""
    found = []
    walk = environments.walk

    def noted(tree, root, *others):
        found.append(root)
        return walk(tree, root, *others)

    monkeypatch.setattr(environments, "walk", noted)
    return found


@pytest.mark.parametrize(
    "command",
    [
        ("verify", "--env", "live", "--no-keys"),
        ("audit", "--env", "live", "--no-keys"),
        ("render", "--env", "live"),
        ("encrypt", "--env", "live", "--check"),
        ("status", "--env", "live"),
        ("scan", "--env", "live"),
    ],
    ids=lambda command: command[0],
)
def test_one_environment_is_read(two, cli, walked, command):
    two.write(".fluxsecrets.yaml", f"environments: {{live: {{cluster_recipients: [{two.recipient}]}}}}\n")
    result = cli(*command)
    assert result.exit_code in (0, 1), result.stderr
    assert set(walked) == {"clusters/live"}
