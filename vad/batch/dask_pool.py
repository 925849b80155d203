"""A pool of workers on other machines: a Dask cluster.

When a worker is lost, the scheduler gives its tasks to another. Workers read the recordings
themselves, so every path must be valid on their machines; they need this package, and one thread
each (`dask worker --nthreads 1 --nworkers auto`).
"""

from __future__ import annotations

import socket
import time
from concurrent.futures import CancelledError, Future
from urllib.parse import urlsplit

from distributed import Client
from distributed.scheduler import KilledWorker

from vad.batch.inputs import Input
from vad.batch.task import Result, T, Task, run_group
from vad.errors import AudioError, VadError

REFRESH = 5.0  # seconds between counts of the workers, which come and go
TIMEOUT = 10  # seconds to wait for the scheduler
MIN_WORKERS = 4  # groups submitted at once before workers have come


class Cluster:
    """The cluster of the scheduler at `address`. A context manager; its end cancels the tasks that still run.

    Raises `VadError` where the scheduler does not answer or the connection to it is lost.
    """

    crashes = (KilledWorker,)

    def __init__(self, address: str) -> None:
        self._address = address
        place = urlsplit(address)
        try:
            socket.create_connection((place.hostname or "", place.port or 8786), TIMEOUT).close()
            self._client = Client(address, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise VadError(f"cluster {address}: no scheduler answers there ({error}); start one", "cluster") from error
        self._executor = self._client.get_executor(pure=False)
        self._refreshed = -REFRESH
        self._workers = MIN_WORKERS

    @property
    def workers(self) -> int:
        """The threads of all connected workers."""
        if time.monotonic() > self._refreshed + REFRESH:
            self._refreshed = time.monotonic()
            self._workers = max(MIN_WORKERS, sum(self._client.nthreads().values()))
        return self._workers

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._client.close(timeout=5)
        if isinstance(error, CancelledError):
            raise VadError(
                f"cluster {self._address}: the connection to the scheduler is lost; resume the run", "cluster"
            ) from error
        if isinstance(error, ImportError):
            raise VadError(
                f"cluster {self._address}: a worker cannot load this package ({error})", "cluster"
            ) from error

    def submit(self, task: Task[T], group: list[Input]) -> Future[list[Result[T]]]:
        """Run `run_group(task, group)` in a worker."""
        future: Future[list[Result[T]]] = self._executor.submit(run_group, task, group)
        return future

    def run_isolated(self, task: Task[T], one: Input) -> Result[T]:
        """Run `task` for a recording that may crash its worker."""
        try:
            return self.submit(task, [one]).result()[0]
        except KilledWorker:
            return Result(one, AudioError(f"{one.path}: crashes every worker that decodes it; convert it first"))
