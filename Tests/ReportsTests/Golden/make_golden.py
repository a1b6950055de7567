"""Writes what the real libraries say about a network, for the tests of the summary.

    python make_golden.py torch     # *.txt: the tables of torchinfo 1.8.0
    python make_golden.py keras     # *.tsv: layer, class, output shape, parameters of Keras 3.15.1

Two runs, because the two frameworks do not load into one process. The .txt files come from torchinfo on
Python 3.11 or later; earlier ones print the unit of the mult-adds as `(G)`. Versions are those of
Fixtures/names/requirements.txt and torchinfo==1.8.0.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent

ALL_COLUMNS = (
    "input_size", "output_size", "num_params", "params_percent", "kernel_size", "mult_adds", "trainable",
)

# File: the network, and what torchinfo is called with.
TABLES = {
    "resnet50_v2": ("resnet50_v2", {}),
    "resnet50_v2-1x3x224x224": (
        "resnet50_v2",
        {
            "input_size": (1, 3, 224, 224),
            "col_names": ("input_size", "output_size", "num_params", "kernel_size", "mult_adds"),
        },
    ),
    "resnet18_v2-2x3x225x190-all-names": (
        "resnet18_v2",
        {
            "input_size": (2, 3, 225, 190), "col_names": ALL_COLUMNS, "depth": 4,
            "row_settings": ("depth", "var_names"),
        },
    ),
    "resnet34_v2-1x3x64x64-depth2": (
        "resnet34_v2", {"input_size": (1, 3, 64, 64), "depth": 2},
    ),
    "resnet101_v2-depth1-percent": (
        "resnet101_v2", {"depth": 1, "col_names": ("num_params", "params_percent", "trainable")},
    ),
    "resnet152_v2-64x3x224x224-depth0": (
        "resnet152_v2",
        {"input_size": (64, 3, 224, 224), "depth": 0, "col_names": ("num_params", "mult_adds")},
    ),
    "resnet18_v1-depth4": ("resnet18_v1", {"depth": 4}),
    "resnet50_v1": ("resnet50_v1", {}),
    "resnet50_v1-3x3x97x64-ascii": (
        "resnet50_v1",
        {
            "input_size": (3, 3, 97, 64), "col_names": ("output_size", "params_percent", "mult_adds"),
            "row_settings": ("depth", "ascii_only"),
        },
    ),
}


def make_torch() -> None:
    from torchinfo import summary

    import resnet_v2

    for file, (network, arguments) in TABLES.items():
        table = summary(resnet_v2.make(network), device="cpu", verbose=0, **arguments)
        (HERE / f"{file}.txt").write_text(f"{table}\n")


def make_keras() -> None:
    from keras import applications, backend

    networks = {"keras-resnet50_v2": applications.ResNet50V2, "keras-resnet50_v1": applications.ResNet50}
    for file, network in networks.items():
        backend.clear_session()  # layers without a name of their own are counted per session
        lines = []
        for layer in network(weights=None).layers:
            output = layer.output.shape[1:]
            lines.append([layer.name, type(layer).__name__, "x".join(map(str, output)), str(layer.count_params())])
        (HERE / f"{file}.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))


if __name__ == "__main__":
    {"torch": make_torch, "keras": make_keras}[sys.argv[1]]()
