"""Train the model that ships as ``soft-clip``, on a curve rather than on recordings.

The curve is an amplifier stage whose output saturates softly, and sooner when it swings up than when it
swings down::

    f(x) = h · tanh(8·x / h)    with the headroom h = 0.5 for x ≥ 0 and 0.7 for x < 0

Its gain at small signals is 8 (18 dB) on both sides and its slope has no jump, so quiet playing stays clean
and the sound thickens with the level; the asymmetry gives even harmonics. Silence stays silence.

    python examples/train_soft_clip.py [MODEL.json]
"""

import sys
from pathlib import Path

import numpy as np
from neural_distortion import analysis, training
from neural_distortion.training import Dense, Perceptron
from numpy.typing import NDArray

SHIPPED = Path(__file__).parent.parent / "python" / "neural_distortion" / "models" / "soft-clip.json"


def soft_clip(dry: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``h tanh(8 x / h)``, where the headroom ``h`` is 0.5 above zero and 0.7 below."""
    headroom = np.where(dry >= 0, 0.5, 0.7)
    wet: NDArray[np.float64] = headroom * np.tanh(8 * dry / headroom)
    return wet


def silenced(perceptron: Perceptron) -> Perceptron:
    """Return the perceptron with the output bias at which silence gives silence."""
    offset = perceptron(np.zeros(1, np.float32))
    *hidden, last = perceptron.layers
    return Perceptron((*hidden, Dense(last.weight, last.bias - offset)))


def main(path: Path) -> None:
    """Train on the excitation at full scale and write the model."""
    sample_rate = 48_000
    dry, wet = training.generate("excitation", sample_rate=sample_rate, peak=1.0, curve=soft_clip)
    fit = training.fit_perceptron(dry, wet, sample_rate, polish=200)
    perceptron = silenced(fit.perceptron)
    training.export(perceptron, path)
    print(f"{path}: ESR {analysis.esr(wet, perceptron(dry)):.1e}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)
