"""Subtitles with a cue per segment: SubRip (SRT) and WebVTT."""

from vad.formats.document import Document, Format


def write_srt(document: Document) -> str:
    return "".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{document.label}\n\n"
        for number, (start, end) in enumerate(document.segments, 1)
    )


def write_vtt(document: Document) -> str:
    return "".join(
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{document.label}\n\n" for start, end in document.segments
    )


def _clock(seconds: float, point: str) -> str:
    """`HH:MM:SS.mmm`, the hours with more digits where they need them."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


SRT = Format("srt", ".srt", write_srt, many=False)
VTT = Format("vtt", ".vtt", write_vtt, many=False, head="WEBVTT\n\n")
