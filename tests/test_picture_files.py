import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from sam2s.errors import LimitError, PictureError
from sam2s.picture_files import PictureReader, measure_depth, open_picture, picture_size, read_header, read_picture

GREY = np.tile(np.linspace(60, 140, 128), (96, 1))
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def saved(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def save_sixteen_bits(path, pixels):
    """Write uint16 [H, W, 3] as PNG or TIFF, which Pillow cannot."""
    kind = path.suffix[1:]
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream({"png": "png", "tif": "tiff"}[kind], rate=1)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt = {"png": "rgb48be", "tif": "rgb48le"}[kind]
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb48le")
        frame.pts, frame.time_base = 0, Fraction(1)
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    return path


class TestDepth:
    @pytest.mark.parametrize(
        ("name", "pixels"),
        [
            ("8 bits.png", GREY.astype(np.uint8)),
            ("16 of 16.png", (GREY * 257).astype(np.uint16)),
            ("12 of 16.png", (GREY / 255 * 4095).astype(np.uint16)),
            ("10 of 16.png", (GREY / 255 * 1023).astype(np.uint16)),
            ("8 of 16.png", GREY.astype(np.uint16)),
            ("16 of 16.tif", (GREY * 257).astype(np.uint16)),
            ("16 of 32.tif", (GREY * 257).astype(np.int32)),
            ("float 0-1.tif", (GREY / 255).astype(np.float32)),
            ("float 0-255.tif", GREY.astype(np.float32)),
            ("float 0-4095.tif", (GREY / 255 * 4095).astype(np.float32)),
        ],
    )
    def test_the_same_picture_whatever_holds_it(self, tmp_path, name, pixels):
        image = read_picture(saved(tmp_path / name, pixels))
        assert image.shape == (96, 128, 3)
        assert np.abs(image - GREY[..., None]).max() <= 1

    @pytest.mark.parametrize("name", ["a.png", "a.tif"])
    @pytest.mark.parametrize("white", [65535, 4095])
    def test_colours_of_more_than_eight_bits(self, tmp_path, name, white):
        colours = np.dstack([GREY, GREY / 2, GREY / 4])
        image = read_picture(save_sixteen_bits(tmp_path / name, (colours / 255 * white).astype(np.uint16)))
        assert np.abs(image - colours).max() <= 1

    def test_one_depth_for_the_whole_video(self, tmp_path):
        dark = saved(tmp_path / "0.png", (GREY / 255 * 200).astype(np.uint16))  # by itself it would be 8 bits
        bright = saved(tmp_path / "1.png", (GREY / 140 * 4095).astype(np.uint16))
        reader = PictureReader([dark, bright])
        assert reader.read(dark).max() == round(140 / 255 * 200 * 255 / 4095)
        assert reader.read(bright).max() == 255

    def test_what_files_declare_counts_before_what_is_measured(self, tmp_path):
        path = saved(tmp_path / "a.png", (GREY / 255 * 200).astype(np.uint16))
        data = path.read_bytes()
        place = data.index(b"IDAT") - 4
        chunk = b"sBIT\x0c"
        crc = __import__("zlib").crc32(chunk).to_bytes(4, "big")
        path.write_bytes(data[:place] + b"\0\0\0\x01" + chunk + crc + data[place:])
        depth = measure_depth([path])
        assert (depth.white, depth.declared) == (4095, True)
        tif = saved(tmp_path / "a.tif", (GREY / 255 * 200).astype(np.uint16), tiffinfo={281: 1023})
        assert (measure_depth([tif]).white, measure_depth([tif]).declared) == (1023, True)

    @pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 70000.0])
    def test_values_without_a_depth_are_refused(self, tmp_path, value):
        path = saved(tmp_path / "a.tif", np.full((4, 6), value, np.float32))
        with pytest.raises(PictureError, match=r"a\.tif: its pixels range from .*; from 0 to 1, or to at most 65535"):
            read_picture(path)


class TestOrientation:
    upright = np.zeros((96, 128, 3), np.uint8)
    upright[:30, :50] = (200, 60, 90)

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
    def test_exif_and_tiff(self, tmp_path, name, orientation):
        turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)  # Pillow's transpositions
        image = Image.fromarray(self.upright)
        image = image if turn is None else image.transpose(Image.Transpose(turn))
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = {"tiffinfo": {274: orientation}} if name == "a.tif" else {"exif": exif}
        image.save(tmp_path / name, **options)
        assert picture_size(tmp_path / name) == (96, 128)
        assert np.abs(read_picture(tmp_path / name).astype(int) - self.upright).mean() < 2

    @pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.png"])
    def test_xmp_alone(self, tmp_path, name):
        options = {"xmp": XMP}
        if name == "a.png":
            from PIL.PngImagePlugin import PngInfo

            options = {"pnginfo": PngInfo()}
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
        Image.fromarray(self.upright).transpose(Image.Transpose.ROTATE_90).save(tmp_path / name, **options)
        assert picture_size(tmp_path / name) == (96, 128)
        assert np.abs(read_picture(tmp_path / name).astype(int) - self.upright).mean() < 2

    def test_metadata_behind_the_pixels_of_a_png(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(self.upright).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
        data = (tmp_path / "a.png").read_bytes()
        start = data.index(b"eXIf") - 4
        stop = start + 12 + int.from_bytes(data[start : start + 4], "big")
        end = data.index(b"IEND") - 4
        (tmp_path / "a.png").write_bytes(data[:start] + data[stop:end] + data[start:stop] + data[end:])
        assert picture_size(tmp_path / "a.png") == (96, 128)
        assert read_picture(tmp_path / "a.png").shape == (96, 128, 3)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_deep_colours(self, tmp_path, orientation):
        turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)
        image = Image.fromarray(self.upright)
        image = image if turn is None else image.transpose(Image.Transpose(turn))
        path = save_sixteen_bits(tmp_path / "a.png", np.asarray(image).astype(np.uint16) * 257)
        exif = Image.Exif()
        exif[0x0112] = orientation
        chunk = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
        data = path.read_bytes()
        place = data.index(b"IDAT") - 4
        crc = __import__("zlib").crc32(chunk).to_bytes(4, "big")
        path.write_bytes(data[:place] + (len(chunk) - 4).to_bytes(4, "big") + chunk + crc + data[place:])
        assert np.array_equal(read_picture(path), self.upright)


class TestPages:
    pictures = tuple(Image.fromarray(np.full((48, 64, 3), 60 * t + 40, np.uint8)) for t in range(3))

    @pytest.mark.parametrize("name", ["a.tif", "a.webp", "a.png", "a.gif"])
    def test_every_page_is_counted_and_read(self, tmp_path, name):
        options = {"lossless": True} if name == "a.webp" else {}
        self.pictures[0].save(tmp_path / name, save_all=True, append_images=self.pictures[1:], **options)
        reader = PictureReader([tmp_path / name])
        assert list(read_header(tmp_path / name).pages) == [0, 1, 2]
        assert [int(reader.read(tmp_path / name, page)[5, 5, 0]) for page in range(3)] == [40, 100, 160]
        assert [int(image[5, 5, 0]) for image in reader.read_pages(tmp_path / name, [2, 0, 1])] == [160, 40, 100]

    def test_reduced_copies_are_no_pages(self, tmp_path):
        small = self.pictures[0].resize((32, 24))
        small.encoderinfo = {"tiffinfo": {254: 1}}
        self.pictures[0].save(tmp_path / "a.tif", save_all=True, append_images=[small, self.pictures[1]])
        assert list(read_header(tmp_path / "a.tif").pages) == [0, 2]

    def test_a_default_picture_is_no_page(self, tmp_path):
        self.pictures[0].save(tmp_path / "a.png", save_all=True, append_images=self.pictures[1:], default_image=True)
        assert list(read_header(tmp_path / "a.png").pages) == [1, 2]


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    header = b"\0\0\xea\x60\0\0\xea\x60\x01\0\0\0\0"  # 60000 x 60000, one bit
    ihdr = b"IHDR" + header
    crc = __import__("zlib").crc32(ihdr).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\r" + ihdr + crc + b"\0\0\0\0IDAT\x35\xaf\x06\x1e")
    for read in (picture_size, read_picture):
        with pytest.raises((LimitError, PictureError), match=r"60000|decompression bomb"):
            read(tmp_path / "a.png")


def test_other_programs_are_not_started(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    with pytest.raises(PictureError, match="not a picture of a kind that can be read"):
        read_picture(tmp_path / "a.png")


def test_a_picture_in_memory_is_opened_within_the_same_limits(monkeypatch):
    kind = pytest.raises(PictureError, match=r"cannot read the mask: not a picture of a kind that can be read")
    with kind, open_picture(io.BytesIO(b"x"), "the mask"):
        pass
    data = io.BytesIO()
    Image.new("1", (300, 200)).save(data, "png")
    with open_picture(data) as image:
        assert image.size == (300, 200)
    monkeypatch.setenv("SAM2S_MAX_PIXELS", "100")
    with pytest.raises(LimitError, match="the mask"), open_picture(data, "the mask"):
        pass
