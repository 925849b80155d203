"""Any text given as labels is read or refused with one line, and its content tells its format."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelfiles import SAMPLES, Read, mutated, refused
from vad.errors import FormatError
from vad.formats import FORMATS


class TestHostility:
    def test_every_format_has_a_sample(self) -> None:
        assert SAMPLES.keys() == FORMATS.keys()

    @pytest.mark.parametrize("kind", FORMATS)
    @pytest.mark.parametrize("explicit", [True, False])
    @settings(max_examples=60)
    @given(data=st.data())
    def test_any_text_is_documents_or_an_error(
        self, read_as: Read, kind: str, explicit: bool, data: st.DataObject
    ) -> None:
        content = data.draw(mutated(SAMPLES[kind]) | st.text() | st.binary())
        name = "unknown" if explicit else f"x{FORMATS[kind].extension}"
        check(read_as, content, name, kind if explicit else None)

    @given(content=st.one_of(st.text(), *map(mutated, SAMPLES.values())))
    @example(content="\x1c")
    def test_any_text_of_unknown_format(self, read_as: Read, content: str) -> None:
        check(read_as, content, "unknown", None)

    @pytest.mark.parametrize("kind", FORMATS)
    def test_nothing_keeps_a_reader_busy(self, read_as: Read, kind: str) -> None:
        for content in ("0" * 99_999, "1:" * 50_000 + "-->", '"' * 99_999, "1\n00:00 --> 00:01\n" + "<" * 99_999):
            check(read_as, content, "unknown", kind)


def check(read_as: Read, content: str | bytes, name: str, kind: str | None) -> None:
    """What is read is sound, or the error is one line."""
    try:
        documents = read_as(content, name, kind)
    except FormatError as error:
        assert str(error).isprintable()
        return
    assert documents
    for document in documents:
        ends = [time for segment in document.segments for time in segment]
        assert ends == sorted(ends) and all(0 <= time < float("inf") for time in ends)
        assert max(ends, default=0) <= document.duration < float("inf")
        assert isinstance(document.recording, str) and isinstance(document.channel, (int, type(None)))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_content_tells_the_format(read_as: Read, kind: str) -> None:
    sample = SAMPLES[kind]
    if kind == "lab":  # in a file of another name, its times could be samples
        assert "look like samples" in refused(read_as, sample, "unknown")
        return
    assert read_as(sample, "unknown") == read_as(sample, "unknown", kind)
    assert read_as(sample, "x.txt") == read_as(sample, "unknown", kind)
