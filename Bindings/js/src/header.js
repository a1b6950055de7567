// The header of a .rnw, and all that a reader must refuse in it.
import { need, strictObject } from "./json.js";
/** What holds the elements of each type; of floats of 16 bits the bits. */
export const ARRAYS = {
  F64: Float64Array, F32: Float32Array, F16: Uint16Array, BF16: Uint16Array, I64: BigInt64Array, I32: Int32Array,
  I16: Int16Array, I8: Int8Array, U64: BigUint64Array, U32: Uint32Array, U16: Uint16Array, U8: Uint8Array,
};
const isObject = (value) => typeof value === "object" && !Array.isArray(value);
const isSizes = (value, end = 2n ** 63n) => Array.isArray(value) && value.every((x) => typeof x === "bigint" && x < end);
const product = (sizes) => sizes.reduce((product, size) => product * size, 1n);
const shifted = (crc) => (crc >>> 1) ^ (crc & 1 && 0xedb88320);
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => Array(8).fill(shifted).reduce((crc, step) => step(crc), byte));
/** The CRC-32 of bytes, as zlib has it. */
export function crc32(bytes) {
  let crc = -1;
  for (let index = 0; index < bytes.length; index++) crc = TABLE[(crc ^ bytes[index]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
/** Metadata, its documents and all tensors, by the text of a header that ends at `start` in a file of `size` bytes. */
export function readHeader(file, text, start, size) {
  const entries = strictObject(text, `${file}: header`);
  const metadata = entries.__metadata__;
  delete entries.__metadata__;
  checkMetadata(metadata, file);
  const document = (key, plain) => strictObject(metadata[key], `${file}: ${key}`, plain);
  const keys = ["configuration", "preprocessing", "source", ...("rnw.certificate" in metadata ? ["certificate"] : [])];
  const documents = Object.fromEntries(keys.map((key) => [key, document(`rnw.${key}`, true)]));
  const records = document("rnw.tensors");
  const all = Object.keys({ ...entries, ...records }).map((name) => joined(file, name, entries[name], records[name], start));
  const stored = all.filter((tensor) => tensor.begin >= 0).sort((a, b) => a.begin - b.begin || a.end - b.end);
  const ends = [start, ...stored.map((tensor) => tensor.end)];
  stored.forEach(({ place, begin }, index) => need(begin === ends[index], place, `bytes from ${ends[index]}, not ${begin}`));
  need(ends.at(-1) === size, file, `an end at ${ends.at(-1)}, not at ${size}`);
  const named = new Map(stored.map((tensor) => [tensor.name, tensor]));
  const tensors = new Map(all.map((tensor) => [tensor.name, { ...named.get(tensor.sameAs), ...tensor }]));
  for (const { name, place, dtype, shape, crc32, sameAs, scales } of all) {
    const [same, other] = [named.get(sameAs), tensors.get(scales)];
    const isSame = same?.encoding === "planes" && same.dtype === dtype && `${same.shape}` === `${shape}`;
    need(sameAs === undefined || (isSame && same.crc32 === crc32), place, "sameAs to name one in planes that fits it");
    const fits = dtype === "I8" && shape.length > 0 && other?.dtype === "F32" && `${other.shape}` === `${shape[0]}`;
    need(scales === undefined || (fits && scales === `${name}.scales`), place, "scales of I8, named after it, F32");
  }
  const bytes = all.reduce((sum, tensor) => sum + tensor.bytes, 0);
  need(bytes <= 2 ** 28 + 32 * size, file, `at most 2^28 + 32 · ${size} bytes of elements, not ${bytes}`);
  for (const tensor of tensors.values()) tensor.shape = tensor.shape.map(Number);
  return { metadata, ...documents, tensors };
}
function checkMetadata(metadata, file) {
  const isText = ([key, value]) => typeof value === "string" && !(key + value).includes("\0");
  const isRight = isObject(metadata ?? []) && Object.entries(metadata).every(isText) && metadata.format === "rnw";
  need(isRight, `${file}: __metadata__`, "an object of texts without NUL, with the format rnw");
  need(/^[12]\.(0|[1-9][0-9]{0,3})$/.test(metadata["rnw.version"]), `${file}: rnw.version`, "1.x or 2.x");
  // By code points, as bytes of UTF-8 are; < goes by halves of pairs.
  const order = ([key]) => Array.from(key, (c) => c.codePointAt(0).toString(16).padStart(6, "0")).join("");
  const pairs = Object.entries(metadata).filter(([key]) => key !== "rnw.metadata-crc32");
  const content = pairs.sort((a, b) => (order(a) < order(b) ? -1 : 1)).map(([key, value]) => `${key}\0${value}\0`).join("");
  const actual = `${crc32(new TextEncoder().encode(content))}`;
  need(metadata["rnw.metadata-crc32"] === actual, `${file}: rnw.metadata-crc32`, `${actual}, as the metadata gives`);
}
/** What the safetensors entry and the record of a tensor say, which must fit. */
function joined(file, name, entry, record, start) {
  const place = `${file}: tensor "${name.slice(0, 80)}"`;
  const check = (holds, expected) => need(holds, place, expected);
  check(/^[!-~]{1,256}$/.test(name) && isObject(record ?? []), "a name of visible ASCII and a record in rnw.tensors");
  const { dtype, shape, encoding, sameAs, scales } = record;
  const [coded, same] = [encoding === "planes", encoding === "same"];
  const types = coded || same ? ["F32", "F16", "BF16", "I8"] : encoding === "raw" ? Object.keys(ARRAYS) : [];
  check(types.includes(dtype), "the encoding raw, planes or same, and a type that it has");
  check(coded === "storedCRC32" in record && same === "sameAs" in record, "storedCRC32 and sameAs where they belong");
  check(isSizes([record.crc32, record.storedCRC32 ?? 0n], 2n ** 32n), "checksums of 32 bits");
  check(isSizes(shape) && shape.length <= 32 && product(shape.map((size) => size || 1n)) < 2n ** 59n, "a possible shape");
  const [count, bytes] = [Number(product(shape)), Number(product(shape)) * ARRAYS[dtype].BYTES_PER_ELEMENT];
  check(bytes <= 2 ** 32 && same === (entry === undefined), "at most 2^32 bytes, and an entry where they are stored");
  const tensor = { name, place, dtype, shape, encoding, sameAs, scales, count, bytes, crc32: Number(record.crc32) };
  if (same) return { ...tensor, encoding: "planes" };
  check(isObject(entry) && Object.keys(entry).length === 3 && isSizes(entry.shape), "an entry of three keys");
  check(isSizes(entry.data_offsets) && entry.data_offsets.length === 2, "data_offsets [begin, end]");
  const [begin, end] = entry.data_offsets;
  const size = coded ? end - begin : BigInt(bytes);
  check(size >= 0n && end - begin === size, `offsets ${size} bytes apart`);
  check(entry.dtype === (coded ? "U8" : dtype) && `${entry.shape}` === `${coded ? size : shape}`, "an entry that fits");
  return { ...tensor, begin: start + Number(begin), end: start + Number(end), storedCRC32: Number(record.storedCRC32) };
}
