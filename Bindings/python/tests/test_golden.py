"""Files of version 1 hold what they did when they were made, and their certificates still hold."""

import json
import zlib

import numpy as np
import pytest

import rnw

NAMES = [f"narrow.{precision}.{codec}.rnw" for precision in ("float32", "float16", "bfloat16", "int8")
         for codec in ("none", "planes")] + ["repeated.int8.planes.rnw", "version2.planes.rnw"]  # fmt: skip


def test_all_are_named(fixtures):
    assert sorted(NAMES) == sorted(path.name for path in (fixtures / "rnw").glob("*.rnw"))


@pytest.mark.parametrize("name", NAMES)
def test_values(fixtures, name):
    expected = json.loads((fixtures / "rnw/checksums.json").read_text())[name]
    with rnw.load(fixtures / "rnw" / name) as weights:
        assert set(weights) == set(expected)
        for tensor, checksum in expected.items():
            assert zlib.crc32(np.ascontiguousarray(weights[tensor], "<f4").tobytes()) == checksum, tensor


@pytest.mark.parametrize("name", NAMES)
def test_certificate(fixtures, name):
    report = rnw.verify(fixtures / "rnw" / name, certificate=True)
    assert report, report.problems
