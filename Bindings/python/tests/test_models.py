"""Weights in real PyTorch modules and Keras models, judged by the certificate and by the framework's own loader."""

import importlib
import importlib.util
import sys

import numpy as np
import pytest

import rnw
from rnw import models
from writer import Draft, sample

# Before any test loads TensorFlow: the libraries under PyTorch abort the process when they come second.
for library in ("torchvision", "timm"):
    try:
        importlib.import_module(library)
    except ImportError:
        pass


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def networks(folder):
    """The fixtures' networks.py; those of Keras and PyTorch have the same name."""
    spec = importlib.util.spec_from_file_location(f"networks_{folder.name}", folder / "networks.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def torch_network(torch, fixtures):
    kinds = networks(fixtures / "torch")

    def make(name):
        block = {"basic": kinds.BasicBlockV2, "bottleneck": kinds.BottleneckV2, "v1": kinds.BasicBlock}[name]
        widths, classes = ((4, 8), 5) if name == "bottleneck" else ((8, 16), 10)
        version = 1 if name == "v1" else 2
        return kinds.ResNet(block, (2, 2), stem=8, widths=widths, classes=classes, version=version).eval()

    return make


def torch_forward(torch, module):
    def forward(images):
        with torch.no_grad():
            return module(torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))).numpy()

    return forward


@pytest.mark.frameworks
@pytest.mark.parametrize("name", ["basic", "bottleneck", "v1"])
@pytest.mark.parametrize("codec", ["planes", "none"])
def test_torch(torch, torch_network, converted, fixtures, name, codec):
    path, module = converted(f"torch/{name}.pth", codec), torch_network(name)
    models.load_into_torch(module, path)
    source = torch.load(fixtures / f"torch/{name}.pth", weights_only=True)
    for key, value in module.state_dict().items():
        assert key.endswith("num_batches_tracked") or torch.equal(value, source[key]), key
    report = rnw.verify(path, forward=torch_forward(torch, module))
    assert report, report
    module.fc.weight.data *= 1.001
    assert not rnw.verify(path, forward=torch_forward(torch, module))


@pytest.mark.frameworks
@pytest.mark.parametrize("name", ["half", "bfloat16", "module", "checkpoint"])
def test_torch_containers(torch, torch_network, converted, name):
    path, module = converted(f"torch/basic.{name}.pth"), torch_network("basic")
    with rnw.load(path) as weights:
        models.load_into_torch(torch.nn.DataParallel(module), weights)
        assert "stem.conv.weight" in weights
    assert rnw.verify(path, forward=torch_forward(torch, module))


@pytest.mark.frameworks
def test_torch_refuses_another_network(torch_network, converted):
    path = converted("torch/basic.pth")
    with pytest.raises(rnw.RNWError, match="bottleneck|expected"):
        models.load_into_torch(torch_network("bottleneck"), path)
    module = torch_network("basic")
    module.conv1.weight.data = module.conv1.weight.data[:, :1]
    with pytest.raises(rnw.RNWError, match=r'"conv1.weight": expected \[8, 1, 7, 7\]'):
        models.load_into_torch(module, path)
    module = torch_network("basic")
    del module.bn_last
    with pytest.raises(rnw.RNWError, match="bn_last.* expected a parameter of this name"):
        models.load_into_torch(module, path)


@pytest.mark.frameworks
@pytest.mark.parametrize("package", ["torchvision.models", "timm.models.resnet"])
def test_library_networks(torch, tool, tmp_path, package):
    """A network of random weights from the tool, in the libraries that people have."""
    library = pytest.importorskip(package)
    source = tmp_path / "a.safetensors"
    tool("init", "resnet18_v1", "--family", "torchvision", "--classes", 7, "-o", source, "--threads", 1)
    tool("convert", source, "-o", tmp_path / "a.rnw", "--threads", 1)
    module = library.resnet18(num_classes=7).eval()
    models.load_into_torch(module, tmp_path / "a.rnw")
    report = rnw.verify(tmp_path / "a.rnw", forward=torch_forward(torch, module))
    assert report, report


KERAS_FILES = [
    "narrow.h5", "narrow.keras", "narrow.weights.h5", "narrow.tfkeras.weights.h5", "narrow.nested.weights.h5",
    "narrow.float16.h5", "notop.keras", "v1.full.h5", "v1.tfkeras.weights.h5",
]  # fmt: skip


def keras_network(keras, fixtures, name):
    """The network of a fixture, for images of any size, as each file has a probe of its own, that ends with logits."""
    kinds, shape = networks(fixtures / "keras"), (None, None, 3)
    if name.startswith("v1"):
        model = kinds.resnet_v1(keras, shape)
    elif name.startswith("notop"):
        model = kinds.resnet_v2(keras, shape, classes=0, pooling=False)
    else:
        model = kinds.resnet_v2(keras, shape)
    if not name.startswith("notop"):
        model.layers[-1].activation = keras.activations.linear
    return model


@pytest.mark.frameworks
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
@pytest.mark.parametrize("name", KERAS_FILES)
def test_keras(converted, fixtures, package, name):
    keras = pytest.importorskip(package)
    path, model = converted(f"keras/{name}"), keras_network(keras, fixtures, name)
    models.load_into_keras(model, path)
    report = rnw.verify(path, forward=lambda images: np.asarray(model(images)))
    assert report, report


@pytest.mark.frameworks
def test_keras_model_around_another(keras, converted, fixtures):
    inner = keras_network(keras, fixtures, "narrow.h5")
    images = keras.Input((224, 224, 3))
    path, outer = converted("keras/narrow.h5"), keras.Model(images, inner(images))
    models.load_into_keras(outer, path)
    assert rnw.verify(path, forward=lambda images: np.asarray(outer(images)))


@pytest.mark.frameworks
def test_keras_refuses_another_network(keras, converted, fixtures):
    with pytest.raises(rnw.RNWError, match="expected"):
        models.load_into_keras(keras_network(keras, fixtures, "v1"), converted("keras/narrow.h5"))


def test_file_that_was_not_converted(tmp_path):
    draft = Draft(sample())
    draft.metadata["rnw.source"] = '{"used": {}}'
    with pytest.raises(rnw.RNWError, match="not converted"):
        models.source_arrays(rnw.load(draft.write(tmp_path / "a.rnw")))
    draft.metadata["rnw.source"] = '{"used": {"stem.conv.weight": "w"}}'
    with pytest.raises(rnw.RNWError, match="head.dense.bias"):
        models.source_arrays(rnw.load(draft.write(tmp_path / "a.rnw")))


def test_source_arrays(tmp_path):
    arrays = models.source_arrays(rnw.load(Draft(sample()).write(tmp_path / "a.rnw")))
    assert np.array_equal(arrays["source.stem.conv.weight"], sample()["stem.conv.weight"])


@pytest.mark.frameworks
def test_file_of_bits_is_not_for_models(torch, tmp_path):
    weights = rnw.load(Draft(sample()).write(tmp_path / "a.rnw"), bfloat16="uint16")
    with pytest.raises(ValueError, match="float32"):
        models.load_into_torch(torch.nn.Linear(1, 1), weights)
