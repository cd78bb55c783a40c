"""What is known of an output: a row of the manifest."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """An output, and all that made it; or what was to be made, and why it was not.

    Attributes
    ----------
    output : str
        Where it is, from the folder of outputs; of a failed one that has no file, without a suffix.
    status : "done" or "failed"
        Whether it is there and whole.
    error_kind, error : str or None
        What went wrong: the class of the error, the kind of a ModelError behind it, and the message.
    input, model : str
        The files that it was made from.
    input_sha256, model_sha256 : str or None
        What was in them; None where they could not be read.
    gain_db, level_db : float
        Gains before and after the model, in dB; the first as it was drawn where it is random.
    parameters : mapping of str to float
        The knobs that were set.
    quality : float
        The size of the model, from 0 (smallest) to 1 (full).
    anti_aliasing, math, compat, instruction_set : str
        How the model was compiled; for what instructions, None where it was not.
    seed : int
        What the random part of the gain was drawn from.
    segment : int
        The number of the piece, from 1; 0 where the input is in one piece.
    start_s, duration_s : float
        Which part of the input it is, in seconds.
    sample_rate, channels : int
        Of the output, in Hz, as the input has them.
    loudness_in_lufs, loudness_out_lufs : float or None
        Loudness of what went into the model and of the output, by ITU-R BS.1770-4; None for silence, and for
        less than 0.4 s.
    peak : float
        The largest magnitude of the output; where it is more than 1, formats of integers clip it.
    output_sha256 : str or None
        What is in the file.
    version : str
        The version of this package that rendered it.
    recipe_sha256 : str or None
        All that decides what is in the file, the processor excepted: with another one it is rendered again.
    """

    output: str
    status: Literal["done", "failed"] = "done"
    error_kind: str | None = None
    error: str | None = None
    input: str
    model: str
    input_sha256: str | None = None
    model_sha256: str | None = None
    gain_db: float
    level_db: float
    parameters: Mapping[str, float]
    quality: float
    anti_aliasing: str
    math: str
    compat: str
    instruction_set: str | None
    seed: int
    segment: int = 0
    start_s: float = 0.0
    duration_s: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    loudness_in_lufs: float | None = None
    loudness_out_lufs: float | None = None
    peak: float = 0.0
    output_sha256: str | None = None
    version: str
    recipe_sha256: str | None = None

    def flat(self) -> dict[str, str | int | float | bool | None]:
        """Return the row as columns of a table; the parameters are JSON."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return columns | {"parameters": json.dumps(dict(self.parameters), sort_keys=True)}

    def to_json(self) -> str:
        """Return the row as a line of JSON."""
        return json.dumps({name: getattr(self, name) for name in COLUMNS}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Row":
        """Return the row that :meth:`to_json` wrote."""
        columns: dict[str, Any] = json.loads(text)
        return cls(**columns)


_KINDS: Mapping[Any, type] = {float: float, float | None: float, int: int}

COLUMNS = {field.name: _KINDS.get(field.type, str) for field in dataclasses.fields(Row)}
"""The names of the columns, in their order, and what is in them."""
