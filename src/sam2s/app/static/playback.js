// Playing: frames by exact number at the pace of the clock; a frame that is late is left out, never guessed.
const AHEAD = 14;
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
const MOST_SHOWN = 25;

/** Plays the desk's video. */
export class Playback {
  /** @param {import("./desk.js").Desk} desk @param {() => void} changed */
  constructor(desk, changed) {
    this.desk = desk;
    this.changed = changed;
    this.speed = 1;
    this.playing = false;
    this.span = 0;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  play() {
    if (this.desk.frame >= this.desk.video.length - 1) this.desk.frame = 0;
    this.playing = true;
    this.desk.followed = false;
    this.base = this.desk.frame;
    this.began = performance.now();
    this.changed();
    this.tick();
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    this.changed();
    this.desk.go(this.desk.frame);
  }

  /** @param {number} direction */
  faster(direction) {
    const at = SPEEDS.indexOf(this.speed) + direction;
    this.speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at))];
    this.rebase();
    this.changed();
  }

  rebase() {
    this.base = this.desk.frame;
    this.began = performance.now();
  }

  /** Every how many frames one is shown. */
  get step() {
    return Math.max(1, Math.round((this.speed * this.desk.video.fps) / MOST_SHOWN));
  }

  tick() {
    if (!this.playing) return;
    const { desk, step } = this;
    const last = desk.video.length - 1;
    const passed = ((performance.now() - /** @type {number} */ (this.began)) / 1000) * desk.video.fps * this.speed;
    const base = /** @type {number} */ (this.base);
    const due = Math.min(last, base + Math.floor(passed / step) * step);
    const width = Math.min(960, desk.frames.width(desk.shownWidth));
    const shown = this.latestReady(due, width);
    if (shown !== null && shown !== desk.shownFrame) {
      const picture = desk.frames.ready(shown, width);
      const masks = desk.masks.get(shown);
      if (picture && masks) {
        desk.frame = shown;
        desk.emit("frame");
        desk.display(shown, picture, masks);
      }
    } else if (due > desk.shownFrame + step * 2) {
      this.rebase(); // the server is slower than the clock: play on from here instead of jumping
    }
    this.fill(desk.shownFrame, width, last);
    if (desk.shownFrame >= last) {
      this.stop();
      return;
    }
    requestAnimationFrame(() => this.tick());
  }

  /** The last frame up to the one that is due whose picture and masks are there. @param {number} due @param {number} width */
  latestReady(due, width) {
    const { desk, step } = this;
    for (let frame = due; frame > desk.shownFrame; frame -= step) {
      if (desk.frames.ready(frame, width) && desk.masks.has(frame)) return frame;
    }
    return null;
  }

  /** Ask for what comes next. @param {number} from @param {number} width @param {number} last */
  fill(from, width, last) {
    const { desk, step } = this;
    const base = /** @type {number} */ (this.base);
    const first = base + Math.floor((from - base) / step + 1) * step;
    for (let i = 0; i < AHEAD; i++) {
      const frame = first + i * step;
      if (frame <= last && !desk.frames.ready(frame, width)) desk.frames.load(frame, width, true).catch(() => {});
    }
    const end = Math.min(last + 1, first + AHEAD * step);
    let missing = first;
    while (missing < end && desk.masks.has(missing)) missing += step;
    if (missing < end && !this.loadingMasks) {
      this.loadingMasks = true;
      const stop = Math.min(last + 1, missing + 32 * step);
      desk.loadSpan(missing, stop, step).catch(() => {}).finally(() => (this.loadingMasks = false));
    }
  }
}
