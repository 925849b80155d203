"""The JSON of pyannote.audio 4 and of pyannoteAI: who speaks when.

The JSON of older versions is read as well, as is everything that `vad.formats.json` reads.
"""

import json

from vad.formats.document import Document, Format, harmless
from vad.formats.json import fits, read
from vad.formats.labels import spoken


def write(document: Document) -> str:
    turns = [{"start": x.start, "end": x.end, "speaker": harmless(x.speaker) or "SPEECH"} for x in spoken(document)]
    return json.dumps({"diarization": turns}, indent=2, ensure_ascii=False) + "\n"


HOLDS = frozenset({"speakers"})
PYANNOTE = Format("pyannote", ".pyannote.json", read, write, HOLDS, many=False, fits=fits, unicode=True)
