"""Labels on tiers, as in Praat and ELAN: labels of one tier do not overlap."""

from __future__ import annotations

import heapq
import operator
import re
from collections.abc import Iterable

from vad.formats.document import SPEECH, Label, one_line

NUMBER = re.compile(r" \([0-9]+\)$")  # at the end of the names of tiers for overlapping labels


def lay_out(labels: Iterable[Label]) -> dict[str, list[Label]]:
    """The labels of each tier, in order: a tier for each speaker or tier of the labels, `speech` for the rest.

    Labels that overlap go to further tiers, called `NAME (2)` and so on.
    """
    ordered = sorted(labels, key=operator.itemgetter(0, 1))
    names = {tier_of(label) for label in ordered}
    tiers: dict[str, list[Label]] = {}
    called: dict[tuple[str, int], str] = {}  # the tier for each number of a name
    free: dict[str, list[tuple[float, int]]] = {}  # when the last label of each tier of a name ends
    for label in ordered:
        name = tier_of(label)
        ends = free.setdefault(name, [])
        number = heapq.heappop(ends)[1] if ends and ends[0][0] <= label.start else len(ends) + 1
        heapq.heappush(ends, (label.end, number))
        if (name, number) not in called:
            tier = f"{name} ({number})" if number > 1 else name
            while number > 1 and tier in names:
                tier += "'"
            called[name, number] = tier
        tiers.setdefault(called[name, number], []).append(label)
    return tiers or {"speech": []}


def tier_of(label: Label) -> str:
    """The name of the tier of a label."""
    return one_line(label.tier or label.speaker) or "speech"


def on_tier(label: Label, tier: str) -> Label:
    """`label`, read from `tier`: the tier is the speaker if the text of the label is the same."""
    plain = NUMBER.sub("", tier)
    if plain.lower() in SPEECH:
        return label
    if label.text == plain:
        return label._replace(text="speech", speaker=plain)
    return label._replace(tier=plain)
