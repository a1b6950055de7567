"""One framework in a process of its own, for compare.py: makes the network, then answers requests on standard input.

    output      the path of an .npy file with what it computes
    time N      the median of N runs, in milliseconds, after one that does not count
"""

import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    name, graph, network, folder, threads = sys.argv[1:]
    # What a framework prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    import numpy as np

    folder, threads = Path(folder), int(threads)
    images = np.load(folder / "images.npy")
    run = CONTESTANTS[name](graph, network, folder, threads, images)
    run()
    print("ready", file=answers)
    for line in sys.stdin:
        request, *count = line.split()
        if request == "output":
            path = folder / f"{name.replace(' ', '-')}.npy"
            np.save(path, np.asarray(run()))
            print(path, file=answers)
            continue
        run()
        times = []
        for _ in range(int(count[0])):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1000)
        print(statistics.median(times), file=answers)


def keras_model(folder: Path):
    sys.path.insert(0, str(ROOT / "Fixtures/keras"))
    import keras
    import networks

    model = keras.applications.ResNet50V2(weights=None)
    networks.randomize(model, 1)
    return model


def torch_model(network: str):
    sys.path.insert(0, str(ROOT / "Fixtures/torch"))
    import networks

    depth = int("".join(filter(str.isdigit, network.split("_")[0])))
    return networks.randomize(networks.resnet_v2(depth), 1)


def timm_model(network: str):
    import timm
    import torch

    torch.manual_seed(1)
    model = timm.create_model(network, pretrained=False).eval()
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "norm" in name:
                tensor.copy_(torch.rand_like(tensor) * 0.4 + (0.8 if name.endswith("weight") else -0.2))
            elif name.endswith("head.fc.weight"):
                tensor.normal_(0, tensor.shape[1] ** -0.5)
    return model


def tensorflow(graph, network, folder, threads, images):
    """Also writes the weights and the ONNX file."""
    import tensorflow as tf
    import tf2onnx

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    model = keras_model(folder)
    model.save_weights(folder / "keras.weights.h5")
    signature = [tf.TensorSpec(images.shape, tf.float32, "input")]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, input_signature=signature, opset=17, output_path=str(folder / "keras.onnx"))
    tensor = tf.constant(images)
    return lambda: function(tensor).numpy()


def pytorch(graph, network, folder, threads, images):
    """Of a PyTorch network also writes the weights and the ONNX file."""
    import torch

    torch.set_num_threads(threads)
    model = pytorch_module(graph, network, folder)
    tensor = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    if graph != "keras":
        from safetensors.torch import save_file

        save_file(model.state_dict(), folder / f"{graph}.safetensors")
        torch.onnx.export(model, (tensor,), str(folder / f"{graph}.onnx"), dynamo=False, opset_version=17)
    return inference(model, tensor)


def pytorch_compiled(graph, network, folder, threads, images):
    # A compiler for graphics processors, which brings an LLVM that Keras' TensorFlow does not suffer beside it.
    sys.modules["triton"] = None
    import torch

    torch.set_num_threads(threads)
    model = pytorch_module(graph, network, folder).to(memory_format=torch.channels_last)
    tensor = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    return inference(torch.compile(model, options={"freezing": True}), tensor)


def pytorch_module(graph, network, folder):
    if graph == "torch":
        return torch_model(network)
    if graph == "timm":
        return timm_model(network)
    from keras_in_torch import KerasInTorch

    return KerasInTorch(keras_model(folder)).eval()


def inference(model, tensor):
    import torch

    def run():
        with torch.inference_mode():
            return model(tensor).numpy()

    return run


def feed(graph, images):
    return images if graph == "keras" else images.transpose(0, 3, 1, 2).copy()


def onnx_runtime(graph, network, folder, threads, images):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(folder / f"{graph}.onnx"), options, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: feed(graph, images)}
    return lambda: session.run(None, inputs)[0]


def openvino(graph, network, folder, threads, images):
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(str(folder / f"{graph}.onnx")), "CPU",
        {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    inputs = {0: feed(graph, images)}
    return lambda: list(request.infer(inputs).values())[0]


CONTESTANTS = {
    "TensorFlow": tensorflow,
    "PyTorch": pytorch,
    "PyTorch compiled": pytorch_compiled,
    "ONNX Runtime": onnx_runtime,
    "OpenVINO": openvino,
}

if __name__ == "__main__":
    main()
