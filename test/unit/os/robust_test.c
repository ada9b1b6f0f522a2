/* SPDX-License-Identifier: MIT */
/* The lock between processes: whoever comes next hears of a holder's death, and has the lock. */
#include "support/tarn_test.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/robust.h"
#include "support/deaths.h"

static tarn_robust *shared_lock(void)
{
    void *p =
        mmap(NULL, sizeof(tarn_robust), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    memset(p, 0xa5, sizeof(tarn_robust)); /* what was there before does not matter */
    assert_true(tarn_robust_init(p));
    return p;
}

static void one_at_a_time(void **state)
{
    (void)state;
    tarn_robust *r = shared_lock();
    assert_int_equal(tarn_robust_lock(r), TARN_ROBUST_OURS);
    assert_int_equal(tarn_robust_lock(r), TARN_ROBUST_LOST);
    assert_true(tarn_robust_unlock(r));
#ifndef __SANITIZE_THREAD__ /* which reports that itself */
    assert_false(tarn_robust_unlock(r));
#endif
    assert_int_equal(munmap(r, sizeof *r), 0);
}

static void death_is_told_once(void **state)
{
    (void)state;
    tarn_robust *r = shared_lock();
    if (!deaths_are_told())
        skip();
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(tarn_robust_lock(r) == TARN_ROBUST_OURS ? 0 : 1);
        int status = 1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(tarn_robust_lock(r), TARN_ROBUST_DIED);
        assert_true(tarn_robust_unlock(r));
        assert_int_equal(tarn_robust_lock(r), TARN_ROBUST_OURS);
        assert_true(tarn_robust_unlock(r));
    }
    assert_int_equal(munmap(r, sizeof *r), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(death_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
