"""Frequency weightings of hearing, and the loudness that follows from one."""

import numpy as np

from neural_distortion.analysis.probe import FLOOR_DB, Complex, Real

_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_BLOCK_SECONDS = 0.4
_BLOCKS_PER_OVERLAP = 4


def a_weighting(frequencies_hz: Real) -> Real:
    """Return the gain of the A-weighting, 1 at 1 kHz.

    Follows the analogue definition of IEC 61672-1:2013, annex E, without the warping of a digital filter.

    Parameters
    ----------
    frequencies_hz : array of float
        Not negative.

    Examples
    --------
    >>> a_weighting(np.array([100.0, 1000.0])).round(3)
    array([0.11, 1.  ])
    """
    squared = np.square(frequencies_hz)
    unit = _a_weighting(np.array(1000.0**2))
    return np.asarray(_a_weighting(squared) / unit)


def _a_weighting(squared: Real) -> Real:
    """Return the A-weighting at squares of frequencies, before it is normalised."""
    low, mid, high, top = 20.598997**2, 107.65265**2, 737.86223**2, 12194.217**2
    corners = (squared + low) * np.sqrt((squared + mid) * (squared + high)) * (squared + top)
    return np.asarray(top * np.square(squared) / corners)


def k_weighting(frequencies_hz: Real, sample_rate: float) -> Complex:
    """Return the response of the K-weighting: a shelf for the head, then a high-pass.

    Follows ITU-R BS.1770-4; for rates other than its 48 kHz, the analogue filters behind its coefficients are
    transformed anew.

    Parameters
    ----------
    frequencies_hz : array of float
        From 0 to half the sample rate.
    sample_rate : float > 0
        The rate, in Hz, of the digital filter.
    """
    z = np.exp(-2j * np.pi * np.asarray(frequencies_hz) / sample_rate)

    k = np.tan(np.pi * 1681.974450955533 / sample_rate)
    quality, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    shelf = (
        (high + band * k / quality + k * k)
        + 2 * (k * k - high) * z
        + (high - band * k / quality + k * k) * z**2
    ) / _resonance(z, k, quality)

    k, quality = np.tan(np.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    high_pass = (1 - 2 * z + z**2) * (1 + k / quality + k * k) / _resonance(z, k, quality)
    return np.asarray(shelf * high_pass)


def _resonance(z: Complex, k: float, quality: float) -> Complex:
    """Return the denominator of a second-order section."""
    return np.asarray((1 + k / quality + k * k) + 2 * (k * k - 1) * z + (1 - k / quality + k * k) * z**2)


def integrated_loudness(audio: Real, sample_rate: float) -> float:
    """Return the loudness of a programme, in LUFS, gated as ITU-R BS.1770-4 has it.

    Parameters
    ----------
    audio : array of float [shape=(frames,) or (channels, frames)]
        At least 0.4 s. Every channel has the weight of a front one.
    sample_rate : float > 0
        Its rate, in Hz.

    Returns
    -------
    loudness : float
        -200 where nothing is louder than the gate of -70 LUFS.

    Raises
    ------
    ValueError
        If the audio is shorter than one block of 0.4 s.
    """
    samples = np.atleast_2d(np.asarray(audio, dtype=np.float64))
    block = round(_BLOCK_SECONDS * sample_rate)
    frames = samples.shape[-1]
    if frames < block:
        msg = f"{frames} frames are shorter than a block of {_BLOCK_SECONDS} s, the least that has a loudness"
        raise ValueError(msg)
    length = frames + round(sample_rate)  # the filter rings for less than a second
    response = k_weighting(np.fft.rfftfreq(length, 1 / sample_rate), sample_rate)
    weighted = np.fft.irfft(np.fft.rfft(samples, length) * response, length)[:, :frames]

    starts = np.arange(0, frames - block + 1, block // _BLOCKS_PER_OVERLAP)
    energy = np.concatenate([[0.0], np.cumsum(np.square(weighted).sum(axis=0))])
    power = np.maximum(energy[starts + block] - energy[starts], 0.0) / block
    for gate in (_absolute_gate, _relative_gate):
        power = power[power > gate(power)]
        if not power.size:
            return FLOOR_DB
    return float(-0.691 + 10 * np.log10(power.mean()))


def _absolute_gate(_power: Real) -> float:
    """Return the power below which a block is silence."""
    return float(10 ** ((_ABSOLUTE_GATE_LUFS + 0.691) / 10))


def _relative_gate(power: Real) -> float:
    """Return the power below which a block is a pause in what is left."""
    return float(power.mean() * 10 ** (_RELATIVE_GATE_LU / 10))
