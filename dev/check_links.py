#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Links of the Markdown files lead somewhere: the file is there, and the heading in it.

Also: paths in `code` that begin with a folder of ours (src/..., dev/..., test/...) exist. Links to the network
are left alone.
"""
import re

import gatelib

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
NAMED = re.compile(r"`((?:include|src|cmd|test|bench|examples|docs|dev|cmake)/[\w./-]*\w)`")


def slug(heading):
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading))


def prose(text):
    """The text without its fenced blocks, line for line."""
    inside, lines = False, []
    for line in text.split("\n"):
        fence = line.lstrip().startswith(("```", "~~~"))
        inside ^= fence
        lines.append("" if inside or fence else line)
    return "\n".join(lines)


def anchors(path):
    found = set()
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", prose(path.read_text()), re.M):
        name, n = slug(heading), 1
        while name in found:
            name, n = f"{slug(heading)}-{n}", n + 1
        found.add(name)
    return found | set(re.findall(r'<a (?:id|name)="([^"]+)"', path.read_text()))


def judge(root, path):
    text, name = prose(path.read_text()), path.relative_to(root).as_posix()
    for match in LINK.finditer(re.sub(r"`[^`\n]*`", lambda m: " " * len(m.group(0)), text)):
        target, _, anchor = match.group(1).partition("#")
        where = f"{name}:{gatelib.line_of(text, match.start())}"
        if re.match(r"[a-z]+:", target):
            continue
        other = (path.parent / target) if target else path
        if not other.exists():
            yield f"{where}: no such file: {target}"
        elif anchor and other.suffix == ".md" and anchor not in anchors(other):
            yield f"{where}: no such heading: {match.group(1)}"
    for match in NAMED.finditer(text):
        if not any((base / match.group(1)).exists() for base in (root, path.parent)):
            yield f"{name}:{gatelib.line_of(text, match.start())}: no such path: {match.group(1)}"


def main():
    root = gatelib.parser(__doc__).parse_args().root
    pages = gatelib.files(root, ".md")
    faults = [fault for page in pages for fault in judge(root, page)]
    gatelib.finish("links", faults, f"{len(pages)} pages")


main()
