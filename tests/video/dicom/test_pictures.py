import io
import struct

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from dicom_tools import CAPTURE, data_set, grey, save
from sam2s.errors import PictureError, SourceError, TruncatedSourceError
from sam2s.picture_depth import PixelDepth
from sam2s.video import open_source
from sam2s.video.dicom.pictures import encoded_size
from video_tools import numbered

WORD = "1.2.840.10008.5.1.4.1.1.7.3"


def native(path, frames, syntax=ExplicitVRLittleEndian, kind=CAPTURE, **values):
    made = data_set(kind, syntax, frames=len(frames), **values)
    made.PixelData = b"".join(np.ascontiguousarray(frame).tobytes() for frame in frames)
    made["PixelData"].VR = "OW" if made.BitsAllocated == 16 else "OB"
    return open_source(save(made, path))


def grey_file(path, frames, stored, *, allocated=16, high=None, photometric="MONOCHROME2", **values):
    shape = {"SamplesPerPixel": 1, "PlanarConfiguration": None, "PhotometricInterpretation": photometric}
    bits = {"BitsAllocated": allocated, "BitsStored": stored, "HighBit": stored - 1 if high is None else high}
    return native(path, frames, kind=WORD, **shape, **bits, **values)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("planar", [0, 1])
def test_colours_as_they_are_stored(tmp_path, syntax, planar):
    frames = [numbered(i) for i in range(3)]
    stored = [frame.transpose(2, 0, 1) for frame in frames] if planar else frames
    source = native(tmp_path / "a.dcm", stored, syntax, PlanarConfiguration=planar)
    assert all(np.array_equal(frame.image, right) for frame, right in zip(source.frames(), frames, strict=True))


def test_ybr_becomes_rgb(tmp_path):
    rgb = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [90, 90, 90]]], np.uint8).repeat(32, 0).repeat(48, 1)
    ybr = np.asarray(Image.fromarray(rgb).convert("YCbCr"))
    (frame,) = native(tmp_path / "a.dcm", [ybr], PhotometricInterpretation="YBR_FULL").frames()
    assert np.abs(frame.image.astype(int) - rgb).max() <= 2
    halved = np.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], axis=2)
    (frame,) = native(tmp_path / "b.dcm", [halved], PhotometricInterpretation="YBR_FULL_422").frames()
    assert np.abs(frame.image.astype(int) - rgb).max() <= 2


@pytest.mark.parametrize("stored", [10, 12, 14])
def test_declared_bits_count(tmp_path, stored):
    frames = [grey(i, stored) for i in range(2)]
    right = [PixelDepth(2**stored - 1, declared=True).convert(frame) for frame in frames]
    for source in (
        grey_file(tmp_path / "low.dcm", frames, stored),
        grey_file(tmp_path / "high.dcm", [f << (16 - stored) for f in frames], stored, high=15),
        grey_file(tmp_path / "overlay.dcm", [f | 0x8000 for f in frames], stored),  # an overlay lies in the top bit
    ):
        for frame, image in zip(source.frames(), right, strict=True):
            assert np.array_equal(frame.image, np.repeat(image[:, :, None], 3, 2))


@pytest.mark.parametrize("used", [12, 16])
def test_sixteen_of_sixteen_bits_are_measured_over_all_frames(tmp_path, used):
    frames = [grey(0, used) // 2, grey(0, used)]
    source = grey_file(tmp_path / "a.dcm", frames, 16)
    assert source.frame(1).image.max() == 255
    right = PixelDepth(2**used - 1, declared=False).convert(frames[0])
    assert np.array_equal(source.frame(0).image[:, :, 1], right)


def test_white_may_be_zero(tmp_path):
    frame = grey(0, 8).astype(np.uint8)
    source = grey_file(tmp_path / "a.dcm", [frame], 8, allocated=8, photometric="MONOCHROME1")
    assert np.array_equal(source.frame(0).image[:, :, 0], 255 - frame)


def test_single_bits_lie_end_to_end(tmp_path):
    rng = np.random.default_rng(3)
    frames = rng.random((3, 5, 7)) < 0.4
    bits = np.packbits(frames.reshape(-1), bitorder="little")
    kind = "1.2.840.10008.5.1.4.1.1.7.1"
    shape = {"SamplesPerPixel": 1, "PlanarConfiguration": None, "PhotometricInterpretation": "MONOCHROME2"}
    size = {"Rows": 5, "Columns": 7, "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    made = data_set(kind, frames=3, **shape, **size)
    made.PixelData = bits.tobytes()
    source = open_source(save(made, tmp_path / "a.dcm"))
    assert source.length == 3
    for frame, right in zip(source.frames(), frames, strict=True):
        assert np.array_equal(frame.image[:, :, 2], right * 255)


def test_palettes(tmp_path):
    colours = np.stack([np.arange(256), 255 - np.arange(256), np.arange(256) // 2]).astype(np.uint16) * 257
    indices = grey(0, 8).astype(np.uint8)
    names = ("Red", "Green", "Blue")
    palette = {f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16] for name in names}
    palette |= {
        f"{name}PaletteColorLookupTableData": row.astype("<u2").tobytes()
        for name, row in zip(names, colours, strict=True)
    }
    source = grey_file(tmp_path / "a.dcm", [indices], 8, allocated=8, photometric="PALETTE COLOR", **palette)
    assert np.array_equal(source.frame(0).image, (colours >> 8).astype(np.uint8).T[indices])
    with pytest.raises(SourceError, match="its palette is missing or damaged"):
        grey_file(tmp_path / "b.dcm", [indices], 8, allocated=8, photometric="PALETTE COLOR")


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_lossless_codings_keep_every_pixel(tmp_path, syntax):
    frames = [numbered(i) for i in range(3)]
    kind = "YBR_RCT" if syntax == JPEG2000Lossless else "RGB"
    made = data_set(CAPTURE, frames=3)
    made.PixelData = b"".join(frame.tobytes() for frame in frames)
    if syntax == JPEG2000Lossless:
        made.file_meta.TransferSyntaxUID, made.PhotometricInterpretation = syntax, kind
        made.PixelData = encapsulate([jpeg2000(frame) for frame in frames], has_bot=False)
    else:
        made.compress(syntax, generate_instance_uid=False)
    source = open_source(save(made, tmp_path / "a.dcm"))
    assert [np.array_equal(f.image, right) for f, right in zip(source.frames(), frames, strict=True)] == [True] * 3


def jpeg2000(image):
    Image.fromarray(image).save(buffer := io.BytesIO(), "JPEG2000", irreversible=False, mct=1, no_jp2=True)
    return buffer.getvalue()


def test_a_coding_without_a_decoder_says_what_to_install(tmp_path):
    made = data_set(CAPTURE, JPEGLossless, frames=1)
    made.PixelData = encapsulate([b"\xff\xd8\xff\xd9"], has_bot=False)
    with pytest.raises(
        SourceError, match=r"\(JPEG Lossless, Non-Hierarchical.*need a decoder that is not installed: .*pylib"
    ):
        open_source(save(made, tmp_path / "a.dcm"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Rows": None}, "lacks Rows"),
        ({"Rows": 0}, "its pictures are 96x0"),
        ({"SamplesPerPixel": 2}, "pixels of 2 x 8 bits as RGB are not read"),
        ({"BitsAllocated": 32}, "pixels of 3 x 32 bits"),
        ({"BitsStored": 9}, "9 pixel values in 8 bits"),
        ({"PixelRepresentation": 1}, "signed pixel values"),
        ({"PhotometricInterpretation": "CMYK"}, "lacks PhotometricInterpretation"),
        ({"Rows": 60000, "Columns": 60000}, "60000x60000 are 3600000000 pixels, more than the limit"),
        ({"Rows": 640}, "hold no whole frame"),
    ],
)
def test_layouts_that_are_no_picture(tmp_path, values, message):
    with pytest.raises(SourceError, match=message):
        native(tmp_path / "a.dcm", [numbered(0)], **values)


def test_a_picture_that_declares_another_size_is_not_decoded(tmp_path):
    files = []
    for size in ((64, 96), (80, 96)):
        Image.fromarray(numbered(1, size)).save(buffer := io.BytesIO(), "JPEG")
        files.append(buffer.getvalue())
    made = data_set(CAPTURE, "1.2.840.10008.1.2.4.50", frames=2, PhotometricInterpretation="YBR_FULL_422")
    made.PixelData = encapsulate(files, has_bot=False)
    source = open_source(save(made, tmp_path / "a.dcm"))
    with pytest.raises(
        TruncatedSourceError, match=r"frame 1 is damaged or gone .*its frame 1 is 96x80, its data set says 96x64"
    ):
        list(source.frames())


def test_sizes_that_streams_declare():
    Image.fromarray(numbered(0)).save(buffer := io.BytesIO(), "JPEG", progressive=True)
    assert encoded_size(buffer.getvalue()) == (64, 96)
    assert encoded_size(jpeg2000(numbered(0))) == (64, 96)
    lossless = b"\xff\xd8\xff\xf7" + struct.pack(">HBHHB", 11, 8, 7, 9, 1) + b"\0" * 8
    assert encoded_size(lossless) == (7, 9)
    assert encoded_size(b"\x01\0\0\0" * 16) is None
    assert encoded_size(b"\xff\xd8\xff\xff\xff\xff") is None


def test_a_frame_that_cannot_be_decoded_ends_the_sequence(tmp_path):
    made = data_set(CAPTURE, RLELossless, frames=2)
    good = data_set(CAPTURE, frames=1)
    good.PixelData = numbered(0).tobytes()
    good.compress(RLELossless, generate_instance_uid=False)
    made.PixelData = good.PixelData + struct.pack("<HHL", 0xFFFE, 0xE000, 4) + b"abcd"
    source = open_source(save(made, tmp_path / "a.dcm"))
    frames = source.frames()
    assert np.array_equal(next(frames).image, numbered(0))
    with pytest.raises(TruncatedSourceError, match="frame 1 is damaged or gone") as caught:
        next(frames)
    assert isinstance(caught.value.__cause__, PictureError)
