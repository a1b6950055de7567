"""The network of a file, computed by numpy: written from the section "The network" of the page of the format.

It is there to recompute a certificate where no framework is at hand, not to be fast: a ResNet50 takes a second.
Images are NHWC, float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._format import quoted
from ._json import JSONObject

Floats: TypeAlias = "npt.NDArray[np.float32]"

LARGEST_EXTENT = 1 << 20
# A small file can describe a network whose values no memory holds. Those of a ResNet152 on 4096 x 4096 have half of this.
LARGEST_VALUE = 1 << 29

# Every key that there is. One that is not known is an option of a network that is not understood.
KEYS: dict[str, Any] = {
    "block": dict.fromkeys(
        ("kind", "order", "stridedConvolution", "stridedBlock", "hasInnerBiases", "hasLastBias"), None
    ),
    "stages": dict.fromkeys(("blocks", "innerChannels", "outputChannels", "stride"), None),
    "stem": {
        "convolutions": dict.fromkeys(("kernel", "stride", "outputChannels", "hasBias"), None),
        "hasNorm": None, "poolPadding": None,
    },
    "shortcut": dict.fromkeys(("placement", "input", "kind", "hasBias"), None),
    "norm": {"batch": {"epsilon": None}, "group": {"count": None, "epsilon": None}},
    "head": dict.fromkeys(("hasPooling", "classes", "hasSoftmax"), None),
    "inputChannels": None, "normalizesInput": None, "weightStandardizationEpsilon": None,
}  # fmt: skip


class NetworkError(ValueError):
    """A configuration that is no network, or tensors that are not its parameters: what was expected, in one line."""


class Network:
    """A configuration with its parameters; called with images, it gives the logits.

    Without a dense layer it gives the last value: features [N, C], or the feature map [N, H, W, C].
    """

    def __init__(self, configuration: JSONObject, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        self._options = Options(configuration)
        self._tensors = tensors
        self._unused = set(tensors)

    def __call__(self, images: Floats) -> Floats:
        options = self._options
        if images.ndim != 4 or images.shape[3] != options.size("inputChannels") or 0 in images.shape:
            raise NetworkError(f"expected images [N, H, W, {options.size('inputChannels')}], not {list(images.shape)}")
        self._unused = set(self._tensors)
        x = self._norm("input.norm", images) if options.flag("normalizesInput") else images
        x = self._stem(x)
        for name, stage, block in self._blocks():
            x = self._block(name, x, stage, block)
        if options.choice("block.order", "preActivation", "postActivation") == "preActivation":
            x = relu(self._norm("final.norm", x))
        x = self._head(x)
        if self._unused:
            raise NetworkError(f"expected no tensor {quoted(min(self._unused))} in the network of rnw.configuration")
        return x

    def check(self) -> None:
        """Only looks whether the tensors are exactly the network's parameters: by an image of one pixel."""
        self._options.refuse_unknown(KEYS)
        if self._options.has("norm.batch") == self._options.has("norm.group"):
            raise NetworkError("expected one norm, batch or group")
        self(np.zeros((1, 1, 1, self._options.size("inputChannels")), np.float32))

    def _stem(self, x: Floats) -> Floats:
        convolutions = self._options.parts("stem.convolutions", most=8)
        for number, conv in enumerate(convolutions, 1):
            suffix = str(number) if len(convolutions) > 1 else ""
            x = self._convolution(
                f"stem.conv{suffix}", x, conv.size("outputChannels"), kernel=conv.size("kernel", 31),
                stride=conv.size("stride", 8), bias=conv.flag("hasBias"),
            )  # fmt: skip
            if number < len(convolutions) or self._options.flag("stem.hasNorm"):
                x = relu(self._norm(f"stem.norm{suffix}", x))
        return max_pool(x, self._options.choice("stem.poolPadding", "zero", "negativeInfinity", "same"))

    def _blocks(self) -> Iterator[tuple[str, Options, int]]:
        for number, stage in enumerate(self._options.parts("stages", most=16), 1):
            for block in range(stage.size("blocks", 1024)):
                yield f"stage{number}.block{block + 1}", stage, block

    def _block(self, name: str, x: Floats, stage: Options, block: int) -> Floats:
        strided = self._options.choice("block.stridedBlock", "first", "last")
        at = 0 if strided == "first" else stage.size("blocks") - 1
        stride = stage.size("stride", 8) if block == at else 1
        outputs = stage.size("outputChannels")
        if self._options.choice("block.order", "preActivation", "postActivation") == "postActivation":
            side = self._side(name, x, x, outputs, stride, block)
            y = x
            convolutions = self._convolutions(stage, stride)
            for number, conv in enumerate(convolutions, 1):
                y = self._norm(f"{name}.norm{number}", self._convolution(f"{name}.conv{number}", y, **conv))
                y = relu(y) if number < len(convolutions) else y
            return relu(added(name, y, side))
        y = activated = relu(self._norm(f"{name}.norm1", x))
        side = self._side(name, x, activated, outputs, stride, block)
        for number, conv in enumerate(self._convolutions(stage, stride), 1):
            y = relu(self._norm(f"{name}.norm{number}", y)) if number > 1 else y
            y = self._convolution(f"{name}.conv{number}", y, **conv)
        return added(name, y, side)

    def _convolutions(self, stage: Options, stride: int) -> list[dict[str, Any]]:
        """The convolutions of a block's main path, first to last."""
        options, inner, outputs = self._options, stage.size("innerChannels"), stage.size("outputChannels")
        biases, last_bias = options.flag("block.hasInnerBiases"), options.flag("block.hasLastBias")
        if options.choice("block.kind", "basic", "bottleneck") == "basic":
            return [
                {"channels": inner, "kernel": 3, "stride": stride, "bias": biases},
                {"channels": outputs, "kernel": 3, "stride": 1, "bias": last_bias},
            ]
        first = options.choice("block.stridedConvolution", "spatial", "first") == "first"
        return [
            {"channels": inner, "kernel": 1, "stride": stride if first else 1, "bias": biases},
            {"channels": inner, "kernel": 3, "stride": 1 if first else stride, "bias": biases},
            {"channels": outputs, "kernel": 1, "stride": 1, "bias": last_bias},
        ]

    def _side(self, name: str, x: Floats, activated: Floats, outputs: int, stride: int, block: int) -> Floats:
        """The side path of a block: a projection, or the block's input itself."""
        options = self._options
        everywhere = options.choice("shortcut.placement", "everyStage", "whereShapeChanges") == "everyStage"
        if block > 0 or not (everywhere or stride != 1 or x.shape[3] != outputs):
            return x[:, ::stride, ::stride]
        y = x if options.choice("shortcut.input", "raw", "preActivated") == "raw" else activated
        kind = options.choice("shortcut.kind", "convolution", "convolutionNorm", "averagePoolConvolution")
        if kind == "averagePoolConvolution":
            y, stride = average_pool(y, stride), 1
        y = self._convolution(
            f"{name}.shortcut.conv", y, outputs, kernel=1, stride=stride, bias=options.flag("shortcut.hasBias")
        )
        return self._norm(f"{name}.shortcut.norm", y) if kind == "convolutionNorm" else y

    def _head(self, x: Floats) -> Floats:
        if not self._options.flag("head.hasPooling"):
            return x
        features: Floats = x.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)
        classes = self._options.size("head.classes", least=0)
        if classes == 0:
            return features
        weight = self._parameter("head.dense.weight", (classes, features.shape[1]))
        result: Floats = features @ weight.T + self._parameter("head.dense.bias", (classes,))
        return result

    def _convolution(
        self, name: str, x: Floats, channels: int, *, kernel: int, stride: int, bias: bool
    ) -> Floats:
        weight = self._parameter(f"{name}.weight", (channels, x.shape[3], kernel, kernel))
        epsilon = self._options.epsilon("weightStandardizationEpsilon", optional=True)
        if epsilon is not None:
            weight = normalized(weight, (1, 2, 3), epsilon)
        y = convolution(name, x, weight, stride)
        if bias:
            y += self._parameter(f"{name}.bias", (channels,))
        return y

    def _norm(self, name: str, x: Floats) -> Floats:
        channels = (x.shape[3],)
        scale = self._parameter(f"{name}.scale", channels)
        shift = self._parameter(f"{name}.shift", channels)
        if self._options.has("norm.group"):
            count = self._options.size("norm.group.count")
            if x.shape[3] % count:
                raise NetworkError(f"expected channels in {count} groups at {name}, there are {x.shape[3]}")
            groups = x.reshape(*x.shape[:3], count, -1)
            normal = normalized(groups, (1, 2, 4), self._options.epsilon("norm.group.epsilon") or 0.0)
            return normal.reshape(x.shape) * scale + shift
        mean = self._parameter(f"{name}.mean", channels).astype(np.float64)
        variance = self._parameter(f"{name}.variance", channels).astype(np.float64)
        factor = scale / np.sqrt(variance + (self._options.epsilon("norm.batch.epsilon") or 0.0))
        result: Floats = x * factor.astype(np.float32) + (shift - mean * factor).astype(np.float32)
        return result

    def _parameter(self, name: str, shape: tuple[int, ...]) -> Floats:
        if name not in self._tensors:
            raise NetworkError(f"expected a tensor {quoted(name)} of {list(shape)} for the network")
        array = self._tensors[name]
        if array.shape != shape:
            raise NetworkError(f"expected {list(shape)} as {quoted(name)} for the network, found {list(array.shape)}")
        self._unused.discard(name)
        return array.astype(np.float32, copy=False)


class Options:
    """The values of a configuration, by dotted paths; whatever has another form is a `NetworkError`."""

    def __init__(self, values: Any, place: str = "") -> None:
        if not isinstance(values, dict):
            raise NetworkError(f"expected an object as {place or 'rnw.configuration'}, found {quoted(values)}")
        self._values, self._place = values, place

    def refuse_unknown(self, known: dict[str, Any]) -> None:
        """Refuses keys that are not among those given; the items of a list are each looked at."""
        waiting: list[tuple[str, Any, Any]] = [("", self._values, known)]
        while waiting:
            place, value, keys = waiting.pop()
            if isinstance(value, list):
                waiting += [(place, item, keys) for item in value]
            elif isinstance(value, dict):
                for key, item in value.items():
                    if keys is None or key not in keys:
                        raise NetworkError(f"expected no key {quoted(place + key)} in rnw.configuration")
                    waiting.append((f"{place}{key}.", item, keys[key]))

    def has(self, path: str) -> bool:
        return self._find(path) is not None

    def size(self, path: str, most: int = LARGEST_EXTENT, least: int = 1) -> int:
        value = self._find(path)
        if type(value) is not int or not least <= value <= most:
            raise self._error(path, f"a number from {least} to {most}", value)
        return value

    def flag(self, path: str) -> bool:
        value = self._find(path)
        if not isinstance(value, bool):
            raise self._error(path, "true or false", value)
        return value

    def choice(self, path: str, *choices: str) -> str:
        value = self._find(path)
        if value not in choices:
            raise self._error(path, " or ".join(choices), value)
        return str(value)

    def epsilon(self, path: str, *, optional: bool = False) -> float | None:
        value = self._find(path)
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
            raise self._error(path, "an ε from 0 to 1", value)
        return float(value)

    def parts(self, path: str, most: int) -> list[Options]:
        value = self._find(path)
        if not isinstance(value, list) or not 0 < len(value) <= most:
            raise self._error(path, f"a list of 1 to {most}", value)
        return [Options(item, f"{self._place}{path}[{index}].") for index, item in enumerate(value)]

    def _find(self, path: str) -> Any:
        value: Any = self._values
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def _error(self, path: str, expected: str, found: object) -> NetworkError:
        return NetworkError(f"expected {expected} as {self._place}{path}, found {quoted(found)}")


def relu(x: Floats) -> Floats:
    return np.maximum(x, np.float32(0))


def added(name: str, y: Floats, side: Floats) -> Floats:
    if y.shape != side.shape:
        raise NetworkError(f"expected the shortcut of {name} to give {list(y.shape)}, it gives {list(side.shape)}")
    return y + side


def convolution(name: str, x: Floats, weight: Floats, stride: int) -> Floats:
    """Slides OIHW over NHWC, padded by half the kernel. One product for each row of the kernel."""
    kernel = weight.shape[2]
    half = kernel // 2
    images, height, width, _ = x.shape
    rows, columns = ((size + 2 * half - kernel) // stride + 1 for size in (height, width))
    if min(rows, columns) < 1:
        raise NetworkError(f"expected a larger image at {name}, it is {height}x{width}")
    if images * rows * columns * len(weight) > LARGEST_VALUE:
        raise NetworkError(f"expected a value of at most {LARGEST_VALUE} elements at {name}")
    padded = np.pad(x, ((0, 0), (half, half), (half, half), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=2)[:, :, ::stride]
    result = np.zeros((images * rows * columns, weight.shape[0]), np.float32)
    for row in range(kernel):
        pixels = windows[:, row : row + (rows - 1) * stride + 1 : stride]
        result += pixels.reshape(len(result), -1) @ weight[:, :, row].reshape(len(weight), -1).T
    return result.reshape(images, rows, columns, -1)


def max_pool(x: Floats, padding: str) -> Floats:
    """3x3 with stride 2."""
    if padding == "same":
        borders = [same_border(size, 3, 2) for size in x.shape[1:3]]
    else:
        borders = [(1, 1), (1, 1)]
    edge = 0.0 if padding == "zero" else -math.inf
    padded = np.pad(x, ((0, 0), *borders, (0, 0)), constant_values=edge)
    result: Floats = windows_of(padded, 3, 2).max(axis=(4, 5))
    return result


def average_pool(x: Floats, size: int) -> Floats:
    """`size` x `size` with stride `size`; what lies beyond the image does not count."""
    borders = [same_border(extent, size, size) for extent in x.shape[1:3]]
    padded = np.pad(x, ((0, 0), *borders, (0, 0)))
    inside = np.pad(np.ones((1, *x.shape[1:3], 1), np.float32), ((0, 0), *borders, (0, 0)))
    result: Floats = windows_of(padded, size, size).sum(axis=(4, 5))
    result /= windows_of(inside, size, size).sum(axis=(4, 5))
    return result


def windows_of(x: Floats, size: int, stride: int) -> Floats:
    """[N, H, W, C, size, size]."""
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]


def same_border(extent: int, window: int, stride: int) -> tuple[int, int]:
    """As little as gives extent / stride windows, rounded up; the odd one comes after."""
    total = max((-(-extent // stride) - 1) * stride + window - extent, 0)
    return total // 2, total - total // 2


def normalized(x: Floats, axes: tuple[int, ...], epsilon: float) -> Floats:
    """(x - mean) / sqrt(variance + epsilon) over some axes, with the biased variance."""
    wide = x.astype(np.float64)
    mean = wide.mean(axis=axes, keepdims=True)
    variance = wide.var(axis=axes, keepdims=True)
    result: Floats = ((wide - mean) / np.sqrt(variance + epsilon)).astype(np.float32)
    return result
