"""Fits the pieces of ``tanh`` that ``tanh.rs`` looks up, and prints them as they stand there.

Usage: ``pip install numpy; python fit_tanh.py``.
"""

import numpy as np

PIECES, DEGREE = 32, 4
OFFSET, END = np.float32(0.75), np.float32(9.02)
POINTS = 600


def key(a: np.float32) -> int:
    """Sign, exponent and three bits of the mantissa of ``a + OFFSET``: the same for all of a piece."""
    return int((a + OFFSET).view(np.uint32)) >> 20


def start(key: int) -> float:
    """Where a piece starts; it ends where the next one does."""
    return float((np.uint32(key << 20)).view(np.float32) - OFFSET)


def least_maximum(columns: np.ndarray, wanted: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Coefficients with the least largest error times ``scale``.

    By Lawson's algorithm: least squares, again and again, each point weighted by its error so far.
    """
    size = np.abs(columns).max(0)
    weights = np.ones(len(wanted))
    for _ in range(120):
        row = np.sqrt(weights) * scale
        coefficients = np.linalg.lstsq(columns / size * row[:, None], wanted * row, rcond=None)[0] / size
        error = np.abs(columns @ coefficients - wanted) * scale
        weights *= error + 1e-6 * error.max()
        weights /= weights.sum()
    return coefficients


def fit(low: float, high: float) -> np.ndarray:
    """Coefficients of ``1, a, …, a^4``, each rounded to single precision before the lower ones are fitted."""
    a = low + (high - low) * (0.5 - 0.5 * np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS))
    powers = a[:, None] ** np.arange(DEGREE + 1)
    rest = np.tanh(a)
    # The first piece has no constant, and its relative error counts: small signals keep their digits.
    lowest, scale = (1, 1 / a) if low == 0 else (0, np.ones(POINTS))
    coefficients = np.zeros(DEGREE + 1, np.float32)
    for power in range(DEGREE, lowest - 1, -1):
        coefficients[power] = least_maximum(powers[:, lowest : power + 1], rest, scale)[-1]
        rest = rest - powers[:, power] * np.float64(coefficients[power])
    return coefficients


def main() -> None:
    """Print a row of coefficients for each power, in the order of the last bits of the key."""
    rows = np.zeros((DEGREE + 1, PIECES), np.float32)
    for piece in range(key(np.float32(0)), key(END) + 1):
        rows[:, piece % PIECES] = fit(start(piece), start(piece + 1))
    for row in rows:
        lines = [", ".join(f"{value:.9}" for value in eight) for eight in row.reshape(-1, 8)]
        print("    Row([\n        " + ",\n        ".join(lines) + ",\n    ]),")


if __name__ == "__main__":
    main()
