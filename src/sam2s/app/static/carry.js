// Propagation: how far, which way, for whom; and the question after a correction.
import { post } from "./api.js";
import { byId, choice, el, field, openDialog } from "./dom.js";

const CHOICES = /** @type {[string, string, object][]} */ ([
  ["1", "10 frames", { until: "frames", frames: 10, direction: "forward" }],
  ["2", "to the next given frame", { until: "prompt", direction: "forward" }],
  ["3", "to the end", { until: "end", direction: "forward" }],
  ["4", "both ways, to given frames", { until: "prompt", direction: "both" }],
]);

/** Begins and stops propagations. */
export class Carrier {
  /** @param {import("./desk.js").Desk} desk @param {() => boolean} may */
  constructor(desk, may) {
    this.desk = desk;
    this.may = may;
    this.bar = byId("carry");
    desk.on("frame", () => this.dismiss());
    desk.on("tool", () => this.dismiss());
  }

  /** @param {object} plan */
  async begin(plan) {
    this.dismiss();
    if (!this.may()) return;
    const { desk } = this;
    try {
      const run = await post(`${desk.path}/propagate`, { frame: desk.frame, ...plan });
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
    openDialog(`Propagate from frame ${desk.frame}`, [field("Direction", direction), field("How far", until),
      field("Frames", frames), field("Objects", el("div.options", {}, ...boxes))], [
      { label: "Cancel" },
      { label: "Propagate", primary: true, act: () => {
        const chosen = boxes.map((box) => /** @type {HTMLInputElement} */ (box.firstChild)).filter((box) => box.checked);
        if (!chosen.length) return false;
        /** @type {any} */
        const plan = { direction: direction.value, until: until.value, objects: chosen.map((box) => Number(box.value)) };
        if (until.value === "frames") plan.frames = Math.max(1, Number(frames.value) || 1);
        this.begin(plan);
      } },
    ]);
  }

  /** After a correction of a tracked frame: how far is it carried? @param {number} objectId */
  ask(objectId) {
    const name = this.desk.object(objectId)?.name ?? "it";
    const buttons = CHOICES.map(([key, label, plan]) =>
      el("button", { type: "button", title: `${label} (${key})`, "data-carry": key,
        onclick: () => this.begin({ ...plan, objects: [objectId] }) }, el("kbd", {}, key), label));
    const only = el("button", { type: "button", title: "Only this frame (0)", onclick: () => this.dismiss() }, el("kbd", {}, "0"), "only this frame");
    this.bar.replaceChildren(el("span", {}, `Carry the correction of ${name}`), only, ...buttons);
    this.bar.hidden = false;
    this.asked = objectId;
  }

  get asking() {
    return !this.bar.hidden;
  }

  /** A digit while the question is open; false if it is not. @param {string} key */
  answer(key) {
    if (!this.asking) return false;
    const chosen = CHOICES.find((one) => one[0] === key);
    if (chosen) this.begin({ ...chosen[2], objects: [this.asked] });
    else this.dismiss();
    return true;
  }

  dismiss() {
    this.bar.hidden = true;
  }
}
