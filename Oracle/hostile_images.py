"""Makes Tests/Fixtures/hostile-images/: small files of images that would take much memory.

Run from the repository root, with the packages of Oracle/requirements.txt:

    python Oracle/hostile_images.py

Every image is of one colour. `one-bit.png` has 95 million pixels, `interlaced.png` 16 bits a sample
in seven passes, `progressive.jpg` coefficients of all its pixels; `allowed.png` is as large as a small
file's image may be.
"""

import struct
import zlib

from PIL import Image

from fixtures import fresh_folder


def png(width: int, height: int, depth: int, color: int, interlaced: bool = False) -> bytes:
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2)] if interlaced else [(0, 0, 1, 1)]
    packer = zlib.compressobj(9)
    data = b""
    for left, top, across, down in passes:
        columns = (width - left + across - 1) // across
        rows = (height - top + down - 1) // down
        row = bytes(1 + (columns * channels * depth + 7) // 8)
        for _ in range(rows if columns else 0):
            data += packer.compress(row)
    data += packer.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    palette = chunk(b"PLTE", bytes([200, 10, 10])) if color == 3 else b""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + chunk(b"IDAT", data)
            + chunk(b"IEND", b""))


if __name__ == "__main__":
    folder = fresh_folder("hostile-images")
    (folder / "one-bit.png").write_bytes(png(9760, 9760, 1, 0))
    (folder / "interlaced.png").write_bytes(png(2400, 2400, 16, 6, interlaced=True))
    (folder / "allowed.png").write_bytes(png(4000, 4000, 1, 3))
    Image.new("RGB", (2400, 2400), (90, 120, 30)).save(
        folder / "progressive.jpg", progressive=True, quality=60, subsampling=0)
