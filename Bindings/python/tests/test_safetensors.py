"""A file of codec none is a safetensors file for everyone: read by the real library, which knows nothing of rnw."""

import json

import numpy as np
import pytest

import rnw

library = pytest.importorskip("safetensors")
from safetensors import numpy as library_numpy  # noqa: E402

FILES = ["torch/basic.safetensors", "torch/basic.half.pth", "keras/narrow.keras", "keras/notop.keras"]


@pytest.mark.parametrize("name", FILES)
def test_every_tensor_is_there_as_it_is(converted, name):
    path = converted(name, "none")
    arrays = library_numpy.load_file(path)
    with rnw.load(path) as weights:
        assert sorted(arrays) == sorted(weights)
        for name, array in arrays.items():
            assert array.dtype == weights[name].dtype and np.array_equal(array, weights[name]), name
            assert array.shape == weights.tensors[name].shape, name


def test_single_tensors_slices_and_metadata(converted):
    path = converted("torch/basic.safetensors", "none")
    with library.safe_open(path, framework="numpy") as file, rnw.load(path) as weights:
        assert file.metadata() == weights.metadata
        used = json.loads(file.metadata()["rnw.source"])["used"]
        assert used["stem.conv.weight"] == "conv1.weight"
        kernel = file.get_slice("stem.conv.weight")
        assert kernel.get_shape() == [8, 3, 7, 7]
        assert np.array_equal(kernel[2:5], weights["stem.conv.weight"][2:5])


def test_coded_tensors_are_bytes(converted):
    """With codec planes the library still opens the file; the tensors are theirs who can decode them."""
    arrays = library_numpy.load_file(converted("torch/basic.safetensors"))
    assert arrays["stem.conv.weight"].dtype == np.uint8 and arrays["stem.conv.weight"].ndim == 1


@pytest.mark.frameworks
def test_pytorch_opens_it(converted):
    torch = pytest.importorskip("torch")
    load_file = pytest.importorskip("safetensors.torch").load_file
    path = converted("torch/basic.safetensors", "none")
    with rnw.load(path) as weights:
        for name, tensor in load_file(path).items():
            assert tensor.dtype == torch.float32 and np.array_equal(tensor.numpy(), weights[name]), name
