"""The addresses of the page: its files, and what it asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from vad.audio.microphone import Microphone
from vad.errors import VadError
from vad.formats import printable
from vad.review.corrections import Conflict
from vad.review.label_files import write_all
from vad.review.live import Live, OpenSource
from vad.review.playback import Wave, playable
from vad.review.project import Project
from vad.review.recordings import Recording
from vad.review.security import Guard
from vad.review.teach import Teacher

PAGE = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FILES = {path.name: (path.read_bytes(), KINDS[path.suffix]) for path in PAGE.iterdir() if path.suffix in KINDS}

WAVE = "audio/wav"
RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{1,15})?")  # one, as browsers ask for

Given = dict[str, Any]


def make_app(
    project: Project, token: str, hosts: frozenset[str], port: int, open_source: OpenSource = Microphone
) -> Starlette:
    """The application for a review, open to whoever has the `token`; `open_source` opens microphones."""
    teacher, live = Teacher(project), Live(project, open_source)
    project.at_end += [teacher.stop, live.stop]
    return Starlette(
        routes=[*Routes(project).all, *more_routes(teacher, live)],
        middleware=[Middleware(Guard, token=token, hosts=hosts, port=port)],
        exception_handlers={VadError: _explain},
    )


def post(path: str, answer: Callable[[Request, Given], Any]) -> Route:
    """An address that takes an object of JSON and gives JSON; `answer` works in a thread."""

    async def endpoint(request: Request) -> Response:
        try:
            given = json.loads(await request.body())
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise HTTPException(400, "The request is no object of JSON.")
        return JSONResponse(await run_in_threadpool(answer, request, given))

    return Route(path, endpoint, methods=["POST"])


def more_routes(teacher: Teacher, live: Live) -> list[Route]:
    """The addresses for training and for the microphone."""
    return [
        Route("/api/teach", lambda request: JSONResponse(teacher.status())),
        post("/api/teach/start", lambda _, given: teacher.start(given)),
        post("/api/teach/stop", lambda _, given: teacher.stop()),
        post("/api/teach/use", lambda _, given: teacher.use(given)),
        Route(
            "/api/live", lambda request: JSONResponse(live.status(whole(request, "since"), whole(request, "scored")))
        ),
        Route("/api/live/devices", lambda request: JSONResponse({"devices": live.devices()})),
        post("/api/live/start", lambda _, given: live.start(given)),
        post("/api/live/stop", lambda _, given: {"id": live.stop()}),
    ]


def whole(request: Request, name: str) -> int:
    """A whole number of the query, 0 where there is none."""
    given = request.query_params.get(name, "0")
    return int(given) if given.isdecimal() and len(given) < 16 else 0


class Routes:
    """What each address answers."""

    def __init__(self, project: Project) -> None:
        self._project = project
        one = "/api/recordings/{id}"
        self.all = [
            Route("/", self._file),
            Route("/page/{name}", self._file),
            Route("/api/project", lambda request: JSONResponse(project.about())),
            Route("/api/recordings", self._list),
            Route(one, self._detail),
            Route(one + "/tiles/{layer}/{level:int}/{tile:int}", self._tile),
            Route(one + "/sound", self._sound),
            post(one + "/change", self._change),
            post(one + "/segments", self._segments),
            post("/api/evaluate", lambda _, given: project.evaluate(given)),
            post("/api/weights", self._weights),
            post("/api/labels", self._labels),
        ]

    def _recording(self, request: Request) -> Recording:
        recording = self._project.library.recordings.get(request.path_params["id"])
        if recording is None:
            raise HTTPException(404, "There is no such recording.")
        if not self._project.library.inside(recording.path):
            raise HTTPException(403, "This recording became a link to a file outside of what was named.")
        return recording

    # A coroutine answers at once, a function in a thread, which takes longer than a file or a tile does.
    async def _file(self, request: Request) -> Response:
        content, kind = FILES.get(request.path_params.get("name", "index.html"), (None, ""))
        if content is None:
            raise HTTPException(404, "There is no such page.")
        return Response(content, media_type=kind)

    def _list(self, request: Request) -> Response:
        since, revision = whole(request, "since"), self._project.library.revision
        rows = [
            one.row(self._project.library.correction(one))
            for one in list(self._project.library.recordings.values())
            if one.revision > since
        ]
        return JSONResponse({"recordings": rows, "revision": revision})

    def _detail(self, request: Request) -> Response:
        recording = self._recording(request)
        if "open" in request.query_params:
            self._project.work.open(recording)
        return JSONResponse(self._project.detail(recording))

    async def _tile(self, request: Request) -> Response:
        recording, name = self._recording(request), request.path_params["layer"]
        layers = dict(recording.pictures.layers) if recording.pictures else {}
        if recording.score_layer:
            layers["scores"] = recording.score_layer
        level, tile = request.path_params["level"], request.path_params["tile"]
        if name not in layers or level >= len(layers[name].counts):
            raise HTTPException(404, "There is no such picture.")
        if name == "mel":
            self._project.work.shown()
        return Response(layers[name].read(level, tile), media_type="application/octet-stream")

    def _sound(self, request: Request) -> Response:
        recording = self._recording(request)
        path = playable(recording.path, self._project.cache, recording.channel)
        if path.suffix.lower() == ".wav":
            return FileResponse(path, media_type=WAVE)
        wave = Wave(path)
        given = RANGE.fullmatch(request.headers.get("range", "bytes=0-"))
        start, last = (int(given[1]), int(given[2] or wave.size - 1)) if given else (0, wave.size - 1)
        if not start <= last or start >= wave.size:
            return Response(status_code=416, headers={"content-range": f"bytes */{wave.size}"})
        stop = min(last + 1, wave.size)
        headers = {"accept-ranges": "bytes", "content-length": str(stop - start)}
        if "range" in request.headers:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{wave.size}"
        status = 206 if "range" in request.headers else 200
        return StreamingResponse(wave.read(start, stop), status, headers, WAVE)

    def _change(self, request: Request, given: Given) -> Any:
        recording = self._recording(request)
        try:
            return self._project.change(recording, given)
        except Conflict as error:
            raise HTTPException(409, str(error)) from error

    def _segments(self, request: Request, given: Given) -> Any:
        return self._project.segments(self._recording(request), given)

    def _weights(self, request: Request, given: Given) -> Any:
        return {"path": printable(str(self._project.write_weights(given)))}

    def _labels(self, request: Request, given: Given) -> Any:
        folder = None if given.get("beside") is True else self._project.places.labels
        overwrite = given.get("overwrite") is True
        written = write_all(self._project.corrected(), str(given.get("format")), folder, overwrite)
        return {"files": len(written), "folder": printable(str(folder or written[0].parent)) if written else ""}


def _explain(request: Request, error: Exception) -> Response:
    """What the package refuses, as one line."""
    return Response(printable(str(error)), 422, media_type="text/plain; charset=utf-8")
