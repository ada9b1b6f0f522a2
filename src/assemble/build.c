/* SPDX-License-Identifier: MIT */
/*
 * build.c - a checked composition becomes allocators.
 *
 *     definitions ──► names resolved, cycles refused ──► nodes held against their kinds, sizes against
 *     each other ──► built: children first, each definition once ──► ended in the opposite order
 *
 * I1  After resolve() every node has a kind, or refers to a definition, and following references ends.
 * I2  The parts are a list, the newest first; each part's children are older than it. So ending the
 *     list from its head ends nothing that is still used.
 * I3  Nothing is built from a text that does not pass all checks; when a part refuses, those before
 *     it are ended and the caller has nothing.
 */
#include <tarn/build.h>

#include "assemble/kinds.h"
#include "base/mem.h"
#include "base/text.h"

enum { DEFINITIONS = 256 }; /* with the parser's depth this bounds every recursion */

/* A definition that is an allocator. */
typedef struct built_name {
    struct built_name *next;
    const char *name;
    tarn_allocator *allocator;
} built_name;

struct tarn_built {
    tarn_allocator *metadata;
    assemble_part *newest;
    tarn_arena names; /* the definitions' names, and the list of them */
    built_name *first;
    tarn_allocator *main;
};

static const ast_word NO_WORD = {NULL, 0};

/* NOLINTBEGIN(misc-no-recursion): depth and definitions are bounded */
/* ── Checks ────────────────────────────────────────────────────────────────────────────────── */

static bool resolve_node(ast *a, ast_node *node);

static bool resolve_definition(ast *a, ast_definition *d, ast_word from)
{
    if (d->state == AST_DONE)
        return true;
    if (d->state == AST_ENTERED)
        return tarn_ast_error(a, from.at, "'", from,
                              "' is made of itself: names go round in a cycle");
    d->state = AST_ENTERED;
    if (!resolve_node(a, d->node))
        return false;
    d->state = AST_DONE;
    return true;
}

static bool resolve_node(ast *a, ast_node *node)
{
    if (node->kind == NULL) {
        node->refers = tarn_ast_find(a, node->word);
        if (node->refers == NULL)
            return tarn_kind_unknown(a, node->word);
        return resolve_definition(a, node->refers, node->word);
    }
    for (ast_node *child = node->children; child != NULL; child = child->next) {
        if (!resolve_node(a, child))
            return false;
    }
    assemble_reach reach;
    return tarn_kind_accepts(a, node) && tarn_node_reach(a, node, &reach);
}

static bool check(ast *a)
{
    size_t count = 0;
    for (ast_definition *d = a->first; d != NULL; d = d->next) {
        if (++count > DEFINITIONS)
            return tarn_ast_error(a, d->name.at, "'", d->name,
                                  "' is one name too many: at most 256");
        if (!resolve_definition(a, d, d->name))
            return false;
    }
    const ast_definition *main = tarn_ast_find(a, (ast_word){"main", 4});
    const ast_node *last = tarn_ast_target((main != NULL ? main : a->last)->node);
    if (!last->kind->is_allocator)
        return tarn_ast_error(a, last->word.at, "'", last->word,
                              "' is where memory comes from, not an allocator: put one over it");
    return true;
}

/* ── Building ──────────────────────────────────────────────────────────────────────────────── */

static void end_part(assemble_part *part)
{
    if (part->allocator != NULL)
        tarn_deinit(part->allocator);
    else if (part->source != NULL && part->source->ops->deinit != NULL)
        part->source->ops->deinit(part->source);
    tarn_free(part->metadata, part->extra, part->extra_size, TARN_ALIGN_MAX);
    tarn_free(part->metadata, part, part->bytes, TARN_ALIGN_MAX);
}

/* A part's constructor refused: which, and why. */
static bool refused(ast *a, const ast_node *node, tarn_status status)
{
    char why[160];
    tarn_text t = tarn_text_in(why, sizeof why);
    tarn_text_put(&t, "' could not be built: ");
    tarn_text_put(&t, tarn_status_text(status));
    (void)tarn_ast_error(a, node->word.at, "'", node->word, why);
    a->error->status = status;
    return false;
}

static bool build_node(ast *a, tarn_built *b, ast_node *node, const char *name);

static bool build_children(ast *a, tarn_built *b, const ast_node *node)
{
    for (ast_node *child = node->children; child != NULL; child = child->next) {
        if (!build_node(a, b, child, NULL))
            return false;
    }
    return true;
}

static const char *name_of(tarn_built *b, const ast_definition *d)
{
    return tarn_arena_strndup(&b->names, d->name.at, d->name.length);
}

static bool build_node(ast *a, tarn_built *b, ast_node *node, const char *name)
{
    if (node->kind == NULL) {
        name = name_of(b, node->refers);
        return name != NULL ? build_node(a, b, node->refers->node, name)
                            : refused(a, node, TARN_NO_MEMORY);
    }
    if (node->part != NULL)
        return true;
    if (!build_children(a, b, node))
        return false;
    size_t bytes = sizeof(assemble_part) + node->kind->state;
    assemble_part *part = tarn_alloc(b->metadata, bytes, TARN_ALIGN_MAX | TARN_ZERO);
    if (part == NULL)
        return refused(a, node, TARN_NO_MEMORY);
    part->kind = node->kind;
    part->name = name;
    part->metadata = b->metadata;
    part->bytes = bytes;
    tarn_status status = node->kind->build(part, node);
    if (status != TARN_OK) {
        part->allocator = NULL; /* it does not stand: there is nothing to deinitialise */
        part->source = NULL;
        end_part(part);
        return refused(a, node, status);
    }
    part->earlier = b->newest;
    b->newest = part;
    node->part = part;
    return true;
}

static bool is_same(const char *a, const char *b)
{
    size_t length = strlen(a);
    return length == strlen(b) && memcmp(a, b, length) == 0;
}

/* Notes a definition that is an allocator. `main` is the one that is called so, or else the last. */
static bool enter_name(ast *a, tarn_built *b, const ast_definition *d, const char *name)
{
    tarn_allocator *it = tarn_ast_target(d->node)->part->allocator;
    if (it == NULL)
        return true;
    built_name *entry = tarn_arena_alloc(&b->names, sizeof *entry, TARN_SPEC_OF(built_name));
    if (entry == NULL)
        return refused(a, d->node, TARN_NO_MEMORY);
    *entry = (built_name){b->first, name, it};
    b->first = entry;
    if (tarn_built_find(b, "main") == NULL || is_same(name, "main"))
        b->main = it;
    return true;
}

static bool build_all(ast *a, tarn_built *b)
{
    for (ast_definition *d = a->first; d != NULL; d = d->next) {
        const char *name = name_of(b, d);
        if (name == NULL)
            return refused(a, d->node, TARN_NO_MEMORY);
        if (!build_node(a, b, d->node, name) || !enter_name(a, b, d, name))
            return false;
    }
    return true;
}

/* ── The interface ─────────────────────────────────────────────────────────────────────────── */

static tarn_built *build_checked(ast *a, tarn_allocator *metadata)
{
    tarn_built *b = tarn_alloc(metadata, sizeof *b, TARN_SPEC_OF(tarn_built) | TARN_ZERO);
    if (b == NULL ||
        tarn_arena_init(&b->names, &(tarn_arena_options){.parent = metadata, .chunk_size = 1024}) !=
            TARN_OK) {
        tarn_free(metadata, b, sizeof *b, TARN_SPEC_OF(tarn_built));
        (void)refused(a, a->last->node, TARN_NO_MEMORY);
        return NULL;
    }
    b->metadata = metadata;
    if (build_all(a, b))
        return b;
    tarn_built_destroy(b);
    return NULL;
}

tarn_built *tarn_build(const char *text, tarn_allocator *metadata, tarn_build_error *error)
{
    tarn_build_error own = {0};
    ast a = {.text = text, .error = error != NULL ? error : &own};
    tarn_built *b = NULL;
    memset(a.error, 0, sizeof *a.error);
    metadata = metadata != NULL ? metadata : tarn_libc();
    if (metadata == NULL ||
        tarn_arena_init(&a.arena, &(tarn_arena_options){.parent = metadata, .chunk_size = 4096}) !=
            TARN_OK) {
        (void)tarn_ast_error(&a, text, "no memory to read the text with", NO_WORD, "");
        a.error->status = TARN_NO_MEMORY;
        return NULL;
    }
    if (tarn_ast_parse(&a) && check(&a))
        b = build_checked(&a, metadata);
    tarn_arena_deinit(&a.arena);
    return b;
}

tarn_allocator *tarn_built_main(const tarn_built *b)
{
    return b->main;
}

tarn_allocator *tarn_built_find(const tarn_built *b, const char *name)
{
    for (const built_name *entry = b->first; entry != NULL; entry = entry->next) {
        if (is_same(entry->name, name))
            return entry->allocator;
    }
    return NULL;
}

void tarn_built_destroy(tarn_built *b)
{
    if (b == NULL)
        return;
    while (b->newest != NULL) {
        assemble_part *part = b->newest;
        b->newest = part->earlier;
        end_part(part);
    }
    tarn_arena_deinit(&b->names);
    tarn_free(b->metadata, b, sizeof *b, TARN_SPEC_OF(tarn_built));
}
/* NOLINTEND(misc-no-recursion) */
