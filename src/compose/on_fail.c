/* SPDX-License-Identifier: MIT */
/*
 * on_fail.c - reclaim and try again, or end the process with a sentence.
 *
 * I1  Nothing is done, and nothing written, for a request that the parent serves at once.
 * I2  Each attempt after the first was allowed by reclaim; there are at most `tries` of them, and
 *     with no reclaim of the user's one.
 */
#include <tarn/on_fail.h>

/* One request, so that all kinds share the loop. */
typedef struct request {
    size_t size;
    tarn_spec spec;
    unsigned attempt; /* how often room was made for it */
} request;

static void count(size_t *counter) /* NOLINT: written by the builtin */
{
    (void)__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* Can freeing other blocks help? */
static bool is_about_room(tarn_status status)
{
    return status != TARN_TOO_BIG && status != TARN_WRONG_SIZE && status != TARN_BAD_ALIGN &&
           status != TARN_UNSUPPORTED;
}

static bool make_room(tarn_on_fail *f, const request *r)
{
    if (f->reclaim != NULL)
        return f->reclaim(f->user, r->size, r->spec, r->attempt);
    return tarn_trim(f->layer.parent) > 0;
}

static void give_up(const tarn_on_fail *f, const request *r)
{
    if (f->fatal)
        tarn_fault_raise(&(tarn_fault){
            .kind = TARN_FAULT_OUT_OF_MEMORY, .allocator = f->layer.label, .given = r->size});
}

/* After a refusal: is it worth another try? */
static TARN_SLOW bool again(tarn_on_fail *f, request *r)
{
    unsigned most = f->reclaim == NULL ? 1 : f->tries;
    bool may =
        is_about_room(tarn_get_why(f->layer.parent).status) && (most == 0 || r->attempt < most);
    if (may) {
        r->attempt++;
        count(&f->reclaims);
        may = make_room(f, r);
    }
    if (!may)
        give_up(f, r);
    return may;
}

static void *on_fail_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_on_fail *f = (tarn_on_fail *)a;
    tarn_allocator *parent = f->layer.parent;
    void *p = parent->ops->alloc(parent, size, spec);
    if (TARN_LIKELY(p != NULL))
        return p;
    request r = {size, spec, 0};
    while (p == NULL && again(f, &r))
        p = parent->ops->alloc(parent, size, spec);
    if (p != NULL)
        count(&f->rescued);
    return p;
}

/* A resize in place that is refused is an answer, not a need: the caller has another way. */
static void *on_fail_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                            size_t keep, tarn_spec spec)
{
    tarn_on_fail *f = (tarn_on_fail *)a;
    tarn_allocator *parent = f->layer.parent;
    void *p = parent->ops->resize(parent, block, old_size, new_size, keep, spec);
    if (TARN_LIKELY(p != NULL) || (spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
        return p;
    request r = {new_size, spec, 0};
    while (p == NULL && again(f, &r))
        p = parent->ops->resize(parent, block, old_size, new_size, keep, spec);
    if (p != NULL)
        count(&f->rescued);
    return p;
}

static tarn_block on_fail_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_on_fail *f = (tarn_on_fail *)a;
    tarn_allocator *parent = f->layer.parent;
    tarn_block b = parent->ops->alloc_at_least(parent, size, spec);
    if (TARN_LIKELY(b.ptr != NULL))
        return b;
    request r = {size, spec, 0};
    while (b.ptr == NULL && again(f, &r))
        b = parent->ops->alloc_at_least(parent, size, spec);
    if (b.ptr != NULL)
        count(&f->rescued);
    return b;
}

/* What is there is the caller's; room is made for the rest. */
static size_t on_fail_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t wanted,
                                  void **out)
{
    tarn_on_fail *f = (tarn_on_fail *)a;
    tarn_allocator *parent = f->layer.parent;
    size_t n = tarn_alloc_batch(parent, size, spec, wanted, out), first = n;
    request r = {size, spec, 0};
    while (n < wanted && again(f, &r))
        n += tarn_alloc_batch(parent, size, spec, wanted - n, out + n);
    if (n > first)
        count(&f->rescued);
    return n;
}

tarn_status tarn_on_fail_init(tarn_on_fail *f, const tarn_on_fail_options *o)
{
    *f = (tarn_on_fail){
        .reclaim = o->reclaim, .user = o->user, .tries = o->tries, .fatal = o->fatal};
    return tarn_layer_init(&f->layer, o->parent,
                           &(tarn_layer_plan){.type = "on_fail",
                                              .name = o->name,
                                              .keep = TARN_CAPS_ALL & ~(uint32_t)TARN_CAP_BOUNDED,
                                              .ops = {.alloc = on_fail_alloc,
                                                      .resize = on_fail_resize,
                                                      .alloc_at_least = on_fail_at_least,
                                                      .alloc_batch = on_fail_alloc_batch}});
}

void tarn_on_fail_deinit(tarn_on_fail *f)
{
    f->layer.allocator.ops = NULL;
}

size_t tarn_on_fail_reclaims(const tarn_on_fail *f)
{
    return __atomic_load_n(&f->reclaims, __ATOMIC_RELAXED);
}

size_t tarn_on_fail_rescued(const tarn_on_fail *f)
{
    return __atomic_load_n(&f->rescued, __ATOMIC_RELAXED);
}
