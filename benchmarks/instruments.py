"""Phrases of the instruments of a General MIDI soundfont, by `fluidsynth` and `pip install mido`."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from vad.audio.decode import read
from vad.evaluation.peers import RATE
from vad.features import Float32

SECONDS = 8  # of a phrase, the last one of them silent
VOICES = {52, 53, 54, 85, 91}  # programs of choirs and voices
TICKS = 480  # per second, at the standard tempo of 120 beats a minute
SILENT = 0.003  # peak of a sound in which nothing can be made out
BEND = 8191  # of the pitch wheel: two semitones


def phrases(soundfont: Path) -> Iterator[Float32]:
    """A phrase of each of its programs, `(sample,)`, the same in every run."""
    try:
        from mido import Message, MetaMessage, MidiFile, MidiTrack
    except ImportError as error:
        raise click.ClickException(f"instruments need mido ({error}); `pip install mido`") from error

    programs = [program for program in range(128) if program not in VOICES]
    events = [event for slot, program in enumerate(programs) for event in _phrase(program, slot * SECONDS)]
    track, last = MidiTrack(), 0
    for seconds, kind, values in sorted(events, key=lambda event: event[0]):
        now = round(seconds * 2 * TICKS)
        track.append(Message(kind, time=now - last, **values))
        last = now
    track.append(MetaMessage("end_of_track", time=2 * TICKS))
    song = MidiFile(ticks_per_beat=TICKS)
    song.tracks.append(track)
    with tempfile.TemporaryDirectory() as scratch:
        song.save(f"{scratch}/song.mid")
        command = ["fluidsynth", "-niq", "-r", str(RATE), "-F", f"{scratch}/song.wav", str(soundfont)]
        try:
            subprocess.run([*command, f"{scratch}/song.mid"], check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            remedy = "`apt-get install fluidsynth`"
            raise click.ClickException(f"{soundfont.name}: not played ({error}); {remedy}") from error
        samples = read(Path(scratch) / "song.wav", RATE)
    for slot in range(len(programs)):
        phrase = samples[slot * SECONDS * RATE : ((slot + 1) * SECONDS - 1) * RATE]
        if len(phrase) and np.max(np.abs(phrase)) > SILENT:  # a soundfont need not have all
            yield phrase


def _phrase(program: int, start: float) -> Iterator[tuple[float, str, dict[str, int]]]:
    """Notes that wander, glide, swell and are held or short, from `start` (seconds) on: when, what, with what."""
    draw = np.random.default_rng(program)
    end = start + SECONDS - 1.2
    yield start, "program_change", {"program": program}
    yield start, "control_change", {"control": 120, "value": 0}  # nothing sounds on
    low, high = (28, 52) if 32 <= program < 40 else (43, 84)  # basses
    pitch, now, pace = int(draw.integers(low, high)), start + 0.05, float(draw.uniform(0.12, 0.9))
    while now < end:
        length = min(pace * float(np.exp(draw.normal(0, 0.5))), end - now)
        pitch = int(np.clip(pitch + round(draw.normal(0, 4)), low, high))
        notes = [pitch, *([pitch + 4, pitch + 7] if draw.random() < 0.15 else [])]
        velocity = int(draw.integers(50, 120))
        for note in notes:
            yield now, "note_on", {"note": note, "velocity": velocity}
            yield now + 0.9 * length, "note_off", {"note": note}
        yield now, "control_change", {"control": 1, "value": int(draw.integers(0, 90)) if draw.random() < 0.5 else 0}
        depth = BEND * float(draw.uniform(-1, 1)) if draw.random() < 0.4 else 0.0
        for step in range(11):
            bend = depth * float(np.sin(np.pi * step / 10))
            yield now + 0.09 * length * step, "pitchwheel", {"pitch": int(bend)}
        now += length + (pace if draw.random() < 0.1 else 0.0)
