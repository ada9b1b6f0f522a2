/* SPDX-License-Identifier: MIT */
/*
 * kinds.h - the words of the language: what each part takes, and how it is built.
 *
 * A kind is one entry of a table; kinds_source.c, kinds_strategy.c and kinds_layer.c have them. The
 * parser and the builder know nothing else of any part.
 */
#ifndef TARN_ASSEMBLE_KINDS_H
#define TARN_ASSEMBLE_KINDS_H

#include "assemble/ast.h"

#include <tarn/source.h>

/* A part that stands. */
typedef struct assemble_part {
    struct assemble_part *earlier; /* built before this one; ended after it */
    const struct assemble_kind *kind;
    const char *name;          /* of its definition; NULL: it has none           */
    tarn_allocator *allocator; /* NULL: it is none                               */
    tarn_source *source;       /* NULL: it is none                               */
    tarn_allocator *metadata;  /* where it came from                             */
    void *extra;               /* a buffer that ends with it                     */
    size_t extra_size, bytes;  /* bytes of extra; of this struct with its state  */
    max_align_t state[];       /* the kind's own                                 */
} assemble_part;

typedef struct assemble_option {
    const char *name;
    ast_value type;
    const char *words; /* AST_TEXT: the words it may be, separated by blanks; NULL: any text */
} assemble_option;

/* What a part serves, as far as the text tells. */
typedef struct assemble_reach {
    size_t largest; /* bytes, the largest request; SIZE_MAX: no limit of its own */
    size_t least;   /* bytes, what the smallest request takes                    */
} assemble_reach;

typedef struct assemble_kind {
    const char *name;
    const char *size_is; /* what the size behind the word is; NULL: it takes none   */
    bool size_needed;
    bool is_source; /* can stand where memory comes from; also an allocator if is_allocator */
    bool is_allocator;
    bool child_is_source; /* its child is where memory comes from: a source, or any allocator */
    bool bounds;          /* its children have sizes in front                                 */
    unsigned least, most; /* children                                                         */
    const assemble_option *options; /* ended by one without a name; NULL: none */
    size_t state;                   /* bytes */
    tarn_status (*build)(assemble_part *part, const ast_node *node);
    /* NULL: without limit for a part without children, else that of its only child. false with the
       error when it cannot work. */
    bool (*reach)(ast *a, const ast_node *node, assemble_reach *out);
} assemble_kind;

/* The table, in three rooms; each ended by an entry without a name. */
extern const assemble_kind tarn_source_kinds[], tarn_strategy_kinds[], tarn_layer_kinds[];

/* NULL when there is no part of that name. */
const assemble_kind *tarn_kind_find(ast_word word);
bool tarn_kind_has_flag(const assemble_kind *kind, ast_word word);

/* The error that names all known parts and definitions. Returns false. */
bool tarn_kind_unknown(ast *a, ast_word word);

/* Size, children and options of a node are what its kind takes. */
bool tarn_kind_accepts(ast *a, const ast_node *node);

/* Options by name, for build functions: the default when it is not there. */
size_t tarn_option_number(const ast_node *node, const char *name, size_t otherwise);
bool tarn_option_flag(const ast_node *node, const char *name);
/* Which of the kind's words, from 0; otherwise when it is not there. */
unsigned tarn_option_word(const ast_node *node, const char *name, unsigned otherwise);
/* The text itself; NULL when it is not there. */
const ast_option *tarn_option_find(const ast_node *node, const char *name);

/* The part of the index-th child; NULL when there are not so many. */
const assemble_part *tarn_child_part(const ast_node *node, size_t index);
static inline void *tarn_part_state(assemble_part *part)
{
    return part->state;
}

/* The child that a name stands for, or the child itself. */
const ast_node *tarn_ast_target(const ast_node *node);

/* What a node serves; see assemble_kind.reach. */
bool tarn_node_reach(ast *a, const ast_node *node, assemble_reach *out);

#endif
