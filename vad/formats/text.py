"""Plain text for people and pipes: `START END` in seconds, after the file's name where there are several."""

from vad.formats.document import Document, Format


def write(document: Document) -> str:
    channel = f"[{document.channel}]" if document.channel else ""
    prefix = f"{document.name}{channel}\t" if document.shared else ""
    return "".join(f"{prefix}{start:.3f}\t{end:.3f}\n" for start, end in document.segments)


TEXT = Format("text", ".txt", write)
