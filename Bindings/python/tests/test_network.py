"""The network in numpy: its operations against plain loops, the whole of it against the tool over the space of options."""

import json
import math
import random

import numpy as np
import pytest

import rnw
from rnw import _network
from rnw._network import Network, NetworkError
from writer import Draft


def images(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel, stride", [(1, 1), (1, 2), (3, 1), (3, 2), (7, 2), (2, 1)])
def test_convolution(kernel, stride, dilation):
    x, weight, half = images(2, 9, 8, 3), images(4, 3, kernel, kernel), kernel // 2 * dilation
    result = _network.convolution("c", x, weight, stride, dilation, same=False)
    span = (kernel - 1) * dilation + 1
    padded = np.pad(x.astype(np.float64), ((0, 0), (half, half), (half, half), (0, 0)))
    rows, columns = ((size + 2 * half - span) // stride + 1 for size in (9, 8))
    assert result.shape == (2, rows, columns, 4) and result.dtype == np.float32
    for n, row, column, channel in np.ndindex(*result.shape):
        top, left = row * stride, column * stride
        window = padded[n, top : top + span : dilation, left : left + span : dilation]
        expected = (window * weight[channel].transpose(1, 2, 0)).sum()
        assert result[n, row, column, channel] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("padding", ["zero", "negativeInfinity", "same"])
def test_max_pool(size, padding):
    # Only negative values, so that a zero of the border shows.
    x = -np.abs(images(1, size, size, 2)) - 1
    result = _network.max_pool(x, 3, 2, padding)
    rows = (size + 1) // 2 if padding == "same" else (size - 1) // 2 + 1
    before = max((rows - 1) * 2 + 3 - size, 0) // 2 if padding == "same" else 1
    assert result.shape == (1, rows, rows, 2)
    for _, row, column, channel in np.ndindex(*result.shape):
        expected = -math.inf
        for y, z in ((row * 2 - before + i, column * 2 - before + j) for i in range(3) for j in range(3)):
            inside = 0 <= y < size and 0 <= z < size
            expected = max(expected, x[0, y, z, channel] if inside else 0 if padding == "zero" else -math.inf)
        assert result[0, row, column, channel] == expected


def test_average_pool_counts_only_the_image():
    x = images(1, 5, 4, 2)
    result = _network.average_pool(x, 2)
    assert result.shape == (1, 3, 2, 2)
    np.testing.assert_allclose(result[0, 0, 1], x[0, :2, 2:].mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(result[0, 2, 0], x[0, 4:, :2].mean(axis=(0, 1)), rtol=1e-6)


def random_configuration(rng):
    """Any network that the format can describe, small."""
    order = rng.choice(["preActivation", "postActivation"])
    kind = rng.choice(["basic", "bottleneck"])
    stages = []
    for _ in range(rng.randint(1, 3)):
        inner, outputs = rng.choice([4, 8]), rng.choice([4, 8, 12])
        stages.append({
            "blocks": rng.randint(1, 3), "innerChannels": outputs if kind == "basic" else inner,
            "outputChannels": outputs, "stride": rng.choice([1, 2, 2]),
        })  # fmt: skip
    pooling = rng.random() < 0.8
    classes = rng.choice([0, 5]) if pooling else 0
    norm = {"group": {"count": rng.choice([1, 2, 4]), "epsilon": 1e-4}}
    # A network that ends in a group norm of one pixel says nothing; the batch norm is the usual one anyway.
    if rng.random() < 0.6:
        norm = {"batch": {"epsilon": rng.choice([1e-3, 1e-5])}}
    stem = [{"kernel": 3, "stride": rng.choice([1, 2]), "outputChannels": 4, "hasBias": rng.random() < 0.5} for _ in "ab"]
    configuration = {
        "block": {
            "kind": kind, "order": order, "stridedConvolution": rng.choice(["spatial", "first"]),
            "stridedBlock": rng.choice(["first", "last"]), "hasInnerBiases": rng.random() < 0.5,
            "hasLastBias": rng.random() < 0.5,
        },
        "stages": stages,
        "stem": {
            "convolutions": stem if rng.random() < 0.4 else [stem[0] | {"kernel": 7, "outputChannels": 8}],
            "hasNorm": rng.random() < 0.5, "poolPadding": rng.choice(["zero", "negativeInfinity", "same"]),
        },
        "shortcut": {
            "placement": rng.choice(["everyStage", "whereShapeChanges"]),
            "input": "raw" if order == "postActivation" else rng.choice(["raw", "preActivated"]),
            "kind": rng.choice(["convolution", "convolutionNorm", "averagePoolConvolution"]),
            "hasBias": rng.random() < 0.5,
        },
        "norm": norm,
        "head": {"hasPooling": pooling, "classes": classes, "hasSoftmax": classes > 0 and rng.random() < 0.5},
        "inputChannels": 4 if "group" in norm else rng.choice([1, 3]),
        "normalizesInput": rng.random() < 0.3,
    }  # fmt: skip
    if rng.random() < 0.3:
        configuration["weightStandardizationEpsilon"] = 1e-5
    return configuration


def newer_configuration(rng, shape):
    """One that only version 2.0 of the format can express."""
    configuration = random_configuration(rng)
    channels, block = configuration["inputChannels"], configuration["block"]
    is_pre = block["order"] == "preActivation"

    def maybe(place, key, value):
        if rng.random() < 0.4:
            place[key] = value

    maybe(configuration, "inputScale", [rng.uniform(0.5, 2) for _ in range(channels)])
    maybe(configuration, "inputOffset", [rng.uniform(-1, 1) for _ in range(channels)])
    maybe(configuration, "reversesInputChannels", True)
    if configuration["normalizesInput"]:
        maybe(configuration, "hasInputNormScale", False)
    maybe(configuration, "hasNormScales", False)
    maybe(configuration, "hasNormShifts", False)
    maybe(configuration, "foldsNorms", True)
    if rng.random() < 0.2:
        configuration["hasNormStatistics"], configuration["norm"] = False, {"batch": {"epsilon": 0}}
    maybe(configuration, "convolutionPadding", "same")
    for stage in configuration["stages"]:
        maybe(stage, "dilation", rng.choice([2, 3]))
    maybe(configuration, "ending", rng.choice(["norm", "sum"]) if is_pre else "sum")
    maybe(block, "firstBlockIsPreActivated", not is_pre)
    if block["kind"] == "bottleneck" and block["hasInnerBiases"]:
        maybe(block, "omitsSpatialBias", True)
    if rng.random() < 0.5:
        del configuration["stem"]["poolPadding"]
        pools = [{"size": 2, "stride": 2, "padding": "same"}, {"size": 5, "stride": 3, "padding": "zero"}, "none"]
        configuration["stem"]["pool"] = rng.choice(pools)
    if rng.random() < 0.3:
        widths = sorted(rng.choice([8, 12]) for _ in configuration["stages"])
        for stage, width in zip(configuration["stages"], widths):
            stage["outputChannels"] = width
            stage["innerChannels"] = width if block["kind"] == "basic" else stage["innerChannels"]
        configuration["shortcut"] |= {"kind": rng.choice(["zeroChannelsAround", "zeroChannelsAfter"]), "hasBias": False}
    configuration["head"] = {"pooling": "none", "layers": []}
    maker = Maker()
    height, width = Network(configuration, maker)(rnw.probe(shape(channels), 1)).shape[1:3]
    flatten = {"flatten": {"height": height, "width": width, "channelsFirst": rng.random() < 0.5}}
    numbered = [{"leakyRelu": 0.2}, {"elu": 1.5}, {"hardSigmoid": 0.2}]
    functions = [
        "softmax", "sigmoid", "tanh", "relu", "relu6", "selu", "gelu", "geluTanh", "silu", "softplus", "hardSwish",
    ]  # fmt: skip
    layers = [
        {"dense": {"outputs": 6, "hasBias": rng.random() < 0.5}},
        {"norm": {"kind": {"batch": {"epsilon": 1e-3}}, "hasScale": rng.random() < 0.5, "hasShift": rng.random() < 0.5}},
        {"activation": rng.choice(functions + numbered)},
        {"dense": {"outputs": 4, "hasBias": rng.random() < 0.5}},
        {"activation": rng.choice(functions)},
    ]
    configuration["head"] = {
        "pooling": rng.choice(["average", "max", "none", flatten]), "layers": layers[: rng.choice([0, 2, 4, 5])],
    }  # fmt: skip
    return configuration


class Maker(dict):
    """Parameters that come into being when the network asks for them."""

    def __contains__(self, name):
        return True

    def __getitem__(self, name):
        if name not in self.keys():
            self[name] = Wanted(self, name)
        return super().__getitem__(name)


class Wanted:
    """Stands for a tensor until its shape is known, which is when it is compared."""

    def __init__(self, maker, name):
        self.maker, self.name = maker, name

    @property
    def shape(self):
        return self

    def __ne__(self, shape):
        rng = np.random.default_rng(len(self.maker))
        array = rng.normal(0, 1 / math.sqrt(math.prod(shape[1:])), shape).astype(np.float32)
        if self.name.endswith((".variance", ".scale")):
            array = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        self.maker[self.name] = array
        return False

    def astype(self, dtype, copy=False):
        return self.maker[self.name]


def network_of(configuration, shape):
    """Random parameters for a configuration, and what the network then gives for a probe."""
    maker = Maker()
    images = rnw.probe(shape, 1, **probe_range(configuration))
    Network(configuration, maker)(images)
    tensors = dict(maker)
    return tensors, Network(configuration, tensors)(images)


def probe_range(configuration):
    """The scale and offset of a probe that the network's own adjustment turns into [-1, 1)."""
    if not {"inputScale", "inputOffset"} & configuration.keys():
        return {}
    channels = configuration["inputChannels"]
    scales = configuration.get("inputScale", [1.0] * channels)
    offsets = configuration.get("inputOffset", [0.0] * channels)
    pairs = [(1 / scale, -offset / scale) for scale, offset in zip(scales, offsets, strict=True)]
    if configuration.get("reversesInputChannels"):
        pairs.reverse()
    return {"scale": [scale for scale, _ in pairs], "offset": [offset for _, offset in pairs]}


@pytest.mark.parametrize("seed", range(40))
def test_tool_agrees_over_the_space_of_options(tool, tmp_path, seed):
    """Files of random networks with certificates of numpy's values: the tool computes the same."""
    rng = random.Random(seed)
    configuration = random_configuration(rng)
    shape = (1, rng.randint(33, 48), rng.randint(33, 48), configuration["inputChannels"])
    tensors, values = network_of(configuration, shape)
    values = values[0].mean(axis=(0, 1), dtype=np.float64) if values.ndim == 4 else values[0]
    assert np.abs(values).max() > 1e-2
    path = written(tmp_path / "a.rnw", configuration, tensors, shape, values, limit=2e-5)
    report = rnw.verify(path)
    assert report and report.certificate.error < 1e-6, report
    tool("verify", path, "--threads", 1)
    changed = written(tmp_path / "b.rnw", configuration, tensors, shape, values * 1.001, limit=2e-5)
    assert not rnw.verify(changed)
    tool("verify", changed, "--threads", 1, status=1)


@pytest.mark.parametrize("seed", range(40))
def test_tool_agrees_on_what_version_2_adds(tool, tmp_path, seed):
    rng = random.Random(1000 + seed)
    size = (rng.randint(33, 48), rng.randint(33, 48))
    configuration = newer_configuration(rng, lambda channels: (1, *size, channels))
    shape = (1, *size, configuration["inputChannels"])
    tensors, values = network_of(configuration, shape)
    values = values[0].mean(axis=(0, 1), dtype=np.float64) if values.ndim == 4 else values[0]
    path = written(tmp_path / "a.rnw", configuration, tensors, shape, values, limit=2e-5, version="2.0")
    report = rnw.verify(path)
    assert report and report.certificate.error < 1e-6, report
    tool("verify", path, "--threads", 1)


def written(path, configuration, tensors, shape, values, limit, per_block=16, version="1.0", node="head.dense"):
    draft = Draft(tensors, per_block=per_block)
    draft.metadata["rnw.version"] = version
    draft.metadata["rnw.configuration"] = json.dumps(configuration)
    preprocessing = {"channelOrder": "RGB", "inputRange": 255, "mean": [0, 0, 0], "deviation": [1, 1, 1]}
    draft.metadata["rnw.preprocessing"] = json.dumps({"inputSize": 64, "preprocessing": preprocessing})
    draft.metadata["rnw.source"] = json.dumps({
        "file": "a", "sha256": "", "container": "npz", "family": "keras", "renamedLayers": {}, "waived": {},
        "used": {name: name for name in tensors}, "tool": "test",
    })  # fmt: skip
    draft.metadata["rnw.certificate"] = json.dumps({
        "node": node, "values": [float(value) for value in values], "limit": limit,
        "probe": {"seed": 1, "shape": list(shape)} | probe_range(configuration), "layers": 1,
    })  # fmt: skip
    return draft.write(path)


CONFIGURATION = random_configuration(random.Random(7))


def test_parameters_must_be_those_of_the_network():
    shape = (1, 40, 40, CONFIGURATION["inputChannels"])
    tensors, _ = network_of(CONFIGURATION, shape)
    name = next(name for name in tensors if name.endswith("conv1.weight"))
    with pytest.raises(NetworkError, match='no tensor "more"'):
        Network(CONFIGURATION, tensors | {"more": tensors[name]})(rnw.probe(shape, 1))
    with pytest.raises(NetworkError, match=f'expected .* as "{name}"'):
        Network(CONFIGURATION, tensors | {name: tensors[name][..., None]})(rnw.probe(shape, 1))
    del tensors[name]
    with pytest.raises(NetworkError, match=f'a tensor "{name}"'):
        Network(CONFIGURATION, tensors)(rnw.probe(shape, 1))


def test_network_larger_than_memory():
    """A first convolution that would give 64 TiB."""
    configuration = json.loads(json.dumps(CONFIGURATION))
    channels, small = 1 << 20, CONFIGURATION["inputChannels"]
    configuration["stem"]["convolutions"] = [{"kernel": 1, "stride": 1, "outputChannels": channels, "hasBias": False}]
    configuration["normalizesInput"] = False
    configuration.pop("weightStandardizationEpsilon", None)
    shape = (1, 4096, 4096 if small <= 3 else 2048, small)
    tensors = {"stem.conv.weight": np.zeros((channels, small, 1, 1), np.float32)}
    with pytest.raises(NetworkError, match="at most"):
        Network(configuration, tensors)(np.zeros(shape, np.float32))


def paths(value, path=()):
    yield path
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(item, path + (key,))


@pytest.mark.parametrize("spoiled", [None, -1, 0, 2**40, 1e300, "x", [], {}, True, [1], {"a": 1}])
def test_configurations_of_another_form(tmp_path, spoiled):
    """Every value of a configuration replaced: a problem of one line, or the same network."""
    shape = (1, 33, 33, CONFIGURATION["inputChannels"])
    tensors, values = network_of(CONFIGURATION, shape)
    values = values[0].mean(axis=(0, 1)) if values.ndim == 4 else values[0]
    for path in list(paths(CONFIGURATION))[1:]:
        configuration = json.loads(json.dumps(CONFIGURATION))
        place = configuration
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = spoiled
        report = rnw.verify(written(tmp_path / "a.rnw", configuration, tensors, shape, values, limit=1e-5))
        if not report:
            assert len(report.problems) == 1 and "\n" not in str(report), str(report)
