"""Run the server of a review until it is interrupted."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

import uvicorn

from vad.errors import SettingError
from vad.review.server import make_app
from vad.review.session import Session

LOCAL = ("127.0.0.1", "localhost", "::1")


def serve(session: Session, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page at `host` and `port` (0: any that is free); `ready` is called with its address.

    The address holds a token made at random for this run. Raises `SettingError` where the port is
    taken, or the host is none of this machine.
    """
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(24)
    names = LOCAL if host in LOCAL else (host, socket.gethostname(), *LOCAL)
    hosts = frozenset(f"[{name}]:{port}" if ":" in name else f"{name.lower()}:{port}" for name in names)
    app = make_app(session, token, hosts, port)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", server_header=False)
    shown = f"[{host}]" if ":" in host else host
    ready(f"http://{shown}:{port}/?token={token}")
    with listener:
        uvicorn.Server(config).run([listener])


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
