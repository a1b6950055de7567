"""Compares full-size PyTorch networks, module by module, with what PyTorch itself computes.

    python compare_with_torch.py WORK_FOLDER [--rnw ../.build/release/rnw] [--depths 18,34,50,101,152]

Makes resnet18_v2 to resnet152_v2 with real PyTorch (random weights, norms far from the identity), saves state dicts in
every container with the outputs of all modules at 224x224 and 225x190, batch 2, and lets `rnw convert --reference`
compare them. Exits with 1 when a figure is out of its limit. Needs the packages of torch/requirements.txt.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "torch"))

import numpy as np
import torch
from safetensors.torch import load_file, save_file

import networks

LIMIT = 2e-5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rnw", default=str(Path(__file__).parents[1] / ".build/release/rnw"))
    parser.add_argument("--depths", default="18,34,50,101,152")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    depths = [int(d) for d in arguments.depths.split(",")]
    return 0 if all([compare(arguments.rnw, arguments.folder, depth) for depth in depths]) else 1


def compare(rnw: str, folder: Path, depth: int) -> bool:
    state = networks.randomize(networks.resnet_v2(depth), depth).state_dict()
    files = write(state, folder, f"resnet{depth}_v2")
    passes = True
    for height, width in ((224, 224), (225, 190)):
        # Hooks stay on a model: each size gets a new one.
        model = networks.resnet_v2(depth)
        model.load_state_dict(state)
        images = torch.rand((2, 3, height, width), generator=torch.Generator().manual_seed(9)) * 2 - 1
        np.savez(folder / "activations.npz", **networks.activations(model.eval(), images))
        for file in files if height == 224 else files[:1]:
            passes &= convert(rnw, file, folder, f"{file.name} {height}x{width}")
    return passes and round_trip(rnw, folder, state)


def write(state, folder: Path, name: str) -> list[Path]:
    files = [folder / f"{name}{ending}" for ending in (".safetensors", ".pth", ".legacy.pth", ".npz")]
    save_file(state, files[0])
    torch.save(state, files[1])
    torch.save(state, files[2], _use_new_zipfile_serialization=False)
    np.savez(files[3], **{k: v.numpy() for k, v in state.items()})
    return files


def convert(rnw: str, file: Path, folder: Path, title: str) -> bool:
    command = [rnw, "convert", str(file), "-o", str(folder / "out.rnw"), "--overwrite", "--json",
               "--reference", str(folder / "activations.npz")]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode not in (0, 1):
        print(f"{title:40} {result.stderr.strip()}")
        return False
    report = json.loads(result.stdout)["reference"]
    worst = max(report["layers"], key=lambda layer: layer["scaledError"])
    print(f"{title:40} {report['verdict']}  {len(report['layers'])} modules, worst "
          f"{worst['familyName']} {worst['scaledError']:.1e}")
    return report["verdict"] == "pass" and worst["scaledError"] <= LIMIT


def round_trip(rnw: str, folder: Path, state) -> bool:
    """PyTorch loads what was exported from the converted file, and it is bit for bit what it had."""
    exported = folder / "exported.safetensors"
    subprocess.run([rnw, "export", str(folder / "out.rnw"), "-o", str(exported), "--overwrite"], check=True)
    back = load_file(exported)
    equal = all(torch.equal(back[k], v) for k, v in state.items() if "num_batches_tracked" not in k)
    print(f"{'round trip':40} {'bit-exact' if equal else 'DIFFERS'}")
    return equal


if __name__ == "__main__":
    sys.exit(main())
