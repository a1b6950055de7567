"""Makes random models with the real frameworks, each with what the framework computes on inputs of its own.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_models.py FOLDER --framework keras|tf_keras|torch --seeds 0:100

One folder per model: its files, `truth.npz` (input N×H×W×C, output) and `story.json`. judge.py tries a build on them.
"""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
warnings.filterwarnings("ignore")

from story import Story  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--framework", choices=["keras", "tf_keras", "torch"], default="keras")
    parser.add_argument("--seeds", default="0:20")
    parser.add_argument("--small", action="store_true", help="few and narrow layers, small images")
    arguments = parser.parse_args()
    first, last = map(int, arguments.seeds.split(":"))
    for seed in range(first, last):
        make(arguments.folder, Story(seed, arguments.framework, arguments.small))


def make(parent: Path, story: Story) -> Path:
    """The folder of one model."""
    folder = parent / f"{story.framework}-{story.seed:04}"
    folder.mkdir(parents=True, exist_ok=True)
    (torch_model if story.framework == "torch" else keras_model)(folder, story)
    (folder / "story.json").write_text(json.dumps(story.record(), indent=1) + "\n")
    return folder


def keras_model(folder: Path, story: Story) -> None:
    if story.framework == "tf_keras":
        import tf_keras as keras
    else:
        import keras
    from keras_models import Maker, randomize

    keras.backend.clear_session()
    is_tf_keras = story.framework == "tf_keras"
    model = Maker(keras, story, is_tf_keras=is_tf_keras).model()
    randomize(model, story.seed)
    train(keras, model, story)
    low, high = (0, 255) if story.facts["input"]["value"] == "adjusted" else (-1, 1)
    images = np.random.default_rng(story.seed + 7).uniform(low, high, (2, *model.input_shape[1:])).astype(np.float32)
    judged = model
    if story.chosen["policy"] != "float32":
        # The tool computes in float32 and says so: the same weights are the truth, without the policy's rounding.
        plain = Story(story.seed, story.framework, story.is_small, fixed={"policy": "float32"})
        judged = Maker(keras, plain, is_tf_keras=is_tf_keras).model()
        judged.set_weights(model.get_weights())
    output = judged(images, training=False)
    outputs = output if isinstance(output, (list, tuple)) else [output]
    values = [as_floats(value) for value in outputs]
    np.savez_compressed(folder / "truth.npz", input=images, output=values[0])
    write(lambda: model.save(folder / "model.keras"))
    write(lambda: model.save(folder / ("model.full.h5" if is_tf_keras else "model.h5")))
    write(lambda: model.save_weights(folder / "model.weights.h5"))
    if is_tf_keras:
        write(lambda: model.save_weights(folder / "model.legacy_weights.h5", save_format="h5"))
    elif story.also("class", None, "parts", "scaled", share=0.3) and story.chosen["nest"] == "functional":
        write_class(keras, model, folder, story)


def train(keras, model, story: Story) -> None:
    """A step of training, rarely: then a file has the optimizer's values too, and moving averages of all weights."""
    kind = story.also("trained", None, "adam", "averages", share=0.2)
    if not kind or story.chosen["policy"] != "float32" or len(model.outputs) != 1:
        return
    optimizer = keras.optimizers.Adam(1e-5, **({"use_ema": True} if kind == "averages" else {}))
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(story.seed)
    model.train_on_batch(
        rng.uniform(-1, 1, (2, *model.input_shape[1:])).astype(np.float32),
        np.zeros((2, *model.output_shape[1:]), np.float32) if None not in model.output_shape[1:] else np.zeros(
            model(np.zeros((2, *model.input_shape[1:]), np.float32)).shape, np.float32))


def write_class(keras, model, folder: Path, story: Story) -> None:
    """The weights of a class with the same parts as attributes; its code is in no file."""
    index = next((i for i, layer in enumerate(model.layers) if getattr(layer, "layers", None)), None)
    if index is None or index != 1 or len(model.outputs) != 1:
        return
    factor = 2.0 if story.chosen["class"] == "scaled" else 1.0
    story.fact("parts", "with a factor" if factor != 1 else "one after the other")

    class Tuned(keras.Model):
        def __init__(self, backbone, head):
            super().__init__()
            self.backbone = backbone
            for number, layer in enumerate(head):
                setattr(self, f"part{number}", layer)
            self.count = len(head)

        def call(self, x, training=False):
            x = self.backbone(x, training=training) * factor
            for number in range(self.count):
                x = getattr(self, f"part{number}")(x)
            return x

    whole = Tuned(model.layers[1], model.layers[2:])
    truth = np.load(folder / "truth.npz")
    output = as_floats(whole(truth["input"], training=False))
    place = folder.parent / f"{folder.name}-class"
    place.mkdir(exist_ok=True)
    np.savez_compressed(place / "truth.npz", input=truth["input"], output=output)
    write(lambda: whole.save_weights(place / "model.weights.h5"))
    (place / "story.json").write_text(json.dumps(story.record(), indent=1) + "\n")
    story.facts.pop("parts")


def as_floats(value) -> np.ndarray:
    """A value of either backend; numpy has no bfloat16."""
    return value.detach().float().numpy() if hasattr(value, "detach") else np.asarray(value).astype(np.float32)


def write(save) -> None:
    """TF-Keras cannot write some of its own operations (a reversal of channels) into `.keras`: that file is left out."""
    try:
        save()
    except TypeError as error:
        if "serializ" not in str(error):
            raise


def torch_model(folder: Path, story: Story) -> None:
    import torch
    import torch_models

    torch.manual_seed(story.seed)
    net = torch_models.model(story)
    size = story.choose("size", (32, 32), (45, 38), (64, 64), (33, 47), share=0.6)
    images = torch.rand((2, 3, *size)) * 4 - 2
    torch_models.save(net, folder, story)
    if story.chosen["half"]:
        net.half().float()
    with torch.no_grad():
        output = net(images)
    np.savez_compressed(folder / "truth.npz", input=images.permute(0, 2, 3, 1).numpy(), output=output.numpy())


if __name__ == "__main__":
    sys.exit(main())
