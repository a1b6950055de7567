"""Models that `rnw export -o model.keras` writes, loaded and run by Keras."""

import numpy as np
import pytest
from test_onnx_export import NAMES

import rnw


# What no fixture has: each with a network that can be told it.
TOLD = [("torch/basic.pth", "--activation", name) for name in (
    "sigmoid", "tanh", "relu", "relu6", "leakyRelu:0.2", "leakyRelu:0.01", "elu:1", "elu:0.5", "selu", "gelu", "geluTanh",
    "silu", "softplus", "hardSigmoid:0.16666666666666666", "hardSwish",
)] + [
    ("torch/basic.pth", "--option", "stages[1].stride=1", "--option", "stages[1].dilation=2"),
    ("torch/basic.pth", "--input-scale", "0.25,3,0.1", "--input-offset", "0.5,0,-1", "--option", "reversesInputChannels=true"),
]  # fmt: skip


@pytest.mark.frameworks
@pytest.mark.parametrize("name", NAMES + TOLD, ids=lambda name: name if isinstance(name, str) else " ".join(name))
def test_keras_agrees(tool, fixtures, tmp_path, name):
    name, *told = [name] if isinstance(name, str) else name
    keras = pytest.importorskip("keras")
    model, archive = tmp_path / "m.keras", tmp_path / "a.npz"
    tool("export", fixtures / name, *told, "-o", model)
    loaded = keras.saving.load_model(str(model))
    images, rows, columns, channels = loaded.input_shape
    assert images is None
    # Borders differ by the parity of a size.
    for height, width in {(rows or 67, columns or 45), (rows or 64, columns or 46)}:
        x = rnw.probe((2, height, width, channels), 7)
        np.save(tmp_path / "x.npy", x)
        options = ("--input", tmp_path / "x.npy", "-o", archive, "--threads", 1, "--overwrite")
        tool("run", fixtures / name, *told, *options)
        with np.load(archive) as values:
            expected = values[values.files[-1]]
        y = loaded.predict(x, verbose=0)
        assert y.shape == expected.shape
        assert np.abs(y - expected).max() <= 2e-5 * np.abs(expected).max()


@pytest.mark.frameworks
@pytest.mark.parametrize("name", ["keras/narrow.keras", "torch/v1.pth"])
def test_keras_saves_it_again(tool, fixtures, tmp_path, name):
    keras = pytest.importorskip("keras")
    model, again = tmp_path / "m.keras", tmp_path / "again.keras"
    tool("export", fixtures / name, "-o", model)
    keras.saving.load_model(str(model)).save(again)
    tool("diff", model, again)
