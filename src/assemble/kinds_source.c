/* SPDX-License-Identifier: MIT */
/* kinds_source.c - where memory comes from: libc, pages, buffer, file, spans. */
#include "assemble/kinds.h"

#include <tarn/buffer.h>
#include <tarn/file.h>
#include <tarn/pages.h>
#include <tarn/spans.h>

#include "base/mem.h"

static tarn_status libc_build(assemble_part *part, const ast_node *node)
{
    (void)node;
    part->allocator = tarn_libc();
    return part->allocator != NULL ? TARN_OK : TARN_UNSUPPORTED;
}

static tarn_status pages_build(assemble_part *part, const ast_node *node)
{
    tarn_pages *pages = tarn_part_state(part);
    const tarn_pages_options o = {
        .name = part->name,
        .huge = (tarn_huge)tarn_option_word(node, "huge", TARN_HUGE_OFF),
        .huge_size = tarn_option_number(node, "huge_size", 0),
        .numa = (tarn_numa)tarn_option_word(node, "numa", TARN_NUMA_OFF),
        .populate = tarn_option_flag(node, "populate"),
        .limit = tarn_option_number(node, "limit", 0),
    };
    tarn_status status = tarn_pages_init(pages, &o);
    part->source = &pages->source;
    part->allocator = tarn_pages_allocator(pages);
    return status;
}

enum { PAGE = 4096 };

/* A limit that no region fits in would refuse everything. */
static bool pages_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    const ast_option *limit = tarn_option_find(node, "limit");
    *out = (assemble_reach){SIZE_MAX, PAGE};
    return limit == NULL || limit->number >= PAGE ||
           tarn_ast_error(a, limit->word.at, "a limit of ", limit->word,
                          " bytes is below one page of 4096: nothing could be had");
}

static tarn_status buffer_build(assemble_part *part, const ast_node *node)
{
    tarn_buffer *buffer = tarn_part_state(part);
    part->extra = tarn_alloc(part->metadata, node->size, TARN_ALIGN_MAX);
    if (part->extra == NULL)
        return TARN_NO_MEMORY;
    part->extra_size = node->size;
    part->source = tarn_buffer_init(buffer, part->extra, node->size);
    return TARN_OK;
}

/* The path, as a string that ends with the part. */
static tarn_status file_build(assemble_part *part, const ast_node *node)
{
    tarn_file *file = tarn_part_state(part);
    const ast_option *path = tarn_option_find(node, "path");
    char *name = NULL;
    if (path != NULL) {
        part->extra_size = path->word.length + 1;
        part->extra = name = tarn_alloc(part->metadata, part->extra_size, TARN_ALIGN_MAX);
        if (name == NULL)
            return TARN_NO_MEMORY;
        memcpy(name, path->word.at, path->word.length);
        name[path->word.length] = 0;
    }
    const tarn_file_options o = {
        .name = name,
        .kind = path != NULL ? TARN_FILE_PATH : TARN_FILE_MEMORY,
        .limit = node->size,
        .sparse = tarn_option_flag(node, "sparse"),
    };
    tarn_status status = tarn_file_init(file, &o);
    part->source = &file->source;
    return status;
}

static tarn_status spans_build(assemble_part *part, const ast_node *node)
{
    const assemble_part *below = tarn_child_part(node, 0);
    tarn_spans *spans = tarn_part_state(part);
    if (below == NULL || below->source == NULL)
        return TARN_BAD_ARGUMENT;
    const tarn_spans_options o = {
        .source = below->source,
        .records = part->metadata,
        .first = tarn_option_number(node, "first", 0),
        .most = tarn_option_number(node, "most", 0),
        .policy = (tarn_spans_policy)tarn_option_word(node, "policy", TARN_SPANS_DOUBLE),
        .decay_ms = (uint32_t)tarn_option_number(node, "decay_ms", 0),
        .idle_limit = tarn_option_number(node, "idle", 0),
        .shared = tarn_option_flag(node, "shared"),
        .name = part->name,
    };
    tarn_status status = tarn_spans_init(spans, &o);
    part->source = &spans->source;
    return status;
}

static bool spans_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    const assemble_kind *below = tarn_ast_target(node->children)->kind;
    *out = (assemble_reach){SIZE_MAX, PAGE};
    return below->is_source ||
           tarn_ast_error(a, node->children->word.at, "'", node->children->word,
                          "' gives blocks; spans need a source of regions, as pages");
}

static const assemble_option FILE_OPTIONS[] = {{"path", AST_TEXT, NULL},
                                               {"sparse", AST_FLAG, NULL},
                                               {NULL, AST_FLAG, NULL}},
                             SPANS[] = {{"first", AST_NUMBER, NULL},
                                        {"most", AST_NUMBER, NULL},
                                        {"policy", AST_TEXT, "double fixed"},
                                        {"decay_ms", AST_NUMBER, NULL},
                                        {"idle", AST_NUMBER, NULL},
                                        {"shared", AST_FLAG, NULL},
                                        {NULL, AST_FLAG, NULL}};

static const assemble_option PAGES[] = {{"huge", AST_TEXT, "off advise explicit"},
                                        {"huge_size", AST_NUMBER, NULL},
                                        {"numa", AST_TEXT, "off prefer bind interleave"},
                                        {"populate", AST_FLAG, NULL},
                                        {"limit", AST_NUMBER, NULL},
                                        {NULL, AST_FLAG, NULL}};

const assemble_kind tarn_source_kinds[] = {
    {.name = "libc", .is_allocator = true, .build = libc_build},
    {.name = "pages",
     .is_allocator = true,
     .is_source = true,
     .options = PAGES,
     .state = sizeof(tarn_pages),
     .build = pages_build,
     .reach = pages_reach},
    {.name = "buffer",
     .is_source = true,
     .size_is = "its size",
     .size_needed = true,
     .state = sizeof(tarn_buffer),
     .build = buffer_build},
    {.name = "file",
     .is_source = true,
     .size_is = "the size that it may grow to",
     .size_needed = true,
     .options = FILE_OPTIONS,
     .state = sizeof(tarn_file),
     .build = file_build},
    {.name = "spans",
     .is_source = true,
     .child_is_source = true,
     .least = 1,
     .most = 1,
     .options = SPANS,
     .state = sizeof(tarn_spans),
     .build = spans_build,
     .reach = spans_reach},
    {.name = NULL},
};
