/* SPDX-License-Identifier: MIT */
/*
 * kinds_strategy.c - pool, shared, arena, stack, ring, slab, buddy, tlsf.
 *
 * Each takes at most one child: where its memory comes from. A buffer is used whole, by the strategy
 * that has it for itself; anything else is asked for chunks.
 */
#include "assemble/kinds.h"

#include <tarn/arena.h>
#include <tarn/buddy.h>
#include <tarn/pool.h>
#include <tarn/ring.h>
#include <tarn/shared_pool.h>
#include <tarn/slab.h>
#include <tarn/stack.h>
#include <tarn/tlsf.h>

/* What the child gives: one of these, or nothing for libc. */
typedef struct place {
    tarn_source *source;
    tarn_allocator *parent;
    void *buffer;
    size_t size;
} place;

/* The parent named by the text; the metadata's allocator where the text names none. */
static place place_of(const assemble_part *part, const ast_node *node)
{
    const assemble_part *child = tarn_child_part(node, 0);
    if (child == NULL)
        return (place){.parent = part->metadata};
    /* A buffer with a name may be shared: then it gives regions. */
    if (tarn_word_is(tarn_ast_target(node->children)->word, "buffer") &&
        node->children->kind != NULL)
        return (place){.buffer = child->extra, .size = child->extra_size};
    if (child->source != NULL)
        return (place){.source = child->source};
    return (place){.parent = child->allocator};
}

static tarn_status pool_build(assemble_part *part, const ast_node *node)
{
    const place p = place_of(part, node);
    tarn_pool *pool = tarn_part_state(part);
    const tarn_pool_options o = {
        .block_size = node->size,
        .align = tarn_option_number(node, "align", 0),
        .capacity = tarn_option_number(node, "capacity", 0),
        .limit = tarn_option_number(node, "limit", 0),
        .chunk_size = tarn_option_number(node, "chunk", 0),
        .source = p.source,
        .parent = p.parent,
        .buffer = p.buffer,
        .buffer_size = p.size,
        .exact = tarn_option_flag(node, "exact"),
        .check = tarn_option_flag(node, "check"),
        .name = part->name,
    };
    tarn_status status = tarn_pool_init(pool, &o);
    part->allocator = tarn_pool_allocator(pool);
    return status;
}

static bool pool_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    (void)a;
    *out = (assemble_reach){node->size, node->size};
    return true;
}

static tarn_status shared_build(assemble_part *part, const ast_node *node)
{
    const place p = place_of(part, node);
    tarn_shared_pool *pool = tarn_part_state(part);
    const tarn_shared_pool_options o = {
        .block_size = node->size,
        .align = tarn_option_number(node, "align", 0),
        .limit = tarn_option_number(node, "limit", 0),
        .chunk_size = tarn_option_number(node, "chunk", 0),
        .source = p.source,
        .parent = p.parent,
        .exact = tarn_option_flag(node, "exact"),
        .check = tarn_option_flag(node, "check"),
        .name = part->name,
    };
    tarn_status status = tarn_shared_pool_init(pool, &o);
    part->allocator = tarn_shared_pool_allocator(pool);
    return status;
}

static bool shared_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    *out = (assemble_reach){node->size, node->size};
    return node->children == NULL || node->children->kind == NULL ||
           !tarn_word_is(node->children->word, "buffer") ||
           tarn_ast_error(a, node->children->word.at,
                          "a shared pool grows: give the buffer a name of its own, and '",
                          node->word, "' chunks of it");
}

static tarn_status ring_build(assemble_part *part, const ast_node *node)
{
    const place p = place_of(part, node);
    tarn_ring *ring = tarn_part_state(part);
    const tarn_ring_options o = {
        .name = part->name,
        .source = p.source,
        .parent = p.parent,
        .buffer = p.buffer,
        .buffer_size = p.size,
        .capacity = p.buffer == NULL ? node->size : 0,
        .check = tarn_option_flag(node, "check"),
    };
    tarn_status status = tarn_ring_init(ring, &o);
    part->allocator = tarn_ring_allocator(ring);
    return status;
}

static tarn_status arena_build(assemble_part *part, const ast_node *node)
{
    const place p = place_of(part, node);
    tarn_arena *arena = tarn_part_state(part);
    const tarn_arena_options o = {
        .name = part->name,
        .source = p.source,
        .parent = p.parent,
        .buffer = p.buffer,
        .buffer_size = p.size,
        .chunk_size = tarn_option_number(node, "chunk", 0),
        .chunk_max = tarn_option_number(node, "chunk_max", 0),
        .reserve = tarn_option_number(node, "reserve", 0),
        .limit = tarn_option_number(node, "limit", 0),
        .down = tarn_option_flag(node, "down"),
        .check = tarn_option_flag(node, "check"),
    };
    tarn_status status = tarn_arena_init(arena, &o);
    part->allocator = tarn_arena_allocator(arena);
    return status;
}

static tarn_status stack_build(assemble_part *part, const ast_node *node)
{
    const place p = place_of(part, node);
    tarn_stack *stack = tarn_part_state(part);
    const tarn_stack_options o = {
        .name = part->name,
        .source = p.source,
        .parent = p.parent,
        .buffer = p.buffer,
        .buffer_size = p.size,
        .size = p.buffer == NULL ? node->size : 0,
        .check = tarn_option_flag(node, "check"),
    };
    tarn_status status = tarn_stack_init(stack, &o);
    part->allocator = tarn_stack_allocator(stack, TARN_STACK_LOW);
    return status;
}

static tarn_status slab_build(assemble_part *part, const ast_node *node)
{
    const place p = place_of(part, node);
    tarn_slab *slab = tarn_part_state(part);
    const tarn_slab_options o = {
        .smallest = tarn_option_number(node, "smallest", 0),
        .largest = tarn_option_number(node, "largest", 0),
        .waste = (unsigned)tarn_option_number(node, "waste", 0),
        .page_size = tarn_option_number(node, "page", 0),
        .limit = tarn_option_number(node, "limit", 0),
        .source = p.source,
        .buffer = p.buffer,
        .buffer_size = p.size,
        .parent = p.parent,
        .refuse_large = tarn_option_flag(node, "refuse_large"),
        .check = tarn_option_flag(node, "check"),
        .name = part->name,
    };
    tarn_status status = tarn_slab_init(slab, &o);
    part->allocator = tarn_slab_allocator(slab);
    return status;
}

static tarn_status buddy_build(assemble_part *part, const ast_node *node)
{
    const place p = place_of(part, node);
    tarn_buddy *buddy = tarn_part_state(part);
    const tarn_buddy_options o = {
        .size = p.buffer == NULL ? node->size : 0,
        .min_block = tarn_option_number(node, "min", 0),
        .lazy = tarn_option_number(node, "lazy", 0),
        .source = p.source,
        .parent = p.parent,
        .buffer = p.buffer,
        .buffer_size = p.size,
        .check = tarn_option_flag(node, "check"),
        .name = part->name,
    };
    tarn_status status = tarn_buddy_init(buddy, &o);
    part->allocator = tarn_buddy_allocator(buddy);
    return status;
}

/* One run: of the size behind the word, or a buffer that it has for itself. */
static bool one_run_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    bool has_buffer = node->children != NULL && node->children->kind != NULL &&
                      tarn_word_is(node->children->word, "buffer");
    *out = (assemble_reach){SIZE_MAX, 1};
    if (node->has_size == has_buffer)
        return tarn_ast_error(a, node->word.at, "'", node->word,
                              has_buffer
                                  ? "' has its size from its buffer: leave one of the two out"
                                  : "' needs its size behind it, or a buffer to live in");
    out->largest = has_buffer ? node->children->size : node->size;
    return true;
}

static tarn_status tlsf_build(assemble_part *part, const ast_node *node)
{
    const place p = place_of(part, node);
    tarn_tlsf *tlsf = tarn_part_state(part);
    const tarn_tlsf_options o = {
        .buffer = p.buffer,
        .buffer_size = p.size,
        .source = p.source,
        .parent = p.parent,
        .chunk_size = tarn_option_number(node, "chunk", 0),
        .limit = tarn_option_number(node, "limit", 0),
        .check = tarn_option_flag(node, "check"),
        .name = part->name,
    };
    tarn_status status = tarn_tlsf_init(tlsf, &o);
    part->allocator = tarn_tlsf_allocator(tlsf);
    return status;
}

static bool buffer_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    const ast_node *child = node->children;
    (void)a;
    *out = (assemble_reach){SIZE_MAX, 1};
    if (child != NULL && tarn_ast_target(child)->kind->size_is != NULL &&
        tarn_word_is(tarn_ast_target(child)->word, "buffer"))
        out->largest = tarn_ast_target(child)->size;
    return true;
}

#define CHECK                                                                                      \
    {                                                                                              \
        "check", AST_FLAG, NULL                                                                    \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, AST_FLAG, NULL                                                                       \
    }

static const assemble_option
    POOL[] = {{"align", AST_NUMBER, NULL},
              {"capacity", AST_NUMBER, NULL},
              {"limit", AST_NUMBER, NULL},
              {"chunk", AST_NUMBER, NULL},
              {"exact", AST_FLAG, NULL},
              CHECK,
              END},
    ARENA[] = {{"chunk", AST_NUMBER, NULL},
               {"chunk_max", AST_NUMBER, NULL},
               {"reserve", AST_NUMBER, NULL},
               {"limit", AST_NUMBER, NULL},
               {"down", AST_FLAG, NULL},
               CHECK,
               END},
    STACK[] = {CHECK, END},
    SHARED[] = {{"align", AST_NUMBER, NULL},
                {"limit", AST_NUMBER, NULL},
                {"chunk", AST_NUMBER, NULL},
                {"exact", AST_FLAG, NULL},
                CHECK,
                END},
    SLAB[] = {{"smallest", AST_NUMBER, NULL},
              {"largest", AST_NUMBER, NULL},
              {"waste", AST_NUMBER, NULL},
              {"page", AST_NUMBER, NULL},
              {"limit", AST_NUMBER, NULL},
              {"refuse_large", AST_FLAG, NULL},
              CHECK,
              END},
    BUDDY[] = {{"min", AST_NUMBER, NULL}, {"lazy", AST_NUMBER, NULL}, CHECK, END},
    TLSF[] = {{"chunk", AST_NUMBER, NULL}, {"limit", AST_NUMBER, NULL}, CHECK, END};

/* All of them: at most one child, where memory comes from. */
#define STRATEGY(word, type, list)                                                                 \
    .name = (word), .is_allocator = true, .child_is_source = true, .most = 1, .options = (list),   \
    .state = sizeof(type)

const assemble_kind tarn_strategy_kinds[] = {
    {STRATEGY("pool", tarn_pool, POOL), .size_is = "the size of its blocks", .size_needed = true,
     .build = pool_build, .reach = pool_reach},
    {STRATEGY("shared", tarn_shared_pool, SHARED), .size_is = "the size of its blocks",
     .size_needed = true, .build = shared_build, .reach = shared_reach},
    {STRATEGY("arena", tarn_arena, ARENA), .build = arena_build, .reach = buffer_reach},
    {STRATEGY("stack", tarn_stack, STACK), .size_is = "its size", .build = stack_build,
     .reach = one_run_reach},
    {STRATEGY("ring", tarn_ring, STACK), .size_is = "its size", .build = ring_build,
     .reach = one_run_reach},
    {STRATEGY("slab", tarn_slab, SLAB), .build = slab_build, .reach = buffer_reach},
    {STRATEGY("buddy", tarn_buddy, BUDDY), .size_is = "its size", .build = buddy_build,
     .reach = one_run_reach},
    {STRATEGY("tlsf", tarn_tlsf, TLSF), .build = tlsf_build, .reach = buffer_reach},
    {.name = NULL},
};
