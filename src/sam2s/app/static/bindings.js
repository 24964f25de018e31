// The table of keys: what each does, how it is shown, where it belongs.
import { statisticsDialog } from "./statistics.js";
import { teachDialog } from "./teach.js";

/** @param {import("./work.js").Work} work @returns {import("./keys.js").Binding[]} */
export function bindings(work) {
  const { desk } = work;
  const move = (/** @type {number} */ by) => {
    work.playback.stop();
    desk.followed = false;
    desk.go(desk.frame + by);
  };
  /** Propagate, or where a correction waits for an answer, carry that. @param {string} key @param {object} plan */
  const carry = (key, plan) => () => {
    if (!work.carrier.answer(key)) work.carrier.begin(plan);
  };
  const chosen = () => desk.object(desk.selected);
  /** @type {[string, string[], string, string, () => void][]} */
  const table = [
    ["Tools", ["c"], "C", "Click: add, right click removes", () => desk.use("point")],
    ["Tools", ["b"], "B", "Box", () => desk.use("box")],
    ["Tools", ["r"], "R", "Brush", () => desk.use("brush")],
    ["Tools", ["e"], "E", "Eraser", () => desk.use("erase")],
    ["Tools", ["h"], "H", "Pan", () => desk.use("pan")],
    ["Tools", ["["], "[", "Smaller brush", () => work.tools.resize(1 / 1.2)],
    ["Tools", ["]"], "]", "Larger brush", () => work.tools.resize(1.2)],
    ["Tools", ["Backspace"], "Backspace", "Clear the prompts of the object on this frame", () => work.transport.clear()],
    ["Objects", ["n"], "N", "New object", () => work.objects.add()],
    ["Objects", [], "1 – 9", "Choose an object", () => {}],
    ["Objects", ["F2"], "F2", "Rename the object", () => chosen() && work.objects.edit(/** @type {any} */ (chosen()))],
    ["Objects", ["s"], "S", "Show only this object", () => {
      desk.solo = desk.solo === null ? desk.selected : null;
      desk.emit("objects");
    }],
    ["Objects", ["d"], "D", "Hide or show the object", () => chosen() && work.objects.change(/** @type {any} */ (chosen()), { hidden: !chosen()?.hidden })],
    ["Objects", ["l"], "L", "Lock or unlock the object", () => chosen() && work.objects.change(/** @type {any} */ (chosen()), { locked: !chosen()?.locked })],
    ["Objects", ["x"], "X", "More: end, split, merge, swap, remove", () => chosen() && work.objects.menu(/** @type {any} */ (chosen()))],
    ["Track", ["Enter"], "Enter", "Propagate to the end", carry("Enter", { until: "end", direction: "forward" })],
    ["Track", ["Shift+Enter"], "Shift+Enter", "Propagate: how far, which way, for whom", () => work.carrier.options()],
    ["Track", ["p"], "P", "Propagate to the next given or accepted frame", carry("p", { until: "prompt", direction: "forward" })],
    ["Track", ["Shift+P", "Shift+p"], "Shift+P", "Propagate backward", carry("Shift+P", { until: "prompt", direction: "backward" })],
    ["Track", ["y"], "Y", "Carry a correction 10 frames", () => void work.carrier.answer("y")],
    ["Track", ["Shift+S", "Shift+s"], "Shift+S", "Look for lost objects when propagating: on or off", () => work.carrier.switchSearch()],
    ["Track", ["Escape"], "Esc", "Stop at once, keep what is done; unmark", () => work.transport.escape()],
    ["Review", ["a"], "A", "Accept this frame, or the marked span", () => work.span("accept")],
    ["Review", ["Shift+A", "Shift+a"], "Shift+A", "Take acceptance back", () => work.span("unaccept")],
    ["Review", ["Delete"], "Del", "Delete the object's masks here, or in the marked span", () => work.span("delete-masks", true)],
    ["Review", ["Shift+D", "Shift+d"], "Shift+D", "Statistics of the objects", () => void statisticsDialog(desk)],
    ["Review", ["Ctrl+ArrowRight"], "Ctrl+→", "Next frame on which the object was given", () => work.given(false)],
    ["Review", ["Ctrl+ArrowLeft"], "Ctrl+←", "Given frame before", () => work.given(true)],
    ["Tools", ["Ctrl+c"], "Ctrl+C", "Copy the object's mask", () => work.copyMask()],
    ["Tools", ["Ctrl+v"], "Ctrl+V", "Put the copied mask on this frame, for the chosen object", () => work.pasteMask()],
    ["Review", ["u"], "U", "Next frame worth a look", () => work.doubtful()],
    ["Review", ["i"], "I", "Mark from here", () => desk.mark([desk.frame, Math.max(desk.frame + 1, desk.span?.[1] ?? 0)])],
    ["Review", ["k"], "K", "Mark up to here", () => desk.mark([Math.min(desk.frame, desk.span?.[0] ?? desk.frame), desk.frame + 1])],
    ["Review", ["Ctrl+z"], "Ctrl+Z", "Undo", () => work.turn("undo")],
    ["Review", ["Ctrl+Shift+z", "Ctrl+y"], "Ctrl+Shift+Z", "Redo", () => work.turn("redo")],
    ["Move", ["ArrowRight"], "→", "Next frame", () => move(1)],
    ["Move", ["ArrowLeft"], "←", "Frame before", () => move(-1)],
    ["Move", ["Shift+ArrowRight"], "Shift+→", "10 frames on", () => move(10)],
    ["Move", ["Shift+ArrowLeft"], "Shift+←", "10 frames back", () => move(-10)],
    ["Move", ["Home"], "Home", "First frame", () => move(-desk.video.length)],
    ["Move", ["End"], "End", "Last frame", () => move(desk.video.length)],
    ["Move", ["g"], "G", "Go to a frame", () => work.askFrame()],
    ["Move", ["Space"], "Space", "Play or pause", () => {}],
    ["Move", [","], ",", "Slower", () => work.playback.faster(-1)],
    ["Move", ["."], ".", "Faster", () => work.playback.faster(1)],
    ["View", ["+", "="], "+", "Larger", () => work.view.zoom(1.25)],
    ["View", ["-"], "-", "Smaller", () => work.view.zoom(0.8)],
    ["View", ["f"], "F", "Fit the picture", () => work.view.fit()],
    ["View", ["m"], "M", "Masks on or off", () => desk.look({ masks: !desk.view.masks })],
    ["View", ["o"], "O", "Outline only", () => desk.look({ outline: !desk.view.outline })],
    ["View", ["j"], "J", "Cross-hair", () => desk.look({ cross: !desk.view.cross })],
    ["View", ["t"], "T", "Whole timeline", () => work.timeline.whole()],
    ["View", ["z"], "Z", "Timeline: closer", () => work.timeline.zoom(0.5)],
    ["View", ["Shift+Z"], "Shift+Z", "Timeline: farther", () => work.timeline.zoom(2)],
    ["View", ["Ctrl+e"], "Ctrl+E", "Export", () => work.transport.exports()],
    ["Review", ["q"], "Q", "Remark on this frame", () => work.remarks.ask()],
    ["Review", ["Shift+Q", "Shift+q"], "Shift+Q", "Next open remark", () => work.remarks.next()],
    ["Review", ["v"], "V", "Find events of the video: cuts, out of the body, smoke, blur ...", () => void work.events.begin()],
    ["Review", ["w"], "W", "Teach: let the tracker learn from accepted masks", () => void teachDialog()],
    ["View", ["?"], "?", "This page", () => work.keys.help()],
  ];
  const bound = table.map(([group, keys, shown, label, act]) => ({ group, keys, shown, label, act }));
  for (let number = 1; number <= 9; number++) {
    bound.push({ group: "", keys: [String(number)], shown: "", label: "", act: () => work.objects.pick(number) });
  }
  return bound;
}
