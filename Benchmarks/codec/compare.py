"""Runs ZipNN, safetensors and rnw side by side on the same weights, and prints sizes, speeds and ratios.

    python compare.py WORK_FOLDER [--threads 2] [--rounds 9] [--rnw ../../.build/release/rnw]

The weights have the names and shapes of ResNet50V2 and are Gaussian, with the deviation of He's initialisation, in
float32, float16 and bfloat16. The contestants take turns, round after round, so that a change of the machine's speed
hits all of them; figures are medians over the rounds. Packing and unpacking go from memory to memory. ZipNN gets all
tensors as one piece, which suits it best, and checks nothing; rnw packs tensor by tensor and verifies two checksums of
each. Versions are pinned in requirements.txt.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[2]
DTYPES = ["float32", "float16", "bfloat16"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rnw", default=str(ROOT / ".build/release/rnw"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    weights = make_weights(options)
    print_codec_table({dtype: race_codecs(weights[dtype], dtype, options) for dtype in DTYPES})
    print_open_table(race_opening(weights["float32"], options))
    return 0


def make_weights(options) -> dict[str, Path]:
    """A safetensors file for each type."""
    import numpy as np
    import torch
    from safetensors.numpy import load_file
    from safetensors.torch import save_file

    shapes = options.folder / "shapes.safetensors"
    run(options, "init", "resnet50_v2", "-o", str(shapes), "--overwrite")
    generator = np.random.default_rng(1)
    values = {}
    for name, tensor in load_file(shapes).items():
        if tensor.ndim > 1:
            tensor = generator.standard_normal(tensor.shape, dtype=np.float32) * (2 / tensor[0].size) ** 0.5
        values[name] = torch.from_numpy(tensor)
    paths = {}
    for dtype in DTYPES:
        paths[dtype] = options.folder / f"{dtype}.safetensors"
        save_file({name: value.to(getattr(torch, dtype)) for name, value in values.items()}, paths[dtype])
    return paths


def race_codecs(path: Path, dtype: str, options) -> dict:
    import zipnn

    with open(path, "rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        file.seek(start)
        plain = file.read()
    peer = zipnn.ZipNN(bytearray_dtype=dtype, input_format="byte", threads=options.threads)
    result = {"plain": len(plain), "zipnn": {"pack": [], "unpack": []}, "rnw": {"pack": [], "unpack": []}}
    for _ in range(options.rounds):
        data = bytearray(plain)
        begin = time.perf_counter()
        packed = peer.compress(data)
        middle = time.perf_counter()
        unpacked = peer.decompress(packed)
        end = time.perf_counter()
        if bytes(unpacked) != plain:
            sys.exit("ZipNN did not give back what it was given")
        result["zipnn"]["pack"].append(middle - begin)
        result["zipnn"]["unpack"].append(end - middle)
        result["zipnn"]["bytes"] = len(packed)
        report = json.loads(run(options, "bench", str(path), "--codec", "--json", "--repetitions", "3",
                                "--threads", str(options.threads)))
        for work in ("pack", "unpack"):
            result["rnw"][work].append(report[work]["medianMilliseconds"] / 1000)
        result["rnw"]["bytes"] = report["packedBytes"]
    return result


def print_codec_table(results: dict) -> None:
    print("| | size, % of plain | pack, GB/s | unpack, GB/s | pack, ratio to ZipNN | unpack, ratio to ZipNN |")
    print("|---|---|---|---|---|---|")
    for dtype, result in results.items():
        rates = {name: {work: result["plain"] / statistics.median(result[name][work]) / 1e9
                        for work in ("pack", "unpack")} for name in ("zipnn", "rnw")}
        for name, title in (("zipnn", "ZipNN"), ("rnw", "rnw planes")):
            share = 100 * result[name]["bytes"] / result["plain"]
            ratios = [rates[name][work] / rates["zipnn"][work] for work in ("pack", "unpack")]
            print(f"| {dtype}, {title} | {share:.2f} | {rates[name]['pack']:.2f} | {rates[name]['unpack']:.2f} "
                  f"| {ratios[0]:.2f} | {ratios[1]:.2f} |")
    print()


def race_opening(path: Path, options) -> dict[str, list[float]]:
    """Until every tensor of a file can be used; of rnw and of the lazy safetensors no element is touched."""
    from safetensors import safe_open
    from safetensors.numpy import load_file

    raw = options.folder / "raw.rnw"
    run(options, "convert", str(path), "-o", str(raw), "--codec", "none", "--overwrite")

    def mapped() -> None:
        with safe_open(path, "pt") as file:
            for name in file.keys():
                file.get_tensor(name)

    contestants = {"safetensors, torch (mapped)": mapped, "safetensors, numpy (copied)": lambda: load_file(path)}
    times = {name: [] for name in [*contestants, "rnw, codec none (mapped)"]}
    for _ in range(options.rounds):
        for name, contestant in contestants.items():
            contestant()
            begin = time.perf_counter()
            contestant()
            times[name].append(time.perf_counter() - begin)
        report = json.loads(run(options, "bench", str(raw), "--load", "--json"))
        times["rnw, codec none (mapped)"].append(report["open"]["medianMilliseconds"] / 1000)
    return times


def print_open_table(times: dict[str, list[float]]) -> None:
    ours = statistics.median(times["rnw, codec none (mapped)"])
    print("| | ms | ratio to rnw |")
    print("|---|---|---|")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"| {name} | {median * 1000:.2f} | {median / ours:.1f} |")


def run(options, *arguments: str) -> str:
    result = subprocess.run([options.rnw, *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    return result.stdout


if __name__ == "__main__":
    sys.exit(main())
