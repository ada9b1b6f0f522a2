/* SPDX-License-Identifier: MIT */
/*
 * deaths.h - does the system tell that the holder of a robust lock died? qemu does not pass that on; what relies on it
 * is not to be tested there.
 */
#ifndef TARN_TEST_DEATHS_H
#define TARN_TEST_DEATHS_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static inline bool deaths_are_told(void)
{
    pthread_mutexattr_t how;
    pthread_mutex_t *m = (pthread_mutex_t *)mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE,
                                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)pthread_mutexattr_init(&how);
    (void)pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    (void)pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    (void)pthread_mutex_init(m, &how);
    pid_t child = fork();
    if (child == 0)
        _exit(pthread_mutex_lock(m) == 0 ? 0 : 1);
    (void)waitpid(child, NULL, 0);
    bool told = pthread_mutex_trylock(m) == EOWNERDEAD;
    if (told) { /* no held lock in memory that goes */
        (void)pthread_mutex_consistent(m);
        (void)pthread_mutex_unlock(m);
    }
    (void)munmap(m, sizeof *m);
    return told;
}

#endif
