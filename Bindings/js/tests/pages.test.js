// The examples of the pages, each run as a program that depends on this package.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { FOLDER } from "./corpus.js";

const examples = (page) => [...readFileSync(new URL(page, import.meta.url), "utf8").matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);

/** What a program prints that stands beside a model of this name. */
function printed(code, name = "resnet50v2.rnw") {
  const folder = mkdtempSync(join(tmpdir(), "rnw-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(fileURLToPath(new URL("..", import.meta.url)), join(folder, "node_modules/rnw"));
    copyFileSync(new URL("narrow.float32.planes.rnw", FOLDER), join(folder, name));
    writeFileSync(join(folder, "example.mjs"), code);
    return execFileSync("node", ["example.mjs"], { cwd: folder, encoding: "utf8" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the page on loading prints what it says", () => {
  const [example, ...others] = examples("../../../docs/loading.md");
  assert.deepEqual(others, []);
  assert.equal(printed(example), "[ 8, 3, 7, 7 ] 1176 keras conv1_conv/kernel\n");
});

test("the example of the repository's README runs", () => {
  const [example, ...others] = examples("../../../README.md");
  assert.deepEqual(others, []);
  assert.equal(printed(example, "flowers.rnw"), "[ 8, 3, 7, 7 ] 1176\n");
});

test("the examples of the package's README run", () => {
  const [url, disk] = examples("../README.md");
  const withDisk = `import { load } from "rnw";\n${disk}\nconsole.log(file.size);`;
  assert.match(printed(withDisk), /^\d+\n$/);
  // The first with the file of the second, as there is no such server.
  const local = url.replace('"./Bindings/js/src/rnw.js"', '"rnw"').replace('"https://example.org/resnet50v2.rnw"', 'await openAsBlob("resnet50v2.rnw")');
  assert.match(printed(`import { openAsBlob } from "node:fs";\n${local}`), /^bottleneck keras 92\n\[ 8, 3, 7, 7 \] F32 Float32Array/);
});
