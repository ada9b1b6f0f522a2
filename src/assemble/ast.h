/* SPDX-License-Identifier: MIT */
/*
 * ast.h - a parsed composition: definitions, each an expression of nodes.
 *
 *     main = segregate(64: pool 64, rest)          main ──► segregate ──┬─ 64: ─► pool, size 64
 *                                                                       └───────► a name: rest
 *
 * All of it lives in one arena and ends with it. Words point into the text.
 *
 * I1  A node is either a part (kind is set) or a name that stands for a definition (refers is set,
 *     once names are resolved).
 */
#ifndef TARN_ASSEMBLE_AST_H
#define TARN_ASSEMBLE_AST_H

#include <tarn/arena.h>
#include <tarn/build.h>

typedef struct ast_node ast_node;
typedef struct ast_definition ast_definition;
struct assemble_kind;
struct assemble_part;

/* A piece of the text. */
typedef struct ast_word {
    const char *at;
    size_t length; /* bytes */
} ast_word;

typedef enum ast_value { AST_FLAG, AST_NUMBER, AST_TEXT } ast_value;

/* key = value, or key alone. */
typedef struct ast_option {
    struct ast_option *next;
    ast_word key, word; /* word: the value as it is written, without quotes */
    ast_value type;
    size_t number;
} ast_option;

struct ast_node {
    ast_word word;
    const struct assemble_kind *kind;
    ast_definition *refers;
    bool has_size;
    size_t size;  /* the number after the word         */
    size_t bound; /* the number before it, as in 64:; 0: none */
    ast_option *options;
    ast_node *children, *next;
    size_t child_count;
    struct assemble_part *part; /* what was built for it */
};

struct ast_definition {
    ast_definition *next;
    ast_word name;
    ast_node *node;
    enum { AST_FRESH, AST_ENTERED, AST_DONE } state; /* for finding cycles */
};

/* What parsing and checking share. */
typedef struct ast {
    const char *text;
    tarn_arena arena;
    ast_definition *first, *last;
    tarn_build_error *error;
} ast;

/* Parse a->text into definitions. false with the error filled in. */
bool tarn_ast_parse(ast *a);

/* The error of this place: a sentence of up to three pieces. Returns false. */
bool tarn_ast_error(ast *a, const char *at, const char *first, ast_word middle, const char *last);

/* Is the word this string? */
bool tarn_word_is(ast_word word, const char *text);

/* The definition of that name, NULL when there is none. */
ast_definition *tarn_ast_find(const ast *a, ast_word name);

#endif
