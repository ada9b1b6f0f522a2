/* SPDX-License-Identifier: MIT */
/* kinds.c - finding a part by its word, and holding a node against what its kind takes. */
#include "assemble/kinds.h"

#include "base/mem.h"
#include "base/text.h"

static const assemble_kind *const ROOMS[] = {tarn_strategy_kinds, tarn_layer_kinds,
                                             tarn_source_kinds};
enum { ROOM_COUNT = sizeof ROOMS / sizeof ROOMS[0] }; /* NOLINT(bugprone-sizeof-expression) */

const assemble_kind *tarn_kind_find(ast_word word)
{
    for (size_t room = 0; room < ROOM_COUNT; room++) {
        for (const assemble_kind *k = ROOMS[room]; k->name != NULL; k++) {
            if (tarn_word_is(word, k->name))
                return k;
        }
    }
    return NULL;
}

bool tarn_kind_unknown(ast *a, ast_word word)
{
    char list[TARN_BUILD_MESSAGE];
    tarn_text t = tarn_text_in(list, sizeof list);
    tarn_text_put(&t, "'; known are:");
    for (size_t room = 0; room < ROOM_COUNT; room++) {
        for (const assemble_kind *k = ROOMS[room]; k->name != NULL; k++) {
            tarn_text_put(&t, " ");
            tarn_text_put(&t, k->name);
        }
    }
    for (const ast_definition *d = a->first; d != NULL; d = d->next) {
        char name[32];
        size_t length = d->name.length < sizeof name - 1 ? d->name.length : sizeof name - 1;
        memcpy(name, d->name.at, length);
        name[length] = 0;
        tarn_text_put(&t, " ");
        tarn_text_put(&t, name);
    }
    return tarn_ast_error(a, word.at, "unknown name '", word, list);
}

/* ── Options ───────────────────────────────────────────────────────────────────────────────── */

static const assemble_option *option_of(const assemble_kind *kind, ast_word word)
{
    for (const assemble_option *o = kind->options; o != NULL && o->name != NULL; o++) {
        if (tarn_word_is(word, o->name))
            return o;
    }
    return NULL;
}

bool tarn_kind_has_flag(const assemble_kind *kind, ast_word word)
{
    const assemble_option *o = option_of(kind, word);
    return o != NULL && o->type == AST_FLAG;
}

const ast_option *tarn_option_find(const ast_node *node, const char *name)
{
    for (const ast_option *o = node->options; o != NULL; o = o->next) {
        if (tarn_word_is(o->key, name))
            return o;
    }
    return NULL;
}

size_t tarn_option_number(const ast_node *node, const char *name, size_t otherwise)
{
    const ast_option *o = tarn_option_find(node, name);
    return o != NULL ? o->number : otherwise;
}

bool tarn_option_flag(const ast_node *node, const char *name)
{
    return tarn_option_find(node, name) != NULL;
}

/* Which word of a list separated by blanks this is; -1 when it is none. */
static int index_in(const char *words, ast_word word)
{
    for (int index = 0; *words != 0; index++) {
        size_t length = 0;
        while (words[length] != 0 && words[length] != ' ')
            length++;
        if (length == word.length && memcmp(words, word.at, length) == 0)
            return index;
        words += length + (words[length] == ' ');
    }
    return -1;
}

unsigned tarn_option_word(const ast_node *node, const char *name, unsigned otherwise)
{
    const ast_option *o = tarn_option_find(node, name);
    return o != NULL ? (unsigned)index_in(option_of(node->kind, o->key)->words, o->word)
                     : otherwise;
}

static bool refuse_key(ast *a, const ast_node *node, const ast_option *o)
{
    char list[TARN_BUILD_MESSAGE];
    tarn_text t = tarn_text_in(list, sizeof list);
    tarn_text_put(&t, "' is no option of ");
    tarn_text_put(&t, node->kind->name);
    tarn_text_put(&t, node->kind->options != NULL ? "; it has:" : ", which has none");
    for (const assemble_option *k = node->kind->options; k != NULL && k->name != NULL; k++) {
        tarn_text_put(&t, " ");
        tarn_text_put(&t, k->name);
    }
    return tarn_ast_error(a, o->key.at, "'", o->key, list);
}

static bool accepts_option(ast *a, const ast_node *node, const ast_option *o)
{
    const assemble_option *k = option_of(node->kind, o->key);
    char list[200];
    tarn_text t = tarn_text_in(list, sizeof list);
    if (k == NULL)
        return refuse_key(a, node, o);
    if (k->type != o->type) {
        static const char *const WANTS[] = {"' takes no value", "' takes a size", "' takes a word"};
        return tarn_ast_error(a, o->key.at, "'", o->key, WANTS[k->type]);
    }
    if (k->words == NULL || index_in(k->words, o->word) >= 0)
        return true;
    tarn_text_put(&t, "' is not one of: ");
    tarn_text_put(&t, k->words);
    return tarn_ast_error(a, o->word.at, "'", o->word, list);
}

/* ── Children ──────────────────────────────────────────────────────────────────────────────── */

const ast_node *tarn_ast_target(const ast_node *node)
{
    while (node->kind == NULL && node->refers != NULL)
        node = node->refers->node;
    return node;
}

const assemble_part *tarn_child_part(const ast_node *node, size_t index)
{
    const ast_node *child = node->children;
    while (child != NULL && index-- > 0)
        child = child->next;
    return child != NULL ? tarn_ast_target(child)->part : NULL;
}

static bool accepts_count(ast *a, const ast_node *node)
{
    const assemble_kind *k = node->kind;
    char wants[80];
    tarn_text t = tarn_text_in(wants, sizeof wants);
    if (node->child_count >= k->least && node->child_count <= k->most)
        return true;
    tarn_text_put(&t, "' takes ");
    if (k->most == 0) {
        tarn_text_put(&t, "no allocator");
    } else {
        tarn_text_put(&t, k->least == k->most            ? "exactly "
                          : node->child_count < k->least ? "at least "
                                                         : "at most ");
        tarn_text_put_size(&t, node->child_count < k->least ? k->least : k->most);
    }
    tarn_text_put(&t, ", not ");
    tarn_text_put_size(&t, node->child_count);
    return tarn_ast_error(a, node->word.at, "'", node->word, wants);
}

static bool accepts_child(ast *a, const ast_node *node, const ast_node *child)
{
    const assemble_kind *k = tarn_ast_target(child)->kind;
    if (child->bound != 0 && !node->kind->bounds)
        return tarn_ast_error(a, child->word.at, "only segregate takes sizes in front; '",
                              node->word, "' does not");
    if (!k->is_allocator && !node->kind->child_is_source)
        return tarn_ast_error(a, child->word.at, "'", child->word,
                              "' is where memory comes from, not an allocator: put one over it");
    return true;
}

bool tarn_kind_accepts(ast *a, const ast_node *node)
{
    const assemble_kind *k = node->kind;
    if (node->has_size && k->size_is == NULL)
        return tarn_ast_error(a, node->word.at, "'", node->word, "' takes no size behind it");
    if (!node->has_size && k->size_needed) {
        char wants[80];
        tarn_text t = tarn_text_in(wants, sizeof wants);
        tarn_text_put(&t, "' needs ");
        tarn_text_put(&t, k->size_is);
        tarn_text_put(&t, " behind it");
        return tarn_ast_error(a, node->word.at, "'", node->word, wants);
    }
    if (node->has_size && node->size == 0)
        return tarn_ast_error(a, node->word.at, "'", node->word, "' of 0 bytes makes no sense");
    for (const ast_option *o = node->options; o != NULL; o = o->next) {
        if (!accepts_option(a, node, o))
            return false;
    }
    for (const ast_node *child = node->children; child != NULL; child = child->next) {
        if (!accepts_child(a, node, child))
            return false;
    }
    return accepts_count(a, node);
}

/* NOLINTBEGIN(misc-no-recursion): depth and definitions are bounded */
bool tarn_node_reach(ast *a, const ast_node *node, assemble_reach *out)
{
    node = tarn_ast_target(node);
    if (node->kind->reach != NULL)
        return node->kind->reach(a, node, out);
    *out = (assemble_reach){SIZE_MAX, 1};
    /* A layer serves what its parent does; a strategy cuts what it takes from below. */
    return node->children == NULL || node->kind->child_is_source ||
           tarn_node_reach(a, node->children, out);
}
/* NOLINTEND(misc-no-recursion) */
