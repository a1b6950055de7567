"""A `.rnw` file as a mapping from names to arrays."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from mmap import ACCESS_READ, mmap
from types import TracebackType
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _planes
from ._format import NUMPY_TYPES, Buffer, RNWError, TensorRecord, quoted, read_header
from ._json import JSONObject

Path: TypeAlias = "str | os.PathLike[str]"
Array: TypeAlias = "npt.NDArray[Any]"
BFloat16: TypeAlias = Literal["float32", "uint16"]

# Inflating is most of the work and lets go of Python's lock, but joining planes soon fills the memory's bandwidth.
MOST_THREADS = 4


def load(path: Path, *, bfloat16: BFloat16 = "float32", checksums: bool = True) -> WeightFile:
    """Opens a file. Its header is checked now, a tensor when it is first asked for.

    With `checksums=False` tensors that lie in the file as they are get mapped without a look at them.

    Tensors come as their values: int8 weights multiplied by their scales, as float32; numpy has no bfloat16, so such
    tensors come as float32 too, which holds all their values, or as the bits in uint16.
    """
    return WeightFile(path, bfloat16=bfloat16, checksums=checksums)


def metadata(path: Path) -> dict[str, str]:
    """The `__metadata__` of a file, as strings; no tensor is read."""
    with load(path) as file:
        return file.metadata


class WeightFile(Mapping[str, Array]):
    """Canonical names and the values of their tensors. Arrays cannot be written to, and stay valid after `close`."""

    def __init__(self, path: Path, *, bfloat16: BFloat16 = "float32", checksums: bool = True) -> None:
        if bfloat16 not in ("float32", "uint16"):
            raise ValueError(f'bfloat16 is "float32" or "uint16", not {bfloat16!r}')
        self.path = os.fspath(path)
        self._bfloat16 = bfloat16
        self._checksums = checksums
        self._compared: set[str] = set()
        self._decoded: dict[str, Array] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._data: Buffer | None = mapped(self.path)
        try:
            header = read_header(self.path, self._data)
        except RNWError:
            self.close()
            raise
        self.metadata: dict[str, str] = header.metadata
        self._documents = header.documents
        scales = {record.scales for record in header.tensors.values()}
        # Scales are part of the tensor that names them.
        self._scales = {name: record for name, record in header.tensors.items() if name in scales}
        self.tensors: dict[str, TensorRecord] = {
            name: record for name, record in header.tensors.items() if name not in scales
        }

    def __getitem__(self, name: str) -> Array:
        record = self.tensors[name]
        if name in self._decoded:
            return self._decoded[name]
        if record.encoding == "raw" and record.scales is None and not self._widens(record):
            return self._elements(record)
        self._decoded[name] = array = self._values(record, self._elements(record))
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def __contains__(self, name: object) -> bool:
        # Mapping's own would decode the tensor.
        return name in self.tensors

    def __repr__(self) -> str:
        return f"<rnw.WeightFile {self.path!r}, {len(self)} tensors>"

    def bits(self, name: str) -> Array:
        """The elements of a tensor as they are: bfloat16 as uint16, int8 without scales. What is coded is not kept."""
        return self._elements(self.tensors[name])

    def scales(self, name: str) -> Array | None:
        """The float32 by which the int8 elements of every output channel are multiplied; None where there is none."""
        scales = self.tensors[name].scales
        return None if scales is None else self._elements(self._scales[scales])

    def check(self, name: str) -> None:
        """Compares every checksum of a tensor, those of raw ones as well; `RNWError` where one differs."""
        record = self.tensors[name]
        self._check(record)
        if record.scales is not None:
            self._check(self._scales[record.scales])

    @property
    def source_names(self) -> dict[str, str]:
        """What every tensor was called where it came from, by canonical name: `layer1.0.conv1.weight` of PyTorch."""
        used = self.source.get("used")
        if not isinstance(used, dict) or not used or not all(isinstance(name, str) for name in used.values()):
            problem = "expected the source's tensor names as `used`; this file was not converted"
            raise RNWError(self.path, "rnw.source", problem)
        for name in sorted(self.tensors.keys() ^ used.keys()):
            raise RNWError(
                self.path, "rnw.source", f"expected `used` to name every tensor, {quoted(name)} does not fit"
            )
        return used

    @property
    def configuration(self) -> JSONObject:
        """The network: blocks, stages, stem, shortcuts, norm and head."""
        return self._documents["rnw.configuration"]

    @property
    def preprocessing(self) -> JSONObject:
        return self._documents["rnw.preprocessing"]

    @property
    def source(self) -> JSONObject:
        """Where the weights came from."""
        return self._documents["rnw.source"]

    @property
    def certificate(self) -> JSONObject | None:
        """What was compared when the file was converted; None for a file that was made."""
        return self._documents.get("rnw.certificate")

    def close(self) -> None:
        """Lets go of the file. It stays mapped as long as an array reads from it."""
        if self._pool is not None:
            self._pool.shutdown()
        data, self._data, self._pool = self._data, None, None
        self._decoded.clear()
        if isinstance(data, mmap):
            try:
                data.close()
            except BufferError:
                pass

    def __enter__(self) -> WeightFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> Buffer:
        if self._data is None:
            raise RNWError(self.path, "file", "expected an open file, it was closed")
        return self._data

    def _elements(self, record: TensorRecord) -> Array:
        if record.encoding == "raw":
            if self._checksums and record.name not in self._compared:
                self._check(record)
            return mapped_array(self._open(), record)
        stored = self._open()[record.begin : record.end]
        # The second is the promise; the first also covers bits of the stream that no decoder looks at.
        self._compare(record, "storedCRC32", record.stored_checksum, stored)
        elements = self._decode(record, stored)
        self._compare(record, "crc32", record.checksum, elements)
        array = elements.reshape(-1).view(NUMPY_TYPES[record.dtype]).reshape(record.shape)
        array.flags.writeable = False
        return array

    def _decode(self, record: TensorRecord, stored: Buffer) -> npt.NDArray[np.uint8]:
        try:
            return _planes.decode(stored, record.dtype, record.count, self._map)
        except ValueError as error:
            raise RNWError(self.path, f"tensor {quoted(record.name)}", str(error)) from None

    def _map(self, function: Any, blocks: Any) -> Any:
        if len(blocks) < 2:
            return map(function, blocks)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1), "rnw")
        return self._pool.map(function, blocks)

    def _check(self, record: TensorRecord) -> None:
        if record.encoding != "raw":
            self._elements(record)
            return
        stored = memoryview(self._open())[record.begin : record.end]
        try:
            self._compare(record, "crc32", record.checksum, stored)
            self._compared.add(record.name)
        finally:
            # An error keeps this frame alive, and a view keeps the file mapped.
            stored.release()

    def _compare(self, record: TensorRecord, key: str, expected: int | None, content: Any) -> None:
        actual = zlib.crc32(content)
        if actual != expected:
            problem = f"expected the {key} {expected}, its bytes give {actual}"
            raise RNWError(self.path, f"tensor {quoted(record.name)}", problem)

    def _widens(self, record: TensorRecord) -> bool:
        return record.dtype == "BF16" and self._bfloat16 == "float32"

    def _values(self, record: TensorRecord, elements: Array) -> Array:
        if record.scales is not None:
            scales = self._elements(self._scales[record.scales])
            # Scales of a hostile file may overflow.
            with np.errstate(all="ignore"):
                values: Array = elements.astype(np.float32) * scales.reshape(-1, *[1] * (elements.ndim - 1))
        elif self._widens(record):
            # One row: of an array without dimensions an operation gives a number, which is none.
            values = (elements.reshape(-1).astype("<u4") << np.uint32(16)).view("<f4").reshape(elements.shape)
        else:
            return elements
        values.flags.writeable = False
        return values


def mapped(path: str) -> Buffer:
    with open(path, "rb") as file:
        # An empty file cannot be mapped.
        return mmap(file.fileno(), 0, access=ACCESS_READ) if os.fstat(file.fileno()).st_size else b""


def mapped_array(data: Buffer, record: TensorRecord) -> Array:
    """The elements where they lie in the file."""
    if record.count == 0:
        return np.empty(record.shape, NUMPY_TYPES[record.dtype])
    flat = np.frombuffer(data, NUMPY_TYPES[record.dtype], record.count, record.begin)
    return flat.reshape(record.shape)
