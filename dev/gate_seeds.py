#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The seeds of dev/test_gate.py: a small clean tree, and the faults that are planted in it, one at a time."""
import dataclasses

MIT = "/* SPDX-License-Identifier: MIT */\n"
CONTRACT = """/**
 * tarn_thing_size - how big a thing is.
 *
 * Units    count in things.
 * Returns  bytes.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
"""
PUBLIC = MIT + """/* thing.h - a thing. */
#ifndef TARN_THING_H
#define TARN_THING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

""" + CONTRACT + """__attribute__((visibility("default"))) size_t tarn_thing_size(size_t count);

/**
 * tarn_thing_none - is there nothing?
 *
 * Units    count in things.
 * Returns  1 when count is 0.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline int tarn_thing_none(size_t count)
{
    return count == 0;
}

#ifdef __cplusplus
}
#endif

#endif
"""
TEST = MIT + "/* A test. */\nint main(void)\n{\n    return 0;\n}\n"
TREE = {
    "CMakeLists.txt": "# SPDX-License-Identifier: MIT\nproject(tarn VERSION 0.1.0 LANGUAGES C)\n",
    "CHANGELOG.md": "# Changes\n\n## [0.1.0] - unreleased\n",
    "README.md": "# Tarn\n\nSee [things](docs/things.md#how-big) and `src/base/bits.h`.\n\n```c\n"
                 "size_t n = tarn_thing_size(3);\n```\n",
    "docs/things.md": "# Things\n\n## How big?\n\n```c\n#include <tarn/thing.h>\n\nint main(void)\n{\n"
                      "    return tarn_thing_size(2) == 16 ? 0 : 1;\n}\n```\n\n```c sketch\nthis is no C\n```\n",
    "docs/man/thing.1": '.TH THING 1\n.SH NAME\nthing \\- a thing\n.SH DESCRIPTION\nIt is a thing.\n',
    "include/tarn/config.h": MIT + '/* config.h - the version. */\n#ifndef TARN_CONFIG_H\n#define TARN_CONFIG_H\n\n'
                             '#define TARN_VERSION_MAJOR 0\n#define TARN_VERSION_MINOR 1\n#define TARN_VERSION_PATCH 0\n'
                             '#define TARN_VERSION       "0.1.0"\n\n#endif\n',
    "include/tarn/thing.h": PUBLIC,
    "include/tarn/thing.hpp": "// SPDX-License-Identifier: MIT\n// thing.hpp - a thing in C++.\n#ifndef TARN_THING_HPP\n"
                              "#define TARN_THING_HPP\n\n#include <cstddef>\n\n#include <tarn/thing.h>\n\n#endif\n",
    "src/base/bits.h": MIT + "/* bits.h - bits. */\n#ifndef TARN_BASE_BITS_H\n#define TARN_BASE_BITS_H\n\n"
                       "#include <stddef.h>\n\nstatic inline size_t tarn_bits_eight(void)\n{\n    return 8;\n}\n\n#endif\n",
    "src/os/mutex.h": MIT + "/* mutex.h - a lock. */\n#ifndef TARN_OS_MUTEX_H\n#define TARN_OS_MUTEX_H\n\n"
                      "int tarn_mutex_take(void);\n\n#endif\n",
    "src/os/mutex.c": MIT + '/* mutex.c - a lock. */\n#include "os/mutex.h"\n\n#include <pthread.h>\n#if defined(__linux__)\n'
                      "#include <unistd.h>\n#endif\n\nint tarn_mutex_take(void)\n{\n    return pthread_self() == 0;\n}\n",
    "src/strategy/alpha.h": MIT + "/* alpha.h - rooms of alpha. */\n#ifndef TARN_STRATEGY_ALPHA_H\n"
                            "#define TARN_STRATEGY_ALPHA_H\n\nint tarn_alpha_inner(int value);\n\n#endif\n",
    "src/strategy/alpha.c": MIT + '/* alpha.c - a strategy. */\n#include "strategy/alpha.h"\n\n#include <tarn/thing.h>\n\n'
                            '#include "base/bits.h"\n\nsize_t tarn_thing_size(size_t count)\n{\n'
                            "    return count * tarn_bits_eight() * (size_t)tarn_alpha_inner(1);\n}\n",
    "src/strategy/alpha_inner.c": MIT + '/* alpha_inner.c - a room of alpha. */\n#include "strategy/alpha.h"\n\n'
                                  "int tarn_alpha_inner(int value)\n{\n    return value;\n}\n",
    "src/strategy/beta.h": MIT + "/* beta.h - another. */\n#ifndef TARN_STRATEGY_BETA_H\n"
                           "#define TARN_STRATEGY_BETA_H\n\n#define TARN_BETA 1\n\n#endif\n",
    "src/compose/lock.c": MIT + '/* lock.c - may use os by a named exception. */\n#include "os/mutex.h"\n\n'
                          "int tarn_lock_probe(void);\nint tarn_lock_probe(void)\n{\n    return tarn_mutex_take();\n}\n",
    "test/unit/base/bits_test.c": TEST,
    "test/unit/os/mutex_test.c": TEST,
    "test/unit/strategy/alpha_test.c": TEST,
    "test/unit/compose/lock_test.c": TEST,
}


@dataclasses.dataclass
class Seed:
    name: str
    caught_by: set
    says: str
    edits: list          # (file, old text or None for a new file, new text)
    link: str = ""       # more options for the link of libtarn.so; @ is the build folder
    recorder: tuple = ()  # what the recorder exports, when there is one
    thorough: bool = False


ALPHA, INNER, THING = "src/strategy/alpha.c", "src/strategy/alpha_inner.c", "include/tarn/thing.h"
RECORDER = ("malloc free calloc realloc reallocarray memalign aligned_alloc posix_memalign valloc pvalloc "
            "malloc_usable_size").split()
INCLUDE = '#include "base/bits.h"\n'
RETURN = "    return value;\n"
OPEN, PATH = "TO" + "DO", "/ro" + "ot/x/y"


def layers(name, says, *edits, also=()):
    return Seed(f"layers: {name}", {"layers", *also}, says, list(edits))


def function(lines):
    body = "".join(f"    value += {n};\n    value -= {n};\n" for n in range(lines // 2))
    return [(INNER, "{\n" + RETURN, "{\n" + body + RETURN)]


MANY = [(f"src/base/h{n}.h", None, MIT + f"/* h{n}.h */\n#ifndef TARN_H{n}\n#define TARN_H{n}\n\n#endif\n") for n in range(12)]
MANY += [(f"test/unit/base/h{n}_test.c", None, TEST) for n in range(12)]
MANY += [(ALPHA, INCLUDE, INCLUDE + "".join(f'#include "base/h{n}.h"\n' for n in (0, 1, 10, 11, *range(2, 10))))]

SEEDS = [
    Seed("clean", set(), "", []),
    layers("an upward include", "base may not include api",
           ("src/base/bits.h", "#include <stddef.h>\n", "#include <stddef.h>\n\n#include <tarn/thing.h>\n")),
    layers("a sibling", "sibling", (ALPHA, INCLUDE, INCLUDE + '#include "strategy/beta.h"\n')),
    layers("a sibling through ../", "sibling", (ALPHA, INCLUDE, '#include "../strategy/beta.h"\n' + INCLUDE)),
    layers("a sibling in angles", "sibling", (ALPHA, INCLUDE, INCLUDE + "#include <strategy/beta.h>\n")),
    layers("os from a strategy", "strategy may not include os", (ALPHA, INCLUDE, INCLUDE + '#include "os/mutex.h"\n')),
    layers("an exception is one module's alone", "compose may not include os",
           ("src/compose/other.c", None, MIT + '/* other.c */\n#include "os/mutex.h"\n\ntypedef int tarn_other;\n'),
           ("test/unit/compose/other_test.c", None, TEST)),
    layers("cmd looks into the library", "cmd may not include strategy",
           ("cmd/main.c", None, MIT + '/* main.c */\n#include "strategy/beta.h"\n\ntypedef int tarn_main;\n')),
    layers("a source file", "includes a source file",
           ("src/base/data.c", None, MIT + "/* data.c */\ntypedef int tarn_data;\n"),
           ("test/unit/base/data_test.c", None, TEST),
           (ALPHA, INCLUDE, INCLUDE + '#include "base/data.c"\n'), also=("tidy",)),
    layers("a circle", "circle",
           ("src/base/bits.h", "#include <stddef.h>\n", '#include <stddef.h>\n\n#include "base/other.h"\n'),
           ("src/base/other.h", None, MIT + '/* other.h */\n#ifndef TARN_OTHER\n#define TARN_OTHER\n\n'
            '#include "base/bits.h"\n\n#endif\n'),
           ("test/unit/base/other_test.c", None, TEST)),
    layers("a system header in a strategy", "<unistd.h>", (ALPHA, INCLUDE, INCLUDE + "#include <unistd.h>\n")),
    layers("a platform outside os", "platform",
           (INNER, "int tarn_alpha_inner", "#if defined(__linux__)\n#endif\nint tarn_alpha_inner")),
    layers("too many headers", "own headers", *MANY),
    layers("a folder without a layer", "no layer",
           ("src/odd/odd.h", None, MIT + "/* odd.h */\n#ifndef TARN_ODD\n#define TARN_ODD\n\n#endif\n")),
    layers("a header that is not there", "no such file",
           (ALPHA, INCLUDE, INCLUDE + '#include "base/nothing.h"\n'), also=("build",)),

    Seed("headers: not self-contained", {"headers"}, "not self-contained as gnu11",
         [("src/strategy/alpha.h", "int tarn_alpha_inner(int value);", "int tarn_alpha_inner(int value);\n"
           "void tarn_alpha_take(struct tarn_x *x);"),
          (ALPHA, '#include "strategy/alpha.h"\n', 'struct tarn_x;\n#include "strategy/alpha.h"\n'),
          (INNER, '#include "strategy/alpha.h"\n\n', 'struct tarn_x;\n#include "strategy/alpha.h"\n\n'
           "void tarn_alpha_take(struct tarn_x *x)\n{\n    (void)x;\n}\n\n")]),
    Seed("headers: a C++ keyword", {"headers"}, "as c++11", [(THING, "size_t tarn_thing_size(size_t count)",
         "size_t tarn_thing_size(size_t class)"),
         (ALPHA, "tarn_thing_size(size_t count)\n{\n    return count", "tarn_thing_size(size_t class)\n{\n    return class")]),
    Seed("headers: no guard", {"headers"}, "not self-contained",
         [("src/strategy/beta.h", "#ifndef TARN_STRATEGY_BETA_H\n#define TARN_STRATEGY_BETA_H\n\n#define TARN_BETA 1\n\n#endif\n",
           "struct tarn_beta {\n    int value;\n};\n")]),
    Seed("headers: C++17 in a C++11 header", {"headers"}, "as c++11",
         [("include/tarn/thing.hpp", "#include <cstddef>\n\n#include <tarn/thing.h>\n", "#include <cstddef>\n\n#include <tarn/thing.h>\n\n"
           "inline bool tarn_word()\n{\n    if constexpr (true)\n        return true;\n}\n")]),
    Seed("headers: a misspelt macro in #if", {"headers"}, "-Wundef",
         [("src/strategy/beta.h", "#define TARN_BETA 1\n", "#if TARN_BTEA\n#endif\n")]),

    Seed("docs: no contract", {"docs"}, "no contract block", [(THING, CONTRACT, "")]),
    Seed("docs: a comment is no contract", {"docs"}, "no contract block", [(THING, CONTRACT, "/* How big a thing is. */\n")]),
    Seed("docs: another's name", {"docs"}, "no contract block", [(THING, "tarn_thing_size - ", "tarn_thing_big - ")]),
    Seed("docs: no Cost", {"docs"}, "lacks 'Cost'", [(THING, " * Cost     O(1).\n", "")]),
    Seed("docs: no Units", {"docs"}, "lacks 'Units'", [(THING, " * Units    count in things.\n", "")]),
    Seed("docs: no Returns", {"docs"}, "lacks 'Returns'", [(THING, " * Returns  bytes.\n", "")]),
    Seed("docs: out of order", {"docs"}, "out of order",
         [(THING, " * Fails    never.\n * Threads  any.\n", " * Threads  any.\n * Fails    never.\n")]),
    Seed("docs: a tag inside a line", {"docs"}, "'Threads' stands inside",
         [(THING, " * Fails    never.\n * Threads  any.\n", " * Fails    never. Threads  any.\n")]),
    Seed("docs: inline functions count", {"docs"}, "tarn_thing_none: contract lacks 'Fails'",
         [(THING, " * Returns  1 when count is 0.\n * Fails    never.\n", " * Returns  1 when count is 0.\n")]),
    Seed("docs: macros count", {"docs"}, "tarn_thing_twice: no contract",
         [(THING, "#include <stddef.h>\n", "#include <stddef.h>\n\n#define tarn_thing_twice(n) ((n)*2)\n")]),

    Seed("symbols: a stray global", {"symbols"}, "without the prefix: helper",
         [(INNER, "int tarn_alpha_inner", "int helper(void);\nint helper(void)\n{\n    return 1;\n}\n\nint tarn_alpha_inner")]),
    Seed("symbols: public, never defined", {"symbols"}, "declared but not exported: tarn_thing_count",
         [(THING, "/**\n * tarn_thing_none", CONTRACT.replace("tarn_thing_size", "tarn_thing_count") +
           "size_t tarn_thing_count(size_t count);\n\n/**\n * tarn_thing_none")]),
    Seed("symbols: internal, never defined", {"symbols"}, "declared but never defined: tarn_alpha_gone",
         [("src/strategy/alpha.h", "#endif\n", "int tarn_alpha_gone(void);\n\n#endif\n")]),
    Seed("symbols: exported, not public", {"symbols"}, "exported but not public: tarn_alpha_inner",
         [("src/strategy/alpha.h", "int tarn_alpha_inner", '__attribute__((visibility("default"))) int tarn_alpha_inner')]),
    Seed("symbols: hidden, but public", {"symbols"}, "declared but not exported: tarn_thing_size",
         [(THING, '__attribute__((visibility("default"))) ', "")]),
    Seed("symbols: another library", {"symbols"}, "depends on", [], link="-Wl,--no-as-needed @/libother.so"),
    Seed("symbols: a clean recorder", set(), "", [], recorder=tuple(RECORDER)),
    Seed("symbols: a recorder that exports more", {"symbols"}, "more than the malloc family: tarn_oops", [],
         recorder=(*RECORDER, "tarn_oops")),
    Seed("symbols: a recorder that misses one", {"symbols"}, "does not interpose pvalloc", [],
         recorder=tuple(name for name in RECORDER if name != "pvalloc")),

    Seed("tests: a module without", {"tests"}, "no unit test",
         [("src/base/new.c", None, MIT + "/* new.c */\ntypedef int tarn_new;\n")]),
    Seed("tests: a test without", {"tests"}, "not there", [("test/unit/base/gone_test.c", None, TEST)]),

    Seed("text: no licence", {"text"}, "no SPDX line", [(INNER, MIT, "")]),
    Seed("text: a long file", {"text"}, "601 lines", [("dev/long.py", None, "# SPDX-License-Identifier: MIT\n" + "\n" * 600)]),
    Seed("text: left open", {"text"}, "left open", [(INNER, RETURN, f"    /* {OPEN} */\n" + RETURN)]),
    Seed("text: a path of one machine", {"text"}, "path of one machine", [("README.md", "See ", f"See {PATH} and ")]),
    Seed("text: blanks at the end", {"text"}, "blanks", [("CMakeLists.txt", "LANGUAGES C)\n", "LANGUAGES C) \n")]),
    Seed("text: no newline at the end", {"text"}, "no newline", [("CMakeLists.txt", "LANGUAGES C)\n", "LANGUAGES C)")]),
    Seed("text: a tab", {"text", "style"}, "a tab", [(INNER, RETURN, "\treturn value;\n")]),

    Seed("style: two statements on a line", {"style"}, "clang-formatted", [(INNER, RETURN, "    (void)value; return value;\n")]),
    Seed("tidy: a function of 63 lines", {"tidy"}, "function-size", function(62)),
    Seed("tidy: a function of 57 lines is not too long", set(), "", function(56)),
    Seed("tidy: seven parameters", {"tidy"}, "function-size",
         [("src/strategy/alpha.h", "#endif\n", "int tarn_alpha_many(int a, int b, int c, int d, int e, int f, int g);\n\n#endif\n"),
          (INNER, "int tarn_alpha_inner", "int tarn_alpha_many(int a, int b, int c, int d, int e, int f, int g)\n{\n"
           "    return a + b + c + d + e + f + g;\n}\n\nint tarn_alpha_inner")]),
    Seed("tidy: a null dereference", {"tidy"}, "core.NullDereference",
         [(INNER, RETURN, "    int *p = value ? &value : 0;\n    if (!value)\n        return *p;\n" + RETURN)], thorough=True),

    Seed("build: a narrowing conversion", {"build"}, "-Werror=conversion", [(INNER, RETURN, "    char c = value;\n    return c;\n")]),
    Seed("build: an unused variable", {"build"}, "-Werror=unused-variable", [(INNER, RETURN, "    int other;\n" + RETURN)]),
    Seed("build: no prototype", {"build"}, "-Werror=missing-prototypes",
         [(INNER, "int tarn_alpha_inner", "int tarn_alpha_new(void)\n{\n    return 1;\n}\n\nint tarn_alpha_inner")]),
    Seed("build: a misspelt macro in #if", {"build"}, "-Werror=undef",
         [(INNER, "int tarn_alpha_inner", "#if TARN_ALHPA\n#endif\nint tarn_alpha_inner")]),
    Seed("build: an array of run-time length", {"build"}, "-Werror=vla",
         [(INNER, RETURN, "    char text[value];\n    text[0] = 1;\n    return text[0];\n")]),

    Seed("version: the change log", {"version"}, "CHANGELOG.md: version 0.2.0", [("CHANGELOG.md", "0.1.0", "0.2.0")]),
    Seed("version: the header", {"version"}, "version 0.1.1", [("include/tarn/config.h", '"0.1.0"', '"0.1.1"')]),
    Seed("version: the header's parts", {"version"}, "(parts): version 0.3.0",
         [("include/tarn/config.h", "MINOR 1", "MINOR 3")]),

    Seed("links: no such file", {"links"}, "no such file", [("README.md", "docs/things.md", "docs/thing.md")]),
    Seed("links: no such heading", {"links"}, "no such heading", [("README.md", "#how-big", "#how-small")]),
    Seed("links: a path in code", {"links"}, "no such path", [("README.md", "`src/base/bits.h`", "`src/base/bit.h`")]),
    Seed("man: an unknown macro", {"man"}, "thing.1", [("docs/man/thing.1", "It is", ".XX\nIt is")]),
    Seed("man: no description", {"man"}, "no section DESCRIPTION", [("docs/man/thing.1", "DESCRIPTION", "WORDS")]),
    Seed("snippets: a piece that does not compile", {"snippets"}, "does not compile",
         [("README.md", "tarn_thing_size(3)", "tarn_thing_sized(3)")]),
    Seed("snippets: a program that does not build", {"snippets"}, "does not build",
         [("docs/things.md", "return tarn_thing_size(2)", "return tarn_thing_sized(2)")]),
    Seed("snippets: a program that fails", {"snippets"}, "returns 1",
         [("docs/things.md", "tarn_thing_size(2) == 16", "tarn_thing_size(2) == 17")]),
]
