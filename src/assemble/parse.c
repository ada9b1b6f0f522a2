/* SPDX-License-Identifier: MIT */
/*
 * parse.c - text into definitions, by recursive descent.
 *
 *     text       = { definition [ ";" ] } | expression
 *     definition = NAME "=" expression
 *     expression = WORD [ SIZE ] [ "(" [ argument { "," argument } ] ")" ]
 *     argument   = SIZE ":" expression | NAME "=" value | expression
 *     value      = SIZE | WORD | STRING
 *
 * I1  depth counts open parentheses; there are at most DEPTH, so the stack is bounded.
 */
#include "assemble/ast.h"

#include "assemble/kinds.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/text.h"

enum { DEPTH = 64 };

typedef enum token { END, WORD, SIZE, STRING, MARK } token;

typedef struct parser {
    ast *a;
    const char *at; /* of the token that is looked at */
    const char *end;
    token token;
    ast_word word;
    size_t number;
    unsigned depth;
} parser;

/* ── Errors ────────────────────────────────────────────────────────────────────────────────── */

static void place_of(const char *text, const char *at, unsigned *line, unsigned *column)
{
    *line = *column = 1;
    for (const char *p = text; p < at; p++) {
        *column += 1;
        if (*p == '\n') {
            *line += 1;
            *column = 1;
        }
    }
}

static void put_word(tarn_text *t, ast_word word)
{
    char part[64];
    size_t length = word.length < sizeof part - 1 ? word.length : sizeof part - 1;
    memcpy(part, word.at, length);
    part[length] = 0;
    tarn_text_put(t, part);
}

bool tarn_ast_error(ast *a, const char *at, const char *first, ast_word middle, const char *last)
{
    tarn_build_error *e = a->error;
    tarn_text t = tarn_text_in(e->message, sizeof e->message);
    e->status = TARN_BAD_ARGUMENT;
    place_of(a->text, at, &e->line, &e->column);
    if (memchr(a->text, '\n', strlen(a->text)) != NULL) {
        tarn_text_put(&t, "line ");
        tarn_text_put_size(&t, e->line);
        tarn_text_put(&t, ", ");
    }
    tarn_text_put(&t, "column ");
    tarn_text_put_size(&t, e->column);
    tarn_text_put(&t, ": ");
    tarn_text_put(&t, first);
    if (middle.at != NULL)
        put_word(&t, middle);
    tarn_text_put(&t, last);
    return false;
}

static bool expected(parser *p, const char *what)
{
    static const ast_word nothing = {NULL, 0};
    char sentence[120];
    tarn_text t = tarn_text_in(sentence, sizeof sentence);
    tarn_text_put(&t, "expected ");
    tarn_text_put(&t, what);
    if (p->token == END) {
        tarn_text_put(&t, ", found the end");
        return tarn_ast_error(p->a, p->at, sentence, nothing, "");
    }
    tarn_text_put(&t, ", found '");
    return tarn_ast_error(p->a, p->at, sentence, p->word, "'");
}

/* ── Tokens ────────────────────────────────────────────────────────────────────────────────── */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *skip_blanks(const char *p)
{
    for (;; p++) {
        if (*p == '#')
            while (p[1] != 0 && p[1] != '\n')
                p++;
        else if (*p != ' ' && *p != '\t' && *p != '\n' && *p != '\r')
            return p;
    }
}

/* Digits, and K, M or G behind them. false on overflow or on letters that are none of these. */
static bool read_size(parser *p)
{
    const char *q = p->at;
    unsigned shift = 0;
    p->number = 0;
    for (; is_digit(*q); q++) {
        if (!tarn_mul(p->number, 10, &p->number) ||
            !tarn_add(p->number, (size_t)(*q - '0'), &p->number))
            shift = 64;
    }
    shift += *q == 'K' ? 10 : *q == 'M' ? 20 : *q == 'G' ? 30 : 0;
    q += *q == 'K' || *q == 'M' || *q == 'G';
    while (is_digit(*q) || is_letter(*q)) {
        shift = 128;
        q++;
    }
    p->end = q;
    p->word = (ast_word){p->at, (size_t)(q - p->at)};
    if (shift >= 128)
        return tarn_ast_error(p->a, p->at, "no size: '", p->word,
                              "'; a size is digits, and K, M or G behind them");
    if (shift >= 64 || !tarn_mul(p->number, (size_t)1 << shift, &p->number))
        return tarn_ast_error(p->a, p->at, "the size '", p->word, "' is too big");
    p->token = SIZE;
    return true;
}

static bool read_string(parser *p)
{
    const char *q = p->at + 1;
    while (*q != '"' && *q != 0 && *q != '\n')
        q++;
    p->word = (ast_word){p->at + 1, (size_t)(q - p->at - 1)};
    if (*q != '"')
        return tarn_ast_error(p->a, p->at, "no end of the text that begins with '", p->word, "'");
    p->end = q + 1;
    p->token = STRING;
    return true;
}

static bool next(parser *p)
{
    const char *q = p->at = skip_blanks(p->end);
    if (is_digit(*q))
        return read_size(p);
    if (*q == '"')
        return read_string(p);
    p->token = *q == 0 ? END : is_letter(*q) ? WORD : MARK;
    if (p->token == WORD)
        while (is_letter(*q) || is_digit(*q))
            q++;
    else if (p->token == MARK)
        q++;
    p->end = q;
    p->word = (ast_word){p->at, (size_t)(q - p->at)};
    if (p->token == MARK && memchr("=(),:;", *p->at, 6) == NULL)
        return tarn_ast_error(p->a, p->at, "no meaning here: '", p->word, "'");
    return true;
}

static bool is_mark(const parser *p, char c)
{
    return p->token == MARK && *p->at == c;
}

/* Behind the word that is looked at, is there this mark? */
static bool mark_follows(const parser *p, char c)
{
    return *skip_blanks(p->end) == c;
}

/* NOLINTBEGIN(misc-no-recursion): I1 */
/* ── Expressions ───────────────────────────────────────────────────────────────────────────── */

static void *take(parser *p, size_t size)
{
    void *room = tarn_arena_alloc(&p->a->arena, size, TARN_ALIGN_MAX | TARN_ZERO);
    if (room == NULL) {
        static const ast_word nothing = {NULL, 0};
        (void)tarn_ast_error(p->a, p->at, "out of memory", nothing, "");
        p->a->error->status = TARN_NO_MEMORY;
    }
    return room;
}

static bool parse_expression(parser *p, ast_node **out);

static bool parse_value(parser *p, ast_option *o)
{
    if (!next(p))
        return false;
    o->word = p->word;
    o->number = p->number;
    if (p->token != SIZE && p->token != WORD && p->token != STRING)
        return expected(p, "a size, a word or a \"text\"");
    o->type = p->token == SIZE ? AST_NUMBER : AST_TEXT;
    return next(p);
}

static bool add_option(parser *p, ast_node *node, bool has_value)
{
    ast_option *o = take(p, sizeof *o), **link = &node->options;
    if (o == NULL)
        return false;
    o->key = p->word;
    for (; *link != NULL; link = &(*link)->next) {
        if ((*link)->key.length == o->key.length &&
            memcmp((*link)->key.at, o->key.at, o->key.length) == 0)
            return tarn_ast_error(p->a, p->at, "the option '", o->key, "' is there twice");
    }
    *link = o;
    if (!next(p))
        return false;
    return !has_value || parse_value(p, o);
}

static bool add_child(parser *p, ast_node *node, size_t bound)
{
    ast_node *child = NULL, **link = &node->children;
    if (!parse_expression(p, &child))
        return false;
    child->bound = bound;
    while (*link != NULL)
        link = &(*link)->next;
    *link = child;
    node->child_count++;
    return true;
}

static bool parse_argument(parser *p, ast_node *node)
{
    if (p->token == SIZE) {
        size_t bound = p->number;
        if (bound == 0)
            return expected(p, "a size above 0 before ':'");
        if (!next(p))
            return false;
        if (!is_mark(p, ':'))
            return expected(p, "':' behind the size, as in 64: pool 64");
        return next(p) && add_child(p, node, bound);
    }
    if (p->token != WORD)
        return expected(p, "an allocator, an option or a size");
    if (mark_follows(p, '='))
        return add_option(p, node, true);
    if (node->kind != NULL && tarn_kind_has_flag(node->kind, p->word))
        return add_option(p, node, false);
    return add_child(p, node, 0);
}

static bool parse_arguments(parser *p, ast_node *node)
{
    if (++p->depth > DEPTH)
        return expected(p, "less parentheses inside one another");
    if (!next(p))
        return false;
    while (!is_mark(p, ')')) {
        if (!parse_argument(p, node))
            return false;
        if (is_mark(p, ',')) {
            if (!next(p))
                return false;
        } else if (!is_mark(p, ')')) {
            return expected(p, "',' or ')'");
        }
    }
    p->depth--;
    return next(p);
}

/* A size behind a word that is no part. */
static bool refuse_size(const parser *p, const ast_node *node)
{
    if (tarn_ast_find(p->a, node->word) != NULL)
        return tarn_ast_error(p->a, p->at, "'", node->word, "' is a name: it takes no size");
    return tarn_kind_unknown(p->a, node->word);
}

static bool parse_expression(parser *p, ast_node **out)
{
    if (p->token != WORD)
        return expected(p, "the name of an allocator");
    ast_node *node = *out = take(p, sizeof *node);
    if (node == NULL)
        return false;
    node->word = p->word;
    node->kind = tarn_kind_find(p->word);
    if (!next(p))
        return false;
    if (p->token == SIZE && node->kind == NULL)
        return refuse_size(p, node);
    if (p->token == SIZE) {
        node->has_size = true;
        node->size = p->number;
        if (!next(p))
            return false;
    }
    if (!is_mark(p, '('))
        return true;
    if (node->kind == NULL)
        return tarn_kind_unknown(p->a, node->word);
    return parse_arguments(p, node);
}

/* ── Definitions ───────────────────────────────────────────────────────────────────────────── */

ast_definition *tarn_ast_find(const ast *a, ast_word name)
{
    for (ast_definition *d = a->first; d != NULL; d = d->next) {
        if (d->name.length == name.length && memcmp(d->name.at, name.at, name.length) == 0)
            return d;
    }
    return NULL;
}

bool tarn_word_is(ast_word word, const char *text)
{
    return strlen(text) == word.length && memcmp(word.at, text, word.length) == 0;
}

static bool parse_definition(parser *p, bool named)
{
    ast_definition *d = take(p, sizeof *d);
    if (d == NULL)
        return false;
    d->name = (ast_word){"main", 4};
    if (named) {
        d->name = p->word;
        if (tarn_kind_find(d->name) != NULL)
            return tarn_ast_error(p->a, p->at, "'", d->name,
                                  "' is what a part is called: take another name");
        if (tarn_ast_find(p->a, d->name) != NULL)
            return tarn_ast_error(p->a, p->at, "the name '", d->name, "' is defined twice");
        if (!next(p)) /* the name */
            return false;
        if (!next(p)) /* '=' */
            return false;
    }
    if (!parse_expression(p, &d->node))
        return false;
    if (p->a->last != NULL)
        p->a->last->next = d;
    else
        p->a->first = d;
    p->a->last = d;
    return true;
}

bool tarn_ast_parse(ast *a)
{
    parser p = {.a = a, .end = a->text};
    if (!next(&p))
        return false;
    if (p.token == END)
        return expected(&p, "a composition");
    if (p.token != WORD || !mark_follows(&p, '=')) {
        if (!parse_definition(&p, false))
            return false;
        return p.token == END || expected(&p, "the end, or a name for what stands before");
    }
    while (p.token != END) {
        if (p.token != WORD || !mark_follows(&p, '='))
            return expected(&p, "a definition, as in main = pool 64");
        if (!parse_definition(&p, true))
            return false;
        while (is_mark(&p, ';'))
            if (!next(&p))
                return false;
    }
    return true;
}
/* NOLINTEND(misc-no-recursion) */
