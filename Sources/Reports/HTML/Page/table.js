'use strict';

// The page is whole without its scripts. This one sorts the table of layers by its headings, and finds rows by their words.
const table = document.querySelector('#layers table');
const body = table.tBodies[0];
const rows = [...body.rows];

const heads = [...table.tHead.rows[0].cells];
const key = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
};
const compare = (a, b) => typeof a === 'number' ? a - b || 0 : a.localeCompare(b, 'en', { numeric: true });
heads.forEach((head, column) => head.firstElementChild.addEventListener('click', () => {
  const numeric = rows.length > 0 && typeof key(rows[0], column) === 'number';
  const was = head.getAttribute('aria-sort');
  const sort = was === 'descending' ? 'ascending' : was === 'ascending' ? 'descending' : numeric && column > 0 ? 'descending' : 'ascending';
  heads.forEach(other => other.setAttribute('aria-sort', 'none'));
  head.setAttribute('aria-sort', sort);
  const sign = sort === 'ascending' ? 1 : -1;
  body.append(...[...rows].sort((a, b) => sign * compare(key(a, column), key(b, column))));
  announce(`sorted by ${head.textContent}, ${sort}`);
}));

// Only a comparison has it.
const failing = document.getElementById('failing');
const search = document.getElementById('search');
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = [row.dataset.name, row.title, row.dataset.operation].join(' ').toLowerCase();
    row.hidden = failing?.checked && !row.classList.contains('fail') || !words.every(word => text.includes(word));
    if (!row.hidden) shown += 1;
  }
  announce(`${shown} of ${rows.length} layers shown`);
}
failing?.addEventListener('change', filter);
search.addEventListener('input', filter);

function announce(text) { document.getElementById('announcement').textContent = text; }
