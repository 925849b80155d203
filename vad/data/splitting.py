"""Which recordings are trained on and which are kept for the dev mixtures: decided by name and seed.

A name's share is a hash, so that it neither depends on what else there is nor changes when
recordings are added.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from vad.errors import SettingError

NUMBERED = re.compile(r"(spk|spkr|speaker)[-_ ]?\d*", re.IGNORECASE)  # numbered anew in each recording
WAYS = ("speaker", "file", "time")


@dataclass(frozen=True)
class Splitting:
    """How recordings are divided into `train` and `dev`."""

    dev_share: float = 0.2  # share of the speakers, files or time that training never sees
    by: str = "speaker"  # what stays together: a speaker's recordings, a file, or nothing ("time")
    seed: int = 1
    speaker_pattern: str | None = None  # its group, or all it matches, in a file's path is the speaker

    def __post_init__(self) -> None:
        if not 0 < self.dev_share < 1:
            raise SettingError(f"dev_share={self.dev_share}: give a share between 0 and 1, like 0.2", "dev_share")
        if self.by not in WAYS:
            raise SettingError(f"split_by={self.by!r}: valid are {', '.join(WAYS)}", "split_by")
        try:
            re.compile(self.speaker_pattern or "")
        except re.error as error:
            raise SettingError(
                f"speaker_pattern={self.speaker_pattern!r}: not a regular expression ({error})", "speaker_pattern"
            ) from error

    def speaker(self, path: str) -> str | None:
        """The speaker that `speaker_pattern` finds in `path`; None where it finds none."""
        match = re.search(self.speaker_pattern, path) if self.speaker_pattern else None
        return (match[1] if match.re.groups else match[0]) if match else None

    def split(self, names: Iterable[str], talking: Iterable[str]) -> dict[str, str]:
        """`train` or `dev` for each name; where two or more of them are `talking`, one at least on each side."""
        sides = {name: "dev" if self._hash(name) < self.dev_share else "train" for name in names}
        order = sorted(set(talking), key=self._hash)
        if len(order) > 1:
            sides[order[0]], sides[order[-1]] = "dev", "train"
        return sides

    def _hash(self, name: str) -> float:
        """A number 0..1 that looks drawn by chance."""
        content = f"{self.seed}:{name}".encode("utf-8", "surrogatepass")  # names of files may be no Unicode
        return int.from_bytes(hashlib.sha256(content).digest()[:7], "big") / 256**7


DEFAULT = Splitting()


def only_speaker(names: Iterable[str]) -> str | None:
    """The one speaker of a recording; None where there are several, or a number that is no name, like `spk00`."""
    known = set(names)
    name = known.pop() if len(known) == 1 else ""
    return None if not name or NUMBERED.fullmatch(name) else name
