// The page: shows what a file says at once, and its tensors as they are read and compared with their checksums.
import { RNWError, load } from "../src/rnw.js";

const BINS = 40;
const AT_A_TIME = 4;
const one = (id) => document.getElementById(id);
const grouped = (number) => number.toLocaleString("en-US");
const short = (number) => (number === 0 ? "0" : Math.abs(number) < 1e-3 || Math.abs(number) >= 1e5 ? number.toExponential(2) : number.toPrecision(4));
const json = (value) => JSON.stringify(value, (_, item) => (typeof item === "bigint" ? `${item}` : item), 2);
let opened = 0;

one("file").addEventListener("change", (event) => event.target.files[0] && show(event.target.files[0]));
addEventListener("dragover", (event) => { event.preventDefault(); one("drop").classList.add("over"); });
addEventListener("dragleave", (event) => event.relatedTarget || one("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  one("drop").classList.remove("over");
  if (event.dataTransfer.files[0]) show(event.dataTransfer.files[0]);
});
one("filter").addEventListener("input", (event) => {
  for (const row of one("tensors").rows) row.hidden = !row.dataset.name.includes(event.target.value.trim().toLowerCase());
});

async function show(blob) {
  const turn = ++opened;
  one("alert").hidden = true;
  one("parts").hidden = true;
  document.body.classList.remove("open");
  try {
    const file = await load(blob);
    if (turn !== opened) return;
    showTexts(file);
    document.body.classList.add("open");
    one("parts").hidden = false;
    await showTensors(file, () => turn === opened);
  } catch (error) {
    if (turn !== opened) return;
    one("alert").textContent = error instanceof RNWError ? error.message : `${blob.name} cannot be read: ${error.message}`;
    one("alert").hidden = false;
    one("parts").hidden = true;
  }
}

/** An element with text and others in it; what a file says is never markup. */
function element(name, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

function facts(pairs, kind = "facts") {
  const list = element("dl", { class: kind });
  for (const [term, value] of pairs) {
    if (value === undefined || value === "") continue;
    const parts = [element("dt", { text: term }), element("dd", {}, value instanceof Node ? value : `${value}`)];
    list.append(...(kind === "figures" ? [element("div", {}, ...parts)] : parts));
  }
  return list;
}

const code = (text) => (text === undefined || text === "" ? undefined : element("code", { text: `${text}` }));
const whole = (title, record) => element("details", {}, element("summary", { text: title }), element("pre", { text: json(record), tabindex: "0" }));

// The texts

function showTexts(file) {
  const tensors = [...file.tensors.values()];
  const values = tensors.reduce((sum, tensor) => sum + tensor.count, 0);
  const types = [...new Set(tensors.map((tensor) => tensor.dtype))].join(", ");
  document.title = file.name;
  one("title").textContent = file.name;
  one("file-title").textContent = `File of version ${file.metadata["rnw.version"]}`;
  one("figures").replaceChildren(...facts([
    ["values", grouped(values)], ["tensors", grouped(tensors.length)], ["bytes", grouped(file.size)],
    ["bytes for a value", values ? (file.size / values).toFixed(2) : undefined], ["types", types],
  ], "figures").children);
  one("network").replaceChildren(...network(file.configuration), whole("The whole record", file.configuration));
  one("input").replaceChildren(preprocessing(file.preprocessing));
  one("source").replaceChildren(...source(file.source));
  one("certificate").replaceChildren(...certificate(file.certificate));
}

function network({ block, stages, stem, shortcut, norm, head, inputChannels }) {
  const list = element("ol", { class: "network" });
  for (const [index, stage] of (Array.isArray(stages) ? stages : []).entries()) {
    const blocks = element("div", { class: "blocks", "aria-hidden": "true" });
    for (let number = 0; number < Math.min(Number(stage.blocks) || 0, 200); number++) blocks.append(element("span", number ? {} : { class: "first" }));
    const text = `${stage.blocks} blocks, ${stage.innerChannels} → ${stage.outputChannels} channels, stride ${stage.stride}`;
    list.append(element("li", {}, element("h3", { text: `Stage ${index + 1}` }), blocks, element("p", { class: "soft", text })));
  }
  const stemText = (Array.isArray(stem?.convolutions) ? stem.convolutions : [])
    .map(({ kernel, stride, outputChannels }) => `${kernel}×${kernel} to ${outputChannels} channels, stride ${stride}`).join("; ");
  const [kind, options] = Object.entries(norm ?? {})[0] ?? [];
  const layers = Array.isArray(head?.layers) ? head.layers.map((layer) => Object.keys(layer)[0]).join(", ") : undefined;
  return [list, facts([
    ["Blocks", `${block?.kind}, ${block?.order === "preActivation" ? "norms before convolutions (v2)" : "norms after convolutions (v1)"}`],
    ["Stem", stemText && `${stemText}, of ${inputChannels} channels`],
    ["Shortcuts", shortcut && `${shortcut.kind}, ${shortcut.placement}`],
    ["Norms", kind && `${kind}, ε ${options?.epsilon}${options?.count ? `, ${options.count} groups` : ""}`],
    ["Head", layers ?? (head?.classes ? `${head.classes} classes${head.hasSoftmax ? ", softmax" : ""}` : "none")],
  ])];
}

function preprocessing({ inputSize, preprocessing: steps }) {
  const resize = steps?.resize;
  return facts([
    ["Images", `${inputSize} × ${inputSize}, ${steps?.channelOrder}, 0 to ${steps?.inputRange}`],
    ["Minus, over", `${steps?.mean?.join?.(", ")}; ${steps?.deviation?.join?.(", ")}`],
    ["Resized", resize && `${resize.rule} to ${resize.size}, ${resize.crop} cut out, ${resize.filter}`],
  ]);
}

function source(record) {
  const count = (names) => (names ? Object.keys(names).length || undefined : undefined);
  return [facts([
    ["File", code(record.file)], ["SHA-256", code(record.sha256)], ["Container", record.container], ["Family", record.family],
    ["Written by", record.tool], ["Passed over", count(record.waived)], ["Told by the user", count(record.told)],
    ["Worked in", record.baked && json(record.baked)],
    ["Through", Array.isArray(record.through) ? record.through.map((step) => step.file).join(" → ") : undefined],
  ]), whole("Names and the whole record", record)];
}

function certificate(record) {
  if (!record) return [element("p", { text: "This file was made, not converted: it has no certificate." })];
  const { probe, limit, layers, ownGraph, rounding, reference, fingerprints, values, node } = record;
  const check = element("p", { class: "soft" }, "This page compares checksums and runs no network. ", element("code", { text: "rnw verify FILE" }),
    " computes the values of the probe again, and holds them against these.");
  return [facts([
    ["Layers", layers && `${layers} compared, none off by more than ${limit}`],
    ["Own graph", ownGraph && `${ownGraph.layers} layers of the graph in the source`],
    ["Rounding", rounding && `${rounding.precision}, output off by ${Number(rounding.outputError).toExponential(1)} of its largest value`],
    ["Reference", reference && `${reference.file}, ${reference.layers} layers`],
    ["Probe", probe && `seed ${probe.seed}, [${probe.shape?.join?.(", ")}]`],
    ["Output", node && `${Array.isArray(values) ? values.length : 0} values of ${node}`],
    ["Fingerprints", fingerprints ? `of ${Math.floor(`${fingerprints.sums}`.length / 68)} layers` : "none"],
  ]), check, whole("The whole record", record)];
}

// The tensors

async function showTensors(file, isCurrent) {
  const used = file.source.used ?? {};
  const names = [...file.tensors.keys()].sort(inNaturalOrder);
  const rows = new Map(names.map((name) => [name, row(file.tensors.get(name), used[name])]));
  one("tensors").replaceChildren(...rows.values());
  one("filter").value = "";
  state("busy", "Reading");
  const [waiting, damaged] = [[...names], []];
  let read = 0;
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    for (let name; isCurrent() && (name = waiting.shift()) !== undefined; ) {
      try {
        const { data } = await file.tensor(name);
        if (isCurrent()) fill(rows.get(name), statistics(data));
      } catch (error) {
        damaged.push(name);
        if (isCurrent()) spoil(rows.get(name), error.message);
      }
      if (isCurrent()) state("busy", `Reading ${++read} of ${names.length}`);
    }
  }));
  if (!isCurrent()) return;
  if (damaged.length) state("bad", `${damaged.length} of ${names.length} tensors are damaged`);
  else state("good", `All checksums of ${names.length} tensors are right`);
}

function state(kind, text) {
  one("state").className = `badge ${kind}`;
  one("state").textContent = text;
}

const inNaturalOrder = (a, b) => place(a) - place(b) || a.localeCompare(b, "en", { numeric: true });
const place = (name) => (/^input/.test(name) ? 0 : /^stem/.test(name) ? 1 : /^stage/.test(name) ? 2 : /^head/.test(name) ? 4 : 3);

function row({ name, dtype, shape }, sourceName) {
  const head = element("th", { scope: "row" }, name, ...(sourceName && sourceName !== name ? [element("small", { text: `${sourceName}` })] : []));
  const cells = ["Smallest", "Mean", "Largest", "Deviation"].map((title) => element("td", { class: "number", "data-title": title, text: "…" }));
  const made = element("tr", {}, head, element("td", { text: dtype }), element("td", { text: shape.join(" × ") || "1" }), ...cells, element("td", { class: "plot" }));
  made.dataset.name = `${name} ${sourceName ?? ""}`.toLowerCase();
  return made;
}

/** Figures of the finite values, and how many there are from the smallest to the largest in equal steps. */
function statistics(data) {
  let [smallest, largest, sum, finite] = [Infinity, -Infinity, 0, 0];
  for (let index = 0; index < data.length; index++) {
    const value = Number(data[index]);
    if (!Number.isFinite(value)) continue;
    if (value < smallest) smallest = value;
    if (value > largest) largest = value;
    sum += value;
    finite += 1;
  }
  const [mean, bins] = [sum / finite, new Float64Array(BINS)];
  const step = (largest - smallest) / BINS || 1;
  let squares = 0;
  for (let index = 0; index < data.length; index++) {
    const value = Number(data[index]);
    if (!Number.isFinite(value)) continue;
    squares += (value - mean) ** 2;
    bins[Math.min(BINS - 1, Math.floor((value - smallest) / step))] += 1;
  }
  return { smallest, largest, mean, deviation: Math.sqrt(squares / finite), bins, finite, others: data.length - finite };
}

function fill(row, { smallest, largest, mean, deviation, bins, finite, others }) {
  const cells = [...row.querySelectorAll(".number")];
  [smallest, mean, largest, deviation].forEach((value, index) => { cells[index].textContent = finite ? short(value) : "–"; });
  if (finite) row.querySelector(".plot").append(histogram(bins, smallest, largest));
  if (others) row.querySelector(".plot").append(element("span", { class: "soft", text: `${grouped(others)} not finite` }));
}

function histogram(bins, smallest, largest) {
  const make = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const [most, width, height] = [Math.max(...bins), 160, 32];
  const text = `Histogram from ${short(smallest)} to ${short(largest)}`;
  const svg = make("svg", { viewBox: `0 0 ${width} 34`, role: "img", "aria-label": text, preserveAspectRatio: "none" });
  const step = width / bins.length;
  bins.forEach((count, index) => {
    if (!count) return;
    const size = Math.max(1, (height * count) / most);
    svg.append(make("rect", { x: index * step, y: height - size, width: step - 0.5, height: size }));
  });
  svg.append(make("line", { x1: 0, x2: width, y1: 33, y2: 33 }));
  if (smallest < 0 && largest > 0) {
    const zero = (-smallest / (largest - smallest)) * width;
    svg.append(make("line", { x1: zero, x2: zero, y1: 29, y2: 34 }));
  }
  return svg;
}

function spoil(row, message) {
  row.classList.add("damaged");
  for (const cell of row.querySelectorAll(".number")) cell.textContent = "–";
  row.querySelector(".plot").textContent = message;
}
