/* SPDX-License-Identifier: MIT */
/* Writing an allocator: four functions and a table, checked by the conformance suite. */
#include <tarn/tarn.h>

#include "tarn_conform.h"

/* Keeps 16 bytes in front of each block: how big it is. So free needs no size. */
typedef struct remember {
    tarn_allocator allocator; /* first: the handle points here */
    tarn_allocator *parent;
} remember;

enum { HEAD = 16, ALIGN_LOG = 4 };

static void *remember_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    remember *r = (remember *)a;
    if ((spec & TARN_ALIGN_BITS) > ALIGN_LOG || size > SIZE_MAX - HEAD)
        return NULL; /* refused, nothing changed */
    char *p = tarn_alloc(r->parent, HEAD + size, ALIGN_LOG | (spec & TARN_ZERO));
    if (p == NULL)
        return NULL;
    *(size_t *)(void *)p = size;
    return p + HEAD;
}

static void remember_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    char *p = (char *)block - HEAD;
    (void)size, (void)spec; /* 0 bytes may mean "unknown": TARN_CAP_UNSIZED_FREE */
    tarn_free(((remember *)a)->parent, p, HEAD + *(size_t *)(void *)p, ALIGN_LOG);
}

static size_t remember_usable(const tarn_allocator *a, const void *block, size_t size,
                              tarn_spec spec)
{
    (void)a, (void)size, (void)spec;
    return *(const size_t *)(const void *)((const char *)block - HEAD);
}

/* What is not here is absent, and everyone knows: resize, batches and the rest have defaults. */
static const tarn_rare_ops RARE = {.bytes = sizeof RARE, .usable = remember_usable};
static const tarn_ops OPS = {.abi = TARN_ABI,
                             .caps = TARN_CAP_FREE | TARN_CAP_UNSIZED_FREE,
                             .alloc = remember_alloc,
                             .free = remember_free,
                             .rare = &RARE};

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    *(remember *)user = (remember){.allocator = {&OPS}, .parent = parent};
    return &((remember *)user)->allocator;
}

int main(void)
{
    remember r;
    return tarn_conform(&(tarn_conform_options){.name = "remember", .make = make, .user = &r});
}
