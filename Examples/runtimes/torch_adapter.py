"""Answers `rnw verify MODEL.safetensors --runtime 'python torch_adapter.py NAME MODEL.safetensors'` with timm's network.

For a network of your own replace `network`: its modules are layers by the names that they have in it.
"""

import json
import sys

import numpy as np
import timm
import torch
from safetensors.torch import load_file

INPUT, OUTPUT = sys.stdin.buffer, sys.stdout.buffer


def network():
    name, path = sys.argv[1:3]
    weights = load_file(path)
    model = timm.create_model(name, num_classes=len(weights["head.fc.bias"]))
    model.load_state_dict(weights)
    return model.eval()


def answer(message, tensor=None):
    OUTPUT.write(json.dumps(message).encode() + b"\n")
    if tensor is not None:
        OUTPUT.write(tensor.contiguous().numpy().tobytes())
    OUTPUT.flush()


@torch.inference_mode()
def main():
    model = network()
    modules = dict(model.named_modules())
    values = {}

    def keep(name, output):
        values[name] = output.clone()  # a later layer may work in place

    for name, module in modules.items():
        module.register_forward_hook(lambda _, inputs, output, name=name: keep(name, output))
    for line in INPUT:
        message = json.loads(line)
        if "hello" in message:
            names = [layer["name"] for layer in message["layers"] if layer["name"] in modules]
            answer({"engine": f"PyTorch {torch.__version__}", "layout": "NCHW", "layers": names})
        elif "input" in message:
            shape = message["input"]["shape"]
            image = np.frombuffer(INPUT.read(4 * int(np.prod(shape))), np.float32)
            model(torch.from_numpy(image.copy()).reshape(shape))
            answer({})
        elif message["layer"] in values:
            value = values[message["layer"]]
            answer({"shape": list(value.shape)}, value)
        else:
            answer({"missing": True})


main()
