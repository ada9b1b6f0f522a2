/* SPDX-License-Identifier: MIT */
/* The clock goes forward, in milliseconds. */
#include "support/tarn_test.h"

#include <time.h>

#include "os/clock.h"

static void it_goes_forward(void **state)
{
    uint64_t start = tarn_clock_ms(), last = start;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t now = tarn_clock_ms();
        assert_true(now >= last);
        last = now;
    }
}

static void in_milliseconds(void **state)
{
    uint64_t start = tarn_clock_ms(), gone;
    (void)state;
    (void)nanosleep(&(struct timespec){0, 50000000}, NULL);
    gone = tarn_clock_ms() - start;
    assert_in_range(gone, 39, 30000); /* a tick less than slept; a busy machine sleeps longer */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_forward),
        cmocka_unit_test(in_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
