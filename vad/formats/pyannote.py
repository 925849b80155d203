"""The JSON of pyannote.audio 4 and of pyannoteAI: who speaks when.

It also reads the JSON of older versions, and all that `vad.formats.json` reads.
"""

from vad.formats.document import Document, Format, harmless
from vad.formats.json import fits, read, to_text
from vad.formats.parsing import speech_labels


def write(document: Document) -> str:
    turns = [
        {"start": x.start, "end": x.end, "speaker": harmless(x.speaker) or "SPEECH"} for x in speech_labels(document)
    ]
    return to_text({"diarization": turns})


HOLDS = frozenset({"speakers"})
PYANNOTE = Format("pyannote", ".pyannote.json", read, write, HOLDS, many=False, fits=fits, unicode=True)
