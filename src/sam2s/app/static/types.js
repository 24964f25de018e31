/**
 * Shapes of what the API sends; `app/schemas.py` is the other side of each.
 * @typedef {{size: [number, number], counts: string}} Rle
 * @typedef {{object_id: number, name: string, instance: number, colour: string, hidden: boolean, locked: boolean,
 *   end_frame: number | null, frames: number, suggestion: string | null}} ObjectItem
 * @typedef {{object_id: number, rle: Rle, layer: string, area: number, iou: number | null, presence: number | null,
 *   state: string, prompted: boolean, accepted: boolean, category: string | null, confidence: number | null,
 *   alarms: string[], advice: string | null, event_id: number | null}} ObjectMask
 * @typedef {{frame: number, time: number | null, pts: string | null, objects: ObjectMask[], marks: string[]}} FrameMasks
 * @typedef {{event_id: number, object_id: number, frame: number, points: {x: number, y: number, positive: boolean}[],
 *   box: number[] | null}} PromptItem
 * @typedef {{id: string, name: string, path: string, width: number, height: number, length: number, fps: number,
 *   fps_exact: string | null, duration: number, weights: string, demonstration: boolean, ontology: string[]}} VideoInfo
 * @typedef {{id: string, name: string, path: string, width: number | null, height: number | null,
 *   length: number | null, duration: number | null, bytes: number, masked: number, accepted: number, objects: number, counted: boolean,
 *   opened: number | null, author: string | null, error: string | null}} VideoCard
 * @typedef {{event_id: number, author: string | null, objects: number[], start: number, stop: number, frame: number,
 *   done: number, total: number, direction: string, state: string, message: string | null, queue: number}} RunItem
 * @typedef {{holder: string | null, mine: boolean, since: number | null, notice: string | null}} LockState
 * @typedef {{covered: number[], present: number[], confidence: (number | null)[], accepted: number[], prompted: number[],
 *   uncertain: number[], searching: number[], not_judged: number[], alarms: number[], stale: number[]}} TimelineRow
 * @typedef {{start: number, stop: number, buckets: number, rows: Record<string, TimelineRow>,
 *   marks: VideoMark[]}} TimelineData
 * @typedef {{kind: string, start: number, stop: number}} VideoMark
 * @typedef {{state: string, author: string | null, done: number, total: number | null, found: number,
 *   event_id: number | null, message: string | null}} EventSearchState
 * @typedef {{event_id: number | null, frames: number[], masks: FrameMasks | null, message: string | null}} ActResult
 */
export {};
