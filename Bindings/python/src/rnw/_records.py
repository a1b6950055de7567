"""The forms of the JSON records of a file, as far as the page of the format demands them of every reader.

Errors are plain `ValueError`s that say what was expected; the caller knows the file and the record.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._format import quoted
from ._json import JSONObject, is_whole

# An image of 4096 x 4096 with 3 channels; no conversion makes a larger one.
LARGEST_PROBE = 3 << 24
LARGEST_SIZE = 4096
# JSON has no numbers for these.
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def check_source(source: JSONObject) -> None:
    for key in ("file", "sha256", "container", "family", "tool"):
        text(source, key)
    for key in ("used", "waived", "renamedLayers"):
        names = value(source, key)
        if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
            raise ValueError(f"expected texts by name as {key}, found {quoted(names)}")
    steps = source.get("through", [])
    if not isinstance(steps, list):
        raise ValueError(f"expected a list as through, found {quoted(steps)}")
    for step in steps:
        for key in ("file", "sha256", "tool"):
            text(step, key)


def check_preprocessing(record: JSONObject) -> None:
    size(record, "inputSize", LARGEST_SIZE)
    steps = value(record, "preprocessing")
    if text(steps, "channelOrder") not in ("RGB", "BGR"):
        raise ValueError(f"expected RGB or BGR as channelOrder, found {quoted(steps['channelOrder'])}")
    if not 0 < number(steps, "inputRange") < math.inf:
        raise ValueError(f"expected a number over 0 as inputRange, found {quoted(steps['inputRange'])}")
    for key in ("mean", "deviation"):
        values = numbers(steps, key)
        if len(values) != 3 or not all(map(math.isfinite, values)) or (key == "deviation" and 0 in values):
            raise ValueError(f"expected a number for each of three colours as {key}, found {quoted(steps[key])}")
    if "resize" in steps:
        check_resize(steps["resize"])


def check_resize(resize: Any) -> None:
    if text(resize, "rule") not in ("stretch", "shorterSide"):
        raise ValueError(f"expected stretch or shorterSide as rule, found {quoted(resize['rule'])}")
    if text(resize, "filter") not in ("nearest", "bilinear", "bicubic"):
        raise ValueError(f"expected nearest, bilinear or bicubic as filter, found {quoted(resize['filter'])}")
    size(resize, "crop", size(resize, "size", LARGEST_SIZE))


def check_certificate(certificate: JSONObject) -> None:
    text(certificate, "node")
    probe = value(certificate, "probe")
    seed = value(probe, "seed")
    if type(seed) is not int or not 0 <= seed < 1 << 64:
        raise ValueError(f"expected a whole number of 64 bits as seed, found {quoted(seed)}")
    shape = value(probe, "shape")
    if (
        not isinstance(shape, list)
        or len(shape) != 4
        or not all(is_whole(extent) and extent > 0 for extent in shape)
        or math.prod(shape) > LARGEST_PROBE
    ):
        raise ValueError(f"expected a probe of [N, H, W, C], found {quoted(shape)}")
    for key in ("scale", "offset"):
        items = numbers(probe, key) if key in probe else [0.0] * shape[3]
        if len(items) != shape[3] or not all(math.isfinite(item) for item in items):
            raise ValueError(f"expected a number for each channel as {key}, found {quoted(probe[key])}")
    values = numbers(certificate, "values")
    largest = float(np.finfo(np.float32).max)
    if not values or any(math.isfinite(item) and not np.isfinite(as_float32(item)) for item in values):
        raise ValueError(f"expected values, each at most {largest}, found {quoted(certificate['values'])}")
    if not 0 <= number(certificate, "limit") < math.inf:
        raise ValueError(f"expected a number from 0 as limit, found {quoted(certificate['limit'])}")
    assumptions = certificate.get("assumptions", [])
    if not isinstance(assumptions, list):
        raise ValueError(f"expected a list as assumptions, found {quoted(assumptions)}")
    for assumption in assumptions:
        text(assumption, "option")
        text(assumption, "value")


def as_float32(item: float) -> np.float32:
    with np.errstate(over="ignore"):
        return np.float32(item)


def value(record: Any, key: str) -> Any:
    if not isinstance(record, dict) or key not in record:
        raise ValueError(f"expected an object with {key}, found {quoted(record)}")
    return record[key]


def text(record: Any, key: str) -> str:
    item = value(record, key)
    if not isinstance(item, str):
        raise ValueError(f"expected a text as {key}, found {quoted(item)}")
    return item


def number(record: Any, key: str) -> float:
    return as_number(value(record, key), key)


def numbers(record: Any, key: str) -> list[float]:
    items = value(record, key)
    if not isinstance(items, list):
        raise ValueError(f"expected a list as {key}, found {quoted(items)}")
    return [as_number(item, key) for item in items]


def as_number(item: Any, key: str) -> float:
    if isinstance(item, str) and item in NOT_FINITE:
        return NOT_FINITE[item]
    if isinstance(item, bool) or not isinstance(item, (int, float)):
        raise ValueError(f"expected a number as {key}, found {quoted(item)}")
    return float(item)


def size(record: Any, key: str, most: int) -> int:
    item = value(record, key)
    if not is_whole(item) or not 1 <= item <= most:
        raise ValueError(f"expected a size from 1 to {most} as {key}, found {quoted(item)}")
    return int(item)
