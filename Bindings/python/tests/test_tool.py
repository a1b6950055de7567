"""The command from Python: its documents as typed results, its options by their names, its faults as exceptions."""

import os
import stat

import pytest
from safetensors.numpy import load_file, save_file

import rnw
from rnw._tool import spelled, watched


@pytest.fixture(autouse=True)
def with_the_tool(tool):
    """Skips where there is no command."""


def test_a_conversion_gives_its_proof(fixtures, tmp_path):
    output = tmp_path / "basic.rnw"
    result = rnw.convert(fixtures / "torch/basic.pth", output, codec="none", precision="float32")
    assert result and result.passed and str(result).startswith("PASS")
    assert result.path == str(output) and result.bytes == output.stat().st_size
    assert (result.container, result.precision) == ("torch-zip", "float32")
    assert len(result.layers) == result.document["layersCompared"] > 10
    assert result.worst is not None and 0 < result.worst.scaled_error <= result.worst.limit
    assert rnw.verify(output)


def test_what_a_file_does_not_tell_is_said(fixtures, tmp_path):
    result = rnw.convert(fixtures / "kinds/fine_tuned.weights.h5", tmp_path / "a.rnw")
    assert len(result.assumptions) == 15
    assert str(result).startswith("PASS, with 15 things the file does not tell: ")


def test_a_model_of_no_family_judges_an_engine(fixtures):
    acts = fixtures / "kinds/other.activations.npz"
    result = rnw.verify(fixtures / "kinds/other.changed.keras", candidate=acts)
    assert not result and result.culprit.name == "norm" and "your norm adds" in result.culprit.suspicion
    assert rnw.verify(fixtures / "kinds/other.keras", candidate=acts).notes == ("the values are in the order N, H, W, C",)


def test_options_out_of_the_limit_write_nothing(fixtures, tmp_path):
    output = tmp_path / "basic.rnw"
    result = rnw.convert(fixtures / "torch/basic.pth", output, precision="int8", limit=1e-9)
    assert not result and result.path is None and not output.exists()


def test_a_comparison_names_the_culprit(tool, fixtures, tmp_path):
    source, wrong = fixtures / "torch/basic.pth", tmp_path / "wrong.safetensors"
    tool("export", source, "-o", wrong)
    weights = {name: array.copy() for name, array in load_file(wrong).items()}
    weights["layer1.1.bn1.weight"][3] += 1
    save_file(weights, wrong)
    same = rnw.verify(source, against=source)
    assert same and same.culprit is None
    report = rnw.verify(wrong, against=source)
    assert not report
    assert report.culprit is not None and report.culprit.family_name == "layer1.1.bn1"
    assert "layer1.1.bn1" in str(report)


def test_progress_is_told(fixtures, tmp_path):
    told = []
    result = rnw.convert(fixtures / "torch/basic.pth", tmp_path / "a.rnw", progress=lambda *step: told.append(step))
    assert result
    assert told and all(0 <= done <= total for _, done, total in told)
    assert any(done == total for _, done, total in told)


def test_a_broken_file_is_an_exception_with_the_status(tmp_path):
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"no weights at all")
    with pytest.raises(rnw.ToolError, match=r"broken\.pth") as caught:
        rnw.convert(broken, tmp_path / "out.rnw")
    assert caught.value.status == 65
    with pytest.raises(rnw.ToolError, match=r"missing\.pth") as caught:
        rnw.convert(tmp_path / "missing.pth", tmp_path / "out.rnw", progress=lambda *step: None)
    assert caught.value.status == 66
    with pytest.raises(rnw.ToolError) as caught:
        rnw.convert(broken, tmp_path / "out.rnw", no_such_option="x")
    assert caught.value.status == 64
    assert os.listdir(tmp_path) == ["broken.pth"]


def test_a_name_that_begins_with_a_hyphen_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(rnw.ToolError) as caught:
        rnw.convert("--help", "out.rnw")
    assert caught.value.status == 66


def test_options_of_a_comparison_need_one(fixtures):
    with pytest.raises(TypeError, match="limit"):
        rnw.verify(fixtures / "torch/basic.pth", limit=1)
    with pytest.raises(TypeError, match="certificate"):
        rnw.verify("a.rnw", against="b.rnw", certificate=False)


def test_a_tool_that_is_no_such_program(tmp_path, monkeypatch):
    other = tmp_path / "rnw"
    other.write_text("#!/bin/sh\necho '{\"schema\": \"other/1\"}'\n")
    other.chmod(other.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("RNW_BINARY", str(other))
    with pytest.raises(rnw.ToolError, match="other/1"):
        rnw.convert("a", "b")


def test_options_are_spelled_as_the_command_has_them():
    assert spelled({"max_error": 1e-2, "diagnosis": False, "overwrite": True, "report": None}) == [
        "--max-error=0.01", "--no-diagnosis", "--overwrite"]  # fmt: skip
    assert spelled({"ignore": ["a*", "b"]}) == ["--ignore=a*", "--ignore=b"]


def test_what_is_drawn_is_told_step_by_step():
    class Drawn:
        def __init__(self, *parts):
            self.parts = list(parts)

        def read(self, _):
            if not self.parts:
                raise OSError("the other end is closed")
            return self.parts.pop(0)

    told = []
    drawn = Drawn("\rcomparing ━".encode()[:-1], "━".encode()[-1:] + "── 1/3, 2 s left\x1b[K\r\x1b[K".encode(), b"rnw: no\r\n")
    assert watched(drawn, lambda *step: told.append(step)) == "rnw: no"
    assert told == [("comparing", 1, 3)]
