"""The examples of docs/loading.md, in their order, on a network of random weights."""

import re
import subprocess
from pathlib import Path

import pytest
from test_readme import environment_with_tool

ROOT = Path(__file__).parents[3]
LIBRARY = ROOT / "generated/c"


def blocks(*languages):
    page = (ROOT / "docs/loading.md").read_text()
    found = re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [(language, code) for language, code in found if language in languages]


def test_examples(tool, tmp_path, monkeypatch):
    pytest.importorskip("safetensors")
    if not LIBRARY.is_dir():
        pytest.skip("needs the library for C, by `make c-library`")
    monkeypatch.chdir(tmp_path)
    tool("init", "resnet50_v2", "-o", "resnet50v2.h5", "--threads", 1)
    environment = environment_with_tool(tmp_path / "bin") | {"RNW": str(ROOT)}
    names, output = {}, ""
    ran = blocks("python", "bash", "c")
    assert [language for language, _ in ran] == ["bash", "python", "c", "bash", "python"]
    for language, code in ran:
        if language == "python":
            exec(compile(code, "loading.md", "exec"), names)
        elif language == "c":
            Path("example.c").write_text(code)
        else:
            command = ["bash", "-ec", code]
            output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            if "./example" in code:
                assert output.count("9408 values") == 2 and output.count("37632 bytes in the file") == 1
                assert output.count("all checksums right") == 2
