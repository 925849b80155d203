"""Samples to log-mel frames: the one feature function of training, detection and streaming.

Frame `k` is the log energy in `n_mels` triangular bands of the Hann-windowed samples around the
centre of `[k * hop, (k + 1) * hop)`; outside the recording there are zeros. The bands follow the
mel scale of Slaney's Auditory Toolbox (1998), as `librosa.filters.mel` does by default.

A frame must not depend, not even in its last bit, on the pieces in which the samples arrive. So each
frame is computed on its own, and its bands are sums in a fixed order: the rounding of a matrix
product depends on the shape, the row and the processor. Most of the time goes to the FFT.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vad.grid import Grid

Float32 = NDArray[np.float32]

BLOCK = 256  # frames computed at once, few enough for the cache of the processor


class _Slopes(NamedTuple):
    """The filterbank as sums of rows: bins in an order in which the bands are added row by row.

    The edges of the bands divide the bins into gaps. First comes the first bin of each gap, then the
    second bin of each gap that has two, and so on. The gaps are sorted by their number of bins.
    """

    bins: NDArray[np.int64]  # (row,)
    weights: Float32  # (row, 2, 1), of the bin in the band that rises there, and in the one that falls there
    counts: list[int]  # rows of each turn (first bins, second bins, ...); they are added to the first rows
    rise: NDArray[np.int64]  # (mel,), the row that sums the rising part of each band
    fall: NDArray[np.int64]  # (mel,), and its falling part


@dataclass(frozen=True)
class LogMel:
    """The settings of the features, which a model's metadata holds, and the feature function itself.

    `window` and `hop` are in samples, `low` and `high` in Hz. `floor`, an energy, is added before the
    logarithm: digital silence gives the features of noise at -77 dB below full scale. With a floor
    far below all noise it gave features that training hardly shows, and a few minutes of it led the state
    of an LSTM astray (`recipes/speech-2/README.md` in the source).
    """

    sample_rate: int = 16_000
    hop: int = 160
    window: int = 400
    n_mels: int = 64
    low: float = 60.0
    high: float = 8_000.0
    floor: float = 1e-7

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> LogMel:
        """The settings in a model's metadata. Raises `ValueError` where one is unknown or impossible."""
        kinds = {f.name: (int,) if f.type == "int" else (int, float) for f in fields(cls)}
        if set(settings) != set(kinds) or any(type(settings[name]) not in kind for name, kind in kinds.items()):
            raise ValueError(f"feature settings are {settings}, expected numbers for {', '.join(kinds)}")
        made = cls(**settings)
        possible = (
            0 < made.hop <= made.window <= made.sample_rate,
            0 <= made.low < made.high <= made.sample_rate / 2,
            0 < made.n_mels <= 1000,
            1e-37 <= made.floor < math.inf,  # no zero in float32
        )
        if not all(possible):
            raise ValueError(f"feature settings are impossible: {settings}")
        return made

    def to_dict(self) -> dict[str, Any]:
        """The settings as values for JSON, for a model's metadata."""
        return asdict(self)

    @property
    def grid(self) -> Grid:
        """The frame grid of these features."""
        return Grid(self.sample_rate, self.hop)

    @property
    def lead(self) -> int:
        """The number of samples by which a frame's window starts before the frame."""
        return (self.window - self.hop) // 2

    @cached_property
    def taper(self) -> Float32:
        """The periodic Hann window, `(window,)`."""
        phase = 2 * np.pi * np.arange(self.window) / self.window
        return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)

    @cached_property
    def filterbank(self) -> Float32:
        """Triangular mel bands of equal area, `(window // 2 + 1, n_mels)`, per Hz of width."""
        edges = self._edges
        lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
        hz = self._bins[:, None]
        rising = (hz - lower) / (centre - lower)
        falling = (upper - hz) / (upper - centre)
        triangles = np.maximum(0, np.minimum(rising, falling))
        return (triangles * 2 / (upper - lower)).astype(np.float32)

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        """Edges of the bands in Hz, `(n_mels + 2,)`: band `k` has the edges `k`, `k + 1` (its peak) and `k + 2`."""
        lowest, highest = hz_to_mel(np.array([self.low, self.high]))
        return mel_to_hz(np.linspace(lowest, highest, self.n_mels + 2))

    @cached_property
    def _bins(self) -> NDArray[np.float64]:
        """The frequency of each bin of the spectrum, in Hz: `(window // 2 + 1,)`."""
        return np.fft.rfftfreq(self.window, 1 / self.sample_rate).astype(np.float64)

    @cached_property
    def _slopes(self) -> _Slopes:
        """The filterbank by gaps: between two edges one band rises, and the band below it falls."""
        edge = np.searchsorted(self._edges, self._bins, side="right") - 1
        padded = np.pad(self.filterbank, ((0, 0), (1, 1)))  # bands -1 and n_mels, of weight 0
        held = [np.flatnonzero(edge == gap) for gap in range(self.n_mels + 1)]  # bins between two edges
        order = sorted(range(len(held)), key=lambda gap: -len(held[gap]))
        padded *= self.window**2  # `_spectrum` is divided by `window`
        pairs: list[tuple[int, int]] = []  # a bin and its gap: the first bin of each gap, the second, ...
        counts = []
        for turn in range(max(1, *map(len, held))):
            here = [(held[gap][turn], gap) for gap in order if turn < len(held[gap])]
            if turn == 0:  # a gap without bins gets bin 0, with weight 0
                here += [(0, gap) for gap in order if not len(held[gap])]
            pairs += here
            counts.append(len(here))
        bins, gaps = np.array(pairs).T
        inside = (edge[bins] == gaps)[:, None]
        place = np.argsort(order)
        weights = np.stack([padded[bins, gaps + 1], padded[bins, gaps]], 1) * inside
        return _Slopes(bins, weights[:, :, None], counts, place[:-1], place[1:])

    def _spectrum(self, windows: Float32) -> NDArray[np.complex64]:
        """Spectra `(frame, bin)` of windows `(frame, sample)`, divided by `window`.

        With this division numpy computes in single precision; without it in double precision, slower.
        """
        spectrum = np.fft.rfft(windows * self.taper, norm="forward")
        return spectrum.astype(np.complex64, copy=False)

    def _log_energy(self, spectrum: NDArray[np.complex64]) -> Float32:
        """Log energies `(frame, mel)` of spectra `(frame, bin)`, computed as `(bin, frame)` to add whole rows."""
        slopes = self._slopes
        squares = np.square(spectrum.view(np.float32))
        power = np.ascontiguousarray((squares[:, ::2] + squares[:, 1::2]).T)
        weighted = power[slopes.bins, None] * slopes.weights
        start = slopes.counts[0]
        for count in slopes.counts[1:]:
            weighted[:count] += weighted[start : start + count]
            start += count
        energy: Float32 = weighted[slopes.rise, 0]
        energy += weighted[slopes.fall, 1]
        energy += np.float32(self.floor)
        return np.log(energy, out=energy).T

    def __call__(self, samples: Float32) -> Float32:
        """The features of a whole recording: samples `(sample,)` to `(ceil(sample / hop), n_mels)`, float32."""
        stream = FeatureStream(self)
        return np.concatenate([stream.push(samples), stream.finish()])

    def frames(self, samples: Float32, count: int) -> Float32:
        """The features `(count, n_mels)` of windows one hop apart, the first at the start of `samples`.

        `samples` has at least `(count - 1) * hop + window` values.
        """
        size = samples.itemsize  # a view by hand: sliding_window_view costs as much time as the FFT of a frame
        samples = np.ascontiguousarray(samples)
        windows: Float32 = np.ndarray((count, self.window), samples.dtype, samples, 0, (self.hop * size, size))
        energy = np.empty((count, self.n_mels), np.float32)
        for start in range(0, count, BLOCK):
            stop = min(start + BLOCK, count)
            energy[start:stop] = self._log_energy(self._spectrum(windows[start:stop]))
        return energy


class FeatureStream:
    """Log-mel frames of samples that arrive in pieces; the remainder waits for the next piece.

    The frames are bit for bit those of the whole recording, whatever the pieces.
    """

    def __init__(self, features: LogMel) -> None:
        self._features = features
        self._samples = 0
        self._frames = 0
        self._rest = [np.zeros(features.lead, np.float32)]  # samples that later frames need
        self._held = features.lead  # the number of these

    def push(self, samples: Float32, at_least: int = 1) -> Float32:
        """Take samples `(sample,)`, float32, give the frames `(frame, n_mels)` that are now complete.

        Fewer than `at_least` frames wait for the next call: several at once cost less than one by one.
        """
        self._samples += len(samples)
        self._rest.append(samples)
        self._held += len(samples)
        f = self._features
        count = max(0, (self._held - f.window) // f.hop + 1)
        return self._take(count if count >= at_least else 0)

    def finish(self) -> Float32:
        """The last frames, `(frame, n_mels)`, whose windows extend beyond the end of the recording."""
        f = self._features
        self._rest.append(np.zeros(f.window, np.float32))
        return self._take(f.grid.frame_count(self._samples) - self._frames)

    def _take(self, count: int) -> Float32:
        f = self._features
        if count == 0:
            return np.empty((0, f.n_mels), np.float32)
        rest = np.concatenate(self._rest)
        self._frames += count
        left = rest[count * f.hop :].copy()
        self._rest, self._held = [left], len(left)
        return f.frames(rest, count)


def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel scale: linear to 1 kHz (15 mel), then 27 mel for a factor of 6.4."""
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1e-9) / 1000) / np.log(6.4))


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `hz_to_mel`."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))
