#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tables from results.json: text, markdown, and the documentation's (bench/*.md.in and the README, every number filled in).

    bench/report.py [RESULTS] [--docs | --markdown]
"""
import argparse
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import measure  # noqa: E402
import plan  # noqa: E402


def number(value, metric=""):
    """A figure as a reader wants it: three digits that count."""
    if value is None:
        return "–"
    if metric in ("resident", "excess", "trimmed", "B"):
        sign, size = ("−" if value < 0 else ""), abs(value)
        if size >= 1 << 20:
            return f"{sign}{size / (1 << 20):.1f} MiB"
        return f"{sign}{size / 1024:.0f} KiB"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.1f} M"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def times(value):
    """A ratio; small ones keep two digits that count."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def limit(goal):
    if goal["unit"] == "B":
        return f"≤ {number(goal['limit'], 'B')}"
    if not goal["peer"]:
        return f"≤ {number(goal['limit'])}"
    whole = round(1 / goal["limit"])
    share = f"1/{whole:,}" if whole >= 4 and abs(goal["limit"] * whole - 1) < 1e-9 else times(goal["limit"])
    return f"≤ {share} × {goal['peer']}"


def measured(goal):
    if goal["measured"] is None:
        return "–", "–"
    show = {"B": lambda v: number(v, "B"), "n": number}.get(goal["unit"], times)
    return show(goal["measured"]), f"{show(goal['low'])} – {show(goal['high'])}"


def goal_rows(document):
    head = ["what", "contender", "goal", "measured", "quartiles", ""]
    return head, [[g["row"], g["subject"], limit(g), *measured(g), g["verdict"]] for g in document["goals"]]


def case_rows(document, name):
    """One row for each contender, the quickest first: medians, and the ratio of the main metric to Tarn's."""
    case, row = plan.CASES[name], document["cases"][name]
    lead = row.get(case.lead, {}).get(case.key)
    metrics = [m for m in case.metrics if any(m in figures for figures in row.values())]
    head = ["contender", *[case.metrics[m] for m in metrics]] + ([f"× {case.lead}", "quartiles"] if lead else [])
    lines = []
    order = sorted(row, key=lambda who: measure.quartiles(row[who][case.key])[1])
    for who in order:
        line = [who] + [number(measure.quartiles(row[who][m])[1], m) if m in row[who] else "–" for m in metrics]
        if lead:
            ratio = measure.ratio(row[who][case.key], lead)
            line += [times(ratio[1]), f"{times(ratio[0])} – {times(ratio[2])}"] if ratio else ["–", "–"]
        lines.append(line)
    return head, lines


def as_markdown(head, lines):
    sides = ["---"] + ["--:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, sides, *lines])


def as_text(head, lines):
    widths = [max(len(row[i]) for row in [head, *lines]) for i in range(len(head))]

    def line(row):
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return "  " + "  ".join(cells).rstrip()

    return "\n".join([line(head), "  " + "  ".join("-" * width for width in widths), *map(line, lines)])


def machine_lines(document):
    m = document["machine"]
    peers = ", ".join(f"{peer} {version}" for peer, version in m["versions"].items())
    return [("date", m["date"]), ("command", m["command"] + f" ({document['seconds']} s)"),
            ("machine", f"{m['cpu']}, {m['cpus']} CPUs, {m['memory_mib']} MiB; Linux {m['kernel']}; "
                        f"transparent huge pages: {m['huge_pages']}; load at the start: {m.get('load', 'not noted')}"),
            ("compiler", f"{m['compiler']}, {m['flags']}"), ("Tarn", m["tarn"]), ("peers", peers)]


def verdict_line(document):
    count = {}
    for goal in document["goals"]:
        count[goal["verdict"]] = count.get(goal["verdict"], 0) + 1
    return ", ".join(f"{n} {verdict}" for verdict, n in sorted(count.items(), reverse=True))


def groups(document, group):
    return [name for name in plan.CASES if name in document["cases"] and plan.CASES[name].group == group]


def text(document):
    parts = ["\n".join(f"  {key:9} {value}" for key, value in machine_lines(document)),
             "Goals: " + verdict_line(document), as_text(*goal_rows(document))]
    for name in [n for group in ("goals", "info", "help") for n in groups(document, group)]:
        parts += [f"{name}: {plan.CASES[name].title}\n" + as_text(*case_rows(document, name))]
    parts += [f"failed: {why}" for why in document["broken"].values()]
    return "\n\n".join(parts)


def case_section(document, name):
    return f"### {plan.CASES[name].title}\n\n`{name}`\n\n{as_markdown(*case_rows(document, name))}"


def machine_section(document):
    return as_markdown(["", "measured on"], [[key, value] for key, value in machine_lines(document)])


def goals_section(document):
    return verdict_line(document) + ".\n\n" + as_markdown(*goal_rows(document))


def markdown(document):
    names = [n for group in ("goals", "info", "help") for n in groups(document, group)]
    return "\n\n".join([machine_section(document), "## Goals", goals_section(document), "## Cases",
                        *[case_section(document, name) for name in names]])


def instructions_section(document):
    table = document.get("instructions")
    if not table:
        return "not counted in this run"
    columns = [(compiler, case) for compiler in table for case in table[compiler]]
    names = list(next(iter(next(iter(table.values())).values())))
    head = ["contender"] + [f"{compiler}, {case}: all / called" for compiler, case in columns]
    rows = [[name] + [f"{table[compiler][case][name]['all']:.1f} / {table[compiler][case][name]['called']:.1f}"
                      if name in table[compiler][case] else "–" for compiler, case in columns] for name in names]
    return as_markdown(head, rows)


def against(document, name, metric, subject, peers):
    """A sentence: what the subject took of each peer's figure."""
    row = document["cases"].get(name, {})
    said = []
    for peer in peers:
        if metric in row.get(subject, {}) and metric in row.get(peer, {}):
            said.append(f"{times(measure.ratio(row[subject][metric], row[peer][metric])[1])} × {peer}")
    return ", ".join(said) if said else "not measured"


def fill(document, word):
    """One {{…}} of the template."""
    kind, *rest = word.split(":", 1)
    if kind == "machine":
        return machine_section(document)
    if kind == "goals":
        return goals_section(document)
    if kind == "cases":
        return "\n\n".join(case_section(document, name) for name in groups(document, rest[0]))
    if kind == "case":
        return as_markdown(*case_rows(document, rest[0])) if rest[0] in document["cases"] else "not measured"
    if kind == "against":
        name, metric, subject, *peers = rest[0].split("/")
        return against(document, name, metric, subject, peers)
    if kind == "figure":
        name, metric, subject = rest[0].split("/")
        values = document["cases"].get(name, {}).get(subject, {}).get(metric)
        return number(measure.quartiles(values)[1], metric) if values else "not measured"
    if kind == "instructions":
        return instructions_section(document)
    if kind == "broken":
        return "\n".join(f"- {why}" for why in document["broken"].values()) or "Nothing."
    raise SystemExit(f"report: the template says {{{{{word}}}}}, which is not known")


# The README's table: case, metric, what it is, and Tarn's contender. Others stand in the columns where they take part.
README_ROWS = [
    ("burst", "pair", "64 blocks out and back, ns a pair", "tarn pool"),
    ("refill_1e6", "sum", "10⁶ blocks freed at random, allocated again, visited, ns", "tarn pool"),
    ("replace_1e6", "sum", "a random 30 % of 10⁶ replaced, the new ones visited, ns", "tarn pool"),
    ("memory_24", "overhead", "resident / live, 10⁶ objects of 24 B", "tarn pool"),
    ("arena_1e3", "alloc", "1,000 arena allocations and a reset, ns each", "tarn arena"),
    ("containers", "sum", "std::list and std::map churn, ms", "tarn::allocator"),
    ("life_100", "life", "a pool made for 100 blocks, used once, ns", "tarn pool"),
    ("threads", "two", "one allocator shared by two threads, ns a pair", "tarn shared pool"),
    ("handoff_2e4", "block", "20,000 blocks from one thread to another, ns a block", "tarn shared pool"),
]
README_COLUMNS = [("glibc",), ("jemalloc",), ("mimalloc",), ("tcmalloc",), ("ideal", "bump"),
                  ("boost::pool", "boost::fast_pool_allocator", "boost::singleton_pool"), ("foonathan node_pool", "foonathan memory_stack")]
README_HEAD = ["", "Tarn", "glibc", "jemalloc", "mimalloc", "tcmalloc", "by hand", "Boost", "foonathan"]


def readme_table(document):
    """A figure for each, from the run that wrote the page of benchmarks."""
    rows = []
    for name, metric, what, tarn in README_ROWS:
        row = document["cases"].get(name, {})
        line = [what]
        for names in [(tarn,), *README_COLUMNS]:
            values = next((row[who][metric] for who in names if metric in row.get(who, {})), None)
            line.append(number(measure.quartiles(values)[1], metric) if values else "–")
        rows.append(line)
    about = document["machine"]
    told = (f"Medians of one interleaved run, {about['date'].split(' ')[0]}, {about['cpu']}, "
            f"{about['cpus']} CPUs, {about['compiler']}: `make bench` repeats it, [docs/benchmarks.md](docs/benchmarks.md) has all of it with the "
            "ratios, their spread and the versions.")
    return as_markdown(README_HEAD, rows) + "\n\n" + told


README_MARKS = ("<!-- bench/run --docs writes from here -->\n", "<!-- to here -->")


def write_docs(document, root):
    """docs/benchmarks.md, docs/when-not.md, and the table in the README."""
    for page in ("benchmarks.md", "when-not.md"):
        with open(os.path.join(HERE, page + ".in"), encoding="utf-8") as f:
            template = f.read()
        text_of_page = re.sub(r"\{\{(.+?)\}\}", lambda match: fill(document, match.group(1)), template)
        with open(os.path.join(root, "docs", page), "w", encoding="utf-8") as f:
            f.write(text_of_page)
    readme = os.path.join(root, "README.md")
    with open(readme, encoding="utf-8") as f:
        before, rest = f.read().split(README_MARKS[0])
    after = rest.split(README_MARKS[1])[1]
    with open(readme, "w", encoding="utf-8") as f:
        f.write(before + README_MARKS[0] + "\n" + readme_table(document) + "\n\n" + README_MARKS[1] + after)


def main():
    parser = argparse.ArgumentParser(prog="bench/report.py", description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="?", default=os.path.join(HERE, "..", "bench-out", "results.json"))
    parser.add_argument("--docs", action="store_true", help="write the documentation's pages and the README's table")
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args()
    with open(chosen.results, encoding="utf-8") as f:
        document = json.load(f)
    if chosen.docs:
        write_docs(document, os.path.dirname(HERE))
    else:
        print(markdown(document) if chosen.markdown else text(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
