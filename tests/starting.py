"""Programs that start with signals, limits, streams or a terminal of the test's choice.

What `subprocess` calls `preexec_fn` runs in a copy of this process, made by `fork`. A worker that ran tests
of a key service has threads of gRPC, and a copy of it hangs or aborts now and then. A small Python does it
instead.
"""

import sys


def with_default(number, *command):
    """A command that a signal ends, even if this process ignores it."""
    return _after(f"signal.signal({int(number)}, signal.SIG_DFL)", command)


def with_closed(stream, *command):
    """A command without one of its standard streams."""
    return _after(f"os.close({stream})", command)


def with_core_limit(size, *command):
    """A command with a soft limit for core dumps, in bytes."""
    limit = f"resource.setrlimit(core, ({size}, resource.getrlimit(core)[1]))"
    return _after(f"import resource; core = resource.RLIMIT_CORE; {limit}", command)


def with_terminal(descriptor, *command):
    """A command whose terminal is that of a descriptor; it needs a session of its own."""
    return _after(f"import fcntl, termios; fcntl.ioctl({descriptor}, termios.TIOCSCTTY, 0)", command)


def _after(code, command):
    return [
        *(sys.executable, "-I", "-c"),
        f"import os, signal, sys; {code}; os.execv(sys.argv[1], sys.argv[1:])",
        *map(str, command),
    ]
