"""What can go wrong, as one small family: catch `VadError` to catch them all.

Every message is one line that names the file or option, the reason and the remedy.
"""


class VadError(Exception):
    """Anything this package refuses to do; the message is meant for the person at the keyboard."""


class SettingError(VadError, ValueError):
    """An option or argument that is unknown, out of range, or at odds with another."""


class AudioError(VadError):
    """A recording that is missing, unreadable, empty or not sound."""


class ModelError(VadError):
    """A weights file that is missing, damaged, or not one of ours."""


class FormatError(VadError):
    """A label format that is unknown or cannot hold what it was asked to; a file that cannot be written."""


class RecipeError(VadError):
    """A training recipe, or a set of sound and labels, that does not say what is needed of it."""
