// The bars round the picture: tools, history, playing, view, propagation.
import { byId, el, icon, iconButton, toast } from "./dom.js";
import { clock } from "./timeline.js";
import { teachDialog } from "./teach.js";
import { exportDialog, importDialog } from "./transfer.js";

const TOOLS = /** @type {[import("./desk.js").Desk["tool"], string, string][]} */ ([
  ["point", "Click", "C"], ["box", "Box", "B"], ["brush", "Brush", "R"], ["erase", "Eraser", "E"], ["pan", "Pan", "H"],
]);

/** Buttons and readings; everything they do is done elsewhere. */
export class Transport {
  /** @param {import("./work.js").Work} work */
  constructor(work) {
    this.work = work;
    const { desk } = work;
    this.buttons();
    this.viewControls();
    this.spaceBar();
    desk.on(["frame", "picture"], () => this.reading());
    desk.on("tool", () => this.pressed());
    desk.on("span", () => this.spanBar());
    desk.on("runs", () => this.progress());
    desk.on("view", () => this.viewState());
    this.pressed();
    this.spanBar();
  }

  buttons() {
    const { work } = this;
    const { desk } = work;
    byId("tools").append(...TOOLS.map(([tool, label, key]) => {
      const button = iconButton(tool, label, key, () => desk.use(tool));
      button.dataset.tool = tool;
      return button;
    }));
    byId("history").append(iconButton("undo", "Undo", "Ctrl+Z", () => work.turn("undo")), iconButton("redo", "Redo", "Ctrl+Shift+Z", () => work.turn("redo")));
    const propagate = el("button.primary", { type: "button", id: "propagate", title: "Propagate to the end (Enter)",
      onclick: () => work.carrier.begin({ until: "end", direction: "forward" }) }, "Propagate");
    const stop = el("button.danger", { type: "button", id: "stop", title: "Stop, keep what is done (Esc)", hidden: true, onclick: () => this.stop() }, icon("stop"), "Stop");
    byId("actions").append(propagate, stop,
      iconButton("more", "Propagate: how far, which way, for whom", "Shift+Enter", () => work.carrier.options()),
      iconButton("check", "Accept this frame or the marked span", "A", () => work.span("accept")),
      iconButton("doubt", "Next frame worth a look", "U", () => work.doubtful()),
      el("button", { type: "button", title: "Export (Ctrl+E)", id: "export", onclick: () => this.exports() }, "Export"),
      el("button", { type: "button", title: "Import masks", id: "import", onclick: () => importDialog(desk, work.may) }, "Import"),
      el("button", { type: "button", title: "Find cuts, frames out of the body, smoke, blur and the like (V)", id: "events", onclick: () => work.events.begin() }, "Events"),
      el("button", { type: "button", title: "Let the tracker learn from accepted masks (W)", id: "teach", onclick: teachDialog }, "Teach"),
      iconButton("help", "Keys", "?", () => work.keys.help()));
    const step = (/** @type {number} */ by) => () => {
      work.playback.stop();
      desk.followed = false;
      desk.go(desk.frame + by);
    };
    byId("play").append(iconButton("first", "First frame", "Home", step(-desk.video.length)), iconButton("back", "Frame before", "←", step(-1)),
      iconButton("play", "Play or pause", "Space", () => work.playback.toggle()), iconButton("next", "Next frame", "→", step(1)),
      iconButton("last", "Last frame", "End", step(desk.video.length)));
    byId("speed").append(el("button.quiet", { type: "button", title: "Slower (,)", "aria-label": "Slower", onclick: () => work.playback.faster(-1) }, "−"),
      el("output.speed", { id: "rate", title: "Speed" }, "1×"),
      el("button.quiet", { type: "button", title: "Faster (.)", "aria-label": "Faster", onclick: () => work.playback.faster(1) }, "+"));
    byId("zoom").append(el("button.quiet", { type: "button", title: "Whole timeline (T)", onclick: () => work.timeline.whole() }, "whole"),
      el("button.quiet", { type: "button", title: "Timeline: farther (Shift+Z)", "aria-label": "Timeline farther", onclick: () => work.timeline.zoom(2) }, "−"),
      el("button.quiet", { type: "button", title: "Timeline: closer (Z)", "aria-label": "Timeline closer", onclick: () => work.timeline.zoom(0.5) }, "+"));
    byId("span-tools").append(el("button", { type: "button", id: "accept-span", title: "Accept the span (A)", onclick: () => work.span("accept") }, "Accept"),
      el("button", { type: "button", id: "delete-span", title: "Delete the chosen object's masks in the span (Del)", onclick: () => work.span("delete-masks", true) }, "Delete masks"),
      iconButton("close", "Unmark", "Esc", () => desk.mark(null)));
    byId("frame-number").addEventListener("click", () => work.askFrame());
  }

  viewControls() {
    const { desk } = this.work;
    const slider = (/** @type {string} */ label, /** @type {"opacity" | "brightness" | "contrast"} */ name, /** @type {number} */ least, /** @type {number} */ most) => {
      const input = el("input", { type: "range", min: least, max: most, step: 0.05, value: desk.view[name], "data-view": name,
        oninput: () => desk.look({ [name]: Number(input.value) }), ondblclick: () => desk.look({ [name]: name === "opacity" ? 0.45 : 1 }) });
      return el("label", {}, label, input);
    };
    const check = (/** @type {string} */ label, /** @type {"outline" | "masks" | "cross"} */ name, /** @type {string} */ key) =>
      el("label", { title: key }, el("input", { type: "checkbox", "data-view": name, checked: desk.view[name],
        onchange: (/** @type {any} */ event) => desk.look({ [name]: event.target.checked }) }), label);
    const lossless = el("label", { title: "Fetch frames as PNG" }, el("input", { type: "checkbox", onchange: (/** @type {any} */ event) => {
      desk.frames.lossless = event.target.checked;
      desk.go(desk.frame);
    } }), "lossless");
    byId("view").append(slider("Opacity", "opacity", 0, 1), slider("Brightness", "brightness", 0.3, 3), slider("Contrast", "contrast", 0.3, 3),
      el("div.checks", {}, check("masks", "masks", "M"), check("outline", "outline", "O"), check("cross-hair", "cross", "J"), lossless));
  }

  viewState() {
    for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-view]"))) {
      const value = /** @type {any} */ (this.work.desk.view)[/** @type {string} */ (input.dataset.view)];
      if (input.type === "checkbox") input.checked = value;
      else input.value = String(value);
    }
  }

  /** Space plays when it is let go, unless it was held to pan. */
  spaceBar() {
    const typing = (/** @type {Event} */ event) =>
      document.querySelector("dialog[open]") || /** @type {HTMLElement} */ (event.target).closest("input, textarea, select, button, a");
    addEventListener("keydown", (event) => {
      if (event.key === " " && !event.repeat && !typing(event)) {
        this.work.tools.space(true);
        this.work.tools.dragged = false;
      }
    });
    addEventListener("keyup", (event) => {
      if (event.key !== " ") return;
      const held = this.work.tools.spaceHeld;
      this.work.tools.space(false);
      if (held && !this.work.tools.dragged) this.work.playback.toggle();
    });
  }

  render() {
    const { playback } = this.work;
    byId("rate").textContent = `${playback.speed}×`;
    byId("play").children[2].replaceChildren(icon(playback.playing ? "pause" : "play"));
    this.reading();
  }

  reading() {
    const { desk } = this.work;
    const masks = desk.masks.get(desk.frame);
    const seconds = masks?.time ?? desk.frame / desk.video.fps;
    byId("time").textContent = clock(seconds, true);
    byId("frame-number").textContent = `frame ${desk.frame} of ${desk.video.length}`;
  }

  pressed() {
    for (const button of byId("tools").children) button.setAttribute("aria-pressed", String(button.dataset.tool === this.work.desk.tool));
  }

  spanBar() {
    const { span } = this.work.desk;
    byId("span-tools").hidden = !span;
    byId("span").textContent = span ? `frames ${span[0]} to ${span[1] - 1}` : "";
  }

  progress() {
    const { carrier, desk, events } = this.work;
    const running = desk.runs.filter((run) => run.state === "running");
    byId("stop").hidden = !running.length && !events.running;
    byId("propagate").hidden = running.length > 0;
    byId("propagate").textContent = carrier.searches ? "Propagate + search" : "Propagate";
    if (!running.length) {
      const bar = events.running && el("progress", { value: events.state.done, max: Math.max(1, events.state.total ?? desk.video.length) });
      byId("busy").replaceChildren(...(bar ? [events.word, bar] : []));
      return;
    }
    const done = running.reduce((sum, run) => sum + run.done, 0);
    const total = running.reduce((sum, run) => sum + run.total, 0);
    const shared = Math.max(...running.map((run) => run.queue)) - running.length;
    const others = shared > 0 ? `, the device is shared with ${shared} more` : "";
    byId("busy").replaceChildren(`frame ${running[0].frame}`, el("progress", { value: done, max: Math.max(1, total) }), `${done} of ${total}${others}`);
  }

  async clear() {
    const { work } = this;
    const { desk } = work;
    if (!work.may() || !desk.object(desk.selected)) return;
    if (await desk.act("prompts/clear", { frame: desk.frame, object_id: desk.selected })) {
      toast("prompts cleared");
      await desk.refresh();
    }
  }

  escape() {
    const { work } = this;
    if (work.carrier.asking) work.carrier.dismiss();
    else if (work.desk.runs.some((run) => run.state === "running")) work.carrier.stop();
    else if (work.playback.playing) work.playback.stop();
    else if (work.desk.span) work.desk.mark(null);
    else if (work.events.running) work.events.stop();
  }

  /** Stop propagations; where there are none, the search for events. */
  stop() {
    const { desk, carrier, events } = this.work;
    if (desk.runs.some((run) => run.state === "running")) carrier.stop();
    else events.stop();
  }

  exports() {
    exportDialog(this.work.desk);
  }
}
