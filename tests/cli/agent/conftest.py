"""What tests of the agent need: one that runs, and a repository whose files it reads."""

import sys
from contextlib import ExitStack

import pytest

import agents
from agents import PROGRAMS, run

collect_ignore_glob = ["*"] if sys.platform == "win32" else []


@pytest.fixture(scope="package")
def _agent():
    with agents.running(PROGRAMS["fluxsecrets"]) as agent:
        yield agent


@pytest.fixture
def agent(_agent, environment, monkeypatch):
    """An agent that all tests of this folder share; commands find it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(_agent.runtime))
    return _agent


@pytest.fixture
def own_agent(environment, tmp_path_factory, monkeypatch):
    """Starts an agent for one test, with options."""
    with ExitStack() as stack:

        def start(*options):
            made = stack.enter_context(agents.running(PROGRAMS["fluxsecrets"], *options))
            monkeypatch.setenv("XDG_RUNTIME_DIR", str(made.runtime))
            return made

        yield start


@pytest.fixture
def both(agent):
    """Runs a command line with the agent and without, and returns both results."""

    def compare(program, *args, env=None, **options):
        warm = run(program, *args, env=env, **options)
        cold = run(program, *args, env={**(env or {}), "FLUXSECRETS_NO_AGENT": "1"}, **options)
        return warm, cold

    return compare
