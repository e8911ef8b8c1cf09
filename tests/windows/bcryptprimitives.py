"""Prints a `bcryptprimitives.dll` for a Wine without one: `python3 bcryptprimitives.py > bcryptprimitives.dll`.

Rust's libraries need its `ProcessPrng`. The older `RtlGenRandom` (`SystemFunction036` of advapi32) has the same arguments and
result, so this DLL has no code: it forwards that one name. Microsoft's "PE Format" describes every field.
"""

import struct
import sys

DLL, NAME, TARGET = b"bcryptprimitives.dll\0", b"ProcessPrng\0", b"advapi32.SystemFunction036\0"
ADDRESS, ALIGNED = 0x1000, 0x200  # the offset of its only section in memory, and in the file


def section() -> bytes:
    """Return the export directory, its three tables of one row each, and the names; an address within it is a forward."""
    tables = ADDRESS + 40
    dll = tables + 10
    name = dll + len(DLL)
    target = name + len(NAME)
    directory = struct.pack("<IIHHIIIIIII", 0, 0, 0, 0, dll, 1, 1, 1, tables, tables + 4, tables + 8)
    return directory + struct.pack("<IIH", target, name, 0) + DLL + NAME + TARGET


def image() -> bytes:
    """Return the whole file: an x86-64 DLL with one section of data, and no entry point."""
    exports = section()
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)
    versions = struct.pack("<HHHHHHI", 6, 0, 0, 0, 6, 0, 0)
    optional = (
        struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, ALIGNED, 0, 0, 0)
        + struct.pack("<QII", 0x180000000, ADDRESS, ALIGNED)
        + versions
        + struct.pack("<IIIHHQQQQII", 2 * ADDRESS, ALIGNED, 0, 3, 0x100, 1 << 20, 1 << 12, 1 << 20, 1 << 12, 0, 16)
        + struct.pack("<II", ADDRESS, len(exports)).ljust(16 * 8, b"\0")
    )
    header = struct.pack("<8sIIIIIIHHI", b".edata", len(exports), ADDRESS, ALIGNED, ALIGNED, 0, 0, 0, 0, 0x40000040)
    return (dos + coff + optional + header).ljust(ALIGNED, b"\0") + exports.ljust(ALIGNED, b"\0")


if __name__ == "__main__":
    sys.stdout.buffer.write(image())
