"""Makes the Keras fixtures beside this file with real Keras.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_fixtures.py

Networks: `narrow` (10 classes, odd non-square images), `notop` (no head), `probs` (2 classes, a dense layer of
another name, a projection whose input and output have as many channels), `v1` (post-activation). Weights are
random with fixed seeds. `narrow` is written in every container; the others in one. `broken/` holds copies of
narrow.h5 with one fault each. Versions are pinned in requirements.txt.
"""

import io
import os
import shutil
import sys
import zipfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import keras
import numpy as np
import tf_keras
from safetensors.numpy import save_file

import networks

HERE = Path(__file__).parent
SHAPE = (47, 65, 3)


def main() -> None:
    networks.check_against_library(keras)
    narrow = networks.resnet_v2(keras, SHAPE)
    networks.randomize(narrow, 1)
    write_activations("narrow", narrow, SHAPE)
    write_containers(narrow)
    write_variants(HERE / "narrow.h5")
    write_broken(HERE / "narrow.h5")

    notop = networks.resnet_v2(keras, SHAPE, classes=0, pooling=False, name="notop")
    networks.randomize(notop, 2)
    write_activations("notop", notop, SHAPE)
    notop.save(HERE / "notop.keras")

    # Four times the first filters are the stem's channels: the shortcut's shapes alone would not show it.
    probs = networks.resnet_v2(
        keras, (33, 32, 3), stem=16, filters=(4, 6, 8), blocks=(2, 2, 3), classes=2, head="probs", name="probs"
    )
    networks.randomize(probs, 3)
    write_activations("probs", probs, (33, 32, 3))
    probs.save_weights(HERE / "probs.weights.h5")

    v1 = networks.resnet_v1(keras, SHAPE)
    networks.randomize(v1, 4)
    write_activations("v1", v1, SHAPE)
    v1.save(HERE / "v1.full.h5")
    v1.save_weights(HERE / "v1.weights.h5")
    nameless = networks.resnet_v1(tf_keras, SHAPE)
    nameless.set_weights(v1.get_weights())
    nameless.save_weights(HERE / "v1.tfkeras.weights.h5")


def write_activations(name: str, model, shape) -> None:
    values = networks.activations(keras, model, networks.images(shape, 2, seed=7))
    np.savez_compressed(HERE / f"{name}.activations.npz", **values)


def write_containers(model) -> None:
    """One network in every form in which Keras users have it."""
    model.save_weights(HERE / "narrow.weights.h5")
    model.save(HERE / "narrow.keras")
    model.save(HERE / "narrow.keras3.full.h5")

    legacy = networks.resnet_v2(tf_keras, SHAPE)
    legacy.set_weights(model.get_weights())
    legacy.save_weights(HERE / "narrow.h5")
    legacy.save(HERE / "narrow.tfkeras.full.h5")
    legacy.save(HERE / "narrow.tfkeras.keras")
    legacy.save_weights(HERE / "narrow.tfkeras.weights.h5")

    compiled = networks.resnet_v2(tf_keras, SHAPE)
    compiled.set_weights(model.get_weights())
    compiled.compile("sgd", "categorical_crossentropy")
    compiled.optimizer.build(compiled.trainable_variables)
    compiled.save(HERE / "narrow.compiled.full.h5")

    nested_input = keras.Input(SHAPE)
    nested = keras.Model(nested_input, model(nested_input), name="outer")
    nested.save(HERE / "narrow.nested.full.h5")
    nested.save_weights(HERE / "narrow.nested.weights.h5")

    values = networks.tensors(model)
    np.savez(HERE / "narrow.npz", **values)
    save_file(values, HERE / "narrow.safetensors")

    with zipfile.ZipFile(HERE / "narrow.keras") as stored:
        with zipfile.ZipFile(HERE / "narrow.deflated.keras", "w", zipfile.ZIP_DEFLATED) as deflated:
            for name in stored.namelist():
                deflated.writestr(zipfile.ZipInfo(name), stored.read(name), zipfile.ZIP_DEFLATED)

    # Keras 3.0 wrote weights without their layer's name.
    with h5py.File(HERE / "narrow.keras3.full.h5") as new, h5py.File(HERE / "narrow.bare.full.h5", "w") as old:
        copy_attributes(new, old)
        group = old.create_group("model_weights")
        copy_attributes(new["model_weights"], group)
        for layer in new["model_weights"].attrs["layer_names"]:
            weights = new["model_weights"][layer].attrs["weight_names"]
            target = group.create_group(layer)
            target.attrs["weight_names"] = [w.split("/")[-1] for w in weights]
            for weight in weights:
                target[weight.split("/")[-1]] = new["model_weights"][layer][weight][()]


def copy_attributes(source, target) -> None:
    for key, value in source.attrs.items():
        target.attrs[key] = value


VARIANTS = {
    "latest": {"libver": "latest"},
    "v108": {"libver": ("earliest", "v108")},
    "track_order": {"track_order": True},
    "userblock": {"userblock_size": 512},
}

DATASETS = {
    "gzip": {"compression": "gzip"},
    "gzip_shuffle_fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf"},
}


def write_variants(source: Path) -> None:
    """The same weights in the forms that HDF5 allows."""
    for name, options in VARIANTS.items():
        copy_with(source, HERE / f"narrow.{name}.h5", options)
    for name, options in DATASETS.items():
        copy_with(source, HERE / f"narrow.{name}.h5", {}, options)
    copy_with(source, HERE / "narrow.latest_gzip_shuffle.h5", {"libver": "latest"},
              {"compression": "gzip", "shuffle": True})
    for name, dtype in (("float16", "<f2"), ("float64", "<f8"), ("bigendian", ">f4")):
        copy_with(source, HERE / f"narrow.{name}.h5", {}, {"dtype": dtype})
    copy_with(source, HERE / "narrow.fixed_names.h5", {}, fixed_names=True)
    copy_with(source, HERE / "narrow.split_names.h5", {}, split_names=True)
    copy_with(source, HERE / "narrow.compact.h5", {}, compact=True)


def copy_with(source, target, file_options, dataset_options=None, *, fixed_names=False, split_names=False,
              compact=False) -> None:
    """Copies a weights file, keeping the order of layers and weights."""
    with h5py.File(source) as old, h5py.File(target, "w", **file_options) as new:
        new.attrs["backend"] = old.attrs["backend"]
        new.attrs["keras_version"] = old.attrs["keras_version"]
        layers = list(old.attrs["layer_names"])
        if split_names:
            for part, start in enumerate(range(0, len(layers), 20)):
                new.attrs[f"layer_names{part}"] = layers[start:start + 20]
        else:
            new.attrs["layer_names"] = np.array(layers, dtype="S") if fixed_names else layers
        for layer in layers:
            group = new.create_group(layer)
            names = list(old[layer].attrs["weight_names"])
            group.attrs["weight_names"] = np.array(names, dtype="S") if fixed_names and names else names
            for name in names:
                write_dataset(group, name, old[layer][name][()], dataset_options or {}, compact)


def write_dataset(group, name, value, options, compact) -> None:
    if not compact:
        group.create_dataset(name, data=value, **options)
        return
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if value.nbytes < 60000:
        creation.set_layout(h5py.h5d.COMPACT)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    space = h5py.h5s.create_simple(value.shape)
    dataset = h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, space, creation, links)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(value))


def write_broken(source: Path) -> None:
    """Copies of a good file with one fault each."""
    folder = HERE / "broken"
    folder.mkdir(exist_ok=True)
    norm = "conv3_block2_1_bn"

    def edit(name, change) -> None:
        shutil.copy(source, folder / name)
        with h5py.File(folder / name, "r+") as file:
            change(file)

    def path(layer, weight) -> str:
        return f"{layer}/{layer}/{weight}:0"

    def swap(file) -> None:
        gamma, beta = file[path(norm, "gamma")][()], file[path(norm, "beta")][()]
        file[path(norm, "gamma")][...], file[path(norm, "beta")][...] = beta, gamma

    def transpose(file) -> None:
        kernel = file[path("conv3_block2_2_conv", "kernel")]
        kernel[...] = kernel[()].transpose(0, 1, 3, 2)

    def scale(file) -> None:
        variance = file[path(norm, "moving_variance")]
        variance[...] = variance[()] * np.float32(1.01)

    def set_value(layer, weight, value):
        def change(file) -> None:
            file[path(layer, weight)][(0,) * file[path(layer, weight)].ndim] = value
        return change

    def missing(file) -> None:
        group = file["conv3_block1_1_bn"]
        names = [n for n in group.attrs["weight_names"] if "beta" not in n]
        del file[path("conv3_block1_1_bn", "beta")]
        group.attrs["weight_names"] = names

    def extra(file) -> None:
        file["post_bn/post_bn/delta:0"] = np.zeros(4, np.float32)

    def misshapen(file) -> None:
        del file[path("conv3_block1_1_conv", "kernel")]
        file[path("conv3_block1_1_conv", "kernel")] = np.zeros((1, 1, 16, 7), np.float32)

    edit("swapped.h5", swap)
    edit("transposed.h5", transpose)
    edit("scaled.h5", scale)
    edit("nan.h5", set_value("conv2_block1_2_conv", "kernel", np.nan))
    edit("negative_variance.h5", set_value(norm, "moving_variance", -1))
    edit("missing.h5", missing)
    edit("extra.h5", extra)
    edit("misshapen.h5", misshapen)
    whole = source.read_bytes()
    (folder / "truncated.h5").write_bytes(whole[: len(whole) * 2 // 3])
    with h5py.File(folder / "external_link.h5", "w") as file:
        file.attrs["layer_names"] = ["post_bn"]
        file["post_bn"] = h5py.ExternalLink("narrow.h5", "/post_bn")
    with h5py.File(folder / "soft_link.h5", "w") as file:
        file.attrs["layer_names"] = ["post_bn"]
        file["post_bn"] = h5py.SoftLink("/elsewhere")
    with h5py.File(folder / "never_written.h5", "w") as file:
        file.attrs["layer_names"] = ["post_bn"]
        group = file.create_group("post_bn")
        group.attrs["weight_names"] = ["post_bn/gamma:0"]
        group.create_dataset("post_bn/gamma:0", (1 << 30,), np.float32)
    with h5py.File(folder / "external_storage.h5", "w") as file:
        file.attrs["layer_names"] = ["post_bn"]
        group = file.create_group("post_bn")
        group.attrs["weight_names"] = ["post_bn/gamma:0"]
        group.create_dataset("post_bn/gamma:0", (16,), np.float32, external=[("narrow.h5", 0, 64)])


if __name__ == "__main__":
    main()
