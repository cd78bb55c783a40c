"""Makes the window's fonts: Inter with Latin letters only, and figures that are all equally wide.

Usage: ``pip install fonttools; python subset.py FOLDER`` with the folder of Inter's OpenType files
(Debian: ``/usr/share/fonts/opentype/inter``, package ``fonts-inter``).
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

WEIGHTS = ["Regular", "SemiBold"]
CHARACTERS = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *(0x394, 0x3A9, 0x3C0),  # Δ, Ω, π
    *range(0x2010, 0x2028),  # dashes, quotation marks, dots
    *(0x2039, 0x203A, 0x20AC, 0x2122),
    *range(0x2190, 0x2194),  # arrows
    *(0x2212, 0x221E, 0x2248, 0x2260, 0x2264, 0x2265),  # minus, infinity, comparisons
]


def tabular(font: TTFont) -> dict[str, str]:
    """Return the equally wide form of each glyph that has one."""
    gsub = font["GSUB"].table
    lookups = {
        index
        for record in gsub.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    forms: dict[str, str] = {}
    for index in lookups:
        for table in gsub.LookupList.Lookup[index].SubTable:
            forms.update(getattr(table, "ExtSubTable", table).mapping)
    return forms


def main(folder: Path) -> None:
    """Write a font beside this script for each weight."""
    for weight in WEIGHTS:
        font = TTFont(folder / f"Inter-{weight}.otf")
        forms = tabular(font)
        for table in font["cmap"].tables:
            for character in range(ord("0"), ord("9") + 1):
                if character in table.cmap:
                    table.cmap[character] = forms.get(table.cmap[character], table.cmap[character])
        options = subset.Options()
        options.layout_features = ["kern"]
        options.name_IDs = ["*"]
        options.desubroutinize = True
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=CHARACTERS)
        subsetter.subset(font)
        font.save(Path(__file__).with_name(f"Inter-{weight}.otf"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
