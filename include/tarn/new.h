/* SPDX-License-Identifier: MIT */
/*
 * new.h - objects, arrays and strings by type, from any allocator: the right size and alignment on both ways.
 *
 *     struct node *n = tarn_new(&pool, struct node);            inlined: &pool is a tarn_pool *
 *     struct node *m = tarn_new(handle, struct node);           one indirect call: handle is a tarn_allocator *
 *     int *a = tarn_new_array(handle, int, count);              NULL when count * sizeof(int) overflows
 *     tarn_delete(&pool, n);  tarn_delete(handle, m);  tarn_delete_array(handle, a, count);
 *
 * The same line is inlined where the allocator's type is known and goes through the handle where it is not. In C the
 * choice is made by _Generic, in C++ by overloading.
 */
#ifndef TARN_NEW_H
#define TARN_NEW_H

#include <tarn/allocator.h>
#include <tarn/arena.h>
#include <tarn/pool.h>
#include <tarn/ring.h>
#include <tarn/shared_pool.h>
#include <tarn/site.h>
#include <tarn/slab.h>
#include <tarn/stack.h>
#include <tarn/tlsf.h>

#ifdef __cplusplus
extern "C++" {
static TARN_FAST void *tarn_get(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_alloc(a, size, spec);
}
static TARN_FAST void *tarn_get(tarn_pool *a, size_t size, tarn_spec spec)
{
    return tarn_pool_get(a, size, spec);
}
static TARN_FAST void *tarn_get(tarn_arena *a, size_t size, tarn_spec spec)
{
    return tarn_arena_get(a, size, spec);
}
static TARN_FAST void *tarn_get(tarn_ring *a, size_t size, tarn_spec spec)
{
    return tarn_ring_get(a, size, spec);
}
static TARN_FAST void *tarn_get(tarn_shared_cache *a, size_t size, tarn_spec spec)
{
    return tarn_shared_cache_get(a, size, spec);
}
static TARN_FAST void *tarn_get(tarn_shared_pool *a, size_t size, tarn_spec spec)
{
    return tarn_shared_pool_get(a, size, spec);
}
static TARN_FAST void *tarn_get(tarn_slab *a, size_t size, tarn_spec spec)
{
    return tarn_slab_alloc(a, size, spec);
}
static TARN_FAST void *tarn_get(tarn_stack *a, size_t size, tarn_spec spec)
{
    return tarn_stack_get(a, size, spec);
}
static TARN_FAST void *tarn_get(tarn_tlsf *a, size_t size, tarn_spec spec)
{
    return tarn_tlsf_alloc(a, size, spec);
}
static TARN_FAST void tarn_put(tarn_allocator *a, void *p, size_t size, tarn_spec spec)
{
    tarn_free(a, p, size, spec);
}
static TARN_FAST void tarn_put(tarn_pool *a, void *p, size_t size, tarn_spec spec)
{
    tarn_pool_put(a, p, size, spec);
}
static TARN_FAST void tarn_put(tarn_arena *a, void *p, size_t size, tarn_spec spec)
{
    tarn_arena_put(a, p, size, spec);
}
static TARN_FAST void tarn_put(tarn_ring *a, void *p, size_t size, tarn_spec spec)
{
    tarn_ring_put(a, p, size, spec);
}
static TARN_FAST void tarn_put(tarn_shared_cache *a, void *p, size_t size, tarn_spec spec)
{
    tarn_shared_cache_put(a, p, size, spec);
}
static TARN_FAST void tarn_put(tarn_shared_pool *a, void *p, size_t size, tarn_spec spec)
{
    tarn_shared_pool_put(a, p, size, spec);
}
static TARN_FAST void tarn_put(tarn_slab *a, void *p, size_t size, tarn_spec spec)
{
    tarn_slab_free(a, p, size, spec);
}
static TARN_FAST void tarn_put(tarn_stack *a, void *p, size_t size, tarn_spec spec)
{
    tarn_stack_put(a, p, size, spec);
}
static TARN_FAST void tarn_put(tarn_tlsf *a, void *p, size_t size, tarn_spec spec)
{
    tarn_tlsf_free(a, p, size, spec);
}
}
#else
/**
 * tarn_get - tarn_alloc on a concrete allocator (tarn_pool *, tarn_arena *, tarn_ring *, tarn_slab *,
 * tarn_stack *, tarn_shared_cache *), inlined, on a tarn_tlsf *, called directly, or on a
 * tarn_shared_pool * or a tarn_allocator *.
 *
 * Units    size in bytes.
 * Returns  a block, as tarn_pool_get, tarn_arena_get, tarn_ring_get, tarn_slab_alloc, tarn_stack_get,
 *          tarn_shared_cache_get, tarn_shared_pool_get, tarn_tlsf_alloc and tarn_alloc.
 * Fails    NULL, as these.
 * Threads  as the allocator.
 * Cost     as these.
 */
#define tarn_get(a, size, spec)                                                                    \
    _Generic((a), tarn_allocator *                                                                 \
             : tarn_alloc, tarn_pool *                                                             \
             : tarn_pool_get, tarn_arena *                                                         \
             : tarn_arena_get, tarn_ring *                                                         \
             : tarn_ring_get, tarn_shared_cache *                                                  \
             : tarn_shared_cache_get, tarn_shared_pool *                                           \
             : tarn_shared_pool_get, tarn_slab *                                                   \
             : tarn_slab_alloc, tarn_stack *                                                       \
             : tarn_stack_get, tarn_tlsf *                                                         \
             : tarn_tlsf_alloc)((a), (size), (spec))
/**
 * tarn_put - tarn_free on a concrete allocator (tarn_pool *, tarn_arena *, tarn_ring *, tarn_slab *,
 * tarn_stack *, tarn_shared_cache *), inlined, on a tarn_tlsf *, called directly, or on a
 * tarn_shared_pool * or a tarn_allocator *.
 *
 * Units    size in bytes.
 * Fails    never; as tarn_pool_put, tarn_arena_put, tarn_ring_put, tarn_slab_free, tarn_stack_put,
 *          tarn_shared_cache_put, tarn_shared_pool_put, tarn_tlsf_free and tarn_free.
 * Threads  as the allocator.
 * Cost     as these.
 */
#define tarn_put(a, block, size, spec)                                                             \
    _Generic((a), tarn_allocator *                                                                 \
             : tarn_free, tarn_pool *                                                              \
             : tarn_pool_put, tarn_arena *                                                         \
             : tarn_arena_put, tarn_ring *                                                         \
             : tarn_ring_put, tarn_shared_cache *                                                  \
             : tarn_shared_cache_put, tarn_shared_pool *                                           \
             : tarn_shared_pool_put, tarn_slab *                                                   \
             : tarn_slab_free, tarn_stack *                                                        \
             : tarn_stack_put, tarn_tlsf *                                                         \
             : tarn_tlsf_free)((a), (block), (size), (spec))
#endif

/* The alignment of what p points to. */
#define TARN_SPEC_OF_TARGET_(p) TARN_SPEC(__alignof__(*(p)))

/* Bytes of an array; SIZE_MAX, which every allocator refuses as too big, when the product overflows. */
static TARN_FAST size_t tarn_array_bytes_(size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes;
}

/**
 * tarn_new - one object of type T, contents undefined.
 *
 * Returns  a T *, with the size and alignment of T, and the site tag of this line.
 * Fails    NULL: see tarn_get_why.
 * Threads  as the allocator.
 * Cost     as tarn_get.
 */
#define tarn_new(a, T) TARN_CAST_(T *, tarn_get((a), sizeof(T), TARN_SPEC_OF(T) | TARN_SITE(T)))

/**
 * tarn_new_zero - one object of type T, all bytes 0.
 *
 * Returns  as tarn_new.
 * Fails    as tarn_new.
 * Threads  as the allocator.
 * Cost     O(size).
 */
#define tarn_new_zero(a, T)                                                                        \
    TARN_CAST_(T *, tarn_get((a), sizeof(T), TARN_SPEC_OF(T) | TARN_SITE(T) | TARN_ZERO))

/**
 * tarn_new_array - objects of type T in a row, contents undefined.
 *
 * Units    count in objects.
 * Returns  a T * to the first.
 * Fails    NULL, also when count * sizeof(T) overflows: the allocator is asked for SIZE_MAX then, and
 *          tells that as the reason.
 * Threads  as the allocator.
 * Cost     as tarn_get.
 */
#define tarn_new_array(a, T, count)                                                                \
    TARN_CAST_(                                                                                    \
        T *, tarn_get((a), tarn_array_bytes_((count), sizeof(T)), TARN_SPEC_OF(T) | TARN_SITE(T)))

/**
 * tarn_new_array_zero - objects of type T in a row, all bytes 0.
 *
 * Units    count in objects.
 * Returns  as tarn_new_array.
 * Fails    as tarn_new_array.
 * Threads  as the allocator.
 * Cost     O(bytes).
 */
#define tarn_new_array_zero(a, T, count)                                                           \
    TARN_CAST_(T *, tarn_get((a), tarn_array_bytes_((count), sizeof(T)),                           \
                             TARN_SPEC_OF(T) | TARN_SITE(T) | TARN_ZERO))

/**
 * tarn_delete - what tarn_new made back: size and alignment are those of *p. NULL is ignored.
 *
 * Fails    never; faults as tarn_free.
 * Threads  as the allocator.
 * Cost     as tarn_put.
 */
#define tarn_delete(a, p) tarn_put((a), (p), sizeof(*(p)), TARN_SPEC_OF_TARGET_(p))

/**
 * tarn_delete_array - what tarn_new_array made back, with the same count. NULL is ignored.
 *
 * Units    count in objects.
 * Fails    never; faults as tarn_free.
 * Threads  as the allocator.
 * Cost     as tarn_put.
 */
#define tarn_delete_array(a, p, count)                                                             \
    tarn_put((a), (p), TARN_CAST_(size_t, count) * sizeof(*(p)), TARN_SPEC_OF_TARGET_(p))

TARN_BEGIN_DECLS

/* ── Strings ── */

/**
 * tarn_strndup - a copy of at most n bytes of a string, ended by 0.
 *
 * Units    n in bytes.
 * Returns  the copy, to be freed with tarn_strfree.
 * Fails    NULL, as tarn_alloc.
 * Threads  as tarn_alloc.
 * Cost     O(length).
 */
TARN_MUST_USE static inline char *tarn_strndup(tarn_allocator *a, const char *text, size_t n)
{
    const void *end = __builtin_memchr(text, 0, n);
    size_t length = end != NULL ? (size_t)((const char *)end - text) : n;
    char *copy = (char *)tarn_alloc(a, length + 1, 0);
    if (copy != NULL) {
        __builtin_memcpy(copy, text, length);
        copy[length] = 0;
    }
    return copy;
}

/**
 * tarn_strdup - a copy of a string.
 *
 * Returns  the copy, to be freed with tarn_strfree.
 * Fails    NULL, as tarn_alloc.
 * Threads  as tarn_alloc.
 * Cost     O(length).
 */
TARN_MUST_USE static inline char *tarn_strdup(tarn_allocator *a, const char *text)
{
    size_t size = __builtin_strlen(text) + 1;
    char *copy = (char *)tarn_alloc(a, size, 0);
    if (copy != NULL)
        __builtin_memcpy(copy, text, size);
    return copy;
}

/**
 * tarn_strfree - free a string that tarn_strdup or tarn_strndup made, and whose length has not changed. NULL is ignored.
 *
 * Fails    never; faults as tarn_free.
 * Threads  as tarn_free.
 * Cost     O(length), to find the size.
 */
static inline void tarn_strfree(tarn_allocator *a, char *text)
{
    if (text != NULL)
        tarn_free(a, text, __builtin_strlen(text) + 1, 0);
}

TARN_END_DECLS

#endif
