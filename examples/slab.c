/* SPDX-License-Identifier: MIT */
/* A slab: texts of many lengths from classes made for them; what a class wastes, and what it holds. */
#include <stdio.h>
#include <string.h>

#include <tarn/new.h>

int main(void)
{
    tarn_slab slab;
    tarn_slab_options options = {.largest = 256, .waste = 25, .name = "texts"};
    tarn_status status = tarn_slab_init(&slab, &options);
    if (status != TARN_OK) {
        fprintf(stderr, "slab: %s\n", tarn_status_text(status));
        return 1;
    }

    char *texts[1000];
    for (size_t i = 0; i < 1000; i++) {
        texts[i] = tarn_slab_alloc(&slab, 1 + i % 300, 0); /* beyond 256: from the parent, malloc */
        if (texts[i] == NULL)
            return 1;
        memset(texts[i], 'x', i % 300);
        texts[i][i % 300] = 0;
    }

    tarn_slab_class_stats one;
    puts(" size  pages  live  idle");
    for (size_t k = 0; tarn_slab_get_class(&slab, k, &one); k++)
        printf("%5zu  %5zu %5zu %5zu\n", one.size, one.pages, one.live_blocks,
               one.at_hand + one.free_blocks);

    for (size_t i = 0; i < 1000; i++)
        tarn_slab_free(&slab, texts[i], strlen(texts[i]) + 1, 0); /* the size finds the class */
    long *number = tarn_new(&slab, long);                         /* inlined, as on a pool */
    tarn_delete(&slab, number);

    tarn_stats stats;
    tarn_slab_stats(&slab, &stats);
    printf("%zu live blocks, %zu bytes given back by trim\n", stats.live_blocks,
           tarn_slab_trim(&slab));
    tarn_slab_deinit(&slab);
    return stats.live_blocks == 0 && number != NULL ? 0 : 1;
}
