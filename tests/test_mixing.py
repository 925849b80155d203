"""Mixtures are what the settings say, and what happens to sound on its way is what it is named after."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vad.grid import Grid
from vad.training.corpus import Clip, Corpus, read_corpus
from vad.training.mixing import channel, sounds
from vad.training.mixing.mixer import AFTER, Mixer
from vad.training.recipe import CorpusSettings, MixtureSettings

RATE = 16_000
PLAIN = MixtureSettings(
    seconds=2.0, no_speech=0.0, second_talker=0.0, room=0.0, telephone=0.0, clipping=0.0, snr_low=60.0, snr_high=60.0
)
FULL = MixtureSettings(
    seconds=2.0, conversation=0.3, distant_talker=0.2, speed=0.5, babble=0.2, lossy=0.2, automatic_gain=0.3,
    lost_packets=0.3,
)  # fmt: skip


@pytest.fixture(scope="module")
def speech(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return read_corpus(corpus, "train", Grid(), CorpusSettings(), tmp_path_factory.mktemp("cache"))


def beeps(*, hertz: float = 1000.0, seconds: float = 10.0) -> Corpus:
    """A talker who beeps for the second half of every second."""
    time = np.arange(round(seconds * RATE)) / RATE
    on = time % 1 >= 0.5
    tone = (8000 * np.sin(2 * np.pi * hertz * time) * on).astype(np.int16)
    return Corpus(Grid(), [Clip("made", "a", tone, on[::160].astype(np.float32))], [], [])


def test_equal_seeds_give_equal_mixtures(speech: Corpus) -> None:
    mixer, twin = Mixer(speech, FULL), Mixer(speech, FULL)
    silent = 0
    for seed in range(60):
        samples, target = mixer((0, seed))
        assert samples.shape == (32_000,)
        assert target.shape == (200,)
        assert samples.dtype == target.dtype == np.float32
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= 1
        assert 0 <= target.min() <= target.max() <= 1
        silent += target.max() == 0
        assert np.array_equal(samples, twin((0, seed))[0])
    assert 5 <= silent <= 40


def test_a_change_of_scene_is_one_crop_and_then_another(speech: Corpus) -> None:
    mixer, plain = Mixer(speech, replace(FULL, scene_change=1.0)), Mixer(speech, FULL)
    frames = set()
    for seed in range(10):
        sound, target = mixer((0, seed))
        (before, its_target), (after, target_after) = plain((0, seed)), plain((0, seed, AFTER))
        frame = next(frame for frame in range(201) if np.array_equal(sound[160 * frame :], after[160 * frame :]))
        assert np.array_equal(sound[: 160 * frame], before[: 160 * frame])
        assert np.array_equal(target, np.concatenate([its_target[:frame], target_after[frame:]]))
        frames.add(frame)
    assert len(frames) > 5


@pytest.mark.parametrize("changes", [{}, {"speed": 1.0}, {"conversation": 1.0}, {"telephone": 1.0}, {"lossy": 1.0}])
def test_labels_stay_in_step_with_the_sound(changes: dict[str, float]) -> None:
    mixer = Mixer(beeps(), replace(PLAIN, **changes))
    for seed in range(10):
        samples, target = mixer((1, seed))
        loud = np.square(samples.reshape(-1, 160)).mean(1)
        heard = loud > 0.02 * loud.max()
        if 0.1 < target.mean() < 0.9:  # talkers in conversation are in rooms, which ring on
            assert (heard == (target > 0.5)).mean() > (0.75 if "conversation" in changes else 0.88)


def test_near_speech_its_share_is_wanted() -> None:
    """And nothing where no speech is near, 0.3 s away."""
    near, plain = Mixer(beeps(), replace(PLAIN, near_speech=0.25)), Mixer(beeps(), PLAIN)
    seen = set()
    for seed in range(10):
        (samples, target), (same, speech) = near((1, seed)), plain((1, seed))
        assert np.array_equal(samples, same)
        for frame in np.flatnonzero(speech == 0):
            expected = 0.25 if speech[max(0, frame - 30) : frame + 31].max() == 1 else 0.0
            assert target[frame] == expected
            seen.add(expected)
        assert np.array_equal(target[speech == 1], speech[speech == 1])
    assert seen == {0.0, 0.25}


def test_another_speed_is_another_pitch() -> None:
    mixer = Mixer(beeps(), replace(PLAIN, speed=1.0))
    peaks = set()
    for seed in range(12):
        samples, target = mixer((1, seed))
        if target.mean() > 0.2:
            peaks.add(int(np.argmax(np.abs(np.fft.rfft(samples)))) // 2)  # two seconds: half a hertz per bin
    assert 800 < min(peaks) < 950
    assert 1050 < max(peaks) < 1250


def test_a_long_recording_is_used_to_its_end() -> None:
    hertz = np.linspace(200, 2000, 60 * RATE)
    sweep = (8000 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)).astype(np.int16)
    long = Corpus(Grid(), [Clip("made", "a", sweep, np.ones(6000, np.float32))], [], [])
    mixer = Mixer(long, PLAIN)
    peaks = [int(np.argmax(np.abs(np.fft.rfft(mixer((2, seed))[0])))) / 2 for seed in range(40)]
    assert min(peaks) < 600
    assert max(peaks) > 1600


def test_a_distant_talker_counts_and_noise_is_measured_against_the_weakest(speech: Corpus) -> None:
    loud = replace(PLAIN, snr_low=0.0, snr_high=0.0)
    alone, behind = (Mixer(speech, replace(loud, distant_talker=share)) for share in (0.0, 1.0))
    for seed in range(5):
        (heard, near), (both, all_of_it) = alone((0, seed)), behind((0, seed))
        assert (all_of_it >= near).all()
        assert (all_of_it > near).any()
        quiet = near < 0.01
        quiet &= all_of_it < 0.01
        if quiet.sum() > 20:  # noise alone: far weaker beside a voice than where it is as loud as that
            at = np.repeat(quiet, 160)[: len(heard)]
            assert np.std(both[at]) / np.std(both) < 0.7 * np.std(heard[at]) / np.std(heard)


def test_babble_is_no_speech(speech: Corpus) -> None:
    crowd = Mixer(speech, replace(PLAIN, no_speech=1.0, babble=1.0))
    quiet = Mixer(speech, replace(PLAIN, no_speech=1.0))
    for seed in range(3):
        samples, target = crowd((0, seed))
        assert not target.any()
        assert not np.array_equal(samples, quiet((0, seed))[0])


def test_weights_decide_which_backgrounds_are_drawn(speech: Corpus) -> None:
    tone = (8000 * np.sin(2 * np.pi * 3000 * np.arange(RATE * 4) / RATE)).astype(np.int16)
    other = Corpus(Grid(), speech.speech, [*speech.backgrounds, tone], [])
    mixer = Mixer(other, replace(PLAIN, no_speech=1.0))

    def share() -> float:
        spectra = [np.abs(np.fft.rfft(mixer((3, seed))[0])) for seed in range(30)]
        return float(np.mean([5998 <= np.argmax(s) <= 6002 for s in spectra]))

    mixer.weigh([1, 1, 0])
    assert share() == 0
    mixer.weigh([1, 1, 50])
    assert share() > 0.3


def test_a_telephone_has_no_treble_and_keeps_its_length(rng: np.random.Generator) -> None:
    noise = rng.standard_normal(RATE).astype(np.float32) / 10
    for _ in range(8):
        through = channel.telephone(noise, rng, RATE)
        assert through.shape == noise.shape
        power = np.square(np.abs(np.fft.rfft(through)))
        assert power[4200:].sum() < 0.02 * power.sum()


class _Last:
    """Draws the last of all that can be drawn."""

    def choice(self, names: list[str]) -> str:
        return names[0]

    def uniform(self, low: float, high: float) -> float:
        return float(np.nextafter(high, low))


def test_the_strongest_compression_is_one_that_the_coder_takes(rng: np.random.Generator) -> None:
    noise = rng.standard_normal(RATE).astype(np.float32) / 10
    assert channel.LOSSY.keys() == {"MP3", "OGG"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        through = channel.lossy(noise, _Last(), RATE)
    assert not np.array_equal(through, noise)


def test_a_coder_that_fails_does_not_end_the_training(rng: np.random.Generator) -> None:
    noise = rng.standard_normal(RATE).astype(np.float32) / 10
    with pytest.warns(UserWarning, match="MP3"):
        through = channel.lossy(noise, _Last(), 17_000)  # MP3 has no such sample rate
    assert np.corrcoef(noise, through)[0, 1] == pytest.approx(1)


def test_codecs_change_sound_a_little(rng: np.random.Generator) -> None:
    noise = np.repeat(rng.standard_normal(200) ** 2, 160) * rng.standard_normal(32_000) / 20
    for _ in range(6):
        through = channel.lossy(noise.astype(np.float32), rng, RATE)
        assert through.shape == noise.shape
        envelopes = [np.square(s.reshape(-1, 160)).mean(1) for s in (noise, through)]
        assert np.corrcoef(*envelopes)[0, 1] > 0.9


def test_automatic_gain_lifts_the_quiet(rng: np.random.Generator) -> None:
    noise = rng.standard_normal(4 * RATE).astype(np.float32)
    noise[2 * RATE :] /= 100
    through = channel.automatic_gain(noise, rng, RATE)
    before, after = (np.std(s[: 2 * RATE]) / np.std(s[3 * RATE :]) for s in (noise, through))
    assert after < before / 2


def test_lost_packets_leave_gaps_or_repeat(rng: np.random.Generator) -> None:
    noise = rng.standard_normal(4 * RATE).astype(np.float32)
    for _ in range(4):
        through = channel.drop_packets(noise, rng, RATE)
        changed = (through != noise).mean()
        assert 0 < changed < 0.25


def test_mu_law_is_coarse_but_close() -> None:
    ramp = np.linspace(-1, 1, 10_001, dtype=np.float32)
    coded = channel.mu_law(ramp)
    assert len(np.unique(coded)) == 255
    assert np.abs(coded - ramp).max() < 0.025
    assert np.abs(coded - ramp)[np.abs(ramp) < 0.01].max() < 0.0005


@pytest.mark.parametrize("kind", [sounds.hum, sounds.breaths, sounds.calls])
def test_made_sounds_are_sound(kind: object, rng: np.random.Generator) -> None:
    for _ in range(10):
        sound = kind(rng, 3 * RATE, RATE)  # type: ignore[operator]
        assert sound.shape == (3 * RATE,)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert sound.any()


def test_a_room_begins_with_its_direct_sound_and_dies_away(rng: np.random.Generator) -> None:
    response = sounds.room(rng, RATE)
    assert np.sum(np.square(response)) == pytest.approx(1, abs=1e-3)
    half = len(response) // 2
    assert np.square(response[:half]).sum() > 10 * np.square(response[half:]).sum()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)
