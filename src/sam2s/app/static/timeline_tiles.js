// The timeline's data in tiles: the server adds frames up, each tile is drawn once and then only moved and stretched.
import { get } from "./api.js";
import { el } from "./dom.js";
import { stateWord } from "./words.js";

export const BUCKETS = 512;
export const ROW = 22;
const KEPT = 160;

/** @param {number | null} confidence */
export function confidenceColour(confidence) {
  if (confidence === null) return "#3a434e";
  if (confidence >= 0.85) return "#4b7f86";
  if (confidence >= 0.7) return "#b49a3c";
  return "#ff8c28";
}

/**
 * @typedef {{data: import("./types.js").TimelineData | null, canvas: HTMLCanvasElement | null, fresh: boolean,
 *   loading: boolean, used: number, drawn: string}} Tile
 */

/** Tiles of one video, by level (a bucket holds 2 ** level frames) and position. */
export class Tiles {
  /** @param {import("./desk.js").Desk} desk @param {() => void} arrived */
  constructor(desk, arrived) {
    this.desk = desk;
    this.arrived = arrived;
    /** @type {Map<string, Tile>} */
    this.tiles = new Map();
    this.clock = 0;
  }

  /** What is stored has changed; tiles are drawn as they are until new ones arrive. */
  invalidate() {
    for (const tile of this.tiles.values()) tile.fresh = false;
  }

  /** @param {number} level @param {number} index @returns {Tile} */
  at(level, index) {
    const key = `${level}/${index}`;
    let tile = this.tiles.get(key);
    if (!tile) {
      tile = { data: null, canvas: null, fresh: false, loading: false, used: 0, drawn: "" };
      this.tiles.set(key, tile);
      this.forget();
    }
    tile.used = ++this.clock;
    if (!tile.fresh && !tile.loading) this.load(tile, level, index);
    return tile;
  }

  /** A coarser tile that is at hand, for the time until the right one arrives. @param {number} level @param {number} index */
  coarser(level, index) {
    for (let up = level + 1; up < 24; up++) {
      const tile = this.tiles.get(`${up}/${index >> (up - level)}`);
      if (tile?.data) return { tile, level: up, index: index >> (up - level) };
    }
    return null;
  }

  /** @param {Tile} tile @param {number} level @param {number} index */
  async load(tile, level, index) {
    const frames = BUCKETS * 2 ** level;
    tile.loading = true;
    tile.fresh = true;
    try {
      const start = index * frames;
      tile.data = await get(`${this.desk.path}/timeline?start=${start}&stop=${start + frames}&buckets=${BUCKETS}`);
      tile.drawn = "";
    } catch {
      setTimeout(() => (tile.fresh = false), 1000);
    }
    tile.loading = false;
    this.arrived();
  }

  forget() {
    if (this.tiles.size <= KEPT) return;
    const oldest = [...this.tiles].sort((a, b) => a[1].used - b[1].used).slice(0, KEPT / 4);
    for (const [key] of oldest) this.tiles.delete(key);
  }

  /** The tile's rows as one picture, a column a bucket. @param {Tile} tile @param {import("./types.js").ObjectItem[]} objects */
  picture(tile, objects) {
    const state = objects.map((item) => `${item.object_id}${item.colour}`).join();
    if (tile.canvas && tile.drawn === state) return tile.canvas;
    const canvas = tile.canvas ?? document.createElement("canvas");
    canvas.width = BUCKETS;
    canvas.height = Math.max(1, objects.length * ROW);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.clearRect(0, 0, canvas.width, canvas.height);
    objects.forEach((item, place) => {
      const row = tile.data?.rows[item.object_id];
      if (row) paintRow(context, row, place * ROW, item.colour);
    });
    tile.canvas = canvas;
    tile.drawn = state;
    return canvas;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("./types.js").TimelineRow} row
 * @param {number} top
 * @param {string} colour
 */
function paintRow(context, row, top, colour) {
  for (let bucket = 0; bucket < row.covered.length; bucket++) {
    if (!row.covered[bucket]) continue;
    const present = row.present[bucket];
    context.globalAlpha = 1;
    context.fillStyle = "#2a323c";
    context.fillRect(bucket, top + 9, 1, 3);
    if (present > 0) {
      context.fillStyle = colour;
      context.globalAlpha = 0.45 + 0.55 * present;
      context.fillRect(bucket, top + 6, 1, 8);
    }
    context.globalAlpha = 1;
    // States are told by shape, not by colour: a hollow bar, a dotted line, a ladder.
    if (row.uncertain[bucket] > 0) {
      context.fillStyle = colour;
      context.fillRect(bucket, top + 5, 1, 2);
      context.fillRect(bucket, top + 13, 1, 2);
    }
    if (row.searching[bucket] > 0) {
      context.fillStyle = "#d7dee7";
      if (bucket % 6 < 2) context.fillRect(bucket, top + 9, 1, 3);
      else context.fillRect(bucket, top + 10, 1, 1); // a single frame is seen as well
    }
    if (row.not_judged[bucket] > 0) {
      context.fillStyle = "#8a97a6";
      context.fillRect(bucket, top + 4, 1, 1);
      context.fillRect(bucket, top + 15, 1, 1);
      if (bucket % 6 < 2) context.fillRect(bucket, top + 4, 1, 12);
    }
    context.globalAlpha = 1;
    context.fillStyle = row.alarms[bucket] ? "#ff4d5e" : confidenceColour(row.confidence[bucket]);
    if (present > 0) context.fillRect(bucket, top + 15, 1, 3);
    if (row.accepted[bucket] > 0) {
      context.fillStyle = "#f2f6fa";
      context.globalAlpha = 0.35 + 0.65 * row.accepted[bucket];
      context.fillRect(bucket, top + 3, 1, 2);
    }
    if (row.stale[bucket] > 0) {
      context.globalAlpha = 0.8;
      context.fillStyle = "#0b0d10";
      if (bucket % 4 < 2) context.fillRect(bucket, top + 6, 1, 8);
    }
  }
  context.globalAlpha = 1;
}

/** Columns of a row that say the same. @param {Partial<Record<keyof import("./types.js").TimelineRow, number>>} values */
function sample(values) {
  const names = /** @type {const} */ (["covered", "present", "confidence", "accepted", "prompted", "uncertain", "searching", "not_judged", "alarms", "stale"]);
  const row = Object.fromEntries(names.map((name) => [name, Array(48).fill(values[name] ?? (name === "covered" ? 1 : 0))]));
  return /** @type {import("./types.js").TimelineRow} */ (/** @type {unknown} */ (row));
}

const LEGEND = /** @type {[Parameters<typeof sample>[0], string][]} */ ([
  [{ present: 1, confidence: 0.95 }, "tracked; the strip below: sure"],
  [{ present: 1, confidence: 0.75 }, "less sure"], [{ present: 1, confidence: 0.5 }, "unsure"],
  [{ present: 1, confidence: 0.5, alarms: 1 }, "an alarm: worth a look"], [{}, "absent"],
  [{ uncertain: 1 }, stateWord("uncertain")], [{ searching: 1 }, stateWord("searching")], [{ not_judged: 1 }, stateWord("not_judged")],
  [{ present: 1, confidence: 0.95, accepted: 1 }, "accepted"], [{ present: 1, confidence: 0.95, stale: 1 }, "rests on a frame that was forgotten"],
]);

/** What the rows mean, drawn as the rows are. @returns {HTMLElement[]} */
export function legend() {
  return LEGEND.flatMap(([values, words]) => {
    const canvas = el("canvas", { width: 48, height: ROW });
    paintRow(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), sample(values), 0, "#5aa9e6");
    return [canvas, el("span", {}, words)];
  });
}

/** What a column of a row says, in words. @param {import("./types.js").TimelineRow} row @param {number} bucket */
export function columnWords(row, bucket) {
  if (!row.covered[bucket]) return "no mask";
  const states = /** @type {const} */ (["uncertain", "searching", "not_judged"]).filter((name) => row[name][bucket] > 0).map(stateWord);
  const tracked = row.present[bucket] > 0 ? ["visible"] : states.length ? [] : ["absent"];
  const more = [row.accepted[bucket] > 0 && "accepted", row.alarms[bucket] > 0 && "an alarm", row.stale[bucket] > 0 && "rests on a frame that was forgotten"];
  return [...tracked, ...states, ...more.filter(Boolean)].join("; ");
}
