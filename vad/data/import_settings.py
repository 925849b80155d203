"""What can be asked of an import; needs nothing heavy, so that `--help` can show it."""

from __future__ import annotations

from dataclasses import dataclass, field

from vad.data.splitting import Splitting

KINDS = ("speech", "noise", "music", "rir")
EVIDENCE = ("supervision", "word", "energy")
OUTSIDE = ("silence", "unknown")


@dataclass(frozen=True)
class ImportSettings:
    """How manifests are understood."""

    kind: str = KINDS[0]  # what the recordings are to training
    by: str = EVIDENCE[0]  # what counts as speech
    outside: str = OUTSIDE[0]  # what lies outside of supervisions; unknown is left out
    licence: str = "not stated"
    name: str | None = None  # of the source, in place of the manifests'
    splitting: Splitting = field(default_factory=Splitting)
