"""The protocol: an in-memory client, and a real process that is spoken to by hand."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from fluxsecrets.mcp.calls import Request
from fluxsecrets.mcp.server import Desk, make_server
from fluxsecrets.mcp.tools import TOOLS
from missing import run_without

mcp = pytest.importorskip("mcp")


def talk(repository, talking):
    """Connect a client to a server in this process, and return what `talking` returns."""

    async def run():
        async with mcp.Client(make_server(Desk(repository.served))) as client:
            return await talking(client)

    return anyio.run(run)


def test_the_tools_are_these(repository, snapshot):
    async def listing(client):
        return (await client.list_tools()).tools

    found = talk(repository, listing)
    listed = [tool.model_dump(by_alias=True, exclude_none=True) for tool in found]
    for each in listed:  # the fields of its data are those of docs/schema
        assert each["outputSchema"]["properties"]["data"].pop("properties")
    assert json.dumps(listed, indent=1) == snapshot
    assert {tool.name: not tool.annotations.read_only_hint for tool in found} == {
        tool.name: tool.writes for tool in TOOLS
    }


def test_answers_fit_the_schema_and_text_says_the_same(repository):
    async def calling(client):
        await client.list_tools()  # the client checks answers by the schemas in it
        return [
            await client.call_tool("list_secrets", {}),
            await client.call_tool("audit", {"limit": 1}),
            await client.call_tool("explain", {"path": "../x"}),
        ]

    for result in talk(repository, calling):
        assert json.loads(result.content[0].text) == result.structured_content
    assert result.is_error


def test_a_call_that_takes_too_long_is_answered(repository, monkeypatch):
    release = []

    def slow(_served, _request):
        while not release:
            time.sleep(0.01)
        return

    monkeypatch.setattr("fluxsecrets.mcp.server.call", slow)
    desk = Desk(repository.served, time_limit=0.05)

    async def twice():
        return await desk.call(Request("audit")), await desk.call(Request("audit"))

    answers = anyio.run(twice)
    release.append(True)
    desk.wait()
    assert all("did not end within 0.05 seconds" in each.content["error"]["message"] for each in answers)


class Process:
    """`fluxsecrets mcp` as a client starts it."""

    def __init__(self, cli, folder, *args, **env):
        self.process = subprocess.Popen(
            [cli.executable, "mcp", *args],
            cwd=folder,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def send(self, line):
        self.process.stdin.write(line if isinstance(line, bytes) else json.dumps(line).encode())
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def ask(self, number, method, **params):
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while True:
            answer = json.loads(self.process.stdout.readline())
            if answer.get("id") == number:
                return answer

    def start(self):
        who = {"name": "by hand", "version": "1"}
        found = self.ask(1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=who)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return found["result"]

    def end(self):
        """Close its input; exit code, and what it wrote to standard error."""
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors.decode()


def test_a_session_by_hand(repository, cli):
    # Started elsewhere, with a folder of the repository; a key command reads standard input, and prints.
    code = "import sys; sys.stdin.read(); print('noise', file=sys.stderr); print('no key')"
    command = f'{Path(sys.executable).as_posix()} -c "{code}"'
    process = Process(
        cli, repository.path.parent, "repository/apps", SOPS_AGE_KEY_CMD=command, SOPS_AGE_KEY_FILE=""
    )
    assert process.start()["serverInfo"]["name"] == "fluxsecrets"
    process.send(b"garbage {")
    process.send(b'{"jsonrpc": "2.0", "id": 2}')
    process.send(b"\xff\xfe\x00")
    assert len(process.ask(3, "tools/list")["result"]["tools"]) == len(TOOLS)
    result = process.ask(4, "tools/call", name="explain", arguments={"path": "x" * 2_000_000})["result"]
    assert result["isError"]
    result = process.ask(5, "tools/call", name="status", arguments={})["result"]
    assert result["structuredContent"]["data"]["root"] == "."
    setting = {"path": "apps/staging/secret.yaml", "key": "stringData.password", "generate": "uuid"}
    result = process.ask(7, "tools/call", name="set_generated_value", arguments=setting)["result"]
    assert "open" in result["structuredContent"]["error"]["message"]
    assert "error" in process.ask(6, "tools/call", name=7)
    assert process.end() == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_signal_ends_it_at_once(repository, cli):
    process = Process(cli, repository.path)
    process.start()
    process.process.send_signal(signal.SIGTERM)
    process.process.wait(30)
    assert process.end() == (128 + signal.SIGTERM, "")


def test_without_the_package_it_says_how_to_install_it(tmp_path):
    found = run_without("mcp", tmp_path, {"HOME": str(tmp_path)}, "mcp")
    assert found.returncode == 2
    assert found.stderr == (
        "error: `mcp` needs the Python package mcp\n  hint: run `pip install 'fluxsecrets[mcp]'`\n"
    )


def test_it_needs_a_repository(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ((), (tmp_path,)):
        result = cli("mcp", *folder)
        assert result.exit_code == 2
        assert "this is not a git repository" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="there are no terminals of that kind")
def test_at_a_terminal_it_says_who_starts_it(cli, repository):
    _, terminal = os.openpty()
    with os.fdopen(terminal, encoding="utf-8") as stdin:
        result = cli("mcp", stdin=stdin)
    assert result.exit_code == 2
    assert "an agent's client starts this command" in result.stderr
