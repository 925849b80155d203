"""The split of recordings into train and dev, by a hash of their names.

Of `ENOUGH` names and more, a name's side does not depend on the others, and does not change when recordings are
added. Fewer are divided by count: by chance, two or three of five might be `dev`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from vad.errors import SettingError

NUMBERED = re.compile(r"(spk|spkr|speaker)[-_ ]?\d*", re.IGNORECASE)  # numbered anew in each recording
ENOUGH = 10  # names
UNITS = ("speaker", "file", "time")


@dataclass(frozen=True)
class Splitting:
    """How recordings are divided into `train` and `dev`."""

    dev_share: float = 0.2  # share of the speakers, files or time for dev; 0: all is train
    by: str = "speaker"  # what stays together: a speaker's recordings, a file, or nothing ("time")
    seed: int = 1
    speaker_pattern: str | None = None  # regular expression; its group, or match, in the path is the speaker

    def __post_init__(self) -> None:
        if not 0 <= self.dev_share < 1:
            raise SettingError(f"dev_share={self.dev_share}: give a share from 0 to below 1, like 0.2", "dev_share")
        if self.by not in UNITS:
            raise SettingError(f"by={self.by!r}: valid are {', '.join(UNITS)}", "by")
        try:
            re.compile(self.speaker_pattern or "")
        except re.error as error:
            raise SettingError(
                f"speaker_pattern={self.speaker_pattern!r}: not a regular expression ({error})", "speaker_pattern"
            ) from error

    def speaker(self, path: str) -> str | None:
        """The speaker that `speaker_pattern` finds in `path`; None if it does not match."""
        match = re.search(self.speaker_pattern, path) if self.speaker_pattern else None
        return (match[1] if match.re.groups else match[0]) if match else None

    def split(self, names: Iterable[str], with_speech: Iterable[str]) -> dict[str, str]:
        """`train` or `dev` for each name; of two or more `with_speech`, at least one is on each side."""
        known, order = set(names), sorted(set(with_speech), key=self._hash)
        if len(known) < ENOUGH:
            of_dev = sorted(known, key=self._hash)[: max(1, round(self.dev_share * len(known)))]
        else:
            of_dev = [name for name in known if self._hash(name) < self.dev_share]
        sides = {name: "dev" if name in of_dev else "train" for name in known}
        if len(order) > 1:
            sides[order[0]], sides[order[-1]] = "dev", "train"
        return sides

    def _hash(self, name: str) -> float:
        """A pseudo-random number 0..1 for a name."""
        content = f"{self.seed}:{name}".encode("utf-8", "surrogatepass")  # names of files need not be Unicode
        return int.from_bytes(hashlib.sha256(content).digest()[:7], "big") / 256**7


DEFAULT = Splitting()


def only_speaker(names: Iterable[str]) -> str | None:
    """The only speaker of a recording; None for several, or for a number in place of a name, like `spk00`."""
    known = set(names)
    name = known.pop() if len(known) == 1 else ""
    return None if not name or NUMBERED.fullmatch(name) else name
