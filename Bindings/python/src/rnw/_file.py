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
from ._format import NUMPY_TYPES, Buffer, JSONObject, RNWError, TensorRecord, json_object, quoted, read_header

Path: TypeAlias = "str | os.PathLike[str]"
Array: TypeAlias = "npt.NDArray[Any]"
BFloat16: TypeAlias = Literal["float32", "uint16"]

# Inflating is most of the work and lets go of Python's lock, but joining planes soon fills the memory's bandwidth.
MOST_THREADS = 4


def load(path: Path, *, bfloat16: BFloat16 = "float32") -> WeightFile:
    """Opens a file. Its header is checked now, a tensor when it is first asked for.

    numpy has no bfloat16: such tensors come as float32, which holds all their values, or as the bits in uint16.
    """
    return WeightFile(path, bfloat16=bfloat16)


def metadata(path: Path) -> dict[str, str]:
    """The `__metadata__` of a file, as strings; no tensor is read."""
    with load(path) as file:
        return file.metadata


class WeightFile(Mapping[str, Array]):
    """Canonical names and their tensors. Arrays cannot be written to, and stay valid after `close`."""

    def __init__(self, path: Path, *, bfloat16: BFloat16 = "float32") -> None:
        if bfloat16 not in ("float32", "uint16"):
            raise ValueError(f'bfloat16 is "float32" or "uint16", not {bfloat16!r}')
        self.path = os.fspath(path)
        self._bfloat16 = bfloat16
        self._decoded: dict[str, Array] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._data: Buffer | None = mapped(self.path)
        try:
            header = read_header(self.path, self._data)
        except RNWError:
            self.close()
            raise
        self.metadata: dict[str, str] = header.metadata
        self.tensors: dict[str, TensorRecord] = header.tensors

    def __getitem__(self, name: str) -> Array:
        record = self.tensors[name]
        if name in self._decoded:
            return self._decoded[name]
        if record.encoding == "raw" and not self._widens(record):
            return mapped_array(self._open(), record)
        self._decoded[name] = array = self._widened(record, self.bits(name))
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
        """A tensor in its own type, bfloat16 as uint16; coded ones are decoded, checked and not kept."""
        record = self.tensors[name]
        if record.encoding == "raw":
            return mapped_array(self._open(), record)
        elements = self._decode(record)
        self._check(record, "crc32", record.checksum, elements)
        array = elements.reshape(-1).view(NUMPY_TYPES[record.dtype]).reshape(record.shape)
        array.flags.writeable = False
        return array

    def check(self, name: str) -> None:
        """Compares every checksum of a tensor, those of raw ones as well; `RNWError` where one differs."""
        record = self.tensors[name]
        data = self._open()
        stored = memoryview(data)[record.begin : record.end]
        try:
            if record.stored_checksum is not None:
                self._check(record, "storedCRC32", record.stored_checksum, stored)
            if record.encoding == "raw":
                self._check(record, "crc32", record.checksum, stored)
            else:
                self.bits(name)
        finally:
            # An error keeps this frame alive, and a view keeps the file mapped.
            stored.release()

    @property
    def configuration(self) -> JSONObject:
        """The network: blocks, stages, stem, shortcuts, norm and head."""
        return self._document("rnw.configuration") or {}

    @property
    def preprocessing(self) -> JSONObject:
        return self._document("rnw.preprocessing") or {}

    @property
    def source(self) -> JSONObject:
        """Where the weights came from."""
        return self._document("rnw.source") or {}

    @property
    def certificate(self) -> JSONObject | None:
        """What was compared when the file was converted; None for a file that was made."""
        return self._document("rnw.certificate")

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

    def _decode(self, record: TensorRecord) -> npt.NDArray[np.uint8]:
        stored = self._open()[record.begin : record.end]
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

    def _check(self, record: TensorRecord, key: str, expected: int, content: Any) -> None:
        actual = zlib.crc32(content)
        if actual != expected:
            problem = f"expected the {key} {expected}, its bytes give {actual}"
            raise RNWError(self.path, f"tensor {quoted(record.name)}", problem)

    def _widens(self, record: TensorRecord) -> bool:
        return record.dtype == "BF16" and self._bfloat16 == "float32"

    def _widened(self, record: TensorRecord, array: Array) -> Array:
        if not self._widens(record):
            return array
        wide: Array = (array.astype("<u4") << np.uint32(16)).view("<f4")
        wide.flags.writeable = False
        return wide

    def _document(self, key: str) -> JSONObject | None:
        text = self.metadata.get(key)
        return None if text is None else json_object(self.path, key, text)


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
