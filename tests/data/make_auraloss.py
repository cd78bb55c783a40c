"""Make ``auraloss.json``: what auraloss, which training programs use, says of a few pairs of signals.

The pairs come from :func:`pairs`, which the tests call too: only the numbers are stored.

    pip install auraloss==0.4.0 torch==2.15.0 numpy==2.4.6 scipy==1.17.1
    python tests/data/make_auraloss.py
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
SAMPLE_RATE = 48_000
FRAMES = 24_000
PRE_EMPHASES = 0.85, 0.95

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def noise(seed: int) -> NDArray[np.float64]:
    """Return white noise between -0.5 and 0.5: numpy promises that raw bits stay what they are."""
    return np.random.PCG64(seed).random_raw(FRAMES) / 2.0**64 - 0.5


def pairs() -> dict[str, Pair]:
    """Return pairs of a target and a prediction, by name."""
    time = np.arange(FRAMES) / SAMPLE_RATE
    partials = [np.sin(2 * np.pi * 110 * n * time) * np.exp(-4 * n * time) / n for n in range(1, 9)]
    pluck = np.sum(partials, axis=0)
    low, high = (np.hanning(FRAMES) * np.sin(2 * np.pi * f * time) for f in (500, 2_500))
    late = np.concatenate([np.zeros(7), noise(2)[:-7]])
    return {
        "driven pluck": (pluck, np.tanh(pluck + 0.2)),
        "filtered noise": (noise(1), np.convolve(noise(1), [0.4, 0.3, 0.2, 0.1])[:FRAMES]),
        "late noise": (noise(2), late),
        "midrange": (low + high, low + 0.8 * high),
        "noisy noise": (noise(3), noise(3) + 0.01 * noise(4)),
    }


def main() -> None:
    """Write the numbers."""
    import torch
    from auraloss.freq import MultiResolutionSTFTLoss
    from auraloss.perceptual import FIRFilter
    from auraloss.time import DCLoss, ESRLoss

    torch.set_default_dtype(torch.float64)
    esr, dc = ESRLoss(), DCLoss()
    mr_stft = MultiResolutionSTFTLoss(output="full")
    high_passes = {coefficient: FIRFilter("hp", coef=coefficient) for coefficient in PRE_EMPHASES}
    hearing = FIRFilter("aw", fs=SAMPLE_RATE)
    hearing.double()  # its taps are made in single precision

    numbers = {}
    for name, pair in pairs().items():
        # auraloss wants the prediction first, as (batch, channels, frames).
        target, prediction = (torch.from_numpy(signal)[None, None] for signal in pair)
        whole, convergence, log_magnitude, _, _ = mr_stft(prediction, target)
        numbers[name] = {
            "esr": esr(prediction, target).item(),
            "esr_pre_emphasis": {
                str(coefficient): esr(*high_pass(prediction, target)).item()
                for coefficient, high_pass in high_passes.items()
            },
            "esr_a_weighted": esr(*hearing(prediction, target)).item(),
            "dc": dc(prediction, target).item(),
            "mr_stft": whole.item(),
            "stft": [(c + m).item() for c, m in zip(convergence, log_magnitude, strict=True)],
        }
    (HERE / "auraloss.json").write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
