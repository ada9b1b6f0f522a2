/* SPDX-License-Identifier: MIT */
/*
 * huge.c - which huge pages there are, and which of them a range has got: Linux.
 *
 * What the pages are is told by /proc/self/smaps, one paragraph for each mapping:
 *
 *     7f0000000000-7f0000400000 rw-p 00000000 00:00 0     the addresses
 *     KernelPageSize:     4 kB                            2048 for explicit ones of 2 MiB
 *     AnonHugePages:   2048 kB                            in transparent huge pages now
 *     Private_Hugetlb:    0 kB                            in explicit ones now
 *     VmFlags: rd wr mr mw me ac hg                       ht: explicit, hg: advised
 *
 * How many of the range's bytes are in huge pages is told exactly by the pagemap's scan (Linux 6.7).
 * Before that the paragraphs are added up; where a mapping is larger than the range, as neighbours
 * of one kind are merged into one, and has huge pages in a part of it, the number is unknown.
 *
 * I1  errno is left as it was found.
 */
#include "os/huge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/pages.h"

/* The pagemap's scan, as <linux/fs.h> has it where it is new enough. */
struct page_run {
    uint64_t start, end, kinds;
};
struct page_scan {
    uint64_t size, flags, start, end, walk_end;
    uint64_t runs, run_count, max_pages;
    uint64_t inverted, all_of, any_of, wanted;
};
#define SCAN         _IOWR('f', 16, struct page_scan)
#define KIND_PRESENT (UINT64_C(1) << 3) /* explicit ones are huge before they are there */
#define KIND_ZERO    (UINT64_C(1) << 5) /* the one page of zeros, which takes no memory */
#define KIND_HUGE    (UINT64_C(1) << 6)

enum { RUNS = 64 };

/* ── What there is ─────────────────────────────────────────────────────────────────────────── */

bool tarn_os_has_huge(size_t size)
{
    char path[80];
    int saved = errno;
    bool there;
    if (size == 0)
        return false;
    (void)snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%zukB", size / 1024);
    there = size % 1024 == 0 && access(path, F_OK) == 0;
    errno = saved;
    return there || size == tarn_os_huge_size();
}

static size_t read_transparent_size(void)
{
    size_t size = 0;
    FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%zu", &size) != 1) /* NOLINT(cert-err34-c) */
        size = 0;
    (void)fclose(f);
    return size;
}

size_t tarn_os_transparent_size(void)
{
    static size_t transparent = 1; /* 1: not asked yet */
    size_t known = __atomic_load_n(&transparent, __ATOMIC_RELAXED);
    if (known == 1) {
        int saved = errno;
        known = read_transparent_size();
        errno = saved;
        __atomic_store_n(&transparent, known, __ATOMIC_RELAXED);
    }
    return known;
}

/* ── What a range has got ──────────────────────────────────────────────────────────────────── */

/* Adds up the runs of huge pages in [from, to). False where the system has no such scan. */
static bool scan(uint64_t from, uint64_t to, size_t *bytes)
{
    struct page_run runs[RUNS] = {{0, 0, 0}};
    struct page_scan s;
    bool done = true;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    *bytes = 0;
    while (done && from < to) {
        int count;
        memset(&s, 0, sizeof s);
        s.size = sizeof s;
        s.start = from;
        s.end = to;
        s.runs = (uint64_t)(uintptr_t)runs;
        s.run_count = RUNS;
        s.inverted = KIND_ZERO;
        s.all_of = KIND_HUGE | KIND_PRESENT | KIND_ZERO;
        s.wanted = KIND_HUGE;
        count = ioctl(fd, SCAN, &s);
        done = count >= 0 && s.walk_end > from;
        for (int i = 0; i < count; i++)
            *bytes += (size_t)(runs[i].end - runs[i].start);
        from = s.walk_end;
    }
    (void)close(fd);
    return done;
}

/* One paragraph of smaps. */
struct mapping {
    uint64_t from, to;
    size_t page, huge; /* bytes */
    bool is_explicit, is_advised;
};

/* Reads up to and with the line of flags, which is the last. False at the end of the file. */
static bool read_mapping(FILE *f, struct mapping *m)
{
    char line[512];
    memset(m, 0, sizeof *m);
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long long from, to;
        size_t kib;
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2) { /* NOLINT(cert-err34-c) */
            m->from = from;
            m->to = to;
        } else if (sscanf(line, "KernelPageSize: %zu kB", &kib) == 1) { /* NOLINT(cert-err34-c) */
            m->page = kib * 1024;
        } else if (sscanf(line, "AnonHugePages: %zu kB", &kib) == 1 ||   /* NOLINT(cert-err34-c) */
                   sscanf(line, "Private_Hugetlb: %zu kB", &kib) == 1) { /* NOLINT(cert-err34-c) */
            m->huge += kib * 1024;
        } else if (strncmp(line, "VmFlags:", 8) == 0) {
            m->is_explicit = strstr(line, " ht") != NULL;
            m->is_advised = strstr(line, " hg") != NULL;
            return true;
        }
    }
    return false;
}

/* What one mapping, [from, to) of it being in the range, adds to the sum. */
static void add(tarn_os_huge *out, const struct mapping *m, uint64_t from, uint64_t to)
{
    size_t all = (size_t)(m->to - m->from), part = (size_t)(to - from);
    if (part == all || m->huge == 0 || m->huge == all)
        out->bytes += m->huge < part ? m->huge : part;
    else
        out->is_counted = false;
}

/* False when the range begins in no mapping. */
static bool read_mappings(FILE *f, uint64_t from, uint64_t to, tarn_os_huge *out)
{
    struct mapping m;
    bool found = false;
    while (read_mapping(f, &m) && m.from < to) {
        if (m.to <= from)
            continue;
        if (!found && m.from > from)
            return false;
        if (!found) {
            out->is_explicit = m.is_explicit;
            out->is_advised = m.is_advised;
            out->page = m.page;
            out->is_counted = true;
        }
        found = true;
        add(out, &m, m.from > from ? m.from : from, m.to < to ? m.to : to);
    }
    return found;
}

bool tarn_os_ask_huge(const void *p, size_t size, tarn_os_huge *out)
{
    int saved = errno;
    uint64_t from = (uintptr_t)p, to = from + size;
    size_t bytes;
    bool found;
    FILE *f = fopen("/proc/self/smaps", "re");
    memset(out, 0, sizeof *out);
    found = f != NULL && read_mappings(f, from, to, out);
    if (f != NULL)
        (void)fclose(f);
    if (found && scan(from, to, &bytes)) {
        out->is_counted = true;
        out->bytes = bytes;
    }
    errno = saved;
    return found;
}
