"""`vad play`: what was found is heard, and only that."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import Result
from test_virtual_microphone import SINK, needs_sound_server, sound_server  # noqa: F401 - a fixture

from conftest import COMMAND, DOUBLE, ENERGY, RATE, Write, all_files_closed, invoke, on_a_terminal
from vad.audio.speaker import Speaker
from vad.cutting.player import play as play_segments
from vad.errors import AudioError
from vad.segments import Segment


class PortAudioError(Exception):
    pass


class FakeSpeaker:
    """The package sounddevice, as far as a speaker of two channels needs it."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        self.rates = {RATE, 48_000}
        self.played: list[np.ndarray] = []
        self.how: dict[str, Any] = {}
        self.broken = self.stopped = self.closed = False

    def query_devices(self, device: str | int | None, kind: str) -> dict[str, Any]:
        if device not in (None, 1):
            raise ValueError("No output device matching")
        return {"name": "Built-in Speaker", "max_output_channels": 2, "default_samplerate": 48_000.0}

    def check_output_settings(self, device: Any, channels: int, dtype: str, samplerate: int) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def OutputStream(self, **how: Any) -> FakeSpeaker:
        self.how = how
        return self

    def start(self) -> None:
        if self.broken:
            raise PortAudioError("Error opening OutputStream: Device unavailable [PaErrorCode -9985]", -9985)

    def write(self, samples: np.ndarray) -> None:
        if self.broken:
            raise PortAudioError("Unanticipated host error")
        assert samples.dtype == np.float32 and samples.flags.c_contiguous
        self.played.append(samples)

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True

    @property
    def sound(self) -> np.ndarray:
        return np.concatenate(self.played)


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch) -> FakeSpeaker:
    fake: Any = FakeSpeaker()
    module: Any = types.ModuleType("sounddevice")
    for name in ("PortAudioError", "query_devices", "check_output_settings", "OutputStream"):
        setattr(module, name, getattr(fake, name))
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return fake


@pytest.fixture
def two(write_bursts: Write) -> Path:
    return write_bursts("two.wav", (0.5, 1), (2, 2.5))


def play(*arguments: object, status: int = 0) -> Result:
    return invoke("play", *DOUBLE, *arguments, status=status)


class TestPlay:
    def test_the_segments_are_heard_with_a_gap_between_them(self, two: Path, speaker: FakeSpeaker) -> None:
        done = play(two, "--gap", "0.25")
        assert done.stdout == f"{two}\t0.490\t1.010\n{two}\t1.990\t2.510\n"
        assert done.stderr == ""
        whole = soundfile.read(two, dtype="float32", always_2d=True)[0]
        first, second = (whole[round(a * RATE) : round(b * RATE)] for a, b in ((0.49, 1.01), (1.99, 2.51)))
        expected = np.concatenate([first, np.zeros((RATE // 4, 1)), second])
        np.testing.assert_allclose(speaker.sound, expected, atol=1e-4)
        assert speaker.how == {"device": None, "samplerate": RATE, "channels": 1, "dtype": "float32"}
        assert speaker.stopped and speaker.closed

    @pytest.mark.parametrize("option", ["--invert", "--silences"])
    def test_the_silences_are_heard(self, two: Path, speaker: FakeSpeaker, option: str) -> None:
        assert play(two, option).stdout.splitlines()[0] == f"{two}\t0.000\t0.490"
        assert abs(speaker.sound).max() < 0.01 or abs(speaker.sound).mean() < 0.01

    def test_labels_say_what_is_heard(self, two: Path, speaker: FakeSpeaker, tmp_path: Path) -> None:
        (tmp_path / "labels.txt").write_text("0.1\t0.2\n")
        assert invoke("play", two, "--labels", tmp_path / "labels.txt").stdout == f"{two}\t0.100\t0.200\n"
        assert len(speaker.sound) == RATE // 10

    def test_no_speech_plays_nothing(self, write_bursts: Write, speaker: FakeSpeaker) -> None:
        done = play(write_bursts("none.wav"))
        assert "no speech found" in done.stderr and not speaker.played

    def test_a_terminal_shows_the_position(self, two: Path, tmp_path: Path) -> None:
        fake = tmp_path / "sounddevice.py"
        fake.write_text(
            "class PortAudioError(Exception): pass\n"
            "class OutputStream:\n"
            "    def __init__(self, **how): pass\n"
            "    start = stop = close = lambda self: None\n"
            "    def write(self, samples): pass\n"
            "def query_devices(*_): return {'name': 'x', 'max_output_channels': 2, 'default_samplerate': 48000}\n"
            "def check_output_settings(*_, **how): pass\n"
        )
        command = ["env", f"PYTHONPATH={tmp_path}", str(COMMAND), "play", "--model", str(ENERGY), str(two)]
        done, shown = on_a_terminal(command)
        assert done.stdout.count("\n") == 2
        assert b"\r\x1b[K0:02 of 0:03, segment 2 of 2" in shown


class TestSpeaker:
    def test_a_rate_that_the_device_lacks_is_resampled(self, speaker: FakeSpeaker) -> None:
        with Speaker(22_050, 1) as opened:
            opened.write(np.full((22_050, 1), 1 << 14, np.int16))
        assert speaker.how["samplerate"] == 48_000
        assert speaker.sound.shape == (48_000, 1)
        assert np.median(speaker.sound) == pytest.approx(0.5, abs=0.001)

    def test_more_channels_than_it_has_are_mixed_and_bad_samples_are_silent(self, speaker: FakeSpeaker) -> None:
        with Speaker(RATE, 3) as opened:
            opened.write(np.array([[0.3, 0.6, 0.0], [np.nan, 0, 0], [9, 9, 9]], np.float32))
        np.testing.assert_allclose(speaker.sound, [[0.3], [0], [1]], atol=1e-6)

    def test_positions_are_those_of_the_recording(self, two: Path, speaker: FakeSpeaker) -> None:
        found = list(play_segments(two, [Segment(0.5, 0.75), Segment(2, 2.1)]))
        assert [tuple(position) for position in found] == [
            *((1, 0.5), (1, 0.6), (1, 0.7), (1, 0.75)),
            *((2, 2.0), (2, 2.1)),
        ]

    def test_its_errors_are_a_line(self, two: Path, speaker: FakeSpeaker) -> None:
        assert "7: no such output device" in play(two, "--device", "7", status=1).stderr
        speaker.broken = True
        assert "Built-in Speaker: cannot be opened (Error opening" in play(two, status=1).stderr
        speaker.broken = False
        with pytest.raises(AudioError, match="the device is gone"), Speaker(RATE, 1) as opened:
            speaker.broken = True
            opened.write(np.zeros((1, 1), np.float32))
        assert speaker.closed and not speaker.stopped

    def test_it_is_closed_where_its_end_fails(self, speaker: FakeSpeaker) -> None:
        with pytest.raises(AudioError, match="the device is gone"), Speaker(22_050, 1):
            speaker.broken = True
        assert speaker.closed

    def test_a_recording_without_a_speaker_is_closed(self, two: Path, speaker: FakeSpeaker) -> None:
        with all_files_closed(two.parent), pytest.raises(AudioError) as caught:  # its traceback holds the sound
            next(play_segments(two, [Segment(0.5, 0.75)], device=7))
        assert "no such output device" in str(caught.value)

    def test_what_is_missing_is_named(self, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "sounddevice", None)
        assert "speaker: the package sounddevice is missing" in play(two, status=1).stderr


@needs_sound_server
def test_a_virtual_speaker_plays_the_speech_alone(
    sound_server: dict[str, str],  # noqa: F811
    two: Path,
    tmp_path: Path,
) -> None:
    recorded = tmp_path / "recorded.wav"
    recorder = subprocess.Popen(
        ["parecord", f"--device={SINK}.monitor", f"--rate={RATE}", "--channels=1", str(recorded)], env=sound_server
    )
    try:
        done = subprocess.run(
            [COMMAND, "play", "--model", ENERGY, two, "--gap", "0.5"],
            env=sound_server, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        recorder.terminate()
        recorder.wait(timeout=10)
    if "no default output device" in done.stderr:
        pytest.skip(f"PortAudio finds no device here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    loud = abs(soundfile.read(recorded)[0]) > 0.05
    parts = np.flatnonzero(np.convolve(loud, np.ones(400), "same") > 0)
    starts = parts[np.flatnonzero(np.diff(parts, prepend=-RATE) > 1)]
    assert len(starts) == 2
    assert (starts[1] - starts[0]) / RATE == pytest.approx(0.52 + 0.5, abs=0.25)  # a busy sound server skips
    assert loud.sum() / RATE == pytest.approx(0.9, abs=0.15)
