// Exports and imports of the open video.
import { get, post, send } from "./api.js";
import { choice, el, field, openDialog, toast } from "./dom.js";

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Wait for a task, showing how far it is.
 * @param {string} path
 * @param {any} task
 * @param {HTMLProgressElement} bar
 */
async function finished(path, task, bar) {
  while (task.state === "running") {
    await pause(300);
    task = await get(`${path}/tasks/${task.id}`);
    if (task.total) {
      bar.max = task.total;
      bar.value = task.done;
    }
  }
  return task;
}

/** @param {import("./desk.js").Desk} desk */
export async function exportDialog(desk) {
  const formats = await get("/formats");
  const format = choice(formats.export.map((/** @type {any} */ one) => [one.name, one.label]));
  const accepted = el("input", { type: "checkbox" });
  const pictures = el("input", { type: "checkbox" });
  const whole = `all ${desk.video.length} frames`;
  const frames = choice([["all", whole], ...(desk.span ? /** @type {[string, string][]} */ ([["span", `frames ${desk.span[0]} to ${desk.span[1] - 1}, as marked`]]) : [])]);
  const step = el("input", { type: "number", min: 1, value: 1 });
  const possible = () => (pictures.disabled = !formats.pictures.includes(format.value));
  format.addEventListener("change", possible);
  possible();
  const bar = el("progress", { value: 0, hidden: true });
  const link = el("p");
  const { dialog } = openDialog("Export", [
    field("Format", format), field("Frames", frames, desk.span ? "" : "Mark a span on the timeline to export it alone."), field("Every so many frames", step),
    field("Only accepted masks", accepted), field("With the pictures", pictures, `In one .zip, for ${formats.pictures.join(", ")}.`), bar, link,
    el("p.muted", {}, "Files lie beside the workspace as well: ", el("code", {}, "sam2s export"), " writes the same."),
  ], [
    { label: "Close" },
    { label: "Export", primary: true, act: async () => {
      bar.hidden = false;
      bar.removeAttribute("value");
      link.textContent = "";
      try {
        const [start, stop] = (frames.value === "span" && desk.span) || [0, null];
        const begun = await post(`${desk.path}/exports`, { format: format.value, accepted_only: accepted.checked, start, stop,
          step: Math.max(1, Number(step.value) || 1), pictures: pictures.checked && !pictures.disabled });
        const task = await finished(desk.path, begun, bar);
        link.className = task.state === "failed" ? "muted" : "";
        link.textContent = task.message ?? "";
        if (task.state === "done" && task.file) {
          link.append(" ", el("a.button.primary", { href: `/api${desk.path}/tasks/${task.id}/file`, download: task.file, id: "export-file" }, `Save ${task.file}`));
          /** @type {HTMLElement | null} */ (dialog.querySelector("#export-file"))?.focus();
        }
      } catch (error) {
        desk.emit("problem", error);
      }
      bar.hidden = true;
      return false;
    } },
  ]);
}

/** @param {import("./desk.js").Desk} desk @param {() => boolean} may */
export async function importDialog(desk, may) {
  if (!may()) return;
  const formats = await get("/formats");
  const format = choice(formats.imported.map((/** @type {any} */ one) => [one.name, one.label]));
  const file = el("input", { type: "file", required: true });
  const bar = el("progress", { hidden: true });
  openDialog("Import masks", [field("Format", format), field("File", file, "Folders as one .zip."), bar], [
    { label: "Cancel" },
    { label: "Import", primary: true, act: async () => {
      if (!file.files?.length) return false;
      bar.hidden = false;
      try {
        const name = encodeURIComponent(file.files[0].name);
        const begun = await send("POST", `${desk.path}/imports?format=${format.value}&name=${name}`, file.files[0]);
        const task = await finished(desk.path, begun, bar);
        toast(task.message ?? "imported", task.state === "failed" ? "bad" : "good");
        await desk.loadObjects();
        await desk.refresh();
        return task.state !== "failed";
      } catch (error) {
        desk.emit("problem", error);
        return false;
      } finally {
        bar.hidden = true;
      }
    } },
  ]);
}
