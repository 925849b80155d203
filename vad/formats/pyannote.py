"""The JSON of pyannote.audio 4 and of pyannoteAI: who speaks when.

The JSON of older versions is read as well, as is everything that `vad.formats.json` reads.
"""

from vad.formats.document import Document, Format, harmless
from vad.formats.json import fits, read, to_text
from vad.formats.labels import spoken


def write(document: Document) -> str:
    turns = [{"start": x.start, "end": x.end, "speaker": harmless(x.speaker) or "SPEECH"} for x in spoken(document)]
    return to_text({"diarization": turns})


HOLDS = frozenset({"speakers"})
PYANNOTE = Format("pyannote", ".pyannote.json", read, write, HOLDS, many=False, fits=fits, unicode=True)
