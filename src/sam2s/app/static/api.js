// Calls of the server: one function for requests, one class for notices.

/** A request that the server refused; `kind` is for the program, `message` for the person. */
export class ApiProblem extends Error {
  /** @param {string} kind @param {string} message @param {number} status */
  constructor(kind, message, status) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

/** Names this tab to the server, so that it can tell who edits. */
export const TAB = (() => {
  const known = sessionStorage.getItem("sam2s-tab");
  const tab = known || Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem("sam2s-tab", tab);
  return tab;
})();

/**
 * @param {Response} response
 * @returns {Promise<ApiProblem>}
 */
async function problemOf(response) {
  try {
    const { error } = await response.json();
    return new ApiProblem(error.kind, error.message, response.status);
  } catch {
    return new ApiProblem("failed", `the server answered ${response.status}`, response.status);
  }
}

/**
 * Ask the server.
 * @param {string} method
 * @param {string} path below /api
 * @param {unknown} [body] sent as JSON
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, signal) {
  /** @type {Record<string, string>} */
  const headers = { "X-Tab": TAB };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(`/api${path}`, {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiProblem("offline", "the server does not answer; what was shown as done is saved", 0);
  }
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = (path, signal) => call("GET", path, undefined, signal);

/** @param {string} path @param {unknown} [body] */
export const post = (path, body = {}) => call("POST", path, body);

/**
 * Send raw bytes.
 * @param {string} method
 * @param {string} path
 * @param {Blob} body
 */
export async function send(method, path, body) {
  const headers = { "X-Tab": TAB, "Content-Type": "application/octet-stream" };
  const response = await fetch(`/api${path}`, { method, body, headers });
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

/** Notices of one video; connects again by itself. */
export class Notices {
  /**
   * @param {string} videoId
   * @param {(notice: any) => void} receive
   * @param {(connected: boolean) => void} changed
   */
  constructor(videoId, receive, changed) {
    this.videoId = videoId;
    this.receive = receive;
    this.changed = changed;
    this.pause = 300;
    this.closed = false;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/videos/${this.videoId}/notices?tab=${TAB}`);
    this.socket = socket;
    socket.onopen = () => {
      this.pause = 300;
      this.changed(true);
    };
    socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    socket.onclose = () => {
      if (this.closed) return;
      this.changed(false);
      setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(4000, this.pause * 2);
    };
  }

  close() {
    this.closed = true;
    this.socket?.close();
  }
}
