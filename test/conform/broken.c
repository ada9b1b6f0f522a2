/* SPDX-License-Identifier: MIT */
/*
 * broken.c - allocators with one flaw each, and the rule of the suite that has to see it.
 *
 * A rule that sees none of these is not worth having: every rule is named at least once.
 *
 *     probe (does everything right) ◄── flaw: one operation replaced
 *     bump  (a strip of bytes)      ◄── for flaws of layout
 *     pass  (hands on to the parent)◄── for flaws towards the parent
 */
#include "support/tarn_test.h"

#include "conform/tarn_conform.h"
#include "support/probe.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* What the flaws below lose, so that it can be freed: the tests themselves do not leak. */
static void *lost[1 << 16];
static size_t lost_count;

static void *lose(void *p)
{
    size_t at = __atomic_fetch_add(&lost_count, (size_t)1, __ATOMIC_RELAXED);
    if (at >= sizeof lost / sizeof *lost)
        abort();
    return lost[at] = p;
}

static void find_lost(void)
{
    while (lost_count > 0)
        free(lost[--lost_count]);
}

/* ── Flaws of a complete allocator ─────────────────────────────────────────────────────────── */

static probe base, sound; /* sound: what the base would be without its flaw */

static void *no_alignment(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return sound.ops.alloc(a, size, spec & ~(tarn_spec)TARN_ALIGN_BITS);
}

static void no_alignment_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)spec;
    sound.ops.free(a, block, size, 0);
}

static void flaw_misaligned(void)
{
    base.ops.alloc = no_alignment;
    base.ops.free = no_alignment_free;
    base.ops.resize = NULL;
    base.ops.alloc_at_least = NULL;
    base.ops.alloc_batch = NULL;
    base.ops.free_batch = NULL;
    base.ops.caps &= ~(uint32_t)TARN_CAP_RESIZE;
    base.rare.usable = NULL;
}

static void *any_alignment(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return sound.ops.alloc(a, size, (spec & TARN_ALIGN_BITS) > 4 ? (spec & TARN_ZERO) | 4 : spec);
}

static void flaw_alignment_not_refused(void)
{
    base.ops.alloc = any_alignment;
}

static void *null_for_nothing(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return size == 0 ? NULL : sound.ops.alloc(a, size, spec);
}

static void flaw_zero_size_is_null(void)
{
    base.ops.alloc = null_for_nothing;
}

static void *without_zero(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return sound.ops.alloc(a, size, spec & ~(tarn_spec)TARN_ZERO);
}

static void flaw_not_zero(void)
{
    base.ops.alloc = without_zero;
}

static size_t batch_without_zero(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                 void **out)
{
    return sound.ops.alloc_batch(a, size, spec & ~(tarn_spec)TARN_ZERO, count, out);
}

static void flaw_batch_not_zero(void)
{
    base.ops.alloc_batch = batch_without_zero;
}

static void flaw_says_zeroed(void)
{
    base.ops.caps |= TARN_CAP_ZEROED;
}

static void *resize_loses(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    return sound.ops.resize(a, block, old_size, new_size, keep / 2, spec);
}

static void flaw_resize_loses(void)
{
    base.ops.resize = resize_loses;
}

static void *resize_without_zero(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                                 size_t keep, tarn_spec spec)
{
    return sound.ops.resize(a, block, old_size, new_size, keep, spec & ~(tarn_spec)TARN_ZERO);
}

static void flaw_resize_not_zero(void)
{
    base.ops.resize = resize_without_zero;
}

static void *resize_frees_on_refusal(tarn_allocator *a, void *block, size_t old_size,
                                     size_t new_size, size_t keep, tarn_spec spec)
{
    void *p = sound.ops.resize(a, block, old_size, new_size, keep, spec);
    if (p == NULL)
        memset(block, 0, old_size);
    return p;
}

static void flaw_refused_resize_writes(void)
{
    base.ops.resize = resize_frees_on_refusal;
}

static void *moves_anyway(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    return sound.ops.resize(a, block, old_size, new_size, keep, spec & ~(tarn_spec)TARN_IN_PLACE);
}

static void flaw_in_place_moves(void)
{
    base.ops.resize = moves_anyway;
}

static void *moves_empty(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    bool no_copy = (spec & TARN_NO_COPY) != 0;
    return sound.ops.resize(a, block, old_size, new_size, no_copy ? 0 : keep,
                            spec & ~(tarn_spec)TARN_NO_COPY);
}

static void flaw_no_copy_moves_empty(void)
{
    base.ops.resize = moves_empty;
}

static void *wraps(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return sound.ops.alloc(a, size + 4096 < size ? 16 : size, spec);
}

static void flaw_size_wraps(void)
{
    base.ops.alloc = wraps;
}

static void *counts_the_refused(tarn_allocator *a, size_t size, tarn_spec spec)
{
    void *p = sound.ops.alloc(a, size, spec);
    if (p == NULL)
        base.stats.allocs++;
    return p;
}

static void flaw_refusal_is_counted_as_alloc(void)
{
    base.ops.alloc = counts_the_refused;
}

static tarn_why stale_why(const tarn_allocator *a)
{
    (void)a;
    return (tarn_why){TARN_NO_MEMORY, 12, 1, 0};
}

static void flaw_why_of_another(void)
{
    base.rare.why = stale_why;
}

static void *hands_out_again(tarn_allocator *a, size_t size, tarn_spec spec)
{
    static void *last;
    void *p = sound.ops.alloc(a, size, spec);
    if (p != NULL)
        last = p;
    return p == NULL && size <= 4096 && tarn_spec_align(spec) == 1 ? last : p;
}

static void flaw_out_of_memory_is_shared(void)
{
    base.options.max_blocks = 90;
    base.ops.alloc = hands_out_again;
}

static tarn_answer always_yes(const tarn_allocator *a, const void *block)
{
    (void)a;
    (void)block;
    return TARN_YES;
}

static void flaw_owns_everything(void)
{
    base.rare.owns = always_yes;
}

static tarn_answer starts_only(const tarn_allocator *a, const void *block)
{
    return (uintptr_t)block % 3 == 0 ? TARN_NO : sound.rare.owns(a, block);
}

static void flaw_disowns_some(void)
{
    base.rare.owns = starts_only;
}

static size_t one_less(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    size_t real = sound.rare.usable(a, block, size, spec);
    return real > 0 ? real - 1 : 0;
}

static void flaw_usable_too_small(void)
{
    base.rare.usable = one_less;
}

static size_t echo(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)a;
    (void)block;
    (void)spec;
    return size;
}

static void flaw_usable_says_what_it_is_told(void)
{
    base.options.slack = 64;
    base.rare.usable = echo;
}

static void keeps_unknown(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    if (size != 0)
        sound.ops.free(a, block, size, spec);
}

static void flaw_unsized_free_keeps(void)
{
    base.ops.free = keeps_unknown;
}

static void only_what_was_asked(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    if (size % 64 != 0 || size == 0)
        sound.ops.free(a, block, size, spec);
}

static void flaw_granted_size_not_freed(void)
{
    base.options.slack = 64;
    base.ops.free = only_what_was_asked;
}

static size_t twice_the_same(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                             void **out)
{
    size_t n = sound.ops.alloc_batch(a, size, spec, count, out);
    if (n > 2)
        out[n - 1] = out[0];
    return n;
}

static void flaw_batch_has_duplicates(void)
{
    base.ops.alloc_batch = twice_the_same;
}

static size_t one_short(tarn_allocator *a, size_t size, tarn_spec spec, size_t count, void **out)
{
    return sound.ops.alloc_batch(a, size, spec, count > 1 ? count - 1 : count, out);
}

static void flaw_batch_is_short(void)
{
    base.ops.alloc_batch = one_short;
}

static tarn_status reset_nothing(tarn_allocator *a)
{
    (void)a;
    return TARN_OK;
}

static void flaw_reset_does_nothing(void)
{
    base.rare.reset = reset_nothing;
}

static tarn_visitor *real_see;
static void *real_user;
static unsigned visited;

static bool skip_first(void *user, void *block, size_t size)
{
    (void)user;
    return visited++ == 0 ? true : real_see(real_user, block, size);
}

static tarn_status misses_one(tarn_allocator *a, tarn_visitor *see, void *user)
{
    real_see = see;
    real_user = user;
    visited = 0;
    return sound.rare.visit(a, skip_first, NULL);
}

static void flaw_visit_misses_one(void)
{
    base.rare.visit = misses_one;
}

static bool never_ends(void *user, void *block, size_t size)
{
    (void)user;
    (void)real_see(real_user, block, size);
    return true;
}

static tarn_status goes_on(tarn_allocator *a, tarn_visitor *see, void *user)
{
    real_see = see;
    real_user = user;
    return sound.rare.visit(a, never_ends, NULL);
}

static void flaw_visit_cannot_be_ended(void)
{
    base.rare.visit = goes_on;
}

static bool scribble(void *user, void *block, size_t size)
{
    (void)user;
    memset(block, 0, size);
    return true;
}

static size_t trims_live_blocks(tarn_allocator *a)
{
    (void)sound.rare.visit(a, scribble, NULL);
    return sound.rare.trim(a);
}

static void flaw_trim_touches_live_blocks(void)
{
    base.rare.trim = trims_live_blocks;
}

static size_t always_some(tarn_allocator *a)
{
    (void)a;
    return 4096;
}

static void flaw_trim_invents(void)
{
    base.rare.trim = always_some;
}

static tarn_status off_by_one(const tarn_allocator *a, tarn_stats *out)
{
    tarn_status status = sound.rare.stats(a, out);
    out->live_blocks += out->live_blocks > 5;
    return status;
}

static void flaw_stats_miscount(void)
{
    base.rare.stats = off_by_one;
}

static void flaw_capability_without_entry(void)
{
    base.rare.trim = NULL;
}

static void flaw_entry_without_capability(void)
{
    base.ops.caps &= ~(uint32_t)TARN_CAP_MARK;
}

static void flaw_unknown_abi(void)
{
    base.ops.abi = TARN_ABI + 1;
}

static tarn_ops other_ops;

static void *changes_its_table(tarn_allocator *a, size_t size, tarn_spec spec)
{
    other_ops = base.ops;
    other_ops.alloc = sound.ops.alloc;
    a->ops = &other_ops;
    return sound.ops.alloc(a, size, spec);
}

static void flaw_table_changes(void)
{
    base.ops.alloc = changes_its_table;
    base.ops.alloc_at_least = NULL;
}

/* A one-block cache that two threads may empty at once. */
static void *cached;

static void *from_cache(tarn_allocator *a, size_t size, tarn_spec spec)
{
    void *p = __atomic_load_n(&cached, __ATOMIC_RELAXED);
    (void)a;
    (void)size;
    (void)spec;
    if (p != NULL) {
        sched_yield();
        __atomic_store_n(&cached, NULL, __ATOMIC_RELAXED);
        return p;
    }
    return lose(aligned_alloc(16, 8192));
}

static void to_cache(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)a;
    (void)size;
    (void)spec;
    sched_yield();
    __atomic_store_n(&cached, block, __ATOMIC_RELAXED);
}

static void flaw_threads_share_a_block(void)
{
    base.ops = (tarn_ops){
        .abi = TARN_ABI, .caps = TARN_CAP_THREADS, .alloc = from_cache, .free = to_cache};
    cached = NULL;
}

static void flaw_none(void)
{
}

static tarn_allocator *base_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    probe_init(&base, NULL);
    sound = base;
    (*(void (**)(void))user)();
    return &base.allocator;
}

static void base_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    probe_deinit(&base);
}

/* ── Flaws of layout ───────────────────────────────────────────────────────────────────────── */

static struct {
    tarn_allocator allocator;
    size_t used;
    void (*flaw)(void);
    _Alignas(4096) unsigned char bytes[1 << 20];
} bump;

static size_t bump_gap;     /* bytes to which two blocks overlap       */
static size_t bump_extra;   /* granted and not there                   */
static size_t bump_rewound; /* bytes that a rewind goes too far        */

static void *bump_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    (void)a;
    if ((spec & TARN_ALIGN_BITS) > 12 || size > sizeof bump.bytes)
        return NULL;
    size_t align = tarn_spec_align(spec), at = (bump.used + align - 1) & ~(align - 1);
    if (at + size > sizeof bump.bytes)
        return NULL;
    bump.used = at + size - (size > bump_gap ? bump_gap : 0);
    if ((spec & TARN_ZERO) != 0)
        memset(bump.bytes + at, 0, size);
    return bump.bytes + at;
}

static tarn_block bump_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    void *p = bump_alloc(a, size, spec);
    return (tarn_block){p, p != NULL ? size + bump_extra : 0};
}

static void bump_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)a;
    (void)block;
    (void)size;
    (void)spec;
}

static tarn_mark bump_mark(tarn_allocator *a)
{
    return (tarn_mark){{a, (void *)bump.used}};
}

static tarn_status bump_rewind(tarn_allocator *a, tarn_mark mark)
{
    (void)a;
    bump.used = (size_t)mark.at[1];
    bump.used -= bump.used > bump_rewound ? bump_rewound : 0;
    return TARN_OK;
}

static const tarn_rare_ops BUMP_RARE = {
    .bytes = sizeof(tarn_rare_ops), .mark = bump_mark, .rewind = bump_rewind};
static const tarn_ops BUMP_OPS = {.abi = TARN_ABI,
                                  .caps = TARN_CAP_MARK,
                                  .alloc = bump_alloc,
                                  .free = bump_free,
                                  .alloc_at_least = bump_at_least,
                                  .rare = &BUMP_RARE};
/* The same with a promise it does not keep. */
static const tarn_ops BUMP_FREE_OPS = {.abi = TARN_ABI,
                                       .caps = TARN_CAP_MARK | TARN_CAP_FREE,
                                       .alloc = bump_alloc,
                                       .free = bump_free,
                                       .rare = &BUMP_RARE};

static void flaw_overlaps(void)
{
    bump_gap = 1;
}

static void flaw_grants_too_much(void)
{
    bump_extra = 5;
}

static void flaw_rewinds_too_far(void)
{
    bump_rewound = 40;
}

static void flaw_frees_nothing(void)
{
    bump.allocator.ops = &BUMP_FREE_OPS;
}

static tarn_allocator *bump_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    bump.allocator.ops = &BUMP_OPS;
    bump.used = bump_gap = bump_extra = bump_rewound = 0;
    (*(void (**)(void))user)();
    return &bump.allocator;
}

static void bump_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
}

/* ── Flaws towards the parent ──────────────────────────────────────────────────────────────── */

static struct {
    tarn_allocator allocator;
    tarn_allocator *parent;
    void *chunk;
    bool leaks_chunk, wrong_size, leaks_half;
} pass;

enum { CHUNK = 100 };

/* Each block with a note of its own, the second thing that can fail. */
static void *pass_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    (void)a;
    void *note = pass.leaks_half ? tarn_alloc(pass.parent, 8, 0) : NULL;
    void *p = tarn_alloc(pass.parent, size, spec);
    if (p != NULL || !pass.leaks_half)
        tarn_free(pass.parent, note, 8, 0);
    else
        lose(note);
    return p;
}

static void pass_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)a;
    tarn_free(pass.parent, block, pass.wrong_size && size > 100 ? size - 1 : size, spec);
}

static const tarn_ops PASS_OPS = {
    .abi = TARN_ABI, .caps = TARN_CAP_FREE, .alloc = pass_alloc, .free = pass_free};

static void flaw_leaks_a_chunk(void)
{
    pass.leaks_chunk = true;
}

static void flaw_gives_back_other_sizes(void)
{
    pass.wrong_size = true;
}

static void flaw_leaks_when_out_of_memory(void)
{
    pass.leaks_half = true;
}

static tarn_allocator *pass_make(tarn_allocator *parent, void *user)
{
    memset(&pass, 0, sizeof pass);
    pass.allocator.ops = &PASS_OPS;
    pass.parent = parent;
    (*(void (**)(void))user)();
    pass.chunk = tarn_alloc(parent, CHUNK, 0);
    return pass.chunk != NULL ? &pass.allocator : NULL;
}

static void pass_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    if (!pass.leaks_chunk)
        tarn_free(pass.parent, pass.chunk, CHUNK, 0);
    else
        lose(pass.chunk);
}

/* ── The table ─────────────────────────────────────────────────────────────────────────────── */

typedef struct kind {
    tarn_allocator *(*make)(tarn_allocator *, void *);
    void (*unmake)(tarn_allocator *, void *);
} kind;

static const kind BASE = {base_make, base_unmake}, BUMP = {bump_make, bump_unmake},
                  PASS = {pass_make, pass_unmake};

static const struct {
    const char *rule;
    const kind *of;
    void (*flaw)(void);
} FLAWS[] = {
    {"table", &BASE, flaw_capability_without_entry},
    {"table", &BASE, flaw_entry_without_capability},
    {"table", &BASE, flaw_unknown_abi},
    {"null", &BASE, flaw_table_changes},
    {"zero-size", &BASE, flaw_zero_size_is_null},
    {"alignment", &BASE, flaw_misaligned},
    {"alignment", &BASE, flaw_alignment_not_refused},
    {"overlap", &BUMP, flaw_overlaps},
    {"overlap", &BUMP, flaw_grants_too_much},
    {"zero", &BASE, flaw_not_zero},
    {"zero", &BASE, flaw_batch_not_zero},
    {"zero", &BASE, flaw_says_zeroed},
    {"resize", &BASE, flaw_resize_loses},
    {"resize", &BASE, flaw_resize_not_zero},
    {"in-place", &BASE, flaw_in_place_moves},
    {"in-place", &BASE, flaw_refused_resize_writes},
    {"no-copy", &BASE, flaw_no_copy_moves_empty},
    {"huge", &BASE, flaw_size_wraps},
    {"huge", &BASE, flaw_refusal_is_counted_as_alloc},
    {"huge", &BASE, flaw_why_of_another},
    {"exhaustion", &BASE, flaw_out_of_memory_is_shared},
    {"reuse", &BUMP, flaw_frees_nothing},
    {"owns", &BASE, flaw_owns_everything},
    {"owns", &BASE, flaw_disowns_some},
    {"usable", &BASE, flaw_usable_too_small},
    {"usable", &BASE, flaw_usable_says_what_it_is_told},
    {"sized-free", &BASE, flaw_unsized_free_keeps},
    {"sized-free", &BASE, flaw_granted_size_not_freed},
    {"batch", &BASE, flaw_batch_has_duplicates},
    {"batch", &BASE, flaw_batch_is_short},
    {"reset", &BASE, flaw_reset_does_nothing},
    {"rewind", &BUMP, flaw_rewinds_too_far},
    {"visit", &BASE, flaw_visit_misses_one},
    {"visit", &BASE, flaw_visit_cannot_be_ended},
    {"trim", &BASE, flaw_trim_touches_live_blocks},
    {"trim", &BASE, flaw_trim_invents},
    {"stats", &BASE, flaw_stats_miscount},
    {"deinit", &PASS, flaw_leaks_a_chunk},
    {"deinit", &PASS, flaw_gives_back_other_sizes},
    {"threads", &BASE, flaw_threads_share_a_block},
    {"pressure", &PASS, flaw_leaks_when_out_of_memory},
};

enum { COUNT = sizeof FLAWS / sizeof *FLAWS };

/* Runs the suite; its output is read back. */
static int run(const kind *of, void (*flaw)(void), const char *rule, char *text, size_t size)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    const tarn_conform_options o = {.name = "broken",
                                    .make = of->make,
                                    .unmake = of->unmake,
                                    .user = &flaw,
                                    .rule = rule,
                                    .budget = 256 << 10,
                                    .max_size = 1000,
                                    .out = out};
    int failures = tarn_conform(&o);
    find_lost();
    rewind(out);
    text[fread(text, 1, size - 1, out)] = '\0';
    (void)fclose(out);
    return failures;
}

static void without_a_flaw_all_rules_hold(void **state)
{
    (void)state;
    char text[4096];
    const kind *kinds[] = {&BASE, &BUMP, &PASS};
    for (size_t i = 0; i < 3; i++) {
        int failures = run(kinds[i], flaw_none, NULL, text, sizeof text);
        assert_string_equal(text, "");
        assert_int_equal(failures, 0);
    }
}

static void every_flaw_is_seen_by_its_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        char text[4096], prefix[64];
        int failures = run(FLAWS[i].of, FLAWS[i].flaw, FLAWS[i].rule, text, sizeof text);
        (void)snprintf(prefix, sizeof prefix, "conform: broken: %s: ", FLAWS[i].rule);
        if (failures == 0 || strstr(text, prefix) == NULL)
            print_message("flaw %zu is not seen by rule %s\n%s", i, FLAWS[i].rule, text);
        assert_int_not_equal(failures, 0);
        assert_non_null(strstr(text, prefix));
    }
}

static void every_rule_sees_a_flaw(void **state)
{
    (void)state;
    const char *name;
    for (size_t r = 0; (name = tarn_conform_rule(r)) != NULL; r++) {
        size_t i = 0;
        while (i < COUNT && strcmp(FLAWS[i].rule, name) != 0)
            i++;
        if (i == COUNT)
            print_message("no flaw for rule %s\n", name);
        assert_true(i < COUNT);
    }
}

static void nonsense_is_a_failure(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(tarn_conform(NULL), 1);
    assert_int_equal(tarn_conform(&(tarn_conform_options){.name = "x"}), 1);
    assert_int_equal(run(&BASE, flaw_none, "no such rule", text, sizeof text), 1);
    assert_null(tarn_conform_rule(1000));
}

/* ── The sweep ─────────────────────────────────────────────────────────────────────────────── */

static bool two_blocks(tarn_allocator *a, void *user)
{
    void *p = tarn_alloc(a, 10, 0), *q = tarn_alloc(a, 20, 0);
    bool all = p != NULL && q != NULL;
    if (user != NULL && !all) { /* what is left of a failure is forgotten */
        lose(p);
        lose(q);
        return false;
    }
    tarn_free(a, p, 10, 0);
    tarn_free(a, q, 20, 0);
    return all;
}

static bool never(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    return false;
}

static bool endless(tarn_allocator *a, void *user)
{
    (void)user;
    for (int i = 0; i < 100; i++)
        tarn_free(a, tarn_alloc(a, 1, 0), 1, 0);
    return true;
}

static void the_sweep_sees_leaks(void **state)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    tarn_sweep_options o = {.run = two_blocks, .out = out};
    assert_int_equal(tarn_sweep(&o), 0);
    o.user = state;
    assert_int_equal(tarn_sweep(&o), 3); /* only 1, only 2, all from 2 */
    o.run = never;
    assert_int_equal(tarn_sweep(&o), 2);
    o.run = endless;
    o.limit = 50;
    assert_int_equal(tarn_sweep(&o), 2);
    o.limit = 0;
    assert_int_equal(tarn_sweep(&o), 0);
    assert_int_equal(tarn_sweep(NULL), 1);
    find_lost();
    (void)fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_flaw_all_rules_hold),
        cmocka_unit_test(every_flaw_is_seen_by_its_rule),
        cmocka_unit_test(every_rule_sees_a_flaw),
        cmocka_unit_test(nonsense_is_a_failure),
        cmocka_unit_test(the_sweep_sees_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
