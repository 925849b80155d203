"""Sound and labels in folders become a corpus, divided into train and dev."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conftest import DATA, RATE, Write, detect, invoke
from corpora import PAUSED, label, lines
from vad import RecipeError, Segment, SettingError
from vad.data.corpus_index import cut, intersect, read_index
from vad.data.gather import gather
from vad.data.import_settings import ImportSettings
from vad.data.importing import import_source
from vad.data.splitting import Splitting, only_speaker
from vad.evaluation.frames import frame_mask
from vad.formats import read_labels
from vad.grid import Grid
from vad.segments import merge
from vad.training.corpus import read_corpus
from vad.training.settings import CorpusSettings


class TestGather:
    def test_sound_meets_the_labels_of_its_name(self, labelled: tuple[Path, Path], tmp_path: Path) -> None:
        gathered = gather(*labelled, licence="CC0-1.0")
        written = lines(gathered.write(tmp_path / "corpus"))
        assert len(written) == 10
        for line in written:
            assert line.keys() == {"file", "start", "duration", "source", "licence", "speaker", "split", "speech"}
            assert Path(line["file"]).is_absolute() and Path(line["file"]).exists()
            assert (line["start"], line["duration"], line["speech"]) == (0.0, 3.0, [list(span) for span in PAUSED])
            assert (line["source"], line["licence"]) == ("audio", "CC0-1.0")
            assert line["speaker"] == Path(line["file"]).parent.name
        assert {line["split"] for line in written} == {"train", "dev"}

    def test_files_within_the_corpus_are_named_from_there(self, labelled: tuple[Path, Path], tmp_path: Path) -> None:
        written = lines(gather(*labelled).write(tmp_path))
        assert {line["file"] for line in written} == {f"audio/s{n // 2}/{n}.wav" for n in range(10)}

    @pytest.mark.parametrize("name", ["a\u2028b\x85c", "caf\udce9", "\u8a71"])
    def test_any_name_of_a_file_comes_back(self, write_bursts: Write, tmp_path: Path, name: str) -> None:
        for one in (name, "other"):
            write_bursts("new.wav", *PAUSED).rename(tmp_path / f"{one}.wav")
            label(tmp_path / f"{one}.txt", *PAUSED)
        index = gather(tmp_path).write(tmp_path)
        assert {line["file"] for line in read_index(index)} == {f"{name}.wav", "other.wav"}

    def test_a_file_is_on_one_side_and_stays_there(
        self, labelled: tuple[Path, Path], write_bursts: Write, tmp_path: Path
    ) -> None:
        def sides(seed: int) -> dict[str, str]:
            splitting = Splitting(dev_share=0.5, by="file", seed=seed)
            return {r.file.as_posix(): r.split for r in gather(*labelled, splitting=splitting).regions}

        before = {seed: sides(seed) for seed in range(1, 9)}
        assert len({tuple(sorted(b.items())) for b in before.values()}) > 1
        for number in range(10, 16):
            write_bursts(f"audio/s{number}/x.wav", *PAUSED)
            label(tmp_path / f"labels/s{number}/x.txt", *PAUSED)
        for seed, known in before.items():
            assert known.items() <= sides(seed).items()

    @pytest.mark.parametrize("seed", range(1, 9))
    def test_few_speakers_are_divided_by_count(self, labelled: tuple[Path, Path], seed: int) -> None:
        sides = {r.speaker: r.split for r in gather(*labelled, splitting=Splitting(seed=seed)).regions}
        assert sorted(sides.values()) == ["dev"] + 4 * ["train"]

    @pytest.mark.parametrize(("times", "unit"), [(1000, "milliseconds"), (RATE, "samples")])
    def test_times_in_another_unit_are_named(self, write_bursts: Write, tmp_path: Path, times: int, unit: str) -> None:
        for name in ("a", "b"):
            write_bursts(f"{name}.wav", *PAUSED)
            label(tmp_path / f"{name}.txt", *((times * start, times * end) for start, end in PAUSED))
        with pytest.raises(RecipeError, match=rf"a.wav: lasts 3.0 s.* seem to be in {unit}; write them in seconds"):
            gather(tmp_path)

    def test_shifted_labels_leave_out_what_they_do_not_know(self, write_bursts: Write, tmp_path: Path) -> None:
        write_bursts("a.wav", *PAUSED)
        label(tmp_path / "a.txt", *PAUSED)
        gathered = gather(tmp_path, splitting=Splitting(dev_share=0.5))
        early, late = (gathered.shifted(seconds).regions for seconds in (-0.4, 0.4))
        assert [(r.start, r.duration) for r in early] == [(0.0, pytest.approx(1.1)), (1.5, pytest.approx(1.1))]
        assert [(r.start, r.duration) for r in late] == [(0.4, pytest.approx(1.1)), (1.9, pytest.approx(1.1))]
        assert early[0].speech == (pytest.approx((0.1, 0.8)),)
        assert late[0].speech == (pytest.approx((0.5, 1.1)),)

    @pytest.mark.parametrize("by", ["rttm", "csv", "jsonl"])
    def test_one_file_can_name_all_recordings(self, labelled: tuple[Path, Path], tmp_path: Path, by: str) -> None:
        detect(labelled[0], "-o", tmp_path / f"all.{by}")
        gathered = gather(labelled[0], tmp_path / f"all.{by}")
        assert len(gathered.regions) == 10
        assert not gathered.matches.orphans
        assert all(len(r.speech or ()) == 2 for r in gathered.regions)

    def test_a_recording_without_speech_is_never_all_that_dev_holds(self, write_bursts: Write, tmp_path: Path) -> None:
        for name in ("a", "b", "silence"):
            write_bursts(f"{name}.wav", *PAUSED)
            label(tmp_path / f"{name}.txt", *(PAUSED if name != "silence" else ()))
        for seed in range(20):
            gathered = gather(tmp_path, splitting=Splitting(seed=seed))
            assert gathered.speech("train") > 0 and gathered.speech("dev") > 0

    def test_the_speaker_comes_from_pattern_labels_folder_or_file(self, write_bursts: Write, tmp_path: Path) -> None:
        for name in ("ann-1", "ann-2", "bob-1"):
            write_bursts(f"audio/{name}.wav", *PAUSED)
        rttm = tmp_path / "all.rttm"
        rttm.write_text(
            "".join(
                f"SPEAKER {name} 1 0.5 1.0 <NA> <NA> {who} <NA> <NA>\n"
                for name, who in (("ann-1", "A"), ("ann-2", "A"), ("bob-1", "B"))
            )
        )

        def speakers(**settings: str) -> list[str]:
            return [r.speaker for r in gather(tmp_path / "audio", rttm, splitting=Splitting(**settings)).regions]

        assert speakers() == ["A", "A", "B"]
        assert speakers(speaker_pattern="[a-z]+(?=-)") == ["ann", "ann", "bob"]
        assert speakers(speaker_pattern=r"-(\d)") == ["1", "2", "1"]
        with pytest.raises(RecipeError, match=r"speaker_pattern='zoe': matches no recording, like ann-1\.wav"):
            speakers(speaker_pattern="zoe")
        for name in ("ann-1", "ann-2", "bob-1"):
            label(tmp_path / f"audio/{name}.txt", *PAUSED)
        assert [r.speaker for r in gather(tmp_path / "audio").regions] == ["ann-1", "ann-2", "bob-1"]

    def test_only_what_the_uem_lists_counts(self, labelled: tuple[Path, Path], tmp_path: Path) -> None:
        uem = tmp_path / "all.uem"
        uem.write_text("0 1 0.0 1.0\n0 1 2.0 9.0\n9 1 1.0 2.0\n")
        gathered = gather(*labelled, uem=uem)
        assert [(r.file.stem, r.start, round(r.duration, 3)) for r in gathered.regions] == [
            ("0", 0.0, 1.0),
            ("0", 2.0, 1.0),
            ("9", 1.0, 1.0),
        ]
        assert [[(round(s, 3), round(e, 3)) for s, e in r.speech or ()] for r in gathered.regions] == [
            [(0.5, 1.0)],
            [(0.0, 0.4)],
            [(0.0, 0.2), (0.6, 1.0)],
        ]
        assert len(gathered.unlisted) == 8

    def test_one_recording_is_divided_in_time_and_that_is_said(self, talk: Path) -> None:
        gathered = gather(talk)
        assert [(r.split, round(r.start, 2), round(r.duration, 2)) for r in gathered.regions] == [
            ("train", 0.0, 19.72),
            ("dev", 19.72, 4.93),
        ]
        whole = sum(end - start for start, end in read_labels(DATA / "talk.tsv")[0].segments)
        assert gathered.speech("train") + gathered.speech("dev") == pytest.approx(whole)
        assert "too good" in " ".join(gathered.notes)

    def test_equal_names_in_two_folders_are_never_guessed(self, write_bursts: Write, tmp_path: Path) -> None:
        for place in ("a/x", "b/x", "b/y"):
            write_bursts(f"audio/{place}.wav", *PAUSED)
        for name in ("x", "y"):
            label(tmp_path / f"labels/{name}.txt", (0.5, 2.8))
        gathered = gather(tmp_path / "audio", tmp_path / "labels")
        assert {r.file.name for r in gathered.regions} == {"y.wav"}
        assert "may mean" in gathered.matches.orphans[0]

    def test_names_match_up_to_the_first_dot(self, write_bursts: Write, tmp_path: Path) -> None:
        write_bursts("audio/ES2002a.Mix-Headset.wav", *PAUSED)
        rttm = tmp_path / "ami.rttm"
        rttm.write_text("SPEAKER ES2002a 1 0.5 2.3 <NA> <NA> A <NA> <NA>\n")
        assert len(gather(tmp_path / "audio", rttm).regions) == 2

    def test_what_cannot_be_read_is_left_out_and_named(self, labelled: tuple[Path, Path], tmp_path: Path) -> None:
        (labelled[0] / "s0/0.wav").write_bytes(b"no sound")
        (labelled[1] / "s4/9.txt").write_text("once upon a time\n")
        gathered = gather(*labelled)
        assert len(gathered.regions) == 8
        assert "0.wav" in gathered.unreadable[0]
        assert "9.txt" in gathered.matches.problems[0]
        assert gathered.matches.unlabelled == []

    def test_what_cannot_be_trained_is_one_clear_error(self, labelled: tuple[Path, Path], tmp_path: Path) -> None:
        audio, labels = labelled
        (tmp_path / "empty").mkdir()
        for arguments, says in (
            ((tmp_path / "none", labels), "does not exist"),
            ((tmp_path / "empty", labels), "no sound files"),
            ((audio, tmp_path / "none"), "does not exist"),
            ((audio, tmp_path / "empty"), "no labels"),
            ((audio, label(tmp_path / "other/z.txt", (0, 1)).parent), "named like the sound"),
        ):
            with pytest.raises(RecipeError, match=says) as error:
                gather(*arguments)
            assert "\n" not in str(error.value)
        for path in labels.rglob("*.txt"):
            path.write_text("")
        with pytest.raises(RecipeError, match="no speech at all"):
            gather(audio, labels)

    def test_recordings_that_are_all_too_short_are_said_to_be(self, write_bursts: Write, tmp_path: Path) -> None:
        write_bursts("a.wav", (0.0, 0.02), seconds=0.05)
        label(tmp_path / "a.txt", (0.0, 0.02))
        with pytest.raises(RecipeError, match=r"none of the labelled sound lasts 0\.1 s"):
            gather(tmp_path)

    def test_labels_without_pauses_are_noticed(self, labelled: tuple[Path, Path]) -> None:
        for path in labelled[1].rglob("*.txt"):
            label(path, (0.0, 3.0))
        assert "pauses" in " ".join(gather(*labelled).warnings)

    @pytest.mark.parametrize(
        "wrong", [{"dev_share": -0.1}, {"dev_share": 1.5}, {"by": "luck"}, {"speaker_pattern": "("}]
    )
    def test_settings_that_make_no_sense_are_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(SettingError) as refused:
            Splitting(**wrong)  # type: ignore[arg-type]
        assert refused.value.parameter in wrong and str(refused.value).startswith(f"{refused.value.parameter}=")


@pytest.mark.parametrize(
    ("names", "who"),
    [(["ann"], "ann"), (["19"], "19"), (["ann", "bob"], None), ([], None), (["spk00"], None), (["SPEAKER_01"], None)],
)
def test_a_speaker_is_one_name_that_means_somebody(names: list[str], who: str | None) -> None:
    assert only_speaker(names) == who


def test_segments_are_cut_merged_and_intersected() -> None:
    spans = [Segment(0, 1), Segment(2, 3), Segment(2.5, 4)]
    assert merge(spans) == [Segment(0, 1), Segment(2, 4)]
    assert merge(spans, gap=1.0) == [Segment(0, 4)]
    assert cut(spans[:2], 0.5, 2.5) == (Segment(0, 0.5), Segment(1.5, 2.0))
    assert intersect([Segment(0, 3), Segment(5, 6)], [Segment(2, 5.5)]) == [Segment(2, 3), Segment(5, 5.5)]


def test_gathered_and_imported_make_one_corpus(labelled: tuple[Path, Path], corpora: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    invoke("data", "gather", *labelled, "-o", corpus, "--name", "mine")
    import_source(corpora / "manifests/librispeech", corpus, ImportSettings())
    invoke("data", "gather", *labelled, "-o", corpus, "--name", "mine", "--seed", "2")
    written = [line["source"] for line in lines(corpus / "speech.jsonl")]
    assert sorted(written) == ["librispeech"] * 6 + ["mine"] * 10
    import_source(corpora / "musan/noise", corpus, ImportSettings(kind="noise"))
    sides = [read_corpus(corpus, side, Grid(), CorpusSettings(), tmp_path / "cache") for side in ("train", "dev")]
    clips = [clip for side in sides for clip in side.speech]
    assert len(clips) == 16
    assert [len(side.backgrounds) for side in sides] == [3, 3]
    for clip in clips:
        if clip.source == "mine":
            assert np.array_equal(clip.target > 0.5, frame_mask([Segment(*span) for span in PAUSED], 300, Grid()))
