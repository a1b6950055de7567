// The search of the site, and its menu on narrow screens. The index is a script of its own, loaded when it is first needed:
// a page from disk may load scripts, but fetch nothing.
const root = document.body.dataset.root;
const form = document.querySelector(".search");
const field = form.querySelector("input");
const list = document.getElementById("found");
const menu = document.querySelector(".menu");
const navigation = document.getElementById("navigation");
let loading;

form.hidden = false;
menu.hidden = false;
document.body.classList.add("scripted");
for (const event of ["focus", "input"]) field.addEventListener(event, update);
form.addEventListener("submit", (event) => { event.preventDefault(); list.querySelector("a")?.click(); });
form.addEventListener("keydown", move);
document.addEventListener("click", (event) => { if (!form.contains(event.target)) list.hidden = true; });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) { event.preventDefault(); field.focus(); }
});
menu.addEventListener("click", () => menu.setAttribute("aria-expanded", document.body.classList.toggle("menu-open")));

async function update() {
  await (loading ??= load());
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  list.replaceChildren(...(words.length ? best(words) : []));
  list.hidden = words.length === 0;
}

function load() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}/search-index.js`;
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });
}

/** The twelve best sections that have all words. */
function best(words) {
  const found = [];
  for (const entry of window.searchIndex) {
    const value = score(entry, words);
    if (value > 0) found.push([value, entry]);
  }
  found.sort((a, b) => b[0] - a[0]);
  if (found.length === 0) {
    const none = document.createElement("li");
    none.textContent = "Nothing has all of these words.";
    return [none];
  }
  return found.slice(0, 12).map(([, entry]) => item(entry, words));
}

/** A word counts more in a title than in the text, and more where it is the whole of a word or its beginning. */
function score([, page, title, text], words) {
  let sum = 0;
  for (const word of words) {
    const inTitle = weight(title.toLowerCase(), word);
    const value = Math.max(20 * inTitle, 4 * weight(page.toLowerCase(), word), weight(text.toLowerCase(), word));
    if (value === 0) return 0;
    sum += value;
  }
  return sum - title.length / 100;
}

function weight(text, word) {
  const at = text.indexOf(word);
  if (at < 0) return 0;
  const begins = (place) => place === 0 || !/[\p{L}\p{N}]/u.test(text[place - 1]);
  if (text === word) return 4;
  for (let place = at; place >= 0; place = text.indexOf(word, place + 1)) {
    if (begins(place)) return /^[\p{L}\p{N}]/u.test(text.slice(place + word.length)) ? 2 : 3;
  }
  return 1;
}

function item([link, page, title, text], words) {
  const anchor = document.createElement("a");
  anchor.href = `${root}/${link}`;
  const heading = document.createElement("strong");
  heading.textContent = title;
  anchor.append(heading);
  if (page !== title) {
    const place = document.createElement("small");
    place.textContent = page;
    anchor.append(place);
  }
  const passage = document.createElement("span");
  passage.textContent = around(text, words[0]);
  if (passage.textContent) anchor.append(passage);
  anchor.addEventListener("click", () => { list.hidden = true; });
  const entry = document.createElement("li");
  entry.append(anchor);
  return entry;
}

function around(text, word) {
  const at = Math.max(0, text.toLowerCase().indexOf(word) - 40);
  const start = at === 0 ? 0 : text.indexOf(" ", at) + 1;
  const passage = text.slice(start, start + 140);
  return (start > 0 ? "… " : "") + passage + (start + 140 < text.length ? " …" : "");
}

/** Arrows go through what was found, Escape closes it. */
function move(event) {
  const links = [field, ...list.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") { list.hidden = true; field.focus(); }
  if (!step || at < 0) return;
  event.preventDefault();
  links[(at + step + links.length) % links.length].focus();
}
