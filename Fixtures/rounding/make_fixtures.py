"""Makes rounding.npz: what numpy and ml_dtypes give for float32 values in float16, bfloat16 and int8.

    python make_fixtures.py

`values` are float32 bit patterns (uint32): ties, the borders of the subnormal and finite ranges of both 16-bit formats,
and random ones of every exponent; `float16` and `bfloat16` the bits of each. `kernel` [O, I, H, W] has channels of
zeros, of one value, of ties and of tiny values; `integers`, `scales` and `widened` are the same as symmetric int8.
"""

import ml_dtypes
import numpy as np

generator = np.random.default_rng(1)


def bits(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def neighbours(value: float) -> list[int]:
    return [(bits(value) + step) & 0xFFFFFFFF for step in (-2, -1, 0, 1, 2)]


edges: list[int] = []
for value in (
    # float16: smallest normal, subnormal steps and ties between them, largest and what rounds beyond it
    2.0**-14, 2.0**-24, 2.0**-25, 1.5 * 2.0**-24, 2.5 * 2.0**-24, 2.0**-14 - 2.0**-25, 65504, 65519.99, 65520, 65536,
    # ties in the middle of the range: even and odd neighbours
    2049, 2051, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-8, 1 + 3 * 2.0**-8,
    # bfloat16: smallest normal, subnormal steps, largest
    2.0**-126, 2.0**-133, 2.0**-134, 1.5 * 2.0**-133, 3.3895314e38, 3.3961775e38,
    # float32's own smallest and largest
    1e-45, 3.4028235e38,
):  # fmt: skip
    edges += neighbours(value) + neighbours(-value)
edges += [0, 0x80000000, 0x7F800000, 0xFF800000]
drawn = generator.integers(0, 2**32, 4000, dtype=np.uint64).astype(np.uint32)
values = np.concatenate([np.array(edges, np.uint64).astype(np.uint32), drawn])
values = values[~np.isnan(values.view(np.float32))]

kernel = generator.normal(0, 0.05, (8, 5, 3, 3)).astype(np.float32)
kernel[1] = 0
kernel[2] = -0.75
kernel[3] = (np.arange(45).reshape(5, 3, 3) - 20.5) / 8
kernel[3, 0, 0, 0] = 127 / 8  # a scale of 1/8 exactly: the others are ties
kernel[4] *= 1e-38
kernel[5] *= 1e38
kernel[6, 0, 0, 0] = -3
kernel[7] = -0.0

largest = np.abs(kernel).max(axis=(1, 2, 3))
scales = np.where(largest > 0, largest / np.float32(127), np.float32(1)).astype(np.float32)
column = scales.reshape(-1, 1, 1, 1)
integers = np.clip(np.rint(kernel.astype(np.float64) / column), -127, 127).astype(np.int8)

with np.errstate(over="ignore"):
    np.savez(
        "rounding.npz",
        values=values,
        float16=values.view(np.float32).astype(np.float16).view(np.uint16),
        bfloat16=values.view(np.float32).astype(ml_dtypes.bfloat16).view(np.uint16),
        kernel=kernel,
        integers=integers,
        scales=scales,
        widened=integers.astype(np.float32) * column,
    )
