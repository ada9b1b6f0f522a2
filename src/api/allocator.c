/* SPDX-License-Identifier: MIT */
/*
 * allocator.c - the out-of-line part of the interface: defaults for operations that an allocator
 * leaves out.
 *
 * I1  An entry of the rare table is read only when the table, as compiled by its author, is long
 *     enough to have it.
 * I2  No default pretends: where nothing sensible can be done the answer is TARN_UNSUPPORTED,
 *     TARN_UNKNOWN or NULL.
 */

#include <tarn/allocator.h>

#include "base/mem.h"
#include "base/text.h"

void *tarn_resize_by_copy(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    if ((spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
        return NULL;
    char *fresh = a->ops->alloc(a, new_size, spec & ~(tarn_spec)TARN_ZERO);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, block, keep);
    /* An old size of 0 may mean "unknown": what is kept is never zeroed. */
    size_t from = old_size > keep ? old_size : keep;
    if ((spec & TARN_ZERO) != 0 && new_size > from)
        memset(fresh + from, 0, new_size - from);
    a->ops->free(a, block, old_size, spec & ~(tarn_spec)TARN_FLAG_BITS);
    return fresh;
}

void *tarn_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size, size_t keep,
                  tarn_spec spec)
{
    if (a->ops->resize != NULL)
        return a->ops->resize(a, block, old_size, new_size, keep, spec);
    return tarn_resize_by_copy(a, block, old_size, new_size, keep, spec);
}

size_t tarn_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count, void **out)
{
    if (a->ops->alloc_batch != NULL)
        return a->ops->alloc_batch(a, size, spec, count, out);
    for (size_t i = 0; i < count; i++) {
        out[i] = a->ops->alloc(a, size, spec);
        if (out[i] == NULL)
            return i;
    }
    return count;
}

void tarn_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                     void *const *blocks)
{
    if (a->ops->free_batch != NULL) {
        a->ops->free_batch(a, size, spec, count, blocks);
        return;
    }
    for (size_t i = 0; i < count; i++)
        a->ops->free(a, blocks[i], size, spec);
}

const char *tarn_name(const tarn_allocator *a)
{
    const char *(*name)(const tarn_allocator *) = TARN_RARE(a, name);
    const char *text = name != NULL ? name(a) : NULL;
    return text != NULL ? text : "allocator";
}

tarn_answer tarn_owns(const tarn_allocator *a, const void *block)
{
    tarn_answer (*owns)(const tarn_allocator *, const void *) = TARN_RARE(a, owns);
    return owns != NULL ? owns(a, block) : TARN_UNKNOWN;
}

size_t tarn_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    size_t (*usable)(const tarn_allocator *, const void *, size_t, tarn_spec) =
        TARN_RARE(a, usable);
    return usable != NULL ? usable(a, block, size, spec) : size;
}

tarn_status tarn_reset(tarn_allocator *a)
{
    tarn_status (*reset)(tarn_allocator *) = TARN_RARE(a, reset);
    return reset != NULL ? reset(a) : TARN_UNSUPPORTED;
}

tarn_mark tarn_get_mark(tarn_allocator *a)
{
    tarn_mark (*mark)(tarn_allocator *) = TARN_RARE(a, mark);
    return mark != NULL ? mark(a) : (tarn_mark){{NULL, NULL}};
}

tarn_status tarn_rewind(tarn_allocator *a, tarn_mark mark)
{
    tarn_status (*rewind)(tarn_allocator *, tarn_mark) = TARN_RARE(a, rewind);
    return rewind != NULL ? rewind(a, mark) : TARN_UNSUPPORTED;
}

size_t tarn_trim(tarn_allocator *a)
{
    size_t (*trim)(tarn_allocator *) = TARN_RARE(a, trim);
    return trim != NULL ? trim(a) : 0;
}

tarn_status tarn_get_stats(const tarn_allocator *a, tarn_stats *out)
{
    tarn_status (*stats)(const tarn_allocator *, tarn_stats *) = TARN_RARE(a, stats);
    memset(out, 0, sizeof *out);
    return stats != NULL ? stats(a, out) : TARN_UNSUPPORTED;
}

tarn_status tarn_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    tarn_status (*visit)(tarn_allocator *, tarn_visitor *, void *) = TARN_RARE(a, visit);
    return visit != NULL ? visit(a, see, user) : TARN_UNSUPPORTED;
}

tarn_status tarn_check(const tarn_allocator *a)
{
    tarn_status (*check)(const tarn_allocator *) = TARN_RARE(a, check);
    return check != NULL ? check(a) : TARN_UNSUPPORTED;
}

tarn_why tarn_get_why(const tarn_allocator *a)
{
    tarn_why (*why)(const tarn_allocator *) = TARN_RARE(a, why);
    return why != NULL ? why(a) : (tarn_why){TARN_OK, 0, 0, 0};
}

size_t tarn_why_text(const tarn_allocator *a, char *text, size_t size)
{
    tarn_why w = tarn_get_why(a);
    tarn_text t = tarn_text_in(text, size);
    tarn_text_put(&t, tarn_name(a));
    if (w.status == TARN_OK) {
        tarn_text_put(&t, ": no failure on record");
        return t.length;
    }
    tarn_text_put(&t, ": refused ");
    tarn_text_put_size(&t, w.size);
    tarn_text_put(&t, " bytes aligned to ");
    tarn_text_put_size(&t, w.align);
    tarn_text_put(&t, ": ");
    tarn_text_put(&t, tarn_status_text(w.status));
    if (w.limit != 0) {
        tarn_text_put(&t, " (");
        tarn_text_put_size(&t, w.limit);
        tarn_text_put(&t, ")");
    }
    return t.length;
}

tarn_allocator *tarn_parent(const tarn_allocator *a, unsigned index)
{
    tarn_allocator *(*parent)(const tarn_allocator *, unsigned) = TARN_RARE(a, parent);
    return parent != NULL ? parent(a, index) : NULL;
}

void tarn_deinit(tarn_allocator *a)
{
    void (*deinit)(tarn_allocator *) = TARN_RARE(a, deinit);
    if (deinit != NULL)
        deinit(a);
}

/* Trees of allocators are as deep as somebody wrote them down; shared branches are walked twice. */
void tarn_share(tarn_allocator *a) /* NOLINT(misc-no-recursion) */
{
    void (*share)(tarn_allocator *) = TARN_RARE(a, share);
    if (share != NULL)
        share(a);
    tarn_allocator *parent;
    for (unsigned i = 0; (parent = tarn_parent(a, i)) != NULL; i++)
        tarn_share(parent);
}
