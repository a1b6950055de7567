"""Makes the folders of Hugging Face's BiT beside this file with the real library.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_fixtures.py

Narrow networks with random weights, rounded to float16. `bit` is what `save_pretrained` writes, `bit.parts` the same in
several files with an index, `bit.bin` and `bit.bin.parts` as PyTorch's pickles, which the library wrote before version 5 and
still reads; `model` is a `BitModel`, which has no head. Four groups, which only `config.json` tells. `bit.pth.tar` is what
Google's code for fine-tuning saves of its own BiT, whose other forms are in `../pytorch`.
"""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from huggingface_hub import split_torch_state_dict_into_shards
from transformers import BitConfig, BitForImageClassification, BitModel

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "pytorch"))
import networks

spec = importlib.util.spec_from_file_location("pytorch_fixtures", HERE.parent / "pytorch/make_fixtures.py")
pytorch = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pytorch)


def main() -> None:
    options = dict(embedding_size=16, hidden_sizes=[32, 40], depths=[1, 2], num_groups=4)
    config = BitConfig(**options, num_labels=5, architectures=["BitForImageClassification"])
    model = BitForImageClassification(config)
    write("bit", model)
    headless = BitModel(BitConfig(**options, architectures=["BitModel"]))
    headless.load_state_dict({n.removeprefix("bit."): t for n, t in model.state_dict().items() if n.startswith("bit.")})
    headless.save_pretrained(HERE / "model")
    model.save_pretrained(HERE / "bit.parts", max_shard_size="30KB")
    state = model.state_dict()
    for name in ("bit.bin", "bit.bin.parts"):
        (HERE / name).mkdir()
        shutil.copy(HERE / "bit/config.json", HERE / name)
    torch.save(state, HERE / "bit.bin/pytorch_model.bin")
    split = split_torch_state_dict_into_shards(
        state, filename_pattern="pytorch_model{suffix}.bin", max_shard_size="30KB"
    )
    for file, names in split.filename_to_tensors.items():
        torch.save({name: state[name].clone() for name in names}, HERE / "bit.bin.parts" / file)
    index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
    (HERE / "bit.bin.parts/pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")
    # The library reads all of them as the same network.
    for name in ("bit", "bit.parts", "bit.bin", "bit.bin.parts"):
        loaded = BitForImageClassification.from_pretrained(HERE / name).state_dict()
        assert all((loaded[n] == t).all() for n, t in state.items()), name
    shrunk_less(state, options)
    fine_tune()


def shrunk_less(state, options: dict) -> None:
    """The same weights with an output stride of 4: this library takes the strides away and dilates nothing."""
    model = BitForImageClassification(BitConfig(**options, num_labels=5, output_stride=4))
    model.load_state_dict(state)
    np.savez_compressed(HERE / "bit.stride4.activations.npz", **pytorch.activations(model.eval(), images()))


def images() -> torch.Tensor:
    return torch.rand((1, 3, 27, 22), generator=torch.Generator().manual_seed(9)) * 2 - 1


def write(name: str, model) -> None:
    for folder in ("bit", "bit.parts", "bit.bin", "bit.bin.parts", "model"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    pytorch.randomize(model, 3)
    model.eval()
    model.save_pretrained(HERE / name)
    np.savez_compressed(HERE / f"{name}.activations.npz", **pytorch.activations(model, images()))


def fine_tune() -> None:
    from safetensors.torch import load_file

    google = networks.GoogleResNetV2(32, (64, 64), (32, 32), (1, 2), 5)
    google.load_state_dict({n: t.float() for n, t in load_file(HERE.parent / "pytorch/bit.google.safetensors").items()})
    parallel = torch.nn.DataParallel(google)
    optimizer = torch.optim.SGD(parallel.parameters(), lr=0.003, momentum=0.9)
    # As `bit_pytorch/train.py` saves it.
    torch.save({"step": 7, "model": parallel.state_dict(), "optim": optimizer.state_dict()}, HERE / "bit.pth.tar")


if __name__ == "__main__":
    main()
