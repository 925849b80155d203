"""The errors of this package: catch `VadError` to catch them all.

Every message is one line that names the file or the parameter, the reason and the remedy.
"""

from __future__ import annotations


class VadError(Exception):
    """Any error that this package raises on purpose.

    `parameter` is the name of the parameter that is to be changed, where there is one, as it stands
    in the message; the command line writes its own option in place of it.
    """

    def __init__(self, message: object = "", parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class SettingError(VadError, ValueError):
    """A parameter that is unknown, out of range, or contradicts another."""


class AudioError(VadError):
    """A recording that is missing, unreadable or empty, or that is no audio."""


class ModelError(VadError):
    """A weights file that is missing, damaged, or not made by this package."""


class FormatError(VadError):
    """A label format that is unknown or cannot hold the labels; a file that cannot be written."""


class RecipeError(VadError):
    """A training recipe, or a training corpus, that is incomplete or contradicts itself."""


def reason(error: Exception) -> str:
    """The message of an error of another library, on one line, without its number and file name; else its type."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".") or type(error).__name__
