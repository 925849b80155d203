"""Train on what is corrected: `vad train` in a process of its own, and what it has changed."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vad.atomic import explain, free_path
from vad.detector import Detector
from vad.errors import SettingError, VadError
from vad.extras import install_command
from vad.formats import FORMATS
from vad.review.corrections import Correction
from vad.review.label_files import label_path, write_labels, write_uem
from vad.review.playback import playable
from vad.review.project import Project
from vad.review.recordings import Recording

SHOWN = 12  # lines of the program that the page shows
STEP = re.compile(r"step (\d+)/(\d+)")
STEPS = 100  # of each of the trainings that leave recordings out, unless the page says otherwise


@dataclass
class Training:
    """A run of `vad train`, and what became of it."""

    output: Path
    before: Path  # the model that it begins with
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=SHOWN))
    step: int = 0
    steps: int = STEPS
    running: bool = True
    program: subprocess.Popen[str] | None = None  # once the recordings are gathered
    stopped: bool = False  # whether somebody has asked for that
    error: str = ""
    verdict: dict[str, Any] | None = None

    def read(self, line: str) -> None:
        """Take a line of what the program writes."""
        self.lines.append(line.rstrip())
        if found := STEP.search(line):
            self.step, self.steps = int(found[1]), int(found[2])


class Teacher:
    """Runs one training at a time for a review; `changes` are KEY=VALUE of its recipe."""

    def __init__(self, project: Project, changes: tuple[str, ...] = ()) -> None:
        self._project, self._changes, self._lock = project, changes, threading.Lock()
        self._training: Training | None = None

    def start(self, given: dict[str, Any]) -> None:
        """Begin to train on the recordings that are done, for `steps`; `SettingError` where that cannot be."""
        steps = given.get("steps", STEPS)
        if type(steps) is not int or not 1 <= steps <= 1_000_000:
            raise SettingError(f"steps={steps!r}: give a whole number from 1 on")
        if importlib.util.find_spec("torch") is None:
            raise SettingError(f"training needs torch; {install_command('train')}")
        done = [(r, c) for r, c in self._project.corrected() if c.state == "done"]
        if len(done) < 2:
            raise SettingError("training needs two recordings that are done, one to learn from and one to measure by")
        with self._lock:
            if self._training and self._training.running:
                raise SettingError("a training runs already; stop it first")
            output = free_path(self._project.places.models / "corrected", numbered=True)
            with explain(str(output)):
                output.mkdir(parents=True)
            self._training = Training(output, self._project.detector.path, steps=steps)
            threading.Thread(target=self._run, args=(self._training, done), daemon=True).start()

    def stop(self) -> None:
        """End the training that runs."""
        with self._lock:
            if self._training and self._training.running:
                self._training.stopped = True
                if self._training.program:
                    self._training.program.terminate()

    def status(self) -> dict[str, Any]:
        """What the page shows of the training."""
        training = self._training
        done = sum(correction.state == "done" for _, correction in self._project.corrected())
        if training is None:
            return {"done": done, "steps": STEPS, "running": False}
        return {
            "done": done,
            "running": training.running,
            "step": training.step,
            "steps": training.steps,
            "lines": list(training.lines),
            "error": training.error,
            "verdict": training.verdict,
            "model": str(training.output) if training.verdict else "",
        }

    def use(self, given: dict[str, Any]) -> None:
        """Go on with the model that was trained, or with the one before it."""
        training = self._training
        if training is None or training.verdict is None:
            raise SettingError("no model has been trained yet")
        detector = Detector(training.before if given.get("before") is True else training.output)
        self._project.work.use(detector, detector.settings())

    def _run(self, training: Training, done: list[tuple[Recording, Correction]]) -> None:
        try:
            self._gather(training, done)
            if program := self._begin(training):
                self._follow(training, program)
        except (VadError, OSError, ValueError) as error:
            training.error = str(error)
        finally:
            if training.verdict is None and not training.error:
                last = training.lines[-1] if training.lines else ""
                training.error = "stopped" if training.stopped else last or "vad train failed"
            training.running = False

    def _gather(self, training: Training, done: list[tuple[Recording, Correction]]) -> None:
        """The sound that is done, by links, and its labels; each at its place."""
        kind, output = FORMATS["text"], training.output
        for recording, correction in done:
            if training.stopped:
                return
            sound = recording.path
            if recording.channel:
                sound = playable(recording.path, self._project.cache, recording.channel)
            link = training_file(recording, output)
            link.parent.mkdir(parents=True, exist_ok=True)
            try:
                link.symlink_to(sound.resolve())
            except OSError:  # Windows lets not everybody make links
                shutil.copyfile(sound, link)
            write_labels(recording, correction, kind, label_path(recording, kind, output / "labels"))
        write_uem(done, output / "scored.uem")

    def _begin(self, training: Training) -> subprocess.Popen[str] | None:
        """The program that trains; None where the training was stopped before."""
        output = training.output
        command = [sys.executable, "-m", "vad", "train", f"loop.steps={training.steps}", *self._changes]
        command += ["--audio", str(output / "audio")]
        command += ["--labels", str(output / "labels"), "--uem", str(output / "scored.uem"), "-o", str(output)]
        command += ["--init-from", str(training.before), "--trust-labels", "--keep-anyway"]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with self._lock:
            if not training.stopped:
                training.program = subprocess.Popen(command, **pipes, text=True, errors="replace")
        return training.program

    def _follow(self, training: Training, program: subprocess.Popen[str]) -> None:
        assert program.stdout
        for line in program.stdout:
            training.read(line)
        if program.wait() == 0:
            training.verdict = json.loads((training.output / "verdict.json").read_text("utf-8"))


def training_file(recording: Recording, output: Path) -> Path:
    """Where a training in `output` finds the sound: at the place of the recording, a channel in a file of its own."""
    place = f"{recording.label_name}.flac" if recording.channel else recording.place.lstrip("/")
    return output / "audio" / place
