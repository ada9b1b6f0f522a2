/* SPDX-License-Identifier: MIT */
/* Unwinding and the map of loaded files.
 *
 * libunwind is opened at run time and may be absent: then a context is its return address, which is in the key anyway.
 * Its unw_backtrace takes the dynamic linker's lock and has locks of its own, so:
 *   S1  one thread unwinds at a time, and nobody waits long for it: a thread that holds the linker's lock (a callback of
 *       dl_iterate_phdr that allocates) would wait for one that waits for it. Who cannot have it goes without a stack.
 *   S2  fork waits for the unwinder, so that a child does not inherit its locks held; a child that came about without
 *       fork handlers never unwinds.
 */
#define _GNU_SOURCE
#include "record/stacks.h"

#include "record/lock.h"
#include "record/output.h"
#include "trace/meta.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#define MODULES_MAX 4096u
#define UNWIND_WAIT 20u  /* ms that an allocation waits for the unwinder */
#define FORK_WAIT   200u /* ms that a fork waits for it                  */

typedef struct module {
    uint64_t start, end, name_hash;
} module;

static int (*unwind)(void **, int);
static bool fork_is_safe; /* the fork handler holds the unwinder */
static rec_lock unwind_lock;
static module known[MODULES_MAX];
static uint32_t known_count;
static unsigned long long seen_adds, seen_subs;

static const uint8_t *find_build_id(const struct dl_phdr_info *info, size_t *length)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_NOTE)
            continue;
        const uint8_t *at = (const uint8_t *)(info->dlpi_addr + segment->p_vaddr);
        const uint8_t *end = at + segment->p_memsz;
        while ((size_t)(end - at) > sizeof(ElfW(Nhdr))) {
            const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(const void *)at;
            const uint8_t *name = at + sizeof *note;
            const uint8_t *value = name + ((note->n_namesz + 3u) & ~3u);
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && !memcmp(name, "GNU", 4)) {
                *length = note->n_descsz;
                return value;
            }
            at = value + ((note->n_descsz + 3u) & ~3u);
        }
    }
    *length = 0;
    return NULL;
}

static void tell_module(const struct dl_phdr_info *info, uint64_t start, uint64_t end)
{
    static uint8_t record[TARN_META_RECORD_MAX]; /* of unwind_lock */
    size_t id_length;
    const uint8_t *id = find_build_id(info, &id_length);
    size_t path_length = strlen(info->dlpi_name);
    if (id_length > 64)
        id_length = 64;
    if (path_length > 4096)
        path_length = 4096;
    uint8_t *out = tarn_varint_put(record, info->dlpi_addr);
    out = tarn_varint_put(out, start);
    out = tarn_varint_put(out, end);
    out = tarn_meta_text(out, id ? id : record, id_length);
    out = tarn_meta_text(out, info->dlpi_name, path_length);
    rec_meta_begin((size_t)(out - record));
    rec_meta_put(TARN_META_MODULE, record, (size_t)(out - record));
    rec_meta_end();
}

static void note_module(const struct dl_phdr_info *info)
{
    uint64_t start = UINT64_MAX, end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uint64_t at = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type != PT_LOAD)
            continue;
        start = at < start ? at : start;
        end = at + segment->p_memsz > end ? at + segment->p_memsz : end;
    }
    uint64_t hash = tarn_check(info->dlpi_name, (uint32_t)strlen(info->dlpi_name));
    uint32_t place = 0;
    while (place < known_count && (known[place].start != start || known[place].end != end))
        place++;
    if (start >= end || place == MODULES_MAX ||
        (place < known_count && known[place].name_hash == hash))
        return;
    known[place] = (module){.start = start, .end = end, .name_hash = hash};
    known_count += place == known_count;
    tell_module(info, start, end);
}

/* Stop at the first file when nothing was loaded or unloaded since. */
static int each_module(struct dl_phdr_info *info, size_t size, void *first)
{
    (void)size;
    if (*(bool *)first && known_count && info->dlpi_adds == seen_adds &&
        info->dlpi_subs == seen_subs)
        return 1;
    *(bool *)first = false;
    seen_adds = info->dlpi_adds;
    seen_subs = info->dlpi_subs;
    note_module(info);
    return 0;
}

unsigned rec_stack_take(uint64_t ret, uint64_t *frames, unsigned room, bool *unwound)
{
    frames[0] = ret;
    *unwound = false;
    if (!rec_lock_within(&unwind_lock, UNWIND_WAIT))
        return 1;
    bool first = true;
    dl_iterate_phdr(each_module, &first);
    int n = unwind ? unwind((void **)frames, (int)room) : 0;
    rec_unlock(&unwind_lock);
    /* The recorder's own frames come first. */
    int own = 0;
    while (own < n && frames[own] != ret)
        own++;
    if (own >= n) {
        frames[0] = ret;
        return 1;
    }
    *unwound = true;
    memmove(frames, frames + own, (size_t)(n - own) * sizeof *frames);
    return (unsigned)(n - own);
}

static void before_fork(void)
{
    fork_is_safe = rec_lock_within(&unwind_lock, FORK_WAIT);
}

static void after_fork_here(void)
{
    if (fork_is_safe)
        rec_unlock(&unwind_lock);
    fork_is_safe = false;
}

static void after_fork_there(void)
{
    if (!fork_is_safe)
        unwind = NULL;
}

void rec_stacks_init(void)
{
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    void *function = library ? dlsym(library, "unw_backtrace") : NULL;
    memcpy(&unwind, &function, sizeof unwind);
    pthread_atfork(before_fork, after_fork_here, after_fork_there);
}

void rec_stacks_forked(void)
{
    if (!fork_is_safe)
        unwind = NULL;
    fork_is_safe = false;
    rec_lock_reset(&unwind_lock);
    known_count = 0;
}
