"""Makes the fixtures of TensorFlow's checkpoints beside this file with TensorFlow, TF-Slim and TF-Keras.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_fixtures.py

Narrow `resnet_v2` of TF-Slim with random weights that float16 holds, run by TF-Slim's own code. TF-Slim asks TensorFlow for
layers that have moved into TF-Keras; they are put where it looks for them. Values are those of TensorFlow's operations.

`slim/` has a checkpoint by name; `slim.parts` the same in two files, `slim.snappy` with compressed blocks in its index, which
TensorFlow reads and does not write, and `slim.ckpt` is the first form of checkpoints. `keras` is the network of
`../keras/narrow.h5` as TF-Keras saves it by object, `keras3.export` the same as Keras 3 exports it.
`slim.stride4.activations.npz` are the values of the network of `slim.ckpt` with an output stride of 4 (dilated
convolutions): the checkpoint is the same. `whole/` is a SavedModel of TF-Keras without its program: images of bytes,
augmentation, a network and a head of its own.
"""

import os
import shutil
import struct
import sys
import tempfile
from pathlib import Path

os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")

import cramjam
import keras as keras3
import numpy as np
import tensorflow as tf
import tf_keras
from tf_keras.src import legacy_tf_layers
from tf_keras.src.legacy_tf_layers import convolutional, core, normalization, pooling

sys.modules["tf_keras.legacy_tf_layers"] = legacy_tf_layers
for module in (convolutional, core, normalization, pooling):
    sys.modules[f"tf_keras.legacy_tf_layers.{module.__name__.rsplit('.', 1)[-1]}"] = module

import tf_slim
from tf_slim.nets import resnet_utils, resnet_v2

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "keras"))
import networks

v1 = tf.compat.v1
KEPT = {"Conv2D", "BiasAdd", "FusedBatchNormV3", "Relu", "MaxPool", "Mean", "AddV2", "BatchToSpaceND"}
UNITS = [2, 1, 2]


def main() -> None:
    # TensorFlow writes the path that it is given into a file.
    os.chdir(HERE)
    # The stem's value has an even and an odd side here: then TensorFlow's borders differ.
    shape = (1, 35, 33, 3)
    with tf.Graph().as_default() as graph:
        images = network(shape)
        v1.train.get_or_create_global_step()
        weights = v1.global_variables()
        # What training leaves beside a variable.
        v1.get_variable("resnet_v2_50/conv1/biases/Momentum", [64])
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            randomize(weights, session)
            np.savez_compressed(HERE / "slim.activations.npz", **activations(graph, session, images, shape))
            save(session)
    dilated((1, 19, 17, 3), output_stride=4)
    keras()
    exported()
    whole()


def network(shape, output_stride=None):
    images = v1.placeholder(tf.float32, shape, name="images")
    last = len(UNITS) - 1
    blocks = [
        resnet_v2.resnet_v2_block(f"block{i + 1}", base_depth=2 * i + 4, num_units=count, stride=2 if i < last else 1)
        for i, count in enumerate(UNITS)
    ]
    with tf_slim.arg_scope(resnet_utils.resnet_arg_scope()):
        resnet_v2.resnet_v2(
            images, blocks, 7, is_training=False, output_stride=output_stride, scope="resnet_v2_50"
        )  # fmt: skip
    return images


def dilated(shape, output_stride: int) -> None:
    with tf.Graph().as_default() as graph, v1.Session() as session:
        images = network(shape, output_stride)
        v1.train.Saver(v1.global_variables()).restore(session, str(HERE / "slim/model.ckpt-3"))
        name = f"slim.stride{output_stride}.activations.npz"
        np.savez_compressed(HERE / name, **activations(graph, session, images, shape))


def save(session) -> None:
    v1.train.Saver().save(session, "./slim/model.ckpt", global_step=3, write_meta_graph=False)
    v1.train.Saver(write_version=v1.train.SaverDef.V1).save(
        session, str(HERE / "slim.ckpt"), write_meta_graph=False, write_state=False
    )
    # Two halves, merged as TensorFlow merges what several machines saved.
    weights = v1.global_variables()
    halves = [weights[::2], weights[1::2]]
    prefixes = [str(HERE / f"half{i}") for i in range(2)]
    for half, prefix in zip(halves, prefixes):
        v1.train.Saver(half).save(session, prefix, write_meta_graph=False, write_state=False)
    session.run(tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=prefixes, destination_prefix=str(HERE / "slim.parts"), delete_old_dirs=False
    ))  # fmt: skip
    for path in HERE.glob("half*"):
        path.unlink()
    for path in HERE.glob("slim/model.ckpt-3.*"):
        name = path.name.replace("model.ckpt-3", "slim.snappy")
        (HERE / name).write_bytes(compressed(path.read_bytes()) if name.endswith("index") else path.read_bytes())
    first, second = (tf.train.load_checkpoint(str(HERE / name)) for name in ("slim.parts", "slim.snappy"))
    for name in first.get_variable_to_shape_map():
        assert (first.get_tensor(name) == second.get_tensor(name)).all()


def randomize(weights, session) -> None:
    generator = np.random.default_rng(5)
    for weight in weights:
        shape = tuple(weight.shape)
        if weight.name.endswith("/weights:0"):
            values = generator.normal(0, (2 / np.prod(shape[:3])) ** 0.5, shape)
        elif weight.name.endswith(("gamma:0", "moving_variance:0")):
            values = generator.uniform(0.5, 1.5, shape)
        elif shape:
            values = generator.uniform(-0.3, 0.3, shape)
        else:
            continue
        weight.load(values.astype(np.float16).astype(np.float32), session)


def activations(graph, session, images, shape) -> dict[str, np.ndarray]:
    """The value of every operation of a layer, by its name within the network's scope."""
    x = np.random.default_rng(9).uniform(-1, 1, shape).astype(np.float32)
    scope = "resnet_v2_50/"
    operations = [
        op for op in graph.get_operations()
        if op.type in KEPT and op.name.startswith(scope) and "Initializer" not in op.name
        and (op.outputs[0].shape[:1] == [1] or op.type == "BatchToSpaceND")
    ]  # fmt: skip
    # A convolution with a bias is one layer with it.
    names = {op.name for op in operations}
    operations = [op for op in operations if op.type != "Conv2D" or op.name.replace("Conv2D", "BiasAdd") not in names]
    values = session.run([op.outputs[0] for op in operations], {images: x})
    result = {"input": x}
    for op, value in zip(operations, values):
        # TensorFlow computes a dilated convolution of pixels put side by side, and puts them back.
        name = op.name.removeprefix(scope).removesuffix("/BatchToSpaceND")
        result[name] = value.reshape(value.shape[0], -1) if name in ("pool5", "logits/BiasAdd") else value
    return result


def compressed(index: bytes) -> bytes:
    """A table of LevelDB with every block compressed by Snappy."""
    def handle(data, at):
        numbers = []
        for _ in range(2):
            value = shift = 0
            while True:
                byte = data[at]
                value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
                if byte < 128:
                    break
            numbers.append(value)
        return numbers, at

    def varint(value):
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes(out + bytes([value]))

    def block(content):
        body = bytes(cramjam.snappy.compress_raw(content)) + b"\1"
        return body + struct.pack("<I", masked(body))

    footer = index[-48:]
    (meta, at), out = handle(footer, 0), b""
    (root, _) = handle(footer, at)
    content = index[root[0] : root[0] + root[1]]
    # The root has one entry for each block: lengths of the key's parts and of the value, the key, a handle.
    entries, at, end = [], 0, len(content) - 4 * (struct.unpack("<I", content[-4:])[0] + 1)
    key = b""
    while at < end:
        (shared, added), at = handle(content, at)
        (size, first), _ = handle(content, at)
        at += len(varint(size))
        key = key[:shared] + content[at : at + added]
        at += added
        (offset, count), _ = handle(content, at)
        at += size
        entries.append((key, index[offset : offset + count]))
    root = b""
    for key, data in entries:
        written = block(data)
        place = varint(len(out)) + varint(len(written) - 5)
        root += varint(0) + varint(len(key)) + varint(len(place)) + key + place
        out += written
    root += struct.pack("<II", 0, 1)
    places = []
    for data in (struct.pack("<II", 0, 1), root):
        written = block(data)
        places.append(varint(len(out)) + varint(len(written) - 5))
        out += written
    return out + (places[0] + places[1]).ljust(40, b"\0") + footer[40:]


def masked(data: bytes) -> int:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0x82F63B78 if byte & 1 else byte >> 1
        table.append(byte)
    total = 0xFFFFFFFF
    for byte in data:
        total = table[(total ^ byte) & 255] ^ total >> 8
    total ^= 0xFFFFFFFF
    return ((total >> 15 | total << 17) + 0xA282EAD8) & 0xFFFFFFFF


def keras() -> None:
    """By object: TF-Keras' weights, and a training's checkpoint with its optimizer."""
    model = networks.resnet_v2(tf_keras, (45, 51, 3))
    model.load_weights(HERE.parent / "keras/narrow.h5")
    model.save_weights(HERE / "keras.weights", save_format="tf")
    (HERE / "checkpoint").unlink(missing_ok=True)
    optimizer = tf_keras.optimizers.Adam()
    optimizer.build(model.trainable_variables[:3])
    tf.train.Checkpoint(model=model, optimizer=optimizer).write(str(HERE / "keras.training"))


def exported() -> None:
    """The variables of a SavedModel that Keras 3 exports, without the program beside them."""
    model = networks.resnet_v2(keras3, (45, 51, 3))
    model.load_weights(HERE.parent / "keras/narrow.h5")
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        for file in Path(folder, "variables").iterdir():
            shutil.copyfile(file, HERE / file.name.replace("variables", "keras3.export", 1))


def whole() -> None:
    """A whole model of TF-Keras as a SavedModel, without the program, and what it computes of images of bytes."""
    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(25)
    backbone = networks.resnet_v2(tf_keras, (21, 23, 3), blocks=(1, 2), classes=6)
    model = tf_keras.Sequential(
        [
            layers.RandomFlip(input_shape=(21, 23, 3)),
            layers.Rescaling(1 / 127.5, -1),
            backbone,
            layers.Dense(3, activation="sigmoid", name="labels"),
        ]
    )
    random = np.random.default_rng(25)
    for variable in (*backbone.weights, *model.get_layer("labels").weights):
        values = random.normal(0, 1, variable.shape)
        if "variance" in variable.name or "gamma" in variable.name:
            values = np.exp(values / 3)
        elif "kernel" in variable.name:
            values *= 1.4 / np.sqrt(np.prod(variable.shape[:-1]))
        variable.assign(values.astype(np.float16))
    model.compile("adam", "binary_crossentropy")
    images = random.integers(0, 256, (2, 21, 23, 3)).astype(np.float32)
    np.savez_compressed(HERE / "whole.truth.npz", input=images, labels=model(images, training=False))
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder, save_format="tf")
        shutil.copytree(Path(folder, "variables"), HERE / "whole" / "variables", dirs_exist_ok=True)
        shutil.copyfile(Path(folder, "keras_metadata.pb"), HERE / "whole" / "keras_metadata.pb")


if __name__ == "__main__":
    main()
