/* SPDX-License-Identifier: MIT */
/* Sound compositions with random changes: each is built and works, or is refused with a sentence that
 * points into the text; and nothing is left behind. TARN_SEED repeats a run. */
#include "support/tarn_test.h"

#include <stdio.h>
#include <stdlib.h>

#include <tarn/build.h>

#include "support/probe.h"

enum { ROUNDS = 6000, LENGTH = 200 };

static const char *const SOUND[] = {
    "main = stats(segregate(64: pool 64, 1K: pool 1K, fallback(tlsf(buffer 64K), libc)))",
    "small = pool 64(check); big = slab(largest=2K)\nmain = lock(segregate(64: small, big))",
    "a = arena(chunk=4K, limit=64K) b = limit(a, hard=4M, soft=3M); c = scope(b)",
    "quantize(affix(libc, size, canary), step=32, align=16)",
    "fail(on_fail(buddy 64K), percent=20, seed=3)",
};
static const char PIECES[][12] = {"(", ")", ",",  "=",    ":",    ";",    "64", "0",    "9K",
                                  " ", "#", "\"", "pool", "libc", "main", "a",  "size", "\n"};

static uint64_t seed;

static size_t below(size_t limit)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (size_t)(seed >> 33U) % limit;
}

/* Puts a piece in, takes bytes out, or changes one. */
static void change(char *text)
{
    size_t length = strlen(text), at = below(length + 1);
    const char *piece = PIECES[below(sizeof PIECES / sizeof *PIECES)];
    size_t more = strlen(piece), less = below(4);
    switch (below(3)) {
    case 0:
        if (length + more < LENGTH - 1) {
            memmove(text + at + more, text + at, length - at + 1);
            memcpy(text + at, piece, more);
        }
        break;
    case 1:
        less = less < length - at ? less : length - at;
        memmove(text + at, text + at + less, length - at - less + 1);
        break;
    default:
        if (length > 0)
            text[at < length ? at : 0] = (char)(32 + below(95));
    }
}

static void judge(const char *text)
{
    probe metadata;
    tarn_build_error error;
    tarn_built *b = tarn_build(text, probe_init(&metadata, NULL), &error);
    if (b != NULL) {
        tarn_allocator *a = tarn_built_main(b);
        void *p = tarn_alloc(a, 24, 3);
        tarn_free(a, p, 24, 3);
        assert_string_equal(error.message, "");
        assert_int_equal(error.status, TARN_OK);
    } else {
        assert_int_not_equal(error.status, TARN_OK);
        assert_true(strlen(error.message) > 10);
        assert_true(error.line >= 1 && error.column >= 1 && error.column <= strlen(text) + 1);
    }
    tarn_built_destroy(b);
    probe_deinit(&metadata);
    assert_int_equal(metadata.faults, 0);
}

static void changed_texts(void **state)
{
    const char *given = getenv("TARN_SEED");
    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        char text[LENGTH];
        uint64_t first = (given != NULL ? strtoull(given, NULL, 0) : 0) + round;
        seed = first;
        (void)below(2);
        (void)snprintf(text, sizeof text, "%s", SOUND[below(sizeof SOUND / sizeof *SOUND)]);
        for (size_t n = below(6); n > 0; n--)
            change(text);
        judge(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
