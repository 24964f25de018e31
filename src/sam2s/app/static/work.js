// The page where one works: puts the parts together.
import { ApiProblem, call, get, Notices } from "./api.js";
import { Carrier } from "./carry.js";
import { bindings } from "./bindings.js";
import { Desk } from "./desk.js";
import { byId, el, openDialog, toast } from "./dom.js";
import { EventFinder } from "./events.js";
import { Keys } from "./keys.js";
import { ObjectsPanel } from "./objects.js";
import { PictureView } from "./picture.js";
import { teachingWord } from "./teach.js";
import { Playback } from "./playback.js";
import { Remarks } from "./remarks.js";
import { FramePanel } from "./side.js";
import { statisticsDialog } from "./statistics.js";
import { Timeline } from "./timeline.js";
import { Tools } from "./tools.js";
import { Transport } from "./transport.js";

/** The parts of the page, handed to the table of keys. */
export class Work {
  /** @param {import("./types.js").VideoInfo} video */
  constructor(video) {
    this.desk = new Desk(video);
    this.may = () => this.mayEdit();
    this.view = new PictureView(byId("picture"), this.desk);
    this.timeline = new Timeline(byId("timeline"), this.desk);
    this.carrier = new Carrier(this.desk, this.may, () => this.queue);
    this.objects = new ObjectsPanel(this.desk, this.may);
    this.panel = new FramePanel(this.desk, this.may, (objectId, rle) => this.mend(objectId, rle));
    this.remarks = new Remarks(this.desk);
    this.events = new EventFinder(this.desk, this.may);
    this.transport = new Transport(this);
    this.playback = new Playback(this.desk, () => this.transport.render());
    this.tools = new Tools(this.view, this.desk, {
      click: (x, y, positive) => this.prompt({ points: [{ x, y, positive }] }),
      box: (corners) => this.prompt({ box: corners }),
      paint: (rle, painting) => this.paint(rle, painting),
      moved: (point) => (byId("coordinates").textContent = point ? `${Math.floor(point.x)}, ${Math.floor(point.y)}` : ""),
      may: this.may,
    });
    this.keys = new Keys(bindings(this));
    /** @type {Promise<unknown>} clicks, strokes and undo are answered one after another */
    this.queue = Promise.resolve();
    /** The newest act that the page was told of; none yet. */
    this.event = -1;
    this.change = 0;
    byId("title").textContent = video.name;
    document.title = `${video.name} · SAM2S`;
    byId("new-object").append(this.objects.newButton(), el("button.quiet", { type: "button", id: "statistics",
      title: "Statistics of the objects (Shift+D)", onclick: () => void statisticsDialog(this.desk) }, "Statistics"));
    this.desk.on("problem", (error) => this.problem(error));
    this.desk.on("act", (text) => toast(text));
    this.desk.on("lock", () => this.banner());
  }

  async start() {
    const { desk } = this;
    await desk.loadObjects();
    const asked = new URLSearchParams(location.search).get("frame");
    await desk.go(asked === null ? Number(sessionStorage.getItem(`frame-${desk.video.id}`) ?? 0) : Number(asked));
    desk.on("frame", () => sessionStorage.setItem(`frame-${desk.video.id}`, String(desk.frame)));
    this.transport.render();
    this.notices = new Notices(desk.video.id, (notice) => this.hear(notice), (connected) => this.connection(connected));
    for (const run of await get(`${desk.path}/interrupted`).catch(() => [])) this.offer(run);
  }

  mayEdit() {
    const { lock } = this.desk;
    if (lock.mine || lock.holder === null) return true;
    toast(`${lock.holder} edits this video; you look on. Take over in the line above.`, "bad");
    return false;
  }

  /** @param {{points?: {x: number, y: number, positive: boolean}[], box?: number[]}} what */
  prompt(what) {
    const { desk } = this;
    if (!this.may()) return;
    this.playback.stop();
    const frame = desk.shownFrame; // what one sees, also while another frame is on its way
    const chosen = desk.selected;
    this.queue = this.queue.then(async () => {
      const objectId = desk.object(chosen) ? chosen : await this.firstObject();
      if (!objectId) return;
      const before = desk.masks.get(frame)?.objects.find((mask) => mask.object_id === objectId);
      const began = performance.now();
      const done = await desk.act("prompts", { frame, object_id: objectId, ...what });
      this.lastClick = performance.now() - began;
      if (!done) return;
      await desk.loadPrompts();
      desk.emit("timeline");
      await this.askHowFar(before, objectId, frame);
    });
  }

  /** Another mask for an object on the frame that is shown. @param {number} objectId @param {import("./types.js").Rle} rle */
  mend(objectId, rle) {
    const frame = this.desk.shownFrame;
    this.queue = this.queue.then(() => this.putMask(frame, objectId, rle));
  }

  /** @param {number} frame @param {number} objectId @param {import("./types.js").Rle} rle */
  async putMask(frame, objectId, rle) {
    const { desk } = this;
    const before = desk.masks.get(frame)?.objects.find((mask) => mask.object_id === objectId);
    if (!(await desk.act("brush", { frame, object_id: objectId, rle }))) return;
    desk.emit("timeline");
    await this.askHowFar(before, objectId, frame);
  }

  /** The chosen object, and where there is none a new one; 0 if it was refused. @returns {Promise<number>} */
  async firstObject() {
    const { desk } = this;
    if (!desk.object(desk.selected)) {
      const made = /** @type {any} */ (await desk.act("objects", {}));
      if (!made) return 0;
      await desk.loadObjects();
      desk.select(made.object_id);
      this.tools.adopt(made.object_id);
    }
    return desk.selected;
  }

  /** After a correction: a tracked mask was there before, or tracked ones follow. @param {import("./types.js").ObjectMask | undefined} before @param {number} objectId @param {number} frame */
  async askHowFar(before, objectId, frame) {
    const corrects = before && (before.layer === "propagated" || (await this.isCarriedOn(objectId, frame)));
    if (corrects && frame === this.desk.frame) this.carrier.ask(objectId);
  }

  /** Whether the frame behind one has a tracked mask of an object, which a correction may make out of date. @param {number} objectId @param {number} frame */
  async isCarriedOn(objectId, frame) {
    if (frame + 1 >= this.desk.video.length) return false;
    const masks = await this.desk.loadMasks(frame + 1).catch(() => null);
    return masks?.objects.some((mask) => mask.object_id === objectId && mask.layer === "propagated") ?? false;
  }

  /** @param {import("./types.js").Rle} rle @param {import("./tools.js").Painting} painting */
  paint(rle, painting) {
    const { desk } = this;
    const { frame } = painting;
    this.queue = this.queue.then(async () => {
      const objectId = desk.object(painting.objectId) ? painting.objectId : await this.firstObject();
      if (!objectId) return this.tools.endPaint(painting);
      await this.putMask(frame, objectId, rle);
      this.tools.endPaint(painting);
    });
  }

  /** Accept or delete what is marked, else this frame. @param {"accept" | "unaccept" | "delete-masks"} what @param {boolean} [chosenOnly] */
  async span(what, chosenOnly = false) {
    const { desk } = this;
    if (!this.may()) return;
    const [start, stop] = desk.span ?? [desk.frame, desk.frame + 1];
    const objects = chosenOnly && desk.selected ? [desk.selected] : null;
    await this.queue; // clicks and strokes before it count
    if (!(await desk.act(what, { start, stop, objects }))) return;
    const words = { accept: "accepted", unaccept: "no longer accepted", "delete-masks": "masks deleted" };
    const where = stop - start === 1 ? `frame ${start}` : `frames ${start} to ${stop - 1}`;
    toast(`${where}: ${words[what]}`);
    await desk.refresh();
  }

  /** @param {"undo" | "redo"} how */
  turn(how) {
    if (!this.may()) return;
    this.queue = this.queue.then(async () => {
      if (!(await this.desk.act(how))) return;
      this.carrier.dismiss();
      await this.desk.loadObjects();
      await this.desk.refresh();
    });
  }

  async doubtful() {
    const { desk } = this;
    const next = await get(`${desk.path}/doubtful?after=${desk.frame}`).catch((error) => this.problem(error));
    if (!next) return;
    if (next.frame === null) {
      toast("no frame behind this one is worth a look");
      return;
    }
    this.playback.stop();
    desk.followed = false;
    if (next.object_id) desk.select(next.object_id);
    await desk.go(next.frame);
    toast(`${desk.label(next.object_id)}: ${next.reason}`);
  }

  /** Go to where a person gave the chosen object its mask. @param {boolean} backward */
  async given(backward) {
    const { desk } = this;
    if (!desk.object(desk.selected)) return;
    const path = `${desk.path}/given?object_id=${desk.selected}&frame=${desk.frame}&backward=${backward}`;
    const next = await get(path).catch((error) => this.problem(error));
    if (!next) return;
    if (next.frame === null) return toast(`${desk.label(desk.selected)} was not given ${backward ? "before" : "behind"} this frame`);
    this.playback.stop();
    desk.followed = false;
    await desk.go(next.frame);
  }

  copyMask() {
    const mask = this.desk.maskOf(this.desk.selected);
    this.copied = mask?.rle;
    toast(mask ? `mask of ${this.desk.label(this.desk.selected)} copied; Ctrl+V puts it on another frame` : "the chosen object has no mask here");
  }

  pasteMask() {
    const { desk } = this;
    if (!this.copied || !this.may()) return;
    if (!desk.object(desk.selected)) return toast("choose an object first");
    this.mend(desk.selected, this.copied);
  }

  askFrame() {
    const input = el("input", { type: "number", min: 0, max: this.desk.video.length - 1, value: this.desk.frame });
    openDialog("Go to frame", [input], [{ label: "Cancel" }, { label: "Go", primary: true, act: () => void this.desk.go(Number(input.value)) }]);
    input.select();
  }

  /** @param {any} notice */
  async hear(notice) {
    const { desk } = this;
    if (notice.lock) {
      const lost = desk.lock.mine && !notice.lock.mine && notice.lock.notice;
      desk.lock = notice.lock;
      desk.emit("lock");
      if (lost) toast(notice.lock.notice, "bad");
    }
    if (notice.teaching !== undefined) this.hearTeaching(notice.teaching);
    if (notice.engine) {
      if (this.engine && this.engine.weights !== notice.engine.weights) toast(`${notice.engine.weights} is in use now`, "good");
      this.engine = notice.engine;
      this.banner();
    }
    if (notice.runs) this.hearRuns(notice.runs);
    if (notice.search) this.events.hear(notice.search);
    if (notice.event !== undefined && notice.event !== this.event) {
      const acts = notice.event > 0; // the first notice too: others may have acted since the page asked
      this.event = notice.event;
      if (acts) {
        await desk.loadObjects();
        await desk.refresh();
      }
    }
    if (notice.change !== undefined && notice.change !== this.change) {
      this.change = notice.change;
      const now = performance.now();
      if (now - (this.redrawn ?? 0) > 600) {
        this.redrawn = now;
        desk.emit("timeline");
      }
    }
  }

  /** @param {any} task */
  hearTeaching(task) {
    const before = this.teaching?.state;
    this.teaching = task;
    const word = teachingWord(task);
    byId("teach").textContent = word || "Teach";
    if (before !== "running" || word) return;
    if (task.state === "done") toast("The tracker has learned; see what it changed under Teach (W).", "good");
    else if (task.state === "failed") toast("Teaching failed; see why under Teach (W).", "bad");
  }

  /** @param {import("./types.js").RunItem[]} runs */
  hearRuns(runs) {
    const { desk } = this;
    const before = new Map(desk.runs.map((run) => [run.event_id, run]));
    desk.runs = runs;
    desk.emit("runs");
    for (const run of runs) {
      const old = before.get(run.event_id);
      const from = old?.frame ?? run.start;
      if (!old || old.frame !== run.frame || old.state !== run.state) {
        desk.refreshSpan(Math.min(from, run.frame), Math.max(from, run.frame) + 1);
        if (run.state === "running" && desk.followed && !this.playback.playing) desk.go(run.frame);
      }
      if (old?.state === "running" && run.state !== "running") {
        if (run.state === "failed") toast(run.message ?? "the propagation failed", "bad");
        else if (run.state === "done") toast(`${run.done} frames tracked`);
        desk.followed = false;
        desk.refresh();
      }
    }
  }

  /** @param {import("./types.js").RunItem} run */
  offer(run) {
    if (run.done >= run.total - 1) return;
    const button = el("button", { type: "button" }, "Go on");
    const note = el("div.toast", {}, `A propagation stopped at frame ${run.frame} when the server ended. `, button);
    button.addEventListener("click", async () => {
      note.remove();
      await this.desk.go(run.frame);
      this.carrier.begin({ objects: run.objects, direction: run.direction, until: "end" });
    });
    byId("toasts").append(note);
    setTimeout(() => note.remove(), 20000);
  }

  /** @param {boolean} connected */
  connection(connected) {
    if (this.offline && connected) {
      this.desk.loadObjects();
      this.desk.refresh();
    }
    this.offline = !connected;
    this.banner();
  }

  banner() {
    const { lock } = this.desk;
    const banner = byId("banner");
    banner.className = "banner";
    banner.hidden = false;
    if (this.offline) {
      banner.classList.add("bad");
      banner.replaceChildren("The server does not answer. What was shown as done is saved; this page goes on when it is back.");
    } else if (lock.holder !== null && !lock.mine) {
      const take = el("button", { type: "button", onclick: async () => {
        try {
          this.desk.lock = await call("PUT", `${this.desk.path}/lock`, { take_over: true });
          this.desk.emit("lock");
        } catch (error) {
          this.problem(error);
        }
      } }, "Take over");
      banner.replaceChildren(`${lock.holder} edits this video; you look on.`, take);
    } else if (this.engine?.problem) {
      banner.classList.add("bad");
      banner.replaceChildren(`Tracking is not possible: ${this.engine.problem}`);
    } else if (this.engine && !this.engine.ready) {
      banner.replaceChildren("The weights are being loaded; looking, accepting and painting work already.");
    } else {
      banner.hidden = true;
    }
  }

  /** @param {unknown} error */
  problem(error) {
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof ApiProblem && error.kind === "offline") this.connection(false);
    else toast(text, "bad");
  }
}

const id = decodeURIComponent(location.pathname.split("/").pop() ?? "");
try {
  const work = new Work(await get(`/videos/${id}`));
  Object.assign(window, { sam2s: work });
  await work.start();
  document.body.dataset.ready = "true";
} catch (error) {
  byId("banner").hidden = false;
  byId("banner").className = "banner bad";
  byId("banner").textContent = error instanceof Error ? error.message : String(error);
}
