"""A writer of `.rnw` files for tests, made from the page of the format alone. Every part can be spoiled."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np

import rnw

WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "I8": 1}


SOURCE = {"file": "a.pth", "sha256": "0" * 64, "container": "torch-zip", "family": "torch", "tool": "rnw",
          "used": {}, "waived": {}, "renamedLayers": {}}  # fmt: skip
PREPROCESSING = {
    "inputSize": 224,
    "preprocessing": {"channelOrder": "RGB", "inputRange": 1, "mean": [0, 0, 0], "deviation": [1, 1, 1]},
}
# The smallest network: `network` has its tensors.
CONFIGURATION = {
    "block": {"kind": "basic", "order": "preActivation", "stridedConvolution": "spatial", "stridedBlock": "first",
              "hasInnerBiases": False, "hasLastBias": False},
    "stages": [{"blocks": 1, "innerChannels": 2, "outputChannels": 2, "stride": 1}],
    "stem": {"convolutions": [{"kernel": 1, "stride": 1, "outputChannels": 2, "hasBias": False}], "hasNorm": False,
             "poolPadding": "zero"},
    "shortcut": {"placement": "whereShapeChanges", "input": "raw", "kind": "convolution", "hasBias": False},
    "norm": {"batch": {"epsilon": 1e-5}},
    "head": {"hasPooling": True, "classes": 2, "hasSoftmax": False},
    "inputChannels": 3, "normalizesInput": False,
}  # fmt: skip


class Draft:
    """A file in the making: change anything, then `write`. `finish=False` leaves the metadata's checksum as it is."""

    def __init__(self, tensors: dict, encoding: str = "planes", per_block: int = 16) -> None:
        """`tensors` are names and arrays; uint16 stands for bfloat16, a pair is of int8 and their scales."""
        self.metadata = {
            "format": "rnw",
            "rnw.version": "1.0",
            "rnw.configuration": json.dumps(CONFIGURATION),
            "rnw.preprocessing": json.dumps(PREPROCESSING),
            "rnw.source": json.dumps(SOURCE | {"used": {name: f"source.{name}" for name in tensors}}),
        }
        self.entries, self.records, self.data = {}, {}, b""
        for name, array in tensors.items():
            if isinstance(array, tuple):
                self.add(name, array[0], encoding, per_block)
                self.add(f"{name}.scales", array[1], encoding, per_block)
                self.records[name]["scales"] = f"{name}.scales"
            else:
                self.add(name, array, encoding, per_block)

    def add(self, name: str, array: np.ndarray, encoding: str, per_block: int) -> None:
        dtype = {"float32": "F32", "float16": "F16", "uint16": "BF16", "int8": "I8"}[str(array.dtype)]
        plain = array.tobytes()
        stored = planes(array, dtype, per_block) if encoding == "planes" else plain
        self.records[name] = {
            "dtype": dtype, "shape": list(array.shape), "encoding": encoding, "crc32": zlib.crc32(plain)
        }  # fmt: skip
        if encoding == "planes":
            self.records[name]["storedCRC32"] = zlib.crc32(stored)
        entry = ("U8", [len(stored)]) if encoding == "planes" else (dtype, list(array.shape))
        offsets = [len(self.data), len(self.data) + len(stored)]
        self.entries[name] = {"dtype": entry[0], "shape": entry[1], "data_offsets": offsets}
        self.data += stored

    def repeat(self, name: str, other: str) -> None:
        """Another tensor with the bytes of one that is there."""
        record = {key: self.records[other][key] for key in ("dtype", "shape", "crc32")}
        self.records[name] = record | {"encoding": "same", "sameAs": other}

    def store(self, name: str, stored: bytes) -> None:
        """Other coded bytes for the only tensor, under a checksum that fits."""
        self.records[name]["storedCRC32"] = zlib.crc32(stored)
        self.entries[name].update(shape=[len(stored)], data_offsets=[0, len(stored)])
        self.data = stored

    def header(self, finish: bool = True) -> bytes:
        if finish:
            self.metadata["rnw.tensors"] = json.dumps(self.records)
            self.metadata["rnw.metadata-crc32"] = str(metadata_checksum(self.metadata))
        return json.dumps({"__metadata__": self.metadata} | self.entries, ensure_ascii=False).encode()

    def write(self, path: Path, header: bytes | None = None) -> Path:
        header = self.header() if header is None else header
        header += b" " * (-(8 + len(header)) % 64)
        path.write_bytes(struct.pack("<Q", len(header)) + header + self.data)
        return path


def metadata_checksum(metadata: dict[str, str]) -> int:
    content = b""
    for key in sorted((key for key in metadata if key != "rnw.metadata-crc32"), key=str.encode):
        content += key.encode() + b"\0" + metadata[key].encode() + b"\0"
    return zlib.crc32(content)


def planes(array: np.ndarray, dtype: str, per_block: int) -> bytes:
    """The encoding of the page, written for clearness: one element at a time."""
    width = WIDTHS[dtype]
    bits = array.reshape(-1).view({4: np.uint32, 2: np.uint16, 1: np.uint8}[width]).tolist()
    blocks = [bits[first : first + per_block] for first in range(0, len(bits), per_block)]
    table, parts = [], []
    for block in blocks:
        elements = [rearranged(element, dtype).to_bytes(width, "big") for element in block]
        for plane in range(width):
            part = packed(bytes(element[plane] for element in elements))
            table.append(len(part))
            parts.append(part)
    return struct.pack(f"<II{len(table)}I", per_block, len(blocks), *table) + b"".join(parts)


def rearranged(bits: int, dtype: str) -> int:
    if dtype in ("F16", "I8"):
        return bits
    total, mantissa = (32, 23) if dtype == "F32" else (16, 7)
    sign, exponent = bits >> (total - 1), bits >> mantissa & 0xFF
    return exponent << (mantissa + 1) | sign << mantissa | bits & ((1 << mantissa) - 1)


def packed(plane: bytes) -> bytes:
    if not any(plane):
        return b""
    shorter = deflated(plane)
    return shorter if len(shorter) < len(plane) else plane


def deflated(plain: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(plain) + stream.flush()


def sample(seed: int = 1) -> dict[str, np.ndarray]:
    """A kernel, a norm and a bias, with every special value among them."""
    rng = np.random.default_rng(seed)
    kernel = rng.normal(0, 0.1, (4, 3, 3, 3)).astype(np.float32)
    special = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1.5, 3.4e38], np.float32)
    return {"stem.conv.weight": kernel, "stem.norm.scale": special, "head.dense.bias": np.zeros(5, np.float32)}


def network(seed: int = 2) -> dict[str, np.ndarray]:
    """The tensors of CONFIGURATION."""
    shapes = {"stem.conv.weight": (2, 3, 1, 1), "stage1.block1.conv1.weight": (2, 2, 3, 3),
              "stage1.block1.conv2.weight": (2, 2, 3, 3), "head.dense.weight": (2, 2), "head.dense.bias": (2,)}  # fmt: skip
    for norm in ("stage1.block1.norm1", "stage1.block1.norm2", "final.norm"):
        shapes |= {f"{norm}.{role}": (2,) for role in ("scale", "shift", "mean", "variance")}
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.1, 1, shape).astype(np.float32) for name, shape in shapes.items()}


def all_checksums_hold(path: Path) -> bool:
    """Of any tensors: `rnw.verify` also wants them to be a network's."""
    with rnw.load(path) as weights:
        for name in weights:
            weights.check(name)
    return True
