/* SPDX-License-Identifier: MIT */
/*
 * layer.h - the part that all layers over one parent share, for those who write allocators.
 *
 * A layer changes a few operations and hands the others through; what its parent cannot do stays
 * absent. So its tables are built when it is made:
 *
 *     ┌─ tarn_layer ─────────┐      what the plan gives ──► its own function
 *     │ ops rare label       ├────► what it does not give ► handed through, where the parent has it
 *     │ parent ──────────────┼──►   what it drops ────────► absent
 *     └──────────────────────┘
 *
 *     struct upper { tarn_layer layer; size_t calls; };
 *     static void *upper_alloc(tarn_allocator *a, size_t size, tarn_spec spec) { … }
 *     tarn_layer_init(&u->layer, parent, &(tarn_layer_plan){
 *         .type = "upper", .ops = {.alloc = upper_alloc}, .keep = TARN_CAPS_ALL});
 */
#ifndef TARN_LAYER_H
#define TARN_LAYER_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

/* Every capability of this version. */
#define TARN_CAPS_ALL (((uint32_t)TARN_CAP_BOUNDED << 1) - 1)

/* The hot operations that no capability bit tells of. */
enum {
    TARN_LAYER_RESIZE = 1u << 0,
    TARN_LAYER_AT_LEAST = 1u << 1,
    TARN_LAYER_BATCH = 1u << 2,
    TARN_LAYER_USABLE = 1u << 3
};

/* First member of a layer's state; fields are private to the layer. */
typedef struct tarn_layer {
    tarn_allocator allocator;
    tarn_allocator *parent;
    tarn_ops ops;
    tarn_rare_ops rare;
    size_t refused;             /* requests that the parent did not see                  */
    size_t why_size, why_limit; /* of the layer's own last refusal, see tarn_layer_refuse */
    uint32_t why_spec;
    uint32_t why_status; /* TARN_OK: the last failure was the parent's         */
    char label[48];
} tarn_layer;

/* What a layer does. Entries of ops and rare that are NULL are handed through. */
typedef struct tarn_layer_plan {
    const char *type; /* "limit": what the layer is called in messages          */
    const char *name; /* the user's; NULL: none. Copied, cut at 30 bytes        */
    uint32_t keep;    /* capabilities of the parent that the layer keeps        */
    uint32_t add;     /* capabilities that it has whatever the parent can do    */
    uint32_t give;    /* TARN_LAYER_… that it has even where the parent has not */
    uint32_t drop;    /* TARN_LAYER_… that it has not even where the parent has */
    tarn_ops ops;
    tarn_rare_ops rare;
} tarn_layer_plan;

/**
 * tarn_layer_init - the tables of a layer, from a plan and what the parent has.
 *
 * A rare operation that a capability tells of is there when the layer has the capability; so are
 * resize and TARN_LAYER_RESIZE. The parent must outlive the layer.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT when parent is NULL; the layer must not be used then.
 * Threads  one.
 * Cost     O(1), allocates nothing.
 */
TARN_API tarn_status tarn_layer_init(tarn_layer *layer, tarn_allocator *parent,
                                     const tarn_layer_plan *plan);

/**
 * tarn_layer_parent - what stands under the layer of this handle.
 *
 * Returns  the parent.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_layer_parent(const tarn_allocator *a)
{
    return ((const tarn_layer *)a)->parent;
}

/**
 * tarn_layer_refuse - note that the layer itself refused a request: tarn_get_why tells it from now
 * on, until tarn_layer_pass, and statistics that are handed through count it.
 *
 * Units    size in bytes; limit as in tarn_why.
 * Returns  NULL, to be handed on.
 * Fails    never.
 * Threads  as the layer; of two threads that are refused at once either reason may be told.
 * Cost     O(1).
 */
TARN_API void *tarn_layer_refuse(tarn_layer *layer, tarn_status status, size_t size, tarn_spec spec,
                                 size_t limit);

/**
 * tarn_layer_blame - note that the parent refused a request that the layer had changed: tarn_get_why
 * tells the parent's reason, and the size and spec that the caller asked for.
 *
 * Units    size in bytes.
 * Returns  NULL, to be handed on.
 * Fails    never.
 * Threads  as tarn_layer_refuse.
 * Cost     O(1).
 */
TARN_API void *tarn_layer_blame(tarn_layer *layer, size_t size, tarn_spec spec);

/**
 * tarn_layer_pass - a request goes on to the parent: if it fails, the reason is the parent's.
 *
 * Fails    never.
 * Threads  as the layer.
 * Cost     a load; a store after a refusal.
 */
static TARN_FAST void tarn_layer_pass(tarn_layer *layer)
{
    if (TARN_UNLIKELY(__atomic_load_n(&layer->why_status, __ATOMIC_RELAXED) != TARN_OK))
        __atomic_store_n(&layer->why_status, (uint32_t)TARN_OK, __ATOMIC_RELAXED);
}

TARN_END_DECLS

#endif
