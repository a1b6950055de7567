"""Writes the tensor names and shapes of real networks, one `name<TAB>shape<TAB>dtype` line each.

    python make_names.py keras      # writes keras-*.tsv beside this file
    python make_names.py torch      # writes torchvision-*.tsv

Two runs, because the two frameworks do not load into one process. The names come from the real libraries; the tests compare the families' templates with them.
Versions are pinned in requirements.txt.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent


def write(name: str, rows: list[tuple[str, tuple[int, ...], str]]) -> None:
    lines = ("\t".join([tensor, "x".join(map(str, shape)), dtype]) for tensor, shape, dtype in rows)
    (HERE / f"{name}.tsv").write_text("\n".join(lines) + "\n")


def make_keras() -> None:
    """The paths of a legacy weights file: `<layer>/<variable>`."""
    import keras

    applications = keras.applications
    networks = {
        "keras-resnet50_v2": applications.ResNet50V2,
        "keras-v1-resnet50_v1": applications.ResNet50,
    }
    for name, network in networks.items():
        rows = [
            (f"{layer.name}/{weight.name}", tuple(weight.shape), "F32")
            for layer in network(weights=None).layers
            for weight in layer.weights
        ]
        write(name, rows)


def make_torch() -> None:
    """The keys of a state dict."""
    import torch
    import torchvision

    types = {torch.float32: "F32", torch.int64: "I64"}
    for depth in (18, 50):
        model = getattr(torchvision.models, f"resnet{depth}")(weights=None)
        state = model.state_dict()
        rows = [(name, tuple(t.shape), types[t.dtype]) for name, t in state.items()]
        write(f"torchvision-resnet{depth}_v1", rows)


if __name__ == "__main__":
    {"keras": make_keras, "torch": make_torch}[sys.argv[1]]()
