"""Anybody's data: sound and labels brought together, checked, made, imported."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from lhotse.recipes import prepare_librispeech, prepare_musan, prepare_voxconverse

from conftest import DATA, RATE, ROOT, bursts
from vad import AudioError, RecipeError, Segment, SettingError
from vad.audio.decode import read
from vad.cli import main
from vad.data.check import check
from vad.data.gather import gather
from vad.data.import_settings import ImportSettings
from vad.data.importing import import_source
from vad.data.index import cut, intersect, read_index
from vad.data.labelling import detect_by_energy, frame_levels
from vad.data.manifests import HELD_OUT, Part
from vad.data.offset import contrast
from vad.data.splitting import Splitting, only_speaker
from vad.evaluation.frames import frame_mask
from vad.formats import read_labels
from vad.grid import Grid
from vad.segments import merge
from vad.training.corpus import read_corpus
from vad.training.recipe import CorpusSettings, read_recipe

Write = Callable[..., Path]
PAUSED = ((0.5, 1.2), (1.6, 2.4))  # where the tone of most recordings here is


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    """Ten recordings by five speakers in a folder each, and Audacity labels of the same names."""
    rng = np.random.default_rng(0)
    for number in range(10):
        place = f"s{number // 2}/{number}"
        sound = bursts(*PAUSED, seconds=3) + 1e-4 * rng.standard_normal(3 * RATE)  # no two alike
        (tmp_path / f"audio/{place}.wav").parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / f"audio/{place}.wav", sound, RATE)
        label(tmp_path / f"labels/{place}.txt", *PAUSED)
    return tmp_path / "audio", tmp_path / "labels"


def label(path: Path, *spans: tuple[float, float]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{start:.6f}\t{end:.6f}\tspeech\n" for start, end in spans))
    return path


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def vad(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


class TestGather:
    def test_sound_meets_the_labels_of_its_name(self, own: tuple[Path, Path], tmp_path: Path) -> None:
        gathered = gather(*own, licence="CC0-1.0")
        written = lines(gathered.write(tmp_path / "corpus"))
        assert len(written) == 10
        for line in written:
            assert line.keys() == {"file", "start", "duration", "source", "licence", "speaker", "split", "speech"}
            assert Path(line["file"]).is_absolute() and Path(line["file"]).exists()
            assert (line["start"], line["duration"], line["speech"]) == (0.0, 3.0, [list(span) for span in PAUSED])
            assert (line["source"], line["licence"]) == ("audio", "CC0-1.0")
            assert line["speaker"] == Path(line["file"]).parent.name
        assert {line["split"] for line in written} == {"train", "dev"}

    def test_files_within_the_corpus_are_named_from_there(self, own: tuple[Path, Path], tmp_path: Path) -> None:
        written = lines(gather(*own).write(tmp_path))
        assert {line["file"] for line in written} == {f"audio/s{n // 2}/{n}.wav" for n in range(10)}

    @pytest.mark.parametrize("name", ["a\u2028b\x85c", "caf\udce9", "\u8a71"])
    def test_any_name_of_a_file_comes_back(self, write_bursts: Write, tmp_path: Path, name: str) -> None:
        for one in (name, "other"):
            write_bursts("new.wav", *PAUSED).rename(tmp_path / f"{one}.wav")
            label(tmp_path / f"{one}.txt", *PAUSED)
        index = gather(tmp_path).write(tmp_path)
        assert {line["file"] for line in read_index(index)} == {f"{name}.wav", "other.wav"}

    def test_a_speaker_is_on_one_side_and_stays_there(
        self, own: tuple[Path, Path], write_bursts: Write, tmp_path: Path
    ) -> None:
        def sides(seed: int) -> dict[str, str]:
            return {r.speaker: r.split for r in gather(*own, splitting=Splitting(dev_share=0.5, seed=seed)).regions}

        before = {seed: sides(seed) for seed in range(1, 9)}
        assert len({tuple(sorted(b.items())) for b in before.values()}) > 1
        for number in range(10, 16):
            write_bursts(f"audio/s{number}/x.wav", *PAUSED)
            label(tmp_path / f"labels/s{number}/x.txt", *PAUSED)
        for seed, known in before.items():
            assert known.items() <= sides(seed).items()

    @pytest.mark.parametrize("by", ["rttm", "csv", "jsonl"])
    def test_one_file_can_name_all_recordings(self, own: tuple[Path, Path], tmp_path: Path, by: str) -> None:
        result = CliRunner().invoke(main, ["detect", str(own[0]), "-o", str(tmp_path / f"all.{by}"), *DOUBLE])
        assert result.exit_code == 0, result.stderr
        gathered = gather(own[0], tmp_path / f"all.{by}")
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
        for name in ("ann-1", "ann-2", "bob-1"):
            label(tmp_path / f"audio/{name}.txt", *PAUSED)
        assert [r.speaker for r in gather(tmp_path / "audio").regions] == ["ann-1", "ann-2", "bob-1"]

    def test_only_what_the_uem_lists_counts(self, own: tuple[Path, Path], tmp_path: Path) -> None:
        uem = tmp_path / "all.uem"
        uem.write_text("0 1 0.0 1.0\n0 1 2.0 9.0\n9 1 1.0 2.0\n")
        gathered = gather(*own, uem=uem)
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
        assert "flatter" in " ".join(gathered.said)

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

    def test_what_cannot_be_read_is_left_out_and_named(self, own: tuple[Path, Path], tmp_path: Path) -> None:
        (own[0] / "s0/0.wav").write_bytes(b"no sound")
        (own[1] / "s4/9.txt").write_text("once upon a time\n")
        gathered = gather(*own)
        assert len(gathered.regions) == 8
        assert "0.wav" in gathered.unreadable[0]
        assert "9.txt" in gathered.matches.problems[0]
        assert gathered.matches.unlabelled == ["s4/9.wav"]

    def test_what_cannot_be_trained_is_one_clear_error(self, own: tuple[Path, Path], tmp_path: Path) -> None:
        audio, labels = own
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

    def test_labels_without_pauses_are_noticed(self, own: tuple[Path, Path]) -> None:
        for path in own[1].rglob("*.txt"):
            label(path, (0.0, 3.0))
        assert "pauses" in " ".join(gather(*own).warnings)

    @pytest.mark.parametrize(
        "wrong", [{"dev_share": 0.0}, {"dev_share": 1.5}, {"by": "luck"}, {"speaker_pattern": "("}]
    )
    def test_settings_that_make_no_sense_are_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(SettingError):
            Splitting(**wrong)  # type: ignore[arg-type]


DOUBLE = ("--model", str(ROOT / "tests/doubles/energy.onnx"))


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


class TestCheck:
    def test_good_data_passes_and_says_what_it_holds(self, own: tuple[Path, Path]) -> None:
        result = vad("check", *own)
        assert result.exit_code == 0, result.output
        assert "!" not in "".join(line for line in result.stdout.splitlines() if "dev is" not in line)
        report = json.loads(vad("check", *own, "--format", "json").stdout)
        assert report["ok"]
        assert sum(split["seconds"] for split in report["splits"].values()) == pytest.approx(30)
        assert sum(split["speech"] for split in report["splits"].values()) == pytest.approx(15)

    def test_each_fault_is_found_where_it_is(self, own: tuple[Path, Path]) -> None:
        audio, labels = own
        rng = np.random.default_rng(0)
        shutil.copy(audio / "s0/0.wav", audio / "s0/1.wav")
        soundfile.write(audio / "s1/2.wav", np.clip(9 * bursts(*PAUSED, seconds=3), -1, 1), RATE)
        soundfile.write(audio / "s1/3.wav", 1e-5 * rng.standard_normal(3 * RATE), RATE, subtype="FLOAT")
        label(labels / "s2/4.txt", (0.5, 1.2), (1.6, 7.0))
        soundfile.write(audio / "s2/5.wav", np.zeros((8000, 2)), 8000)
        label(labels / "s3/6.txt")
        (labels / "s3/7.txt").unlink()
        label(labels / "s3/seven.txt", (0, 1))
        report = check(audio, labels)
        remarks = {r.file: " ".join(r.remarks) for r in report.recordings}
        assert "the same sound as s0/0.wav" in remarks["s0/1.wav"]
        assert "clipped" in remarks["s1/2.wav"]
        assert "silent" in remarks["s1/3.wav"]
        assert "4.00 s after its end" in remarks["s2/4.wav"]
        assert "nobody speaks" in remarks["s3/6.wav"]
        assert not remarks["s0/0.wav"] and not remarks["s4/8.wav"]
        assert report.unlabelled == ["s3/7.wav"]
        assert "seven" in report.orphans[0]
        assert "8000 Hz, 16000 Hz" in " ".join(report.warnings)
        assert report.error is None

    @pytest.mark.parametrize("late", [0.48, -0.3])
    def test_labels_that_lie_beside_the_sound_are_noticed(self, tmp_path: Path, late: float) -> None:
        rng = np.random.default_rng(1)
        for number in range(3):
            spans = [(at, at + rng.uniform(0.5, 2)) for at in np.arange(2, 28, 3.7)]
            sound = bursts(*spans, seconds=30) + 1e-3 * rng.standard_normal(30 * RATE)
            soundfile.write(tmp_path / f"{number}.wav", sound, RATE)
            label(tmp_path / f"{number}.txt", *((start + late, end + late) for start, end in spans))
        report = check(tmp_path)
        said = f"{abs(late):.2f} s {'late' if late > 0 else 'early'}"
        assert all(said in " ".join(r.remarks) for r in report.recordings)
        assert said in " ".join(report.warnings)

    def test_a_true_offset_is_found_in_speech_and_none_is_imagined(self, talk: Path) -> None:
        grid = Grid()
        levels = frame_levels(read(talk, RATE), grid)
        loud = detect_by_energy(read(talk, RATE), grid, "talk")
        assert contrast(levels, loud, grid).late == 0
        moved = [Segment(start + 0.7, end + 0.7) for start, end in loud]
        assert contrast(levels, moved, grid).late == pytest.approx(0.7, abs=0.02)
        assert contrast(levels, read_labels(DATA / "talk.tsv")[0].segments, grid).late == 0

    def test_speech_that_is_quieter_than_the_rest_is_said(self, talk: Path, tmp_path: Path) -> None:
        """A rumble at its end is the loudest sound of the recording."""
        (tmp_path / "talk.txt").write_text("0.85\t22.8\n")
        result = vad("check", talk, tmp_path / "talk.txt", "--split-by", "time")
        assert "dB quieter than the rest" in result.stdout

    def test_what_would_stop_training_is_status_1(self, own: tuple[Path, Path], tmp_path: Path) -> None:
        (tmp_path / "none").mkdir()
        result = vad("check", own[0], tmp_path / "none")
        assert (result.exit_code, result.stderr) == (1, "")
        assert result.stdout.startswith("stops training: ")
        report = json.loads(vad("check", own[0], tmp_path / "none", "--format", "json").stdout)
        assert not report["ok"]
        assert "no labels" in report["error"]


class TestLabel:
    def test_speech_is_what_is_loud(self) -> None:
        rng = np.random.default_rng(0)
        spans = ((0.5, 1.2), (1.25, 1.8), (2.5, 2.53), (3.0, 4.0))  # a pause of 50 ms, a click of 30 ms
        sound = bursts(*spans, seconds=5) + 1e-3 * rng.standard_normal(5 * RATE)
        found = detect_by_energy(sound.astype(np.float32), Grid(), "sound")
        assert np.allclose(found, [(0.48, 1.82), (2.98, 4.02)], atol=0.011)

    def test_what_is_not_clean_is_refused_by_name(self) -> None:
        noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
        with pytest.raises(AudioError, match=r"street.*dB.*20"):
            detect_by_energy(0.1 * noise, Grid(), "street")
        with pytest.raises(AudioError, match="no sound"):
            detect_by_energy(noise[:0], Grid(), "nothing")

    def test_labels_come_in_any_format_and_failures_do_not_stop_the_others(
        self, write_bursts: Write, tmp_path: Path
    ) -> None:
        rng = np.random.default_rng(0)
        good = write_bursts("audio/good.wav", *PAUSED)
        soundfile.write(tmp_path / "audio/street.wav", 0.1 * rng.standard_normal(RATE), RATE)
        result = vad("label", tmp_path / "audio", "-o", tmp_path / "out", "--format", "audacity")
        assert result.exit_code == 1
        assert "street.wav" in result.stderr and "good" not in result.stderr
        assert [p.name for p in (tmp_path / "out").iterdir()] == ["good.txt"]
        assert len(gather(good, tmp_path / "out/good.txt").regions) == 2

    def test_a_detector_can_be_the_teacher(self, talk: Path, tmp_path: Path) -> None:
        assert vad("label", talk, "-o", tmp_path / "talk.txt", "--model", "speech-1").exit_code == 0
        frames, grid = 2465, Grid()
        ours, truth = (
            frame_mask(read_labels(p)[0].segments, frames, grid) for p in (tmp_path / "talk.txt", DATA / "talk.tsv")
        )
        assert (ours == truth).mean() > 0.85


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LibriSpeech, MUSAN and VoxConverse in miniature, with the manifests that lhotse makes of them."""
    folder = tmp_path_factory.mktemp("corpora")
    talk, dishes = (soundfile.read(DATA / name)[0] for name in ("talk.flac", "dishes.flac"))
    talk = talk[4 * RATE :]  # longer pauses

    def write(name: str, sound: np.ndarray) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, sound, RATE)

    for part, reader in (("train-clean-5", "19"), ("train-clean-5", "26"), ("dev-clean-2", "84"), ("test-clean", "61")):
        place = f"LibriSpeech/{part}/{reader}/198"
        for n in range(2):
            sound = bursts((0.5, 1.5), (2, 3), seconds=4) + 1e-4 * dishes[: 4 * RATE]
            write(f"{place}/{reader}-198-{n:04}.flac", sound)
        text = "".join(f"{reader}-198-{n:04} HELLO WORLD\n" for n in range(2))
        (folder / place / f"{reader}-198.trans.txt").write_text(text)
    for n in range(3):
        write(f"musan/noise/free-sound/noise-free-sound-{n:04}.wav", dishes[n * RATE : (n + 2) * RATE])
        write(f"musan/music/fma/music-fma-{n:04}.wav", dishes[n * RATE : (n + 3) * RATE])
        write(f"musan/speech/librivox/speech-librivox-{n:04}.wav", talk[: 2 * RATE])
    annotations = "".join(f"music-fma-{n:04} rock {'Y' if n == 1 else 'N'} band\n" for n in range(3))
    (folder / "musan/music/fma/ANNOTATIONS").write_text(annotations)
    for part, names in (("dev", ("abjxc", "afjiv", "akthc")), ("test", ("aepyx",))):
        for name in names:
            write(f"voxconverse/{part}/{name}.wav", talk[: 5 * RATE])
            turns = ((0.4, 2.0, "spk00"), (2.2, 1.5, "spk01"), (3.0, 0.5, "spk00"))
            (folder / f"voxconverse/{part}/{name}.rttm").write_text(
                "".join(f"SPEAKER {name} 1 {at} {long} <NA> <NA> {who} <NA> <NA>\n" for at, long, who in turns)
            )
    parts = ["train-clean-5", "dev-clean-2", "test-clean"]
    prepare_librispeech(folder / "LibriSpeech", output_dir=folder / "manifests/librispeech", dataset_parts=parts)
    prepare_musan(folder / "musan", folder / "manifests/musan")
    prepare_voxconverse(folder / "voxconverse", folder / "manifests/voxconverse")
    return folder


class TestImport:
    def test_librispeech_with_its_pauses_found_by_energy(self, corpora: Path, tmp_path: Path) -> None:
        result = vad("import", corpora / "manifests/librispeech", "-o", tmp_path, "--speech", "energy")
        assert result.exit_code == 0, result.stderr
        written = lines(tmp_path / "speech.jsonl")
        assert {(line["speaker"], line["split"]) for line in written} == {
            ("librispeech:19", "train"),
            ("librispeech:26", "train"),
            ("librispeech:84", "dev"),
        }
        for line in written:
            assert np.allclose(line["speech"], [(0.48, 1.52), (1.98, 3.02)], atol=0.02)
        import_source(corpora / "manifests/librispeech", tmp_path, ImportSettings())
        assert all(line["speech"] == [[0.0, 4.0]] for line in lines(tmp_path / "speech.jsonl"))

    def test_only_train_and_dev_are_used_and_dev_alone_is_divided(self, corpora: Path, tmp_path: Path) -> None:
        import_source(corpora / "manifests/voxconverse", tmp_path, ImportSettings(licence="CC-BY-4.0"))
        written = lines(tmp_path / "speech.jsonl")
        assert {Path(line["file"]).parent.name for line in written} == {"dev"}
        assert {line["split"] for line in written} == {"train", "dev"}
        assert all(line["speech"] == [[0.4, 2.4], [2.2, 3.7]] or line["speech"] == [[0.4, 3.7]] for line in written)
        only = corpora / "manifests/voxconverse/voxconverse_recordings_test.jsonl.gz"
        with pytest.raises(RecipeError, match="only parts for testing"):
            import_source(only, tmp_path, ImportSettings())

    def test_sources_stand_side_by_side_and_are_replaced_by_name(self, corpora: Path, tmp_path: Path) -> None:
        for source in ("librispeech", "voxconverse", "librispeech"):
            import_source(corpora / "manifests" / source, tmp_path, ImportSettings())
        written = [line["source"] for line in lines(tmp_path / "speech.jsonl")]
        assert sorted(written) == ["librispeech"] * 6 + ["voxconverse"] * 3

    def test_musan_gives_noise_and_music_and_its_speech_nothing(self, corpora: Path, tmp_path: Path) -> None:
        musan = corpora / "manifests/musan"
        for kind in ("noise", "music"):
            assert vad("import", musan, "-o", tmp_path, "--as", kind, "--licence", "CC-BY-4.0").exit_code == 0
        noise, music = lines(tmp_path / "noise.jsonl"), lines(tmp_path / "music.jsonl")
        assert [line["duration"] for line in noise] == [2.0] * 3
        assert [line.get("may_contain_singing", False) for line in music] == [False, True, False]
        assert not any("speech" in line["file"].rpartition("musan")[2] for line in noise + music)
        with pytest.raises(RecipeError, match="cannot serve as noise"):
            import_source(musan / "musan_recordings_speech.jsonl.gz", tmp_path, ImportSettings(kind="noise"))
        with pytest.raises(RecipeError, match="without supervisions"):
            import_source(musan / "musan_recordings_noise.jsonl.gz", tmp_path, ImportSettings())

    def test_noise_needs_no_manifest(self, corpora: Path, tmp_path: Path) -> None:
        (corpora / "musan/noise/damaged.wav").write_bytes(b"no sound")
        imported = import_source(corpora / "musan/noise", tmp_path, ImportSettings(kind="noise", name="plant"))
        (corpora / "musan/noise/damaged.wav").unlink()
        assert [line["source"] for line in lines(imported.path)] == ["plant"] * 3
        assert "damaged.wav" in imported.notes[0]

    def test_kaldi_data_and_what_lies_outside(self, write_bursts: Write, tmp_path: Path) -> None:
        kaldi = tmp_path / "meetings"
        for name in ("a", "b"):
            write_bursts(f"meetings/{name}.wav", *PAUSED)
        (kaldi / "wav.scp").write_text("".join(f"{n} {kaldi / n}.wav\n" for n in "ab"))
        (kaldi / "segments").write_text("s1-1 a 0.5 1.2\ns1-2 a 1.6 2.4\ns2-1 b 0.5 1.2\n")
        (kaldi / "utt2spk").write_text("s1-1 s1\ns1-2 s1\ns2-1 s2\n")
        import_source(kaldi, tmp_path / "whole", ImportSettings())
        whole = lines(tmp_path / "whole/speech.jsonl")
        assert [(line["speaker"], line["duration"], line["speech"]) for line in whole] == [
            ("meetings:s1", 3.0, [[0.5, 1.2], [1.6, 2.4]]),
            ("meetings:s2", 3.0, [[0.5, 1.2]]),
        ]
        import_source(kaldi, tmp_path / "parts", ImportSettings(outside="unknown"))
        parts = lines(tmp_path / "parts/speech.jsonl")
        assert [(line["start"], line["speech"]) for line in parts] == [
            (0.5, [[0.0, 0.7]]),
            (1.6, [[0.0, 0.8]]),
            (0.5, [[0.0, 0.7]]),
        ]
        for wrong, says in (("x c 0 -1\n", "c"), ("x a 2 1\n", "x from 2 to 1 s"), ("x a -1 1\n", "x from -1 to 1 s")):
            (kaldi / "segments").write_text(wrong)
            with pytest.raises(
                RecipeError, match="cannot read it" if "from" in says else "none of its recordings"
            ) as e:
                import_source(kaldi, tmp_path / "wrong", ImportSettings())
            assert says in str(e.value)
        (kaldi / "wav.scp").write_text("a sph2pipe a.sph |\n")
        result = vad("import", kaldi, "-o", tmp_path / "c")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "runs a command" in result.stderr and result.stderr.count("\n") == 1

    def test_what_cannot_be_imported_is_one_clear_error(
        self, corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "empty").mkdir()
        damaged = tmp_path / "x_recordings_train.jsonl.gz"
        damaged.write_bytes(b"no gzip")
        for source, says in (
            (tmp_path / "none", "does not exist"),
            (tmp_path / "empty", "lhotse prepare"),
            (damaged, "cannot read it"),
            (corpora / "manifests/voxconverse", "no aligned words"),
        ):
            with pytest.raises(RecipeError, match=says) as error:
                import_source(source, tmp_path / "c", ImportSettings(by="word"))
            assert "\n" not in str(error.value)
        monkeypatch.setitem(sys.modules, "lhotse", None)
        result = vad("import", corpora / "manifests/musan", "-o", tmp_path / "c")
        assert result.exit_code == 1
        assert "vad-bilstm[data]" in result.stderr


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train-clean-100", "train"),
        ("dev-other", "dev"),
        ("TRAIN", "train"),
        ("ihm_train", "train"),
        ("validation", "dev"),
        ("validated", None),  # CommonVoice: everything, test included
        ("music", None),
    ],
)
def test_a_part_is_of_the_split_it_is_named_after(name: str, split: str | None) -> None:
    assert Part(name, "corpus", [], {}).split == split
    assert not HELD_OUT.search(name)


@pytest.mark.parametrize("name", ["test", "test-clean", "TEST_NET", "eval2000", "ihm-test"])
def test_a_part_for_testing_is_held_out(name: str) -> None:
    assert HELD_OUT.search(name)


def test_gathered_and_imported_make_one_corpus(own: tuple[Path, Path], corpora: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    assert vad("gather", *own, "-o", corpus, "--name", "mine").exit_code == 0
    import_source(corpora / "manifests/librispeech", corpus, ImportSettings())
    assert vad("gather", *own, "-o", corpus, "--name", "mine", "--seed", "2").exit_code == 0
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


@pytest.mark.parametrize("path", sorted(ROOT.glob("recipes/*/*.toml")), ids=lambda path: path.parent.name)
def test_every_recipe_can_be_read(path: Path) -> None:
    assert path.parent.name.startswith(read_recipe(path).name)
    assert (path.parent / "README.md").exists()
    assert not list(path.parent.rglob("*.py"))
