"""Makes the fixtures of PyTorch's other families beside this file with the real libraries.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_fixtures.py

Narrow networks of timm, Hugging Face, Google's BiT and the CIFAR collections with random weights, rounded to float16,
which halves the files; the activations are those of the rounded weights in float32. The three BiT files hold the same
weights under three names, and timm's, Hugging Face's and Google's code computes each. Versions are in requirements.txt.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
from safetensors.torch import save_file
from timm.layers import BatchNormAct2d, GroupNormAct, StdConv2d, create_conv2d
from timm.models.resnetv2 import PreActBasic, PreActBottleneck, ResNetV2
from transformers import BitConfig, BitForImageClassification
from transformers.models.bit.modeling_bit import BitPreActivationBottleneckLayer

import networks

HERE = Path(__file__).parent
KEPT = (
    nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.GroupNorm, nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d,
    PreActBasic, PreActBottleneck, BitPreActivationBottleneckLayer, networks.GoogleBottleneck, networks.PreActBlock,
    networks.PreActBottleneck, networks.BasicBlock, networks.WideBlock, networks.PreBlock,
)  # fmt: skip


def main() -> None:
    norm = dict(norm_layer=BatchNormAct2d, conv_layer=create_conv2d)
    groups = dict(norm_layer=partial(GroupNormAct, num_groups=32))
    deep = dict(stem_type="deep", avg_down=True)
    write("timm", ResNetV2([1, 2], (16, 24), 5, stem_chs=8, **norm), (1, 3, 33, 39))
    write("timm.basic", ResNetV2([1, 1], (8, 16), 5, stem_chs=8, basic=True, bottle_ratio=1.0, **norm), (1, 3, 33, 39))
    write("timm.deep", ResNetV2([1, 1], (16, 24), 5, stem_chs=16, **deep, **norm), (1, 3, 33, 39))
    # Group norms need 32 channels everywhere.
    half = dict(bottle_ratio=0.5, **groups)
    gn = ResNetV2([1, 1], (64, 64), 5, stem_chs=64, conv_layer=create_conv2d, **deep, **half)
    write("timm.deep_groups", gn, (1, 3, 15, 21))
    write_bit(dict(stem_chs=32, **half))
    write("preact", networks.CIFARResNet(networks.PreActBlock, (2, 1), 6, 4), (1, 3, 11, 9))
    write("preact.bottleneck", networks.CIFARResNet(networks.PreActBottleneck, (1, 1), 4, 4), (1, 3, 11, 9))
    write("preact.last", networks.CIFARResNet(networks.PreActBlock, (1, 1), 6, 4, last=True), (1, 3, 11, 9))
    write("cifar", networks.CIFARResNet(networks.BasicBlock, (2, 1), 6, 4), (1, 3, 11, 9))
    write("wide", networks.WideResNet(2, 6, 5), (1, 3, 11, 9))
    write("wide.spare", networks.WideResNet(1, 4, 5, spare=True), (1, 3, 11, 9))
    write("preresnet", networks.PreResNet(2, 4, 5, is_bottleneck=False), (1, 3, 11, 9))
    write("preresnet.bottleneck", networks.PreResNet(1, 4, 5, is_bottleneck=True), (1, 3, 11, 9))
    write("cifar.zeros", networks.CIFARResNet(networks.BasicBlock, (1, 2, 1), 4, 4, zeros=True), (1, 3, 11, 9))


def write_bit(narrow) -> None:
    """One BiT of the same weights in the names of timm, Hugging Face and Google."""
    model = ResNetV2([1, 2], (64, 64), 5, stem_type="fixed", conv_layer=partial(StdConv2d, eps=1e-8), **narrow)
    shape = (1, 3, 15, 21)
    write("bit.timm", model, shape)
    state = model.state_dict()

    hugging = hugging_face(BitConfig(embedding_size=32, hidden_sizes=[64, 64], depths=[1, 2], num_labels=5))
    names = {n: n.replace("bit.encoder.", "").replace(".layers.", ".blocks.") for n in hugging.state_dict()}
    names = {n: m.replace("bit.embedder.convolution", "stem.conv").replace("bit.norm", "norm") for n, m in names.items()}
    names = {n: m.replace("classifier.1", "head.fc") for n, m in names.items()}
    hugging.load_state_dict({n: state[m].reshape(hugging.state_dict()[n].shape) for n, m in names.items()})
    write("bit.hf", hugging, shape, randomizes=False)

    google = networks.GoogleResNetV2(32, (64, 64), (32, 32), (1, 2), 5)
    # timm projects in every first block, Google where the shape changes: here in both.
    google.load_state_dict({n: state[timm_name(n)] for n in google.state_dict()})
    write("bit.google", google, shape, randomizes=False)
    arrays = {npz_name(n): t.half().numpy() for n, t in google.state_dict().items()}
    arrays = {n: a.transpose(2, 3, 1, 0) if a.ndim == 4 else a for n, a in arrays.items()}
    np.savez(HERE / "bit.npz", **arrays)


def hugging_face(config) -> BitForImageClassification:
    """The classifier, with middles of half the width: a quarter would be less than 32 channels."""
    import transformers.models.bit.modeling_bit as bit

    class Wide(BitPreActivationBottleneckLayer):
        def __init__(self, config, in_channels, out_channels=None, bottle_ratio=0.25, **rest):
            super().__init__(config, in_channels, out_channels, bottle_ratio=0.5, **rest)

    original, bit.BitPreActivationBottleneckLayer = bit.BitPreActivationBottleneckLayer, Wide
    try:
        return bit.BitForImageClassification(config)
    finally:
        bit.BitPreActivationBottleneckLayer = original


def timm_name(name: str) -> str:
    """timm's name for one of Google's PyTorch code."""
    parts = name.split(".")
    if parts[0] == "root":
        return "stem.conv.weight"
    if parts[0] == "head":
        return {"gn": "norm", "conv": "head.fc"}[parts[1]] + "." + parts[2]
    stage, unit = int(parts[1][5:]) - 1, int(parts[2][4:]) - 1
    layer = parts[3].replace("gn", "norm").replace("downsample", "downsample.conv")
    return f"stages.{stage}.blocks.{unit}.{layer}.{parts[4]}"


def npz_name(name: str) -> str:
    """The name in Google's `.npz` files, as `load_from` of its PyTorch code reads them."""
    parts = name.split(".")
    if parts[0] == "root":
        return "resnet/root_block/standardized_conv2d/kernel"
    if parts[0] == "head":
        role = {"gn.weight": "group_norm/gamma", "gn.bias": "group_norm/beta"} | {
            "conv.weight": "head/conv2d/kernel", "conv.bias": "head/conv2d/bias"
        }  # fmt: skip
        return "resnet/" + role[".".join(parts[1:])]
    folder = f"resnet/{parts[1]}/{parts[2]}/"
    if parts[3] == "downsample":
        return folder + "a/proj/standardized_conv2d/kernel"
    letter = "abc"[int(parts[3][-1]) - 1]
    if parts[3].startswith("conv"):
        return f"{folder}{letter}/standardized_conv2d/kernel"
    return f"{folder}{letter}/group_norm/{'gamma' if parts[4] == 'weight' else 'beta'}"


def write(name: str, model: nn.Module, shape, randomizes: bool = True) -> None:
    if randomizes:
        randomize(model, len(name))
    model.eval()
    state = {n: t.half() if t.is_floating_point() else t for n, t in model.state_dict().items()}
    save_file(state, HERE / f"{name}.safetensors")
    images = torch.rand(shape, generator=torch.Generator().manual_seed(9)) * 2 - 1
    np.savez_compressed(HERE / f"{name}.activations.npz", **activations(model, images))


def randomize(model: nn.Module, seed: int) -> None:
    """Random weights that float16 holds, whose norms are far from the identity."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor, low, high):
        tensor.copy_((torch.rand(tensor.shape, generator=generator) * (high - low) + low).half())

    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                noise = torch.randn(module.weight.shape, generator=generator)
                module.weight.copy_((noise * (2 / module.weight[0].numel()) ** 0.5).half())
                if module.bias is not None:
                    uniform(module.bias, -0.3, 0.3)
            elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
                uniform(module.weight, 0.5, 1.5)
                uniform(module.bias, -0.3, 0.3)
                if isinstance(module, nn.BatchNorm2d):
                    uniform(module.running_mean, -0.3, 0.3)
                    uniform(module.running_var, 0.5, 1.5)
                    module.num_batches_tracked.fill_(7)


def activations(model: nn.Module, images: torch.Tensor) -> dict[str, np.ndarray]:
    """The output of every module that computes; one that is called again gets the number of the call: `relu#2`."""
    values = {"input": images.numpy()}
    calls: dict[str, int] = {}

    def keep(name):
        def hook(_module, _inputs, output):
            calls[name] = calls.get(name, 0) + 1
            suffix = f"#{calls[name]}" if calls[name] > 1 else ""
            array = output.detach().numpy().copy()
            values[name + suffix] = array.reshape(array.shape[:2]) if array.shape[2:] == (1, 1) and "stage" not in name else array

        return hook

    for name, module in model.named_modules():
        # timm's norms are an activation as well, of which a part is a module: only the whole has the norm's name.
        is_part = name.endswith((".act", ".drop")) or ".norm" in name and name.rsplit(".", 1)[-1] == "activation"
        if isinstance(module, KEPT) and not is_part:
            # timm's pool is a pool within a module of the name that people know.
            module.register_forward_hook(keep(name.removesuffix(".pool") if "global_pool" in name else name))
    with torch.no_grad():
        model(images)
    return values


if __name__ == "__main__":
    main()
