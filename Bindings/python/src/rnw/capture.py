"""Writes what a real framework computes, layer by layer, into an archive for `rnw verify --against`.

    python -m rnw.capture keras model.keras --input probe:1:2 -o acts.npz
    python -m rnw.capture torch torchvision.models:resnet18 --weights resnet18.pth --input images.npy -o acts.npz
    python -m rnw.capture onnx model.onnx --input probe:1 -o acts.npz

The archive (.npz) has the array `input`, the output of every layer under the framework's own name for it, and as `output`
what the model itself gives, in the framework's own layout: channels last for Keras, first for PyTorch. What is called again
gets the number of the call, `relu#2`. A .npy input is taken as it is, in the model's layout.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._probe import probe

Array: TypeAlias = "npt.NDArray[Any]"
Activations: TypeAlias = "dict[str, Array]"
# What an input's shape is where the model does not say: channels, and whether they come first.
InputShape: TypeAlias = "tuple[int, int, int, bool]"


class CaptureError(Exception):
    """A model or an input that cannot be captured, in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parsed(arguments)
    capture = {"keras": capture_keras, "torch": capture_torch, "onnx": capture_onnx}[options.framework]
    try:
        if options.output.exists() and not options.overwrite:
            raise FileExistsError(f"{options.output}: exists already; --overwrite replaces it")
        activations = capture(options)
        write_archive(options.output, activations)
    except (CaptureError, OSError, ValueError) as error:
        print(f"rnw.capture: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    size = os.path.getsize(options.output)
    print(f"wrote {options.output}: input and {len(activations) - 1} values, {size:,} bytes")
    return 0


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m rnw.capture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("framework", choices=("keras", "torch", "onnx"))
    parser.add_argument("model", help="a .keras or .h5 of a whole model; module:callable for torch; a .onnx")
    parser.add_argument("--input", required=True, metavar="INPUT", help="X.npy, or probe:SEED[:COUNT]")
    parser.add_argument("-o", "--output", required=True, type=Path, help="the archive to write")
    parser.add_argument("--overwrite", action="store_true", help="replace the archive where it is there")
    parser.add_argument("--weights", metavar="FILE", help="torch: a .pth, .safetensors or .rnw")
    parser.add_argument("--size", default="224x224", metavar="HxW", help="of a probe where the model leaves it open")
    options = parser.parse_args(arguments)
    if options.weights and options.framework != "torch":
        parser.error("--weights is for torch; the other models bring their own")
    return options


# Keras


def capture_keras(options: argparse.Namespace) -> Activations:
    model = keras_model(options.model)
    images = input_images(options, lambda: keras_input_shape(model, options.size))
    values: Activations = {"input": images}
    with listening(model, values):
        result = model(images, training=False)
    keep_output(values, result)
    return values


def keras_model(path: str) -> Any:
    """Loads by Keras 3, or else by tf_keras: a file that one of them wrote is not always one that the other reads."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: no such file")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    failures = []
    for package in ("keras", "tf_keras"):
        try:
            return importlib.import_module(package).models.load_model(path, compile=False)
        except ImportError as error:
            failures.append(f"{package}: {error}")
        except Exception as error:  # Which ones Keras raises depends on what is wrong with the file.
            failures.append(f"{package}: {str(error).strip()[:200]}")
    raise CaptureError(f"{path}: expected a whole Keras model, not weights alone. {'; '.join(failures)}")


def keras_input_shape(model: Any, size: str) -> InputShape:
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise CaptureError(f"a probe needs a model of one image input, this one has {shape}; give a .npy")
    height, width = parsed_size(size)
    return shape[1] or height, shape[2] or width, shape[3] or 3, False


@contextmanager
def listening(model: Any, values: Activations) -> Iterator[None]:
    """Keeps what every layer computes while the model runs.

    A functional model of all outputs, which is the usual way, does not reach into nested models, nor layers that are
    called twice. So `call` of each layer is replaced for a while.
    """
    layers = [layer for layer in keras_layers(model) if type(layer).__name__ != "InputLayer"]
    for layer in layers:
        object.__setattr__(layer, "call", recording(layer.call, layer.name, values))
    try:
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")


def recording(call: Callable[..., Any], name: str, values: Activations) -> Callable[..., Any]:
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        result = call(*arguments, **keywords)
        keep(values, name, result)
        return result

    return wrapper


def keras_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from keras_layers(layer)
        else:
            yield layer


# PyTorch


def capture_torch(options: argparse.Namespace) -> Activations:
    torch = imported("torch")
    module = torch_module(options.model).eval()
    if options.weights:
        load_torch_weights(torch, module, options.weights)
    images = input_images(options, lambda: (*parsed_size(options.size), torch_channels(module), True))
    values: Activations = {"input": images}
    for name, part in module.named_modules():
        # The value of a Sequential is that of its last part, under a second name.
        if name and not isinstance(part, (torch.nn.Sequential, torch.nn.ModuleList)):
            part.register_forward_hook(lambda _module, _inputs, output, name=name: keep(values, name, output))
    with torch.no_grad():
        result = module(torch.from_numpy(images))
    keep_output(values, result)
    return values


def torch_module(reference: str) -> Any:
    """What `module:callable` makes. Modules of the current folder are found as well."""
    name, _, attribute = reference.partition(":")
    if not attribute:
        raise CaptureError(f"{reference}: expected module:callable, such as torchvision.models:resnet18")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    maker = imported(name)
    for part in attribute.split("."):
        if not hasattr(maker, part):
            raise CaptureError(f"{reference}: {name} has no {attribute}")
        maker = getattr(maker, part)
    module = maker()
    if not hasattr(module, "named_modules"):
        raise CaptureError(f"{reference}: expected a torch.nn.Module, it gives {type(module).__name__}")
    return module


def load_torch_weights(torch: Any, module: Any, path: str) -> None:
    if path.endswith(".rnw"):
        from .models import load_into_torch

        return load_into_torch(module, path)
    try:
        if path.endswith(".safetensors"):
            state = imported("safetensors.torch").load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        module.load_state_dict(unwrapped(state))
    except (CaptureError, OSError):
        raise
    except Exception as error:  # Which ones come depends on what is wrong with the file.
        raise CaptureError(f"{path}: {error}") from None


def unwrapped(state: Any) -> Any:
    """The state dict in what training scripts save around it, without the prefix of DataParallel."""
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict):
        raise CaptureError(f"expected a state dict, the file holds {type(state).__name__}")
    if all(name.startswith("module.") for name in state):
        state = {name[len("module.") :]: value for name, value in state.items()}
    return state


def torch_channels(module: Any) -> int:
    """The input channels of the first convolution."""
    return next((int(part.in_channels) for part in module.modules() if hasattr(part, "in_channels")), 3)


# ONNX


def capture_onnx(options: argparse.Namespace) -> Activations:
    onnx, runtime = imported("onnx"), imported("onnxruntime")
    try:
        model = onnx.load(options.model)
    except OSError:
        raise
    except Exception as error:  # That of whichever protobuf there is.
        raise CaptureError(f"{options.model}: expected an ONNX model: {error}") from None
    layers = onnx_layers(model.graph)
    stated = [output.name for output in model.graph.output]
    # The runtime gives only what the graph lists as output. It finds the types itself.
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in onnx_inner_values(model.graph))
    settings = runtime.SessionOptions()
    settings.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = runtime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    image_input = session.get_inputs()[0]
    images = input_images(options, lambda: onnx_input_shape(image_input.shape, options.size))
    values: Activations = {"input": images}
    names = list(layers) or [output.name for output in session.get_outputs()]
    # Without modules every value has its own name, that of the output too.
    last = stated if layers and len(stated) == 1 else []
    results = session.run([*names, *last], {image_input.name: images})
    for name, value in zip(names, results):
        for layer in layers.get(name, [name]):
            keep(values, layer, value)
    keep_output(values, results[len(names) :])
    return values


def onnx_layers(graph: Any) -> dict[str, list[str]]:
    """The values that are outputs of PyTorch modules, with the modules' names; empty where no exporter of PyTorch says.

    The output of a module is what the last of its nodes in a row computes.
    """
    stated = [onnx_scopes(node) for node in graph.node]
    modules = stated if any(stated) else [onnx_scopes_of_name(node) for node in graph.node]
    layers = {}
    for node, own, following in zip(graph.node, modules, [*modules[1:], []]):
        done = [module for module, inner in zip(own, [*own[1:], ""]) if module not in following + [own_container(inner)]]
        # A weight called onnx::Conv_7 is no parameter of the model: a norm was put into it, and the value is that norm's.
        if any(name.startswith("onnx::") for name in node.input):
            done = [module for module in done if module != own[-1]]
        if done:
            layers[node.output[0]] = done[::-1]
    return layers


def own_container(module: str) -> str:
    """The Sequential that a module is in: its value is that of its last part, under a second name."""
    name, _, number = module.rpartition(".")
    return name if number.isdigit() else ""


def onnx_scopes(node: Any) -> list[str]:
    """The modules of a node, outermost first, as `torch.onnx.export` states them: between the model and the operation.

    Where the exporter has put a norm into the convolution before it, the module is the norm.
    """
    for item in node.metadata_props:
        if item.key == "pkg.torch.onnx.name_scopes":
            return [module for module in re.findall(r"'([^']*)'", item.value)[:-1] if module]
    return []


def onnx_scopes_of_name(node: Any) -> list[str]:
    """The same, as older exporters have it in a node's name: /layer1/layer1.0/conv1/Conv is of layer1.0.conv1."""
    parts = node.name.split("/")
    if parts[0]:
        return []
    modules: list[str] = []
    inner = outer = ""
    for part in parts[1:-1]:
        # The parts of a Sequential bear its name already. A module that is called again is relu_1 there.
        outer = outer if part.startswith(f"{inner}.") else modules[-1] if modules else ""
        inner = re.sub(r"^(relu\d*)_\d+$", r"\1", part)
        modules.append(f"{outer}.{inner}" if outer else inner)
    return modules


def onnx_inner_values(graph: Any) -> list[str]:
    stated = {output.name for output in graph.output}
    nodes = [node for node in graph.node if node.op_type != "Constant"]
    return [name for node in nodes for name in node.output if name and name not in stated]


def onnx_input_shape(shape: Sequence[Any], size: str) -> InputShape:
    """A dimension that is left open has a name, or None, in place of a number."""
    numbers = [value if isinstance(value, int) else None for value in shape]
    first = len(numbers) == 4 and numbers[1] is not None and numbers[1] <= 4
    last = len(numbers) == 4 and numbers[3] is not None and numbers[3] <= 4
    if first == last:
        raise CaptureError(f"the input {list(shape)} does not tell its channels; give a .npy")
    height, width = parsed_size(size)
    if first:
        return numbers[2] or height, numbers[3] or width, numbers[1] or 3, True
    return numbers[1] or height, numbers[2] or width, numbers[3] or 3, False


# Input and output


def input_images(options: argparse.Namespace, shape: Callable[[], InputShape]) -> Array:
    """The images of `--input`, float32. A probe is made in NHWC order, whatever the layout."""
    seed_and_count = re.fullmatch(r"probe:(\d+)(?::(\d+))?", options.input)
    if seed_and_count is None:
        if not options.input.endswith(".npy"):
            raise CaptureError(f"{options.input}: expected X.npy or probe:SEED[:COUNT]")
        return np.ascontiguousarray(np.load(options.input, allow_pickle=False), dtype=np.float32)
    height, width, channels, channels_first = shape()
    images = probe((int(seed_and_count[2] or 1), height, width, channels), int(seed_and_count[1]))
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)) if channels_first else images


def parsed_size(text: str) -> tuple[int, int]:
    size = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if size is None:
        raise CaptureError(f"expected a size such as 224x224, found {text}")
    return int(size[1]), int(size[2])


def keep(values: Activations, name: str, output: Any) -> None:
    """Stores what a layer gave, a copy: the next layer may work in place. What is no array is passed over."""
    if isinstance(output, (list, tuple)):
        for index, item in enumerate(output):
            keep(values, f"{name}[{index}]", item)
        return
    if not hasattr(output, "dtype"):
        return
    if name == "input":
        raise CaptureError("a layer is called input, as the images are; rename it")
    calls, label = 1, name
    while label in values:
        calls, label = calls + 1, f"{name}#{calls + 1}"
    values[label] = as_array(output)


def keep_output(values: Activations, output: Any) -> None:
    """Stores what the model itself gives, as `output`: whatever its code does after the last layer shows nowhere else."""
    if isinstance(output, (list, tuple)) and len(output) == 1:
        output = output[0]
    if hasattr(output, "dtype") and "output" not in values:
        values["output"] = as_array(output)


def as_array(output: Any) -> Array:
    if type(output).__module__.split(".")[0] == "torch":
        output = output.detach().cpu()
        # numpy has no bfloat16.
        output = output.float() if str(output.dtype) == "torch.bfloat16" else output
    array = np.array(output.numpy() if hasattr(output, "numpy") else output)
    return array if array.dtype.kind in "fiub" else array.astype(np.float32)


def write_archive(path: Path, activations: Activations) -> None:
    """Writes a .npz. Not by numpy.savez, which has parameters of its own among the names, such as `file`."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for name, array in activations.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CaptureError(f"the package {name.partition('.')[0]} is needed for this: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
