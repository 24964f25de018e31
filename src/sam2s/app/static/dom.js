// Small helpers for pages made without a framework.

/**
 * Make an element.
 * @param {string} tag with classes: "button.primary"
 * @param {Record<string, any>} [properties] `on` prefixes are listeners, the rest properties or attributes
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && key !== "list") /** @type {any} */ (element)[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(.../** @type {(Node | string)[]} */ (children.filter((child) => child || child === "")));
  return element;
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** Shapes of the icons, drawn in a box of 16 by 16. */
const SHAPES = /** @type {Record<string, string>} */ ({
  point: "M8 1.5v4M8 10.5v4M1.5 8h4M10.5 8h4M8 7.5a.5.5 0 1 0 0 1 .5.5 0 1 0 0-1",
  box: "M2.5 4V2.5H4M12 2.5h1.5V4M13.5 12v1.5H12M4 13.5H2.5V12M6.5 2.5h3M6.5 13.5h3M2.5 6.5v3M13.5 6.5v3",
  brush: "M13.5 2.5 7 9M7 9c-2-.5-3.5.5-3.7 2.5-.1 1-.6 1.6-1.3 2 2.5.5 5.5 0 5.7-2.5C7.8 10.2 7.5 9.5 7 9Z",
  erase: "M9 3 3 9.5a1 1 0 0 0 0 1.4L5.5 13.5H8l5.5-5.6a1 1 0 0 0 0-1.4L10.3 3A1 1 0 0 0 9 3ZM6 6.5l4.5 4.5M8 13.5h5.5",
  pan: "M8 2v12M2 8h12M8 2 6.5 3.5M8 2l1.5 1.5M8 14l-1.5-1.5M8 14l1.5-1.5M2 8l1.5-1.5M2 8l1.5 1.5M14 8l-1.5-1.5M14 8l-1.5 1.5",
  undo: "M6 3 2.5 6.5 6 10M2.5 6.5h7a4 4 0 0 1 0 8H7",
  redo: "M10 3l3.5 3.5L10 10M13.5 6.5h-7a4 4 0 0 0 0 8H9",
  play: "M4.5 2.5v11l8.5-5.5Z",
  pause: "M4.5 3v10M11.5 3v10",
  first: "M3.5 3v10M12.5 3 6 8l6.5 5Z",
  last: "M12.5 3v10M3.5 3 10 8l-6.5 5Z",
  back: "M10.5 3 5 8l5.5 5",
  next: "M5.5 3 11 8l-5.5 5",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 6a2 2 0 1 0 0 4 2 2 0 1 0 0-4",
  hidden: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM2.5 13.5l11-11",
  lock: "M4 7.5h8v6H4ZM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  unlock: "M4 7.5h8v6H4ZM5.5 7.5V5a2.5 2.5 0 0 1 4.8-1",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  check: "M2.5 8.5 6.5 12.5 13.5 4",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  stop: "M4 4h8v8H4Z",
  doubt: "M8 2.5 14.5 13.5h-13ZM8 6.5v3.5M8 12v.01",
  upload: "M8 11V2.5M4.5 6 8 2.5 11.5 6M2.5 10.5v3h11v-3",
  wand: "M2.5 13.5 9 7M11 2.5v3M9.5 4h3M13 7.5v2M12 8.5h2M6 2.5v2M5 3.5h2",
  help: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2C8.3 8.7 8 9.2 8 10M8 12.5v.01",
});

/** @param {string} name @returns {SVGElement} */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[name] ?? "");
  svg.append(path);
  return svg;
}

/**
 * A button with an icon, named for readers of the screen, its key in the tooltip.
 * @param {string} name of the icon
 * @param {string} label
 * @param {string} key
 * @param {() => void} act
 */
export function iconButton(name, label, key, act) {
  const title = key ? `${label} (${key})` : label;
  return el("button.icon-button", { type: "button", title, "aria-label": title, onclick: act }, icon(name));
}

/** Say something that needs no answer. @param {string} text @param {"info" | "bad" | "good"} [kind] */
export function toast(text, kind = "info") {
  const area = byId("toasts");
  const note = el(`div.toast.${kind}`, { role: kind === "bad" ? "alert" : "status" }, text);
  const close = el("button.icon-button", { type: "button", "aria-label": "Close", onclick: () => note.remove() }, icon("close"));
  note.append(close);
  while (area.children.length > 2) area.firstChild.remove();
  area.append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 12000 : 4000);
}

/**
 * A dialog; resolves when it closes.
 * @param {string} title
 * @param {(Node | string)[]} content
 * @param {{label: string, primary?: boolean, act?: () => boolean | void | Promise<boolean | void>}[]} buttons `act`
 *   returning false keeps the dialog open
 * @returns {{dialog: HTMLDialogElement, closed: Promise<void>}}
 */
export function openDialog(title, content, buttons) {
  const dialog = el("dialog", { "aria-label": title });
  const actions = buttons.map(({ label, primary, act }) =>
    el(primary ? "button.primary" : "button", {
      type: primary ? "submit" : "button",
      onclick: async (/** @type {Event} */ event) => {
        event.preventDefault();
        if ((await act?.()) !== false) dialog.close();
      },
    }, label),
  );
  dialog.append(el("form", { method: "dialog" }, el("h2", {}, title), ...content, el("div.actions", {}, ...actions)));
  document.body.append(dialog);
  const closed = new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(undefined);
    });
  });
  dialog.showModal();
  dialog.scrollTop = 0;
  return { dialog, closed: /** @type {Promise<void>} */ (closed) };
}

/** @param {string} label @param {Node} control @param {string} [hint] */
export function field(label, control, hint) {
  return el("label.field", {}, el("span", {}, label), control, hint ? el("small", {}, hint) : null);
}

/** @param {[string, string][]} options value and text @param {string} [chosen] @returns {HTMLSelectElement} */
export function choice(options, chosen) {
  const select = el("select");
  for (const [value, text] of options) select.append(el("option", { value, selected: value === chosen }, text));
  return select;
}
