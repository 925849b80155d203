"""Workers on other machines: a Dask cluster, through the same interface as processes of this machine.

The scheduler gives the work of a worker that is lost to another. Workers read the recordings for
themselves, so that paths must mean the same to them; they need this package, and a thread each
(`dask worker --nthreads 1 --nworkers auto`).
"""

from __future__ import annotations

import socket
import time
from concurrent.futures import CancelledError, Future
from urllib.parse import urlsplit

from distributed import Client
from distributed.scheduler import KilledWorker

from vad.batch.inputs import Input
from vad.batch.outcome import Outcome, T, Task, run
from vad.errors import AudioError, VadError

REFRESH = 5.0  # seconds after which workers are counted again: they come and go
TIMEOUT = 10  # seconds to wait for the scheduler
FEWEST = 4  # workers that there is work for, before the first has come


class Cluster:
    """The cluster of the scheduler at `address`. To be used as a context; its end gives up what is under way.

    Raises `VadError` where the scheduler does not answer, or is lost.
    """

    crashes = (KilledWorker,)

    def __init__(self, address: str) -> None:
        self._address = address
        place = urlsplit(address)
        try:
            socket.create_connection((place.hostname or "", place.port or 8786), TIMEOUT).close()
            self._client = Client(address, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise VadError(f"--cluster {address}: no scheduler answers there ({error}); start one") from error
        self._executor = self._client.get_executor(pure=False)
        self._counted = -REFRESH
        self._workers = FEWEST

    @property
    def workers(self) -> int:
        """Threads of all workers that are there now."""
        if time.monotonic() > self._counted + REFRESH:
            self._counted = time.monotonic()
            self._workers = max(FEWEST, sum(self._client.nthreads().values()))
        return self._workers

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._client.close(timeout=5)
        if isinstance(error, CancelledError):
            raise VadError(f"--cluster {self._address}: the scheduler is lost; with -o, --resume continues") from error
        if isinstance(error, ImportError):
            raise VadError(f"--cluster {self._address}: a worker cannot load this package ({error})") from error

    def submit(self, task: Task[T], group: list[Input]) -> Future[list[Outcome[T]]]:
        """Have `run(task, group)` done by one of the workers."""
        future: Future[list[Outcome[T]]] = self._executor.submit(run, task, group)
        return future

    def alone(self, task: Task[T], one: Input) -> Outcome[T]:
        """What becomes of a recording that may bring its worker down."""
        try:
            return self.submit(task, [one]).result()[0]
        except KilledWorker:
            return Outcome(one, AudioError(f"{one.path}: brings every worker down that decodes it; convert it first"))
