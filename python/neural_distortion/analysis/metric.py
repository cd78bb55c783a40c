"""How far a prediction is from its target."""

from typing import Final

import numpy as np
import numpy.typing as npt

from neural_distortion.analysis import alignment
from neural_distortion.analysis.probe import Real
from neural_distortion.analysis.weighting import a_weighting

RESOLUTIONS: Final = ((1024, 600, 120), (2048, 1200, 240), (512, 240, 50))
"""Frames of a transform, of its window, and between two of them: those of Parallel WaveGAN."""

_LEAST_POWER: Final = 1e-8


def esr(
    target: npt.ArrayLike,
    prediction: npt.ArrayLike,
    *,
    pre_emphasis: float | None = None,
    a_weighted: bool = False,
    sample_rate: float | None = None,
    align: bool = False,
) -> float:
    """Return the error-to-signal ratio, ``sum((t - p)**2) / sum(t**2)``.

    The filters are those of Wright and Välimäki, "Perceptual loss function for neural modelling of audio
    systems" (ICASSP 2020): both signals go through them first. The A-weighting is applied without phase, so
    it is exact at every sample rate.

    Parameters
    ----------
    target, prediction : array of float [shape=(..., frames)]
        The recording to match, and the model's output.
    pre_emphasis : float, optional
        The coefficient c of the high-pass ``x[n] - c * x[n - 1]``, such as 0.85 or 0.95.
    a_weighted : bool
        Whether to weight by hearing; needs ``sample_rate``.
    sample_rate : float > 0, optional
        The rate, in Hz.
    align : bool
        Whether to undo a delay and a gain first, see :func:`align`; for signals of one channel.

    Returns
    -------
    esr : float
        0 is perfect, 1 is what silence gets.

    Raises
    ------
    ValueError
        If the shapes differ, the target is silent, or a sample rate is needed and missing.

    Examples
    --------
    >>> tone = np.sin(np.arange(480) * 0.1)
    >>> esr(tone, 0.5 * tone)
    0.25
    """
    wanted, given = _pair(target, prediction, align=align)
    if pre_emphasis is not None:
        wanted, given = _emphasise(wanted, pre_emphasis), _emphasise(given, pre_emphasis)
    if not a_weighted:
        return _ratio(float(np.sum((wanted - given) ** 2)), float(np.sum(wanted**2)))
    if sample_rate is None:
        msg = "the A-weighting needs a sample_rate"
        raise ValueError(msg)
    return _ratio(_heard(wanted - given, sample_rate), _heard(wanted, sample_rate))


def mae(target: npt.ArrayLike, prediction: npt.ArrayLike, *, align: bool = False) -> float:
    """Return the mean absolute error, ``mean(abs(t - p))``, in units of full scale.

    Parameters
    ----------
    target, prediction, align
        As for :func:`esr`.

    Examples
    --------
    >>> mae(np.array([1.0, -1.0]), np.array([0.5, -1.0]))
    0.25
    """
    wanted, given = _pair(target, prediction, align=align)
    return float(np.mean(np.abs(wanted - given)))


def dc_error(target: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Return the error of the mean against the signal, ``mean(t - p)**2 / mean(t**2)``.

    Follows Wright and Välimäki (ICASSP 2020), who add it to the error-to-signal ratio.

    Parameters
    ----------
    target, prediction
        As for :func:`esr`.

    Examples
    --------
    >>> dc_error(np.array([1.0, -1.0]), np.array([1.5, -0.5]))
    0.25
    """
    wanted, given = _pair(target, prediction)
    error = np.mean(wanted - given, axis=-1) ** 2
    return _ratio(float(np.mean(error)), float(np.mean(wanted**2)))


def mr_stft(
    target: npt.ArrayLike,
    prediction: npt.ArrayLike,
    *,
    resolutions: tuple[tuple[int, int, int], ...] = RESOLUTIONS,
    align: bool = False,
) -> float:
    """Return the multi-resolution STFT distance: 0 for equal signals, however they differ in phase.

    Follows Yamamoto, Song and Kim, "Parallel WaveGAN" (ICASSP 2020): the mean over resolutions of the
    spectral convergence (Frobenius norm of the error of magnitudes against that of the target's) plus the
    mean absolute error of natural log magnitudes. Windows are Hann's, frames are centred on a signal
    reflected at its ends, and powers below 1e-8 count as that much.

    Parameters
    ----------
    target, prediction : array of float [shape=(..., frames)]
        The recording to match, and the model's output; longer than half of the longest transform.
    resolutions : tuple of (fft_size, window_size, hop_size)
        In frames.
    align
        As for :func:`esr`.

    Examples
    --------
    >>> tone = np.sin(np.arange(4800) * 0.1)
    >>> mr_stft(tone, -tone)
    0.0
    """
    wanted, given = _pair(target, prediction, align=align)
    longest = max(size for size, _, _ in resolutions)
    if wanted.shape[-1] <= longest // 2:
        msg = f"{wanted.shape[-1]} frames are too short for a transform of {longest}"
        raise ValueError(msg)
    distances = []
    for channel_wanted, channel_given in zip(
        wanted.reshape(-1, wanted.shape[-1]), given.reshape(-1, given.shape[-1]), strict=True
    ):
        for size, window, hop in resolutions:
            t, p = (
                _magnitudes(channel_wanted, size, window, hop),
                _magnitudes(channel_given, size, window, hop),
            )
            convergence = np.linalg.norm(t - p) / np.linalg.norm(t)
            distances.append(convergence + np.mean(np.abs(np.log(t) - np.log(p))))
    return float(np.mean(distances))


def _pair(target: npt.ArrayLike, prediction: npt.ArrayLike, *, align: bool = False) -> tuple[Real, Real]:
    """Return both signals in double precision, or say why they cannot be compared."""
    wanted: Real = np.asarray(target, dtype=np.float64)
    given: Real = np.asarray(prediction, dtype=np.float64)
    if wanted.shape != given.shape or wanted.ndim == 0 or not wanted.size:
        msg = f"shapes {wanted.shape} and {given.shape}: expected target and prediction of one (..., frames)"
        raise ValueError(msg)
    if align:
        given, _ = alignment.align(wanted, given)
    return wanted, given


def _ratio(error: float, signal: float) -> float:
    """Return a ratio of energies."""
    if signal == 0:
        msg = "the target is silent: no error can be compared with it"
        raise ValueError(msg)
    return error / signal


def _emphasise(signal: Real, coefficient: float) -> Real:
    """Return a signal with its highs lifted: before its first sample there is silence."""
    lifted = signal.copy()
    lifted[..., 1:] -= coefficient * signal[..., :-1]
    return lifted


def _heard(signal: Real, sample_rate: float) -> float:
    """Return the A-weighted energy, up to a factor; by Parseval's theorem, no filter needs to be run."""
    length = 2 * signal.shape[-1]
    weight = a_weighting(np.fft.rfftfreq(length, 1 / sample_rate))
    return float(np.sum(np.square(np.abs(np.fft.rfft(signal, length)) * weight)))


def _magnitudes(signal: Real, size: int, window: int, hop: int) -> Real:
    """Return the magnitudes of a short-time Fourier transform [shape=(frames, bins)]."""
    taper = np.zeros(size)
    start = (size - window) // 2
    taper[start : start + window] = 0.5 - 0.5 * np.cos(2 * np.pi / window * np.arange(window))
    padded = np.pad(signal, size // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    power = np.square(np.abs(np.fft.rfft(frames * taper, axis=-1)))
    return np.asarray(np.sqrt(np.maximum(power, _LEAST_POWER)))
