/* SPDX-License-Identifier: MIT */
/*
 * libc.c - malloc, free and their kin behind the interface.
 *
 * malloc's blocks are aligned for any scalar type; a larger alignment goes through posix_memalign,
 * and a block that has one never through realloc, which would lose it.
 *
 * What malloc_usable_size says beyond the request is used in one case only: a block that grows in
 * place is told so by resize, a call that the compiler cannot look through. It is never reported
 * as granted, since a compiler that saw the request (_FORTIFY_SOURCE=3) holds the program to it.
 */
#include <tarn/source.h>

#if __STDC_HOSTED__
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Alignments above this are refused: some mallocs abort on them rather than fail. */
#define ALIGN_LIMIT ((size_t)1 << 30)
/* No object may be larger, and some mallocs abort when asked. */
#define SIZE_LIMIT  (PTRDIFF_MAX - ALIGN_LIMIT)

static _Thread_local tarn_why last_failure;

static void *refuse(tarn_status status, size_t size, tarn_spec spec)
{
    last_failure = (tarn_why){status, size, tarn_spec_align(spec), 0};
    return NULL;
}

static bool is_plain(tarn_spec spec)
{
    return tarn_spec_align(spec) <= _Alignof(max_align_t);
}

static tarn_status judge(size_t size, tarn_spec spec)
{
    if ((spec & TARN_ALIGN_BITS) >= sizeof(size_t) * 8 || tarn_spec_align(spec) > ALIGN_LIMIT)
        return TARN_BAD_ALIGN;
    return size > SIZE_LIMIT ? TARN_TOO_BIG : TARN_OK;
}

static void *libc_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    void *p = NULL;
    tarn_status status = judge(size, spec);
    size_t want = size != 0 ? size : 1;
    (void)a;
    if (status != TARN_OK)
        return refuse(status, size, spec);
    if (!is_plain(spec)) {
        if (posix_memalign(&p, tarn_spec_align(spec), want) != 0)
            p = NULL;
        if (p != NULL && (spec & TARN_ZERO) != 0)
            memset(p, 0, size);
    } else if ((spec & TARN_ZERO) != 0) {
        p = calloc(1, want);
    } else {
        p = malloc(want);
    }
    return p != NULL ? p : refuse(TARN_NO_MEMORY, size, spec);
}

static void libc_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)a;
    (void)size;
    (void)spec;
    free(block);
}

/* keep, not old_size, is where zeroing starts for a block whose old size is unknown (0). */
static void zero_tail(char *block, size_t old_size, size_t new_size, size_t keep, tarn_spec spec)
{
    size_t from = old_size != 0 ? old_size : keep;
    if ((spec & TARN_ZERO) != 0 && new_size > from)
        memset(block + from, 0, new_size - from);
}

static void *libc_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    char *moved;
    tarn_status status = judge(new_size, spec);
    if (status != TARN_OK)
        return refuse(status, new_size, spec);
    if ((spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0 || !is_plain(spec)) {
        if (new_size > malloc_usable_size(block)) {
            if ((spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
                return refuse(TARN_NO_MEMORY, new_size, spec);
            moved = libc_alloc(a, new_size, spec & ~(tarn_spec)TARN_ZERO);
            if (moved == NULL)
                return NULL;
            memcpy(moved, block, keep);
            free(block);
            block = moved;
        }
        zero_tail(block, old_size, new_size, keep, spec);
        return block;
    }
    moved = realloc(block, new_size != 0 ? new_size : 1);
    if (moved == NULL)
        return refuse(TARN_NO_MEMORY, new_size, spec);
    zero_tail(moved, old_size, new_size, keep, spec);
    return moved;
}

static const char *libc_name(const tarn_allocator *a)
{
    (void)a;
    return "libc";
}

static tarn_why libc_why(const tarn_allocator *a)
{
    (void)a;
    return last_failure;
}

static const tarn_rare_ops LIBC_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = libc_name,
    .why = libc_why,
};

static const tarn_ops LIBC_OPS = {
    .abi = TARN_ABI,
    .caps = TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_THREADS |
            TARN_CAP_THREADS_FREE,
    .alloc = libc_alloc,
    .free = libc_free,
    .resize = libc_resize,
    .rare = &LIBC_RARE,
};

tarn_allocator *tarn_libc(void)
{
    static tarn_allocator libc = {&LIBC_OPS};
    return &libc;
}
#else
tarn_allocator *tarn_libc(void)
{
    return NULL;
}
#endif
