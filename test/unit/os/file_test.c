/* SPDX-License-Identifier: MIT */
/* Files as the system has them: locks that belong to a description, growth, errno left alone. */
#include "support/tarn_test.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/pages.h"

static int memory(size_t size)
{
    int fd = -1;
    assert_int_equal(tarn_os_file_memory("test", false, &fd), 0);
    assert_int_equal(tarn_os_file_grow(fd, size, true, NULL), 0);
    return fd;
}

static void grows_and_maps(void **state)
{
    (void)state;
    size_t page = tarn_os_page_size(), size = 0;
    int fd = memory(2 * page);
    void *p = NULL;
    assert_int_equal(tarn_os_file_map(fd, 8 * page, 4 * page, &p), 0);
    assert_int_equal((uintptr_t)p % (4 * page), 0);
    memset(p, 1, 2 * page);
    assert_int_equal(tarn_os_file_grow(fd, 3 * page, false, NULL), 0);
    assert_int_equal(((char *)p)[3 * page - 1], 0);
    assert_int_equal(tarn_os_file_size(fd, &size), 0);
    assert_int_equal(size, 3 * page);
    assert_int_equal(tarn_os_file_punch(fd, page, page), 0);
    assert_int_equal(((char *)p)[page], 0);
    assert_int_equal(((char *)p)[page - 1], 1);
    assert_int_equal(tarn_os_file_sync(p, 3 * page), 0);
    assert_int_equal(ftruncate(fd, 0), -1); /* sealed */
    tarn_os_release(p, 8 * page);
    tarn_os_file_close(fd);
}

static void the_first_bytes(void **state)
{
    (void)state;
    int fd = memory(tarn_os_page_size());
    char bytes[8] = "";
    size_t got = 0, before = 0;
    assert_int_equal(tarn_os_file_grow(fd, 1, false, &before), 0); /* never shorter */
    assert_int_equal(before, tarn_os_page_size());
    tarn_os_file_empty(fd); /* sealed */
    assert_int_equal(tarn_os_file_size(fd, &before), 0);
    assert_int_equal(before, tarn_os_page_size());
    assert_int_equal(tarn_os_file_write(fd, "tarn", 5), 0);
    assert_int_equal(tarn_os_file_read(fd, bytes, sizeof bytes, &got), 0);
    assert_int_equal(got, sizeof bytes);
    assert_string_equal(bytes, "tarn");
    tarn_os_file_close(fd);
    assert_int_equal(tarn_os_file_read(fd, bytes, sizeof bytes, &got), EBADF);
    assert_int_equal(got, 0);
}

static void locks_belong_to_a_description(void **state)
{
    (void)state;
    int a = memory(tarn_os_page_size()), b = -1, c = dup(a);
    assert_int_equal(tarn_os_file_again(a, &b), 0);
    assert_int_equal(tarn_os_file_lock(a, 3, TARN_OS_LOCK_SHARED, false), 0);
    assert_int_equal(tarn_os_file_lock(b, 3, TARN_OS_LOCK_SHARED, false), 0);
    assert_int_equal(tarn_os_file_lock(b, 3, TARN_OS_LOCK_ALONE, false), EAGAIN);
    assert_true(tarn_os_file_locked(b, 3)); /* still its shared one's company */
    assert_false(tarn_os_file_locked(b, 4));
    assert_int_equal(tarn_os_file_lock(b, 4, TARN_OS_LOCK_ALONE, false), 0);
    assert_int_equal(tarn_os_file_lock(c, 4, TARN_OS_LOCK_ALONE, false), EAGAIN);
    tarn_os_file_close(a);
    assert_true(tarn_os_file_locked(b, 3)); /* c has it still */
    tarn_os_file_close(c);
    assert_false(tarn_os_file_locked(b, 3));
    assert_int_equal(tarn_os_file_lock(b, 3, TARN_OS_UNLOCK, false), 0);
    tarn_os_file_close(b);
}

static void death_drops_locks(void **state)
{
    (void)state;
    int a = memory(tarn_os_page_size()), ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int own = -1;
        char done = (char)(tarn_os_file_again(a, &own) == 0 &&
                           tarn_os_file_lock(own, 1, TARN_OS_LOCK_ALONE, false) == 0);
        (void)!write(ready[1], &done, 1);
        (void)pause();
        _exit(0);
    }
    char done = 0;
    assert_int_equal(read(ready[0], &done, 1), 1);
    assert_int_equal(done, 1);
    assert_true(tarn_os_file_locked(a, 1));
    assert_int_equal(kill(child, 9), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(tarn_os_file_locked(a, 1));
    (void)close(ready[0]);
    (void)close(ready[1]);
    tarn_os_file_close(a);
}

static void errno_is_left_alone(void **state)
{
    (void)state;
    int fd = -1;
    size_t size;
    char text[64];
    errno = 77;
    assert_int_equal(tarn_os_file_open("/none/such", TARN_OS_OPEN, 0, &fd), ENOENT);
    assert_int_equal(tarn_os_file_open_shared("/none-such", TARN_OS_OPEN, 0, &fd), ENOENT);
    assert_int_equal(tarn_os_file_open("/dev/null", TARN_OS_OPEN, 0, &fd), EINVAL);
    assert_int_equal(tarn_os_file_size(-1, &size), EBADF);
    assert_int_equal(tarn_os_file_remove("/none/such"), ENOENT);
    assert_int_equal(tarn_os_file_remove_shared("/none-such"), ENOENT);
    assert_int_equal(tarn_os_file_lock(-1, 0, TARN_OS_LOCK_ALONE, false), EBADF);
    tarn_os_error_text(ENOENT, text, sizeof text);
    assert_string_equal(text, "No such file or directory");
    tarn_os_error_text(ENOENT, text, 3);
    assert_string_equal(text, "No");
    assert_int_equal(tarn_os_process(), getpid());
    assert_int_equal(errno, 77);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_maps),
        cmocka_unit_test(the_first_bytes),
        cmocka_unit_test(locks_belong_to_a_description),
        cmocka_unit_test(death_drops_locks),
        cmocka_unit_test(errno_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
