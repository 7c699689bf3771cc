"""Small but real label documents for the carriers' twins: a page any viewer opens, with the number on it."""

from __future__ import annotations

import struct
import zlib


def pdf(lines: list[str]) -> bytes:
    """Return a one-page 4 × 6 inch PDF with the lines on it."""
    shown = " T* ".join(f"({_escaped(line)}) Tj" for line in lines)
    content = f"BT /F1 14 Tf 18 400 Td 20 TL {shown} ET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>",
    ]
    document = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    document += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    document += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(document)


def png(number: str) -> bytes:
    """Return a black and white 400 × 600 PNG whose bars are the bits of the number."""
    striped = b"\0" + int(_bars(number), 2).to_bytes(50, "big")
    blank = b"\0" + b"\xff" * 50
    pixels = zlib.compress(blank * 200 + striped * 200 + blank * 200, 9)
    header = struct.pack(">IIBBBBB", 400, 600, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def gif(number: str) -> bytes:
    """Return the same picture as a GIF."""
    blank = bytes([1]) * 400
    striped = bytes(int(pixel) for pixel in _bars(number))
    codes = _lzw(blank * 200 + striped * 200 + blank * 200)
    blocks = b"".join(bytes([len(codes[at : at + 255])]) + codes[at : at + 255] for at in range(0, len(codes), 255))
    screen = struct.pack("<HHBBB", 400, 600, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    picture = b"," + struct.pack("<HHHHB", 0, 0, 400, 600, 0) + b"\x02" + blocks + b"\0"
    return b"GIF89a" + screen + picture + b";"


def zpl(lines: list[str]) -> bytes:
    """Return the lines as a ZPL II label."""
    fields = "".join(f"^FO40,{40 + 40 * row}^A0N,30^FD{line}^FS" for row, line in enumerate(lines))
    return f"^XA{fields}^XZ\n".encode("ascii", "replace")


def epl(lines: list[str]) -> bytes:
    """Return the lines as an EPL2 label."""
    fields = "".join(f'A40,{40 + 40 * row},0,3,1,1,N,"{line}"\n' for row, line in enumerate(lines))
    return f"\nN\n{fields}P1\n".encode("ascii", "replace")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _bars(number: str) -> str:
    """Return one row of 400 pixels, 1 for white."""
    bits = "".join(f"{byte:08b}" for byte in number.encode("ascii", "replace"))
    bars = "".join(bit * 3 for bit in bits)[:360].ljust(360, "0")
    return ("1" * 20 + "".join("0" if bit == "1" else "1" for bit in bars)).ljust(400, "1")


def _lzw(pixels: bytes) -> bytes:
    """Return pixels (0 to 3) compressed as GIF has it: codes of 3 bits and more, the lowest bit first."""
    clear, end, longest = 4, 5, 12
    codes: list[tuple[int, int]] = [(clear, 3)]
    known, width, word = {bytes([pixel]): pixel for pixel in range(4)}, 3, b""
    following = end + 1
    for pixel in pixels:
        grown = word + bytes([pixel])
        if grown in known:
            word = grown
            continue
        codes.append((known[word], width))
        known[grown] = following
        width = max(width, following.bit_length())
        following += 1
        word = bytes([pixel])
        if following == 1 << longest:
            codes.append((clear, width))
            known, width = {bytes([each]): each for each in range(4)}, 3
            following = end + 1
    codes += [(known[word], width), (end, width)]
    bits = place = 0
    for code, size in codes:
        bits |= code << place
        place += size
    return bits.to_bytes((place + 7) // 8, "little")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
