"""Training, for real but small: it learns, survives a kill, and leaves a model that detects."""

from __future__ import annotations

import math
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file
from scipy.special import logit
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from conftest import COMMAND, DATA, ROOT
from vad import Detector, FormatError, ModelError, RecipeError, Segment
from vad.audio.decode import read
from vad.cli import main
from vad.evaluation.frames import roc_auc
from vad.features import LogMel
from vad.grid import Grid
from vad.model.pretrained import find
from vad.network.bilstm import NetworkSettings
from vad.network.causal import CausalNetwork
from vad.network.to_onnx import from_onnx
from vad.settings import Segmentation
from vad.training import teachers
from vad.training.card import card
from vad.training.checkpoint import read_checkpoint, read_kept
from vad.training.corpus import read_corpus
from vad.training.dataset import Batches, batches, dev_mixtures
from vad.training.distributed import World
from vad.training.finish import finish, in_order
from vad.training.loop import hardness, learning_rate, score, train, train_stages
from vad.training.mixing.mixer import Mixer
from vad.training.objective import CausalLoss, weighted_loss, windows
from vad.training.recipe import Recipe, adapting, read_recipe
from vad.training.sequences import sequences
from vad.training.settings import CorpusSettings, LoopSettings, MixtureSettings
from vad.training.teachers import Teachers, read_teachers

SMALL = Recipe(
    "small",
    network=NetworkSettings(channels=16, hidden=8, layers=1),
    mixture=MixtureSettings(seconds=2.0, snr_low=10.0),
    loop=LoopSettings(
        steps=20, batch=8, warmup=5, average=0.9, evaluate_every=10, workers=0, dev_crops=16, learning_rate=1e-2
    ),
)
POOLED = replace(SMALL, loop=replace(SMALL.loop, pool=20, replay=2))
CAUSAL = replace(SMALL, network=NetworkSettings(channels=16, hidden=8, layers=1, delays=3))


@pytest.fixture(scope="module")
def trained(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path, list[str]]:
    """What `vad train` reports and leaves, and the command."""
    folder = tmp_path_factory.mktemp("trained")
    easy = "mixture.snr_low=15 mixture.level_low=-35 mixture.room=0 mixture.telephone=0 loop.learning_rate=1e-2"
    longer = "loop.steps=160 loop.batch=16 loop.evaluate_every=80 loop.dev_crops=4"
    arguments = command(corpus, folder, "out", *easy.split(), *longer.split())[1:]
    return CliRunner().invoke(main, arguments), folder / "out", arguments


def test_training_reports_its_progress_and_names_the_model(trained: tuple[Result, Path, list[str]]) -> None:
    result, output, _ = trained
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(output / "model.onnx")
    assert "step 160/160" in result.stderr
    assert "dev DetER" in result.stderr


def test_a_trained_model_detects(trained: tuple[Result, Path, list[str]]) -> None:
    detector = Detector(trained[1])
    results = detector.description.training["results"]
    assert results["talk"]["auc"] > 0.8  # of three seeds .85, .92 and .94
    assert "auc" not in results["noise alone"]
    segments = detector.detect(DATA / "talk.flac")
    assert segments
    assert all(isinstance(s, Segment) for s in segments)
    recall, precision = (detector.settings(preset).onset for preset in ("recall", "precision"))
    assert recall <= detector.settings().onset <= precision


def test_a_trained_model_describes_itself(trained: tuple[Result, Path, list[str]]) -> None:
    about = Detector(trained[1]).description
    assert about.name == "small"
    assert about.recipe["loop"]["steps"] == 160
    latencies = about.training["latencies"]
    assert [row["latency"] for row in latencies] == [0.0375, 0.0975, 0.1975, 0.2975, 0.4975]
    assert latencies[-1]["auc"]["talk"] > 0.8


def test_a_trained_model_has_a_card_with_pictures(trained: tuple[Result, Path, list[str]]) -> None:
    _, output, _ = trained
    card = (output / "model.md").read_text()
    for text in ("MIT", "Made for a test.", "| latency | talk |"):
        assert text in card
    assert "| noise | picovoice |" in card and "| music |" not in card  # both may hold voices, and are not used
    for name in ("loss", "roc", "scores", "thresholds"):
        assert f"plots/{name}.png" in card
        assert (output / "plots" / f"{name}.png").stat().st_size > 5000


def test_training_leaves_weights_and_a_log_and_no_decoded_recordings(trained: tuple[Result, Path, list[str]]) -> None:
    _, output, _ = trained
    assert not (output / "cache").exists()
    log = EventAccumulator(str(output / "tensorboard")).Reload()
    assert {"loss", "dev_auc", "learning_rate", "gradient"} <= set(log.Tags()["scalars"])
    assert log.Scalars("gradient")[0].value > 0
    assert set(load_file(output / "model.safetensors")) == set(kept(output))


def test_a_finished_training_is_not_begun_again(trained: tuple[Result, Path, list[str]]) -> None:
    _, _, arguments = trained
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code == 1
    assert "--resume" in refused.stderr
    again = CliRunner().invoke(main, [*arguments, "--resume"])  # only the model is made again
    assert again.exit_code == 0
    assert "step" not in again.stderr


@pytest.mark.parametrize("recipe", [SMALL, CAUSAL, POOLED], ids=["bidirectional", "causal", "pool"])
def test_training_goes_on_after_a_kill_to_the_very_same_weights(recipe: Recipe, corpus: Path, tmp_path: Path) -> None:
    list(train(recipe, corpus, tmp_path / "whole"))
    killed = train(recipe, corpus, tmp_path / "killed")
    assert next(killed).step == 10
    killed.close()
    assert [p.step for p in train(recipe, corpus, tmp_path / "killed", resume=True)] == [20]
    ours, theirs = (read_kept(tmp_path / name / "checkpoint.pt", recipe).state_dict() for name in ("whole", "killed"))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_causal_network_learns_every_delay_and_from_the_state_of_other_crops() -> None:
    torch.manual_seed(0)
    network = CausalNetwork(4, CAUSAL.network)
    loop = LoopSettings(batch=4, carry=1.0)
    features, target = torch.randn(4, 10, 4), torch.rand(4, 10)
    state, expected, weights = network.begin(4), 0.0, 0.0
    logits, after = network(features, state)
    for delay in range(3):
        said = logits[:, 2 * delay :, delay]  # of the frames that many steps before
        losses = torch.nn.functional.binary_cross_entropy_with_logits(said, target[:, : said.shape[1]], reduction="sum")
        expected += losses.item() / (delay + 1) ** 0.5
        weights += said.numel() / (delay + 1) ** 0.5
    loss, ones = CausalLoss(loop, World(0, 1, torch.device("cpu")), network), torch.ones(4, 10)
    assert loss(network, features, target, ones, 1).item() == pytest.approx(expected / weights, rel=1e-5)
    seen = []
    network.register_forward_hook(lambda _, inputs, __: seen.append(inputs[1]))
    loss(network, features, target, ones, 2)
    assert torch.equal(seen[0], after.detach())
    loss.reset()
    loss(network, features, target, ones, 3)
    assert not seen[1].any()


def test_a_teacher_gives_its_share_of_the_targets(corpus: Path, tmp_path: Path) -> None:
    deaf = replace(CAUSAL, features=LogMel(), loop=replace(CAUSAL.loop, steps=1, evaluate_every=1, learning_rate=0.0))
    losses = {}
    for share in (0.0, 0.5, 1.0):
        taught = replace(deaf, loop=replace(deaf.loop, teacher=("speech-1",), teacher_share=share))
        (progress,) = train(taught, corpus, tmp_path / str(share))
        losses[share] = progress.loss
    assert losses[0.0] != losses[1.0]
    assert losses[0.5] == pytest.approx((losses[0.0] + losses[1.0]) / 2, rel=1e-4)  # it is linear in the target
    other = replace(taught, features=LogMel(n_mels=8))
    with pytest.raises(ModelError, match="features are not those"):
        next(train(other, corpus, tmp_path / "other"))


def test_several_teachers_have_one_opinion(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of their log odds, of which one is Silero's."""
    two = SimpleNamespace(scores=lambda samples: np.full((len(samples), samples.shape[1] // 160), 0.2))
    monkeypatch.setattr(teachers, "open_system", lambda _: two)
    features = LogMel()
    talk = np.stack([read(DATA / "talk.flac", 16_000)[:32_000]] * 3)
    mels = np.stack([features(samples) for samples in talk])
    alone, silero, both = (
        Teachers(names)(talk, mels) for names in (("speech-1",), ("silero",), ("speech-1", "silero"))
    )
    assert alone.shape == both.shape == (3, 200)
    assert silero == pytest.approx(np.full((3, 200), 0.2))
    assert logit(both) == pytest.approx((logit(alone) + logit(0.2)) / 2, abs=1e-3)
    assert alone.max() > 0.9
    taught = replace(SMALL, features=features, loop=replace(SMALL.loop, teacher=("speech-1", "silero")))
    monkeypatch.setattr(teachers, "installed", lambda: ["silero"])
    assert next(train(taught, corpus, tmp_path / "out")).step == 10
    deaf = replace(taught, loop=replace(taught.loop, teacher=(), teacher_share=0.0))
    next(train(deaf, corpus, tmp_path / "alone"))
    start, same = (read_checkpoint(tmp_path / name / "checkpoint.pt")["start"] for name in ("out", "alone"))
    assert all(torch.equal(start["weights"][name], same["weights"][name]) for name in same["weights"])
    assert [progress.step for progress in train(taught, corpus, tmp_path / "out", resume=True)] == [20]


def test_a_teacher_that_cannot_teach_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeError, match=r"loop\.teacher = 'speech-1-live': a causal network"):
        read_teachers(("speech-1", "speech-1-live"), LogMel())
    monkeypatch.setattr(teachers, "installed", lambda: ["silero"])
    assert len(read_teachers(("speech-1", "silero"), LogMel())) == 1
    with pytest.raises(RecipeError, match="'silero': scores 10 ms of 16 kHz"):
        read_teachers(("silero",), LogMel(sample_rate=8000, hop=80, window=200, high=4000.0))
    monkeypatch.setattr(teachers, "installed", lambda: ["ten"])
    with pytest.raises(RecipeError, match="Silero VAD is not installed; pip install silero-vad"):
        read_teachers(("silero",), LogMel())


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_refused(corpus: Path, tmp_path: Path) -> None:
    quick = replace(SMALL, loop=replace(SMALL.loop, steps=2))
    list(train(quick, corpus, tmp_path))
    other = replace(quick, loop=replace(quick.loop, seed=2))
    with pytest.raises(RecipeError, match=r"other settings \(loop.seed was 1\)"):
        next(train(other, corpus, tmp_path, resume=True))
    checkpoint = tmp_path / "checkpoint.pt"
    for content in (checkpoint.read_bytes()[:1000], b"", b"cos\nsystem\n(S'true'\ntR."):
        checkpoint.write_bytes(content)
        with pytest.raises(RecipeError, match="not a whole checkpoint"):
            read_kept(checkpoint, quick)


def test_training_begins_with_the_weights_it_is_given(corpus: Path, tmp_path: Path) -> None:
    list(train(SMALL, corpus, tmp_path / "first"))
    given = tmp_path / "first" / "checkpoint.pt"
    still = replace(SMALL, loop=replace(SMALL.loop, steps=1, learning_rate=0.0))
    list(train(still, corpus, tmp_path / "second", init_from=given))
    ours, theirs = (read_kept(tmp_path / name / "checkpoint.pt", SMALL).state_dict() for name in ("first", "second"))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    other = replace(still, network=NetworkSettings(channels=4, hidden=4, layers=1))
    with pytest.raises(RecipeError, match="another network"):
        next(train(other, corpus, tmp_path / "third", init_from=given))


def test_the_weights_kept_can_be_a_blend_with_those_at_the_start(corpus: Path, tmp_path: Path) -> None:
    list(train(SMALL, corpus, tmp_path / "first"))
    given = tmp_path / "first" / "checkpoint.pt"
    blended = replace(SMALL, loop=replace(SMALL.loop, start_share=0.25))
    list(train(blended, corpus, tmp_path / "second", init_from=given))
    start, state = kept(tmp_path / "first"), read_checkpoint(tmp_path / "second" / "checkpoint.pt")
    for name, weight in state["kept"].items():
        assert torch.allclose(weight, 0.75 * state["averaged"][name] + 0.25 * start[name], atol=1e-6)
    assert not torch.equal(state["kept"]["head.weight"], state["averaged"]["head.weight"])


def crops(count: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(count, 500, 4), torch.rand(count, 500)


def test_short_windows_are_parts_of_the_crops_whose_ends_weigh_more() -> None:
    loop = LoopSettings(short=1.0, short_tail=3.0)
    features, target = crops()
    ones = torch.ones_like(target)
    lengths = set()
    for step in range(20):
        x, y, weight = windows(features, target, ones, step, loop)
        lengths.add(x.shape[1])
        assert x.shape[:2] == y.shape
        assert weight.shape == y.shape
        assert torch.equal(x.reshape(8, -1, 4), features[:, : x.shape[1] * (x.shape[0] // 8)])
        assert torch.equal(y.reshape(8, -1), target[:, : y.shape[1] * (y.shape[0] // 8)])
        assert (weight[:, -40:] == 3).all()
        assert (weight[:, :-40] == 1).all()
    assert len(lengths) > 10
    assert all(60 <= length < 300 for length in lengths)
    whole = windows(features, target, ones, 1, LoopSettings())
    assert whole[0] is features
    assert whole[2] is ones


def test_sequences_are_the_crops_in_other_pieces() -> None:
    loop = LoopSettings(shortest=1.0, longest=30.0)
    features, target = torch.arange(8 * 500.0).reshape(8, 500, 1), torch.rand(8, 500)
    lengths = set()
    for step in range(20):
        x, y, weight = sequences((features, target, 2 * target), step, LogMel(), loop)
        count, length = y.shape
        assert x.shape == (count, length, 1)
        assert length % 4 == 0
        assert 4000 - length < count * length <= 4000
        frame = x.flatten().long()
        assert ((frame[1:] - frame[:-1]) % 4000 == 1).all()  # one after another, round the ring of all crops
        assert torch.equal(y.flatten(), target.flatten()[frame])
        assert torch.equal(weight, 2 * y)
        lengths.add(length)
    assert len(lengths) > 10
    assert all(100 <= length <= 3000 for length in lengths)


def test_silence_is_the_feature_of_zeros_and_no_speech() -> None:
    features = LogMel(n_mels=8)
    loud, ones = torch.zeros(20, 400, 8), torch.ones(20, 400)
    x, y, weight = sequences((loud, ones, 0.5 * ones), 1, features, LoopSettings(silence=1.0))
    zeros = torch.from_numpy(features(np.zeros(16_000, np.float32))[50])
    silent = (x == zeros).all(2)
    assert torch.equal(silent, y == 0)
    assert torch.equal(silent, weight == 1)
    assert (silent.float().mean(1) > 0.05).all()
    assert (silent.float().mean(1) <= 0.9).all()
    assert torch.equal(silent.diff(dim=1).sum(1) <= 2, torch.ones(20, dtype=torch.bool))  # one stretch
    assert not loud.any()  # the crops themselves stay


def test_masks_hide_a_few_bands_and_moments() -> None:
    noise, ones = torch.randn(6, 900, 64), torch.ones(6, 900)
    x, y, _ = sequences((noise, ones, ones), 1, LogMel(), LoopSettings(masks=1.0))
    changed = (x != noise).float().mean((1, 2))
    assert (changed > 0).any()
    assert (changed < 0.5).all()
    assert (y == 1).all()


@pytest.mark.parametrize("shape", [(6, 8, 64), (6, 900, 8)])
def test_masks_are_no_wider_than_the_sequence(shape: tuple[int, int, int]) -> None:
    ones = torch.ones(shape[:2])
    for step in range(30):
        sequences((torch.randn(shape), ones, ones), step, LogMel(n_mels=shape[2]), LoopSettings(masks=1.0))


def test_an_equaliser_changes_levels_smoothly_and_leaves_digital_silence_alone() -> None:
    features = LogMel()
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    mel = torch.from_numpy(np.stack([features(sound), features(np.zeros_like(sound))]))
    ones = torch.ones(2, 100)
    x, _, _ = sequences((mel, ones, ones), 3, features, LoopSettings(equaliser=6.0))
    change = (x - mel)[0] * 10 / np.log(10)
    assert 0.5 < change.abs().max() <= 6.01
    assert torch.allclose(change, change[:1].expand_as(change), atol=0.01)  # the same in all frames
    assert change[0].diff().abs().max() < 0.6
    assert torch.allclose(x[1], mel[1], atol=1e-4)


def test_a_pool_gives_each_crop_as_often_as_the_recipe_says(corpus: Path, tmp_path: Path) -> None:
    material = read_corpus(corpus, "train", Grid(), CorpusSettings(), tmp_path)
    loop = replace(SMALL.loop, steps=60, pool=12, replay=3, batch=2)
    recipe = replace(SMALL, mixture=replace(SMALL.mixture, reuse=2), loop=loop)
    mixer, world = Mixer(material, recipe.mixture), World(0, 1, torch.device("cpu"))
    rendered = Batches(mixer, recipe, world)
    assert len(rendered) == 10
    mixed = [crop.tobytes() for n in range(10) for crop in rendered[n][0].reshape(4, -1)]
    steps = [features for features, _, _ in batches(mixer, recipe, 0, world)]
    drawn = [[mixed.index(crop.numpy().tobytes()) for crop in step] for step in steps]
    assert all(one != other for one, other in drawn)
    for step, numbers in enumerate(drawn):  # those of the last three renderings
        newest = step // 6
        assert all(max(0, newest - 2) * 4 <= number < (newest + 1) * 4 for number in numbers)
    times = Counter(number for step in drawn for number in step)
    assert 2 < np.mean([times[number] for number in range(8, 32)]) < 4
    later = [features for features, _, _ in batches(mixer, recipe, 31, world)]
    assert all(torch.equal(one, other) for one, other in zip(later, steps[31:], strict=True))


def test_a_weighted_loss_is_the_mean_over_what_counts() -> None:
    logits, target = torch.randn(3, 4), torch.rand(3, 4)
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    assert weighted_loss(logits, target, torch.ones(3, 4)).item() == pytest.approx(each.mean().item())
    last = weighted_loss(logits, target, torch.tensor([0.0, 0, 0, 5]).repeat(3, 1))
    assert last.item() == pytest.approx(each[:, 3].mean().item())


def test_training_stops_when_it_gets_no_better_and_keeps_the_best(corpus: Path, tmp_path: Path) -> None:
    hopeless = replace(SMALL, loop=replace(SMALL.loop, steps=400, evaluate_every=5, patience=2, learning_rate=0.3))
    seen = list(train(hopeless, corpus, tmp_path))
    assert len(seen) < 80
    best = int(np.argmax([p.dev_auc for p in seen]))
    assert best == len(seen) - 1 - 2
    held_out = read_corpus(corpus, "dev", Grid(), hopeless.corpus, tmp_path / "cache")
    features, truth = dev_mixtures(hopeless, held_out)
    kept = read_kept(tmp_path / "checkpoint.pt", hopeless)
    assert roc_auc(truth > 0.5, score(kept, features)) == pytest.approx(seen[best].dev_auc)
    assert not list(train(hopeless, corpus, tmp_path, resume=True))


MANY_LENGTHS = """
import sys
from pathlib import Path
from vad.network.bilstm import NetworkSettings
from vad.training.loop import train
from vad.training.recipe import Recipe
from vad.training.settings import LoopSettings, MixtureSettings

loop = LoopSettings(
    shortest=2.0, longest=24.0, steps=120, evaluate_every=40, batch=8, pool=8, replay=120, workers=0, dev_crops=1
)
for _ in train(
    Recipe("many", network=NetworkSettings(), mixture=MixtureSettings(seconds=3.0), loop=loop), *map(Path, sys.argv[1:])
):
    print(Path("/proc/self/statm").read_text().split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_sequences_of_many_lengths_do_not_fill_the_memory(corpus: Path, tmp_path: Path) -> None:
    """oneDNN would keep kernels for every shape that it has met, megabytes each."""
    run = [sys.executable, "-c", MANY_LENGTHS, str(corpus), str(tmp_path)]
    pages = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    assert (int(pages[-1]) - int(pages[0])) * resource.getpagesize() < 60e6


def test_a_full_disk_costs_one_line_and_no_checkpoint(corpus: Path, tmp_path: Path) -> None:
    training = train(SMALL, corpus, tmp_path)
    assert next(training).step == 10
    before = (tmp_path / "checkpoint.pt").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))  # writing more fails, as on a full disk
    try:
        with pytest.raises(FormatError, match=r"checkpoint\.pt: cannot be written"):
            next(training)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert [p.step for p in train(SMALL, corpus, tmp_path, resume=True)] == [20]


def test_an_earlier_training_is_not_overwritten(corpus: Path, tmp_path: Path) -> None:
    quick = replace(SMALL, loop=replace(SMALL.loop, steps=2))
    list(train(quick, corpus, tmp_path))
    with pytest.raises(RecipeError, match="continue it with resume"):
        next(train(quick, corpus, tmp_path))


def test_a_model_of_the_package_can_be_trained_on(corpus: Path, tmp_path: Path) -> None:
    shipped = from_onnx(find())[0]
    recipe = adapting("mine", "speech-1")
    still = replace(recipe, loop=replace(recipe.loop, steps=1, batch=2, learning_rate=0.0, workers=0, dev_crops=2))
    list(train(still, corpus, tmp_path / "same", "speech-1"))
    kept = read_kept(tmp_path / "same" / "checkpoint.pt", still)
    assert all(torch.equal(a, b) for a, b in zip(kept.parameters(), shipped.parameters(), strict=True))
    with pytest.raises(ModelError, match="not that of the recipe"):
        next(train(SMALL, corpus, tmp_path / "other", "speech-1"))


def test_hard_negatives_are_what_the_network_takes_for_speech(corpus: Path, tmp_path: Path) -> None:
    speech = read_corpus(corpus, "train", Grid(), CorpusSettings(), tmp_path)
    talk = speech.speech[1].samples
    found = hardness(from_onnx(find())[0], replace(speech, backgrounds=[*speech.backgrounds, talk]), LogMel())
    assert found.shape == (len(speech.backgrounds) + 1,)
    assert found[:-1].max() < 0.2
    assert found[-1] > 0.6
    asked = replace(SMALL, mixture=replace(SMALL.mixture, hard_negatives=5.0))
    with pytest.raises(RecipeError, match="init_from"):
        next(train(asked, corpus, tmp_path / "out"))


def test_a_training_goes_on_without_what_it_began_with(corpus: Path, tmp_path: Path) -> None:
    """The weights at the start, blended with the trained ones, and the hard backgrounds are in the checkpoint."""
    list(train(SMALL, corpus, tmp_path / "first"))
    given = tmp_path / "first" / "checkpoint.pt"
    mixture, loop = replace(SMALL.mixture, hard_negatives=5.0), replace(SMALL.loop, start_share=0.25)
    recipe = replace(SMALL, mixture=mixture, loop=loop)
    list(train(recipe, corpus, tmp_path / "whole", init_from=given))
    next(train(recipe, corpus, tmp_path / "parts", init_from=given))
    given.unlink()
    assert [p.step for p in train(recipe, corpus, tmp_path / "parts", resume=True)] == [20]
    whole, parts = kept(tmp_path / "whole"), kept(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


TOML = """
name = "small"
about = "Made for a test."
[network]
channels = 16
hidden = 8
layers = 1
[mixture]
seconds = 2.0
[loop]
steps = 30
batch = 8
warmup = 5
average = 0.9
evaluate_every = 5
dev_crops = 4
workers = 1
"""


def command(corpus: Path, tmp_path: Path, output: str, *more: str) -> list[str]:
    (tmp_path / "recipe.toml").write_text(TOML)
    recipe, output = tmp_path / "recipe.toml", tmp_path / output
    return [*map(str, (COMMAND, "train", recipe, "--corpus", corpus, "-o", output)), *more]


def test_a_model_appears_when_it_is_complete(
    trained: tuple[Result, Path, list[str]], corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    _, output, arguments = trained
    overrides = tuple(a for a in arguments if "=" in a)
    shutil.copy(output / "checkpoint.pt", tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"the one before")
    monkeypatch.setattr("vad.training.finish.choose", killed)
    with pytest.raises(KeyboardInterrupt):
        finish(read_recipe(Path(arguments[1]), overrides), corpus, tmp_path)
    assert (tmp_path / "model.onnx").read_bytes() == b"the one before"


@pytest.mark.parametrize(
    ("reuse", "replay", "says"),
    [(1, 1, "recordings, drawn anew at every step."), (1, 2, "recordings; each is trained on about 2 times.")],
)
def test_the_card_says_how_often_a_mixture_is_used(reuse: int, replay: int, says: str) -> None:
    about = Detector().description
    recipe = {**about.recipe, "loop": {"replay": replay}, "mixture": {"reuse": reuse}}
    assert f"Mixtures of these {says}" in card(replace(about, recipe=recipe))
    assert card(about) in (find("speech-1").with_suffix(".md")).read_text("utf-8")
    two = {**recipe, "stage": [{"mixture": {}, "loop": {"teacher": names}} for names in ("speech-1", ["a/b.onnx"], [])]}
    assert "Part of the targets are scores of speech-1, b.onnx." in card(replace(about, recipe=two))
    assert "Part of the targets" not in card(replace(about, recipe=recipe))


def train_on(corpus: Path, tmp_path: Path, output: str) -> None:
    """What `command` trains, in this process, from the last checkpoint on."""
    command(corpus, tmp_path, output)
    list(train(read_recipe(tmp_path / "recipe.toml"), corpus, tmp_path / output, resume=True))


def kept(folder: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(folder / "checkpoint.pt")["kept"]


@pytest.fixture(scope="module")
def undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights that one process trains from beginning to end."""
    folder = tmp_path_factory.mktemp("undisturbed")
    train_on(corpus, folder, "whole")
    return kept(folder / "whole")


def test_killed_at_any_instant_it_goes_on_to_the_same_weights(
    corpus: Path, tmp_path: Path, undisturbed: dict[str, torch.Tensor]
) -> None:
    for delay in (0.0, 0.2):  # after the first checkpoint; a kill may fall into the writing of the next
        process = subprocess.Popen(command(corpus, tmp_path, "killed", "--resume"), stderr=subprocess.PIPE)
        assert process.stderr
        while b"step" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(delay)
        process.kill()
        process.wait()
    train_on(corpus, tmp_path, "killed")
    killed = kept(tmp_path / "killed")
    assert all(torch.equal(weight, killed[name]) for name, weight in undisturbed.items())


def test_two_processes_train_what_one_would(corpus: Path, tmp_path: Path, undisturbed: dict[str, torch.Tensor]) -> None:
    torchrun = COMMAND.with_name("torchrun")
    together = [torchrun, "--standalone", "--nproc-per-node", "2", "--no-python"]
    done = subprocess.run([*together, *command(corpus, tmp_path, "two")], check=True, capture_output=True, text=True)
    assert done.stdout.count("model.onnx") == 1
    assert done.stderr.count("step 30/30") == 1
    two = kept(tmp_path / "two")
    assert all(torch.allclose(weight, two[name], atol=1e-4) for name, weight in undisturbed.items())


def test_two_processes_take_the_same_share_of_a_batch(corpus: Path, tmp_path: Path) -> None:
    odd = CliRunner(env={"WORLD_SIZE": "2"}).invoke(main, command(corpus, tmp_path, "odd", "loop.batch=7")[1:])
    assert odd.exit_code == 1
    assert "loop.batch = 7 cannot be shared by 2 processes" in odd.stderr


def test_a_training_is_made_longer(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the learning rate falls, the weights are those of a training that was planned to be as long."""
    short = replace(SMALL, loop=replace(SMALL.loop, steps=20, decay=0.5, evaluate_every=5))
    longer = replace(short, loop=replace(short.loop, steps=30))
    begun = train(short, corpus, tmp_path / "begun")
    assert [next(begun).step for _ in range(2)] == [5, 10]
    begun.close()
    list(train(longer, corpus, tmp_path / "begun", resume=True))
    list(train(longer, corpus, tmp_path / "planned"))
    ours, theirs = (read_kept(tmp_path / name / "checkpoint.pt", longer).state_dict() for name in ("begun", "planned"))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    longest = replace(longer, name="renamed", loop=replace(longer.loop, steps=40, threads=2, workers=1))
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)  # two are slow where other tests keep the cores busy
    assert [p.step for p in train(longest, corpus, tmp_path / "begun", resume=True)] == [35, 40]
    assert not list(train(short, corpus, tmp_path / "begun", resume=True))  # nothing is left to do


def test_stages_begin_with_the_weights_of_the_one_before(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(
        TOML
        + """
        [[stage]]
        loop.steps = 4
        mixture.parts = 0.5
        [[stage]]
        loop.steps = 20
        loop.learning_rate = 0.0
        """
    )
    recipe = read_recipe(tmp_path / "recipe.toml", ("loop.evaluate_every=3",))
    first, last = recipe.stages()
    assert (first.mixture.parts, last.mixture.parts, recipe.mixture.parts) == (0.5, 0.5, 0.0)
    assert (first.loop.steps, last.loop.steps) == (4, 20)
    assert first.loop.batch == last.loop.batch == recipe.loop.batch
    steps = [(p.step, p.steps) for p in train_stages(recipe, corpus, tmp_path / "out")]
    assert steps == [(step, 24) for step in (3, 4, 7, 10, 13, 16, 19, 22, 24)]
    before, after = (kept(tmp_path / "out" / folder) for folder in ("stage-1", ""))
    assert all(torch.allclose(before[name], after[name]) for name in before)  # without a learning rate
    assert not list(train_stages(recipe, corpus, tmp_path / "out", resume=True))
    with pytest.raises(RecipeError, match=r"stage-1/checkpoint\.pt: holds an earlier training"):
        list(train_stages(recipe, corpus, tmp_path / "out"))
    taught = replace(recipe.stage[1], loop=replace(last.loop, teacher=("none.onnx",)))
    with pytest.raises(ModelError, match=r"none\.onnx: no such weights file"):  # before the first stage
        next(train_stages(replace(recipe, stage=(recipe.stage[0], taught)), corpus, tmp_path / "late"))


def test_presets_are_in_order() -> None:
    found = {"default": (0.45, 0.4), "recall": (0.5, 0.1), "precision": (0.4, 0.39)}
    ordered = in_order({name: Segmentation(onset=onset, offset=offset) for name, (onset, offset) in found.items()})
    assert {name: (one.onset, one.offset) for name, one in ordered.items()} == {
        "default": (0.45, 0.4),
        "recall": (0.45, 0.1),
        "precision": (0.45, 0.4),
    }


def test_a_loss_that_is_no_number_stops_training(corpus: Path, tmp_path: Path) -> None:
    wild = replace(SMALL, loop=replace(SMALL.loop, learning_rate=1e38, clip=1e38))
    with pytest.raises(RecipeError, match="is no number: lower loop"):
        list(train(wild, corpus, tmp_path))


def test_gradients_that_overflow_change_nothing(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    norms = iter([1.0] * 5 + [math.inf] * 40)
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: torch.tensor(next(norms)))
    recipe = replace(SMALL, loop=replace(SMALL.loop, evaluate_every=5))
    training = train(recipe, corpus, tmp_path)
    assert next(training).gradient == 1.0
    with pytest.raises(RecipeError, match="most gradients up to step 10 overflow"):
        next(training)
    once = replace(recipe, loop=replace(recipe.loop, steps=9))
    norms = iter([math.inf, 1.0, 1.0, 1.0])
    assert [p.step for p in train(once, corpus, tmp_path, resume=True)] == [9]


def test_the_learning_rate_is_constant_until_it_falls() -> None:
    loop = LoopSettings(steps=100, warmup=10, learning_rate=1.0, decay=0.3)
    rates = [learning_rate(step, loop) for step in range(1, 101)]
    assert rates[9:70] == [1.0] * 61
    assert rates[70:] == sorted(rates[70:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


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
        ("name = 'x'\nhidden = 3", "valid are name, about, features, network"),
        ("name = 'x'\n[network]\nhiden = 3", "valid are channels, hidden, layers"),
        ("name = 'x'\n[network]\nhidden = '3'", "hidden = '3': must be a valid integer"),
        ("name = 'x'\nnetwork = 3", "network = 3: must be a table of channels, hidden"),
        ("[network]", "'name' is missing"),
        ("name = ", "not a TOML file"),
        ("name = 'x'\n[loop]\nbatch = 0", "batch = 0: must be greater than or equal to 1"),
        ("name = 'x'\n[loop]\nlearning_rate = nan", "learning_rate = nan: must be a finite number"),
        ("name = 'x'\n[mixture]\nroom = 1.5", "room = 1.5: must be less than or equal to 1"),
        ("name = 'x'\n[mixture]\nsnr_low = 9\nsnr_high = 3", "snr_low = 9.0: must be at most snr_high = 3.0"),
        ("name = 'x'\n[network]\nhidden = 0", "hidden = 0: must be greater than or equal to 1"),
        (
            "name = 'x'\n[network]\nkernel = 2\nstride = 4",
            "recipe.toml [network]: kernel = 2: must be at least stride = 4",
        ),
        ("name = 'x'\n[network]\ndelays = 2\n[loop]\nshortest = 1.0\nlongest = 2.0", "loop.longest: a causal network"),
        (
            "name = 'x'\n[network]\ndelays = 2\n[[stage]]\n[[stage]]\nloop.shortest = 1.0\nloop.longest = 2.0",
            "loop.longest: a causal network",
        ),
        ("name = 'x'\n[loop]\nshortest = 0.03\nlongest = 2.0", "loop.shortest = 0.03: must be 4 frames or more"),
        ("name = 'x'\n[[stage]]\nloop.barks = 1", "[stage] [0] [loop]: unknown key 'barks'; valid are steps"),
        ("name = 'x'\n[stage]\nloop.steps = 1", "must be tables, each headed [[stage]]"),
        ("name = 'x'\n[mixture.sounds]\nbarks = 1", "[mixture] [sounds]: unknown key 'barks'; valid are recorded"),
        ("name = 'x'\n[mixture]\nsecond_sound = 0.1", "third_sound = 0.15: must be at most second_sound = 0.1"),
        ("name = 'x'\n[mixture]\npart_noise = 0.8", "part_noise = 0.8: must be at most 1 - part_speech = 0.5"),
        ("name = 'x'\n[corpus]\nwithout = 'one'", "without = 'one': must be a list"),
        ("name = 'x'\n[loop]\nteacher = 1", "teacher = 1: must be a list"),
        ("name = 'x'\n[features]\nhop = 0", "feature settings are impossible"),
        ("name = 'x'\n[features]\nwindow = 100", "feature settings are impossible"),
        (
            "name = 'x'\n[loop]\nlearning_rate = " + "9" * 400,
            "learning_rate = 99999999999999999999... (400 characters)",
        ),
        ("name = 'x'\n[loop]\nsteps = " + "9" * 5000, "not a TOML file"),
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
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert "speech.jsonl" in result.stderr
    with pytest.raises(RecipeError, match="no speech of split"):
        read_corpus(corpus, "test", Grid(), CorpusSettings(), tmp_path)


def test_the_mini_recipe_learns_from_the_samples(tmp_path: Path) -> None:
    arguments = [str(ROOT / "recipes/mini/recipe.toml"), "--audio", str(DATA / "talk.flac")]
    noise = ["--noise", str(DATA / "dishes.flac"), "-o", str(tmp_path / "mini")]
    quicker = ["loop.steps=120", "loop.pool=240", "loop.replay=3", "loop.dev_crops=12"]
    result = CliRunner().invoke(main, ["train", *arguments, *noise, *quicker])
    assert result.exit_code == 0, result.output
    assert "one recording alone" in result.stderr
    results = Detector(tmp_path / "mini").description.training["results"]
    assert results["dev recordings"]["auc"] > 0.85
    assert results["dev speakers, noise at 10 dB"]["auc"] > 0.65


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["recipe.toml"], "--audio"),
        (["--audio", "a", "--corpus", "b"], "--audio"),
        (["--corpus", "b"], "RECIPE.toml"),
        (["recipe.toml", "--corpus", "b", "--noise", "c"], "--noise"),
    ],
)
def test_what_to_train_on_must_be_said_once(arguments: list[str], says: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["train", *arguments, "-o", str(tmp_path)])
    assert result.exit_code == 2
    assert says in result.stderr
