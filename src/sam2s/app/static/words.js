// Words and colours for what the server names: states of objects, where masks come from, what happens to the video.

export const LAYERS = /** @type {Record<string, string>} */ ({
  propagated: "tracked", prompted: "clicked or boxed", brushed: "painted", accepted: "accepted", imported: "imported",
});

const STATES = /** @type {Record<string, string>} */ ({
  absent: "absent", occluded: "covered", searching: "absent, searching", uncertain: "uncertain, not remembered",
  not_judged: "not judged on this frame",
});

/** @param {string} state */
export const stateWord = (state) => STATES[state] ?? state.replaceAll("_", " ");

/** Why a person should look at a mask. */
const ALARMS = /** @type {Record<string, string>} */ ({
  switch: "perhaps on something else now", overlap: "claims pixels of another object", leak: "has grown suddenly",
  lost: "vanished inside the picture", prompt: "a slightly different prompt gives quite another mask",
});

/** @param {string} alarm */
export const alarmWord = (alarm) => ALARMS[alarm] ?? alarm.replaceAll("_", " ");

/** Kinds of marks on the video: a word and a colour. */
export const MARKS = /** @type {Record<string, [string, string]>} */ ({
  cut: ["cut", "#e8eef4"], out_of_body: ["out of the body", "#a06bd6"], smoke: ["smoke", "#9fb3c8"], blurred: ["blurred", "#5a6a7a"],
  lens_wash: ["lens being washed", "#4ea8de"], blood: ["blood on the lens", "#d64545"], black: ["black", "#30363d"],
  frozen: ["frozen", "#6ec6b8"], test_pattern: ["test pattern", "#e0b84c"],
});

/** @param {string} kind */
export const markWord = (kind) => MARKS[kind]?.[0] ?? kind.replaceAll("_", " ");
