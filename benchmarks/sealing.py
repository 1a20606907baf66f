"""Times `fluxsecrets seal` on many Secrets beside kubeseal in a loop, and beside what RSA alone costs.

    python -m benchmarks.sealing [--count 500] [--rounds 3]

The floor is the RSA operation that each value takes, in one process, with the library that is used.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
CERTIFICATE = PROJECT / "tests" / "vectors" / "keys" / "sealing.crt"
KEEP_FOR_LOOP = 50
"""Files of the loop that are measured; the others take as long each."""

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db-{number}
  namespace: apps
stringData:
  username: app
  password: throwaway-{number}
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sealing", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    ours = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts"))
    if ours is None:
        print("error: fluxsecrets is not installed: run `make bench`", file=sys.stderr)
        return 2
    theirs = shutil.which("kubeseal")
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-bench-") as folder:
        times, loops = [], []
        for _ in range(args.rounds):  # in turns, so that a slow minute hits both
            times.append(seal(ours, Path(folder), args.count))
            loops += [loop(theirs, Path(folder), args.count)] if theirs else []
    floors = [floor(2 * args.count) for _ in range(args.rounds)]
    print(f"{args.count} Secrets with 2 values each, {os.cpu_count()} CPUs, best of {args.rounds}")
    print(f"  fluxsecrets seal, one process     {min(times):8.2f} s")
    if loops:
        times_as_long = min(loops) / min(times)
        print(f"  kubeseal in a loop                {min(loops):8.2f} s   {times_as_long:.1f} times as long")
    else:
        print("  kubeseal is not on PATH")
    print(f"  RSA alone, {2 * args.count} values            {min(floors):8.2f} s")
    return 0


def write_secrets(folder: Path, count: int) -> None:
    for number in range(count):
        (folder / f"{number:04}.yaml").write_text(SECRET.format(number=number), encoding="utf-8")


def seal(executable: str, folder: Path, count: int) -> float:
    write_secrets(folder, count)
    command = [executable, "seal", "--quiet", "--cert", str(CERTIFICATE), str(folder)]
    start = time.perf_counter()
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, env=environment)
    taken = time.perf_counter() - start
    sealed = [
        path for path in folder.glob("*.yaml") if "kind: SealedSecret" in path.read_text(encoding="utf-8")
    ]
    assert len(sealed) == count
    return taken


def loop(executable: str, folder: Path, count: int) -> float:
    measured = min(count, KEEP_FOR_LOOP)
    write_secrets(folder, measured)
    start = time.perf_counter()
    for number in range(measured):
        path = folder / f"{number:04}.yaml"
        command = [
            executable,
            "--cert",
            str(CERTIFICATE),
            "-o",
            "yaml",
            "-f",
            str(path),
            "-w",
            f"{path}.sealed",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * count / measured


def floor(values: int) -> float:
    from fluxsecrets.sealed.certificates import parse_certificate
    from fluxsecrets.sealed.codec import seal_value

    key = parse_certificate(CERTIFICATE.read_bytes()).key
    start = time.perf_counter()
    for _ in range(values):
        seal_value(key, b"throwaway", b"apps/db")
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
