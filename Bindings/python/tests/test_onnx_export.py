"""Models that `rnw export -o model.onnx` writes, run by ONNX Runtime and by OpenVINO."""

import numpy as np
import pytest

import rnw

NAMES = [
    "keras/narrow.keras", "keras/notop.keras", "keras/v1.full.h5", "torch/bottleneck.pth", "torch/v1.pth",
    "pytorch/timm.deep.safetensors", "pytorch/timm.deep_groups.safetensors", "pytorch/bit.timm.safetensors",
    "pytorch/preact.safetensors", "pytorch/cifar.zeros.safetensors", "mxnet/bottleneck.params", "tensorflow/slim.ckpt",
    "kinds/fine_tuned.keras", "kinds/cifar_v1.weights.h5", "kinds/old_valid.legacy.h5", "onnx/torch.onnx",
    "onnx/keras.onnx",
]  # fmt: skip



class ONNXRuntime:
    def __init__(self, model):
        runtime = pytest.importorskip("onnxruntime")
        self.session = runtime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        self.shape = self.session.get_inputs()[0].shape

    def run(self, images):
        return self.session.run(None, {"input": images})[0]


class OpenVINO:
    def __init__(self, model):
        openvino = pytest.importorskip("openvino")
        # Some processors would compute in bfloat16.
        options = {"INFERENCE_PRECISION_HINT": "f32"}
        self.model = openvino.compile_model(str(model), "CPU", options)
        self.shape = [
            "batch" if side.is_dynamic else side.get_length() for side in self.model.inputs[0].partial_shape
        ]

    def run(self, images):
        return self.model([images])[0]


@pytest.mark.frameworks
@pytest.mark.parametrize("runtime", [ONNXRuntime, OpenVINO])
@pytest.mark.parametrize("batch", [None, 2])
@pytest.mark.parametrize("name", NAMES)
def test_runtime_agrees(tool, fixtures, tmp_path, name, batch, runtime):
    onnx = pytest.importorskip("onnx")
    model, archive = tmp_path / "m.onnx", tmp_path / "a.npz"
    fixed = ("--batch", batch) if batch else ()
    tool("export", fixtures / name, "-o", model, *fixed)
    onnx.checker.check_model(str(model), full_check=True)
    opened = runtime(model)
    images, _, rows, columns = opened.shape
    assert images == (batch or "batch")
    size = [side if isinstance(side, int) else 64 for side in (rows, columns)]
    x = rnw.probe((2, *size, 3), 7)
    np.save(tmp_path / "x.npy", x)
    tool("run", fixtures / name, "--input", tmp_path / "x.npy", "-o", archive, "--threads", 1)
    y = opened.run(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    with np.load(archive) as values:
        expected = values[values.files[-1]]
    if expected.shape != y.shape:
        y = y.transpose(0, 2, 3, 1)
    assert np.abs(y - expected).max() <= 2e-5 * np.abs(expected).max()
