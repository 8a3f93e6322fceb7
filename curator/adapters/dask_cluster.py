"""Work on a Dask cluster: workers of this machine, or of a scheduler that a site runs (Slurm, PBS, LSF, Kubernetes).

Sources: dask.distributed `Client`, `as_completed`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, cast

import dask
from distributed import Client, WorkerPlugin, as_completed

from curator.errors import RefusedError

T = TypeVar("T")
R = TypeVar("R")
_QUEUED_A_WORKER = 4
_ENCRYPTED = "tls://"
_LOOPBACK = "127.0.0.1"
# What tasks hold may not reach a disk.
_NO_SPILLING = {
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
}


class _Discreet(WorkerPlugin):
    """Keeps a worker's log from quoting the arguments and exceptions of tasks."""

    name = "curator-discreet"

    def setup(self, worker: object) -> None:
        logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)


class DaskCluster:
    """An executor on a Dask scheduler at `address`, or on `workers` processes of this machine where there is none.

    Tasks hold identifiers and the key: they are forgotten as soon as their result was taken, never spilled to a disk,
    and cross a network only under TLS.

    Raises:
        RefusedError: `address` is not a TLS one.
    """

    def __init__(self, *, workers: int, address: str | None = None) -> None:
        if address is not None and not address.startswith(_ENCRYPTED):
            raise RefusedError("a Dask scheduler is spoken to under TLS only: its address begins with tls://")
        # Dask types its client's constructor in part only.
        client: Any = Client
        with dask.config.set(_NO_SPILLING):
            self._client = (
                client(address)
                if address
                else client(
                    n_workers=workers, threads_per_worker=1, processes=True, host=_LOOPBACK, dashboard_address=None
                )
            )
        self._client.register_plugin(_Discreet())

    def map(self, task: Callable[[T], R], items: Iterable[T], *, lost: Callable[[T], R] | None = None) -> Iterator[R]:
        """Results in the order in which they are ready; `lost` is never asked."""
        source = iter(items)
        width = max(1, len(self._client.scheduler_info(n_workers=-1)["workers"])) * _QUEUED_A_WORKER
        # Dask types neither its iterator nor what it yields.
        running: Any = cast(Any, as_completed)(self._submit(task, islice(source, width)))
        for future in running:
            yield future.result()
            future.release()
            for follower in self._submit(task, islice(source, 1)):
                running.add(follower)

    def close(self) -> None:
        """Leave the scheduler; workers that this object started end."""
        self._client.close()

    def _submit(self, task: Callable[[T], R], items: Iterable[T]) -> list[Any]:
        # pure=False: Dask would name a task by a digest of its arguments, and those are a patient's.
        return [self._client.submit(task, item, pure=False, retries=0) for item in items]
