"""What all commands that load models take: how they are read, and what they are compiled for."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypedDict, get_args

import typer

from neural_distortion import model

Compat = Annotated[
    list[str] | None,
    typer.Option(
        help=f"Another reading of the file: {', '.join(get_args(model.Compat))}.", rich_help_panel="Loading"
    ),
]
Math = Annotated[
    Literal["exact", "fast"],
    typer.Option(help="Exact activations, or NAM's approximations.", rich_help_panel="Loading"),
]
InstructionSet = Annotated[
    str | None,
    typer.Option(help="avx512, avx2, neon or baseline; by default, the best.", rich_help_panel="Loading"),
]
AntiAliasing = Annotated[
    str,
    typer.Option(
        help="Against aliases: off, eco, standard, best, or a method, such as 4x or adaa2.",
        rich_help_panel="Loading",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")]


class Loading(TypedDict):
    """What :func:`neural_distortion.load` takes beside the file."""

    compat: list[str]
    math: Literal["exact", "fast"]
    instruction_set: str | None
    anti_aliasing: str


def with_loading(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of loading, all of which it gets as ``loading``."""

    def with_options(
        *,
        compat: Compat = None,
        math: Math = "exact",
        instruction_set: InstructionSet = None,
        anti_aliasing: AntiAliasing = "off",
        **own: Any,  # noqa: ANN401  (what typer makes of a command's own options)
    ) -> None:
        loading = Loading(
            compat=compat or [], math=math, instruction_set=instruction_set, anti_aliasing=anti_aliasing
        )
        command(**own, loading=loading)

    own = {name: known for name, known in inspect.signature(command).parameters.items() if name != "loading"}
    common = list(inspect.signature(with_options).parameters.values())[:-1]
    together = [known.replace(kind=inspect.Parameter.KEYWORD_ONLY) for known in [*own.values(), *common]]
    functools.update_wrapper(with_options, command)
    with_options.__signature__ = inspect.Signature(together)  # type: ignore[attr-defined]
    with_options.__annotations__ = {known.name: known.annotation for known in together}
    del with_options.__wrapped__  # type: ignore[attr-defined]  # or typer would look through
    return with_options
