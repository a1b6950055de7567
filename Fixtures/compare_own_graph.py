"""Compares the graph that a whole Keras model describes, as rnw runs it, with what Keras itself computes.

    python compare_own_graph.py WORK_FOLDER [--rnw ../.build/release/rnw]

Makes ResNet50V2 of keras.applications at 224x224 with random weights and norms far from the identity, saves it as Keras 3
and TF-Keras 2 save whole models, and compares every layer of `rnw run --own-graph` with what Keras computes with the same
weights in float64. Beside it stands how far Keras in float32 is from that, whose rounding carries on through 50 layers.
Exits with 1 when a layer is out of its limit. Needs the packages of keras/requirements.txt.
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
    truth = in_float64(model, images)
    errors = scaled_errors(networks.activations(keras, model, images), truth)
    print(line("Keras itself in float32", errors))
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


def in_float64(model, images: np.ndarray) -> dict[str, np.ndarray]:
    """The value of every layer, computed by Keras in float64."""
    keras.config.set_dtype_policy("float64")
    exact = keras.applications.ResNet50V2(weights=None, input_shape=images.shape[1:])
    keras.config.set_dtype_policy("float32")
    exact.set_weights([weight.astype(np.float64) for weight in model.get_weights()])
    values = networks.activations(keras, exact, images.astype(np.float64))
    assert all(value.dtype == np.float64 for value in values.values())
    # Keras counts the layers without a name of their own.
    return dict(zip((layer.name for layer in model.layers), values.values()))


def scaled_errors(values: dict[str, np.ndarray], truth: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: np.abs(values[name] - expected).max() / np.abs(expected).max()
            for name, expected in truth.items() if name in values}


def line(title: str, errors: dict[str, float]) -> str:
    worst = max(errors, key=errors.get)
    return f"{title:28} {len(errors)} layers, worst {worst} {errors[worst]:.2e}"


def compare(rnw: str, file: Path, truth: dict[str, np.ndarray]) -> bool:
    output = file.with_suffix(".npz")
    subprocess.run([rnw, "run", str(file), "--own-graph", "--input", str(file.with_name("images.npy")),
                    "-o", str(output), "--overwrite"], check=True, stdout=subprocess.DEVNULL)
    with np.load(output) as values:
        assert set(values.files) == set(truth) | {"input"}, "the layers have other names"
        errors = scaled_errors(dict(values), truth)
    print(line(file.name, errors))
    return max(errors.values()) <= LIMIT


if __name__ == "__main__":
    sys.exit(main())
