/* SPDX-License-Identifier: MIT */
/*
 * replay_contender.c - names to contenders. Whether a malloc is installed is found by preloading it into a worker by
 * its soname, as the loader searches for it, and asking the worker where its malloc comes from.
 */
#include "cmd/replay_contender.h"

#include <string.h>

typedef struct known {
    const char *name, *kind;
    const char *sonames[4]; /* the first that engages is taken; none = nothing is preloaded */
    bool hidden;            /* neither listed nor part of "all" */
    const char *about;
} known;

static const known all[] = {
    {"glibc", "malloc", {NULL}, false, "the C library's malloc"},
    {"jemalloc", "malloc", {"libjemalloc.so.2"}, false, "preloaded"},
    {"mimalloc",
     "malloc",
     {"libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so.2.0"},
     false,
     "preloaded"},
    {"tcmalloc",
     "malloc",
     {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"},
     false,
     "of gperftools, preloaded"},
    {"tarn:pools",
     "tarn:pools",
     {NULL},
     false,
     "a pool for each hot size behind a segregator, the C library's malloc for the rest"},
    {"tarn:inlined",
     "tarn:inlined",
     {NULL},
     false,
     "the same pools, called inlined by call sites that know their size"},
    {"tarn:arena", "tarn:arena", {NULL}, false, "one arena: nothing is freed before the end"},
    {"test:overlap", "test:overlap", {NULL}, true, "hands out overlapping blocks"},
    {"test:forget", "test:forget", {NULL}, true, "loses a byte in realloc"},
    {"test:refuse", "test:refuse", {NULL}, true, "refuses the 1,000th request"},
    {"test:crash", "test:crash", {NULL}, true, "aborts at the 1,000th request"},
};

enum { KNOWN = sizeof all / sizeof all[0] };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const char *const libc_name = ""; /* the sanitizer's malloc stands in for libc's */
#else
static const char *const libc_name = "libc.so";
#endif

/* Does this library's malloc answer when it is preloaded? A soname is matched whole, a path by its file name. */
static bool engages(replay_contender *c, const char *library)
{
    replay_result r;
    const char *slash = strrchr(library, '/');
    replay_contender probe = *c;
    probe.kind = "probe";
    snprintf(probe.preload, sizeof probe.preload, "%s", library);
    snprintf(probe.expected, sizeof probe.expected, "%s", slash != NULL ? slash + 1 : library);
    replay_contender_run(&probe, -1, &r);
    if (r.outcome != REPLAY_DONE)
        return false;
    memcpy(c->preload, probe.preload, sizeof c->preload);
    memcpy(c->expected, probe.expected, sizeof c->expected);
    return true;
}

/* Fill in a known contender; false when its library is not installed. */
static bool resolve(const known *k, replay_contender *c)
{
    memset(c, 0, sizeof *c);
    snprintf(c->name, sizeof c->name, "%s", k->name);
    c->kind = k->kind;
    c->about = k->about;
    if (k->sonames[0] == NULL) {
        snprintf(c->expected, sizeof c->expected, "%s", libc_name);
        return true;
    }
    for (size_t i = 0; i < 4 && k->sonames[i] != NULL; i++)
        if (engages(c, k->sonames[i]))
            return true;
    return false;
}

static bool add(replay_contenders *cs, const replay_contender *c)
{
    for (size_t i = 0; i < cs->count; i++)
        if (strcmp(cs->at[i].name, c->name) == 0)
            return true;
    if (cs->count == REPLAY_CONTENDERS)
        return false;
    cs->at[cs->count++] = *c;
    return true;
}

static void known_names(char *out, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < KNOWN; i++)
        if (!all[i].hidden && at < size)
            at += (size_t)snprintf(out + at, size - at, "%s, ", all[i].name);
    if (at < size)
        snprintf(out + at, size - at, "all, or the path of a library");
}

static bool add_all(replay_contenders *cs)
{
    for (size_t i = 0; i < KNOWN; i++) {
        replay_contender c;
        if (all[i].hidden)
            continue;
        if (resolve(&all[i], &c)) {
            if (!add(cs, &c))
                return false;
        } else {
            size_t at = strlen(cs->missing);
            snprintf(cs->missing + at, sizeof cs->missing - at, "%s%s", at != 0 ? ", " : "",
                     all[i].name);
        }
    }
    return true;
}

static bool add_library(replay_contenders *cs, const char *path, char *why)
{
    replay_contender c = {.kind = "malloc", .about = "preloaded"};
    const char *name = strrchr(path, '/') + 1;
    if (strlen(path) >= sizeof c.preload || strlen(name) >= sizeof c.name) {
        snprintf(why, 512, "library path is too long");
        return false;
    }
    snprintf(c.name, sizeof c.name, "%s", name);
    snprintf(c.preload, sizeof c.preload, "%s", path);
    snprintf(c.expected, sizeof c.expected, "%s", name); /* checked by each worker */
    return add(cs, &c);
}

static bool add_name(replay_contenders *cs, const char *name, char *why)
{
    if (strcmp(name, "all") == 0)
        return add_all(cs);
    if (strchr(name, '/') != NULL)
        return add_library(cs, name, why);
    for (size_t i = 0; i < KNOWN; i++) {
        replay_contender c;
        if (strcmp(name, all[i].name) != 0)
            continue;
        if (resolve(&all[i], &c))
            return add(cs, &c);
        snprintf(why, 512, "%s is not installed (the loader finds no %s)", name, all[i].sonames[0]);
        return false;
    }
    char names[384];
    known_names(names, sizeof names);
    snprintf(why, 512, "unknown contender '%.60s'; known are %s", name, names);
    return false;
}

bool replay_contenders_choose(replay_contenders *cs, const char *list, char *why)
{
    memset(cs, 0, sizeof *cs);
    replay_contender noop = {.name = "no-op", .kind = "noop", .about = "the replay loop alone"};
    add(cs, &noop);
    if (!add_name(cs, "glibc", why))
        return false;
    if (list == NULL)
        list = "all";
    snprintf(why, 512, "too many contenders, or an empty name in '%.200s'", list);
    while (*list != '\0') {
        char name[256];
        size_t n = strcspn(list, ",");
        if (n == 0 || n >= sizeof name)
            return false;
        memcpy(name, list, n);
        name[n] = '\0';
        if (!add_name(cs, name, why))
            return false;
        list += n + (list[n] == ',');
    }
    why[0] = '\0';
    return true;
}

void replay_contenders_print(FILE *to)
{
    for (size_t i = 0; i < KNOWN; i++) {
        replay_contender c;
        if (all[i].hidden)
            continue;
        bool here = resolve(&all[i], &c);
        fprintf(to, "%-14s %s", all[i].name, all[i].about);
        if (all[i].sonames[0] != NULL)
            fprintf(to, ": %s", here ? c.preload : "not installed");
        fputc('\n', to);
    }
}
