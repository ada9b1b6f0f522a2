/* SPDX-License-Identifier: MIT */
/* kinds_source.c - where memory comes from: libc, pages, buffer. */
#include "assemble/kinds.h"

#include <tarn/buffer.h>
#include <tarn/pages.h>

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
    {.name = NULL},
};
