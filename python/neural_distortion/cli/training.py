"""``neural-distortion generate``, ``train`` and ``reduce-aliasing``: a model from recordings or a model."""

import math
from pathlib import Path
from time import perf_counter
from typing import Annotated, Self

import numpy as np
import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from neural_distortion import io, training
from neural_distortion.cli.console import messages, output
from neural_distortion.model import Format
from neural_distortion.training.material import read_material
from neural_distortion.training.report import plot_history

POOR_ESR = 0.1
"""From this error-to-signal ratio on, the model is likely to be the wrong one."""

_PICTURE_EVERY_S = 2.0


def generate(
    dry: Annotated[Path, typer.Argument(metavar="DRY", help="Where the input goes: a WAV file.")],
    wet: Annotated[Path, typer.Argument(metavar="WET", help="Where the output goes: a WAV file.")],
    signal: Annotated[
        training.Signal, typer.Option(help="A sine that rises from silence, or a mix of many sounds.")
    ] = "sine",
    peak: Annotated[float, typer.Option(help="Largest magnitude of the input; full scale is 1.")] = 5.0,
    seconds: Annotated[float, typer.Option(help="Length.")] = 10.0,
    sample_rate: Annotated[int, typer.Option(help="In Hz.")] = 44_100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise.")] = 0,
) -> None:
    """Write a dry and a wet recording to train on.

    The dry one is a 110 Hz sine that rises from silence to its peak, or an excitation: sweeps, noise, notes
    and chords, each from quiet to loud.

    The wet one is tanh(2x) + 0.15x² of the dry one. Both go beyond full scale at the default peak; they are
    written as 32-bit float, which does not clip. With a peak of 1 or less, DRY can also be played through
    real gear, to record a WET of one's own.
    """
    audio = training.generate(signal, sample_rate=sample_rate, duration_s=seconds, peak=peak, seed=seed)
    for path, samples in zip((dry, wet), audio, strict=True):
        io.write(path, samples, sample_rate, subtype="FLOAT")
        output.print(
            f"{escape(str(path))}: {len(samples) / sample_rate:g} s at {sample_rate} Hz, "
            f"{np.min(samples):.3g} to {np.max(samples):.3g}"
        )


def train(
    dry: Annotated[Path, typer.Argument(metavar="DRY", help="What went into the gear.")],
    wet: Annotated[str, typer.Argument(metavar="WET", help="What came out, aligned to the sample.")],
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[MODEL]", help="Where the model goes; by default, WET with another suffix."),
    ] = None,
    to: Annotated[
        Format | None, typer.Option(help="What to write; without it, the suffix of MODEL says.")
    ] = None,
    arch: Annotated[training.ArchitectureName, typer.Option(help="What to train.")] = "mlp",
    knob: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=0…1:WET",
            help="A further recording of the same DRY, and where the knob stood; several knobs have commas "
            "between them. Once for each recording.",
        ),
    ] = None,
    effort: Annotated[training.Effort, typer.Option(help="How long to train.")] = "normal",
    steps: Annotated[
        int | None, typer.Option(help="Changes of the weights, instead of the effort's.")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Passages at a time, instead of the usual.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="At its highest, instead of the usual.")] = None,
    hidden: Annotated[
        str, typer.Option(metavar="WIDTH,…", help="Widths of the hidden layers of an mlp, from the input.")
    ] = "16",
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores to use.")] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; by default a GPU of CUDA where there is one.")
    ] = None,
    align: Annotated[
        bool | None,
        typer.Option(
            "--align/--no-align",
            help="Undo the delay and the drift of the recordings first; by default, where DRY is a signal "
            "that is made for capturing.",
        ),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            "--start", metavar="MODEL", help="Begin with the weights of a model that was trained so."
        ),
    ] = None,
    fresh: Annotated[  # noqa: FBT002 - typer makes a flag of it
        bool, typer.Option("--fresh", help="Start anew, even if a killed training could go on.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="What the model is called.")] = None,
    input_level_dbu: Annotated[
        float | None, typer.Option(help="Level at the gear's input, in dBu, of a sine at full scale in DRY.")
    ] = None,
    output_level_dbu: Annotated[
        float | None, typer.Option(help="Level at its output, in dBu, of a sine at full scale in WET.")
    ] = None,
) -> None:
    """Train a model on a dry and a wet recording.

    A part of the recordings is held out, the last tenth unless DRY is made for capturing, and the weights
    that do best on it are kept. Ctrl-C ends the training and keeps the best so far; one that was killed goes
    on where it was when the same command is given again. An mlp has no memory: it suits gear whose output
    depends on the present sample alone. All others need PyTorch: pip install 'neural-distortion[train]'.

    With --knob, the model gets knobs. WET, which can have its setting in front too, stands in the middle of
    all of them otherwise: train dry.wav drive=0:low.wav --knob drive=0.5:mid.wav --knob drive=1:high.wav
    """
    takes = [parse_take(text) for text in (wet, *(knob or []))]
    suffix = ".aidax" if arch == "gru-16" else ".nam"
    model = model or Path(f"{takes[0][1].stem}{suffix}")
    if arch == "gru-16" and (to or model.suffix.removeprefix(".")) == "nam":
        msg = f"no .nam can hold a GRU: write {model.with_suffix('.aidax')} or {model.with_suffix('.json')}"
        raise ValueError(msg)
    if not model.resolve().parent.is_dir():
        msg = f"{model}: there is no such folder"
        raise ValueError(msg)
    widths = parse_widths(hidden)
    knobs = {
        key: [settings.get(key, 0.5) for settings, _ in takes] for settings, _ in takes for key in settings
    }
    files = [path for _, path in takes]
    material = read_material(dry, files, memory=arch != "mlp", undo_delay=align)
    for path, take in zip(files, material.aligned, strict=False):  # none, if nothing was undone
        output.print(
            f"{escape(str(path))}: {take.delay_samples:.1f} samples late, "
            f"drift {take.drift_ppm:.1f} ppm; both undone"
        )
    checkpoint = model.with_name(f"{model.name}.checkpoint")
    if fresh:
        checkpoint.unlink(missing_ok=True)
    told: dict[str, object] = {
        "name": name,
        "input_level_dbu": input_level_dbu,
        "output_level_dbu": output_level_dbu,
    }
    if material.provenance:
        told["training"] = material.provenance
    start = perf_counter()
    with Display(model.with_name(f"{model.stem}.training.png")) as display:
        fit = training.fit(
            material.dry,
            material.wet,
            material.sample_rate,
            arch=arch,
            knobs=knobs,
            learned=material.learned,
            judged=material.judged,
            effort=effort,
            steps=steps,
            batch=batch,
            learning_rate=learning_rate,
            hidden=widths,
            seed=seed,
            threads=threads,
            device=device,
            start=start_from,
            checkpoint=checkpoint,
            metadata={key: value for key, value in told.items() if value is not None},
            on_start=display.start,
            on_step=display.step,
            on_epoch=display.epoch,
        )
    fit.save(model, format=to)
    report = model.with_name(f"{model.stem}.training.html")
    fit.report(report, name=name or model.stem)
    if fit.interrupted:
        messages.print("[yellow]interrupted:[/] this is the best so far; the same command goes on from here")
    else:
        checkpoint.unlink(missing_ok=True)
    output.print(
        f"{escape(str(model))}: {arch}, {fit.num_parameters} weights, "
        f"ESR {fit.esr:.2e} ({10 * math.log10(fit.esr):.1f} dB) "
        f"on what it had not heard, in {clock(perf_counter() - start)}"
    )
    output.print(
        f"proof: the engine plays it as it was trained, to {fit.difference:.1e} of full scale"
        + (f"; roundings in PyTorch make {fit.rounding:.1e}" if fit.rounding else "")
    )
    if not fit.proven:
        messages.print("[red]not proven:[/] that is more than roundings explain; please report it")
    output.print(f"report: {escape(str(report))}")
    if fit.esr > POOR_ESR:
        hint = "train longer, or another architecture"
        if arch == "mlp":
            hint = "or the gear has a memory, which an mlp has not: try --arch lstm-16"
        messages.print(
            f"[yellow]warning:[/] that is a poor fit: the recordings may not be aligned to the sample, {hint}"
        )


def reduce_aliasing(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Where the model that aliases less goes.")],
    to: Annotated[
        Format | None, typer.Option(help="What to write; without it, the suffix of OUTPUT says.")
    ] = None,
    effort: Annotated[training.Effort, typer.Option(help="How long to train.")] = "quick",
    steps: Annotated[
        int | None, typer.Option(help="Changes of the weights, instead of the effort's.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores to use.")] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; by default a GPU of CUDA where there is one.")
    ] = None,
) -> None:
    """Train a copy of a model to alias less, for which it costs no more to play.

    It learns what the model makes of tones, without what lies between their harmonics, and what it makes of
    music. How much that helps, and what it does to the sound, depends on the model; both are printed. It
    needs PyTorch: pip install 'neural-distortion[train]'.
    """
    if target.exists() and target.samefile(model):
        msg = f"{target} would be trained onto itself"
        raise ValueError(msg)
    if not target.resolve().parent.is_dir():
        msg = f"{target}: there is no such folder"
        raise ValueError(msg)
    with Display(target.with_name(f"{target.stem}.training.png")) as display:
        found = training.reduce_aliasing(
            model,
            effort=effort,
            steps=steps,
            seed=seed,
            threads=threads,
            device=device,
            on_start=display.start,
            on_step=display.step,
            on_epoch=display.epoch,
        )
    found.fit.save(target, format=to)
    output.print("    tone     aliases before      after", highlight=False)
    for hertz, before, after in zip(
        found.before.frequencies_hz, found.before.asr_db, found.after.asr_db, strict=True
    ):
        output.print(f"{hertz:8.0f} Hz  {before:10.1f} dB {after:8.1f} dB", highlight=False)
    output.print(
        f"{escape(str(target))}: on a guitar that it had not heard, ESR {found.esr_after:.1e} against "
        f"the model without aliases, which has {found.esr_before:.1e} itself"
    )
    if found.gain_db.mean() <= 0 or found.esr_after > POOR_ESR:
        messages.print(
            "[yellow]warning:[/] that is no better: keep the model, and play it with anti-aliasing"
        )


class Display:
    """What is seen while a model is trained: the outlook, a line that moves, and a picture in a file."""

    def __init__(self, picture: Path) -> None:
        self._picture = picture
        self._history: list[training.Epoch] = []
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=messages,
        )
        self._task = self._progress.add_task("", figures="")
        self._loss = math.nan
        self._drawn = -math.inf
        self._steps = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._progress.live.is_started:
            self._progress.stop()
        if self._history:
            self._drawn = -math.inf
            self._draw()

    def start(self, outlook: training.Outlook) -> None:
        """Say what comes, before it does."""
        plan = f"{outlook.steps} steps"
        if outlook.done:
            plan += f", {outlook.done} of which are done"
        where = "the GPU" if outlook.device != "cpu" else f"{outlook.threads} core(s)"
        messages.print(
            f"{outlook.arch}, {outlook.num_parameters} weights: {plan}; "
            f"at most {clock(outlook.seconds)} on {where}"
        )
        self._steps = outlook.steps
        self._progress.update(
            self._task, description=outlook.arch, completed=outlook.done, total=outlook.steps
        )
        self._progress.start()

    def step(self, number: int, loss: float) -> None:
        """Move on by a step."""
        self._loss = loss if math.isnan(self._loss) else 0.95 * self._loss + 0.05 * loss
        self._progress.update(self._task, completed=number, figures=self._figures())

    def epoch(self, epoch: training.Epoch) -> None:
        """Show how good it has become."""
        self._history.append(epoch)
        self._draw()
        if self._steps:
            self._progress.update(self._task, figures=self._figures())
            return
        self._progress.start()
        self._loss = epoch.loss
        self._progress.update(
            self._task,
            description=epoch.stage,
            completed=epoch.number,
            total=epoch.total,
            figures=self._figures(),
        )

    def _draw(self) -> None:
        """Bring the picture up to date, unless it was only just drawn."""
        if perf_counter() - self._drawn > _PICTURE_EVERY_S:
            plot_history(self._history, self._picture, title=self._picture.stem.removesuffix(".training"))
            self._drawn = perf_counter()

    def _figures(self) -> str:
        figures = f"loss {self._loss:.2e}"
        if self._history:
            figures += f", ESR {self._history[-1].esr:.2e}, best {self._history[-1].best_esr:.2e}"
        return figures


def clock(seconds: float) -> str:
    """Return a length of time as one says it.

    >>> clock(4.2), clock(100), clock(9000)
    ('4.2 s', '1 min 40 s', '2 h 30 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def parse_take(text: str) -> tuple[dict[str, float], Path]:
    """Return the settings and the file in ``"drive=0.2,tone=0.5:a.wav"``; the settings may be missing.

    >>> parse_take("drive=0.2:a.wav")[0]
    {'drive': 0.2}
    """
    front, colon, path = text.partition(":")
    if not colon or "=" not in front:
        return {}, Path(text)
    try:
        pairs = [part.split("=") for part in front.split(",")]
        return {key.strip(): float(value) for key, value in pairs}, Path(path)
    except ValueError:
        msg = f"{text}: expected settings and a file, such as drive=0.2:a.wav or drive=0.2,tone=0.5:a.wav"
        raise ValueError(msg) from None


def parse_widths(text: str) -> tuple[int, ...]:
    """Return the numbers in ``"16,8"``."""
    try:
        return tuple(int(width) for width in text.split(","))
    except ValueError:
        msg = f"--hidden {text}: expected widths with commas between them, such as 16 or 16,8"
        raise ValueError(msg) from None
