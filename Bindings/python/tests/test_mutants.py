"""A small share of Scripts/mutate: changed files end the tool with a status, and all readers of .rnw agree on them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def test_mutants(tool, fixtures):
    if not (ROOT / "generated/c/lib/librnw.so").is_file():
        pytest.skip("needs librnw.so, made by Scripts/c-library")
    command = [sys.executable, ROOT / "Scripts/mutate", "--files", "150", "--repaired", "150"]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ.copy())
    assert result.returncode == 0, result.stdout + result.stderr
