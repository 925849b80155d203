"""A corpus folder becomes clips, backgrounds and rooms; its sound is decoded once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vad import RecipeError
from vad.grid import Grid
from vad.training import audio_cache
from vad.training.audio_cache import Cut, decoded
from vad.training.corpus import Corpus, read_corpus
from vad.training.settings import CorpusSettings


@pytest.fixture
def own(corpus: Path, tmp_path: Path) -> Path:
    """A corpus folder that a test may change."""
    return Path(shutil.copytree(corpus, tmp_path / "own"))


def read(folder: Path, split: str = "train", settings: CorpusSettings = CorpusSettings()) -> Corpus:
    return read_corpus(folder, split, Grid(), settings, folder / "cache")


def test_a_corpus_keeps_voices_out_of_the_noise_and_splits_apart(own: Path) -> None:
    train_side, dev_side = read(own), read(own, "dev")
    assert [len(c.samples) for c in train_side.speech] == [96_000, 128_000]
    assert [len(c.samples) for c in dev_side.speech] == [160_000]
    assert len(train_side.backgrounds) == len(dev_side.backgrounds) == 2  # so few serve both
    assert np.argmax(np.abs(train_side.rooms[0])) == 0  # the direct sound comes first
    line = json.loads((own / "noise.jsonl").read_text().splitlines()[0])
    with (own / "noise.jsonl").open("a") as file:
        file.writelines(json.dumps(line | {"start": n / 2, "duration": 3.0}) + "\n" for n in range(10))
    train_side, dev_side = read(own), read(own, "dev")
    assert (len(train_side.backgrounds), len(dev_side.backgrounds)) == (10, 2)
    assert not any(np.array_equal(a, b) for a in train_side.backgrounds for b in dev_side.backgrounds)


def test_noise_music_and_rooms_may_be_missing_and_sources_left_out(own: Path) -> None:
    for name in ("noise.jsonl", "music.jsonl", "rir.jsonl"):
        (own / name).unlink()
    bare = read(own)
    assert bare.backgrounds == bare.rooms == []
    assert len(bare.speech) == 2
    with pytest.raises(RecipeError, match="no speech of split 'train'"):
        read(own, settings=CorpusSettings(without=("mfa",)))


def test_long_backgrounds_are_divided(own: Path) -> None:
    soundfile.write(own / "long.wav", np.ones(16_000 * 40) / 4, 16_000)
    line = {"file": "long.wav", "start": 1.0, "duration": 38.0, "source": "made", "licence": "CC0-1.0"}
    with (own / "noise.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    lengths = [len(b) for b in read(own).backgrounds]
    assert sum(lengths) == 16_000 * (6 + 6 + 38)
    assert len(lengths) == 2 + 3


def test_targets_blend_labels_and_teachers_by_how_far_they_agree(own: Path) -> None:
    line = json.loads((own / "speech.jsonl").read_text().splitlines()[0])
    np.savez(own / "teacher.npz", **{"talk.flac:one": np.full(2465, 255, np.uint8)})
    for agree, silence in ((1.0, 0.5), (0.7, 0.75), (0.5, 1.0)):
        (own / "speech.jsonl").write_text(json.dumps(line | {"agree": agree}) + "\n")
        clip = read(own).speech[0]
        assert clip.target[0] == pytest.approx(silence)  # no label there, but the teacher says speech
        assert clip.target[100] == pytest.approx(1.0)


def test_sound_is_decoded_once_and_anew_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(
        audio_cache, "read", lambda name, rate: opened.append(str(name)) or np.full(rate, 0.5, np.float32)
    )
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path in paths:
        path.write_bytes(b"1")
    cuts = [Cut(str(paths[0]), 0.0, 0.5), Cut(str(paths[0]), 0.25, 0.5), Cut(str(paths[1]), 0.5, 9.0)]
    for _ in range(2):
        assert [len(s) for s in decoded(cuts, 1000, tmp_path / "cache")] == [500, 500, 500]
    assert opened == [str(p) for p in paths]
    paths[1].write_bytes(b"22")
    assert decoded(cuts, 1000, tmp_path / "cache")[2][0] == 16384
    assert len(opened) == 4
    (tmp_path / "cache.int16").write_bytes(b"\0")  # cut short, as by a full disk
    assert len(decoded(cuts, 1000, tmp_path / "cache")[0]) == 500
    (tmp_path / "cache.json").write_text("[]")
    assert len(decoded(cuts, 1000, tmp_path / "cache")[0]) == 500


def test_what_cannot_be_read_is_named_and_left_out(own: Path) -> None:
    line = json.loads((own / "speech.jsonl").read_text().splitlines()[0])
    (own / "broken.wav").write_bytes(b"RIFF and no more")
    with (own / "speech.jsonl").open("a") as file:
        for name in ("broken.wav", "missing.wav"):
            file.write(json.dumps(line | {"file": name}) + "\n")
    with pytest.warns(UserWarning) as said:
        assert len(read(own).speech) == 2
    assert [w for w in said if "broken.wav" in str(w.message)]
    assert [w for w in said if "missing.wav" in str(w.message)]
    assert "2 files were left out" in str(said[-1].message)
    (own / "speech.jsonl").write_text(json.dumps(line | {"file": "missing.wav"}) + "\n")
    (own / "noise.jsonl").unlink()
    with pytest.warns(UserWarning), pytest.raises(RecipeError, match="no recording of the corpus can be read"):
        read(own)


@pytest.mark.parametrize(
    ("text", "says"), [("{", "not JSON lines"), ('{"file": "a.wav"}', "line 1 has no 'start'"), ("3", "line 1")]
)
def test_an_index_that_is_none_is_an_error_of_one_line(text: str, says: str, own: Path) -> None:
    (own / "speech.jsonl").write_text(text)
    with pytest.raises(RecipeError, match=says) as error:
        read(own)
    assert "speech.jsonl" in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"file": None}, "file = 'None'; it must be a text"),
        ({"start": "x"}, "start = 'x'; it must be a number"),
        ({"start": -1}, "start = '-1'"),
        ({"duration": float("nan")}, "duration = 'nan'"),
        ({"source": ["a"]}, "source ="),
        ({"speech": None}, "speech = 'None'; it must be a list of [start, end]"),
        ({"speech": [[1]]}, "speech = '[[1]]'"),
        ({"speech": [[2, 1]]}, "speech = '[[2, 1]]'"),
        ({"agree": "x"}, "agree = 'x'"),
    ],
)
def test_a_wrong_value_in_an_index_is_named_with_its_line(wrong: dict[str, object], says: str, own: Path) -> None:
    first, *rest = map(json.loads, (own / "speech.jsonl").read_text().splitlines())
    (own / "speech.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (first, first | wrong, *rest)))
    with pytest.raises(RecipeError) as error:
        read(own)
    assert f"speech.jsonl: line 2 has {says}" in str(error.value)


def test_opinions_that_are_none_are_refused_and_short_ones_say_nothing(own: Path) -> None:
    expected = read(own).speech[1].target
    np.savez(own / "teacher.npz", **{"talk.flac:one": np.full(10, 255, np.uint8)})  # ends before the second recording
    assert np.array_equal(read(own).speech[1].target, expected)
    np.savez(own / "teacher.npz", **{"talk.flac:one": np.zeros((2, 9), np.uint8)})
    with pytest.raises(RecipeError, match=r"teacher\.npz: .*talk\.flac:one is no list of bytes"):
        read(own)
    np.save(own / "one.npy", np.zeros(3))
    for content in (b"", b"no archive", b"PK\x03\x04", (own / "one.npy").read_bytes()):
        (own / "teacher.npz").write_bytes(content)
        with pytest.raises(RecipeError, match=r"teacher\.npz: not opinions"):
            read(own)


@pytest.mark.parametrize("samples", [0, 100])
def test_a_room_without_sound_is_refused(own: Path, samples: int) -> None:
    soundfile.write(own / "room.wav", np.zeros(samples), 16_000)
    with pytest.raises(RecipeError, match=r"room\.wav: a room response without sound"):
        read(own)


def test_real_recordings_are_weighted_by_agreement_and_talk_where_it_is_high(own: Path) -> None:
    line = json.loads((own / "speech.jsonl").read_text().splitlines()[0]) | {"start": 0.0, "duration": 4.0}
    lines = [line | {"agree": agree} for agree in (0.99, 0.9)]
    (own / "real.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    scores = np.zeros((2, 2465), np.uint8)
    scores[:, 100:200], scores[0, 200:300] = 255, 255
    np.savez(own / "real.npz", **{"talk.flac:one": scores[0], "talk.flac:two": scores[1]})
    corpus = read(own, settings=CorpusSettings(real=0.95))
    assert len(corpus.real) == 2
    assert [clip.real for clip in corpus.speech] == [False, False, True]
    clip = corpus.real[1]
    assert np.allclose(clip.target[:300], np.repeat([0, 1, 0.5], 100))
    assert np.allclose(clip.weight[:300], np.repeat([1, 1, 0.1], 100))
    assert read(own, "dev").real == []
    assert len(read(own).speech) == 2  # by default none of them is a talker


def test_noise_that_detectors_take_for_speech_is_used_where_the_recipe_says_that_nobody_speaks(own: Path) -> None:
    line = json.loads((own / "noise.jsonl").read_text().splitlines()[0]) | {"source": "dogs", "teacher_speech": 0.9}
    with (own / "noise.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    usual, sure = read(own), read(own, settings=CorpusSettings(never_speech=("dogs",)))
    assert len(sure.backgrounds) == len(usual.backgrounds) + 1


def test_runs_can_share_their_decoded_recordings(own: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    read(own, settings=CorpusSettings(cache=str(shared)))
    assert {path.suffix for path in shared.iterdir()} == {".json", ".int16"}
    assert not (own / "cache").exists()
