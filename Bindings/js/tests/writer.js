// A writer of .rnw files for tests: every part can be spoiled before `bytes()` puts them together.
import { deflateRawSync } from "node:zlib";
import { crc32 } from "../src/header.js";

export class Draft {
  entries = {};
  records = {};
  data = new Uint8Array();
  metadata = { format: "rnw", "rnw.version": "1.0", "rnw.configuration": "{}", "rnw.preprocessing": "{}", "rnw.source": "{}" };

  /** Adds a tensor: its bytes as they are, or coded bytes as `stored`. */
  add(name, dtype, shape, elements, stored) {
    const plain = new Uint8Array(elements.buffer);
    const bytes = stored ?? plain;
    const begin = this.data.length;
    this.records[name] = { dtype, shape, encoding: stored ? "planes" : "raw", crc32: crc32(plain) };
    if (stored) this.records[name].storedCRC32 = crc32(stored);
    const kind = stored ? { dtype: "U8", shape: [bytes.length] } : { dtype, shape };
    this.entries[name] = { ...kind, data_offsets: [begin, begin + bytes.length] };
    this.data = joined(this.data, bytes);
    return this;
  }

  bytes({ repairs = true, header } = {}) {
    if (repairs) {
      this.metadata["rnw.tensors"] ??= JSON.stringify(this.records);
      const keys = Object.keys(this.metadata).filter((key) => key !== "rnw.metadata-crc32").sort();
      const content = keys.map((key) => `${key}\0${this.metadata[key]}\0`).join("");
      this.metadata["rnw.metadata-crc32"] = `${crc32(new TextEncoder().encode(content))}`;
    }
    const text = new TextEncoder().encode(header ?? JSON.stringify({ __metadata__: this.metadata, ...this.entries }));
    const padded = joined(text, new Uint8Array(63 - ((8 + text.length + 63) % 64)).fill(32));
    return joined(lengthOf(padded.length), padded, this.data);
  }
}

export function lengthOf(length) {
  return new Uint8Array(new BigUint64Array([BigInt(length)]).buffer);
}

export function joined(...parts) {
  return new Uint8Array(Buffer.concat(parts));
}

/** The encoding planes: its table and what is stored. */
export function planes(perBlock, blocks, ...stored) {
  const table = new Uint32Array([perBlock, blocks, ...stored.map((part) => part.length)]);
  return joined(new Uint8Array(table.buffer), ...stored);
}

export const deflated = (bytes) => new Uint8Array(deflateRawSync(bytes, { level: 9 }));
