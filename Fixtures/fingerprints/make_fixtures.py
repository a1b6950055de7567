"""Writes shared.rnw: the fingerprints of made-up layers, and under the key `checks` of its metadata what every reader finds of
values that are off. Each line is

    LAYER SEED SIZE LAYOUT ERROR

for the layer's values, which are the probe of its own seed, plus SIZE times the probe of SEED; in the layout; and the error
to six digits. Run it from here: PYTHONPATH=../../Bindings/python/src:../../Bindings/python/tests python3 make_fixtures.py
(numpy 2.4.6). The sums are added here one by one, as the page of the format says.
"""

import base64
import json
import struct
from pathlib import Path

import numpy as np

import rnw
from rnw._fingerprints import fingerprints
from writer import Draft, network

LAYERS = {"stem.conv": ([1, 6, 5, 7], 31), "stage1.block1.add": ([1, 3, 4, 2], 32), "head.dense": ([1, 11], 33)}
FAMILY = ["conv1", "", "fc"]


def draws(seed):
    state = seed
    while True:
        state = state + 0x9E3779B97F4A7C15 & (1 << 64) - 1
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & (1 << 64) - 1
        z = (z ^ z >> 27) * 0x94D049BB133111EB & (1 << 64) - 1
        yield z ^ z >> 31


def fingerprint(values):
    sums, generator, word = [0.0] * 16, draws(16), 0
    for index, value in enumerate(values.reshape(-1).tolist()):
        word = next(generator) if index % 4 == 0 else word >> 16
        for k in range(16):
            sums[k] += -value if word >> k & 1 else value
    exponent = next(e for e in range(-128, 128) if round(max(map(abs, sums)) / 2.0**e) < 1 << 23)
    bits = struct.unpack("<I", struct.pack("<f", float(np.abs(values).max())))[0]
    largest = bits + 0xFFFF >> 16
    integers = [round(total / 2.0**exponent) for total in sums]
    return struct.pack("<bH", exponent, largest) + b"".join(i.to_bytes(3, "little", signed=True) for i in integers)


def main():
    names = sorted(LAYERS)
    record = {
        "order": base64.b64encode(b"".join(struct.pack("<H", names.index(name)) for name in LAYERS)).decode(),
        "sums": base64.b64encode(b"".join(fingerprint(rnw.probe(*layer)) for layer in LAYERS.values())).decode(),
        "layers": {name: shape for name, (shape, _) in LAYERS.items()},
        "names": FAMILY,
        "limits": {"head.dense": 1e-3},
    }
    certificate = {
        "node": "head.dense", "limit": 2e-5, "values": [1.0], "probe": {"seed": 1, "shape": [1, 4, 4, 3]},
        "fingerprints": record,
    }  # fmt: skip
    draft = Draft(network())
    draft.metadata["rnw.certificate"] = json.dumps(certificate)
    prints = {layer.name: layer for layer in fingerprints("shared.rnw", certificate)}
    lines = []
    for number, (name, (shape, seed)) in enumerate(LAYERS.items()):
        for size in (0, 2**-20, 2**-16, 2**-10, 1):
            values = rnw.probe(shape, seed) + np.float32(size) * rnw.probe(shape, 40 + number)
            error = prints[name].error(values.reshape(-1))
            lines.append(f"{name} {40 + number} {size!r} {'NCHW' if len(lines) % 2 else 'NHWC'} {error:.5e}")
    draft.metadata["checks"] = "\n".join(lines)
    draft.write(Path("shared.rnw"))


if __name__ == "__main__":
    main()
