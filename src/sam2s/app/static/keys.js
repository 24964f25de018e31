// Every act has a key; one table serves the keyboard, the tooltips and the page under "?".
import { el, openDialog } from "./dom.js";
import { legend } from "./timeline_tiles.js";

/** @typedef {{keys: string[], shown: string, label: string, group: string, act: () => void}} Binding */

/** @param {KeyboardEvent} event @returns {string} such as "Ctrl+Shift+z" */
function nameOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key));
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${key === " " ? "Space" : key}`;
}

/** Listens to the keyboard, but not while one types or a dialog is open. */
export class Keys {
  /** @param {Binding[]} bindings */
  constructor(bindings) {
    this.bindings = bindings;
    /** @type {Map<string, Binding>} */
    this.table = new Map();
    for (const binding of bindings) for (const key of binding.keys) this.table.set(key, binding);
    addEventListener("keydown", (event) => this.down(event));
  }

  /** @param {KeyboardEvent} event */
  down(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (document.querySelector("dialog[open]") || target.closest("input:not([type=range]):not([type=checkbox]), textarea, select")) return;
    const name = nameOf(event);
    if ((name === "Enter" || name === "Space") && target.closest("button, a")) return;
    const binding = this.table.get(name);
    if (!binding) return;
    event.preventDefault();
    binding.act();
  }

  help() {
    const groups = [...new Set(this.bindings.map((binding) => binding.group))].filter((group) => group);
    const content = groups.flatMap((group) => [
      el("h2", {}, group),
      el("div.keys", {}, ...this.bindings.filter((binding) => binding.group === group)
        .flatMap((binding) => [el("kbd", {}, binding.shown), el("span", {}, binding.label)])),
    ]);
    const mouse = [
      ["Left click", "add what is under the pointer to the object"], ["Right click, Alt + click", "remove it from the object"],
      ["Wheel", "zoom at the pointer; with the brush its size"],
      ["Shift + click with the brush", "a straight line from the end of the last stroke"], ["Middle button, Space + drag", "move the picture"],
      ["Shift + drag on the timeline", "mark a span"], ["Wheel on the timeline", "zoom; with Shift move"],
    ];
    content.push(el("h2", {}, "Mouse"), el("div.keys", {}, ...mouse.flatMap(([keys, label]) => [el("kbd", {}, keys), el("span", {}, label)])));
    content.push(el("h2", {}, "Rows of the timeline"), el("div.keys.legend", {}, ...legend()));
    openDialog("Keys", content, [{ label: "Close", primary: true }]);
  }
}
