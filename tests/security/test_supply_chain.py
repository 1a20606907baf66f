"""The tool's own supply chain: pinned versions, no code from elsewhere, the network where it is named."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

from sourcetexts import SOURCE, modules, modules_naming

PROJECT = Path(__file__).parents[2]

NETWORK = {
    "_socket", "_ssl",
    "aiohttp", "asyncio", "azure", "boto3", "botocore", "ftplib", "google.auth", "google.cloud", "grpc",
    "http", "httpx", "hvac", "mcp",
    "onepasswordconnectsdk", "requests", "smtplib", "socket", "socketserver", "ssl",
    "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc",
}  # fmt: skip
"""Modules through which a connection can be opened."""

AGENT = {
    "cli/agent/answering.py",  # `agent`: a request of a client
    "cli/agent/children.py",  # hands it to the process that answers
    "cli/agent/client.py",  # every command asks the agent of its user
    "cli/agent/peers.py",  # who is at the other end
    "cli/agent/server.py",  # accepts clients
    "cli/agent/socketfile.py",  # listens
}
"""These use Unix sockets alone, as `test_the_agent_cannot_reach_another_machine` says."""

MAY_CONNECT = AGENT | {
    "clouds/aws.py",  # keys and stores in AWS
    "clouds/azure.py",  # keys and stores in Azure
    "clouds/azure_login.py",  # log-ins there
    "clouds/gcp.py",  # keys and stores in Google Cloud
    "clouds/gcp_login.py",  # log-ins there
    "clouds/grpclib.py",  # `keyservice`, and keys in Google Cloud if the user wants gRPC
    "clouds/onepassword.py",  # `convert` to and from 1Password Connect
    "clouds/vault.py",  # keys and stores in HashiCorp Vault
    "external/stores/vault.py",  # `convert` to and from HashiCorp Vault
    "keys/gcp_kms.py",  # keys in Google Cloud if the user wants gRPC
    "keys/keyservice/sockets.py",  # `keyservice` and --keyservice of the drop-in
    "mcp/server.py",  # agents, over standard input and output alone
    "ops/sealing/fetch.py",  # `seal --fetch-cert`
}

LOADERS = {"concurrent.futures.ProcessPoolExecutor", "marshal", "multiprocessing", "pickle", "shelve"}
"""Modules that run code which their input names; processes of a pool talk in pickles."""

MAY_LOAD = {
    "ops/fleet/local.py",  # from the worker processes that it started itself; results are JSON
    "ops/run/forked.py",  # likewise
    "ops/run/parallel.py",  # from the worker processes that it started itself
}

RUNNERS = {"compile", "eval", "exec", "__import__"}


def name(path):
    return path.relative_to(SOURCE).as_posix()


@cache
def nodes(path):
    wanted = ast.Import | ast.ImportFrom | ast.Call
    return [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, wanted)]


def imports_of(path):
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importing(wanted):
    """The modules that import one of these, or something in it."""
    return {
        name(path)
        for path, _ in modules_naming({each.partition(".")[0] for each in wanted})
        if any(found == each or found.startswith(f"{each}.") for found in imports_of(path) for each in wanted)
    }


def calls_of(path):
    for node in nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def normal(requirement):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def pins():
    lines = (PROJECT / "scripts" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def requirements():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    # The fuzzer is no part of the product, nor of what tests it in CI.
    return [
        *project["dependencies"],
        *(each for extra in extras if extra != "fuzz" for each in extras[extra]),
    ]


def test_what_is_installed_to_build_and_test_it_is_pinned():
    assert {normal(each) for each in requirements()} <= {normal(pin) for pin in pins()}


def test_a_pin_is_one_version_by_its_name():
    # No address, no file, no option: a name and a version that cannot move.
    assert pins()
    assert [pin for pin in pins() if not re.fullmatch(r"[A-Za-z0-9][\w.-]*==[\w.!+]+", pin)] == []


def test_only_named_modules_can_open_a_connection():
    assert importing(NETWORK) == MAY_CONNECT


def test_the_agent_cannot_reach_another_machine():
    for each in AGENT:
        for node in ast.walk(ast.parse((SOURCE / each).read_bytes())):
            if isinstance(node, ast.Attribute):
                assert node.attr == "AF_UNIX" or not node.attr.startswith("AF_"), each
                assert node.attr not in {"create_connection", "create_server", "fromfd", "getaddrinfo"}, each
            if isinstance(node, ast.ImportFrom) and node.module in NETWORK:
                assert [one.name for one in node.names] == ["socket"], each  # as a type
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("socket.socket"):
                given = [ast.unparse(one) for one in node.args] or [one.arg for one in node.keywords]
                # Without a family it would be one of the internet.
                assert given[:1] in (["socket.AF_UNIX"], ["_socket.AF_UNIX"], ["fileno"]), each
            assert not (isinstance(node, ast.Call) and ast.unparse(node.func) == "socket"), each


def test_only_named_modules_load_what_can_run_code():
    assert importing(LOADERS) == MAY_LOAD


def test_no_module_runs_text_as_code():
    assert [name(path) for path, _ in modules_naming(RUNNERS) if set(calls_of(path)) & RUNNERS] == []


def test_every_module_is_looked_at():
    """What is not parsed is told by its text, as parsing it tells."""
    wanted = {each.partition(".")[0] for each in NETWORK | LOADERS} | RUNNERS
    parsed = {path for path, _ in modules_naming(wanted)}
    others = [path for path, _ in modules() if path not in parsed]
    assert len(others) > 500
    for path in others[::50]:
        roots = {each.partition(".")[0] for each in imports_of(path)}
        assert not wanted & roots.union(calls_of(path)), name(path)


def test_yaml_is_never_loaded_into_objects():
    unsafe = {"yaml.load", "yaml.full_load", "yaml.unsafe_load", "yaml.Loader", "yaml.UnsafeLoader"}
    found = re.compile(rb"\b(?:%s)\b" % b"|".join(re.escape(each.encode()) for each in sorted(unsafe)))
    assert [name(path) for path, data in modules() if found.search(data)] == []


def test_ci_jobs_use_the_forges_own_actions_only():
    text = (PROJECT / "ci" / "github-actions.yml").read_text(encoding="utf-8")
    used = re.findall(r"uses: *(\S+)", text)
    assert used
    assert all(re.fullmatch(r"(?:actions|github)/[\w/-]+@[0-9a-f]{40}", each) for each in used), used
