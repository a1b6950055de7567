// Reads .rnw files: lazily, checked, and with nothing but what the runtime has. rnw.d.ts says what each part does.
import { ARRAYS, crc32, readHeader } from "./header.js";
import { RNWError, need } from "./json.js";
import { decode } from "./planes.js";
export { RNWError };
export async function load(from) {
  const isURL = typeof from === "string" || from instanceof URL;
  const file = await (isURL ? overHTTP(`${from}`) : ofBlob(from instanceof Blob ? from : new Blob([from])));
  const length = file.size < 8 ? NaN : new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true);
  const [start, most] = [8 + Number(length), Math.min(file.size, 100_000_008)];
  need(start <= most && start % 64 === 0, `${file.name}: offset 0`, `a header that ends at a multiple of 64 up to ${most}`);
  const [bytes, decoder] = [await file.read(8, start), new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })];
  let text;
  try { text = decoder.decode(bytes); } catch { need(false, `${file.name}: header`, "UTF-8"); }
  return new WeightFile(file, readHeader(file.name, text, start, file.size));
}
export class WeightFile {
  #read; #all;
  constructor({ name, size, read }, { tensors, ...texts }) {
    const scales = new Set([...tensors.values()].map((tensor) => tensor.scales));
    Object.assign(this, { name, size, ...texts, tensors: new Map([...tensors].filter(([name]) => !scales.has(name))) });
    [this.#read, this.#all] = [read, tensors];
  }
  async tensor(name) {
    const [bits, scales, { dtype, shape }] = [await this.bits(name), await this.scales(name), this.#all.get(name)];
    return { name, dtype, shape, data: values(bits, dtype, scales) };
  }
  async bits(name) {
    need(this.#all.has(name), this.name, `a tensor of the name ${name}`);
    const { place, dtype, encoding, count, begin, end, ...checksums } = this.#all.get(name);
    const [stored, Elements] = [await this.#read(begin, end), ARRAYS[dtype]];
    need(stored.length === end - begin, place, `${end - begin} bytes, found ${stored.length}`);
    const compare = (key, bytes) => need(crc32(bytes) === checksums[key], place, `the ${key} ${checksums[key]}`);
    if (encoding === "planes") compare("storedCRC32", stored);
    const { buffer } = encoding === "raw" ? stored : await decode(stored, place, dtype, Elements.BYTES_PER_ELEMENT, count);
    compare("crc32", new Uint8Array(buffer));
    return new Elements(buffer);
  }
  async scales(name) { return this.#all.get(name)?.scales && this.bits(`${name}.scales`); }
}
function values(bits, dtype, scales) {
  if (!scales && dtype !== "F16" && dtype !== "BF16") return bits;
  const floats = new Float32Array(bits.length);
  const [words, perRow] = [new Uint32Array(floats.buffer), bits.length / scales?.length];
  bits.forEach((element, index) => {
    if (scales) floats[index] = element * scales[Math.floor(index / perRow)];
    else words[index] = dtype === "BF16" ? element << 16 : ((element & 0x8000) << 16) | ((element & 0x7fff) << 13);
    if (dtype === "F16" && (element & 0x7c00) !== 0x7c00) floats[index] *= 2 ** 112; // Exact, subnormals too.
    else if (dtype === "F16") words[index] |= 0x7f800000;
  });
  return floats;
}
function ofBlob(blob, name = blob.name ?? "file") {
  return { name, size: blob.size, read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()) };
}
async function overHTTP(url) {
  const ask = (begin, end) => fetch(url, { headers: { Range: `bytes=${begin}-${end - 1}` } });
  const first = await ask(0, 65536);
  const size = Number(/^bytes 0-\d+\/(\d+)$/.exec(first.headers.get("Content-Range"))?.[1]);
  if (first.status !== 206 || !size) { // A server without ranges, or one that does not tell another origin the size.
    const whole = first.status === 200 ? first : await fetch(url);
    if (!whole.ok) throw new Error(`${url}: HTTP status ${whole.status}`);
    return ofBlob(await whole.blob(), url);
  }
  const head = new Uint8Array(await first.arrayBuffer());
  return { name: url, size, async read(begin, end) {
    if (end <= head.length || begin === end) return head.slice(begin, end);
    const answer = await ask(begin, end);
    if (answer.status !== 206) throw new Error(`${url}: HTTP status ${answer.status}, expected bytes ${begin} to ${end}`);
    return new Uint8Array(await answer.arrayBuffer());
  } };
}
