"""The engine in a pipeline of somebody else's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neural_distortion._typing import Audio, PathLike
from neural_distortion.model import load


class RenderModel:
    """A model as a step of a ``ray.data`` pipeline: one column is audio, another becomes what it makes of it.

    It is for ``Dataset.map_batches``, and for ``Dataset.map``. Ray makes one for each of its workers, and
    that reads the model once::

        dataset.map_batches(
            nd.batch.RenderModel,
            fn_constructor_args=["amp.nam"],
            fn_constructor_kwargs={"sample_rate": 48_000},
            concurrency=8,
        )

    It can also be called from several threads at a time, which share the weights.

    Parameters
    ----------
    model : path-like or bytes
        A model file, which the worker must see, or what is in one.
    sample_rate : float > 0, optional
        The rate of all audio, in Hz; without it, a column ``sample_rate`` says it.
    audio, output : str
        The columns of the dry and the wet signals. A signal is ``(frames,)`` or ``(channels, frames)``; those
        of a batch may differ in length.
    gain_db, level_db : float
        Gains before and after the model, in dB.
    parameters : sequence of float, optional
        A setting for each knob of the model.
    quality : float
        Size of the model, from 0 (smallest) to 1 (full).
    **loading
        As :func:`neural_distortion.load` takes it: ``anti_aliasing``, ``math``, ….

    Examples
    --------
    >>> import neural_distortion as nd
    >>> render = nd.batch.RenderModel(nd.example_model("soft-clip"), sample_rate=48_000)
    >>> sorted(render({"audio": np.zeros((2, 480)), "label": np.array(["a", "b"])}))
    ['audio', 'label', 'wet']
    """

    def __init__(
        self,
        model: PathLike | bytes,
        *,
        sample_rate: float | None = None,
        audio: str = "audio",
        output: str = "wet",
        gain_db: float = 0.0,
        level_db: float = 0.0,
        parameters: list[float] | None = None,
        quality: float = 1.0,
        **loading: Any,  # noqa: ANN401  (what `load` takes)
    ) -> None:
        self._model = load(model if isinstance(model, bytes) else Path(model), **loading)
        self._model.quality = quality
        self._sample_rate = sample_rate
        self._audio, self._output = audio, output
        self._gain, self._level = 10 ** (gain_db / 20), 10 ** (level_db / 20)
        self._parameters = parameters

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Return a batch, or a row, with the wet signals in it, too."""
        signals = batch[self._audio]
        rates = batch["sample_rate"] if self._sample_rate is None else self._sample_rate
        if isinstance(signals, np.ndarray) and signals.dtype != object and signals.ndim == 1:
            return {**batch, self._output: self._render(signals, float(rates))}
        pairs = zip(signals, np.broadcast_to(rates, len(signals)), strict=True)
        wet = [self._render(np.asarray(signal), float(rate)) for signal, rate in pairs]
        if isinstance(signals, np.ndarray) and signals.dtype != object:
            return {**batch, self._output: np.stack(wet)}
        ragged = np.empty(len(wet), dtype=object)
        ragged[:] = wet
        return {**batch, self._output: ragged}

    def _render(self, dry: np.ndarray, sample_rate: float) -> Audio:
        """Return what the model makes of one signal."""
        audio = (self._gain * dry).astype(np.float32)
        pieces = self._model.stream([audio], sample_rate, parameters=self._parameters)
        wet = np.concatenate([np.zeros_like(audio[..., :0]), *pieces], axis=-1)
        return (self._level * wet).astype(np.float32)
