// Broken files give an RNWError of one line and nothing else; no flipped bit goes unnoticed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RNWError, load } from "../src/rnw.js";
import { bytesOf, goldenNames, storedCases } from "./corpus.js";
import { Draft, deflated, joined, lengthOf, planes } from "./writer.js";

/** Refused when it is opened, or when a tensor is read. */
async function refused(bytes, pattern = /expected/) {
  await assert.rejects(async () => {
    const file = await load(bytes);
    for (const name of file.tensors.keys()) await file.tensor(name);
  }, (error) => {
    assert.ok(error instanceof RNWError, error.stack);
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /[\p{C}\p{Zl}\p{Zp}]/u);
    assert.ok(error.message.length < 500, error.message);
    return true;
  });
}

const ones = () => new Draft().add("w", "F32", [8], new Float32Array(8).fill(1));

test("every case of the table is opened or refused as it says", async () => {
  const found = { opened: 0, refused: 0 };
  for (const { name, answer, content } of storedCases()) {
    const opens = await load(content).then(() => true, (error) => {
      assert.ok(error instanceof RNWError, `${name}: ${error.stack}`);
      return false;
    });
    assert.equal(opens, answer !== "refused", name);
    found[opens ? "opened" : "refused"] += 1;
  }
  assert.ok(found.opened > 200 && found.refused > 300, JSON.stringify(found));
});

test("every truncation is refused", async () => {
  const bytes = ones().bytes();
  for (let size = 0; size < bytes.length; size++) await refused(bytes.subarray(0, size));
  await refused(joined(bytes, Uint8Array.of(0)));
});

test("every length of a header but its own is refused", async () => {
  const bytes = ones().bytes();
  for (const length of [0n, 1n, 56n, 100_000_001n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 8n, 2n ** 64n - 1n]) {
    await refused(joined(lengthOf(length), bytes.subarray(8)));
  }
});

test("holes, overlaps and offsets that do not fit are refused", async () => {
  for (const offsets of [[4, 36], [8, 4], [0], [-4, 28], [0, "32"], null, {}, [0, 2 ** 70], [false, true], [0, 31], [0, 33]]) {
    const draft = ones();
    draft.entries.w.data_offsets = offsets;
    await refused(draft.bytes());
  }
  for (const shift of [-4, 4]) {
    const draft = ones().add("v", "F32", [8], new Float32Array(8));
    draft.entries.v.data_offsets = draft.entries.v.data_offsets.map((offset) => offset + shift);
    draft.data = joined(draft.data, new Uint8Array(4));
    await refused(draft.bytes(), /tensor "v": expected bytes from/);
  }
});

test("every field of a record and an entry is checked", async () => {
  for (const table of ["records", "entries"]) {
    for (const key of Object.keys(ones()[table].w)) {
      for (const value of [undefined, null, "F8", "", 7.5, -1, 2 ** 32, true, [], {}, [9], [2, 2, 2, 2]]) {
        const draft = ones();
        draft[table].w[key] = value;
        await refused(draft.bytes());
      }
    }
    for (const value of [undefined, null, 1, "x", [], {}]) {
      const draft = ones();
      draft[table].w = value;
      await refused(draft.bytes());
    }
  }
});

test("checksums are compared", async () => {
  const stored = planes(8, 1, deflated(new Uint8Array(8).fill(127)), new Uint8Array(8).fill(128), new Uint8Array(), new Uint8Array());
  for (const key of ["crc32", "storedCRC32"]) {
    const draft = new Draft().add("w", "F32", [8], new Float32Array(8).fill(1), stored);
    draft.records.w[key] = (draft.records.w[key] ^ 1) >>> 0;
    await refused(draft.bytes(), new RegExp(`tensor "w": expected the ${key} `));
  }
  const draft = ones();
  draft.bytes();
  draft.metadata["rnw.source"] = '{"x":1}';
  await refused(draft.bytes({ repairs: false }), /rnw.metadata-crc32/);
});

test("planes that are not exactly what they must be are refused", async () => {
  const stream = deflated(new Uint8Array(64).fill(1));
  const none = new Uint8Array();
  const size = 64;
  const wrong = {
    "a longer stream": planes(size, 1, deflated(new Uint8Array(65).fill(1)), none, none, none),
    "a shorter stream": planes(size, 1, deflated(new Uint8Array(63).fill(1)), none, none, none),
    "a byte after it": planes(size, 1, joined(stream, Uint8Array.of(0)), none, none, none),
    "nine bytes after it": planes(size, 1, joined(stream, new Uint8Array(9)), none, none, none),
    "two streams": planes(size, 1, joined(stream, stream), none, none, none),
    "a cut stream": planes(size, 1, stream.subarray(0, -1), none, none, none),
    "no stream": planes(size, 1, Uint8Array.of(255, 255, 255), none, none, none),
    "a bomb": planes(size, 1, deflated(new Uint8Array(40_000)).subarray(0), none, none, none),
    "a plane that is too long": planes(size, 1, new Uint8Array(65), none, none, none),
    "no table": new Uint8Array(7),
    "a cut table": planes(size, 1, none, none, none),
    "three elements per block": planes(3, 22, ...Array(88).fill(none)),
    "no elements per block": planes(0, 1, none, none, none, none),
    "2^25 elements per block": planes(1 << 25, 1, none, none, none, none),
    "a block too many": planes(size, 2, ...Array(8).fill(none)),
    "a block too few": planes(32, 1, none, none, none, none),
    "2^32 - 1 blocks": planes(1, 2 ** 32 - 1),
    "bytes after the planes": joined(planes(size, 1, none, none, none, none), Uint8Array.of(0)),
  };
  for (const [name, stored] of Object.entries(wrong)) {
    const draft = new Draft().add("w", "F32", [size], new Float32Array(size), stored);
    await assert.doesNotReject(load(draft.bytes()), name);
    await refused(draft.bytes(), /tensor "w": expected/);
  }
});

test("a small file cannot claim much", async () => {
  const none = new Uint8Array();
  const stored = planes(1 << 24, 64, ...Array(256).fill(none));
  await refused(new Draft().add("w", "F32", [1 << 30], new Float32Array(1), stored).bytes(), /at most 2\^28/);
  await refused(new Draft().add("w", "F32", [2 ** 40], new Float32Array(1), stored).bytes(), /at most 2\^32/);
});

test("headers that are none are refused", async () => {
  const headers = ["{", "[]", "{}", "null", " {}", '{"__metadata__":1}', '{"__metadata__":{"format":1}}', "{".repeat(200_000),
    '{"a":'.repeat(200_000), '{"a":NaN}', '{"a":"\ud800"}', '{"__metadata__":{"format":"rnw"},"w":1}', `{"a":${"9".repeat(5000)}}`,
    '{"a":{"b":1,"b":2}}', '{"a":[1,]}', '{"a":1,}', '{"a" 1}', '{"a":1 "b":2}', "{'a':1}", '{"\\x":1}', '{"a\n":1}', '{"a', '{"a\\'];
  for (const header of headers) await refused(ones().bytes({ header }));
  await refused(joined(lengthOf(56), Uint8Array.of(123, 255, 125), new Uint8Array(53).fill(32)), /header: expected UTF-8/);
  await refused(ones().add("a\n\u202e\x1b[31m" + "x".repeat(5000), "U8", [1], Uint8Array.of(1)).bytes());
});

test("a tensor that is not there is said by its name", async () => {
  const file = await load(ones().bytes());
  for (const read of [file.tensor("v"), file.bits("v")]) await assert.rejects(read, /expected a tensor of the name v/);
});

test("every flipped bit is noticed", async () => {
  let state = 7;
  const random = (below) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state % below; };
  for (const name of goldenNames) {
    const whole = bytesOf(name);
    for (let flip = 0; flip < 30; flip++) {
      const spoiled = whole.slice();
      spoiled[random(whole.length)] ^= 1 << random(8);
      await refused(spoiled);
    }
  }
});
