"""Makes small Keras models that look like ResNetV2 by their tensors and compute something else.

    python make_changed_fixtures.py      (in the environment of make_fixtures.py)

Each is the network `small` with one change in its configuration, saved whole, with what Keras computed from it. The
tensors have the names and shapes of an unchanged network: only the configuration, or a forward pass, tells.
`layers.keras` is no ResNet: it has the options of layers that those networks leave out.
"""

import json
import os
import sys
import zipfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tf_keras

import networks

HERE = Path(__file__).parent / "changed"
SHAPE = (21, 18, 3)
SMALL = {"stem": 6, "filters": (4, 6), "blocks": (2, 2), "classes": 3, "name": "small"}


def main() -> None:
    HERE.mkdir(exist_ok=True)
    plain = networks.resnet_v2(keras, SHAPE, **SMALL)
    networks.randomize(plain, 11)
    weights = plain.get_weights()
    write_model(HERE / "plain.keras", plain)
    for name, (layer, settings) in CHANGES.items():
        save(name, changed(plain, {layer: settings}), weights)
    save("stride", changed(plain, {
        "conv2_block2_2_conv": {"strides": [1, 1]}, "conv2_block2_1_conv": {"strides": [2, 2]},
    }), weights)
    save("dilated", changed(plain, {
        "conv2_block2_2_conv": {"strides": [1, 1]}, "max_pooling2d": {"strides": [1, 1]},
        **{f"conv3_block{block}_2_conv": {"dilation_rate": [2, 2]} for block in (1, 2)},
        **{f"conv3_block{block}_2_pad": {"padding": [[2, 2], [2, 2]]} for block in (1, 2)},
    }), weights)
    save("relu_removed", without(plain, "conv2_block2_1_relu"), weights)
    leaky = changed(plain, {"conv3_block1_1_relu": {"negative_slope": 0.1}}, {"conv3_block1_1_relu": "LeakyReLU"})
    leaky.set_weights(weights)
    write_model(HERE / "leaky.keras", leaky)
    layers()
    renamed()


CHANGES = {
    "epsilon": ("conv2_block2_1_bn", {"epsilon": 1e-3}),
    "same_pool": ("pool1_pool", {"padding": "same"}),
    "linear_relu": ("conv3_block1_2_relu", {"activation": "linear"}),
    "padding": ("conv1_pad", {"padding": [[2, 4], [3, 3]]}),
}


def renamed() -> None:
    """Whole `.h5` files in which two layers of one shape have taken each other's name after they were built, as a layer of its
    own and within a model. Keras finds weights by their order; the names of the variables are the old ones."""
    for package, prefix in ((keras, ""), (tf_keras, "tf_")):
        plain = networks.resnet_v2(package, SHAPE, **SMALL)
        networks.randomize(plain, 17)
        rename(plain.get_layer("conv2_block1_2_conv"), plain.get_layer("conv2_block2_2_conv"))
        plain.save(HERE / f"{prefix}renamed.h5")
        random = np.random.default_rng(17)
        images = random.standard_normal((2, *SHAPE)).astype(np.float32)
        values = {"input": images, "output": plain.predict(images, verbose=0)}
        np.savez_compressed(HERE / f"{prefix}renamed.activations.npz", **values)
        within = package.Sequential([package.layers.Input(SHAPE), plain, package.layers.Dense(2, name="labels")])
        within.save(HERE / f"{prefix}renamed_within.h5")


def rename(first, second) -> None:
    names = first.name, second.name
    for layer, name in zip((second, first), names):
        if hasattr(layer, "_name"):
            layer._name = name
        else:
            layer.name = name


def changed(model, settings: dict, classes: dict = {}):
    """A copy of a model with other settings, or of another class, for some layers."""
    configuration = model.get_config()
    for layer in configuration["layers"]:
        name = layer["config"]["name"]
        layer["config"].update(settings.get(name, {}))
        layer["class_name"] = classes.get(name, layer["class_name"])
        if name in classes:
            layer["config"].pop("activation", None)
    return keras.Model.from_config(json.loads(json.dumps(configuration)))


def without(model, name: str):
    """A copy of a model without one layer; those that read it read what it read."""
    configuration = json.loads(json.dumps(model.get_config()))
    layer = next(layer for layer in configuration["layers"] if layer["name"] == name)
    history = layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"]
    configuration["layers"].remove(layer)
    text = json.dumps(configuration).replace(json.dumps([name, 0, 0]), json.dumps(history))
    return keras.Model.from_config(json.loads(text))


def save(name: str, model, weights) -> None:
    model.set_weights(weights)
    write_model(HERE / f"{name}.keras", model)
    write_activations(name, model)


def write_model(path: Path, model) -> None:
    """Saves a whole model, and deflates it: most of a small one is structure."""
    model.save(path)
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as stored:
            members = [(name, stored.read(name)) for name in stored.namelist()]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as deflated:
            for name, content in members:
                deflated.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def write_activations(name: str, model) -> None:
    values = networks.activations(keras, model, networks.images(SHAPE, 1, seed=7))
    np.savez_compressed(HERE / f"{name}.activations.npz", **values)


def layers() -> None:
    """Every kind and option of layer that the interpreter knows and a ResNetV2 does not have."""
    for framework, endings in ((keras, ("keras", "h5")), (tf_keras, ("tfkeras.keras", "tfkeras.h5"))):
        framework.backend.clear_session()
        model = mixture(framework)
        randomize_nested(model, 12)
        for ending in endings:
            write_model(HERE / f"layers.{ending}", model)
        # What is called twice, or stands in a model within, has a value of its own in that call only.
        named = [layer for layer in model.layers[1:] if not hasattr(layer, "layers") and layer.name != "twice"]
        images = networks.images(SHAPE, 1, seed=7)
        outputs = framework.Model(model.input, [layer.output for layer in named])(images)
        values = {layer.name: np.asarray(value) for layer, value in zip(named, outputs)}
        np.savez_compressed(HERE / f"layers.{framework.__name__}.activations.npz", input=images, **values)


def mixture(framework):
    layers = framework.layers
    inner_input = framework.Input((11, 10, 4))
    inner = layers.Conv2D(4, 3, padding="same", name="inside_conv")(inner_input)
    inner = layers.BatchNormalization(scale=False, epsilon=2e-3, name="inside_bn")(inner)
    inner = framework.Model(inner_input, inner, name="inside")
    tail = framework.Sequential([
        layers.InputLayer(**({"shape": (4, 4, 5)} if framework is keras else {"input_shape": (4, 4, 5)})),
        layers.Conv2D(6, (2, 3), use_bias=False, name="tail_conv"), layers.Dropout(0.5, name="tail_dropout"),
    ], name="tail")

    inputs = framework.Input(SHAPE)
    x = layers.Rescaling(1 / 2, offset=-0.25, name="rescaling")(inputs)
    x = layers.ZeroPadding2D(((0, 1), (2, 0)), name="uneven_pad")(x)
    x = layers.Conv2D(4, 5, strides=2, padding="same", activation="relu", name="same_conv")(x)
    x = layers.BatchNormalization(center=False, name="no_beta")(x)
    twice = layers.ReLU(name="twice")
    a = inner(twice(x), training=False)
    b = inner(layers.BatchNormalization(scale=False, center=False, name="no_gamma_beta")(a))
    x = layers.Add(name="three")([a, b, twice(a)])
    x = layers.AveragePooling2D(3, strides=3, padding="same", name="same_average")(x)
    x = layers.Conv2D(5, 1, name="widen")(x)
    x = tail(x)
    x = layers.MaxPooling2D(2, strides=1, padding="same", name="same_max")(x)
    x = layers.Softmax(name="soft")(x)
    y = layers.GlobalMaxPooling2D(keepdims=True, name="largest")(x)
    y = layers.Flatten(name="flat")(y)
    z = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Add(name="sum")([y, z])
    x = layers.Dense(4, activation="relu", name="hidden")(x)
    x = layers.BatchNormalization(name="features_bn")(x)
    x = layers.Dense(3, use_bias=False, name="logits")(x)
    return framework.Model(inputs, x, name="mixture")


def randomize_nested(model, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = []
    for weight in model.weights:
        shape = tuple(weight.shape)
        if len(shape) > 1:
            value = rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
        elif "gamma" in weight.name or "variance" in weight.name:
            value = rng.uniform(0.5, 1.5, shape)
        else:
            value = rng.uniform(-0.3, 0.3, shape)
        values.append(value.astype(np.float32))
    model.set_weights(values)


if __name__ == "__main__":
    sys.exit(main())
