// Reads paths from standard input and prints a line for each: what the reader in JavaScript finds in the file.
// Scripts/check-readers compares that with what the others print.
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { RNWError, load } from "../../Bindings/js/src/rnw.js";
import { crc32 } from "../../Bindings/js/src/header.js";

const bytesOf = (elements) => (elements ? new Uint8Array(elements.buffer) : new Uint8Array());

async function refusedOr(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof RNWError) || /[\n\r]/.test(error.message)) throw error;
    return "refused";
  }
}

async function digest(file, { name, dtype, shape }) {
  const { data } = await file.tensor(name);
  const [bits, scales] = [await file.bits(name), await file.scales(name)];
  // Of what is not a number only that it is none is the same everywhere.
  const values = data.map((value) => (Number.isNaN(value) ? NaN : value));
  const isRounded = dtype === "F16" || dtype === "BF16" || scales;
  const sums = [bits, scales, isRounded ? values : undefined].map((elements) => crc32(bytesOf(elements)));
  return `${dtype} [${shape.map(BigInt)}] ${sums.join(" ")}`;
}

for await (const path of createInterface({ input: process.stdin })) {
  console.log(await refusedOr(async () => {
    const file = await load(await readFile(path));
    const names = [...file.tensors.keys()].sort();
    const lines = [];
    for (const name of names) lines.push(`; ${name} ${await refusedOr(() => digest(file, file.tensors.get(name)))}`);
    return `opened${lines.join("")}`;
  }));
}
