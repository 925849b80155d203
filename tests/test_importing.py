"""Corpora with manifests of lhotse or Kaldi are imported."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import Write, invoke
from corpora import PAUSED, lines
from vad import RecipeError
from vad.data.import_settings import ImportSettings
from vad.data.importing import import_source
from vad.data.manifests import HELD_OUT, Part


class TestImport:
    def test_librispeech_with_its_pauses_found_by_energy(self, corpora: Path, tmp_path: Path) -> None:
        invoke("data", "import", corpora / "manifests/librispeech", "-o", tmp_path, "--speech", "energy")
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
            invoke("data", "import", musan, "-o", tmp_path, "--as", kind, "--licence", "CC-BY-4.0")
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
        result = invoke("data", "import", kaldi, "-o", tmp_path / "c", status=1)
        assert result.stdout == ""
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
        result = invoke("data", "import", corpora / "manifests/musan", "-o", tmp_path / "c", status=1)
        assert "[data]" in result.stderr


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
