// The timeline: a row an object, from three hours to single frames; drag to seek, Shift-drag to mark a span.
import { BUCKETS, columnWords, ROW, Tiles } from "./timeline_tiles.js";
import { MARKS as MARK_KINDS, markWord } from "./words.js";

const RULER = 22;
const MARKS = 10;
const LABELS = 132;

/** @param {number} seconds @param {boolean} exact */
export function clock(seconds, exact) {
  const whole = Math.floor(seconds);
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const text = `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return exact ? `${text}.${String(Math.floor((seconds - whole) * 1000 + 1e-6)).padStart(3, "0")}` : text;
}

/** Draws rows and listens to the pointer. */
export class Timeline {
  /** @param {HTMLCanvasElement} canvas @param {import("./desk.js").Desk} desk */
  constructor(canvas, desk) {
    this.canvas = canvas;
    this.desk = desk;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.start = 0;
    this.perPixel = 1;
    this.allInSight = true;
    this.scroll = 0;
    this.due = false;
    /** @type {"seek" | "span" | null} */
    this.gesture = null;
    this.anchor = 0;
    /** @type {import("./types.js").VideoMark[]} in sight */
    this.marks = [];
    this.tiles = new Tiles(desk, () => this.redraw());
    new ResizeObserver(() => this.resize()).observe(canvas);
    desk.on(["frame", "objects", "span", "runs", "picture"], () => this.redraw());
    desk.on("frame", () => this.keepInSight());
    desk.on("timeline", () => {
      this.tiles.invalidate();
      this.redraw();
    });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => (this.gesture = null));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.resize();
    this.whole();
  }

  get width() {
    return Math.max(50, this.canvas.clientWidth - LABELS);
  }

  resize() {
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.allInSight) this.perPixel = this.desk.video.length / this.width;
    this.bound();
    this.redraw();
  }

  /** Show the whole video. */
  whole() {
    this.start = 0;
    this.perPixel = this.desk.video.length / this.width;
    this.bound();
    this.redraw();
  }

  bound() {
    const { length } = this.desk.video;
    this.perPixel = Math.max(1 / 16, Math.min(this.perPixel, Math.max(length, 8) / this.width));
    this.start = Math.max(0, Math.min(this.start, length - this.width * this.perPixel));
    this.allInSight = this.width * this.perPixel > length - 0.5;
    const rows = this.desk.objects.length * ROW;
    const room = this.canvas.clientHeight - RULER - MARKS;
    this.scroll = Math.max(0, Math.min(this.scroll, rows - room));
  }

  keepInSight() {
    if (this.gesture) return;
    const x = (this.desk.frame - this.start) / this.perPixel;
    if (x < 0 || x > this.width) {
      this.start = this.desk.frame - (this.width / 4) * this.perPixel;
      this.bound();
    }
    this.redraw();
  }

  /** @param {number} factor @param {number} [x] pixels from the left end of the rows */
  zoom(factor, x = (this.desk.frame - this.start) / this.perPixel) {
    const frame = this.start + x * this.perPixel;
    this.perPixel *= factor;
    const { length } = this.desk.video;
    this.perPixel = Math.max(1 / 16, Math.min(this.perPixel, Math.max(length, 8) / this.width));
    this.start = frame - x * this.perPixel;
    this.bound();
    this.redraw();
  }

  /** @param {MouseEvent} event */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left - LABELS, y: event.clientY - box.top };
  }

  /** @param {number} x */
  frameAt(x) {
    return Math.max(0, Math.min(this.desk.video.length - 1, Math.floor(this.start + x * this.perPixel)));
  }

  /** The object of the row at a height. @param {number} y */
  rowAt(y) {
    return y > RULER + MARKS ? this.desk.objects[Math.floor((y - RULER - MARKS + this.scroll) / ROW)] : undefined;
  }

  /** Frames of a column are 2 to this power. */
  get level() {
    return Math.max(0, Math.ceil(Math.log2(this.perPixel)));
  }

  /** What the timeline draws of an object at a frame, in words. @param {number} objectId @param {number} frame */
  wordsAt(objectId, frame) {
    const { level } = this;
    const frames = BUCKETS * 2 ** level;
    const index = Math.floor(frame / frames);
    const row = this.tiles.at(level, index).data?.rows[objectId];
    return row ? columnWords(row, Math.floor((frame - index * frames) / 2 ** level)) : "no mask";
  }

  /** @param {PointerEvent} event */
  down(event) {
    const { x, y } = this.place(event);
    const item = this.rowAt(y);
    if (item) this.desk.select(item.object_id);
    if (x < 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.anchor = this.frameAt(x);
    this.gesture = event.shiftKey ? "span" : "seek";
    if (this.gesture === "seek") this.desk.go(this.anchor);
    this.desk.followed = false;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { x, y } = this.place(event);
    const frame = this.frameAt(x);
    if (!this.gesture) {
      const item = this.rowAt(y);
      if (item && x >= 0) {
        this.canvas.title = `${this.desk.label(item.object_id)}: ${this.wordsAt(item.object_id, frame)}`;
        return;
      }
      const there = y > RULER && y < RULER + MARKS ? this.marks.filter((mark) => frame >= mark.start && frame < mark.stop + this.perPixel) : [];
      this.canvas.title = there.map((mark) => `${markWord(mark.kind)}, frames ${mark.start} to ${mark.stop - 1}`).join("\n");
      return;
    }
    if (this.gesture === "seek") {
      if (frame !== this.desk.frame) this.desk.go(frame);
    } else {
      this.desk.mark([Math.min(frame, this.anchor), Math.max(frame, this.anchor) + 1]);
    }
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const { x } = this.place(event);
    if (event.altKey) {
      this.scroll += event.deltaY;
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.start += (event.deltaX || event.deltaY) * this.perPixel;
    } else {
      this.zoom(Math.exp(Math.max(-120, Math.min(120, event.deltaY)) * 0.003), Math.max(0, x));
      return;
    }
    this.bound();
    this.redraw();
  }

  redraw() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.draw();
    });
  }

  draw() {
    const { context, canvas, desk } = this;
    const ratio = devicePixelRatio || 1;
    const height = canvas.clientHeight;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#12161b";
    context.fillRect(0, 0, canvas.clientWidth, height);
    context.save();
    context.beginPath();
    context.rect(LABELS, 0, this.width, height);
    context.clip();
    context.translate(LABELS, 0);
    if (desk.span) this.drawSpan(desk.span, height);
    this.drawTiles();
    this.drawRuler();
    this.drawHeads(height);
    context.restore();
    this.drawLabels();
  }

  drawTiles() {
    const { context, desk } = this;
    const { level } = this;
    const frames = BUCKETS * 2 ** level;
    const stop = Math.min(desk.video.length, this.start + this.width * this.perPixel);
    const top = RULER + MARKS;
    context.save();
    context.beginPath();
    context.rect(0, top, this.width, this.canvas.clientHeight - top);
    context.clip();
    context.imageSmoothingEnabled = false;
    /** @type {Map<string, import("./types.js").VideoMark>} marks of all tiles in sight, each once */
    const marks = new Map();
    for (let index = Math.floor(this.start / frames); index * frames < stop; index++) {
      const tile = this.tiles.at(level, index);
      const use = tile.data ? { tile, level, index } : this.tiles.coarser(level, index);
      if (!use) continue;
      for (const mark of use.tile.data?.marks ?? []) marks.set(`${mark.kind}${mark.start}`, mark);
      const span = BUCKETS * 2 ** use.level;
      const picture = this.tiles.picture(use.tile, desk.objects);
      const part = (index * frames - use.index * span) / 2 ** use.level;
      const columns = frames / 2 ** use.level;
      const x = (index * frames - this.start) / this.perPixel;
      context.drawImage(picture, part, 0, columns, picture.height, x, top - this.scroll, frames / this.perPixel, picture.height);
      if (use.tile === tile) this.drawPrompts(tile, index * frames, 2 ** level, top - this.scroll);
    }
    context.restore();
    this.marks = [...marks.values()];
    for (const mark of this.marks) this.drawMark(mark);
  }

  /** @param {import("./timeline_tiles.js").Tile} tile @param {number} first @param {number} each @param {number} top */
  drawPrompts(tile, first, each, top) {
    const { context, desk } = this;
    desk.objects.forEach((item, place) => {
      const row = tile.data?.rows[item.object_id];
      if (!row) return;
      context.fillStyle = "#ffffff";
      context.strokeStyle = "#0b0d10";
      context.lineWidth = 1;
      for (let bucket = 0; bucket < row.prompted.length; bucket++) {
        if (!row.prompted[bucket]) continue;
        const x = (first + (bucket + 0.5) * each - this.start) / this.perPixel;
        const y = top + place * ROW + 10;
        context.beginPath();
        context.moveTo(x, y - 5);
        context.lineTo(x + 4, y);
        context.lineTo(x, y + 5);
        context.lineTo(x - 4, y);
        context.closePath();
        context.fill();
        context.stroke();
      }
    });
  }

  /** @param {import("./types.js").VideoMark} mark */
  drawMark(mark) {
    const x = (mark.start - this.start) / this.perPixel;
    const width = Math.max(2, (mark.stop - mark.start) / this.perPixel);
    this.context.fillStyle = MARK_KINDS[mark.kind]?.[1] ?? "#5a6a7a";
    this.context.fillRect(x, RULER + 2, width, MARKS - 4);
  }

  drawRuler() {
    const { context, desk } = this;
    const { fps, length } = desk.video;
    const seconds = [0.04, 0.2, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
    const step = Math.max(1, (seconds.find((one) => (one * fps) / this.perPixel >= 86) ?? 7200) * fps);
    context.fillStyle = "#8a97a6";
    context.strokeStyle = "#2a323c";
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.beginPath();
    for (let frame = Math.floor(this.start / step) * step; frame < length; frame += step) {
      const x = (frame - this.start) / this.perPixel;
      if (x > this.width) break;
      context.moveTo(x + 0.5, 4);
      context.lineTo(x + 0.5, RULER);
      const label = this.perPixel < 0.4 ? `${Math.round(frame)}` : clock(frame / fps, step < fps);
      context.fillText(label, x + 5, RULER / 2);
    }
    context.stroke();
  }

  /** @param {[number, number]} span @param {number} height */
  drawSpan(span, height) {
    const x = (span[0] - this.start) / this.perPixel;
    const width = Math.max(1, (span[1] - span[0]) / this.perPixel);
    this.context.fillStyle = "rgba(90, 169, 230, 0.22)";
    this.context.fillRect(x, 0, width, height);
    this.context.fillStyle = "#5aa9e6";
    this.context.fillRect(x, 0, 1, height);
    this.context.fillRect(x + width - 1, 0, 1, height);
  }

  /** @param {number} height */
  drawHeads(height) {
    const { context, desk } = this;
    for (const run of desk.runs) {
      if (run.state !== "running") continue;
      context.fillStyle = "#5aa9e6";
      context.fillRect((run.frame - this.start) / this.perPixel, RULER, 2, height);
    }
    context.fillStyle = "#ff9f43";
    for (const frame of desk.remarked) context.fillRect((frame + 0.5 - this.start) / this.perPixel - 2, RULER, 4, MARKS);
    const x = (desk.frame + 0.5 - this.start) / this.perPixel;
    context.fillStyle = "#ffd60a";
    context.fillRect(x - 0.75, 0, 1.5, height);
    context.beginPath();
    context.moveTo(x - 6, 0);
    context.lineTo(x + 6, 0);
    context.lineTo(x, 8);
    context.fill();
  }

  drawLabels() {
    const { context, desk } = this;
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.save();
    context.beginPath();
    context.rect(0, RULER + MARKS, LABELS, this.canvas.clientHeight);
    context.clip();
    desk.objects.forEach((item, place) => {
      const y = RULER + MARKS + place * ROW - this.scroll;
      if (item.object_id === desk.selected) {
        context.fillStyle = "#1f2730";
        context.fillRect(0, y, LABELS - 4, ROW);
      }
      context.fillStyle = item.colour;
      context.fillRect(8, y + 7, 8, 8);
      context.fillStyle = desk.visible(item.object_id) ? "#d7dee7" : "#66727f";
      context.fillText(`${item.object_id} ${item.name}`.slice(0, 20), 22, y + ROW / 2);
    });
    context.restore();
  }
}
