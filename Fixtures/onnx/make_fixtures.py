"""Makes the ONNX fixtures beside this file with the real exporters; ONNX Runtime computes the truth.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_fixtures.py

Narrow networks with random weights: PyTorch's two exporters, timm, tf2onnx, and what the zoo's files look like (written
by MXNet, whose exporter does not run beside these versions: the nodes are made here, with the names and forms that it
gives them). Versions are in requirements.txt.
"""

import importlib.util
import os
import sys
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from timm.layers import BatchNormAct2d, create_conv2d
from timm.models.resnetv2 import ResNetV2

HERE = Path(__file__).parent


def module(path: Path, name: str):
    """A file of another folder of fixtures as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    found = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(found)
    sys.path.pop(0)
    return found


networks = module(HERE.parent / "torch/networks.py", "torch_networks")
cifar = module(HERE.parent / "pytorch/networks.py", "cifar_networks")


def main() -> None:
    seed = networks.ResNet(networks.BottleneckV2, (2, 1), stem=8, widths=(4, 8), classes=5)
    networks.randomize(seed, 2)
    shape = (2, 3, 33, 47)
    export("torch", seed, shape)
    export("torch.plain", seed, shape, do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE)
    export("torch.dynamo", seed, shape, dynamo=True)
    external(seed, shape)
    v1 = networks.ResNet(networks.BasicBlock, (2, 1), stem=8, widths=(8, 16), classes=5, version=1)
    networks.randomize(v1, 3)
    export("torchvision", v1, shape)
    norm = dict(norm_layer=BatchNormAct2d, conv_layer=create_conv2d)
    torch.manual_seed(4)
    for name, options in [("timm", {}), ("timm.deep", dict(stem_type="deep", avg_down=True))]:
        model = ResNetV2([1, 2], (16, 24), 5, stem_chs=8, **options, **norm)
        networks.randomize(model, 4)
        export(name, model, (1, 3, 33, 39))
    preact = cifar.CIFARResNet(cifar.PreActBlock, (2, 1), 6, 4)
    networks.randomize(preact, 5)
    # Its pool is a window of the image's size, which the exporter needs to know.
    export("preact", preact, (1, 3, 11, 11), free={})
    keras_models()
    zoo("zoo", 2)
    zoo("zoo.v1", 1)
    check()


def images(shape) -> np.ndarray:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(9)) * 2 - 1).numpy()


FREE = {"x": {0: "batch", 2: "height", 3: "width"}, "y": {0: "batch"}}


def export(name: str, model, shape, dynamo: bool = False, free=FREE, **options) -> None:
    model.eval()
    path = HERE / f"{name}.onnx"
    example = torch.from_numpy(images(shape))
    if dynamo:
        torch.onnx.export(model, (example,), path, dynamo=True, external_data=False, input_names=["x"], verbose=False)
    else:
        torch.onnx.export(
            model, (example,), path, dynamo=False, input_names=["x"], output_names=["y"], dynamic_axes=free, **options
        )
    truth(name, path, example.numpy())


def truth(name: str, path: Path, values: np.ndarray) -> None:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {session.get_inputs()[0].name: values})
    # Images are stored with their channels last, as `rnw run --input` takes them.
    last = values if name == "keras" else values.transpose(0, 2, 3, 1)
    np.savez_compressed(HERE / f"{name}.truth.npz", input=last, output=output)


def external(model, shape) -> None:
    """The tensors in a file beside the model."""
    loaded = onnx.load(HERE / "torch.onnx")
    (HERE / "external.onnx.data").unlink(missing_ok=True)
    onnx.save_model(
        loaded, HERE / "external.onnx", save_as_external_data=True, all_tensors_to_one_file=True,
        location="external.onnx.data", size_threshold=64,
    )  # fmt: skip
    truth("external", HERE / "external.onnx", images(shape))


def keras_models() -> None:
    """tf2onnx of a narrow ResNetV2 of Keras, whose images are NHWC."""
    import keras
    import tensorflow as tf
    import tf2onnx

    model = keras.saving.load_model(HERE.parent / "keras/narrow.keras", compile=False)
    channels = model.inputs[0].shape
    signature = [tf.TensorSpec((None, channels[1], channels[2], channels[3]), tf.float32, name="images")]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, input_signature=signature, opset=15, output_path=str(HERE / "keras.onnx"))
    with np.load(HERE.parent / "keras/narrow.activations.npz") as archive:
        truth("keras", HERE / "keras.onnx", archive["input"])


def zoo(file: str, version: int) -> None:
    """A narrow network in the names and forms of the model zoo's resnet50-v1 and resnet50-v2 (opset 7, IR 3)."""
    rng = np.random.default_rng(6)
    nodes, tensors = [], []
    prefix = "resnetv24_" if version == 2 else "resnetv17_"

    def tensor(name, *shape, low=-0.3, high=0.3):
        tensors.append(numpy_helper.from_array(rng.uniform(low, high, shape).astype(np.float32), prefix + name))
        return prefix + name

    def norm(x, name, channels, fixed=False):
        if fixed:
            tensors.append(numpy_helper.from_array(np.ones(channels, np.float32), f"{prefix}{name}_gamma"))
        gamma = f"{prefix}{name}_gamma" if fixed else tensor(f"{name}_gamma", channels, low=0.5, high=1.5)
        parts = [gamma, tensor(f"{name}_beta", channels), tensor(f"{name}_running_mean", channels)]
        parts.append(tensor(f"{name}_running_var", channels, low=0.5, high=1.5))
        out = f"{prefix}{name}_fwd"
        nodes.append(helper.make_node("BatchNormalization", [x, *parts], [out], name=out, epsilon=1e-5, momentum=0.9, spatial=1))
        return out

    def conv(x, name, cin, cout, kernel, stride, bias=False):
        out, pad = f"{prefix}{name}_fwd", kernel // 2
        weight = tensor(f"{name}_weight", cout, cin, kernel, kernel, low=-(3 / cin / kernel**2) ** 0.5, high=(3 / cin / kernel**2) ** 0.5)
        inputs = [x, weight] + ([tensor(f"{name}_bias", cout)] if bias else [])
        nodes.append(helper.make_node(
            "Conv", inputs, [out], name=out, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4,
            dilations=[1, 1], group=1,
        ))  # fmt: skip
        return out

    def simple(kind, inputs, name, **attributes):
        nodes.append(helper.make_node(kind, inputs, [prefix + name], name=prefix + name, **attributes))
        return prefix + name

    x = norm("data", "batchnorm0", 3, fixed=True) if version == 2 else "data"
    x = simple("Relu", [norm(conv(x, "conv0", 3, 8, 7, 2), f"batchnorm{version - 1}", 8)], "relu0_fwd")
    x = simple("MaxPool", [x], "pool0_fwd", kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2])
    channels = 8
    for stage, (width, blocks) in enumerate([(4, 2), (8, 1)], 1):
        number = 0
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            base = 3 * block
            relus = lambda k: f"stage{stage}_activation{base + k}"
            if version == 1:
                def part(x, cin, cout, kernel=1, stride=1, bias=True):
                    nonlocal number
                    number += 1
                    at = f"stage{stage}_{{}}{number - 1}".format
                    return norm(conv(x, at("conv"), cin, cout, kernel, stride, bias), at("batchnorm"), cout)

                h = simple("Relu", [part(x, channels, width, stride=stride)], relus(0))
                h = simple("Relu", [part(h, width, width, kernel=3, bias=False)], relus(1))
                h = part(h, width, 4 * width)
                if channels != 4 * width:
                    x = part(x, channels, 4 * width, stride=stride, bias=False)
                x = simple("Add", [h, x], f"stage{stage}__plus{block}")
                x = simple("Relu", [x], relus(2))
                channels = 4 * width
                continue
            pre = simple("Relu", [norm(x, f"stage{stage}_batchnorm{base}", channels)], relus(0))
            h = conv(pre, f"stage{stage}_conv{number}", channels, width, 1, 1)
            h = simple("Relu", [norm(h, f"stage{stage}_batchnorm{base + 1}", width)], relus(1))
            h = conv(h, f"stage{stage}_conv{number + 1}", width, width, 3, stride)
            h = simple("Relu", [norm(h, f"stage{stage}_batchnorm{base + 2}", width)], relus(2))
            h = conv(h, f"stage{stage}_conv{number + 2}", width, 4 * width, 1, 1)
            number += 3
            if channels != 4 * width:
                x = conv(pre, f"stage{stage}_conv{number}", channels, 4 * width, 1, stride)
                number += 1
            x = simple("Add", [h, x], f"stage{stage}__plus{block}")
            channels = 4 * width
    if version == 2:
        x = simple("Relu", [norm(x, "batchnorm2", channels)], "relu1_fwd")
    x = simple("GlobalAveragePool", [x], "pool1_fwd")
    tensors.append(numpy_helper.from_array(np.array([0, -1], np.int64), "reshape_attr_tensor164"))
    x = simple("Reshape", [x, "reshape_attr_tensor164"], "flatten0_reshape0")
    parts = [tensor("dense0_weight", 5, channels), tensor("dense0_bias", 5)]
    x = simple("Gemm", [x, *parts], "dense0_fwd", alpha=1.0, beta=1.0, transA=0, transB=1)

    shape = (1, 3, 33, 47)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    kinds = {t.name: helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in tensors}
    graph = helper.make_graph(nodes, "mxnet_converted_model", [value("data", shape), *kinds.values()], [value(x, (1, 5))], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 7)], ir_version=3)
    onnx.save(model, HERE / f"{file}.onnx")
    truth(file, HERE / f"{file}.onnx", images(shape))


def check() -> None:
    for path in sorted(HERE.glob("*.onnx")):
        onnx.checker.check_model(str(path))
        kinds = {}
        for node in onnx.load(path).graph.node:
            kinds[node.op_type] = kinds.get(node.op_type, 0) + 1
        print(path.name, path.stat().st_size, kinds)


if __name__ == "__main__":
    main()
