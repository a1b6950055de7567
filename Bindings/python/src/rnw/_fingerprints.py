"""What a file keeps of the values of its layers, by which it finds the first wrong layer of any engine by itself."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ._file import Path, load
from ._format import RNWError, one_line, quoted
from ._json import JSONObject, is_whole
from ._probe import STEP, WORD, mixed
from ._records import check_certificate, number, text, value

Layout: TypeAlias = 'Literal["NHWC", "NCHW"]'

SUMS = 16
BYTES = 3 + 3 * SUMS
SEED = 16
MOST_LAYERS = 1 << 16
LARGEST_VALUE = 1 << 29
INFINITY = 0x7F80
# Values are summed in parts, for each of which the signs are made.
PART = 1 << 16
# By how much a value is off that was rounded: a share of it, and where it is near zero.
ROUNDING = {"float16": (2.0**-11, 2.0**-25), "uint16": (2.0**-8, 0.0)}


@dataclass(frozen=True)
class LayerCheck:
    """How far an engine's value of a layer is from the one that the file was converted with.

    `error` is the root mean square of the differences in units of the layer's largest value: an estimate, within some
    18 % of what it is. It is infinite where a value is not finite, or where the shape is another.
    """

    name: str
    family_name: str | None
    error: float
    limit: float

    @property
    def passes(self) -> bool:
        # Not `not error > limit`: NaN passes nothing.
        return self.error <= self.limit

    def __str__(self) -> str:
        name = f"{self.family_name} ({self.name})" if self.family_name else self.name
        return f"{name} is off by {self.error:.1e} of its largest value, at most {self.limit:.1e} is right"


@dataclass(frozen=True)
class EngineCheck:
    """True when layers were checked and none is wrong. Layers are in the order in which they are computed; `missing` are
    those that no value was given of, `unknown` the names of values that are of no layer."""

    layers: tuple[LayerCheck, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def first_wrong(self) -> LayerCheck | None:
        return next((layer for layer in self.layers if not layer.passes), None)

    def __bool__(self) -> bool:
        return bool(self.layers) and self.first_wrong is None

    def __str__(self) -> str:
        count = f"{len(self.layers)} layers checked"
        count += f", {len(self.missing)} without values" if self.missing else ""
        return f"{count}: {self.first_wrong or ('all right' if self.layers else 'nothing is known')}"


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of a layer. `sums` is None where its values were not finite."""

    name: str
    family_name: str | None
    shape: tuple[int, ...]
    limit: float
    largest: float
    sums: npt.NDArray[np.float64] | None

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    def error(self, values: npt.NDArray[np.float32]) -> float:
        """Of one image's values in the order H, W, C."""
        assert self.sums is not None
        if values.size != self.count or not np.all(np.isfinite(values)):
            return math.inf
        return self.root_mean_square(signed_sums(values) - self.sums)

    def rounding(self, dtype: str) -> float:
        """By how much values are off that were rounded to a type."""
        assert self.sums is not None
        relative, absolute = ROUNDING.get(dtype, (0.0, 0.0))
        return relative * self.root_mean_square(self.sums) + absolute / (self.largest or 1.0)

    def root_mean_square(self, sums: npt.NDArray[np.float64]) -> float:
        return math.sqrt(float(np.square(sums).sum()) / SUMS / self.count) / (self.largest or 1.0)


def check(
    path: Path,
    activations: Mapping[str, Any] | str | os.PathLike[str],
    *,
    layout: Layout | None = None,
    tolerance: float = 0.0,
) -> EngineCheck:
    """Finds the first wrong layer of an engine by nothing but a file and what the engine gave for the file's probe.

    `activations` are arrays by the name of their layer, canonical (`stem.conv`) or the family's (`conv1_conv`), or a `.npz`
    of such, as `python -m rnw.capture` writes it with `--input probe:1`. They are [N, H, W, C] or [N, C, H, W], which
    their shapes tell where `layout` does not, of which the first image counts. float16 and bfloat16 (as uint16) are taken
    as roundings of right values. An engine that computes in a coarser type than float32 needs a `tolerance`, in the unit
    of `LayerCheck.error`.

    A file without fingerprints is an `RNWError`: it was made, or converted before there were any.
    """
    with load(path) as file:
        prints = fingerprints(file.path, file.certificate)
    if isinstance(activations, (str, os.PathLike)):
        with np.load(activations, allow_pickle=False) as arrays:
            activations = {name: arrays[name] for name in arrays.files}
    given = {name: np.asarray(array) for name, array in activations.items() if name != "input"}
    by_name = {layer.family_name: layer for layer in reversed(prints) if layer.family_name}
    by_name |= {layer.name: layer for layer in prints}
    is_last = (layout or layout_of(given, by_name)) == "NHWC"
    owners = owners_of(given, prints, is_last)
    checks, missing, unknown = [], [], set(given)
    for layer in prints:
        names = [layer.name] + ([layer.family_name] if layer.family_name else [])
        name = next((name for name in names if name in unknown and owners[name] is layer), None)
        if name is None:
            missing.append(layer.name)
            continue
        unknown.remove(name)
        if layer.sums is not None:
            checks.append(layer_check(layer, given[name], is_last, max(tolerance, 0.0)))
    return EngineCheck(tuple(checks), tuple(missing), tuple(sorted(unknown)))


def owners_of(
    given: Mapping[str, npt.NDArray[Any]], prints: Sequence[Fingerprint], is_last: bool
) -> dict[str, Fingerprint]:
    """The layer of each array.

    A name may be canonical for one layer and the family's for another: then the other arrays tell whose names they have,
    and where these tell nothing, the values do.
    """
    canonical = {layer.name: layer for layer in prints}
    family = {layer.family_name: layer for layer in reversed(prints) if layer.family_name}
    only = {name: layer for name, layer in (family | canonical).items() if name in given}
    both = {name for name in only if name in canonical and name in family and canonical[name] is not family[name]}
    votes = sum(
        1 if name in canonical and layer.family_name != name else -1 if name not in canonical else 0
        for name, layer in only.items()
        if name not in both
    )
    for name in both:
        pair = canonical[name], family[name]
        if votes:
            only[name] = pair[votes < 0]
        else:
            errors = [layer_check(one, given[name], is_last, 0.0).error if one.sums is not None else math.inf for one in pair]
            only[name] = pair[errors[0] > errors[1]]
    return only


def layer_check(layer: Fingerprint, array: npt.NDArray[Any], is_last: bool, tolerance: float) -> LayerCheck:
    limit = layer.limit + tolerance + layer.rounding(str(array.dtype))
    first, last = fits(layer.shape, array.shape)
    if not (last if is_last else first):
        return LayerCheck(layer.name, layer.family_name, math.inf, limit)
    values = array.reshape(-1)[: layer.count]
    if array.dtype == np.uint16:
        values = (values.astype(np.uint32) << np.uint32(16)).view(np.float32)
    if not is_last and len(layer.shape) == 4:
        _, height, width, channels = layer.shape
        values = values.reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)
    with np.errstate(over="ignore"):
        return LayerCheck(layer.name, layer.family_name, layer.error(values.astype(np.float32)), limit)


def fits(shape: tuple[int, ...], array: tuple[int, ...]) -> tuple[bool, bool]:
    """Whether the shape of an array, with or without a batch, is a layer's with channels first, and with channels last."""
    last = shape[1:]
    first = (last[2], last[0], last[1]) if len(last) == 3 else last
    pixels = {(1, 1) + last, last + (1, 1)} if len(last) == 1 else set()
    rest = array[1:] if len(array) > 1 and array[0] > 0 else None
    one, other = (own == array or own == rest or rest in pixels for own in (first, last))
    return one, other


def layout_of(arrays: Mapping[str, npt.NDArray[Any]], layers: Mapping[str, Fingerprint]) -> Layout:
    """What most of the shapes tell; channels last where none does."""
    votes = 0
    for name, array in arrays.items():
        if name in layers:
            first, last = fits(layers[name].shape, array.shape)
            votes += int(first) - int(last)
    return "NCHW" if votes > 0 else "NHWC"


def signed_sums(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The sixteen sums; the last digits depend on the order in which numpy adds."""
    sums = np.zeros(SUMS)
    for begin in range(0, values.size, PART):
        part = values[begin : begin + PART].astype(np.float64)
        draws = np.arange(begin // 4 + 1, begin // 4 + 1 + -(-part.size // 4), dtype=np.uint64)
        draws = mixed(draws * np.uint64(STEP) + np.uint64(SEED & WORD))
        bits = np.unpackbits(draws.astype("<u8").view(np.uint8), bitorder="little").reshape(-1, SUMS)[: part.size]
        sums += part @ (1.0 - 2.0 * bits)
    return sums


def fingerprints(path: str, certificate: JSONObject | None) -> list[Fingerprint]:
    """Those of a file, in the order in which layers are computed."""
    if certificate is None or "fingerprints" not in certificate:
        problem = "expected fingerprints; this file was made, or converted by a version that did not write them"
        raise RNWError(path, "rnw.certificate", problem)
    try:
        check_certificate(certificate)
        return read(certificate)
    except ValueError as error:
        raise RNWError(path, "rnw.certificate", str(error)) from None


def read(certificate: JSONObject) -> list[Fingerprint]:
    record = value(certificate, "fingerprints")
    shapes = value(record if "layers" in record else value(certificate, "compared"), "layers")
    if not isinstance(shapes, dict) or not 1 <= len(shapes) <= MOST_LAYERS:
        raise ValueError(f"expected the shapes of layers by name, found {quoted(shapes)}")
    count = len(shapes)
    order = np.frombuffer(decoded(record, "order", 2 * count), "<u2")
    stored = np.frombuffer(decoded(record, "sums", BYTES * count), np.uint8).reshape(count, BYTES)
    names = sorted(shapes, key=str.encode)
    if sorted(order) != list(range(count)):
        raise ValueError("expected every layer once as order")
    own = record.get("names", [""] * count)
    if not isinstance(own, list) or len(own) != count or not all(isinstance(name, str) for name in own):
        raise ValueError(f"expected a name for each layer as names, found {quoted(own)}")
    standard = number(certificate, "limit")
    limits = limits_of(record, shapes)
    result = []
    for place, family_name, row in zip(order, own, stored):
        name = names[int(place)]
        largest, sums = sums_of(row)
        shape = layer_shape(shapes[name])
        result.append(Fingerprint(name, family_name or None, shape, limits.get(name, standard), largest, sums))
    return result


def limits_of(record: JSONObject, shapes: JSONObject) -> dict[str, float]:
    limits = record.get("limits", {})
    if not isinstance(limits, dict):
        raise ValueError(f"expected numbers by layer as limits, found {quoted(limits)}")
    result = {name: number(limits, name) for name in limits}
    if not result.keys() <= shapes.keys() or not all(0 <= limit < math.inf for limit in result.values()):
        raise ValueError(f"expected numbers from 0 by layer as limits, found {quoted(limits)}")
    return result


def decoded(record: JSONObject, key: str, size: int) -> bytes:
    """The bytes of a text that is exactly their base64."""
    coded = text(record, key)
    try:
        result = base64.b64decode(coded, validate=True)
    except ValueError:
        result = b""
    if len(result) != size or base64.b64encode(result).decode() != coded:
        raise ValueError(f"expected {size} bytes in base64 as {key}, found {quoted(coded)}")
    return result


def layer_shape(shape: Any) -> tuple[int, ...]:
    if (
        not isinstance(shape, list)
        or len(shape) not in (2, 4)
        or not all(is_whole(extent) and extent > 0 for extent in shape)
        or shape[0] != 1
        or math.prod(shape) > LARGEST_VALUE
    ):
        raise ValueError(f"expected [1, H, W, C] or [1, C] as the shape of a layer, found {quoted(shape)}")
    return tuple(shape)


def sums_of(row: npt.NDArray[np.uint8]) -> tuple[float, npt.NDArray[np.float64] | None]:
    """The largest value and the sums, None where the values were not finite."""
    upper = int(row[1]) | int(row[2]) << 8
    if upper >= INFINITY:
        return math.inf, None
    largest = float(np.array([upper << 16], np.uint32).view(np.float32)[0])
    parts = row[3:].reshape(SUMS, 3).astype(np.uint32)
    integers = (parts[:, 0] << 8 | parts[:, 1] << 16 | parts[:, 2] << 24).view(np.int32) >> 8
    return largest, np.ldexp(integers.astype(np.float64), int(row[:1].view(np.int8)[0]))
