"""The package sounddevice, which brings PortAudio (the `[mic]` extra): the way to microphones and speakers."""

from __future__ import annotations

from typing import Any

from vad.errors import AudioError
from vad.extras import install_command


def load(device: str) -> Any:
    """The package sounddevice, which loads PortAudio when it is imported.

    Raises `AudioError`, which names the kind of `device` that needs it, where one of them is missing.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise AudioError(f"{device}: the package sounddevice is missing; {install_command('mic')}") from error
    except OSError as error:
        raise AudioError(
            f"{device}: PortAudio is missing ({why(error)}); apt install libportaudio2, or brew install portaudio"
        ) from error
    return sounddevice


def why(error: Exception) -> str:
    """The reason in an error of PortAudio, on one line."""
    return " ".join(str(error.args[0] if error.args else error).split()).rstrip(".")
