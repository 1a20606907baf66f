"""Runs a command, and writes to a descriptor: seconds, the peak of its memory, and its exit code.

    python -I -S benchmarks/timed.py DESCRIPTOR COMMAND...

The peak of a process counts from the fork on, and so is never less than what the process takes that forked
it. This one takes little, and keeps what benchmarks hold out of the figures.
"""

import os
import sys
import time


def main() -> None:
    descriptor, *command = sys.argv[1:]
    os.set_inheritable(int(descriptor), False)
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    os.write(int(descriptor), f"{seconds!r} {usage.ru_maxrss} {code}".encode())


if __name__ == "__main__":
    main()
