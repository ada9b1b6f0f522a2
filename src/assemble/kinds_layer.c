/* SPDX-License-Identifier: MIT */
/* kinds_layer.c - the combinators. */
#include "assemble/kinds.h"

#include <tarn/affix.h>
#include <tarn/cache.h>
#include <tarn/fail.h>
#include <tarn/fallback.h>
#include <tarn/limit.h>
#include <tarn/lock.h>
#include <tarn/on_fail.h>
#include <tarn/quantize.h>
#include <tarn/scope.h>
#include <tarn/segregate.h>
#include <tarn/stats.h>

#include "base/text.h"

/* NOLINTBEGIN(misc-no-recursion): depth and definitions are bounded */
static tarn_allocator *child(const ast_node *node, size_t index)
{
    const assemble_part *part = tarn_child_part(node, index);
    return part != NULL ? part->allocator : NULL;
}

static tarn_status fallback_build(assemble_part *part, const ast_node *node)
{
    tarn_fallback *f = tarn_part_state(part);
    part->allocator = tarn_fallback_allocator(f);
    return tarn_fallback_init(f, &(tarn_fallback_options){.name = part->name,
                                                          .primary = child(node, 0),
                                                          .secondary = child(node, 1)});
}

static bool fallback_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    assemble_reach second;
    if (!tarn_node_reach(a, node->children, out) ||
        !tarn_node_reach(a, node->children->next, &second))
        return false;
    if (second.largest > out->largest)
        out->largest = second.largest;
    return true;
}

typedef struct segregate_state {
    tarn_segregate layer;
    tarn_segregate_class classes[TARN_SEGREGATE_MAX];
} segregate_state;

static tarn_status segregate_build(assemble_part *part, const ast_node *node)
{
    segregate_state *s = tarn_part_state(part);
    size_t count = 0;
    tarn_allocator *rest = NULL;
    for (const ast_node *c = node->children; c != NULL; c = c->next) {
        tarn_allocator *it = tarn_ast_target(c)->part->allocator;
        if (c->bound != 0)
            s->classes[count++] = (tarn_segregate_class){c->bound, it};
        else
            rest = it;
    }
    part->allocator = tarn_segregate_allocator(&s->layer);
    return tarn_segregate_init(
        &s->layer, &(tarn_segregate_options){
                       .name = part->name, .classes = s->classes, .count = count, .rest = rest});
}

/* A class that its child cannot serve to its end. */
static bool refuse_class(ast *a, const ast_node *c, size_t largest)
{
    char sentence[120];
    tarn_text t = tarn_text_in(sentence, sizeof sentence);
    tarn_text_put(&t, "' serves at most ");
    tarn_text_put_size(&t, largest);
    tarn_text_put(&t, " bytes, and its class goes up to ");
    tarn_text_put_size(&t, c->bound);
    return tarn_ast_error(a, c->word.at, "'", c->word, sentence);
}

static bool segregate_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    size_t last = 0;
    assemble_reach of;
    *out = (assemble_reach){0, 1};
    for (const ast_node *c = node->children; c != NULL; c = c->next) {
        if (!tarn_node_reach(a, c, &of))
            return false;
        if (c->bound == 0 && c->next != NULL)
            return tarn_ast_error(a, c->word.at, "'", c->word,
                                  "' has no size in front: only the last one may do without");
        if (c->bound != 0 && c->bound <= last)
            return tarn_ast_error(a, c->word.at, "the size in front of '", c->word,
                                  "' is not above the one before: sizes have to rise");
        if (c->bound != 0 && of.largest < c->bound)
            return refuse_class(a, c, of.largest);
        last = c->bound;
        out->largest = c->bound != 0 ? c->bound : of.largest;
    }
    if (node->children == NULL || node->children->bound == 0)
        return tarn_ast_error(a, node->word.at, "'", node->word,
                              "' needs at least one size in front, as in 64: pool 64");
    return true;
}

static tarn_status stats_build(assemble_part *part, const ast_node *node)
{
    tarn_stats_layer *s = tarn_part_state(part);
    part->allocator = tarn_stats_allocator(s);
    return tarn_stats_init(s, &(tarn_stats_options){.name = part->name,
                                                    .parent = child(node, 0),
                                                    .granted = tarn_option_flag(node, "granted")});
}

static tarn_status lock_build(assemble_part *part, const ast_node *node)
{
    tarn_lock *l = tarn_part_state(part);
    part->allocator = tarn_lock_allocator(l);
    return tarn_lock_init(l, &(tarn_lock_options){.name = part->name, .parent = child(node, 0)});
}

static tarn_status fail_build(assemble_part *part, const ast_node *node)
{
    tarn_fail *f = tarn_part_state(part);
    const tarn_fail_plan plan = {.nth = tarn_option_number(node, "nth", 0),
                                 .every = tarn_option_number(node, "every", 0),
                                 .from = tarn_option_number(node, "from", 0),
                                 .percent = (double)tarn_option_number(node, "percent", 0),
                                 .seed = tarn_option_number(node, "seed", 0)};
    part->allocator = tarn_fail_allocator(f);
    return tarn_fail_init(
        f, &(tarn_fail_options){.name = part->name, .parent = child(node, 0), .plan = plan});
}

static tarn_status affix_build(assemble_part *part, const ast_node *node)
{
    tarn_affix *x = tarn_part_state(part);
    part->allocator = tarn_affix_allocator(x);
    return tarn_affix_init(x, &(tarn_affix_options){.name = part->name,
                                                    .parent = child(node, 0),
                                                    .size = tarn_option_flag(node, "size"),
                                                    .canary = tarn_option_flag(node, "canary"),
                                                    .count = tarn_option_flag(node, "count"),
                                                    .owner = tarn_option_flag(node, "owner")});
}

/* What is put around a block has to fit below, too. */
static bool affix_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    const size_t word = sizeof(size_t);
    size_t around = 0;
    around += tarn_option_flag(node, "size") ? 2 * word : 0;
    around += tarn_option_flag(node, "canary") ? 2 * word : 0;
    around += tarn_option_flag(node, "count") ? word : 0;
    around += tarn_option_flag(node, "owner") ? word : 0;
    if (around == 0)
        return tarn_ast_error(a, node->word.at, "'", node->word,
                              "' needs what to put around blocks: size canary count owner");
    if (!tarn_node_reach(a, node->children, out))
        return false;
    if (out->largest != SIZE_MAX) {
        if (out->largest <= around)
            return tarn_ast_error(a, node->children->word.at, "the blocks of '",
                                  node->children->word,
                                  "' have no room for what affix puts around");
        out->largest -= around;
    }
    return true;
}

static tarn_status cache_build(assemble_part *part, const ast_node *node)
{
    tarn_cache *c = tarn_part_state(part);
    const tarn_cache_options o = {.name = part->name,
                                  .parent = child(node, 0),
                                  .largest = tarn_option_number(node, "largest", 0),
                                  .step = tarn_option_number(node, "step", 0),
                                  .depth = tarn_option_number(node, "depth", 0),
                                  .align = tarn_option_number(node, "align", 0),
                                  .metadata = part->metadata};
    part->allocator = tarn_cache_allocator(c);
    return tarn_cache_init(c, &o);
}

/* A size that is kept is rounded up to a step, which the parent has to serve. */
static bool cache_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    size_t step = tarn_option_number(node, "step", 16);
    if (!tarn_node_reach(a, node->children, out))
        return false;
    if (out->largest != SIZE_MAX && step > 1)
        out->largest -= out->largest % step;
    if (out->largest == 0)
        return tarn_ast_error(a, node->children->word.at, "the blocks of '", node->children->word,
                              "' are smaller than a step of the cache");
    return true;
}

static tarn_status quantize_build(assemble_part *part, const ast_node *node)
{
    tarn_quantize *q = tarn_part_state(part);
    part->allocator = tarn_quantize_allocator(q);
    return tarn_quantize_init(
        q, &(tarn_quantize_options){.name = part->name,
                                    .parent = child(node, 0),
                                    .min_size = tarn_option_number(node, "min", 0),
                                    .step = tarn_option_number(node, "step", 0),
                                    .power_of_two = tarn_option_flag(node, "powers"),
                                    .min_align = tarn_option_number(node, "align", 0)});
}

static bool quantize_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    const ast_option *align = tarn_option_find(node, "align"), *min = tarn_option_find(node, "min");
    size_t step = tarn_option_number(node, "step", 0);
    if (align != NULL && (align->number & (align->number - 1)) != 0)
        return tarn_ast_error(a, align->word.at, "the alignment ", align->word,
                              " is no power of two");
    if (!tarn_node_reach(a, node->children, out))
        return false;
    if (min != NULL && min->number > out->largest)
        return tarn_ast_error(a, min->word.at, "a smallest size of ", min->word,
                              " bytes is more than the allocator below serves");
    if (out->largest != SIZE_MAX && step > 1)
        out->largest -= out->largest % step;
    return true;
}

typedef struct limit_state {
    tarn_limit layer;
    tarn_budget budget;
} limit_state;

static tarn_status limit_build(assemble_part *part, const ast_node *node)
{
    limit_state *s = tarn_part_state(part);
    tarn_allocator *parent = child(node, 0);
    const tarn_budget_options o = {.name = part->name,
                                   .hard = tarn_option_number(node, "hard", 0),
                                   .soft = tarn_option_number(node, "soft", 0),
                                   .shared = tarn_can(parent, TARN_CAP_THREADS)};
    tarn_status status = tarn_budget_init(&s->budget, &o);
    part->allocator = tarn_limit_allocator(&s->layer);
    return status != TARN_OK
               ? status
               : tarn_limit_init(&s->layer, &(tarn_limit_options){.name = part->name,
                                                                  .parent = parent,
                                                                  .budget = &s->budget});
}

static bool limit_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    const ast_option *hard = tarn_option_find(node, "hard"), *soft = tarn_option_find(node, "soft");
    if (!tarn_node_reach(a, node->children, out))
        return false;
    if (hard == NULL)
        return soft != NULL || tarn_ast_error(a, node->word.at, "'", node->word,
                                              "' needs a limit, as in limit(heap, hard=64M)");
    if (hard->number < out->least)
        return tarn_ast_error(a, hard->word.at, "a limit of ", hard->word,
                              " bytes is below the least that the allocator below gives at a time");
    if (soft != NULL && soft->number > hard->number)
        return tarn_ast_error(a, soft->word.at, "the soft limit ", soft->word,
                              " is above the hard one");
    if (hard->number < out->largest)
        out->largest = hard->number;
    return true;
}

static tarn_status on_fail_build(assemble_part *part, const ast_node *node)
{
    tarn_on_fail *f = tarn_part_state(part);
    part->allocator = tarn_on_fail_allocator(f);
    return tarn_on_fail_init(f, &(tarn_on_fail_options){.name = part->name,
                                                        .parent = child(node, 0),
                                                        .fatal = tarn_option_flag(node, "fatal")});
}

static tarn_status scope_build(assemble_part *part, const ast_node *node)
{
    tarn_scope *s = tarn_part_state(part);
    part->allocator = tarn_scope_allocator(s);
    return tarn_scope_init(s, &(tarn_scope_options){.name = part->name, .parent = child(node, 0)});
}

/* The link in front of each block takes four words. */
static bool scope_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    const size_t link = 4 * sizeof(size_t);
    if (!tarn_node_reach(a, node->children, out))
        return false;
    if (out->largest != SIZE_MAX && out->largest <= link)
        return tarn_ast_error(a, node->children->word.at, "the blocks of '", node->children->word,
                              "' have no room for a scope's link");
    out->largest -= out->largest != SIZE_MAX ? link : 0;
    return true;
}

#define END                                                                                        \
    {                                                                                              \
        NULL, AST_FLAG, NULL                                                                       \
    }

static const assemble_option STATS[] = {{"granted", AST_FLAG, NULL}, END},
                             FAIL[] = {{"nth", AST_NUMBER, NULL},  {"every", AST_NUMBER, NULL},
                                       {"from", AST_NUMBER, NULL}, {"percent", AST_NUMBER, NULL},
                                       {"seed", AST_NUMBER, NULL}, END},
                             AFFIX[] = {{"size", AST_FLAG, NULL},
                                        {"canary", AST_FLAG, NULL},
                                        {"count", AST_FLAG, NULL},
                                        {"owner", AST_FLAG, NULL},
                                        END},
                             CACHE[] = {{"largest", AST_NUMBER, NULL},
                                        {"step", AST_NUMBER, NULL},
                                        {"depth", AST_NUMBER, NULL},
                                        {"align", AST_NUMBER, NULL},
                                        END},
                             QUANTIZE[] = {{"min", AST_NUMBER, NULL},
                                           {"step", AST_NUMBER, NULL},
                                           {"powers", AST_FLAG, NULL},
                                           {"align", AST_NUMBER, NULL},
                                           END},
                             LIMIT[] = {{"hard", AST_NUMBER, NULL},
                                        {"soft", AST_NUMBER, NULL},
                                        END},
                             ON_FAIL[] = {{"fatal", AST_FLAG, NULL}, END};

/* A layer over so many allocators. */
#define LAYER(word, type, children, list, function)                                                \
    .name = (word), .is_allocator = true, .least = (children), .most = (children),                 \
    .options = (list), .state = sizeof(type), .build = (function)

const assemble_kind tarn_layer_kinds[] = {
    {LAYER("fallback", tarn_fallback, 2, NULL, fallback_build), .reach = fallback_reach},
    {.name = "segregate",
     .is_allocator = true,
     .bounds = true,
     .least = 1,
     .most = TARN_SEGREGATE_MAX,
     .state = sizeof(segregate_state),
     .build = segregate_build,
     .reach = segregate_reach},
    {LAYER("stats", tarn_stats_layer, 1, STATS, stats_build)},
    {LAYER("lock", tarn_lock, 1, NULL, lock_build)},
    {LAYER("fail", tarn_fail, 1, FAIL, fail_build)},
    {LAYER("affix", tarn_affix, 1, AFFIX, affix_build), .reach = affix_reach},
    {LAYER("cache", tarn_cache, 1, CACHE, cache_build), .reach = cache_reach},
    {LAYER("quantize", tarn_quantize, 1, QUANTIZE, quantize_build), .reach = quantize_reach},
    {LAYER("limit", limit_state, 1, LIMIT, limit_build), .reach = limit_reach},
    {LAYER("on_fail", tarn_on_fail, 1, ON_FAIL, on_fail_build)},
    {LAYER("scope", tarn_scope, 1, NULL, scope_build), .reach = scope_reach},
    {.name = NULL},
};
/* NOLINTEND(misc-no-recursion) */
