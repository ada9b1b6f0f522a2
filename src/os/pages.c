/* SPDX-License-Identifier: MIT */
/*
 * pages.c - memory from the operating system, in whole pages: Linux.
 *
 * Alignment beyond a page is had by reserving too much and giving back what sticks out:
 *
 *     │◄─────────────────── size + align - page ───────────────────►│
 *     │  released  │◄──────────── size, aligned ──────────►│released│
 *
 * I1  errno is left as it was found: malloc's callers may look at it.
 */
#define _GNU_SOURCE /* mremap; NOLINT(readability-identifier-naming) */
#include "os/pages.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/align.h"
#include "base/checked.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA           0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

/* Young or seldom: not in every system's headers. */
#define HUGE_SHIFT     26 /* MAP_HUGE_SHIFT      */
#define POPULATE_WRITE 23 /* MADV_POPULATE_WRITE */

/* Only asserted. */
__attribute__((unused)) static bool is_piece(const void *p, size_t size)
{
    size_t page = tarn_os_page_size();
    return size != 0 && size % page == 0 && tarn_is_aligned(p, page);
}

size_t tarn_os_page_size(void)
{
    static size_t page; /* every thread writes the same value */
    size_t known = __atomic_load_n(&page, __ATOMIC_RELAXED);
    if (known == 0) {
        known = (size_t)sysconf(_SC_PAGESIZE);
        __atomic_store_n(&page, known, __ATOMIC_RELAXED);
    }
    return known;
}

/* The size of explicit huge pages, from the line "Hugepagesize:    2048 kB". */
static size_t read_huge_size(void)
{
    char line[128];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "Hugepagesize: %lu kB", &kib) == 1) /* NOLINT(cert-err34-c) */
            break;
    }
    (void)fclose(f);
    return (size_t)kib * 1024;
}

size_t tarn_os_huge_size(void)
{
    static size_t huge = 1; /* 1: not asked yet */
    size_t known = __atomic_load_n(&huge, __ATOMIC_RELAXED);
    if (known == 1) {
        int saved = errno;
        known = read_huge_size();
        errno = saved;
        __atomic_store_n(&huge, known, __ATOMIC_RELAXED);
    }
    return known;
}

static void *map(size_t size, int prot, int flags)
{
    int saved = errno;
    void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    errno = saved;
    return p != MAP_FAILED ? p : NULL;
}

static void *map_aligned(size_t size, size_t align, int prot, int flags)
{
    size_t page = tarn_os_page_size(), wide, lead;
    char *p;
    assert(size != 0 && size % page == 0 && tarn_is_power_of_two(align));
    if (align <= page)
        return map(size, prot, flags);
    if (!tarn_add(size, align - page, &wide))
        return NULL;
    p = map(wide, prot, flags);
    if (p == NULL)
        return NULL;
    lead = tarn_align_gap(p, align);
    if (lead != 0)
        tarn_os_release(p, lead);
    if (lead != align - page)
        tarn_os_release(p + lead + size, align - page - lead);
    return p + lead;
}

void *tarn_os_reserve(size_t size, size_t align)
{
    return map_aligned(size, align, PROT_NONE, MAP_NORESERVE);
}

void *tarn_os_map(size_t size, size_t align)
{
    return map_aligned(size, align, PROT_READ | PROT_WRITE, 0);
}

/* The size stands in the flags as its logarithm (Linux 3.8). */
void *tarn_os_map_huge(size_t size, size_t huge)
{
    int log = __builtin_ctzll((unsigned long long)huge);
    assert(tarn_is_power_of_two(huge) && size % huge == 0);
    return map(size, PROT_READ | PROT_WRITE, MAP_HUGETLB | (int)((unsigned)log << HUGE_SHIFT));
}

/* Before Linux 5.14 each page is touched, so that nothing is changed: others may be writing it. */
static void touch_each(char *p, size_t size) /* NOLINT(readability-non-const-parameter) */
{
    size_t page = tarn_os_page_size();
    for (size_t at = 0; at < size; at += page)
        (void)__atomic_fetch_or(p + at, 0, __ATOMIC_RELAXED);
}

bool tarn_os_populate(void *p, size_t size, bool may_touch)
{
    int saved = errno;
    bool done = madvise(p, size, POPULATE_WRITE) == 0;
    assert(is_piece(p, size));
    if (!done && may_touch && errno != ENOMEM && errno != EFAULT && errno != EHWPOISON) {
        touch_each(p, size);
        done = true;
    }
    errno = saved;
    return done;
}

bool tarn_os_commit(void *p, size_t size)
{
    int saved = errno;
    bool done = mprotect(p, size, PROT_READ | PROT_WRITE) == 0;
    assert(is_piece(p, size));
    errno = saved;
    return done;
}

/* A fresh mapping over the old one: contents and commit charge go in one call. */
bool tarn_os_decommit(void *p, size_t size)
{
    int saved = errno, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    bool done = mmap(p, size, PROT_NONE, flags, -1, 0) != MAP_FAILED;
    assert(is_piece(p, size));
    errno = saved;
    return done;
}

bool tarn_os_purge(void *p, size_t size)
{
    int saved = errno;
    bool done = madvise(p, size, MADV_DONTNEED) == 0;
    assert(is_piece(p, size));
    errno = saved;
    return done;
}

void tarn_os_release(void *p, size_t size)
{
    int saved = errno;
    assert(is_piece(p, size));
    if (munmap(p, size) != 0) /* a split beyond the limit of mappings: at least the memory goes */
        (void)madvise(p, size, MADV_DONTNEED);
    errno = saved;
}

void *tarn_os_remap(void *p, size_t old_size, size_t new_size, size_t align, bool may_move)
{
    int saved = errno;
    void *to = NULL, *q;
    assert(is_piece(p, old_size) && is_piece(p, new_size));
    q = mremap(p, old_size, new_size, 0);
    if (q == MAP_FAILED && may_move && align <= tarn_os_page_size()) {
        q = mremap(p, old_size, new_size, MREMAP_MAYMOVE);
    } else if (q == MAP_FAILED && may_move) {
        to = tarn_os_reserve(new_size, align);
        if (to != NULL)
            q = mremap(p, old_size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
        if (to != NULL && q == MAP_FAILED)
            tarn_os_release(to, new_size);
        /* It is committed, but Valgrind takes what was gained for still reserved until told so. */
        else if (to != NULL && new_size > old_size)
            (void)tarn_os_commit((char *)q + old_size, new_size - old_size);
    }
    errno = saved;
    return q != MAP_FAILED ? q : NULL;
}

bool tarn_os_advise_huge(void *p, size_t size)
{
    int saved = errno;
    bool done = madvise(p, size, MADV_HUGEPAGE) == 0;
    errno = saved;
    return done;
}

/* Since Linux 5.17, where built in; the kernel copies the name, and refuses some characters. */
void tarn_os_name(void *p, size_t size, const char *name)
{
    int saved = errno;
    (void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, (unsigned long)(uintptr_t)p, (unsigned long)size,
                (unsigned long)(uintptr_t)name);
    errno = saved;
}
