"""Runs rnw and the frameworks side by side on the same weights, and prints the ratios.

    python compare.py keras WORK_FOLDER [--batch 1] [--threads 2] [--rounds 9] [--rnw ../../.build/release/rnw]
    python compare.py torch WORK_FOLDER --network resnet50_v2
    python compare.py timm WORK_FOLDER --network resnetv2_50x1_bit

`keras` compares Keras' ResNet50V2 in TensorFlow, PyTorch (eager and compiled), ONNX Runtime and OpenVINO; `torch` the
PyTorch network, and `timm` one of timm, in PyTorch, ONNX Runtime and OpenVINO. Each has a process of its own, as users run it. They take turns,
round after round, so that a change of the machine's speed hits all of them; figures are medians. All outputs must agree
within 2e-5 (5e-5 with group norms) before anything is timed. Versions are pinned in requirements.txt.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNS_PER_ROUND = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("graph", choices=["keras", "torch", "timm"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", default="resnet50_v2")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rnw", default=str(ROOT / ".build/release/rnw"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)

    import numpy as np

    images = np.random.default_rng(5).uniform(-1, 1, (options.batch, 224, 224, 3)).astype(np.float32)
    np.save(options.folder / "images.npy", images)
    names = (["TensorFlow"] if options.graph == "keras" else []) + [
        "PyTorch", "PyTorch compiled", "ONNX Runtime", "OpenVINO"]
    # The first makes the files that the others read.
    contestants = [Contestant(name, options) for name in names]
    model = options.folder / ("keras.weights.h5" if options.graph == "keras" else f"{options.graph}.safetensors")
    check(contestants, options, model)
    print_table(race(contestants, options, model))
    return 0


class Contestant:
    """A framework in a process of its own."""

    def __init__(self, name, options):
        self.name = name
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("contestants.py")), name, options.graph, options.network,
             str(options.folder), str(options.threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.ask("")

    def ask(self, request: str) -> str:
        if request:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit(f"{self.name} ended without an answer")
        return answer

    def milliseconds(self) -> float:
        return float(self.ask(f"time {RUNS_PER_ROUND}"))


def check(contestants, options, model) -> None:
    """Every contestant gives what rnw gives."""
    import numpy as np

    archive = options.folder / "rnw.npz"
    subprocess.run([options.rnw, "run", str(model), "--input", str(options.folder / "images.npy"), "-o", str(archive),
                    "--overwrite", "--threads", str(options.threads)], check=True, capture_output=True)
    with np.load(archive) as values:
        ours = values[values.files[-1]].reshape(options.batch, -1)
    for contestant in contestants:
        theirs = np.load(contestant.ask("output")).reshape(options.batch, -1)
        error = abs(ours - theirs).max() / abs(theirs).max()
        if error > (5e-5 if options.graph == "timm" else 2e-5):
            sys.exit(f"{contestant.name} gives another output: {error:.1e}")


def race(contestants, options, model) -> dict[str, list[float]]:
    times = {name: [] for name in ["rnw", "cores apart", *(contestant.name for contestant in contestants)]}
    for _ in range(options.rounds):
        # Give the threads of the one before time to go to sleep.
        time.sleep(0.3)
        result = subprocess.run(
            [options.rnw, "bench", str(model), "--batch", str(options.batch), "--threads", str(options.threads),
             "--repetitions", str(RUNS_PER_ROUND * 2), "--size", "224", "--json"], check=True, capture_output=True, text=True)
        document = json.loads(result.stdout)
        times["rnw"].append(document["medianMilliseconds"])
        times["cores apart"].append(document.get("roundTripNanoseconds") or 0)
        for contestant in contestants:
            time.sleep(0.3)
            times[contestant.name].append(contestant.milliseconds())
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


if __name__ == "__main__":
    sys.exit(main())
