// Propagation: how far, which way, for whom; and the question after a correction.
import { post } from "./api.js";
import { byId, choice, el, field, openDialog, toast } from "./dom.js";

/** Where the browser remembers whether lost objects are looked for. */
const SEARCH = "sam2s-search";
const SEARCH_HINT = "Doubts masks unlike what an object has looked like, and looks for lost objects all over the picture. Slower; remembered in this browser.";

/** Keys mean what they mean elsewhere, but for the corrected objects alone; digits go on choosing objects. */
const CHOICES = /** @type {[string, string, string, object][]} */ ([
  ["y", "Y", "10 frames", { until: "frames", frames: 10, direction: "forward" }],
  ["p", "P", "to the next given frame", { until: "prompt", direction: "forward" }],
  ["Enter", "Enter", "to the end", { until: "end", direction: "forward" }],
  ["Shift+P", "Shift+P", "both ways, to given frames", { until: "prompt", direction: "both" }],
]);

/** Begins and stops propagations. */
export class Carrier {
  /** @param {import("./desk.js").Desk} desk @param {() => boolean} may @param {() => Promise<unknown>} settled when clicks and strokes are answered */
  constructor(desk, may, settled) {
    this.desk = desk;
    this.may = may;
    this.settled = settled;
    this.bar = byId("carry");
    /** @type {number[]} objects that were corrected on this frame */
    this.asked = [];
    desk.on("frame", () => this.dismiss());
  }

  /** Whether propagations look for lost objects. */
  get searches() {
    return localStorage.getItem(SEARCH) === "on";
  }

  /** @param {boolean} [on] by default the other way than it is */
  switchSearch(on = !this.searches) {
    if (on === this.searches) return;
    localStorage.setItem(SEARCH, on ? "on" : "off");
    toast(on ? "Propagations look for lost objects." : "Propagations do not look for lost objects.");
    this.desk.emit("runs");
  }

  /** @param {object} plan */
  async begin(plan) {
    this.dismiss();
    if (!this.may()) return;
    const { desk } = this;
    const { frame } = desk;
    await this.settled();
    this.dismiss(); // a stroke that was on its way has asked meanwhile
    try {
      const run = await post(`${desk.path}/propagate`, { frame, search: this.searches, ...plan });
      desk.followed = true;
      desk.runs = [...desk.runs.filter((one) => one.event_id !== run.event_id), run];
      desk.emit("runs");
    } catch (error) {
      desk.emit("problem", error);
    }
  }

  /** Stop all that runs; what is done stays. */
  async stop() {
    const { desk } = this;
    desk.followed = false;
    for (const run of desk.runs.filter((one) => one.state === "running")) {
      try {
        const ended = await post(`${desk.path}/runs/${run.event_id}/stop`);
        desk.runs = desk.runs.map((one) => (one.event_id === ended.event_id ? ended : one));
      } catch (error) {
        desk.emit("problem", error);
      }
    }
    desk.emit("runs");
    desk.refresh();
  }

  options() {
    const { desk } = this;
    const direction = choice([["forward", "forward"], ["backward", "backward"], ["both", "both ways"]]);
    const until = choice([["end", "to the end"], ["prompt", "to the next given or accepted frame"], ["frames", "so many frames"]]);
    const frames = el("input", { type: "number", min: 1, value: 100 });
    const boxes = desk.objects.map((item) => el("label", {}, el("input", { type: "checkbox", checked: !item.locked,
      disabled: item.locked, value: String(item.object_id) }), ` ${item.object_id} ${item.name}`));
    const search = el("input", { type: "checkbox", checked: this.searches, id: "search-lost" });
    openDialog(`Propagate from frame ${desk.frame}`, [field("Direction", direction), field("How far", until),
      field("Frames", frames), field("Objects", el("div.options", {}, ...boxes)),
      field("Look for lost objects", search, SEARCH_HINT)], [
      { label: "Cancel" },
      { label: "Propagate", primary: true, act: () => {
        const chosen = boxes.map((box) => /** @type {HTMLInputElement} */ (box.firstChild)).filter((box) => box.checked);
        if (!chosen.length) return false;
        /** @type {any} */
        const plan = { direction: direction.value, until: until.value, objects: chosen.map((box) => Number(box.value)) };
        if (until.value === "frames") plan.frames = Math.max(1, Number(frames.value) || 1);
        this.switchSearch(search.checked);
        this.begin(plan);
      } },
    ]);
  }

  /** After a correction of a tracked frame: how far is it carried? Asks for all that were corrected here. @param {number} objectId */
  ask(objectId) {
    if (!this.asked.includes(objectId)) this.asked.push(objectId);
    const names = this.asked.map((id) => this.desk.label(id)).join(", ");
    const buttons = CHOICES.map(([key, shown, label]) =>
      el("button", { type: "button", title: `${label} (${shown})`, "data-carry": key, onclick: () => this.answer(key) }, el("kbd", {}, shown), label));
    const only = el("button", { type: "button", title: "Only this frame (Esc)", onclick: () => this.dismiss() }, el("kbd", {}, "Esc"), "only this frame");
    this.bar.replaceChildren(el("span", {}, `Carry the correction of ${names}`), only, ...buttons);
    this.bar.hidden = false;
  }

  get asking() {
    return !this.bar.hidden;
  }

  /** Carry by a key of the question; false if it is not asked. @param {string} key */
  answer(key) {
    const chosen = CHOICES.find((one) => one[0] === key);
    if (!this.asking || !chosen) return false;
    this.begin({ ...chosen[3], objects: this.asked });
    return true;
  }

  dismiss() {
    this.bar.hidden = true;
    this.asked = [];
  }
}
