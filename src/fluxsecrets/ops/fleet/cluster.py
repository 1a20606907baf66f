"""Tasks on a Dask cluster.

The scheduler and its workers run what this process sends them, and what they send back is read here. So the
connection is TLS with certificates on both sides, or does not leave this machine. Results are JSON, and every
field of it is checked. A worker that dies has its task done again by another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, NamedTuple

from fluxsecrets.errors import FluxsecretsError, UsageError

from .local import Work
from .task import RepositoryTask, run_task
from .wire import Problem, RepositoryResult, decode

_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z]+)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})"
)
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")
CONNECT = 20.0
NO_WORKER = 60.0

_LOOK = 2.0
_HINT = "install fluxsecrets with the extra `distributed`"


class Cluster(NamedTuple):
    """Where a scheduler is, and what shows who we are.

    Attributes:
        address: such as `tls://scheduler.example.com:8786`.
        authority, certificate, key: files in PEM, for TLS.
        patience: seconds after which a cluster without a worker is given up.
        connect: seconds in which the scheduler must answer.
    """

    address: str
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    patience: float = NO_WORKER
    connect: float = CONNECT


def checked(cluster: Cluster) -> Cluster:
    """Return a cluster whose address can be trusted with what the scan sees.

    Raises:
        UsageError: the address is invalid, or the connection would not be protected.
    """
    match = _ADDRESS.fullmatch(cluster.address)
    if match is None or not 0 < int(match["port"]) < 2**16 or match["scheme"] not in (None, "tcp", "tls"):
        raise UsageError(
            f"{cluster.address[:80]!a} is not the address of a scheduler",
            hint="write it as tls://HOST:PORT, or tcp://127.0.0.1:PORT",
        )
    files = (cluster.authority, cluster.certificate, cluster.key)
    if match["scheme"] == "tls":
        if None in files:
            raise UsageError(
                "tls:// needs certificates on both sides",
                hint="name them with --dask-ca, --dask-cert and --dask-key",
            )
    elif any(files):
        raise UsageError("certificates need an address that starts with tls://", hint="write tls://HOST:PORT")
    elif _LOOPBACK.fullmatch(match["host"]) is None:
        raise UsageError(
            f"without TLS, anyone on the way to {match['host']} could run programs here and there",
            hint="use tls:// with certificates, or a tunnel to 127.0.0.1 such as `kubectl port-forward`",
        )
    scheme = match["scheme"] or "tcp"
    return cluster._replace(address=f"{scheme}://{match['host']}:{match['port']}")


def run_on_cluster(
    tasks: Sequence[RepositoryTask], cluster: Cluster, work: Work = run_task
) -> Iterator[tuple[RepositoryTask, RepositoryResult]]:
    """Yield the results of tasks, in the order in which they are done.

    Raises:
        UsageError: the address is invalid, or `distributed` is not installed.
        FluxsecretsError: the scheduler does not answer.
    """
    cluster = checked(cluster)
    try:
        import distributed
    except ImportError:
        raise UsageError("--dask needs the Python package distributed", hint=_HINT) from None
    client = _connected(distributed, cluster)
    try:
        futures = {
            client.submit(
                work, tuple(task), pure=False, key=f"fluxsecrets-scan-{number}-{id(client):x}"
            ): task
            for number, task in enumerate(tasks)
        }
        yield from _results(client, futures, cluster.patience)
    finally:
        with suppress(Exception):  # the report does not depend on a clean farewell
            client.close(timeout=5)


def _connected(distributed: Any, cluster: Cluster) -> Any:
    security = None
    if cluster.authority is not None:
        security = distributed.Security(
            tls_ca_file=str(cluster.authority),
            tls_client_cert=str(cluster.certificate),
            tls_client_key=str(cluster.key),
            require_encryption=True,
        )
    try:
        return distributed.Client(
            cluster.address,
            security=security,
            timeout=cluster.connect,
            set_as_default=False,
            deserializers=["msgpack"],
        )
    except (OSError, ValueError, TimeoutError) as error:
        raise FluxsecretsError(
            f"the scheduler {cluster.address} does not answer: {type(error).__name__}",
            hint="check the address, the certificates, and that `dask scheduler` runs there",
        ) from None


def _results(
    client: Any, futures: dict[Any, RepositoryTask], patience: float
) -> Iterator[tuple[RepositoryTask, RepositoryResult]]:
    waiting = set(futures)
    done: SimpleQueue[Any] = SimpleQueue()
    for future in futures:
        future.add_done_callback(done.put)
    seen = monotonic()  # when there was a worker
    while waiting:
        try:
            future = done.get(timeout=min(_LOOK, patience))
        except Empty:
            if _has_workers(client):
                seen = monotonic()
            elif monotonic() - seen >= patience:
                for left in waiting:
                    yield futures[left], RepositoryResult(problems=(_NOBODY,))
                return
            continue
        seen = monotonic()
        if future in waiting:
            waiting.discard(future)
            yield futures[future], _result(client, future)


_NOBODY = Problem(
    "not scanned: the cluster has no worker", "start workers with `dask worker`, and run the command again"
)


def _has_workers(client: Any) -> bool:
    try:
        return bool(client.scheduler_info(n_workers=-1)["workers"])
    except (OSError, TypeError, KeyError):
        return False


def _result(client: Any, future: Any) -> RepositoryResult:
    if future.status == "finished":
        try:
            return decode(client.gather(future, direct=False))
        except FluxsecretsError as error:
            return RepositoryResult(problems=(Problem(error.message, error.hint),))
        except Exception as error:  # noqa: BLE001 - whatever distributed raises for a lost result
            return RepositoryResult(problems=(_lost(type(error).__name__),))
    return RepositoryResult(problems=(_lost(future.status),))


def _lost(reason: str) -> Problem:
    return Problem(
        f"the cluster did not finish the scan of this repository ({reason})",
        "its workers may have been killed again and again: scan this repository by itself",
    )
