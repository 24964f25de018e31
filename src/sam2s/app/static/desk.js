// What the working page knows: the video, where one stands, the objects, the masks at hand, what is going on.
import { get, post } from "./api.js";
import { Frames } from "./frames.js";

const KEPT_MASKS = 600;

/**
 * @typedef {"video" | "frame" | "picture" | "objects" | "masks" | "tool" | "view" | "runs" | "lock" | "span" | "problem" |
 *   "timeline" | "connection" | "act"} Change
 */

/** State of the page; panels listen to it and change it through its methods. */
export class Desk extends EventTarget {
  /** @param {import("./types.js").VideoInfo} video */
  constructor(video) {
    super();
    this.video = video;
    this.frames = new Frames(video);
    this.frame = 0;
    /** Number of the frame whose picture and masks are on the screen. */
    this.shownFrame = -1;
    /** @type {ImageBitmap | null} */
    this.picture = null;
    /** @type {import("./types.js").ObjectItem[]} */
    this.objects = [];
    this.selected = 0;
    /** @type {number | null} */
    this.solo = null;
    /** @type {Map<number, import("./types.js").FrameMasks>} */
    this.masks = new Map();
    /** @type {import("./types.js").PromptItem[]} */
    this.prompts = [];
    /** @type {"point" | "box" | "brush" | "erase" | "pan"} */
    this.tool = "point";
    this.brush = 24;
    this.view = { opacity: 0.45, outline: false, masks: true, brightness: 1, contrast: 1, cross: false };
    /** @type {import("./types.js").RunItem[]} */
    this.runs = [];
    /** @type {import("./types.js").LockState} */
    this.lock = { holder: null, mine: false, since: null, notice: null };
    /** @type {[number, number] | null} frames from, up to and without */
    this.span = null;
    /** @type {number[]} frames with open remarks */
    this.remarked = [];
    this.shownWidth = 960;
    this.followed = false;
    this.version = 0;
    this.turn = 0;
  }

  /** @param {Change} change @param {unknown} [detail] */
  emit(change, detail) {
    this.dispatchEvent(new CustomEvent(change, { detail }));
  }

  /** @param {Change | Change[]} changes @param {(detail: any) => void} then */
  on(changes, then) {
    for (const change of [changes].flat()) {
      this.addEventListener(change, (event) => then(/** @type {CustomEvent} */ (event).detail));
    }
  }

  get path() {
    return `/videos/${this.video.id}`;
  }

  /** @param {number} objectId */
  object(objectId) {
    return this.objects.find((item) => item.object_id === objectId);
  }

  /** How an object is called wherever several may have one name: "2 grasper". @param {number} objectId */
  label(objectId) {
    return `${objectId} ${this.object(objectId)?.name ?? "object"}`;
  }

  /** @param {number} objectId */
  visible(objectId) {
    if (this.solo !== null) return this.solo === objectId;
    return !this.object(objectId)?.hidden;
  }

  /**
   * Go to a frame; what was shown stays until picture and masks of the new one are there.
   * @param {number} frame
   */
  async go(frame) {
    const last = this.video.length - 1;
    this.frame = Math.max(0, Math.min(last, Math.round(frame)));
    this.emit("frame");
    const turn = ++this.turn;
    const at = this.frame;
    const width = this.frames.width(this.shownWidth);
    const version = this.version;
    this.frames.drop(new Set([at - 1, at, at + 1, at + 2]));
    try {
      const [picture, loaded] = await Promise.all([this.frames.load(at, width), this.loadMasks(at)]);
      const masks = version === this.version ? loaded : await this.loadMasks(at);
      if (turn !== this.turn) return;
      this.display(at, picture, masks);
      for (const near of [at + 1, at - 1, at + 2]) {
        if (near >= 0 && near <= last) this.frames.load(near, width, true).catch(() => {});
      }
    } catch (error) {
      if (turn === this.turn && !(error instanceof DOMException)) this.emit("problem", error);
    }
  }

  /**
   * @param {number} frame
   * @param {ImageBitmap} picture
   * @param {import("./types.js").FrameMasks} masks
   */
  display(frame, picture, masks) {
    this.picture = picture;
    this.frames.shown = picture;
    const moved = this.shownFrame !== frame;
    this.shownFrame = frame;
    this.masks.set(frame, masks);
    this.emit("picture");
    if (moved) this.loadPrompts();
  }

  /** @param {number} frame @returns {Promise<import("./types.js").FrameMasks>} */
  async loadMasks(frame) {
    const known = this.masks.get(frame);
    if (known) return known;
    const version = this.version;
    const masks = await get(`${this.path}/frames/${frame}/masks`);
    if (version === this.version) this.keep(masks);
    return masks;
  }

  /**
   * Masks of many frames at once, for playing.
   * @param {number} start
   * @param {number} stop
   * @param {number} step
   */
  async loadSpan(start, stop, step) {
    const version = this.version;
    const all = await get(`${this.path}/masks?start=${start}&stop=${stop}&step=${step}`);
    if (version === this.version) for (const masks of all) this.keep(masks);
  }

  /** @param {import("./types.js").FrameMasks} masks */
  keep(masks) {
    this.masks.delete(masks.frame);
    this.masks.set(masks.frame, masks);
    while (this.masks.size > KEPT_MASKS) this.masks.delete(/** @type {number} */ (this.masks.keys().next().value));
  }

  async loadPrompts() {
    const frame = this.shownFrame;
    const prompts = await get(`${this.path}/prompts?frame=${frame}`).catch(() => []);
    if (frame !== this.shownFrame) return;
    this.prompts = prompts;
    this.emit("masks");
  }

  async loadObjects() {
    this.objects = await get(`${this.path}/objects`);
    if (!this.object(this.selected)) this.selected = this.objects[0]?.object_id ?? 0;
    this.emit("objects");
  }

  /** Masks elsewhere have changed: forget those at hand and ask for those of the frame again. */
  async refresh() {
    const version = ++this.version;
    const old = this.masks.get(this.shownFrame);
    this.masks.clear();
    if (old) this.masks.set(this.shownFrame, old); // until the new ones are there
    this.emit("timeline");
    for (let frame = -1; frame !== this.shownFrame; ) {
      frame = this.shownFrame;
      const fresh = await get(`${this.path}/frames/${frame}/masks`).catch(() => null);
      if (version !== this.version || !fresh) return;
      this.keep(fresh);
    }
    this.emit("masks");
    this.loadPrompts();
  }

  /**
   * Frames of a span have new masks.
   * @param {number} start
   * @param {number} stop
   */
  async refreshSpan(start, stop) {
    for (const frame of [...this.masks.keys()]) {
      if (frame >= start && frame < stop && frame !== this.shownFrame) this.masks.delete(frame);
    }
    if (this.shownFrame >= start && this.shownFrame < stop) {
      const frame = this.shownFrame;
      const fresh = await get(`${this.path}/frames/${frame}/masks`).catch(() => null);
      if (fresh) this.keep(fresh);
      if (frame === this.shownFrame) this.emit("masks");
    }
  }

  /**
   * Do something that changes the workspace; it is saved when this returns.
   * @param {string} what below the video's address
   * @param {unknown} [body]
   * @returns {Promise<import("./types.js").ActResult | null>} null if it was refused, which is then on the page
   */
  async act(what, body = {}) {
    try {
      const result = await post(`${this.path}/${what}`, body);
      if (result?.masks) {
        this.keep(result.masks);
        this.emit("masks");
      }
      if (result?.message) this.emit("act", result.message);
      return result ?? {};
    } catch (error) {
      this.emit("problem", error);
      return null;
    }
  }

  /** @param {number} objectId */
  select(objectId) {
    this.selected = objectId;
    this.emit("objects");
  }

  /** @param {Desk["tool"]} tool */
  use(tool) {
    this.tool = tool;
    this.emit("tool");
  }

  /** @param {Partial<Desk["view"]>} change */
  look(change) {
    Object.assign(this.view, change);
    this.emit("view");
  }

  /** @param {[number, number] | null} span */
  mark(span) {
    this.span = span;
    this.emit("span");
  }

  /** Masks on the frame that is shown. */
  get shownMasks() {
    return this.masks.get(this.shownFrame)?.objects ?? [];
  }

  /** @param {number} objectId */
  maskOf(objectId) {
    return this.shownMasks.find((mask) => mask.object_id === objectId);
  }
}
