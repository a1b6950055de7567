// The encoding `planes`: floats split by what their bits hold, exponents deflated.
import { need } from "./json.js";
/** `count` elements as words of unsigned integers, by the bytes in the file. */
export async function decode(stored, place, dtype, width, count) {
  need(stored.length >= 8, place, "8 bytes before the table");
  const view = new DataView(stored.buffer);
  const [most, blocks] = [view.getUint32(0, true), view.getUint32(4, true)];
  need(most > 0 && most <= 1 << 24 && (most & (most - 1)) === 0, place, "a power of two up to 2^24 as elements per block");
  let [at, offset] = [8, 8 + 4 * blocks * width];
  need(blocks === Math.ceil(count / most) && offset <= stored.length, place, `a table of ${Math.ceil(count / most)} blocks`);
  const elements = new { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[width](count);
  for (let block = 0; block < blocks; block++) {
    const [part, planes] = [elements.subarray(block * most, (block + 1) * most), []];
    for (; planes.length < width; at += 4) {
      const bytes = stored.subarray(offset, (offset += view.getUint32(at, true)));
      need(bytes.length <= part.length && offset <= stored.length, place, `planes of at most ${part.length} bytes`);
      const plain = bytes.length === 0 || bytes.length === part.length ? bytes : await inflated(bytes, part.length);
      need(plain, place, `a deflate stream of exactly ${part.length} bytes`);
      planes.push(plain.length ? plain : new Uint8Array(part.length));
    }
    join(planes, part, dtype);
  }
  need(offset === stored.length, place, `${offset} bytes of table and planes, not ${stored.length}`);
  return elements;
}
/** Puts the planes, highest first, together to elements. The sign stands after the exponent. */
function join(planes, elements, dtype) {
  for (let index = 0; index < elements.length; index++) {
    let bits = 0;
    for (let place = 0; place < planes.length; place++) bits = (bits << 8) | planes[place][index];
    if (dtype === "F32") bits = ((bits & 0xff000000) >>> 1) | ((bits & 0x800000) << 8) | (bits & 0x7fffff);
    if (dtype === "BF16") bits = ((bits & 0xff00) >>> 1) | ((bits & 0x80) << 8) | (bits & 0x7f);
    elements[index] = bits;
  }
}
/** Exactly `count` bytes of a deflate stream with nothing after it, else nothing. */
async function inflated(bytes, count) {
  const plain = await beginning(bytes, count);
  // Some runtimes pass over bytes after the end of a stream. There are none if it is not whole without its last byte.
  return plain?.length === count && (await refusesMore || !(await beginning(bytes.subarray(0, -1), count))) && plain;
}
async function beginning(bytes, most) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const plain = new Uint8Array(most);
  let length = 0;
  try {
    for (let part; !(part = await reader.read()).done; length += part.value.length) plain.set(part.value, length);
    return plain.subarray(0, length);
  } catch { // It is no deflate stream, or not whole, or gives more than fits.
    reader.cancel().catch(() => {});
  }
}
const refusesMore = beginning(Uint8Array.of(3, 0, 0), 0).then((plain) => plain === undefined);
