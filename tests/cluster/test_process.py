"""kubectl is bounded, and what it complains is not shown."""

import os
import sys

import pytest

from fluxsecrets.cluster.kubectl import Kubectl
from fluxsecrets.cluster.model import Wanted, Why
from fluxsecrets.cluster.process import run
from fluxsecrets.errors import ClusterError

TOKEN = "planted-token-throwaway"
posix = pytest.mark.skipif(os.name == "nt", reason="a script stands in for kubectl")


def script(tmp_path, text):
    """Put a kubectl on PATH that is a shell script."""
    path = tmp_path / "kubectl"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "SOPS_AGE_KEY": TOKEN}


def test_output_and_time_are_bounded():
    endless = [sys.executable, "-c", "while True: print('x' * 1000)"]
    ended = run(endless, os.environ, timeout=30, limit=5000)
    assert (ended.overflowed, ended.timed_out, len(ended.output)) == (True, False, 5000)
    ended = run(
        [sys.executable, "-c", "input()\nimport time\ntime.sleep(60)"], os.environ, timeout=30, limit=10
    )
    assert ended.code == 1  # standard input is empty: nobody is asked
    ended = run([sys.executable, "-c", "import time; time.sleep(60)"], os.environ, timeout=0.1, limit=10)
    assert ended.timed_out
    with pytest.raises(ClusterError, match="could not be started"):
        run(["/nowhere/kubectl"], os.environ, timeout=1, limit=1)


@posix
def test_neither_output_nor_complaints_are_shown(tmp_path):
    environ = script(
        tmp_path, f'test -z "$SOPS_AGE_KEY" || exit 9; echo "{TOKEN}"; echo "{TOKEN} refused" >&2; exit 1'
    )
    with pytest.raises(ClusterError) as caught:
        Kubectl(environ, lambda _: None, context="x").read(Wanted((), frozenset(), frozenset()))
    error = caught.value
    assert TOKEN not in f"{error} {error.hint} {error.details} {error!r}"
    assert error.message == "the cluster does not answer"
    assert TOKEN not in repr(run([str(tmp_path / "kubectl")], environ, timeout=9, limit=99))


@posix
def test_a_call_that_fails_for_an_unknown_reason_is_a_gap(tmp_path):
    view = '{"current-context": "x", "clusters": [{"cluster": {"server": "https://me:secret@host/?a=b"}}]}'
    start = f"if [ $1 = config ]; then echo '{view}'; exit; fi; test $2 != --raw=/version || exit 0"
    environ = script(tmp_path, f"{start}; echo odd >&2; exit 1")
    found = Kubectl(environ, lambda _: None).read(Wanted((), frozenset(), frozenset({("apps", "db")})))
    assert (found.origin.server, found.origin.context) == ("https://host/", "x")
    assert (found.secrets.owned_gap.why, found.secrets.get("apps", "db").why) == (Why.FAILED, Why.FAILED)
    script(tmp_path, f"{start}; echo '{TOKEN}'")
    with pytest.raises(ClusterError, match="not JSON") as caught:
        Kubectl(environ, lambda _: None).read(Wanted((), frozenset(), frozenset()))
    assert TOKEN not in repr(caught.value.__context__)
