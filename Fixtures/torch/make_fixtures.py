"""Makes the PyTorch fixtures beside this file with real PyTorch.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_fixtures.py

Networks: `basic` and `bottleneck` (version 2), `v1` (version 1). Weights are random with fixed seeds. `basic` is written
in every container. Versions are pinned in requirements.txt.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import networks

HERE = Path(__file__).parent


def main() -> None:
    basic = networks.ResNet(networks.BasicBlockV2, (2, 2), stem=8, widths=(8, 16), classes=10)
    networks.randomize(basic, 1)
    write_containers(basic)
    write_activations("basic", basic, (2, 3, 45, 38))

    bottleneck = networks.ResNet(networks.BottleneckV2, (2, 2), stem=8, widths=(4, 8), classes=5)
    networks.randomize(bottleneck, 2)
    torch.save(bottleneck.state_dict(), HERE / "bottleneck.pth")
    write_activations("bottleneck", bottleneck, (2, 3, 33, 47))

    v1 = networks.ResNet(networks.BasicBlock, (2, 2), stem=8, widths=(8, 16), classes=10, version=1)
    networks.randomize(v1, 3)
    torch.save(v1.state_dict(), HERE / "v1.pth")
    write_activations("v1", v1, (2, 3, 45, 38))


def write_activations(name: str, model, shape) -> None:
    images = torch.rand(shape, generator=torch.Generator().manual_seed(9)) * 2 - 1
    np.savez_compressed(HERE / f"{name}.activations.npz", **networks.activations(model, images))


def write_containers(model) -> None:
    """One state dict in every form in which PyTorch users have it."""
    state = model.state_dict()
    torch.save(state, HERE / "basic.pth")
    torch.save(state, HERE / "basic.legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({f"module.{k}": v for k, v in state.items()}, HERE / "basic.module.pth")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    checkpoint = {
        "epoch": 3,
        "best": 0.5,
        "model_state_dict": state,
        "optimizer": optimizer.state_dict(),
        "ema": {k: v + 1 if v.is_floating_point() else v for k, v in state.items()},
        "device": torch.device("cpu"),
        "size": torch.Size([1, 2]),
    }
    torch.save(checkpoint, HERE / "basic.checkpoint.pth")
    torch.save({k: v.half() if v.is_floating_point() else v for k, v in state.items()}, HERE / "basic.half.pth")
    torch.save(
        {k: v.bfloat16() if v.is_floating_point() else v for k, v in state.items()}, HERE / "basic.bfloat16.pth"
    )
    for name, dtype in (("half", torch.float16), ("bfloat16", torch.bfloat16)):
        rounded = networks.ResNet(networks.BasicBlockV2, (2, 2), stem=8, widths=(8, 16), classes=10)
        rounded.load_state_dict(
            {k: v.to(dtype).float() if v.is_floating_point() else v for k, v in state.items()}
        )
        write_activations(f"basic.{name}", rounded.eval(), (2, 3, 45, 38))
    # Views: transposed kernels, one storage for all norms, tensors that begin within a storage.
    views = OrderedDict()
    shared = torch.cat([v.reshape(-1).float() for k, v in state.items() if v.dim() == 1])
    offset = 0
    for name, value in state.items():
        if value.dim() == 4:
            views[name] = value.permute(1, 0, 3, 2).contiguous().permute(1, 0, 3, 2)
        elif value.dim() == 1:
            views[name] = shared[offset : offset + value.numel()]
            offset += value.numel()
        else:
            views[name] = torch.nn.Parameter(value, requires_grad=False) if value.dim() == 2 else value
    torch.save(views, HERE / "basic.views.pth")
    torch.save(views, HERE / "basic.views.legacy.pth", _use_new_zipfile_serialization=False)
    save_file({k: v.contiguous() for k, v in state.items()}, HERE / "basic.safetensors")
    np.savez(HERE / "basic.npz", **{k: v.numpy() for k, v in state.items()})


if __name__ == "__main__":
    main()
