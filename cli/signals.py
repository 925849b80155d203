"""Ctrl-C, SIGTERM and SIGHUP: the program cleans up, writes one line, and ends within a second."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import click

GRACE = 0.9  # seconds for cleaning up
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Ended(BaseException):
    """Raised in the main thread by a signal, whose number it holds."""


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """Raise `Ended` at the first of `SIGNALS`, ignore all after it, and end the program `GRACE` seconds later anyway.

    A signal that is ignored, as after `nohup`, stays so. `Ended` becomes the exit status.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    wanted = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    received: list[int] = []

    def end(number: int, _: Any) -> None:
        received.append(number)
        for each in wanted:
            signal.signal(each, signal.SIG_IGN)
        if hasattr(signal, "setitimer"):  # ends even a program whose interpreter is half gone
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, 1.5 * GRACE)
        timer = threading.Timer(GRACE, _give_up, [128 + number])
        timer.daemon = True
        timer.start()
        raise Ended(number)

    for number in wanted:
        signal.signal(number, end)
    try:
        yield
    except BaseException as error:
        if not received:
            raise
        click.echo("Aborted!", err=True)  # whatever `Ended` has become: imports wrap it in errors of their own
        raise SystemExit(128 + received[0]) from error
    finally:
        for number in wanted:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, before[number])


@contextlib.contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """A function that says whether Ctrl-C, SIGTERM or SIGHUP came; a second one ends the program.

    A signal that is ignored stays so, like SIGINT in a program that a script has started in the background.
    """
    stop = threading.Event()
    before = {number: handler for number in SIGNALS if (handler := signal.getsignal(number)) is not signal.SIG_IGN}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(*_: Any) -> None:
        stop.set()
        restore()

    for number in before:
        signal.signal(number, handle)
    try:
        yield stop.is_set
    finally:
        restore()


def _give_up(status: int) -> None:
    """End the program, and the processes that it has started, although it has not cleaned up."""
    if "multiprocessing" in sys.modules:
        import multiprocessing

        for worker in multiprocessing.active_children():
            worker.kill()
    os._exit(status)  # without a flush: the interpreter aborts where it ends and another thread holds stderr
