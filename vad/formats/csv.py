"""Tables with a row per segment, comma- or tab-separated."""

import csv
import io

from vad.formats.document import Document, Format

COLUMNS = ("file", "channel", "start", "end", "duration", "label")


def write(document: Document, separator: str = ",") -> str:
    text = io.StringIO()
    rows = csv.writer(text, delimiter=separator, lineterminator="\n")
    for start, end in document.segments:
        times = (f"{start:.3f}", f"{end:.3f}", f"{end - start:.3f}")
        rows.writerow([document.name, document.channel, *times, document.label])
    return text.getvalue()


def write_tabs(document: Document) -> str:
    return write(document, "\t")


CSV = Format("csv", ".csv", write, head=",".join(COLUMNS) + "\n")
TSV = Format("tsv", ".tsv", write_tabs, head="\t".join(COLUMNS) + "\n")
