// The panel of this frame: how sure the tracker is, where each mask comes from, what the chosen object remembers.
import { get } from "./api.js";
import { byId, el, icon } from "./dom.js";
import { sharedArea, without } from "./rle.js";
import { alarmWord, LAYERS, markWord, stateWord } from "./words.js";

const SURE = "How far the mask may be believed: one minus its doubt; what a person painted or accepted counts as sure";

/** Share of the smaller of two masks from which they are said to overlap. */
const LEAST_SHARED = 0.1;
/** From so many frames in a row on, one picture stands for all of them. */
const LONG_RUN = 4;

/**
 * @param {{frame: number, kind: string, event_id: number | null}[]} frames
 * @returns {Run[]} single frames, and long runs of neighbours as one
 */
function inRuns(frames) {
  /** @type {Run[]} */
  const runs = [];
  for (const { frame, kind, event_id } of frames) {
    const run = runs.at(-1);
    if (run && run.kind === kind && run.last === frame - 1) run.last = frame;
    else runs.push({ frame, last: frame, kind, event_id });
  }
  return runs.flatMap((run) => (run.last - run.frame + 1 >= LONG_RUN ? [run]
    : Array.from({ length: run.last - run.frame + 1 }, (_, i) => ({ ...run, frame: run.frame + i, last: run.frame + i }))));
}

/** @typedef {{frame: number, last: number, kind: string, event_id: number | null}} Run */

/** Shows what is known of the frame. */
export class FramePanel {
  /** @param {import("./desk.js").Desk} desk @param {() => boolean} may @param {(objectId: number, rle: import("./types.js").Rle) => void} put a mask on the shown frame */
  constructor(desk, may, put) {
    this.desk = desk;
    this.may = may;
    this.put = put;
    this.remembered = "";
    desk.on(["picture", "masks", "objects"], () => this.render());
    desk.on(["picture", "objects"], () => this.later());
    desk.on("timeline", () => {
      this.remembered = "";
      this.later();
    });
  }

  render() {
    const { desk } = this;
    const rows = desk.objects.map((item) => {
      const mask = desk.maskOf(item.object_id);
      const sure = mask?.confidence ?? null;
      const width = sure === null ? 0 : Math.round(sure * 100);
      const bar = el(`div.meter${sure !== null && sure < 0.7 ? ".low" : ""}`, {},
        el("i", { style: `width:${width}%`, title: SURE }));
      const layer = mask ? LAYERS[mask.layer] ?? mask.layer : "no mask";
      const source = mask && mask.state !== "visible" && layer === "tracked" ? stateWord(mask.state) : layer;
      const category = mask?.category ? `, ${mask.category}` : "";
      return el("div.sure", {}, el("span.swatch", { style: `background:${item.colour}` }), el("span", {}, desk.label(item.object_id)),
        el("span.muted", {}, `${source}${category}`), bar, el("span.number", { title: SURE }, sure === null ? "–" : `${width} % sure`),
        ...(mask?.alarms ?? []).map((alarm) => el("span.alarm", {}, alarmWord(alarm))),
        mask?.advice ? el("span.alarm", {}, mask.advice) : null,
        ...(mask && item.object_id === desk.selected ? this.overlaps(mask) : []));
    });
    const marks = desk.masks.get(desk.shownFrame)?.marks ?? [];
    byId("confidence").replaceChildren(...(marks.length ? [el("p.marks", {}, marks.map(markWord).join(", "))] : []), ...rows);
    const masks = desk.shownMasks.filter((mask) => ["brushed", "imported"].includes(mask.layer) && desk.object(mask.object_id));
    const given = [...desk.prompts.map((prompt) => ({ object_id: prompt.object_id,
      what: prompt.box ? "box" : prompt.points.map((point) => (point.positive ? "+" : "−")).join(" ") })),
    ...masks.map((mask) => ({ object_id: mask.object_id, what: `${LAYERS[mask.layer]} mask` }))];
    const prompts = given.map(({ object_id, what }) => {
      const item = desk.object(object_id);
      return el("div.prompt", {}, el("span.swatch", { style: `background:${item?.colour ?? "#888"}` }),
        `${desk.label(object_id)}: ${what}`);
    });
    byId("prompts").replaceChildren(...(prompts.length ? prompts : [el("p.muted", {}, "none on this frame")]));
  }

  /** Where the chosen object shares pixels with others: which of the two shall have them? @param {import("./types.js").ObjectMask} mask */
  overlaps(mask) {
    const { desk } = this;
    return desk.shownMasks.filter((other) => other !== mask && desk.object(other.object_id)).map((other) => {
      const shared = sharedArea(mask.rle, other.rle);
      const smaller = mask.area <= other.area ? mask : other;
      if (shared < LEAST_SHARED * smaller.area || !shared) return null;
      const [name, larger] = [smaller, smaller === mask ? other : mask].map((one) => desk.label(one.object_id));
      const give = (/** @type {import("./types.js").ObjectMask} */ to, /** @type {import("./types.js").ObjectMask} */ from) =>
        el("button", { type: "button", title: `Take these pixels away from ${desk.label(from.object_id)} on this frame`,
          onclick: () => this.may() && this.put(from.object_id, without(from.rle, to.rle)) }, desk.label(to.object_id));
      return el("span.alarm", {}, `${Math.round((100 * shared) / smaller.area)} % of ${name} lies in ${larger} as well; give it to `,
        give(mask, other), " ", give(other, mask));
    });
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.memory(), 250);
  }

  async memory() {
    const { desk } = this;
    const object = desk.object(desk.selected);
    if (!object || desk.shownFrame < 0) {
      byId("memory").replaceChildren();
      return;
    }
    const state = `${desk.selected}@${desk.shownFrame}`;
    if (state === this.remembered) return;
    this.remembered = state;
    const memory = await get(`${desk.path}/memory?object_id=${desk.selected}&frame=${desk.shownFrame}`).catch(() => null);
    if (!memory || this.remembered !== state) return;
    const tiles = inRuns(memory.frames).map((run) => this.tile(run));
    byId("memory").replaceChildren(...(tiles.length ? tiles : [el("p.muted", {}, "nothing yet: click it, then propagate")]));
  }

  /** @param {Run} run */
  tile({ frame, last, kind, event_id }) {
    const { desk } = this;
    const name = kind === "conditioning" ? "given" : "long-term";
    const drop = last > frame ? null : el("button.icon-button.drop", {
      type: "button", title: `Let it forget frame ${frame}`, "aria-label": `Let it forget frame ${frame}`,
      onclick: async () => {
        if (!this.may()) return;
        await desk.act("memory/drop", { object_id: desk.selected, frame });
        this.remembered = "";
        this.memory();
        desk.emit("timeline");
      },
    }, icon("close"));
    const open = el("button.thumb", { type: "button", title: `Go to frame ${frame}`, onclick: () => desk.go(frame) },
      el("img", { src: `/api${desk.path}/frames/${frame}/overlay?width=160&object_id=${desk.selected}&by=${event_id ?? 0}`, alt: `frame ${frame}`, loading: "lazy" }),
      el("span", {}, last > frame ? `${frame} to ${last} · ${name}` : `${frame} · ${name}`));
    return el("div.remembered", {}, open, drop);
  }
}
