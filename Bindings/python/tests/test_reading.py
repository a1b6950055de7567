"""Reading of files that are right: made here by the page, and by the tool."""

import gc
import threading

import numpy as np
import pytest

import rnw
from writer import CONFIGURATION, PREPROCESSING, Draft, all_checksums_hold, planes, sample


def same_bits(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("encoding", ["raw", "planes"])
@pytest.mark.parametrize("per_block", [1, 16, 1 << 17])
def test_arrays_are_bit_for_bit(tmp_path, encoding, per_block):
    tensors = sample() | {"half": np.arange(40, dtype=np.float16).reshape(5, 8) - 20}
    path = Draft(tensors, encoding, per_block).write(tmp_path / "a.rnw")
    assert all_checksums_hold(path)
    with rnw.load(path) as weights:
        assert set(weights) == set(tensors) and len(weights) == len(tensors)
        for name, array in tensors.items():
            assert same_bits(weights[name], array), name


def test_page_example():
    assert planes(np.array([-1.5], np.float32), "F32", 1)[8:] == bytes([1, 0, 0, 0] * 2 + [0] * 8 + [0x7F, 0xC0])


@pytest.mark.parametrize("encoding", ["raw", "planes"])
def test_bfloat16(tmp_path, encoding):
    bits = np.random.default_rng(2).integers(0, 1 << 16, (7, 9), np.uint16)
    path = Draft({"w": bits}, encoding).write(tmp_path / "a.rnw")
    assert all_checksums_hold(path)
    wide = rnw.load(path)["w"]
    assert wide.dtype == np.float32 and np.array_equal(wide.view(np.uint32), bits.astype(np.uint32) << 16)
    assert same_bits(rnw.load(path, bfloat16="uint16")["w"], bits)
    assert same_bits(rnw.load(path).bits("w"), bits)
    with pytest.raises(ValueError, match="bfloat16"):
        rnw.load(path, bfloat16="float64")
    one = rnw.load(Draft({"w": np.array(0xBFC0, np.uint16)}, encoding).write(tmp_path / "b.rnw"))["w"]
    assert one.shape == () and one == -1.5


def test_tensors_that_are_stored_once(tmp_path):
    integers, scales = np.arange(12, dtype=np.int8).reshape(3, 4), np.array([1, 2, 4], np.float32)
    draft = Draft({"w": (integers, scales), "bias": scales})
    draft.repeat("again", "w")
    draft.repeat("again.scales", "bias")
    draft.records["again"]["scales"] = "again.scales"
    draft.repeat("plain", "w")
    path = draft.write(tmp_path / "a.rnw")
    assert all_checksums_hold(path)
    with rnw.load(path) as weights:
        assert sorted(weights) == ["again", "bias", "plain", "w"]
        assert same_bits(weights["again"], weights["w"]) and same_bits(weights.scales("again"), scales)
        assert same_bits(weights["plain"], integers)
        for name in weights:
            weights.check(name)


@pytest.mark.parametrize("encoding", ["raw", "planes"])
def test_int8_with_scales(tmp_path, encoding):
    rng = np.random.default_rng(5)
    integers = rng.integers(-127, 128, (6, 5, 3, 3)).astype(np.int8)
    scales = rng.uniform(1e-3, 1e-2, 6).astype(np.float32)
    tensors = {"w": (integers, scales), "plain": integers[0], "bias": scales}
    path = Draft(tensors, encoding).write(tmp_path / "a.rnw")
    assert all_checksums_hold(path)
    with rnw.load(path) as weights:
        assert sorted(weights) == ["bias", "plain", "w"] and "w.scales" not in weights
        assert same_bits(weights["w"], integers.astype(np.float32) * scales[:, None, None, None])
        assert same_bits(weights.bits("w"), integers) and same_bits(weights.scales("w"), scales)
        assert same_bits(weights["plain"], integers[0]) and weights.scales("plain") is None
        assert weights["w"] is weights["w"] and not weights["w"].flags.writeable


def test_shapes_without_elements_or_dimensions(tmp_path):
    tensors = {"none": np.zeros((3, 0), np.float32), "one": np.array(2.5, np.float32)}
    for encoding in ("raw", "planes"):
        weights = rnw.load(Draft(tensors, encoding).write(tmp_path / "a.rnw"))
        assert weights["none"].shape == (3, 0) and weights["one"].shape == () and weights["one"] == 2.5


def test_raw_is_not_copied_and_coded_is_decoded_once(tmp_path):
    raw = rnw.load(Draft(sample(), "raw").write(tmp_path / "raw.rnw"))
    assert not raw["stem.conv.weight"].flags.owndata and not raw["stem.conv.weight"].flags.writeable
    coded = rnw.load(Draft(sample()).write(tmp_path / "coded.rnw"))
    assert coded["stem.conv.weight"] is coded["stem.conv.weight"]
    with pytest.raises(ValueError):
        coded["stem.conv.weight"][0] = 0


@pytest.mark.parametrize("encoding", ["raw", "planes"])
def test_tensors_are_lazy(tmp_path, encoding):
    draft = Draft(sample(), encoding)
    draft.records["stem.conv.weight"]["crc32"] ^= 1
    weights = rnw.load(draft.write(tmp_path / "a.rnw"))
    assert "stem.conv.weight" in weights and weights["stem.norm.scale"].size == 8
    with pytest.raises(rnw.RNWError, match="crc32"):
        weights["stem.conv.weight"]
    if encoding == "raw":
        assert rnw.load(tmp_path / "a.rnw", checksums=False)["stem.conv.weight"].shape == (4, 3, 3, 3)


def test_arrays_outlive_the_file(tmp_path):
    for encoding in ("raw", "planes"):
        with rnw.load(Draft(sample(), encoding).write(tmp_path / "a.rnw")) as weights:
            kernel = weights["stem.conv.weight"]
        gc.collect()
        assert same_bits(kernel, sample()["stem.conv.weight"])
        with pytest.raises(rnw.RNWError, match="closed"):
            weights["stem.norm.scale"]
        weights.close()


def test_threads_may_share_a_file(tmp_path):
    array = np.random.default_rng(3).normal(size=5000).astype(np.float32)
    weights = rnw.load(Draft({"w": array}, per_block=64).write(tmp_path / "a.rnw"))
    results = []
    threads = [threading.Thread(target=lambda: results.append(weights["w"])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(same_bits(result, array) for result in results)


def test_metadata(tmp_path):
    draft = Draft(sample())
    draft.metadata["a.key.of.tomorrow"] = "ü\n"
    draft.metadata["rnw.version"] = "1.7"
    path = draft.write(tmp_path / "a.rnw")
    assert rnw.metadata(path)["a.key.of.tomorrow"] == "ü\n"
    weights = rnw.load(path)
    assert weights.configuration == CONFIGURATION and weights.certificate is None
    assert weights.source["family"] == "torch" and weights.preprocessing == PREPROCESSING
    with pytest.raises(KeyError):
        weights["nothing"]
    with pytest.raises(FileNotFoundError):
        rnw.load(tmp_path / "absent.rnw")


def test_probe_is_the_one_of_the_page():
    state, expected = 7, []
    for _ in range(2 * 3 * 2 * 3):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        z = z ^ z >> 31
        expected.append((z >> 40) * 2**-23 - 1)
    images = rnw.probe((2, 3, 2, 3), 7)
    assert images.dtype == np.float32 and images.reshape(-1).tolist() == expected


@pytest.mark.parametrize("codec", ["planes", "none"])
@pytest.mark.parametrize("precision", ["float16", "bfloat16", "int8"])
def test_tool_files_of_other_precisions(tool, converted, fixtures, tmp_path, codec, precision):
    """Kernels are rounded as the precision says, the rest stays as it is; the certificate holds."""
    path = tmp_path / "a.rnw"
    options = ("--precision", precision, "--codec", codec, "--max-error", 1, "--threads", 1)
    tool("convert", fixtures / "torch/basic.pth", "-o", path, *options)
    assert (report := rnw.verify(path)) and report.certificate, report
    with rnw.load(path) as weights, rnw.load(converted("torch/basic.pth")) as exact:
        assert sorted(weights) == sorted(exact)
        for name, array in weights.items():
            if not name.endswith("weight"):
                assert same_bits(array, exact[name]), name
                continue
            scales = weights.scales(name)
            if precision == "float16":
                assert same_bits(array, exact[name].astype(np.float16)), name
            elif precision == "bfloat16":
                assert np.abs(array / exact[name] - 1).max() <= 2**-8, name
                assert not (array.view(np.uint32) & 0xFFFF).any()
            else:
                limit = scales.reshape(-1, *[1] * (array.ndim - 1)) * 0.5001
                assert np.all(np.abs(array - exact[name]) <= limit) and weights.bits(name).dtype == np.int8, name


@pytest.mark.parametrize("codec", ["planes", "none"])
def test_tool_files(converted, fixtures, codec):
    """Every value of a PyTorch safetensors file, through the tool and back."""
    source = pytest.importorskip("safetensors.numpy").load_file(fixtures / "torch/basic.safetensors")
    path = converted("torch/basic.safetensors", codec)
    assert rnw.verify(path)
    with rnw.load(path) as weights:
        for name, origin in weights.source["used"].items():
            assert same_bits(weights[name], source[origin]), name


def test_tool_reads_files_of_the_page(tool, converted, tmp_path):
    """The tests' own writer makes what the tool takes, so that what it spoils is judged alike."""
    with rnw.load(converted("torch/basic.safetensors")) as weights:
        draft = Draft({name: np.array(array) for name, array in weights.items()}, per_block=64)
        for key in ("configuration", "preprocessing", "source", "certificate"):
            draft.metadata[f"rnw.{key}"] = weights.metadata[f"rnw.{key}"]
    path = draft.write(tmp_path / "again.rnw")
    assert rnw.verify(path)
    tool("verify", path, "--threads", 1)


def test_tool_probe(tool, converted, tmp_path):
    tool("run", converted("torch/basic.safetensors"), "--input", "probe:5:2", "-o", tmp_path / "a.npz", "--threads", 1)
    images = np.load(tmp_path / "a.npz")["input"]
    assert np.array_equal(images, rnw.probe((2, 224, 224, 3), 5).transpose(0, 3, 1, 2))
