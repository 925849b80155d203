"""`vad split` and `vad trim`: the samples that are cut out are those of the recording, to the bit."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import DATA, DOUBLE, ENERGY, Write, all_files_closed, invoke, run
from vad.audio.decode import AudioWarning, decoded_duration
from vad.audio.encode import ARRAYS
from vad.batch.inputs import Input
from vad.cutting.cutter import Cutter, Written
from vad.errors import FormatError, SettingError
from vad.segments import Segment, drop, invert, pad

RATE = 8_000
SPEECH = [Segment(0.25, 0.5), Segment(0.5, 1.0004), Segment(1.5, 1.9)]
HELD = [
    *(("wav", s) for s in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")),
    *(("flac", s) for s in ("PCM_S8", "PCM_16", "PCM_24")),
    *(("aiff", s) for s in ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT")),
    *(("w64", s) for s in ("PCM_16", "PCM_24", "FLOAT")),
    *(("caf", s) for s in ("PCM_16", "PCM_24", "FLOAT", "ALAC_16", "ALAC_24")),
    *(("au", s) for s in ("PCM_16", "FLOAT")),
]


def noise(subtype: str, channels: int = 2, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    """Samples that use every bit, the extremes among them."""
    random = np.random.default_rng(7)
    kind = np.dtype(ARRAYS[subtype])
    shape = (round(seconds * rate), channels)
    if kind.kind == "f":
        return np.clip(random.standard_normal(shape), -3, 3).astype(kind)
    limits = np.iinfo(kind)
    samples = random.integers(limits.min, limits.max, shape, kind, endpoint=True)
    samples[:2] = [[limits.min], [limits.max]]
    return samples


def write(path: Path, subtype: str = "PCM_16", **more: Any) -> Path:
    rate = more.pop("rate", RATE)
    soundfile.write(path, noise(subtype, rate=rate, **more), rate, subtype)
    return path


def samples(path: Path, subtype: str) -> np.ndarray:
    found: np.ndarray = soundfile.read(path, dtype=ARRAYS[subtype], always_2d=True)[0]
    return found


def source(path: Path) -> Input:
    return Input(str(path), Path(path.name))


class TestExact:
    @pytest.mark.parametrize(("extension", "subtype"), HELD)
    def test_pieces_have_the_very_samples_and_the_same_format(
        self, tmp_path: Path, extension: str, subtype: str
    ) -> None:
        path = write(tmp_path / f"a.{extension}", subtype)
        whole, before = samples(path, subtype), soundfile.info(path)
        written = Cutter(str(tmp_path / "out")).split(source(path), path, SPEECH)
        assert written.lossless and [part.segment for part in written.parts] == SPEECH
        for (piece, _), (start, end) in zip(written.parts, [(2000, 4000), (4000, 8003), (12000, 15200)], strict=True):
            assert np.array_equal(samples(piece, subtype), whole[start:end])
            info = soundfile.info(piece)
            assert (info.format, info.subtype, info.samplerate) == (before.format, before.subtype, RATE)

    @pytest.mark.parametrize(("extension", "subtype"), HELD)
    def test_a_joined_file_has_them_with_silence_between(self, tmp_path: Path, extension: str, subtype: str) -> None:
        path = write(tmp_path / f"a.{extension}", subtype)
        whole, out = samples(path, subtype), tmp_path / f"b.{extension}"
        time_map, written = Cutter(str(out)).join(source(path), path, SPEECH, 2.0, gap=0.01)
        assert time_map.pieces == [(0.25, 1.000375, 0.0), (1.5, 1.9, 0.760375)], "what touches is one piece"
        silence = np.full((80, 2), 8 if subtype == "ALAW" else 0, whole.dtype)  # A-law knows no zero
        expected = np.concatenate([whole[2000:8003], silence, whole[12000:15200]])
        assert written.lossless and np.array_equal(samples(out, subtype), expected)
        assert soundfile.info(out).subtype == soundfile.info(path).subtype

    @settings(max_examples=20, deadline=None)
    @given(cuts=st.lists(st.integers(0, 2 * RATE), min_size=2, max_size=9, unique=True))
    def test_speech_and_silence_are_the_whole(self, cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.mktemp("whole")
        path = write(folder / "a.wav", channels=1)
        ordered = [cut / RATE for cut in sorted(cuts)]
        speech = [Segment(a, b) for a, b in zip(ordered[::2], ordered[1::2], strict=False)]
        both = Cutter(str(folder / "s")).split(source(path), path, speech).parts
        both += Cutter(str(folder / "n")).split(source(path), path, invert(speech, 2.0)).parts
        joined = np.concatenate([samples(p.path, "PCM_16") for p in sorted(both, key=lambda part: part.segment)])
        assert np.array_equal(joined, samples(path, "PCM_16"))

    def test_blocks_do_not_show(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.flac", "PCM_24", seconds=20, channels=1, rate=16_000)
        whole = samples(path, "PCM_24")
        edges = [(0, 65_536), (65_536, 65_537), (65_537, 200_000), (262_144, 320_000)]
        parts = Cutter(str(tmp_path / "out")).split(
            source(path), path, [Segment(a / 16_000, b / 16_000) for a, b in edges]
        )
        for (piece, _), (start, end) in zip(parts.parts, edges, strict=True):
            assert np.array_equal(samples(piece, "PCM_24"), whole[start:end])

    @pytest.mark.parametrize(
        ("subtype", "extension", "held"),
        [
            ("PCM_U8", "flac", "PCM_S8"),
            ("PCM_S8", "wav", "PCM_U8"),
            ("ULAW", "flac", "PCM_16"),
            ("ALAC_16", "flac", "PCM_16"),
            ("PCM_32", "w64", "PCM_32"),
        ],
    )
    def test_another_container_holds_the_same(self, tmp_path: Path, subtype: str, extension: str, held: str) -> None:
        path = write(tmp_path / ("a.caf" if subtype in ("PCM_S8", "ALAC_16") else "a.wav"), subtype)
        template = str(tmp_path / f"{{number}}.{extension}")
        written = Cutter(template).split(source(path), path, SPEECH)
        piece = written.parts[0].path
        assert written.lossless and soundfile.info(piece).subtype == held
        assert np.array_equal(samples(piece, subtype), samples(path, subtype)[2000:4000])

    @pytest.mark.parametrize(("subtype", "extension"), [("FLOAT", "flac"), ("PCM_32", "flac"), ("PCM_16", "ogg")])
    def test_what_cannot_hold_all_says_so(self, tmp_path: Path, subtype: str, extension: str) -> None:
        path = write(tmp_path / "a.wav", subtype)
        written = Cutter(str(tmp_path / f"{{number}}.{extension}")).split(source(path), path, SPEECH)
        assert not written.lossless and written.encoding.lossless
        assert soundfile.info(written.parts[0].path).frames == 2000

    def test_a_lossless_track_of_a_video_container_becomes_flac_bit_for_bit(self, tmp_path: Path) -> None:
        whole = noise("PCM_16", 1)
        path = tmp_path / "a.m4a"
        with av.open(str(path), "w") as file:
            stream = file.add_stream("alac", rate=RATE, layout="mono")
            frame = av.AudioFrame.from_ndarray(whole.T.copy(), "s16p", "mono")
            frame.sample_rate = RATE
            for packet in (*stream.encode(frame), *stream.encode(None)):
                file.mux(packet)
        written = Cutter(str(tmp_path / "out")).split(source(path), path, SPEECH)
        assert written.lossless and [p.path.suffix for p in written.parts] == [".flac"] * 3
        assert np.array_equal(samples(written.parts[0].path, "PCM_16"), whole[2000:4000])

    def test_what_was_compressed_with_loss_becomes_flac(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mp3"
        soundfile.write(path, noise("FLOAT", 1, rate=16_000) / 10, 16_000)
        written = Cutter(str(tmp_path / "out")).split(source(path), path, SPEECH)
        assert not written.lossless and not written.encoding.lossless
        assert [part.path.suffix for part in written.parts] == [".flac"] * 3

    def test_the_end_is_that_of_the_samples(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav")
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.warns(AudioWarning, match="damaged, 1.00 s could be read"):
            assert decoded_duration(path) < 1.01


class TestNames:
    def test_a_template_names_the_pieces(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a b.wav")
        template = str(tmp_path / "{stem}" / "{number:03}_{start:.1f}-{end:.2f}_{duration:.1f}.{ext}")
        parts = Cutter(template).split(source(path), path, SPEECH).parts
        assert parts[0].path == tmp_path / "a b" / "001_0.2-0.50_0.2.wav"

    @pytest.mark.parametrize("template", ["{stem}.wav", "{x}{number}.wav", "{number.real}.wav", "{number:09999}.wav"])
    def test_a_template_that_makes_no_names_is_refused(self, tmp_path: Path, template: str) -> None:
        path = write(tmp_path / "a.wav")
        with pytest.raises(SettingError):
            Cutter(str(tmp_path / "out" / template)).split(source(path), path, SPEECH)
        assert not (tmp_path / "out").exists()

    def test_no_name_leaves_the_folder(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav")
        hostile = Input(str(tmp_path / "...wav"), Path("...wav"))
        parts = Cutter(str(tmp_path / "out" / "{stem}" / "{number}.wav")).split(hostile, path, SPEECH).parts
        assert all(tmp_path / "out" in part.path.resolve().parents for part in parts)

    def test_nothing_is_overwritten_without_force(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav")
        template = str(tmp_path / "{number}.wav")
        (tmp_path / "3.wav").write_text("mine")
        with pytest.raises(FormatError, match=r"3\.wav: exists; .*force"):
            Cutter(template).split(source(path), path, SPEECH)
        assert not (tmp_path / "1.wav").exists() and (tmp_path / "3.wav").read_text() == "mine"
        Cutter(template, force=True).split(source(path), path, SPEECH)
        assert soundfile.info(tmp_path / "3.wav").frames == 3200
        with pytest.raises(FormatError, match="is the input itself"):
            Cutter(str(path), force=True).join(source(path), path, SPEECH, 2.0)

    @pytest.mark.parametrize("way", ["split", "join"])
    def test_a_recording_whose_target_is_refused_is_closed(self, tmp_path: Path, way: str) -> None:
        path = write(tmp_path / "a.wav")
        cutter = Cutter(str(path))
        with (
            all_files_closed(tmp_path),
            pytest.raises((FormatError, SettingError)) as caught,
        ):  # its traceback holds the sound
            cutter.split(source(path), path, SPEECH) if way == "split" else cutter.join(source(path), path, SPEECH, 2)
        assert caught

    def test_two_recordings_do_not_share_a_file(self, tmp_path: Path) -> None:
        one, two = write(tmp_path / "a.wav"), write(tmp_path / "b.wav")
        cutter = Cutter(str(tmp_path / "{number}.flac"), force=True)
        cutter.split(source(one), one, SPEECH)
        with pytest.raises(FormatError, match=r"would overwrite .* cut out of"):
            cutter.split(source(two), two, SPEECH)

    def test_the_map_is_not_overwritten_either(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav")
        (tmp_path / "b.map.json").write_text("mine")
        with pytest.raises(FormatError, match=r"b\.map\.json: exists"):
            Cutter(str(tmp_path / "b.wav")).join(source(path), path, SPEECH, 2.0)
        assert not (tmp_path / "b.wav").exists()


def test_segments_are_padded_and_dropped() -> None:
    assert pad([Segment(0.1, 1), Segment(1.2, 2)], 0.15, 0.1) == [(0, 2.1)]
    assert drop([Segment(0, 0.1), Segment(1, 1.05)], 0.1) == [(0, 0.1)]


class TestCommands:
    def test_split_says_what_it_wrote(self, tmp_path: Path) -> None:
        done = run("split", DATA / "talk.flac", DATA / "dishes.flac", "-o", tmp_path / "out")
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        assert "dishes.flac: no speech found" in done.stderr
        assert ["\t".join(row[1:]) for row in rows] == run("detect", DATA / "talk.flac").stdout.splitlines()
        whole = samples(DATA / "talk.flac", "PCM_16")
        for name, *edges in rows:
            start, end = (round(float(edge) * 16_000) for edge in edges)
            assert np.array_equal(samples(Path(name), "PCM_16"), whole[start:end])

    def test_a_url_that_fails_leaves_the_others(self, tmp_path: Path) -> None:
        urls = [f"file://{write(tmp_path / 'a.wav')}", f"file://{tmp_path}/nope.wav"]
        done = invoke("split", *urls, "-o", tmp_path / "out", "--onset", "0.01", "--model", ENERGY, status=1)
        assert done.stdout.startswith(f"{tmp_path}/out/a-0001-")
        assert done.stderr.startswith(f"Error: file://{tmp_path}/nope.wav: cannot be read")

    def test_a_url_is_fetched_when_its_turn_comes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        urls = [f"file://{write(tmp_path / name)}" for name in ("a.wav", "b.wav", "c.wav")]
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        Path(tempfile.gettempdir()).mkdir()
        split, copies = Cutter.split, []

        def watched(*arguments: Any) -> Written:
            copies.append(len(list(Path(tempfile.gettempdir()).rglob("*.wav"))))
            return split(*arguments)

        monkeypatch.setattr(Cutter, "split", watched)
        invoke("split", *urls, "-j", 1, "-o", tmp_path / "out", "--onset", "0.01", "--model", ENERGY)
        assert copies == [1, 1, 1] and not list(Path(tempfile.gettempdir()).iterdir())

    def test_a_message_names_the_pipe_and_not_its_copy(self, tmp_path: Path) -> None:
        assert run("split", "-", status=1, input="").stderr.startswith("Error: stdin: the file is empty")
        damaged = (DATA / "talk.flac").read_bytes()[:100_000]
        warnings = run("trim", "-", "-o", tmp_path / "a.wav", *DOUBLE, input=damaged, text=False).stderr.decode()
        assert warnings and all(line.startswith("Warning: stdin: damaged") for line in warnings.splitlines())

    def test_labels_say_where(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav")
        (tmp_path / "a.rttm").write_text(
            "SPEAKER a 1 0.25 0.5 <NA> <NA> Ann <NA> <NA>\nSPEAKER a 1 0.5 0.5 <NA> <NA> Bob <NA> <NA>\n"
            "SPEAKER a 1 1.2 0 <NA> <NA> Bob <NA> <NA>\nSPEAKER a 1 1.5 5 <NA> <NA> Bob <NA> <NA>\n"
            "SPEAKER a 1 7 1 <NA> <NA> Bob <NA> <NA>\n"
        )
        done = invoke("split", path, "--labels", tmp_path / "a.rttm", "-o", tmp_path / "out")
        assert [line.split("\t")[1:] for line in done.stdout.splitlines()] == [["0.250", "1.000"], ["1.500", "2.000"]]
        assert "labels reach to 8.00 s, past the end at 2.00 s, 1 of which begin there" in done.stderr
        more = ("--labels", tmp_path / "a.rttm", "-q", "--pad-start", "0.1", "--min-speech", "0.6")
        done = invoke("split", path, *more, "-o", tmp_path / "more", "--invert")
        assert [line.split("\t")[1:] for line in done.stdout.splitlines()] == [["0.000", "0.150"], ["1.000", "1.400"]]
        refused = invoke("split", path, "--labels", tmp_path / "a.rttm", "--onset", "0.5", status=2).stderr
        assert "--onset: has no meaning with --labels" in refused
        (tmp_path / "b.rttm").write_text((tmp_path / "a.rttm").read_text().replace(" a ", " b "))
        assert "no sound named 'b'" in invoke("split", path, "--labels", tmp_path / "b.rttm", status=1).stderr

    def test_a_cut_in_long_speech_is_no_silence(self, write_bursts: Write, tmp_path: Path) -> None:
        path = write_bursts("long.wav", (1, 18), (18.3, 36), seconds=37)
        done = invoke("split", path, "-o", tmp_path / "out", "--silences", "--preset", "asr", *DOUBLE)
        assert len(done.stdout.splitlines()) == 2
        refused = invoke(
            "split", path, "-o", tmp_path / "x", "--silences", "--max-speech", "9", *DOUBLE, status=2
        ).stderr
        assert "--max-speech: cuts speech" in refused

    def test_no_speech_makes_no_file(self, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        soundfile.write(path, np.zeros(RATE), RATE)
        for command in (("split", path, "-o", tmp_path / "out"), ("trim", path, "-o", tmp_path / "b.wav")):
            done = invoke(*command, "--model", ENERGY)
            assert done.stdout == "" and "a.wav: no speech found" in done.stderr
        assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]

    def test_a_pipe_and_a_missing_file(self, tmp_path: Path) -> None:
        with (DATA / "talk.flac").open("rb") as pipe:
            more = ("-o", tmp_path / "{stem}.flac", "--model", ENERGY)
            done = run("trim", tmp_path / "nope.wav", "-", *more, status=1, stdin=pipe)
        assert done.stderr.startswith(f"Error: {tmp_path}/nope.wav: No such file") and "stdin.flac: " in done.stdout
        time_map = json.loads((tmp_path / "stdin.map.json").read_text())
        assert time_map["cut"]["duration"] == pytest.approx(soundfile.info(tmp_path / "stdin.flac").duration)

    def test_wrong_use_is_refused(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav")
        assert "only one channel" in invoke("split", path, "--channel", "each", status=2).stderr
        labels = tmp_path / "a.txt"
        labels.write_text("0.5\t1\n")
        for name, status, reason in (
            ("b.txt", 2, "sound cannot be written as .txt"),
            ("b.opus", 0, "without loss"),
            ("c.raw", 2, "sound cannot be written as .raw"),
        ):
            done = invoke("trim", path, "--labels", labels, "-o", tmp_path / name, status=status)
            assert reason in done.stderr, done.stderr
        for options, reason in (
            (("trim", path, "--labels", labels, "-o", tmp_path / "d.wav", "--gap", "nan"), "not a number"),
            (("trim", path, "--labels", labels, "-o", "-"), "use .wav"),
            (("split", path, "--labels", labels, "-o", "-"), "give a folder"),
            (("split", path, "--labels", labels, "-o", tmp_path / "out", "--pad-start", "-1"), "--pad-start=-1"),
            (("split", path, "--labels", labels, "-o", tmp_path / "out", "--pad-end", "nan"), "--pad-end=nan"),
        ):
            done = invoke(*options, status=2)
            assert reason in done.stderr.splitlines()[-1] and done.stdout == "", done.stderr

    def test_a_full_disk_is_one_line_and_leaves_nothing(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav", "FLOAT")
        (tmp_path / "a.txt").write_text("0\t2\n")

        def small() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

        out = tmp_path / "out"
        done = run("split", path, "--labels", tmp_path / "a.txt", "-o", out, status=1, preexec_fn=small)
        assert done.stderr.startswith(f"Error: {out}/a-0001-0.00.wav: cannot be written (")
        assert done.stderr.count("\n") == 1 and list(out.iterdir()) == []


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_a_video_becomes_flac(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    picture = ("-f", "lavfi", "-i", "color=black:s=16x16:r=5", "-shortest")
    command = ["ffmpeg", "-loglevel", "error", "-i", str(DATA / "talk.flac"), *picture, str(video)]
    subprocess.run(command, check=True)
    done = run("trim", video, "-o", tmp_path / "out", "--model", ENERGY)
    assert "compressed with loss; decoded, and written as .flac" in done.stderr
    assert soundfile.info(tmp_path / "out" / "a.flac").subtype == "PCM_16"
