"""Broken files give an `RNWError` of one line and never another exception; no flipped bit goes unnoticed."""

import json
import random
import struct
import zlib

import numpy as np
import pytest

import rnw
from writer import Draft, deflated, metadata_checksum, sample


def refused(path, *words):
    """The file is refused by the reader or, where only a tensor is wrong, when that is asked for."""
    with pytest.raises(rnw.RNWError) as caught:
        with rnw.load(path) as weights:
            for name in weights:
                weights.check(name)
    message = str(caught.value)
    # A null is noticed before it is known whose it is.
    if "no null" in message:
        words = ()
    assert message.startswith(f"{path}: ") and "\n" not in message
    for word in words:
        assert word in message, message
    report = rnw.verify(path)
    assert not report and str(caught.value) in report.problems
    return message


@pytest.fixture
def target(tmp_path):
    return tmp_path / "broken.rnw"


def test_every_truncation(target):
    whole = Draft(sample()).write(target).read_bytes()
    for size in range(len(whole)):
        target.write_bytes(whole[:size])
        with pytest.raises(rnw.RNWError):
            rnw.load(target)


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 100_000_001, 56 + 64 * 1000, 0, 1])
def test_header_length(target, length):
    whole = Draft(sample()).write(target).read_bytes()
    target.write_bytes(struct.pack("<Q", length) + whole[8:])
    refused(target, "offset 0" if length else "offset 0: expected tensors")


def test_bytes_after_the_last_tensor(target):
    target.write_bytes(Draft(sample()).write(target).read_bytes() + b"\0")
    refused(target, "expected the file to end")


@pytest.mark.parametrize("shift, word", [(4, "hole"), (-4, "overlap")])
def test_holes_and_overlaps(target, shift, word):
    draft = Draft(sample(), "raw")
    begin, end = draft.entries["stem.norm.scale"]["data_offsets"]
    draft.entries["stem.norm.scale"]["data_offsets"] = [begin + shift, end + shift]
    draft.data += bytes(4)
    refused(draft.write(target), "stem.norm.scale", word)


@pytest.mark.parametrize(
    "offsets", [[8, 4], [0], [-4, 28], [0, 32.0], ["0", "32"], None, {}, [0, 2**70], [False, True], [0, 31]]
)
def test_offsets(target, offsets):
    draft = Draft({"w": np.ones(8, np.float32)}, "raw")
    draft.entries["w"]["data_offsets"] = offsets
    refused(draft.write(target), '"w"')


@pytest.mark.parametrize(
    "shape", [None, "8", [-8, -1], [8.0], [True, 8], [2**62, 2**62, 0], [1] * 65 + [8], [2**31, 2**31], [9], [2, 4]]
)
@pytest.mark.parametrize("encoding", ["raw", "planes"])
def test_shapes(target, shape, encoding):
    draft = Draft({"w": np.ones(8, np.float32)}, encoding)
    for place in (draft.entries, draft.records):
        kept = place["w"]["shape"]
        place["w"]["shape"] = shape
        if not (shape == [2, 4] and encoding == "planes" and place is draft.records):
            refused(draft.write(target), '"w"')
        place["w"]["shape"] = kept


@pytest.mark.parametrize("key", ["dtype", "encoding", "crc32", "storedCRC32", "shape"])
@pytest.mark.parametrize("value", [None, "F8", 7.5, -1, 2**32, True, [], {"a": 1}])
def test_records(target, key, value):
    draft = Draft({"w": np.ones(8, np.float32)})
    draft.records["w"][key] = value
    refused(draft.write(target), '"w"')
    del draft.records["w"][key]
    refused(draft.write(target), '"w"')


def test_entries_and_records_must_be_of_the_same_tensors(target):
    draft = Draft(sample())
    del draft.records["stem.norm.scale"]
    refused(draft.write(target), "stem.norm.scale", "rnw.tensors")
    draft = Draft(sample())
    draft.records["more"] = draft.records["stem.norm.scale"]
    refused(draft.write(target), "more", "the header")
    for spoiled in (None, [], "x", 4):
        draft = Draft(sample())
        draft.records["stem.norm.scale"] = spoiled
        refused(draft.write(target), "stem.norm.scale")


def quantized():
    integers = np.arange(-20, 20, dtype=np.int8).reshape(4, 10)
    return Draft({"w": (integers, np.full(4, 0.5, np.float32)), "bias": np.ones(4, np.float32)})


@pytest.mark.parametrize("scales", [None, 7, ["w.scales"], "absent", "w", ""])
def test_scales(target, scales):
    draft = quantized()
    draft.records["w"]["scales"] = scales
    refused(draft.write(target), '"w"')


def test_scales_of_other_tensors(target):
    draft = quantized()
    draft.records["bias"]["scales"] = "w.scales"
    refused(draft.write(target), '"bias"')
    draft = quantized()
    draft.records["w.scales"]["shape"] = [2, 2]
    refused(draft.write(target), '"w"', "F32 of [4]")
    draft = quantized()
    draft.records["w.scales"]["crc32"] ^= 1
    refused(draft.write(target), '"w.scales"', "crc32")


def repeated():
    values = np.arange(6, dtype=np.float32)
    draft = Draft({"w": values, "wide": values.reshape(2, 3), "half": values.astype(np.float16), "other": values + 1})
    draft.repeat("again", "w")
    return draft


@pytest.mark.parametrize("name", [None, 7, ["w"], "absent", "again", "once.more", "wide", "half", "other", ""])
def test_the_same_as_nothing_that_fits(target, name):
    draft = repeated()
    draft.repeat("once.more", "w")
    draft.records["again"]["sameAs"] = name
    refused(draft.write(target), '"again"', "stored tensor of its type, shape and crc32")


def test_sameness_beside_bytes(target):
    for change in ({"encoding": "planes"}, {"encoding": "raw"}, {"encoding": None}, {"storedCRC32": 1}):
        draft = repeated()
        draft.records["again"] |= change
        refused(draft.write(target), '"again"', "encoding same")
    draft = repeated()
    draft.entries["again"] = draft.entries["w"]
    refused(draft.write(target), '"again"', "no entry")
    draft = repeated()
    del draft.records["again"]["sameAs"]
    refused(draft.write(target), '"again"', "entry in the header")
    draft = Draft({"w": np.ones(8, np.float32)}, "raw")
    draft.repeat("again", "w")
    refused(draft.write(target), '"again"')


def test_damage_of_what_is_stored_once(target):
    draft = repeated()
    draft.records["w"]["crc32"] ^= 1
    draft.records["again"]["crc32"] ^= 1
    refused(draft.write(target), "crc32")


def test_duplicate_names(target):
    draft = Draft({"w": np.ones(8, np.float32)})
    entry = b'"w": ' + json.dumps(draft.entries["w"]).encode()
    refused(draft.write(target, draft.header().replace(entry, entry + b", " + entry)), "occurs twice")
    draft.header()
    draft.metadata["rnw.tensors"] = '{"w": 1, "w": 2}'
    draft.metadata["rnw.metadata-crc32"] = str(metadata_checksum(draft.metadata))
    refused(draft.write(target, draft.header(finish=False)), "rnw.tensors", "occurs twice")


@pytest.mark.parametrize(
    "header",
    [b"{", b"[]", b"{}", b"null", b" {}", b'{"__metadata__": 1}', b'{"__metadata__": {"format": 1}}', b"{" * 200_000,
     b'{"a":' * 200_000, b"{\xff}", b"\xef\xbb\xbf{}", '{"ü": 1}'.encode("utf-16"), b'{"a": NaN}', b"{" + b"\0" * 50,
     b'{"__metadata__": {"format": "rnw", "a\\ud800": "b"}}', b'{"__metadata__": {"format": "rnw"}, "w": 1}',
     b'{"__metadata__": {"format": "pt", "rnw.version": "1.0"}}', b'{"a": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
def test_headers(target, header):
    refused(Draft({}).write(target, header))


@pytest.mark.parametrize("version", ["3.0", "0.9", "1", "1.", "1.0.0", "", "10.0", " 1.0", "1.0\n", "1.²", "1.٣"])
def test_versions(target, version):
    draft = Draft(sample())
    draft.metadata["rnw.version"] = version
    refused(draft.write(target), "rnw.version")


def test_metadata_checksum(target):
    for spoil in (lambda text: text + " ", lambda text: "0" + text, lambda text: "+" + text, lambda text: "1"):
        draft = Draft(sample())
        draft.header()
        draft.metadata["rnw.metadata-crc32"] = spoil(draft.metadata["rnw.metadata-crc32"])
        refused(draft.write(target, draft.header(finish=False)), "rnw.metadata-crc32")
    del draft.metadata["rnw.metadata-crc32"]
    refused(draft.write(target, draft.header(finish=False)), "rnw.metadata-crc32")


@pytest.mark.parametrize("encoding", ["raw", "planes"])
@pytest.mark.parametrize("key", ["crc32", "storedCRC32"])
def test_checksums(target, encoding, key):
    draft = Draft(sample(), encoding)
    if key in draft.records["stem.norm.scale"]:
        draft.records["stem.norm.scale"][key] ^= 1 << 31
        refused(draft.write(target), "stem.norm.scale", key)


def test_a_read_compares_both_checksums(target):
    draft = Draft(sample())
    draft.records["stem.norm.scale"]["storedCRC32"] ^= 1
    with rnw.load(draft.write(target)) as weights:
        with pytest.raises(rnw.RNWError, match="storedCRC32"):
            weights["stem.norm.scale"]
        with pytest.raises(rnw.RNWError, match="storedCRC32"):
            weights.bits("stem.norm.scale")


def test_documents(target):
    for key in ("configuration", "preprocessing", "source", "certificate"):
        draft = Draft(sample())
        draft.metadata[f"rnw.{key}"] = "[1]"
        report = rnw.verify(draft.write(target))
        assert len(report.problems) == 1 and f"rnw.{key}" in str(report)


def test_documents_that_every_file_has(target):
    for key in ("configuration", "source"):
        draft = Draft(sample())
        del draft.metadata[f"rnw.{key}"]
        report = rnw.verify(draft.write(target))
        assert len(report.problems) == 1 and f"rnw.{key}" in str(report)


def table(per_block, blocks, *sizes):
    return struct.pack(f"<{2 + len(sizes)}I", per_block, blocks, *sizes)


def one_plane(stored):
    return table(8, 1, len(stored), 0, 0, 0) + stored


@pytest.mark.parametrize(
    "stored, words",
    [
        (b"", "8 bytes"),
        (b"\0" * 7, "8 bytes"),
        (table(0, 1, 0, 0, 0, 0), "power of two"),
        (table(3, 3, *[0] * 12), "power of two"),
        (table(1 << 25, 1, 0, 0, 0, 0), "power of two"),
        (table(8, 2, *[0] * 8), "1 blocks"),
        (table(4, 1, *[0] * 4), "2 blocks"),
        (table(8, 2**32 - 1), "1 blocks"),
        (table(1, 8, *[0] * 31), "a table of 136 bytes"),
        (table(8, 1, 9, 0, 0, 0) + bytes(9), "at most 8 bytes"),
        (table(8, 1, 2**32 - 1, 0, 0, 0), "at most 8 bytes"),
        (table(8, 1, 8, 0, 0, 0) + bytes(7), "bytes of planes"),
        (table(8, 1, 8, 0, 0, 0) + bytes(9), "bytes of planes"),
        (table(8, 1, 3, 0, 0, 0) + b"\xff\xff\xff", "deflate"),
        (one_plane(deflated(bytes(7))), "exactly 8 bytes"),
        (one_plane(deflated(bytes(9))), "exactly 8 bytes"),
        (one_plane(deflated(bytes(8)) + b"\0"), "exactly 8 bytes"),
        (one_plane(deflated(bytes(8))[:-1]), "exactly 8 bytes"),
        (table(8, 1, 8, 8, 8, 8) + bytes(range(32)), "crc32"),
    ],
)
def test_planes(target, stored, words):
    draft = Draft({"w": np.ones(8, np.float32)})
    draft.store("w", stored)
    refused(draft.write(target), '"w"', words)


def test_a_small_file_that_claims_terabytes(target):
    draft = Draft({"w": np.ones(8, np.float32)})
    blocks = 1 << 12
    draft.records["w"]["shape"] = [blocks << 24]
    draft.store("w", table(1 << 24, blocks, *[0] * 4 * blocks))
    refused(draft.write(target), "expected at most")


def test_messages_stay_on_one_short_line(target):
    name = "a\nb\x1b[31m" + "x" * 5000
    message = refused(Draft({name: np.ones(8, np.float32)}, "raw").write(target, b'{"a\\n": {}}'))
    draft = Draft({name: np.ones(8, np.float32)})
    draft.records[name]["dtype"] = "F9"
    message = refused(draft.write(target), "a\\nb\\x1b")
    assert len(message) < len(str(target)) + 300


def flips_are_noticed(whole, target, count, seed):
    rng = random.Random(seed)
    for position in (rng.randrange(8 * len(whole)) for _ in range(count)):
        spoiled = bytearray(whole)
        spoiled[position // 8] ^= 1 << position % 8
        target.write_bytes(spoiled)
        assert not rnw.verify(target), f"bit {position % 8} of byte {position // 8}"
        try:
            weights = rnw.load(target)
        except rnw.RNWError:
            continue
        with weights, pytest.raises(rnw.RNWError):
            for name in weights:
                weights[name]


@pytest.mark.parametrize("encoding", ["raw", "planes"])
def test_random_bits_of_a_small_file(target, encoding):
    tensors = sample() | {"w": (np.arange(40, dtype=np.int8).reshape(4, 10), np.full(4, 0.5, np.float32))}
    flips_are_noticed(Draft(tensors, encoding).write(target).read_bytes(), target, 1000, seed=1)


@pytest.mark.parametrize("codec", ["none", "planes"])
def test_random_bits_of_a_file_of_the_tool(converted, target, codec):
    flips_are_noticed(converted("torch/basic.safetensors", codec).read_bytes(), target, 1000, seed=2)


def test_random_bits_under_right_checksums(target):
    """The planes of a hostile file: every checksum fits, nothing else needs to."""
    rng = random.Random(3)
    draft = Draft({"w": np.random.default_rng(4).normal(0, 0.1, 100).astype(np.float32)})
    whole = draft.data
    for _ in range(500):
        spoiled = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            position = rng.randrange(8 * len(whole))
            spoiled[position // 8] ^= 1 << position % 8
        draft.store("w", bytes(spoiled))
        draft.records["w"]["crc32"] = zlib.crc32(spoiled)
        report = rnw.verify(draft.write(target))
        assert not report and "\n" not in report.problems[0]
