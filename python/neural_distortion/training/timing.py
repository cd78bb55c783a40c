"""Where a recording lies in time against the signal that it was made from: delay, drift and polarity.

Everything is found from the two signals, and survives distortion: many short windows are timed one by one,
and those that agree are believed.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32] | NDArray[np.float64]
_Real = NDArray[np.float64]
_Complex = NDArray[np.complexfloating]

SAMPLE_RATES: Final = (32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)

_WINDOW_S: Final = 0.34
_WINDOWS: Final = 64
_SEARCHES_S: Final = (0.1, 0.01)
"""How far from its place a window is looked for: at first, and when the place is known better."""

_CANDIDATES: Final = 3
"""How many delays a window may have: a tone fits at each of its periods."""

_NEAR: Final = 1.5
"""Windows whose delays are no further apart, in samples, agree."""

_ENOUGH: Final = 0.3
"""The share of windows that agree where one signal was made from the other; by chance, few do."""

_STEP_S: Final = 0.05
_OCTAVES_HZ: Final = (80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240)
_STRETCH: Final = 0.12
_STEEPEST: Final = 2e-3
"""How far a ratio may be from the one that levels suggest."""

_STEADY: Final = 1.5e-6
"""What a ratio may differ from 1 without a drift: the windows tell it no better."""

_QUIETEST: Final = 1e-3
_LOWEST_HZ: Final = 100
_HIGHEST: Final = 0.3
"""Between which frequencies, the upper one over the sample rate, phases are believed: the filters of
converters are above."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Timing:
    """What :func:`locate` finds: frame ``n`` of dry is at ``delay_samples + ratio * n`` of wet.

    Attributes
    ----------
    delay_samples : float
        How late the wet signal starts. What a filter delays by its nature is not counted: an amplifier
        without treble is not late.
    ratio : float
        Seconds of the wet signal in one of the dry.
    polarity : int
        1, or -1 where the wet signal is inverted.
    clarity : float
        How clear the polarity is, from 0 to 1.
    agreement : float
        The share of the windows that agree.
    frames : array of float [shape=(windows,)]
        Where in the dry signal the middles of windows are.
    delays_samples : array of float [shape=(windows,)]
        How late each window is.
    agrees : array of bool [shape=(windows,)]
        Whether it is as late as the line says.
    """

    delay_samples: float
    ratio: float
    polarity: int
    clarity: float
    agreement: float
    frames: _Real
    delays_samples: _Real
    agrees: NDArray[np.bool_]

    def place(self, frame: float) -> float:
        """Return where a frame of the dry signal is in the wet one."""
        return self.delay_samples + self.ratio * frame


def locate(dry: Samples, wet: Samples, sample_rate: float) -> Timing | None:
    """Find where ``wet`` lies in time against ``dry``, or return None if the two have nothing in common.

    Parameters
    ----------
    dry, wet : array of float [shape=(frames,)]
        What was played, and what was recorded; they need not be of one length.
    sample_rate : float > 0
        The rate of both, in Hz.
    """
    windows = _informative(dry, sample_rate)
    if not windows[0].size:
        return None
    found = _agree(dry, wet, sample_rate, windows, 1.0, 0.0)
    if found is None:
        found = _agree(dry, wet, sample_rate, windows, *_rough(dry, wet, sample_rate, [1.0]))
    if found is None:
        step = np.clip(1.5 * _STEP_S * sample_rate / dry.size, 5e-5, 4e-4)
        ratios = {a / b for a in SAMPLE_RATES for b in SAMPLE_RATES if 0.4 < a / b < 2.5}
        ratios |= set(np.arange(1 - _STRETCH, 1 + _STRETCH, step).tolist())
        found = _agree(dry, wet, sample_rate, windows, *_rough(dry, wet, sample_rate, sorted(ratios)))
    return None if found is None else _refined(dry, wet, sample_rate, windows, found)


_Windows = tuple[NDArray[np.int64], NDArray[np.float64], int]
"""Where windows start, how much like noise each is, and their length."""


def _informative(dry: Samples, sample_rate: float) -> _Windows:
    """Return the windows whose delay can be told best, spread over the signal."""
    length = min(1 << round(np.log2(_WINDOW_S * sample_rate)), dry.size)
    starts = np.arange(0, dry.size - length + 1, max(1, length // 2))
    taper = np.hanning(length).astype(np.float32)
    band = slice(round(length * _LOWEST_HZ / sample_rate), round(length * 10_000 / sample_rate))
    flatness = np.zeros(starts.size)
    for number, start in enumerate(starts):
        window = dry[start : start + length]
        if np.abs(window).max() > _QUIETEST:
            power = np.abs(np.fft.rfft(window * taper)[band]) ** 2 + 1e-12
            flatness[number] = np.exp(np.mean(np.log(power))) / np.mean(power)
    groups = np.array_split(np.arange(starts.size), min(_WINDOWS, starts.size))
    best = np.array([group[np.argmax(flatness[group])] for group in groups])
    best = best[flatness[best] > 0]
    return starts[best], flatness[best], length


def _rough(dry: Samples, wet: Samples, sample_rate: float, ratios: list[float]) -> tuple[float, float]:
    """Return the ratio at which levels over time fit best, and the delay in samples."""
    step = round(_STEP_S * sample_rate)
    one, other = _levels(dry, step, sample_rate), _levels(wet, step, sample_rate)
    best, ratio_and_delay = -1.0, (1.0, 0.0)
    for ratio in ratios:
        places = np.arange(max(1, int(other.shape[1] / ratio))) * ratio
        stretched = np.stack([np.interp(places, np.arange(band.size), band) for band in other])
        size = 1 << (one.shape[1] + stretched.shape[1]).bit_length()
        cross = np.fft.rfft(stretched, size) * np.conj(np.fft.rfft(one, size))
        correlation = np.fft.irfft(cross.sum(axis=0), size)
        peak = int(np.argmax(correlation))
        fit = float(correlation[peak] / np.sqrt(np.sum(stretched**2) + 1e-12))
        if fit > best:
            whole = peak - size if peak > size // 2 else peak
            best, ratio_and_delay = fit, (ratio, whole * ratio * step)
    return ratio_and_delay


def _levels(signal: Samples, step: int, sample_rate: float) -> _Real:
    """Return the levels of a signal over time, octave by octave, each without its mean."""
    size = 2 * step
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(signal, (0, size)), size)[::step]
    taper = np.hanning(size).astype(np.float32)
    edges = [round(hz * size / sample_rate) for hz in (*_OCTAVES_HZ, 2 * _OCTAVES_HZ[-1])]
    edges = [min(edge, size // 2) for edge in edges]
    levels = np.empty((len(_OCTAVES_HZ), len(frames)))
    for start in range(0, len(frames), 256):
        power = np.abs(np.fft.rfft(frames[start : start + 256] * taper)) ** 2
        levels[:, start : start + 256] = np.add.reduceat(power, edges, axis=1)[:, :-1].T
    decibels = np.log10(levels + 1e-6 * levels.max(axis=1, keepdims=True) + 1e-15)
    return np.asarray(decibels - decibels.mean(axis=1, keepdims=True))


def _agree(
    dry: Samples, wet: Samples, sample_rate: float, windows: _Windows, ratio: float, delay_samples: float
) -> Timing | None:
    """Return the line that most windows lie on, or None if too few do."""
    starts, _, length = windows
    frames = np.asarray(starts + length / 2, dtype=np.float64)
    found = None
    for search_s in _SEARCHES_S:
        search = round(search_s * sample_rate)
        places = delay_samples + ratio * starts
        covered = (places >= 0) & (places + ratio * length <= wet.size)
        if covered.sum() < min(4, starts.size):
            return None
        lags = np.stack(
            [
                _candidates(dry[start : start + length], wet, place, ratio, search)
                for start, place in zip(starts, places, strict=True)
            ]
        )
        slope, offset, nearest, agrees = _line(frames, lags)
        agrees &= covered
        agreement = float(agrees.sum() / covered.sum())
        if agreement < _ENOUGH:
            return None
        # Lags are counted in frames of the dry signal.
        late = delay_samples + ratio * nearest + (ratio - 1) * frames
        delay_samples, ratio = delay_samples + ratio * offset, ratio * (1 + slope)
        if abs(ratio - 1) < max(_STEADY, 2 / (np.ptp(frames) + 1)):
            delay_samples, ratio = float(np.median(late[agrees])), 1.0
        found = Timing(
            delay_samples=delay_samples,
            ratio=ratio,
            polarity=1,
            clarity=0.0,
            agreement=agreement,
            frames=frames,
            delays_samples=late,
            agrees=agrees,
        )
    return found


def _candidates(window: Samples, wet: Samples, place: float, ratio: float, search: int) -> _Real:
    """Return by how many frames a window may be later than its place, the likeliest first.

    The signals are compared by their phases alone (Knapp and Carter, 1976), which distortion and filters
    change less than magnitudes.
    """
    heard = cut(wet, place - search * ratio, ratio, window.size + 2 * search)
    size = 1 << (heard.size - 1).bit_length()
    played = np.fft.rfft(window * np.hanning(window.size).astype(np.float32), size)
    cross = np.fft.rfft(heard, size) * np.conj(played)
    power = np.abs(played) ** 2
    cross *= (power > 1e-4 * power.max()) / (np.abs(cross) + 1e-15)
    cross[round(0.45 * size) :] = 0
    strength = np.abs(np.fft.irfft(cross, size)[: 2 * search + 1])
    found = []
    for _ in range(_CANDIDATES):
        peak = int(np.argmax(strength))
        before, top, after = (float(strength[np.clip(peak + step, 0, 2 * search)]) for step in (-1, 0, 1))
        bend = before - 2 * top + after
        found.append(peak - search + (np.clip((before - after) / 2 / bend, -0.5, 0.5) if bend < 0 else 0.0))
        strength[max(peak - 4, 0) : peak + 5] = 0
    return np.array(found)


def cut(signal: Samples, place: float, ratio: float, frames: int) -> Samples:
    """Return samples from a place on, ``ratio`` apart; beyond its ends, a signal is silent."""
    first = int(np.floor(place))
    last = first + int(np.ceil(frames * ratio)) + 2
    part = np.zeros(last - first, signal.dtype)
    inside = signal[max(first, 0) : max(last, 0)]
    start = min(max(-first, 0), part.size)
    part[start : start + inside.size] = inside
    if ratio == 1:
        return part[:frames]
    places = place - first + ratio * np.arange(frames)
    return np.asarray(np.interp(places, np.arange(part.size), part))


def _line(frames: _Real, lags: _Real) -> tuple[float, float, _Real, NDArray[np.bool_]]:
    """Return the line that comes near most windows, their lags next to it, and which are near."""
    first, second = np.triu_indices(frames.size, 1)
    apart = frames[second] - frames[first] > 0.2 * np.ptp(frames)
    first, second = first[apart], second[apart]
    slopes = (lags[second, 0] - lags[first, 0]) / (frames[second] - frames[first])
    offsets = lags[first, 0] - slopes * frames[first]
    usual = np.abs(slopes) < _STEEPEST
    slopes = np.concatenate([slopes[usual], np.zeros(lags.size)])
    offsets = np.concatenate([offsets[usual], lags.ravel()])
    lines = offsets[:, np.newaxis] + slopes[:, np.newaxis] * frames
    misses = np.abs(lags - lines[:, :, np.newaxis]).min(axis=2)
    best = int(np.argmax(np.maximum(0, 1 - misses / (2 * _NEAR)).sum(axis=1)))
    slope, offset = float(slopes[best]), float(offsets[best])
    for _ in range(3):
        line = offset + slope * frames
        nearest = lags[np.arange(frames.size), np.argmin(np.abs(lags - line[:, np.newaxis]), axis=1)]
        agrees = np.abs(nearest - line) < _NEAR
        if agrees.sum() > 2:
            slope, offset = (float(one) for one in np.polyfit(frames[agrees], nearest[agrees], 1))
    return slope, offset, nearest, agrees


def _refined(dry: Samples, wet: Samples, sample_rate: float, windows: _Windows, found: Timing) -> Timing:
    """Return a timing with the polarity, and with a delay that is free of what filters delay.

    The windows' mean cross-spectrum is the device's linear response. Its magnitude implies a phase, that of
    a minimum-phase filter; what is left of the phase that was measured is a slope, the delay, and a sign.
    """
    response, weights, frequencies = _response(dry, wet, sample_rate, windows, found)
    left = weights * np.exp(1j * (np.angle(response) - _minimum_phase(np.abs(response), weights)))
    turn = 2 * np.pi * frequencies
    lags = np.arange(-200, 200) / 10
    fits = np.array([np.sum(left * np.exp(1j * turn * lag)).real for lag in lags])
    best = int(np.argmax(np.abs(fits)))
    sign, lag = np.sign(fits[best]), lags[best]
    for _ in range(10):
        turned = sign * left * np.exp(1j * turn * lag)
        bend = np.sum(turn**2 * turned.real)
        lag -= np.clip(np.sum(turn * turned.imag) / bend, -0.1, 0.1) if bend > 0 else 0.0
    return replace(
        found,
        delay_samples=found.delay_samples + float(lag),
        delays_samples=found.delays_samples + float(lag),
        polarity=int(sign),
        clarity=float(abs(fits[best]) / weights.sum()),
    )


def _response(
    dry: Samples, wet: Samples, sample_rate: float, windows: _Windows, found: Timing
) -> tuple[_Complex, _Real, _Real]:
    """Return the linear response of what is between, how far each frequency is to be believed, and these."""
    starts, flatness, length = windows
    taper = np.hanning(length)
    frequencies = np.asarray(np.fft.rfftfreq(length), dtype=np.float64)
    cross = np.zeros(frequencies.size, np.complex128)
    power, other = np.zeros((2, frequencies.size))
    for start in starts[found.agrees & (flatness >= 0.25 * flatness[found.agrees].max())]:
        place = found.place(float(start))
        turn = np.exp(2j * np.pi * (place - np.floor(place)) * frequencies)
        one = np.fft.rfft(dry[start : start + length] * taper)
        two = np.fft.rfft(cut(wet, np.floor(place), found.ratio, length) * taper) * turn
        one /= np.linalg.norm(one) + 1e-12
        two /= np.linalg.norm(two) + 1e-12
        cross += two * np.conj(one)
        power += np.abs(one) ** 2
        other += np.abs(two) ** 2
    believed = np.abs(cross) ** 2 / (power * other + 1e-30)
    believed[(frequencies < _LOWEST_HZ / sample_rate) | (frequencies > _HIGHEST)] = 0
    believed[believed < 0.5 * np.percentile(believed[believed > 0], 75)] = 0
    return cross / (power + 1e-30), believed**2, frequencies


def _minimum_phase(magnitude: _Real, weights: _Real) -> _Real:
    """Return the phase that a minimum-phase filter of this magnitude has (Oppenheim and Schafer, chapter 12).

    The magnitude is smoothed, and continued at its slope where it is not known.
    """
    known = np.flatnonzero(weights)
    edges = np.unique(np.round(np.geomspace(known[0], known[-1], 120)).astype(int))
    logarithm = np.log(magnitude + 1e-9)
    sums = np.concatenate([[0], np.cumsum(logarithm * weights)])
    masses = np.concatenate([[0], np.cumsum(weights)])
    levels = (sums[edges[2:]] - sums[edges[:-2]]) / (masses[edges[2:]] - masses[edges[:-2]] + 1e-12)
    octaves = np.log2(edges[1:-1])
    where = np.log2(np.maximum(np.arange(magnitude.size), 1))
    smooth = np.interp(where, octaves, levels)
    rise = np.polyfit(octaves[octaves < octaves[0] + 1], levels[octaves < octaves[0] + 1], 1)[0]
    fall = np.polyfit(octaves[octaves > octaves[-1] - 1], levels[octaves > octaves[-1] - 1], 1)[0]
    smooth += max(rise, 0) * np.minimum(where - octaves[0], 0) + min(fall, 0) * np.maximum(
        where - octaves[-1], 0
    )
    cepstrum = np.fft.irfft(smooth)
    half = cepstrum.size // 2
    cepstrum[1:half] *= 2
    cepstrum[half + 1 :] = 0
    return np.asarray(np.fft.rfft(cepstrum).imag)
