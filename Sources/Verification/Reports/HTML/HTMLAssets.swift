/// What the page looks like and how its table sorts.
enum HTMLAssets {
  /// Colours of errors run from blue to orange and red, which most colour-blind people tell apart;
  /// failures have a mark as well.
  static let style = """
    :root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --faint: #d0d7de; --soft: #57606a;
      --s0: #c8ddf0; --s1: #8fbce6; --s2: #4f94d4; --s3: #1f6fb8; --s4: #f2b84b; --s5: #e5793a; --s6: #c2261d;
      --good: #116329; --bad: #b3261e; --isolated: #8250df; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6edf3; --paper: #0d1117; --faint: #30363d; --soft: #9198a1;
        --s0: #17324d; --s1: #1f4e79; --s2: #2f75b5; --s3: #5ba3e6; --s4: #d9a033; --s5: #e5793a; --s6: #f0524a;
        --good: #3fb950; --bad: #ff7b72; --isolated: #bc8cff; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--paper); color: var(--ink);
      font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
    main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
    h1 { font-size: 1.4rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
    h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
    h3 { font-size: .85rem; margin: .75rem 0 .25rem; color: var(--soft); }
    code { font: 13px/1.4 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
    header { border-left: 6px solid var(--good); padding-left: 1rem; }
    header.fail { border-color: var(--bad); }
    .verdict strong { color: var(--good); } header.fail .verdict strong { color: var(--bad); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
    dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .25rem 0;
      font-size: .85rem; }
    .swatch { display: inline-block; width: .9rem; height: .9rem; border-radius: 3px; margin-right: .35rem;
      vertical-align: -.1rem; border: 1px solid var(--faint); }
    .stroke { display: inline-block; width: 1.4rem; border-top: 3px solid; margin-right: .35rem;
      vertical-align: .2rem; }
    .stroke.propagated { border-color: var(--s3); } .stroke.isolated { border-color: var(--isolated); }
    .stroke.limit { border-color: var(--bad); border-top-style: dashed; }
    .network { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: flex-start; }
    .blocks { display: flex; flex-wrap: wrap; gap: .4rem; align-items: flex-start; }
    .block text { font: 13px sans-serif; text-anchor: middle; fill: var(--ink); pointer-events: none; }
    .block rect { stroke: var(--faint); }
    .block .s6 ~ text { fill: #ffffff; }
    .block .culprit rect { stroke: var(--ink); stroke-width: 2.5; }
    .block a:focus-visible rect { stroke: var(--ink); stroke-width: 3; }
    .edge { fill: none; stroke: var(--soft); }
    .s0 { fill: var(--s0); background: var(--s0); } .s1 { fill: var(--s1); background: var(--s1); }
    .s2 { fill: var(--s2); background: var(--s2); } .s3 { fill: var(--s3); background: var(--s3); }
    .s4 { fill: var(--s4); background: var(--s4); } .s5 { fill: var(--s5); background: var(--s5); }
    .s6 { fill: var(--s6); background: var(--s6); } .none { fill: var(--paper); stroke-dasharray: 2; }
    .scroll { overflow-x: auto; }
    .chart { width: 100%; min-width: 40rem; height: auto; }
    .grid { stroke: var(--faint); } .axis { fill: var(--soft); font: 11px sans-serif; text-anchor: end; }
    .line { fill: none; stroke-width: 1.5; } .line.limit { stroke: var(--bad); stroke-dasharray: 5 4; }
    .line.propagated { stroke: var(--s3); } .line.isolated { stroke: var(--isolated); }
    circle.propagated { fill: var(--s3); } circle.isolated { fill: var(--isolated); }
    table { border-collapse: collapse; width: 100%; font-size: .85rem; }
    th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--faint); text-align: left; white-space: nowrap; }
    tbody th { font-weight: 500; }
    .number { text-align: right; font-variant-numeric: tabular-nums; }
    th button { all: unset; cursor: pointer; font-weight: 600; }
    th button:focus-visible { outline: 2px solid var(--s3); }
    th[aria-sort=ascending] button::after { content: " ▲"; }
    th[aria-sort=descending] button::after { content: " ▼"; }
    tr.fail td:last-child, tr.fail th { color: var(--bad); }
    tr:target, tr:focus { background: color-mix(in srgb, var(--s4) 25%, transparent); outline: none; }
    """

  static let script = """
    'use strict';
    const table = document.querySelector('table');
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const key = (row, column) => {
      const cell = row.cells[column];
      return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
    };
    const compare = (a, b) => typeof a === 'number'
      ? (Number.isNaN(a) ? 1 : a) - (Number.isNaN(b) ? 1 : b) || 0
      : a.localeCompare(b, 'en', { numeric: true });
    heads.forEach((head, column) => head.firstChild.addEventListener('click', () => {
      const numeric = body.rows.length > 0 && typeof key(body.rows[0], column) === 'number';
      const was = head.getAttribute('aria-sort');
      const order = was === 'none' ? (numeric && column > 0 ? 'descending' : 'ascending')
        : was === 'ascending' ? 'descending' : 'ascending';
      heads.forEach(other => other.setAttribute('aria-sort', 'none'));
      head.setAttribute('aria-sort', order);
      const sign = order === 'ascending' ? 1 : -1;
      body.append(...[...body.rows].sort((a, b) => sign * compare(key(a, column), key(b, column))));
    }));
    document.getElementById('failing').addEventListener('change', event => {
      for (const row of body.rows) row.hidden = event.target.checked && row.className === 'pass';
    });
    document.querySelectorAll('a[href^="#layer-"]').forEach(link => link.addEventListener('click', () => {
      const row = document.getElementById(link.getAttribute('href').slice(1));
      row.hidden = false;
      row.focus();
    }));
    """
}
