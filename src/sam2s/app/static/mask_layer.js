// One mask as two small canvases, its area and its outline, each drawn transposed because runs go down columns.
import { boundsOf, runsOf } from "./rle.js";

/** Outlines differ by object as well as colours do: solid, dashed, dotted, dash-dot. */
const PATTERNS = [
  () => true,
  (/** @type {number} */ step) => step % 10 < 6,
  (/** @type {number} */ step) => step % 4 < 2,
  (/** @type {number} */ step) => step % 14 < 8 || (step % 14 > 9 && step % 14 < 12),
];

/**
 * @param {string} colour "#rrggbb"
 * @returns {number} as a little-endian RGBA word, opaque
 */
function word(colour) {
  const value = parseInt(colour.slice(1), 16);
  return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

/** @param {number} width @param {number} height */
function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** A mask ready to be drawn. */
export class MaskLayer {
  /**
   * @param {import("./types.js").Rle} rle
   * @param {string} colour
   * @param {number} style number of the outline's pattern
   * @param {number} thickness of the outline in pixels of the source
   */
  constructor(rle, colour, style, thickness) {
    const height = rle.size[0];
    const runs = runsOf(rle.counts);
    this.bounds = boundsOf(runs, height);
    /** @type {HTMLCanvasElement | null} */
    this.area = null;
    /** @type {HTMLCanvasElement | null} */
    this.outline = null;
    if (!this.bounds) return;
    const [x0, y0, x1, y1] = this.bounds;
    const rows = y1 - y0;
    const columns = x1 - x0;
    const inside = new Uint8Array(rows * columns);
    let at = 0;
    for (let i = 0; i < runs.length; i++) {
      const end = at + runs[i];
      if (i & 1) {
        for (let from = at; from < end; ) {
          const column = Math.floor(from / height);
          const until = Math.min(end, (column + 1) * height);
          const base = (column - x0) * rows - column * height - y0;
          inside.fill(1, base + from, base + until);
          from = until;
        }
      }
      at = end;
    }
    this.paint(inside, rows, columns, word(colour), style, thickness);
  }

  /**
   * @param {Uint8Array} inside
   * @param {number} rows
   * @param {number} columns
   * @param {number} rgba
   * @param {number} style
   * @param {number} thickness
   */
  paint(inside, rows, columns, rgba, style, thickness) {
    const filled = new ImageData(rows, columns);
    const edged = new ImageData(rows, columns);
    const fill = new Uint32Array(filled.data.buffer);
    const edge = new Uint32Array(edged.data.buffer);
    const pattern = PATTERNS[style % PATTERNS.length];
    for (let column = 0, at = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++, at++) {
        if (!inside[at]) continue;
        fill[at] = rgba;
        let border = false;
        for (let reach = 1; reach <= thickness && !border; reach++) {
          border =
            row < reach || row >= rows - reach || column < reach || column >= columns - reach ||
            !inside[at - reach] || !inside[at + reach] || !inside[at - reach * rows] || !inside[at + reach * rows];
        }
        if (border && pattern(row + column)) edge[at] = rgba;
      }
    }
    this.area = newCanvas(rows, columns);
    this.outline = newCanvas(rows, columns);
    /** @type {CanvasRenderingContext2D} */ (this.area.getContext("2d")).putImageData(filled, 0, 0);
    /** @type {CanvasRenderingContext2D} */ (this.outline.getContext("2d")).putImageData(edged, 0, 0);
  }

  /**
   * Draw on a context whose units are pixels of the source.
   * @param {CanvasRenderingContext2D} context
   * @param {number} opacity of the area
   * @param {boolean} outlineOnly
   */
  draw(context, opacity, outlineOnly) {
    if (!this.bounds || !this.area || !this.outline) return;
    context.save();
    context.transform(0, 1, 1, 0, this.bounds[0], this.bounds[1]);
    if (!outlineOnly) {
      context.globalAlpha = opacity;
      context.drawImage(this.area, 0, 0);
    }
    context.globalAlpha = 1;
    context.drawImage(this.outline, 0, 0);
    context.restore();
  }
}
