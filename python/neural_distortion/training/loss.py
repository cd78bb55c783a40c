"""What is minimised: the error against the signal, its spectrum, and its mean."""

import torch
from torch import Tensor

from neural_distortion.training.plan import fitting

PRE_EMPHASIS = 0.85
"""Coefficient of the high-pass before the error: that of Wright and Välimäki (ICASSP 2020)."""

_LEAST_POWER = 1e-8


class Loss:
    """The error-to-signal ratio behind a pre-emphasis, the same for the mean, and a spectral distance.

    The first two follow Wright and Välimäki, "Perceptual loss function for neural modelling of audio systems"
    (ICASSP 2020), the third Yamamoto, Song and Kim, "Parallel WaveGAN" (ICASSP 2020).

    Parameters
    ----------
    wet : Tensor [shape=(..., frames)]
        The whole recording: errors are measured against its energy, so that a quiet passage does not count
        for more than it is heard.
    pre_emphasis : float [range=[0, 1)]
        The coefficient c of the high-pass ``x[n] - c * x[n - 1]``.
    spectral : float >= 0
        Weight of the multi-resolution STFT distance; 0 leaves it out. Short batches have fewer resolutions.
    """

    def __init__(self, wet: Tensor, *, pre_emphasis: float, spectral: float) -> None:
        self.pre_emphasis = pre_emphasis
        self.spectral = spectral
        self._power = float(wet.square().mean())
        self._emphasised_power = float(self._emphasise(wet).square().mean())
        self._windows: dict[int, Tensor] = {}

    def __call__(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        target : Tensor [shape=(batch, 1, frames)]
            What should have come out.
        prediction : Tensor [shape=(batch, outputs, frames)]
            What came out, of each size of the model.
        """
        error = prediction - target
        loss = self._emphasise(error).square().mean() / self._emphasised_power
        loss = loss + error.mean(dim=-1).square().mean() / self._power
        if self.spectral:
            loss = loss + self.spectral * self._distance(target, prediction)
        return loss

    def _emphasise(self, signal: Tensor) -> Tensor:
        return signal[..., 1:] - self.pre_emphasis * signal[..., :-1]

    def _distance(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Return the mean over resolutions of spectral convergence and error of log magnitudes."""
        wanted = target.expand_as(prediction).flatten(0, 1)
        given = prediction.flatten(0, 1)
        total = torch.zeros((), device=given.device)
        resolutions = fitting(given.shape[-1])
        for resolution in resolutions:
            t, p = (self._magnitudes(signal, *resolution) for signal in (wanted, given))
            total = total + torch.linalg.norm(t - p) / torch.linalg.norm(t) + (t.log() - p.log()).abs().mean()
        return total / len(resolutions)

    def _magnitudes(self, signal: Tensor, size: int, window: int, hop: int) -> Tensor:
        if window not in self._windows:
            self._windows[window] = torch.hann_window(window, device=signal.device)
        spectrum = torch.stft(
            signal, size, hop, window, self._windows[window], pad_mode="reflect", return_complex=True
        )
        power = spectrum.real.square() + spectrum.imag.square()
        return power.clamp(min=_LEAST_POWER).sqrt()
