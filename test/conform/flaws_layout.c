/* SPDX-License-Identifier: MIT */
/* flaws_layout.c - flaws of a strip of bytes, and of one who takes everything from a parent. */
#include "conform/flaws.h"

#include <stdlib.h>
#include <string.h>

/* What the flaws below lose, so that it can be freed: the tests themselves do not leak. */
static void *lost[1 << 16];
static size_t lost_count;

void *lose(void *p)
{
    size_t at = __atomic_fetch_add(&lost_count, (size_t)1, __ATOMIC_RELAXED);
    if (at >= sizeof lost / sizeof *lost)
        abort();
    return lost[at] = p;
}

void find_lost(void)
{
    while (lost_count > 0)
        free(lost[--lost_count]);
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

static const flaw BUMP_FLAWS[] = {
    {"overlap", flaw_overlaps},
    {"overlap", flaw_grants_too_much},
    {"reuse", flaw_frees_nothing},
    {"rewind", flaw_rewinds_too_far},
};

static const flaw PASS_FLAWS[] = {
    {"deinit", flaw_leaks_a_chunk},
    {"deinit", flaw_gives_back_other_sizes},
    {"pressure", flaw_leaks_when_out_of_memory},
};

const flawed flawed_bump = {bump_make, bump_unmake, BUMP_FLAWS,
                            sizeof BUMP_FLAWS / sizeof *BUMP_FLAWS};
const flawed flawed_pass = {pass_make, pass_unmake, PASS_FLAWS,
                            sizeof PASS_FLAWS / sizeof *PASS_FLAWS};
