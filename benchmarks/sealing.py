"""Seal many Secrets: one process of ours, one process a Secret of kubeseal; and what RSA alone costs."""

import time
from pathlib import Path

from .measure import Cost, interleave, run
from .model import Benchmark, Row, Surroundings

_CERTIFICATE = Path(__file__).parents[1] / "tests" / "vectors" / "keys" / "sealing.crt"
_COUNT, _SAMPLE, _VALUES = 500, 50, 2

_SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db-{number}
  namespace: apps
stringData:
  username: app
  password: throwaway-{number}
"""


def measure(surroundings: Surroundings) -> list[Row]:
    folder = surroundings.folder
    names = [f"{number:04}.yaml" for number in range(surroundings.size(_COUNT, 3))]

    sample = names[:_SAMPLE]

    def write() -> None:
        for number, name in enumerate(names):
            (folder / name).write_text(_SECRET.format(number=number), encoding="utf-8")

    def seal() -> Cost:
        write()
        # Nobody here can open them again, and git has no copy of them.
        command = [surroundings.ours, "seal", "--for-others", "--cert", _CERTIFICATE, "."]
        cost = run(command, folder, {"HOME": str(folder)})
        sealed = [
            name for name in names if "kind: SealedSecret" in (folder / name).read_text(encoding="utf-8")
        ]
        if sealed != names:
            raise RuntimeError("a Secret was not sealed")
        return cost

    def loop() -> Cost:
        write()
        script = 'for file; do "$0" --cert "$CERT" -o yaml -f "$file" -w "$file.sealed" || exit; done'
        environment = {"HOME": str(folder), "CERT": str(_CERTIFICATE)}
        return run(["sh", "-c", script, surroundings.peers["kubeseal"], *sample], folder, environment)

    tasks = {"seal": seal, "floor": lambda: _floor(len(names) * _VALUES)}
    if "kubeseal" in surroundings.peers:
        tasks["kubeseal"] = loop
    best = interleave(surroundings.rounds, tasks)
    theirs = best["kubeseal"].times(len(names) / len(sample)) if "kubeseal" in best else None
    note = f"RSA alone: {best['floor'].seconds:.2f} s"
    note += f"; kubeseal: {len(sample)} Secrets, scaled up" if theirs is not None else ""
    return [Row(f"seal {len(names)} Secrets", best["seal"], theirs, "kubeseal, one by one", 10, note=note)]


def _floor(values: int) -> Cost:
    """The RSA operations that the values take, with the library that is used."""
    from fluxsecrets.sealed.certificates import parse_certificate
    from fluxsecrets.sealed.codec import seal_value

    key = parse_certificate(_CERTIFICATE.read_bytes()).key
    start = time.perf_counter()
    for _ in range(values):
        seal_value(key, b"throwaway", b"apps/db")
    return Cost(time.perf_counter() - start, 0)


BENCHMARK = Benchmark("seal", measure, "Sealed Secrets")
