"""The words for what the DiveMem filter did, against what it did."""

import torch

from sam2s.memory import MemoryBank, MemoryEntry, MemoryPolicy
from sam2s.session.filter_watch import FilterWatch
from sam2s.tracking import ObjectResult, ObjectState

POLICY = MemoryPolicy(iou_threshold=0.5, candidates=3)


def image(angle):
    return torch.tensor([torch.tensor(angle).cos(), torch.tensor(angle).sin()])


class Story:
    """A bank that is told of frames, and its watch."""

    def __init__(self, policy=POLICY, stride=1):
        self.bank = MemoryBank(policy)
        self.watch, self.stride, self.time = FilterWatch(self.bank, stride), stride, -1

    def entry(self, iou, visible=True):
        return MemoryEntry(self.time, torch.zeros(4), iou, visible, torch.zeros(2, 1, 1))

    def result(self, iou, prompted=False, state=ObjectState.VISIBLE):
        return ObjectResult(1, torch.zeros(2, 2), (8, 8), iou, 0.9, state, prompted)

    def prompt(self, angle):
        self.time += 1
        self.bank.interrupt()
        self.bank.add_conditioning(self.entry(1.0), image(angle))
        self.watch.passed(self.time * self.stride, self.result(1.0, prompted=True), image(angle))

    def frame(self, iou, angle, visible=True):
        self.time += 1
        self.bank.add_tracked(self.entry(iou, visible), image(angle))
        self.watch.passed(self.time * self.stride, self.result(iou), image(angle))

    def doubt(self, state):
        self.time += 1
        self.bank.interrupt()
        self.watch.passed(self.time * self.stride, self.result(0.9, state=state), None)

    def verdicts(self):
        return [decision.verdict for decision in self.watch.decisions.values()]


def test_of_three_candidates_the_least_like_the_first_frame_is_taken_then_it_is_the_reference():
    story = Story(stride=5)
    story.prompt(0.0)
    for angle in (0.1, 0.5, 0.2):
        story.frame(0.9, angle)
    assert story.verdicts() == ["given", "refused", "taken", "refused"]
    taken = story.watch.decisions[10]
    assert taken.reason == "the least like frame 0 of 3 candidates"
    assert round(taken.likeness, 4) == round(float(torch.tensor(0.5).cos()), 4)
    assert story.watch.decisions[15].reason == "frame 10 was less like frame 0"
    assert [entry.time for entry in story.bank.long_term] == [2]
    story.frame(0.9, 0.6)
    waiting = story.watch.decisions[20]
    assert (waiting.verdict, waiting.reason, waiting.reference) == ("candidate", "candidate 1 of 3", 10)
    assert round(waiting.likeness, 4) == round(float(torch.tensor(0.1).cos()), 4)


def test_an_unconfident_frame_breaks_the_row_and_says_why():
    story = Story()
    story.prompt(0.0)
    story.frame(0.9, 0.1)
    story.frame(0.4, 0.2)
    story.frame(0.9, 0.3, visible=False)
    reasons = [decision.reason for decision in story.watch.decisions.values()][1:]
    assert reasons == [
        "the row of confident frames broke off",
        "predicted IoU 0.400 is not above 0.500, so the candidates begin anew",
        "the network judged the object absent",
    ]
    assert story.bank.filter.count == 0


def test_frames_of_doubt_are_not_remembered_and_a_prompt_is_given():
    story = Story()
    story.prompt(0.0)
    for state in (ObjectState.NOT_JUDGED, ObjectState.UNCERTAIN, ObjectState.ABSENT, ObjectState.SEARCHING):
        story.doubt(state)
    assert story.verdicts() == ["given"] + ["not remembered"] * 4
    assert [decision.reason for decision in story.watch.decisions.values()][1:] == [
        "the frame was not judged",
        "too little spoke for its being the object",
        "the object was lost",
        "the object was lost and searched for",
    ]


def test_sam_2_has_no_filter():
    story = Story(MemoryPolicy(kind="sam2"))
    story.prompt(0.0)
    story.frame(0.99, 0.1)
    assert story.watch.decisions[1].reason == "SAM 2 keeps no long-term memory"
