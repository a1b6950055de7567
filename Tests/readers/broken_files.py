"""Files that are broken, or that look so: the table of cases, and changes by a seed to golden and random files.

All readers must find the same in each, whatever it is. Checksums of the metadata fit, so that no change hides behind them.
"""

import json
import random
import struct
import sys
import zlib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

from random_files import Writer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Fixtures/rnw"))
import make_cases  # noqa: E402

sys.dont_write_bytecode = True
loader = SourceFileLoader("mutate", str(ROOT / "Scripts/mutate"))
mutate = module_from_spec(spec_from_loader("mutate", loader))
loader.exec_module(mutate)

GOLDEN = sorted(path.name for path in (ROOT / "Fixtures/rnw").glob("*.rnw"))
VALUES = [0, 1, -1, 7.5, 2**31, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, True, "", "F32", "I8", "U8", "raw", "planes", "same",
          [], [0], [0, 0], [1, 2], [2**62, 2**62], [0, 2**58], [1] * 33, {}, {"a": 1}]  # fmt: skip


def cases():
    """Name, bytes, and whether readers open it."""
    for name, answer, content in make_cases.stored_cases():
        yield name, content, answer != "refused"


def cut_files():
    """Every golden file and some small ones, cut where something ends, and at places between."""
    rng = random.Random(0)
    whole = [(name, (ROOT / "Fixtures/rnw" / name).read_bytes()) for name in GOLDEN]
    for name, content in whole + [(f"random {seed}", Writer(seed).bytes()) for seed in range(20)]:
        end = 8 + struct.unpack_from("<Q", content)[0]
        for size in {0, 1, 7, 8, 9, end - 1, end, len(content) - 1, *(rng.randrange(len(content)) for _ in range(16))}:
            yield f"{name} cut to {size} bytes", content[: max(0, size)]
        yield f"{name} with a byte more", content + b"\0"
        for length in (0, 1, end - 9, end - 7, end + 56, 100_000_000, 100_000_056, 2**32, 2**53, 2**63 - 8, 2**63, 2**64 - 8, 2**64 - 1):
            yield f"{name} with a header of {length}", struct.pack("<Q", length) + content[8:]


def changed_files(count, seed):
    for number in range(count):
        rng = random.Random(f"{seed}/broken/{number}")
        try:
            content = rng.choice((changed_text, changed_records, changed_planes, changed_bytes))(rng)
        except UnicodeEncodeError:  # Half a pair, which has no bytes.
            continue
        yield f"{seed}/broken/{number}", content


def changed_text(rng):
    parts = make_cases.Parts(rng.choice(GOLDEN))
    for _ in range(rng.choice((1, 1, 2))):
        mutate.change(parts, rng)
    return parts.bytes()


def changed_bytes(rng):
    return mutate.changed(Writer(rng.getrandbits(32)).bytes(), rng)


class Open:
    """A random file in parts that can be changed."""

    def __init__(self, rng):
        while True:
            content = Writer(rng.getrandbits(32)).bytes()
            end = 8 + struct.unpack_from("<Q", content)[0]
            self.entries, self.data = json.loads(content[8:end]), content[end:]
            self.metadata = self.entries.pop("__metadata__")
            self.records = json.loads(self.metadata["rnw.tensors"])
            if self.records:
                break

    def bytes(self):
        self.metadata["rnw.tensors"] = json.dumps(self.records)
        del self.metadata["rnw.metadata-crc32"]
        pairs = sorted((key.encode(), value.encode()) for key, value in self.metadata.items())
        self.metadata["rnw.metadata-crc32"] = str(zlib.crc32(b"".join(key + b"\0" + value + b"\0" for key, value in pairs)))
        header = json.dumps({"__metadata__": self.metadata} | self.entries).encode()
        header += b" " * (-(8 + len(header)) % 64)
        return struct.pack("<Q", len(header)) + header + self.data


def changed_records(rng):
    """A field of a record or an entry is another, is there twice, or is missing; names, places and sizes are exchanged."""
    file = Open(rng)
    for _ in range(rng.choice((1, 1, 2))):
        table = rng.choice([table for table in (file.entries, file.records) if table])
        name = rng.choice(sorted(table))
        fields = table[name]
        if not isinstance(fields, dict) or not fields:
            continue
        key = rng.choice(sorted(fields))
        match rng.randrange(8):
            case 0 | 1:
                fields[key] = rng.choice(VALUES)
            case 2:
                del fields[key]
            case 3:
                fields[rng.choice(("sameAs", "scales", "storedCRC32", "encoding", "x"))] = rng.choice([*VALUES, *table])
            case 4:
                fields[key] = table[rng.choice(sorted(table))][key] if rng.random() < 0.5 and len(table) == 1 else fields[key]
                other = rng.choice(sorted(table))
                table[name], table[other] = table[other], table[name]
            case 5:
                del table[name]
            case 6 if "data_offsets" in fields and isinstance(fields["data_offsets"], list) and len(fields["data_offsets"]) == 2:
                at = rng.randrange(2)
                if type(fields["data_offsets"][at]) is int:
                    fields["data_offsets"][at] += rng.choice((-64, -4, -1, 1, 4, 64, 1 << 40))
            case _:
                shape = fields.get("shape")
                if isinstance(shape, list):
                    shape.insert(rng.randrange(len(shape) + 1), rng.choice((0, 1, 1, 2, 1 << 24, 1 << 31, 1 << 40)))
    return file.bytes()


def changed_planes(rng):
    """Other bytes of a coded tensor, with checksums that fit: only who decodes them sees what they are."""
    while True:
        file = Open(rng)
        coded = [name for name in sorted(file.entries) if file.records[name]["encoding"] == "planes"]
        if coded:
            break
    name = rng.choice(coded)
    begin, end = file.entries[name]["data_offsets"]
    stored = bytearray(file.data[begin:end])
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.choice((rng.randrange(len(stored)), rng.randrange(min(len(stored), 24)), len(stored) - 1))
        match rng.randrange(6):
            case 0:
                stored[at] ^= 1 << rng.randrange(8)
            case 1:
                stored[at] = rng.choice((0, 1, 255, stored[at] + 1 & 255, stored[at] - 1 & 255))
            case 2:  # The number of elements, of blocks, or a size.
                struct.pack_into("<I", stored, rng.randrange(len(stored) // 4) * 4, rng.choice((0, 1, 2, 3, 4, 8, 1 << 24, 1 << 25, 2**32 - 1)))
            case 3 if len(stored) > 12:  # A byte more or less at the end of a plane, and in its size.
                sized(stored, rng, rng.choice((-1, 1)))
            case 4 if len(stored) > 12:  # A stream of many times what its plane holds.
                bomb = zlib.compress(bytes(1 << 20), 9)[2:-4]
                struct.pack_into("<I", stored, 8, len(bomb))
                stored += bomb
            case _:
                del stored[rng.randrange(len(stored)) :]
        if len(stored) < 12:
            break
    delta = len(stored) - (end - begin)
    file.data = file.data[:begin] + bytes(stored) + file.data[end:]
    for entry in file.entries.values():
        entry["data_offsets"] = [offset + delta if offset >= end and entry is not file.entries[name] else offset
                                 for offset in entry["data_offsets"]]  # fmt: skip
    file.entries[name] |= {"shape": [len(stored)], "data_offsets": [begin, begin + len(stored)]}
    file.records[name]["storedCRC32"] = zlib.crc32(stored)
    return file.bytes()


def sized(stored, rng, by):
    per_block, blocks = struct.unpack_from("<II", stored)
    places = [place for place in range(8, min(len(stored) - 3, 8 + 16 * blocks), 4)]
    place = rng.choice(places)
    size = struct.unpack_from("<I", stored, place)[0]
    if 0 < size + by < 2**32:
        struct.pack_into("<I", stored, place, size + by)
        stored += b"\0" if by > 0 else b""
        if by < 0:
            del stored[-1]
