// Teaching: what there is to learn from, a plan, how far it is, what it changed, which weights are in use.
import { get, post } from "./api.js";
import { el, openDialog } from "./dom.js";

const STAGES = /** @type {Record<string, string>} */ ({
  starting: "starting", reading: "reading accepted frames", training: "learning", measuring: "measuring on the held-out frames",
  drawing: "drawing pictures",
});
const COLUMNS = /** @type {[string, string][]} */ ([
  ["val_jf", "J&F"], ["val_jf_mask", "from a mask"], ["val_jf_box", "from a box"], ["val_jf_3-click", "from 3 clicks"],
  ["val_false_masks", "false masks"],
]);

/** In a word, for the bar of a page. @param {any} task @returns {string} empty where nothing is under way */
export function teachingWord(task) {
  if (task?.state !== "running") return "";
  const share = task.total ? ` ${Math.min(100, Math.round((100 * task.done) / task.total))} %` : "";
  return `${task.stage === "training" ? "learning" : task.stage}${share}`;
}

/** @param {number} seconds */
const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.round(seconds) % 60).padStart(2, "0")}`;

/** The dialog of teaching; draws itself again whenever the server's state has changed. */
class TeachDialog {
  constructor() {
    this.body = el("div.teach");
    this.state = /** @type {any} */ (null);
    this.drawn = "";
    this.said = "";
    /** @type {Set<string>} videos that are left away */
    this.left = new Set();
    this.minutes = 12;
    const { dialog, closed } = openDialog("Teach", [this.body], [{ label: "Close" }]);
    dialog.classList.add("wide");
    this.timer = setInterval(() => this.load(), 1000);
    closed.then(() => clearInterval(this.timer));
    this.load();
  }

  async load() {
    try {
      this.show(await get("/teaching"));
    } catch (error) {
      this.problem(error);
    }
  }

  /** @param {string} path @param {unknown} [body] */
  async act(path, body) {
    this.said = "";
    try {
      this.show(await post(`/teaching${path}`, body));
    } catch (error) {
      this.problem(error);
    }
  }

  /** @param {unknown} error */
  problem(error) {
    this.said = error instanceof Error ? error.message : String(error);
    this.drawn = "";
    if (this.state) this.show(this.state);
    else this.body.replaceChildren(el("p.bad", { role: "alert" }, this.said));
  }

  /** @param {any} state */
  show(state) {
    this.state = state;
    const text = JSON.stringify(state) + this.said;
    if (text === this.drawn) return;
    this.drawn = text;
    const running = state.task?.state === "running";
    const work = running ? this.progress(state.task) : this.form(state);
    const fresh = state.task?.state === "done" && state.task.number !== state.current;
    const focused = document.activeElement?.id;
    this.body.replaceChildren(...[
      el("p.muted", {}, "The tracker learns from masks that were accepted. Some of them are held out, to measure whether it got better."),
      ...(this.said ? [el("p.bad", { role: "alert" }, this.said)] : []),
      ...(fresh ? [...this.outcome(state), ...this.weights(state), el("h2", {}, "Teach again"), ...work]
        : [...work, ...this.outcome(state), ...this.weights(state)]),
    ].filter(Boolean));
    if (focused) document.getElementById(focused)?.focus();
  }

  /** @param {any} task */
  progress(task) {
    const seconds = task.stage === "training";
    const far = !task.total ? "" : seconds ? `${minutes(task.done)} of ${minutes(task.total)}` : `${task.done} of ${task.total}`;
    return [
      el("h2", {}, "Under way"),
      el("p", { role: "status" }, `${task.author} teaches with ${task.videos.join(", ")}: ${STAGES[task.stage] ?? task.stage} ${far}`),
      el("progress", task.total ? { value: task.done, max: task.total } : {}),
      el("p.muted", {}, "You may go on working, and close this; a click comes first, and learning stands still while it is answered."),
      el("button.danger", { type: "button", id: "teach-stop", onclick: () => this.act("/stop") }, "Stop"),
    ];
  }

  /** @param {any} state */
  form(state) {
    const failed = ["failed", "stopped"].includes(state.task?.state) ? state.task : null;
    const note = failed && el("p.bad", {}, failed.state === "stopped" ? "The last one was stopped." : `The last one failed: ${failed.message}`);
    if (!state.learnable.length) {
      return [note, el("p", {}, "Nothing is accepted yet. Accept spans of masks that are right (key A), best on two stretches of a video.")];
    }
    const boxes = state.learnable.map((/** @type {any} */ video) => el("label.check", {},
      el("input", { type: "checkbox", checked: !this.left.has(video.id), onchange: (/** @type {any} */ event) => {
        if (event.target.checked) this.left.delete(video.id);
        else this.left.add(video.id);
        this.plan();
      } }), `${video.name}, ${video.accepted} accepted frames`));
    const time = el("input", { type: "number", id: "teach-minutes", min: 0.1, max: 1440, step: "any", value: this.minutes,
      oninput: () => {
        this.minutes = Number(time.value);
        this.plan();
      } });
    this.planned = el("div.plan", { role: "status" });
    this.begin = el("button.primary", { type: "button", id: "teach-begin", disabled: true, onclick: () => this.act("", this.request()) }, "Teach");
    this.plan();
    return [note, el("div.options", {}, ...boxes), el("label.field", {}, el("span", {}, "Minutes of learning"), time), this.planned, this.begin];
  }

  request() {
    const chosen = this.state.learnable.filter((/** @type {any} */ video) => !this.left.has(video.id));
    return { minutes: this.minutes, videos: chosen.map((/** @type {any} */ video) => video.id) };
  }

  /** Say what would be done, before it is begun. */
  async plan() {
    const { planned, begin } = this;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    begin.disabled = true;
    try {
      const plan = await post("/teaching/plan", this.request());
      if (turn !== this.turn) return;
      planned.replaceChildren(el("ul", {}, ...plan.lines.map((/** @type {string} */ line) => el("li", {}, line)),
        el("li", {}, "then measures five candidates on the held-out frames, which takes more time with more of them")));
      begin.disabled = false;
    } catch (error) {
      if (turn !== this.turn) return;
      planned.replaceChildren(el("p.bad", {}, error instanceof Error ? error.message : String(error)));
      begin.disabled = true;
    }
  }

  /** What the last attempt has changed. @param {any} state */
  outcome(state) {
    const last = state.taught.at(-1);
    if (!last) return [];
    const columns = COLUMNS.filter(([name]) => Object.values(last.scores).some((/** @type {any} */ scores) => name in scores));
    const rows = Object.entries(last.scores).map(([name, /** @type {any} */ scores]) => el(name === last.chosen ? "tr.chosen" : "tr", {},
      el("th", { scope: "row" }, name), ...columns.map(([column]) => el("td", {}, column in scores ? scores[column].toFixed(1) : "–"))));
    const gain = last.scores[last.chosen].val_jf - last.scores.before.val_jf;
    const verdict = !last.better ? "Not better than the weights before: those stay."
      : `Better by ${gain.toFixed(1)} points of J&F on ${last.held_out} frames that it has not learned from.`;
    const take = last.better && state.current !== last.number
      ? el("button.primary", { type: "button", id: "teach-take", onclick: () => this.act("/use", { number: last.number }) }, "Take these weights") : null;
    return [
      el("h2", {}, `What attempt ${last.number} has changed`), el("p", {}, verdict), take,
      el("table", {}, el("thead", {}, el("tr", {}, el("th"), ...columns.map(([, title]) => el("th", { scope: "col" }, title)))), el("tbody", {}, ...rows)),
      el("p.muted", {}, `Percent; between the weights before and after, averages are tried.${columns.length && columns.at(-1)?.[0] === "val_false_masks"
        ? " False masks: frames without the object that got one." : ""}`),
      ...last.pictures.map((/** @type {string} */ name) => el("img.compared", { src: `/api/teaching/${last.number}/pictures/${encodeURIComponent(name)}`,
        alt: `Held-out frame ${name}: accepted masks, before, after`, loading: "lazy" })),
    ];
  }

  /** All weights, and which are in use. @param {any} state */
  weights(state) {
    if (!state.taught.length) return [];
    const first = { number: 0, name: state.first, better: true };
    const items = [first, ...state.taught].map((/** @type {any} */ one) => {
      const from = one.number ? `from ${one.parent}, ${one.train} frames of ${one.videos.join(", ")}, by ${one.author ?? "somebody"}` : "as the server was started";
      const button = one.number === state.current ? el("strong", {}, "in use") : one.better
        ? el("button", { type: "button", "data-use": String(one.number), onclick: () => this.act("/use", { number: one.number }) }, one.number < state.current ? "Go back to these" : "Use these")
        : el("span.muted", {}, "not better, not kept");
      return el("li", {}, el("span", {}, one.name, el("small.muted", {}, from)), button);
    });
    return [el("h2", {}, "Weights"), el("ul.weights", {}, ...items)];
  }
}

/** Open the dialog. */
export function teachDialog() {
  return new TeachDialog();
}
