"""Plain text for people and pipes: `START END` in seconds, after the name of the file if there are several.

The text of a label follows its times, as in Audacity's labels.
"""

import itertools
import re

from vad.formats.columns import headless_label
from vad.formats.document import Document, Format, Label, one_line
from vad.formats.parsing import build_documents, cells, each_line, is_time

CHANNEL = re.compile(r"(.*)\[([1-9][0-9]{0,4})\]", re.DOTALL)
SPECTRUM = "\\\t"  # start of Audacity's lines with the frequencies of a label


def write(document: Document) -> str:
    channel = f"[{document.channel}]" if document.channel else ""
    prefix = f"{document.name}{channel}\t" if document.shared else ""
    return "".join(
        f"{prefix}{document.time(x.start)}\t{document.time(x.end)}{_caption(x) if document.labels else ''}\n"
        for x in document.rows
    )


def _caption(label: Label) -> str:
    """A column with the caption; none for a placeholder."""
    return f"\t{one_line(label.caption)}" if label.caption != "speech" else ""


def read(text: str) -> list[Document]:
    return build_documents(each_line(text, _parse, SPECTRUM))


def _parse(line: str) -> Label:
    label = headless_label(_fields(line))
    channel = CHANNEL.fullmatch(label.recording) if label.recording.endswith("]") else None
    return label._replace(recording=channel[1], channel=int(channel[2])) if channel else label


def _fields(line: str) -> list[str]:
    """`[NAME[CHANNEL]] START END [LABEL]`, separated by tabs or, if there are none, by blanks."""
    fields = cells(line)
    at = 2 if is_time(fields[0]) else 3
    return fields if "\t" in line or len(fields) <= at else [*fields[:at], " ".join(fields[at:])]


def fits(lines: list[str]) -> bool:
    fields = _fields(lines[0]) if lines else []
    return any(is_time(a) and is_time(b) for a, b in itertools.pairwise(fields[:3]))


TEXT = Format("text", ".txt", read, write, frozenset({"text", "captions", "points"}), fits=fits)
