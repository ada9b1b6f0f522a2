/* SPDX-License-Identifier: MIT */
/* Your own functions as a source: a board's second bank of memory, handed out in pages of 4 KiB. */
#include <stdio.h>

#include <tarn/arena.h>
#include <tarn/callbacks.h>

#define BANK_PAGES 64

/* The bank, and which of its pages are taken. */
static _Alignas(4096) char bank[BANK_PAGES * 4096];
static bool taken[BANK_PAGES];

static tarn_status bank_map(void *user, size_t size, size_t align, uint32_t flags, tarn_region *out)
{
    size_t want = size / 4096, run = 0;
    (void)user, (void)flags;
    for (size_t i = 0; i < BANK_PAGES; i++) {
        run = taken[i] || (run == 0 && (uintptr_t)(bank + i * 4096) % align != 0) ? 0 : run + 1;
        if (run == want) {
            for (size_t j = i + 1 - want; j <= i; j++)
                taken[j] = true;
            out->ptr = bank + (i + 1 - want) * 4096;
            return TARN_OK;
        }
    }
    return TARN_NO_MEMORY;
}

static void bank_unmap(void *user, void *ptr, size_t size, size_t align)
{
    (void)user, (void)align;
    for (size_t i = 0; i < size / 4096; i++)
        taken[(size_t)((char *)ptr - bank) / 4096 + i] = false;
}

int main(void)
{
    tarn_callbacks memory;
    tarn_arena arena;
    if (tarn_callbacks_init(
            &memory,
            &(tarn_callbacks_options){.map = bank_map, .unmap = bank_unmap, .name = "bank"}) ||
        tarn_arena_init(&arena, &(tarn_arena_options){.source = &memory.source,
                                                      .chunk_size = 16384}) != TARN_OK)
        return 1;
    size_t blocks = 0;
    while (tarn_arena_alloc(&arena, 1000, TARN_SPEC(8)) != NULL)
        blocks++;
    tarn_callbacks_report report;
    tarn_callbacks_get_report(&memory, &report);
    printf("%zu blocks of 1000 bytes in %zu regions of the bank; then it refused %zu times\n",
           blocks, report.regions, report.refused);
    tarn_arena_deinit(&arena);
    tarn_callbacks_deinit(&memory);
    return blocks > 200 ? 0 : 1;
}
