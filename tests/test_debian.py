"""`python -m benchmarks debian`, on packages that are there already."""

import json
import os
import shutil
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner

from benchmarks import debian, instruments
from benchmarks.__main__ import main
from vad import Detector
from vad.grid import Grid
from vad.training.corpus import read_corpus
from vad.training.settings import CorpusSettings

ROOT = Path(__file__).parents[1]


class Opinions:
    """Both are speech-1's, without Silero VAD."""

    def __call__(self, samples):
        scores = np.asarray(Detector().scores(samples, sample_rate=16_000), np.float32)
        return {"silero": scores, "speech-1": scores}


@pytest.fixture
def builder(tmp_path, monkeypatch):
    monkeypatch.setattr(debian, "Opinions", Opinions)
    monkeypatch.setattr(debian, "phrases", lambda soundfont: [np.full(16_000, 0.1, np.float32)])
    monkeypatch.setattr(debian, "LEAST_RANGE", 5.0)  # a radio talk is not as clean as prompts are
    monkeypatch.setattr(debian, "PACKAGES", tmp_path / "debian.toml")
    (tmp_path / "debian.toml").write_text(
        "[speech]\nprompts = 'sounds/(\\w+)/'\n[background]\nminutes = 1\npackages = ['kitchen']\n"
        "[silent]\nkitchen = 'kettle'\nprompts = 'beep'\n[instruments]\npackages = ['orchestra']\n"
    )


def test_packages_become_a_corpus(builder, tmp_path):
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    corpus.mkdir()
    for kind in ("speech", "noise", "music"):
        (corpus / f"{kind}.jsonl").write_text("")
    np.savez(corpus / "teacher.npz", allow_pickle=False, **{"old.flac:silero": np.zeros(3, np.uint8)})
    (corpus / "rir").mkdir()
    prompts = out / "packages/prompts/usr/share"
    for speaker in ("ann", "bob"):
        (prompts / "sounds" / speaker).mkdir(parents=True)
        shutil.copy(ROOT / "data/talk.flac", prompts / "sounds" / speaker / "welcome.flac")
    (prompts / "logo.wav").write_bytes(b"no sound")
    shutil.copy(ROOT / "data/dishes.flac", prompts / "sounds/ann/beep.flac")  # no speech
    shutil.copy(ROOT / "data/talk.flac", prompts / "theme.flac")  # where the pattern finds nobody
    kitchen = out / "packages/kitchen/usr/share"
    (kitchen / "doc/kitchen").mkdir(parents=True)
    (kitchen / "doc/kitchen/copyright").write_text("Files: *\nLicense: CC0-1.0\n\nLicense: GPL-2+\n text\n")
    shutil.copy(ROOT / "data/dishes.flac", kitchen / "dishes.flac")
    shutil.copy(ROOT / "data/talk.flac", kitchen / "kettle.flac")  # which detectors take for speech
    orchestra = out / "packages/orchestra/usr/share"
    (orchestra / "doc/orchestra").mkdir(parents=True)
    (orchestra / "doc/orchestra/copyright").write_text("License: MIT\n")
    (orchestra / "all.sf2").touch()
    (orchestra / "also.sf2").symlink_to("all.sf2")
    (prompts / "doc/prompts").mkdir(parents=True)
    (prompts / "doc/prompts/copyright").write_text("Everybody may use this.\n")

    result = CliRunner().invoke(main, ["debian", str(corpus), str(out)], catch_exceptions=False)
    assert "kitchen: 1 of noise, 0 of music" in result.output
    assert "orchestra: 3 of noise, 1 of music" in result.output

    lines = {kind: [*map(json.loads, (out / f"{kind}.jsonl").open())] for kind in ("speech", "noise", "music")}
    assert {line["speaker"] for line in lines["speech"]} == {"prompts:ann", "prompts:bob"}
    assert len(lines["speech"]) == 2
    assert {line["licence"] for line in lines["speech"]} == {"free (Debian main), see the package's copyright"}
    found = {line["source"]: line for line in lines["noise"] + lines["music"]}
    assert found["debian:kitchen"]["licence"] == "CC0-1.0, GPL-2+"
    assert found["debian:kitchen"]["teacher_speech"] < 0.05
    assert found["debian:kitchen/silent"]["duration"] > 20
    assert found["debian:prompts/silent"]["licence"] == "free (Debian main), see the package's copyright"
    assert found["debian:orchestra/instruments"]["duration"] == 1.0
    assert [source for source, line in found.items() if "teacher_speech" in line] == ["debian:kitchen"]
    assert (out / "rir").resolve() == corpus / "rir"
    assert (corpus / "speech.jsonl").read_text() == ""
    assert sf.info(out / lines["speech"][0]["file"]).duration > 2 * sf.info(ROOT / "data/talk.flac").duration
    with np.load(out / "teacher.npz") as teachers:
        assert {key.rpartition(":")[2] for key in teachers} == {"silero", "speech-1"}

    settings = CorpusSettings(silver_weight=0.0)
    for line in lines["speech"]:
        line["split"] = "train"
    (out / "speech.jsonl").unlink()
    (out / "speech.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines["speech"]))
    clips = read_corpus(out, "train", Grid(), settings, tmp_path / "cache").speech
    talk, rate = sf.read(ROOT / "data/talk.flac", dtype="float32")
    expected = np.asarray(Detector().scores(talk, sample_rate=rate))
    for clip in clips:
        assert np.mean((clip.target > 0.5) == (expected[: len(clip.target)] > 0.5)) > 0.99


def test_a_package_that_cannot_be_fetched(builder, tmp_path, monkeypatch):
    (tmp_path / "corpus").mkdir()
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(main, ["debian", str(tmp_path / "corpus"), str(tmp_path / "out")])
    assert result.output.startswith("Error: prompts: not fetched (")
    assert result.output.count("\n") == 1


def test_of_a_package_sound_and_licence_stay(builder, tmp_path, monkeypatch):
    (tmp_path / "apt-get").write_text("#!/bin/sh\ntouch orchestra_1_all.deb\n")
    (tmp_path / "dpkg-deb").write_text(
        '#!/bin/sh\nmkdir -p "$3/usr/share/doc/orchestra"\ncd "$3/usr/share"\n'
        "touch doc/orchestra/copyright doc/orchestra/changelog a.OGG b.sf2 b.png\nln -s nowhere c\n"
    )
    for program in ("apt-get", "dpkg-deb"):
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "packages").mkdir()
    package = debian.Package("orchestra", tmp_path / "packages/orchestra")
    found = {file.name for file in package.folder.rglob("*") if not file.is_dir()}
    assert found == {"copyright", "a.OGG", "b.sf2"}
    assert package.files(debian.SOUNDFONTS) == ["usr/share/b.sf2"]
    (package.folder / "usr/share/b.sf2").unlink()
    with pytest.raises(click.ClickException, match=r"orchestra: no soundfont; remove .*packages/orchestra to fetch"):
        debian.Builder(tmp_path).instruments(package)


def test_every_instrument_plays_a_phrase(tmp_path, monkeypatch):
    fluidsynth = tmp_path / "fluidsynth"  # plays a tone wherever the song has notes, but for the first slot
    fluidsynth.write_text(
        f"#!{sys.executable}\n"
        "import sys, mido, numpy as np, soundfile as sf\n"
        "song = mido.MidiFile(sys.argv[-1])\n"
        "now, playing, spans, programs = 0.0, {}, [], []\n"
        "for message in song:\n"
        "    now += message.time\n"
        "    if message.type == 'program_change': programs.append(message.program)\n"
        "    if message.type == 'note_on': playing[message.note] = now\n"
        "    if message.type == 'note_off': spans.append((playing.pop(message.note), now))\n"
        "assert not playing and sorted(programs) == programs, programs\n"
        "assert len(programs) == 123 and not {52, 53, 54, 85, 91} & set(programs)\n"
        "samples = np.zeros(round(now * 16_000))\n"
        "for start, end in spans:\n"
        "    samples[round(start * 16_000) : round(end * 16_000)] = 0.1 if start > 8 else 0\n"
        "sf.write(sys.argv[sys.argv.index('-F') + 1], samples, 16_000)\n"
    )
    fluidsynth.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    phrases = [*instruments.phrases(tmp_path / "all.sf2")]
    assert len(phrases) == 122
    for phrase in phrases:
        assert len(phrase) == 7 * 16_000
        assert np.mean(np.abs(phrase) > 0.05) > 0.3
        assert not np.any(phrase[-1600:])


def test_without_a_synthesiser(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(click.ClickException, match=r"all\.sf2: not played .*; `apt-get install fluidsynth`"):
        next(instruments.phrases(tmp_path / "all.sf2"))
