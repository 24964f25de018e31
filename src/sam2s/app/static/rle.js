// COCO run lengths: column-major runs that begin with background, as the exports hold them.

/**
 * Lengths of the runs in a compressed string.
 * @param {string} text
 * @returns {Int32Array}
 */
export function runsOf(text) {
  const runs = new Int32Array(text.length);
  let count = 0;
  for (let at = 0; at < text.length; ) {
    let value = 0;
    let shift = 0;
    let code = 0;
    do {
      code = text.charCodeAt(at++) - 48;
      value |= (code & 31) << shift;
      shift += 5;
    } while (code & 32);
    if (code & 16 && shift < 32) value |= -1 << shift;
    if (count > 2) value += runs[count - 2];
    runs[count++] = value;
  }
  return runs.subarray(0, count);
}

/**
 * Write runs as a compressed string.
 * @param {ArrayLike<number>} runs
 */
export function textOf(runs) {
  let text = "";
  for (let i = 0; i < runs.length; i++) {
    let value = i > 2 ? runs[i] - runs[i - 2] : runs[i];
    for (;;) {
      let code = value & 31;
      value >>= 5;
      const more = code & 16 ? value !== -1 : value !== 0;
      if (more) code |= 32;
      text += String.fromCharCode(code + 48);
      if (!more) break;
    }
  }
  return text;
}

/**
 * Decode to one byte a pixel, column by column.
 * @param {import("./types.js").Rle} rle
 * @returns {Uint8Array}
 */
export function decode(rle) {
  const [height, width] = rle.size;
  const pixels = new Uint8Array(height * width);
  let at = 0;
  let inside = 0;
  for (const run of runsOf(rle.counts)) {
    if (inside) pixels.fill(1, at, at + run);
    at += run;
    inside ^= 1;
  }
  return pixels;
}

/**
 * Encode one byte a pixel, column by column.
 * @param {Uint8Array} pixels
 * @param {number} height
 * @param {number} width
 * @returns {import("./types.js").Rle}
 */
export function encode(pixels, height, width) {
  const runs = [];
  let value = 0;
  let start = 0;
  while (start < pixels.length) {
    let end = pixels.indexOf(value ^ 1, start);
    if (end < 0) end = pixels.length;
    runs.push(end - start);
    start = end;
    value ^= 1;
  }
  if (!runs.length) runs.push(0);
  return { size: [height, width], counts: textOf(runs) };
}

/**
 * What two masks of one size have in common.
 * @param {import("./types.js").Rle} one
 * @param {import("./types.js").Rle} other
 * @returns {number} in pixels
 */
export function sharedArea(one, other) {
  const [a, b] = [runsOf(one.counts), runsOf(other.counts)];
  let shared = 0;
  for (let i = 0, j = 0, endA = a[0], endB = b[0], at = 0; i < a.length && j < b.length; ) {
    const end = Math.min(endA, endB);
    if (i & 1 && j & 1) shared += end - at;
    at = end;
    if (endA === end) endA += a[++i];
    if (endB === end) endB += b[++j];
  }
  return shared;
}

/**
 * @param {import("./types.js").Rle} one
 * @param {import("./types.js").Rle} other
 * @returns {import("./types.js").Rle} one without what lies in the other
 */
export function without(one, other) {
  const [left, taken] = [decode(one), decode(other)];
  for (let i = 0; i < left.length; i++) left[i] &= taken[i] ^ 1;
  return encode(left, one.size[0], one.size[1]);
}

/**
 * Rows and columns that hold object pixels: [x0, y0, x1, y1], ends outside; null for an empty mask.
 * @param {Int32Array} runs
 * @param {number} height
 * @returns {[number, number, number, number] | null}
 */
export function boundsOf(runs, height) {
  let at = 0;
  let x0 = Infinity;
  let x1 = -1;
  let y0 = Infinity;
  let y1 = -1;
  for (let i = 0; i < runs.length; i++) {
    const end = at + runs[i];
    if (i & 1 && runs[i]) {
      const first = Math.floor(at / height);
      const last = Math.floor((end - 1) / height);
      x0 = Math.min(x0, first);
      x1 = Math.max(x1, last);
      y0 = first === last ? Math.min(y0, at % height) : 0;
      y1 = first === last ? Math.max(y1, (end - 1) % height) : height - 1;
    }
    at = end;
  }
  return x1 < 0 ? null : [x0, y0, x1 + 1, y1 + 1];
}
