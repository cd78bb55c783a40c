"""``neural-distortion capture-signal`` and ``check``: from a device to recordings that can be trained on."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.markup import escape

from neural_distortion import io
from neural_distortion._typing import Audio
from neural_distortion.cli.console import messages, output

if TYPE_CHECKING:
    from neural_distortion.training import CaptureReport

WARNING_STATUS = 3
ERROR_STATUS = 4
"""What `check` ends with; 1 and 2 are for what goes wrong with every command."""

_COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_SHOWN = 4


def capture_signal(
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where the signal goes: a WAV file.")],
    rate: Annotated[int, typer.Option(help="The rate to record at, in Hz.")] = 48_000,
) -> None:
    """Write the signal to play through a device, and say what is in it.

    Three minutes, the same each time: clicks, silence, sweeps, noise, tones, plucked strings and guitar,
    from -60 to 0 dBFS. Play it through the device, record what comes out in one take, and let check look at
    both.
    """
    from neural_distortion import training

    signal = training.capture_signal(rate)
    io.write(target, signal.audio, rate, subtype="PCM_24")
    for section in signal.sections:
        output.print(f"  {section.start_s:5.0f} s  {section.name:18}{section.text}")
    output.print(f"{escape(str(target))}: {signal.audio.size / rate:g} s at {rate} Hz, 24 bit, mono")


def check(
    dry: Annotated[Path, typer.Argument(metavar="DRY", help="What was played.")],
    wet: Annotated[Path, typer.Argument(metavar="WET", help="What was recorded.")],
    plot: Annotated[Path | None, typer.Option(help="Draw it here, for example as a PNG.")] = None,
    json_: Annotated[  # noqa: FBT002 - typer makes a flag of it
        bool, typer.Option("--json", help="Print what is found as JSON.")
    ] = False,
) -> None:
    """Say what is wrong with a recording, and how to mend it, before a training is wasted on it.

    Looks for a wrong sample rate, silence, a wrong file, drift, a missing end, inverted polarity, delay,
    clipping, dropouts, an offset, noise, hum, and changes between passages that come twice. DRY may be the
    signal of `capture-signal`, one of NAM's, Proteus', or any other.

    Ends with 0 if training can take it as it is, with 3 if it will be worse than it could be, and with 4 if
    there is no use in training.
    """
    from neural_distortion import training

    played, rate = io.read(dry)
    heard, wet_rate = io.read(wet)
    report = training.check(_one(played, dry), _one(heard, wet), rate, wet_rate=wet_rate)
    if plot:
        report.figure().savefig(plot)
    if json_:
        sys.stdout.write(json.dumps(report.to_dict(), indent=2, allow_nan=False) + "\n")
    else:
        _print(report, wet)
    if report.severity in ("warning", "error"):
        raise typer.Exit(WARNING_STATUS if report.severity == "warning" else ERROR_STATUS)


def _print(report: "CaptureReport", wet: Path) -> None:
    """Say what was found, and what could not be looked for."""
    for finding in report.findings:
        colour = _COLOURS[finding.severity]
        output.print(f"[{colour}]{finding.severity}: {finding.name}[/]: {escape(finding.text)}")
        if finding.where_s:
            places = [f"{start:.2f} to {end:.2f} s" for start, end in finding.where_s[:_SHOWN]]
            more = len(finding.where_s) - _SHOWN
            output.print(f"  at {', '.join(places)}{f' and {more} more' if more > 0 else ''}")
        output.print(f"  expected {escape(finding.expected)}")
        output.print(f"  {escape(finding.mend)}")
    if not report.findings:
        output.print(f"[green]fine:[/] nothing is wrong with {escape(str(wet))}")
    for reason in dict.fromkeys(report.unchecked.values()):
        names = ", ".join(name for name, why in report.unchecked.items() if why == reason)
        messages.print(f"not looked for: {escape(names)}, because {escape(reason)}")


def _one(audio: Audio, path: Path) -> Audio:
    """Return the only channel of a file, or either of two that are the same."""
    if audio.ndim == 1:
        return audio
    if not np.ptp(audio, axis=0).any():
        return np.asarray(audio[0])
    msg = f"{path}: {audio.shape[0]} channels that differ: export the one that was recorded, as mono"
    raise ValueError(msg)
