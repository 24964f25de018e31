// Pictures by exact frame number: a small cache of decoded ones, requests that are given up when nobody waits for them.
import { TAB } from "./api.js";

const KEPT_BYTES = 320e6;
const AT_ONCE = 4;
const WIDTHS = [480, 960, 1440, 1920];

/** Frames of one video. */
export class Frames {
  /** @param {import("./types.js").VideoInfo} video */
  constructor(video) {
    this.video = video;
    /** @type {Map<string, ImageBitmap>} */
    this.pictures = new Map();
    /** @type {Map<string, {promise: Promise<ImageBitmap>, cancel: AbortController, wanted: boolean}>} */
    this.loading = new Map();
    /** @type {{key: string, start: () => void}[]} */
    this.waiting = [];
    this.bytes = 0;
    this.lossless = false;
    /** @type {ImageBitmap | null} */
    this.shown = null;
  }

  /** @param {number} shown width on the screen in device pixels */
  width(shown) {
    const width = WIDTHS.find((one) => one >= shown) ?? Infinity;
    return this.lossless || width >= this.video.width ? this.video.width : width;
  }

  /** @param {number} frame @param {number} width */
  key(frame, width) {
    return `${frame}@${width}${this.lossless ? "!" : ""}`;
  }

  /**
   * A picture that is at hand, of this width or of any other.
   * @param {number} frame
   * @param {number} width
   */
  ready(frame, width) {
    const exact = this.pictures.get(this.key(frame, width));
    if (exact) return exact;
    for (const [key, picture] of this.pictures) if (key.startsWith(`${frame}@`)) return picture;
    return null;
  }

  /**
   * @param {number} frame
   * @param {number} width
   * @param {boolean} [ahead] asked for before anybody waits for it
   * @returns {Promise<ImageBitmap>}
   */
  load(frame, width, ahead = false) {
    const key = this.key(frame, width);
    const picture = this.pictures.get(key);
    if (picture) {
      this.pictures.delete(key);
      this.pictures.set(key, picture);
      return Promise.resolve(picture);
    }
    const known = this.loading.get(key);
    if (known) {
      known.wanted ||= !ahead;
      return known.promise;
    }
    const cancel = new AbortController();
    const promise = this.enqueue(key, ahead, () => this.fetch(frame, width, key, cancel.signal));
    this.loading.set(key, { promise, cancel, wanted: !ahead });
    promise.catch(() => {}).finally(() => this.loading.delete(key));
    return promise;
  }

  /**
   * @param {string} key
   * @param {boolean} ahead
   * @param {() => Promise<ImageBitmap>} start
   * @returns {Promise<ImageBitmap>}
   */
  enqueue(key, ahead, start) {
    return new Promise((resolve, reject) => {
      const job = { key, start: () => start().then(resolve, reject).finally(() => this.next()) };
      if (ahead) this.waiting.push(job);
      else this.waiting.unshift(job);
      if (this.busy < AT_ONCE) this.next(true);
    });
  }

  busy = 0;

  /** @param {boolean} [fresh] */
  next(fresh = false) {
    if (!fresh) this.busy--;
    const job = this.waiting.shift();
    if (!job) return;
    this.busy++;
    job.start();
  }

  /**
   * @param {number} frame
   * @param {number} width
   * @param {string} key
   * @param {AbortSignal} signal
   */
  async fetch(frame, width, key, signal) {
    const kind = this.lossless ? "png" : "jpeg";
    const size = width < this.video.width ? `width=${width}&` : "";
    const address = `/api/videos/${this.video.id}/frames/${frame}?${size}format=${kind}`;
    const response = await fetch(address, { signal, headers: { "X-Tab": TAB } });
    if (!response.ok) {
      const body = await response.json().catch(() => null);
      throw new Error(body?.error?.message ?? `frame ${frame} could not be read`);
    }
    const picture = await createImageBitmap(await response.blob());
    this.pictures.set(key, picture);
    this.bytes += 4 * picture.width * picture.height;
    while (this.bytes > KEPT_BYTES && this.pictures.size > 2) {
      const [oldest, gone] = /** @type {[string, ImageBitmap]} */ (this.pictures.entries().next().value);
      this.pictures.delete(oldest);
      this.bytes -= 4 * gone.width * gone.height;
      if (gone !== this.shown) gone.close();
    }
    return picture;
  }

  /** Give up what was asked for and is of no use any more. @param {Set<number>} wanted frames that still are */
  drop(wanted) {
    for (const [key, entry] of this.loading) {
      if (!wanted.has(parseInt(key, 10))) entry.cancel.abort();
    }
  }
}
