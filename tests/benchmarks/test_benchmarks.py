"""Each benchmark runs, in a form so small that its times say nothing."""

import shutil
import sys

import pytest

from conftest import PROJECT

sys.path.append(str(PROJECT))

from benchmarks.model import Row

from benchmarks import __main__ as program

PEERS = {name: path for name in ("sops", "gitleaks", "kubeseal") if (path := shutil.which(name)) is not None}


@pytest.mark.parametrize("benchmark", program.BENCHMARKS, ids=lambda each: each.name)
def test_it_runs_in_a_tiny_form(benchmark, cli, capsys):
    rows = program.measured(benchmark, cli.executable, PEERS, 1, tiny=True)

    assert all(isinstance(row, Row) and row.ours.seconds >= 0 for row in rows)
    assert rows or "not measured" in capsys.readouterr().err
