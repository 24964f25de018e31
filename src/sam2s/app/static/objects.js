// The panel of objects: who is there, what it is called, what may be done with it.
import { call } from "./api.js";
import { byId, choice, el, field, icon, iconButton, openDialog } from "./dom.js";
import { stateWord } from "./words.js";

/** Lists objects and changes them. */
export class ObjectsPanel {
  /** @param {import("./desk.js").Desk} desk @param {() => boolean} may */
  constructor(desk, may) {
    this.desk = desk;
    this.may = may;
    this.list = byId("objects");
    desk.on(["objects", "masks", "picture"], () => this.render());
  }

  render() {
    const { desk } = this;
    const active = document.activeElement?.closest("[data-object]")?.getAttribute("data-object");
    const heads = desk.objects.map((item) => this.row(item));
    this.list.replaceChildren(...heads);
    if (active) this.list.querySelector(`[data-object="${active}"] .pick`)?.focus();
    byId("no-objects").hidden = desk.objects.length > 0;
  }

  /** @param {import("./types.js").ObjectItem} item */
  row(item) {
    const { desk } = this;
    const mask = desk.maskOf(item.object_id);
    const chosen = item.object_id === desk.selected;
    const state = !mask ? "no mask here" : mask.accepted ? "accepted" : stateWord(mask.state);
    const pick = el("button.pick", {
      type: "button", "aria-pressed": String(chosen), title: `Choose (${item.object_id < 10 ? item.object_id : "click"})`,
      onclick: () => desk.select(item.object_id), ondblclick: () => this.edit(item),
    },
    el("span.swatch", { style: `background:${item.colour}` }),
    el("span.name", {}, `${item.object_id} ${item.name}`),
    el("span.state", {}, item.end_frame !== null && desk.frame >= item.end_frame ? "ended" : state));
    const eye = desk.visible(item.object_id) ? "eye" : "hidden";
    const label = item.hidden ? "Show" : "Hide";
    return el(`li.object${chosen ? ".chosen" : ""}`, { "data-object": String(item.object_id) }, pick,
      iconButton(eye, `${label} ${item.name}`, chosen ? "D" : "", () => this.change(item, { hidden: !item.hidden })),
      iconButton(item.locked ? "lock" : "unlock", `${item.locked ? "Unlock" : "Lock"} ${item.name}`, chosen ? "L" : "",
        () => this.change(item, { locked: !item.locked })),
      iconButton("more", `More for ${item.name}`, "", () => this.menu(item)));
  }

  /** @param {import("./types.js").ObjectItem} item @param {Record<string, unknown>} change */
  async change(item, change) {
    if (!this.may()) return;
    try {
      await call("PATCH", `${this.desk.path}/objects/${item.object_id}`, change);
      await this.desk.loadObjects();
    } catch (error) {
      this.desk.emit("problem", error);
    }
  }

  /** A new object, chosen from then on; its masks come with the first click. */
  async add() {
    if (!this.may()) return;
    const made = await this.desk.act("objects", {});
    if (!made) return;
    await this.desk.loadObjects();
    this.desk.select(/** @type {any} */ (made).object_id);
    const item = this.desk.object(this.desk.selected);
    if (item) this.edit(item);
  }

  /** @param {import("./types.js").ObjectItem} item */
  edit(item) {
    const names = el("datalist", { id: "ontology" }, ...this.desk.video.ontology.map((value) => el("option", { value })));
    const name = el("input", { value: item.suggestion ?? item.name, list: "ontology", maxLength: 120, required: true, autocomplete: "off" });
    const instance = el("input", { type: "number", min: 1, max: 9999, value: item.instance });
    name.addEventListener("input", () => (instance.value = String(this.freeInstance(item, name.value.trim()))));
    const colour = el("input", { type: "color", value: item.colour });
    const hint = item.suggestion ? `The weights suggest "${item.suggestion}".` : "Choose a name of the list or write your own.";
    openDialog(`Object ${item.object_id}`, [field("Name", name, hint), names,
      field("Instance", instance, "Tells apart several of one name."), field("Colour", colour)], [
      { label: "Cancel" },
      { label: "Save", primary: true, act: async () => {
        if (!name.value.trim()) return false;
        await this.change(item, { name: name.value.trim(), instance: Number(instance.value) || 1, colour: colour.value });
      } },
    ]);
    name.focus();
    name.select();
  }

  /** The number that tells an object apart from others of the name it is given. @param {import("./types.js").ObjectItem} item @param {string} name */
  freeInstance(item, name) {
    const taken = new Set(this.desk.objects.filter((one) => one !== item && one.name === name).map((one) => one.instance));
    let number = name === item.name ? item.instance : 1;
    while (taken.has(number)) number++;
    return number;
  }

  /** @param {import("./types.js").ObjectItem} item */
  menu(item) {
    const { desk } = this;
    const others = desk.objects.filter((other) => other.object_id !== item.object_id);
    const other = choice(others.map((one) => [String(one.object_id), `${one.object_id} ${one.name}`]));
    const frame = desk.frame;
    const id = item.object_id;
    /** @type {HTMLDialogElement} */
    let dialog;
    const option = (/** @type {string} */ text, /** @type {string} */ hint, /** @type {() => any} */ then, needs = false) =>
      el("button.option", { type: "button", disabled: needs && !others.length, onclick: async () => {
        dialog.close();
        await then();
        await desk.loadObjects();
      } }, el("strong", {}, text), el("small", {}, hint));
    const content = [
      el("div.options", {},
        option("Rename", "name, instance number, colour", () => this.edit(item)),
        option(desk.solo === id ? "Show all objects" : "Show only this", "key S", () => {
          desk.solo = desk.solo === id ? null : id;
          desk.emit("objects");
        }),
        option(`End at frame ${frame}`, "it has left for good: no masks from here on", () => this.change(item, { end_frame: frame })),
        item.end_frame === null ? "" : option("It goes on", `take back the end at frame ${item.end_frame}`, () => this.change(item, { end_frame: -1 })),
        option(`Split at frame ${frame}`, "masks from here on become a new object", () => desk.act("split", { object_id: id, frame })),
        option("Remove", "masks and all; Ctrl+Z brings it back", async () => {
          try {
            await call("DELETE", `${desk.path}/objects/${id}`);
          } catch (error) {
            desk.emit("problem", error);
          }
        })),
      others.length ? field("With another object", other) : "",
      el("div.options", {},
        option("Merge into it", "both become that object", () => desk.act("merge", { into: Number(other.value), object_id: id }), true),
        option(`Swap from frame ${frame} on`, "their identities were exchanged here", () => desk.act("swap", { a: id, b: Number(other.value), frame }), true)),
    ];
    if (!this.may()) return;
    dialog = openDialog(`${id} ${item.name}`, content, [{ label: "Close" }]).dialog;
  }

  /** The list of keys that objects have: 1 to 9. @param {number} number */
  pick(number) {
    const item = this.desk.objects.find((one) => one.object_id === number);
    if (item) this.desk.select(number);
  }

  /** For the buttons above the list. @returns {HTMLElement} */
  newButton() {
    return el("button.new-object", { type: "button", title: "New object (N)", onclick: () => this.add() }, icon("point"), "New object");
  }
}
