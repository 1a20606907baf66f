"""With an agent, a device is touched once for each file: whole commands, and a plugin that notes its runs."""

import sys
from pathlib import Path

import pytest

from agentclients import running
from agents import until
from fluxsecrets.sops import bech32

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no agent on Windows")


def test_a_device_is_touched_once_for_each_file(environment, plugin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in plugin.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SOPS_AGE_KEY", bech32.encode("age-plugin-xor-", b"throw-away").upper())
    recipient = bech32.encode("age1xor", b"throw-away")
    log = Path(plugin["PLUGIN_LOG"])

    def touches():
        lines = log.read_text(encoding="utf-8").splitlines()
        return sum("identity-v1" in line for line in lines)

    with running(patient=True) as agent:
        files = ("one.yaml", "other.yaml")
        for name in files:
            Path(name).write_text(f"password: {name}\n", encoding="utf-8")
            assert agent.run("encrypt", name, "--age", recipient, "--for-others").returncode == 0
        before = touches()
        for count, name in enumerate(files, 1):
            for _ in range(3):
                assert agent.run("decrypt", name).stdout.decode() == f"password: {name}\n"
                # It keeps what a process opened once that has ended, which is after its client
                until(lambda: agent.state()["opened"] == count)  # noqa: B023 - it is called here only
            assert touches() == before + count
            assert agent.state()["identities"] == 0
        assert agent.run("get", "one.yaml", "password").stdout == b"one.yaml"
        assert agent.run("decrypt", "one.yaml", env={"FLUXSECRETS_NO_AGENT": "1"}).returncode == 0
        assert agent.run("agent", "lock").returncode == 0
        assert agent.run("decrypt", "one.yaml").returncode == 0
        assert touches() == before + 4
