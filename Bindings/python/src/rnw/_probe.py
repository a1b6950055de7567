"""The input that everyone can make: SplitMix64, as the page of the format says."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

STEP = 0x9E3779B97F4A7C15
WORD = (1 << 64) - 1


def probe(
    shape: Sequence[int],
    seed: int,
    scale: Sequence[float] | None = None,
    offset: Sequence[float] | None = None,
) -> npt.NDArray[np.float32]:
    """Random values in [-1, 1) of the shape [N, H, W, C], times a scale and plus an offset of each channel."""
    count = math.prod(shape)
    # The state after i values is seed + i * STEP, so no value waits for another. uint64 wraps, as it should.
    state = np.arange(1, count + 1, dtype=np.uint64)
    state *= np.uint64(STEP)
    state += np.uint64(seed & WORD)
    highest: npt.NDArray[np.float32] = (mixed(state) >> np.uint64(40)).astype(np.float32)
    highest *= np.float32(2**-23)
    highest -= np.float32(1)
    values = highest.reshape(shape)
    if scale is None and offset is None:
        return values
    wide = values.astype(np.float64) * (1.0 if scale is None else np.asarray(scale, np.float64))
    wide += 0.0 if offset is None else np.asarray(offset, np.float64)
    return wide.astype(np.float32)


def mixed(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state
