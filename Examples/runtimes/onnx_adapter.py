"""Answers `rnw verify MODEL --runtime 'python onnx_adapter.py MODEL.onnx'` with ONNX Runtime.

Export the network by `rnw export MODEL -o MODEL.onnx`: each output of a node is a layer by its canonical name.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime

INPUT, OUTPUT = sys.stdin.buffer, sys.stdout.buffer


def answer(message, values=None):
    OUTPUT.write(json.dumps(message).encode() + b"\n")
    if values is not None:
        OUTPUT.write(np.ascontiguousarray(values, np.float32).tobytes())
    OUTPUT.flush()


def main():
    model = onnx.load(sys.argv[1])
    names = [output for node in model.graph.node for output in node.output]
    known = {value.name for value in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in known)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    values = {}
    for line in INPUT:
        message = json.loads(line)
        if "hello" in message:
            layers = [layer["canonical"] for layer in message["layers"]]
            aliases = {layers[-1]: model.graph.output[0].name}  # the last layer is the output
            found = [layer for layer in layers if aliases.get(layer, layer) in names]
            answer({"engine": "ONNX Runtime", "layout": "NCHW", "layers": found})
        elif "input" in message:
            shape = message["input"]["shape"]
            image = np.frombuffer(INPUT.read(4 * int(np.prod(shape))), np.float32).reshape(shape)
            values = dict(zip(names, session.run(names, {session.get_inputs()[0].name: image})))
            answer({})
        else:
            value = values[aliases.get(message["layer"], message["layer"])]
            answer({"shape": value.shape}, value)


main()
