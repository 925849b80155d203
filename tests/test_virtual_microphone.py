"""The whole way from a sound card: a recording is played into a virtual microphone, `vad stream` hears it.

Needs PulseAudio (`pulseaudio`, `pulseaudio-utils`, ALSA's plugin for it) and the [mic] extra with PortAudio.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from conftest import COMMAND, DATA, RATE

SINK = "vad_test"

MISSING = (
    "the [mic] extra"
    if not importlib.util.find_spec("sounddevice")
    else "PulseAudio"
    if not all(map(shutil.which, ("pulseaudio", "pactl", "paplay", "parecord")))
    else ""
)
needs_sound_server = pytest.mark.skipif(bool(MISSING), reason=f"{MISSING} is not installed")


@pytest.fixture
def sound_server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a sound server of our own, whose default microphone hears what is played."""
    (tmp_path / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    tmp_path.chmod(0o700)
    server = subprocess.Popen(
        ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", "-L", "module-native-protocol-unix"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for arguments in (
            ["load-module", "module-null-sink", f"sink_name={SINK}"],
            ["set-default-source", f"{SINK}.monitor"],
        ):
            for _ in range(50):
                done = subprocess.run(["pactl", *arguments], env=environment, capture_output=True, check=False)
                if done.returncode == 0:
                    break
                time.sleep(0.1)
            else:
                pytest.skip("no sound server can be started here")
        yield environment
    finally:
        server.terminate()
        server.wait(timeout=10)


@needs_sound_server
def test_a_recording_that_is_played_is_heard(sound_server: dict[str, str], tmp_path: Path) -> None:
    samples = soundfile.read(DATA / "talk.flac", dtype="int16")[0][: RATE * 7]
    soundfile.write(tmp_path / "played.wav", samples[RATE * 5 :], RATE)  # the end of a sentence, a pause, a word
    stream = subprocess.Popen(
        [COMMAND, "stream", "--max-duration", "5", "--save-all", tmp_path / "heard.wav"],
        env=sound_server, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert stream.stdout
    first = stream.stdout.readline()
    if not first:
        pytest.skip(f"PortAudio finds no device here: {stream.communicate()[1]}")
    subprocess.run(["paplay", f"--device={SINK}", tmp_path / "played.wav"], env=sound_server, check=True, timeout=30)
    rest, errors = stream.communicate(timeout=30)
    assert stream.returncode == 0, errors
    events = [json.loads(line) for line in rest.splitlines()]
    assert [e["event"] for e in events] == ["start", "end", "start", "end"]
    assert events[0]["time"] < events[1]["end"] < events[2]["time"] < events[3]["end"]
    assert 0.2 < events[2]["time"] - events[1]["end"] < 0.6  # in the recording: 6.12 to 6.48
    assert soundfile.info(tmp_path / "heard.wav").duration == pytest.approx(5, abs=0.01)
