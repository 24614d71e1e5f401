#!/usr/bin/env python3
"""Writes src/text/html_entities.inc and src/text/mojibake_tables.inc from Python's html.entities and from ftfy 6.3.1
(Robyn Speer, Apache-2.0), so that prompts are cleaned here as diffusers' Wan pipeline cleans them.

Run with .venv/bin/python after changing it; the result is committed.
"""

import html
import re
import unicodedata
from pathlib import Path

import ftfy
from ftfy import badness, chardata

OUT = Path(__file__).resolve().parents[2] / "src/text"
HEADER = "// Made by scripts/text/generate_tables.py; do not edit.\n"


def literal(text: str) -> str:
    """A C++ string literal of the text's UTF-8 bytes; octal escapes, since hexadecimal ones run on."""
    out = ""
    for byte in text.encode("utf-8"):
        char = chr(byte)
        out += char if 32 <= byte < 127 and char not in '"\\?' else f"\\{byte:03o}"
    return f'"{out}"'


def rows(items: list, width: int = 110) -> str:
    """Comma-separated items, as many a line as fit."""
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) + 2 > width:
            lines.append(line)
            line = ""
        line += item + ", "
    return "\n".join(line.rstrip() for line in [*lines, line]) + "\n"


def entities() -> str:
    html5 = {name: char for name, char in html.entities.html5.items()}
    shouted = {name[1:]: char for name, char in chardata.HTML_ENTITIES.items() if name[1:] not in html5}
    pairs = lambda table: rows([f"{{{literal(name)}, {literal(table[name])}}}" for name in sorted(table)])
    invalid = rows([f"{{{number}, {ord(char)}}}" for number, char in sorted(html._invalid_charrefs.items())])
    return (
        HEADER
        + "// Sorted by name (bytes): HTML5's, those that browsers take without a semicolon included.\n"
        + "const Entity kHtml5[] = {\n" + pairs(html5) + "};\n"
        + "// Names in capitals that ftfy adds, e.g. &NTILDE;.\n"
        + "const Entity kShouted[] = {\n" + pairs(shouted) + "};\n"
        + "// Character references that HTML reads as something else (Windows-1252 in place of C1).\n"
        + "const char32_t kReplaced[][2] = {\n" + invalid + "};\n"
    )


class Classes:
    """Sets of characters, each kept once, as sorted inclusive ranges."""

    def __init__(self):
        self.items = {}

    def index(self, members) -> int:
        ordered = sorted(members)
        ranges, start = [], None
        for position, code in enumerate(ordered):
            if start is None:
                start = code
            if position + 1 == len(ordered) or ordered[position + 1] != code + 1:
                ranges.append((start, code))
                start = None
        return self.items.setdefault(tuple(ranges), len(self.items))


def members(parsed, flags: dict) -> set:
    """The characters of one parsed regex item; \\s, \\w and negation are left to `flags`."""
    kind, value = parsed
    name = str(kind)
    if name == "LITERAL":
        return {value}
    if name == "RANGE":
        return set(range(value[0], value[1] + 1))
    if name == "NEGATE":
        flags["negated"] = True
        return set()
    if name == "ANY":
        flags["negated"] = True
        return {ord("\n")}
    if name == "CATEGORY":
        flags["space" if "SPACE" in str(value) else "word"] = True
        return set()
    if name == "IN":
        return set().union(*(members(one, flags) for one in value))
    raise ValueError(parsed)


def badness_rules(classes: Classes) -> list:
    """Each alternative of ftfy's BADNESS_RE as a list of (class, negated, space, word, optional)."""
    tree = re._parser.parse(badness.BADNESS_RE.pattern, badness.BADNESS_RE.flags & ~re.UNICODE)
    assert len(tree) == 1 and str(tree[0][0]) == "BRANCH"
    rules = []
    for branch in tree[0][1][1]:
        rule = []
        for item in branch:
            name, flags, optional = str(item[0]), {}, False
            if name == "AT":
                rule.append("Item::start()")
                continue
            if name == "MAX_REPEAT":
                low, high, inner = item[1]
                assert (low, high) == (0, 1) and len(inner) == 1
                item, optional = inner[0], True
            index = classes.index(members(item, flags))
            kind = "Space" if "space" in flags else "Word" if "word" in flags else (
                "NotIn" if "negated" in flags else "In")
            rule.append(f"{{Item::{kind}, {index}, {str(optional).lower()}}}")
        rules.append("{" + ", ".join(rule) + "}")
    return rules


def expand(description: str) -> set:
    """The members of a regex character class's inside."""
    flags = {}
    found = members(re._parser.parse("[" + description + "]")[0], flags)
    assert not flags
    return found


def tables() -> str:
    classes = Classes()
    rules = badness_rules(classes)
    clues = {name: classes.index(expand(text)) for name, text in chardata.UTF8_CLUES.items()}
    out = HEADER + f"// ftfy {ftfy.__version__}.\n"
    out += "// Sets of characters: inclusive ranges.\nconst std::vector<Range> kClasses[] = {\n"
    for ranges in classes.items:
        out += "{" + rows([f"{{{low}, {high}}}" for low, high in ranges]).rstrip().rstrip(",") + "},\n"
    out += "};\n// Sequences that hardly occur but in mojibake (badness.py, BADNESS_RE).\n"
    out += "const std::vector<Item> kBadness[] = {\n" + ",\n".join(rules) + "};\n"
    out += "// Sets for sequences that look like UTF-8 read as something else (chardata.py, UTF8_CLUES).\n"
    names = {"utf8_first_of_2": "kFirstOf2", "utf8_first_of_3": "kFirstOf3", "utf8_first_of_4": "kFirstOf4",
             "utf8_continuation": "kContinuation", "utf8_continuation_strict": "kContinuationStrict"}
    for key, name in names.items():
        out += f"constexpr int {name} = {clues[key]};\n"
    out += "// What bytes 128 to 255 mean, in the order in which the encodings are tried (CHARMAP_ENCODINGS).\n"
    out += "const Charmap kCharmaps[] = {\n"
    for encoding in chardata.CHARMAP_ENCODINGS:
        high = bytes(range(128, 256)).decode(encoding)
        assert bytes(range(0, 26)).decode(encoding) == "".join(map(chr, range(0, 26)))
        assert bytes(range(27, 128)).decode(encoding) == "".join(map(chr, range(27, 128)))
        sloppy = str(encoding.startswith("sloppy")).lower()
        mac = str(encoding == "macroman").lower()
        out += f"// {encoding}\n{{{sloppy}, {mac}, {{\n" + rows([str(ord(char)) for char in high]) + "}},\n"
    out += "};\n// Windows-1252's unassigned bytes: a strict decoder refuses them.\nconst char32_t kUnassigned1252[] = {"
    unassigned = []
    for byte in range(128, 256):
        try:
            bytes([byte]).decode("windows-1252")
        except UnicodeDecodeError:
            unassigned.append(str(byte))
    out += ", ".join(unassigned) + "};\n"
    for name, table in (("kLigatures", chardata.LIGATURES), ("kWidths", chardata.WIDTH_MAP)):
        out += f"const Entity {name}[] = {{\n"
        out += rows([f"{{{literal(chr(code))}, {literal(table[code])}}}" for code in sorted(table)]) + "};\n"
    return out


if __name__ == "__main__":
    (OUT / "html_entities.inc").write_text(entities(), encoding="ascii")
    (OUT / "mojibake_tables.inc").write_text(tables(), encoding="ascii")
