/* SPDX-License-Identifier: MIT */
/* Text becomes nodes, or an error that points at its column. */
#include "support/tarn_test.h"

#include "assemble/ast.h"
#include "assemble/kinds.h"

static tarn_build_error error;
static ast tree;

static bool parse(const char *text)
{
    tree = (ast){.text = text, .error = &error};
    memset(&error, 0, sizeof error);
    assert_int_equal(tarn_arena_init(&tree.arena, NULL), TARN_OK);
    return tarn_ast_parse(&tree);
}

static void done(void)
{
    tarn_arena_deinit(&tree.arena);
}

static void an_expression_alone_is_main(void **state)
{
    (void)state;
    assert_true(parse(" pool 64 "));
    assert_ptr_equal(tree.first, tree.last);
    assert_true(tarn_word_is(tree.first->name, "main"));
    assert_true(tarn_word_is(tree.first->node->word, "pool"));
    assert_true(tree.first->node->has_size);
    assert_int_equal(tree.first->node->size, 64);
    done();
}

static void definitions_children_and_options(void **state)
{
    (void)state;
    assert_true(parse("# sizes\n small = pool 64(chunk = 64K, check)\n"
                      "main = segregate(64: small, 2M: tlsf(buffer 8M), libc);"));
    const ast_node *pool = tree.first->node;
    assert_int_equal(tarn_option_number(pool, "chunk", 1), 64 << 10);
    assert_int_equal(tarn_option_number(pool, "limit", 7), 7);
    assert_true(tarn_option_flag(pool, "check"));
    assert_false(tarn_option_flag(pool, "exact"));
    const ast_node *segregate = tree.last->node, *first = segregate->children;
    assert_int_equal(segregate->child_count, 3);
    assert_int_equal(first->bound, 64);
    assert_null(first->kind);
    assert_int_equal(first->next->bound, 2 << 20);
    assert_int_equal(first->next->children->size, 8 << 20);
    assert_int_equal(first->next->next->bound, 0);
    assert_ptr_equal(tarn_ast_find(&tree, first->word), tree.first);
    done();
}

static void errors_point_at_their_place(void **state)
{
    static const struct {
        const char *text, *message;
    } ROWS[] = {
        {"", "column 1: expected a composition, found the end"},
        {"pool 64 )", "column 9: expected the end, or a name for what stands before, found ')'"},
        {"stats(pool 64", "column 14: expected ',' or ')', found the end"},
        {"stats(pool 64;", "column 14: expected ',' or ')', found ';'"},
        {"a = ", "column 5: expected the name of an allocator, found the end"},
        {"a = 64", "column 5: expected the name of an allocator, found '64'"},
        {"a = pool 64 b", "column 13: expected a definition, as in main = pool 64, found 'b'"},
        {"pool 64X", "column 6: no size: '64X'; a size is digits, and K, M or G behind them"},
        {"pool 99999999999999999999", "column 6: the size '99999999999999999999' is too big"},
        {"pool 99999999999999999G", "column 6: the size '99999999999999999G' is too big"},
        {"segregate(64 pool 64)",
         "column 14: expected ':' behind the size, as in 64: pool 64, found 'pool'"},
        {"segregate(0: pool 64)", "column 11: expected a size above 0 before ':', found '0'"},
        {"segregate(:)", "column 11: expected an allocator, an option or a size, found ':'"},
        {"pool 64(chunk=)", "column 15: expected a size, a word or a \"text\", found ')'"},
        {"pool 64(check, check)", "column 16: the option 'check' is there twice"},
        {"a = pool 64; a = libc", "column 14: the name 'a' is defined twice"},
        {"pool = libc", "column 1: 'pool' is what a part is called: take another name"},
        {"a = pool 64\nb = lock(a\n", "line 3, column 1: expected ',' or ')', found the end"},
        {"pages(huge=\"off)", "column 12: no end of the text that begins with 'off)'"},
        {"pool @", "column 6: no meaning here: '@'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        assert_false(parse(ROWS[i].text));
        assert_string_equal(error.message, ROWS[i].message);
        assert_int_equal(error.status, TARN_BAD_ARGUMENT);
        done();
    }
}

static void depth_is_bounded(void **state)
{
    char text[2000] = "";
    (void)state;
    for (int i = 0; i < 100; i++)
        strcat(text, "lock(");
    assert_false(parse(text));
    assert_non_null(strstr(error.message, "expected less parentheses inside one another"));
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expression_alone_is_main),
        cmocka_unit_test(definitions_children_and_options),
        cmocka_unit_test(errors_point_at_their_place),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
