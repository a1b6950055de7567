// Chooses a layer, shows how its differences are spread.
const data = JSON.parse(document.getElementById('data').textContent);
const rowOf = new Map(rows.map(row => [row.dataset.node, row]));
const order = rows.map(row => row.dataset.node);
const marks = new Map([...document.querySelectorAll('.network a')].map(mark => [mark.dataset.node, mark]));
const panel = document.getElementById('panel');
let chosen = null;
let mode = null;

const drawing = document.querySelector('svg').namespaceURI;
const svg = (name, attributes = {}, text = '') => {
  const element = document.createElementNS(drawing, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
};
const html = (name, text, attributes = {}) => {
  const element = document.createElement(name);
  element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const count = number => number.toLocaleString('en-US');
const short = number => number === 0 ? '0' : number.toExponential(1).replace('e-', 'e−').replace('e+', 'e');

// MARK: Choosing

function choose(node, from) {
  if (!rowOf.has(node)) return;
  if (chosen !== null) {
    rowOf.get(chosen).removeAttribute('aria-current');
    marks.get(chosen)?.setAttribute('aria-selected', 'false');
    marks.get(chosen)?.setAttribute('tabindex', '-1');
  }
  chosen = node;
  rowOf.get(node).setAttribute('aria-current', 'true');
  const mark = marks.get(node);
  if (mark) {
    mark.setAttribute('aria-selected', 'true');
    mark.setAttribute('tabindex', '0');
    if (from === 'network') mark.focus({ preventScroll: false });
  }
  moveCursor();
  showLayer();
  if (from !== 'start') try { history.replaceState(null, '', '#layer-' + node); } catch { /* not from every disk */ }
}

function step(by, from) {
  const place = order.indexOf(chosen) + by;
  choose(order[Math.min(Math.max(place, 0), order.length - 1)], from);
}

function stepToFailure() {
  const start = order.indexOf(chosen) + 1;
  const next = [...order.slice(start), ...order.slice(0, start)].find(node => rowOf.get(node).classList.contains('fail'));
  if (next) choose(next);
}

const network = document.querySelector('.network');
network.addEventListener('click', event => {
  const mark = event.target.closest('a');
  if (!mark) return;
  event.preventDefault();
  choose(mark.dataset.node, 'network');
});
network.addEventListener('keydown', event => {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e6, End: 1e6 };
  if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  step(steps[event.key], 'network');
});
body.addEventListener('click', event => {
  const row = event.target.closest('tr');
  if (row && !String(getSelection())) choose(row.dataset.node);
});

// MARK: The chart

const chart = document.querySelector('.chart');
const cursor = chart.querySelector('.cursor');
const readout = document.getElementById('readout');
const places = chart.dataset.x.split(' ').map(Number);

function moveCursor() {
  const x = places[order.indexOf(chosen)];
  cursor.setAttribute('d', `M${x} ${chart.dataset.top}V${chart.dataset.bottom}`);
}
function nearest(event) {
  const box = chart.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width;
  let best = 0;
  places.forEach((place, index) => { if (Math.abs(place - x) < Math.abs(places[best] - x)) best = index; });
  return order[best];
}
chart.addEventListener('pointermove', event => {
  const node = nearest(event);
  const figures = ['propagated', 'isolated'].filter(name => data[node][name])
    .map(name => `${name} ${data[node][name].figures[0]}`);
  readout.textContent = `${nameOf(node)}: ${figures.join(', ')}`;
});
chart.addEventListener('pointerleave', () => { readout.textContent = readout.dataset.idle; });
chart.addEventListener('click', event => choose(nearest(event)));

// MARK: The chosen layer

const nameOf = node => rowOf.get(node).dataset.name;
const labels = ['scaled error', 'limit', 'max |a−b|', 'at', 'max |b|', 'mean |a−b|', 'RMS', 'cosine', 'SQNR, dB', 'values', 'over limit', 'not finite'];

function showLayer() {
  const row = rowOf.get(chosen);
  const modes = ['propagated', 'isolated'].filter(name => data[chosen][name]);
  if (!modes.includes(mode)) mode = modes.at(-1);
  panel.querySelector('h2 span').textContent = row.dataset.name;
  panel.querySelector('.about').textContent = [row.title, row.dataset.operation, row.dataset.shape].filter(Boolean).join(' · ');
  const status = panel.querySelector('.status');
  const verdict = row.querySelector('.verdict');
  status.textContent = verdict.textContent + (verdict.dataset.suspicion ? ': ' + verdict.dataset.suspicion : '');
  status.className = 'status ' + (row.classList.contains('fail') ? 'fail' : 'pass');

  const head = html('tr', '');
  head.append(html('td', ''), ...modes.map(name => html('th', name, { scope: 'col' })));
  const lines = labels.map((label, index) => {
    const line = html('tr', '');
    line.append(html('th', label, { scope: 'row' }), ...modes.map(name => html('td', data[chosen][name].figures[index])));
    return line;
  });
  const figures = panel.querySelector('.figures');
  figures.tHead.replaceChildren(head);
  figures.tBodies[0].replaceChildren(...lines);

  const choice = panel.querySelector('.modes');
  choice.hidden = modes.length < 2;
  for (const radio of choice.querySelectorAll('input')) radio.checked = radio.value === mode;
  drawSizes(data[chosen][mode]);
  drawChannels(data[chosen][mode]);
}

panel.querySelector('.modes').addEventListener('change', event => { mode = event.target.value; showLayer(); });
panel.querySelector('.stepper').addEventListener('click', event => {
  const by = event.target.dataset.step;
  if (by === 'failure') stepToFailure(); else if (by) step(Number(by));
});

const width = 360;
const severity = times => times === 0 ? 0 : times <= .1 ? 1 : times <= .5 ? 2 : times <= 1 ? 3 : times <= 10 ? 4 : times <= 1000 ? 5 : 6;

// The differences by size: above the line where a > b, below it where a < b.
function drawSizes(figures) {
  const plot = document.getElementById('sizes');
  const note = document.getElementById('sizes-note');
  const { scale, limit, sizes } = figures;
  plot.replaceChildren();
  if (!sizes) { note.textContent = 'The page was made without this.'; return; }
  const [equal, broken, first, above, below] = sizes;
  const total = equal + broken + above.concat(below).reduce((sum, number) => sum + number, 0);
  const size = index => 2 ** (first + index) / scale;
  const low = Math.min(-9, above.length ? Math.max(Math.floor(Math.log10(size(0))), -12) : -9);
  const high = Math.max(Math.ceil(Math.log10(limit)) + 1, above.length ? Math.min(Math.ceil(Math.log10(size(above.length))), 6) : low + 1);
  const x = value => 8 + (Math.min(Math.max(Math.log10(value), low), high) - low) / (high - low) * (width - 16);
  const largest = Math.max(1, ...above, ...below);
  const middle = 66;
  for (let power = low; power <= high; power += 1) {
    plot.append(svg('path', { class: 'grid', d: `M${x(10 ** power)} 10V122` }));
    if ((power - low) % 2 === 0) plot.append(svg('text', { x: x(10 ** power), y: 136, 'text-anchor': 'middle' }, '1e' + power));
  }
  above.forEach((number, index) => {
    const left = x(size(index));
    const wide = Math.max(x(size(index + 1)) - left - .6, .8);
    const colour = 's' + severity(Math.SQRT2 * size(index) / limit);
    for (const [value, sign] of [[number, -1], [below[index], 1]]) {
      if (!value) continue;
      const tall = Math.max(value / largest * 54, .7);
      const bar = svg('rect', { class: colour, x: left, y: sign < 0 ? middle - tall : middle, width: wide, height: tall });
      bar.append(svg('title', {}, `${short(size(index))} to ${short(size(index + 1))}: ${count(value)} values with a ${sign < 0 ? '>' : '<'} b`));
      plot.append(bar);
    }
  });
  plot.append(svg('path', { class: 'grid', d: `M8 ${middle}H${width - 8}`, stroke: 'currentColor' }));
  plot.append(svg('path', { class: 'limit', d: `M${x(limit)} 6V126` }), svg('text', { x: x(limit) - 4, y: 14, class: 'axis' }, 'limit'));
  if (above.some(Boolean)) plot.append(svg('text', { x: 8, y: 20 }, 'a > b'));
  if (below.some(Boolean)) plot.append(svg('text', { x: 8, y: 120 }, 'a < b'));
  const parts = [`${count(equal)} of ${count(total)} values are equal`];
  if (broken) parts.push(`${count(broken)} have no finite difference`);
  const up = above.reduce((sum, number) => sum + number, 0);
  const down = below.reduce((sum, number) => sum + number, 0);
  if (up + down) parts.push(`${Math.round(100 * up / (up + down))} % of the others are too large, ${Math.round(100 * down / (up + down))} % too small`);
  note.textContent = parts.join('; ') + '.';
  plot.setAttribute('aria-label', 'Differences by size. ' + note.textContent);
}

// A letter for each channel: A is zero, c the limit, each other one a sixth of a decade, 9 not finite.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const timesLimit = level => level === 0 ? 0 : level === 61 ? Infinity : 10 ** ((level - 28) / 6);

// The largest difference of each channel, in units of the layer's largest value.
function drawChannels(figures) {
  const plot = document.getElementById('channels');
  const note = document.getElementById('channels-note');
  const { limit, channels } = figures;
  plot.replaceChildren();
  if (!channels) { note.textContent = figures.sizes ? 'Every channel is equal.' : 'The page was made without this.'; plot.setAttribute('aria-label', 'Channels. ' + note.textContent); return; }
  const errors = [...channels].map(letter => limit * timesLimit(alphabet.indexOf(letter)));
  const finite = errors.filter(error => error > 0 && Number.isFinite(error));
  const low = Math.min(-8, Math.floor(Math.log10(Math.min(...finite, 1e-8))));
  const high = Math.max(Math.ceil(Math.log10(limit)) + 1, Math.ceil(Math.log10(Math.max(...finite, 1e-9)) + .01));
  const y = value => 92 - (Math.min(Math.max(Math.log10(value), low), high) - low) / (high - low) * 84;
  const left = 32;
  const wide = (width - left - 4) / errors.length;
  for (let power = low; power <= high; power += 1) {
    plot.append(svg('path', { class: 'grid', d: `M${left} ${y(10 ** power)}H${width - 4}` }));
    if ((power - high) % 2 === 0) plot.append(svg('text', { class: 'axis', x: left - 4, y: y(10 ** power) + 4 }, '1e' + power));
  }
  const paths = Array.from({ length: 7 }, () => '');
  errors.forEach((error, channel) => {
    if (error === 0) return;
    const top = Number.isFinite(error) ? y(error) : 4;
    const gap = wide > 3 ? .6 : 0;
    paths[severity(timesLimit(alphabet.indexOf(channels[channel])))] += `M${(left + channel * wide).toFixed(2)} 92V${top.toFixed(1)}h${Math.max(wide - gap, .25).toFixed(2)}V92z`;
  });
  paths.forEach((path, index) => { if (path) plot.append(svg('path', { class: 's' + index, d: path })); });
  // The line is seen on bars of its own colour too.
  for (const kind of ['limit-back', 'limit']) plot.append(svg('path', { class: kind, d: `M${left} ${y(limit)}H${width - 4}` }));
  plot.append(svg('text', { x: left, y: 106 }, '0'), svg('text', { class: 'axis', x: width - 4, y: 106 }, String(errors.length - 1)));
  const over = errors.map((error, channel) => ({ error, channel })).filter(({ channel }) => alphabet.indexOf(channels[channel]) > 28).sort((a, b) => b.error - a.error || a.channel - b.channel);
  const list = over.slice(0, 6).map(({ channel }) => channel).join(', ');
  note.textContent = over.length === 0 ? `All ${count(errors.length)} channels are within the limit.`
    : `${count(over.length)} of ${count(errors.length)} channels ${over.length === 1 ? 'is' : 'are'} over the limit, most: ${list}${over.length > 6 ? ' and more' : ''}.`;
  plot.setAttribute('aria-label', 'Channels. ' + note.textContent);
}

// MARK: The start

for (const link of document.querySelectorAll('[data-choose]')) {
  link.addEventListener('click', event => { event.preventDefault(); choose(link.dataset.choose, 'network'); });
}
panel.hidden = false;
panel.querySelector('[data-step=failure]').hidden = !body.querySelector('.fail');
const wanted = /^#layer-(\d+)$/.exec(location.hash)?.[1];
choose(rowOf.has(wanted) ? wanted : table.dataset.first, 'start');
