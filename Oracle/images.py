"""Makes Tests/Fixtures/images/: image files of every kind, and what Pillow makes of them.

Run from the repository root, with Pillow of Oracle/requirements.txt:

    python Oracle/images.py

`cases.json` lists `decode` (a file and its size), `resize` (a file, the size, filter and box asked
for) and `prepare` (a file, and how it becomes a square); `offset` is where the answer begins in
`pixels.bin`, interleaved RGB. `decode` is `Image.open(file).convert("RGB")`, `resize` is that with
`resize(size, filter, box)`, `prepare` is `resize` to the square, or torchvision's shortest-side
resize and centre crop. Pillow before 13 is needed: 13 changed the order of the two passes.
"""

import io
import json
import random
import struct
import warnings
import zlib
from pathlib import Path

import PIL
from PIL import Image, features

FOLDER = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "images"
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def noise(width, height, seed, bands=3, bits=8):
    generator = random.Random(seed)
    return bytes(generator.getrandbits(bits) for _ in range(width * height * bands))


def picture(width, height, seed):
    """Something like a photograph: slopes, an edge, a little noise."""
    generator = random.Random(seed)
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2
            color = (200, 60, 90) if inside else (x * 255 // width, y * 255 // height, 128)
            pixels += bytes(max(0, min(255, c + generator.randint(-12, 12))) for c in color)
    return Image.frombytes("RGB", (width, height), bytes(pixels))


# --- JPEG ------------------------------------------------------------------------------------------


def jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def jpegs():
    image = picture(37, 29, 1)
    # Pillow's own conversion leaves black empty.
    inks = [*image.split(), picture(37, 29, 5).convert("L")]
    cmyk = jpeg(Image.merge("CMYK", inks), quality=90)
    adobe = cmyk.index(b"Adobe") - 4
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "baseline-444.jpg", jpeg(image, quality=90, subsampling="4:4:4")
    yield "baseline-422.jpg", jpeg(image, quality=85, subsampling="4:2:2")
    yield "baseline-420.jpg", jpeg(image, quality=75, subsampling="4:2:0")
    yield "optimized.jpg", jpeg(image, quality=60, optimize=True)
    yield "restarts.jpg", jpeg(image, quality=75, restart_marker_rows=1)
    yield "progressive.jpg", jpeg(image, quality=80, progressive=True)
    yield "progressive-gray.jpg", jpeg(image.convert("L"), quality=80, progressive=True)
    yield "gray.jpg", jpeg(image.convert("L"), quality=90)
    yield "rgb.jpg", jpeg(image, quality=90, keep_rgb=True)
    yield "cmyk-adobe.jpg", cmyk
    # The same without the marker: Pillow presumes inverted values all the same.
    yield "cmyk-plain.jpg", cmyk[:adobe] + cmyk[adobe + 16 :]
    # The same, said to be YCCK: a valid file of strange colours.
    yield "ycck.jpg", cmyk[: adobe + 15] + b"\2" + cmyk[adobe + 16 :]
    yield "rotated-by-exif.jpg", jpeg(image, quality=90, exif=exif)
    yield "one-pixel.jpg", jpeg(picture(1, 1, 2))
    yield "narrow.jpg", jpeg(picture(1, 40, 3))
    yield "trailing-bytes.jpg", jpeg(image, quality=70) + b"more\xff\xd8\xff"


# --- PNG -------------------------------------------------------------------------------------------

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def packed(samples, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", sample) for sample in samples)
    bits = "".join(format(sample, f"0{depth}b") for sample in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def png(width, height, depth, color, seed, palette=None, transparency=None, interlaced=False):
    """A PNG of random samples, written by hand: Pillow writes few of the kinds there are."""
    channels = CHANNELS[color]
    generator = random.Random(seed)
    largest = len(palette) // 3 - 1 if palette else 2**depth - 1
    rows = [[[min(generator.getrandbits(depth), largest) for _ in range(channels)]
             for _ in range(width)] for _ in range(height)]

    def scan(rows):
        return b"".join(b"\0" + packed([s for pixel in row for s in pixel], depth) for row in rows)

    if interlaced:
        data = b"".join(
            scan([row[x0::dx] for row in rows[y0::dy]]) for x0, y0, dx, dy in ADAM7
            if x0 < width and y0 < height)
    else:
        data = scan(rows)

    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))

    file = b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced)))
    if palette:
        file += chunk(b"PLTE", palette)
    if transparency is not None:
        file += chunk(b"tRNS", transparency)
    return file + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def pngs():
    size = (11, 9)
    for depth in (1, 2, 4, 8, 16):
        yield f"gray-{depth}.png", png(*size, depth, 0, depth)
    for depth in (8, 16):
        yield f"rgb-{depth}.png", png(*size, depth, 2, depth)
        yield f"gray-alpha-{depth}.png", png(*size, depth, 4, depth)
        yield f"rgb-alpha-{depth}.png", png(*size, depth, 6, depth)
    for depth in (1, 2, 4, 8):
        colors = noise(2**depth, 1, depth)
        yield f"palette-{depth}.png", png(*size, depth, 3, depth, palette=colors)
    yield "palette-transparent.png", png(
        *size, 8, 3, 9, palette=noise(40, 1, 4), transparency=noise(20, 1, 5, bands=1))
    yield "palette-short.png", png(*size, 2, 3, 3, palette=noise(4, 1, 6)).replace(
        *short_palette(noise(4, 1, 6)))
    yield "gray-transparent.png", png(*size, 8, 0, 5, transparency=b"\0\7")
    yield "gray-16-transparent.png", png(*size, 16, 0, 6, transparency=b"\0\7")
    yield "rgb-transparent.png", png(*size, 8, 2, 5, transparency=b"\0\1\0\2\0\3")
    yield "interlaced-rgb.png", png(*size, 8, 2, 7, interlaced=True)
    yield "interlaced-gray-1.png", png(*size, 1, 0, 8, interlaced=True)
    yield "interlaced-palette-4.png", png(
        *size, 4, 3, 9, palette=noise(16, 1, 7), interlaced=True)
    yield "interlaced-rgb-alpha-16.png", png(*size, 16, 6, 10, interlaced=True)
    yield "interlaced-tiny.png", png(2, 1, 8, 2, 11, interlaced=True)
    yield "one-pixel.png", png(1, 1, 8, 2, 12)
    # Pillow's writer filters rows, and adds texts that are to be passed over.
    file = io.BytesIO()
    information = PIL.PngImagePlugin.PngInfo()
    information.add_text("Comment", "of no use " * 40, zip=True)
    picture(23, 17, 4).save(file, "PNG", pnginfo=information)
    yield "filtered.png", file.getvalue()


def short_palette(palette):
    """Two of a palette's four colours, so that indices point beyond it."""
    def chunk(content):
        return (struct.pack(">I", len(content)) + b"PLTE" + content
                + struct.pack(">I", zlib.crc32(b"PLTE" + content)))
    return chunk(palette), chunk(palette[:6])


# --- PPM and PGM -----------------------------------------------------------------------------------


def netpbms():
    rgb, gray = noise(5, 4, 20), noise(5, 4, 21, bands=1)
    yield "raw-rgb.ppm", b"P6\n5 4\n255\n" + rgb
    yield "raw-gray.pgm", b"P5 5 4 255 " + gray
    yield "comments.ppm", b"P6\n# made by hand\n5 # wide\n#\n4\r255\n" + rgb
    yield "white-space.ppm", b"P6\t\v5\f\f4\r\n  255\t" + rgb
    yield "comment-in-number.ppm", b"P6 5#five\n 4 25#more\n5 " + rgb
    yield "like-a-comment.ppm", b"P6 5 4 255 " + b"#" + rgb[1:]
    yield "largest-31.ppm", b"P6 5 4 31 " + bytes(b & 31 for b in rgb)
    yield "above-the-largest.ppm", b"P6 5 4 99 " + rgb
    yield "largest-100.pgm", b"P5 5 4 100 " + bytes(b % 101 for b in gray)
    wide = random.Random(22)
    yield "raw-16.ppm", b"P6 5 4 65535\n" + b"".join(
        struct.pack(">H", wide.getrandbits(16)) for _ in range(60))
    yield "raw-1000.ppm", b"P6 5 4 1000\n" + b"".join(
        struct.pack(">H", wide.randint(0, 1000)) for _ in range(60))
    yield "raw-16.pgm", b"P5 5 4 65535\n" + b"".join(
        struct.pack(">H", wide.randint(0, 600)) for _ in range(20))
    yield "raw-1000.pgm", b"P5 5 4 1000\n" + b"".join(
        struct.pack(">H", wide.randint(0, 10)) for _ in range(20))
    text = " ".join(str(b) for b in rgb)
    yield "plain-rgb.ppm", b"P3\n5 4\n255\n" + text.encode()
    yield "plain-comments.ppm", (
        b"P3 # by hand\n5 4 255\n" + text.replace(" ", "\n", 7).encode() + b"\n# that is all")
    yield "plain-gray.pgm", b"P2 5 4 255\n" + "\t".join(str(b) for b in gray).encode() + b"\n"
    yield "plain-7.pgm", b"P2 5 4 7\n" + " ".join(str(b & 7) for b in gray).encode()
    yield "plain-600.pgm", b"P2 5 4 600\n" + " ".join(str(b % 9) for b in gray).encode()
    yield "one-pixel.ppm", b"P6 1 1 255 abc"


# --- Sizes -----------------------------------------------------------------------------------------


def torchvision_crop(image, size, resample):
    """`transforms.Resize(size)` and `CenterCrop(size)`, as torchvision computes them."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    other = int(size * long / short)
    image = image.resize((size, other) if width <= height else (other, size), resample)
    left = int(round((image.width - size) / 2.0))
    top = int(round((image.height - size) / 2.0))
    return image.crop((left, top, left + size, top + size))


SOURCES = {"landscape.png": (61, 47), "portrait.png": (30, 91), "strip.png": (70, 3),
           "pixel.png": (1, 1)}
SIZES = {
    "landscape.png": [(64, 64), (32, 32), (7, 5), (61, 20), (20, 47), (1, 1), (90, 33)],
    "portrait.png": [(16, 16), (32, 32), (64, 64), (29, 9)],
    "strip.png": [(24, 24), (71, 2)],
    "pixel.png": [(5, 3)],
}
BOXES = [(0, 0, 30.5, 47), (10.25, 3.5, 50, 40.75), (20, 10, 36, 26), (60, 46, 61, 47)]


def main():
    if int(PIL.__version__.split(".")[0]) >= 13:
        raise SystemExit("Pillow 13 resizes in another order; use that of requirements.txt")
    # That a palette's transparency is dropped is what is wanted.
    warnings.simplefilter("ignore", UserWarning)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in FOLDER.iterdir():
        file.unlink()
    pixels = bytearray()
    cases = {
        "pillow": PIL.__version__, "libjpeg_turbo": features.version("libjpeg_turbo"),
        "decode": [], "resize": [], "prepare": [],
    }

    def add(kind, image, **case):
        cases[kind].append(
            {**case, "width": image.width, "height": image.height, "offset": len(pixels)})
        pixels.extend(image.tobytes())

    for name, content in [*jpegs(), *pngs(), *netpbms()]:
        (FOLDER / name).write_bytes(content)
        image = Image.open(io.BytesIO(content))
        add("decode", image.convert("RGB"), file=name)
    for seed, (name, size) in enumerate(SOURCES.items()):
        # Noise shows rounding; hard edges make bicubic overshoot.
        image = Image.frombytes("RGB", size, noise(*size, 30 + seed))
        image.save(FOLDER / name)
        for filter, resample in FILTERS.items():
            for target in SIZES[name]:
                add("resize", image.resize(target, resample), file=name, filter=filter, box=None)
            for target in (24, 33):
                add("prepare", torchvision_crop(image, target, resample), file=name,
                    filter=filter, mode="crop")
            add("prepare", image.resize((10, 10), resample), file=name, filter=filter,
                mode="stretch")
    image = Image.open(FOLDER / "landscape.png")
    for filter, resample in FILTERS.items():
        for box in BOXES:
            for target in [(16, 16), (9, 21)]:
                add("resize", image.resize(target, resample, box=box), file="landscape.png",
                    filter=filter, box=box)
    (FOLDER / "pixels.bin").write_bytes(pixels)
    (FOLDER / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
