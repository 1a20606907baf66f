"""What a large file costs in memory: at most eight times the encrypted file, in both directions."""

import json
import subprocess
import sys
from random import Random

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="what a process used at most is told in other units elsewhere",
)

SIZE = 11_500_000
"""Bytes in plain text; what they are encrypted to is a little under the limit."""


def text(count):
    """So many long values that together they have the size."""
    return ["x" * (SIZE // count)] * count


SMALL = {
    "small.yaml": "".join(f"key-{number}: {'throwaway ' * 10}x\n" for number in range(20_000)),
    "small.json": json.dumps({f"key-{number}": "throwaway " * 10 for number in range(20_000)}, indent=2),
}
"""Many small values, of which objects take more than their text."""

PLAIN = {
    "few.yaml": lambda: "".join(f"k{number}: {value}\n" for number, value in enumerate(text(10))).encode(),
    "one.json": lambda: json.dumps({"a": text(1)[0]}).encode(),
    "few.env": lambda: "".join(f"K{number}={value}\n" for number, value in enumerate(text(10))).encode(),
    "any.bin": lambda: Random(1).randbytes(SIZE),
}


LAUNCHER = """\
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss * 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A process starts out with what the one had that started it, and the tests' own is large."""


def peak(cli, *arguments):
    """Run a command; the most memory that it had, in bytes."""
    command = [sys.executable, "-IS", "-c", LAUNCHER, cli.executable, *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", PLAIN)
def test_large_values_cost_eight_times_the_file_at_most(folder, cli, name):
    plain = PLAIN[name]()
    folder.write(name, plain)
    used = peak(cli, "encrypt", "-o", f"encrypted-{name}", name)
    size = (folder.path / f"encrypted-{name}").stat().st_size
    assert used <= 8 * size
    assert peak(cli, "decrypt", "-o", f"again-{name}", f"encrypted-{name}") <= 8 * size
    assert folder.read(f"again-{name}") == plain


@pytest.mark.parametrize("name", SMALL)
def test_many_small_values_cost_eight_times_the_file_beside_what_a_command_takes(folder, cli, name):
    folder.write(name, SMALL[name].encode())
    one = f"one-{name}"
    folder.write(one, b'{"a": "b"}\n')  # YAML, too
    idle = peak(cli, "encrypt", "-o", f"encrypted-{one}", one)
    used = peak(cli, "encrypt", "-o", f"encrypted-{name}", name)
    size = (folder.path / f"encrypted-{name}").stat().st_size
    assert used - idle <= 8 * size
    idle = peak(cli, "decrypt", "-o", f"again-{one}", f"encrypted-{one}")
    used = peak(cli, "decrypt", "-o", f"again-{name}", f"encrypted-{name}")
    assert used - idle <= 8 * size
    assert folder.read(f"again-{name}") == SMALL[name].encode()


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("value", ["short", "longer-than-before-" * 20])
def test_another_value_among_many_small_ones_costs_eight_times_the_file(folder, cli, name, value):
    folder.write(name, SMALL[name].encode())
    folder.write(f"one-{name}", b'{"key-0": "b"}\n')
    for each in (name, f"one-{name}"):
        peak(cli, "encrypt", each)
    idle, used = (peak(cli, "set", each, "key-0", value) for each in (f"one-{name}", name))
    assert used - idle <= 8 * (folder.path / name).stat().st_size


@pytest.mark.parametrize("name", ["small.json"])
def test_new_data_keys_for_many_small_values_cost_eight_times_the_file(folder, cli, name):
    folder.write(name, SMALL[name].encode())
    folder.write(f"one-{name}", b'{"a": "b"}\n')
    for each in (name, f"one-{name}"):
        peak(cli, "encrypt", each)
    idle, used = (peak(cli, "rotate", each) for each in (f"one-{name}", name))
    assert used - idle <= 8 * (folder.path / name).stat().st_size
