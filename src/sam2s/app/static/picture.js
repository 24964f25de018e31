// The picture: a canvas that zooms and pans, with the masks at the resolution of the source, prompts and a cross-hair.
import { MaskLayer } from "./mask_layer.js";

const LEAST = 0.05;
const MOST = 40;

/** Draws what the desk shows; tools draw on top through `overlays`. */
export class PictureView {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./desk.js").Desk} desk
   */
  constructor(canvas, desk) {
    this.canvas = canvas;
    this.desk = desk;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.fitted = true;
    /** @type {{x: number, y: number} | null} the pointer in pixels of the source */
    this.pointer = null;
    /** @type {((context: CanvasRenderingContext2D, scale: number) => void)[]} */
    this.overlays = [];
    /** @type {Map<string, MaskLayer>} */
    this.layers = new Map();
    /** @type {number | null} an object whose stored mask is not drawn because a brush changes it */
    this.replaced = null;
    this.due = false;
    new ResizeObserver(() => this.resize()).observe(/** @type {Element} */ (canvas.parentElement));
    desk.on(["picture", "masks", "objects", "view", "tool"], () => this.redraw());
    this.resize();
  }

  resize() {
    const box = /** @type {Element} */ (this.canvas.parentElement).getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(box.width * ratio));
    this.canvas.height = Math.max(1, Math.round(box.height * ratio));
    if (this.fitted) this.fit();
    this.zoomed();
  }

  fit() {
    const { width, height } = this.desk.video;
    this.scale = Math.min(this.canvas.width / width, this.canvas.height / height);
    this.x = (this.canvas.width - width * this.scale) / 2;
    this.y = (this.canvas.height - height * this.scale) / 2;
    this.fitted = true;
    this.zoomed();
  }

  zoomed() {
    this.desk.shownWidth = Math.round(this.desk.video.width * this.scale);
    const wanted = this.desk.frames.width(this.desk.shownWidth);
    if (this.desk.shownFrame >= 0 && this.desk.picture && this.desk.picture.width < wanted) this.sharpen();
    this.redraw();
  }

  /** Fetch the picture at the size it is now shown at. */
  sharpen() {
    clearTimeout(this.later);
    this.later = setTimeout(() => this.desk.go(this.desk.frame), 120);
  }

  /**
   * @param {number} factor
   * @param {{x: number, y: number}} [at] in device pixels of the canvas, its middle by default
   */
  zoom(factor, at = { x: this.canvas.width / 2, y: this.canvas.height / 2 }) {
    const scale = Math.max(LEAST, Math.min(MOST, this.scale * factor));
    this.x = at.x - ((at.x - this.x) * scale) / this.scale;
    this.y = at.y - ((at.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.zoomed();
  }

  /** @param {number} dx @param {number} dy in device pixels */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
    this.redraw();
  }

  /** @param {MouseEvent} event */
  device(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }

  /** Where an event lies in the source. @param {MouseEvent} event */
  source(event) {
    const at = this.device(event);
    return { x: (at.x - this.x) / this.scale, y: (at.y - this.y) / this.scale };
  }

  /** @param {{x: number, y: number}} point */
  inside(point) {
    return point.x >= 0 && point.y >= 0 && point.x < this.desk.video.width && point.y < this.desk.video.height;
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
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.filter = "none";
    context.fillStyle = "#0b0d10";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.setTransform(this.scale, 0, 0, this.scale, this.x, this.y);
    context.imageSmoothingEnabled = this.scale < 3;
    context.imageSmoothingQuality = "medium";
    if (desk.picture) {
      const { brightness, contrast } = desk.view;
      if (brightness !== 1 || contrast !== 1) context.filter = `brightness(${brightness}) contrast(${contrast})`;
      context.drawImage(desk.picture, 0, 0, desk.video.width, desk.video.height);
      context.filter = "none";
    }
    context.imageSmoothingEnabled = this.scale < 1;
    if (desk.view.masks) this.drawMasks();
    context.imageSmoothingEnabled = true;
    this.drawPrompts();
    for (const overlay of this.overlays) overlay(context, this.scale);
    this.drawCross();
  }

  drawMasks() {
    const { desk, context } = this;
    const used = new Set();
    const thickness = this.scale >= 0.9 ? 1 : Math.min(4, Math.round(1.4 / this.scale));
    for (const mask of desk.shownMasks) {
      const item = desk.object(mask.object_id);
      if (!item || !desk.visible(mask.object_id) || mask.object_id === this.replaced) continue;
      const key = `${mask.object_id}|${item.colour}|${thickness}|${mask.rle.counts}`;
      used.add(key);
      let layer = this.layers.get(key);
      if (!layer) {
        layer = new MaskLayer(mask.rle, item.colour, mask.object_id - 1, thickness);
        this.layers.set(key, layer);
      }
      const chosen = mask.object_id === desk.selected;
      layer.draw(context, chosen ? desk.view.opacity : desk.view.opacity * 0.7, desk.view.outline);
    }
    for (const key of this.layers.keys()) if (!used.has(key)) this.layers.delete(key);
  }

  drawPrompts() {
    const { context, desk } = this;
    if (desk.frame !== desk.shownFrame) return;
    for (const prompt of desk.prompts) {
      const item = desk.object(prompt.object_id);
      if (!item || !desk.visible(prompt.object_id)) continue;
      if (prompt.box) {
        const [x0, y0, x1, y1] = prompt.box;
        context.lineWidth = 1.5 / this.scale;
        context.strokeStyle = item.colour;
        context.setLineDash([6 / this.scale, 4 / this.scale]);
        context.strokeRect(x0, y0, x1 - x0, y1 - y0);
        context.setLineDash([]);
      }
      for (const point of prompt.points) this.drawPoint(point, item.colour);
    }
  }

  /** Adding clicks are discs with a plus, removing ones squares with a minus. @param {{x: number, y: number, positive: boolean}} point @param {string} colour */
  drawPoint(point, colour) {
    const { context } = this;
    const size = (6 * (devicePixelRatio || 1)) / this.scale;
    const { x, y, positive } = point;
    context.beginPath();
    if (positive) context.arc(x, y, size, 0, 2 * Math.PI);
    else context.rect(x - size * 0.85, y - size * 0.85, size * 1.7, size * 1.7);
    context.fillStyle = positive ? colour : "#1a1d22";
    context.fill();
    context.lineWidth = size / 3.5;
    context.strokeStyle = positive ? "#0b0d10" : colour;
    context.stroke();
    context.beginPath();
    context.moveTo(x - size / 2, y);
    context.lineTo(x + size / 2, y);
    if (positive) {
      context.moveTo(x, y - size / 2);
      context.lineTo(x, y + size / 2);
    }
    context.strokeStyle = positive ? "#0b0d10" : "#ffffff";
    context.stroke();
  }

  drawCross() {
    const { context, desk, pointer } = this;
    if (!desk.view.cross || !pointer || !this.inside(pointer)) return;
    context.lineWidth = 1 / this.scale;
    context.strokeStyle = "rgba(255,255,255,0.55)";
    context.beginPath();
    context.moveTo(pointer.x, 0);
    context.lineTo(pointer.x, desk.video.height);
    context.moveTo(0, pointer.y);
    context.lineTo(desk.video.width, pointer.y);
    context.stroke();
  }
}
