// Files that are right: every type, every way to hand one over, and the golden ones.
import assert from "node:assert/strict";
import { openAsBlob, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { RNWError, load } from "../src/rnw.js";
import { crc32 } from "../src/header.js";
import { FOLDER, bytesOf, goldenNames, jsonOf } from "./corpus.js";
import { Draft, deflated, planes } from "./writer.js";

test("golden files hold what they did", async () => {
  const expected = jsonOf("checksums.json");
  assert.deepEqual(goldenNames, Object.keys(expected).sort());
  for (const name of goldenNames) {
    const file = await load(bytesOf(name));
    assert.deepEqual([...file.tensors.keys()].sort(), Object.keys(expected[name]).sort());
    for (const [tensor, checksum] of Object.entries(expected[name])) {
      const { data, shape } = await file.tensor(tensor);
      assert.equal(crc32(new Uint8Array(data.buffer)), checksum, `${name}: ${tensor}`);
      assert.equal(data.length, shape.reduce((product, size) => product * size, 1));
    }
  }
});

test("records are objects with their values", async () => {
  const file = await load(bytesOf("narrow.float32.planes.rnw"));
  assert.equal(file.configuration.block.kind, "bottleneck");
  assert.equal(file.source.family, "keras");
  assert.equal(file.certificate.probe.shape.length, 4);
  assert.equal(file.preprocessing.preprocessing.channelOrder, "RGB");
  assert.equal(file.metadata.format, "rnw");
  const { dtype, shape } = file.tensors.get("stem.conv.weight");
  assert.deepEqual([dtype, shape], ["F32", [8, 3, 7, 7]]);
});

test("whole numbers beyond 2^53 are exact, others are numbers", async () => {
  const draft = new Draft();
  draft.metadata["rnw.certificate"] = '{"probe":{"seed":18446744073709551615},"small":3,"float":1e300,"zero":-0}';
  const { certificate } = await load(draft.bytes());
  assert.equal(certificate.probe.seed, 18446744073709551615n);
  assert.deepEqual([certificate.small, certificate.float, Object.is(certificate.zero, -0)], [3, 1e300, true]);
});

test("every type is read as its array", async () => {
  const draft = new Draft();
  const arrays = {
    F64: Float64Array.of(-1.5, 1e300), F32: Float32Array.of(-1.5, 3e38), I64: BigInt64Array.of(-(2n ** 63n), 1n),
    I32: Int32Array.of(-5, 7), I16: Int16Array.of(-5, 7), I8: Int8Array.of(-5, 7), U64: BigUint64Array.of(2n ** 64n - 1n, 1n),
    U32: Uint32Array.of(1, 2 ** 32 - 1), U16: Uint16Array.of(1, 65535), U8: Uint8Array.of(1, 255),
  };
  for (const [dtype, array] of Object.entries(arrays)) draft.add(dtype, dtype, [2], array);
  const file = await load(draft.bytes());
  for (const [dtype, array] of Object.entries(arrays)) assert.deepEqual((await file.tensor(dtype)).data, array);
});

test("every float16 is the float32 that it is", async () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, index) => index);
  const file = await load(new Draft().add("w", "F16", [65536], bits).bytes());
  const { data } = await file.tensor("w");
  for (let half = 0; half < 65536; half++) {
    const [exponent, mantissa] = [(half >> 10) & 31, half & 1023];
    const size = exponent === 31 ? (mantissa ? NaN : Infinity) : exponent ? 2 ** (exponent - 25) * (1024 + mantissa) : 2 ** -24 * mantissa;
    assert.ok(Object.is(data[half], half & 0x8000 ? -size : size), `${half}`);
  }
  assert.deepEqual(await file.bits("w"), bits);
});

test("bfloat16 keeps its bits, and integers are multiplied by the scale of their row", async () => {
  const draft = new Draft().add("b", "BF16", [], Uint16Array.of(0xbfc0));
  draft.add("w", "I8", [2, 2], Int8Array.of(1, -2, 3, -127)).add("w.scales", "F32", [2], Float32Array.of(0.1, 1e38));
  draft.records.w.scales = "w.scales";
  const file = await load(draft.bytes());
  assert.deepEqual([...file.tensors.keys()], ["b", "w"]);
  assert.deepEqual((await file.tensor("b")).data, Float32Array.of(-1.5));
  assert.deepEqual((await file.tensor("w")).data, Float32Array.of(0.1, -2 * Math.fround(0.1), 3 * Math.fround(1e38), -Infinity));
  assert.deepEqual(await file.bits("w"), Int8Array.of(1, -2, 3, -127));
  assert.deepEqual(await file.scales("w"), Float32Array.of(0.1, 1e38));
  assert.equal(await file.scales("b"), undefined);
});

test("planes are decoded as the page says, block by block", async () => {
  // −1.5 has the planes 0x7F, 0xC0, 0, 0.
  const rows = [new Uint8Array(4096).fill(0x7f), new Uint8Array(4096).fill(0xc0)];
  const stored = planes(4096, 2, deflated(rows[0]), rows[1], rows[2] ?? new Uint8Array(), new Uint8Array(),
    Uint8Array.of(0x7f), Uint8Array.of(0xc0), new Uint8Array(), Uint8Array.of(1));
  const values = new Float32Array(4097).fill(-1.5);
  new Uint32Array(values.buffer)[4096] |= 1;
  const draft = new Draft().add("w", "F32", [4097], values, stored);
  draft.records.again = { dtype: "F32", shape: [4097], encoding: "same", sameAs: "w", crc32: draft.records.w.crc32 };
  const file = await load(draft.bytes());
  assert.deepEqual((await file.tensor("w")).data, values);
  assert.deepEqual((await file.tensor("again")).data, values);
  assert.equal(file.tensors.get("again").encoding, "planes");
});

test("names that JavaScript has a meaning for are names", async () => {
  const draft = new Draft();
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "0", "length"];
  const define = (object, name, value) => Object.defineProperty(object, name, { value, enumerable: true, configurable: true });
  for (const [index, name] of names.entries()) {
    draft.add("x", "U8", [1], Uint8Array.of(index));
    define(draft.records, name, draft.records.x);
    define(draft.entries, name, draft.entries.x);
    delete draft.records.x;
    delete draft.entries.x;
  }
  draft.metadata["rnw.tensors"] = JSON.stringify(draft.records);
  const text = JSON.stringify(draft.entries).slice(1);
  draft.bytes();
  const file = await load(draft.bytes({ header: `{"__metadata__":${JSON.stringify(draft.metadata)},${text}` }));
  for (const [index, name] of names.entries()) assert.deepEqual((await file.tensor(name)).data, Uint8Array.of(index));
});

test("a Blob, a File, an ArrayBuffer, a view and a Blob of the disk are the same", async () => {
  const bytes = bytesOf(goldenNames[0]);
  const padded = new Uint8Array([9, ...bytes, 9]);
  const forms = [new Blob([bytes]), new File([bytes], "a.rnw"), bytes.buffer, padded.subarray(1, -1), await openAsBlob(new URL(goldenNames[0], FOLDER))];
  for (const form of forms) {
    const file = await load(form);
    assert.equal(crc32(new Uint8Array((await file.tensor("stem.conv.weight")).data.buffer)), jsonOf("checksums.json")[goldenNames[0]]["stem.conv.weight"]);
  }
  assert.equal((await load(forms[1])).name, "a.rnw");
});

/** Answers with a file, by ranges or not, and counts what it sent. */
async function served(bytes, { ranges = true, exposes = true, status } = {}, use) {
  const sent = [];
  const server = createServer((request, response) => {
    const range = ranges && /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const [begin, end] = range ? [Number(range[1]), Math.min(Number(range[2]) + 1, bytes.length)] : [0, bytes.length];
    if (status) return response.writeHead(status).end("no");
    sent.push(end - begin);
    const headers = range && exposes ? { "Content-Range": `bytes ${begin}-${end - 1}/${bytes.length}` } : {};
    response.writeHead(range ? 206 : 200, headers).end(bytes.subarray(begin, end));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  try {
    return await use(`http://127.0.0.1:${server.address().port}/model.rnw`, sent);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

test("of a URL only the header and one tensor are fetched", async () => {
  const large = Float32Array.from({ length: 1 << 18 }, (_, index) => index);
  const bytes = new Draft().add("first", "F32", [1 << 18], large).add("wanted", "F32", [1 << 10], large.slice(0, 1 << 10)).bytes();
  await served(bytes, {}, async (url, sent) => {
    const file = await load(new URL(url));
    assert.deepEqual([file.size, file.name], [bytes.length, url]);
    assert.deepEqual((await file.tensor("wanted")).data, large.slice(0, 1 << 10));
    assert.deepEqual(sent, [65536, 4096]);
  });
});

test("a server without ranges, or one that hides the size, sends all", async () => {
  const bytes = bytesOf("narrow.int8.planes.rnw");
  for (const options of [{ ranges: false }, { exposes: false }]) {
    await served(bytes, options, async (url) => assert.equal((await load(url)).size, bytes.length));
  }
});

test("a status of HTTP is no fault of the file", async () => {
  await served(new Uint8Array(), { status: 404 }, async (url) => {
    await assert.rejects(load(url), (error) => !(error instanceof RNWError) && /HTTP status 404/.test(error.message));
  });
});

test("what the types declare is there", async () => {
  const types = readFileSync(new URL("../src/rnw.d.ts", import.meta.url), "utf8");
  const declared = (start) => [...types.slice(types.indexOf(start)).split("\n}\n")[0].matchAll(/^  (?:readonly )?(\w+)(\??)[:(]/gm)];
  const file = await load(bytesOf("repeated.int8.planes.rnw"));
  const records = [...file.tensors.values()];
  for (const [start, objects, least] of [["class WeightFile", [file], 11], ["interface TensorRecord", records, 10]]) {
    const names = declared(start).map(([, name]) => name);
    assert.ok(names.length >= least, `${names}`);
    for (const name of names) assert.ok(objects.some((object) => object[name] !== undefined), `${start} has no ${name}`);
  }
  assert.deepEqual(declared("interface Tensor {").map(([, name]) => name).sort(), Object.keys(await file.tensor(records[0].name)).sort());
});

test("the module has at most 250 lines and needs nothing", () => {
  const folder = new URL("../", import.meta.url);
  const sources = ["json", "planes", "header", "rnw"].map((name) => readFileSync(new URL(`src/${name}.js`, folder), "utf8"));
  assert.ok(sources.join("").split("\n").length - 1 <= 250);
  for (const [, from] of sources.join("").matchAll(/^import .* from "(.*)";$/gm)) assert.match(from, /^\.\/(json|planes|header)\.js$/);
  const { dependencies, type } = JSON.parse(readFileSync(new URL("package.json", folder)));
  assert.deepEqual([dependencies, type], [undefined, "module"]);
});
