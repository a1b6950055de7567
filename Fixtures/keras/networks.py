"""Small ResNetV2 and ResNet networks, layer by layer as keras.applications builds them.

The library's own builder has a stem of 64 channels; these are the same layers under the same names with any
width, so that fixtures stay small. `check_against_library` proves that the two agree.
"""

import numpy as np


def resnet_v2(
    keras,
    shape,
    *,
    stem=8,
    filters=(4, 8),
    blocks=(2, 3),
    classes=10,
    pooling=True,
    head="predictions",
    name="narrow",
):
    """A pre-activation network; the stride stands in the last block of every stage but the last."""
    layers = keras.layers
    counters = {"pool": 0}

    def norm(x, layer_name):
        return layers.BatchNormalization(axis=3, epsilon=1.001e-5, name=layer_name)(x)

    def relu(x, layer_name):
        return layers.Activation("relu", name=layer_name)(x)

    def block(x, channels, stride, shortcut_conv, prefix):
        preact = relu(norm(x, prefix + "_preact_bn"), prefix + "_preact_relu")
        if shortcut_conv:
            shortcut = layers.Conv2D(4 * channels, 1, strides=stride, name=prefix + "_0_conv")(preact)
        elif stride > 1:
            suffix = f"_{counters['pool']}" if counters["pool"] else ""
            counters["pool"] += 1
            shortcut = layers.MaxPooling2D(1, strides=stride, name="max_pooling2d" + suffix)(x)
        else:
            shortcut = x
        x = layers.Conv2D(channels, 1, strides=1, use_bias=False, name=prefix + "_1_conv")(preact)
        x = relu(norm(x, prefix + "_1_bn"), prefix + "_1_relu")
        x = layers.ZeroPadding2D(padding=((1, 1), (1, 1)), name=prefix + "_2_pad")(x)
        x = layers.Conv2D(channels, 3, strides=stride, use_bias=False, name=prefix + "_2_conv")(x)
        x = relu(norm(x, prefix + "_2_bn"), prefix + "_2_relu")
        x = layers.Conv2D(4 * channels, 1, name=prefix + "_3_conv")(x)
        return layers.Add(name=prefix + "_out")([shortcut, x])

    inputs = layers.Input(shape=shape)
    x = layers.ZeroPadding2D(padding=((3, 3), (3, 3)), name="conv1_pad")(inputs)
    x = layers.Conv2D(stem, 7, strides=2, use_bias=True, name="conv1_conv")(x)
    x = layers.ZeroPadding2D(padding=((1, 1), (1, 1)), name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, (channels, count) in enumerate(zip(filters, blocks), start=2):
        stride = 1 if stage == len(filters) + 1 else 2
        for number in range(1, count + 1):
            last = number == count
            x = block(x, channels, stride if last else 1, number == 1, f"conv{stage}_block{number}")
    x = relu(norm(x, "post_bn"), "post_relu")
    if classes:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(classes, activation="softmax", name=head)(x)
    elif pooling:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return keras.Model(inputs, x, name=name)


def resnet_v1(keras, shape, *, stem=8, filters=(4, 8), blocks=(2, 2), classes=10):
    """A post-activation network of keras.applications: a bias on every convolution, stride in the first 1x1."""
    layers = keras.layers

    def norm(x, layer_name):
        return layers.BatchNormalization(axis=3, epsilon=1.001e-5, name=layer_name)(x)

    def relu(x, layer_name):
        return layers.Activation("relu", name=layer_name)(x)

    def block(x, channels, stride, shortcut_conv, prefix):
        shortcut = x
        if shortcut_conv:
            shortcut = layers.Conv2D(4 * channels, 1, strides=stride, name=prefix + "_0_conv")(x)
            shortcut = norm(shortcut, prefix + "_0_bn")
        x = layers.Conv2D(channels, 1, strides=stride, name=prefix + "_1_conv")(x)
        x = relu(norm(x, prefix + "_1_bn"), prefix + "_1_relu")
        x = layers.Conv2D(channels, 3, padding="SAME", name=prefix + "_2_conv")(x)
        x = relu(norm(x, prefix + "_2_bn"), prefix + "_2_relu")
        x = layers.Conv2D(4 * channels, 1, name=prefix + "_3_conv")(x)
        x = norm(x, prefix + "_3_bn")
        return relu(layers.Add(name=prefix + "_add")([shortcut, x]), prefix + "_out")

    inputs = layers.Input(shape=shape)
    x = layers.ZeroPadding2D(padding=((3, 3), (3, 3)), name="conv1_pad")(inputs)
    x = layers.Conv2D(stem, 7, strides=2, name="conv1_conv")(x)
    x = relu(norm(x, "conv1_bn"), "conv1_relu")
    x = layers.ZeroPadding2D(padding=((1, 1), (1, 1)), name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, (channels, count) in enumerate(zip(filters, blocks), start=2):
        for number in range(1, count + 1):
            stride = 2 if number == 1 and stage > 2 else 1
            x = block(x, channels, stride, number == 1, f"conv{stage}_block{number}")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, x, name="narrow_v1")


def randomize(model, seed: int) -> None:
    """Random weights whose norms are far from the identity; values stay of order 1 through the depth."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        values = []
        for weight in layer.weights:
            variable = weight.name.split("/")[-1].split(":")[0]
            shape = tuple(weight.shape)
            if variable == "kernel":
                value = rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
            elif variable in ("gamma", "moving_variance"):
                value = rng.uniform(0.5, 1.5, shape)
            else:
                value = rng.uniform(-0.3, 0.3, shape)
            values.append(value.astype(np.float32))
        layer.set_weights(values)


def activations(keras, model, images: np.ndarray) -> dict[str, np.ndarray]:
    """The value of every layer, by name, and the input."""
    layers = model.layers[1:]
    outputs = keras.Model(model.input, [layer.output for layer in layers])(images)
    values = {layer.name: np.asarray(value) for layer, value in zip(layers, outputs)}
    return {"input": images} | values


def images(shape, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, *shape)).astype(np.float32)


def tensors(model) -> dict[str, np.ndarray]:
    """The weights as `<layer>/<variable>`."""
    return {
        f"{layer.name}/{weight.name.split('/')[-1].split(':')[0]}": np.asarray(weight)
        for layer in model.layers
        for weight in layer.weights
    }


def check_against_library(keras) -> None:
    """ResNet50V2 of keras.applications has the layers, in the order and of the shapes, that `resnet_v2` makes."""
    library = keras.applications.ResNet50V2(weights=None)
    ours = resnet_v2(
        keras, (224, 224, 3), stem=64, filters=(64, 128, 256, 512), blocks=(3, 4, 6, 3), classes=1000
    )

    def shapes(model):
        return [(layer.name, [tuple(w.shape) for w in layer.weights]) for layer in model.layers[1:]]

    library_shapes = [(n, s) for n, s in shapes(library) if not n.startswith("max_pooling2d")]
    our_shapes = [(n, s) for n, s in shapes(ours) if not n.startswith("max_pooling2d")]
    assert library_shapes == our_shapes, "keras.applications has changed"
