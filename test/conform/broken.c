/* SPDX-License-Identifier: MIT */
/*
 * broken.c - the suite against allocators that are broken on purpose (flaws.h).
 *
 * Each flaw is seen by the rule it names, and each rule of the suite sees at least one flaw: a rule
 * that sees none is not worth having.
 */
#include "support/tarn_test.h"

#include "conform/flaws.h"
#include "conform/tarn_conform.h"

#include <stdio.h>

static const flawed *const KINDS[] = {&flawed_probe, &flawed_bump, &flawed_pass};

enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

static void no_flaw(void)
{
}

/* Runs the suite; its output is read back. */
static int run(const flawed *of, void (*put_in)(void), const char *rule, char *text, size_t size)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    const tarn_conform_options o = {.name = "broken",
                                    .make = of->make,
                                    .unmake = of->unmake,
                                    .user = &put_in,
                                    .rule = rule,
                                    .budget = 256 << 10,
                                    .max_size = 1000,
                                    .out = out};
    int failures = tarn_conform(&o);
    find_lost();
    rewind(out);
    text[fread(text, 1, size - 1, out)] = '\0';
    (void)fclose(out);
    return failures;
}

static void without_a_flaw_all_rules_hold(void **state)
{
    (void)state;
    char text[4096];
    for (size_t i = 0; i < KIND_COUNT; i++) {
        int failures = run(KINDS[i], no_flaw, NULL, text, sizeof text);
        assert_string_equal(text, "");
        assert_int_equal(failures, 0);
    }
}

static bool is_seen(const flawed *of, const flaw *f)
{
    char text[4096], prefix[64];
    int failures = run(of, f->put_in, f->rule, text, sizeof text);
    (void)snprintf(prefix, sizeof prefix, "conform: broken: %s: ", f->rule);
    bool seen = failures > 0 && strstr(text, prefix) != NULL;
    if (!seen)
        print_message("rule %s does not see its flaw; output: %s\n", f->rule, text);
    return seen;
}

static void every_flaw_is_seen_by_its_rule(void **state)
{
    (void)state;
    for (size_t k = 0; k < KIND_COUNT; k++)
        for (size_t i = 0; i < KINDS[k]->count; i++)
            assert_true(is_seen(KINDS[k], &KINDS[k]->flaws[i]));
}

static bool has_a_flaw(const char *rule)
{
    for (size_t k = 0; k < KIND_COUNT; k++)
        for (size_t i = 0; i < KINDS[k]->count; i++)
            if (strcmp(KINDS[k]->flaws[i].rule, rule) == 0)
                return true;
    print_message("no flaw for rule %s\n", rule);
    return false;
}

static void every_rule_sees_a_flaw(void **state)
{
    (void)state;
    const char *name;
    for (size_t r = 0; (name = tarn_conform_rule(r)) != NULL; r++)
        assert_true(has_a_flaw(name));
}

static void nonsense_is_a_failure(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(tarn_conform(NULL), 1);
    assert_int_equal(tarn_conform(&(tarn_conform_options){.name = "x"}), 1);
    assert_int_equal(run(&flawed_probe, no_flaw, "no such rule", text, sizeof text), 1);
    assert_null(tarn_conform_rule(1000));
}

/* ── The sweep ─────────────────────────────────────────────────────────────────────────────── */

static bool two_blocks(tarn_allocator *a, void *user)
{
    void *p = tarn_alloc(a, 10, 0), *q = tarn_alloc(a, 20, 0);
    bool all = p != NULL && q != NULL;
    if (user != NULL && !all) { /* what is left of a failure is forgotten */
        lose(p);
        lose(q);
        return false;
    }
    tarn_free(a, p, 10, 0);
    tarn_free(a, q, 20, 0);
    return all;
}

static bool never(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    return false;
}

static bool endless(tarn_allocator *a, void *user)
{
    (void)user;
    for (int i = 0; i < 100; i++)
        tarn_free(a, tarn_alloc(a, 1, 0), 1, 0);
    return true;
}

static void the_sweep_sees_leaks(void **state)
{
    FILE *out = tmpfile();
    assert_non_null(out);
    tarn_sweep_options o = {.run = two_blocks, .out = out};
    assert_int_equal(tarn_sweep(&o), 0);
    o.user = state;
    assert_int_equal(tarn_sweep(&o), 3); /* only 1, only 2, all from 2 */
    o.run = never;
    assert_int_equal(tarn_sweep(&o), 2);
    o.run = endless;
    o.limit = 50;
    assert_int_equal(tarn_sweep(&o), 2);
    o.limit = 0;
    assert_int_equal(tarn_sweep(&o), 0);
    assert_int_equal(tarn_sweep(NULL), 1);
    find_lost();
    (void)fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_flaw_all_rules_hold),
        cmocka_unit_test(every_flaw_is_seen_by_its_rule),
        cmocka_unit_test(every_rule_sees_a_flaw),
        cmocka_unit_test(nonsense_is_a_failure),
        cmocka_unit_test(the_sweep_sees_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
