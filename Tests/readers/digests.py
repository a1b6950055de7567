"""Reads paths from standard input and prints a line for each: what the reader in Python finds in the file.

Scripts/check-readers compares that with what the others print.
"""

import sys
import zlib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Bindings/python/src"))
import rnw  # noqa: E402


def line(path):
    try:
        with rnw.load(path) as weights:
            return "opened" + "".join(f"; {name} {digest(weights, name)}" for name in sorted(weights))
    except rnw.RNWError as error:
        assert "\n" not in str(error)
        return "refused"


def digest(weights, name):
    record = weights.tensors[name]
    try:
        values, bits, scales = weights[name], weights.bits(name), weights.scales(name)
    except rnw.RNWError:
        return "refused"
    rounded = record.dtype in ("F16", "BF16") or scales is not None
    values = values.astype("<f4") if rounded else np.empty(0, "<f4")
    # Of what is not a number only that it is none is the same everywhere.
    values = np.where(np.isnan(values), np.array(0x7FC00000, "<u4").view("<f4"), values)
    sums = [zlib.crc32(np.ascontiguousarray(array).tobytes()) for array in (bits, () if scales is None else scales, values)]
    return f"{record.dtype} [{','.join(map(str, record.shape))}] {' '.join(map(str, sums))}"


for path in sys.stdin:
    print(line(path.rstrip("\n")), flush=True)
