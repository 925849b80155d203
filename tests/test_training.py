"""Training, for real but small: it learns, survives a kill, and leaves a model that detects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from conftest import DATA, ROOT
from vad import Detector, RecipeError, Segment
from vad.cli import main
from vad.grid import Grid
from vad.network.model import NetworkSettings
from vad.training.corpus import read_corpus
from vad.training.loop import LoopSettings, learning_rate, read_averaged, train
from vad.training.mixing import Mixer
from vad.training.recipe import CorpusSettings, MixtureSettings, Recipe, read_recipe

SMALL = Recipe(
    "small",
    network=NetworkSettings(channels=16, hidden=8, layers=1),
    mixture=MixtureSettings(seconds=2.0, snr_low=10.0),
    loop=LoopSettings(
        steps=40, batch=8, warmup=5, average=0.9, evaluate_every=20, workers=0, dev_crops=16, learning_rate=1e-2
    ),
)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder of the usual shape, made of the sample recordings."""
    folder = tmp_path_factory.mktemp("corpus")
    for name in ("talk.flac", "dishes.flac"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    spans = [tuple(map(float, line.split())) for line in (DATA / "talk.tsv").read_text().splitlines()]

    def recording(start: float, end: float, split: str) -> dict[str, object]:
        inside = [[max(a, start) - start, min(b, end) - start] for a, b in spans if a < end and b > start]
        return {"file": "talk.flac", "start": start, "duration": end - start, "speech": inside, "split": split} | {
            "source": "mfa", "speaker": "", "licence": "MIT", "agree": 1.0
        }  # fmt: skip

    def write(name: str, lines: list[dict[str, object]]) -> None:
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))

    write("speech.jsonl", [recording(0, 6, "train"), recording(6, 14, "train"), recording(14, 24, "dev")])
    noise = {"file": "dishes.flac", "source": "picovoice", "licence": "Apache-2.0", "duration": 6.0}
    write("noise.jsonl", [noise | {"start": 0.0}, noise | {"start": 6.0}])
    voices = noise | {"file": "talk.flac", "start": 0.0, "may_contain_voices": True}
    write("music.jsonl", [voices, noise | {"file": "talk.flac", "start": 0.0, "teacher_speech": 0.9}])
    response = np.zeros(1600)
    response[[100, 300, 900]] = 0.5, 0.3, -0.1
    soundfile.write(folder / "room.wav", response, 16_000)
    write("rir.jsonl", [{"file": "room.wav", "source": "made", "licence": "CC0-1.0", "seconds": 0.1}])
    labelled = folder / "labelled" / "talk"
    labelled.mkdir(parents=True)
    for name in ("talk.flac", "talk.tsv"):
        (labelled / name).write_bytes((DATA / name).read_bytes())
    return folder


def test_a_corpus_keeps_voices_out_of_the_noise_and_splits_apart(corpus: Path) -> None:
    train_side, dev_side = (read_corpus(corpus, split, Grid(), CorpusSettings()) for split in ("train", "dev"))
    assert [len(c.samples) for c in train_side.speech] == [96_000, 128_000]
    assert [len(c.samples) for c in dev_side.speech] == [160_000]
    assert len(train_side.backgrounds) == len(dev_side.backgrounds) == 1
    assert not np.array_equal(train_side.backgrounds[0], dev_side.backgrounds[0])
    assert abs(float(np.argmax(np.abs(train_side.rooms[0])))) == 0  # the direct sound comes first


def test_targets_blend_labels_and_teachers_by_how_far_they_agree(corpus: Path, tmp_path: Path) -> None:
    for name in ("talk.flac", "dishes.flac", "noise.jsonl", "music.jsonl", "rir.jsonl", "room.wav"):
        (tmp_path / name).write_bytes((corpus / name).read_bytes())
    line = json.loads((corpus / "speech.jsonl").read_text().splitlines()[0])
    frames = 2465
    np.savez(tmp_path / "teacher.npz", **{"talk.flac:one": np.full(frames, 255, np.uint8)})
    for agree, silence in ((1.0, 0.5), (0.7, 0.75), (0.5, 1.0)):
        (tmp_path / "speech.jsonl").write_text(json.dumps(line | {"agree": agree}) + "\n")
        clip = read_corpus(tmp_path, "train", Grid(), CorpusSettings()).speech[0]
        assert clip.target[0] == pytest.approx(silence)  # no label there, but the teacher says speech
        assert clip.target[100] == pytest.approx(1.0)


def test_equal_seeds_give_equal_mixtures_of_the_settings_kind(corpus: Path) -> None:
    settings = MixtureSettings(seconds=2.0)
    mixer = Mixer(read_corpus(corpus, "train", Grid(), CorpusSettings()), settings)
    silent = 0
    for seed in range(60):
        samples, target = mixer((0, seed))
        assert samples.shape == (32_000,)
        assert target.shape == (200,)
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= 1
        assert 0 <= target.min() <= target.max() <= 1
        silent += target.max() == 0
        again, _ = mixer((0, seed))
        assert np.array_equal(samples, again)
    assert 5 <= silent <= 40


def test_training_learns_and_its_model_detects(corpus: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'name = "small"\n[network]\nchannels = 16\nhidden = 8\nlayers = 1\n[mixture]\nseconds = 2.0\nsnr_low = 15\n'
        "level_low = -35\nroom = 0\ntelephone = 0\n"
        "[loop]\nsteps = 100\nbatch = 16\nwarmup = 5\naverage = 0.9\nlearning_rate = 1e-2\n"
        "evaluate_every = 50\ndev_crops = 16\n"
    )
    output = tmp_path / "out"
    command = ["train", str(recipe), "loop.workers=1", "--corpus", str(corpus), "-o", str(output)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(output / "model.onnx")
    assert "step 100/100" in result.stderr
    detector = Detector(output)
    assert detector.description.name == "small"
    assert detector.description.training["results"]["talk"]["auc"] > 0.8
    assert detector.description.recipe["loop"]["steps"] == 100
    segments = detector.detect(DATA / "talk.flac")
    assert segments
    assert all(isinstance(s, Segment) for s in segments)
    assert "MIT" in (output / "model.md").read_text()
    recall, precision = (detector.settings(preset).onset for preset in ("recall", "precision"))
    assert recall <= detector.settings().onset <= precision
    again = CliRunner().invoke(main, command)  # finished already: only the model is made again
    assert again.exit_code == 0
    assert "step" not in again.stderr


def test_training_goes_on_after_a_kill_to_the_very_same_weights(corpus: Path, tmp_path: Path) -> None:
    list(train(SMALL, corpus, tmp_path / "whole"))
    killed = train(SMALL, corpus, tmp_path / "killed")
    assert next(killed).step == 20
    killed.close()
    (tmp_path / "killed" / ".vad-1-0.new").write_bytes(b"half a checkpoint")
    assert [p.step for p in train(SMALL, corpus, tmp_path / "killed")] == [40]
    ours, theirs = (
        read_averaged(tmp_path / name / "checkpoint.pt", SMALL).state_dict() for name in ("whole", "killed")
    )
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_refused(corpus: Path, tmp_path: Path) -> None:
    quick = replace(SMALL, loop=replace(SMALL.loop, steps=2))
    list(train(quick, corpus, tmp_path))
    other = replace(quick, loop=replace(quick.loop, seed=2))
    with pytest.raises(RecipeError, match="other settings"):
        next(train(other, corpus, tmp_path))
    checkpoint = tmp_path / "checkpoint.pt"
    for content in (checkpoint.read_bytes()[:1000], b"", b"cos\nsystem\n(S'true'\ntR."):
        checkpoint.write_bytes(content)
        with pytest.raises(RecipeError, match="not a whole checkpoint"):
            read_averaged(checkpoint, quick)


def test_training_begins_with_the_weights_it_is_given(corpus: Path, tmp_path: Path) -> None:
    list(train(SMALL, corpus, tmp_path / "first"))
    given = tmp_path / "first" / "checkpoint.pt"
    still = replace(SMALL, loop=replace(SMALL.loop, steps=1, learning_rate=0.0))
    list(train(still, corpus, tmp_path / "second", init_from=given))
    ours, theirs = (
        read_averaged(tmp_path / name / "checkpoint.pt", SMALL).state_dict() for name in ("first", "second")
    )
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    other = replace(still, network=NetworkSettings(channels=4, hidden=4, layers=1))
    with pytest.raises(RecipeError, match="another network"):
        next(train(other, corpus, tmp_path / "third", init_from=given))


def test_a_distant_talker_is_heard_but_does_not_count(corpus: Path) -> None:
    settings = MixtureSettings(seconds=2.0, no_speech=0.0, second_talker=0.0, room=0.0, telephone=0.0)
    speech = read_corpus(corpus, "train", Grid(), CorpusSettings())
    alone, behind = (Mixer(speech, replace(settings, distant_talker=share)) for share in (0.0, 1.0))
    assert not np.array_equal(alone((0, 1))[0], behind((0, 1))[0])
    assert np.array_equal(alone((0, 1))[1], behind((0, 1))[1])


def test_a_loss_that_is_no_number_stops_training(corpus: Path, tmp_path: Path) -> None:
    wild = replace(SMALL, loop=replace(SMALL.loop, learning_rate=1e38, clip=1e38))
    with pytest.raises(RecipeError, match="learning_rate"):
        list(train(wild, corpus, tmp_path))


def test_the_learning_rate_rises_and_then_falls_to_zero() -> None:
    loop = LoopSettings(steps=100, warmup=10, learning_rate=1.0)
    rates = [learning_rate(step, loop) for step in range(1, 101)]
    assert rates[9] == max(rates) == 1.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = 'x'\nhidden = 3", "valid are name, features, network"),
        ("name = 'x'\n[network]\nhiden = 3", "valid are channels, hidden, layers"),
        ("name = 'x'\n[network]\nhidden = '3'", "expected int"),
        ("name = 'x'\nnetwork = 3", "expected a table"),
        ("[network]", "'name' is missing"),
        ("name = ", "not a TOML file"),
    ],
)
def test_a_wrong_recipe_is_an_error_that_helps(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=r"recipe\.toml") as error:
        read_recipe(path)
    assert says in str(error.value)


def test_single_settings_are_changed_on_the_command_line() -> None:
    path = ROOT / "recipes" / "speech-1" / "recipe.toml"
    recipe = read_recipe(path, ("loop.steps=7", "mixture.room=1", 'name="other"'))
    assert (recipe.loop.steps, recipe.mixture.room, recipe.name) == (7, 1.0, "other")
    for wrong in ("loop.steps", "loop.steps=seven", "loop.stepps=7", "name.x=1"):
        with pytest.raises(RecipeError):
            read_recipe(path, (wrong,))
    with pytest.raises(RecipeError, match="exists"):
        read_recipe(path.with_name("none.toml"))


def test_a_folder_that_is_no_corpus_is_named(tmp_path: Path, corpus: Path) -> None:
    command = ["train", str(ROOT / "recipes/speech-1/recipe.toml"), "--corpus", str(tmp_path), "-o", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "speech.jsonl" in result.stderr
    with pytest.raises(RecipeError, match="no speech of split"):
        read_corpus(corpus, "test", Grid(), CorpusSettings())
