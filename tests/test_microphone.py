"""The microphone, with a stand-in for the package sounddevice: devices, blocks, and all that goes wrong."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vad import AudioError
from vad.audio.decode import AudioWarning
from vad.audio.microphone import Microphone, devices

DEVICES = [
    {"name": "Built-in Speaker", "max_input_channels": 0, "default_samplerate": 48_000.0},
    {"name": "USB Microphone", "max_input_channels": 2, "default_samplerate": 44_100.0},
    {"name": "pulse", "max_input_channels": 32, "default_samplerate": 48_000.0},
]


class PortAudioError(Exception):
    pass


class FakeStream:
    """What `sounddevice.InputStream` is to its user; `give` is the device's thread."""

    busy = False

    def __init__(self, *, callback: Callable[..., None], finished_callback: Callable[[], None], **how: Any) -> None:
        if self.busy:
            raise PortAudioError("Error opening InputStream: Device unavailable [PaErrorCode -9985]", -9985)
        self.how, self._callback, self._finished = how, callback, finished_callback
        self.active = self.closed = False
        FakeStream.last = self

    def start(self) -> None:
        self.active = True

    def close(self) -> None:
        self.active, self.closed = False, True

    def give(self, value: float = 0.0, overflow: bool = False) -> None:
        frames = self.how["blocksize"]
        block = np.full((frames, self.how["channels"]), value, np.float32)
        self._callback(block, frames, None, types.SimpleNamespace(input_overflow=overflow))
        block[:] = 9  # PortAudio uses its buffer again

    def unplug(self) -> None:
        self.active = False
        self._finished()


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    fake: Any = types.ModuleType("sounddevice")

    def query_devices(device: str | int | None = None, kind: str | None = None) -> Any:
        if kind is None:
            return DEVICES
        if isinstance(device, str):
            found = [d for d in DEVICES if device in d["name"] and d["max_input_channels"]]
            if not found:
                raise ValueError(f"No input device matching {device!r}")
            return found[0]
        index = fake.default.device[0] if device is None else device
        if not 0 <= index < len(DEVICES):
            raise PortAudioError(f"Error querying device {index}")
        return DEVICES[index]

    def check_input_settings(device: Any, channels: int, dtype: str, samplerate: int) -> None:
        if samplerate not in fake.rates:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    fake.PortAudioError, fake.InputStream = PortAudioError, type("Stream", (FakeStream,), {})
    fake.query_devices, fake.check_input_settings = query_devices, check_input_settings
    fake.default = types.SimpleNamespace(device=[1, 0])
    fake.rates = {16_000}
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_devices_are_those_that_hear(sounddevice: Any) -> None:
    assert [dataclasses.astuple(d) for d in devices()] == [
        (1, "USB Microphone", 2, 44_100, True),
        (2, "pulse", 32, 48_000, False),
    ]


def test_blocks_come_as_they_are_given(sounddevice: Any) -> None:
    with Microphone() as microphone:
        assert (microphone.name, microphone.sample_rate, microphone.channels) == ("USB Microphone", 16_000, 2)
        FakeStream.last.give(0.25)
        FakeStream.last.give(0.5)
        first, second = microphone.read(), microphone.read()
        assert first is not None
        assert second is not None
        assert first.shape == (320, 2)
        assert (first == 0.25).all()
        assert (second == 0.5).all()
        assert microphone.read(timeout=0.001) is None
    assert FakeStream.last.closed


def test_a_device_that_knows_only_its_own_rate_is_heard_at_that(sounddevice: Any) -> None:
    sounddevice.rates = {44_100}
    with Microphone("USB") as microphone:
        assert microphone.sample_rate == 44_100
        assert FakeStream.last.how["blocksize"] == 882


@pytest.mark.parametrize(("device", "channel", "opened"), [(1, None, 2), (1, 1, 1), (2, None, 1), ("pulse", 3, 3)])
def test_no_more_channels_are_opened_than_needed(
    sounddevice: Any, device: str | int, channel: int | None, opened: int
) -> None:
    with Microphone(device, channel=channel) as microphone:
        assert microphone.channels == opened


def test_overruns_are_counted_and_said(sounddevice: Any) -> None:
    with Microphone() as microphone:
        FakeStream.last.give(overflow=True)
        with pytest.warns(AudioWarning, match="1 overruns"):
            assert microphone.read() is not None
        for _ in range(503):  # nobody reads
            FakeStream.last.give()
        assert microphone.overruns == 4
        with pytest.warns(AudioWarning, match="4 overruns"):
            microphone.read()


def test_a_device_that_is_unplugged_gives_what_it_had_and_then_an_error(sounddevice: Any) -> None:
    with Microphone() as microphone:
        FakeStream.last.give(0.5)
        FakeStream.last.unplug()
        assert microphone.read() is not None
        with pytest.raises(AudioError, match="USB Microphone: the device is gone"):
            microphone.read(timeout=0.001)


def test_a_device_that_falls_silent_counts_as_gone(sounddevice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vad.audio.microphone.TIMEOUT", 0.004)
    with Microphone() as microphone, pytest.raises(AudioError, match="gone"):
        for _ in range(5):
            assert microphone.read(timeout=0.001) is None


@pytest.mark.parametrize(
    ("device", "channel", "says"),
    [
        ("Bluetooth", None, "Bluetooth: no such input device; vad stream --list-devices"),
        (77, None, "77: no such input device"),
        (1, 3, "USB Microphone: no channel 3; it has 2"),
    ],
)
def test_a_device_that_is_not_there(sounddevice: Any, device: str | int, channel: int | None, says: str) -> None:
    with pytest.raises(AudioError, match=says):
        Microphone(device, channel=channel)


def test_no_device_at_all(sounddevice: Any) -> None:
    sounddevice.default.device = [-1, -1]
    with pytest.raises(AudioError, match="no default input device"):
        Microphone()


def test_a_busy_device(sounddevice: Any) -> None:
    sounddevice.InputStream.busy = True
    with pytest.raises(AudioError, match=r"^USB Microphone: cannot be opened \(.*unavailable.*; another program"):
        Microphone()


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(AudioError, match=r"sounddevice is missing; .*\[mic\]"):
        Microphone()


def test_without_portaudio(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(AudioError, match="libportaudio2"):
        devices()
