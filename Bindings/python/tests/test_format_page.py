"""The reader that docs/rnw-format.md itself shows, on files of the tool: it gives what this package gives."""

import re
from pathlib import Path

import numpy as np
import pytest

import rnw

PAGE = Path(__file__).parents[3] / "docs/rnw-format.md"


@pytest.fixture(scope="module")
def reader():
    """The functions of the page's Python code."""
    if not PAGE.is_file():
        pytest.skip("needs the page of the format")
    names = {}
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        exec(compile(code, PAGE.name, "exec"), names)
    return names


@pytest.mark.parametrize("codec", ["planes", "none"])
@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16", "int8"])
def test_reader_of_the_page(reader, tool, fixtures, tmp_path, codec, precision):
    path = tmp_path / "a.rnw"
    rounds = () if precision == "float32" else ("--max-error", 1)
    options = ("--precision", precision, "--codec", codec, *rounds, "--threads", 1)
    tool("convert", fixtures / "torch/basic.pth", "-o", path, *options)
    tensors, metadata = reader["load"](str(path))
    with rnw.load(path, bfloat16="uint16") as weights:
        assert metadata == weights.metadata
        # The page's reader may list the scales by themselves.
        assert {name for name in tensors if not name.endswith(".scales")} == set(weights)
        for name, array in weights.items():
            assert tensors[name].dtype == array.dtype and np.array_equal(tensors[name], array), name


def test_reader_of_the_page_reads_golden_files_of_both_versions(reader, fixtures):
    versions = set()
    for path in sorted((fixtures / "rnw").glob("*.rnw")):
        tensors, metadata = reader["load"](str(path))
        versions.add(metadata["rnw.version"])
        with rnw.load(path, bfloat16="uint16") as weights:
            assert all(np.array_equal(tensors[name], array) for name, array in weights.items()), path.name
    assert versions == {"1.0", "2.0"}


def test_page_tells_every_key_of_the_configuration(converted):
    """What a file holds stands on the page."""
    page = PAGE.read_text()

    def keys(value, place=""):
        for key, item in value.items() if isinstance(value, dict) else ():
            yield key
            # The names of a network's layers are no keys of the format.
            yield from keys(item) if key not in ("layers", "limits") else ()
            for part in item if isinstance(item, list) else ():
                yield from keys(part)

    with rnw.load(converted("keras/narrow.keras")) as weights:
        documents = [weights.configuration, weights.preprocessing, weights.certificate or {}]
        documents.append({key: None for key in weights.source})
        missing = {key for document in documents for key in keys(document) if not re.search(rf"\b{key}\b", page)}
        assert not missing
