// Remarks on frames: left by whoever looks on, settled by whoever mends.
import { get, post } from "./api.js";
import { byId, el, openDialog, toast } from "./dom.js";

/** @typedef {{event_id: number, frame: number, object_id: number | null, text: string, author: string | null,
 *   time: string, settled_by: string | null}} Remark */

/** Lists the remarks of the frame that is shown. */
export class Remarks {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    /** @type {Remark[]} */
    this.all = [];
    desk.on("objects", () => this.load());
    desk.on("picture", () => this.render());
  }

  get open() {
    return this.all.filter((remark) => !remark.settled_by);
  }

  async load() {
    const all = await get(`${this.desk.path}/remarks`).catch(() => this.all);
    if (JSON.stringify(all) === JSON.stringify(this.all)) return;
    this.all = all;
    this.desk.remarked = this.open.map((remark) => remark.frame);
    this.render();
    this.desk.emit("runs"); // the timeline is drawn anew
  }

  render() {
    const here = this.all.filter((remark) => remark.frame === this.desk.shownFrame);
    const rows = here.map((remark) => el(`div.remark${remark.settled_by ? ".settled" : ""}`, {}, el("span", {}, remark.text),
      el("small.muted", {}, `${this.desk.object(remark.object_id ?? 0)?.name ?? ""} ${remark.author ?? ""}`.trim()),
      remark.settled_by ? el("small.muted", {}, `settled by ${remark.settled_by}`)
        : el("button", { type: "button", onclick: () => this.settle(remark) }, "Settle")));
    const elsewhere = this.open.length - here.filter((remark) => !remark.settled_by).length;
    if (elsewhere) rows.push(el("button.quiet", { type: "button", title: "Next open remark (Shift+Q)", onclick: () => this.next() }, `${elsewhere} open elsewhere`));
    byId("remarks").replaceChildren(...(rows.length ? rows : [el("p.muted", {}, "none; Q leaves one")]));
  }

  /** @param {Remark} remark */
  async settle(remark) {
    await post(`${this.desk.path}/remarks/${remark.event_id}/settle`).catch((error) => this.desk.emit("problem", error));
    this.load();
  }

  /** Ask for a remark on this frame. */
  ask() {
    const { desk } = this;
    const frame = desk.shownFrame;
    const object = desk.object(desk.selected);
    const text = el("textarea", { rows: 3, maxLength: 2000, "aria-label": "Remark" });
    const about = el("input", { type: "checkbox", checked: false });
    openDialog(`Remark on frame ${frame}`, [text, object ? el("label.check", {}, about, `about ${object.name}`) : ""], [
      { label: "Cancel" },
      { label: "Save", primary: true, act: async () => {
        if (!text.value.trim()) return false;
        try {
          await post(`${desk.path}/remarks`, { frame, text: text.value.trim(), object_id: object && about.checked ? object.object_id : null });
        } catch (error) {
          desk.emit("problem", error);
          return false;
        }
        this.load();
      } },
    ]);
    text.focus();
  }

  /** Go to the next open remark, from the end to the first. */
  next() {
    const { open, desk } = this;
    const found = open.find((remark) => remark.frame > desk.frame) ?? open[0];
    if (found) desk.go(found.frame);
    else toast("no remark is open");
  }
}
