// The files that all readers share: golden ones, and the table of cases made from them.
import { readFileSync, readdirSync } from "node:fs";

export const FOLDER = new URL("../../../Fixtures/rnw/", import.meta.url);

export const bytesOf = (name) => new Uint8Array(readFileSync(new URL(name, FOLDER)));
export const jsonOf = (name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
export const goldenNames = readdirSync(FOLDER).filter((name) => name.endsWith(".rnw")).sort();

/** Name, answer and bytes of every case: pieces of a golden file, and others between them. */
export function* storedCases() {
  for (const { name, answer, file, bytes } of jsonOf("cases.json")) {
    const golden = Buffer.from(bytesOf(file));
    const pieces = bytes.map((piece) =>
      typeof piece === "string" ? Buffer.from(piece, "base64") : golden.subarray(piece[0], piece[0] + piece[1]));
    yield { name, answer, content: new Uint8Array(Buffer.concat(pieces)) };
  }
}
