/* SPDX-License-Identifier: MIT */
/* Every part of the language is found by its word, and refuses what it does not take. */
#include "support/tarn_test.h"

#include "assemble/kinds.h"

static ast_word word(const char *text)
{
    return (ast_word){text, strlen(text)};
}

static void parts_are_found_by_their_words(void **state)
{
    static const char *const WORDS[] = {"libc",      "pages", "buffer", "pool",   "arena",
                                        "stack",     "slab",  "buddy",  "tlsf",   "fallback",
                                        "segregate", "stats", "lock",   "fail",   "affix",
                                        "quantize",  "limit", "scope",  "on_fail"};
    (void)state;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        const assemble_kind *k = tarn_kind_find(word(WORDS[i]));
        assert_non_null(k);
        assert_string_equal(k->name, WORDS[i]);
        assert_true(k->is_allocator || k->is_source);
        assert_non_null(k->build);
    }
    assert_null(tarn_kind_find(word("poo")));
    assert_null(tarn_kind_find(word("pools")));
    assert_true(tarn_kind_has_flag(tarn_kind_find(word("pool")), word("check")));
    assert_false(tarn_kind_has_flag(tarn_kind_find(word("pool")), word("chunk")));
    assert_false(tarn_kind_has_flag(tarn_kind_find(word("lock")), word("check")));
}

static void refusals_say_what_is_taken(void **state)
{
    static const struct {
        const char *text, *message;
    } ROWS[] = {
        {"libc 64", "column 1: 'libc' takes no size behind it"},
        {"lock(pool)", "column 6: 'pool' needs the size of its blocks behind it"},
        {"pool 0", "column 1: 'pool' of 0 bytes makes no sense"},
        {"pool 64(chnk=4K)", "column 9: 'chnk' is no option of pool; it has: align capacity limit "
                             "chunk exact check"},
        {"lock(libc, fair=1)", "column 12: 'fair' is no option of lock, which has none"},
        {"pool 64(chunk=big)", "column 9: 'chunk' takes a size"},
        {"pool 64(check=1)", "column 9: 'check' takes no value"},
        {"pages(huge=sometimes)", "column 12: 'sometimes' is not one of: off advise explicit"},
        {"fallback(libc)", "column 1: 'fallback' takes exactly 2, not 1"},
        {"libc(pages)", "column 1: 'libc' takes no allocator, not 1"},
        {"pool 64(pages, libc)", "column 1: 'pool' takes at most 1, not 2"},
        {"lock(64: libc)", "column 10: only segregate takes sizes in front; 'lock' does not"},
        {"lock(buffer 4K)", "column 6: 'buffer' is where memory comes from, not an allocator: put "
                            "one over it"},
        {"buffer 4K",
         "column 1: 'buffer' is where memory comes from, not an allocator: put one over it"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        tarn_build_error error;
        assert_null(tarn_build(ROWS[i].text, NULL, &error));
        assert_string_equal(error.message, ROWS[i].message);
    }
}

static void sizes_are_held_against_each_other(void **state)
{
    static const struct {
        const char *text, *message;
    } ROWS[] = {
        {"segregate(64: pool 32, libc)",
         "column 15: 'pool' serves at most 32 bytes, and its class goes up to 64"},
        {"segregate(64: lock(affix(pool 64, size)), libc)",
         "column 15: 'lock' serves at most 48 bytes, and its class goes up to 64"},
        {"segregate(64: pool 64, 32: pool 64)",
         "column 28: the size in front of 'pool' is not above the one before: sizes have to rise"},
        {"segregate(libc, 32: pool 64)",
         "column 11: 'libc' has no size in front: only the last one may do without"},
        {"segregate(libc)",
         "column 1: 'segregate' needs at least one size in front, as in 64: pool 64"},
        {"limit(pages, hard=1K)",
         "column 19: a limit of 1K bytes is below the least that the allocator below gives at a "
         "time"},
        {"limit(libc)", "column 1: 'limit' needs a limit, as in limit(heap, hard=64M)"},
        {"limit(libc, hard=1M, soft=2M)", "column 27: the soft limit 2M is above the hard one"},
        {"arena(pages(limit=100))",
         "column 19: a limit of 100 bytes is below one page of 4096: nothing could be had"},
        {"scope(pool 16)", "column 7: the blocks of 'pool' have no room for a scope's link"},
        {"affix(libc)",
         "column 1: 'affix' needs what to put around blocks: size canary count owner"},
        {"affix(pool 8, canary)",
         "column 7: the blocks of 'pool' have no room for what affix puts around"},
        {"cache(pool 12)", "column 7: the blocks of 'pool' are smaller than a step of the cache"},
        {"quantize(libc, align=24)", "column 22: the alignment 24 is no power of two"},
        {"quantize(pool 64, min=100)",
         "column 23: a smallest size of 100 bytes is more than the allocator below serves"},
        {"pool 64(spans(libc))",
         "column 15: 'libc' gives blocks; spans need a source of regions, as pages"},
        {"shared 64(buffer 64K)", "column 11: a shared pool grows: give the buffer a name of its "
                                  "own, and 'shared' chunks of it"},
        {"buddy", "column 1: 'buddy' needs its size behind it, or a buffer to live in"},
        {"stack 4K(buffer 4K)",
         "column 1: 'stack' has its size from its buffer: leave one of the two out"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        tarn_build_error error;
        if (sizeof(size_t) != 8 && (strstr(ROWS[i].text, "affix") || strstr(ROWS[i].text, "scope")))
            continue; /* words are smaller there */
        assert_null(tarn_build(ROWS[i].text, NULL, &error));
        assert_string_equal(error.message, ROWS[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found_by_their_words),
        cmocka_unit_test(refusals_say_what_is_taken),
        cmocka_unit_test(sizes_are_held_against_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
