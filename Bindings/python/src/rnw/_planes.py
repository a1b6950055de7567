"""The encoding `planes`: floats split by what their bits hold, exponents deflated.

Errors are plain `ValueError`s that say what was expected; the caller knows the file and the tensor.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._format import Buffer, element_width

Octets: TypeAlias = "npt.NDArray[np.uint8]"
Mapper: TypeAlias = "Callable[[Callable[[Block], None], Iterable[Block]], Iterable[None]]"

LARGEST_BLOCK = 1 << 24


@dataclass(frozen=True)
class Block:
    """One independent part: where its planes are stored, and the elements that they give."""

    first: int
    count: int
    offset: int
    sizes: tuple[int, ...]


def decode(stored: Buffer, dtype: str, count: int, mapper: Mapper) -> Octets:
    """The bytes of `count` elements, little-endian, one row for each. `mapper` may run blocks at the same time."""
    width = element_width(dtype)
    blocks = layout(stored, count, width)
    try:
        elements: Octets = np.empty((count, width), np.uint8)
    except MemoryError:
        raise ValueError(f"needs {count * width} bytes of memory, which there are not") from None

    def decode_block(block: Block) -> None:
        join(read_planes(stored, block), elements[block.first : block.first + block.count], dtype)

    for _ in mapper(decode_block, blocks):
        pass
    return elements


def layout(stored: Buffer, count: int, width: int) -> list[Block]:
    """The table of blocks, whose sizes must account for every byte."""
    per_block, number = block_counts(stored, count)
    table_end = 8 + 4 * number * width
    if table_end > len(stored):
        raise ValueError(f"expected a table of {table_end} bytes, there are {len(stored)}")
    sizes = struct.unpack_from(f"<{number * width}I", stored, 8)
    blocks, offset = [], table_end
    for index in range(number):
        first = index * per_block
        planes = sizes[index * width : (index + 1) * width]
        block = Block(first, min(per_block, count - first), offset, planes)
        if max(planes) > block.count:
            raise ValueError(f"expected planes of at most {block.count} bytes in block {index}, found {max(planes)}")
        blocks.append(block)
        offset += sum(planes)
    if offset != len(stored):
        raise ValueError(f"expected {offset} bytes of planes and table, there are {len(stored)}")
    return blocks


def block_counts(stored: Buffer, count: int) -> tuple[int, int]:
    if len(stored) < 8:
        raise ValueError(f"expected the 8 bytes before the table, there are {len(stored)}")
    per_block, number = struct.unpack_from("<II", stored)
    if not 0 < per_block <= LARGEST_BLOCK or per_block & (per_block - 1):
        raise ValueError(f"expected a power of two up to 2^24 as elements per block, found {per_block}")
    if number != -(-count // per_block):
        raise ValueError(f"expected {-(-count // per_block)} blocks, found {number}")
    return per_block, number


def read_planes(stored: Buffer, block: Block) -> list[Octets | None]:
    """The planes of a block; None stands for zeros."""
    planes, offset = [], block.offset
    for size in block.sizes:
        planes.append(read_plane(stored[offset : offset + size], block.count))
        offset += size
    return planes


def read_plane(part: bytes, count: int) -> Octets | None:
    if not part:
        return None
    return np.frombuffer(part if len(part) == count else inflate(part, count), np.uint8)


def inflate(part: bytes, count: int) -> bytes:
    """A deflate stream that gives exactly `count` bytes. One more is asked for, so that a longer one shows."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = stream.decompress(part, count + 1)
    except zlib.error as error:
        raise ValueError(f"expected a deflate stream: {error}") from None
    if len(plain) != count or not stream.eof or stream.unused_data:
        raise ValueError(f"expected a deflate stream of exactly {count} bytes")
    return plain


def join(planes: list[Any], elements: Octets, dtype: str) -> None:
    """Puts the planes, highest first, back into elements, whose highest byte is the last."""
    for index, plane in enumerate(planes):
        elements[:, -1 - index] = 0 if plane is None else plane
    if dtype in ("F32", "BF16"):
        restore_sign(elements)


def restore_sign(elements: Octets) -> None:
    """The sign stands after the exponent, so that a plane holds nothing else than exponents. Back to the front."""
    exponent, mantissa = elements[:, -1].copy(), elements[:, -2].copy()
    elements[:, -1] = (mantissa & 0x80) | (exponent >> 1)
    elements[:, -2] = (exponent << 7) | (mantissa & 0x7F)
