/* SPDX-License-Identifier: MIT */
/* What is true goes on, what is false ends the program, unless NDEBUG says not to look. */
#include "support/tarn_test.h"

#include <signal.h>
#include <stdbool.h>

#include "base/assert.h"
#include "support/death.h"

static void state_it(void *fact)
{
    (void)fact;
    assert(*(bool *)fact);
}

static void a_false_statement_ends(void **state)
{
    bool is = true, is_not = false;
    (void)state;
    state_it(&is);
#ifdef NDEBUG
    state_it(&is_not);
#else
    assert_int_equal(tarn_death_run(state_it, &is_not).signal, SIGABRT);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_false_statement_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
