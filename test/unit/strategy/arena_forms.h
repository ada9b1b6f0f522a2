/* SPDX-License-Identifier: MIT */
/* What the tests of the arena share: every form of an arena, set up and torn down with its checks. */
#ifndef TARN_TEST_ARENA_FORMS_H
#define TARN_TEST_ARENA_FORMS_H

#include "support/tarn_test.h"

#include <tarn/arena.h>
#include <tarn/buffer.h>
#include <tarn/pages.h>

static tarn_pages pages;
static _Alignas(64) char bytes[256 * 1024];

/* Every form of an arena that can grow. */
static inline tarn_arena_options form(size_t i)
{
    tarn_arena_options o = {.name = "test", .chunk_size = 1024, .chunk_max = 16384};
    o.down = (i & 1) != 0;
    o.check = (i & 2) != 0;
    switch (i / 4) {
    case 0:
        break;
    case 1:
        o.source = &pages.source;
        break;
    case 2:
        o.source = &pages.source;
        o.reserve = (size_t)64 << 20;
        break;
    case 3:
        o.buffer = bytes;
        o.buffer_size = 999;
        o.parent = tarn_libc();
        break;
    default:
        o.buffer = bytes;
        o.buffer_size = sizeof bytes;
        break;
    }
    return o;
}

enum { FORMS = 20 };

static inline void start(tarn_arena *a, size_t i)
{
    tarn_arena_options o = form(i);
    assert_int_equal(tarn_arena_init(a, &o), TARN_OK);
    assert_int_equal(tarn_check(&a->allocator), TARN_OK);
}

static inline void stop(tarn_arena *a)
{
    tarn_pages_report r;
    assert_int_equal(tarn_check(&a->allocator), TARN_OK);
    tarn_arena_deinit(a);
    tarn_arena_deinit(a);
    tarn_pages_get_report(&pages, &r);
    assert_int_equal(r.mapped, 0);
}

static inline void *need(tarn_arena *a, size_t size, tarn_spec spec)
{
    void *p = tarn_arena_alloc(a, size, spec);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p & (tarn_spec_align(spec) - 1), 0);
    return p;
}

#endif
