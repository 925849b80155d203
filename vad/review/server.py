"""Run the server of a review until it is interrupted."""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from vad.errors import SettingError
from vad.review.project import Project
from vad.review.routes import make_app

LOCAL = ("127.0.0.1", "localhost", "::1")
ANY = ("0.0.0.0", "::")  # all addresses of the machine


class _Server(uvicorn.Server):
    """A server that a signal ends as it should; uvicorn's own would raise the signal again afterwards."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no more requests, and at a second signal end those that are answered."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of requests that are cut short
        self.force_exit = self.should_exit
        self.should_exit = True


def serve(project: Project, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page at `host` and `port` (0: any that is free); `ready` is called with its address.

    The address holds a token made at random for this run. Raises `SettingError` where the port is
    taken, or the host is none of this machine.
    """
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(24)
    names = _names(host)
    app = make_app(project, token, frozenset(f"{name}:{port}" for name in names), port)
    config = uvicorn.Config(
        app, lifespan="off", log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=1
    )
    with listener:
        ready(f"http://{names[0]}:{port}/?token={token}")
        _Server(config).run([listener])


def _names(host: str) -> list[str]:
    """What the server may be called in addresses, that which is shown first."""
    names = [host]
    if host not in LOCAL:
        own = socket.gethostname()
        with contextlib.suppress(OSError):
            names += [own, *socket.gethostbyname_ex(own)[2]]
        if host in ANY:
            names = names[1:]
    return [f"[{name}]" if ":" in name else name.lower() for name in dict.fromkeys([*names, *LOCAL])]


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        raise SettingError(f"port={port}, host={host}: cannot be listened at ({error.strerror})") from error
    listener.listen(128)
    return listener
