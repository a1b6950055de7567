"""Compares the graph that a whole Keras model describes, as rnw runs it, with what Keras itself computes.

    python compare_own_graph.py WORK_FOLDER [--rnw ../.build/release/rnw]

Makes ResNet50V2 of keras.applications at 224x224 with random weights and norms far from the identity, saves it as Keras 3
and TF-Keras 2 save whole models, and compares every layer of `rnw run --own-graph` with Keras' own value. Exits with 1
when one is out of its limit. Needs the packages of keras/requirements.txt.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parent / "keras"))

import keras
import numpy as np
import tf_keras

import networks

LIMIT = 2e-6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rnw", default=str(Path(__file__).parents[1] / ".build/release/rnw"))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    shape = (224, 224, 3)
    model = keras.applications.ResNet50V2(weights=None, input_shape=shape)
    networks.randomize(model, 50)
    images = networks.images(shape, 1, seed=7)
    np.save(arguments.folder / "images.npy", images)
    truth = networks.activations(keras, model, images)
    legacy = tf_keras.applications.ResNet50V2(weights=None, input_shape=shape)
    legacy.set_weights(model.get_weights())
    results = []
    for framework, network in (("keras3", model), ("tfkeras", legacy)):
        for ending in ("keras", "h5"):
            file = arguments.folder / f"resnet50v2.{framework}.{ending}"
            network.save(file)
            names = [layer.name for layer in network.layers[1:]]
            results.append(compare(arguments.rnw, file, dict(zip(names, list(truth.values())[1:]))))
    return 0 if all(results) else 1


def compare(rnw: str, file: Path, truth: dict[str, np.ndarray]) -> bool:
    output = file.with_suffix(".npz")
    subprocess.run([rnw, "run", str(file), "--own-graph", "--input", str(file.with_name("images.npy")),
                    "-o", str(output), "--force"], check=True, stdout=subprocess.DEVNULL)
    with np.load(output) as values:
        assert set(values.files) == set(truth) | {"input"}, "the layers have other names"
        errors = {name: np.abs(values[name].astype(np.float64) - expected).max() / np.abs(expected).max()
                  for name, expected in truth.items()}
    worst = max(errors, key=errors.get)
    print(f"{file.name:28} {len(errors)} layers, worst {worst} {errors[worst]:.2e}")
    return errors[worst] <= LIMIT


if __name__ == "__main__":
    sys.exit(main())
