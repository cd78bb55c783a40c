"""Playing audio through a circuit with ngspice."""

import itertools
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neural_distortion._typing import Audio
from neural_distortion.model import as_audio
from neural_distortion.training.circuits.circuit import CIRCUITS, Circuit

SIMULATION_RATE: Final = 192_000
"""The least number of time steps per second, unless another is asked for."""

SEAM_TOLERANCE: Final = 2e-3
"""How far two pieces may differ where they meet, in full scale."""

_WARM_UP_S = 0.5  # the circuits' slowest time constant, the fuzz's input, is a tenth of it
_SEAM_S = 0.01
_FADE_S = 0.005
_PIECE_S = 5.0
_TAPS = 128  # of the rate change, per sample of the lower rate
_PASS = 0.475  # of the lower rate: the middle of the rate change's transition
_KAISER_BETA = 10.0

# ngspice begins with steps of 1, 1, 2, 4, … 64 hundredths of the largest: the later ones end this much
# behind a whole number of them, and the input is written for those times.
_PHASE = 0.28


def simulate(
    circuit: Circuit | str,
    dry: ArrayLike,
    sample_rate: float,
    *,
    simulation_rate: float = SIMULATION_RATE,
    jobs: int | None = None,
    on_progress: Callable[[float], None] | None = None,
    **turns: float,
) -> Audio:
    """Return what comes out of a circuit when ``dry`` goes in.

    ngspice computes the circuit with the trapezoidal rule in fixed steps, onto which the audio is
    interpolated and from which it is decimated by linear-phase filters without delay. Long recordings are
    cut into overlapping pieces that run in parallel, each with a process of its own; where two pieces meet
    and disagree, the later one is computed again from further back.

    Parameters
    ----------
    circuit : Circuit or str
        One of `CIRCUITS`, or its name.
    dry : array of float [shape=(frames,) or (channels, frames)]
        What goes in, 1 being 1 V.
    sample_rate : float > 0
        Frames per second of `dry` and of what is returned.
    simulation_rate : float > 0
        The least number of steps per second; the next multiple of `sample_rate` is taken. The error of the
        steps and the aliasing of what lies above half that rate both fall to about a tenth of their power
        when it is doubled; the time taken doubles.
    jobs : int > 0, optional
        How many processes run at a time; by default one for each core.
    on_progress : callable, optional
        Called with the finished part, from 0 to 1, whenever a piece is done.
    **turns : float [range=[0, 1]]
        How far the circuit's knobs are turned, such as ``drive=0.7``.

    Returns
    -------
    Audio
        Of the shape of `dry`, 1 being 1 V.

    Raises
    ------
    FileNotFoundError
        If ngspice is not installed.
    ValueError
        If there is no such circuit or knob, or `dry` is no finite audio.
    ChildProcessError
        If ngspice gives up, or two pieces disagree where they meet.
    """
    dry = as_audio(dry)
    if not np.isfinite(dry).all():
        msg = "the dry recording has samples that are not finite"
        raise ValueError(msg)
    for name, rate in (("sample_rate", sample_rate), ("simulation_rate", simulation_rate)):
        if not rate > 0:
            msg = f"expected {name} to be above 0, got {rate}"
            raise ValueError(msg)
    if jobs is not None and jobs < 1:
        msg = f"expected one job or more, got {jobs}"
        raise ValueError(msg)
    if isinstance(circuit, str):
        if circuit not in CIRCUITS:
            msg = f"there is no circuit {circuit!r}, but {', '.join(CIRCUITS)}"
            raise ValueError(msg)
        circuit = CIRCUITS[circuit]
    netlist = circuit.netlist(**turns)
    program = _ngspice()
    workers = jobs or os.cpu_count() or 1
    factor = math.ceil(simulation_rate / sample_rate)

    channels = np.atleast_2d(dry)
    pieces = [
        _Piece(channel, start, end)
        for channel in range(len(channels))
        for start, end in _cut(dry.shape[-1], sample_rate, workers)
    ]
    wet = np.empty_like(channels)
    tail = np.empty(0)

    def run(piece: _Piece, warm_up_s: float) -> NDArray[np.float64]:
        return _run(program, netlist, channels[piece.channel], sample_rate, factor, piece, warm_up_s)

    with ThreadPoolExecutor(workers) as pool:
        runs = [pool.submit(run, piece, _WARM_UP_S) for piece in pieces]
        try:
            for done, (piece, first) in enumerate(zip(pieces, runs, strict=True), start=1):
                out, warm_up_s = first.result(), _WARM_UP_S
                # After a soft passage, a charge may be left that only the next loud one takes away.
                while piece.start > 0 and not _agree(tail, out):
                    if warm_up_s * sample_rate >= piece.start:
                        _refuse(circuit.name, piece.start / sample_rate)
                    warm_up_s *= 4
                    out = run(piece, warm_up_s)
                wet[piece.channel, piece.start : piece.end] = out[: piece.end - piece.start]
                tail = out[piece.end - piece.start :]
                if on_progress is not None:
                    on_progress(done / len(pieces))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return wet.reshape(dry.shape)


def _agree(tail: NDArray[np.float64], out: NDArray[np.float64]) -> bool:
    """Return whether what comes after a piece is how the next one begins."""
    return bool(np.max(np.abs(out[: tail.size] - tail)) <= SEAM_TOLERANCE)


def _refuse(name: str, time_s: float) -> NoReturn:
    """Say that there is no wet recording to be trusted."""
    msg = f"{name}: two pieces of the simulation differ where they meet, at {time_s:.1f} s"
    raise ChildProcessError(msg)


@dataclass(frozen=True)
class _Piece:
    """What one process computes."""

    channel: int
    start: int
    end: int


def _frames(seconds: float, sample_rate: float) -> int:
    return round(seconds * sample_rate)


def _cut(frames: int, sample_rate: float, workers: int) -> list[tuple[int, int]]:
    """Return the bounds of pieces of one length, as many as keep every worker busy to the end."""
    rounds = max(1, round(frames / (_PIECE_S * sample_rate * workers)))
    count = rounds * workers if frames > _WARM_UP_S * sample_rate * workers else 1
    edges = np.linspace(0, frames, count + 1).round().astype(int).tolist()
    return [(start, end) for start, end in itertools.pairwise(edges) if start < end]


def _ngspice() -> str:
    """Return the path of ngspice."""
    program = shutil.which("ngspice")
    if program is None:
        msg = (
            "ngspice is not installed: apt-get install ngspice, brew install ngspice, "
            "or https://ngspice.sourceforge.io"
        )
        raise FileNotFoundError(msg)
    return program


def _run(
    program: str, netlist: str, dry: Audio, sample_rate: float, factor: int, piece: _Piece, warm_up_s: float
) -> NDArray[np.float64]:
    """Return the piece's output and what follows until the next piece can be compared with it."""
    warm_up = min(_frames(warm_up_s, sample_rate), piece.start)
    silence = _frames(_FADE_S, sample_rate) if warm_up == 0 else 0
    after = _frames(_SEAM_S, sample_rate) + _TAPS
    segment = dry[piece.start - warm_up : piece.end + after].astype(np.float64)
    wanted = min(piece.end + after - _TAPS, len(dry)) - piece.start
    if warm_up:
        # The operating point is the circuit's at rest only if the piece begins there.
        fade = min(_frames(_FADE_S, sample_rate), warm_up)
        segment[:fade] *= np.linspace(0, 1, fade)
    segment = np.concatenate([np.zeros(silence), segment, np.zeros(_TAPS)])
    steps = _interpolate(segment, factor)
    out = _decimate(_play(program, netlist, steps, 1 / (factor * sample_rate)), factor)
    return out[silence + warm_up :][:wanted]


def _play(program: str, netlist: str, steps: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return the voltage at ``out`` at every step, that at ``in`` being given there."""
    with tempfile.TemporaryDirectory(prefix="ngspice-") as folder:
        text = "%d %.8g\n" * steps.size % tuple(value for pair in enumerate(steps.tolist()) for value in pair)
        Path(folder, "input.txt").write_text(text, encoding="ascii")
        # The tolerance of charges only serves to shorten steps: so large a one keeps them all alike.
        Path(folder, "circuit.cir").write_text(
            "a circuit and its input\n"
            f"{netlist}\n"
            "Asource %v([in]) source\n"
            f'.model source filesource(file="input.txt" timescale={step:.17g} timeoffset={_PHASE * step:.17g}'
            " timerelative=false amplstep=false amploffset=[0] amplscale=[1])\n"
            ".options method=trap reltol=1e-4 vntol=1e-8 chgtol=1 itl4=50\n"
            ".save v(out)\n"
            f".tran {step:.17g} {steps.size * step:.17g} 0 {step:.17g}\n"
            ".end\n",
            encoding="ascii",
        )
        run = subprocess.run(
            [program, "-b", "-r", "out.raw", "circuit.cir"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        raw = Path(folder, "out.raw")
        data = raw.read_bytes().partition(b"Binary:\n")[2] if raw.exists() else b""
        points = np.frombuffer(data[: len(data) // 16 * 16]).reshape(-1, 2)
    last = (steps.size - 2) * step
    if run.returncode != 0 or not points.size or points[-1, 0] < last or not np.isfinite(points).all():
        said = [line for line in (run.stderr + run.stdout).splitlines() if line.strip()]
        msg = "ngspice gave up:\n" + "\n".join(said[-8:])
        raise ChildProcessError(msg)
    times = (np.arange(steps.size) + _PHASE) * step
    voltage: NDArray[np.float64] = np.interp(times, points[:, 0], points[:, 1])
    return voltage


def _filter(factor: int) -> NDArray[np.float64]:
    """Return a low-pass of unit gain for a rate ``factor`` times higher (Kaiser, 1974), of odd length."""
    taps = np.arange(-_TAPS // 2 * factor, _TAPS // 2 * factor + 1)
    response: NDArray[np.float64] = np.sinc(2 * _PASS * taps / factor) * np.kaiser(taps.size, _KAISER_BETA)
    response /= response.sum()
    return response


def _interpolate(audio: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return ``audio`` at a rate ``factor`` times higher, without delay."""
    spread = np.zeros(audio.size * factor)
    spread[::factor] = factor * audio
    return _convolve(spread, _filter(factor))


def _decimate(audio: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return ``audio`` at a rate ``factor`` times lower, without delay."""
    return _convolve(audio, _filter(factor))[::factor]


def _convolve(audio: NDArray[np.float64], response: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``audio`` through a symmetric response of odd length, by Fourier transforms."""
    size = 1 << (audio.size + response.size - 1).bit_length()
    product = np.fft.rfft(audio, size) * np.fft.rfft(response, size)
    delay = response.size // 2
    convolved: NDArray[np.float64] = np.fft.irfft(product, size)[delay : delay + audio.size]
    return convolved
