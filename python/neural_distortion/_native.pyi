from typing import Final, TypedDict, final

import numpy as np
import numpy.typing as npt

__all__ = ["Loudness", "Model", "Resampler", "__version__", "instruction_sets"]

__version__: Final[str]

def instruction_sets() -> list[str]: ...

class _Metadata(TypedDict):
    name: str | None
    modeled_by: str | None
    gear_make: str | None
    gear_model: str | None
    gear_type: str | None
    tone_type: str | None
    loudness_db: float | None
    gain: float | None
    input_level_dbu: float | None
    output_level_dbu: float | None
    validation_esr: float | None
    raw: str | None
    warnings: list[str]

@final
class Model:
    quality: float
    def __new__(
        cls,
        data: bytes,
        *,
        file: str | None,
        prewarm: bool,
        compat: list[str],
        math: str,
        instruction_set: str | None,
        rate_factor: int,
        anti_aliasing: str,
    ) -> Model: ...
    def render(
        self,
        audio: npt.NDArray[np.float32],
        sample_rate: float,
        *,
        parameters: npt.NDArray[np.float32] | None,
        resample: bool,
        threads: int | None,
    ) -> npt.NDArray[np.float32]: ...
    def process(
        self,
        audio: npt.NDArray[np.float32],
        sample_rate: float,
        *,
        parameters: npt.NDArray[np.float32] | None,
        reset: bool,
    ) -> npt.NDArray[np.float32]: ...
    def usual(self, data: bytes | None = None) -> Model: ...
    def write(self, target: str, name: str) -> bytes: ...
    def layers(self) -> list[tuple[str, str, int, int, list[int], str, int]]: ...
    def reset(self) -> None: ...
    def fresh(self) -> Model: ...
    def clone(self) -> Model: ...
    @property
    def unstable(self) -> bool: ...
    @property
    def self_test(self) -> tuple[float, bool] | None: ...
    @property
    def sizes(self) -> list[float]: ...
    @property
    def parameters(self) -> list[tuple[str, float, float, float]]: ...
    @property
    def instruction_set(self) -> str: ...
    @property
    def anti_aliasing(self) -> str: ...
    @property
    def architecture(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def sample_rate(self) -> float | None: ...
    @property
    def receptive_field(self) -> int: ...
    @property
    def latency_samples(self) -> int: ...
    @property
    def num_parameters(self) -> int: ...
    @property
    def metadata(self) -> _Metadata: ...

@final
class Resampler:
    def __new__(cls, sample_rate: float, rate: float, *, channels: int) -> Resampler: ...
    def process(self, audio: npt.NDArray[np.float32], *, last: bool) -> npt.NDArray[np.float32]: ...
    @property
    def reach(self) -> int: ...

@final
class Loudness:
    def __new__(cls, sample_rate: float, *, channels: int) -> Loudness: ...
    def process(self, audio: npt.NDArray[np.float32]) -> None: ...
    @property
    def integrated(self) -> float | None: ...
