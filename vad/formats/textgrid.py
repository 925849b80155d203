"""Praat's TextGrid: one interval tier that covers the recording, empty where nothing is labelled."""

from vad.formats.document import Document, Format
from vad.segments import invert


def write(document: Document) -> str:
    labelled = [(s, document.label) for s in document.segments]
    labelled += [(s, "") for s in invert(document.segments, document.duration)]
    intervals = "".join(
        f"        intervals [{number}]:\n"
        f"            xmin = {start:.3f}\n"
        f"            xmax = {end:.3f}\n"
        f'            text = "{label}"\n'
        for number, ((start, end), label) in enumerate(sorted(labelled), 1)
    )
    return (
        'File type = "ooTextFile"\n'
        'Object class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {document.duration:.3f}\n"
        "tiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n"
        '        class = "IntervalTier"\n        name = "speech"\n'
        f"        xmin = 0\n        xmax = {document.duration:.3f}\n"
        f"        intervals: size = {len(labelled)}\n{intervals}"
    )


TEXTGRID = Format("textgrid", ".TextGrid", write, many=False)
