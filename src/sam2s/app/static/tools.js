// What the pointer does on the picture: clicks, boxes, brush and eraser, panning and zooming.
import { decode, encode } from "./rle.js";

/** The mask that strokes have made of an object on a frame, until the server has the last of them.
 * @typedef {{frame: number, objectId: number, pixels: Uint8Array, canvas: HTMLCanvasElement, strokes: number}} Painting */

/** Listens to the pointer and turns it into acts. */
export class Tools {
  /**
   * @param {import("./picture.js").PictureView} view
   * @param {import("./desk.js").Desk} desk
   * @param {{click: (x: number, y: number, positive: boolean) => void, box: (corners: number[]) => void,
   *   paint: (rle: import("./types.js").Rle, painting: Painting) => void, moved: (point: {x: number, y: number} | null) => void,
   *   may: () => boolean}} acts
   */
  constructor(view, desk, acts) {
    this.view = view;
    this.desk = desk;
    this.acts = acts;
    /** @type {"pan" | "box" | "paint" | null} */
    this.gesture = null;
    this.spaceHeld = false;
    this.dragged = false;
    /** @type {{x: number, y: number}} */
    this.from = { x: 0, y: 0 };
    /** @type {Painting | null} */
    this.painted = null;
    /** @type {{x: number, y: number, frame: number} | null} where the last stroke ended; Shift and a click draw a line from there */
    this.strokeEnd = null;
    const canvas = view.canvas;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => this.cancel());
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    view.overlays.push((context, scale) => this.draw(context, scale));
    desk.on("tool", () => this.cursor());
    desk.on("picture", () => {
      if (this.painted && this.painted.frame !== desk.shownFrame) this.cancel();
    });
    this.cursor();
  }

  get painting() {
    return this.desk.tool === "brush" || this.desk.tool === "erase";
  }

  cursor() {
    const pan = this.desk.tool === "pan" || this.spaceHeld;
    this.view.canvas.style.cursor = pan ? "grab" : this.painting ? "none" : "crosshair";
  }

  /** @param {boolean} held */
  space(held) {
    this.spaceHeld = held;
    this.cursor();
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.view.canvas.setPointerCapture(event.pointerId);
    this.view.canvas.focus({ preventScroll: true });
    const point = this.view.source(event);
    this.dragged = false;
    this.from = point;
    if (event.button === 1 || this.desk.tool === "pan" || this.spaceHeld) {
      this.gesture = "pan";
      this.last = this.view.device(event);
      this.view.canvas.style.cursor = "grabbing";
      event.preventDefault();
      return;
    }
    if (!this.acts.may() || !this.view.inside(point)) return;
    this.desk.followed = false; // the frame one works on stays
    const removes = event.button === 2 || event.altKey;
    if (this.desk.tool === "point") {
      this.acts.click(point.x, point.y, !removes);
    } else if (this.desk.tool === "box" && event.button === 0) {
      this.gesture = "box";
    } else if (this.painting) {
      this.gesture = "paint";
      this.beginPaint((this.desk.tool === "erase") !== removes);
      this.stamp(event.shiftKey && this.strokeEnd?.frame === this.desk.shownFrame ? this.strokeEnd : point, point);
    }
  }

  /** @param {PointerEvent} event */
  move(event) {
    const point = this.view.source(event);
    this.view.pointer = point;
    this.acts.moved(this.view.inside(point) ? point : null);
    if (this.gesture === "pan") {
      const at = this.view.device(event);
      const last = /** @type {{x: number, y: number}} */ (this.last);
      this.dragged ||= Math.hypot(at.x - last.x, at.y - last.y) > 2;
      this.view.pan(at.x - last.x, at.y - last.y);
      this.last = at;
    } else if (this.gesture === "paint") {
      for (const one of event.getCoalescedEvents?.() ?? [event]) {
        const next = this.view.source(one);
        this.stamp(this.from, next);
        this.from = next;
      }
      this.view.redraw();
    } else if (this.gesture === "box" || this.painting || this.desk.view.cross) {
      this.view.redraw();
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    const gesture = this.gesture;
    this.gesture = null;
    this.cursor();
    if (gesture === "box") {
      const to = this.view.source(event);
      const { width, height } = this.desk.video;
      const clamp = (/** @type {number} */ value, /** @type {number} */ most) => Math.max(0, Math.min(most, value));
      const corners = [
        clamp(Math.min(this.from.x, to.x), width), clamp(Math.min(this.from.y, to.y), height),
        clamp(Math.max(this.from.x, to.x), width), clamp(Math.max(this.from.y, to.y), height),
      ];
      if (corners[2] - corners[0] >= 2 && corners[3] - corners[1] >= 2) this.acts.box(corners);
      this.view.redraw();
    } else if (gesture === "paint" && this.painted) {
      const { width, height } = this.desk.video;
      this.strokeEnd = { ...this.from, frame: this.painted.frame };
      this.acts.paint(encode(this.painted.pixels, height, width), { ...this.painted });
    }
  }

  cancel() {
    this.gesture = null;
    this.endPaint();
  }

  leave() {
    this.view.pointer = null;
    this.acts.moved(null);
    this.view.redraw();
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    if (this.painting && !event.ctrlKey && !event.metaKey) {
      this.resize(event.deltaY < 0 ? 1.15 : 1 / 1.15);
      return;
    }
    this.view.zoom(Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) * 0.0022), this.view.device(event));
  }

  /** @param {number} factor */
  resize(factor) {
    this.desk.brush = Math.max(1, Math.min(400, this.desk.brush * factor));
    this.desk.emit("tool");
  }

  /** Go on with a mask of which the server has not answered the last stroke, else begin with the one it has. @param {boolean} erases */
  beginPaint(erases) {
    const { width, height } = this.desk.video;
    const [frame, objectId] = [this.desk.shownFrame, this.desk.selected];
    const begun = this.painted?.frame === frame && this.painted.objectId === objectId ? this.painted : null;
    const mask = this.desk.maskOf(objectId);
    const pixels = begun?.pixels ?? (mask ? decode(mask.rle) : new Uint8Array(width * height));
    this.value = erases ? 0 : 1;
    this.view.replaced = objectId;
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const picture = new ImageData(height, width);
    const words = new Uint32Array(picture.data.buffer);
    for (let i = 0; i < words.length; i++) words[i] = pixels[i] ? 0xffffffff : 0;
    const turned = document.createElement("canvas");
    turned.width = height;
    turned.height = width;
    /** @type {CanvasRenderingContext2D} */ (turned.getContext("2d")).putImageData(picture, 0, 0);
    context.setTransform(0, 1, 1, 0, 0, 0);
    context.drawImage(turned, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = this.desk.object(this.desk.selected)?.colour ?? "#26d6ff";
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = erases ? "destination-out" : "source-over";
    this.painted = { frame, objectId, pixels, canvas, strokes: (begun?.strokes ?? 0) + 1 };
  }

  /** Paint from one point to another. @param {{x: number, y: number}} from @param {{x: number, y: number}} to */
  stamp(from, to) {
    if (!this.painted) return;
    const { pixels, canvas } = this.painted;
    const { width, height } = this.desk.video;
    const radius = this.desk.brush / 2;
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / Math.max(1, radius / 2)));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    for (let step = 0; step <= steps; step++) {
      const x = from.x + ((to.x - from.x) * step) / steps;
      const y = from.y + ((to.y - from.y) * step) / steps;
      const x0 = Math.max(0, Math.ceil(x - radius - 0.5));
      const x1 = Math.min(width - 1, Math.floor(x + radius - 0.5));
      for (let column = x0; column <= x1; column++) {
        const reach = Math.sqrt(Math.max(0, radius * radius - (column + 0.5 - x) ** 2));
        const y0 = Math.max(0, Math.ceil(y - reach - 0.5));
        const y1 = Math.min(height - 1, Math.floor(y + reach - 0.5));
        if (y1 < y0) continue;
        pixels.fill(/** @type {number} */ (this.value), column * height + y0, column * height + y1 + 1);
        context.fillRect(column, y0, 1, y1 - y0 + 1);
      }
    }
    this.view.redraw();
  }

  /** Strokes made before there was an object belong to the one made for them. @param {number} objectId */
  adopt(objectId) {
    if (this.painted && !this.desk.object(this.painted.objectId)) {
      this.painted.objectId = objectId;
      this.view.replaced = objectId;
    }
  }

  /** What was painted is on the server, or refused; strokes made since then stay. @param {Painting} [answered] all, if left out */
  endPaint(answered) {
    if (answered && (answered.pixels !== this.painted?.pixels || answered.strokes !== this.painted.strokes)) return;
    this.painted = null;
    this.view.replaced = null;
    this.view.redraw();
  }

  /** @param {CanvasRenderingContext2D} context @param {number} scale */
  draw(context, scale) {
    if (this.painted) {
      context.globalAlpha = Math.max(0.35, this.desk.view.opacity);
      context.drawImage(this.painted.canvas, 0, 0);
      context.globalAlpha = 1;
    }
    const pointer = this.view.pointer;
    if (!pointer) return;
    const colour = this.desk.object(this.desk.selected)?.colour ?? "#ffffff";
    if (this.gesture === "box") {
      context.lineWidth = 1.5 / scale;
      context.strokeStyle = colour;
      context.strokeRect(this.from.x, this.from.y, pointer.x - this.from.x, pointer.y - this.from.y);
    } else if (this.painting && this.gesture !== "pan") {
      for (const [width, style] of /** @type {[number, string][]} */ ([[3, "#0b0d10"], [1.5, colour]])) {
        context.beginPath();
        context.arc(pointer.x, pointer.y, this.desk.brush / 2, 0, 2 * Math.PI);
        context.lineWidth = width / scale;
        context.strokeStyle = style;
        context.stroke();
      }
    }
  }
}
