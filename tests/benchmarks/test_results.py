"""What the results say of a row, and when they are written."""

import shutil
import sys

import pytest

from conftest import PROJECT

sys.path.append(str(PROJECT))

from benchmarks.measure import Cost, run
from benchmarks.model import Benchmark, Row
from benchmarks.results import summary, table

from benchmarks import __main__ as program

MIB = 2**20
OURS, THEIRS = Cost(1.0, 50 * MIB), Cost(4.0, 40 * MIB)


@pytest.mark.parametrize(
    ("bounds", "met"),
    [
        ({}, None),
        ({"wanted": 4}, True),
        ({"wanted": 4.1}, False),
        ({"at_most": 0.25}, True),
        ({"at_most": 0.2}, False),
        ({"limit": 1}, True),
        ({"limit": 0.9}, False),
        ({"most_memory": 50 * MIB}, True),
        ({"most_memory": 49 * MIB}, False),
        ({"limit": 1, "most_memory": 49 * MIB}, False),
        ({"wanted": 5, "most_memory": 50 * MIB}, False),
    ],
)
def test_a_row_meets_all_of_its_bounds_or_does_not(bounds, met):
    assert Row("work", OURS, THEIRS, "peer", **bounds).met is met


@pytest.mark.parametrize(("bounds", "met"), [({"limit": 1}, None), ({"limit": 0.5}, False)])
def test_without_its_peer_a_row_is_never_met(bounds, met):
    assert Row("work", OURS, None, "peer", wanted=2, **bounds).met is met


def test_each_figure_stands_beside_its_bound():
    rows = [
        Row("fast", OURS, THEIRS, "peer", wanted=4),
        Row("slow", OURS, THEIRS, "peer", wanted=20, note="half"),
        Row("alone", OURS, None, "peer", wanted=2),
        Row("long", THEIRS, OURS, "an empty Python", at_most=6),
        Row("large", OURS, most_memory=49 * MIB),
    ]

    shown = table(rows, ["half"]).splitlines()[2:]

    assert shown == [
        "| fast | 1.00 s | peer | 4.00 s | 4.00 times as fast | ≥ 4 times as fast | met | 50 MiB | 40 MiB |",
        "| slow [1] | 1.00 s | peer | 4.00 s | 4.00 times as fast | ≥ 20 times as fast "
        "| **not met** | 50 MiB | 40 MiB |",
        "| alone | 1.00 s | peer: not here | – | – | ≥ 2 times as fast | – | 50 MiB | – |",
        "| long | 4.00 s | an empty Python | 1.00 s | 4.00 times as long "
        "| ≤ 6 times as long | met | 40 MiB | 50 MiB |",
        "| large | 1.00 s | – | – | – | ≤ 49 MiB | **not met** | 50 MiB | – |",
    ]
    assert summary(rows) == "2 of 4 bounds are met. Not met: slow; large."


def test_a_command_that_fails_has_no_time(tmp_path):
    with pytest.raises(RuntimeError, match="exited with 3: why"):
        run([sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(3)"], tmp_path, {})


def test_a_command_that_prints_something_else_has_no_time(tmp_path):
    command = [sys.executable, "-c", "print('good')"]

    run(command, tmp_path, {}, prints=b"good\n".__eq__)

    with pytest.raises(RuntimeError, match="printed something else"):
        run(command, tmp_path, {}, prints=b"bad\n".__eq__)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A file that is written in place of the project's results, by two benchmarks that take no time."""
    path = tmp_path / "RESULTS.md"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # it is put back, whatever the run makes of it
    monkeypatch.setattr(program, "RESULTS", path)
    monkeypatch.setattr(program, "_compile", lambda: None)
    monkeypatch.setattr(
        program, "BENCHMARKS", tuple(Benchmark(name, lambda _: [Row("work", OURS)]) for name in "ab")
    )
    peer = tmp_path / "peer"
    peer.write_text("#!/bin/sh\necho a peer that is not installed here\n", encoding="utf-8")
    peer.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: real(name, path=path) or str(peer))
    return path


real = shutil.which


def test_results_are_of_the_whole_set(results, capsys):
    assert program.main(["--write"]) == 0

    assert results.read_text("utf-8").count("| work | 1.00 s |") == 2


@pytest.mark.parametrize("words", [["a"], ["--tiny"], ["a", "b", "--tiny"]])
def test_a_part_is_not_written(results, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        program.main([*words, "--write"])

    assert "the whole set" in capsys.readouterr().err
    assert not results.exists()


def test_nothing_is_written_without_the_peers_of_most_bounds(results, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)

    with pytest.raises(SystemExit, match="2"):
        program.main(["--write"])

    assert "sops and gitleaks" in capsys.readouterr().err


def test_one_that_fails_stops_no_other_and_nothing_is_written(results, monkeypatch, capsys):
    def fail(_):
        raise RuntimeError("decrypt printed something else")

    monkeypatch.setattr(program, "BENCHMARKS", (Benchmark("bad", fail), *program.BENCHMARKS))

    assert program.main(["--write"]) == 1

    shown = capsys.readouterr()
    assert "not among the results: bad" in shown.err
    assert "| work |" in shown.out
    assert not results.exists()
