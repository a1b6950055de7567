"""Hands the weights of a `.rnw` file to a PyTorch module or a Keras model.

Tensors are found by the names that they had in the file they were converted from (`used` in `rnw.source`). The file
holds convolution kernels as OIHW and dense matrices as [out, in]: PyTorch has the same, Keras HWIO and [in, out].
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ._file import Array, Path, WeightFile, load
from ._format import RNWError, quoted

# PyTorch counts training steps in every batch norm; evaluation does not use that, and the file does not have it.
COUNTER = "num_batches_tracked"


def load_into_torch(module: Any, file: WeightFile | Path) -> None:
    """Copies all weights into a `torch.nn.Module`; `RNWError` unless names and shapes fit one to one."""
    import torch

    with opened(file) as weights:
        state = without_shared_prefix(module.state_dict(keep_vars=True))
        arrays = without_shared_prefix(source_arrays(weights))
        wanted = {name: tuple(value.shape) for name, value in state.items() if not name.endswith(COUNTER)}
        check_fit(weights.path, wanted, arrays)
        with torch.no_grad():
            for name in wanted:
                # A copy, as PyTorch has no tensors that cannot be written to.
                state[name].copy_(torch.from_numpy(np.array(arrays[name])))


def load_into_keras(model: Any, file: WeightFile | Path) -> None:
    """Assigns all weights of a Keras 3 or tf_keras model; `RNWError` unless names and shapes fit one to one."""
    with opened(file) as weights:
        arrays = {keras_name(name): in_keras_layout(value) for name, value in source_arrays(weights).items()}
        variables = keras_variables(model, any(NAMELESS.search(name) for name in arrays))
        wanted = {name: tuple(variable.shape) for name, variable in variables.items()}
        check_fit(weights.path, wanted, arrays)
        for name, variable in variables.items():
            variable.assign(arrays[name])


def source_arrays(file: WeightFile) -> dict[str, Array]:
    """The tensors by the names of the file that they came from, in the layout of the `.rnw` file (PyTorch's)."""
    return {origin: file[name] for name, origin in file.source_names.items()}


def check_fit(path: str, wanted: Mapping[str, tuple[int, ...]], arrays: Mapping[str, Array]) -> None:
    """Raises for the first tensor that the model or the file alone has, or whose shapes differ."""
    for name in wanted:
        if name not in arrays:
            raise RNWError(path, "rnw.source", f"expected a tensor {quoted(name)} for the model")
    for name, array in arrays.items():
        if name not in wanted:
            raise RNWError(path, f"tensor {quoted(name)}", "expected a parameter of this name in the model")
        if array.shape != wanted[name]:
            problem = f"expected {list(wanted[name])}, as the model has it, the file has {list(array.shape)}"
            raise RNWError(path, f"tensor {quoted(name)}", problem)


def without_shared_prefix(values: Mapping[str, Any]) -> dict[str, Any]:
    """Drops the leading names that all share: `module.` of DataParallel, the attribute of a wrapper."""
    names = list(values)
    while names and len({name.partition(".")[0] for name in names}) == 1 and all("." in name for name in names):
        names = [name.partition(".")[2] for name in names]
    return dict(zip(names, values.values()))


def in_keras_layout(array: Array) -> Array:
    order = {4: (2, 3, 1, 0), 2: (1, 0)}.get(array.ndim)
    return array if order is None else np.transpose(array, order)


# How files without layer names number the weights: layers by class, the weights of each by their order.
NAMELESS = re.compile(r"(?:^|/)(layers/[^/]+/vars/\d+)$")


def keras_name(name: str) -> str:
    """`layer/weight` without the nested models around it, or the numbered form."""
    numbered = NAMELESS.search(name)
    return numbered[1] if numbered else "/".join(name.split("/")[-2:])


def keras_variables(model: Any, numbered: bool) -> dict[str, Any]:
    """The weights of a model, and of the models in it, by the same names as `keras_name` gives."""
    variables = {}
    for layer, number in keras_layers(model):
        for index, variable in enumerate(layer.weights):
            own = variable.name.split("/")[-1].partition(":")[0]
            variables[f"layers/{number}/vars/{index}" if numbered else f"{layer.name}/{own}"] = variable
    return variables


def keras_layers(model: Any) -> Iterator[tuple[Any, str]]:
    """All layers that hold no others, with the number that Keras gives them in its files (`conv2d_3`)."""
    counts: dict[str, int] = {}
    for layer in model.layers:
        kind = snake_case(type(layer).__name__)
        counts[kind] = counts.get(kind, -1) + 1
        if hasattr(layer, "layers"):
            yield from keras_layers(layer)
        else:
            yield layer, f"{kind}_{counts[kind]}" if counts[kind] else kind


def snake_case(name: str) -> str:
    """`BatchNormalization` is `batch_normalization`, and `Conv2D` is `conv2d`, as Keras does it."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


@contextmanager
def opened(file: WeightFile | Path) -> Iterator[WeightFile]:
    """A file that is opened here is closed here; one that was open stays so."""
    if isinstance(file, WeightFile):
        if file._bfloat16 != "float32":
            raise ValueError('weights for a model need a file that is opened with bfloat16="float32"')
        yield file
    else:
        with load(file) as own:
            yield own
