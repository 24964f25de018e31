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
