/* SPDX-License-Identifier: MIT */
/* compute_test.c - figures and judgments from made-up samples. */
#include "cmd/replay_report.h"

#include <math.h>

#include "support/tarn_test.h"

static const replay_contender names[] = {
    {.name = "no-op"}, {.name = "glibc"}, {.name = "mimalloc"}, {.name = "tarn:inlined"}};
static replay_row rows[4];
static replay_header program;
static replay_report report;

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

/* Three rounds of 1e6 operations; the loop takes 1 ns of each. */
static void given(const double glibc[3], const double mimalloc[3], const double inlined[3])
{
    memset(rows, 0, sizeof rows);
    memset(&program, 0, sizeof program);
    memset(&report, 0, sizeof report);
    program.operations = 1000000;
    program.peak_live = 1000;
    program.pools = 2;
    program.pool[0].block = 24;
    program.pool[1].block = 40;
    for (unsigned r = 0; r < 3; r++) {
        const double ns[4] = {1, glibc[r], mimalloc[r], inlined[r]};
        for (unsigned i = 0; i < 4; i++) {
            rows[i].contender = &names[i];
            rows[i].cpu_ns[r] = 1e6 * ns[i];
            rows[i].peak[r] = 2000;
            rows[i].runs++;
        }
    }
    report = (replay_report){.program = &program, .runs = 3, .count = 4, .rows = rows};
    report.subject.program_cpu_ns = 100000000;
    report.missing = "";
    replay_report_compute(&report);
}

static void quantiles_interpolate(void **state)
{
    (void)state;
    const double v[] = {4, 1, 3, 2};
    assert_true(near(replay_quantile(v, 4, 0.5), 2.5));
    assert_true(near(replay_quantile(v, 4, 0), 1));
    assert_true(near(replay_quantile(v, 4, 1), 4));
    assert_true(near(replay_quantile(v, 1, 0.25), 4));
    assert_true(isnan(replay_quantile(v, 0, 0.5)));
}

static void the_loop_is_taken_off(void **state)
{
    (void)state;
    given((double[]){11, 11, 11}, (double[]){6, 6, 6}, (double[]){3, 3, 3});
    assert_true(near(rows[1].ns, 10));
    assert_true(near(rows[2].ratio, 0.5));
    assert_true(near(rows[3].ratio, 0.2));
    assert_true(near(rows[1].ratio, 1));
    assert_true(near(rows[3].fragmentation, 2));
    assert_true(near(report.share, 0.1));
    assert_true(isnan(rows[0].ratio));
}

static void ratios_are_of_one_round(void **state)
{
    (void)state;
    /* The machine slows down by half each round; every ratio stays 0.5. */
    given((double[]){11, 21, 41}, (double[]){6, 11, 21}, (double[]){6, 11, 21});
    assert_true(near(rows[2].ratio_q1, 0.5) && near(rows[2].ratio_q3, 0.5));
}

static void a_gain_is_said_with_its_share(void **state)
{
    (void)state;
    given((double[]){11, 11, 11}, (double[]){6, 6, 6}, (double[]){3, 3, 3});
    assert_non_null(strstr(report.verdict, "pools for 24 and 40 B"));
    assert_non_null(strstr(report.verdict, "would take 0.20 of glibc's allocation time"));
    assert_non_null(strstr(report.verdict, "about 10.0 % of the recorded run's CPU time"));
    assert_non_null(strstr(report.verdict, "would save 8.0 %"));
}

static void no_gain_is_said_too(void **state)
{
    (void)state;
    given((double[]){11, 11, 11}, (double[]){12, 12, 12}, (double[]){13, 13, 13});
    assert_non_null(strstr(report.verdict, "nothing to gain"));
    assert_null(strstr(report.verdict, "would save"));
    given((double[]){11, 11, 11}, (double[]){12, 12, 12}, (double[]){8, 11, 14});
    assert_non_null(strstr(report.verdict, "same time within noise"));
}

static void few_rounds_claim_nothing(void **state)
{
    (void)state;
    given((double[]){11, 11, 11}, (double[]){6, 6, 6}, (double[]){3, 3, 3});
    for (unsigned i = 0; i < 4; i++)
        rows[i].runs = 2;
    replay_report_compute(&report);
    assert_non_null(strstr(report.verdict, "too few rounds"));
    assert_null(strstr(report.verdict, "would save"));
}

static void a_better_malloc_is_named(void **state)
{
    (void)state;
    given((double[]){11, 11, 11}, (double[]){3, 3, 3}, (double[]){6, 6, 6});
    assert_non_null(strstr(report.verdict, "mimalloc, without a change to the program"));
    assert_non_null(strstr(report.verdict, "would do better"));
}

static void few_operations_are_not_judged(void **state)
{
    (void)state;
    given((double[]){11, 11, 11}, (double[]){6, 6, 6}, (double[]){3, 3, 3});
    program.operations = 500;
    replay_report_compute(&report);
    assert_non_null(strstr(report.verdict, "too few operations"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_interpolate),
        cmocka_unit_test(the_loop_is_taken_off),
        cmocka_unit_test(ratios_are_of_one_round),
        cmocka_unit_test(a_gain_is_said_with_its_share),
        cmocka_unit_test(no_gain_is_said_too),
        cmocka_unit_test(a_better_malloc_is_named),
        cmocka_unit_test(few_operations_are_not_judged),
        cmocka_unit_test(few_rounds_claim_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
