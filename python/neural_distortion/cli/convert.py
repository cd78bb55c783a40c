"""``neural-distortion convert``: a model as another kind of file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from neural_distortion.cli.console import output
from neural_distortion.cli.option import Loading, with_loading
from neural_distortion.model import Format, load


@with_loading
def convert(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Where to.")],
    to: Annotated[
        Format | None, typer.Option(help="What to write; without it, the suffix of OUTPUT says.")
    ] = None,
    quality: Annotated[
        float, typer.Option(help="Size of a program, 0 (smallest) to 1 (full); model files have all.")
    ] = 1.0,
    *,
    loading: Loading,
) -> None:
    """Write a model as another kind of model file, and check that it plays the same, or as a program.

    What the file says beside the model is kept. What the format cannot express is an error that names the
    place. Programs are ONNX graphs, C++17 headers and Rust modules.
    """
    loaded = load(model, **loading)
    if target.exists() and target.samefile(model):
        msg = f"{target} would be converted onto itself"
        raise ValueError(msg)
    loaded.quality = quality
    max_error = loaded.save(target, format=to)
    checked = "" if max_error is None else f", largest error {max_error:.2g}"
    output.print(f"{escape(str(target))}: {target.stat().st_size:,} bytes{checked}")
