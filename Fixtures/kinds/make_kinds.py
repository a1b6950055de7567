"""Makes files of weights as people have them, which carry no graph, with real Keras and TF-Keras.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_kinds.py

Each network is one of a kind: a head of two dense layers (`heads`), Keras' CIFAR-10 example in both versions
(`cifar_v1`, `cifar_v2`), the old names of Keras' ResNet50 with and without a border of the first pool (`old`,
`old_valid`), a network whose names no family knows (`rules.npz`, `rules.json`), and a model that is no residual network (`other`, with
another ε of its norm in `other.changed`, and a matrix that differs by less than a layer may in `other.near`), and a fine-tuned network as most people have it (`fine_tuned`: augmentation and
`preprocess_input` inside the model, a network within it, dropout, two dense layers; trained for a few steps, as `.keras`,
whole `.h5` and `.weights.h5`), and weights of models that are written as classes (`class`, `coded`). `NAME.truth.npz` holds an input and
what the framework made of it. Weights are random with fixed seeds. Versions are pinned in requirements.txt.
"""

import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tf_keras

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "keras"))
import networks  # noqa: E402

SHAPE = (32, 32, 3)


def main() -> None:
    heads = headed(keras)
    networks.randomize(heads, 11)
    truth("heads", heads)
    heads.save_weights(HERE / "heads.weights.h5")
    legacy = headed(tf_keras)
    legacy.set_weights(heads.get_weights())
    legacy.save_weights(HERE / "heads.legacy.h5")
    write_foreign(heads)

    # Layers that were made before shift the numbers in the names of the others.
    keras.layers.Conv2D(3, 1), keras.layers.BatchNormalization(), keras.layers.Conv2D(3, 1)
    for version in (1, 2):
        model = cifar(keras, version)
        networks.randomize(model, 11 + version)
        truth(f"cifar_v{version}", model)
        model.save_weights(HERE / f"cifar_v{version}.weights.h5")
        nameless = cifar(tf_keras, version)
        nameless.set_weights(model.get_weights())
        nameless.save_weights(HERE / f"cifar_v{version}.counted.weights.h5")

    for name, is_padded in (("old", True), ("old_valid", False)):
        model = old_names(is_padded)
        networks.randomize(model, 14)
        truth(name, model)
        model.save_weights(HERE / f"{name}.legacy.h5")
        model.save_weights(HERE / f"{name}.counted.weights.h5")

    other = no_family()
    networks.randomize(other, 15)
    other.save(HERE / "other.keras")
    other.save(HERE / "other.full.h5")
    values = networks.activations(keras, other, 100 * networks.images(SHAPE, 1, seed=3))
    np.savez_compressed(HERE / "other.activations.npz", **values)
    changed = no_family(epsilon=0.1)
    changed.set_weights(other.get_weights())
    changed.save(HERE / "other.changed.keras")
    near = no_family()
    near.set_weights(other.get_weights())
    matrix, bias = near.get_layer("classes").get_weights()
    near.get_layer("classes").set_weights([matrix * np.float32(1 + 1e-5), bias])
    near.save(HERE / "other.near.keras")

    write_classes()
    model = fine_tuned()
    for ending in ("keras", "full.h5"):
        model.save(HERE / f"fine_tuned.{ending}")
    model.save_weights(HERE / "fine_tuned.weights.h5")
    pixels = np.random.default_rng(4).integers(0, 256, (2, *SHAPE)).astype("float32")
    np.savez_compressed(HERE / "fine_tuned.truth.npz", input=pixels, dense_1=model.predict(pixels, verbose=0))


def truth(name: str, model) -> None:
    images = networks.images(SHAPE, 1, seed=3)
    np.savez_compressed(HERE / f"{name}.truth.npz", input=images, output=np.asarray(model.predict(images, verbose=0)))


def headed(k):
    """A ResNetV2 with a hidden dense layer, whose names say nothing of the order."""
    base = networks.resnet_v2(k, SHAPE, filters=(4, 4), blocks=(1, 2), classes=0, pooling=False)
    x = k.layers.GlobalMaxPooling2D()(base.output)
    x = k.layers.Dense(12, activation="relu", name="second")(x)
    x = k.layers.Dropout(0.2)(x)
    return k.Model(base.input, k.layers.Dense(5, activation="softmax", name="first")(x))


def fine_tuned():
    """What transfer learning gives: everything from raw pixels to classes in one model, trained for a few steps."""
    keras.utils.set_random_seed(16)
    layers = keras.layers
    base = networks.resnet_v2(keras, SHAPE, stem=4, filters=(4, 4), blocks=(2, 2), classes=0, pooling=False)
    networks.randomize(base, 16)
    inputs = keras.Input(SHAPE)
    x = layers.RandomRotation(0.1)(layers.RandomFlip("horizontal")(inputs))
    x = base(keras.applications.resnet_v2.preprocess_input(x))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D(name="pooled")(x))
    x = layers.Dense(8, activation="relu", name="dense")(x)
    model = keras.Model(inputs, layers.Dense(5, activation="softmax", name="dense_1")(x))
    pixels = np.random.default_rng(16).integers(0, 256, (16, *SHAPE)).astype("float32")
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.fit(pixels, np.arange(16) % 5, epochs=3, verbose=0)
    return model


def write_classes() -> None:
    """Weights of models that are written as classes: one of a network and a layer (`class`), one of its own blocks."""
    layers = keras.layers

    class Tuned(keras.Model):
        def __init__(self):
            super().__init__()
            self.backbone = networks.resnet_v2(
                keras, (17, 16, 3), stem=4, filters=(3, 3), blocks=(1, 1), classes=0, pooling=False)
            self.pool, self.drop = layers.GlobalMaxPooling2D(), layers.Dropout(0.2)
            self.head = layers.Dense(5, activation="softmax")

        def call(self, x, training=False):
            return self.head(self.drop(self.pool(self.backbone(x)), training=training))

    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = layers.Conv2D(3, 3, padding="same"), layers.BatchNormalization()

        def call(self, x):
            return keras.ops.relu(self.norm(self.conv(x))) + x

    class Coded(keras.Model):
        def __init__(self):
            super().__init__()
            self.blocks, self.head = [Block(), Block()], layers.Dense(2)

        def call(self, x):
            for block in self.blocks:
                x = block(x)
            return self.head(keras.ops.mean(x, (1, 2)))

    keras.utils.set_random_seed(17)
    images = networks.images((17, 16, 3), 2, seed=17)
    model = Tuned()
    model(images)
    networks.randomize(model.backbone, 17)
    model.save_weights(HERE / "class.weights.h5")
    np.savez_compressed(HERE / "class.truth.npz", input=images, output=np.asarray(model(images)))
    coded = Coded()
    coded(images)
    coded.save_weights(HERE / "coded.weights.h5")


def write_foreign(model) -> None:
    """The same weights under names of nobody, the kernels as OIHW, vectors with axes of length 1."""
    arrays = {"ema_decay": np.float32([0.99])}
    for name, value in networks.tensors(model).items():
        layer, variable = name.split("/")
        layer = layer.replace("conv", "c").replace("block", "b")
        value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.reshape(1, -1) if value.ndim == 1 else value
        arrays[f"enc.{layer}.{variable}"] = np.ascontiguousarray(value)
    np.savez(HERE / "rules.npz", **arrays)
    rules = [
        {"match": "ema_.*", "waive": "a number of training"},
        {"match": r"enc\.c1_c\.kernel", "name": "conv1_conv/kernel", "transpose": [2, 3, 1, 0]},
        {"match": r"enc\.c1_c\.bias", "name": "conv1_conv/bias", "squeeze": True},
        {"match": r"enc\.c(\d)_b(\d+)_(\d)_c\.kernel", "name": "conv$1_block$2_$3_conv/kernel", "transpose": [2, 3, 1, 0]},
        {"match": r"enc\.c(\d)_b(\d+)_(\d)_c\.bias", "name": "conv$1_block$2_$3_conv/bias", "squeeze": True},
        {"match": r"enc\.c(\d)_b(\d+)_(.*_bn)\.(.*)", "name": "conv$1_block$2_$3/$4", "squeeze": True},
        {"match": r"enc\.post_bn\.(.*)", "name": "post_bn/$1", "squeeze": True},
        {"match": r"enc\.(first|second)\.(.*)", "name": "$1/$2", "squeeze": True},
    ]
    document = {"schema": "rnw.rules/1", "family": "keras", "rules": rules}
    (HERE / "rules.json").write_text(json.dumps(document, indent=1) + "\n")


def cifar(k, version: int, blocks: int = 1, filters: int = 4):
    """The networks of Keras' example `cifar10_resnet.py`: no layer is named."""
    layers = k.layers

    def layer(x, filters, kernel=3, strides=1, activation=True, norm=True, conv_first=True):
        conv = layers.Conv2D(filters, kernel, strides=strides, padding="same")
        x = conv(x) if conv_first else x
        x = layers.BatchNormalization()(x) if norm else x
        x = layers.Activation("relu")(x) if activation else x
        return x if conv_first else conv(x)

    inputs = layers.Input(SHAPE)
    x = layer(inputs, filters)
    for stage in range(3):
        for block in range(blocks + (stage == 1)):
            is_first = block == 0
            strides = 2 if stage > 0 and is_first else 1
            if version == 1:
                y = layer(x, filters, strides=strides)
                y = layer(y, filters, activation=False)
                if stage > 0 and is_first:
                    x = layer(x, filters, 1, strides, activation=False, norm=False)
                x = layers.Activation("relu")(layers.add([x, y]))
            else:
                outputs = filters * (4 if stage == 0 else 2)
                has_norm = stage > 0 or not is_first
                y = layer(x, filters, 1, strides, has_norm, has_norm, conv_first=False)
                y = layer(y, filters, conv_first=False)
                y = layer(y, outputs, 1, conv_first=False)
                if is_first:
                    x = layer(x, outputs, 1, strides, activation=False, norm=False)
                x = layers.add([x, y])
        filters = filters * 2 if version == 1 else outputs
    if version == 2:
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    return k.Model(inputs, layers.Dense(10, activation="softmax")(x))


def no_family(epsilon: float = 1e-3):
    """A model of layers that are understood and that is no residual network."""
    layers = keras.layers
    inputs = layers.Input(SHAPE)
    x = layers.Rescaling(1 / 127.5, -1, name="scaled")(inputs)
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="wide")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    ways = [layers.Conv2D(3, 1, activation="relu", name="left")(x), layers.Conv2D(2, 3, padding="same", name="right")(x)]
    x = layers.BatchNormalization(epsilon=epsilon, name="norm")(layers.Concatenate(name="both")(ways))
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D(name="mean")(x))
    return keras.Model(inputs, layers.Dense(5, activation="softmax", name="classes")(x))


def old_names(is_padded: bool):
    """ResNet50 of Keras' first years, with letters for blocks; its first pool had no border until 2018."""
    layers = tf_keras.layers

    def conv(x, filters, kernel, strides, name):
        x = layers.Conv2D(filters, kernel, strides=strides, padding="same", name=f"res{name}")(x)
        return layers.BatchNormalization(name=f"bn{name}")(x)

    inputs = layers.Input(SHAPE)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(inputs)
    x = layers.BatchNormalization(name="bn_conv1")(layers.Conv2D(8, 7, strides=2, name="conv1")(x))
    x = layers.Activation("relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x) if is_padded else x
    x = layers.MaxPooling2D(3, strides=2)(x)
    for stage, blocks in ((2, 2), (3, 1)):
        for block in range(blocks):
            name = f"{stage}{chr(ord('a') + block)}_branch"
            strides = 2 if stage > 2 and block == 0 else 1
            y = layers.Activation("relu")(conv(x, 4, 1, strides, f"{name}2a"))
            y = layers.Activation("relu")(conv(y, 4, 3, 1, f"{name}2b"))
            y = conv(y, 16, 1, 1, f"{name}2c")
            if block == 0:
                x = conv(x, 16, 1, strides, f"{name}1")
            x = layers.Activation("relu")(layers.add([y, x]))
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return tf_keras.Model(inputs, layers.Dense(6, activation="softmax", name="fc1000")(x))


if __name__ == "__main__":
    main()
