"""Compares full-size Keras networks, layer by layer, with what Keras itself computes.

    python compare_with_keras.py WORK_FOLDER [--rnw ../.build/release/rnw] [--depths 50,101,152]

Makes ResNetV2 networks with real Keras (random weights, norms far from the identity), saves them in several containers
with the activations of all layers at 224x224, batch 2, and lets `rnw convert --reference` compare every layer. Then puts
three faults into a copy and lets `rnw verify` name the layer. Exits with 1 when a figure is out of its limit. Needs the
packages of keras/requirements.txt, and some gigabytes in WORK_FOLDER, which is left as it is.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parent / "keras"))

import h5py
import keras
import numpy as np
import tf_keras

import networks

LIMIT = 2e-5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rnw", default=str(Path(__file__).parents[1] / ".build/release/rnw"))
    parser.add_argument("--depths", default="50,101,152")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    depths = [int(d) for d in arguments.depths.split(",")]
    results = [compare(arguments.rnw, arguments.folder, depth, top) for depth in depths for top in (True, False)]
    results += faults(arguments.rnw, arguments.folder / "resnet50v2.h5")
    return 0 if all(results) else 1


def compare(rnw: str, folder: Path, depth: int, top: bool) -> bool:
    name = f"resnet{depth}v2" + ("" if top else "_notop")
    make = getattr(keras.applications, f"ResNet{depth}V2")
    model = make(weights=None, include_top=top, input_shape=(224, 224, 3))
    networks.randomize(model, depth)
    images = networks.images((224, 224, 3), 2, seed=7)
    np.savez(folder / "activations.npz", **networks.activations(keras, model, images))
    files = [folder / f"{name}.weights.h5"]
    model.save_weights(files[0])
    if depth == 50:
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.full.h5")
        legacy = getattr(tf_keras.applications, f"ResNet{depth}V2")(
            weights=None, include_top=top, input_shape=(224, 224, 3)
        )
        legacy.set_weights(model.get_weights())
        legacy.save_weights(folder / f"{name}.h5")
        files += [folder / f"{name}.keras", folder / f"{name}.full.h5", folder / f"{name}.h5"]
    return all([convert(rnw, file, folder) for file in files])


def convert(rnw: str, file: Path, folder: Path) -> bool:
    command = [rnw, "convert", str(file), "-o", str(folder / "out.rnw"), "--overwrite", "--json",
               "--reference", str(folder / "activations.npz")]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode not in (0, 1):
        print(f"{file.name:32} {result.stderr.strip()}")
        return False
    report = json.loads(result.stdout)["reference"]
    worst = max(report["layers"], key=lambda layer: layer["scaledError"])
    print(f"{file.name:32} {report['verdict']}  {len(report['layers'])} layers, worst "
          f"{worst['familyName']} {worst['scaledError']:.1e}")
    return report["verdict"] == "pass" and worst["scaledError"] <= LIMIT


def faults(rnw: str, source: Path) -> list[bool]:
    """Three faults, each of which must be found at its layer."""
    norm, conv = "conv4_block3_2_bn", "conv4_block3_2_conv"

    def path(layer, weight):
        return f"{layer}/{layer}/{weight}:0"

    def swap(file):
        gamma, beta = file[path(norm, "gamma")][()], file[path(norm, "beta")][()]
        file[path(norm, "gamma")][...], file[path(norm, "beta")][...] = beta, gamma

    def transpose(file):
        file[path(conv, "kernel")][...] = file[path(conv, "kernel")][()].transpose(0, 1, 3, 2)

    def scale(file):
        file[path(norm, "moving_variance")][...] *= np.float32(1.01)

    results = []
    for change, layer in ((swap, norm), (transpose, conv), (scale, norm)):
        broken = source.with_name("broken.h5")
        shutil.copy(source, broken)
        with h5py.File(broken, "r+") as file:
            change(file)
        result = subprocess.run(
            [rnw, "verify", str(broken), "--against", str(source), "--json"], capture_output=True, text=True
        )
        culprit = (json.loads(result.stdout).get("culprit") or {}) if result.stdout else {}
        print(f"{change.__name__:32} exit {result.returncode}, culprit {culprit.get('familyName')}: "
              f"{culprit.get('suspicion')}")
        results.append(result.returncode == 1 and culprit.get("familyName") == layer)
    return results


if __name__ == "__main__":
    sys.exit(main())
