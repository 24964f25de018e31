// How far a video is: frames with masks, visible, accepted, for each object.
import { get } from "./api.js";
import { el, openDialog } from "./dom.js";

/** Columns in which frames are counted; short enough for shares of three digits to tell single frames. */
const COLUMNS = 2048;

/** @param {import("./desk.js").Desk} desk */
export async function statisticsDialog(desk) {
  const { length } = desk.video;
  const each = Math.ceil(length / COLUMNS);
  const columns = Math.ceil(length / each);
  const all = await get(`${desk.path}/timeline?start=0&stop=${each * columns}&buckets=${columns}`).catch((error) => desk.emit("problem", error));
  if (!all) return;
  const share = (/** @type {number} */ frames) => el("td.number", {}, `${frames} (${Math.round((100 * frames) / length)} %)`);
  const rows = desk.objects.map((item) => {
    const row = all.rows[item.object_id] ?? { covered: [], present: [], accepted: [] };
    const judged = row.covered.map((/** @type {number} */ part) => Math.round(part * each));
    const count = (/** @type {number[] | null} */ parts) =>
      judged.reduce((/** @type {number} */ sum, /** @type {number} */ frames, /** @type {number} */ i) => sum + Math.round(frames * (parts?.[i] ?? 1)), 0);
    return el("tr", {}, el("th", { scope: "row" }, desk.label(item.object_id)), share(count(null)), share(count(row.present)), share(count(row.accepted)));
  });
  const heads = ["Object", "Frames judged", "Visible on", "Accepted"].map((text) => el("th", { scope: "col" }, text));
  const content = rows.length ? el("table.statistics", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows))
    : el("p.muted", {}, "no object yet");
  openDialog(`Statistics of ${length} frames`, [content, el("p.muted", {}, `${desk.remarked.length} open remarks. `,
    el("code", {}, "sam2s analyze"), " tells paths, speeds and contacts.")], [{ label: "Close", primary: true }]);
}
