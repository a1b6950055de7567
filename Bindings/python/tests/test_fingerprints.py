"""What the file keeps of its layers: the sums, the figures that Swift and C find as well, and the first wrong layer."""

import base64
import json
import math

import numpy as np
import pytest

import rnw
from rnw._fingerprints import signed_sums
from writer import Draft, network

SHAPES = {"stem.conv": [1, 6, 5, 7], "stage1.block1.add": [1, 3, 4, 2], "head.dense": [1, 11]}


@pytest.fixture
def shared(fixtures):
    return fixtures / "fingerprints/shared.rnw"


def right(**changes):
    values = {name: rnw.probe(shape, 31 + index) for index, (name, shape) in enumerate(SHAPES.items())}
    return values | changes


def test_sums_of_the_page():
    sums = [4, 4, -2, -4, 0, 6, 0, -4, 2, -2, -4, 6, 4, 6, 2, -2]
    assert signed_sums(np.array([1, -2, 3], np.float32)).tolist() == sums
    # What is summed in parts is the sum.
    many = rnw.probe((1, 1, 1, 200_000), 1).reshape(-1)
    parts = signed_sums(np.concatenate([many[:100_000], np.zeros(100_000, np.float32)]))
    assert np.allclose(signed_sums(many[:100_000]), parts, rtol=1e-12)


def test_shared_figures(shared):
    lines = rnw.metadata(shared)["checks"].splitlines()
    assert len(lines) == 15
    for number, line in enumerate(lines):
        name, seed, size, layout, error = line.split()
        shape = SHAPES[name]
        values = rnw.probe(shape, 31 + number // 5) + np.float32(size) * rnw.probe(shape, int(seed))
        if layout == "NCHW" and len(shape) == 4:
            values = values.transpose(0, 3, 1, 2).copy()
        check = rnw.check(shared, {name: values}, layout=layout).layers[0]
        assert f"{check.error:.5e}" == error and check.passes == (check.error <= check.limit)


def test_first_wrong_layer_is_the_first_that_is_computed(shared):
    check = rnw.check(shared, right())
    assert check and not check.missing and "3 layers checked: all right" in str(check)
    values = right(other=np.zeros(3), input=np.zeros(3))
    values["fc"] = values.pop("head.dense")
    del values["stage1.block1.add"]
    check = rnw.check(shared, values)
    assert check and check.missing == ("stage1.block1.add",) and check.unknown == ("other",)
    values["fc"] = values["fc"] + 1
    values["stem.conv"] = values["stem.conv"] * 1.001
    wrong = rnw.check(shared, values).first_wrong
    # A layer that is wrong is no falsehood: `if check.first_wrong` must hold.
    assert wrong and wrong.name == "stem.conv" and not wrong.passes and "conv1 (stem.conv) is off by" in str(wrong)
    assert rnw.check(shared, values, tolerance=3)
    assert not rnw.check(shared, {}) and not rnw.check(shared, {"nothing": np.zeros(1)})


@pytest.mark.parametrize(
    "value",
    [np.full((1, 6, 5, 7), np.nan), np.full((1, 6, 5, 7), np.inf), np.zeros((1, 5, 6, 7)), np.zeros(210),
     np.zeros((0, 6, 5, 7)), np.zeros(())],
)  # fmt: skip
def test_what_is_no_value_of_a_layer(shared, value):
    check = rnw.check(shared, right(**{"stem.conv": value}))
    assert not check and check.first_wrong and check.first_wrong.error == math.inf


def test_layouts_are_told_by_the_shapes(shared):
    first = {name: array.transpose(0, 3, 1, 2) if array.ndim == 4 else array for name, array in right().items()}
    assert rnw.check(shared, first) and rnw.check(shared, first, layout="NCHW")
    assert not rnw.check(shared, first, layout="NHWC")
    batches = {name: np.concatenate([array, array + 1]) for name, array in right().items()}
    assert rnw.check(shared, batches)
    assert rnw.check(shared, right(**{"head.dense": right()["head.dense"].reshape(1, 11, 1, 1)}))


def test_narrow_values_are_roundings_of_right_ones(shared):
    half = {name: array.astype(np.float16) for name, array in right().items()}
    assert rnw.check(shared, half)
    assert not rnw.check(shared, half | {"stem.conv": half["stem.conv"] * np.float16(1.004)})
    brain = {name: (array.view(np.uint32) + 0x8000 >> 16).astype(np.uint16) for name, array in right().items()}
    assert rnw.check(shared, brain)
    assert not rnw.check(shared, {name: array.astype(np.float32) for name, array in half.items()})


def test_archive(shared, tmp_path):
    np.savez(tmp_path / "engine.npz", **right())
    assert rnw.check(shared, tmp_path / "engine.npz")


def test_files_without(tmp_path, fixtures):
    for path in (Draft(network()).write(tmp_path / "a.rnw"), fixtures / "rnw/narrow.float32.planes.rnw"):
        with pytest.raises(rnw.RNWError, match="expected fingerprints"):
            rnw.check(path, right())


def record(**changes):
    sums = base64.b64encode(bytes(51 * 2)).decode()
    made = {"order": "AQAAAA==", "sums": sums, "layers": {"a": [1, 2], "b": [1, 4, 4, 3]}} | changes
    return {key: item for key, item in made.items() if item is not None}


def spoiled(tmp_path, changes, certificate=None):
    draft = Draft(network())
    statement = {"node": "n", "limit": 1e-3, "values": [1.0], "probe": {"seed": 5, "shape": [1, 2, 2, 3]}}
    statement |= {"fingerprints": record(**changes)} | (certificate or {})
    draft.metadata["rnw.certificate"] = json.dumps(statement)
    return draft.write(tmp_path / "a.rnw")


def test_record_is_read(tmp_path):
    check = rnw.check(spoiled(tmp_path, {}), {"a": np.zeros((1, 2)), "b": np.zeros((1, 4, 4, 3))})
    assert check and [layer.name for layer in check.layers] == ["b", "a"]
    compared = {"compared": {"layers": {"a": [1, 2], "b": [1, 4, 4, 3]}}}
    assert rnw.check(spoiled(tmp_path, {"layers": None}, compared), {"a": np.zeros((1, 2))})


@pytest.mark.parametrize(
    "changes",
    [{"layers": None}, {"layers": {}}, {"layers": []}, {"layers": {"a": [1, 2]}}, {"order": "AQABAA=="},
     {"order": "AQACAA=="}, {"order": "AQAAAA"}, {"order": "AQAAAB=="}, {"order": "AQAA AA=="}, {"order": 1}, {"sums": ""},
     {"sums": "-" * 136}, {"sums": None}, {"order": None}, {"layers": {"a": [2], "b": [1, 4, 4, 3]}},
     {"layers": {"a": [1, 0], "b": [1, 4, 4, 3]}}, {"layers": {"a": [2, 2], "b": [1, 4, 4, 3]}},
     {"layers": {"a": [1, 2**30], "b": [1, 4, 4, 3]}}, {"layers": {"a": [1, 2.0], "b": [1, 4, 4, 3]}},
     {"names": ["x"]}, {"names": ["x", 1]}, {"names": "xy"}, {"limits": {"c": 1}}, {"limits": {"a": -1}},
     {"limits": {"a": "inf"}}, {"limits": [1]}],
)  # fmt: skip
def test_records_of_another_form(tmp_path, changes):
    path = spoiled(tmp_path, changes)
    with pytest.raises(rnw.RNWError, match="rnw.certificate"):
        rnw.check(path, {"a": np.zeros((1, 2))})
    assert "rnw.certificate" in str(rnw.verify(path, certificate=False))


def test_converted_file_convicts(tool, converted, fixtures, tmp_path):
    """The tool's own layers are right by what another language wrote of them; one that is changed is found."""
    path = converted("torch/basic.pth")
    with rnw.load(path) as weights:
        prints = weights.certificate["fingerprints"]
        probe = weights.certificate["probe"]
        shapes = prints.get("layers", weights.certificate["compared"]["layers"])
        kernel = weights["stem.conv.weight"]
    assert len(prints["sums"]) == 68 * len(shapes)
    image = rnw.probe(probe["shape"], probe["seed"])[:1]
    stem = convolution(image, kernel, shapes["stem.conv"])
    assert rnw.check(path, {"conv1": stem.transpose(0, 3, 1, 2)})
    assert rnw.check(path, {"stem.conv": stem})
    assert not rnw.check(path, {"stem.conv": stem[:, ::-1]})
    assert not rnw.check(path, {"stem.conv": stem[..., ::-1]})


def convolution(image, kernel, shape):
    """7x7 with stride 2 and a border of 3, in double precision."""
    padded = np.pad(image.astype(np.float64), ((0, 0), (3, 3), (3, 3), (0, 0)))
    result = np.zeros(shape)
    for y in range(7):
        for x in range(7):
            part = padded[:, y : y + 2 * shape[1] : 2, x : x + 2 * shape[2] : 2]
            result += part[:, : shape[1], : shape[2]] @ kernel[:, :, y, x].T.astype(np.float64)
    return result.astype(np.float32)
