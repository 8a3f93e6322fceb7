"""The typical Huffman tables, which have a code for everything that 8-bit blocks can hold.

Sources: ITU-T T.81 Annex K.3, Tables K.3-K.6.
"""

from __future__ import annotations

from typing import NamedTuple


class Written(NamedTuple):
    """A table as DHT writes it: how many codes of each length, and their symbols."""

    counts: bytes
    symbols: bytes


DC_LUMINANCE = Written(bytes.fromhex("00010501010101010100000000000000"), bytes(range(12)))
DC_CHROMINANCE = Written(bytes.fromhex("00030101010101010101010000000000"), bytes(range(12)))
AC_LUMINANCE = Written(
    bytes.fromhex("0002010303020403050504040000017d"),
    bytes.fromhex(
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a34353637"
        "38393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3"
        "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
)
AC_CHROMINANCE = Written(
    bytes.fromhex("00020102040403040705040400010277"),
    bytes.fromhex(
        "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a3536"
        "3738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999a"
        "a2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
    ),
)
