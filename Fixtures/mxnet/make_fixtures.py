"""Makes the fixtures of MXNet Gluon beside this file with the real library.

    python3.11 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_fixtures.py

Narrow `ResNetV1` and `ResNetV2` of Gluon's model zoo with random weights, rounded to float16 but stored as float32 (`half.params` is
stored as float16). MXNet 1.9.1 is the last release; it needs a NumPy before 1.24. It writes V2 records, and V3 ones while
`mx.util.np_shape` is on. Nobody writes V0 and V1 records any more: those two files are put together here as `LegacyLoad` of
`ndarray.cc` takes them apart, and MXNet itself must load them.
"""

import struct
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet.gluon import nn
from mxnet.gluon.model_zoo.vision.resnet import BasicBlockV1, BasicBlockV2, BottleneckV1, BottleneckV2, ResNetV1, ResNetV2

HERE = Path(__file__).parent


def main() -> None:
    basic = made(BasicBlockV2, [2, 1, 1, 1], [6, 6, 8, 10, 12], "basic")
    # Before the first pass: it writes 1 into the input's gamma.
    with mx.util.np_shape(True):
        basic.save_parameters(str(HERE / "basic.v3.params"))
    write("basic", basic, (1, 3, 33, 39))
    bottleneck = made(BottleneckV2, [1, 2, 1, 1], [8, 12, 16, 20, 24], "bottleneck")
    write("bottleneck", bottleneck, (1, 3, 39, 33))

    # Version 1: a norm in the stem, and biases on the 1x1 convolutions of a bottleneck, before norms.
    write("resnetv1.basic", made(BasicBlockV1, [2, 1, 1, 1], [8, 8, 10, 12, 14], "v1", ResNetV1), (1, 3, 39, 33))
    first = made(BottleneckV1, [2, 1, 1, 1], [8, 12, 16, 20, 24], "v1.bottleneck", ResNetV1)
    write("resnetv1.bottleneck", first, (1, 3, 39, 33))
    exported(first, "resnetv1.bottleneck")

    # For small images: a bare 3x3 convolution as stem, in both versions.
    small = made(BottleneckV2, [1, 2, 1, 1], [6, 12, 16, 20, 24], "thumbnail", thumbnail=True)
    write("thumbnail", small, (1, 3, 17, 14))
    exported(small, "thumbnail")
    small = made(BasicBlockV1, [2, 1, 1, 1], [8, 8, 10, 12, 14], "v1.thumbnail", ResNetV1, thumbnail=True)
    write("resnetv1.thumbnail", small, (1, 3, 14, 17))
    exported(small, "resnetv1.thumbnail")

    # The names that count, without prefix, with it, and with the marks of an exported model.
    with_warnings_off(basic.save_params, HERE / "basic.counted.params")
    exported(bottleneck, "bottleneck")

    arrays = mx.nd.load(str(HERE / "basic.params"))
    for form in (0, 1):
        path = HERE / f"basic.v{form}.params"
        path.write_bytes(old_form(arrays, form))
        loaded = mx.nd.load(str(path))
        assert loaded.keys() == arrays.keys()
        assert all((loaded[n].asnumpy() == arrays[n].asnumpy()).all() for n in arrays)
    # MXNet keeps the norms in float32 where a network is cast.
    basic.cast("float16")
    basic.save_parameters(str(HERE / "basic.half.params"))


def made(block, layers, channels, name: str, kind=ResNetV2, **options):
    net = kind(block, layers, channels, classes=5, prefix=f"{kind.__name__.lower()}{len(name)}_", **options)
    net.initialize()
    net(mx.nd.zeros((1, 3, 33, 33)))
    generator = np.random.default_rng(len(name))
    for key, parameter in net.collect_params().items():
        shape = parameter.shape
        if key.endswith("weight"):
            values = generator.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
        elif key.endswith(("gamma", "running_var")):
            values = generator.uniform(0.5, 1.5, shape)
        else:
            values = generator.uniform(-0.3, 0.3, shape)
        # The input's gamma too: whoever uses it is found out.
        parameter.set_data(mx.nd.array(values.astype(np.float16).astype(np.float32)))
    return net


def exported(net, name: str) -> None:
    """The whole model, whose symbol is left out: its names have marks."""
    net(mx.nd.zeros((1, 3, 33, 33)))
    net.hybridize()
    net(mx.nd.zeros((1, 3, 33, 33)))
    net.export(str(HERE / name))
    (HERE / f"{name}-0000.params").rename(HERE / f"{name}.exported.params")
    (HERE / f"{name}-symbol.json").unlink()


def write(name: str, net, shape) -> None:
    net.save_parameters(str(HERE / f"{name}.params"))
    images = np.random.default_rng(9).uniform(-1, 1, shape).astype(np.float32)
    np.savez_compressed(HERE / f"{name}.activations.npz", **activations(net, images))


def activations(net, images: np.ndarray) -> dict[str, np.ndarray]:
    """The output of every block that computes, by its place."""
    values, hooks = {"input": images}, []
    pool = f"features.{len(net.features._children) - (2 if isinstance(net, ResNetV2) else 1)}"

    def keep(name):
        def hook(_block, _inputs, output):
            array = output.asnumpy().copy()
            values[name] = array.reshape(array.shape[:2]) if name == pool else array

        return hook

    blocks = (BasicBlockV1, BasicBlockV2, BottleneckV1, BottleneckV2)
    kept = (nn.Conv2D, nn.Dense, nn.BatchNorm, nn.Activation, nn.MaxPool2D, nn.GlobalAvgPool2D, *blocks)

    def walk(block, path):
        if isinstance(block, kept):
            hooks.append(block.register_forward_hook(keep(path)))
        for child, inner in block._children.items():
            walk(inner, f"{path}.{child}" if path else child)

    walk(net, "")
    net(mx.nd.array(images))
    for hook in hooks:
        hook.detach()
    return values


def old_form(arrays: dict, form: int) -> bytes:
    """The arrays as MXNet before 1.0 (V1) and before 0.12 (V0) wrote them."""
    out = [struct.pack("<QQQ", 0x112, 0, len(arrays))]
    for array in arrays.values():
        values = array.asnumpy()
        shape = struct.pack(f"<I{values.ndim}{'Iq'[form]}", values.ndim, *values.shape)
        mark = struct.pack("<I", 0xF993FAC8) if form else b""
        out += [mark, shape, struct.pack("<iii", 1, 0, 0), values.astype("<f4").tobytes()]
    out.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        out += [struct.pack("<Q", len(name)), name.encode()]
    return b"".join(out)


def with_warnings_off(function, path: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function(str(path))


if __name__ == "__main__":
    main()
