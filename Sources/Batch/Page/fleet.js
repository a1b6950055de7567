'use strict';

// The sums are whole without this: it shows the items, sorts and filters them.
const { judgements, networks, layers, reasons, rows } = JSON.parse(document.getElementById('data').textContent);
const table = document.querySelector('#items table');
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const search = document.getElementById('search');
const judgement = document.getElementById('judgement');
const reason = document.getElementById('reason');
const announcement = document.getElementById('announcement');
const more = document.getElementById('more');
const [NAME, JUDGED, NETWORK, LAYER, TIMES, SOURCE, FILE, REASON, ASSUMED, SECONDS] = Array(10).keys();
const hasTime = rows.some(row => row[SECONDS] !== undefined);
const step = 200;
let shown = [];
let limit = step;
let order = { column: 4, descending: true };

const count = number => number.toLocaleString('en-US');
const plain = new Intl.Collator('en', { numeric: true });
const texts = { 0: row => row[NAME], 1: row => judgements[row[JUDGED]], 2: row => networks[row[NETWORK]] ?? '', 3: row => layers[row[LAYER]] ?? '',
  8: row => reasons[row[REASON]] ?? '' };
const figures = { 4: row => row[TIMES] ?? -1, 5: row => row[SOURCE], 6: row => row[FILE] ?? -1, 7: row => row[FILE] == null ? -Infinity : row[SOURCE] - row[FILE],
  9: row => row[SECONDS] ?? -1 };

function cell(text, name) {
  const td = document.createElement('td');
  td.textContent = text;
  if (name) td.className = name;
  return td;
}

function line(row) {
  const tr = document.createElement('tr');
  const th = document.createElement('th');
  th.scope = 'row';
  th.textContent = row[NAME];
  const word = judgements[row[JUDGED]];
  const assumed = row[ASSUMED] ? `, assuming ${row[ASSUMED]}` : '';
  tr.append(th, cell(word + assumed, 'j-' + word), cell(texts[2](row)), cell(texts[3](row)),
    cell(row[TIMES] == null ? '' : row[TIMES] < 0 ? '∞' : String(row[TIMES]), 'number'), cell(count(row[SOURCE]), 'number'),
    cell(row[FILE] == null ? '' : count(row[FILE]), 'number'),
    cell(row[FILE] == null || !row[SOURCE] ? '' : (100 * (1 - row[FILE] / row[SOURCE])).toFixed(0) + ' %', 'number'), cell(texts[8](row), 'reason'));
  if (hasTime) tr.append(cell(row[SECONDS] == null ? '' : (row[SECONDS] / 1000).toFixed(1), 'number'));
  return tr;
}

function draw() {
  body.replaceChildren(...shown.slice(0, limit).map(line));
  const seen = Math.min(limit, shown.length);
  announcement.textContent = `${count(seen)} of ${count(shown.length)} shown, ${count(rows.length)} in all`;
  more.hidden = seen === shown.length;
}

function sort() {
  const { column, descending } = order;
  const sign = descending ? -1 : 1;
  // An error that is not finite is worse than any.
  const figure = column === 4 ? row => row[TIMES] != null && row[TIMES] < 0 ? Infinity : figures[4](row) : figures[column];
  const text = texts[column];
  const compare = text ? (a, b) => plain.compare(text(a), text(b)) : (a, b) => figure(a) < figure(b) ? -1 : figure(a) > figure(b) ? 1 : 0;
  shown.sort((a, b) => sign * compare(a, b) || plain.compare(a[NAME], b[NAME]));
  heads.forEach((head, index) => head.setAttribute('aria-sort', index === column ? (descending ? 'descending' : 'ascending') : 'none'));
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  shown = rows.filter(row => {
    if (judgement.value && judgements[row[JUDGED]] !== judgement.value) return false;
    if (reason.value !== '' && row[REASON] !== Number(reason.value)) return false;
    if (!words.length) return true;
    const text = [0, 1, 2, 3, 8].map(column => texts[column](row)).join(' ').toLowerCase();
    return words.every(word => text.includes(word));
  });
  limit = step;
  sort();
  draw();
}

heads.forEach((head, index) => head.firstElementChild.addEventListener('click', () => {
  const isSame = order.column === index;
  order = { column: index, descending: isSame ? !order.descending : index in figures };
  sort();
  draw();
}));
search.addEventListener('input', filter);
judgement.addEventListener('change', filter);
reason.addEventListener('change', filter);
more.addEventListener('click', () => { limit += 5 * step; draw(); });
document.getElementById('groups')?.addEventListener('click', event => {
  const index = event.target.dataset.reason;
  if (index === undefined) return;
  reason.value = index;
  judgement.value = '';
  filter();
  document.getElementById('items').scrollIntoView();
});

reasons.forEach((text, index) => reason.append(new Option(text.length > 90 ? text.slice(0, 89) + '…' : text, index)));
document.getElementById('items').hidden = false;
filter();
