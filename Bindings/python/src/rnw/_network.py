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

from ._activations import NUMBERED, PLAIN, Function
from ._format import quoted
from ._json import JSONObject

Floats: TypeAlias = "npt.NDArray[np.float32]"

LARGEST_EXTENT = 1 << 20
# A small file can describe a network whose values no memory holds. Those of a ResNet152 on 4096 x 4096 have half of this.
LARGEST_VALUE = 1 << 29

# What version 2.0 of the format says beyond version 1.0; each is absent where it has the usual value.
NEW_KEYS = (
    "inputScale", "inputOffset", "reversesInputChannels", "hasInputNormScale", "hasNormScales", "hasNormShifts",
    "hasNormStatistics", "foldsNorms", "convolutionPadding", "ending",
)  # fmt: skip

# Every key that there is. One that is not known is an option of a network that is not understood.
KEYS: dict[str, Any] = {
    "block": dict.fromkeys(
        ("kind", "order", "stridedConvolution", "stridedBlock", "hasInnerBiases", "hasLastBias",
         "omitsSpatialBias", "firstBlockIsPreActivated"), None
    ),
    "stages": dict.fromkeys(("blocks", "innerChannels", "outputChannels", "stride", "dilation"), None),
    "stem": {
        "convolutions": dict.fromkeys(("kernel", "stride", "outputChannels", "hasBias"), None),
        "hasNorm": None, "poolPadding": None, "pool": dict.fromkeys(("size", "stride", "padding"), None),
    },
    "shortcut": dict.fromkeys(("placement", "input", "kind", "hasBias"), None),
    "norm": {"batch": {"epsilon": None}, "group": {"count": None, "epsilon": None}},
    "head": dict.fromkeys(("hasPooling", "classes", "hasSoftmax"), None) | {
        "pooling": {"flatten": dict.fromkeys(("height", "width", "channelsFirst"), None)},
        "layers": {
            "dense": dict.fromkeys(("outputs", "hasBias"), None),
            "norm": {
                "kind": {"batch": {"epsilon": None}, "group": {"count": None, "epsilon": None}},
                "hasScale": None, "hasShift": None,
            },
            "activation": dict.fromkeys(("leakyRelu", "elu", "hardSigmoid"), None),
        },
    },
    "inputChannels": None, "normalizesInput": None, "weightStandardizationEpsilon": None,
    **dict.fromkeys(NEW_KEYS, None),
}  # fmt: skip


class NetworkError(ValueError):
    """A configuration that is no network, or tensors that are not its parameters: what was expected, in one line."""


def needs_version_2(configuration: JSONObject) -> bool:
    """Whether a configuration has a key or word that version 1.0 of the format does not know."""
    def part(key: str) -> JSONObject:
        value = configuration.get(key)
        return value if isinstance(value, dict) else {}

    stages = configuration.get("stages")
    stages = stages if isinstance(stages, list) else []
    return (
        any(key in configuration for key in NEW_KEYS)
        or any(key in part("block") for key in ("firstBlockIsPreActivated", "omitsSpatialBias"))
        or "pool" in part("stem")
        or "layers" in part("head")
        or any(isinstance(stage, dict) and "dilation" in stage for stage in stages)
        or str(part("shortcut").get("kind")).startswith("zeroChannels")
    )


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
        options.only(
            "block", "stages", "stem", "shortcut", "norm", "head", "inputChannels", "normalizesInput",
            "weightStandardizationEpsilon", *NEW_KEYS,
        )  # fmt: skip
        self._unused = set(self._tensors)
        x = self._adjusted(images)
        x = self._input_normed(x)
        x = self._stem(x)
        for name, stage, block in self._blocks():
            x = self._block(name, x, stage, block)
        x = self._head(self._ended(x))
        if self._unused:
            raise NetworkError(f"expected no tensor {quoted(min(self._unused))} in the network of rnw.configuration")
        return x

    def check(self, height: int = 1, width: int = 1) -> None:
        """Only looks whether the tensors are exactly the network's parameters: by an image of zeros, of one pixel where
        the network takes any size."""
        self._options.refuse_unknown(KEYS)
        if self._options.has("norm.batch") == self._options.has("norm.group"):
            raise NetworkError("expected one norm, batch or group")
        self(np.zeros((1, height, width, self._options.size("inputChannels")), np.float32))

    def _adjusted(self, x: Floats) -> Floats:
        """x * scale + offset per channel, of x with its channels in reverse order where asked."""
        options, channels = self._options, x.shape[3]
        scale = options.numbers("inputScale", channels)
        offset = options.numbers("inputOffset", channels)
        x = x[..., ::-1] if options.flag("reversesInputChannels", usually=False) else x
        if not scale and not offset:
            return x
        wide = x.astype(np.float64) * (scale or 1.0) + (offset or 0.0)
        return wide.astype(np.float32)

    def _input_normed(self, x: Floats) -> Floats:
        options = self._options
        has_scale = options.flag("hasInputNormScale", usually=True)
        if not options.flag("normalizesInput"):
            if not has_scale:
                raise NetworkError("expected no hasInputNormScale without normalizesInput")
            return x
        return self._norm("input.norm", x, scale=has_scale and options.flag("hasNormScales", usually=True))

    def _ended(self, x: Floats) -> Floats:
        """What a pre-activation network has after its last block."""
        ending = self._ending
        if self._options.choice("block.order", "preActivation", "postActivation") == "postActivation":
            if ending == "norm":
                raise NetworkError("expected no ending \"norm\" of a post-activation network")
            return x
        if ending == "sum":
            return x
        x = self._norm("final.norm", x)
        return relu(x) if ending == "activation" else x

    @property
    def _ending(self) -> str:
        return self._options.choice("ending", "activation", "norm", "sum", usually="activation")

    def _stem(self, x: Floats) -> Floats:
        convolutions = self._options.parts("stem.convolutions", most=8)
        for number, conv in enumerate(convolutions, 1):
            suffix = str(number) if len(convolutions) > 1 else ""
            x = self._convolution(
                f"stem.conv{suffix}", x, conv.size("outputChannels"), kernel=conv.size("kernel", 31),
                stride=conv.size("stride", 8), bias=conv.flag("hasBias"),
            )  # fmt: skip
            if number < len(convolutions) or self._options.flag("stem.hasNorm"):
                x = relu(self._folded_norm(f"stem.norm{suffix}", x))
        options, paddings = self._options, ("zero", "negativeInfinity", "same")
        if options.names("stem.poolPadding") == options.names("stem.pool"):
            raise NetworkError("expected either stem.poolPadding or stem.pool")
        if options.names("stem.poolPadding"):
            return max_pool(x, 3, 2, options.choice("stem.poolPadding", *paddings))
        if options.value("stem.pool") == "none":
            return x
        size, stride = options.size("stem.pool.size", 31), options.size("stem.pool.stride", 8)
        return max_pool(x, size, stride, options.choice("stem.pool.padding", *paddings, "valid"))

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
                y = self._folded_norm(f"{name}.norm{number}", self._convolution(f"{name}.conv{number}", y, **conv))
                y = relu(y) if number < len(convolutions) else y
            y = added(name, y, side)
            return y if self._ending == "sum" and self._is_last(name) else relu(y)
        y = activated = x
        if name != "stage1.block1" or self._options.flag("block.firstBlockIsPreActivated", usually=True):
            y = activated = relu(self._norm(f"{name}.norm1", x))
        side = self._side(name, x, activated, outputs, stride, block)
        for number, conv in enumerate(self._convolutions(stage, stride), 1):
            y = relu(self._folded_norm(f"{name}.norm{number}", y)) if number > 1 else y
            y = self._convolution(f"{name}.conv{number}", y, **conv)
        return added(name, y, side)

    def _is_last(self, name: str) -> bool:
        stages = self._options.parts("stages", most=16)
        return name == f"stage{len(stages)}.block{stages[-1].size('blocks', 1024)}"

    def _convolutions(self, stage: Options, stride: int) -> list[dict[str, Any]]:
        """The convolutions of a block's main path, first to last."""
        options, inner, outputs = self._options, stage.size("innerChannels"), stage.size("outputChannels")
        dilation = stage.size("dilation", 64) if stage.names("dilation") else 1
        biases, last_bias = options.flag("block.hasInnerBiases"), options.flag("block.hasLastBias")
        omits = options.flag("block.omitsSpatialBias", usually=False)
        if omits and not (biases and options.choice("block.kind", "basic", "bottleneck") == "bottleneck"):
            raise NetworkError("expected a bottleneck of inner biases where its 3×3 lacks one")
        if options.choice("block.kind", "basic", "bottleneck") == "basic":
            return [
                {"channels": inner, "kernel": 3, "stride": stride, "dilation": dilation, "bias": biases},
                {"channels": outputs, "kernel": 3, "stride": 1, "dilation": dilation, "bias": last_bias},
            ]
        first = options.choice("block.stridedConvolution", "spatial", "first") == "first"
        return [
            {"channels": inner, "kernel": 1, "stride": stride if first else 1, "bias": biases},
            {"channels": inner, "kernel": 3, "stride": 1 if first else stride, "dilation": dilation,
             "bias": biases and not omits},
            {"channels": outputs, "kernel": 1, "stride": 1, "bias": last_bias},
        ]

    def _side(self, name: str, x: Floats, activated: Floats, outputs: int, stride: int, block: int) -> Floats:
        """The side path of a block: a projection, or the block's input itself."""
        options = self._options
        everywhere = options.choice("shortcut.placement", "everyStage", "whereShapeChanges") == "everyStage"
        if block > 0 or not (everywhere or stride != 1 or x.shape[3] != outputs):
            return x[:, ::stride, ::stride]
        y = x if options.choice("shortcut.input", "raw", "preActivated") == "raw" else activated
        kind = options.choice(
            "shortcut.kind", "convolution", "convolutionNorm", "averagePoolConvolution", "zeroChannelsAround",
            "zeroChannelsAfter",
        )  # fmt: skip
        if kind.startswith("zeroChannels"):
            return self._with_zeros(name, y[:, ::stride, ::stride], outputs, around=kind == "zeroChannelsAround")
        if kind == "averagePoolConvolution":
            y, stride = average_pool(y, stride), 1
        y = self._convolution(
            f"{name}.shortcut.conv", y, outputs, kernel=1, stride=stride, bias=options.flag("shortcut.hasBias")
        )
        return self._folded_norm(f"{name}.shortcut.norm", y) if kind == "convolutionNorm" else y

    def _with_zeros(self, name: str, y: Floats, outputs: int, *, around: bool) -> Floats:
        missing = outputs - y.shape[3]
        if missing < 0 or self._options.flag("shortcut.hasBias"):
            raise NetworkError(f"expected a shortcut of {name} that adds channels of zeros and nothing else")
        before = missing // 2 if around else 0
        return np.pad(y, ((0, 0), (0, 0), (0, 0), (before, missing - before)))

    def _head(self, x: Floats) -> Floats:
        """Pooling and layers; without the function at the end."""
        head = self._options.part("head")
        if not head.names("pooling") and not head.names("layers"):
            return self._classifier(x, head)
        head.only("pooling", "layers")
        x = pooled(x, head)
        layers = head.parts("layers", most=64, least=0)
        kinds = [layer.only_key("dense", "norm", "activation") for layer in layers]
        for layer, kind, name in zip(layers, kinds, layer_names(layers, kinds)):
            if kind == "dense":
                x = self._dense(name, x, layer.part("dense"))
            elif kind == "norm":
                norm = layer.part("norm")
                norm.only("kind", "hasScale", "hasShift")
                x = self._norm(name, x, norm.part("kind"), norm.flag("hasScale"), norm.flag("hasShift"))
            else:
                function = activation(layer)
                x = x if layer is layers[-1] else function(x.astype(np.float64)).astype(np.float32)
        return x

    def _dense(self, name: str, x: Floats, dense: Options) -> Floats:
        dense.only("outputs", "hasBias")
        outputs = dense.size("outputs")
        result: Floats = x @ self._parameter(f"{name}.weight", (outputs, x.shape[-1])).T
        return result + self._parameter(f"{name}.bias", (outputs,)) if dense.flag("hasBias") else result

    def _classifier(self, x: Floats, head: Options) -> Floats:
        head.only("hasPooling", "classes", "hasSoftmax")
        classes = head.size("classes", least=0)
        if (classes and not head.flag("hasPooling")) or (head.flag("hasSoftmax") and not classes):
            raise NetworkError("expected pooled features before a dense layer, and one before a softmax")
        if not head.flag("hasPooling"):
            return x
        features = mean_of(x)
        if classes == 0:
            return features
        return self._dense("head.dense", features, Options({"outputs": classes, "hasBias": True}))

    def _convolution(
        self, name: str, x: Floats, channels: int, *, kernel: int, stride: int, bias: bool, dilation: int = 1
    ) -> Floats:
        weight = self._parameter(f"{name}.weight", (channels, x.shape[3], kernel, kernel))
        epsilon = self._options.epsilon("weightStandardizationEpsilon", optional=True)
        if epsilon is not None:
            weight = normalized(weight, (1, 2, 3), epsilon)
        padding = self._options.choice("convolutionPadding", "symmetric", "same", usually="symmetric")
        y = convolution(name, x, weight, stride, dilation, same=padding == "same")
        if bias:
            y += self._parameter(f"{name}.bias", (channels,))
        return y

    def _folded_norm(self, name: str, y: Floats) -> Floats:
        """The norm of a convolution, where it was not folded into that."""
        return y if self._options.flag("foldsNorms", usually=False) else self._norm(name, y)

    def _norm(
        self, name: str, x: Floats, kind: Options | None = None, scale: bool | None = None, shift: bool | None = None
    ) -> Floats:
        """A norm of the network's kind, or of one of its own."""
        options = self._options
        has_statistics = kind is not None or options.flag("hasNormStatistics", usually=True)
        kind = options.part("norm") if kind is None else kind
        scale = options.flag("hasNormScales", usually=True) if scale is None else scale
        shift = options.flag("hasNormShifts", usually=True) if shift is None else shift
        channels = (x.shape[-1],)
        gamma = self._parameter(f"{name}.scale", channels) if scale else np.ones(channels, np.float32)
        beta = self._parameter(f"{name}.shift", channels) if shift else np.zeros(channels, np.float32)
        if kind.only_key("batch", "group") == "group":
            return group_norm(name, x, kind.part("group")) * gamma + beta
        batch = kind.part("batch")
        batch.only("epsilon")
        if not has_statistics:
            return x * gamma + beta
        mean = self._parameter(f"{name}.mean", channels).astype(np.float64)
        variance = self._parameter(f"{name}.variance", channels).astype(np.float64)
        factor = gamma / np.sqrt(variance + (batch.epsilon("epsilon") or 0.0))
        result: Floats = x * factor.astype(np.float32) + (beta - mean * factor).astype(np.float32)
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

    def names(self, path: str) -> bool:
        """Whether the key is there, be it with null."""
        place, _, key = path.rpartition(".")
        values = self._find(place) if place else self._values
        return isinstance(values, dict) and key in values

    def only(self, *keys: str) -> None:
        """Refuses other keys: they would be options of a network that is not known."""
        unknown = set(self._values) - set(keys)
        if unknown:
            raise NetworkError(f"expected no {quoted(min(unknown))} in {self._place or 'rnw.configuration'}")

    def only_key(self, *keys: str) -> str:
        self.only(*keys)
        if len(self._values) != 1:
            raise NetworkError(f"expected one of {', '.join(keys)} in {self._place or 'rnw.configuration'}")
        return str(next(iter(self._values)))

    def part(self, path: str) -> Options:
        return Options(self._find(path), f"{self._place}{path}.")

    def value(self, path: str) -> Any:
        return self._find(path)

    def numbers(self, path: str, count: int) -> list[float]:
        """A list of so many finite numbers, or none."""
        value = self._find(path)
        if value is None or value == []:
            return []
        is_fine = isinstance(value, list) and len(value) == count and all(is_number(item) for item in value)
        if not is_fine:
            raise self._error(path, f"a list of {count} numbers", value)
        return [float(item) for item in value]

    def number(self, path: str) -> float:
        value = self._find(path)
        if not is_number(value) or abs(value) > 1000:
            raise self._error(path, "a number within -1000 and 1000", value)
        return float(value)

    def flag(self, path: str, *, usually: bool | None = None) -> bool:
        value = self._find(path)
        if value is None and usually is not None:
            return usually
        if not isinstance(value, bool):
            raise self._error(path, "true or false", value)
        return value

    def choice(self, path: str, *choices: str, usually: str | None = None) -> str:
        value = self._find(path)
        if value is None and usually is not None:
            return usually
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

    def parts(self, path: str, most: int, least: int = 1) -> list[Options]:
        value = self._find(path)
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self._error(path, f"a list of {least} to {most}", value)
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


def convolution(name: str, x: Floats, weight: Floats, stride: int, dilation: int, *, same: bool) -> Floats:
    """Slides OIHW over NHWC, padded by half the kernel or as little as needed. One product for each row of the kernel."""
    kernel = weight.shape[2]
    span = (kernel - 1) * dilation + 1
    images, half = x.shape[0], kernel // 2 * dilation
    borders = [same_border(size, span, stride) if same else (half, half) for size in x.shape[1:3]]
    rows, columns = ((size + sum(border) - span) // stride + 1 for size, border in zip(x.shape[1:3], borders))
    if min(rows, columns) < 1:
        raise NetworkError(f"expected a larger image at {name}, it is {x.shape[1]}x{x.shape[2]}")
    if images * rows * columns * len(weight) > LARGEST_VALUE:
        raise NetworkError(f"expected a value of at most {LARGEST_VALUE} elements at {name}")
    padded = np.pad(x, ((0, 0), *borders, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, span, axis=2)[:, :, ::stride, :, ::dilation]
    result = np.zeros((images * rows * columns, weight.shape[0]), np.float32)
    for row in range(kernel):
        top = row * dilation
        pixels = windows[:, top : top + (rows - 1) * stride + 1 : stride]
        result += pixels.reshape(len(result), -1) @ weight[:, :, row].reshape(len(weight), -1).T
    return result.reshape(images, rows, columns, -1)


def group_norm(name: str, x: Floats, group: Options) -> Floats:
    """The moments are those of an image's groups of channels; features are images of one pixel."""
    group.only("count", "epsilon")
    count, channels = group.size("count"), x.shape[-1]
    if channels % count:
        raise NetworkError(f"expected channels in {count} groups at {name}, there are {channels}")
    groups = x.reshape(len(x), -1, count, channels // count)
    return normalized(groups, (1, 3), group.epsilon("epsilon") or 0.0).reshape(x.shape)


def mean_of(x: Floats) -> Floats:
    result: Floats = x.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)
    return result


def pooled(x: Floats, head: Options) -> Floats:
    """What becomes of the feature map."""
    if isinstance(head.value("pooling"), str):
        pooling = head.choice("pooling", "average", "max", "none")
        if pooling == "none":
            return x
        result: Floats = mean_of(x) if pooling == "average" else x.max(axis=(1, 2))
        return result
    head.part("pooling").only_key("flatten")
    flatten = head.part("pooling.flatten")
    flatten.only("height", "width", "channelsFirst")
    size = (flatten.size("height"), flatten.size("width"))
    if x.shape[1:3] != size:
        raise NetworkError(f"expected {size[0]}x{size[1]} pixels to flatten, there are {x.shape[1]}x{x.shape[2]}")
    x = x.transpose(0, 3, 1, 2) if flatten.flag("channelsFirst") else x
    return x.reshape(len(x), -1)


def activation(layer: Options) -> Function:
    """A word, or an object with the word and the function's number."""
    if isinstance(layer.value("activation"), str):
        return PLAIN[layer.choice("activation", *PLAIN)]
    word = layer.part("activation").only_key(*NUMBERED)
    number = layer.number(f"activation.{word}")
    return lambda x: NUMBERED[word](x, number)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def layer_names(layers: list[Options], kinds: list[str]) -> list[str]:
    """A kind that is there once has no number; a softmax at the end has its own name."""
    names = [f"head.{kind}" for kind in kinds]
    if kinds and kinds[-1] == "activation" and layers[-1].value("activation") == "softmax":
        names[-1] = "head.softmax"
    return [
        name if names.count(name) == 1 else f"{name}{names[: index + 1].count(name)}"
        for index, name in enumerate(names)
    ]  # fmt: skip


def max_pool(x: Floats, size: int, stride: int, padding: str) -> Floats:
    half = 0 if padding == "valid" else (size - 1) // 2
    borders = [same_border(extent, size, stride) if padding == "same" else (half, half) for extent in x.shape[1:3]]
    edge = 0.0 if padding == "zero" else -math.inf
    padded = np.pad(x, ((0, 0), *borders, (0, 0)), constant_values=edge)
    if min(padded.shape[1:3]) < size:
        raise NetworkError(f"expected a larger image at the stem's pool, it is {x.shape[1]}x{x.shape[2]}")
    result: Floats = windows_of(padded, size, stride).max(axis=(4, 5))
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
