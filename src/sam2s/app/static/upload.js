// Sending a video in parts; a part that failed is sent again, an upload that was begun before goes on.
import { call, post, send } from "./api.js";
import { el } from "./dom.js";

const PART = 4 << 20;
const TRIES = 5;

/**
 * @param {File} file
 * @param {HTMLElement} area where the progress is shown
 */
export async function upload(file, area) {
  const bar = el("progress", { max: file.size, value: 0 });
  const said = el("span.muted", {}, "0 %");
  let stopped = false;
  const stop = el("button", { type: "button", onclick: () => (stopped = true) }, "Stop");
  const row = el("div.upload", {}, el("span", {}, file.name), bar, said, stop);
  area.append(row);
  try {
    let state = await post("/uploads", { name: file.name, size: file.size });
    while (state.offset < file.size) {
      if (stopped) {
        await call("DELETE", `/uploads/${state.id}`);
        return null;
      }
      state = await part(file, state);
      bar.value = state.offset;
      said.textContent = `${Math.floor((100 * state.offset) / file.size)} %`;
    }
    return state.video;
  } finally {
    row.remove();
  }
}

/** @param {File} file @param {{id: string, offset: number}} state */
async function part(file, state) {
  for (let tried = 1; ; tried++) {
    try {
      return await send("PATCH", `/uploads/${state.id}?offset=${state.offset}`, file.slice(state.offset, state.offset + PART));
    } catch (error) {
      const kind = /** @type {any} */ (error).kind;
      if (tried >= TRIES || (kind && kind !== "failed" && kind !== "invalid")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 400 * tried));
      state = await call("GET", `/uploads/${state.id}`);
    }
  }
}
