// The search for events of the video: cuts, frames out of the body, smoke, blur and the like; begun, watched, stopped.
import { post } from "./api.js";
import { toast } from "./dom.js";

/** One search of this video at a time, whoever began it. */
export class EventFinder {
  /** @param {import("./desk.js").Desk} desk @param {() => boolean} may */
  constructor(desk, may) {
    this.desk = desk;
    this.may = may;
    /** @type {import("./types.js").EventSearchState} */
    this.state = { state: "idle", author: null, done: 0, total: null, found: 0, event_id: null, message: null };
  }

  get running() {
    return this.state.state === "running";
  }

  /** What is said of it beside its bar. */
  get word() {
    const { done, total, found } = this.state;
    return `looking for events: ${done} of ${total ?? this.desk.video.length} frames, ${found} found`;
  }

  async begin() {
    if (this.running) {
      toast("The video is being looked through already; Esc stops it and keeps what was found.");
      return;
    }
    if (!this.may()) return;
    await this.ask("marks/search");
    if (this.running) toast("Looking for cuts, frames out of the body, smoke, blur and the like. Go on working; Esc stops it.");
  }

  async stop() {
    if (this.may()) await this.ask("marks/search/stop");
  }

  /** @param {string} what */
  async ask(what) {
    try {
      this.hear(await post(`${this.desk.path}/${what}`));
    } catch (error) {
      this.desk.emit("problem", error);
    }
  }

  /** @param {import("./types.js").EventSearchState} state */
  hear(state) {
    const before = this.state;
    this.state = state;
    if (state.found !== before.found || state.state !== before.state) this.desk.emit("timeline");
    this.desk.emit("runs");
    if (before.state !== "running" || this.running) return;
    const kept = `${state.found} events in ${state.done} frames`;
    if (state.state === "failed") toast(`${state.message} (${kept})`, "bad");
    else toast(state.state === "stopped" ? `stopped; ${kept}` : kept, "good");
  }
}
