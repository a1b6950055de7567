"""Makes share.zip, the small share of random models that continuous integration converts.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python make_share.py

A folder per model: one file, truth.npz (images that no conversion sees, and the framework's output for them) and
story.json. What is expected of it, as judge.py calls it, is `expected` there.
"""

import json
import sys
import tempfile
import zipfile
from pathlib import Path

import make_models
from story import Story

# The seeds were looked for among those of make_models.py --small, so that every kind of choice is there.
MODELS = [
    ("keras", 1014, "model.keras", "right"),  # a network within a model within a model, Normalization
    ("keras", 1021, "model.keras", "right"),  # augmentation and Rescaling, flattened features
    ("keras", 1027, "model.h5", "right"),  # hidden layers with SELU and GELU
    ("keras", 1029, "model.keras", "right"),  # preprocess_input with channels reversed, a softmax at the end
    ("keras", 1018, "model.weights.h5", "told"),  # a sigmoid
    ("keras", 1024, "model.weights.h5", "told"),  # SAME, ELU
    ("tf_keras", 1001, "model.legacy_weights.h5", "told"),  # softplus, another epsilon, norms without shift
    ("tf_keras", 1005, "model.full.h5", "right"),  # Rescaling, max pooling
    ("tf_keras", 1008, "model.weights.h5", "told"),  # max pooling, the pool's border
    ("torch", 1001, "model.safetensors", "told"),  # max pooling
    ("torch", 1005, "model.pth", "named"),  # leaky ReLU in the blocks
    ("torch", 1011, "model.pth", "told"),  # a hidden layer with a hard sigmoid
    ("torch", 1033, "model.pth", "told"),  # two dictionaries, the stride in the first convolution
    ("torch", 1035, "model.pth", "right"),  # a norm in the head
]


def main() -> None:
    with zipfile.ZipFile(Path(__file__).parent / "share.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for framework, seed, file, expected in MODELS:
            with tempfile.TemporaryDirectory() as place:
                folder = make_models.make(Path(place), Story(seed, framework, is_small=True))
                story = json.loads((folder / "story.json").read_text()) | {"file": file, "expected": expected}
                name = f"{folder.name}-{Path(file).suffix[1:]}"
                add(archive, f"{name}/story.json", json.dumps(story, indent=1).encode())
                for own in (file, "truth.npz"):
                    add(archive, f"{name}/{own}", (folder / own).read_bytes())


def add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """A member without a date, so that the same models make the same archive."""
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content)


if __name__ == "__main__":
    sys.exit(main())
