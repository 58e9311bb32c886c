"""Makes JPEG files that cost a decoder what photographs of about 500 pixels do.

    python Oracle/photographs.py FOLDER 512

For machines without the real ones. A picture is smooth shapes with some grain, 500 x 375 or
upright, at quality 80: some 28 KB. The files are called 00000.jpg and so on, and are the same for
the same Pillow.
"""

import sys
from pathlib import Path

import numpy
from PIL import Image


def photograph(random: numpy.random.Generator) -> Image.Image:
    width, height = (500, 375) if random.random() < 0.7 else (375, 500)
    shapes = random.integers(0, 256, (height // 25, width // 25, 3), dtype=numpy.uint8)
    smooth = Image.fromarray(shapes).resize((width, height), Image.Resampling.BICUBIC)
    # The grain is that of brightness, as a camera's.
    grain = random.normal(0, 3, (height, width, 1))
    return Image.fromarray((numpy.asarray(smooth) + grain).clip(0, 255).astype(numpy.uint8))


def main() -> None:
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    random = numpy.random.default_rng(50)
    for index in range(count):
        photograph(random).save(folder / f"{index:05d}.jpg", quality=80)
    print("{}")


if __name__ == "__main__":
    main()
