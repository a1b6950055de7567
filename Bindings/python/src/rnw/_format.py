"""The header of a `.rnw` file, and everything that a reader must refuse."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from mmap import mmap
from typing import TypeAlias, TypeGuard

from ._json import JSONObject, is_whole, strict_object

Buffer: TypeAlias = "bytes | mmap"

LONGEST_HEADER = 100_000_000
ALIGNMENT = 64
METADATA_CHECKSUM = "rnw.metadata-crc32"
CODED_TYPES = ("F32", "F16", "BF16", "I8")
# The records that hold JSON beside rnw.tensors, and whether every file has them.
DOCUMENTS = {"rnw.configuration": True, "rnw.preprocessing": True, "rnw.source": True, "rnw.certificate": False}
# The major versions that are read, of any minor version. A version has one spelling.
MAJOR_VERSIONS = (1, 2)
VERSION = re.compile(r"(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})")
NAME = re.compile(r"[!-~]{1,256}")

# Planes of zeros take no bytes, so that a small file can claim any number of elements: the page of the format has these
# limits. One tensor; all tensors in a file of any size, which is a ResNet152; and what each byte of the file adds.
LARGEST_TENSOR = 1 << 32
LARGEST_OF_ANY_FILE = 1 << 28
LARGEST_FOR_A_BYTE = 32

# What an element of each type is for numpy. It has no bfloat16: those are the bits.
NUMPY_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip


class RNWError(ValueError):
    """A file that cannot be what it claims: one line with the file, the place, and what was expected there."""

    def __init__(self, path: str, place: str, problem: str) -> None:
        super().__init__(one_line(f"{path}: {place}: {problem}"))
        self.path, self.place, self.problem = path, place, problem


@dataclass(frozen=True)
class TensorRecord:
    """What the header says about one tensor. `begin` and `end` count from the start of the file.

    `scales` is the name of the tensor by whose elements the integers of each output channel are multiplied. A tensor
    that is the same as another has the place, encoding and checksums of that one.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    encoding: str
    checksum: int
    stored_checksum: int | None
    begin: int
    end: int
    scales: str | None = None

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def width(self) -> int:
        return element_width(self.dtype)


@dataclass(frozen=True)
class Header:
    metadata: dict[str, str]
    tensors: dict[str, TensorRecord]
    documents: dict[str, JSONObject]


def read_header(path: str, data: Buffer) -> Header:
    """The header of a whole file in memory, or `RNWError`. Tensors come in the order of their bytes."""
    start = data_start(path, data)
    header = json_object(path, "header", decoded_text(path, data[8:start]))
    metadata = checked_metadata(path, header.pop("__metadata__", None))
    records = json_object(path, "rnw.tensors", metadata["rnw.tensors"])
    check_names(path, [*header, *records])
    duplicates = {name for name, record in records.items() if isinstance(record, dict) and "sameAs" in record}
    for name in sorted((records.keys() - duplicates) ^ header.keys()):
        if name in duplicates:
            raise RNWError(path, f"tensor {quoted(name)}", "expected no entry in the header beside sameAs")
        missing = "the header" if name in records else "rnw.tensors"
        raise RNWError(path, f"tensor {quoted(name)}", f"expected an entry in {missing} as well")
    tensors = [tensor_record(path, name, entry, records[name], start) for name, entry in header.items()]
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.end))
    check_coverage(path, tensors, start, len(data))
    named = {tensor.name: tensor for tensor in tensors}
    named |= {name: duplicate(path, name, records[name], named) for name in sorted(duplicates)}
    for tensor in named.values():
        check_scales(path, tensor, named)
    check_sizes(path, named, len(data))
    return Header(metadata, named, documents(path, metadata))


def documents(path: str, metadata: dict[str, str]) -> dict[str, JSONObject]:
    """The records that hold JSON: each that is there is one object."""
    for key, required in DOCUMENTS.items():
        if required and key not in metadata:
            raise RNWError(path, key, "expected this key in __metadata__")
    return {key: json_object(path, key, metadata[key]) for key in DOCUMENTS if key in metadata}


def check_names(path: str, names: list[str]) -> None:
    for name in names:
        if not NAME.fullmatch(name):
            problem = "expected a name of 1 to 256 visible characters of ASCII"
            raise RNWError(path, f"tensor {quoted(name)}", problem)


def check_sizes(path: str, tensors: dict[str, TensorRecord], size: int) -> None:
    for tensor in tensors.values():
        if tensor.count * tensor.width > LARGEST_TENSOR:
            problem = f"expected at most {LARGEST_TENSOR} bytes of elements, its shape has {tensor.count * tensor.width}"
            raise RNWError(path, f"tensor {quoted(tensor.name)}", problem)
    limit = LARGEST_OF_ANY_FILE + LARGEST_FOR_A_BYTE * size
    total = sum(tensor.count * tensor.width for tensor in tensors.values())
    if total > limit:
        problem = f"expected at most {limit} bytes of elements in a file of {size} bytes, its tensors have {total}"
        raise RNWError(path, "rnw.tensors", problem)


def data_start(path: str, data: Buffer) -> int:
    if len(data) < 8:
        raise RNWError(path, "offset 0", f"expected the 8 bytes of the header's length, the file has {len(data)}")
    length: int = struct.unpack_from("<Q", data)[0]
    if length > LONGEST_HEADER:
        raise RNWError(path, "offset 0", f"expected a header of at most {LONGEST_HEADER} bytes, it says {length}")
    if 8 + length > len(data):
        raise RNWError(path, "offset 0", f"expected a header of {length} bytes, the file ends after {len(data) - 8}")
    if (8 + length) % ALIGNMENT:
        raise RNWError(path, "offset 0", f"expected tensors to begin at a multiple of 64, not at {8 + length}")
    return 8 + length


def decoded_text(path: str, raw: bytes) -> str:
    if not raw.startswith(b"{"):
        raise RNWError(path, "offset 8", "expected a JSON object that begins with {")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RNWError(path, f"offset {8 + error.start}", "expected UTF-8") from None


def checked_metadata(path: str, metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise RNWError(path, "__metadata__", "expected an object of strings")
    if metadata.get("format") != "rnw":
        raise RNWError(path, "format", f'expected "rnw", found {quoted(metadata.get("format"))}')
    version = VERSION.fullmatch(metadata.get("rnw.version", ""))
    if version is None or int(version[1]) not in MAJOR_VERSIONS:
        read = " or ".join(f"{major}.x" for major in MAJOR_VERSIONS)
        raise RNWError(path, "rnw.version", f"expected {read}, found {quoted(metadata.get('rnw.version'))}")
    if any("\0" in key or "\0" in value for key, value in metadata.items()):
        raise RNWError(path, "__metadata__", "expected no NUL in a key or a value")
    check_metadata_checksum(path, metadata)
    if "rnw.tensors" not in metadata:
        raise RNWError(path, "rnw.tensors", "expected this key in __metadata__")
    return metadata


def check_metadata_checksum(path: str, metadata: dict[str, str]) -> None:
    stated = metadata.get(METADATA_CHECKSUM)
    pairs = sorted((key.encode(), value.encode()) for key, value in metadata.items() if key != METADATA_CHECKSUM)
    actual = str(zlib.crc32(b"".join(key + b"\0" + value + b"\0" for key, value in pairs)))
    if stated != actual:
        raise RNWError(path, METADATA_CHECKSUM, f"expected {actual}, as the metadata gives, found {quoted(stated)}")


def tensor_record(path: str, name: str, entry: object, record: object, start: int) -> TensorRecord:
    """Joins what the safetensors entry and the record in `rnw.tensors` say, which must fit."""
    place = f"tensor {quoted(name)}"
    if not isinstance(entry, dict) or not isinstance(record, dict):
        raise RNWError(path, place, "expected an object")
    if entry.keys() != {"dtype", "shape", "data_offsets"}:
        problem = f"expected an entry of dtype, shape and data_offsets, found {quoted(', '.join(entry))}"
        raise RNWError(path, place, problem)
    encoding, dtype = record.get("encoding"), record.get("dtype")
    if encoding not in ("raw", "planes"):
        raise RNWError(path, place, f"expected the encoding raw or planes, found {quoted(encoding)}")
    if encoding == "raw" and "storedCRC32" in record:
        raise RNWError(path, place, "expected storedCRC32 only beside the encoding planes")
    known = NUMPY_TYPES if encoding == "raw" else CODED_TYPES
    if not isinstance(dtype, str) or dtype not in known:
        raise RNWError(path, place, f"expected a type of {', '.join(known)}, found {quoted(dtype)}")
    begin, end = offsets(path, place, entry.get("data_offsets"))
    tensor = TensorRecord(
        name, dtype, dimensions(path, place, record.get("shape")), encoding,
        checksum(path, place, record, "crc32"),
        checksum(path, place, record, "storedCRC32") if encoding == "planes" else None,
        start + begin, start + end, scales_name(path, place, record),
    )  # fmt: skip
    check_entry(path, place, entry, tensor)
    return tensor


def duplicate(path: str, name: str, record: JSONObject, stored: dict[str, TensorRecord]) -> TensorRecord:
    """The record of a tensor whose bytes are those of another, which has an entry itself: no chains, no cycles."""
    place, encoding, other = f"tensor {quoted(name)}", record.get("encoding"), record["sameAs"]
    if encoding != "same" or "storedCRC32" in record:
        problem = f"expected the encoding same, without storedCRC32, beside sameAs, found {quoted(encoding)}"
        raise RNWError(path, place, problem)
    target = stored.get(other) if isinstance(other, str) else None
    if (
        target is None
        or target.encoding != "planes"
        or target.dtype != record.get("dtype")
        or target.shape != dimensions(path, place, record.get("shape"))
        or target.checksum != checksum(path, place, record, "crc32")
    ):
        problem = f"expected sameAs to name a stored tensor of its type, shape and crc32, found {quoted(other)}"
        raise RNWError(path, place, problem)
    return replace(target, name=name, scales=scales_name(path, place, record))


def check_entry(path: str, place: str, entry: JSONObject, tensor: TensorRecord) -> None:
    """The safetensors entry is that of the stored bytes: the elements themselves, or one row of coded bytes."""
    size = tensor.end - tensor.begin
    coded = tensor.encoding == "planes"
    dtype, shape = ("U8", (size,)) if coded else (tensor.dtype, tensor.shape)
    if entry.get("dtype") != dtype:
        raise RNWError(path, place, f"expected the stored type {dtype}, found {quoted(entry.get('dtype'))}")
    if dimensions(path, place, entry.get("shape")) != shape:
        raise RNWError(path, place, f"expected the stored shape {list(shape)}, found {quoted(entry.get('shape'))}")
    if not coded and size != tensor.count * tensor.width:
        raise RNWError(path, place, f"expected {tensor.count * tensor.width} bytes, its offsets span {size}")


def scales_name(path: str, place: str, record: JSONObject) -> str | None:
    if "scales" not in record:
        return None
    name = record["scales"]
    if not isinstance(name, str) or record.get("dtype") != "I8":
        raise RNWError(path, place, f"expected the name of a tensor as scales, of integers I8; found {quoted(name)}")
    return name


def check_scales(path: str, tensor: TensorRecord, tensors: dict[str, TensorRecord]) -> None:
    """The scales are one float32 for every index of the first dimension, and have no scales themselves."""
    if tensor.scales is None:
        return
    scales = tensors.get(tensor.scales)
    if (
        scales is None
        or tensor.scales != f"{tensor.name}.scales"
        or scales.dtype != "F32"
        or len(tensor.shape) == 0
        or scales.shape != tensor.shape[:1]
    ):
        problem = f"expected scales named after it, F32 of {list(tensor.shape[:1])}, found {quoted(tensor.scales)}"
        raise RNWError(path, f"tensor {quoted(tensor.name)}", problem)


def check_coverage(path: str, tensors: list[TensorRecord], start: int, size: int) -> None:
    """The tensors' bytes follow one another without holes, and the last ends with the file."""
    position = start
    for tensor in tensors:
        if tensor.begin != position:
            kind = "overlap" if tensor.begin < position else "hole"
            problem = f"expected its bytes to begin at {position}, they begin at {tensor.begin} ({kind})"
            raise RNWError(path, f"tensor {quoted(tensor.name)}", problem)
        position = tensor.end
    if position != size:
        raise RNWError(path, f"offset {min(position, size)}", f"expected the file to end at {position}, not at {size}")


def json_object(path: str, place: str, text: str) -> JSONObject:
    try:
        return strict_object(text)
    except ValueError as error:
        raise RNWError(path, place, str(error)) from None


def offsets(path: str, place: str, value: object) -> tuple[int, int]:
    if not is_list_of_sizes(value) or len(value) != 2 or value[0] > value[1]:
        raise RNWError(path, place, f"expected data_offsets [begin, end], found {quoted(value)}")
    return value[0], value[1]


def dimensions(path: str, place: str, value: object) -> tuple[int, ...]:
    # numpy has no arrays of more dimensions or bytes than this, be they empty.
    if not is_list_of_sizes(value) or len(value) > 32 or math.prod(max(size, 1) for size in value) >= 1 << 59:
        raise RNWError(path, place, f"expected a shape, found {quoted(value)}")
    return tuple(value)


def checksum(path: str, place: str, record: JSONObject, key: str) -> int:
    value = record.get(key)
    if type(value) is not int or not 0 <= value < 1 << 32:
        raise RNWError(path, place, f"expected a CRC-32 as {key}, found {quoted(value)}")
    return value


def is_list_of_sizes(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(map(is_whole, value))


def element_width(dtype: str) -> int:
    return int(NUMPY_TYPES[dtype][2:])


def quoted(value: object) -> str:
    """A value of a file in a message: never long, whatever the file holds."""
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= 80 else text[:79] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def one_line(text: str) -> str:
    return "".join(printable(text))


def printable(text: str) -> Iterator[str]:
    for character in text:
        yield character if character.isprintable() else character.encode("unicode_escape").decode()
