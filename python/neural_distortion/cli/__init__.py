"""The command ``neural-distortion``.

What goes wrong is one line on standard error and a status of 1, or of 2 where the command line itself was not
understood.
"""

import sys
from collections.abc import Sequence

import typer
from rich.markup import escape

from neural_distortion._extra import MissingExtra
from neural_distortion.cli import (
    analysis,
    batch,
    capture,
    convert,
    demo,
    doctor,
    info,
    many,
    render,
    simulation,
    training,
)
from neural_distortion.cli.console import messages

app = typer.Typer(
    add_completion=False,
    help="Neural models of guitar distortion: play through them, measure them, train them.",
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for command in (
    demo.demo,
    info.info,
    render.render,
    batch.render_many,
    convert.convert,
    doctor.doctor,
    analysis.analyze,
    analysis.compare,
    analysis.bench,
    capture.capture_signal,
    capture.check,
    simulation.simulate,
    training.generate,
    training.train,
    training.reduce_aliasing,
    many.train_many,
):
    app.command()(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        status = app(args=arguments or ["--help"], prog_name="neural-distortion", standalone_mode=False)
    except typer.TyperException as error:
        status = _complain(error.format_message(), error.exit_code)
    except OSError as error:
        status = _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
    except (ValueError, MissingExtra) as error:
        status = _complain(str(error), 1)
    sys.exit(status)


def _complain(message: str, status: int) -> int:
    """Say what went wrong, in one line."""
    messages.print(f"[bold red]error:[/] {escape(' '.join(message.split()))}")
    return status
