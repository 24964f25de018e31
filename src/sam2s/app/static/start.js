// The start page: videos as cards, search, sort, a drawn clip, uploads.
import { call, get, post } from "./api.js";
import { byId, el, field, openDialog, toast } from "./dom.js";
import { teachDialog } from "./teach.js";
import { clock } from "./timeline.js";
import { upload } from "./upload.js";

/** @param {import("./types.js").VideoCard} card */
function size(card) {
  const mega = card.bytes / 1e6;
  return mega > 1000 ? `${(mega / 1000).toFixed(1)} GB` : `${mega.toFixed(1)} MB`;
}

/** @param {number} share */
const percent = (share) => `${Math.round(share * 100)} %`;

/** @param {number} seconds since 1970 */
function ago(seconds) {
  const passed = Date.now() / 1000 - seconds;
  if (passed < 90) return "now";
  if (passed < 5400) return `${Math.round(passed / 60)} minutes ago`;
  if (passed < 129600) return `${Math.round(passed / 3600)} hours ago`;
  return new Date(seconds * 1000).toLocaleDateString();
}

/** @param {import("./types.js").VideoCard} card */
function cardOf(card) {
  const picture = card.error ? el("div.picture", {}, "cannot be read")
    : el("div.picture", {}, el("img", { src: `/api/videos/${card.id}/thumbnail?width=400`, alt: "", loading: "lazy" }),
      card.duration ? el("span.length", {}, clock(card.duration, false)) : null);
  const folder = card.path.slice(0, -card.name.length);
  const text = el("div.text", {}, el("strong", { title: card.path }, folder ? el("span.muted", {}, folder) : null, card.name));
  if (card.error) {
    text.append(el("span.error", {}, card.error));
    return el("li.card", {}, picture, text);
  }
  text.append(el("span.facts", {}, `${card.width}×${card.height} · ${card.length ?? "?"} frames · ${size(card)}`));
  if (card.objects) {
    text.append(
      el("div.progress", { role: "img", "aria-label": `${percent(card.masked)} masked, ${percent(card.accepted)} of it accepted` },
        el("i", { style: `width:${100 * card.masked}%` }), el("i.accepted", { style: `width:${100 * card.masked * card.accepted}%` })),
      el("span.facts", {}, `${card.objects} object${card.objects > 1 ? "s" : ""} · ${card.counted ? `${percent(card.masked)} masked · ${percent(card.accepted)} accepted` : "masks are being counted"}`),
      el("span.facts", {}, `${card.opened ? ago(card.opened) : ""}${card.author ? ` · ${card.author}` : ""}`));
  } else {
    text.append(el("span.facts", {}, "not begun"));
  }
  return el("li.card", {}, el("a", { href: `/work/${card.id}` }, picture, text));
}

/** @type {import("./types.js").VideoCard[]} */
let cards = [];

async function load() {
  try {
    cards = await get(`/videos?sort=${byId("sort").value}`);
    show();
    if (cards.some((card) => !card.counted)) setTimeout(load, 4000);
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), "bad");
  }
  document.body.dataset.ready = "true";
}

function show() {
  const wanted = byId("search").value.trim().toLowerCase();
  const shown = cards.filter((card) => card.path.toLowerCase().includes(wanted));
  byId("cards").replaceChildren(...shown.map(cardOf));
  byId("empty").hidden = shown.length > 0;
  byId("empty").textContent = cards.length ? "No video has this in its name."
    : "There is no video in this folder yet. Add one, or try it on a drawn clip.";
}

/** @param {FileList | File[]} files */
async function add(files) {
  for (const file of files) {
    await upload(file, byId("uploads")).catch((error) => toast(`${file.name}: ${error.message}`, "bad"));
  }
  load();
}

async function who() {
  const person = await get("/me");
  byId("me").textContent = person.name;
  if (person.needs_name) rename(person.name);
}

/** @param {string} current */
function rename(current) {
  const name = el("input", { value: current === "guest" ? "" : current, required: true, maxLength: 120, placeholder: "Your name" });
  openDialog("Your name", [field("Name", name, "Each act says whose it is.")], [
    { label: "Save", primary: true, act: async () => {
      if (!name.value.trim()) return false;
      byId("me").textContent = (await call("PUT", "/me", { name: name.value.trim() })).name;
    } },
  ]);
  name.focus();
}

async function engine() {
  const server = await get("/server").catch(() => null);
  if (!server) return;
  byId("folder").textContent = server.folder;
  const state = server.problem ?? (server.ready ? `${server.weights} on ${server.device}` : `loading ${server.weights}`);
  byId("engine").textContent = state;
  byId("engine").title = server.demonstration
    ? "The bundled weights are a demonstration. For real video start with --weights sam2.1-tiny; see the docs on weights." : "";
  if (!server.ready && !server.problem) setTimeout(engine, 1000);
}

function help() {
  openDialog("Help", [
    el("p", {}, "Choose a video. Click an instrument or organ, press Enter, and its mask follows through the video. Correct it where it is wrong, accept it where it is right, export it."),
    el("p", {}, "Videos of the served folder are listed; nothing is copied. A file that you add from another machine is sent to the server."),
    el("p", {}, "On the working page press ? for all keys."),
  ], [{ label: "Close", primary: true }]);
}

byId("search").addEventListener("input", show);
byId("sort").addEventListener("change", load);
byId("add").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", () => add(byId("file").files));
byId("me").addEventListener("click", () => rename(byId("me").textContent));
byId("teach").addEventListener("click", teachDialog);
byId("help").addEventListener("click", help);
byId("draw").addEventListener("click", async () => {
  byId("draw").disabled = true;
  byId("draw").textContent = "Drawing …";
  try {
    const card = await post("/videos/drawn", {});
    location.href = `/work/${card.id}`;
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), "bad");
  }
  byId("draw").disabled = false;
  byId("draw").textContent = "Try it on a drawn clip";
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  byId("drop").hidden = false;
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) byId("drop").hidden = true;
});
addEventListener("drop", (event) => {
  event.preventDefault();
  byId("drop").hidden = true;
  if (event.dataTransfer?.files.length) add(event.dataTransfer.files);
});
addEventListener("keydown", (event) => {
  if (/** @type {HTMLElement} */ (event.target).closest("input, select, dialog")) return;
  if (event.key === "/") {
    event.preventDefault();
    byId("search").focus();
  } else if (event.key === "?") {
    help();
  }
});
load();
who();
engine();
