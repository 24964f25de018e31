"""Values in label pictures as the publishers document them, written down here and not taken from the readers."""

from sam2s.sasv.adapters import (
    autolaparo,
    cholecinstanceseg,
    cholecseg8k,
    cvc_clinicdb,
    dsad,
    endovis17,
    endovis18,
    grasp,
    sar_rarp50,
)


def test_cholecseg8k():
    assert cholecseg8k.CODES == {
        50: "black background",
        11: "abdominal wall",
        21: "liver",
        13: "gastrointestinal tract",
        12: "fat",
        31: "grasper",
        23: "connective tissue",
        24: "blood",
        25: "cystic duct",
        32: "l-hook electrocautery",
        22: "gallbladder",
        33: "hepatic vein",
        5: "liver ligament",
    }
    assert cholecseg8k.UNLABELLED == (0, 255)


def test_autolaparo():
    assert autolaparo.CODES == {
        "grasping forceps": (20, 40),
        "ligasure": (60, 80),
        "dissecting and grasping forceps": (100, 120),
        "electric hook": (140, 160),
        "uterus": (180,),
    }


def test_endovis17():
    assert endovis17.TYPES == {
        1: "bipolar forceps",
        2: "prograsp forceps",
        3: "large needle driver",
        4: "vessel sealer",
        5: "grasping retractor",
        6: "monopolar curved scissors",
        7: "other",
    }
    assert endovis17.CROP == (320, 28, 1280, 1024)
    assert {2, 5, 6} == endovis17.TEST


def test_endovis18():
    assert endovis18.COLOURS == {
        "background tissue": (0, 0, 0),
        "instrument shaft": (0, 255, 0),
        "instrument clasper": (0, 255, 255),
        "instrument wrist": (125, 255, 12),
        "kidney parenchyma": (255, 55, 0),
        "covered kidney": (24, 55, 125),
        "thread": (187, 155, 25),
        "clamps": (0, 255, 125),
        "suturing needle": (255, 255, 125),
        "suction instrument": (123, 15, 175),
        "small intestine": (124, 155, 5),
        "ultrasound probe": (12, 255, 141),
    }
    assert endovis18.INSTANCES == {
        1: "bipolar forceps",
        2: "prograsp forceps",
        3: "large needle driver",
        4: "monopolar curved scissors",
        5: "ultrasound probe",
        6: "suction instrument",
        7: "clip applier",
    }
    assert {2, 5, 9, 15} == endovis18.TEST
    assert {1, 4} == endovis18.REPAIRED


def test_sar_rarp50():
    assert sar_rarp50.CODES == {
        1: "instrument",
        2: "instrument",
        3: "instrument",
        4: "suturing needle",
        5: "thread",
        6: "suction tool",
        7: "needle holder",
        8: "clamps",
        9: "catheter",
    }
    assert (sar_rarp50.RATE, sar_rarp50.FIRST_TEST) == (60, 41)


def test_classes_that_are_named_in_records_or_folders():
    assert cholecinstanceseg.LABELS == ("grasper", "hook", "irrigator", "clipper", "bipolar", "scissors", "snare")
    assert grasp.CLASSES == (
        "bipolar forceps",
        "prograsp forceps",
        "large needle driver",
        "monopolar curved scissors",
        "suction instrument",
        "clip applier",
        "laparoscopic grasper",
    )
    assert len(dsad.ORGANS) == 11
    assert {"abdominal_wall", "inferior_mesenteric_artery", "vesicular_glands", "ureter"} <= set(dsad.ORGANS)


def test_sequences_of_clinicdb():
    last = [25, 50, 67, 78, 103, 126, 151, 177, 199, 205, 227, 252, 277, 297, 317, 342, 363, 383, 408, 428, 447, 466]
    last += [478, 503, 528, 546, 571, 591, 612]
    assert (1, *(number + 1 for number in last[:-1])) == cvc_clinicdb.STARTS
    assert list(cvc_clinicdb.PARTS[0].groups.values()) == [b - a for a, b in zip([0, *last], last, strict=False)]


def test_surgeries_of_dsad_keep_their_own_part_outside_sa_sv():
    parts = {number: dsad._video("v", f"{number:02d}", None, {}, None).split for number in range(1, 33)}
    assert [number for number, part in parts.items() if part == "val"] == [3, 21, 26]
    assert [number for number, part in parts.items() if part == "test"] == [2, 7, 11, 13, 14, 18, 20, 32]
