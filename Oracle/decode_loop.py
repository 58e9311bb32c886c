"""Times decoding and resizing with Pillow, one image after another, as the authors' data sets do.

    python Oracle/decode_loop.py FILES.txt --size 64 --filter bilinear --passes 4

FILES.txt names an image file a line. Each pass opens every file, converts it to RGB, resizes it to a
square and takes the bytes as an array. Prints one JSON line, with the processor's seconds of each pass;
the first warms up the file system's cache and is meant to be left out. `--output` writes the arrays of the last pass, so that
another implementation's can be compared with them.
"""

import argparse
import json
import time


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--filter", choices=["bilinear", "bicubic"], default="bilinear")
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--output")
    return parser.parse_args()


def main() -> None:
    options = parse()
    import numpy
    import PIL
    from PIL import Image, features

    resample = Image.Resampling[options.filter.upper()]
    size = (options.size, options.size)
    with open(options.files, encoding="utf-8") as lines:
        paths = lines.read().splitlines()
    seconds, arrays = [], []
    for _ in range(options.passes):
        arrays = []
        start = time.process_time()
        for path in paths:
            image = Image.open(path).convert("RGB")
            arrays.append(numpy.asarray(image.resize(size, resample)))
        seconds.append(time.process_time() - start)
    if options.output:
        with open(options.output, "wb") as output:
            for array in arrays:
                output.write(array.tobytes())
    print(json.dumps({
        "images": len(paths),
        "pass_seconds": seconds,
        "library": f"Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}",
    }))


if __name__ == "__main__":
    main()
