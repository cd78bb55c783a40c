"""The types that signatures share."""

import os
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Audio: TypeAlias = npt.NDArray[np.float32]
"""Float32 samples, ``(frames,)`` or ``(channels, frames)``."""

PathLike: TypeAlias = str | os.PathLike[str]
