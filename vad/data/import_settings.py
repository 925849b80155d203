"""The settings of an import; this module imports nothing heavy, for the sake of `--help`."""

from __future__ import annotations

from dataclasses import dataclass, field

from vad.data.splitting import Splitting

KINDS = ("speech", "noise", "music", "rir")
EVIDENCE = ("supervision", "word", "energy")
OUTSIDE = ("silence", "unknown")


@dataclass(frozen=True)
class ImportSettings:
    """How an import reads manifests."""

    kind: str = KINDS[0]  # the role of the recordings in training
    by: str = EVIDENCE[0]  # what counts as speech
    outside: str = OUTSIDE[0]  # how sound outside of supervisions is labelled; unknown is left out
    licence: str = "not stated"
    name: str | None = None  # of the source; default: that of the manifests
    splitting: Splitting = field(default_factory=Splitting)
