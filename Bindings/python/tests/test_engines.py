"""Real engines with a mistake on trial: ONNX Runtime and PyTorch, judged by `rnw verify --candidate`."""

import json

import numpy as np
import pytest
from fingerprint_trial import FingerprintTrial

MODELS = ["keras/narrow.keras", "torch/basic.pth", "torch/bottleneck.pth"]
TRIALS = 4


def initializers(model):
    onnx = pytest.importorskip("onnx")
    return {tensor.name: (tensor, onnx.numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}


def change(model, name, make):
    """Puts other values into an initializer."""
    onnx = pytest.importorskip("onnx")
    tensor, values = initializers(model)[name]
    new = np.ascontiguousarray(make(values), dtype=values.dtype)
    assert new.shape == values.shape
    tensor.CopyFrom(onnx.numpy_helper.from_array(new, name))


def exchange(first, second):
    def fault(model, node):
        tensors = initializers(model)
        a, b = (tensors[node.input[place]][1] for place in (first, second))
        change(model, node.input[first], lambda _: b)
        change(model, node.input[second], lambda _: a)

    return fault


def changed(place, make):
    return lambda model, node: change(model, node.input[place], make)


def attribute(name, value):
    def fault(model, node):
        onnx = pytest.importorskip("onnx")
        kept = [each for each in node.attribute if each.name != name]
        del node.attribute[:]
        node.attribute.extend(kept + [onnx.helper.make_attribute(name, value)])

    return fault


def without_bias(model, node):
    del node.input[2]


def other_operator(name):
    def fault(model, node):
        node.op_type = name
        if name == "Clip":
            onnx = pytest.importorskip("onnx")
            model.graph.initializer.extend(
                [onnx.numpy_helper.from_array(np.float32(v), f"clip{v}") for v in (0, 6)]
            )
            node.input.extend(["clip0", "clip6"])

    return fault


def shifted_pads(model, node):
    pads = next(each.ints for each in node.attribute if each.name == "pads")
    pads[0], pads[2] = pads[0] - 1, pads[2] + 1


def is_convolution(kernel):
    return lambda node: node.op_type == "Conv" and any(
        each.name == "kernel_shape" and each.ints[0] >= kernel for each in node.attribute
    )


def is_a(*names):
    return lambda node: node.op_type in names


FAULTS = {
    "scale and shift": (is_a("BatchNormalization"), exchange(1, 2), ["swapped"]),
    "mean and variance": (is_a("BatchNormalization"), exchange(3, 4), ["swapped"]),
    "epsilon 1e-3": (is_a("BatchNormalization"), attribute("epsilon", 1e-3), ["adds ε", "variance"]),
    "variance as deviation": (is_a("BatchNormalization"), changed(4, np.sqrt), ["deviation", "tensor", "variance"]),
    "scale 1 % more": (is_a("BatchNormalization"), changed(1, lambda v: v * 1.01), ["1.01"]),
    "mean off": (is_a("BatchNormalization"), changed(3, lambda v: v + 0.001), ["off by", "mean", "shift"]),
    "channels of a norm": (is_a("BatchNormalization"), changed(1, lambda v: v[::-1]), ["order", "tensor", "swapped"]),
    "kernel upside down": (is_convolution(3), changed(1, lambda v: v[:, :, ::-1]), ["flipped"]),
    "kernel transposed": (is_convolution(3), changed(1, lambda v: v.transpose(0, 1, 3, 2)), ["transposed"]),
    "kernel turned": (is_convolution(3), changed(1, lambda v: v[:, :, ::-1, ::-1]), ["180°"]),
    "input channels": (is_a("Conv"), changed(1, lambda v: np.roll(v, 1, 1)), ["order", "shifted"]),
    "output channels": (is_a("Conv"), changed(1, lambda v: np.roll(v, 1, 0)), ["order", "shifted"]),
    "kernel 1 % more": (is_a("Conv"), changed(1, lambda v: v * 1.01), ["1.01"]),
    "kernel in half precision": (is_a("Conv"), changed(1, lambda v: v.astype(np.float16)), ["float16"]),
    "a border shifted": (is_convolution(3), shifted_pads, ["pads", "padding"]),
    "no bias": (lambda node: node.op_type in ("Conv", "Gemm") and len(node.input) > 2, without_bias, ["bias"]),
    "no ReLU": (is_a("Relu"), other_operator("Identity"), ["ReLU"]),
    "another function": (is_a("Relu"), other_operator("Sigmoid"), ["sigmoid"]),
    "ReLU6": (is_a("Relu"), other_operator("Clip"), ["ReLU6", "relu6"]),
    "largest for mean": (is_a("GlobalAveragePool"), other_operator("GlobalMaxPool"), ["maximum"]),
}


class Engine:
    """An exported network in ONNX Runtime, whose layers can be seen."""

    def __init__(self, tool, model, folder):
        onnx = pytest.importorskip("onnx")
        tool("export", model, "-o", folder / "m.onnx", "--overwrite")
        self.bytes = (folder / "m.onnx").read_bytes()
        report = tool("verify", model, "--against", model, "--json")
        names = [layer["name"] for layer in json.loads(report)["layers"]]
        outputs = {output for node in onnx.load_from_string(self.bytes).graph.node for output in node.output}
        self.layers = {name: name for name in names if name in outputs}
        self.layers[names[-1]] = "output" if "output" in outputs else names[-1]

    def values(self, x, plant=None):
        """The value of each layer, with a mistake planted; the name of the layer that has it."""
        onnx = pytest.importorskip("onnx")
        onnxruntime = pytest.importorskip("onnxruntime")
        model = onnx.load_from_string(self.bytes)
        place = plant(model) if plant else None
        known = {output.name for output in model.graph.output}
        wanted = set(self.layers.values())
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(wanted - known))
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        names = sorted(self.layers)
        found = session.run([self.layers[name] for name in names], {session.get_inputs()[0].name: x})
        return dict(zip(names, found)), place


def planted(kind, random):
    """Puts a mistake of a kind into a layer of a graph by chance."""
    applies, fault, _ = FAULTS[kind]

    def plant(model):
        places = [node for node in model.graph.node if applies(node)]
        if not places:
            return None
        node = places[random.integers(len(places))]
        name = node.output[0]
        fault(model, node)
        return name

    return plant


def verdict(tool, model, x, values, folder):
    np.savez(folder / "a.npz", input=x, **values)
    return json.loads(tool("verify", model, "--candidate", folder / "a.npz", "--json", status=None))


def differs(values, right):
    return any(np.abs(values[name] - right[name]).max() > 2e-5 * np.abs(right[name]).max() for name in right)


@pytest.mark.frameworks
def test_mistakes_are_found_and_none_is_invented(tool, fixtures, tmp_path):
    seen, found, explained, unexplained, healthy = 0, 0, 0, [], 0
    for index, name in enumerate(MODELS):
        engine = Engine(tool, fixtures / name, tmp_path)
        for trial in range(TRIALS):
            random = np.random.default_rng(100 * index + trial)
            shape = (1, 3, int(random.integers(24, 70)), int(random.integers(24, 70)))
            x = random.uniform(-1, 1, shape).astype(np.float32)
            right, _ = engine.values(x)
            result = verdict(tool, fixtures / name, x, right, tmp_path)
            assert result["verdict"] == "pass" and result["culprit"] is None
            healthy += 1
            for kind, (_, _, words) in FAULTS.items():
                values, place = engine.values(x, planted(kind, random))
                if place is None or not differs(values, right):
                    continue
                seen += 1
                layer = next((layer for layer, output in engine.layers.items() if output == place), None)
                result = verdict(tool, fixtures / name, x, values, tmp_path)
                culprit = result["culprit"] or {}
                # What is no layer by itself is a part of the next one.
                found += result["verdict"] == "fail" and culprit.get("name") == (layer or culprit.get("name"))
                said = culprit.get("suspicion") or ""
                if any(word in said for word in words):
                    explained += 1
                else:
                    unexplained.append(f"{kind} in {place} of {name}: {culprit.get('name')}, {said or 'nothing'}")
    print(f"{seen} mistakes can be seen, {found} are found, {explained} explained, {healthy} healthy engines pass")
    print("\n".join(unexplained))
    assert seen > 150
    assert found == seen
    assert explained * 10 >= seen * 9, "\n".join(unexplained)


@pytest.mark.frameworks
def test_the_file_alone_finds_the_layer(tool, fixtures, tmp_path):
    seen, found, lost = 0, 0, []
    for index, name in enumerate(MODELS):
        engine = Engine(tool, fixtures / name, tmp_path)
        path = tmp_path / f"{index}.rnw"
        tool("convert", fixtures / name, "-o", path)
        trial = FingerprintTrial(str(path))
        x = trial.image()
        right, _ = engine.values(x)
        assert trial.is_right(right)
        right = {key: value for key, value in right.items()} | {"output": right[list(engine.layers)[-1]]}
        for number in range(TRIALS):
            random = np.random.default_rng(100 * index + number)
            for kind in FAULTS:
                values, place = engine.values(x, planted(kind, random))
                if place is None:
                    continue
                layer = next((layer for layer, output in engine.layers.items() if output == place), None)
                if layer is None:
                    continue
                output = values[list(engine.layers)[-1]]
                trial.show(values | {"output": output}, right, [layer], kind)
        seen, found, lost = seen + trial.seen, found + trial.found, lost + trial.lost
    print(f"{seen} mistakes move the output, the file alone finds {found} in their layer")
    print("\n".join(lost))
    assert seen > 100
    assert found * 100 >= seen * 95, "\n".join(lost)
