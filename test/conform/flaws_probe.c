/* SPDX-License-Identifier: MIT */
/* flaws_probe.c - flaws of an allocator that can do everything: one operation replaced. */
#include "conform/flaws.h"

#include "support/probe.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

static void *resize_zeroes_the_unknown(tarn_allocator *a, void *block, size_t old_size,
                                       size_t new_size, size_t keep, tarn_spec spec)
{
    void *p = sound.ops.resize(a, block, old_size, new_size, keep, spec);
    if (p != NULL && old_size == 0 && (spec & TARN_ZERO) != 0)
        memset(p, 0, new_size);
    return p;
}

static void flaw_resize_zeroes_the_unknown(void)
{
    base.ops.resize = resize_zeroes_the_unknown;
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

/* State that is right for the thread that made it: any other gets the same block each time. */
static pthread_t maker;

static void *right_for_its_maker(tarn_allocator *a, size_t size, tarn_spec spec)
{
    static _Alignas(64) char block[8192];
    return pthread_equal(pthread_self(), maker) ? sound.ops.alloc(a, size, spec) : block;
}

static void kept_by_others(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    if (pthread_equal(pthread_self(), maker))
        sound.ops.free(a, block, size, spec);
}

/* The suite is to see it by itself: ThreadSanitizer, who sees it too, is told to look away. */
TARN_API const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:tarn_conform.c\n";
}

static void flaw_threads_share_a_block(void)
{
    maker = pthread_self();
    base.ops = (tarn_ops){.abi = TARN_ABI,
                          .caps = TARN_CAP_THREADS,
                          .alloc = right_for_its_maker,
                          .free = kept_by_others};
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

static const flaw FLAWS[] = {
    {"table", flaw_capability_without_entry},
    {"table", flaw_entry_without_capability},
    {"table", flaw_unknown_abi},
    {"null", flaw_table_changes},
    {"zero-size", flaw_zero_size_is_null},
    {"alignment", flaw_misaligned},
    {"alignment", flaw_alignment_not_refused},
    {"zero", flaw_not_zero},
    {"zero", flaw_batch_not_zero},
    {"zero", flaw_says_zeroed},
    {"resize", flaw_resize_loses},
    {"resize", flaw_resize_not_zero},
    {"resize", flaw_resize_zeroes_the_unknown},
    {"in-place", flaw_in_place_moves},
    {"in-place", flaw_refused_resize_writes},
    {"no-copy", flaw_no_copy_moves_empty},
    {"huge", flaw_size_wraps},
    {"huge", flaw_refusal_is_counted_as_alloc},
    {"huge", flaw_why_of_another},
    {"exhaustion", flaw_out_of_memory_is_shared},
    {"owns", flaw_owns_everything},
    {"owns", flaw_disowns_some},
    {"usable", flaw_usable_too_small},
    {"usable", flaw_usable_says_what_it_is_told},
    {"sized-free", flaw_unsized_free_keeps},
    {"sized-free", flaw_granted_size_not_freed},
    {"batch", flaw_batch_has_duplicates},
    {"batch", flaw_batch_is_short},
    {"reset", flaw_reset_does_nothing},
    {"visit", flaw_visit_misses_one},
    {"visit", flaw_visit_cannot_be_ended},
    {"trim", flaw_trim_touches_live_blocks},
    {"trim", flaw_trim_invents},
    {"stats", flaw_stats_miscount},
    {"threads", flaw_threads_share_a_block},
};

const flawed flawed_probe = {base_make, base_unmake, FLAWS, sizeof FLAWS / sizeof *FLAWS};
