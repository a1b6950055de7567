"""Runs rnw and the frameworks side by side on the same weights, and prints the ratios.

    python compare.py keras WORK_FOLDER [--batch 1] [--threads 2] [--rounds 9] [--rnw ../../.build/release/rnw]
    python compare.py torch WORK_FOLDER --network resnet50_v2

`keras` compares Keras' ResNet50V2 in TensorFlow, ONNX Runtime and OpenVINO; `torch` the PyTorch network in PyTorch (eager
and compiled), ONNX Runtime and OpenVINO. The contestants take turns, round after round, so that a change of the
machine's speed hits all of them; figures are medians. All outputs must agree within 2e-5 before anything is timed.
Versions are pinned in requirements.txt.
"""

import argparse
import copy
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
ROOT = Path(__file__).parents[2]
RUNS_PER_ROUND = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("graph", choices=["keras", "torch"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", default="resnet50_v2")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rnw", default=str(ROOT / ".build/release/rnw"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ[name] = str(options.threads)

    import numpy as np

    images = np.random.default_rng(5).uniform(-1, 1, (options.batch, 224, 224, 3)).astype(np.float32)
    np.save(options.folder / "images.npy", images)
    make = keras_contestants if options.graph == "keras" else torch_contestants
    contestants, model = make(options, images)
    check(contestants, options, model)
    times = race(contestants, options, model)
    print_table(times)
    return 0


def check(contestants, options, model) -> None:
    """Every contestant gives what rnw gives."""
    import numpy as np

    archive = options.folder / "rnw.npz"
    subprocess.run([options.rnw, "run", str(model), "--input", str(options.folder / "images.npy"), "-o", str(archive),
                    "--force", "--threads", str(options.threads)], check=True, capture_output=True)
    with np.load(archive) as values:
        ours = values[values.files[-1]].reshape(options.batch, -1)
    for name, run in contestants.items():
        theirs = np.asarray(run()).reshape(options.batch, -1)
        error = abs(ours - theirs).max() / abs(theirs).max()
        if error > 2e-5:
            sys.exit(f"{name} gives another output: {error:.1e}")


def race(contestants, options, model) -> dict[str, list[float]]:
    times = {name: [] for name in ["rnw", "cores apart", *contestants]}
    for _ in range(options.rounds):
        # Give the frameworks' waiting threads time to go to sleep.
        time.sleep(0.3)
        result = subprocess.run(
            [options.rnw, "bench", str(model), "--batch", str(options.batch), "--threads", str(options.threads),
             "--repetitions", str(RUNS_PER_ROUND * 2), "--json"], check=True, capture_output=True, text=True)
        document = json.loads(result.stdout)
        times["rnw"].append(document["medianMilliseconds"])
        times["cores apart"].append(document.get("roundTripNanoseconds") or 0)
        for name, run in contestants.items():
            time.sleep(0.3)
            run()
            rounds = []
            for _ in range(RUNS_PER_ROUND):
                start = time.perf_counter()
                run()
                rounds.append((time.perf_counter() - start) * 1000)
            times[name].append(statistics.median(rounds))
    return times


def print_table(times: dict[str, list[float]]) -> None:
    """All rounds, and those in which the cores shared a cache where not all did.

    A virtual machine may be given cores that share no cache, and others the next minute; then everything is slower.
    """
    distances = times.pop("cores apart")
    near = [index for index, distance in enumerate(distances) if distance < 200]
    print(f"{len(distances)} rounds, cores {min(distances):.0f} to {max(distances):.0f} ns apart")
    print_rows(times)
    if 0 < len(near) < len(distances):
        print(f"\nthe {len(near)} rounds with cores less than 200 ns apart")
        print_rows({name: [values[index] for index in near] for name, values in times.items()})


def print_rows(times: dict[str, list[float]]) -> None:
    ours = statistics.median(times["rnw"])
    print("| | median ms | fastest ms | ratio to rnw |")
    print("|---|---|---|---|")
    for name, values in sorted(times.items(), key=lambda item: statistics.median(item[1])):
        median = statistics.median(values)
        print(f"| {name} | {median:.1f} | {min(values):.1f} | {median / ours:.2f} |")


def onnx_contestants(path: Path, options, feed) -> dict:
    """ONNX Runtime and OpenVINO on one ONNX file."""
    import onnxruntime
    import openvino

    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(str(path), session_options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(str(path)), "CPU",
        {"INFERENCE_NUM_THREADS": options.threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return {
        "ONNX Runtime": lambda: session.run(None, {name: feed})[0],
        "OpenVINO": lambda: list(request.infer({0: feed}).values())[0],
    }


def keras_contestants(options, images):
    sys.path.insert(0, str(ROOT / "Fixtures/keras"))
    import keras
    import networks
    import tensorflow as tf
    import tf2onnx

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    model = keras.applications.ResNet50V2(weights=None)
    networks.randomize(model, 1)
    weights = options.folder / "keras.weights.h5"
    model.save_weights(weights)
    function = tf.function(lambda x: model(x, training=False),
                           input_signature=[tf.TensorSpec(images.shape, tf.float32, "input")])
    path = options.folder / "keras.onnx"
    tf2onnx.convert.from_function(
        function, input_signature=[tf.TensorSpec(images.shape, tf.float32, "input")], opset=17, output_path=str(path))
    tensor = tf.constant(images)
    contestants = {"TensorFlow": lambda: function(tensor).numpy()}
    return contestants | onnx_contestants(path, options, images), weights


def torch_contestants(options, images):
    sys.path.insert(0, str(ROOT / "Fixtures/torch"))
    import networks
    import torch
    from safetensors.torch import save_file

    torch.set_num_threads(options.threads)
    model = networks.randomize(networks.resnet_v2(int("".join(filter(str.isdigit, options.network.split("_")[0])))), 1)
    weights = options.folder / "torch.safetensors"
    save_file(model.state_dict(), weights)
    tensor = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    path = options.folder / "torch.onnx"
    torch.onnx.export(model, (tensor,), str(path), dynamo=False, opset_version=17)
    compiled = torch.compile(copy.deepcopy(model).to(memory_format=torch.channels_last), options={"freezing": True})

    def run(network):
        with torch.inference_mode():
            return network(tensor).numpy()

    contestants = {"PyTorch": lambda: run(model), "PyTorch compiled": lambda: run(compiled)}
    return contestants | onnx_contestants(path, options, tensor.numpy()), weights


if __name__ == "__main__":
    sys.exit(main())
