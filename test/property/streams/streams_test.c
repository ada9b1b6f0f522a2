/* SPDX-License-Identifier: MIT */
/*
 * streams_test.c - random streams on every allocator and assembly.
 *
 *     property.streams [subject [seed]]      one subject, one seed; TARN_SEED does the same
 *     TARN_PROPERTY_ROUNDS=2000 …            streams for each subject
 *     TARN_PROPERTY_START=123456 …           seed of the first one
 *
 * The streams of a subject run in a child, which tells its seed in shared memory: whatever kills it,
 * the seed is known, the stream is made shorter, each attempt in a child of its own, and printed.
 */
#include "property/streams/subjects.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, ATTEMPT_SECONDS = 20, SUBJECT_SECONDS = 600 };

/* Large requests are refused as malloc does; a shrinking run is not to print a report each time. */
TARN_API const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static uint64_t *current_seed; /* shared with the child */

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

/* true when the child ended well. */
static bool ended_well(pid_t child)
{
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static bool fails(const stream *s, void *user)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(ATTEMPT_SECONDS);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(0);
        _exit(stream_run(s, user, NULL));
    }
    return !ended_well(child);
}

static void explain(const subject *on, uint64_t seed)
{
    static stream s;
    stream_make(&s, seed);
    size_t whole = s.count;
    (void)fprintf(stderr, "property: %s: seed %llu fails; again: property.streams_test '%s' %llu\n",
                  on->name, (unsigned long long)seed, on->name, (unsigned long long)seed);
    stream_shrink(&s, fails, (void *)(uintptr_t)on);
    (void)fprintf(stderr, "shrunk from %zu to %zu operations:\n", whole, s.count);
    stream_print(&s, on, stderr);
    (void)fflush(stderr);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(ATTEMPT_SECONDS);
        _exit(stream_run(&s, on, stderr));
    }
    (void)ended_well(child);
}

static bool run_subject(const subject *on, uint64_t first, uint64_t rounds)
{
    static stream s;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(SUBJECT_SECONDS);
        for (uint64_t seed = first; seed < first + rounds; seed++) {
            *current_seed = seed;
            stream_make(&s, seed);
            if (stream_run(&s, on, stderr) != 0)
                _exit(1);
        }
        _exit(0);
    }
    if (ended_well(child))
        return true;
    explain(on, *current_seed);
    return false;
}

int main(int argc, char **argv)
{
    uint64_t first = number("TARN_PROPERTY_START", 1),
             rounds = number("TARN_PROPERTY_ROUNDS", ROUNDS);
    const subject *on;
    size_t run = 0, bad = 0;
    if (getenv("TARN_SEED") != NULL || argc > 2) {
        first = argc > 2 ? strtoull(argv[2], NULL, 0) : number("TARN_SEED", 1);
        rounds = 1;
    }
    current_seed =
        mmap(NULL, sizeof *current_seed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (current_seed == MAP_FAILED)
        return 2;
    for (size_t i = 0; (on = subject_at(i)) != NULL; i++) {
        if (argc > 1 && strcmp(argv[1], on->name) != 0)
            continue;
        bool good = run_subject(on, first, rounds);
        printf("%-48s %s\n", on->name, good ? "holds" : "FAILS");
        run++;
        bad += !good;
    }
    if (run == 0)
        (void)fprintf(stderr, "no subject is called '%s'\n", argc > 1 ? argv[1] : "");
    return bad != 0 || run == 0;
}
