"""Archives of activations from real frameworks, and the tool's verdict on them."""

import importlib.util
import json
import sys
import types

import numpy as np
import pytest

import rnw
from rnw import capture


def run(*arguments):
    return capture.main([str(argument) for argument in arguments])


def judged(tool, model, archive, status=0):
    return json.loads(tool("verify", model, "--against", archive, "--threads", 1, "--json", status=status))


@pytest.mark.frameworks
@pytest.mark.parametrize(
    "name",
    ["narrow.keras", "narrow.keras3.full.h5", "narrow.tfkeras.full.h5", "narrow.tfkeras.keras", "narrow.nested.full.h5",
     "notop.keras", "v1.full.h5"],
)  # fmt: skip
def test_keras(tool, converted, fixtures, tmp_path, name):
    pytest.importorskip("keras")
    archive = tmp_path / "acts.npz"
    assert run("keras", fixtures / "keras" / name, "--input", "probe:3:2", "-o", archive) == 0
    values = np.load(archive)
    assert np.array_equal(values["input"], rnw.probe((2, 47, 65, 3), 3)) and values["conv1_conv"].shape[-1] == 8
    report = judged(tool, converted(f"keras/{name}"), archive)
    assert report["verdict"] == "pass" and not report["missing"] and not report["unknown"]


@pytest.mark.frameworks
def test_keras_archive_is_the_one_of_the_fixtures(fixtures, tmp_path):
    """The same values as a functional model of all outputs gives, and nothing more or less."""
    pytest.importorskip("keras")
    expected = np.load(fixtures / "keras/narrow.activations.npz")
    np.save(tmp_path / "x.npy", expected["input"])
    model = fixtures / "keras/narrow.keras"
    assert run("keras", model, "--input", tmp_path / "x.npy", "-o", tmp_path / "acts.npz") == 0
    values = np.load(tmp_path / "acts.npz")
    assert sorted(values.files) == sorted([*expected.files, "output"])
    assert np.array_equal(values["output"], values["predictions"])
    for name in expected.files:
        np.testing.assert_allclose(values[name], expected[name], atol=1e-4, err_msg=name)


@pytest.mark.frameworks
def test_keras_model_is_left_as_it_was(fixtures, tmp_path):
    keras = pytest.importorskip("keras")
    model = keras.models.load_model(fixtures / "keras/narrow.keras")
    with capture.listening(model, {}):
        assert "call" in vars(model.layers[1])
    assert not any("call" in vars(layer) for layer in model.layers)


@pytest.fixture
def maker(fixtures, monkeypatch):
    """A module `maker` with the callable `basic`, as users have one."""
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("networks", fixtures / "torch/networks.py")
    networks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(networks)
    module = types.ModuleType("maker")
    module.basic = lambda: networks.ResNet(networks.BasicBlockV2, (2, 2), stem=8, widths=(8, 16), classes=10)
    module.v1 = lambda: networks.ResNet(
        networks.BasicBlock, (2, 2), stem=8, widths=(8, 16), classes=10, version=1
    )
    module.number = lambda: 7
    monkeypatch.setitem(sys.modules, "maker", module)


@pytest.mark.frameworks
@pytest.mark.parametrize("weights", ["basic.pth", "basic.safetensors", "basic.module.pth", "basic.checkpoint.pth", None])
def test_torch(tool, converted, fixtures, tmp_path, maker, weights):
    archive, model = tmp_path / "acts.npz", converted("torch/basic.pth")
    weights = fixtures / "torch" / weights if weights else model
    arguments = ("--weights", weights, "--input", "probe:3:2", "--size", "45x38", "-o", archive)
    assert run("torch", "maker:basic", *arguments) == 0
    assert np.array_equal(np.load(archive)["input"], rnw.probe((2, 45, 38, 3), 3).transpose(0, 3, 1, 2))
    report = judged(tool, model, archive)
    assert report["verdict"] == "pass" and report["layersCompared"] == 38
    assert not report["missing"] and not report["unknown"]


@pytest.mark.frameworks
def test_torch_layers_that_work_in_place(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    module = types.ModuleType("maker")
    module.network = lambda: torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.ReLU(inplace=True))
    monkeypatch.setitem(sys.modules, "maker", module)
    assert run("torch", "maker:network", "--input", "probe:1", "--size", "8x9", "-o", tmp_path / "a.npz") == 0
    values = np.load(tmp_path / "a.npz")
    assert values["0"].min() < 0 and np.array_equal(values["1"], np.maximum(values["0"], 0))


@pytest.mark.frameworks
def test_torch_code_after_the_last_layer_shows_in_the_output(tool, converted, fixtures, tmp_path, maker, monkeypatch):
    """No module has its value: an archive of modules alone would agree with a network without it."""
    torch = pytest.importorskip("torch")
    maker = sys.modules["maker"]

    class Rescaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            vars(self)["inner"] = maker.basic()
            for name, part in self.inner.named_children():
                self.add_module(name, part)

        def forward(self, images):
            return torch.sigmoid(self.inner(images))

    monkeypatch.setattr(maker, "rescaled", Rescaled, raising=False)
    model = converted("torch/basic.pth")
    for name, status in (("basic", 0), ("rescaled", 1)):
        archive = tmp_path / f"{name}.npz"
        arguments = ("--weights", fixtures / "torch/basic.pth", "--input", "probe:3:2", "--size", "45x38", "-o", archive)
        assert run("torch", f"maker:{name}", *arguments) == 0
        report = judged(tool, model, archive, status)
        assert report["layersFailed"] == status


def onnx_model(path, shape):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Constant", [], ["two"], value=helper.make_tensor("t", floats, [], [2.0])),
        helper.make_node("Mul", ["x", "two"], ["/double"]),
        helper.make_node("Relu", ["/double"], ["file"]),
        helper.make_node("Neg", ["file"], ["y"]),
    ]
    images = helper.make_tensor_value_info("x", floats, shape)
    graph = helper.make_graph(nodes, "g", [images], [helper.make_tensor_value_info("y", floats, None)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


@pytest.mark.frameworks
@pytest.mark.parametrize(
    "shape, expected", [(["n", 3, 4, None], (2, 3, 4, 6)), (["n", 7, "w", 3], (2, 7, 6, 3)), ([None, 3, 5, 4], None)]
)
def test_onnx(tmp_path, shape, expected, capsys):
    onnx_model(tmp_path / "m.onnx", shape)
    status = run("onnx", tmp_path / "m.onnx", "--input", "probe:1:2", "--size", "5x6", "-o", tmp_path / "a.npz")
    if expected is None:
        assert status == 1 and "give a .npy" in capsys.readouterr().err
        return
    values = np.load(tmp_path / "a.npz")
    assert status == 0 and set(values.files) == {"input", "/double", "file", "y"}
    assert values["input"].shape == expected
    assert np.array_equal(values["y"], -np.maximum(2 * values["input"], 0))


@pytest.mark.frameworks
@pytest.mark.parametrize("dynamo", [True, False])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", ["basic", "v1"])
def test_onnx_of_pytorch(tool, converted, fixtures, tmp_path, maker, dynamo, fused, name):
    """Both exporters say which module a value is of; norms that they put into convolutions leave the latter out."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    module = getattr(sys.modules["maker"], name)().eval()
    module.load_state_dict(torch.load(fixtures / f"torch/{name}.pth", weights_only=True))
    model, archive = tmp_path / "m.onnx", tmp_path / "a.npz"
    options = {"dynamo": dynamo}
    if not fused:
        training = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
        options |= {"optimize": False} if dynamo else training
    torch.onnx.export(module, (torch.zeros(1, 3, 45, 38),), model, **options)
    assert run("onnx", model, "--input", "probe:3", "-o", archive) == 0
    assert np.array_equal(np.load(archive)["input"], rnw.probe((1, 45, 38, 3), 3).transpose(0, 3, 1, 2))
    report = judged(tool, converted(f"torch/{name}.pth"), archive)
    assert report["verdict"] == "pass" and not report["unknown"]
    assert bool(report["missing"]) == fused
    weights = ("--weights", fixtures / f"torch/{name}.pth", "--size", "45x38")
    assert run("torch", f"maker:{name}", *weights, "--input", "probe:3", "-o", tmp_path / "t.npz") == 0
    names, expected = set(np.load(archive)), set(np.load(tmp_path / "t.npz"))
    assert names == expected if not fused else names < expected and len(names) > len(expected) / 3


@pytest.mark.parametrize(
    "name, modules",
    [
        ("/conv1/Conv", ["conv1"]),
        ("/layer1/layer1.0/conv1/Conv", ["layer1", "layer1.0", "layer1.0.conv1"]),
        ("/layer1/layer1.0/relu_1/Relu", ["layer1", "layer1.0", "layer1.0.relu"]),
        ("/layer1/layer1.0/Add", ["layer1", "layer1.0"]),
        (
            "/layer2/layer2.0/downsample/downsample.1/Conv",
            ["layer2", "layer2.0", "layer2.0.downsample", "layer2.0.downsample.1"],
        ),
        ("/Flatten", []),
        ("node_Conv_157", []),
        ("", []),
    ],
)
def test_modules_from_the_names_of_nodes(name, modules):
    assert capture.onnx_scopes_of_name(types.SimpleNamespace(name=name)) == modules


def test_outputs_of_modules():
    def node(name, output, *inputs):
        return types.SimpleNamespace(name=name, input=inputs, output=[output], metadata_props=[])

    nodes = [
        node("/conv1/Conv", "a", "onnx::Conv_1"),
        node("/layer1/layer1.0/conv1/Conv", "b", "layer1.0.conv1.weight"),
        node("/layer1/layer1.0/Add", "c"),
        node("/layer1/layer1.0/relu/Relu", "d"),
        node("/Flatten", "e"),
    ]
    layers = capture.onnx_layers(types.SimpleNamespace(node=nodes))
    assert layers == {"b": ["layer1.0.conv1"], "d": ["layer1.0.relu", "layer1.0"]}


@pytest.mark.frameworks
@pytest.mark.parametrize(
    "arguments, words",
    [
        (("keras", "absent.keras", "--input", "probe:1"), "no such file"),
        (("keras", "{fixtures}/keras/narrow.h5", "--input", "probe:1"), "expected a whole Keras model"),
        (("keras", "{fixtures}/keras/narrow.keras", "--input", "noise"), "expected X.npy or probe"),
        (("torch", "maker", "--input", "probe:1"), "expected module:callable"),
        (("torch", "maker:nothing", "--input", "probe:1"), "has no nothing"),
        (("torch", "maker:number", "--input", "probe:1"), "expected a torch.nn.Module"),
        (("torch", "no_such_module:x", "--input", "probe:1"), "no_such_module is needed"),
        (("torch", "maker:basic", "--input", "probe:1", "--size", "0x4"), "expected a size"),
        (("torch", "maker:basic", "--input", "absent.npy"), "absent.npy"),
        (("torch", "maker:basic", "--input", "probe:1", "--weights", "{fixtures}/torch/v1.pth"), "bn_last"),
        (("torch", "maker:basic", "--input", "probe:1", "--weights", "{fixtures}/torch/networks.py"), "networks.py"),
        (("onnx", "{fixtures}/torch/networks.py", "--input", "probe:1"), "expected an ONNX model"),
    ],
)
def test_mistakes_are_told_in_one_line(fixtures, tmp_path, maker, capsys, arguments, words):
    pytest.importorskip("keras")
    pytest.importorskip("onnx")
    arguments = [argument.replace("{fixtures}", str(fixtures)) for argument in arguments]
    assert run(*arguments, "-o", tmp_path / "a.npz") == 1
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith("rnw.capture: ") and words in message
    assert not list(tmp_path.iterdir())


def test_missing_package_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert run("onnx", "m.onnx", "--input", "probe:1", "-o", tmp_path / "a.npz") == 1
    assert "the package onnx is needed" in capsys.readouterr().err


def test_weights_are_for_torch(tmp_path):
    with pytest.raises(SystemExit):
        run("onnx", "m.onnx", "--input", "probe:1", "--weights", "w.pth", "-o", tmp_path / "a.npz")


def test_values_of_several_calls_and_parts():
    values = {}
    capture.keep(values, "a", np.ones(2, np.float64))
    capture.keep(values, "a", np.ones(2, np.float16))
    capture.keep(values, "a", [np.ones(1), (np.zeros(1), "text")])
    assert list(values) == ["a", "a#2", "a[0]", "a[1][0]"] and values["a#2"].dtype == np.float16
    with pytest.raises(capture.CaptureError, match="rename"):
        capture.keep({"input": np.ones(1)}, "input", np.ones(1))


def test_an_archive_that_is_there_stays(tmp_path, capsys):
    (tmp_path / "a.npz").write_bytes(b"mine")
    assert run("onnx", "m.onnx", "--input", "probe:1", "-o", tmp_path / "a.npz") == 1
    assert "exists already; --overwrite replaces it" in capsys.readouterr().err
    assert (tmp_path / "a.npz").read_bytes() == b"mine"
    run("onnx", "m.onnx", "--input", "probe:1", "-o", tmp_path / "a.npz", "--overwrite")
    assert "exists already" not in capsys.readouterr().err
