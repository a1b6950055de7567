"""The examples of the README, in their order, on networks of random weights."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]


@pytest.mark.frameworks
def test_examples(tool, tmp_path, monkeypatch):
    # PyTorch first: what lies under it aborts the process when it comes after TensorFlow.
    for library in ("torchvision", "keras"):
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    tool("init", "resnet50_v2", "-o", "resnet50v2.h5", "--threads", 1)
    tool("init", "resnet18_v1", "--family", "torchvision", "-o", "resnet18.safetensors", "--threads", 1)
    environment = environment_with_tool(tmp_path / "bin")
    blocks = re.findall(r"^```(python|bash)\n(.*?)^```", (PACKAGE / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    names = {}
    assert len(blocks) >= 6
    for language, code in blocks:
        if language == "python":
            exec(compile(code, "README.md", "exec"), names)
        else:
            subprocess.run(["bash", "-ec", code], env=environment, check=True)


def environment_with_tool(folder):
    """`rnw` and `python` as the examples call them."""
    folder.mkdir()
    binary = os.environ.get("RNW_BINARY") or shutil.which("rnw")
    # A script and not a link: the tool looks for its helper beside itself.
    (folder / "rnw").write_text(f'#!/bin/sh\nexec "{Path(binary).resolve()}" "$@"\n')
    (folder / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for script in folder.iterdir():
        script.chmod(0o755)
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(PACKAGE / "src")}
