// JSON as the texts of a .rnw hold it: what every language reads in the same way, and nothing else.
export class RNWError extends Error { name = "RNWError"; }
export function need(holds, place, expected) {
  const escaped = (c) => `\\u{${c.codePointAt(0).toString(16)}}`;
  if (!holds) throw new RNWError(`${place}: expected ${expected}`.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped));
}
/** The one object that a text is. Whole numbers are BigInt; if `plain`, only those that a number does not hold exactly. */
export function strictObject(source, place, plain) {
  let at = 0;
  const check = (holds, expected) => holds || need(false, place, `${expected} at character ${at} of the JSON`);
  const next = () => { while (/[ \t\n\r]/.test(source[at])) at += 1; return source[at]; };
  function text() {
    const begin = next() === '"' ? at++ : check(false, "a text");
    while (at < source.length && source[at] !== '"') at += source[at] === "\\" ? 2 : 1;
    let value = "\ud800";
    try { value = JSON.parse(source.slice(begin, ++at)); } catch { /* It is no text. */ }
    return check(!/\p{Surrogate}/u.test(value), "a text, without half of a surrogate pair,") && value;
  }
  function value(depth) {
    if (next() === '"') return text();
    if (source[at] === "{" || source[at] === "[") return items(depth);
    const [word] = /^(true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|)/.exec(source.slice(at, at + 80));
    at += word.length;
    if (word === "true" || word === "false") return word === "true";
    check(word && word.length <= 64 && Number.isFinite(Number(word)), "a value, no null, a number that float64 holds");
    return !/^[0-9]+$/.test(word) || (plain && Number.isSafeInteger(Number(word))) ? Number(word) : BigInt(word);
  }
  function items(depth) {
    check(depth <= 16, "at most 16 levels");
    const [end, result] = source[at++] === "{" ? ["}", Object.create(null)] : ["]", []]; // With no keys but the text's.
    for (let more = next() !== end; more; at += more) {
      const key = end === "}" ? text() : result.length;
      check(!(key in result) && (end === "]" || (next() === ":" && ++at)), "every key once, and a : after it,");
      result[key] = value(depth + 1);
      more = next() === ",";
    }
    return check(source[at++] === end, `, or ${end}`) && result;
  }
  check(source?.[0] === "{", "an object that begins with {");
  const result = value(1);
  return check(/^ *$/.test(source.slice(at)), "only spaces") && result;
}
