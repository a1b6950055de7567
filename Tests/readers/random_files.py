"""Valid `.rnw` files by a seed, with all the liberties that the page of the format gives a writer, and what is in them."""

import json
import math
import random
import struct
import zlib

import numpy as np

TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip
CODED = ["F32", "F16", "BF16", "I8"]
# Names that a language may have a meaning of its own for, and every sign that is allowed.
NAMES = ["__proto__", "constructor", "toString", "length", "0", "1e3", "-", "stem.conv.weight", "null", "NaN", '"', "\\", "\\u0041",
         "{}", "'", "crc32", "x" * 256]  # fmt: skip
SIGNS = [chr(code) for code in range(0x21, 0x7F)]
TEXTS = ["", "é", "e\u0301", "\uffee", "\U00010000", "\U0001f600", "\u2028", "\x7f", "\t\n", '"\\/', "\ue000", "ключ", "\ufeff", "z"]
NUMBERS = ["0", "-0", "1", "-1", "0.5", "1e3", "1E-3", "1e308", "5e-324", "1e-999", "9007199254740993", "18446744073709551615",
           "1" * 64, "0." + "1" * 62]  # fmt: skip


class Writer:
    """A file in the making. `bytes()` is the file, `digests()` the line that every reader must print for it."""

    def __init__(self, seed):
        self.random = random.Random(f"rnw/{seed}")
        self.arrays, self.records, self.stored = {}, {}, {}
        for _ in range(self.random.choice((0, 1, 2, 3, 5, 8, 12))):
            self.add_tensor()

    # Tensors

    def add_tensor(self):
        dtype = self.random.choice(CODED if self.random.random() < 0.7 else list(TYPES))
        name = self.new_name(200 if dtype == "I8" else 256)
        if dtype in CODED and self.random.random() < 0.2 and self.repeat(name):
            return
        shape = self.shape()
        self.store(name, dtype, self.elements(dtype, math.prod(shape)).reshape(shape))
        self.add_scales(name)

    def repeat(self, name):
        """Another tensor of the bytes of one that is there."""
        others = [other for other, record in self.records.items() if record["encoding"] == "planes"]
        if not others:
            return False
        other = self.random.choice(others)
        record = {key: self.records[other][key] for key in ("dtype", "shape", "crc32")}
        self.records[name] = record | {"encoding": "same", "sameAs": other}
        self.arrays[name] = self.arrays[other]
        if len(name) <= 200:
            self.add_scales(name)
        return True

    def add_scales(self, name):
        record, scales = self.records[name], f"{name}.scales"
        if record["dtype"] != "I8" or not record["shape"] or scales in self.records or self.random.random() < 0.3:
            return
        self.store(scales, "F32", self.elements("F32", record["shape"][0]))
        record["scales"] = scales

    def store(self, name, dtype, array):
        plain = array.tobytes()
        record = {"dtype": dtype, "shape": list(array.shape), "encoding": "raw", "crc32": zlib.crc32(plain)}
        stored = plain
        if dtype in CODED and self.random.random() < 0.7:
            stored = self.planes(array, dtype)
            record |= {"encoding": "planes", "storedCRC32": zlib.crc32(stored)}
        if self.random.random() < 0.1:
            record[self.text()] = self.value(1)
        self.records[name], self.arrays[name], self.stored[name] = record, array, stored

    def new_name(self, longest):
        while True:
            signs = "".join(self.random.choices(SIGNS, k=self.random.choice((1, 2, 8, 40))))
            name = self.random.choice([*NAMES, signs, signs, signs])[:longest]
            if name not in self.records:
                return name

    def shape(self):
        most = self.random.choice((1, 4, 16, 16, 64, 64, 3000))
        shape = []
        for _ in range(self.random.choice((0, 1, 1, 2, 3, 4, 4, 7, 32))):
            left = most // math.prod(max(1, size) for size in shape)
            shape.append(self.random.randint(0 if self.random.random() < 0.05 else 1, max(1, left)))
        return shape

    def elements(self, dtype, count):
        kind = np.dtype(TYPES[dtype])
        rng = np.random.default_rng(self.random.getrandbits(64))
        match self.random.randrange(5):
            case 0:
                bits = bytes(count * kind.itemsize)
            case 1:  # Every pattern, of NaNs too.
                bits = rng.bytes(count * kind.itemsize)
            case 2:  # One value, again and again.
                bits = rng.bytes(kind.itemsize) * count
            case 3 if dtype == "F32":  # Wide copies of bfloat16.
                bits = (rng.integers(0, 1 << 16, count).astype("<u4") << np.uint32(16)).tobytes()
            case _:
                values = rng.normal(0, 0.05, count).astype("<f4")
                wide = {"F32": values, "F64": values, "F16": values, "BF16": values.view("<u4") >> np.uint32(16)}
                bits = wide.get(dtype, np.clip(values * 600, -127, 127)).astype(kind, casting="unsafe").tobytes()
        return np.frombuffer(bits, kind)

    # The encoding planes

    def planes(self, array, dtype):
        width = array.dtype.itemsize
        per_block = 1 << self.random.choice((0, 1, 4, 8, 10, 17, 24))
        bits = array.reshape(-1).view({4: "<u4", 2: "<u2", 1: "u1"}[width]).astype(np.uint32)
        if dtype == "F32":
            bits = (bits << np.uint32(1) & np.uint32(0xFF000000)) | (bits >> np.uint32(31)) << np.uint32(23) | bits & np.uint32(0x7FFFFF)
        if dtype == "BF16":
            bits = (bits << np.uint32(1) & np.uint32(0xFF00)) | (bits >> np.uint32(15)) << np.uint32(7) | bits & np.uint32(0x7F)
        rows = bits.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 4 - width :]
        parts = [
            self.plane(rows[first : first + per_block, plane].tobytes())
            for first in range(0, len(rows), per_block)
            for plane in range(width)
        ]
        blocks = len(parts) // width
        return struct.pack(f"<II{len(parts)}I", per_block, blocks, *map(len, parts)) + b"".join(parts)

    def plane(self, plain):
        """Zeros without bytes, the bytes as they are, or any deflate stream that is shorter: of all kinds of blocks."""
        if not any(plain) and self.random.random() < 0.7:
            return b""
        if self.random.random() < 0.2:
            return plain
        strategy = self.random.choice((zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FILTERED))
        stream = zlib.compressobj(self.random.randrange(10), zlib.DEFLATED, -self.random.randint(9, 15), 9, strategy)
        middle = self.random.randint(0, len(plain))
        result = stream.compress(plain[:middle])
        if self.random.random() < 0.2:
            result += stream.flush(self.random.choice((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_BLOCK)))
        result += stream.compress(plain[middle:]) + stream.flush()
        return result if len(result) < len(plain) else plain

    # Texts

    def text(self):
        return "".join(self.random.choices(TEXTS, k=3)) + str(self.random.randrange(1000))

    def value(self, depth):
        """Any JSON but null, nested at most as deep as may be; a number is a `Number`."""
        kind = self.random.randrange(5 if depth >= 10 else 8)
        if kind >= 5:
            items = {self.text(): self.value(depth + 1) for _ in range(self.random.randrange(3))}
            return items if kind == 5 else list(items.values())
        return self.text() if kind == 0 else kind == 1 if kind < 3 else Number(self.random.choice(NUMBERS))

    def json(self, value):
        """One of the ways to write it."""
        space = self.random.choice(("", " ", "\n\t", " \r\n"))
        escapes = self.random.random() < 0.5

        def written(value):
            if isinstance(value, Number):
                return value.digits
            if isinstance(value, dict):
                pairs = list(value.items())
                self.random.shuffle(pairs)
                items = (f"{written(key)}{space}:{space}{written(item)}" for key, item in pairs)
                return "{" + space + f"{space},{space}".join(items) + space + "}"
            if isinstance(value, list):
                return "[" + f"{space},{space}".join(map(written, value)) + "]"
            return json.dumps(value, ensure_ascii=escapes)

        return written(value) + " " * self.random.choice((0, 0, 3))

    # The file

    def bytes(self):
        names = list(self.stored)
        self.random.shuffle(names)
        names.sort(key=lambda name: len(self.stored[name]) % 64 != 0)
        entries, data = {}, b""
        for name in names:
            record, stored = self.records[name], self.stored[name]
            coded = record["encoding"] == "planes"
            entries[name] = {
                "dtype": "U8" if coded else record["dtype"], "shape": [len(stored)] if coded else record["shape"],
                "data_offsets": [len(data), len(data) + len(stored)],
            }  # fmt: skip
            data += stored
        header = self.json({"__metadata__": self.metadata()} | entries).encode()
        header += b" " * (-(8 + len(header)) % 64 + self.random.choice((0, 0, 64)))
        return struct.pack("<Q", len(header)) + header + data

    def metadata(self):
        version = self.random.choice(("1.0", "1.0", "2.0", f"{self.random.choice('12')}.{self.random.randrange(10000)}"))
        metadata = {"format": "rnw", "rnw.version": version, "rnw.tensors": self.json(self.records)}
        for key in ("configuration", "preprocessing", "source", "certificate"):
            if key != "certificate" or self.random.random() < 0.7:
                metadata[f"rnw.{key}"] = self.json({self.text(): self.value(2) for _ in range(self.random.randrange(4))})
        for _ in range(self.random.randrange(4)):
            metadata[self.text()] = self.text()
        pairs = sorted((key.encode(), value.encode()) for key, value in metadata.items())
        content = b"".join(key + b"\0" + value + b"\0" for key, value in pairs)
        return metadata | {"rnw.metadata-crc32": str(zlib.crc32(content))}

    def digests(self):
        """What the programs beside this one print."""
        scales = {record.get("scales") for record in self.records.values()}
        return "opened" + "".join(f"; {name} {self.digest(name)}" for name in sorted(self.records.keys() - scales))

    def digest(self, name):
        record, array = self.records[name], self.arrays[name]
        dtype, scales, values = record["dtype"], b"", b""
        if "scales" in record:
            factors = self.arrays[record["scales"]]
            scales = factors.tobytes()
            with np.errstate(all="ignore"):
                values = array.astype("<f4") * factors.reshape(-1, *[1] * (array.ndim - 1))
        elif dtype == "F16":
            with np.errstate(all="ignore"):
                values = array.astype("<f4")
        elif dtype == "BF16":
            values = (array.astype("<u4") << np.uint32(16)).view("<f4")
        if not isinstance(values, bytes):
            values = np.where(np.isnan(values), np.array(0x7FC00000, "<u4").view("<f4"), values).tobytes()
        shape = ",".join(map(str, record["shape"]))
        return f"{dtype} [{shape}] {zlib.crc32(array.tobytes())} {zlib.crc32(scales)} {zlib.crc32(values)}"


class Number:
    """A number as its digits, of which a float would keep fewer."""

    def __init__(self, digits):
        self.digits = digits
