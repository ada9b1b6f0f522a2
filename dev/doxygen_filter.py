#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows Doxygen a header of ours as it wants it; the headers themselves stay plain.

The comment at the top becomes the page of the file, word for word; a contract becomes a brief line and a
paragraph for each tag; a comment before a type or a macro, or behind a member, becomes its documentation.
"""
import pathlib
import re
import sys

TAG = re.compile(r"^(Units|Returns|Fails|Threads|Cost|Source) +(.*)$")


def escape(text):
    """Doxygen's special characters as themselves, except inside backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([\\@<>#%&])", r"\\\1", part) for part in parts)


def inner(comment):
    """The lines of a block comment without its frame."""
    body = re.sub(r"^/\*+\s*|\s*\*/$", "", comment)
    return [re.sub(r"^ ?\* ?", "", line) for line in body.split("\n")]


def contract(comment):
    lines = inner(comment)
    brief = re.match(r"^\w+ - (.*)$", lines[0])
    if brief is None:
        return "/** " + "\n".join(escape(line) for line in lines) + " */"
    out, tagged = ["@brief " + escape(brief.group(1))], False
    for line in lines[1:]:
        tag = TAG.match(line)
        if tag:
            tagged = True
            out += ["", f"@par {tag.group(1)}", escape(tag.group(2))]
        elif tagged:
            out.append(escape(line.strip()))
        else:
            out.append(line if line.startswith("    ") else escape(line))
    return "/** " + "\n".join(out) + " */"


def head(comment):
    return "/** @file\n@verbatim\n" + "\n".join(inner(comment)) + "\n@endverbatim\n*/"


def filtered(text):
    licence = re.match(r"\s*/\* SPDX[^\n]*\n|\s*// SPDX[^\n]*\n", text)
    start = licence.end() if licence else 0
    first = re.compile(r"/\*.*?\*/", re.S).match(text, start)
    before = ""
    if first:
        before, text = text[:start] + head(first.group(0)), text[first.end():]
    text = re.sub(r"^[ \t]*/\*\*(?!<).*?\*/", lambda m: contract(m.group(0).strip()), text, flags=re.M | re.S)
    text = re.sub(r"^[ \t]*/\* ──.*?\*/", "", text, flags=re.M | re.S)
    text = re.sub(r"^([ \t]*)/\*(?!\*)((?:[^*]|\*(?!/))*)\*/(?=\n[ \t]*(?:typedef|struct|enum|#[ \t]*define|[A-Z]))",
                  lambda m: m.group(1) + "/** " + "\n".join(escape(line) for line in inner(f"/*{m.group(2)}*/")) + " */",
                  text, flags=re.M)
    return before + re.sub(r"([;,]|\b\w+)[ \t]*/\*(?!\*)((?:[^*]|\*(?!/))*)\*/",
                           lambda m: f"{m.group(1)} /**< {' '.join(escape(line.strip()) for line in inner('/*' + m.group(2) + '*/'))} */",
                           text)


def main():
    path = pathlib.Path(sys.argv[1])
    text = path.read_text()
    sys.stdout.write(text if path.suffix == ".md" else filtered(text))


main()
