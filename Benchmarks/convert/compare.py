"""Converts a full-size Keras file with rnw and with a plain Python script, in turns, and times a first inference.

    python compare.py WORK_FOLDER [--rounds 9] [--rnw ../../.build/release/rnw]

The source is a ResNet50V2 in Keras' .h5, with random weights and norms. The script is what one would write by hand: h5py
reads every dataset, kernels are transposed from HWIO to OIHW, safetensors writes them; it compares nothing and makes
nothing durable. Of rnw the stages are told apart: what the script does as well (reading, mapping, writing, with a checksum
of every tensor and the SHA-256 of the source), the comparison of every layer, and fsync. Figures are medians over the
rounds; every run is a process of its own, and files are in the page cache. Versions are pinned in requirements.txt.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

SCRIPT = """
import sys
import h5py
from safetensors.numpy import save_file

tensors = {}
with h5py.File(sys.argv[1]) as file:
    def take(name, item):
        if isinstance(item, h5py.Dataset):
            value = item[()]
            tensors[name] = value.transpose(3, 2, 0, 1).copy() if value.ndim == 4 else value
    file.visititems(take)
save_file(tensors, sys.argv[2])
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rnw", default=str(ROOT / ".build/release/rnw"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    source = make_source(options)
    print_conversions(race_conversions(source, options), source)
    print_first_inference(options)
    return 0


def make_source(options) -> Path:
    """The kernels are Gaussian, as trained ones nearly are: all bits of their mantissas count."""
    import h5py
    import numpy as np

    source = options.folder / "source.h5"
    run(options.rnw, "init", "resnet50_v2", "--family", "keras", "-o", source, "--overwrite")
    generator = np.random.default_rng(1)
    with h5py.File(source, "r+") as file:
        def fill(name, item):
            if isinstance(item, h5py.Dataset) and item.ndim > 1:
                deviation = (2 / np.prod(item.shape[:-1])) ** 0.5
                item[...] = generator.standard_normal(item.shape, dtype=np.float32) * np.float32(deviation)
        file.visititems(fill)
    return source


def race_conversions(source: Path, options) -> dict[str, dict[str, list[float]]]:
    """For every contestant the seconds of the whole process, and of each stage where it tells them."""
    results = {name: {"whole": []} for name in ["cp", "script", "none", "planes"]}
    for _ in range(options.rounds):
        copy = options.folder / "copy.h5"
        results["cp"]["whole"].append(seconds(lambda: run("cp", source, copy)))
        target = options.folder / "script.safetensors"
        results["script"]["whole"].append(seconds(lambda: run(sys.executable, "-c", SCRIPT, source, target)))
        for codec in ["none", "planes"]:
            target = options.folder / f"{codec}.rnw"
            begin = time.perf_counter()
            report = run(options.rnw, "convert", source, "-o", target, "--codec", codec, "--overwrite", "--json")
            results[codec]["whole"].append(time.perf_counter() - begin)
            for stage, milliseconds in json.loads(report)["stages"].items():
                results[codec].setdefault(stage.removesuffix("Milliseconds"), []).append(milliseconds / 1000)
    return results


def print_conversions(results: dict, source: Path) -> None:
    script = statistics.median(results["script"]["whole"])
    print(f"{source.stat().st_size / 1e6:.0f} MB, medians in ms\n")
    print("| | read | map | write | certify | together | ratio to the script | compare | fsync | whole process |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, title in [("cp", "cp"), ("script", "h5py to safetensors")]:
        whole = statistics.median(results[name]["whole"])
        print(f"| {title} | | | | | {whole * 1000:.0f} | {whole / script:.2f} | | | {whole * 1000:.0f} |")
    for codec in ["none", "planes"]:
        stages = results[codec]
        own = ["read", "map", "round", "write", "certify"]
        together = statistics.median(map(sum, zip(*(stages[stage] for stage in own))))
        shown = [statistics.median(stages[stage]) for stage in ["read", "map", "write", "certify"]]
        rest = [statistics.median(stages[stage]) for stage in ["compare", "fsync", "whole"]]
        cells = " | ".join(f"{value * 1000:.0f}" for value in shown)
        print(f"| rnw, codec {codec} | {cells} | {together * 1000:.0f} | {together / script:.2f} | "
              + " | ".join(f"{value * 1000:.0f}" for value in rest) + " |")
    print()


def print_first_inference(options) -> None:
    """A new process, from its start until the logits of one image are printed."""
    for codec in ["none", "planes"]:
        model = options.folder / f"{codec}.rnw"
        times = [seconds(lambda: run(options.rnw, "run", model, "--input", "probe:1")) for _ in range(2 * options.rounds)]
        print(f"first inference, codec {codec}: {statistics.median(times) * 1000:.0f} ms median, "
              f"{min(times) * 1000:.0f} ms minimum")


def seconds(work) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def run(*command) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    return result.stdout


if __name__ == "__main__":
    sys.exit(main())
