"""Compares full-size fine-tuned networks, layer by layer, with what Keras and PyTorch compute.

    python compare_fine_tuned.py WORK_FOLDER [--rnw ../.build/release/rnw]

Makes what people make: a Sequential of ResNet50V2 without its head, pooling, dropout and a dense layer; the same as a
functional model with augmentation and preprocess_input inside; and a PyTorch resnet50 with a head of two layers. Each is
trained for a few steps, saved, converted by `rnw convert --reference` with the framework's activations at 224x224, and
timed as a whole process. Exits with 1 when a layer is out of 2e-5. Needs the packages of keras/requirements.txt and
pytorch/requirements.txt.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import torch
import torchvision

LIMIT = 2e-5

# The median time of five runs and their largest memory, by a small process: a child begins with its parent's.
MEASURE = """
import json, resource, subprocess, sys, time
seconds = []
for _ in range(5):
    start = time.perf_counter()
    subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
    seconds.append(time.perf_counter() - start)
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(json.dumps({"seconds": sorted(seconds)[2], "megabytes": memory}))
"""
SIZE, CLASSES = 224, 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rnw", default=str(Path(__file__).parents[1] / ".build/release/rnw"))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results = []
    for make in (sequential, functional, pytorch):
        files, archive = make(arguments.folder)
        results += [convert(arguments.rnw, file, archive) for file in files]
    return 0 if all(results) else 1


def sequential(folder: Path):
    keras.utils.set_random_seed(1)
    base = keras.applications.ResNet50V2(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    model = keras.Sequential([
        base, keras.layers.GlobalAveragePooling2D(), keras.layers.Dropout(0.3),
        keras.layers.Dense(CLASSES, activation="softmax"),
    ])
    images = np.random.default_rng(2).uniform(-1, 1, (4, SIZE, SIZE, 3)).astype("float32")
    train(model, images)
    return save(model, folder / "sequential", images[:2], base, model.layers[1:], lambda x: x)


def functional(folder: Path):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = keras.layers.RandomRotation(0.1)(x)
    x = keras.applications.resnet_v2.preprocess_input(x)
    base = keras.applications.ResNet50V2(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    x = base(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(64, activation="relu")(keras.layers.Dropout(0.2)(x))
    model = keras.Model(inputs, keras.layers.Dense(CLASSES, activation="softmax")(x))
    images = np.random.default_rng(4).integers(0, 256, (4, SIZE, SIZE, 3)).astype("float32")
    train(model, images)
    head = model.layers[model.layers.index(base) + 1:]
    return save(model, folder / "functional", images[:2], base, head,
                lambda x: keras.applications.resnet_v2.preprocess_input(x.copy()))


def train(model, images):
    model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
    model.fit(images, np.arange(len(images)) % CLASSES, epochs=3, batch_size=len(images), verbose=0)


def save(model, path: Path, images, base, head, prepare):
    values = {"input": images}
    inner = keras.Model(base.input, [layer.output for layer in base.layers[1:]])
    outputs = inner.predict(prepare(images), verbose=0)
    values |= {layer.name: value for layer, value in zip(base.layers[1:], outputs)}
    value = outputs[-1]
    for layer in head:
        value = np.asarray(layer(value, training=False) if "dropout" in layer.name else layer(value))
        values[layer.name] = value
    assert np.abs(value - model.predict(images, verbose=0)).max() < 1e-6
    archive = path.with_suffix(".npz")
    np.savez(archive, **values)
    files = [path.with_suffix(".keras"), path.with_name(path.name + ".full.h5")]
    for file in files:
        model.save(file)
    return files, archive


def pytorch(folder: Path):
    torch.manual_seed(5)
    model = torchvision.models.resnet50(num_classes=CLASSES)
    model.fc = torch.nn.Sequential(torch.nn.Linear(2048, 64), torch.nn.ReLU(), torch.nn.Dropout(0.3),
                                   torch.nn.Linear(64, CLASSES))
    images = torch.from_numpy(np.random.default_rng(6).normal(0, 1, (4, 3, SIZE, SIZE)).astype("float32"))
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), torch.arange(4) % CLASSES).backward()
        optimizer.step()
    model.eval()
    values = {"input": images[:2].numpy()}
    for name, module in model.named_modules():
        if not list(module.children()) and not isinstance(module, (torch.nn.ReLU, torch.nn.Dropout)):
            module.register_forward_hook(
                lambda _, __, value, name=name: values.__setitem__(name, value.detach().numpy().copy()))
    with torch.no_grad():
        model(images[:2])
    file, archive = folder / "resnet50.pth", folder / "resnet50.npz"
    torch.save(model.state_dict(), file)
    np.savez(archive, **values)
    return [file], archive


def convert(rnw: str, file: Path, archive: Path) -> bool:
    out = str(file) + ".rnw"
    plain = [rnw, "convert", str(file), "-o", out, "--overwrite"]
    measured = json.loads(subprocess.run(
        [sys.executable, "-c", MEASURE, *plain], capture_output=True, text=True, check=True).stdout)
    result = subprocess.run(plain + ["--json", "--reference", str(archive)], capture_output=True, text=True)
    if result.returncode not in (0, 1):
        print(f"{file.name:24} {result.stderr.strip()}")
        return False
    report = json.loads(result.stdout)["reference"]
    worst = max(report["layers"], key=lambda layer: layer["scaledError"])
    print(f"{file.name:24} {report['verdict']}  {len(report['layers'])} layers, worst {worst['familyName']} "
          f"{worst['scaledError']:.1e}; {measured['seconds']:.2f} s, at most {measured['megabytes']} MB")
    return report["verdict"] == "pass" and worst["scaledError"] <= LIMIT


if __name__ == "__main__":
    sys.exit(main())
