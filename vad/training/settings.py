"""What the tables of a recipe hold: frozen dataclasses, where each default and its reason stand."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

LARGEST = 2**63 - 1  # whole number that TOML promises to hold
ONLY_THESE = ConfigDict(extra="forbid", allow_inf_nan=False)

Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Amount = Annotated[float, Field(strict=True, ge=0, le=1e9)]
Finite = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Decibels = Annotated[float, Field(strict=True, ge=-100, le=100)]
Level = Annotated[float, Field(strict=True, ge=-100, le=0)]  # dB below full scale
Count = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
Whole = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
Names = tuple[str, ...]


def listed(given: Any) -> Any:
    """A name that stands alone as a list, which is empty where the name is."""
    if isinstance(given, str):
        return (given,) if given else ()
    return given


Models = Annotated[Names, BeforeValidator(listed)]


@dataclass(frozen=True, config=ONLY_THESE)
class CorpusSettings:
    """What of a corpus is used, and how far its labels are believed."""

    without: Names = ()  # sources that are left out
    silver_weight: Share = 0.5  # share of the energy labels in the target; the teachers have the rest
    only: Names = ()  # sources besides which all are left out; none: no others are
    never_speech: Names = ()  # sources of noise that is no speech, though detectors may take it for speech
    trust_from: Share = 0.5  # at this agreement with the teachers silver labels count nothing
    trust_to: Share = 0.9  # from this agreement on they count in full
    real: Share = 1.0  # a real recording (`real.jsonl`) is a talker, too, where its agreement is above this; 1: none is
    cache: str = ""  # folder of decoded recordings that runs share; none: the output's, removed in the end

    def __post_init__(self) -> None:
        if self.trust_from >= self.trust_to:
            raise ValueError(f"trust_from = {self.trust_from}: must be less than trust_to = {self.trust_to}")


@dataclass(frozen=True, config=ONLY_THESE)
class SoundSettings:
    """How often each kind of sound is drawn for a background, relative to the others."""

    recorded: Amount = 0.70  # noise and music of the corpus
    coloured: Amount = 0.16  # Gaussian noise with a slope
    hum: Amount = 0.06  # mains or a machine, and clicks
    breaths: Amount = 0.04
    calls: Amount = 0.04  # gliding tones
    siren: Amount = 0.0  # sweeps and two tones
    beeps: Amount = 0.0  # of devices, and ring tones
    engine: Amount = 0.0  # harmonics that wander
    bark: Amount = 0.0  # bursts of harmonics and noise with formants: dogs, birds, toys
    knocks: Amount = 0.0  # decaying resonances: steps, knocks, dishes
    weather: Amount = 0.0  # noise that swells and gusts: wind, rain, waves
    crackle: Amount = 0.0  # fire, paper, a bad contact
    feedback: Amount = 0.0  # a tone that builds up
    notes: Amount = 0.0  # notes and chords of one instrument


@dataclass(frozen=True, config=ONLY_THESE)
class MixtureSettings:
    """How training sound is made; every share is a probability per crop unless it says otherwise."""

    seconds: Annotated[float, Field(strict=True, ge=0.5, le=600)] = 5.0  # length of a crop
    scene_change: Share = 0.0  # crops that turn into another somewhere, as sound does that was cut
    no_speech: Share = 0.22  # crops without any speech
    conversation: Share = 0.0  # crops with speech in which several talkers take turns
    second_talker: Share = 0.15  # other crops with speech that have a second talker over the first
    distant_talker: Share = 0.0  # the same with a talker far behind the first
    distant_target: Share = 1.0  # of a talker 32 dB below the loudest, as a share of that speech's; see `Talkers`
    speed: Share = 0.0  # talkers 0.84 to 1.2 and backgrounds 0.67 to 1.5 times as fast, and as high
    near_speech: Share = 0.0  # least target of what is near speech, as a share of that speech's; see `Talkers`
    within: Share = 0.6  # talkers who are in the middle of a recording when the crop begins
    uneven: Share = 0.3  # utterances 3 dB louder to 9 dB quieter than the talker's others
    overlap: Share = 0.25  # turns of a conversation that begin before the one before has ended
    uneven_talkers: Share = 0.4  # conversations with talkers 30 dB apart rather than 14
    long_pause: Share = 0.35  # share of the pauses that are long (seconds) rather than natural (tenths)
    room: Share = 0.5  # crops in a room
    background_room: Share = 0.3  # share of that for the backgrounds, which have rooms of their own
    second_sound: Share = 0.45  # backgrounds of more than one sound
    third_sound: Share = 0.15  # backgrounds of three
    switched: Share = 0.25  # sounds of a background that come and go
    babble: Share = 0.0  # share of the backgrounds in which many talk at once, which is not speech
    sounds: SoundSettings = field(default_factory=SoundSettings)
    real: Share = 0.0  # crops that are a stretch of a real recording, with the speech that it has
    real_talkers: Share = 0.3  # share of the talkers who come from real recordings, where there are any
    reuse: Count = 1  # how often rendered speech and a rendered background are used, with other partners and settings
    parts: Share = 0.0  # crops in parts: with both, with speech alone, noise alone or neither, joined hard
    noise_gate: Share = 0.0  # crops whose microphone is off between utterances: exact zeros
    zeros: Share = 0.0  # crops whose parts with neither are exact zeros, and in part the whole crop
    hard_negatives: Amount = 0.0  # a background taken for speech throughout is drawn 1 + this times as often
    real_noise: Share = 0.5  # real recordings to which a background is added, 10 dB below them or more
    part_speech: Share = 0.5  # parts with speech, half of them with noise as well
    part_noise: Share = 0.35  # parts with noise alone
    band: Share = 0.3  # other crops limited to a band
    faint: Share = 0.03  # crops next to digital silence, at -95 dB
    sixteen_bits: Share = 0.7  # crops with the steps of 16-bit samples, half of them dithered
    telephone: Share = 0.2  # crops limited to the telephone band, most of them companded or coded
    radio: Share = 0.0  # crops over a radio: steady noise, overdriven, in a narrow band
    lossy: Share = 0.0  # other crops through a codec for music
    automatic_gain: Share = 0.0  # crops whose quiet passages were turned up
    lost_packets: Share = 0.0  # crops with gaps
    clipping: Share = 0.05  # crops driven into clipping
    snr_low: Decibels = -8.0  # dB, the weakest talker over noise
    snr_high: Decibels = 35.0
    level_low: Level = -62.0  # dB below full scale, RMS of the whole crop
    level_high: Level = -12.0

    def __post_init__(self) -> None:
        for low, high in (("snr_low", "snr_high"), ("level_low", "level_high"), ("third_sound", "second_sound")):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} = {getattr(self, low)}: must be at most {high} = {getattr(self, high)}")
        if self.part_speech + self.part_noise > 1:
            raise ValueError(
                f"part_noise = {self.part_noise}: must be at most 1 - part_speech = {1 - self.part_speech}"
            )


@dataclass(frozen=True, config=ONLY_THESE)
class LoopSettings:
    """How the network is trained."""

    steps: Count = 8_000
    batch: Count = 64  # crops per step
    learning_rate: Finite = 2e-3  # peak; a cosine leads to zero
    warmup: Whole = 200  # steps
    decay: Share = 1.0  # share of the steps, the last ones, in which the learning rate falls to zero; before: constant
    weight_decay: Amount = 1e-2
    clip: Finite = 1.0  # largest norm of the gradient
    average: Share = 0.999  # decay of the averaged weights, which are the ones kept
    start_share: Share = 0.0  # of the weights that training began with in the ones kept (Wortsman et al. 2022)
    shortest: Amount = 0.0  # seconds; the crops of a step, one after another, are cut in sequences of equal length
    longest: Amount = 0.0  # anew, between these two; 0: they stay as they are
    pool: Whole = 0  # crops that are kept, of which each step draws its own; 0: crops are trained on as they are mixed
    replay: Count = 1  # how often a crop of the pool is drawn, on average, each time among others and changed otherwise
    equaliser: Amount = 0.0  # dB by which the spectrum of a sequence is raised or lowered, smoothly, at most
    silence: Share = 0.0  # share of the sequences of which a stretch is digital silence, however long
    masks: Share = 0.0  # share of the sequences with masked bands and masked moments (SpecAugment)
    short: Share = 0.0  # share of the steps whose crops are cut in windows that end early, as in a stream
    short_tail: Amount = 3.0  # weight of the last frames of such windows, the ones with no sound after them
    carry: Share = 0.5  # share of the crops that a causal network takes for the continuation of another
    teacher: Models = ()  # models (path, name or "silero") whose scores are blended into the targets; none: ""
    teacher_share: Share = 0.5  # of them in the blend
    teacher_from: Share = 0.0  # least target of the frames in which they are blended; above 0 silence stays silence
    evaluate_every: Count = 500  # steps
    patience: Whole = 0  # evaluations without a better dev AUC after which training ends; 0: never
    dev_crops: Count = 256  # mixtures of dev speakers that are evaluated
    threads: Count = 1  # of torch
    workers: Whole = 2  # processes that mix
    seed: Whole = 1

    def __post_init__(self) -> None:
        if self.longest and not 0 < self.shortest <= self.longest:
            raise ValueError(f"shortest = {self.shortest}: must be more than 0 and at most longest = {self.longest}")
        if self.replay > 1 and not self.pool:
            raise ValueError(f"replay = {self.replay}: needs a pool of crops that are kept, loop.pool")


def falls_from(loop: LoopSettings) -> float:
    """The step up to which the learning rate is constant after the warm-up."""
    return max(loop.warmup, loop.steps * (1 - loop.decay))
