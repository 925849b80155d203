"""Mixtures are what the settings say, and what happens to sound on its way is what it is named after."""

from __future__ import annotations

import warnings
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from vad.grid import Grid
from vad.training.corpus import Clip, Corpus, read_corpus
from vad.training.mixing import channel, synthesis
from vad.training.mixing.mixer import AFTER, Mixer
from vad.training.settings import CorpusSettings, MixtureSettings, SoundSettings

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
    return Corpus(Grid(), [clip(tone, on[::160].astype(np.float32))], [], [])


def clip(samples: np.ndarray, target: np.ndarray, speaker: str = "a", *, real: bool = False) -> Clip:
    """A recording whose target is to be believed in full."""
    return Clip("made", speaker, samples, target, np.ones_like(target), real)


def test_equal_seeds_give_equal_mixtures(speech: Corpus) -> None:
    mixer, twin = Mixer(speech, FULL), Mixer(speech, FULL)
    silent = 0
    for seed in range(60):
        samples, target, _ = mixer((0, seed))
        assert samples.shape == (32_000,)
        assert target.shape == (200,)
        assert samples.dtype == target.dtype == np.float32
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= 1
        assert 0 <= target.min() <= target.max() <= 1
        silent += target.max() == 0
        assert np.array_equal(samples, twin((0, seed)).samples)
    assert 5 <= silent <= 40


def test_a_change_of_scene_is_one_crop_and_then_another(speech: Corpus) -> None:
    mixer, plain = Mixer(speech, replace(FULL, scene_change=1.0)), Mixer(speech, FULL)
    frames = set()
    for seed in range(10):
        sound, target, _ = mixer((0, seed))
        (before, its_target, _), (after, target_after, _) = plain((0, seed)), plain((0, seed, AFTER))
        frame = next(frame for frame in range(201) if np.array_equal(sound[160 * frame :], after[160 * frame :]))
        assert np.array_equal(sound[: 160 * frame], before[: 160 * frame])
        assert np.array_equal(target, np.concatenate([its_target[:frame], target_after[frame:]]))
        frames.add(frame)
    assert len(frames) > 5


@pytest.mark.parametrize("changes", [{}, {"speed": 1.0}, {"conversation": 1.0}, {"telephone": 1.0}, {"lossy": 1.0}])
def test_labels_stay_in_step_with_the_sound(changes: dict[str, float]) -> None:
    mixer = Mixer(beeps(), replace(PLAIN, **changes))
    for seed in range(10):
        samples, target, _ = mixer((1, seed))
        loud = np.square(samples.reshape(-1, 160)).mean(1)
        heard = loud > 0.02 * loud.max()
        if 0.1 < target.mean() < 0.9:  # talkers in conversation are in rooms, which ring on
            assert (heard == (target > 0.5)).mean() > (0.75 if "conversation" in changes else 0.88)


def test_near_speech_its_share_is_wanted() -> None:
    """And nothing where no speech is near, 0.3 s away."""
    near, plain = Mixer(beeps(), replace(PLAIN, near_speech=0.25)), Mixer(beeps(), PLAIN)
    seen = set()
    for seed in range(10):
        (samples, target, _), (same, speech, _) = near((1, seed)), plain((1, seed))
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
        samples, target, _ = mixer((1, seed))
        if target.mean() > 0.2:
            peaks.add(int(np.argmax(np.abs(np.fft.rfft(samples)))) // 2)  # two seconds: half a hertz per bin
    assert 800 < min(peaks) < 950
    assert 1050 < max(peaks) < 1250


@pytest.mark.parametrize("conversation", [0.0, 1.0])
def test_all_parts_of_a_long_recording_are_used_alike(conversation: float) -> None:
    """The pitch of the recording says where in it a crop lies."""
    hertz = np.linspace(200, 2200, 60 * RATE)
    sweep = (8000 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)).astype(np.int16)
    talkers = [clip(sweep, np.ones(6000, np.float32), name) for name in "abcd"]
    mixer = Mixer(Corpus(Grid(), talkers, [], []), replace(PLAIN, conversation=conversation))
    peaks = [int(np.argmax(np.abs(np.fft.rfft(mixer((2, seed)).samples)))) / 2 for seed in range(120)]
    thirds = np.histogram(peaks, [150, 870, 1530, 2250])[0]
    assert thirds.sum() > 110  # some crops begin with a pause as long as themselves
    assert thirds.min() > 25
    assert thirds.max() < 55


def test_a_distant_talker_counts_and_noise_is_measured_against_the_weakest(speech: Corpus) -> None:
    hiss = SoundSettings(**{f.name: float(f.name == "coloured") for f in fields(SoundSettings)})
    loud = replace(PLAIN, snr_low=0.0, snr_high=0.0, sounds=hiss)
    alone, behind = (Mixer(speech, replace(loud, distant_talker=share)) for share in (0.0, 1.0))
    more, shares = 0, []
    for seed in range(24):
        (heard, near, _), (both, all_of_it, _) = alone((0, seed)), behind((0, seed))
        assert (all_of_it >= near).all()
        more += (all_of_it > near).any()
        quiet = near < 0.01
        quiet &= all_of_it < 0.01
        if quiet.sum() > 20:  # noise alone: far weaker beside a voice than where it is as loud as that
            at = np.repeat(quiet, 160)[: len(heard)]
            shares.append(np.std(both[at]) / np.std(both) / (np.std(heard[at]) / np.std(heard)))
    assert more > 12
    assert len(shares) > 2
    assert np.median(shares) < 0.75


@pytest.mark.parametrize("mixture", [{"distant_talker": 1.0}, {"conversation": 1.0, "uneven_talkers": 1.0}])
def test_a_distant_talker_ranks_below_the_near_one(speech: Corpus, mixture: dict[str, float]) -> None:
    settings = replace(PLAIN, seconds=20.0, **mixture)
    full, less = (Mixer(speech, replace(settings, distant_target=share)) for share in (1.0, 0.4))
    lower = near = 0
    for seed in range(24):
        (heard, whole, _), (same, part, _) = full((0, seed)), less((0, seed))
        assert np.array_equal(heard, same)
        assert (part <= whole).all()
        assert (part >= 0.4 * whole - 1e-6).all()
        lower += (part < 0.9 * whole).any()
        near += part.max() > 0.95 * whole.max()
    assert lower > 3
    assert near > 20


def test_babble_is_no_speech(speech: Corpus) -> None:
    crowd = Mixer(speech, replace(PLAIN, no_speech=1.0, babble=1.0))
    quiet = Mixer(speech, replace(PLAIN, no_speech=1.0))
    for seed in range(3):
        samples, target, _ = crowd((0, seed))
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


def test_each_kind_of_made_sound_can_be_drawn_and_none_is_speech(speech: Corpus) -> None:
    none = SoundSettings(**{f.name: 0.0 for f in fields(SoundSettings)})
    heard = []
    for kind in vars(none):
        mixer = Mixer(speech, replace(PLAIN, no_speech=1.0, sounds=replace(none, **{kind: 1.0})))
        samples, target, _ = mixer((4, 1))
        assert samples.any()
        assert not target.any()
        heard.append(samples.tobytes())
    assert len(set(heard)) == len(heard)


def test_batches_share_what_is_rendered_and_nothing_else(speech: Corpus) -> None:
    settings = replace(FULL, reuse=3, no_speech=0.0, conversation=0.0, snr_low=30.0, snr_high=40.0)
    mixer, twin = Mixer(speech, settings), Mixer(speech, settings)
    batches = mixer.batches((0, 7), range(4))
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert len({crop.samples.tobytes() for batch in batches for crop in batch}) == 12
    for crops in zip(*batches, strict=True):  # the same talkers say the same
        assert all(np.array_equal(crop.target, crops[0].target) for crop in crops)
    again = [crop.samples for batch in twin.batches((0, 7), range(4)) for crop in batch]
    assert all(
        np.array_equal(one, crop) for one, crop in zip(again, (c.samples for b in batches for c in b), strict=True)
    )
    assert not np.array_equal(mixer.batches((0, 8), range(4))[0][0].samples, batches[0][0].samples)


def test_parts_hold_noise_as_loud_as_speech_and_exact_zeros_and_no_speech_where_it_is_cut() -> None:
    mixer = Mixer(beeps(), replace(PLAIN, seconds=4.0, parts=1.0, zeros=1.0))
    loud_noise = silent_frames = 0
    for seed in range(30):
        samples, target, _ = mixer((1, seed))
        power = np.square(samples.reshape(-1, 160)).mean(1)
        assert not target[power == 0].any()
        silent_frames += int((power == 0).sum())
        if target.max() > 0.5:
            level = np.median(power[target > 0.5])
            loud_noise += bool(((power > level / 10) & (np.convolve(target, np.ones(9), "same") == 0)).any())
    assert silent_frames > 1000
    assert loud_noise > 5


def test_a_noise_gate_leaves_zeros_between_utterances() -> None:
    gated = replace(PLAIN, noise_gate=1.0, snr_low=10.0, snr_high=10.0)
    samples, target, _ = Mixer(beeps(), gated)((1, 3))
    power = np.square(samples.reshape(-1, 160)).mean(1)
    assert (power[target > 0.5] > 0).all()
    far = np.convolve(target, np.ones(41), "same") == 0
    assert far.any()
    assert not power[far].any()


def test_a_real_recording_is_used_as_it_is_with_the_weight_of_its_frames() -> None:
    tone = (8000 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)).astype(np.int16)
    heard = Clip("made", "b", tone, np.full(100, 0.75, np.float32), np.full(100, 0.5, np.float32), real=True)
    corpus = Corpus(Grid(), beeps().speech, [], [], [heard])
    samples, target, weight = Mixer(corpus, replace(PLAIN, real=1.0, seconds=2.0))((0, 1))
    inside = target == 0.75
    assert inside.sum() == 100
    assert not target[~inside].any()
    assert (weight == np.where(inside, 0.5, 1)).all()
    power = np.square(samples.reshape(-1, 160)).mean(1)
    assert power[inside].mean() > 100 * power[~inside].mean()
    hop = replace(PLAIN, real=1.0, seconds=0.5)
    assert (Mixer(corpus, hop)((0, 1)).target == 0.75).all()  # a stretch of a longer one


def test_real_talkers_have_their_share_of_the_crops() -> None:
    other = beeps(hertz=3000.0).speech[0]
    real = [clip(other.samples, other.target, f"r{n}", real=True) for n in range(20)]
    mixer = Mixer(Corpus(Grid(), [*beeps().speech, *real], [], []), replace(PLAIN, real_talkers=0.25))
    peaks = [int(np.argmax(np.abs(np.fft.rfft(mixer((2, seed)).samples)))) // 2 for seed in range(80)]
    assert 8 <= sum(peak > 2000 for peak in peaks) <= 32


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


def test_a_radio_puts_noise_where_the_sound_pauses_and_has_no_bass_and_no_treble() -> None:
    mixer = Mixer(beeps(), replace(PLAIN, radio=1.0, level_low=-20.0, level_high=-20.0))
    ratios = []
    for seed in range(20):
        samples, target, _ = mixer((0, seed))
        power = np.square(np.abs(np.fft.rfft(samples)))
        hz = np.fft.rfftfreq(len(samples), 1 / RATE)
        assert power[(hz < 80) | (hz > 3950)].sum() < 0.02 * power.sum()
        loud = np.repeat(target, 160) > 0.5
        if loud.any() and not loud.all():
            ratios.append(10 * np.log10(np.mean(samples[loud] ** 2) / np.mean(samples[~loud] ** 2)))
    assert 0 < min(ratios) < 10 < max(ratios) < 45


def test_lost_packets_leave_gaps_or_repeat(rng: np.random.Generator) -> None:
    noise = rng.standard_normal(4 * RATE).astype(np.float32)
    for _ in range(4):
        through = channel.drop_packets(noise, rng, RATE)
        changed = (through != noise).mean()
        assert 0 < changed < 0.25


def test_a_first_packet_that_is_lost_repeats_nothing() -> None:
    late = np.concatenate([np.zeros(RATE, np.float32), np.ones(RATE, np.float32)])
    for seed in range(300):
        assert not channel.drop_packets(late, np.random.default_rng(seed), RATE)[:RATE].any()


def test_mu_law_is_coarse_but_close() -> None:
    ramp = np.linspace(-1, 1, 10_001, dtype=np.float32)
    coded = channel.mu_law(ramp)
    assert len(np.unique(coded)) == 255
    assert np.abs(coded - ramp).max() < 0.025
    assert np.abs(coded - ramp)[np.abs(ramp) < 0.01].max() < 0.0005


@pytest.mark.parametrize("kind", [f.name for f in fields(SoundSettings) if f.name not in ("recorded", "coloured")])
def test_made_sounds_are_sound(kind: str, rng: np.random.Generator) -> None:
    for _ in range(10):
        sound = getattr(synthesis, "gusts" if kind == "weather" else kind)(rng, 3 * RATE, RATE)
        assert sound.shape == (3 * RATE,)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert sound.any()


def test_a_room_begins_with_its_direct_sound_and_dies_away(rng: np.random.Generator) -> None:
    response = synthesis.room(rng, RATE)
    assert np.sum(np.square(response)) == pytest.approx(1, abs=1e-3)
    half = len(response) // 2
    assert np.square(response[:half]).sum() > 10 * np.square(response[half:]).sum()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)
